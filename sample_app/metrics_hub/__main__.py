"""`python -m metrics_hub`: read the options, serve until told to stop. Exit code 0 stopped, 2 an option is wrong."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from metrics_hub import __version__
from metrics_hub.errors import OptionError
from metrics_hub.hub import Hub, Limits
from metrics_hub.logs import log_to_stderr
from metrics_hub.server import Address, HubServer
from metrics_hub.targets import Targets
from metrics_hub.tls import RenewedTls, TlsFiles
from metrics_hub.token_file import TokenFile

_LIMITS = Limits()


def main(arguments: list[str] | None = None) -> int:
    """Run the hub; returns the exit code."""
    log_to_stderr()
    try:
        server = _server(_parser().parse_args(arguments))
    except OptionError as error:
        sys.stderr.write(f"metrics_hub: {error}\n")
        return 2
    # serve_forever runs in the main thread, where signals are handled: shutdown() there would wait for itself.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()
    server.hub.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metrics_hub", description="Scrapes all pods and answers with the metrics of all, each labelled with its pod."
    )
    parser.add_argument("--version", action="version", version=f"metrics_hub {__version__}")
    parser.add_argument("--targets", required=True, help="dns://NAME:PORT, looked up for each scrape, or HOST:PORT,HOST:PORT")
    parser.add_argument("--listen", default="127.0.0.1:9465", help="address:port (default: %(default)s)")
    access = parser.add_argument_group("who may read /metrics; one of --token-file and --tls-client-ca is needed, or both")
    access.add_argument("--token-file", type=Path, help="bearer tokens, one per line; read anew for each request")
    access.add_argument("--tls-cert", type=Path, help="PEM certificate; taken anew when the file changes")
    access.add_argument("--tls-key", type=Path, help="its PEM key")
    access.add_argument("--tls-client-ca", type=Path, help="PEM issuers of the certificates that clients must show")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-pods", type=int, default=_LIMITS.pods, help="pods of a scrape (default: %(default)s)")
    limits.add_argument("--at-once", type=int, default=_LIMITS.at_once, help="pods asked side by side (default: %(default)s)")
    limits.add_argument("--max-pod-bytes", type=int, default=_LIMITS.pod_bytes, help="of one answer (default: %(default)s)")
    limits.add_argument("--max-bytes", type=int, default=_LIMITS.total_bytes, help="of all answers (default: %(default)s)")
    limits.add_argument(
        "--timeout", type=float, default=_LIMITS.time_s, metavar="SECONDS",
        help="for all pods together; never more than 80 %% of what Prometheus waits (default: %(default)s)",
    )  # fmt: skip
    return parser


def _server(options: argparse.Namespace) -> HubServer:
    if not options.token_file and not options.tls_client_ca:
        raise OptionError("--token-file", "it is missing, and everybody could read", "Name one, or --tls-client-ca")
    hub = Hub(Targets(options.targets), _limits(options))
    token = TokenFile(options.token_file) if options.token_file else None
    tls_files = _tls_files(options)
    address = _address(options.listen)
    try:
        return HubServer(address, hub, token, RenewedTls(tls_files) if tls_files else None)
    except OSError as error:
        raise OptionError("--listen", f"cannot listen on {options.listen}: {error.strerror}", "Name a free one") from error


def _limits(options: argparse.Namespace) -> Limits:
    for option in ("max_pods", "at_once", "max_pod_bytes", "max_bytes", "timeout"):
        value = getattr(options, option)
        if not 0 < value <= 2**31:
            raise OptionError(f"--{option.replace('_', '-')}", f"it is {value}", "Write a positive number")
    return Limits(options.max_pods, options.at_once, options.max_pod_bytes, options.max_bytes, options.timeout)


def _tls_files(options: argparse.Namespace) -> TlsFiles | None:
    if not options.tls_cert and not options.tls_key:
        if options.tls_client_ca:
            raise OptionError("--tls-client-ca", "without --tls-cert there is no TLS", "Name --tls-cert and --tls-key")
        return None
    if not options.tls_cert or not options.tls_key:
        missing = "--tls-key" if options.tls_cert else "--tls-cert"
        raise OptionError(missing, "it is missing, but the other half is there", "Name both or neither")
    return TlsFiles(options.tls_cert, options.tls_key, options.tls_client_ca)


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise OptionError("--listen", f"it is {text!r}", 'Write address:port, such as "127.0.0.1:9465"')
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


if __name__ == "__main__":
    sys.exit(main())
