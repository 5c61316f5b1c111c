"""Service level objectives compiled to recording rules and multi-window, multi-burn-rate alerts.

A burn rate tells how many times faster than allowed the error budget is spent. The pairs of windows and their factors are
those of the Google SRE Workbook, chapter 5 ("Alerting on SLOs"), table 5-8: 14.4 for 1 h is 2 % of the budget of 30 days,
6 for 6 h is 5 %, 3 for 1 d and 1 for 3 d are 10 %.

The series of an objective carry the labels environment, slo, sli (``requests`` or ``probe``), service and team. The windows up
to 1 h are taken from the counters, so that an outage is seen within a minute or two; longer ones are means of the 5 min rates,
weighted by volume, so that 30 days cost as little as the number of objectives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import units
from .slo import Slo
from .slo_alerts import alerts_of

_SHORT_WINDOWS = ("5m", "30m", "1h")
_LONG_WINDOWS = ("2h", "6h")
_SLOW_WINDOWS = ("1d", "3d")
# Windows of days move slowly: they are looked at less often than they are long.
_SLOW_INTERVAL = "2m"


def groups(slos: Sequence[Slo]) -> list[dict[str, Any]]:
    """Return the rule groups of objectives; none without objectives."""
    if not slos:
        return []
    return [*(_base_group(slo) for slo in slos), *_window_groups(slos), *(_alert_group(slo) for slo in slos)]


def _recording(record: str, expr: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"record": record, "expr": expr, **({"labels": dict(labels)} if labels else {})}


def _base_group(slo: Slo) -> dict[str, Any]:
    """The rules that read the service's own series: three windows of each SLI, and the objective."""
    rules = [
        _recording(
            "slo:objective:ratio",
            f"group by (environment) ({slo.present}) * {units.literal(slo.objective)}",
            slo.labels,
        )
    ]
    for sli in slo.events:
        labels = {**slo.labels, "sli": sli}
        for window in _SHORT_WINDOWS:
            every, bad = _over(slo.events[sli], window), _over(slo.errors[sli], window)
            rules.append(_recording(f"slo:events:rate{window}", every, labels))
            rules.append(_recording(f"slo:errors:rate{window}", f"{bad}\nor {every} * 0\n", labels))
    return {"name": f"slo-{slo.name}", "rules": rules}


def _over(expression: str, window: str) -> str:
    seconds = units.seconds_of(window) or 0
    return expression.replace("$window", window).replace("$seconds", f"{seconds:.0f}")


def _window_groups(slos: Sequence[Slo]) -> list[dict[str, Any]]:
    """The rules that all objectives share: longer windows, ratios, burn rates and what is left of the budget."""
    budgets = sorted({slo.window for slo in slos})

    def rates(window: str) -> list[dict[str, Any]]:
        return [
            _recording(f"slo:{kind}:rate{window}", f"avg_over_time(slo:{kind}:rate5m[{window}])")
            for kind in ("events", "errors")
        ]

    def judged(window: str) -> list[dict[str, Any]]:
        return [
            _recording(f"slo:error_ratio:rate{window}", f"slo:errors:rate{window} / (slo:events:rate{window} > 0)"),
            _recording(
                f"slo:burn_rate:rate{window}",
                f"slo:error_ratio:rate{window}\n/ on (environment, slo) group_left () (1 - slo:objective:ratio)\n",
            ),
        ]

    fast = [rule for window in _SHORT_WINDOWS for rule in judged(window)]
    fast += [rule for window in _LONG_WINDOWS for rule in (*rates(window), *judged(window))]
    slow = [rule for window in (*_SLOW_WINDOWS, *budgets) for rule in (*rates(window), *judged(window))]
    for window in budgets:
        which = "|".join(slo.name for slo in slos if slo.window == window)
        spent = f'max without (sli) (slo:burn_rate:rate{window}{{slo=~"{which}"}})'
        slow.append(_recording(f"slo:error_budget_left:ratio{window}", f"1 - {spent}"))
    return [
        {"name": "slo-windows", "rules": fast},
        {"name": "slo-windows-slow", "interval": _SLOW_INTERVAL, "rules": slow},
    ]


def _alert_group(slo: Slo) -> dict[str, Any]:
    return {"name": f"slo-{slo.name}-alerts", "rules": alerts_of(slo)}
