"""The page and the API. Messages are not trusted: HTML parts are shown in a sandbox that runs and loads nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from promontory_mailbox import __version__
from promontory_mailbox.message import Content, read
from promontory_mailbox.metrics import Metrics
from promontory_mailbox.refusal import RefusalError, Refusals
from promontory_mailbox.refusal import read as read_refusal
from promontory_mailbox.store import Store, Summary

MAX_LIMIT = 10_000
_RAW_SHOWN_BYTES = 200_000
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# No scripts, no requests, no forms; links open outside of the sandbox.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_STATE = re.compile(r"^\[(?:(?P<over>RESOLVED):\d+|FIRING:\d+\]\[(?P<severity>critical|warning|info))\]")
_VIEWS = ("html", "text", "headers", "raw")

StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

pages = Blueprint("pages", __name__)


def create_app(store: Store, metrics: Metrics, refusals: Refusals, is_smtp_serving: Callable[[], bool]) -> Flask:
    """Make the WSGI application.

    Args:
        store: Where the messages are.
        metrics: What /metrics renders.
        refusals: What /api/refusal sets.
        is_smtp_serving: Asked by /healthz; False makes it answer 503.
    """
    app = Flask(__name__)
    app.config.update(STORE=store, METRICS=metrics, REFUSALS=refusals, IS_SMTP_SERVING=is_smtp_serving)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(pages)
    app.register_error_handler(HTTPException, _error)
    app.after_request(_harden)
    app.jinja_env.filters.update(ago=ago, size=size, state=state_of)
    app.wsgi_app = _under_prefix(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


@pages.get("/")
def inbox() -> str:
    """Show the messages, those whose subject contains `q` where it is given."""
    wanted = request.args.get("q", "").strip()
    messages = [summary for summary in _store().newest_first() if wanted.lower() in summary.subject.lower()]
    return render_template("inbox.html", messages=messages, wanted=wanted, total=len(_store()))


@pages.get("/messages/<message_id>")
def message(message_id: str) -> str:
    """Show one message: `view` is html, text, headers or raw."""
    summary, raw = _message(message_id)
    content = read(raw)
    views = [view for view in _VIEWS if view != "html" or content.html is not None]
    view = request.args.get("view", views[0])
    if view not in views:
        view = views[0]
    return render_template(
        "message.html",
        summary=summary,
        content=content,
        view=view,
        views=views,
        raw=raw[:_RAW_SHOWN_BYTES].decode("utf-8", "replace") if view == "raw" else "",
        is_raw_cut=len(raw) > _RAW_SHOWN_BYTES,
    )


@pages.get("/messages/<message_id>/html")
def message_html(message_id: str) -> Response:
    """Give the HTML part alone, for the sandboxed frame."""
    content = read(_message(message_id)[1])
    if content.html is None:
        abort(404, f"message {message_id} has no HTML part")
    # Links must not open inside the frame. A second doctype, the mail's own, is ignored by browsers.
    answer = Response(f'<!doctype html><base target="_blank">{content.html}', mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _MAIL_POLICY
    return answer


@pages.get("/api/messages")
def list_messages() -> Response:
    """List messages, newest first; `subject` (part of it), `since` (later than) and `limit` narrow the list."""
    wanted = request.args.get("subject", "").lower()
    since = _since(request.args.get("since"))
    limit = _limit(request.args.get("limit"))
    found = [
        summary
        for summary in _store().newest_first()
        if wanted in summary.subject.lower() and (since is None or summary.received > since)
    ]
    return jsonify([_as_json(summary) for summary in found[:limit]])


@pages.delete("/api/messages")
def delete_messages() -> Response:
    """Delete all messages."""
    return jsonify(deleted=_store().clear())


@pages.get("/api/messages/<message_id>")
def get_message(message_id: str) -> Response:
    """Give one message with its contents."""
    summary, raw = _message(message_id)
    return jsonify(_as_json(summary) | _content_as_json(read(raw)))


@pages.get("/api/messages/<message_id>/raw")
def get_raw(message_id: str) -> Response:
    """Give one message as it was sent, after the trace headers."""
    answer = Response(_message(message_id)[1], mimetype="message/rfc822")
    answer.headers["Content-Disposition"] = f'attachment; filename="{message_id}.eml"'
    return answer


@pages.get("/api/refusal")
def get_refusal() -> Response:
    """Tell what is refused on demand, or null."""
    return jsonify(refusal=_refusals().state())


@pages.put("/api/refusal")
def put_refusal() -> Response:
    """Refuse mail for a while, as a mail server that is ill: `code`, `stage`, `for_s` and `times` in JSON."""
    try:
        _refusals().begin(read_refusal(request.get_json()))
    except RefusalError as error:
        abort(400, str(error))
    return jsonify(refusal=_refusals().state())


@pages.delete("/api/refusal")
def delete_refusal() -> Response:
    """Take mail again."""
    _refusals().end()
    return jsonify(refusal=None)


@pages.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Tell whether messages are taken."""
    serving = bool(current_app.config["IS_SMTP_SERVING"]())
    status = "ok" if serving else "smtp is not served"
    return jsonify(status=status, messages=len(_store()), version=__version__), 200 if serving else 503


@pages.get("/metrics")
def metrics_page() -> Response:
    """Give the metrics in Prometheus' text format."""
    metrics: Metrics = current_app.config["METRICS"]
    return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Say how long ago a moment was, in the largest whole unit: `just now`, `3 min ago`, `2 h ago`, `5 d ago`."""
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def size(number: int) -> str:
    """Say a number of bytes in kB or MB, as mail programs do."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{max(1, round(number / 1e3))} kB"


def state_of(subject: str) -> str:
    """Return critical, warning, info or resolved from the beginning of an alert's subject, or ""."""
    found = _STATE.match(subject)
    return (found["over"] or found["severity"]).lower() if found else ""


def _store() -> Store:
    store: Store = current_app.config["STORE"]
    return store


def _refusals() -> Refusals:
    refusals: Refusals = current_app.config["REFUSALS"]
    return refusals


def _message(message_id: str) -> tuple[Summary, bytes]:
    found = _store().get(message_id)
    if found is None:
        abort(404, f"no message {message_id[:64]}")
    return found


def _since(value: str | None) -> datetime | None:
    """Read ISO 8601 or seconds since 1970; a time without zone is UTC."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    try:
        if math.isfinite(seconds):
            return datetime.fromtimestamp(seconds, UTC)
        moment = datetime.fromisoformat(value.replace(" ", "+"))  # an unescaped + arrives as a space
    except (ValueError, OverflowError, OSError):
        abort(400, f"since is {value[:64]!r}, expected ISO 8601 such as 2026-11-22T05:30:00Z, or seconds since 1970")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _limit(value: str | None) -> int:
    if not value:
        return MAX_LIMIT
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:6]) <= MAX_LIMIT and len(value) < 6):
        abort(400, f"limit is {value[:64]!r}, expected a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _as_json(summary: Summary) -> dict[str, Any]:
    return {
        "id": summary.id,
        "received": summary.received.isoformat().replace("+00:00", "Z"),
        "from": summary.sender,
        "to": list(summary.recipients),
        "subject": summary.subject,
        "size": summary.size,
    }


def _content_as_json(content: Content) -> dict[str, Any]:
    return {
        "headers": [{"name": name, "value": value} for name, value in content.headers],
        "text": content.text,
        "html": content.html,
        "attachments": [
            {"name": attachment.name, "type": attachment.type, "size": attachment.size}
            for attachment in content.attachments
        ],
        "problems": content.problems,
    }


def _error(error: HTTPException) -> tuple[Response | str, int]:
    code = error.code or 500
    if request.path.startswith("/api/"):
        return jsonify(error=error.description), code
    return render_template("error.html", code=code, description=error.description), code


def _harden(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "static":
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _under_prefix(inner: WsgiApp) -> WsgiApp:
    """Serve under the path that a proxy names in X-Forwarded-Prefix, whether or not it strips it from requests."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        prefix = environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/")
        if _PREFIX.fullmatch(prefix):
            environ["SCRIPT_NAME"] = prefix
            path = environ.get("PATH_INFO", "")
            if path == prefix or path.startswith(f"{prefix}/"):
                environ["PATH_INFO"] = path.removeprefix(prefix) or "/"
        return inner(environ, start_response)

    return application
