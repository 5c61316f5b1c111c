"""The alerts of one service level objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import units

if TYPE_CHECKING:
    from .slo import Slo

# The objective's name follows: it is a label of the rule, which its own templates do not see.
_DASHBOARD = "d/promontory-slo?var-environment={{ $labels.environment | urlquery }}&var-slo="
# Time without which a share of the month's budget is the share of a few requests after an installation.
_HISTORY = "3d"
_LOW_TRAFFIC_WINDOW = "6h"


@dataclass(frozen=True)
class Burn:
    """One pair of windows.

    Attributes:
        alert: Name of the alert.
        long: Window that says how much of the budget is gone.
        short: Window that says that it still goes on.
        threshold: Name of the factor in thresholds.yml.
        factor: Its default.
        page: Whether it wakes somebody.
        spends: What share of a month's budget is gone when it fires, for people.
        action: The first thing to do.
    """

    alert: str
    long: str
    short: str
    threshold: str
    factor: float
    page: bool
    spends: str
    action: str


BURNS = (
    Burn("SloBurnFast", "1h", "5m", "slo_burn_fast_factor", 14.4, True, "2 % of a month's budget in an hour",
         "Open the dashboard for what fails since when, then undo the last change to the service."),
    Burn("SloBurnSteady", "6h", "30m", "slo_burn_steady_factor", 6, True, "5 % of a month's budget in six hours",
         "Open the dashboard for which requests fail, then look at the service's log of that time."),
    Burn("SloBurnSlow", "1d", "2h", "slo_burn_slow_factor", 3, False, "10 % of a month's budget in a day",
         "Open the dashboard for which requests fail, and plan the repair for today."),
    Burn("SloBurnCreeping", "3d", "6h", "slo_burn_creeping_factor", 1, False, "10 % of a month's budget in three days",
         "Open the dashboard for which requests fail, and plan the repair for this week."),
)  # fmt: skip


def alerts_of(slo: Slo) -> list[dict[str, Any]]:
    """Return the alerting rules of an objective."""
    alerts = [_burn(slo, burn) for burn in BURNS]
    if "requests" in slo.events:
        alerts.append(_low_traffic(slo))
    return [*alerts, _exhausted(slo), _missing(slo)]


def _burn(slo: Slo, burn: Burn) -> dict[str, Any]:
    seconds = units.seconds_of(burn.long) or 0
    floor, least = slo.floor_per_hour * seconds / 3600, slo.errors_min
    lines = [
        f"{_series('burn_rate', burn.long, slo)} > {units.literal(burn.factor)}  # threshold: {burn.threshold}",
        f"and {_series('burn_rate', burn.short, slo)} > {units.literal(burn.factor)}  # threshold: {burn.threshold}",
        f"and {_counted('events', burn.long, slo)} > {_at_least(floor)}  # fixed: volume floor",
        f"and {_counted('errors', burn.long, slo)} > {_at_least(least)}  # fixed: {least} failures at least",
    ]
    return _alert(
        slo,
        burn.alert,
        lines,
        slo.page_severity if burn.page else slo.ticket_severity,
        summary="The error budget of {{ $labels.slo }} burns " + _pace(burn),
        description=(
            f"By its {{{{ $labels.sli }}}}, the objective {_objective(slo)} was missed "
            f'{{{{ $value | printf "%.1f" }}}} times faster than the budget allows, over {units.spoken(burn.long)} and still over '
            f"{units.spoken(burn.short)} (limit {units.literal(burn.factor)})."
        ),
        impact=f"{slo.impact} This pace spends {burn.spends}.",
        action=burn.action,
    )


def _low_traffic(slo: Slo) -> dict[str, Any]:
    window = _LOW_TRAFFIC_WINDOW
    hours = (units.seconds_of(window) or 0) / 3600
    lines = [
        f"{_counted('errors', window, slo, sli='requests')} > {_at_least(slo.errors_min)}  # fixed: {slo.errors_min} failures at least",
        f"and {_counted('events', window, slo, sli='requests')} < {_at_least(slo.floor_per_hour * hours)}  # fixed: volume floor",
    ]
    return _alert(
        slo,
        "SloFailuresAtLowTraffic",
        lines,
        slo.ticket_severity,
        summary="{{ $labels.slo }} fails while hardly anybody uses it",
        description=(
            f'{{{{ $value | printf "%.0f" }}}} requests missed the objective {_objective(slo)} in the last {units.spoken(window)} '
            f"(at least {slo.errors_min} needed), at fewer than {units.literal(slo.floor_per_hour)} requests an hour."
        ),
        impact=f"{slo.impact} There are too few requests for a share of them to mean anything.",
        action="Open the dashboard for which requests fail, and try the service by hand.",
    )


def _exhausted(slo: Slo) -> dict[str, Any]:
    lines = [
        f'slo:error_budget_left:ratio{slo.window}{{slo="{slo.name}"}} <= 0',
        "and on (environment, slo)",
        f'  present_over_time(slo:events:rate5m{{slo="{slo.name}"}}[1h] offset {_HISTORY})',
    ]
    return _alert(
        slo,
        "SloBudgetExhausted",
        lines,
        slo.ticket_severity,
        hold="15m",
        summary="The error budget of {{ $labels.slo }} is spent",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the error budget of {slo.window} has been left for 15 min "
            f"(limit 0%, objective {_objective(slo)})."
        ),
        impact=f"The promise for this month is broken. {slo.impact}",
        action="Put changes that carry risk off, and take up what spent most of the budget.",
    )


def _missing(slo: Slo) -> dict[str, Any]:
    lines = [
        'group by (environment) (up{job="prometheus"})',
        f"unless on (environment) ({slo.present})",
    ]
    return _alert(
        slo,
        "SloMetricsMissing",
        lines,
        slo.ticket_severity,
        hold="10m",
        summary=f"The objective {slo.name} is not measured",
        description=(
            "Prometheus watches this environment (up = {{ $value }}), but the series of the objective have been missing for "
            f"10 min: {slo.present}"
        ),
        impact="An outage of this service does not show in its objective, and the alerts on it are silent.",
        action="See under Status > Targets whether the service is scraped, and whether its metrics have other names now.",
    )


def _alert(
    slo: Slo, name: str, lines: list[str], severity: str, *, hold: str = "", **annotations: str
) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": "\n".join(lines) + "\n",
        **({"for": hold} if hold else {}),
        "labels": {"severity": severity, "team": slo.team, "service": slo.service, "slo": slo.name},
        "annotations": {
            **annotations,
            "runbook_url": f"docs/runbooks/{name}.md",
            "dashboard_url": _DASHBOARD + slo.name,
        },
    }


def _series(kind: str, window: str, slo: Slo, **labels: str) -> str:
    matchers = ", ".join(f'{name}="{value}"' for name, value in {"slo": slo.name, **labels}.items())
    return f"slo:{kind}:rate{window}{{{matchers}}}"


def _counted(kind: str, window: str, slo: Slo, **labels: str) -> str:
    return f"{_series(kind, window, slo, **labels)} * {units.seconds_of(window):.0f}"


def _at_least(number: float) -> str:
    """Half an event below: a mean over time is never quite whole."""
    return units.literal(number - 0.5)


def _objective(slo: Slo) -> str:
    return f"{units.written(slo.objective, 'ratio')} over {slo.window}"


def _pace(burn: Burn) -> str:
    return {
        "SloBurnFast": "fast",
        "SloBurnSteady": "steadily",
        "SloBurnSlow": "slowly",
        "SloBurnCreeping": "bit by bit",
    }[burn.alert]
