"""The plan of a load: the same from the same seed, and as its profile says."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from fintech.load import PROFILES, Operation, Profile, plan

WISH = {"rate": 50.0, "duration_s": 240.0, "users": 3}
BY_NAME = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def by_part(name: str, parts: int, seed: int = 1) -> list[int]:
    """Count the steps in each of so many equal parts of a run."""
    counts = Counter(int(step.at_s / WISH["duration_s"] * parts) for step in plan(seed=seed, profile=PROFILES[name], **WISH))
    return [counts[part] for part in range(parts)]


@BY_NAME
def test_a_seed_decides_every_step(profile: Profile) -> None:
    assert plan(seed=7, profile=profile, **WISH) == plan(seed=7, profile=profile, **WISH)
    assert plan(seed=7, profile=profile, **WISH) != plan(seed=8, profile=profile, **WISH)


@BY_NAME
def test_a_plan_has_the_asked_rate_on_average_whatever_its_curve(profile: Profile) -> None:
    steps = plan(seed=1, profile=profile, **WISH)
    assert len(steps) == pytest.approx(12_000, rel=0.05)
    assert all(0 <= step.at_s < 240 and 0 <= step.user < 3 for step in steps)


@BY_NAME
def test_operations_have_the_shares_of_the_profile(profile: Profile) -> None:
    counts = Counter(step.operation for step in plan(seed=1, profile=profile, **WISH))
    total = sum(profile.weights.values())
    expected = {operation: weight / total for operation, weight in profile.weights.items()}
    assert {operation: count / counts.total() for operation, count in counts.items()} == pytest.approx(expected, abs=0.02)


@BY_NAME
def test_no_curve_rises_above_the_peak_that_the_plan_draws_at(profile: Profile) -> None:
    curve = profile.curve(random.Random(1))  # noqa: S311 - repeatable on purpose
    assert all(0 <= curve(share / 1000) <= profile.peak for share in range(1000))


def test_a_steady_plan_is_as_busy_at_every_hour() -> None:
    hours = by_part("steady", 24)
    assert min(hours) > 0.7 * max(hours)


def test_a_day_is_quiet_at_night_and_busy_at_noon() -> None:
    hours = by_part("day", 24)
    assert hours[13] > 5 * hours[3]
    assert hours.index(max(hours)) in range(11, 15)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bursts_are_three_and_apart(seed: int) -> None:
    slots = by_part("burst", 400, seed)
    calm = sorted(slots)[200]
    busy = [number for number, count in enumerate(slots) if count > 5 * calm]
    begins = [number for number in busy if number - 1 not in busy and number - 2 not in busy]
    assert len(begins) == 3


def test_an_attack_goes_beside_ordinary_customers() -> None:
    for name, operation in (("brute-force", Operation.WRONG_PASSWORD), ("stale-tokens", Operation.STALE_TOKEN)):
        counts = Counter(step.operation for step in plan(seed=1, profile=PROFILES[name], **WISH))
        assert 0.5 < counts[operation] / counts.total() < 0.7
        assert counts[Operation.DEPOSIT] > 0
