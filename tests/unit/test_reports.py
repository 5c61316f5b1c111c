"""Reports on all hosts: nobody is forgotten, and every miss says how to look closer."""

from __future__ import annotations

from typing import Any

from ansible_collections.promontory.stack.plugins.plugin_utils import reports

AT = "2026-11-22T06:00:00+00:00"


def found(
    name: str = "targets", *, ok: bool = True, detail: str = "9 of 9 up", look: str = "", on: str = ""
) -> dict[str, Any]:
    """One finding as the module returns it."""
    return {"name": name, "ok": ok, "detail": detail, "look": look, "on": on}


def test_a_stack_is_well_when_every_check_of_every_host_is() -> None:
    results = {"mon1": {"checks": [found()]}, "mon2": {"checks": [found()]}, "web1": {"skipped": True}}

    report = reports.verification(results, "lab", AT)

    assert report["ok"]
    assert [check["host"] for check in report["checks"]] == ["mon1", "mon2"]


def test_a_host_that_never_answered_is_a_miss_with_its_reason() -> None:
    results = {"mon1": {"checks": [found()]}, "web1": {"unreachable": True, "msg": "Connection\n refused"}, "web2": {}}

    report = reports.verification(results, "lab", AT)

    assert not report["ok"]
    assert [(check["host"], check["detail"]) for check in report["checks"][1:]] == [
        ("web1", "Connection refused"),
        ("web2", "not asked, because an earlier step failed on this host"),
    ]


def test_nothing_asked_is_not_well() -> None:
    assert not reports.verification({"web1": {"skipped": True}}, "lab", AT)["ok"]


def test_the_closer_look_runs_on_the_host_at_fault() -> None:
    miss = found(ok=False, look='journalctl -u x --grep "$a"', on="web1")

    [check] = reports.verification({"mon1": {"checks": [miss]}}, "lab", AT)["checks"]

    assert check["look"] == 'ansible web1 -m ansible.builtin.shell -a "journalctl -u x --grep \\"\\$a\\""'


def test_the_table_shows_every_check_and_wraps_long_answers() -> None:
    results = {"mon1": {"checks": [found(), found("rules", ok=False, detail="boom " * 40, look="curl x")]}}

    text = reports.verification_table(reports.verification(results, "lab", AT))

    assert text.splitlines()[1].split() == ["ok", "mon1", "targets", "9", "of", "9", "up"]
    assert "MISS" in text
    assert "look: ansible mon1" in text
    assert max(len(line) for line in text.splitlines()) < 140


def test_the_states_name_unreachable_and_empty_hosts() -> None:
    one = {"name": "prometheus", "version": "3.5.3", "source": "package", "active": "active", "detail": ""}
    results = {"mon1": {"components": [one]}, "web1": {"msg": "timed out"}, "web2": {"components": []}}

    report = reports.states(results, {"mon1": "10.0.0.5"}, "lab", AT)
    text = reports.states_table(report)

    assert [(host["name"], host["reachable"]) for host in report["hosts"]] == [
        ("mon1", True),
        ("web1", False),
        ("web2", True),
    ]
    assert "3.5.3 (package)" in text
    assert "timed out" in text
    assert "nothing is installed" in text
