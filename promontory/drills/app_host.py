"""What app drills do on the hosts of the sample app, as shell commands that break and mend.

Each works on the unit as it is installed: its user, its environment and its processes are asked of systemd.
"""

from __future__ import annotations

from dataclasses import dataclass

_UNIT = "sample_app"
_DROP_IN = f"/run/systemd/system/{_UNIT}.service.d/promontory-drill.conf"
_SETTINGS = "/run/promontory-drill.env"
_RESPONDER = "promontory-drill-metrics"

# Shell functions that the commands below begin with.
_WORKERS = f'workers() {{ main=$(systemctl show -p MainPID --value {_UNIT}); cat "/proc/$main/task/$main/children"; }}; '
_OF_UNIT = f"of_unit() {{ systemctl show -p \"$1\" --value {_UNIT}; }}; "
_ENV_FILE = "file=$(of_unit EnvironmentFiles | head -n 1); file=${file%% *}; "


@dataclass(frozen=True)
class Commands:
    """A breakage and its mending; mending is repeatable and harmless where nothing is broken."""

    broken_by: str
    mended_by: str


def workers_killed(*, times: int, pause_s: int) -> Commands:
    """Kill all workers, again and again; gunicorn starts others each time.

    Args:
        pause_s: Seconds between two times; longer than a scrape interval, so that Prometheus sees each start.
    """
    once = f"for pid in $(workers); do kill -KILL \"$pid\"; done; sleep {pause_s}"
    return Commands(f"{_WORKERS}for time in $(seq {times}); do {once}; done", "true")


def descriptors_limited(*, used_percent: int) -> Commands:
    """Lower the workers' soft limit of file descriptors until what they have open is this share of it."""
    lower = f'open=$(ls "/proc/$pid/fd" | wc -l); prlimit --pid "$pid" --nofile=$((open * 100 / {used_percent})):'
    put_back = 'prlimit --pid "$pid" --nofile="$(of_unit LimitNOFILESoft)":'
    return Commands(
        f"{_WORKERS}for pid in $(workers); do {lower}; done",
        f"{_WORKERS}{_OF_UNIT}for pid in $(workers); do {put_back}; done",
    )


def settings_changed(**settings: str) -> Commands:
    """Restart the app with other settings, until it is mended or the host restarts."""
    lines = " ".join(f"'{name}=\"{value}\"'" for name, value in settings.items())
    drop_in = f"'[Service]' 'EnvironmentFile={_SETTINGS}'"   # after the unit's own file, so that it wins
    restart = f"systemctl daemon-reload; systemctl restart {_UNIT}"
    return Commands(
        f"mkdir -p \"$(dirname {_DROP_IN})\"; printf '%s\\n' {lines} > {_SETTINGS}; "
        f"printf '%s\\n' {drop_in} > {_DROP_IN}; {restart}",
        f"rm -f {_DROP_IN} {_SETTINGS}; {restart}",
    )


def metrics_empty() -> Commands:
    """Have something that knows no metrics answer in the place of the app's metrics; the app itself goes on."""
    elsewhere = settings_changed(FINTECH_METRICS_LISTEN="127.0.0.1:0")
    run = (
        f"systemd-run --quiet --collect --unit={_RESPONDER} -p EnvironmentFile=\"$file\" /usr/bin/python3 -c '{_EMPTY_METRICS}'"
    )
    return Commands(
        f"{_OF_UNIT}{_ENV_FILE}{elsewhere.broken_by}; {run}",
        f"systemctl stop {_RESPONDER}.service; {elsewhere.mended_by}",
    )


def ledger_unsound() -> Commands:
    """Have the app's own command make its ledger not add up, and add up again."""
    run = (
        'systemd-run --quiet --collect --wait -p User="$(of_unit User)" -p Environment="$(of_unit Environment)" '
        '-p UMask=0077 /usr/bin/python3 -m fintech ledger-drill --env-file "$file"'
    )
    return Commands(f"{_OF_UNIT}{_ENV_FILE}{run} on", f"{_OF_UNIT}{_ENV_FILE}{run} off")


# Listens where the app's metrics listened, with its certificate if it had one. Holds no apostrophe: it is quoted by them.
_EMPTY_METRICS = """
import os, ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Empty(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", "0")
        self.end_headers()

host, _, port = os.environ["FINTECH_METRICS_LISTEN"].rpartition(":")
ThreadingHTTPServer.address_family = 10 if ":" in host else 2
server = ThreadingHTTPServer((host.strip("[]"), int(port)), Empty)
if os.environ.get("FINTECH_METRICS_TLS_CERT"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["FINTECH_METRICS_TLS_CERT"], os.environ["FINTECH_METRICS_TLS_KEY"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
