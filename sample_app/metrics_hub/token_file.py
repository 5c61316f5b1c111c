"""The bearer tokens that Prometheus shows, from a file that may be renewed while the hub runs."""

from __future__ import annotations

import hmac
from pathlib import Path

from metrics_hub.errors import NotNow, OptionError

MIN_TOKEN_CHARACTERS = 32
_MAX_FILE_BYTES = 65_536


class TokenFile:
    """Bearer tokens, one per line; all of them are valid.

    Two lines make a renewal without a gap: add the new token, give it to Prometheus, take the old one away. The file
    is read for each request: a change, also one that Kubernetes makes in a mounted Secret, counts from the next one.
    """

    def __init__(self, path: Path) -> None:
        """Take the file.

        Raises:
            OptionError: It cannot be read, or holds no token or one that is too short.
        """
        self._path = path
        try:
            self.read()
        except NotNow as error:
            raise OptionError("--token-file", str(error), "Put a long random text into it, one per line") from error

    def read(self) -> list[bytes]:
        """Return the tokens.

        Raises:
            NotNow: As in the constructor; the message names the file, never what is in it.
        """
        try:
            with self._path.open("rb") as file:
                lines = file.read(_MAX_FILE_BYTES).splitlines()
        except OSError as error:
            raise NotNow(f"cannot read {self._path}: {error.strerror}") from error
        tokens = [line.strip() for line in lines if line.strip()]
        if not tokens:
            raise NotNow(f"{self._path} is empty")
        shortest = min(len(token) for token in tokens)
        if shortest < MIN_TOKEN_CHARACTERS:
            raise NotNow(f"a token in {self._path} has {shortest} characters, at least {MIN_TOKEN_CHARACTERS} are needed")
        return tokens

    def accepts(self, authorization: str) -> bool:
        """Tell whether a header `Authorization` holds one of the tokens.

        Every token is compared in full, so that the time tells nothing about any of them.

        Raises:
            NotNow: The file has become unusable.
        """
        scheme, _, given = authorization.partition(" ")
        shown = given.strip().encode()
        matches = [hmac.compare_digest(token, shown) for token in self.read()]
        return scheme.lower() == "bearer" and any(matches)
