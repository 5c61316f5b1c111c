"""The door: requests by site at nginx, how they were answered, how long they took, and its connections."""

from promontory.dashboards import UP_DOWN, Dashboard, alert_limits, bars, closed_row, query, row, stat, timeseries

RATE = "[$__rate_interval]"


def requests(by: str, status: str = "") -> str:
    """Requests per second by labels; `status` is a regular expression."""
    only = f'{{status=~"{status}"}}' if status else ""
    return f"sum by ({by}) (rate(edge_http_requests_total{only}{RATE}))"


def quantile(share: float, what: str, by: str = "") -> str:
    """Duration in seconds that this share of requests stayed below; `what` is request or upstream."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate(edge_http_{what}_duration_seconds_bucket{RATE})))"


dashboard = Dashboard(
    uid="promontory-edge",
    title="Edge (nginx)",
    description="What comes through the door, how it is answered, and whether the door or the program behind it is slow.",
    about="edge_up",
    tags=["service"],
    up=["promontory-overview", "promontory-blackbox"],
    down=["promontory-sample-app", "promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("nginx", query("min by (instance) (edge_up)", "{{instance}}"), unit="short", mappings=UP_DOWN,
                 spark=False, steps=[(0, "red"), (1, "green")],
                 description="Whether nginx answers on its status page."),
            stat("Requests", query("sum(rate(edge_http_requests_total[$__rate_interval]))", "requests"), unit="reqps",
                 description="Requests per second through the door."),
            stat("Failed", query(f"{requests('environment', '5..')} / {requests('environment')}", "{{environment}}"),
                 unit="percentunit", decimals=2, steps=[(0, "green"), (0.01, "orange"), (0.05, "red")],
                 description="Share of requests answered with 5xx."),
            stat("p95", query(quantile(0.95, "request"), "p95"), unit="s",
                 description="19 of 20 requests were faster than this."),
            stat("Connections", query("sum(edge_connections{state=\"active\"})", "active"), unit="short",
                 description="Open connections of clients."),
            stat("Connections in use",
                 query('max(edge_connections{state="active"} / on (environment, instance) group_left () '
                       "max by (environment, instance) (edge_connections_limit))", "fullest"), unit="percentunit",
                 decimals=1, steps=[(0, "green"), (0.8, "orange"), (0.95, "red")],
                 description="Share of nginx' connections in use; at 100% it takes no more."),
        ),
        row(
            "Rate and errors",
            timeseries("Requests by site", query(f"topk(10, {requests('site')})", "{{site}}"), unit="reqps",
                       stack=True, width=8, description="Requests per second by the program behind the door."),
            timeseries("Answers by status", query(requests("status") + " > 0", "{{status}}"), unit="reqps",
                       stack=True, width=8, legend="table",
                       colors={"/^2/": "green", "/^3/": "blue", "/^4/": "orange", "/^5/": "red"},
                       description="Requests per second by status."),
            timeseries("Failed by site",
                       query(f"topk(10, {requests('site', '5..')} / ({requests('site')} > 0))", "{{site}}"),
                       unit="percentunit", width=8,
                       description="Share of a site's requests answered with 5xx, the ten worst."),
            timeseries("Refused", query(requests("status", "401|403|429") + " > 0", "{{status}}"), unit="reqps",
                       width=8, empty="Nobody was refused.",
                       description="Requests per second without a password (401), a right (403), or patience (429)."),
            timeseries("Gone before the answer", query(requests("site", "499"), "{{site}}"), unit="reqps", width=8,
                       description="Clients that gave up waiting, per second."),
            timeseries("Tried again",
                       query(f"sum by (site) (rate(edge_http_upstream_retries_total{RATE}))", "{{site}}"), unit="ops",
                       width=8,
                       description="Requests given to another server because the first one failed, per second."),
        ),
        row(
            "Duration: the door against the program behind it",
            timeseries("Requests", query(quantile(0.5, "request"), "p50"), query(quantile(0.95, "request"), "p95"),
                       query(quantile(0.99, "request"), "p99"), unit="s", width=8,
                       description="From the first byte of a request to the last one of its answer."),
            timeseries("Programs behind", query(quantile(0.5, "upstream"), "p50"),
                       query(quantile(0.95, "upstream"), "p95"), query(quantile(0.99, "upstream"), "p99"), unit="s",
                       width=8, description="What of it the program behind the door took."),
            bars("Slowest sites (p95)",
                 query(f"topk(10, {quantile(0.95, 'request', 'site').replace(RATE, '[$__range]')} >= 0)", "{{site}}"),
                 unit="s", description="95th percentile by site over the whole time shown, the ten slowest."),
        ),
        row(
            "Connections and bytes",
            timeseries("Connections by state", query("sum by (state) (edge_connections)", "{{state}}"), unit="short",
                       width=8, description="What connections do; waiting ones are kept open for the next request."),
            timeseries("New connections",
                       query(f"sum by (instance) (rate(edge_connections_accepted_total{RATE}))",
                             "accepted {{instance}}"),
                       query(f"sum by (instance) (rate(edge_connections_accepted_total{RATE})) - sum by (instance) "
                             f"(rate(edge_connections_handled_total{RATE}))", "dropped {{instance}}"), unit="cps",
                       width=8, minimum=None,
                       description="Connections accepted per second, and those dropped for lack of room."),
            timeseries("Bytes",
                       query(f"sum by (site) (rate(edge_http_response_bytes_total{RATE})) > 0", "sent {{site}}"),
                       query(f"sum by (site) (rate(edge_http_request_bytes_total{RATE})) > 0", "received {{site}}"),
                       unit="Bps", width=8, description="Bytes per second by site, out and in."),
            timeseries("Lines of the log that were not understood",
                       query(f"sum by (instance) (rate(edge_log_lines_invalid_total{RATE}))", "{{instance}}"),
                       unit="ops",
                       description="Lines of nginx' log that the exporter could not read; they are missing above. "
                                   "Good is 0."),
            timeseries("Memory of the exporter", query('process_resident_memory_bytes{job="edge_exporter"}', "{{instance}}"), unit="bytes",
                       description="Resident memory of the exporter that reads nginx' log."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
