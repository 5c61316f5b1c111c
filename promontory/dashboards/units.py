"""The units Grafana can write, and which of them fit a metric by the last word of its name."""

from __future__ import annotations

import difflib

from grafanalib import formatunits

# Units of Grafana that grafanalib 0.7.1 does not name; a test compares them with the Foundation SDK.
_NEWER = frozenset({
    "acres", "candela", "currencyBGN", "currencyILS", "currencyMYR", "currencyPYG", "currencyTRY", "currencyUYU",
    "currencyVND", "currencyXPF", "epm", "eps", "hectares", "mohm", "mpm", "mps", "mwatth", "recpm", "recps",
    "reqpm", "rotghz", "rotkhz", "rotmhz", "rowspm", "rowsps", "sishort",
})  # fmt: skip
_OWN_FORMS = ("suffix:", "prefix:", "time:", "si:", "count:", "currency:", "bool:")

UNITS: frozenset[str] = (
    frozenset(value for name, value in vars(formatunits).items() if name.isupper() and isinstance(value, str)) | _NEWER
)

_TIME = frozenset({"s", "ms", "µs", "ns", "m", "h", "d", "dtdurations", "dtdurationms", "dthms", "dtdhms", "clocks"})
_DATES = frozenset({"dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "dateTimeFromNow", "dateTimeAsUS", "dateTimeAsSystem"})
_SIZE = frozenset({"bytes", "decbytes", "kbytes", "mbytes", "gbytes", "deckbytes", "decmbytes", "decgbytes"})
_SIZE_RATE = frozenset({"Bps", "binBps", "KBs", "MBs", "GBs"})
_SHARE = frozenset({"percentunit", "percent", "none", "short"})
_COUNT_RATE = frozenset({
    "cps", "ops", "reqps", "rps", "wps", "iops", "pps", "eps", "mps", "recps", "rowsps", "hertz", "short", "none",
})  # fmt: skip

# Last word of a metric's name -> units for it as it stands, and for its rate per second.
# Exported under a wrong last word: these are numbers of transactions.
_MISNAMED = frozenset({
    "pg_database_wraparound_age_datfrozenxid_seconds", "pg_database_wraparound_age_datminmxid_seconds",
})  # fmt: skip

_FITTING: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "seconds": (_TIME | _DATES, _SHARE | _TIME),   # seconds per second: a share of time, or a mean duration
    "bytes": (_SIZE, _SIZE_RATE),
    "ratio": (_SHARE, _SHARE),
    "total": (frozenset({"short", "none", "locale", "sishort"}), _COUNT_RATE),
}


def unknown_unit(unit: str) -> str:
    """Say what is wrong with a unit, or nothing."""
    if unit in UNITS or unit.startswith(_OWN_FORMS):
        return ""
    near = difflib.get_close_matches(unit, sorted(UNITS), n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Common ones: s, bytes, Bps, percentunit, reqps, short."
    return f"the unit {unit!r} is none that Grafana knows. {hint}"


def misfit(metric: str, unit: str, *, per_second: bool) -> str:
    """Say why a unit does not fit a metric that is shown as it stands or as its rate, or nothing.

    Args:
        metric: Its name; what its last word means is the convention of Prometheus.
        unit: A unit of Grafana.
        per_second: Whether the metric stands below rate() or irate().
    """
    if unit.startswith(_OWN_FORMS) or metric in _MISNAMED:
        return ""
    words = metric.split("_")
    last = words[-2] if words[-1] == "total" and len(words) > 2 and words[-2] in _FITTING else words[-1]
    if last not in _FITTING:
        return ""
    fitting = _FITTING[last][1 if per_second else 0]
    if unit in fitting:
        return ""
    shown = f"the rate of {metric}" if per_second else metric
    return f"the unit {unit!r} does not fit {shown}; fitting: {', '.join(sorted(fitting))}."
