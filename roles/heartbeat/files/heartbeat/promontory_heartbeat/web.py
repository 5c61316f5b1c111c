"""Takes the beats, and shows the state as a page, as JSON and as metrics."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request

from promontory_heartbeat import __version__
from promontory_heartbeat.config import Config
from promontory_heartbeat.mail import duration
from promontory_heartbeat.metrics import Metrics
from promontory_heartbeat.watch import Watch, Watches

log = logging.getLogger(__name__)

ALERT = "Watchdog"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

pages = Blueprint("pages", __name__)


def create_app(config: Config, watches: Watches, metrics: Metrics) -> Flask:
    """Make the WSGI application."""
    app = Flask(__name__)
    app.config.update(SETTINGS=config, WATCHES=watches, METRICS=metrics)
    app.register_blueprint(pages)
    app.after_request(_harden)
    return app


@pages.post("/beat/<token>")
def beat(token: str) -> tuple[Response, int]:
    """Take a notification of Alertmanager (webhook, version 4): each firing Watchdog is a beat of its environment."""
    if not hmac.compare_digest(token.encode(), _settings().token.encode()):
        abort(404)
    taken, now = [], time.time()
    for environment, is_firing in _watchdogs(request.get_json()):
        known = (_watches().beat if is_firing else _watches().lost)(environment, now)
        if not known:
            log.warning("a Watchdog of %r came, which is not watched", environment)
            _metrics().refused.inc()
        elif is_firing:
            _metrics().beats.labels(environment).inc()
            taken.append(environment)
    return jsonify(taken=taken), 200


@pages.get("/")
def page() -> str:
    """Show the state of each watch."""
    watches = [_as_json(watch) for watch in _watches().all()]
    return render_template("page.html", watches=watches, duration=duration, limit=_settings().silence_s)


@pages.get("/api/watches")
def api() -> Response:
    """Give the state of each watch."""
    return jsonify([_as_json(watch) for watch in _watches().all()])


@pages.get("/metrics")
def metrics() -> Response:
    """Give the metrics in Prometheus' text format."""
    return Response(_metrics().render(), mimetype="text/plain")


@pages.get("/healthz")
def healthz() -> Response:
    """Say that it serves, and in which version."""
    return jsonify(status="ok", version=__version__)


def _watchdogs(document: Any) -> Iterator[tuple[str, bool]]:
    """Yield environment and "is firing" of each Watchdog in a notification; 400 for anything that is none."""
    alerts = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(alerts, list):
        abort(400, "expected a notification of Alertmanager: a JSON object with the list `alerts`")
    for alert in alerts:
        labels = alert.get("labels") if isinstance(alert, dict) else None
        if not isinstance(labels, dict):
            abort(400, "an alert of the notification has no labels")
        if labels.get("alertname") == ALERT:
            yield str(labels.get("environment", "")), alert.get("status") == "firing"


def _as_json(watch: Watch) -> dict[str, Any]:
    now = time.time()
    return {
        "name": watch.name,
        "is_silent": _watches().is_silent(watch, now),
        "last_beat": watch.last_beat,
        "silent_for_s": round(_watches().silent_for_s(watch, now), 1),
        "reported_at": watch.reported_at,
    }


def _harden(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _settings() -> Config:
    settings: Config = current_app.config["SETTINGS"]
    return settings


def _watches() -> Watches:
    watches: Watches = current_app.config["WATCHES"]
    return watches


def _metrics() -> Metrics:
    held: Metrics = current_app.config["METRICS"]
    return held
