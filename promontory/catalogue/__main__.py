"""Records the catalogue of metrics from a running Prometheus.

    python -m promontory.catalogue record http://127.0.0.1:9090           joins what it has with what is known
    python -m promontory.catalogue record --fresh http://127.0.0.1:9090   forgets what was known before

A stack under load that has all components shows most: some metrics appear only after the first request, alert or error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from promontory.catalogue import METRICS_FILE, PROGRAMS_FILE, as_json, load
from promontory.catalogue.record import Prometheus, merged, record
from promontory.errors import StackError


def main(arguments: Sequence[str] | None = None) -> int:
    """Record; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m promontory.catalogue", description="Records metrics.json.")
    command = parser.add_subparsers(dest="command", required=True).add_parser("record", help="ask a running Prometheus")
    command.add_argument("--fresh", action="store_true", help="forget what was known before")
    command.add_argument("url", help="its URL; user:password@ in it is used")
    options = parser.parse_args(arguments)
    known = {} if options.fresh or not METRICS_FILE.is_file() else dict(load().metrics)
    programs = {} if options.fresh or not PROGRAMS_FILE.is_file() else json.loads(PROGRAMS_FILE.read_text("utf-8"))
    try:
        metrics, versions = record(Prometheus(options.url), time.time())
    except StackError as error:
        sys.stderr.write(f"{error}\n{error.hint}\n")
        return error.exit_code
    joined = merged(known, metrics)
    for job, found in versions.items():
        programs[job] = sorted({*programs.get(job, []), *found})
    METRICS_FILE.write_text(as_json(joined), encoding="utf-8")
    PROGRAMS_FILE.write_text(json.dumps(programs, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(joined)} metrics, {len(set(joined) - set(known))} of them new\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
