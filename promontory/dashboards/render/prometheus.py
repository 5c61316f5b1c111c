"""Asks a Prometheus what panels ask, and keeps its words where it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from promontory.dashboards.queries import Asked, Window
from promontory.errors import ServiceUnreachable, UsageError
from promontory.stack import Access

_TIMEOUT_S = 60
_ADDRESS = "An address is needed below which api/v1/query is found, such as http://admin:PASSWORD@HOST/prometheus."
_REFUSALS = (400, 422, 503)   # with a reason in JSON: bad query, query that cannot be carried out, one that took too long


class QueryRefused(Exception):
    """Prometheus refused one query; the message is its own."""


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus by its URL, which ends without a slash; `session` knows its password."""

    url: str
    session: requests.Session

    def ask(self, asked: Asked, window: Window) -> list[Mapping[str, Any]]:
        """Run a panel's query or an annotation's and return the result as Prometheus gives it.

        Raises:
            QueryRefused: With Prometheus' words.
            ServiceUnreachable: It does not answer, or something else answers.
        """
        if asked.instant:
            data = self._answer("query", {"query": asked.expr, "time": f"{window.end:.3f}"})
        else:
            data = self._answer("query_range", {
                "query": asked.expr, "start": f"{window.start:.3f}", "end": f"{window.end:.3f}", "step": str(window.step_s),
            })  # fmt: skip
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        result: list[Mapping[str, Any]] = data["result"]
        return result

    def label_values(self, asked: Asked, window: Window) -> list[str]:
        """Return the values a variable offers.

        Raises:
            ServiceUnreachable: As `ask`.
        """
        parameters = {"start": f"{window.start:.3f}", "end": f"{window.end:.3f}"}
        if asked.expr:
            parameters["match[]"] = asked.expr
        values: Sequence[str] = self._answer(f"label/{asked.label}/values", parameters, method="GET")
        return list(values)

    def _answer(self, path: str, parameters: Mapping[str, str], method: str = "POST") -> Any:
        url = f"{self.url}/api/v1/{path}"
        # A long expression does not fit into a URL.
        sent: dict[str, Any] = {"data": parameters} if method == "POST" else {"params": parameters}
        try:
            answer = self.session.request(method, url, timeout=_TIMEOUT_S, **sent)
        except requests.RequestException as error:
            raise ServiceUnreachable(
                f"Prometheus does not answer at {self.url}: {error}",
                hint="See its state with `promontory status`, or name another one with --prometheus URL.",
            ) from error
        document = _json(answer)
        if answer.status_code in _REFUSALS and document.get("status") == "error":
            raise QueryRefused(str(document.get("error", answer.reason)))
        if answer.status_code >= 400 or document.get("status") != "success":
            raise ServiceUnreachable(f"{url} {_meaning(answer)}", hint=_ADDRESS)
        return document["data"]


def by_url(url: str) -> Prometheus:
    """Make one of a URL, which may hold a name and a password.

    Raises:
        UsageError: It is no http(s) URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--prometheus {url} is no URL.", hint="Such as http://prometheus.example:9090.")
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).rstrip("/")
    session = Access("prometheus", parts.hostname, plain).session()
    if parts.username:
        session.auth = (unquote(parts.username), unquote(parts.password or ""))
    return Prometheus(plain, session)


def _meaning(answer: requests.Response) -> str:
    if answer.status_code in (401, 403):
        return f"answers {answer.status_code}: the password is missing or wrong."
    if answer.status_code >= 500:
        return f"answers {answer.status_code}: what stands before Prometheus does not reach it."
    return f"answers {answer.status_code}, as no Prometheus would: {answer.text[:200].strip() or '(nothing)'}"


def _json(answer: requests.Response) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
