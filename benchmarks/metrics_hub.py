"""What the metrics hub takes for pods that answer at once: time and processor of one scrape, and memory.

    python benchmarks/metrics_hub.py 6 50

The pods are threads of a process of their own that send one exposition of the service's size, so that the hub is measured alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sample_app"))

from metrics_hub.exposition import Format
from metrics_hub.hub import Hub
from metrics_hub.targets import Targets

ROUTES = 50  # each with 14 buckets, +Inf, sum and count: about the series that the service has after an hour of load
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


def exposition() -> bytes:
    """Return what one pod sends."""
    name = "http_server_request_duration_seconds"
    lines = [f"# HELP {name} Time.", f"# TYPE {name} histogram"]
    for number in range(ROUTES):
        labels = f'http_request_method="GET",http_route="/api/v1/route{number}",http_response_status_code="200"'
        exemplar = ' # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.0042 1700000000.123'
        lines += [f'{name}_bucket{{{labels},le="{bound}"}} 42.0{exemplar}' for bound in (*BOUNDS, "+Inf")]
        lines += [f"{name}_count{{{labels}}} 42.0", f"{name}_sum{{{labels}}} 3.25"]
    return ("\n".join([*lines, "# EOF"]) + "\n").encode()


def serve(pods: int, ports: Connection) -> None:
    """Be the pods: one listener each."""
    body = exposition()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", Format.OPENMETRICS.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(pods)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports.send([server.server_address[1] for server in servers])
    ports.recv()


def measure(pods: int, scrapes: int) -> str:
    """Return one line about a hub of this many pods."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(pods, theirs), daemon=True)
    process.start()
    hub = Hub(Targets(",".join(f"127.0.0.1:{port}" for port in ours.recv())))
    answer = hub.scrape(Format.OPENMETRICS)
    wall, processor = [], []
    for _ in range(scrapes):
        began, used = time.perf_counter(), time.process_time()
        hub.scrape(Format.OPENMETRICS)
        wall.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - used) * 1000)
    hub.close()
    ours.send(None)
    process.join()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    samples = sum(not line.startswith("#") for line in answer.splitlines())
    return (
        f"{pods} pods: {samples} samples, {len(answer) / 2**20:.1f} MiB; wall {statistics.median(wall):.0f} ms (best "
        f"{min(wall):.0f}), processor {statistics.median(processor):.0f} ms (best {min(processor):.0f}), peak memory {peak_mib:.0f} MiB"
    )


def main() -> None:
    """Run as a command; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pods", nargs="*", type=int, default=[6, 50])
    parser.add_argument("--scrapes", type=int, default=20)
    options = parser.parse_args()
    print(f"one pod's answer: {len(exposition()) / 1024:.0f} KiB")
    for pods in options.pods:
        print(measure(pods, options.scrapes))


if __name__ == "__main__":
    main()
