"""Alertmanager's configuration from typed data, and what is refused before it gets that far."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, render

SMARTHOST = {"host": "mail.example.net", "port": 587, "require_tls": True}
ONCALL = {"name": "oncall", "email": [{"to": "oncall@example.net"}]}


def settings(**changes: Any) -> dict[str, Any]:
    """The role's defaults with one receiver, changed by name."""
    return {
        "receivers": [ONCALL],
        "default_receiver": "oncall",
        "heartbeat_url": "",
        "smarthost": SMARTHOST,
        "smtp": {"from": "alerts@example.net", "username": "", "password": ""},
        "group_by": ["alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [],
        "severities": {"critical": {"group_wait": "10s"}, "warning": {}, "info": {}},
        "inhibit_rules": [],
        "time_intervals": [],
        **changes,
    }


def receiver(config: dict[str, Any], name: str) -> dict[str, Any]:
    """One receiver of a configuration."""
    return next(one for one in config["receivers"] if one["name"] == name)


def test_the_proof_and_the_heartbeat_pass_before_all_other_routes() -> None:
    own = {"matchers": ['team="shop"'], "receiver": "oncall"}

    routes = render(settings(routes=[own])).config["route"]["routes"]

    assert [route["matchers"][0] for route in routes] == [
        'route="synthetic"',
        'route="heartbeat"',
        'team="shop"',
        'severity="critical"',
        'severity="warning"',
        'severity="info"',
    ]
    assert (routes[0]["group_wait"], routes[0]["group_by"]) == ("0s", ["alertname", "token"])


def test_a_mail_carries_the_templates_unless_told_otherwise() -> None:
    mine = {"name": "oncall", "email": [{"to": "a@example.net, b@example.net", "text": "mine", "headers": {"X-Own": "1"}}]}

    [mail] = receiver(render(settings(receivers=[mine])).config, "oncall")["email_configs"]

    assert mail["send_resolved"] is True
    assert mail["text"] == "mine"
    assert mail["html"] == '{{ template "promontory.email.html" . }}'
    assert {"Subject", "Auto-Submitted", "X-Own"} <= set(mail["headers"])


def test_passwords_and_webhook_addresses_are_files_and_nowhere_in_the_configuration() -> None:
    hooked = {"name": "oncall", "webhook": [{"url": "https://pager.example.net/t0ken"}], "email": ONCALL["email"]}
    smtp = {"from": "alerts@example.net", "username": "me", "password": "hush"}

    rendered = render(settings(receivers=[hooked], smtp=smtp, heartbeat_url="https://beat.example.net/s3cret"))

    text = json.dumps(rendered.config)
    assert not {"t0ken", "hush", "s3cret"} & set(text.replace("/", " ").replace('"', " ").split())
    assert sorted(rendered.secrets.values()) == ["https://beat.example.net/s3cret", "https://pager.example.net/t0ken", "hush"]
    assert all(f"{{config}}/secrets/{name}" in text for name in rendered.secrets)


def test_without_a_dead_mans_switch_the_heartbeat_reaches_nobody() -> None:
    assert receiver(render(settings()).config, "heartbeat") == {"name": "heartbeat"}


def test_without_mail_no_mail_server_is_needed() -> None:
    hooked = {"name": "oncall", "webhook": [{"url": "https://pager.example.net/x"}]}

    assert "global" not in render(settings(receivers=[hooked], smarthost=None)).config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"receivers": [{"name": "oncall"}]}, r"\[0\] \(oncall\) has no address", id="no way to reach it"),
        pytest.param({"receivers": [{"name": "oncall", "email": []}]}, "has no address", id="an empty list"),
        pytest.param({"receivers": [{"email": ONCALL["email"]}]}, "name is missing", id="no name"),
        pytest.param({"receivers": [ONCALL, ONCALL]}, "'oncall' is used twice", id="a name twice"),
        pytest.param(
            {"receivers": [{"name": "oncall", "email": [{"to": ""}]}]},
            "'' is no e-mail address; set alertmanager_oncall_email",
            id="an empty address",
        ),
        pytest.param(
            {"receivers": [{"name": "oncall", "email": [{"to": "a@example.net, ops"}]}]},
            "'ops' is no e-mail address",
            id="the second of two",
        ),
        pytest.param(
            {"receivers": [{"name": "oncall", "webhook": [{"url": "pager"}]}]}, "must begin with http", id="a webhook without scheme"
        ),
        pytest.param(
            {"receivers": [{"name": "oncall", "config": {"slack": [{}]}}]}, "config.slack must be a list", id="no list of configs"
        ),
        pytest.param({"receivers": [{**ONCALL, "name": "heartbeat"}]}, "the name is ours", id="our own name"),
        pytest.param({"default_receiver": "ops"}, "alertmanager_default_receiver: 'ops' is not one of", id="an unknown default"),
        pytest.param(
            {"routes": [{"routes": [{"receiver": "nobody"}]}]}, "alertmanager_routes: the receiver 'nobody'", id="deep in a route"
        ),
        pytest.param(
            {"severities": {"critical": {"receiver": "nobody"}}}, "alertmanager_severities: the receiver", id="in a severity"
        ),
        pytest.param({"severities": {"page": {}}}, "'page' is not one of critical, warning, info", id="an unknown severity"),
        pytest.param({"smarthost": None}, "there is no mail server", id="no mail server"),
    ],
)
def test_what_could_wake_nobody_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=message):
        render(settings(**changes))


@pytest.mark.network
@pytest.mark.parametrize("suite", ["trixie", "sid"], ids=["0.28", "0.33"])
def test_amtool_accepts_it_with_everything_on(
    suite: str, real_program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """The same data serve the oldest and the newest release that is run here."""
    everything = settings(
        receivers=[
            {
                **ONCALL,
                "webhook": [{"url": "https://pager.example.net/x"}],
                "config": {"slack_configs": [{"api_url_file": "/x", "channel": "#a"}]},
            }
        ],
        heartbeat_url="https://beat.example.net/x",
        smtp={"from": "alerts@example.net", "username": "me", "password": 'quote" # {{ brace', "hello": "mon1"},
        routes=[{"matchers": ['team="shop"'], "receiver": "oncall", "mute_time_intervals": ["night"]}],
        time_intervals=[{"name": "night", "time_intervals": [{"times": [{"start_time": "22:00", "end_time": "24:00"}]}]}],
        inhibit_rules=[{"source_matchers": ['severity="critical"'], "target_matchers": ['severity="info"'], "equal": ["instance"]}],
    )
    rendered = render(everything)
    (tmp_path / "secrets").mkdir()
    for name, secret in rendered.secrets.items():
        (tmp_path / "secrets" / name).write_text(secret, encoding="utf-8")
    config = tmp_path / "alertmanager.yml"
    config.write_text(yaml.safe_dump(rendered.config).replace("{config}", str(tmp_path)), encoding="utf-8")

    said = subprocess.run(
        [real_program("alertmanager", suite) / "amtool", "check-config", config], capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr
