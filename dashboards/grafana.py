"""Grafana watching itself: does it answer, does it reach its data sources, who uses it?"""

from promontory.dashboards import Dashboard, alert_limits, closed_row, query, row, stat, timeseries

RATE = "[$__rate_interval]"

dashboard = Dashboard(
    uid="promontory-grafana",
    title="Grafana",
    description="Does Grafana answer, does it reach its data sources, and who uses it?",
    about="grafana_build_info",
    tags=["monitoring"],
    up=["promontory-overview"],
    down=["promontory-edge", "promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("Version", query("grafana_build_info", "{{version}}"), unit="none", text="name", spark=False,
                 description="What is running."),
            stat("Requests", query(f"sum(rate(grafana_http_request_duration_seconds_count{RATE}))", "requests"),
                 unit="reqps", description="Requests per second."),
            stat("Failed",
                 query(f'sum(rate(grafana_http_request_duration_seconds_count{{status_code=~"5.."}}{RATE})) '
                       f"/ sum(rate(grafana_http_request_duration_seconds_count{RATE})) or vector(0)", "failed"),
                 unit="percentunit", decimals=2, steps=[(0, "green"), (0.01, "orange"), (0.05, "red")],
                 description="Share of requests answered with 5xx."),
            stat("Dashboards", query("max(grafana_stat_totals_dashboard)", "dashboards"), unit="short", spark=False,
                 description="Number of dashboards."),
            stat("Users", query("max(grafana_stat_total_users)", "users"), unit="short", spark=False,
                 description="People who have an account."),
            stat("Active users", query("max(grafana_stat_active_users)", "in 30 days"), unit="short", spark=False,
                 description="People seen in the last 30 days."),
        ),
        row(
            "Requests",
            timeseries("Requests by status",
                       query(f"sum by (status_code) (rate(grafana_http_request_duration_seconds_count{RATE}))",
                             "{{status_code}}"), unit="reqps", stack=True, width=8,
                       colors={"/^2/": "green", "/^3/": "blue", "/^4/": "orange", "/^5/": "red"},
                       description="Requests per second by status."),
            timeseries("Busiest paths",
                       query(f"topk(10, sum by (handler) (rate(grafana_http_request_duration_seconds_count{RATE})))",
                             "{{handler}}"), unit="reqps", legend="table", width=8,
                       description="Requests per second, the ten busiest paths."),
            timeseries("Duration",
                       query(f"histogram_quantile(0.5, sum by (le) "
                             f"(rate(grafana_http_request_duration_seconds_bucket{RATE})))", "p50"),
                       query(f"histogram_quantile(0.99, sum by (le) "
                             f"(rate(grafana_http_request_duration_seconds_bucket{RATE})))", "p99"), unit="s",
                       width=8, description="How long requests take, queries included."),
        ),
        row(
            "Data sources",
            timeseries("Queries",
                       query(f"sum by (datasource_type, code) (rate(grafana_datasource_request_total{RATE}))",
                             "{{datasource_type}} {{code}}"), unit="reqps", width=12,
                       empty="Nobody has asked for anything.",
                       description="Requests to data sources per second by answer."),
            timeseries("Time for a query",
                       query(f"histogram_quantile(0.95, sum by (le, datasource_type) "
                             f"(rate(grafana_datasource_request_duration_seconds_bucket{RATE})))",
                             "p95 {{datasource_type}}"), unit="s", width=12, empty="Nobody has asked for anything.",
                       description="How long data sources take to answer; 19 of 20 were faster."),
        ),
        row(
            "Process",
            timeseries("Memory", query("process_resident_memory_bytes", "{{instance}}"), unit="bytes", width=8,
                       description="Resident memory of Grafana."),
            timeseries("Processor", query(f"rate(process_cpu_seconds_total{RATE})", "{{instance}}"),
                       unit="percentunit", width=8, description="Processor time of Grafana; 100% is one processor."),
            timeseries("Goroutines", query("go_goroutines", "{{instance}}"), unit="short", width=8,
                       description="Tasks inside the process; a steady rise is a leak."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits(empty={
            "GrafanaRequestsFailing": "No request has failed.",
            "GrafanaDatasourceErrors": "No query has failed.",
            "GrafanaQueriesSlow": "Nobody has asked for anything.",
        })),
    ],
)  # fmt: skip
