"""The command: `serve` runs the exporter until SIGTERM, `check` reads the configuration and says what is wrong with it.

Exit codes: 0 stopped or right, 1 cannot serve, 2 wrong configuration or usage.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from prometheus_client import start_http_server

from promontory_edge_exporter import __version__
from promontory_edge_exporter.config import Config, ConfigError, load
from promontory_edge_exporter.line import LineError, parse
from promontory_edge_exporter.metrics import Metrics
from promontory_edge_exporter.status import ask

log = logging.getLogger("promontory_edge_exporter")

# nginx cuts a syslog message at 4 KB; the format has no long parts.
_MESSAGE_BYTES = 8192


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="promontory_edge_exporter", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"promontory_edge_exporter {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (("serve", "run until SIGTERM"), ("check", "read the configuration, then end")):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--config", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        config = load(args.config)
    except ConfigError as error:
        print(f"promontory_edge_exporter: {error}", file=sys.stderr)  # noqa: T201
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
    """Take log lines and serve metrics until SIGTERM or SIGINT.

    Raises:
        OSError: The port or the socket cannot be had.
    """
    workers = os.sysconf("SC_NPROCESSORS_ONLN")  # what `worker_processes auto` makes of it
    metrics = Metrics(config.sites, partial(ask, config.status_url), config.worker_connections * workers)
    address, port = config.listen
    server, thread = start_http_server(port, address, registry=metrics.registry)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with _log_socket(config.log_socket) as receiver:
            log.info("metrics on %s:%d, log lines on %s", address, port, config.log_socket)
            receive(receiver, metrics)
    except (SystemExit, KeyboardInterrupt):
        log.info("stopped")
    finally:
        config.log_socket.unlink(missing_ok=True)
        server.shutdown()
        server.server_close()
        thread.join()


def receive(receiver: socket.socket, metrics: Metrics) -> None:
    """Count every line that arrives; never returns.

    A burst waits in the socket's queue (net.unix.max_dgram_qlen); what does not fit is lost, for nginx never waits.
    """
    while True:
        message = receiver.recv(_MESSAGE_BYTES)
        try:
            metrics.count(parse(message))
        except LineError as error:
            metrics.count_invalid()
            log.debug("%s: %r", error, message[:200])


def _log_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of a former run that was killed
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        receiver.bind(str(path))
        path.chmod(0o666)  # nginx runs as another user; its directory says who comes near
    except OSError:
        receiver.close()
        raise
    return receiver


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
