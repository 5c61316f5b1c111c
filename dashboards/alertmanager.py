"""Alertmanager: what comes in, what goes out, what is held back, and whether the members agree."""

from promontory.dashboards import PASSED_FAILED, Dashboard, alert_limits, closed_row, query, row, stat, timeseries

RATE = "[$__rate_interval]"

dashboard = Dashboard(
    uid="promontory-alertmanager",
    title="Alertmanager",
    description="Do notifications reach people, what is held back, and do the members of the cluster agree?",
    about="alertmanager_build_info",
    tags=["monitoring"],
    up=["promontory-prometheus", "promontory-overview"],
    down=["promontory-alerts", "promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("Version", query("alertmanager_build_info", "{{version}}"), unit="none", text="name", spark=False,
                 description="What is running; different ones during an upgrade."),
            stat("Configuration", query("alertmanager_config_last_reload_successful", "{{instance}}"), unit="short",
                 spark=False, alert="AlertmanagerConfigReloadFailed", mappings=PASSED_FAILED,
                 description="Whether the last configuration was taken; if not, an old one is in force."),
            stat("Different configurations",
                 query("count(count by (environment, config) "
                       '(label_join(alertmanager_config_hash, "config", "", "environment")))', "environments"),
                 unit="short", spark=False,
                 description="Environments with an Alertmanager; members of one cluster should have one "
                             "configuration."),
            stat("Active alerts", query('sum(alertmanager_alerts{state="active"})', "active"), unit="short",
                 description="Alerts that lead to notifications, the heartbeat included."),
            stat("Suppressed alerts", query('sum(alertmanager_alerts{state="suppressed"})', "suppressed"), unit="short",
                 description="Alerts held back by a silence or by a worse alert."),
            stat("Silences in force", query('sum(alertmanager_silences{state="active"})', "active"), unit="short",
                 description="Silences that hold alerts back now."),
        ),
        row(
            "What comes in",
            timeseries("Alerts by state", query("sum by (state) (alertmanager_alerts)", "{{state}}"), unit="short",
                       stack=True, width=8, description="Alerts that Alertmanager holds, by state."),
            timeseries("Alerts received",
                       query(f"sum by (instance, status) (rate(alertmanager_alerts_received_total{RATE}))",
                             "{{instance}} {{status}}"), unit="ops", width=8,
                       description="Alerts handed over by Prometheus per second; firing ones are repeated."),
            timeseries("Invalid alerts",
                       query(f"sum by (instance) (rate(alertmanager_alerts_invalid_total{RATE}))", "{{instance}}"),
                       unit="ops", width=8, description="Alerts that were refused. Good is 0."),
        ),
        row(
            "What goes out",
            timeseries("Notifications",
                       query(f"sum by (integration) (rate(alertmanager_notifications_total{RATE})) > 0 or "
                             f'sum by (integration) '
                             f'(rate(alertmanager_notifications_total{{integration=~"email|webhook"}}{RATE}))',
                             "{{integration}}"), unit="ops", width=8,
                       description="Notifications attempted per second, by the way they go."),
            timeseries("Failed notifications", unit="short", alert="AlertmanagerFailedToSend", width=8,
                       description="Notifications that failed in 5 min, by the way they go. Good is 0."),
            timeseries("Mails of the last hour",
                       query('sum by (instance) '
                             '(increase(alertmanager_notifications_total{integration="email"}[1h]))', "{{instance}}"),
                       unit="short", width=8,
                       description="How many mails went out in the hour before: the noise that people hear."),
            timeseries("Time for a notification",
                       query("histogram_quantile(0.99, sum by (le, integration) "
                             "(rate(alertmanager_notification_latency_seconds_bucket[$__range]))) > 0",
                             "p99 {{integration}}"), unit="s", width=8, empty="Nothing was sent in this time.",
                       description="How long it takes to hand a notification over; 99 of 100 were faster."),
            timeseries("Groups of alerts", query("alertmanager_dispatcher_aggregation_groups", "{{instance}}"),
                       unit="short", width=8,
                       description="Groups that alerts are collected in; each group is one notification at a time."),
            timeseries("Notifications held back",
                       query("sum by (reason) (rate(alertmanager_notifications_suppressed_total[$__rate_interval]))",
                             "{{reason}}"), unit="ops", width=8, empty="Nothing was held back.",
                       description="Notifications not sent, by what held them back: a silence, a worse alert, "
                                   "working hours."),
        ),
        row(
            "Silences and cluster",
            timeseries("Silences", query("sum by (state) (alertmanager_silences)", "{{state}}"), unit="short", width=8,
                       description="Silences by state; expired ones are forgotten after five days."),
            timeseries("Members of the cluster", query("alertmanager_cluster_members", "{{instance}}"), unit="short",
                       width=8, empty="This Alertmanager stands alone.",
                       description="How many members each Alertmanager sees; all should see all."),
            timeseries("Requests",
                       query(f"topk(10, sum by (handler) "
                             f"(rate(alertmanager_http_request_duration_seconds_count{RATE})))", "{{handler}}"),
                       unit="reqps", width=8, description="Requests per second, the ten busiest paths."),
            timeseries("Memory in use", query("go_memstats_sys_bytes", "{{instance}}"), unit="bytes", width=8,
                       description="Memory that the process has taken from the system."),
            timeseries("Goroutines", query("go_goroutines", "{{instance}}"), unit="short", width=8,
                       description="Tasks inside the process; a steady rise is a leak."),
            timeseries("Evaluation of silences",
                       query(f"sum by (instance) (rate(alertmanager_silences_queries_total{RATE}))", "{{instance}}"),
                       unit="ops", width=8, description="How often silences are asked per second."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits(empty={
            "AlertmanagerMembersInconsistent": "This Alertmanager stands alone.",
        })),
    ],
)  # fmt: skip
