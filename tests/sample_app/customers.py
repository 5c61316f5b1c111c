"""Somebody who uses the real service over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from tests.sample_app.conftest import PASSWORD, Service


@dataclass
class Customer:
    """A user with one account."""

    url: str
    token: str = ""
    account: str = ""

    @classmethod
    def of(cls, service: Service) -> Customer:
        """Register, log in and open the account."""
        someone = cls(service.url)
        credentials = {"username": "ada", "password": PASSWORD}
        someone.posts("users", credentials)
        someone.token = someone.posts("tokens", credentials)[1]["access_token"]
        someone.account = someone.posts("accounts", {"name": "Everyday"})[1]["number"]
        return someone

    def posts(self, path: str, body: dict[str, str], key: str = "") -> tuple[int, dict[str, str]]:
        """Send a request of the API; return status and body of the answer, an error's too."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        headers |= {"Idempotency-Key": key} if key else {}
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def moves(self, path: str, amount: str, key: str = "") -> tuple[int, dict[str, str]]:
        """Send one of the requests that need the account and an amount."""
        return self.posts(path, {"account": self.account, "amount": amount}, key)
