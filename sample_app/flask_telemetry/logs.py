"""The log: one JSON object per line on standard error, with the ids of the trace, no secrets.

A request's line holds its route template, path, method, status and time. Query strings, bodies, headers and cookies are
never written, not even where gunicorn would: see `WithoutRequests`.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from flask import has_request_context

from flask_telemetry.traces import trace_of_request

_encode = json.JSONEncoder(default=str).encode  # json.dumps would make an encoder for each line


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; fields passed as `extra={"fields": {...}}` stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters of whatever was logged arrive escaped, so nobody can forge a line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["trace_id"], line["span_id"] = trace_of_request()
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


class WithoutRequests(logging.Filter):
    """Takes out of gunicorn's messages what a client sent: there are secrets in query strings and broken headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, some of them shortened."""
        if not isinstance(record.msg, str):
            return True
        if record.msg.startswith("Invalid request from"):
            # The address, the kind of error, and then, quoted, what the client sent.
            record.msg = re.split(r"[\"']", record.getMessage(), maxsplit=1)[0].rstrip(" :b")
            record.args = ()
        elif record.msg.startswith("Error handling request") and isinstance(record.args, tuple):
            record.args = tuple(str(argument).partition("?")[0] for argument in record.args)
        return True


def logging_config(level: int = logging.INFO) -> dict[str, object]:
    """Return a `logging.config.dictConfig` mapping: everything, gunicorn included, as JSON on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "flask_telemetry.logs.JsonFormatter"}},
        "filters": {"without requests": {"()": "flask_telemetry.logs.WithoutRequests"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level, "handlers": ["stderr"]},
        # gunicorn's own access lines would hold query strings, and every request has a line already.
        "loggers": {
            "gunicorn.error": {"level": level, "filters": ["without requests"], "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "propagate": False},
        },
    }
