"""What the business leaves behind as metrics: money moved, logins, faults, the ledger's audit.

Every child of a bounded label exists from the start: rate() sees the step from 0 to 1, and a quiet service is not an
absent one. Whoever calls these methods does so once per event, after it is certain.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fintech.bank import DeclineReason, Kind, Outcome
from fintech.faults import FaultKind
from fintech.logins import LoginOutcome
from fintech.passwords import HashOperation
from fintech.rate_limits import RateLimitScope
from fintech.registration import RegistrationOutcome
from fintech.tokens import RefreshOutcome

# 1, 10, 30, 50 currency units and so on, up to 10 million.
_AMOUNT_BUCKETS_CENTS = (1e2, 1e3, 5e3, 1e4, 5e4, 1e5, 5e5, 1e6, 1e7, 1e8, 1e9)
# One hash of this program takes about 20 ms; a queue of them before two places makes up the rest.
_HASH_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The business metrics of one application.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._transactions = _counter(
            registry,
            "fintech_transactions",
            "Attempted transactions by what became of them; counted after the commit.",
            kind=Kind,
            outcome=Outcome,
        )
        self._declines = _counter(
            registry,
            "fintech_transaction_declines",
            "Declined transactions by reason.",
            kind=Kind,
            reason=DeclineReason,
        )
        self._amounts = _histogram(
            registry,
            "fintech_transaction_amount_cents",
            "Amounts of committed transactions.",
            _AMOUNT_BUCKETS_CENTS,
            kind=Kind,
        )
        self._logins = _counter(
            registry, "fintech_logins", "Attempted logins by what became of them.", outcome=LoginOutcome
        )
        self._registrations = _counter(
            registry, "fintech_registrations", "Attempts to become a user.", outcome=RegistrationOutcome
        )
        self._accounts_opened = Counter("fintech_accounts_opened", "Accounts opened.", registry=registry)
        self._refreshes = _counter(
            registry, "fintech_token_refreshes", "Attempts to refresh an access token.", outcome=RefreshOutcome
        )
        self._hashes = _histogram(
            registry,
            "fintech_password_hash_duration_seconds",
            "Time to hash or verify a password.",
            _HASH_BUCKETS_S,
            operation=HashOperation,
        )
        self._rate_limited = _counter(
            registry, "fintech_rate_limited", "Requests refused because there were too many.", scope=RateLimitScope
        )
        self._faults_injected = _counter(
            registry, "fintech_faults_injected", "Requests and jobs that suffered a fault of a drill.", kind=FaultKind
        )
        self._faults = Gauge(
            "fintech_fault_active",
            "1 while a fault is switched on for a drill.",
            ["route", "kind"],
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._faults_shown: set[tuple[str, FaultKind]] = set()
        self._audit: tuple[Gauge, Gauge] | None = None

    def transaction(
        self, kind: Kind, outcome: Outcome, *, cents: int | None = None, reason: DeclineReason | None = None
    ) -> None:
        """Count one attempted transaction.

        Args:
            kind: What it is.
            outcome: What became of it.
            cents: Its amount, when it was committed.
            reason: Why it was declined, when it was.
        """
        self._transactions.labels(kind, outcome).inc()
        if cents is not None:
            self._amounts.labels(kind).observe(cents)
        if reason is not None:
            self._declines.labels(kind, reason).inc()

    def login(self, outcome: LoginOutcome) -> None:
        """Count one attempted login."""
        self._logins.labels(outcome).inc()

    def registration(self, outcome: RegistrationOutcome) -> None:
        """Count one attempt to become a user."""
        self._registrations.labels(outcome).inc()

    def account_opened(self) -> None:
        """Count one account opened."""
        self._accounts_opened.inc()

    def refresh(self, outcome: RefreshOutcome) -> None:
        """Count one attempt to refresh an access token."""
        self._refreshes.labels(outcome).inc()

    def rate_limited(self, scope: RateLimitScope) -> None:
        """Count one request refused because there were too many."""
        self._rate_limited.labels(scope).inc()

    def hashing(self, operation: HashOperation) -> AbstractContextManager[object]:
        """Return a context in which the time to hash or verify one password is measured."""
        return self._hashes.labels(operation).time()

    def fault_injected(self, kind: FaultKind) -> None:
        """Count one request or job that suffered a fault."""
        self._faults_injected.labels(kind).inc()

    def show_faults(self, active: Collection[tuple[str, FaultKind]]) -> None:
        """Show which faults are on.

        Args:
            active: Route template and kind of all that are on now. Those shown before and no longer in it become 0:
                several workers share files from which no series can be taken away.
        """
        self._faults_shown.update(active)
        for route, kind in self._faults_shown:
            self._faults.labels(route, kind).set((route, kind) in active)

    def show_audit(self, problems: int, at: float) -> None:
        """Show the result of an audit; before the first one there are no such series, because "not known" is not "sound".

        Args:
            problems: Transactions and accounts that do not add up.
            at: When that was found, seconds since 1970, UTC.
        """
        if self._audit is None:
            self._audit = (
                Gauge(
                    "fintech_ledger_problems",
                    "Transactions and accounts that do not add up.",
                    multiprocess_mode="mostrecent",
                    registry=self._registry,
                ),
                Gauge(
                    "fintech_ledger_audit_timestamp_seconds",
                    "When the ledger was last recomputed.",
                    multiprocess_mode="mostrecent",
                    registry=self._registry,
                ),
            )
        shown_problems, shown_at = self._audit
        shown_problems.set(problems)
        shown_at.set(at)


def _counter(registry: CollectorRegistry, name: str, documentation: str, **labels: type[StrEnum]) -> Counter:
    """Make a counter with all children that there can be."""
    counter = Counter(name, documentation, list(labels), registry=registry)
    _make_children(counter, labels)
    return counter


def _histogram(
    registry: CollectorRegistry, name: str, documentation: str, buckets: Sequence[float], **labels: type[StrEnum]
) -> Histogram:
    """Make a histogram with all children that there can be."""
    histogram = Histogram(name, documentation, list(labels), buckets=buckets, registry=registry)
    _make_children(histogram, labels)
    return histogram


def _make_children(metric: Counter | Histogram, labels: Mapping[str, type[StrEnum]]) -> None:
    for words in itertools.product(*labels.values()):
        metric.labels(*words)
