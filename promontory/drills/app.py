"""The drills of the sample app's alerts: one for each, with what sets it off and what comes along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from promontory.drills import app_host
from promontory.drills.causes import Cause, Crowd, Customers, Fault, OnHosts, breaks
from promontory.drills.expect import FIRING, Expected
from promontory.drills.frame import Drill, Field, Plan
from promontory.drills.load import Load
from promontory.drills.usual import RATE, paused, usual

NEEDS = {"sample_app": 1, "prometheus": 1, "alertmanager": 1, "mailbox": 1}

# Every failed or slow request is one against the objectives; how soon that is told depends on what else there was.
_OBJECTIVES = frozenset(
    {"SloBurnFast", "SloBurnSteady", "SloBurnSlow", "SloBurnCreeping", "SloFailuresAtLowTraffic", "SloBudgetExhausted"}
)
_SLOW = _OBJECTIVES | {"SampleAppLatencyHigh", "EdgeLatencyHigh", "BlackboxProbeSlow"}
_REFUSED = _OBJECTIVES | {"EdgeClientErrorRatioHigh"}
_FAILED = _OBJECTIVES | {"EdgeErrorRatioHigh"}
_RESTARTED = _OBJECTIVES | {"EdgeErrorRatioHigh", "BlackboxProbeFailed", "BlackboxProbeFailedPartly", "TargetDown"}

# Waits are for slow machines: twice what it takes, and a group interval of Alertmanager.
_PATIENCE = 2.0
_GROUP_INTERVAL_S = 300.0
_VOLUME_LOAD_S = 5 * 3600.0   # then it ends by itself, should this process be killed


@dataclass(frozen=True)
class AppDrill:
    """One drill as it stands in the catalogue below.

    Attributes:
        purpose: What happens, part of a sentence.
        fires_s: About how long from the breakage to its mail, seconds.
        ends_s: The same from the mending to the mail of its end; most of it is Alertmanager's group interval.
        causes: What sets it off, in this order.
        companions: Alerts that may come along.
        mailed: Whether it is told by mail within such a time.
    """

    name: str
    alert: str
    purpose: str
    fires_s: float
    ends_s: float
    causes: Sequence[Cause]
    companions: frozenset[str] = frozenset()
    mailed: bool = True

    def drill(self) -> Drill:
        """Put it into the frame of all drills."""
        return _framed(self, partial(_plan, self))


def _plan(drill: AppDrill, field: Field, expires_s: float) -> Plan:
    return Plan(
        [breaks(cause, field, expires_s) for cause in drill.causes], [Expected(drill.alert, "", FIRING, mailed=drill.mailed)]
    )


def _volume_plan(field: Field, _expires_s: float) -> Plan:
    load = Load(field, ["--rate", f"{RATE:g}", "--duration", f"{_VOLUME_LOAD_S:.0f}"])
    return Plan([paused(load)], [Expected(_VOLUME_DROP.alert, "", FIRING)], around=[usual(field, load)])


def _framed(drill: AppDrill, plan: Callable[[Field, float], Plan]) -> Drill:
    return Drill(
        drill.name, drill.purpose, NEEDS, plan,
        fires_within_s=_PATIENCE * drill.fires_s + _GROUP_INTERVAL_S, ends_within_s=_PATIENCE * drill.ends_s + _GROUP_INTERVAL_S,
        companions=drill.companions, alert=drill.alert, about_s=drill.fires_s + drill.ends_s,
    )  # fmt: skip


_VOLUME_DROP = AppDrill(
    "sample-app-volume-drop", "SampleAppTransactionVolumeDrop",
    "the usual customers stay away (where nothing is usual yet, up to 95 min of load come first)",
    fires_s=1400, ends_s=600, causes=(), companions=frozenset({"EdgeTrafficDrop"}),
)  # fmt: skip

_CATALOGUE = (
    AppDrill(
        "sample-app-errors", "SampleAppErrorRatioHigh", "a route that every customer needs fails",
        fires_s=45, ends_s=100,
        causes=(Customers("steady", 10), Fault("/api/v1/accounts", "error", 50)), companions=_FAILED,
    ),
    AppDrill(
        "sample-app-ledger", "SampleAppLedgerImbalance", "a cent is missing in the ledger",
        fires_s=100, ends_s=100,
        causes=(OnHosts(app_host.ledger_unsound()),),
    ),
    AppDrill(
        "sample-app-latency", "SampleAppLatencyHigh", "a fifth of all requests take 1.5 s",
        fires_s=200, ends_s=600,
        causes=(Customers("steady", 5), Fault("*", "latency", 20, 1.5)), companions=_SLOW,
    ),
    AppDrill(
        "sample-app-saturation", "SampleAppRequestsSaturated", "every request takes 0.6 s, and more come than there are threads",
        fires_s=230, ends_s=350,
        causes=(Crowd("fintech_request_threads", more=1), Fault("*", "latency", latency_s=0.6)), companions=_SLOW,
    ),
    AppDrill(
        "sample-app-restarts", "SampleAppRestarts", "the workers are killed six times in two minutes",
        fires_s=180, ends_s=1100,
        causes=(OnHosts(app_host.workers_killed(times=6, pause_s=20)),), companions=_RESTARTED,
    ),
    AppDrill(
        "sample-app-descriptors", "SampleAppFileDescriptorsNearLimit", "the workers may open hardly more files than they have",
        fires_s=370, ends_s=300,
        causes=(OnHosts(app_host.descriptors_limited(used_percent=86)),),
    ),
    AppDrill(
        "sample-app-metrics-missing", "SampleAppMetricsMissing", "in the place of the app's metrics an empty page answers",
        fires_s=380, ends_s=300,
        causes=(OnHosts(app_host.metrics_empty()),), companions=_RESTARTED | {"TargetEmpty"},
    ),
    AppDrill(
        "sample-app-fault-left-on", "SampleAppFaultLeftOn", "a fault that nobody feels is forgotten",
        fires_s=1850, ends_s=60,
        causes=(Fault("/api/v1/tokens/current", "latency", 0.1, 0.001),),
        mailed=False,   # of severity info: mailed with others of its kind, once a day
    ),
    AppDrill(
        "sample-app-pool-saturated", "SampleAppDatabasePoolSaturated", "all pooled connections wait for a slow database",
        fires_s=240, ends_s=350,
        causes=(Crowd("db_client_connection_max"), Fault("*", "database_latency", latency_s=0.5)),
        companions=_SLOW | {"SampleAppRequestsSaturated", "SampleAppDatabaseWaitHigh"},
    ),
    AppDrill(
        "sample-app-pool-wait", "SampleAppDatabaseWaitHigh", "a slow database, and two pooled connections for all requests",
        fires_s=250, ends_s=600,
        causes=(
            OnHosts(app_host.settings_changed(FINTECH_DATABASE_CONNECTIONS="2")),
            Crowd("fintech_request_threads", share=0.75), Fault("*", "database_latency", latency_s=0.2),
        ),
        companions=_SLOW | _RESTARTED | {"SampleAppRequestsSaturated", "SampleAppDatabasePoolSaturated"},
    ),
    AppDrill(
        "sample-app-transaction-errors", "SampleAppTransactionErrorsHigh", "a tenth of the deposits cannot be committed",
        fires_s=130, ends_s=330,
        causes=(Customers("steady", 10), Fault("/api/v1/deposits", "database_error", 10)), companions=_FAILED,
    ),
    AppDrill(
        "sample-app-audit-stale", "SampleAppLedgerAuditStale", "the ledger's audit fails",
        fires_s=1000, ends_s=350,
        causes=(Fault("job:ledger-audit", "error"),),
    ),
    AppDrill(
        "sample-app-conflicts", "SampleAppConflictRatioHigh", "customers want more than they have",
        fires_s=380, ends_s=550,
        causes=(Customers("overdraw", 5),), companions=_REFUSED,
    ),
    AppDrill(
        "sample-app-login-failures", "SampleAppLoginFailuresHigh", "most logins fail, but few people try",
        fires_s=250, ends_s=600,
        causes=(Customers("brute-force", 0.6),), companions=_REFUSED,
    ),
    AppDrill(
        "sample-app-brute-force", "SampleAppLoginBruteForce", "somebody tries passwords, three a second",
        fires_s=280, ends_s=1100,
        causes=(Customers("brute-force", 5),), companions=_REFUSED | {"SampleAppLoginFailuresHigh"},
    ),
    AppDrill(
        "sample-app-refresh-reuse", "SampleAppRefreshTokenReused", "used refresh tokens are shown again",
        fires_s=90, ends_s=900,
        causes=(Customers("refresh-replay", 5),), companions=_REFUSED,
    ),
    AppDrill(
        "sample-app-rate-limited", "SampleAppRequestsRateLimited", "one address registers users by the dozen",
        fires_s=270, ends_s=600,
        causes=(Customers("sign-ups", 9),), companions=_REFUSED,
    ),
    AppDrill(
        "sample-app-unauthorized", "SampleAppUnauthorizedRatioHigh", "most requests come with an invalid token",
        fires_s=380, ends_s=550,
        causes=(Customers("stale-tokens", 5),), companions=_REFUSED,
    ),
)  # fmt: skip

APP_DRILLS = {
    drill.name: drill
    for drill in (*(one.drill() for one in _CATALOGUE), _framed(_VOLUME_DROP, _volume_plan))
}
