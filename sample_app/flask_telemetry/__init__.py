"""Metrics, traces and logs for a Flask service, right with one gunicorn worker and with many.

    from flask_telemetry import Telemetry

    Telemetry(app, service="shop", version="1.4.0")

and `gunicorn --config python:flask_telemetry.gunicorn shop:app`: then /metrics and /livez are on a port of their own.
"""

from flask_telemetry.logs import JsonFormatter, logging_config
from flask_telemetry.telemetry import Telemetry, route_of_request, telemetry_of
from flask_telemetry.traces import Trace, request_id_of_request, trace_of_request

__all__ = [
    "JsonFormatter",
    "Telemetry",
    "Trace",
    "logging_config",
    "request_id_of_request",
    "route_of_request",
    "telemetry_of",
    "trace_of_request",
]
