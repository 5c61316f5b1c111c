"""`fintech-load URL`, or `python -m fintech.load URL`: put load on a service and say how it fared.

People register, log in, look at their accounts and move money, by the API. A booking carries an idempotency key and is
sent again with it until its outcome is known, so nothing is booked twice.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from fintech.load.profiles import PROFILES
from fintech.load.record import Summary
from fintech.load.runner import LoadError, Wish, run

_EXAMPLES = """\
examples:
  python -m fintech.load http://127.0.0.1:8000/ --rate 20 --duration 60
  python -m fintech.load http://127.0.0.1:8000/ --profile day --duration 1440   a day, a minute for each
  python -m fintech.load http://127.0.0.1:8000/ --profile outage --outage 20:30 --verify-ledger
                                     stop the service 20 s after the start, start it 30 s later: is anything lost?

exit codes: 0 answers came, and the ledger is as expected if that was asked; 1 no answer came, no user could be set up,
or the ledger is not as expected; 2 wrong usage; 130 interrupted
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; the summary goes to stdout, progress to stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.profile == "outage") != (options.outage is not None):
        parser.error("--profile outage and --outage BEGIN:SECONDS belong together")
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    try:
        summary = run(
            options.url,
            Wish(
                rate=options.rate,
                duration_s=options.duration,
                profile=PROFILES[options.profile],
                seed=options.seed,
                users=options.users,
                threads=options.threads,
                timeout_s=options.timeout,
                ca_file=options.ca_file,
                outage_s=options.outage,
                verify=options.verify_ledger,
            ),
            stop=stop,
            on_begin=lambda: _say(f"fintech-load: {options.users} people have their accounts, the load begins\n"),
            on_second=_show_progress if sys.stderr.isatty() and not options.json else _show_nothing,
        )
    except LoadError as error:
        _say(f"fintech-load: {error}\n")
        return 130 if stop.is_set() else 1
    sys.stdout.write(json.dumps(summary.as_dict(), indent=2) + "\n" if options.json else _text(summary))
    if summary.ledger and not summary.ledger.ok:
        return 1
    if stop.is_set():
        return 130
    return 0 if summary.by_status else 1


def _parser() -> argparse.ArgumentParser:
    profiles = "\n".join(f"  {profile.name:15} {profile.purpose}" for profile in PROFILES.values())
    parser = argparse.ArgumentParser(
        prog="fintech-load",
        description=f"{__doc__}\nprofiles:\n{profiles}",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", type=_url, help="where the service is, such as http://203.0.113.10/app/")
    parser.add_argument("--profile", choices=PROFILES, default="steady", metavar="NAME", help="see above (default steady)")
    parser.add_argument("--rate", type=_above(0, 2000), default=10.0, help="steps per second on average (default 10)")
    parser.add_argument("--duration", type=_above(0, 86400), default=60.0, help="seconds (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="decides every step (default 1)")
    parser.add_argument("--users", type=_count(1000), default=4, help="how many people act (default 4)")
    parser.add_argument("--threads", type=_count(512), default=32, help="requests waiting at once (default 32)")
    parser.add_argument("--timeout", type=_above(0, 120), default=10.0, help="seconds per request (default 10)")
    parser.add_argument(
        "--outage", type=_window, metavar="BEGIN:SECONDS", help="when you take the service away, and for how long"
    )
    parser.add_argument(
        "--verify-ledger", action="store_true", help="compare in the end what the clients expect with what is shown"
    )
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


def _window(text: str) -> tuple[float, float]:
    begin, colon, length = text.partition(":")
    try:
        window = float(begin), float(begin) + float(length)
    except ValueError:
        window = 0.0, 0.0
    if not colon or not 0 <= window[0] < window[1] <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no BEGIN:SECONDS such as 20:30")
    return window


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _show_progress(passed_s: float, answered: int, failures: int) -> None:
    _say(f"\r{passed_s:5.0f} s  {answered} answers, {failures} failures ")


def _show_nothing(_passed_s: float, _answered: int, _failures: int) -> None:
    """Keep logs free of a line a second."""


def _text(summary: Summary) -> str:
    latency = summary.latency_ms
    lines = [
        "",
        f"{summary.sent} of {summary.planned} steps taken in {summary.duration_s:g} s ({summary.profile}, seed "
        f"{summary.seed}), {summary.rate_per_s:g} answers/s, {summary.failed} failed",
        "status   " + (", ".join(f"{status}: {count}" for status, count in summary.by_status.items()) or "no answer"),
        f"latency  p50 {latency['p50']:g} ms, p95 {latency['p95']:g} ms, p99 {latency['p99']:g} ms, "
        f"max {latency['max']:g} ms",
    ]
    if summary.unanswered:
        lines.append("no answer  " + ", ".join(f"{reason}: {count}" for reason, count in summary.unanswered.items()))
    if summary.repeated:
        lines.append(f"repeated   {summary.repeated} requests; {summary.replayed} bookings had been booked the first time")
    if summary.outage:
        outage = summary.outage
        lines.append(
            f"outage     {outage.from_s:g} s to {outage.to_s:g} s: {outage.steps} steps, {outage.recovered} answered "
            f"when repeated, {outage.lost} lost"
        )
    if summary.ledger:
        ledger = summary.ledger
        lines.append(
            f"ledger     {ledger.accounts} accounts, {len(ledger.differences)} not as expected, "
            f"{ledger.unsettled} bookings in doubt"
        )
        lines += [f"           {difference}" for difference in ledger.differences]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
