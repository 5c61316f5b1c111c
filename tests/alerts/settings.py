"""The role's variables as the filter gets them, with its own defaults."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import Rendered, render
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate

from promontory.reference.role_files import load

PROJECT = Path(__file__).parents[2]
ROLE = PROJECT / "roles" / "alertmanager"
INHIBITION = ROLE / "files" / "inhibition.yml"
SMARTHOST = {"host": "mail.example.net", "port": 587, "require_tls": True}
ONCALL = {"name": "oncall", "email": [{"to": "oncall@example.net"}]}


@cache
def _defaults() -> dict[str, Any]:
    values: dict[str, Any] = load(ROLE / "defaults" / "main.yml")
    return {name.removeprefix("alertmanager_"): value for name, value in values.items()}


def hook(name: str, **entry: Any) -> dict[str, Any]:
    """A receiver that is told over HTTP."""
    return {"name": name, "webhook": [{"url": f"https://hooks.example.net/{name}", **entry}]}


def settings(**changes: Any) -> dict[str, Any]:
    """The role's defaults with one receiver, told at any hour, changed by name; no rules are known."""
    names = (
        "default_receiver", "critical_receivers", "heartbeat_url", "group_by", "group_wait", "group_interval",
        "repeat_interval", "teams", "maintenance", "routes", "severities", "inhibit_rules", "time_intervals",
    )  # fmt: skip
    return {
        **{name: _defaults()[name] for name in names},
        "receivers": [ONCALL],
        "heartbeats": [],
        "heartbeat_token": "",
        "smarthost": SMARTHOST,
        "smtp": {"from": "alerts@example.net", "username": "", "password": ""},
        "working_hours": {},
        "own_inhibit_rules": [],
        "rule_files": [],
        "extra": {},
        **changes,
    }


def everything(**changes: Any) -> dict[str, Any]:
    """Every typed setting at once: all kinds of receivers, teams, hours, windows, own routes and inhibition."""
    receivers = [
        {**ONCALL, "email": [{"to": "oncall@example.net", "auth_username": "me", "auth_password": "mail-hush"}]},
        {"name": "phone", "pagerduty": [{"routing_key": "pd-hush"}]},
        {"name": "genie", "opsgenie": [{"api_key": "og-hush", "responders": [{"name": "ops", "type": "team"}]}]},
        {"name": "chat", "slack": [{"api_url": "https://hooks.slack.com/sl-hush", "channel": "#alerts"}]},
        {"name": "teams", "msteams": [{"webhook_url": "https://flows.example.net/ms-hush"}]},
        {"name": "hook", "webhook": [{"url": "https://hooks.example.net/wh-hush", "http_config": {
            "basic_auth": {"username": "me", "password": "http-hush"}, "http_headers": {"X-Key": {"secrets": ["header-hush"]}}}}]},
        {"name": "topic", "sns": [{"topic_arn": "arn:aws:sns:eu-central-1:1:a", "region": "eu-central-1",
                                   "access_key": "AKIDEXAMPLE", "secret_key": "aws-hush"}]},
        {"name": "other", "config": {"telegram_configs": [{"bot_token": "tg-hush", "chat_id": 12}],
                                     "victorops_configs": [{"api_key": "vo-hush", "routing_key": "ops"}]}},
    ]  # fmt: skip
    return settings(
        **{
            "receivers": receivers,
            "critical_receivers": ["phone"],
            "teams": {"payments": {"receivers": ["chat", "teams"], "critical": ["genie"]}, "platform": {}},
            "working_hours": {
                "location": "Europe/Berlin",
                "weekdays": ["monday:friday"],
                "times": [{"start_time": "09:00", "end_time": "17:30"}],
                "holidays": ["12-25", "2027-03-26"],
            },
            "maintenance": [
                {
                    "name": "db",
                    "matchers": ['instance="db1"'],
                    "location": "UTC",
                    "start": "2026-12-01 22:00",
                    "end": "2026-12-02 02:00",
                },
                {
                    "name": "edge",
                    "matchers": ['service="edge"'],
                    "location": "UTC",
                    "weekly": [{"weekdays": ["saturday", "sunday"], "start_time": "23:00", "end_time": "01:00"}],
                },
            ],
            "routes": [
                {"matchers": ['service="shop"'], "receiver": "hook", "continue": True},
                {"matchers": ['team="data"'], "receiver": "topic", "mute_time_intervals": ["nights"]},
            ],
            "time_intervals": [
                {"name": "nights", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "06:00"}]}]}
            ],
            "own_inhibit_rules": yaml.safe_load(INHIBITION.read_text(encoding="utf-8")),
            "heartbeat_url": "https://beat.example.net/hb-hush",
            "heartbeats": [{"url": "http://10.0.0.9:9095", "ca_file": ""}],
            "heartbeat_token": "beat-hush",
            "smtp": {"from": "alerts@example.net", "username": "me", "password": 'smtp-hush" # {{'},
            **changes,
        }
    )


def for_release(config: dict[str, Any], version: str) -> dict[str, Any]:
    """What the component makes of a configuration for one version of Alertmanager."""
    table = load(ROLE / "vars" / "main.yml")["__alertmanager_settings_known"]
    return Gate("alertmanager", version, "package", table).config("alertmanager.yml", config, {})


def write(rendered: Rendered, folder: Path, config: dict[str, Any] | None = None) -> Path:
    """Write a configuration with its secrets and templates as a host would have it; return alertmanager.yml."""
    for name, secret in rendered.secrets.items():
        _write(folder / "secrets" / name, secret)
    for path, text in rendered.files.items():
        _write(folder / path, text)
    for template in (ROLE / "files" / "templates").glob("*.tmpl"):
        _write(folder / "templates" / template.name, template.read_text(encoding="utf-8"))
    text = yaml.safe_dump(config or rendered.config, sort_keys=False)
    return _write(folder / "alertmanager.yml", text.replace("{config}", str(folder)))


def rendered(**changes: Any) -> Rendered:
    """Render the defaults with changes."""
    return render(settings(**changes))


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
