"""The profiles: what people do in which proportion, and how the rate runs over the time of a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """Something somebody does. The last five are no ordinary customer's."""

    HOME = "home"
    ACCOUNTS = "accounts"
    ENTRIES = "entries"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"
    OVERDRAW = "overdraw"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a name
    STALE_TOKEN = "stale-token"  # noqa: S105 - a name
    REPLAYED_REFRESH = "replayed-refresh"
    SIGN_UP = "sign-up"

    @property
    def books(self) -> bool:
        """Whether it is sent with an idempotency key and repeated until its outcome is known."""
        return self in (Operation.DEPOSIT, Operation.WITHDRAW, Operation.TRANSFER, Operation.OVERDRAW)


# Share of the run that has passed, 0 to 1 -> how many times the asked rate there is then.
Curve = Callable[[float], float]

# How often each is done, in parts of the sum. Reading outweighs writing, and now and then somebody asks for too much.
_ORDINARY = {
    Operation.HOME: 10,
    Operation.ACCOUNTS: 25,
    Operation.ENTRIES: 15,
    Operation.DEPOSIT: 20,
    Operation.WITHDRAW: 12,
    Operation.OVERDRAW: 3,
    Operation.TRANSFER: 15,
}

# By the hour, of a bank whose customers look in before work, after lunch and in the evening; 1 is the day's mean.
_HOURS = (
    0.3, 0.2, 0.15, 0.1, 0.15, 0.3, 0.6, 1.1, 1.5, 1.6, 1.6, 1.5,
    1.7, 1.8, 1.6, 1.4, 1.3, 1.4, 1.6, 1.6, 1.2, 0.7, 0.4, 0.2,
)  # fmt: skip

_BURSTS = 3
_BURST_LENGTH = 0.03  # of the run
_BURST_HEIGHT = 7.0
_CALM = 0.4  # with the bursts about as much in all as a steady run


@dataclass(frozen=True)
class Profile:
    """One way to load a service.

    Args:
        name: As given on the command line.
        purpose: What it is like, part of a sentence.
        weights: How often each operation is done, in parts of their sum.
        curve: Makes the curve of a run; what is random in it is drawn from the given generator.
        peak: No less than the curve's highest value.
        repeats_all: Whether reads are repeated after a failure too, as bookings always are.
    """

    name: str
    purpose: str
    weights: Mapping[Operation, int]
    curve: Callable[[random.Random], Curve] = lambda draw: lambda share: 1.0
    peak: float = 1.0
    repeats_all: bool = False


def _day(_draw: random.Random) -> Curve:
    def curve(share: float) -> float:
        hour = share * 24
        before, part = int(hour) % 24, hour % 1
        return _HOURS[before] * (1 - part) + _HOURS[(before + 1) % 24] * part

    return curve


def _bursts(draw: random.Random) -> Curve:
    # One in each third of the run, so that they are apart whatever the seed.
    begins = [(number + draw.uniform(0.1, 0.9 - _BURST_LENGTH)) / _BURSTS for number in range(_BURSTS)]
    return lambda share: _BURST_HEIGHT if any(0 <= share - begin < _BURST_LENGTH for begin in begins) else _CALM


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("steady", "ordinary customers at a constant rate", _ORDINARY),
        Profile("day", "the curve of a whole day squeezed into the run", _ORDINARY, _day, peak=max(_HOURS)),
        Profile("burst", "calm, with three bursts of seven times the rate", _ORDINARY, _bursts, peak=_BURST_HEIGHT),
        Profile("outage", "steady, and everything is repeated until the service is back", _ORDINARY, repeats_all=True),
        Profile(
            "brute-force", "many wrong passwords for a few names beside ordinary customers",
            {**_ORDINARY, Operation.WRONG_PASSWORD: 150},
        ),
        Profile("overdraw", "customers who mostly ask for more than they have", {**_ORDINARY, Operation.OVERDRAW: 150}),
        Profile("stale-tokens", "clients whose access tokens are not valid", {**_ORDINARY, Operation.STALE_TOKEN: 150}),
        Profile(
            "refresh-replay", "now and then somebody shows a refresh token that was used up",
            {**_ORDINARY, Operation.REPLAYED_REFRESH: 5},
        ),
        Profile("sign-ups", "new users by the dozen from one address", {**_ORDINARY, Operation.SIGN_UP: 50}),
    )
}  # fmt: skip
