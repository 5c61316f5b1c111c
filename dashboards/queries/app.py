"""Asks about the sample app; health checks are no requests."""

from __future__ import annotations

DURATION = "http_server_request_duration_seconds"
PEOPLE = 'http_route!~"/(healthz|readyz)"'
RATE = "[$__rate_interval]"


def requests(by: str, *, status: str = "", ago: str = "") -> str:
    """Requests per second, summed by labels; `status` is a regular expression, `ago` such as 7d."""
    only = f', http_response_status_code=~"{status}"' if status else ""
    shift = f" offset {ago}" if ago else ""
    return f"sum by ({by}) (rate({DURATION}_count{{{PEOPLE}{only}}}{RATE}{shift}))"


def error_ratio(by: str) -> str:
    """Share of requests answered with 5xx."""
    return f"({requests(by, status='5..')} or 0 * {requests(by)}) / {requests(by)}"


def quantile(share: float, by: str, *, window: str = RATE) -> str:
    """Duration in seconds that this share of the requests stayed below."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({DURATION}_bucket{{{PEOPLE}}}{window})))"


def pool_in_use(by: str) -> str:
    """Share of the pooled database connections that are in use now."""
    used = f'sum by ({by}) (db_client_connection_count{{db_client_connection_state="used"}})'
    return f"{used} / sum by ({by}) (db_client_connection_max)"


def apdex(by: str, *, satisfied: str = "0.25", tolerated: str = "1.0") -> str:
    """Apdex, 0 to 1: requests below `satisfied` seconds count whole, those below `tolerated` half."""

    def below(bound: str) -> str:
        return f'sum by ({by}) (rate({DURATION}_bucket{{{PEOPLE}, le="{bound}"}}{RATE}))'

    return f"({below(satisfied)} + {below(tolerated)}) / 2 / {requests(by)}"


# A replay is the second answer about a transaction that was counted before: no attempt to move money.
ATTEMPTS = 'outcome!="replayed"'


def transactions(by: str, *, outcome: str = "", ago: str = "") -> str:
    """Transactions per second; all but replays, or those whose outcome fits a regular expression; `ago` such as 7d."""
    only = f'outcome=~"{outcome}"' if outcome else ATTEMPTS
    shift = f" offset {ago}" if ago else ""
    return f"sum by ({by}) (rate(fintech_transactions_total{{{only}}}{RATE}{shift}))"


def counted(counter: str, by: str) -> str:
    """Events per second of one of the app's counters."""
    return f"sum by ({by}) (rate({counter}{RATE}))"


def quantile_of(histogram: str, share: float, by: str) -> str:
    """What this share of the observations of one of the app's histograms stayed below, by labels."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({histogram}_bucket{RATE})))"
