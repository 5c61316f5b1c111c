"""The exporter as it runs: lines come in over the socket, numbers go out, and nothing stops it."""

from __future__ import annotations

import signal

import pytest

from .conftest import Exporter, Nginx, line, until


def test_requests_are_counted_by_site_method_and_status(exporter: Exporter) -> None:
    exporter.starts()

    exporter.logs(
        line(),
        line(),
        line(method="POST", status="502", time="0.3", upstream="0.1, 0.2"),
        line(site="landing", upstream=""),
    )

    until(lambda: exporter.metrics()["edge_log_lines_total"] == 4, "four lines")
    found = exporter.metrics()
    assert found["edge_http_requests_total|GET|shop|200"] == 2
    assert found["edge_http_requests_total|POST|shop|502"] == 1
    assert found["edge_http_requests_total|GET|landing|200"] == 1
    assert found["edge_http_request_duration_seconds_count|2xx|shop"] == 2
    assert found["edge_http_request_duration_seconds_sum|5xx|shop"] == pytest.approx(0.3)
    assert found["edge_http_request_duration_seconds_bucket|2xx|0.025|shop"] == 2
    assert found["edge_http_upstream_duration_seconds_count|shop"] == 3
    assert found["edge_http_upstream_duration_seconds_count|landing"] == 0
    assert found["edge_http_upstream_retries_total|shop"] == 1
    assert found["edge_http_request_bytes_total|shop"] == 210
    assert found["edge_http_response_bytes_total|shop"] == 1500


def test_the_first_error_of_a_site_finds_its_series_there(exporter: Exporter) -> None:
    """A rate() of a series that begins with 1 sees no rise."""
    exporter.starts()

    found = exporter.metrics()

    for site in ("shop", "landing", "other"):
        for status in ("200", "404", "500", "502", "503", "504"):
            assert found[f"edge_http_requests_total|GET|{site}|{status}"] == 0
        assert found[f"edge_http_request_duration_seconds_bucket|5xx|+Inf|{site}"] == 0
    assert not [name for name in found if "_created" in name]


def test_clients_cannot_make_series(exporter: Exporter) -> None:
    exporter.starts()
    before = set(exporter.metrics())

    exporter.logs(*(line(site=f"made-up-{number}", method=f"M{number}") for number in range(50)))

    until(lambda: exporter.metrics()["edge_log_lines_total"] == 50, "fifty lines")
    assert exporter.metrics()["edge_http_requests_total|other|other|200"] == 50
    assert set(exporter.metrics()) - before == {"edge_http_requests_total|other|other|200"}


def test_a_line_that_cannot_be_read_is_counted_and_the_next_one_too(exporter: Exporter) -> None:
    exporter.starts()

    exporter.logs(b"\xff", b"{", line(status="999"), line())

    until(lambda: exporter.metrics()["edge_log_lines_total"] == 4, "four lines")
    assert exporter.metrics()["edge_log_lines_invalid_total"] == 3
    assert exporter.metrics()["edge_http_requests_total|GET|shop|200"] == 1


def test_nginx_own_numbers_are_asked_at_each_scrape(exporter: Exporter, nginx: Nginx) -> None:
    exporter.starts()

    first = exporter.metrics()
    nginx.page = nginx.page.replace(" 20 19 57 ", " 30 28 99 ")
    second = exporter.metrics()

    assert first["edge_up"] == 1
    assert (first["edge_connections|active"], first["edge_connections|writing"], first["edge_connections|waiting"]) == (
        3,
        1,
        2,
    )
    assert (first["edge_connections_accepted_total"], first["edge_connections_handled_total"]) == (20, 19)
    assert (first["edge_requests_handled_total"], second["edge_requests_handled_total"]) == (57, 99)
    assert first["edge_connections_limit"] >= 1024


@pytest.mark.parametrize("trouble", ["gone", "forbidden", "another page"])
def test_an_nginx_that_does_not_answer_is_down_and_its_numbers_are_not_made_up(
    trouble: str, exporter: Exporter, nginx: Nginx
) -> None:
    nginx.code = 403 if trouble == "forbidden" else 200
    nginx.page = "Welcome" if trouble == "another page" else nginx.page
    if trouble == "gone":
        exporter.settings["status_url"] = "http://127.0.0.1:1/nginx_status"
    exporter.starts()

    found = exporter.metrics()

    assert found["edge_up"] == 0
    assert not [name for name in found if name.startswith(("edge_connections", "edge_requests_handled"))]
    assert "edge_http_requests_total|GET|shop|200" in found


def test_it_takes_lines_again_after_it_was_killed(exporter: Exporter) -> None:
    exporter.starts()
    exporter.ends(signal.SIGKILL)
    assert exporter.log_socket.exists()

    exporter.starts()
    exporter.logs(line())

    until(lambda: exporter.metrics()["edge_log_lines_total"] == 1, "a line")


def test_it_stops_at_once_and_leaves_no_socket(exporter: Exporter) -> None:
    exporter.starts()

    assert exporter.ends() == 0
    assert not exporter.log_socket.exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("listen", "9180", "address:port"),
        ("listen", "127.0.0.1:99999", "address:port"),
        ("log_socket", "log.sock", "absolute path"),
        ("log_socket", "/" + "x" * 107, "at most 107 bytes"),
        ("status_url", "https://edge/nginx_status", "an http:// URL"),
        ("sites", "shop", "a list of names"),
        ("sites", [""], "a list of names"),
        ("worker_connections", 0, "above 0"),
        ("worker_connections", True, "above 0"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(key: str, value: object, words: str, exporter: Exporter) -> None:
    exporter.settings[key] = value

    done = exporter.command("check")

    assert done.returncode == 2
    assert f": {key} is {value!r}, expected" in done.stderr
    assert words in done.stderr


def test_unknown_and_missing_settings_are_refused(exporter: Exporter) -> None:
    exporter.settings["sitez"] = exporter.settings.pop("sites")

    done = exporter.command("check")

    assert done.returncode == 2
    assert "'sites'" in done.stderr
    assert "'sitez'" in done.stderr


def test_right_settings_pass(exporter: Exporter) -> None:
    assert exporter.command("check").returncode == 0


def test_a_port_that_is_taken_is_said_and_ends_it(exporter: Exporter, nginx: Nginx) -> None:
    exporter.settings["listen"] = nginx.url.removeprefix("http://").removesuffix("/nginx_status")

    done = exporter.command("serve")

    assert done.returncode == 1
    assert "cannot serve" in done.stderr
