"""Refusing on demand ends by itself: after its time, and after its number of replies."""

from __future__ import annotations

from promontory_mailbox.refusal import Refusal, Refusals


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_only_its_stage_is_refused() -> None:
    refusals = Refusals()
    refusals.begin(Refusal(451, "rcpt"))

    assert refusals.reply("data") is None
    assert refusals.reply("rcpt") == "451 4.3.0 Refused on demand, try again later"


def test_a_permanent_refusal_tells_not_to_come_again() -> None:
    refusals = Refusals()
    refusals.begin(Refusal(554, "connect"))

    assert refusals.reply("connect") == "554 5.3.0 Refused on demand, do not try again"


def test_it_is_over_after_its_time() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    refusals.begin(Refusal(451, for_s=60))

    clock.now += 59.9
    assert refusals.reply("data")
    clock.now += 0.1

    assert refusals.reply("data") is None
    assert refusals.state() is None


def test_it_is_over_after_its_number_of_replies() -> None:
    refusals = Refusals()
    refusals.begin(Refusal(451, times=2))

    assert [bool(refusals.reply("data")) for _ in range(4)] == [True, True, False, False]


def test_a_new_one_counts_from_the_start() -> None:
    refusals = Refusals()
    refusals.begin(Refusal(451, times=1))
    refusals.reply("data")

    refusals.begin(Refusal(452, times=1))

    assert refusals.state() == {"code": 452, "stage": "data", "for_s": 600, "times": 1, "given": 0}
    assert refusals.reply("data")
