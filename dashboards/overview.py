"""The first page: is everything up, do users get answers, is anything about to run out?"""

from promontory.dashboards import UP_DOWN, Dashboard, alert_limits, closed_row, query, row, stat, states, timeseries

from .queries import alerting, app, host

dashboard = Dashboard(
    uid="promontory-overview",
    title="Overview",
    description="Is everything up, do users get answers, and is anything about to run out?",
    tags=["overview"],
    down=["promontory-sample-app", "promontory-slo", "promontory-hosts", "promontory-alerts", "promontory-blackbox"],
    rows=[
        row(
            "Is it fine?",
            stat("Targets down", query("count(up == 0) or vector(0)", "down"), unit="short",
                 steps=[(0, "green"), (1, "red")], description="Programs that Prometheus cannot reach. Good is 0."),
            stat("Critical alerts", alerting.firing_now("critical"), unit="short", steps=[(0, "green"), (1, "red")],
                 description="Alerts that page somebody at any hour. Good is 0."),
            stat("Warnings", alerting.firing_now("warning"), unit="short", steps=[(0, "green"), (1, "orange")],
                 description="Alerts that wait for working hours. Good is 0."),
            stat("Failed requests", unit="percentunit", alert="SampleAppErrorRatioHigh", decimals=2,
                 description="Share of the sample app's requests answered with 5xx, and the limit of its alert."),
            stat("p95", unit="s", alert="SampleAppLatencyHigh",
                 description="19 of 20 requests of the sample app were faster than this."),
            stat("Error budget left", query("min(slo:error_budget_left:ratio30d)", "worst SLO"),
                 unit="percentunit", steps=[(0, "red"), (0.01, "orange"), (0.25, "green")],
                 description="What the worst SLO of the environment may still fail in its 30 days."),
        ),
        row(
            "Services",
            states("Programs", query("min by (job) (up)", "{{job}}"), mappings=UP_DOWN, height=9,
                   description="Whether all instances of a program answered Prometheus, over time."),
        ),
        row(
            "Users",
            timeseries("Requests", query(app.requests("environment"), "{{environment}}"), unit="reqps", width=8,
                       description="Requests per second to the sample app, health checks left out."),
            timeseries("Failed requests over time", query(app.error_ratio("environment"), "{{environment}}"),
                       unit="percentunit", width=8, description="Share of requests answered with 5xx."),
            timeseries("Duration", query(app.quantile(0.5, ""), "p50"), query(app.quantile(0.95, ""), "p95"),
                       query(app.quantile(0.99, ""), "p99"), unit="s", width=8,
                       description="How long requests take; the worst one in a hundred takes p99 or longer."),
        ),
        row(
            "Room left on hosts",
            timeseries("Processor", query(f"topk(10, {host.cpu_used()})", "{{instance}}"), unit="percentunit",
                       maximum=1, width=8, description="Share of processor time in use, the ten busiest hosts."),
            timeseries("Memory", query(f"topk(10, {host.memory_used()})", "{{instance}}"), unit="percentunit",
                       maximum=1, width=8,
                       description="Share of memory that programs cannot get, the ten fullest hosts."),
            timeseries("Disk", query(f"topk(10, {host.disk_used()})", "{{instance}}"), unit="percentunit", maximum=1,
                       width=8, description="Share of the fullest file system in use, the ten fullest hosts."),
        ),
        row(
            "Soon",
            stat("Certificate ends in", query("min(probe_ssl_earliest_cert_expiry) - time()", "first"),
                 unit="dtdurations", empty="No site is probed over TLS.", spark=False, width=6,
                 steps=[(0, "red"), (3 * 86400, "orange"), (20 * 86400, "green")],
                 description="Time until the first of the probed certificates ends."),
            stat("Disk full in",
                 query(f"min((node_filesystem_avail_bytes{{{host.REAL}}} / "
                       f"-deriv(node_filesystem_avail_bytes{{{host.REAL}}}[6h])) > 0) < 365 * 86400", "first"),
                 unit="dtdurations", empty="Nothing fills up.", spark=False, width=6,
                 steps=[(0, "red"), (4 * 3600, "orange"), (4 * 86400, "green")],
                 description="Time until the first file system is full at the pace of the last 6 h."),
            stat("Version of the sample app", query("count by (version) (fintech_build_info)", "{{version}}"), unit="none", text="name",
                 spark=False, width=6,
                 description="What is running; more than one means that a deployment is under way."),
            stat("Last start of a program", query("max(process_start_time_seconds) * 1000", "last"),
                 unit="dateTimeFromNow", spark=False, width=6,
                 description="The newest start of any program: a deployment, or a crash."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
