"""A stand-in for the running stack: mailbox, sample app and Alertmanager behind one HTTP server."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PASSWORD = base64.b64encode(b"admin:correct horse").decode()


@dataclass
class FakeStack:
    """What the server answers, and what it was asked.

    Attributes:
        mail_after_s: Seconds from the fault to its mail; None: no mail ever comes.
        open_alerts: Alerts that Alertmanager shows.
        texts: Text of a mail by its subject, where it matters.
        prometheus_alerts: Alerts that Prometheus shows, each with its state.
        values: What Prometheus answers to a query that contains the key.
        subjects_of_fault: Mails that come as soon as a fault is switched on.
        subjects_of_end: Mails that come as soon as it is switched off.
        cleared: Query strings with which faults were switched off.
    """

    url: str = ""
    mail_after_s: float | None = 0.3
    open_alerts: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    prometheus_alerts: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    subjects_of_fault: list[str] = field(default_factory=list)
    subjects_of_end: list[str] = field(default_factory=list)
    cleared: list[dict[str, str]] = field(default_factory=list)
    fault: dict[str, Any] | None = None
    fault_since: float = 0.0
    wishes: list[dict[str, Any]] = field(default_factory=list)
    faults_cleared: int = 0
    visits: int = 0
    fault_set: threading.Event = field(default_factory=threading.Event)

    @property
    def faults_set(self) -> int:
        """How often a fault was switched on."""
        return len(self.wishes)

    def receive(self, mail_id: str, subject: str, text: str) -> None:
        """Put a mail into the mailbox."""
        self.messages.append(
            {
                "id": mail_id, "received": f"2026-01-01T00:00:{len(self.messages):02d}Z", "from": "am@stack", "size": len(text),
                "to": ["oncall@stack"], "subject": subject, "text": text, "html": f"<p>{text}</p>", "at": time.time(),
            }
        )

    def receive_all(self, subjects: list[str]) -> None:
        """Put mails of these subjects into the mailbox."""
        for subject in subjects:
            self.receive(f"{len(self.messages)}", subject, self.texts.get(subject, "text"))

    def alerts(self, wanted: str) -> list[dict[str, Any]]:
        """Give the open alerts that a filter of Alertmanager's API lets through; one without a name always passes."""
        passing = {"", 'alertname=""', wanted}
        return [one for one in self.open_alerts if not wanted or f'alertname="{one["labels"].get("alertname", "")}"' in passing]

    def value(self, query: str) -> list[dict[str, Any]]:
        """Give the result of a query."""
        return [{"value": [0, str(value)]} for part, value in self.values.items() if part in query][:1]

    def tick(self) -> None:
        """Let the mail of the fault come when its time is there."""
        due = self.fault and self.mail_after_s is not None and time.time() - self.fault_since >= self.mail_after_s
        if due and not any(mail["id"] == "drill" for mail in self.messages):
            self.receive("other", "[WARNING] something else", "HostMemoryLow")
            self.receive("resolved", "[RESOLVED] SampleAppErrorRatioHigh", "SampleAppErrorRatioHigh is over")
            self.receive("drill", "[CRITICAL] SampleAppErrorRatioHigh @ one", "51 % fail")


@contextmanager
def serve(stack: FakeStack) -> Iterator[FakeStack]:
    """Serve the stack on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            stack.tick()
            if url.path == "/app/login":
                stack.visits += 1
                self._answer(500 if stack.fault and stack.visits % 2 else 200, {})
            elif self.headers.get("Authorization") != f"Basic {PASSWORD}":
                self._answer(401, {"error": "who are you?"})
            elif url.path == "/mail/api/messages":
                since = float(query.get("since", 0))
                self._answer(
                    200,
                    [mail for mail in stack.messages if mail["at"] > since and query.get("subject", "") in mail["subject"]],
                )
            elif url.path.startswith("/mail/api/messages/"):
                mail_id, _, rest = url.path.removeprefix("/mail/api/messages/").partition("/")
                mail = next(mail for mail in stack.messages if mail["id"] == mail_id)
                self._answer(200, f"Subject: {mail['subject']}\n\n{mail['text']}" if rest == "raw" else mail)
            elif url.path == "/alertmanager/api/v2/alerts":
                self._answer(200, stack.alerts(query.get("filter", "")))
            elif url.path == "/prometheus/api/v1/alerts":
                self._answer(200, {"data": {"alerts": stack.prometheus_alerts}})
            elif url.path == "/prometheus/api/v1/query":
                self._answer(200, {"data": {"result": stack.value(query["query"])}})
            else:
                self._answer(404, {"error": self.path})

        def do_POST(self) -> None:
            if self._may():
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stack.fault, stack.fault_since = json.loads(body), time.time()
                assert stack.fault is not None
                stack.wishes.append(stack.fault)
                stack.receive_all(stack.subjects_of_fault)
                stack.fault_set.set()
                self._answer(201, stack.fault)

        def do_DELETE(self) -> None:
            if self._may():
                stack.fault = None
                stack.faults_cleared += 1
                stack.cleared.append({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})
                stack.receive_all(stack.subjects_of_end)
                self._answer(200, {"cleared": 1})

        def _may(self) -> bool:
            allowed = urlsplit(self.path).path == "/app/admin/faults" and self.headers.get("Authorization") == "Bearer let-me-break-it"
            if not allowed:
                self._answer(401, {"error": "Send the admin token."})
            return allowed

        def _answer(self, status: int, body: object) -> None:
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stack.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
