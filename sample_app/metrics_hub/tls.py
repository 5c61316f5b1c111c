"""TLS of the hub's listener, from certificate files that may be renewed while the hub runs."""

from __future__ import annotations

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

from metrics_hub.errors import OptionError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TlsFiles:
    """PEM files.

    Attributes:
        certificate: The hub's own, with what lies between it and the root.
        key: Its key, without a passphrase.
        client_ca: Issuers of the certificates that clients must show; None when they need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Make a context of the files as they are now.

        Raises:
            OptionError: They cannot be read or do not belong together.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key, password="")  # never asks for one
        except OSError as error:  # ssl.SSLError is one
            problem = f"cannot use {self.certificate} with {self.key}: {error.strerror or error}"
            raise OptionError("--tls-cert", problem, "Name a PEM certificate and its own, readable key") from error
        if self.client_ca:
            try:
                context.load_verify_locations(self.client_ca)
            except OSError as error:
                problem = f"cannot use {self.client_ca}: {error.strerror or error}"
                raise OptionError("--tls-client-ca", problem, "Name a PEM file of certificates") from error
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class RenewedTls:
    """The context of the certificate files as they are at each connection."""

    def __init__(self, files: TlsFiles) -> None:
        """Load the files.

        Raises:
            OptionError: They cannot be used.
        """
        self._files = files
        self._lock = threading.Lock()
        self._seen = self._state()
        self._context = files.context()

    def context(self) -> ssl.SSLContext:
        """Return the present context; the former one while the files cannot be used, as in the midst of a change."""
        with self._lock:
            state = self._state()
            if state != self._seen:
                self._seen = state
                try:
                    self._context = self._files.context()
                    _LOG.info("the certificates were loaded anew")
                except OptionError as error:
                    _LOG.error("the former certificates stay: %s", error)
            return self._context

    def _state(self) -> list[tuple[int, int, int] | None]:
        files = (self._files.certificate, self._files.key, self._files.client_ca)
        return [_state_of(file) for file in files if file]


def _state_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
