"""The usual custom of the sample app, as Prometheus knows it, and its sudden end.

SampleAppTransactionVolumeDrop compares with the median of two hours, and knows nothing usual before an hour and a half.
The drill asks Prometheus for just that and puts load on until the answer will do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from promontory.drills.frame import Field
from promontory.drills.load import Load
from promontory.drills.query import value_of
from promontory.errors import DrillFailed

RATE = 5.0           # steps per second
_BOOKINGS = RATE / 2   # about half of them
_FOREIGN_MAX = 0.2   # others' share of the usual volume; at 0.3 the alert would not see ours end
_POINTS_MIN = 19     # of 24, as in the rule
_INTERVAL_S = 30.0
_TOLD_S = 600.0
_PATIENCE_S = 3 * 3600.0

_VOLUME = 'sum(rate(fintech_transactions_total{{job="sample_app", outcome!="replayed"}}[{window}]))'
_HISTORY = _VOLUME.format(window="15m") + "[2h:5m]"
_MEDIAN = f"quantile_over_time(0.5, {_HISTORY})"
_POINTS = f"count_over_time({_HISTORY})"


@contextmanager
def usual(field: Field, load: Load) -> Iterator[None]:
    """Put load on until it is the usual one; it ends with the context, whoever started it meanwhile.

    Raises:
        DrillFailed: Somebody else books, or booked in the last five minutes, too much for our load to be missed; or it takes
            longer than three hours.
    """
    foreign = value_of(field.stack, _VOLUME.format(window="5m"))
    try:
        load.start()
        _wait_until_usual(field, foreign)
        yield
    finally:
        load.stop()


@contextmanager
def paused(load: Load) -> Iterator[None]:
    """Have the load stand still while the context lasts."""
    load.stop()
    try:
        yield
    finally:
        load.start()


def _wait_until_usual(field: Field, foreign: float) -> None:
    begun, told = time.monotonic(), 0.0
    while True:
        median, points = value_of(field.stack, _MEDIAN), value_of(field.stack, _POINTS)
        if points >= _POINTS_MIN and median > 0 and foreign < _FOREIGN_MAX * median:
            return
        passed = time.monotonic() - begun
        if foreign >= _FOREIGN_MAX * max(median, foreign + _BOOKINGS) or passed > _PATIENCE_S:
            raise DrillFailed(
                f"After {passed / 60:.0f} min of load the usual volume is {median:.2f}/s, of which others book {foreign:.2f}/s: "
                "the end of ours would not be missed.",
                hint="Stop the load of others, wait five minutes, and run the drill again.",
            )
        if not told or passed - told > _TOLD_S:
            told = passed or 1.0
            field.say(
                f"Usual are {median:.2f} transactions/s, known for {points * 5:.0f} min of the {_POINTS_MIN * 5} it takes; "
                "putting load on."
            )
        time.sleep(_INTERVAL_S)
