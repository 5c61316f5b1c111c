"""The history of alerts: what fires now, what fired, and what fires too often."""

from promontory.dashboards import (
    Dashboard,
    alert_limits,
    bars,
    closed_row,
    column,
    query,
    row,
    stat,
    states,
    table,
    timeseries,
)

from .queries import alerting

PEOPLES = 'alertname!~"Watchdog|PromontorySynthetic"'
STATES = {1: ("firing", "red"), 0: ("pending", "orange")}

dashboard = Dashboard(
    uid="promontory-alerts",
    title="Alerts",
    description="What fires now, what fired in the time shown, and which alerts are noise?",
    tags=["monitoring"],
    up=["promontory-overview"],
    down=["promontory-alertmanager", "promontory-prometheus"],
    span="24h",
    rows=[
        row(
            "Now",
            stat("Critical", alerting.firing_now("critical"), unit="short", steps=[(0, "green"), (1, "red")], width=6,
                 description="Alerts that page somebody at any hour. Good is 0."),
            stat("Warning", alerting.firing_now("warning"), unit="short", steps=[(0, "green"), (1, "orange")], width=6,
                 description="Alerts that wait for working hours. Good is 0."),
            stat("Information", alerting.firing_now("info"), unit="short", steps=[(0, "green"), (1, "blue")], width=6,
                 description="Alerts that are only collected."),
            stat("Heartbeat", query('count(ALERTS{alertname="Watchdog", alertstate="firing"})', "watchdog", scope=[]),
                 unit="short", alert="Watchdog", steps=[(0, "red"), (1, "green")], spark=False, width=6,
                 description="The alert that always fires; when it stops, no alert reaches anybody."),
            table("Firing and pending alerts",
                  column("Since",
                         query(f"time() - min by (alertname, severity, alertstate, instance, service, team) "
                               f"(ALERTS_FOR_STATE{{{PEOPLES}}}) * on (alertname, severity, instance, service, "
                               f"team) "
                               f"group_right () max by (alertname, severity, alertstate, instance, service, team) "
                               f"(ALERTS{{{PEOPLES}}})", scope=["environment"]), unit="dtdurations"),
                  by={"alertname": "Alert", "severity": "Severity", "alertstate": "State", "instance": "Instance",
                      "service": "Service", "team": "Team"},
                  empty="Nothing fires and nothing is about to.", sort="Since",
                  description="Every alert that fires or waits for its time, and since when its condition holds."),
        ),
        row(
            "History",
            states("Alerts over time",
                   query(f'max by (alertname) (ALERTS{{{PEOPLES}, alertstate="firing"}}) or '
                         f'0 * max by (alertname) (ALERTS{{{PEOPLES}, alertstate="pending"}})', "{{alertname}}",
                         scope=alerting.BY_PLACE), mappings=STATES, height=10, empty="No alert fired in this time.",
                   description="When each alert was pending and when it fired."),
            timeseries("Firing by severity",
                       query(alerting.firing("severity"), "{{severity}}", scope=alerting.BY_PLACE), unit="short",
                       stack=True, colors={"/critical/": "red", "/warning/": "orange", "/info/": "blue"},
                       empty="No alert fired in this time.", width=8,
                       description="Number of firing alerts by severity."),
            timeseries("Firing by team", query(alerting.firing("team"), "{{team}}", scope=alerting.BY_PLACE),
                       unit="short", stack=True, empty="No alert fired in this time.", width=8,
                       description="Number of firing alerts by the team that is asked."),
            timeseries("Pending",
                       query(f'sum(ALERTS{{alertstate="pending", {PEOPLES}}}) or vector(0)', "pending",
                             scope=alerting.BY_PLACE), unit="short", width=8,
                       description="Alerts whose condition holds but not yet for long enough."),
        ),
        row(
            "Noise",
            bars("Longest firing in 7 days",
                 query(f'topk(10, sum_over_time(count by (alertname) (ALERTS{{alertstate="firing", {PEOPLES}}})[7d:1m])) '
                       "* 60", "{{alertname}}", scope=["environment"]), unit="dtdurations", empty="No alert fired in 7 days.", width=12,
                 description="How long alerts fired in the last 7 days, looked at once a minute, all instances together, "
                             "the ten longest."),
            bars("Most often fired in 7 days",
                 query(f"topk(10, sum by (alertname) (changes(ALERTS_FOR_STATE{{{PEOPLES}}}[7d]) + 1))",
                       "{{alertname}}", scope=["environment"]), unit="short", empty="No alert fired in 7 days.",
                 width=12,
                 description="How often the condition of alerts came up in the last 7 days: what flaps stands on "
                             "top."),
            timeseries("Notifications of the last 24 h",
                       query('sum by (integration) '
                             '(increase(alertmanager_notifications_total{integration="email"}[24h]))',
                             "{{integration}}", scope=["environment"]), unit="short", width=24,
                       description="What people got in the 24 h before, mails of the heartbeat included."),
        ),
        closed_row(
            "The way of an alert",
            timeseries("Proof under way", unit="short", alert="PromontorySynthetic", width=24, height=5,
                       empty="No proof is under way.",
                       description="The metric that `promontory verify` sets to follow an alert to the mailbox."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
