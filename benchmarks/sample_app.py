"""Throughput and latency of the sample app: SQLite and PostgreSQL, one and two workers, reads and writes apart.

    .venv/bin/python benchmarks/sample_app.py                  # eight measurements of 5 s, about 70 s
    .venv/bin/python benchmarks/sample_app.py --seconds 20 --json

The whole service under gunicorn with its metrics, 8 threads per worker, on loopback, from a fresh database that forces
its writes to the disk. Eight clients with an account each send one request after the other over a connection that stays:
reads look at the account, writes deposit a cent. The clients share the processors with the service and the database, so
a service of its own would do better; compare the rows with one another. The load average tells how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from tests.support.postgresql import PostgreSQL  # noqa: E402 - the project is not installed
from tests.support.processes import free_port  # noqa: E402

CLIENTS = 8
_WARM_UP_S = 1.0
_START_LIMIT_S = 30.0


@dataclass(frozen=True)
class Measurement:
    """What eight clients saw; times in milliseconds."""

    database: str
    workers: int
    requests: str
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int


@contextmanager
def service(database_url: str, workers: int, directory: Path) -> Iterator[int]:
    """Run the service on a database and give its port."""
    port, metrics_port = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINTECH_")} | {
        "PYTHONPATH": str(PROJECT / "sample_app"),
        "FINTECH_SECRET_KEY": "of-a-benchmark-" + "x" * 32,
        "FINTECH_DATABASE_URL": database_url,
        "FINTECH_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
        "FINTECH_WRITE_LIMIT": "1000000/second",
        "FINTECH_LOG_LEVEL": "warning",  # no line for each request: the terminal is not what is measured
    }
    subprocess.run([sys.executable, "-m", "fintech", "migrate"], env=environment, check=True, capture_output=True)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:fintech.serving", f"--bind=127.0.0.1:{port}"]
    command += [f"--workers={workers}", "--keep-alive=60", "fintech.wsgi:app"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=log, stderr=log)
    try:
        _wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def accounts(port: int) -> list[tuple[str, str]]:
    """Register the clients; return token and account number of each."""
    made = []
    for number in range(CLIENTS):
        credentials = {"username": f"client-{number}", "password": "a password of a benchmark"}
        _post(port, "users", credentials)
        token = str(_post(port, "tokens", credentials)["access_token"])
        made.append((token, str(_post(port, "accounts", {"name": "Benchmark"}, token)["number"])))
    return made


def load(port: int, requests: Sequence[bytes], seconds: float) -> tuple[list[float], int]:
    """Send each of these requests again and again, each over a connection of its own.

    Returns:
        The seconds that each answer took, of those sent after the warm-up, and how many were no success.
    """
    begin = time.perf_counter() + _WARM_UP_S
    end = begin + seconds
    took: list[list[float]] = [[] for _ in requests]
    failed = [0] * len(requests)

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (sent := time.perf_counter()) < end:
                connection.sendall(requests[number])
                status = _answer(connection)
                if sent >= begin:
                    took[number].append(time.perf_counter() - sent)
                    failed[number] += not 200 <= status < 300

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for one in took for seconds in one], sum(failed)


def measure(seconds: float) -> Iterator[Measurement]:
    """Measure one row after the other."""
    with tempfile.TemporaryDirectory(prefix="promontory-bench-") as scratch:
        server = PostgreSQL(durable=True).start()
        try:
            for database in ("sqlite", "postgresql"):
                for workers in (1, 2):
                    directory = Path(scratch, f"{database}-{workers}")
                    directory.mkdir()
                    url = f"sqlite:///{directory}/fintech.db"
                    if database == "postgresql":
                        url = server.create_database().render_as_string(hide_password=False)
                    with service(url, workers, directory) as port:
                        clients = accounts(port)
                        for name, requests in (("reads", _reads(clients)), ("writes", _writes(clients))):
                            # Another process, so that the clients' Python is not held up by ours.
                            with multiprocessing.get_context("spawn").Pool(1) as pool:
                                took, failed = pool.apply(load, (port, requests, seconds))
                            yield Measurement(
                                database, workers, name, round(len(took) / seconds, 1),
                                *(percentile(took, share) for share in (50, 95, 99)), failed,
                            )  # fmt: skip
        finally:
            server.remove()


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the time in milliseconds within which `share` percent were answered (nearest rank)."""
    ordered = sorted(seconds)
    return round(ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)] * 1000, 1)


def _reads(clients: Sequence[tuple[str, str]]) -> list[bytes]:
    return [_request("GET", f"accounts/{number}", token) for token, number in clients]


def _writes(clients: Sequence[tuple[str, str]]) -> list[bytes]:
    return [
        _request("POST", "deposits", token, json.dumps({"account": number, "amount": "0.01"}).encode())
        for token, number in clients
    ]


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = f"{method} /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n" if body else "\r\n"
    return head.encode() + body


def _answer(connection: socket.socket) -> int:
    """Read one answer to its end and return its status."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _more(connection)
    return int(head.split(b" ", 2)[1])


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the service closed the connection")
    return received


def _post(port: int, path: str, body: dict[str, str], token: str = "") -> dict[str, object]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own service
        answer: dict[str, object] = json.load(response)
    return answer


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the service did not become ready")


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    rows = []
    if not options.json:
        print(f"{os.cpu_count()} processors, load average {before:.1f} before")
        print(f"{'database':12}{'workers':>8}  {'requests':10}{'per second':>11}{'p50':>9}{'p95':>9}{'p99':>9}{'failed':>8}")
    for row in measure(options.seconds):
        rows.append(row)
        if not options.json:
            print(
                f"{row.database:12}{row.workers:>8}  {row.requests:10}{row.per_second:>11}"
                f"{row.p50_ms:>6} ms{row.p95_ms:>6} ms{row.p99_ms:>6} ms{row.failed:>8}",
                flush=True,
            )
    if options.json:
        told = {"processors": os.cpu_count(), "load_before": round(before, 2), "rows": [asdict(row) for row in rows]}
        print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
