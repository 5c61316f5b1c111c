"""The command: `serve` runs the mailbox until SIGTERM, `check` reads the configuration and says what is wrong with it.

Exit codes: 0 stopped or right, 1 cannot serve, 2 wrong configuration or usage.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from promontory_mailbox import __version__
from promontory_mailbox.config import Config, ConfigError, load
from promontory_mailbox.metrics import Metrics
from promontory_mailbox.refusal import Refusals
from promontory_mailbox.smtp import SmtpServer
from promontory_mailbox.store import Store
from promontory_mailbox.web import create_app

log = logging.getLogger("promontory_mailbox")

_THREADS = 4
_MAX_REQUEST_BYTES = 65536
_IDLE_S = 30


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="promontory_mailbox", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"promontory_mailbox {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("serve", "run until SIGTERM"), ("check", "read the configuration, then end")):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--config", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd: each command of each session
    try:
        config = load(args.config)
    except ConfigError as error:
        print(f"promontory_mailbox: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if args.command == "check":
        return 0
    try:
        serve(config)
    except OSError as error:
        log.error("cannot serve: %s", error)
        return 1
    return 0


def serve(config: Config) -> None:
    """Serve SMTP and HTTP until SIGTERM or SIGINT.

    Raises:
        OSError: A port cannot be had or the data directory cannot be used.
    """
    store = Store(config.data_dir, max_messages=config.max_messages, max_total_bytes=config.max_total_bytes)
    metrics = Metrics(store)
    refusals = Refusals()
    smtp = SmtpServer(config, store, metrics, refusals)
    address, port = config.listen
    web = create_server(
        create_app(store, metrics, refusals, smtp.is_serving),
        host=address,
        port=port,
        threads=_THREADS,
        max_request_body_size=_MAX_REQUEST_BYTES,
        channel_timeout=_IDLE_S,
        ident="",
    )
    signal.signal(signal.SIGTERM, _stop)
    smtp.start()
    log.info("SMTP on %s:%d, page on %s:%d, %d messages kept", *config.smtp_listen, *config.listen, len(store))
    try:
        web.run()  # returns on SystemExit and KeyboardInterrupt
    finally:
        smtp.stop()
        web.close()
    log.info("stopped")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
