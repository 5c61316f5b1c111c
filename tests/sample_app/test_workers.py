"""One worker or many: the sums are exact, whoever answered, died or was replaced; nobody leaves anything behind."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sample_app.conftest import get, wait_until
from tests.sample_app.small_services import SmallService

New = Callable[..., SmallService]
COUNT = "http_server_request_duration_seconds_count"
PING = {"http_request_method": "GET", "http_route": "/ping", "http_response_status_code": "200"}

SHOP = """
import pathlib, time
from flask import Flask
from flask_telemetry import Telemetry

app = Flask(__name__)
Telemetry(app, service="shop", version="1")

@app.get("/ping")
def ping():
    return "pong"

@app.get("/hold")
def hold():
    while not pathlib.Path("released").exists():
        time.sleep(0.01)
    return "held"

@app.get("/burn")
def burn():
    until = time.thread_time() + 0.4
    while time.thread_time() < until:
        pass
    return "burnt"
"""


@pytest.fixture(params=[1, 3], ids=["one worker", "three workers"])
def shop(request: pytest.FixtureRequest, make_small_service: New) -> SmallService:
    return make_small_service(SHOP, workers=request.param).start().ready()


@pytest.fixture
def shop_of_three(make_small_service: New) -> SmallService:
    return make_small_service(SHOP, workers=3).start().ready()


def send(service: SmallService, times: int, path: str = "/ping") -> None:
    """Send requests by ten clients at a time, each on a connection of its own, and see that all are answered."""
    with ThreadPoolExecutor(10) as clients:
        assert set(clients.map(lambda _: get(service.url + path)[0], range(times))) == {200}


def pings(service: SmallService) -> float:
    return service.metrics()(COUNT, **PING) or 0


def in_work(service: SmallService) -> float:
    return service.metrics()("http_server_active_requests", http_request_method="GET") or 0


def test_every_scrape_sees_all_requests_whichever_worker_answered(shop: SmallService) -> None:
    seen = [0.0]
    for _ in range(3):
        send(shop, 100)
        seen += [pings(shop) for _ in range(4)]
    assert seen == [0, *[100] * 4, *[200] * 4, *[300] * 4]


def test_metrics_answer_while_every_thread_is_busy(shop: SmallService, tmp_path: Path) -> None:
    threads = 4 * shop.workers
    with ThreadPoolExecutor(100) as clients:
        held = []

        def is_saturated() -> bool:
            """Send one more request: workers take connections as they come, also those without a free thread."""
            held.append(clients.submit(get, f"{shop.url}/hold", 30))
            return in_work(shop) == threads

        wait_until(is_saturated)
        assert get(f"{shop.url}/ping", timeout_s=0.3)[0] == 0, "the service itself must be saturated"
        assert get(f"{shop.metrics_url}/livez") == (200, "ok\n")
        assert in_work(shop) == threads
        (tmp_path / "released").touch()
        assert {answer.result()[0] for answer in held} == {200}
    wait_until(lambda: in_work(shop) == 0)


def test_what_a_killed_worker_had_counted_stays(shop_of_three: SmallService) -> None:
    for killed in range(1, 4):
        send(shop_of_three, 50)
        before = shop_of_three.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(set(shop_of_three.worker_pids()) - set(before)) == 1)  # noqa: B023 - called at once
        assert pings(shop_of_three) == 50 * killed
    wait_until(lambda: shop_of_three.metrics()("shop_request_threads") == 12)
    send(shop_of_three, 50)
    assert [pings(shop_of_three) for _ in range(4)] == [200] * 4


def test_a_request_that_died_with_its_worker_is_no_longer_in_work(shop_of_three: SmallService) -> None:
    with ThreadPoolExecutor(1) as client:
        held = client.submit(get, f"{shop_of_three.url}/hold", 30)
        wait_until(lambda: in_work(shop_of_three) == 1)
        for pid in shop_of_three.worker_pids():
            os.kill(pid, signal.SIGKILL)
        assert held.result()[0] == 0
    wait_until(lambda: in_work(shop_of_three) == 0)


def test_reloads_lose_nothing_and_pile_nothing_up(shop_of_three: SmallService) -> None:
    for reload in range(1, 4):
        send(shop_of_three, 50)
        before = set(shop_of_three.worker_pids())
        shop_of_three.told_to(signal.SIGHUP)
        wait_until(lambda: len(shop_of_three.worker_pids()) == 3 and not before & set(shop_of_three.worker_pids()))  # noqa: B023
        assert get(f"{shop_of_three.metrics_url}/livez")[0] == 200
        assert pings(shop_of_three) == 50 * reload
    (directory,) = shop_of_three.shared_directories()
    owners = {path.stem.rpartition("_")[2] for path in directory.iterdir()}
    wait_until(lambda: shop_of_three.metrics()("shop_request_threads") == 12)
    assert owners <= {"ended", *map(str, shop_of_three.worker_pids())}


def test_no_metric_tells_of_which_process_it_is(shop_of_three: SmallService) -> None:
    send(shop_of_three, 30)
    metrics = shop_of_three.metrics()
    assert not [labels for _, labels in metrics.samples if "pid" in dict(labels)]
    assert metrics("shop_build_info", version="1", revision="unknown", python_version=_python_version()) == 1


def test_the_next_start_begins_at_zero_and_removes_what_a_killed_service_left(shop_of_three: SmallService) -> None:
    send(shop_of_three, 30)
    (left,) = shop_of_three.shared_directories()
    assert shop_of_three.process
    workers = shop_of_three.worker_pids()
    shop_of_three.process.kill()
    shop_of_three.process.wait()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))

    shop_of_three.start().ready()
    assert pings(shop_of_three) == 0
    assert left not in shop_of_three.shared_directories()
    shop_of_three.stop()
    assert shop_of_three.shared_directories() == []


def test_files_of_a_service_that_runs_are_left_to_it(shop_of_three: SmallService, tmp_path: Path) -> None:
    other = SmallService(tmp_path / "other", source=SHOP, workers=2, settings={"TMPDIR": str(tmp_path / "tmp")})
    other.directory.mkdir()
    try:
        other.start().ready()
        send(shop_of_three, 30)
        send(other, 7)
        assert (pings(shop_of_three), pings(other)) == (30, 7)
    finally:
        other.stop()


def test_a_killed_master_s_port_is_free_at_once(shop_of_three: SmallService) -> None:
    """Workers end a second later or, stopped here, never; one that held the port would keep the next start from it."""
    workers = shop_of_three.worker_pids()
    try:
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        shop_of_three.process.kill()  # type: ignore[union-attr]
        shop_of_three.process.wait()  # type: ignore[union-attr]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", shop_of_three.metrics_port), timeout=5).close()
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)


def test_processor_time_never_falls_and_a_new_worker_is_seen_as_a_restart(shop_of_three: SmallService) -> None:
    send(shop_of_three, 3, "/burn")
    before = shop_of_three.metrics()
    workers = shop_of_three.worker_pids()
    for pid in workers[:2]:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(shop_of_three.worker_pids()) - set(workers)) == 2)
    wait_until(lambda: (shop_of_three.metrics()(START) or 0) > (before(START) or 0))
    after = shop_of_three.metrics()
    assert 1.2 < (before(CPU) or 0) <= (after(CPU) or 0) < (before(CPU) or 0) + 5


START, CPU = "process_start_time_seconds", "process_cpu_seconds_total"


def test_process_metrics_speak_for_all_workers(shop_of_three: SmallService) -> None:
    metrics = shop_of_three.metrics()
    processes = [shop_of_three.process.pid, *shop_of_three.worker_pids()]  # type: ignore[union-attr]
    open_fds = [len(os.listdir(f"/proc/{pid}/fd")) for pid in processes]  # noqa: PTH208 - /proc as text
    resident = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in processes) * 4096
    assert abs((metrics("process_open_fds") or 0) - max(open_fds)) <= 2
    assert metrics("process_max_fds") == int(_limit(processes[1], "Max open files"))
    assert 0.8 < (metrics("process_resident_memory_bytes") or 0) / resident < 1.2


def test_with_one_worker_a_request_leaves_its_trace_id_as_exemplar(make_small_service: New) -> None:
    shop = make_small_service(SHOP).start().ready()
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    with urllib.request.urlopen(urllib.request.Request(f"{shop.url}/ping", headers=headers), timeout=5) as answer:
        assert answer.status == 200
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    request = urllib.request.Request(f"{shop.metrics_url}/metrics", headers=accept)
    with urllib.request.urlopen(request, timeout=5) as answer:
        (line,) = [line for line in answer.read().decode().splitlines() if trace_id in line]
    assert line.startswith('http_server_request_duration_seconds_bucket{http_request_method="GET",http_re')
    assert f'# {{trace_id="{trace_id}"}}' in line


def test_a_second_worker_is_refused_where_the_first_keeps_its_metrics_to_itself(make_small_service: New) -> None:
    shop = make_small_service(SHOP).start().ready()
    shop.told_to(signal.SIGTTIN)
    wait_until(lambda: "workers stay 1" in shop.log)
    send(shop, 50)
    assert len(shop.worker_pids()) == 1
    assert [pings(shop) for _ in range(3)] == [50] * 3


def test_more_workers_may_be_asked_for_where_they_share(shop_of_three: SmallService) -> None:
    shop_of_three.told_to(signal.SIGTTIN)
    wait_until(lambda: shop_of_three.metrics()("shop_request_threads") == 16)
    send(shop_of_three, 50)
    assert [pings(shop_of_three) for _ in range(3)] == [50] * 3


@pytest.mark.parametrize("elsewhere", ["", "/nowhere"], ids=["empty", "a directory that is not there"])
def test_the_number_of_workers_decides_not_the_environment(make_small_service: New, elsewhere: str) -> None:
    """With this variable prometheus_client would write files, and the listener in the worker would show nothing."""
    shop = make_small_service(SHOP, settings={"PROMETHEUS_MULTIPROC_DIR": elsewhere}).start().ready()
    send(shop, 5)
    assert pings(shop) == 5


def test_a_configuration_of_ones_own_can_take_the_hooks(make_small_service: New, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from flask_telemetry.gunicorn import *\nkeepalive = 3\n")
    shop = (
        make_small_service(SHOP, threads=5, workers=2)
        .start(command=("gunicorn", "--config", "own.py", "shop:app"))
        .ready()
    )
    send(shop, 40)
    assert [pings(shop) for _ in range(3)] == [40] * 3


@pytest.mark.parametrize(
    ("settings", "flags", "source", "said"),
    [
        ({"METRICS_LISTEN": "9464"}, (), SHOP, "METRICS_LISTEN is '9464': write address:port"),
        ({}, ("--workers=2", "--preload"), SHOP, "preload_app makes metrics before workers share them"),
        ({}, (), "from flask import Flask\napp = Flask(__name__)\n", "make Telemetry(app) where it is made"),
    ],
    ids=["no address", "preload", "not instrumented"],
)
def test_a_start_that_would_measure_nothing_is_refused_with_the_way_out(
    make_small_service: New,
    settings: dict[str, str],
    flags: tuple[str, ...],
    source: str,
    said: str,
) -> None:
    shop = make_small_service(source, settings=settings).start(*flags)
    assert shop.exit_code() != 0
    assert said in shop.log


@pytest.mark.parametrize("workers", [1, 2])
def test_a_taken_metrics_port_stops_the_start(make_small_service: New, workers: int) -> None:
    """A service that nobody can watch is not left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shop = make_small_service(SHOP, workers=workers, metrics_port=taken.getsockname()[1]).start()
        assert shop.exit_code() != 0
    assert "in use" in shop.log
    assert shop.shared_directories() == []


def _python_version() -> str:
    import platform

    return platform.python_version()


def _limit(pid: int, name: str) -> str:
    (line,) = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()[0]
