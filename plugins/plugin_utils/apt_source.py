"""A publisher's own APT repository for one component, with its key pinned by fingerprint."""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils import fetch
from ansible_collections.promontory.stack.plugins.module_utils.apt_repository import Unavailable
from ansible_collections.promontory.stack.plugins.module_utils.atomic import write_file
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils import openpgp

_KEYS = {"uri", "suite", "components", "key_url", "key_file", "fingerprint"}
_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
# They become one line of a sources list: nothing in them may end a word or open an option.
_URI = re.compile(r"https?://[^\s\[\]\"'#]+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~/+-]*")


@dataclass(frozen=True)
class AptSource:
    """A repository, as a role's ``release.apt_source`` describes it.

    Attributes:
        component: For messages.
        uri: Its address.
        suite: Such as ``stable``.
        sections: Such as ``main``; APT calls them components, which here are something else.
        key_url: Where its key is published; empty when there is a file.
        key_file: Its key on the controller; empty when there is a URL.
        fingerprint: Of that key, 40 capital hexadecimal digits.
    """

    component: str
    uri: str
    suite: str
    sections: tuple[str, ...]
    key_url: str
    key_file: str
    fingerprint: str

    def request(self) -> list[Any]:
        """What distinguishes it from another; where its key was read is not part of it."""
        return [self.uri, self.suite, list(self.sections), self.fingerprint]

    def wire(self, cache: Path) -> dict[str, Any]:
        """Return what the host needs, with the verified key.

        Args:
            cache: Directory of the artifact cache; a key that was fetched is kept there.
        Raises:
            ComponentError: The key cannot be read or is another one.
        """
        key = base64.b64encode(self.key(cache)).decode()
        return {"uri": self.uri, "suite": self.suite, "sections": list(self.sections), "key": key}

    def key(self, cache: Path) -> bytes:
        """Return the one key that has the pinned fingerprint, in binary; other keys of its file are left out.

        Raises:
            Unavailable: It cannot be fetched.
        ComponentError: It cannot be read or has another fingerprint.
        """
        if self.key_file:
            path = Path(os.path.expanduser(self.key_file))
            return self._picked(self._read(path), str(path))
        kept = cache / f"apt-key-{self.fingerprint}.asc"
        if kept.is_file():
            return self._picked(self._read(kept), str(kept))
        with tempfile.TemporaryDirectory() as scratch:
            fetched = Path(scratch) / "key"
            try:
                fetch.download(self.key_url, fetched)
            except ComponentError as error:
                raise Unavailable(
                    f"{self.component}: the key of {self.uri} cannot be fetched: {error.message}",
                    hint=f"Put it into {kept} or name a file: key_file in {self.component}_apt_source.",
                ) from error
            data = fetched.read_bytes()
        key = self._picked(data, self.key_url)  # before it is kept: what is refused must not lie in the cache
        cache.mkdir(parents=True, exist_ok=True)
        write_file(kept, data, mode=0o644)
        return key

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise ComponentError(
                f"{self.component}: the key {path} cannot be read ({error.strerror}).",
                hint=f"Correct key_file in {self.component}_apt_source; it is a file on the controller.",
            ) from error

    def _picked(self, data: bytes, where: str) -> bytes:
        try:
            found = openpgp.keys(data)
        except openpgp.NoKey as error:
            raise ComponentError(
                f"{self.component}: {where} is no OpenPGP public key that can be used: {error}.",
                hint=f"Correct key_url or key_file in {self.component}_apt_source.",
            ) from error
        if self.fingerprint not in found:
            raise ComponentError(
                f"{self.component}: the key {where} has the fingerprint {' and '.join(found)}, wanted {self.fingerprint}.",
                hint=f"Ask the publisher which one is right: correct fingerprint in {self.component}_apt_source if theirs has "
                "changed, else remove that key; do not skip the comparison. Nothing was changed.",
            )
        return found[self.fingerprint]


def describe(component: str, given: Mapping[str, Any]) -> AptSource | None:
    """Read a role's ``apt_source`` mapping; an empty one is none.

    Raises:
        ComponentError: A value is missing or wrong; it names the key.
    """
    if not given:
        return None
    source = AptSource(
        component=component,
        uri=str(given.get("uri") or "").rstrip("/"),
        suite=str(given.get("suite") or ""),
        sections=tuple(str(section) for section in given.get("components") or ()),
        key_url=str(given.get("key_url") or ""),
        key_file=str(given.get("key_file") or ""),
        fingerprint=re.sub(r"[\s:]", "", str(given.get("fingerprint") or "")).upper(),
    )
    problem = _problem(source, set(given) - _KEYS)
    if problem:
        raise ComponentError(f"{component}: release.apt_source: {problem}.", hint=f"Correct {component}_apt_source.")
    return source


def _problem(source: AptSource, unknown: set[str]) -> str:
    if unknown:
        return f"{sorted(unknown)[0]} is unknown; known are {', '.join(sorted(_KEYS))}"
    if not _URI.fullmatch(source.uri):
        return f"uri: {source.uri!r} is no http or https URL"
    for word in (source.suite, *source.sections):
        if not _WORD.fullmatch(word):
            return f"{word!r} is no name of a suite or component of a repository"
    if source.suite.endswith("/") == bool(source.sections):
        return f"components: {list(source.sections)} do not go with the suite {source.suite}; only one with a slash at its end has none"
    if bool(source.key_url) == bool(source.key_file):
        return "one of key_url and key_file is needed"
    if not _FINGERPRINT.fullmatch(source.fingerprint):
        return f"fingerprint: {source.fingerprint!r} is none; it has 40 hexadecimal digits, and is needed"
    return ""
