"""`fintech-load URL`, or `python -m fintech.load URL`: put load on a service and say how it fared."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from fintech.load.runner import LoadError, Summary, run

_EXIT_CODES = "exit codes: 0 answers came, 1 none came or no user could be set up, 2 wrong usage, 130 interrupted"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the summary goes to stdout, progress to stderr."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    try:
        summary = run(
            options.url,
            rate=options.rate,
            duration_s=options.duration,
            seed=options.seed,
            users=options.users,
            threads=options.threads,
            timeout_s=options.timeout,
            ca_file=options.ca_file,
            stop=stop,
            on_second=None if options.json or not sys.stderr.isatty() else _show_progress,
        )
    except LoadError as error:
        sys.stderr.write(f"fintech-load: {error}\n")
        return 130 if stop.is_set() else 1
    sys.stdout.write(json.dumps(summary.as_dict(), indent=2) + "\n" if options.json else _text(summary))
    if stop.is_set():
        return 130
    return 0 if summary.by_status else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fintech-load", description=__doc__, epilog=_EXIT_CODES)
    parser.add_argument("url", type=_url, help="where the service is, such as http://203.0.113.10/app/")
    parser.add_argument("--rate", type=_above(0, 2000), default=10.0, help="requests per second (default 10)")
    parser.add_argument("--duration", type=_above(0, 86400), default=60.0, help="seconds (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="decides every step (default 1)")
    parser.add_argument("--users", type=_count(1000), default=4, help="how many people act (default 4)")
    parser.add_argument("--threads", type=_count(512), default=32, help="requests waiting at once (default 32)")
    parser.add_argument("--timeout", type=_above(0, 120), default=10.0, help="seconds per request (default 10)")
    parser.add_argument("--ca-file", help="trust this certificate authority instead of the system's")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    return parser


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no http:// or https:// URL")
    return text


def _above(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number above {least:g} and at most {most:g}")
        return value

    return number


def _count(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {most}")
        return int(text)

    return count


def _show_progress(passed_s: float, answered: int, failures: int) -> None:
    sys.stderr.write(f"\r{passed_s:5.0f} s  {answered} answers, {failures} failures ")
    sys.stderr.flush()


def _text(summary: Summary) -> str:
    latency = summary.latency_ms
    lines = [
        "",
        f"{summary.sent} of {summary.planned} requests sent in {summary.duration_s:g} s (seed {summary.seed}), "
        f"{summary.rate_per_s:g} answers/s, {summary.failed} failed",
        "status   " + (", ".join(f"{status}: {count}" for status, count in summary.by_status.items()) or "no answer"),
        f"latency  p50 {latency['p50']:g} ms, p95 {latency['p95']:g} ms, p99 {latency['p99']:g} ms, "
        f"max {latency['max']:g} ms",
    ]
    if summary.unanswered:
        lines.append("no answer  " + ", ".join(f"{reason}: {count}" for reason, count in summary.unanswered.items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
