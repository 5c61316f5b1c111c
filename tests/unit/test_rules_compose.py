"""What is deployed of the rules: files, numbers of hosts, changes of single alerts, links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, book, deployed
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.book import Book
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.compose import Wanted, compose, text

BUSY = "avg by (instance) (x) > 0.9  # threshold: cpu_ratio\n"
HOSTS = ("app1", "app2", "app3", "db1", "db2", "mon1")


def rule(alert: str, expr: str, **more: Any) -> dict[str, Any]:
    """An alerting rule of the usual form."""
    return {
        "alert": alert,
        "expr": expr,
        "for": "15m",
        "labels": {"severity": "warning", "team": "platform", "service": "host"},
        "annotations": {
            "summary": "{{ $labels.instance }} is busy",
            "description": "{{ $value }} used for 15 min (limit 90%).",
            "runbook_url": f"docs/runbooks/{alert}.md",
            "dashboard_url": "d/promontory-host?var-instance={{ $labels.instance | urlquery }}",
        },
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of rules: hosts, and a cluster that no single host is behind."""
    files: dict[str, Any] = {
        "files.yml": {"host": "node_exporter", "cluster": ["alertmanager", "prometheus"], "slo": "prometheus"},
        "thresholds.yml": {
            "cpu_ratio": {"alert": "Busy", "unit": "ratio", "scope": "host", "min": 0.1, "max": 1, "description": "Used"},
            "down_ratio": {"alert": "Down", "unit": "ratio", "scope": "environment", "min": 0.1, "max": 1, "description": "Down"},
        },
        "host.yml": {"groups": [{"name": "host", "rules": [rule("Busy", BUSY), rule("Gone", "absent(x)\n")]}]},
        "cluster.yml": {"groups": [{"name": "c", "rules": [rule("Down", "avg(up) < 0.9  # threshold: down_ratio\n")]}]},
        "slo.yml": {"groups": []},
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return tmp_path


@pytest.fixture
def rules(folder: Path) -> Book:
    """The same, read."""
    return book.read(folder)


def wanted(**more: Any) -> Wanted:
    """An environment with all components."""
    return Wanted(**{"components": frozenset({"node_exporter", "alertmanager", "prometheus"}), "hosts": HOSTS, **more})


def alerts(rules: Book, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """The deployed alerts by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for groups in compose(rules, wanted(**more)).values():
        for one in book.alerts_of(groups):
            found.setdefault(one["alert"], []).append(one)
    return found


def test_a_file_is_deployed_where_all_its_components_are(rules: Book) -> None:
    assert set(compose(rules, Wanted(frozenset({"node_exporter", "prometheus"})))) == {"host"}
    assert set(compose(rules, wanted())) == {"host", "cluster"}


def test_files_can_be_wished_for_and_refused(rules: Book) -> None:
    few = frozenset({"prometheus"})

    assert set(compose(rules, Wanted(few, files={"host": True}))) == {"host"}
    assert set(compose(rules, wanted(files={"host": False}))) == {"cluster"}


def test_nothing_set_leaves_expressions_and_descriptions_as_they_are(rules: Book) -> None:
    (busy,) = alerts(rules)["Busy"]

    assert busy["expr"] == BUSY
    assert busy["annotations"]["description"] == "{{ $value }} used for 15 min (limit 90%)."


def test_a_number_of_all_hosts_changes_the_rule_itself(rules: Book) -> None:
    (busy,) = alerts(rules, values={"cpu_ratio": dict.fromkeys(HOSTS, 0.8)})["Busy"]

    assert busy["expr"] == BUSY.replace("0.9", "0.8")
    assert busy["annotations"]["description"] == "{{ $value }} used for 15 min (limit 80%)."


def test_a_number_of_some_hosts_makes_a_rule_for_them_and_leaves_them_out_of_the_other(rules: Book) -> None:
    common, databases, monitor = alerts(rules, values={"cpu_ratio": {"db1": 0.95, "db2": 0.95, "mon1": 0.5}})["Busy"]

    assert common["expr"] == f'(\n  {BUSY.strip()}\n)\nunless on (instance) up{{instance=~"db1|db2|mon1"}}\n'
    assert (
        databases["expr"]
        == f'(\n  {BUSY.strip().replace("0.9", "0.95")}\n)\nand on (instance) up{{instance=~"db1|db2"}}\n'
    )
    assert monitor["expr"].endswith('and on (instance) up{instance="mon1"}\n')
    assert [one["annotations"]["description"][-11:] for one in (common, databases, monitor)] == [
        "limit 90%).",
        "limit 95%).",
        "limit 50%).",
    ]


def test_the_number_of_most_hosts_is_the_rule_s_own(rules: Book) -> None:
    """A group's value for nearly all hosts does not make the default the exception's exception."""
    common, other = alerts(rules, values={"cpu_ratio": {host: 0.8 for host in HOSTS if host != "mon1"}})["Busy"]

    assert ("> 0.8" in common["expr"], "unless" in common["expr"]) == (True, True)
    assert ("> 0.9" in other["expr"], 'instance="mon1"' in other["expr"]) == (True, True)


def test_a_host_s_name_is_no_pattern(rules: Book) -> None:
    values = {"cpu_ratio": {"db1": 0.95, "mon1": 0.95}}
    common = alerts(rules, hosts=("a", "b", "c", "db1", "d.e"), values={"cpu_ratio": {"db1": 0.95, "d.e": 0.95}})[
        "Busy"
    ][0]

    assert 'instance=~"d\\\\.e|db1"' in common["expr"]
    assert 'instance=~"db1|mon1"' in alerts(rules, values=values)["Busy"][0]["expr"]


def test_hosts_may_not_differ_in_a_number_of_the_whole_stack(rules: Book) -> None:
    with pytest.raises(
        RulesError, match=r"rules_down_ratio is 0\.5 on db1, but 0\.9 elsewhere.*set it in group_vars/all"
    ):
        compose(rules, wanted(values={"down_ratio": {"db1": 0.5}}))


def test_an_alert_can_be_switched_off_and_takes_its_group_along(rules: Book) -> None:
    assert set(alerts(rules, alerts={"Gone": {"enabled": False}})) == {"Busy", "Down"}
    assert set(compose(rules, wanted(alerts={"Down": {"enabled": False}}))) == {"host"}


def test_another_for_is_told_in_the_description(rules: Book) -> None:
    (busy,) = alerts(rules, alerts={"Busy": {"for": "1h", "severity": "info", "keep_firing_for": "5m"}})["Busy"]

    assert (busy["for"], busy["keep_firing_for"], busy["labels"]["severity"]) == ("1h", "5m", "info")
    assert busy["annotations"]["description"] == "{{ $value }} used for 1 h (limit 90%)."
    assert list(busy) == ["alert", "expr", "for", "keep_firing_for", "labels", "annotations"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"alerts": {"Bussy": {}}}, r"rules_alerts\.Bussy: there is no such alert\. Did you mean Busy\?"),
        ({"alerts": {"Busy": {"fro": "5m"}}}, r"rules_alerts\.Busy\.fro is no known key"),
        ({"alerts": {"Busy": {"for": 5}}}, r"rules_alerts\.Busy\.for is 5, but must be a duration"),
        ({"alerts": {"Busy": {"for": "5 min"}}}, "must be a duration"),
        ({"alerts": {"Busy": {"severity": "page"}}}, "must be one of critical, warning, info"),
        ({"alerts": {"Busy": {"enabled": "no"}}}, "must be true or false"),
        ({"alerts": {"Busy": False}}, "not a mapping"),
        ({"files": {"hosts": True}}, r"rules_files\.hosts: there is no such rule file; there are cluster, host, slo"),
        ({"files": {"host": "yes"}}, "must be true or false"),
    ],
)
def test_what_makes_no_rules_is_refused(rules: Book, told: dict[str, Any], said: str) -> None:
    with pytest.raises(RulesError, match=said):
        compose(rules, wanted(**told))


def test_links_lead_to_the_edge_and_to_grafana(rules: Book) -> None:
    (busy,) = alerts(rules, runbook_base_url="https://mon/runbooks", dashboard_base_url="https://mon/grafana")["Busy"]

    assert busy["annotations"]["runbook_url"] == "https://mon/runbooks/Busy.html"
    assert busy["annotations"]["dashboard_url"].startswith("https://mon/grafana/d/promontory-host?var-instance={{")


def test_without_grafana_there_is_no_link_to_a_dashboard(rules: Book) -> None:
    (busy,) = alerts(rules)["Busy"]

    assert "dashboard_url" not in busy["annotations"]
    assert busy["annotations"]["runbook_url"] == "docs/runbooks/Busy.md"


def test_the_text_reads_back_the_same_and_keeps_expressions_readable(rules: Book) -> None:
    composed = compose(rules, wanted())["host"]

    written = text(composed, "host")

    assert yaml.safe_load(written) == {"groups": composed}
    assert "\n    expr: |\n      avg by (instance) (x) > 0.9  # threshold: cpu_ratio\n" in written
    assert written == text(compose(rules, wanted())["host"], "host")


def test_own_files_are_left_as_they_are_and_the_stack_s_are_composed(rules: Book, folder: Path, tmp_path: Path) -> None:
    own = {"rules/own.yml": {"src": str(tmp_path / "elsewhere" / "own.yml")}}
    ours = {
        f"rules/{name}": {"src": str(folder / name)}
        for name in ("host.yml", "cluster.yml", "slo.yml", "files.yml", "thresholds.yml")
    }

    tree = deployed.tree({**ours, **own}, folder, rules, wanted(files={"cluster": False}))

    assert set(tree) == {"rules/host.yml", "rules/own.yml"}
    assert tree["rules/own.yml"] == own["rules/own.yml"]
    assert "Managed by Promontory" in tree["rules/host.yml"]["content"]


def test_a_file_that_nobody_named_is_not_deployed(rules: Book, folder: Path) -> None:
    """prometheus_rule_files still says which files are wanted."""
    tree = deployed.tree({"rules/cluster.yml": {"src": str(folder / "cluster.yml")}}, folder, rules, wanted())

    assert set(tree) == {"rules/cluster.yml"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "host.yml",
            {"groups": [{"name": "h", "rules": [rule("Busy", "x > 1  # threshold: new_ratio\n")]}]},
            "new_ratio is not in",
        ),
        ("cluster.yml", {"groups": [{"name": "c", "rules": [rule("Down", BUSY)]}]}, "belongs to Busy"),
        ("cluster.yml", [], "must hold a mapping"),
        ("cluster.yml", {"rules": []}, "has no groups"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(folder: Path, name: str, content: Any, said: str) -> None:
    (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    with pytest.raises(RulesError, match=said):
        book.read(folder)
