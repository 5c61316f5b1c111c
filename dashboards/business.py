"""What the sample app is for: money that moves, and people who log in."""

from promontory.dashboards import Dashboard, alert_limits, closed_row, query, row, stat, timeseries

from .queries import app

OUTCOMES = {"/error/": "red", "/declined/": "orange", "/invalid/": "yellow", "/committed|ok/": "green"}

dashboard = Dashboard(
    uid="promontory-business",
    title="Business",
    description="Does money move, what is refused and why, and who tries to log in?",
    about="fintech_build_info",
    tags=["service"],
    up=["promontory-sample-app", "promontory-overview"],
    rows=[
        row(
            "Is it fine?",
            stat("Transactions", query(app.transactions("environment"), "{{environment}}"), unit="ops", width=6,
                 description="Attempted transactions per second."),
            stat("Failed by us", unit="percentunit", alert="SampleAppTransactionErrorsHigh", decimals=2, width=6,
                 description="Share of transactions that ended in an error of ours; refusals for good reason are "
                             "not counted."),
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
            timeseries("Transactions by outcome", query(app.transactions("outcome"), "{{outcome}}"), unit="ops",
                       stack=True, colors=OUTCOMES,
                       description="Attempted transactions per second by what became of them."),
            timeseries("Failed transactions", unit="percentunit", alert="SampleAppTransactionErrorsHigh",
                       description="Share of transactions that ended in an error of ours; the dashed line is the "
                                   "limit."),
            timeseries("Refused by kind",
                       query(app.transactions("kind, outcome", outcome="declined|invalid"), "{{kind}} {{outcome}}"),
                       unit="ops", description="Refused for lack of cover, or as invalid input, per second."),
            timeseries("Transactions of the last 24 h",
                       query("sum by (environment) (increase(fintech_transactions_total[24h]))", "{{environment}}"),
                       unit="short", description="How many transactions were attempted in the 24 h before."),
            timeseries("Compared with last week", query(app.transactions("environment"), "now"),
                       query("sum by (environment) (rate(fintech_transactions_total[$__rate_interval] offset 7d))",
                             "a week ago"), unit="ops",
                       description="Transactions per second now and at the same time a week ago."),
        ),
        row(
            "Logins",
            timeseries("Logins by outcome", query(app.logins("outcome"), "{{outcome}}"), unit="ops", stack=True,
                       colors=OUTCOMES, width=8, description="Attempted logins per second by what became of them."),
            timeseries("Failed logins over time", unit="percentunit", alert="SampleAppLoginFailuresHigh", width=8,
                       description="Share of logins that failed; the dashed line is the limit."),
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
