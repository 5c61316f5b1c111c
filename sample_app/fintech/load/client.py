"""One user of the service, over its API and its start page."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from fintech.load.plan import Operation, Step

_OPENING_BALANCE = "1000.00"
_MORE_THAN_ANYBODY_HAS = "9999999999.99"


@dataclass(frozen=True)
class Answer:
    """What came back: the status, or None and the reason why nothing did."""

    status: int | None
    reason: str = ""
    body: dict[str, Any] | None = None


class Site:
    """The service at one URL.

    Args:
        url: Where it is, prefix included, such as "http://203.0.113.10/app/".
        timeout_s: Seconds to wait for an answer.
        ca_file: Certificate authority to trust instead of the system's.
    """

    def __init__(self, url: str, *, timeout_s: float, ca_file: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        context = ssl.create_default_context(cafile=ca_file)
        # No proxy of the machine in between: the site is on a lab network as often as not.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None, token: str | None = None) -> Answer:
        """Send one request and wait for its answer; never raises for what a network can do."""
        headers = {"Accept": "application/json, text/html;q=0.5", "User-Agent": "fintech-load"}
        content = None
        if fields is not None:
            content = json.dumps(fields).encode()
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self._url + path, content, headers, method=method)  # noqa: S310 - checked
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return Answer(response.status, body=_json(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, body=_json(error))
        except urllib.error.URLError as error:
            return Answer(None, _name(error.reason))
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, _name(error))


class User:
    """Somebody with two accounts. Several threads may let the same user act.

    Args:
        site: Where the user banks.
        name: The user's name; made anew for each run, with a password nobody knows.
    """

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._credentials = {"username": name, "password": secrets.token_urlsafe(18)}
        self._lock = threading.Lock()
        self._token: str | None = None
        self._accounts: list[str] = []

    def arrive(self) -> Answer:
        """Register, log in, open two accounts and fill them; returns the first answer that was not as hoped.

        May be called again after a failure and goes on where it stopped.
        """
        with self._lock:
            if self._token is None:
                registered = self._site.ask("POST", "/api/v1/users", self._credentials)
                if registered.status not in (201, 409):  # 409: registered by the attempt before
                    return registered
                answer = self._log_in()
                if answer.status != 201:
                    return answer
            while len(self._accounts) < 2:
                opened = self._site.ask("POST", "/api/v1/accounts", {"name": "Everyday"}, self._token)
                if opened.status != 201 or not opened.body:
                    return opened
                number = str(opened.body["number"])
                filled = self._site.ask(
                    "POST", "/api/v1/deposits", {"account": number, "amount": _OPENING_BALANCE}, self._token
                )
                if filled.status != 201:
                    return filled
                self._accounts.append(number)
        return Answer(200)

    def does(self, step: Step) -> Answer:
        """Carry out one step of the plan."""
        method, path, fields = self._request(step)
        if step.operation is Operation.HOME:
            return self._site.ask(method, path)
        token = self._token
        answer = self._site.ask(method, path, fields, token)
        if answer.status == 401:
            with self._lock:
                if self._token == token:  # else another thread has logged in meanwhile
                    self._log_in()
            answer = self._site.ask(method, path, fields, self._token)
        return answer

    def _log_in(self) -> Answer:
        answer = self._site.ask("POST", "/api/v1/tokens", self._credentials)
        if answer.status == 201 and answer.body:
            self._token = str(answer.body["access_token"])
        return answer

    def _request(self, step: Step) -> tuple[str, str, dict[str, str] | None]:
        everyday, other = self._accounts if step.cents % 2 else reversed(self._accounts)
        amount = f"{step.cents // 100}.{step.cents % 100:02}"
        match step.operation:
            case Operation.HOME:
                return "GET", "/", None
            case Operation.ACCOUNTS:
                return "GET", "/api/v1/accounts", None
            case Operation.ENTRIES:
                return "GET", f"/api/v1/accounts/{everyday}/entries?limit=20", None
            case Operation.DEPOSIT:
                return "POST", "/api/v1/deposits", {"account": everyday, "amount": amount}
            case Operation.WITHDRAW:
                return "POST", "/api/v1/withdrawals", {"account": everyday, "amount": amount}
            case Operation.OVERDRAW:
                return "POST", "/api/v1/withdrawals", {"account": everyday, "amount": _MORE_THAN_ANYBODY_HAS}
            case Operation.TRANSFER:
                return "POST", "/api/v1/transfers", {"source": everyday, "target": other, "amount": amount}


def _json(response: Any) -> dict[str, Any] | None:
    content = response.read()
    if "json" not in (response.headers.get("Content-Type") or ""):
        return None
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _name(error: object) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
