"""What is done when: a list of steps that a seed decides, so that two runs do the same."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """Something a user does."""

    HOME = "home"
    ACCOUNTS = "accounts"
    ENTRIES = "entries"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    OVERDRAW = "overdraw"
    TRANSFER = "transfer"


# How often each is done, in parts of the sum. Reading outweighs writing, and now and then somebody asks for too much.
WEIGHTS = {
    Operation.HOME: 10,
    Operation.ACCOUNTS: 25,
    Operation.ENTRIES: 15,
    Operation.DEPOSIT: 20,
    Operation.WITHDRAW: 12,
    Operation.OVERDRAW: 3,
    Operation.TRANSFER: 15,
}


@dataclass(frozen=True)
class Step:
    """One request: when it is due, in seconds from the start; by which user; what; and the amount, cents."""

    at_s: float
    user: int
    operation: Operation
    cents: int


def plan(*, seed: int, rate: float, duration_s: float, users: int) -> list[Step]:
    """Decide all steps of a run.

    Args:
        seed: The same seed and settings give the same steps.
        rate: Requests per second on average; they arrive at random, as independent people's do.
        duration_s: Length of the run, seconds.
        users: How many people there are.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret comes of it
    operations, weights = list(WEIGHTS), list(WEIGHTS.values())
    steps: list[Step] = []
    at_s = draw.expovariate(rate)
    while at_s < duration_s:
        operation = draw.choices(operations, weights)[0]
        steps.append(Step(at_s, draw.randrange(users), operation, draw.randint(1, 5000)))
        at_s += draw.expovariate(rate)
    return steps
