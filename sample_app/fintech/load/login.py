"""A login of the API: a short-lived access token, renewed by a refresh token that each use replaces."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from fintech.load.site import Answer, Site

# Renewed a little before it expires: a request is under way for a while, and two clocks never agree.
_RENEW_AT = 0.9


class Login:
    """One user's login; several threads may use it.

    Args:
        site: Where the user logs in.
        credentials: username and password.
    """

    def __init__(self, site: Site, credentials: Mapping[str, str]) -> None:
        self._site = site
        self._credentials = credentials
        self._lock = threading.Lock()
        self._access_token: str | None = None
        self._refresh_token: str | None = None
        self._renew_at = 0.0

    def begin(self) -> Answer:
        """Log in; 201 when that went well."""
        with self._lock:
            return self._log_in()

    def token(self) -> str | None:
        """Return an access token that is valid as far as we know, renewed if need be; None when there is none to get."""
        with self._lock:
            if self._access_token is None or time.monotonic() >= self._renew_at:
                self._renew()
            return self._access_token

    def token_instead_of(self, refused: str | None) -> str | None:
        """Return another access token than the one the service did not take."""
        with self._lock:
            if self._access_token == refused:  # else another thread has renewed it meanwhile
                self._renew()
            return self._access_token

    def _renew(self) -> None:
        """Use the refresh token, and where that is refused the password. While the service is away the old token stays."""
        if self._refresh_token is not None:
            answer = self._site.ask("POST", "/api/v1/tokens/refresh", {"refresh_token": self._refresh_token})
            if not answer.failed:
                self._refresh_token = None
            if self._keep(answer):
                return
            if answer.failed:
                # It may have been used up without our hearing of it. Shown once more it would end the login, as a
                # stolen one does; the password opens another.
                self._refresh_token = None
                return
        self._log_in()

    def _log_in(self) -> Answer:
        answer = self._site.ask("POST", "/api/v1/tokens", self._credentials)
        self._keep(answer)
        return answer

    def _keep(self, answer: Answer) -> bool:
        if answer.status != 201 or not answer.body:
            return False
        self._access_token = str(answer.body["access_token"])
        self._refresh_token = answer.body.get("refresh_token")
        self._renew_at = time.monotonic() + _RENEW_AT * float(answer.body.get("expires_in", 60))
        return True
