"""The sample app by rate, errors and duration (RED), its database pool, its pods, then by route."""

from promontory.dashboards import (
    UP_DOWN,
    Dashboard,
    Query,
    alert_limits,
    bars,
    closed_row,
    column,
    heatmap,
    query,
    row,
    stat,
    states,
    table,
    timeseries,
)

from .queries import app

WAIT = "db_client_connection_wait_time_seconds"
# The hub's own series carry the cluster as instance: a dashboard narrowed to a pod shows them all the same.
ALL_PODS = ("environment",)
NO_HUB = "No pods: no cluster is scraped through a hub (prometheus_kubernetes_clusters)."
EACH = "environment, instance"


def worst(each: str) -> Query:
    """The largest of the values of all instances: a stat has room for one number, not for one of each pod."""
    return query(f"max by (environment) ({each})", "{{environment}}")


dashboard = Dashboard(
    uid="promontory-sample-app",
    title="Sample app",
    description="How many requests come in, how many fail, how long they take, what they wait for, and which route is to blame.",
    about="http_server_active_requests",
    tags=["service"],
    up=["promontory-overview"],
    down=["promontory-business", "promontory-slo", "promontory-edge", "promontory-postgresql", "promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("Requests now", query(app.requests("environment"), "{{environment}}"), unit="reqps",
                 description="Requests per second, health checks left out."),
            stat("Failed", worst(app.error_ratio(EACH)), unit="percentunit", alert="SampleAppErrorRatioHigh", decimals=2,
                 description="Share of requests answered with 5xx by the instance that fails most, and the limit of "
                             "the alert."),
            stat("p95", worst(app.quantile(0.95, EACH)), unit="s", alert="SampleAppLatencyHigh",
                 description="19 of 20 requests to the slowest instance were faster than this; the limit is that of "
                             "the alert."),
            stat("Apdex", query(app.apdex("environment"), "{{environment}}"), unit="none", decimals=2,
                  steps=[(0, "red"), (0.7, "orange"), (0.85, "green")],
                  description="Satisfaction, 0 to 1: answers below 250 ms count whole, those below 1 s half."),
            stat("Database pool", worst(app.pool_in_use(EACH)), unit="percentunit", alert="SampleAppDatabasePoolSaturated", decimals=0,
                 description="Share of the pooled database connections in use on the fullest instance; at 100% the next "
                             "request waits."),
            stat("Instances", query("count by (environment) (fintech_build_info)", "{{environment}}"), unit="short",
                 description="Hosts and pods of the app whose metrics are here."),
        ),
        row(
            "Rate and errors",
            timeseries("Requests by route", query(f"topk(10, {app.requests('http_route')})", "{{http_route}}"),
                       unit="reqps", legend="table", stack=True,
                       description="Requests per second, the ten busiest routes."),
            timeseries("Answers by status",
                       query(app.requests("http_response_status_code"), "{{http_response_status_code}}"),
                       unit="reqps", stack=True, legend="table",
                       colors={"/^2/": "green", "/^3/": "blue", "/^4/": "orange", "/^5/": "red"},
                       description="Requests per second by the status of their answer."),
            timeseries("Failed requests", unit="percentunit", alert="SampleAppErrorRatioHigh",
                       description="Share of requests answered with 5xx in each minute; the dashed line is the "
                                   "alert's limit."),
            timeseries("Failed requests by route",
                       query(f"topk(10, {app.error_ratio('http_route')} > 0)", "{{http_route}}"), unit="percentunit",
                       empty="No route fails.", maximum=1,
                       description="Share of a route's requests answered with 5xx, the ten worst routes that fail "
                                   "at all."),
        ),
        row(
            "Duration",
            heatmap("How durations are spread",
                    f"sum by (le) (increase({app.DURATION}_bucket{{{app.PEOPLE}}}[$__rate_interval]))", unit="s",
                    description="Number of requests by duration and time: two bands are two kinds of requests."),
            timeseries("Quantiles", query(app.quantile(0.5, ""), "p50"), query(app.quantile(0.95, ""), "p95"),
                       query(app.quantile(0.99, ""), "p99"), unit="s",
                       description="Half, 19 of 20 and 99 of 100 requests were faster; dots are exemplars, single "
                                   "requests with their trace_id. Several workers in one instance leave none."),
            timeseries("p95 and its limit", unit="s", alert="SampleAppLatencyHigh",
                       description="The value of the alert over its own 5 min; the dashed line is its limit."),
            bars("Slowest routes (p95)", query(f"topk(10, {app.quantile(0.95, 'http_route', window='[$__range]')})",
                                               "{{http_route}}", instant=True), unit="s", width=12,
                 description="95th percentile by route over the whole time shown, the ten slowest."),
        ),
        row(
            "Database",
            timeseries("Database connections",
                       query("sum by (db_client_connection_state) (db_client_connection_count)",
                             "{{db_client_connection_state}}"),
                       query("sum(db_client_connection_max)", "all there may be"), unit="short", width=8,
                       colors={"/used/": "orange", "/idle/": "green"},
                       description="Pooled connections of all workers: in use, at rest, and the most there may be."),
            timeseries("Pool in use", unit="percentunit", alert="SampleAppDatabasePoolSaturated", width=8, maximum=1,
                       description="Share of the connections in use on the average of 2 min; the dashed line is the "
                                   "alert's limit."),
            timeseries("Waiting for a connection",
                       query("sum by (instance) (db_client_connection_pending_requests)", "{{instance}}"), unit="short",
                       width=8, description="Requests that wait for a connection now; each holds a thread."),
            timeseries("Wait for a connection", unit="s", alert="SampleAppDatabaseWaitHigh", width=8,
                       description="19 of 20 got their connection faster than this; the dashed line is the limit."),
            timeseries("Waited in vain", query(app.counted("db_client_connection_timeouts_total", "instance"),
                                               "{{instance}}"), unit="ops", width=8,
                       description="Waits per second that ended without a connection; each is a request that failed."),
            timeseries("Database statements",
                       query(app.counted("db_client_operation_duration_seconds_count", "db_operation_name"),
                             "{{db_operation_name}}"), unit="ops", stack=True, legend="table", width=8,
                       description="Statements per second by what they do."),
            timeseries("Duration of statements",
                       query(app.quantile_of("db_client_operation_duration_seconds", 0.95, "db_operation_name"),
                             "{{db_operation_name}}"), unit="s", legend="table", width=8,
                       description="19 of 20 statements of a kind were faster than this."),
        ),
        row(
            "Load",
            timeseries("In work", query("sum by (instance, http_request_method) (http_server_active_requests) > 0 "
                                        "or sum by (instance) (http_server_active_requests)",
                                        "{{instance}} {{http_request_method}}"), unit="short", width=8,
                       description="Requests being worked on; as many as there are threads means that others wait."),
            timeseries("Compared with last week", query(app.requests("environment"), "now"),
                       query(app.requests("environment", ago="7d"), "a week ago"), unit="reqps", width=8,
                       description="Requests per second now and at the same time a week ago."),
            timeseries("Faults switched on", unit="short", alert="SampleAppFaultLeftOn", width=8,
                       empty="No fault is on.",
                       description="Faults of drills by route and kind; requests there fail or are slow on purpose."),
            timeseries("Faults injected", query(app.counted("fintech_faults_injected_total", "kind"), "{{kind}}"),
                       unit="ops", width=8,
                       description="Requests and jobs per second that suffered a fault on purpose, by its kind."),
            timeseries("Processor", query('rate(process_cpu_seconds_total{job="sample_app"}[$__rate_interval])', "{{instance}}"),
                       unit="percentunit", width=8,
                       description="Processor time of the app's processes; 100% is one processor."),
        ),
        closed_row(
            "Pods in Kubernetes",
            states("Pods that answer", query("metrics_hub_target_up", "{{pod}}", scope=ALL_PODS), mappings=UP_DOWN,
                   alert="SampleAppPodDown", empty=NO_HUB, height=8,
                   description="Whether the hub of a cluster can read the metrics of each pod."),
            timeseries("Pods by cluster",
                       query("sum by (cluster) (metrics_hub_target_up)", "answer in {{cluster}}", scope=ALL_PODS),
                       query("sum by (cluster) (metrics_hub_targets)", "known in {{cluster}}", scope=ALL_PODS),
                       alert="SampleAppPodsMissing", unit="short", width=8, empty=NO_HUB,
                       description="How many pods the hub of a cluster knows, and how many of them answer; the dashed "
                                   "line is the least there must be."),
            timeseries("Reading a pod", query("topk(10, metrics_hub_scrape_duration_seconds)", "{{pod}}", scope=ALL_PODS),
                       unit="s", width=8, empty=NO_HUB,
                       description="How long the hub took to read the metrics of a pod, the ten slowest."),
            timeseries("Requests by pod",
                       query(f'sum by (pod) (rate({app.DURATION}_count{{{app.PEOPLE}, pod!=""}}{app.RATE}))', "{{pod}}",
                             scope=ALL_PODS),
                       unit="reqps", stack=True, legend="table", width=8, empty=NO_HUB,
                       description="Requests per second of each pod: does the load spread?"),
        ),
        closed_row(
            "By route",
            table("Routes",
                  column("Requests/s", app.requests("http_route").replace("$__rate_interval", "$__range"),
                         unit="reqps"),
                  column("Failed", app.error_ratio("http_route").replace("$__rate_interval", "$__range"),
                         unit="percentunit", cell="color-text", alert="SampleAppErrorRatioHigh", decimals=2),
                  column("p95", app.quantile(0.95, "http_route", window="[$__range]"), unit="s", cell="color-text",
                         alert="SampleAppLatencyHigh"), by={"http_route": "Route"}, sort="Requests/s",
                  description="All routes over the whole time shown: how often, how well, how fast."),
        ),
        closed_row(
            "Process",
            timeseries("Memory", query("process_resident_memory_bytes", "{{instance}}"), unit="bytes", width=8,
                       description="Resident memory of the app's processes together."),
            timeseries("Open files", query("process_open_fds", "{{instance}}"),
                       query("process_max_fds", "limit {{instance}}"), unit="short", width=8,
                       description="Open file descriptors of the process that has most, and the limit of each."),
            timeseries("Garbage collections",
                       query("sum by (instance, generation) (rate(python_gc_collections_total[$__rate_interval]))",
                             "{{instance}} generation {{generation}}"), unit="ops", width=8,
                       description="Runs of Python's garbage collector per second."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
