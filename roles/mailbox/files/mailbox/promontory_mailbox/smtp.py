"""The SMTP server: takes every message within the limits and answers only when it is on the disk."""

from __future__ import annotations

import asyncio
import hmac
import logging
import warnings
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from promontory_mailbox.config import Config, SmtpAuth
from promontory_mailbox.metrics import Metrics
from promontory_mailbox.refusal import Refusals
from promontory_mailbox.store import Store

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 50
MAX_RECIPIENTS = 100
COMMAND_TIMEOUT_S = 60
_START_TIMEOUT_S = 10
# The standard allows 1000 bytes a line. A sloppy sender's alert is worth more than the standard.
_LINE_LIMIT_BYTES = 65536


class _Handler:
    """What happens to senders, recipients and messages."""

    def __init__(self, store: Store, metrics: Metrics, refusals: Refusals, hostname: str) -> None:
        self._store = store
        self._metrics = metrics
        self._refusals = refusals
        self._hostname = hostname

    async def handle_MAIL(  # noqa: N802 (aiosmtpd looks it up by this name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refused := self._refusals.reply("mail"):
            return refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd looks it up by this name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refused := self._refusals.reply("rcpt"):
            return refused
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return f"452 4.5.3 More than {MAX_RECIPIENTS} recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd looks it up by this name)
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if refused := self._refusals.reply("data"):
            return refused
        content = envelope.original_content or b""
        try:
            summary = await asyncio.to_thread(
                self._store.add,
                content,
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                peer=str(session.peer[0]) if session.peer else "unknown",
                hostname=self._hostname,
            )
        except OSError as error:
            # Temporary: the sender keeps the message and comes again.
            log.error("cannot keep a message of %d bytes: %s", len(content), error)
            return "452 4.3.1 Cannot keep the message now, try again later"
        self._metrics.received.inc()
        self._metrics.size.observe(summary.size)
        self._metrics.last_received.set(summary.received.timestamp())
        log.info("took %s, %d bytes, for %s", summary.id, summary.size, ", ".join(summary.recipients))
        return f"250 2.0.0 OK {summary.id}"


class _Server(SMTP):
    """aiosmtpd's server with a bound on connections, refusals on demand and a count of all refusals."""

    line_length_limit = _LINE_LIMIT_BYTES
    # What everybody else asks; Alertmanager knows no other words (draft-murchison-sasl-login).
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(
        self, handler: _Handler, metrics: Metrics, refusals: Refusals, connections: set[Any], **options: Any
    ) -> None:
        with warnings.catch_warnings():
            # It warns of AUTH without TLS; that is the operator's choice here, for loopback and private networks.
            warnings.simplefilter("ignore", UserWarning)
            super().__init__(handler, timeout=COMMAND_TIMEOUT_S, **options)
        self._metrics = metrics
        self._refusals = refusals
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self in self._connections:  # its second beginning, after STARTTLS
            super().connection_made(transport)
            return
        refused = self._refusals.reply("connect")
        if not refused and len(self._connections) >= MAX_CONNECTIONS:
            refused = "421 4.3.2 Too many connections, try again later"
        if refused:
            self._metrics.refused.labels(refused[:3]).inc()
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(f"{refused}\r\n".encode())
            transport.close()
            return
        self._connections.add(self)
        self._metrics.connections.set(len(self._connections))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self not in self._connections:
            return
        self._connections.discard(self)
        self._metrics.connections.set(len(self._connections))
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        code = (status if isinstance(status, str) else bytes(status).decode("ascii", "replace"))[:3]
        if code.isdecimal() and int(code) >= 400:
            self._metrics.refused.labels(code).inc()
        await super().push(status)


class SmtpServer(Controller):
    """The listening server, in a thread of its own. `start` raises OSError when the port cannot be had."""

    def __init__(self, config: Config, store: Store, metrics: Metrics, refusals: Refusals) -> None:
        self._metrics = metrics
        self._refusals = refusals
        self._connections: set[Any] = set()
        address, port = config.smtp_listen
        options: dict[str, Any] = {
            "data_size_limit": config.max_message_bytes,
            "enable_SMTPUTF8": True,
            "decode_data": False,
            "ident": "Promontory mailbox",
        }
        tls = config.smtp_tls
        if tls and not tls.implicit:
            options |= {"tls_context": tls.context, "require_starttls": True}
        if config.smtp_auth:
            options |= {
                "authenticator": _authenticator(config.smtp_auth),
                "auth_required": True,
                # aiosmtpd knows only of STARTTLS; where TLS came first, nothing is said in clear.
                "auth_require_tls": "tls_context" in options,
            }
        handler = _Handler(store, metrics, refusals, config.hostname)
        super().__init__(
            handler,
            hostname=address,
            port=port,
            server_hostname=config.hostname,
            ready_timeout=_START_TIMEOUT_S,
            ssl_context=tls.context if tls and tls.implicit else None,
            **options,
        )

    def factory(self) -> SMTP:
        """Make the protocol of one connection."""
        return _Server(self.handler, self._metrics, self._refusals, self._connections, **self.SMTP_kwargs)

    def is_serving(self) -> bool:
        """Tell whether connections are taken."""
        server = self.server
        return isinstance(server, asyncio.Server) and server.is_serving()


def _authenticator(auth: SmtpAuth) -> Any:
    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        # Both are compared whatever the first says, so that the time tells nothing.
        right_user = hmac.compare_digest(given.login, auth.username.encode())
        right_password = hmac.compare_digest(given.password, auth.password.encode())
        return AuthResult(success=right_user and right_password, handled=False)

    return authenticate
