"""The one door for people: who gets in, and what they find."""

from __future__ import annotations

import re

import pytest

from tests.support.asking import Door, StackHost, wait_until

OPERATORS = ("/prometheus/", "/alertmanager/", "/pushgateway/", "/blackbox/", "/mail/", "/heartbeat/")


@pytest.mark.parametrize("path", OPERATORS)
def test_an_operators_path_refuses_strangers_and_serves_operators(door: Door, path: str) -> None:
    assert door.get(path, signed_in=False).status_code == 401
    assert door.get(path).status_code == 200


def test_a_wrong_password_is_refused(door: Door) -> None:
    intruder = Door(door.url, (door.operator[0], "wrong"))

    assert intruder.get("/prometheus/").status_code == 401


def test_the_app_is_open_to_all_but_its_numbers_are_not(door: Door) -> None:
    assert door.get("/app/", signed_in=False).status_code == 200
    assert door.get("/app/metrics", signed_in=False).status_code == 404
    assert door.get("/metrics", signed_in=False).status_code == 404


def test_the_front_page_leads_to_every_program(door: Door) -> None:
    page = door.get("/", signed_in=False)

    assert set(re.findall(r'href="(/[^"]+)"', page.text)) == {*OPERATORS, "/app/", "/runbooks/"}
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "nginx/" not in page.headers["Server"]


def test_a_path_without_its_slash_is_led_on(door: Door) -> None:
    answer = door.get("/prometheus", allow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (308, "/prometheus/")


def test_programs_know_their_path_when_they_send_somebody_on(door: Door) -> None:
    """A redirect that forgets the path ends at a 404 of the edge."""
    answer = door.get("/prometheus/")

    assert answer.url.startswith(f"{door.url}/prometheus/")


def test_the_operators_password_does_not_reach_the_programs(door: Door, host: StackHost) -> None:
    """Prometheus would refuse credentials it does not expect only with TLS; here the edge must take them away."""
    config = host.shell.file("/etc/edge/current/config/nginx.conf").content_string
    sites = re.findall(r"location (/\w+/) \{(.*?)\n        \}", config, re.DOTALL)
    guarded = {path for path, block in sites if "auth_basic_user_file" in block}

    assert guarded == set(OPERATORS)
    assert {path for path, block in sites if 'Authorization ""' in block} == guarded


def test_the_proof_left_both_mails_in_the_mailbox(door: Door) -> None:
    """Verify sent one alert through the stack; people read about it, and that it is over."""
    subjects = lambda: [mail["subject"] for mail in door.get("/mail/api/messages").json()]  # noqa: E731

    wait_until(lambda: any("RESOLVED" in subject for subject in subjects()), "the mail that all is well")

    assert any("RESOLVED" not in subject for subject in subjects())


def test_every_request_is_counted_where_it_went(door: Door, host: StackHost) -> None:
    def counted(site: str, status: str) -> float:
        return host.value(f'sum(edge_http_requests_total{{site="{site}", status="{status}"}})') or 0

    before = {key: counted(*key) for key in [("landing", "200"), ("prometheus", "401"), ("other", "404")]}

    for path, signed_in in (("/", False), ("/prometheus/", False), ("/nothing-here", True)):
        door.get(path, signed_in=signed_in)

    for key, value in before.items():
        wait_until(lambda key=key, value=value: counted(*key) > value, f"a request to {key} in Prometheus")  # type: ignore[misc]


def test_every_line_that_nginx_sends_can_be_read(host: StackHost) -> None:
    page = host.text("http://127.0.0.1:9180/metrics")

    assert "\nedge_up 1.0\n" in page
    assert "\nedge_log_lines_total 0.0\n" not in page
    assert "\nedge_log_lines_invalid_total 0.0\n" in page


def test_nginx_own_numbers_are_not_for_strangers(door: Door) -> None:
    assert door.get("/nginx_status").status_code == 403
