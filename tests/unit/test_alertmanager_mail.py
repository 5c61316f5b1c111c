"""The mail part of Alertmanager's configuration, and what would keep every mail from coming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager.errors import AlertmanagerError
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager.mail import HEADERS, receiver, smtp

from tests.mailbox.certificates import certificate

RELAY = {"host": "mail.example.net", "port": 587, "require_tls": True}


def server(smarthost: dict[str, Any] = RELAY, **settings: Any) -> dict[str, Any]:
    """Render the mail server's keys."""
    return smtp({"smarthost": smarthost, "smtp": settings}, {})


def test_every_mail_has_the_headers_for_filters_and_threads() -> None:
    mail = receiver("oncall", {"to": "a@example.net"})

    assert mail["headers"] == dict(HEADERS)
    assert mail["send_resolved"] is True


def test_a_header_of_the_users_replaces_ours_whatever_its_case() -> None:
    """Alertmanager refuses a configuration that names a header twice, in two cases too."""
    headers = receiver("oncall", {"to": "a@example.net", "headers": {"subject": "mine", "X-TEAM": "", "X-Own": "1"}})["headers"]

    assert {name for name in headers if name.lower() in {"subject", "x-team"}} == {"subject"}
    assert (headers["subject"], headers["X-Own"]) == ("mine", "1")


def test_alertmanagers_own_threading_takes_the_place_of_ours() -> None:
    """It refuses References and In-Reply-To beside it."""
    headers = receiver("oncall", {"to": "a@example.net", "threading": {"enabled": True, "thread_by_date": "daily"}})["headers"]

    assert not {"References", "In-Reply-To"} & set(headers)
    assert "Subject" in headers


def test_tls_is_required_unless_it_is_said_otherwise() -> None:
    assert server({"host": "mail.example.net", "port": 587})["smtp_require_tls"] is True
    assert "smtp_tls_config" not in server()


def test_an_authority_of_ones_own_is_named(tmp_path: Path) -> None:
    authority = certificate(tmp_path / "tls").authority.read_text(encoding="utf-8")

    made = server(ca=authority, tls_config={"server_name": "relay"})

    assert made["smtp_tls_config"] == {"ca_file": "{config}/smtp_ca.pem", "server_name": "relay"}


@pytest.mark.parametrize(("port", "forced"), [(465, None), (1465, True)])
def test_implicit_tls_is_forced_only_where_the_port_does_not_say_it(port: int, forced: bool | None) -> None:
    """Releases before 0.31 know no switch, but begin with TLS on port 465."""
    made = server({"host": "mail.example.net", "port": port, "require_tls": True}, implicit_tls=True)

    assert made.get("smtp_force_implicit_tls") == forced


def test_an_address_of_ipv6_gets_its_brackets_back() -> None:
    assert server({"host": "2001:db8::1", "port": 25})["smtp_smarthost"] == "[2001:db8::1]:25"


def test_a_password_may_travel_in_clear_on_the_host_itself() -> None:
    made = server({"host": "127.0.0.1", "port": 1025, "require_tls": False}, username="me", password="hush")

    assert made["smtp_auth_password_file"] == "{config}/secrets/smtp_password"


@pytest.mark.parametrize(
    ("smarthost", "settings", "said"),
    [
        pytest.param(RELAY, {"username": "me"}, "username is 'me', but alertmanager_smtp_password is empty", id="user alone"),
        pytest.param(RELAY, {"password": "hush"}, "password is set, but alertmanager_smtp_username is empty", id="password alone"),
        pytest.param(
            {**RELAY, "require_tls": False}, {"username": "me", "password": "hush"},
            "would travel to mail.example.net unencrypted; set alertmanager_smtp_require_tls to true", id="in clear",
        ),
        pytest.param(RELAY, {"ca": "-----BEGIN"}, "alertmanager_smtp_ca_file has no certificate in PEM", id="no certificate"),
        pytest.param(RELAY, {"timezone": "Europe/Atlantis"}, "alertmanager_mail_timezone is 'Europe/Atlantis'", id="no zone"),
        pytest.param(RELAY, {"timezone": "../etc/passwd"}, "alertmanager_mail_timezone is '../etc/passwd'", id="a path"),
    ],
)  # fmt: skip
def test_what_would_keep_mail_away_is_refused(smarthost: dict[str, Any], settings: dict[str, Any], said: str) -> None:
    with pytest.raises(AlertmanagerError, match=said) as refused:
        server(smarthost, **settings)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("name", ["X Team", "X-Téam", "X-Team:", "X\nBcc"])
def test_what_is_no_header_is_refused(name: str) -> None:
    with pytest.raises(AlertmanagerError, match="is no name of a mail header"):
        receiver("alertmanager_receivers[0] (oncall)", {"to": "a@example.net", "headers": {name: "x"}})


@pytest.mark.parametrize("smarthost", ["mail.example.net", "smtp://mail.example.net:25", "2001:db8::1:25", "mail.example.net:smtp", ":25"])
def test_a_mail_server_of_its_own_is_host_and_port(smarthost: str) -> None:
    with pytest.raises(AlertmanagerError, match=r"smarthost is .* but must be host:port"):
        receiver("alertmanager_receivers[0] (oncall)", {"to": "a@example.net", "smarthost": smarthost})


@pytest.mark.parametrize("smarthost", ["mail.example.net:587", "192.0.2.1:25", "[2001:db8::1]:25"])
def test_an_address_of_a_mail_server_is_taken(smarthost: str) -> None:
    assert receiver("oncall", {"to": "a@example.net", "smarthost": smarthost})["smarthost"] == smarthost
