"""Check mode judges and shows everything and leaves the host as it is; secrets are never shown."""

from __future__ import annotations

import json

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.release import NeedArtifact

from tests.unit.component.workbench import Host, Shelf


def test_a_fresh_host_shows_the_whole_set_and_keeps_nothing(host: Host, shelf: Shelf) -> None:
    before = host.files()

    outcome = host.apply(shelf.declare(conf="answer: 42\n"), check_mode=True)

    assert outcome.changed
    assert outcome.actions == ["would activate tiny 1.0.0"]
    shown = {entry["after_header"]: entry["after"] for entry in outcome.diff}
    assert shown["/etc/tiny/current/config/tiny.conf"] == "answer: 42\n"
    assert "ExecStart=/opt/tiny/1.0.0/tiny" in shown["/etc/systemd/system/tiny.service"]
    assert shown["/opt/tiny: version"] == "1.0.0 (archive, 1.0.0)\n"
    assert host.files() == before
    assert [path for path in host.everything() if "tiny" in path or "check" in path] == []


def test_shows_what_the_run_then_does(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(conf="answer: 1\n", files={"rules/old.yml": "old"}))
    declared = shelf.declare("1.1.0", conf="answer: 2\n", files={"rules/new.yml": "new"}, argv=("--color",))

    shown = host.apply(declared, check_mode=True)
    done = host.apply(declared)

    assert shown.diff == done.diff
    assert [entry["before"] for entry in shown.diff if "tiny.conf" in entry["before_header"]] == ["answer: 1\n"]
    assert [entry["after_header"] for entry in shown.diff if "old.yml" in entry["before_header"]] == [
        "/etc/tiny/current/config/rules/old.yml (absent)"
    ]


@pytest.mark.parametrize("installed", [True, False], ids=["upgrade", "fresh host"])
def test_a_configuration_its_program_refuses_is_refused_already_here(host: Host, shelf: Shelf, installed: bool) -> None:
    if installed:
        host.apply(shelf.declare())
    before = host.files()

    with pytest.raises(ComponentError, match=r"`tiny check tiny\.conf` refuses the new configuration") as refusal:
        host.apply(shelf.declare("1.1.0", conf="refused\n"), check_mode=True)

    assert refusal.value.detail == "tiny.conf: line 1: refused"
    assert host.files() == before


def test_as_declared_shows_nothing(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())

    assert not host.apply(shelf.declare(), check_mode=True).changed


def test_a_stopped_service_is_told_and_left_stopped(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())
    host.systemd.crash()

    outcome = host.apply(shelf.declare(), check_mode=True)

    assert outcome.actions == ["restart tiny.service, which was inactive/dead"]
    assert host.systemd.running is None


def test_absent_and_rollback_are_only_told(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())
    host.apply(shelf.declare("1.1.0"))
    before = host.files()

    assert host.transaction(check_mode=True).remove(purge_data=True).actions == ["remove tiny"]
    assert host.transaction(check_mode=True).roll_back().changed
    assert host.files() == before


def test_secrets_appear_in_no_diff_no_action_and_no_message(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(secrets={"token": "hunter2", "gone": "correct horse"}))
    changed = shelf.declare(secrets={"token": "swordfish", "fresh": "battery staple"})

    outcome = host.apply(changed, check_mode=True)
    with pytest.raises(ComponentError) as refusal:
        host.apply(shelf.declare(conf="refused\n", secrets={"token": "swordfish"}))

    told = json.dumps([outcome.diff, outcome.actions, str(refusal.value)])
    for secret in ("hunter2", "correct horse", "swordfish", "battery staple"):
        assert secret not in told
    assert {entry["before_header"] for entry in outcome.diff} == {
        "/etc/tiny/current/config/secrets/token",
        "/etc/tiny/current/config/secrets/gone",
        "/etc/tiny/current/config/secrets/fresh (absent)",
    }


def test_asks_for_the_artifact_where_only_the_controller_has_it(host: Host, shelf: Shelf) -> None:
    declared = shelf.declare()
    object.__setattr__(declared.release, "artifact", None)

    with pytest.raises(NeedArtifact):
        host.apply(declared, check_mode=True)
