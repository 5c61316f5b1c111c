"""When people are told, on an invented clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from promontory_heartbeat.watch import Notice, StateError, Watches

START = 1_000_000.0


def watches(tmp_path: Path, *names: str, now: float = START) -> Watches:
    return Watches(tmp_path / "state.json", names or ("prod",), silence_s=180, repeat_s=3600, now=now)


def silent(since: float, at: float) -> list[Notice]:
    return [Notice("prod", is_silent=True, since=since, at=at)]


def test_nothing_is_told_while_beats_come(tmp_path: Path) -> None:
    watched = watches(tmp_path)

    for second in range(0, 3600, 60):
        watched.beat("prod", START + second)
        assert watched.due(START + second + 59) == []


def test_silence_is_told_at_its_limit_and_not_before(tmp_path: Path) -> None:
    watched = watches(tmp_path)
    watched.beat("prod", START + 10)

    assert watched.due(START + 189.9) == []
    assert watched.due(START + 190) == silent(START + 10, START + 190)


def test_silence_is_told_once_then_again_after_the_repeat_interval(tmp_path: Path) -> None:
    watched = watches(tmp_path)
    watched.beat("prod", START)
    (notice,) = watched.due(START + 200)
    watched.told(notice, START + 200)

    assert watched.due(START + 3799) == []
    assert watched.due(START + 3800) == silent(START, START + 3800), "since the same moment as the first"


def test_a_notice_stays_due_until_people_were_told(tmp_path: Path) -> None:
    watched = watches(tmp_path)

    assert len(watched.due(START + 300)) == 1
    assert len(watched.due(START + 301)) == 1


def test_the_end_of_a_silence_is_told_once(tmp_path: Path) -> None:
    watched = watches(tmp_path)
    watched.beat("prod", START)
    watched.told(watched.due(START + 200)[0], START + 200)
    watched.beat("prod", START + 500)

    (back,) = watched.due(START + 501)
    watched.told(back, START + 501)

    assert back == Notice("prod", is_silent=False, since=START, at=START + 500)
    assert watched.due(START + 510) == []


def test_what_the_path_itself_says_is_over_is_told_at_once(tmp_path: Path) -> None:
    """Alertmanager resolves the Watchdog when no Prometheus sends it any more."""
    watched = watches(tmp_path)
    watched.beat("prod", START + 60)
    watched.lost("prod", START + 90)

    assert watched.due(START + 90) == silent(START + 60, START + 90)


def test_a_beat_after_a_loss_is_life_again(tmp_path: Path) -> None:
    watched = watches(tmp_path)
    watched.lost("prod", START + 90)
    watched.beat("prod", START + 95)

    assert watched.due(START + 100) == []


def test_an_environment_never_heard_of_is_told_too(tmp_path: Path) -> None:
    assert watches(tmp_path).due(START + 180) == silent(START, START + 180)


def test_only_the_watched_are_taken(tmp_path: Path) -> None:
    watched = watches(tmp_path)

    assert watched.beat("other", START) is False
    assert [watch.name for watch in watched.all()] == ["prod"]


def test_a_start_gives_the_path_time_to_be_heard(tmp_path: Path) -> None:
    watches(tmp_path).beat("prod", START)

    again = watches(tmp_path, now=START + 7200)

    assert again.due(START + 7200 + 179) == []
    assert again.due(START + 7200 + 180) == silent(START, START + 7380)


def test_a_restart_tells_neither_the_silence_again_nor_forgets_its_end(tmp_path: Path) -> None:
    before = watches(tmp_path)
    before.beat("prod", START)
    before.told(before.due(START + 200)[0], START + 200)

    after = watches(tmp_path, now=START + 300)

    assert after.due(START + 600) == []
    after.beat("prod", START + 700)
    assert after.due(START + 701) == [Notice("prod", is_silent=False, since=START, at=START + 700)]


def test_no_end_is_told_before_a_beat_was_heard_again(tmp_path: Path) -> None:
    before = watches(tmp_path)
    before.beat("prod", START)
    before.told(before.due(START + 200)[0], START + 200)

    after = watches(tmp_path, now=START + 300)

    assert after.due(START + 310) == [], "not silent for long since the start, yet nobody was heard"


def test_silence_counts_anew_after_the_machine_slept(tmp_path: Path) -> None:
    watched = watches(tmp_path)
    watched.listen_again(START + 10_000)

    assert watched.due(START + 10_100) == []


def test_environments_are_apart(tmp_path: Path) -> None:
    watched = watches(tmp_path, "prod", "stage")
    watched.beat("stage", START + 100)

    assert [notice.name for notice in watched.due(START + 200)] == ["prod"]


def test_an_environment_no_longer_watched_is_forgotten(tmp_path: Path) -> None:
    watches(tmp_path, "prod", "stage")

    assert [watch.name for watch in watches(tmp_path, "prod").all()] == ["prod"]


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")

    with pytest.raises(StateError, match=r"state\.json.*remove the file"):
        watches(tmp_path)
