"""A host in a temporary directory for tests of the transaction: a fake systemd, a tiny program, tiny archives."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import shlex
import shutil
import struct
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import (
    config_tree,
    declaration,
    layout,
    readback,
    release,
    service,
    transaction,
    unit,
)
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

READBACK = {
    "ready": {"url": "tiny://ready"},
    "version": {"url": "tiny://version", "json": "version"},
    "reload": {"url": "tiny://metrics", "success": "tiny_reload_successful", "at": "tiny_reload_timestamp_seconds"},
    "timeout_s": 0.2,
    "settle_s": 0,
}

# What the tiny program prints and refuses when it is asked before it serves.
PROGRAM = """#!/bin/sh
case "$1" in
  --version) echo "tiny, version {version} (branch: none)" ;;
  --help) echo "  --listen=ADDRESS  where to listen"; echo "  --[no-]color  colourful"; {more_help} ;;
  check) if grep -q refused "$2"; then echo "$2: line 1: refused" >&2; exit 1; fi ;;
esac
"""


def elf(machine: int) -> bytes:
    """The first bytes of a little-endian ELF executable for a machine number (62 is amd64, 183 is arm64)."""
    return b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8) + struct.pack("<HHI", 2, machine, 1) + bytes(40)


def pack(path: Path, members: Mapping[str, bytes], *, mode: int = 0o755) -> Path:
    """Write a tar archive with exactly these members, hostile names included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return path


def sha256(path: Path) -> str:
    """A file's sum, told by other code than the one under test."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Running:
    """What a started program holds in memory."""

    version: str
    unit: str
    texts: Mapping[str, str]


class FakeSystemd:
    """Stands in for systemd and for the program it starts.

    It works on the files below the layout's root as systemd would: with the unit read at the last daemon-reload,
    and with the configuration as it lies there at the start or reload. Words in ``tiny.conf`` make the program
    misbehave: ``dies``, ``never-ready``, ``refuses-reload``, ``wrong-version``.
    """

    def __init__(self, host: layout.Layout) -> None:
        self.layout = host
        self.loaded = ""
        self.read: tuple[Path, int] | None = None
        self.running: Running | None = None
        self.invocation = 0
        self.reloaded: tuple[int, float] = (1, 0.0)
        self.pending: tuple[int, float] | None = None
        self.calls: list[str] = []

    def status(self) -> service.Status:
        stale = bool(self.loaded) and self.read != self._unit_file()
        if self.running is None:
            return service.Status(active=False, stale=stale, invocation="", state="inactive/dead")
        if "dies" in self.running.texts["tiny.conf"]:
            self.invocation += 1
            return service.Status(active=False, stale=stale, invocation="", state="activating/auto-restart")
        return service.Status(active=True, stale=stale, invocation=str(self.invocation), state="active/running")

    def daemon_reload(self) -> None:
        self._called("daemon-reload")
        self.loaded, self.read = self._unit_on_disk(), self._unit_file()

    def restart(self) -> None:
        self._called("restart")
        self.running = None
        if not self.loaded:
            raise ComponentError("systemctl restart tiny.service failed.", detail="Unit tiny.service not found.")
        line = next(line for line in self.loaded.splitlines() if line.startswith("ExecStart="))
        program = shlex.split(line.removeprefix("ExecStart="))[0]
        directory = self.layout.root / Path(program).parent.relative_to("/")
        version = (directory / "VERSION").read_text()  # a release that is gone cannot be started
        self.invocation += 1
        self.running = Running(version=version, unit=self.loaded, texts=self._texts())
        self.reloaded, self.pending = (1, time.time()), None

    def reload(self) -> None:
        self._called("reload")
        assert self.running is not None
        texts = self._texts()
        if "refuses-reload" in texts["tiny.conf"]:
            self.pending = (0, self.reloaded[1])
        else:
            self.running = Running(version=self.running.version, unit=self.running.unit, texts=texts)
            self.pending = (1, time.time())

    def stop(self) -> None:
        self._called("stop")
        self.running = None

    def last_words(self, *, lines: int = 15) -> str:
        return "tiny: said before it died"

    def ask(self, spec: readback.Readback) -> FakeClient:
        return FakeClient(self)

    def crash(self) -> None:
        """The program ends without having been told to."""
        self.running = None

    def _called(self, what: str) -> None:
        self.calls.append(what)
        faults.reached(f"systemctl {what}")

    def _texts(self) -> dict[str, str]:
        found = {
            str(path.relative_to(self.layout.config)): path.read_bytes().decode()
            for path in self.layout.config.rglob("*")
            if path.is_file()
        }
        if "tiny.conf" not in found:
            raise ComponentError("systemctl restart tiny.service failed.", detail="tiny.conf: no such file")
        return found

    def _unit_on_disk(self) -> str:
        file = self._unit_file()
        return (self.layout.root / file[0]).read_text() if file else ""

    def _unit_file(self) -> tuple[Path, int] | None:
        """The file behind the unit's links, and its time: systemd tells by them whether it has read it."""
        # Absolute links point into the real file system; the root of the test stands in for it.
        for link in (self.layout.unit_link, self.layout.wants_link):
            if not link.is_symlink():
                return None
        path = self.layout.root / self.layout.unit_link.readlink().relative_to("/")
        if not path.exists():
            return None
        return path.resolve().relative_to(self.layout.root.resolve()), path.stat().st_mtime_ns


class FakeClient:
    """Answers as the tiny program would over HTTP."""

    def __init__(self, systemd: FakeSystemd) -> None:
        self._systemd = systemd

    def get(self, url: str) -> str:
        running = self._systemd.running
        if running is None or "dies" in running.texts["tiny.conf"]:
            raise OSError(f"{url}: connection refused")
        if url == "tiny://ready" and "never-ready" in running.texts["tiny.conf"]:
            raise OSError(f"{url} answers 503: starting")
        if url == "tiny://version" and "no-json" in running.texts["tiny.conf"]:
            return "<html>welcome</html>"
        version = "9.9.9" if "wrong-version" in running.texts["tiny.conf"] else running.version
        return json.dumps({"version": version})

    def metric(self, url: str, name: str) -> float | None:
        self.get(url)
        success, at = self._systemd.reloaded
        if name == "tiny_reload_timestamp_seconds" and self._systemd.pending:
            # A signal is taken some time after it was sent: the first answer is still about the reload before.
            self._systemd.reloaded, self._systemd.pending = self._systemd.pending, None
        return {"tiny_reload_successful": float(success), "tiny_reload_timestamp_seconds": at}[name]


@dataclass
class Host:
    """One host: its files below ``root`` and its fake systemd."""

    root: Path
    systemd: FakeSystemd = field(init=False)
    layout: layout.Layout = field(init=False)

    def __post_init__(self) -> None:
        self.layout = layout.Layout(name="tiny", program="tiny", root=self.root)
        self.systemd = FakeSystemd(self.layout)
        (self.root / "etc/systemd/system").mkdir(parents=True, exist_ok=True)

    def transaction(self, *, check_mode: bool = False) -> transaction.Transaction:
        return transaction.Transaction(
            self.layout,
            self.systemd,
            check_mode=check_mode,
            client=self.systemd.ask,  # type: ignore[arg-type]
        )

    def apply(self, declared: declaration.Declaration, *, check_mode: bool = False) -> declaration.Outcome:
        return self.transaction(check_mode=check_mode).apply(declared)

    def remove(self, *, purge_data: bool = False) -> declaration.Outcome:
        return self.transaction().remove(purge_data=purge_data)

    def roll_back(self) -> declaration.Outcome:
        return self.transaction().roll_back()

    def copy(self, root: Path) -> Host:
        """The same host once more: files with their times, and what runs."""
        shutil.copytree(self.root, root, symlinks=True)
        twin = Host(root)
        twin.systemd.__dict__.update(copy.copy(self.systemd.__dict__), layout=twin.layout, calls=[])
        return twin

    def files(self) -> dict[str, str]:
        """Every file and link below the root, for comparing before and after."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.is_symlink():
                found[str(path.relative_to(self.root))] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path.relative_to(self.root))] = path.read_bytes().decode("utf-8", "replace")
        return found

    def everything(self) -> list[str]:
        """Every path below the root, empty directories included."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def journal(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(self.layout.journal.read_text())
        return held

    def on_disk(self, declared: declaration.Declaration) -> bool:
        """Tell whether exactly this set lies whole behind the link ``current``."""
        return (
            config_tree.read(self.layout.config) == declared.live_texts(self.layout)
            and (self.layout.current / "tiny.service").read_text() == declared.unit_text(self.layout)
            and release.is_intact(self.layout.opt / declared.release.name, declared.release)
        )

    def serves(self, declared: declaration.Declaration) -> bool:
        """Tell whether exactly this set runs and could be started again."""
        running = self.systemd.running
        return (
            running is not None
            and running.version == declared.release.version
            and running.texts == declared.live_texts(self.layout)
            and running.unit == declared.unit_text(self.layout)
            and release.is_intact(self.layout.opt / declared.release.name, declared.release)
        )


class Shelf:
    """Makes declarations of the tiny program, with their archives kept in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def archive(self, version: str, *, more_help: str = ":") -> Path:
        path = self.directory / f"tiny-{version}.tar.gz"
        if not path.exists():
            text = PROGRAM.format(version=version, more_help=more_help)
            pack(path, {f"tiny-{version}/tiny": text.encode(), f"tiny-{version}/VERSION": version.encode()})
        return path

    def declare(
        self,
        version: str = "1.0.0",
        *,
        conf: str = "answer: 1\n",
        files: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        argv: tuple[str, ...] = (),
        **fields: Any,
    ) -> declaration.Declaration:
        archive = self.archive(version)
        made = unit.Unit(name="tiny", user="tiny", argv=["{release}/tiny", "serve", "{config}/tiny.conf", *argv])
        standard: dict[str, Any] = {
            "release": release.Release(
                program="tiny",
                name=version,
                version=version,
                source="archive",
                artifact=archive,
                sha256=sha256(archive),
                version_command=("{release}/tiny", "--version"),
            ),
            "user": "tiny",
            "tree": config_tree.Tree(files={"tiny.conf": conf, **(files or {})}, secrets=secrets or {}),
            "unit": unit.render(made, systemd=257),
            "request": "asked",
            "checks": [["{release}/tiny", "check", "{config}/tiny.conf"]],
            "reload_paths": ["tiny.conf", "rules/*"],
            "readback": READBACK,
        }
        return declaration.Declaration(**{**standard, **fields})


class Faults:
    """Does nothing unless a test has armed it; see ``faults.py``."""

    def reached(self, what: str) -> None:
        """A step that changes something is about to be taken."""


faults: Any = Faults()
