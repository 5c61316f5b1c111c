"""One program's life on a real host: what serves afterwards is one whole set, whatever happens on the way."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.host.beacon import LOOK, Beacon, is_served, is_whole, look, serves
from tests.host.target import NAME, Target, ended, wait_until

pytestmark = pytest.mark.lab

KILLS = 20
OLD = Beacon(version="1.0.0", text="old", flags={"color": "red"}, token="old token")
NEW = Beacon(version="1.1.0", text="new", flags={"color": "blue"}, token="new token")


@pytest.fixture
def old(lab_host: Target, request: pytest.FixtureRequest) -> Target:
    """The host with the old set serving; kept from test to test as long as it does."""
    if not serves(lab_host, OLD):
        clean: Target = request.getfixturevalue("target")
        clean.declared(OLD.arguments(clean))
    return lab_host


def _snapshot(target: Target) -> str:
    return target.shell(
        "find /etc/beacon /opt/beacon /etc/systemd/system /var/lib/beacon /var/lib/promontory 2>/dev/null | sort;"
        "find /var/tmp ~/.ansible/tmp -mindepth 1 2>/dev/null; getent passwd beacon",
        check=False,
    )


# -- the ordinary course --------------------------------------------------------------------------------


def test_check_mode_on_a_host_with_nothing_shows_all_and_leaves_nothing(target: Target) -> None:
    before = _snapshot(target)

    run = target.declare(OLD.arguments(target), options=["--check", "--diff"])

    assert run.returncode == 0, run.output
    assert run.changed == 1
    assert re.search(r'^\+.*"text": "old"', run.output, re.MULTILINE)
    assert "+ExecStart=/usr/bin/python3 /opt/beacon/1.0.0/beacon.py serve" in run.output
    assert "old token" not in run.output
    assert _snapshot(target) == before


def test_check_mode_refuses_what_the_program_refuses(target: Target) -> None:
    before = _snapshot(target)

    run = target.declare(OLD.but(mode="nonsense").arguments(target), options=["--check"])

    assert run.returncode == 2
    assert "mode 'nonsense' is none of normal" in run.output
    assert _snapshot(target) == before


def test_install_no_change_reload_restart_rollback_and_absent(target: Target) -> None:
    run = target.declare(OLD.arguments(target), OLD.arguments(target))
    assert (run.returncode, run.changed) == (0, 1), run.output
    assert serves(target, OLD)

    pid = target.shell("systemctl show -P MainPID beacon")
    reloaded = OLD.but(text="reloaded")
    target.declared(reloaded.arguments(target))
    assert serves(target, reloaded)
    assert target.shell("systemctl show -P MainPID beacon") == pid

    target.declared(NEW.arguments(target))
    assert serves(target, NEW)
    assert target.shell("systemctl show -P MainPID beacon") != pid

    target.declared({"name": "beacon", "state": "rolled_back"})
    assert serves(target, reloaded)

    target.declared({"name": "beacon", "state": "absent", "purge_data": True})
    left = "ls -d /etc/beacon /opt/beacon /var/lib/beacon /etc/systemd/system/beacon.service 2>/dev/null"
    assert target.shell(f"{left}; getent passwd beacon; systemctl is-active beacon", check=False) == "inactive"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            'echo \'{"mode": "normal", "text": "by hand"}\' > /etc/beacon/current/config/beacon.json;'
            "chmod 644 /etc/beacon/current/config/secrets/token; rm /opt/beacon/1.0.0/beacon.py",
            id="files",
        ),
        pytest.param("rm /etc/systemd/system/beacon.service; systemctl daemon-reload", id="unit"),
        pytest.param("systemctl stop beacon", id="stopped"),
    ],
)
def test_what_was_changed_by_hand_is_repaired(old: Target, damage: str) -> None:
    old.shell(damage)

    run = old.declare(OLD.arguments(old), OLD.arguments(old))

    assert (run.returncode, run.changed) == (0, 1), run.output
    assert serves(old, OLD)
    assert old.shell("stat -Lc '%a %U' /etc/beacon/current/config/secrets/token") == "600 beacon"


def test_the_service_comes_back_after_a_crash_and_starts_at_boot(old: Target) -> None:
    old.shell("systemctl kill -s KILL beacon")

    wait_until("beacon answers again", lambda: look(old)["answers"] == OLD.seen)
    assert old.shell("systemctl is-enabled beacon", check=False) in ("enabled", "linked")


def test_the_sandbox_of_every_unit_is_tight(old: Target) -> None:
    """systemd's own score, 0 (tightest) to 10; a program on the network that keeps state cannot have 0."""
    told = old.shell("systemd-analyze security --no-pager beacon.service")

    score = re.search(r"Overall exposure level for beacon\.service: ([0-9.]+)", told)
    assert score is not None, told
    assert float(score.group(1)) <= 1.5, told


# -- sets that do not serve ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param(
            NEW.but(mode="dies", readback={"settle_s": 2}),
            ["It does not stay up", "beacon: it is all over", "Put back: 1.0.0 serves with its former set"],
            id="starts and dies",
        ),
        pytest.param(
            NEW.but(mode="never-ready", readback={"timeout_s": 2}),
            ["It is not ready after 2 s", "answers 503", "Put back: 1.0.0 serves with its former set"],
            id="never ready",
        ),
        pytest.param(
            NEW.but(mode="nonsense"),
            ["refuses the new configuration", "mode 'nonsense' is none of", "1.0.0 still serves"],
            id="refuses its configuration",
        ),
        pytest.param(
            NEW.but(flags={"colour": "blue"}),
            ["beacon 1.1.0 has no flag --colour", "1.0.0 still serves"],
            id="bad flag",
        ),
    ],
)
def test_a_set_that_does_not_serve_is_red_and_the_former_serves(old: Target, bad: Beacon, words: list[str]) -> None:
    run = old.declare(bad.arguments(old))

    assert run.returncode == 2
    for word in words:
        assert word in run.output
    assert serves(old, OLD)


@pytest.mark.parametrize("mode", ["dies", "never-ready"])
def test_a_first_install_that_does_not_serve_leaves_nothing_active(target: Target, mode: str) -> None:
    bad = OLD.but(mode=mode, readback={"settle_s": 2, "timeout_s": 2})

    assert target.declare(bad.arguments(target)).returncode == 2

    assert look(target) == {"answers": None, "disk": None, "active": "inactive"}
    assert target.shell("ls /etc/systemd/system/beacon.service /etc/beacon 2>/dev/null", check=False) == ""


# -- runs that do not end as they should -----------------------------------------------------------------------


def test_killed_at_random_points_a_whole_set_serves_and_the_next_run_finishes(old: Target) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - nothing is kept secret with it
    chance = random.Random(seed)  # noqa: S311 - the same
    wanted = [NEW, OLD, NEW, *[one for number in range(KILLS) for one in [(OLD, NEW)[number % 2]] * 2]]
    steps: list[dict[str, Any]] = [{"do": "measure", "look": LOOK}] * 3
    for number in range(KILLS):
        # One in each of equal slices of the change's time: no part of it is left to luck.
        steps += [
            {"do": "kill", "at": (number + chance.random()) / KILLS, "look": LOOK},
            {"do": "finish", "look": LOOK},
        ]

    with old.watching("beacon", *steps) as watch:
        run = old.declare_in_turn([one.arguments(old) for one in wanted])
        told = [json.loads(line) for line in ended(watch, run).splitlines()]

    assert len(told) == len(steps), run.output
    for number, (step, one) in enumerate(zip(told, wanted, strict=True)):
        where = f"seed {seed}, run {number}: {step}"
        if step["do"] == "kill":
            assert is_whole(step["seen"], OLD, NEW), where
        else:
            assert is_served(step["seen"], one), where
    killed = sum(step.get("killed", False) for step in told)
    assert run.output.count(f"fatal: [{NAME}]") == killed, run.output
    assert killed >= KILLS // 2, f"only {killed} of {KILLS} runs were ended in time: {told}"
    left = "ls -d /opt/beacon/.staging-* /etc/beacon/.staging-* /etc/beacon/generations/.staging-* /var/tmp/promontory-check*"
    assert old.shell(f"{left} 2>/dev/null", check=False) == ""


def test_interrupted_by_the_operator_the_next_run_finishes(old: Target) -> None:
    assert old.declare_and_interrupt(NEW.arguments(old), after_s=0.1) != 0

    assert is_whole(look(old), OLD, NEW)
    run = old.declare(NEW.arguments(old), NEW.arguments(old))
    assert run.returncode == 0, run.output
    assert serves(old, NEW)


def test_two_runs_at_once_wait_for_one_another(old: Target) -> None:
    holder = "import fcntl,time; f=open('/run/lock/promontory-beacon.lock'); fcntl.flock(f,2); time.sleep(4)"
    old.shell(f'(python3 -c "{holder}" </dev/null >/dev/null 2>&1 &); sleep 0.3')

    with old.watching("beacon", {"do": "finish", "look": LOOK}) as watch:
        run = old.declare(NEW.arguments(old))
        first = json.loads(ended(watch, run))

    assert run.returncode == 0, run.output
    assert is_served(first["seen"], OLD), "it began while the other run held the lock"
    assert serves(old, NEW)


def test_a_component_takes_a_program_of_another_name_away_with_it(target: Target) -> None:
    """A removal names the component alone; which program it was is known on the host."""
    named = OLD.arguments(target)
    named["release"] = {**named["release"], "program": "lighthouse"}
    target.declared(named)
    assert target.shell("ls /opt/lighthouse").split() == ["1.0.0", "current"]

    target.declared({"name": "beacon", "state": "absent", "purge_data": True})

    assert target.shell("ls -d /opt/lighthouse /etc/beacon 2>/dev/null", check=False) == ""


# -- full disks ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(target: Target) -> Iterator[Target]:
    """The host with little room for releases and configuration, each on a disk of its own."""
    places = "/opt/beacon /etc/beacon"
    target.shell(f"for p in {places}; do mkdir -p $p && mount -t tmpfs -o size=256k,mode=755 small $p; done")
    yield target
    target.declared({"name": "beacon", "state": "absent", "purge_data": True})
    target.shell(f"umount {places} && rmdir {places}")


def test_a_full_disk_leaves_the_former_set_and_room_lets_the_next_run_finish(small_disk: Target) -> None:
    small_disk.declared(OLD.arguments(small_disk))

    for large in (NEW.but(ballast_kb=400), NEW.but(text="x" * 300_000)):
        run = small_disk.declare(large.arguments(small_disk))
        assert run.returncode == 2
        assert "No space left on device" in run.output
        assert "1.0.0 still serves with its former set" in run.output
        assert serves(small_disk, OLD)
        assert small_disk.shell("find /opt/beacon /etc/beacon -name '.staging-*'") == ""

    small_disk.shell("for p in /opt/beacon /etc/beacon; do mount -o remount,size=4m $p; done")
    both = NEW.but(ballast_kb=400, text="x" * 300_000)
    small_disk.declared(both.arguments(small_disk))
    assert serves(small_disk, both)


def test_a_first_install_on_a_full_disk_leaves_nothing(small_disk: Target) -> None:
    run = small_disk.declare(NEW.but(ballast_kb=400).arguments(small_disk))

    assert run.returncode == 2
    assert "No space left on device" in run.output
    assert "nothing was installed" in run.output
    assert small_disk.shell("find /opt/beacon /etc/beacon -mindepth 1") == ""
    assert look(small_disk)["active"] == "inactive"
