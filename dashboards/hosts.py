"""All hosts at a glance by utilisation, saturation and errors (USE): which one needs a look?"""

from promontory.dashboards import Dashboard, alert_limits, closed_row, column, query, row, stat, table, timeseries

from .queries import host

dashboard = Dashboard(
    uid="promontory-hosts",
    title="Hosts",
    description="Which host is busy, full, or failing? A click on its name opens its own page.",
    about="node_uname_info",
    tags=["infrastructure"],
    up=["promontory-overview"],
    down=["promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("Hosts", query("count(node_uname_info)", "hosts"), unit="short", width=6,
                 description="Hosts whose node_exporter answers."),
            stat("Busiest processor", query(f"max({host.cpu_used()})", "busiest"), unit="percentunit", width=6,
                 decimals=0, steps=[(0, "green"), (0.8, "orange"), (0.9, "red")],
                 description="Share of processor time in use on the busiest host."),
            stat("Fullest memory", query(f"max({host.memory_used()})", "fullest"), unit="percentunit", width=6,
                 decimals=0, steps=[(0, "green"), (0.9, "orange"), (0.95, "red")],
                 description="Share of memory that programs cannot get, on the fullest host."),
            stat("Fullest disk", query(f"max({host.disk_used()})", "fullest"), unit="percentunit", width=6,
                 decimals=0, steps=[(0, "green"), (0.8, "orange"), (0.95, "red")],
                 description="Share of the fullest file system of all hosts in use."),
        ),
        row(
            "Host by host",
            table("Hosts now",
                  column("Processor", host.cpu_used("instance"), unit="percentunit", cell="gauge", decimals=0,
                       alert="HostCpuSaturated"),
                  column("Load per processor", host.load_per_cpu().replace("environment, instance", "instance"),
                         decimals=2),
                  column("Memory", host.memory_used("instance"), unit="percentunit", cell="gauge", decimals=0),
                  column("Fullest disk", host.disk_used("instance"), unit="percentunit", cell="gauge", decimals=0),
                  column("Received", host.network("receive"), unit="Bps"),
                  column("Sent", host.network("transmit"), unit="Bps"),
                  column("Up for", "max by (instance) (time() - node_boot_time_seconds)", unit="dtdurations"),
                  by={"instance": "Host"}, link="promontory-host", sort="Processor",
                  description="One line for each host; a click on the name opens its page with this time range."),
        ),
        row(
            "Utilisation",
            timeseries("Processor", query(f"topk(10, {host.cpu_used()})", "{{instance}}"), unit="percentunit",
                       maximum=1, width=8, description="Share of processor time in use, the ten busiest hosts."),
            timeseries("Memory", query(f"topk(10, {host.memory_used()})", "{{instance}}"), unit="percentunit",
                       maximum=1, width=8,
                       description="Share of memory that programs cannot get, the ten fullest hosts."),
            timeseries("Disk work", query(f"topk(10, {host.disk_busy()})", "{{instance}} {{device}}"),
                       unit="percentunit", maximum=1, width=8,
                       description="Share of time a disk was at work, the ten busiest disks."),
            timeseries("Fullest file systems",
                       query(f"topk(10, {host.disk_used('instance, mountpoint')})", "{{instance}} {{mountpoint}}"),
                       unit="percentunit", maximum=1, legend="table",
                       description="Share of a file system in use, the ten fullest."),
            timeseries("Free space in 4 h",
                       query(f"bottomk(10, predict_linear(node_filesystem_avail_bytes{{{host.REAL}}}[1h], 4 * 3600))",
                             "{{instance}} {{mountpoint}}"), unit="bytes", legend="table", minimum=None,
                       description="Free bytes in 4 h at the pace of the last hour, the ten lowest; below 0 it is "
                                   "full by then."),
        ),
        row(
            "Saturation: time lost to waiting",
            timeseries("Waiting for a processor", query(f"topk(10, {host.pressure('cpu')})", "{{instance}}"),
                       unit="percentunit", width=8,
                       description="Share of time in which some task waited for a processor (PSI)."),
            timeseries("Waiting for disks", query(f"topk(10, {host.pressure('io')})", "{{instance}}"),
                       unit="percentunit", width=8,
                       description="Share of time in which some task waited for input or output (PSI)."),
            timeseries("Waiting for memory", query(f"topk(10, {host.pressure('memory')})", "{{instance}}"),
                       unit="percentunit", width=8,
                       description="Share of time in which some task waited for memory (PSI)."),
            timeseries("Load per processor", query(f"topk(10, {host.load_per_cpu()})", "{{instance}}"), unit="short",
                       width=8,
                       description="Tasks that run or wait, for each processor, over 5 min; above 1 somebody waits."),
            timeseries("Received", query(f"topk(10, {host.network('receive')})", "{{instance}}"), unit="Bps", width=8,
                       description="Bytes received per second, the ten busiest hosts."),
            timeseries("Sent", query(f"topk(10, {host.network('transmit')})", "{{instance}}"), unit="Bps", width=8,
                       description="Bytes sent per second, the ten busiest hosts."),
        ),
        row(
            "Errors",
            timeseries("Network errors and drops",
                       query(f"sum by (instance) "
                             f"(rate(node_network_receive_errs_total{{{host.WIRED}}}[$__rate_interval])) + "
                             f"sum by (instance) "
                             f"(rate(node_network_transmit_errs_total{{{host.WIRED}}}[$__rate_interval]))",
                             "errors {{instance}}"),
                       query(f"sum by (instance) "
                             f"(rate(node_network_receive_drop_total{{{host.WIRED}}}[$__rate_interval])) + "
                             f"sum by (instance) "
                             f"(rate(node_network_transmit_drop_total{{{host.WIRED}}}[$__rate_interval]))",
                             "drops {{instance}}"), unit="pps", width=8,
                       description="Packets per second that were broken or dropped. Good is 0."),
            timeseries("Killed for lack of memory",
                       query("sum by (instance) (increase(node_vmstat_oom_kill[$__rate_interval]))", "{{instance}}"),
                       unit="short", width=8, style="bars", description="Programs that the kernel killed. Good is 0."),
            timeseries("Read-only file systems",
                       query(f"sum by (instance) (node_filesystem_readonly{{{host.REAL}}})", "{{instance}}"),
                       unit="short", width=8,
                       description="File systems that take no writes; one that turns read-only had an error."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits()),
    ],
)  # fmt: skip
