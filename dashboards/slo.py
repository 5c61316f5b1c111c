"""Service level objectives: what is promised, what is left of the error budget, and how fast it burns."""

from promontory.dashboards import (
    Dashboard,
    Variable,
    alert_limits,
    bars,
    closed_row,
    query,
    row,
    stat,
    states,
    timeseries,
)

FIRING = {1: ("firing", "red")}

dashboard = Dashboard(
    uid="promontory-slo",
    title="SLO and error budget",
    description="What is promised, what is left of the error budget, and how fast is it spent?",
    tags=["service"],
    variables=[Variable("slo", "slo:objective:ratio", "SLO")],
    up=["promontory-overview"],
    down=["promontory-sample-app", "promontory-edge", "promontory-blackbox"],
    span="24h",
    rows=[
        row(
            "Is it fine?",
            stat("Objective", query("max by (slo) (slo:objective:ratio)", "{{slo}}"), unit="percentunit", decimals=2,
                 spark=False, width=8, height=6, description="Share of good events that is promised over 30 days."),
            stat("Reached in 30 days", query("1 - max by (slo, sli) (slo:error_ratio:rate30d)", "{{slo}} ({{sli}})"),
                 unit="percentunit", decimals=3, spark=False, width=8, height=6,
                 description="Share of good events of the last 30 days, or since measuring began."),
            stat("Error budget left", query("min by (slo) (slo:error_budget_left:ratio30d)", "{{slo}}"),
                  unit="percentunit", decimals=0, steps=[(0, "red"), (0.1, "orange"), (0.25, "green")], width=8,
                  description="What may still fail in the 30 days; at 0% the promise is broken."),
        ),
        row(
            "How fast the budget burns",
            timeseries("Burn rate over 1 h", query("max by (slo, sli) (slo:burn_rate:rate1h)", "{{slo}} ({{sli}})"),
                       unit="short", width=8,
                       description="How many times faster than allowed the budget was spent in 1 h; 1 spends it "
                                   "exactly in 30 days."),
            timeseries("Burn rate over 6 h", query("max by (slo, sli) (slo:burn_rate:rate6h)", "{{slo}} ({{sli}})"),
                       unit="short", width=8,
                       description="How many times faster than allowed the budget was spent in 6 h."),
            timeseries("Burn rate over 3 d", query("max by (slo, sli) (slo:burn_rate:rate3d)", "{{slo}} ({{sli}})"),
                       unit="short", width=8,
                       description="How many times faster than allowed the budget was spent in 3 days."),
            timeseries("Budget left", query("min by (slo) (slo:error_budget_left:ratio30d)", "{{slo}}"),
                       unit="percentunit", minimum=None, maximum=1,
                       description="The error budget over time; a step down is an outage."),
            bars("Spent at the pace of 6 h in",
                 query("min by (slo) (clamp_min(slo:error_budget_left:ratio30d, 0) * 30 * 86400 "
                       "/ on (environment, slo) max by (environment, slo) (slo:burn_rate:rate6h > 0))", "{{slo}}"),
                 unit="dtdurations", empty="Nothing is being spent.", width=12,
                 description="Time until nothing is left of the budget, at the pace of the last 6 h."),
        ),
        row(
            "What fails",
            timeseries("Bad events", query("sum by (slo, sli) (slo:errors:rate5m)", "{{slo}} ({{sli}})"), unit="eps",
                       description="Events per second that break the promise."),
            timeseries("All events", query("sum by (slo, sli) (slo:events:rate5m)", "{{slo}} ({{sli}})"), unit="eps",
                       description="Events per second that count; few of them make every single failure weigh much."),
            states("Alerts of the SLOs",
                   query('max by (slo, alertname) (ALERTS{alertname=~"Slo.+", alertstate="firing"})',
                         "{{slo}} {{alertname}}", scope=["environment", "slo"]), mappings=FIRING,
                   empty="No alert of an SLO fired in this time.", description="When which alert of an SLO fired."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
