"""What the instrumentation of a Flask service costs, beside none and beside prometheus_flask_exporter.

    .venv/bin/python benchmarks/instrumentation.py                 # one gunicorn worker, about two minutes
    .venv/bin/python benchmarks/instrumentation.py --workers 2     # several, with shared files
    .venv/bin/python benchmarks/instrumentation.py --json

The same route that returns "pong" is asked in five services that all run at once: without anything, with
flask_telemetry (metrics and trace ids), with prometheus_flask_exporter (labelled by route, as ours is), and, since a
line per request is a choice of its own, without anything but gunicorn's access log and with flask_telemetry and its
request log. They take turns, a short round each, in an order that moves on; what is compared is each round with the round of
the bare service in the same turn, and what is told is the median over all turns. So a machine that others use makes the
numbers of one turn worse and hardly their ratio.

Two ways: in one process, WSGI calls without a network, processor time per request; and over loopback through gunicorn,
where a client of this file (one thread, raw sockets, eight connections kept alive) measures requests per second, and
the kernel the processor time that the workers took for each. The exit code is 1 when flask_telemetry costs more than --limit
of the requests per second.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from tests.support.processes import free_port  # noqa: E402 - the project is not installed

SAMPLE_APP = PROJECT / "sample_app"
_CONNECTIONS = 8
_REQUEST = b"GET /ping HTTP/1.1\r\nHost: bench\r\n\r\n"
_START_LIMIT_S = 30

_BARE = """
from flask import Flask
app = Flask("bench")

@app.get("/ping")
def ping():
    return "pong"
"""
_OURS = f"""{_BARE}
import logging
from flask_telemetry import Telemetry
Telemetry(app, service="bench")
logging.getLogger("bench.request").setLevel("WARNING")
"""
_OURS_WITH_LINES = _OURS.replace('setLevel("WARNING")', 'setLevel("INFO")')
_EXPORTER = f"""{_BARE}
from prometheus_flask_exporter import PrometheusMetrics
from prometheus_flask_exporter.multiprocess import GunicornInternalPrometheusMetrics
kind = GunicornInternalPrometheusMetrics if "PROMETHEUS_MULTIPROC_DIR" in __import__("os").environ else PrometheusMetrics
kind(app, group_by="url_rule")
"""

# The order is that of the table. "against" is what the cost is told in relation to.
SERVICES = {
    "bare": (_BARE, "bare"),
    "flask_telemetry": (_OURS, "bare"),
    "prometheus_flask_exporter": (_EXPORTER, "bare"),
    "bare + access log": (_BARE, "bare"),
    "flask_telemetry + request log": (_OURS_WITH_LINES, "bare + access log"),
}
_PLAIN_GUNICORN = ("--worker-class=gthread", "--threads=8", "--log-level=warning")


def turns(services: list[str], count: int) -> Iterator[list[str]]:
    """Yield the services in an order that moves on by one with each turn."""
    for turn in range(count):
        start = turn % len(services)
        yield services[start:] + services[:start]


def in_process(count: int, requests: int) -> dict[str, list[float]]:
    """Measure WSGI calls of all services in this process; return microseconds of processor time per request, by turn."""
    sys.path.insert(0, str(SAMPLE_APP))
    import logging

    from flask_telemetry import JsonFormatter

    with Path(os.devnull).open("w") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(JsonFormatter())
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel("INFO")
        calls = {name: _wsgi_call(source) for name, (source, _) in SERVICES.items() if name != "bare + access log"}
        measured: dict[str, list[float]] = {name: [] for name in calls}
        for turn in turns(list(calls), count + 1):
            for name in turn:
                gc.collect()
                began = time.process_time()
                for _ in range(requests):
                    calls[name]()
                measured[name].append((time.process_time() - began) / requests * 1e6)
    return {name: values[1:] for name, values in measured.items()}  # the first turn warms up


def _wsgi_call(source: str) -> Callable[[], None]:
    from werkzeug.test import EnvironBuilder

    names: dict[str, Any] = {}
    # Loggers are shared by name, and the two services of ours differ in their level.
    exec(source.replace('"bench"', f'"bench{len(source)}"').replace("bench.", f"bench{len(source)}."), names)  # noqa: S102
    environ = EnvironBuilder("/ping").get_environ()

    def start_response(_status: str, _headers: list[tuple[str, str]], _error: object = None) -> None:
        pass

    def call() -> None:
        body = names["app"](dict(environ), start_response)
        assert b"".join(body) == b"pong"
        body.close()

    return call


@contextmanager
def running(directory: Path, name: str, workers: int) -> Iterator[tuple[int, int]]:
    """Run a service under gunicorn; give its port and the number of its master process."""
    directory.mkdir()
    source, _ = SERVICES[name]
    (directory / "bench.py").write_text(source, encoding="utf-8")
    port, metrics_port = free_port(), free_port()
    argv = [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", f"--workers={workers}", "--keep-alive=60"]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{directory}:{SAMPLE_APP}",
        "METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
    }
    if "flask_telemetry" in name:
        argv += ["--config=python:flask_telemetry.gunicorn"]
    else:
        argv += [*_PLAIN_GUNICORN, *(["--access-logfile=-"] if "access log" in name else [])]
        if "exporter" in name and workers > 1:
            (directory / "shared").mkdir()
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(directory / "shared")
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [*argv, "--no-control-socket", "bench:app"], cwd=directory, env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(server, port, directory / "log")
        yield port, server.pid
    finally:
        server.terminate()
        server.wait()


def over_loopback(count: int, requests: int, workers: int) -> dict[str, dict[str, list[float]]]:
    """Measure all services through gunicorn; return requests per second and microseconds of the workers, by turn."""
    measured: dict[str, dict[str, list[float]]] = {name: {"per_second": [], "cpu_us": []} for name in SERVICES}
    with tempfile.TemporaryDirectory(prefix="promontory-bench-") as scratch, ExitStack() as stack:
        services = {}
        for number, name in enumerate(SERVICES):
            services[name] = stack.enter_context(running(Path(scratch) / str(number), name, workers))
        for turn in turns(list(SERVICES), count + 1):
            for name in turn:
                port, master = services[name]
                with ExitStack() as closing:
                    connections = [
                        closing.enter_context(socket.create_connection(("127.0.0.1", port)))
                        for _ in range(_CONNECTIONS)
                    ]
                    _ask(connections, _CONNECTIONS)  # accepting them is not what is measured
                    cpu_ns, began = _cpu_ns(master), time.perf_counter()
                    _ask(connections, requests)
                    elapsed_s = time.perf_counter() - began
                    measured[name]["per_second"].append(requests / elapsed_s)
                    measured[name]["cpu_us"].append((_cpu_ns(master) - cpu_ns) / requests / 1e3)
    return {name: {key: values[1:] for key, values in both.items()} for name, both in measured.items()}


def _ask(connections: list[socket.socket], requests: int) -> None:
    """Send this many requests, one under way on each connection at any time."""
    for _ in range(requests // len(connections)):
        for connection in connections:
            connection.sendall(_REQUEST)
        for connection in connections:
            answer = b""
            while not answer.endswith(b"\r\n\r\npong"):
                received = connection.recv(4096)
                assert received, f"the service hung up after {answer!r}"
                answer += received
            assert answer.startswith(b"HTTP/1.1 200 "), answer


def _cpu_ns(master: int) -> int:
    """Return the processor time of the worker processes, nanoseconds, as the kernel's scheduler accounts for it."""
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(
        int(schedstat.read_text().split()[0])
        for worker in workers
        for schedstat in Path(f"/proc/{worker}/task").glob("*/schedstat")
    )


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"a service did not start:\n{log.read_text()[-2000:]}")


def costs(measured: dict[str, list[float]], *, more_is_better: bool = False) -> dict[str, dict[str, float]]:
    """Reduce each service's turns to a median and its cost, percent of what it is compared with in the same turn."""
    reduced = {}
    for name, values in measured.items():
        against = measured.get(SERVICES[name][1], measured["bare"])
        ratios = [one / other for one, other in zip(values, against, strict=True)]
        cost = statistics.median(1 - ratio if more_is_better else ratio - 1 for ratio in ratios)
        reduced[name] = {"median": round(statistics.median(values), 1), "cost_percent": round(cost * 100, 1)}
    return reduced


def main() -> int:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=40, help="turns of all services (default: 40)")
    parser.add_argument("--requests", type=int, default=800, help="requests in one round (default: 800)")
    parser.add_argument("--workers", type=int, default=1, help="gunicorn workers of each service (default: 1)")
    parser.add_argument("--limit", type=float, default=6.0, help="percent of the throughput that flask_telemetry may cost (default: 6)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if importlib.util.find_spec("prometheus_flask_exporter") is None:
        sys.exit("prometheus_flask_exporter is not installed: it is among requirements-dev.lock")
    loopback = over_loopback(options.turns, options.requests, options.workers)
    per_second = costs({name: both["per_second"] for name, both in loopback.items()}, more_is_better=True)
    cpu = costs({name: both["cpu_us"] for name, both in loopback.items()})
    calls = costs(in_process(options.turns, options.requests))
    over = per_second["flask_telemetry"]["cost_percent"] > options.limit
    if options.json:
        print(json.dumps({"loopback_per_second": per_second, "loopback_cpu_us": cpu, "in_process_us": calls}, indent=2))
        return int(over)
    print(f"{options.turns} turns of {options.requests} requests, {options.workers} worker(s) of 8 threads; medians\n")
    print(f"{'':30} {'requests/s':>10} {'cost':>7}   {'CPU/request':>11} {'cost':>7}   {'WSGI call':>9} {'more':>8}")
    for name in SERVICES:
        row = f"{name:30} {per_second[name]['median']:>10.0f} {per_second[name]['cost_percent']:>6.1f}%"
        row += f"   {cpu[name]['median']:>8.1f} µs {cpu[name]['cost_percent']:>6.1f}%"
        if name in calls:
            more = calls[name]["median"] - calls["bare"]["median"]
            row += f"   {calls[name]['median']:>6.1f} µs {more:>+5.1f} µs"
        print(row)
    print('\nThe costs of "+ request log" are beside "bare + access log", all others beside "bare".')
    print(
        f"flask_telemetry costs {'more than' if over else 'at most'} {options.limit:g} % of the bare route's requests per second."
    )
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
