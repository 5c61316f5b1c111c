"""Trace ids of requests, as W3C Trace Context writes them: taken over from the caller, or begun here."""

from __future__ import annotations

import random
import re
from typing import NamedTuple
from wsgiref.types import WSGIEnvironment

from flask import request

_KEY = "flask_telemetry.trace"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# version "-" trace-id "-" parent-id "-" flags, lower-case hexadecimal only; a later version may add more at the end.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_CHARACTERS_MAX = 256


class Trace(NamedTuple):
    """Where a request stands: 32 digits for the whole trace, 16 for the work done here; lower-case hexadecimal."""

    trace_id: str
    span_id: str


def trace_of(environ: WSGIEnvironment) -> Trace:
    """Return the trace of a request, the same for as long as it is in work.

    A valid header `traceparent` gives the trace id. Anything else in it is ignored, as the standard demands: then a
    trace begins here.
    """
    trace: Trace | None = environ.get(_KEY)
    if trace is None:
        # These numbers must be unlike, not secret: nobody gains by guessing one.
        digits = f"{random.getrandbits(192):048x}"
        environ[_KEY] = trace = Trace(_given_trace_id(environ) or digits[16:], digits[:16])
    return trace


def request_id_of(environ: WSGIEnvironment) -> str:
    """Return the id by which client and log name a request: the client's X-Request-Id when it can be one, else the trace id."""
    given: str | None = environ.get("HTTP_X_REQUEST_ID")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return trace_of(environ).trace_id


def trace_of_request() -> Trace:
    """Return the trace of the current request."""
    return trace_of(request.environ)


def request_id_of_request() -> str:
    """Return the id of the current request, which its client sees as X-Request-Id."""
    return request_id_of(request.environ)


def _given_trace_id(environ: WSGIEnvironment) -> str | None:
    header: str | None = environ.get("HTTP_TRACEPARENT")
    if header is None or len(header) > _CHARACTERS_MAX:
        return None
    found = _TRACEPARENT.fullmatch(header)
    if found is None or (found[1] == "00" and found[3]):
        return None
    return found[2]
