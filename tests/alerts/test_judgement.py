"""A configuration that could leave somebody untold, or that says what it does not do, is refused with one clear message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, tree

from tests.alerts import settings

RULES = """\
groups:
  - name: g
    rules:
      - {alert: Down, expr: up == 0, labels: {severity: critical, team: platform, service: host}}
      - {alert: Slow, expr: 'latency > 1', labels: {severity: warning, team: platform, service: host}}
      - {alert: Sum, expr: 'sum(errors) > 1', labels: {severity: warning, team: payments, service: shop}}
      - {alert: Watchdog, expr: vector(1), labels: {severity: info, team: platform, service: alerting, route: heartbeat}}
"""
HOOK = settings.hook("hook")


@pytest.fixture
def rules(tmp_path: Path) -> list[str]:
    """A rule file of four alerts."""
    path = tmp_path / "rules.yml"
    path.write_text(RULES, encoding="utf-8")
    return [str(path)]


def inhibits(source: str, target: str, *equal: str) -> dict[str, Any]:
    """One inhibition rule."""
    return {
        "inhibit_rules": [
            {"name": "mine", "source_matchers": [source], "target_matchers": [target], "equal": list(equal)}
        ]
    }


ONE_DAY = {"time_intervals": [{"name": "past", "time_intervals": [{"years": ["2001"]}]}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # Inhibition that can never hold.
        pytest.param(
            inhibits('severity="page"', 'severity="warning"', "instance"),
            r"alertmanager_inhibit_rules\[0\] \(mine\) can never hold: no alert .* is meant by source_matchers \(severity=\"page\"\)",
            id="no source",
        ),
        pytest.param(
            inhibits('alertname="Down"', 'alertname="Slwo"', "instance"),
            "is meant by target_matchers",
            id="a misspelt target",
        ),
        pytest.param(
            inhibits('alertname="Down"', 'alertname="Sum"', "instance"),
            "equal names 'instance', and no target alert has that label",
            id="aggregated away",
        ),
        pytest.param(
            inhibits('alertname="Down"', 'alertname="Slow"', "cluster"),
            "equal names 'cluster', and no source alert has",
            id="a label nobody has",
        ),
        pytest.param(
            inhibits('alertname="Down"', 'alertname="Sum"', "service"), "agree in service", id="values that differ"
        ),
        pytest.param(inhibits("severity critical", 'alertname="Slow"'), "is no matcher", id="no matcher"),
        pytest.param(
            {"inhibit_rules": [{"target_matchers": ['a="b"']}]},
            "has no source_matchers",
            id="a source that is everything",
        ),
        pytest.param(
            {"extra": inhibits('alertname="Nobody"', 'alertname="Slow"')},
            r"alertmanager_config: inhibit_rules\[0\]",
            id="in free form",
        ),
        # Routes that lose somebody.
        pytest.param(
            {"teams": {"paymets": {}}}, r"has the team 'paymets' \(they have payments, platform\)", id="a misspelt team"
        ),
        pytest.param(
            {"teams": {"payments": {"receivers": ["nobody"]}}},
            r"alertmanager_teams.payments.receivers: the receiver 'nobody' is not one of",
            id="a team's unknown receiver",
        ),
        pytest.param(
            {"teams": {"payments": {"critical": ["nobody"]}}},
            "alertmanager_teams.payments.critical: the receiver 'nobody'",
            id="its second address",
        ),
        pytest.param({"teams": {"payments": {"receivers": "oncall"}}}, "must be a list of receivers", id="no list"),
        pytest.param(
            {"teams": {"payments": {"receiver": ["oncall"]}}},
            r"alertmanager_teams.payments: receiver; write \{receivers",
            id="an unknown key",
        ),
        pytest.param(
            {"critical_receivers": ["nobody"]},
            "alertmanager_critical_receivers: the receiver 'nobody'",
            id="an unknown second address",
        ),
        pytest.param(
            {"routes": [{"receiver": "hook"}]},
            r"alertmanager_routes\[0\] takes every alert",
            id="a route that swallows everything",
        ),
        pytest.param(
            {"routes": [{"matchers": ['a="b"'], "receiver": "heartbeat"}]},
            "receiver 'heartbeat' is not one of",
            id="the heartbeat tells nobody",
        ),
        pytest.param(
            {"default_receiver": "heartbeat"},
            "alertmanager_default_receiver: 'heartbeat' is not one of",
            id="a catch-all that tells nobody",
        ),
        pytest.param(
            {"extra": {"receivers": [{"name": "void"}], "route": {"receiver": "void"}}},
            "the receiver 'void' has no address",
            id="a catch-all in free form",
        ),
        pytest.param(
            {"extra": {"route": {"receiver": "gone"}}},
            "route: the receiver 'gone' is not one of",
            id="an unknown catch-all in free form",
        ),
        pytest.param(
            {"routes": [{"matchers": ['a="b"'], "receiver": "hook", "mute_time_intervals": ["nights"]}]},
            r"the time interval 'nights' is not one of alertmanager_time_intervals",
            id="an unknown interval",
        ),
        pytest.param(
            {**ONE_DAY, "routes": [{"matchers": ['a="b"'], "receiver": "hook", "active_time_intervals": ["past"]}]},
            "never let it tell anybody within the next 400 days",
            id="muted for ever",
        ),
        pytest.param(
            {"severities": {"critical": {"mute_time_intervals": "nights"}}},
            "must be a list of names",
            id="a text for a list",
        ),
        pytest.param(
            {
                "time_intervals": [{"name": "working-hours", "time_intervals": []}],
                "working_hours": {"location": "UTC", "times": [{"start_time": "08:00", "end_time": "18:00"}]},
            },
            "the name 'working-hours' is used twice",
            id="our own name",
        ),
        # Maintenance that mutes nothing.
        pytest.param(
            {
                "maintenance": [
                    {
                        "name": "x",
                        "matchers": ['service="hots"'],
                        "location": "UTC",
                        "start": "2026-12-01 22:00",
                        "end": "2026-12-02 02:00",
                    }
                ]
            },
            r"alertmanager_maintenance \(maintenance-x\): no alert .* is meant by its matchers",
            id="a misspelt service",
        ),
        # Heartbeat.
        pytest.param(
            {"heartbeat_url": "beat.example.net"}, "alertmanager_heartbeat_url: it must begin with http", id="no URL"
        ),
        pytest.param(
            {"heartbeats": [{"url": "http://a:9095"}]}, "alertmanager_heartbeat_token is empty", id="no token"
        ),
        pytest.param(
            {"rule_files": ["/nowhere/*.yml"]}, "alertmanager_rule_files: /nowhere/.* matches no file", id="no rules"
        ),
    ],
)
def test_it_is_refused(changes: dict[str, Any], message: str, rules: list[str]) -> None:
    with pytest.raises(AlertmanagerError, match=message):
        settings.rendered(**{"receivers": [settings.ONCALL, HOOK], "rule_files": rules, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            inhibits('alertname="Down"', 'alertname="Slow"', "environment", "instance"), id="labels of targets"
        ),
        pytest.param(
            inhibits('severity="critical"', 'severity=~"warning|info"', "service"), id="fixed labels that agree"
        ),
        pytest.param({"routes": [{"receiver": "hook", "continue": True}]}, id="everything, and on"),
        pytest.param({"teams": {"payments": {"receivers": ["hook"], "critical": []}}}, id="a team"),
        pytest.param({"rule_files": [], **inhibits('a="b"', 'c="d"', "e")}, id="rules that nobody knows"),
    ],
)
def test_it_is_taken(changes: dict[str, Any], rules: list[str]) -> None:
    settings.rendered(**{"receivers": [settings.ONCALL, HOOK], "rule_files": rules, **changes})


def test_an_alert_of_ones_own_must_not_carry_the_watchdogs_label(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(
        "groups: [{name: g, rules: [{alert: Mine, expr: up == 0, labels: {route: heartbeat}}]}]", encoding="utf-8"
    )

    with pytest.raises(AlertmanagerError, match="The alert Mine has the label route: heartbeat"):
        settings.rendered(rule_files=[str(path)])


def test_windows_that_may_hold_for_one_alert_both_mute_it() -> None:
    """An alert takes one way through the tree, so there is a copy of the routes for both windows at once."""
    times = {"location": "UTC", "start": "2026-12-01 22:00", "end": "2026-12-02 02:00"}
    windows = [
        {"name": name, "matchers": [matcher], **times}
        for name, matcher in (("a", 'instance="db1"'), ("b", 'service="host"'), ("c", 'instance="db2"'))
    ]

    root = tree.read(settings.rendered(maintenance=windows).config)

    def muted(**labels: str) -> tuple[str, ...]:
        [route] = tree.walk(root, {"severity": "critical", **labels})
        return route.mute

    assert sorted(muted(instance="db1", service="host")) == ["maintenance-a", "maintenance-b"]
    assert muted(instance="db1") == ("maintenance-a",)
    assert sorted(muted(instance="db2", service="host")) == ["maintenance-b", "maintenance-c"]
    assert muted(instance="web") == ()


def test_too_many_windows_for_one_alert_are_refused() -> None:
    times = {"location": "UTC", "start": "2026-12-01 22:00", "end": "2026-12-02 02:00"}
    windows = [{"name": f"w{number}", "matchers": [f'label{number}="x"'], **times} for number in range(7)]

    with pytest.raises(AlertmanagerError, match="too many windows could hold for one and the same alert"):
        settings.rendered(maintenance=windows)


def test_the_collections_own_inhibition_can_hold_and_names_alerts_that_exist() -> None:
    """Each rule by itself, against the rules of this collection: `equal` labels stand on both sides."""
    rules = [str(settings.PROJECT / "rules" / "*.yml")]
    own = yaml.safe_load(settings.INHIBITION.read_text(encoding="utf-8"))

    for rule in own:
        settings.rendered(inhibit_rules=[rule], rule_files=rules)

    text = "".join(path.read_text(encoding="utf-8") for path in (settings.PROJECT / "rules").glob("*.yml"))
    named = {
        name
        for rule in own
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
        if matcher.startswith("alertname=") and ".+" not in matcher
        for name in matcher.split('"')[1].split("|")
    }
    assert sorted(name for name in named if f"alert: {name}\n" not in text) == []


def test_of_the_collections_own_inhibition_only_what_can_hold_is_deployed(rules: list[str]) -> None:
    """Who brings other rules does not have to know ours."""
    own = yaml.safe_load(settings.INHIBITION.read_text(encoding="utf-8"))

    config = settings.rendered(own_inhibit_rules=own, rule_files=rules).config

    assert config.get("inhibit_rules", []) == []
