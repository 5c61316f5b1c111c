"""The metrics of requests: exact names, bounded labels, nothing left in work."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import generate_latest

from flask_telemetry import Telemetry, telemetry_of
from flask_telemetry.durations import Series
from tests.sample_app.conftest import Metrics, Person

Scrape = Callable[[], Metrics]
COUNT = "http_server_request_duration_seconds_count"


def requests_seen(metrics: Metrics, method: str, route: str, status: str) -> float | None:
    labels = {"http_request_method": method, "http_route": route, "http_response_status_code": status}
    return metrics(COUNT, **labels)


def test_requests_are_counted_by_route_template(ada: Person, scrape: Scrape) -> None:
    for _ in range(3):
        ada.asks("GET", f"/accounts/{ada.opens_account()}")
    assert requests_seen(scrape(), "GET", "/api/v1/accounts/<number>", "200") == 3


def test_what_no_route_matches_is_one_series(client: FlaskClient, scrape: Scrape) -> None:
    for path in ("/nowhere", "/api/v1/x", "/accounts/1/2/3/4", "/%00", "/static"):
        client.get(path)
    assert requests_seen(scrape(), "GET", "_unmatched", "404") == 5


def test_metrics_are_not_on_the_port_of_the_service(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in ("/metrics", "/metrics/", "/%6detrics")] == [404, 404, 404]


def test_random_urls_and_methods_make_no_more_series(client: FlaskClient, scrape: Scrape) -> None:
    """The ceiling of labels: 4000 different requests, and only known words come of it."""
    before = scrape().labels_of(COUNT)
    draw = random.Random(7)  # noqa: S311 - repeatable on purpose
    letters = string.ascii_letters + string.digits + "/%.~-_;?&=<>"

    def word(characters: str) -> str:
        return "".join(draw.choices(characters, k=draw.randint(1, 20)))

    for _ in range(2000):
        client.open("/" + word(letters).lstrip("/"), method=draw.choice(["GET", "POST", "PUT"]))
        client.open("/api/v1/accounts/" + word(letters), method=word(string.ascii_uppercase))
    seen = [labels for labels in scrape().labels_of(COUNT) if labels not in before]
    assert {labels["http_request_method"] for labels in seen} <= {"GET", "POST", "PUT", "_OTHER"}
    assert {labels["http_route"] for labels in seen} <= {
        "_unmatched", "/", "/login", "/static/<path:filename>", "/api/v1/accounts/<number>",
        "/api/v1/accounts/<number>/entries",
    }  # fmt: skip
    assert len(seen) <= 12


def test_the_first_failure_of_a_route_is_a_step_from_zero(app: Flask, scrape: Scrape) -> None:
    """A series that begins with the failure would be seen by rate() one scrape later."""
    metrics = scrape()
    for method, route in (("GET", "/"), ("POST", "/api/v1/transfers"), ("POST", "/accounts/<number>/deposit")):
        for status in ("500", "503"):
            assert requests_seen(metrics, method, route, status) == 0
    assert not any(
        labels["http_route"].startswith(("/admin", "/static", "/healthz", "/readyz", "/version"))
        for labels in metrics.labels_of(COUNT)
    )
    assert {labels["http_route"] for labels in metrics.labels_of(COUNT)} <= {
        rule.rule for rule in app.url_map.iter_rules()
    }


def test_a_crash_is_measured_as_500_and_leaves_nothing_in_work(
    app: Flask, client: FlaskClient, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "ops.version", lambda: 1 / 0)
    client.get("/version")
    metrics = scrape()
    assert requests_seen(metrics, "GET", "/version", "500") == 1
    assert metrics("http_server_active_requests", http_request_method="GET") == 0


def test_a_request_in_work_is_seen(app: Flask, client: FlaskClient, scrape: Scrape, monkeypatch) -> None:
    seen: list[float | None] = []

    def look() -> str:
        seen.append(scrape()("http_server_active_requests", http_request_method="GET"))
        return ""

    monkeypatch.setitem(app.view_functions, "ops.version", look)
    client.get("/version")
    assert seen == [1]


def test_the_build_is_told(make_app: Callable[..., Flask]) -> None:
    from fintech.services import services

    text = generate_latest(services(make_app(revision="abc123")).telemetry.registry).decode()
    (labels,) = Metrics(text).labels_of("fintech_build_info")
    assert (labels["revision"], labels["version"]) == ("abc123", "0.1.0")
    assert "_created" not in text


@pytest.mark.parametrize("name", ["", "1st", "my-shop", "Shop", "shop{"])
def test_a_service_whose_name_cannot_begin_a_metric_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="write it with a-z, 0-9 and _"):
        Telemetry(Flask(__name__), service=name)


def test_an_application_that_nobody_measures_is_named() -> None:
    with pytest.raises(LookupError, match=r"make Telemetry\(app\) where it is made"):
        telemetry_of(Flask(__name__))


def test_each_bucket_gets_an_exemplar_and_a_busy_one_not_one_for_every_request() -> None:
    observed: list[tuple[float, object]] = []
    series = Series(lambda *one: observed.append((one[0], one[1] if len(one) > 1 else None)), with_exemplars=True)
    for now, duration_s in ((0.0, 0.004), (0.5, 0.004), (0.5, 0.3), (1.0, 0.004), (1.2, 99.0)):
        series.observe({}, duration_s, now)
    assert [(duration_s, exemplar is not None) for duration_s, exemplar in observed] == [
        (0.004, True), (0.004, False), (0.3, True), (0.004, True), (99.0, True)
    ]  # fmt: skip
