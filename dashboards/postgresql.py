"""PostgreSQL: is it up, who is connected, what waits, what grows, and is it looked after?"""

from promontory.dashboards import (
    UP_DOWN,
    Dashboard,
    Variable,
    alert_limits,
    bars,
    closed_row,
    column,
    query,
    row,
    stat,
    table,
    timeseries,
)

RATE = "[$__rate_interval]"
MINE = 'datname!~"template.*|"'


def per_second(what: str, by: str = "datname") -> str:
    """Rate of a counter of pg_stat_database."""
    return f"sum by ({by}) (rate(pg_stat_database_{what}{{{MINE}}}{RATE}))"


dashboard = Dashboard(
    uid="promontory-postgresql",
    title="PostgreSQL",
    description="Is the database up, who is connected, what waits for what, what grows, and is it looked after?",
    about="pg_up",
    tags=["service"],
    variables=[Variable("datname", "pg_database_size_bytes", "Database")],
    up=["promontory-sample-app", "promontory-overview"],
    down=["promontory-host"],
    rows=[
        row(
            "Is it fine?",
            stat("Database", query("min by (instance) (pg_up)", "{{instance}}"), unit="short", mappings=UP_DOWN,
                 spark=False, steps=[(0, "red"), (1, "green")], description="Whether the exporter can log in."),
            stat("Connections in use", query("sum by (environment, instance) (pg_stat_activity_count) / "
                  "max by (environment, instance) (pg_settings_max_connections)", "{{instance}}"),
                  unit="percentunit", decimals=0, steps=[(0, "green"), (0.8, "orange"), (0.95, "red")],
                  description="Share of max_connections in use; at 100% nobody gets in."),
            stat("Up for", query("min(time() - pg_postmaster_start_time_seconds)", "shortest"), unit="dtdurations",
                 spark=False, description="Time since the database was started."),
            stat("Transactions", query(f"sum(rate(pg_stat_database_xact_commit{{{MINE}}}{RATE}))", "commits"),
                 unit="ops", description="Committed transactions per second."),
            stat("Found in memory",
                 query(f"sum(rate(pg_stat_database_blks_hit{{{MINE}}}{RATE})) / "
                       f"(sum(rate(pg_stat_database_blks_hit{{{MINE}}}{RATE})) "
                       f"+ sum(rate(pg_stat_database_blks_read{{{MINE}}}{RATE})))", "hit"), unit="percentunit",
                 decimals=1, description="Share of blocks that did not have to be read from disk."),
            stat("Size", query("sum(pg_database_size_bytes)", "all"), unit="bytes",
                 description="What the chosen databases take on disk."),
        ),
        row(
            "Connections and transactions",
            timeseries("Connections by state", query("sum by (state) (pg_stat_activity_count)", "{{state}}"),
                       unit="short", stack=True, width=8,
                       description="What connections do; idle in transaction holds locks and helps nobody."),
            timeseries("Transactions", query(per_second("xact_commit"), "committed {{datname}}"),
                       query(per_second("xact_rollback"), "rolled back {{datname}}"), unit="ops", width=8,
                       description="Transactions per second by their end."),
            timeseries("Longest transaction",
                       query("max by (datname, state) (pg_stat_activity_max_tx_duration)", "{{datname}} {{state}}"),
                       unit="s", width=8,
                       description="How long the oldest open transaction has been open; long ones keep the database "
                                   "from tidying up."),
            timeseries("Rows", query(per_second("tup_fetched"), "fetched {{datname}}"),
                       query(per_second("tup_inserted"), "inserted {{datname}}"),
                       query(per_second("tup_updated"), "updated {{datname}}"),
                       query(per_second("tup_deleted"), "deleted {{datname}}"), unit="rowsps", width=8,
                       description="Rows read and changed per second."),
            timeseries("Locks", query("sum by (mode) (pg_locks_count) > 0", "{{mode}}"), unit="short", width=8,
                       description="Locks held or waited for, by mode."),
            timeseries("Deadlocks and conflicts", query(per_second("deadlocks"), "deadlocks {{datname}}"),
                       query(per_second("conflicts"), "conflicts {{datname}}"), unit="ops", width=8,
                       description="Transactions that were ended because they blocked one another. Good is 0."),
        ),
        row(
            "Room and upkeep",
            timeseries("Size by database", query("pg_database_size_bytes", "{{datname}}"), unit="bytes", width=8,
                       description="What each database takes on disk."),
            timeseries("Age of transaction ids",
                       query("max by (datname) (pg_database_wraparound_age_datfrozenxid_seconds)", "{{datname}}"),
                       unit="short", width=8,
                       description="Transactions since the last freeze; at two thousand million the database stops."),
            timeseries("Temporary files", query(per_second("temp_bytes"), "{{datname}}"), unit="Bps", width=8,
                       description="Bytes written per second because a query did not fit into work_mem."),
            bars("Dead rows", query("topk(10, sum by (relname) (pg_stat_user_tables_n_dead_tup))", "{{relname}}"),
                 unit="short", width=12,
                 description="Rows that are gone but still take room, the ten worst tables; autovacuum clears them."),
            table("Tables", column("Live rows", "sum by (relname) (pg_stat_user_tables_n_live_tup)"),
                  column("Dead rows", "sum by (relname) (pg_stat_user_tables_n_dead_tup)"),
                  column("Sequential scans/s", "sum by (relname) (rate(pg_stat_user_tables_seq_scan[$__range]))",
                         unit="ops"),
                  column("Index scans/s", "sum by (relname) (rate(pg_stat_user_tables_idx_scan[$__range]))",
                         unit="ops"), by={"relname": "Table"}, sort="Live rows", width=12,
                  description="The tables by size; many sequential scans of a large table want an index."),
        ),
        closed_row("Alerts that lead here, with their limits", alert_limits(empty={
            "PostgresqlSessionsBlocked": "No session waits for a lock.",
            "PostgresqlIdleInTransaction": "No transaction is idle.",
            "PostgresqlReplicaLost": "There is no replica.",
            "PostgresqlSlotInactive": "There is no replication slot.",
        })),
    ],
)  # fmt: skip
