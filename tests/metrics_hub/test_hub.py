"""One scrape of pods over real connections: good ones, dead ones and hostile ones."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from metrics_hub.exposition import Format
from metrics_hub.hub import Hub
from metrics_hub.targets import Targets
from tests.metrics_hub.pods import ENOUGH_S, Pod, RawPod
from tests.metrics_hub.reading import families, up, value

OM = Format.OPENMETRICS
MakePod, MakeRawPod, MakeHub = Callable[..., Pod], Callable[..., RawPod], Callable[..., Hub]


@pytest.mark.parametrize("form", Format)
def test_all_pods_stand_in_one_answer_under_their_names(make_pod: MakePod, make_hub: MakeHub, form: Format) -> None:
    hub = make_hub(make_pod("fintech-a", requests=3), make_pod("fintech-b", requests=4))

    text = hub.scrape(form)

    assert value(text, "requests_total", form, pod="fintech-a", instance="fintech-a", route="/") == 3
    assert value(text, "requests_total", form, pod="fintech-b", instance="fintech-b", route="/") == 4
    assert value(text, "metrics_hub_targets", form) == 2
    assert value(text, "metrics_hub_target_up", form, pod="fintech-a") == 1
    assert value(text, "metrics_hub_scrape_samples", form, pod="fintech-a") > 5


def test_openmetrics_keeps_exemplars_and_histograms_whole(make_pod: MakePod, make_hub: MakeHub) -> None:
    text = make_hub(make_pod("a"), make_pod("b")).scrape(OM)

    histogram = families(text, OM)["duration_seconds"]
    buckets = [sample for sample in histogram.samples if sample.name.endswith("_bucket")]
    of_pod = {pod: [sample.labels["le"] for sample in buckets if sample.labels["pod"] == pod] for pod in "ab"}
    assert of_pod == {"a": ["0.1", "1.0", "+Inf"], "b": ["0.1", "1.0", "+Inf"]}
    assert [s.exemplar.labels for s in buckets if s.exemplar] == [{"trace_id": "abc"}] * 2


def test_a_dead_pod_is_down_under_its_name_and_said_once(
    make_pod: MakePod, make_hub: MakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    dying, living = make_pod("fintech-a"), make_pod("fintech-b")
    hub = make_hub(dying, living)
    hub.scrape(OM)

    dying.stop()
    texts = [hub.scrape(OM) for _ in range(2)]

    assert [up(text) for text in texts] == [{"fintech-a": 0, "fintech-b": 1}] * 2
    assert value(texts[0], "requests_total", pod="fintech-a", instance="fintech-a", route="/") is None, "nothing old"
    assert [record.getMessage() for record in caplog.records] == [
        "pod fintech-a counts as down: [Errno 111] Connection refused"
    ]


def test_no_pods_at_all_are_an_answer() -> None:
    hub = Hub(Targets("dns://fintech-pods:9464", lookup=lambda host, port: []))

    text = hub.scrape(OM)
    hub.close()

    assert (value(text, "metrics_hub_targets"), up(text)) == (0, {})


def test_a_lookup_that_fails_shows(make_pod: MakePod) -> None:
    pod = make_pod("fintech-a")
    answers = [["127.0.0.1"]]

    def lookup(host: str, port: int) -> list[str]:
        if not answers:
            raise OSError("no answer")
        return answers.pop()

    hub = Hub(Targets(f"dns://fintech-pods:{pod.target.port}", lookup=lookup))
    texts = [hub.scrape(OM) for _ in range(2)]
    hub.close()

    assert [value(text, "metrics_hub_resolution_success") for text in texts] == [1, 0]
    assert [up(text) for text in texts] == [{"fintech-a": 1}] * 2, "the last known pods are still scraped"


def never_ending(connection: socket.socket, stopped: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text\r\n\r\n")
    while not stopped.is_set():
        connection.sendall(b"x 1\n" * 1000)


def one_byte_at_a_time(connection: socket.socket, stopped: threading.Event) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
        if stopped.wait(0.05):
            return
        connection.sendall(bytes([byte]))


def silent(connection: socket.socket, stopped: threading.Event) -> None:
    stopped.wait(ENOUGH_S)


def cut_off(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text\r\nContent-Length: 99\r\n\r\nx 1\n"
    )


def not_http(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"220 mail.example.net ESMTP\r\n")


def chunked_for_ever(connection: socket.socket, stopped: threading.Event) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    while not stopped.is_set():
        connection.sendall(b"4\r\nx 1\n\r\n" * 1000)


@pytest.mark.parametrize(
    ("behave", "problem"),
    [
        (never_ending, "longer than 20000 bytes"),
        (chunked_for_ever, "longer than 20000 bytes"),
        (one_byte_at_a_time, "no whole answer within"),
        (silent, "no whole answer within"),
        (cut_off, "was cut off, 95 bytes are missing"),
        (not_http, "220 mail.example.net ESMTP"),
    ],
)
def test_a_hostile_pod_costs_itself_alone(
    make_pod: MakePod, make_raw_pod: MakeRawPod, make_hub: MakeHub, caplog: pytest.LogCaptureFixture,
    behave: Callable[[socket.socket, threading.Event], None], problem: str,
) -> None:  # fmt: skip
    hostile, good = make_raw_pod(behave), make_pod("good", requests=5)
    hub = make_hub(hostile, good, time_s=1.5, pod_bytes=20_000)

    began = time.monotonic()
    text = hub.scrape(OM)
    took_s = time.monotonic() - began

    assert up(text) == {str(hostile.target): 0, "good": 1}
    assert value(text, "requests_total", pod="good", instance="good", route="/") == 5
    assert problem in caplog.text
    assert took_s < ENOUGH_S / 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"status": 500}, "status 500", id="error"),
        pytest.param({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "status 302", id="redirect"),
        pytest.param({"headers": {"Content-Type": "text/html"}}, "answered in 'text/html'", id="a page"),
        pytest.param({"headers": {"Content-Encoding": "gzip"}}, "answered compressed", id="a bomb perhaps"),
        pytest.param({"body": b"x one\n# EOF\n"}, "line 1, 'x one': it is not a sample", id="nonsense"),
    ],
)
def test_a_bad_answer_counts_as_down_under_the_pods_name(
    make_pod: MakePod, make_hub: MakeHub, caplog: pytest.LogCaptureFixture, options: dict[str, object], problem: str
) -> None:
    text = make_hub(make_pod("bad", **options), make_pod("good")).scrape(OM)

    assert up(text)["good"] == 1
    assert sum(up(text).values()) == 1
    assert problem in caplog.text


def test_a_pod_that_pretends_to_be_another_changes_only_itself(make_pod: MakePod, make_hub: MakeHub) -> None:
    body = b'# TYPE requests counter\nrequests_total{pod="good",instance="good",route="/"} 999\n# EOF\n'
    text = make_hub(make_pod("evil", body=body), make_pod("good", requests=5)).scrape(OM)

    assert value(text, "requests_total", pod="good", instance="good", route="/") == 5
    assert value(text, "requests_total", pod="evil", instance="evil", route="/") == 999


def test_pods_beyond_the_limit_are_counted_and_not_asked(make_pod: MakePod, make_hub: MakeHub) -> None:
    pods = sorted((make_pod() for _ in range(3)), key=lambda pod: pod.target)

    text = make_hub(*pods, pods=2).scrape(OM)

    assert (value(text, "metrics_hub_targets"), value(text, "metrics_hub_targets_skipped")) == (3, 1)
    assert [len(pod.asked) for pod in pods] == [1, 1, 0]


def test_answers_together_stay_below_their_limit(
    make_pod: MakePod, make_hub: MakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    pods = [make_pod(f"p{number}", body=b"x 1\n" * 1 + b"# EOF\n") for number in range(3)]

    text = make_hub(*pods, total_bytes=25).scrape(OM)

    assert sorted(up(text).values()) == [0, 1, 1]
    assert "the answers together are longer than 25 bytes" in caplog.text


def test_pods_that_hang_leave_the_others_their_turn(
    make_pod: MakePod, make_raw_pod: MakeRawPod, make_hub: MakeHub
) -> None:
    pods = [*(make_raw_pod(silent) for _ in range(3)), make_pod("good", host="127.0.0.2")]  # the last one by address

    text = make_hub(*pods, at_once=2, time_s=2.0).scrape(OM)

    assert up(text)["good"] == 1


def test_pods_have_less_time_than_prometheus_waits(make_raw_pod: MakeRawPod, make_hub: MakeHub) -> None:
    hub = make_hub(make_raw_pod(silent), time_s=ENOUGH_S)

    began = time.monotonic()
    hub.scrape(OM, prometheus_waits_s=2.5)

    assert 1 < time.monotonic() - began < 2.5


def test_pods_are_asked_for_the_same_format_and_nothing_compressed(make_pod: MakePod, make_hub: MakeHub) -> None:
    pod = make_pod("a")
    make_hub(pod).scrape(Format.TEXT)

    [asked] = pod.asked
    assert asked["Accept"].startswith("text/plain; version=0.0.4")
    assert asked["Accept-Encoding"] == "identity"
