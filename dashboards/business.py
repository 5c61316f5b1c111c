"""What the sample app is for: money that moves, and people who come in."""

from promontory.dashboards import Dashboard, alert_limits, closed_row, query, row, stat, timeseries

from .queries import app

OUTCOMES = {
    "/error/": "red", "/reused/": "dark-red", "/declined|bad_credentials|refused/": "orange", "/invalid|expired/": "yellow",
    "/committed|ok/": "green", "/replayed/": "blue", "/rate_limited/": "purple",
}  # fmt: skip
AMOUNT = "fintech_transaction_amount_cents"

dashboard = Dashboard(
    uid="promontory-business",
    title="Business",
    description="Does money move, what is refused and why, and who tries to get in?",
    about="fintech_build_info",
    tags=["service"],
    up=["promontory-sample-app", "promontory-overview"],
    rows=[
        row(
            "Is it fine?",
            stat("Transactions", query(app.transactions("environment"), "{{environment}}"), unit="ops", width=6,
                 description="Attempted transactions per second; repeated requests (replays) are none."),
            stat("Failed by us", query(f"{app.transactions('kind', outcome='error')} / {app.transactions('kind')}",
                                       "{{kind}}"),
                 unit="percentunit", alert="SampleAppTransactionErrorsHigh", decimals=2, width=6,
                 description="Share of a kind of transactions that ended in an error of ours; refusals for good reason "
                             "are none."),
            stat("Committed",
                 query(f"{app.transactions('environment', outcome='committed')} / {app.transactions('environment')}",
                       "{{environment}}"), unit="percentunit", decimals=1, width=6,
                 description="Share of transactions that went through."),
            stat("Failed logins", unit="percentunit", alert="SampleAppLoginFailuresHigh", decimals=1, width=6,
                 description="Share of logins that failed; the limit is that of the alert."),
        ),
        row(
            "Transactions",
            timeseries("Transactions by kind", query(app.transactions("kind"), "{{kind}}"), unit="ops", stack=True,
                       description="Attempted deposits, withdrawals and transfers per second."),
            timeseries("Transactions by outcome", query(app.transactions("outcome", outcome=".+"), "{{outcome}}"),
                       unit="ops", stack=True, colors=OUTCOMES,
                       description="Transactions per second by what became of them; replayed ones were repeated with "
                                   "their Idempotency-Key and booked nothing."),
            timeseries("Failed transactions", unit="percentunit", alert="SampleAppTransactionErrorsHigh",
                       description="Share of transactions that ended in an error of ours; the dashed line is the "
                                   "limit."),
            timeseries("Refused by kind",
                       query(app.transactions("kind, outcome", outcome="declined|invalid"), "{{kind}} {{outcome}}"),
                       unit="ops", description="Refused for good reason, or as invalid input, per second."),
            timeseries("Declined by reason", query(app.counted("fintech_transaction_declines_total", "kind, reason"),
                                                   "{{kind}} {{reason}}"), unit="ops", legend="table",
                       description="Declined transactions per second: no cover, or a balance that would be too large."),
            timeseries("Amounts", query(f"{app.quantile_of(AMOUNT, 0.5, 'kind')} / 100", "{{kind}} p50"),
                       query(f"{app.quantile_of(AMOUNT, 0.95, 'kind')} / 100", "{{kind}} p95"), unit="none", decimals=2,
                       legend="table",
                       description="Half and 19 of 20 committed transactions were of a smaller amount, in units of "
                                   "currency; rounded to the steps of the histogram."),
            timeseries("Money moved", query(f"{app.counted(f'{AMOUNT}_sum', 'kind')} / 100", "{{kind}}"), unit="none",
                       decimals=2, stack=True, description="Units of currency per second that were committed."),
            timeseries("Transactions of the last 24 h",
                       query(f"sum by (environment) (increase(fintech_transactions_total{{{app.ATTEMPTS}}}[24h]))",
                             "{{environment}}"),
                       unit="short", description="How many transactions were attempted in the 24 h before."),
            timeseries("Compared with last week", query(app.transactions("environment"), "now"),
                       query(app.transactions("environment", ago="7d"), "a week ago"), unit="ops",
                       description="Transactions per second now and at the same time a week ago."),
        ),
        row(
            "People who come in",
            timeseries("Logins by outcome", query(app.counted("fintech_logins_total", "outcome"), "{{outcome}}"),
                       unit="ops", stack=True, colors=OUTCOMES, width=8,
                       description="Attempted logins per second by what became of them."),
            timeseries("Failed logins over time", unit="percentunit", alert="SampleAppLoginFailuresHigh", width=8,
                       maximum=1,
                       description="Share of logins that failed; the dashed line is the limit."),
            timeseries("Wrong passwords", unit="ops", alert="SampleAppLoginBruteForce", width=8,
                       description="Logins per second with a wrong name or password, or turned away by the rate limit; "
                                   "the dashed line is the limit of the alert."),
            timeseries("New users by outcome", query(app.counted("fintech_registrations_total", "outcome"),
                                                     "{{outcome}}"), unit="ops", stack=True, colors=OUTCOMES, width=8,
                       description="Attempts to become a user per second, by what became of them."),
            timeseries("Refreshed tokens by outcome", query(app.counted("fintech_token_refreshes_total", "outcome"),
                                                            "{{outcome}}"), unit="ops", stack=True, colors=OUTCOMES,
                       width=8, description="Refresh tokens that were shown, per second; a reused one may be stolen."),
            timeseries("Accounts opened", query(app.counted("fintech_accounts_opened_total", "environment"),
                                                "{{environment}}"), unit="ops", width=8,
                       description="New accounts per second."),
            timeseries("Turned away by rate limits", query(app.counted("fintech_rate_limited_total", "scope"),
                                                           "{{scope}}"), unit="reqps", width=8,
                       description="Requests per second that were refused because there were too many, by the limit."),
            timeseries("Hashing of passwords",
                       query(app.quantile_of("fintech_password_hash_duration_seconds", 0.95, "operation"),
                             "{{operation}} p95"),
                       query(app.quantile_of("fintech_password_hash_duration_seconds", 0.5, "operation"),
                             "{{operation}} p50"), unit="s", width=8, empty="Nobody logged in.",
                       description="Time to hash or verify a password; two at a time in each worker."),
            timeseries("Refused requests", query(app.requests("http_response_status_code", status="401|403|429"),
                                                 "{{http_response_status_code}}"), unit="reqps", width=8,
                       empty="Nobody was refused.",
                       description="Requests per second without a valid login (401), right (403), or patience (429)."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits(empty={
            "SampleAppConflictRatioHigh": "No request met a conflict.",
            "SampleAppUnauthorizedRatioHigh": "Nobody was refused.",
        })),
    ],
)  # fmt: skip
