"""What is done when: a list of steps that a seed decides, so that two runs do the same."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fintech.load.profiles import PROFILES, Operation, Profile


@dataclass(frozen=True)
class Step:
    """One thing to do: when it is due, in seconds from the start; by which user; what; and the amount, cents."""

    at_s: float
    user: int
    operation: Operation
    cents: int


def plan(
    *, seed: int, rate: float, duration_s: float, users: int, profile: Profile = PROFILES["steady"]
) -> list[Step]:
    """Decide all steps of a run.

    They arrive at random, as independent people's do: a Poisson process whose rate follows the profile's curve, by
    thinning. Steps are drawn at the highest rate that the curve has, and each is kept with the share that the curve has
    of it at that moment.

    Args:
        seed: The same seed and settings give the same steps.
        rate: Steps per second, averaged over the run.
        duration_s: Length of the run, seconds.
        users: How many people there are.
        profile: What they do, and the curve of the rate.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret comes of it
    curve = profile.curve(draw)
    operations, weights = list(profile.weights), list(profile.weights.values())
    steps: list[Step] = []
    at_s = 0.0
    while (at_s := at_s + draw.expovariate(rate * profile.peak)) < duration_s:
        if draw.random() * profile.peak < curve(at_s / duration_s):
            operation = draw.choices(operations, weights)[0]
            steps.append(Step(at_s, draw.randrange(users), operation, draw.randint(1, 5000)))
    return steps
