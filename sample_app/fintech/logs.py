"""The log: one JSON object per line on standard error, one line per request, no secrets.

A request's line holds its route template, method, status, time, and an id that the client sees too. Query strings,
bodies, headers and cookies are never written.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from fintech.telemetry import duration_of_request_s, route_of_request

_LOG = logging.getLogger("fintech.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PATH_CHARACTERS_MAX = 200
_QUIET_ROUTES = frozenset({"/healthz", "/readyz"})  # probes: at debug level only


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; fields passed as `extra={"fields": {...}}` stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters of whatever was logged arrive escaped, so nobody can forge a line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def logging_config(level: int = logging.INFO) -> dict[str, object]:
    """Return a `logging.config.dictConfig` mapping: everything, gunicorn included, as JSON on standard error."""
    through_root = {"level": level, "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "fintech.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level, "handlers": ["stderr"]},
        # gunicorn's own access lines would hold query strings, and every request has a line already.
        "loggers": {"gunicorn.error": through_root, "gunicorn.access": {"level": "CRITICAL", "propagate": False}},
    }


def init_app(app: Flask) -> None:
    """Give every request an id and a line."""
    app.before_request(_take_request_id)
    app.after_request(_log_request)


def _take_request_id() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    route = route_of_request()
    _LOG.log(
        logging.DEBUG if route in _QUIET_ROUTES else logging.INFO,
        "request",
        extra={
            "fields": {
                "request_id": g.request_id,
                "method": request.method,
                "route": route,
                "path": request.path[:_PATH_CHARACTERS_MAX],
                "status": response.status_code,
                "duration_ms": round(duration_of_request_s() * 1000, 1),
                "client": request.remote_addr,
            }
        },
    )
    return response
