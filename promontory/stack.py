"""What the last run left behind about the stack: its doors (build/stack.json) and its proof (build/verify.json)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from promontory.errors import ServiceUnreachable, UsageError
from promontory.project import Project

_TIMEOUT_S = 10


@dataclass(frozen=True)
class Access:
    """One door for people: a component's URL and where its password lies."""

    component: str
    host: str
    url: str                      # ends with a slash
    username: str = ""
    password_file: Path | None = None

    def session(self) -> requests.Session:
        """Give an HTTP session that knows the password.

        Raises:
            UsageError: The password's file cannot be read.
        """
        session = requests.Session()
        # A proxy for the internet is of no use on the way to a lab or a private network.
        session.trust_env = not _is_private(self.url)
        if self.password_file is not None:
            session.auth = (self.username, read_secret(self.password_file))
        return session

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask for `path` below the URL.

        Raises:
            ServiceUnreachable: No answer, or one with a status of 400 and more.
        """
        url = self.url + path.lstrip("/")
        options.setdefault("timeout", _TIMEOUT_S)
        try:
            with self.session() as session:
                answer = session.request(method, url, **options)
        except requests.RequestException as error:
            raise ServiceUnreachable(
                f"{self.component} on {self.host} does not answer at {url}: {error}",
                hint=f"See its state with: promontory status; is {urlsplit(url).hostname} reachable from here?",
            ) from error
        if answer.status_code >= 400:
            raise ServiceUnreachable(
                f"{self.component} on {self.host} answers {answer.status_code} for {method} {url}: {answer.text[:300].strip()}",
                hint="The password in use is not the one provisioned; run `promontory up`."
                if answer.status_code in (401, 403)
                else "",
            )
        return answer


@dataclass(frozen=True)
class Stack:
    """The provisioned stack as the topology model wrote it down."""

    environment: str
    hosts: Sequence[Mapping[str, Any]]
    doors: Sequence[Access]
    secrets: Mapping[str, Path]   # name -> file on this machine

    def door(self, component: str) -> Access:
        """Find the first door of a component.

        Raises:
            UsageError: The stack has none.
        """
        for access in self.doors:
            if access.component == component:
                return access
        raise UsageError(
            f"This stack has no {component}.",
            hint=f"Put a host into the inventory's group {component} and run `promontory up`.",
        )

    def secret(self, name: str) -> str:
        """Read a secret by its name.

        Raises:
            UsageError: The stack names no such file, or it cannot be read.
        """
        if name not in self.secrets:
            raise UsageError(f"build/stack.json names no secret {name}.", hint="Run `promontory up` to write it again.")
        return read_secret(self.secrets[name])


@dataclass(frozen=True)
class Check:
    """One thing the proof asked."""

    name: str
    host: str
    ok: bool
    detail: str
    look: str   # the command to look closer, or empty


@dataclass(frozen=True)
class Proof:
    """build/verify.json."""

    ok: bool
    at: str
    checks: Sequence[Check]

    @property
    def misses(self) -> list[Check]:
        """What is not as declared."""
        return [check for check in self.checks if not check.ok]


def load_stack(project: Project) -> Stack:
    """Read build/stack.json.

    Raises:
        UsageError: There is none yet, or it is broken.
    """
    raw = _load(project.build / "stack.json", f"Run `{project.command('up')}` first.")
    try:
        doors = [
            Access(
                component=entry["component"], host=entry["host"], url=entry["url"].rstrip("/") + "/",
                username=(entry.get("auth") or {}).get("username", ""),
                password_file=_path(project, (entry.get("auth") or {}).get("password_file")),
            )
            for entry in raw["urls"]
        ]
        secrets = {name: project.root / file for name, file in raw.get("secrets", {}).items()}
        return Stack(environment=raw["environment"], hosts=raw["hosts"], doors=doors, secrets=secrets)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{project.build / 'stack.json'} lacks {error}.", hint=f"Run `{project.command('up')}` to write it again."
        ) from error


def load_proof(project: Project, *, newer_than: float = 0.0) -> Proof | None:
    """Read build/verify.json; None when there is none, or none written after `newer_than` (epoch seconds)."""
    path = project.build / "verify.json"
    if not path.is_file() or path.stat().st_mtime < newer_than:
        return None
    raw = _load(path, f"Run `{project.command('verify')}` again.")
    checks = [
        Check(
            name=str(check.get("name", "")), host=str(check.get("host", "")), ok=bool(check.get("ok")),
            detail=str(check.get("detail", "")), look=str(check.get("look") or ""),
        )
        for check in raw.get("checks", ())
    ]
    return Proof(ok=bool(raw.get("ok")), at=str(raw.get("at", "")), checks=checks)


def load_json(path: Path, hint: str) -> dict[str, Any]:
    """Read a generated JSON object; see `load_stack` for what is raised."""
    return _load(path, hint)


def read_secret(path: Path) -> str:
    """Read a one-line secret file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"The secret in {path} cannot be read: {error.strerror}.",
            hint="Secrets are made by the run that provisions; use the same clone and user, or run `promontory up`.",
        ) from error


def _load(path: Path, hint: str) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: nothing has been provisioned from here yet.", hint=hint) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=hint) from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} holds no JSON object.", hint=hint)
    return loaded


def _path(project: Project, text: str | None) -> Path | None:
    return project.root / text if text else None   # an absolute path stays as it is


def _is_private(url: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_private
    except ValueError:
        return False
