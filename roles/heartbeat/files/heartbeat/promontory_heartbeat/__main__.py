"""The command: `serve` watches until SIGTERM, `check` reads the configuration and says what is wrong with it.

Exit codes: 0 stopped or right, 1 cannot serve, 2 wrong configuration or usage.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from promontory_heartbeat import __version__
from promontory_heartbeat.config import Config, ConfigError, load
from promontory_heartbeat.metrics import Metrics
from promontory_heartbeat.watch import StateError, Watches
from promontory_heartbeat.watcher import Watcher
from promontory_heartbeat.web import create_app

log = logging.getLogger("promontory_heartbeat")

_THREADS = 4
_MAX_REQUEST_BYTES = 1_000_000
_IDLE_S = 30


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="promontory_heartbeat", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"promontory_heartbeat {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("serve", "run until SIGTERM"), ("check", "read the configuration, then end")):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--config", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        config = load(args.config)
    except ConfigError as error:
        print(f"promontory_heartbeat: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if args.command == "check":
        return 0
    try:
        serve(config)
    except (OSError, StateError) as error:
        log.error("cannot serve: %s", error)
        return 1
    return 0


def serve(config: Config) -> None:
    """Watch until SIGTERM or SIGINT.

    Raises:
        OSError: The port cannot be had.
        StateError: The state file cannot be used.
    """
    watches = Watches(
        config.state_file, config.watches, silence_s=config.silence_s, repeat_s=config.repeat_s, now=time.time()
    )
    metrics = Metrics(watches)
    app = create_app(config, watches, metrics)
    address, port = config.listen
    web = create_server(
        app,
        host=address,
        port=port,
        threads=_THREADS,
        max_request_body_size=_MAX_REQUEST_BYTES,
        channel_timeout=_IDLE_S,
        ident="",
    )
    signal.signal(signal.SIGTERM, _stop)
    watcher = Watcher(app, config, watches, metrics)
    watcher.start()
    log.info("watching %s on %s:%d", ", ".join(config.watches), address, port)
    try:
        web.run()  # returns on SystemExit and KeyboardInterrupt
    finally:
        watcher.stop()
        web.close()
    log.info("stopped")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
