"""gunicorn's logger without access lines: they would hold query strings, and each request has a line already.

With a logging configuration of ours gunicorn would put an access line together for every request, and only then learn
that nobody wants it; that alone took a tenth of an empty route's time.
"""

from __future__ import annotations

from gunicorn.glogging import Logger  # type: ignore[import-untyped]


class GunicornLogger(Logger):  # type: ignore[misc]
    """Logs what gunicorn itself has to say."""

    def access(self, *_about_a_request: object) -> None:
        """Write nothing."""
