"""What one apply does on a healthy host and with sets that do not serve."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import accounts
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import Host, Shelf


def test_a_first_install_serves_and_says_so(host: Host, shelf: Shelf) -> None:
    declared = shelf.declare(secrets={"token": "hunter2"})

    outcome = host.apply(declared)

    assert outcome.changed
    assert (outcome.version, outcome.generation) == ("1.0.0", f"0001-{declared.digest()[:8]}")
    assert host.on_disk(declared)
    assert host.serves(declared)
    assert host.layout.unit_link.readlink().as_posix() == "/etc/tiny/current/tiny.service"
    assert host.layout.wants_link.readlink().as_posix() == "../tiny.service"
    assert host.layout.opt_current.readlink().as_posix() == "/etc/tiny/current/release"


def test_a_second_run_changes_nothing_and_asks_only_for_the_state(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())
    before = host.files()
    host.systemd.calls.clear()

    outcome = host.apply(shelf.declare())

    assert not outcome.changed
    assert outcome.diff == []
    assert host.systemd.calls == []
    assert host.files() == before


def test_text_with_carriage_returns_is_as_declared_the_second_time(host: Host, shelf: Shelf) -> None:
    declared = shelf.declare(conf="answer: 1\r\n", secrets={"token": "a\r\nb\r"})
    host.apply(declared)

    assert not host.apply(declared).changed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"conf": "answer: 2\n"}, ["daemon-reload", "reload"], id="reloadable file"),
        pytest.param(
            {"files": {"rules/host.yml": "new"}}, ["daemon-reload", "reload"], id="file added below a pattern"
        ),
        pytest.param({"files": {"other.conf": "new"}}, ["daemon-reload", "restart"], id="other file"),
        pytest.param({"secrets": {"token": "new"}}, ["daemon-reload", "restart"], id="secret"),
        pytest.param({"argv": ("--color",)}, ["daemon-reload", "restart"], id="flag"),
        pytest.param({"version": "1.1.0"}, ["daemon-reload", "restart"], id="release"),
        pytest.param({"conf": "answer: 2\n", "reload_paths": []}, ["daemon-reload", "restart"], id="cannot reload"),
    ],
)
def test_reloads_where_the_program_can_and_restarts_where_it_must(
    host: Host, shelf: Shelf, change: dict[str, object], expected: list[str]
) -> None:
    host.apply(shelf.declare())
    host.systemd.calls.clear()
    declared = shelf.declare(**change)  # type: ignore[arg-type]

    host.apply(declared)

    assert host.systemd.calls == expected
    assert host.serves(declared)
    assert not host.apply(declared).changed


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda host: (host.layout.config / "tiny.conf").write_text("answer: 9\n"), id="file edited"),
        pytest.param(lambda host: (host.layout.config / "tiny.conf").unlink(), id="file deleted"),
        pytest.param(lambda host: (host.layout.config / "more").write_text("x"), id="file added"),
        pytest.param(lambda host: (host.layout.config / "secrets/token").chmod(0o644), id="secret readable by all"),
        pytest.param(lambda host: host.layout.unit_link.unlink(), id="unit deleted"),
        pytest.param(lambda host: host.layout.wants_link.unlink(), id="unit disabled"),
        pytest.param(lambda host: (host.layout.current / "tiny.service").write_text("[Unit]\n"), id="unit edited"),
        pytest.param(lambda host: host.layout.current.unlink(), id="link deleted"),
        pytest.param(lambda host: host.systemd.crash(), id="service stopped"),
        pytest.param(lambda host: (host.layout.opt / "1.0.0/tiny").unlink(), id="program deleted"),
        pytest.param(lambda host: (host.layout.opt / "1.0.0/VERSION").write_text("6.6.6"), id="program's file edited"),
    ],
)
def test_what_was_changed_by_hand_is_repaired(host: Host, shelf: Shelf, damage) -> None:  # type: ignore[no-untyped-def]
    declared = shelf.declare(secrets={"token": "hunter2"})
    host.apply(declared)
    damage(host)

    outcome = host.apply(declared)

    assert outcome.changed
    assert host.on_disk(declared)
    assert host.serves(declared)
    assert stat.S_IMODE((host.layout.config / "secrets/token").stat().st_mode) == 0o600
    assert not host.apply(declared).changed


def test_a_set_edited_by_hand_is_not_what_a_rollback_goes_back_to(host: Host, shelf: Shelf) -> None:
    first, second = shelf.declare(), shelf.declare("1.1.0")
    host.apply(first)
    host.apply(second)
    (host.layout.config / "tiny.conf").write_text("answer: 9\n")
    host.apply(second)

    host.roll_back()

    assert host.serves(first)


def test_repair_works_when_the_edited_file_had_already_been_refused_on_reload(host: Host, shelf: Shelf) -> None:
    """The program's word about the reload before ours is no word about ours."""
    declared = shelf.declare()
    host.apply(declared)
    (host.layout.config / "tiny.conf").write_text("refuses-reload\n")
    host.systemd.reload()
    host.systemd.reloaded, host.systemd.pending = (0, 0.0), None

    host.apply(declared)

    assert host.serves(declared)


@pytest.mark.parametrize(
    ("conf", "complaint"),
    [
        pytest.param("refused\n", "refuses the new configuration", id="check"),
        pytest.param("refuses-reload\n", "refused the new configuration when told to reload", id="reload"),
    ],
)
def test_a_refused_configuration_leaves_the_service_as_it_was(
    host: Host, shelf: Shelf, conf: str, complaint: str
) -> None:
    good = shelf.declare()
    host.apply(good)
    invocation = host.systemd.invocation

    with pytest.raises(ComponentError, match=complaint):
        host.apply(shelf.declare(conf=conf))

    assert host.on_disk(good)
    assert host.serves(good)
    assert host.systemd.invocation == invocation, "it was restarted"
    assert not host.apply(good).changed


@pytest.mark.parametrize(
    ("conf", "complaint"),
    [
        pytest.param("dies\n", "It does not stay up: tiny.service is activating/auto-restart", id="dies"),
        pytest.param("never-ready\n", "It is not ready after 0 s: tiny://ready answers 503", id="never ready"),
        pytest.param("wrong-version\n", "Version '9.9.9' answers, expected 1.1.0", id="another version answers"),
        pytest.param("no-json\n", "tiny://version", id="version is no JSON"),
    ],
)
def test_an_upgrade_that_does_not_serve_is_put_back(host: Host, shelf: Shelf, conf: str, complaint: str) -> None:
    good = shelf.declare(secrets={"token": "hunter2"})
    host.apply(good)

    with pytest.raises(ComponentError, match=complaint) as failure:
        host.apply(shelf.declare("1.1.0", conf=conf, argv=("--color",)))

    assert "Put back: 1.0.0 serves with its former set." in str(failure.value)
    assert host.on_disk(good)
    assert host.serves(good)
    assert not host.apply(good).changed


@pytest.mark.parametrize("conf", ["refused\n", "dies\n", "never-ready\n", "no-json\n"])
def test_a_first_install_that_does_not_serve_leaves_nothing_active(host: Host, shelf: Shelf, conf: str) -> None:
    with pytest.raises(ComponentError):
        host.apply(shelf.declare(conf=conf))

    assert host.systemd.running is None
    assert not host.layout.unit_link.is_symlink()
    assert not host.layout.wants_link.is_symlink()
    assert not host.layout.etc.exists()
    assert not host.layout.journal.exists()
    host.apply(shelf.declare())
    assert host.serves(shelf.declare())


def test_the_words_of_a_program_that_died_are_in_the_message(host: Host, shelf: Shelf) -> None:
    with pytest.raises(ComponentError, match="tiny: said before it died"):
        host.apply(shelf.declare(conf="dies\n"))


def test_the_check_judges_the_new_tree_and_not_the_live_one(host: Host, shelf: Shelf) -> None:
    """A configuration that names its own files must be judged with the new ones."""
    look = [["/bin/sh", "-c", 'grep -q new "$(cat {config}/tiny.conf)"']]
    host.apply(shelf.declare(conf="{config}/rules/a.yml\n", files={"rules/a.yml": "old"}))
    declared = shelf.declare(conf="{config}/rules/a.yml\n", files={"rules/a.yml": "new"}, checks=look)

    host.apply(declared)

    assert host.serves(declared)
    assert (host.layout.config / "tiny.conf").read_text() == "/etc/tiny/current/config/rules/a.yml\n"


def test_a_flag_the_version_does_not_know_is_refused_before_anything_changes(host: Host, shelf: Shelf) -> None:
    good = shelf.declare()
    host.apply(good)
    known = replace(good, help_command=["{release}/tiny", "--help"], used_flags=["--listen", "--no-color", "--color"])
    host.apply(known)

    with pytest.raises(ComponentError, match=r"tiny 1\.0\.0 has no flag --colour"):
        host.apply(replace(known, used_flags=["--colour"], unit=known.unit + "#"))

    assert host.serves(good)


def test_a_downgrade_is_refused_unless_allowed(host: Host, shelf: Shelf) -> None:
    newer, older = shelf.declare("1.10.0"), shelf.declare("1.9.0")
    host.apply(newer)

    with pytest.raises(ComponentError, match=r"1\.9\.0 is older than 1\.10\.0") as refusal:
        host.apply(older)
    assert "tiny_allow_downgrade" in str(refusal.value)
    assert host.serves(newer)

    host.apply(replace(older, allow_downgrade=True))
    assert host.serves(older)


def test_rollback_makes_the_former_set_serve_and_can_be_undone(host: Host, shelf: Shelf) -> None:
    first, second = shelf.declare(), shelf.declare("1.1.0", conf="answer: 2\n", argv=("--color",))
    host.apply(first)
    host.apply(second)

    assert host.roll_back().changed
    assert host.on_disk(first)
    assert host.serves(first)

    host.roll_back()
    assert host.on_disk(second)
    assert host.serves(second)
    assert not host.apply(second).changed


def test_rollback_to_a_set_that_does_not_serve_any_more_is_put_back(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare(conf="answer: 1\n"))
    former = host.journal()["committed"]["id"]
    serving = shelf.declare(conf="answer: 2\n")
    host.apply(serving)
    (host.layout.generation(former) / "config/tiny.conf").write_text("dies\n")

    with pytest.raises(ComponentError, match="Put back"):
        host.roll_back()

    assert host.serves(serving)


def test_rollback_without_a_former_set_is_refused(host: Host, shelf: Shelf) -> None:
    declared = shelf.declare()
    host.apply(declared)

    with pytest.raises(ComponentError, match="no former generation"):
        host.roll_back()

    assert host.serves(declared)


def test_absent_removes_all_but_the_data(host: Host, shelf: Shelf) -> None:
    before = host.files()
    host.apply(shelf.declare(secrets={"token": "hunter2"}))
    host.layout.data.mkdir(parents=True)
    (host.layout.data / "series").write_text("precious")

    assert host.remove().changed

    assert host.systemd.running is None
    kept = {path: text for path, text in host.files().items() if not path.startswith("run/lock")}
    assert kept == {**before, "var/lib/tiny/series": "precious"}
    assert not host.layout.etc.exists()
    assert not host.layout.opt.exists()
    assert not host.remove().changed


def test_absent_with_purge_removes_the_data_and_the_account(
    host: Host, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(accounts, "is_ours", lambda user: not removed)
    monkeypatch.setattr(accounts, "remove", removed.append)
    host.apply(shelf.declare())
    host.layout.data.mkdir(parents=True)

    assert host.remove(purge_data=True).changed

    assert not host.layout.data.exists()
    assert removed == ["tiny"]
    assert not host.remove(purge_data=True).changed


def test_a_purge_empties_a_disk_of_its_own_and_leaves_it_in_place(
    host: Host, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mounted file system cannot be removed, nor renamed; data on a link's other end are data too."""
    mounted = {host.layout.etc, host.layout.opt}
    monkeypatch.setattr(Path, "is_mount", lambda path: path in mounted)
    host.apply(shelf.declare())
    disk = tmp_path / "disk"
    (disk / "series").mkdir(parents=True)
    (disk / "series/0001").write_text("x")
    host.layout.data.parent.mkdir(parents=True, exist_ok=True)
    host.layout.data.symlink_to(disk)

    assert host.remove(purge_data=True).changed

    assert list(disk.iterdir()) == []
    assert host.layout.data.is_symlink()
    assert [list(place.iterdir()) for place in sorted(mounted)] == [[], []]
    assert not host.remove(purge_data=True).changed


def test_absent_takes_away_what_a_refused_first_install_had_staged(host: Host, shelf: Shelf) -> None:
    with pytest.raises(ComponentError):
        host.apply(shelf.declare(conf="refused\n"))

    host.remove()

    assert not host.layout.opt.exists()


def test_old_generations_and_releases_are_collected_but_never_those_in_use(host: Host, shelf: Shelf) -> None:
    for number in range(6):
        host.apply(shelf.declare(f"1.{number}.0", conf=f"answer: {number}\n", keep_generations=3))

    generations = sorted(path.name[:4] for path in host.layout.generations.iterdir())
    releases = sorted(path.name for path in host.layout.opt.iterdir() if not path.is_symlink())
    assert generations == ["0004", "0005", "0006"]
    assert releases == ["1.3.0", "1.4.0", "1.5.0"]


def test_with_one_generation_kept_the_former_stays_for_a_rollback(host: Host, shelf: Shelf) -> None:
    for number in range(3):
        host.apply(shelf.declare(f"1.{number}.0", keep_generations=1))

    host.roll_back()

    assert host.serves(shelf.declare("1.1.0"))


def test_collecting_spares_directories_that_are_not_ours(host: Host, shelf: Shelf) -> None:
    """An earlier installation by hand often lies in the same place, with its data."""
    theirs = host.layout.opt / "data"
    theirs.mkdir(parents=True)
    (theirs / "series").write_text("precious")

    for number in range(4):
        host.apply(shelf.declare(f"1.{number}.0", keep_generations=1))
    host.remove()

    assert (theirs / "series").read_text() == "precious"


def test_a_release_another_component_uses_stays(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare("1.0.0"))
    other = host.root / "etc/tiny_two/generations/0001-abc"
    other.mkdir(parents=True)
    (other / "release").symlink_to("/opt/tiny/1.0.0")

    host.apply(shelf.declare("1.1.0"))
    host.remove()

    assert [path.name for path in host.layout.opt.iterdir()] == ["1.0.0"]


def test_another_way_to_ask_for_the_same_set_is_noted_without_a_change(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())

    outcome = host.apply(shelf.declare(request="asked otherwise"))

    assert not outcome.changed
    assert host.journal()["committed"]["request"] == "asked otherwise"


def test_the_journal_is_kept_from_other_eyes(host: Host, shelf: Shelf) -> None:
    host.apply(shelf.declare())

    assert stat.S_IMODE(host.layout.journal.stat().st_mode) == 0o600


def test_a_unit_of_somebody_else_is_not_replaced(host: Host, shelf: Shelf) -> None:
    """Put back would mean removed: the file is not ours to take away."""
    host.layout.unit_link.parent.mkdir(parents=True, exist_ok=True)
    host.layout.unit_link.write_text("[Service]\nExecStart=/usr/local/bin/tiny\n")

    with pytest.raises(ComponentError, match=r"tiny\.service is there already, and not from here"):
        host.apply(shelf.declare())

    assert host.layout.unit_link.read_text() == "[Service]\nExecStart=/usr/local/bin/tiny\n"
    assert not host.layout.etc.exists()
