"""A wire between the service and its database that can be cut at the worst moment: around a commit."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from enum import Enum


class Cut(Enum):
    """When the wire is cut."""

    BEFORE = "the commit never arrives"
    AFTER = "the commit is carried out, its answer never arrives"


# As they travel; reads end in a commit too, and are not meant.
_COMMIT = b"COMMIT\0"
_BOOKING = b"INSERT INTO postings"


class CuttingProxy:
    """Hands on to 127.0.0.1:`port` what arrives at its own port, until it is told to cut.

    Args:
        port: Where the database listens.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut: Cut | None = None
        self._then: Callable[[], object] = lambda: None
        self.happened = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at_next_commit(self, when: Cut, then: Callable[[], object] = lambda: None) -> None:
        """Cut the connection on which the next commit of a booking comes; one that never arrives is replaced by `then`."""
        self.happened.clear()
        self._then = then
        self._cut = when

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        booking = threading.Event()  # the transaction under way on this connection books something
        lost = threading.Event()  # the answers on this connection are lost from now on
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            answers = threading.Thread(target=_pump, args=(server, client, lambda _: self._to_client(lost)))
            answers.start()
            _pump(client, server, lambda chunk: self._to_server(chunk, booking, lost))
            answers.join()

    def _to_server(self, chunk: bytes, booking: threading.Event, lost: threading.Event) -> bool:
        if _BOOKING in chunk:
            booking.set()
        if _COMMIT not in chunk:
            return True
        books = booking.is_set()
        booking.clear()
        if self._cut is None or not books:
            return True
        when, self._cut = self._cut, None
        lost.set()
        if when is Cut.BEFORE:
            self._then()
            self.happened.set()
        return when is Cut.AFTER

    def _to_client(self, lost: threading.Event) -> bool:
        if lost.is_set():
            self.happened.set()
        return not lost.is_set()


def _pump(source: socket.socket, sink: socket.socket, hand_on: Callable[[bytes], bool]) -> None:
    """Copy bytes until either end closes, or a piece is not to be handed on; then close both."""
    with contextlib.suppress(OSError):
        while (chunk := source.recv(65536)) and hand_on(chunk):
            sink.sendall(chunk)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
