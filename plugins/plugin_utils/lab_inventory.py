"""What a lab writes beside its inventory: where its hosts are and how to log in to them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

GENERATED = "hosts.generated.yml"
_HEADER = """\
# Written by playbooks/lab.yml: where this lab's hosts are and how to log in to them.
# Host keys are pinned by name, for an address may have belonged to another lab before; and a
# connection kept open belongs to one container, not to the next one with its address.
"""


def named_sources(directory: Path, sources: Sequence[str]) -> list[str]:
    """Return the inventory sources of a run without what the lab itself has written into a directory.

    A host that the inventory no longer names would otherwise stay for ever, named by that file alone.

    Args:
        directory: The inventory directory that lab hosts are named in; one of the sources.
        sources: Inventory sources of the run, in their order.
    """
    named = []
    for source in sources:
        if Path(source).resolve() == directory.resolve():
            named += [str(path) for path in sorted(directory.iterdir()) if _is_source(path)]
        else:
            named.append(source)
    return named


def _is_source(path: Path) -> bool:
    """Tell whether an entry of an inventory directory is a source itself and not the lab's own."""
    return path.is_file() and path.name != GENERATED and not path.name.startswith((".", "~"))


def inventory_text(hosts: Mapping[str, Mapping[str, str]], directory: Path) -> str:
    """Return the inventory of a lab's hosts.

    Args:
        hosts: Per inventory name: container (name, also that of its pinned key), id and address.
        directory: The lab's own directory, with ssh/id_ed25519 and ssh/known_hosts; secrets that are
            made on first use go there too, and go with the lab.
    """
    keys = directory / "ssh"
    entries = {
        host: {
            "ansible_host": made["address"],
            "stack_address": made["address"],
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(keys / "id_ed25519"),
            "ansible_ssh_common_args": " ".join(
                (
                    f"-o HostKeyAlias={made['container']}",
                    # Quoted once for ansible and once for ssh: the clone's path may hold spaces.
                    f"-o 'UserKnownHostsFile=\"{keys / 'known_hosts'}\"'",
                    "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o PasswordAuthentication=no",
                )
            ),
            "ansible_control_path": f"%(directory)s/lab-{made['id'][:10]}-%%r",
        }
        for host, made in sorted(hosts.items())
    }
    tree = {
        "all": {
            "vars": {"stack_secrets_dir": str(directory / "secrets")},
            "children": {"lab_hosts": {"hosts": entries}},
        }
    }
    return _HEADER + yaml.safe_dump(tree, sort_keys=False, width=1000)


def write_if_other(path: Path, text: str) -> bool:
    """Replace a file in one step unless it holds this text; tell whether it was replaced."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o644)
    os.replace(temporary, path)
    return True
