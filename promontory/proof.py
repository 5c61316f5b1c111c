"""When the slow proofs must run again: a record of the last full proof and of the state it was given for.

The synthetic alert and the fault drill take a minute or more. They are repeated when provisioning changed something,
when what determines the state (inventory, roles, rules, …) differs from what was proven, or when the last full proof
is missing or failed. The record is build/proof.json.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from promontory.project import Project

# Everything in the tree that a run turns into the state of hosts.
_SOURCES = ("playbooks", "plugins", "roles", "rules", "sample_app", "dashboards", "ansible.cfg", "requirements.lock")
_IGNORED = {"collections", "__pycache__", "tests"}


@dataclass(frozen=True)
class FullProof:
    """The last proof that included the slow parts.

    Attributes:
        fingerprint: Of the sources it was given for.
        at: ISO 8601, UTC.
        mail_id: The drill's mail in the mailbox; empty when the stack has no sample app to break.
        mail_after_s: Seconds from the fault to the mail.
    """

    fingerprint: str
    at: str
    mail_id: str = ""
    mail_after_s: float = 0.0


def fingerprint(project: Project, extra_vars: Mapping[str, Any]) -> str:
    """Sum up everything here that determines the state of the hosts; secrets are not part of it."""
    digest = hashlib.sha256(json.dumps(extra_vars, sort_keys=True, default=str).encode())
    for base in [project.inventory, *(project.root / name for name in _SOURCES)]:
        for file in _files(base):
            digest.update(str(file).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def load(project: Project) -> FullProof | None:
    """Read the record; None when there is none that can be read."""
    try:
        return FullProof(**json.loads(_record(project).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save(project: Project, proof: FullProof) -> None:
    """Write the record."""
    project.build.mkdir(exist_ok=True)
    partial = _record(project).with_suffix(".part")
    partial.write_text(json.dumps(asdict(proof), indent=2) + "\n", encoding="utf-8")
    partial.replace(_record(project))


def forget(project: Project) -> None:
    """Remove the record: what it was given for has changed or is gone."""
    _record(project).unlink(missing_ok=True)


def _record(project: Project) -> Path:
    return project.build / "proof.json"


def _files(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
        return
    for directory, names, files in os.walk(base):   # does not follow links, so the collection's link is no loop
        names[:] = sorted(name for name in names if name not in _IGNORED)
        yield from (Path(directory, name) for name in sorted(files) if Path(directory, name).is_file())
