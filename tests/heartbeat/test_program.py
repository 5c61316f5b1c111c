"""The running program: what Alertmanager meets, and what people get."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from promontory_heartbeat import __version__
from promontory_heartbeat.config import ConfigError, load
from promontory_heartbeat.mail import duration

from tests.heartbeat.conftest import PACKAGE_DIR, TOKEN, Heartbeat, MailServer, wait_for, watchdog

Make = Callable[..., Heartbeat]


def test_silence_and_its_end_are_one_mail_each_in_one_thread(make_heartbeat: Make, mail_server: MailServer) -> None:
    heartbeat = make_heartbeat()
    heartbeat.beat()
    wait_for(lambda: mail_server.mails, "the mail of the silence")

    assert heartbeat.beat() == 200
    wait_for(lambda: len(mail_server.mails) == 2, "the mail of the end")

    silence, end = mail_server.mails
    assert mail_server.subjects() == [
        "[FIRING:1][critical][test] WatchdogSilent alerting",
        "[RESOLVED:1][critical][test] WatchdogSilent alerting",
    ]
    assert silence["References"] == end["References"]
    assert (silence["Auto-Submitted"], silence["X-Severity"], silence["Importance"]) == ("auto-generated", "critical", "high")
    text, html = (str(silence.get_body((kind,)).get_content()) for kind in ("plain", "html"))   # type: ignore[union-attr]
    for part in (text, html):
        assert "Nobody hears the alerts of test" in part
        assert "limit 5s" in part
        assert "https://mon.example.net/runbooks/Watchdog.html" in part
        assert "systemctl status prometheus alertmanager" in part
    assert heartbeat.metric("heartbeat_mails_sent_total") == 2


def test_a_resolved_watchdog_is_told_at_once(make_heartbeat: Make, mail_server: MailServer) -> None:
    heartbeat = make_heartbeat(silence_s=300)
    heartbeat.beat()

    heartbeat.beat(status="resolved")

    wait_for(lambda: mail_server.mails, "the mail")


def test_a_mail_that_is_refused_is_tried_again(
    make_heartbeat: Make, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_server.refuses = True
    heartbeat = make_heartbeat()
    wait_for(lambda: heartbeat.metric("heartbeat_mail_failures_total") >= 1, "the refusal")
    assert "not now" in heartbeat.log()

    mail_server.refuses = False
    wait_for(lambda: mail_server.mails, "the mail")

    assert heartbeat.metric('heartbeat_silent{watched="test"}') == 1


def test_a_kill_and_a_new_start_tell_nothing_twice(make_heartbeat: Make, mail_server: MailServer) -> None:
    heartbeat = make_heartbeat()
    wait_for(lambda: heartbeat.metric("heartbeat_mails_sent_total") == 1, "the mail of the silence")
    heartbeat.stop(signal.SIGKILL)

    heartbeat.start()
    heartbeat.beat()
    wait_for(lambda: len(mail_server.mails) == 2, "the mail of the end")

    assert [subject.partition(":")[0] for subject in mail_server.subjects()] == ["[FIRING", "[RESOLVED"]


def test_sigterm_ends_it_cleanly(make_heartbeat: Make) -> None:
    assert make_heartbeat().stop() == 0


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ([], 400),
        ({}, 400),
        ({"alerts": "x"}, 400),
        ({"alerts": [{}]}, 400),
        ({"alerts": [{"labels": {"alertname": "Other"}}]}, 200),
        ({"alerts": [watchdog("elsewhere")]}, 200),
        ({"alerts": [{"labels": {"alertname": "Watchdog"}}]}, 200),
    ],
    ids=["list", "empty", "text", "no labels", "other alert", "other environment", "no environment"],
)
def test_what_is_no_watchdog_of_ours_is_no_beat(make_heartbeat: Make, document: Any, status: int) -> None:
    heartbeat = make_heartbeat()

    assert heartbeat.post(document) == status
    assert heartbeat.metric('heartbeat_beats_total{watched="test"}') == 0


def test_who_does_not_know_the_token_cannot_feign_a_beat(make_heartbeat: Make) -> None:
    heartbeat = make_heartbeat()

    assert heartbeat.post({"alerts": [watchdog("test")]}, token="guess") == 404
    assert heartbeat.json("/api/watches")[0]["last_beat"] is None
    assert TOKEN not in heartbeat.log()


def test_the_page_says_who_is_silent(make_heartbeat: Make) -> None:
    heartbeat = make_heartbeat()
    heartbeat.beat()
    assert "alive" in heartbeat.get("/")

    heartbeat.beat(status="resolved")

    assert "silent" in heartbeat.get("/")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"silence_s": 1}, "silence_s is 1, expected a whole number of at least 5"),
        ({"repeat_s": 4}, "repeat_s is 4, expected a whole number of at least 5"),
        ({"watches": []}, r"watches is \[\], expected a list"),
        ({"listen": "9095"}, "listen is '9095', expected address:port"),
        ({"token_file": "/nowhere/token"}, "token_file: .*No such file"),
        ({"more": 1}, r"unknown settings \['more'\]"),
        ({"smtp": {}}, r"missing settings \['smtp.from'"),
    ],
    ids=["silence", "repeat", "watches", "listen", "token", "unknown", "smtp"],
)
def test_a_wrong_setting_is_named(make_heartbeat: Make, change: dict[str, Any], message: str) -> None:
    heartbeat = make_heartbeat()
    config = heartbeat.folder / "wrong.json"
    config.write_text(json.dumps(heartbeat.settings | {"listen": "127.0.0.1:1"} | change))

    with pytest.raises(ConfigError, match=message):
        load(config)

    done = subprocess.run(
        [sys.executable, "-m", "promontory_heartbeat", "check", "--config", str(config)],
        cwd=PACKAGE_DIR, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_durations_read_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0, 59.6, 200, 7500, 349_200)] == ["0s", "1m", "3m 20s", "2h 5m", "4d 1h"]


def test_one_version() -> None:
    project = tomllib.loads((PACKAGE_DIR / "pyproject.toml").read_text())["project"]

    assert project["version"] == __version__
