"""How the load's clients keep their login: access tokens renewed in time, refresh tokens shown once."""

from __future__ import annotations

from typing import Any

from fintech.load.login import Login
from fintech.load.site import Answer, Site

CREDENTIALS = {"username": "ada", "password": "correct horse battery"}


class Service(Site):
    """A service that hands out numbered tokens, and notes what it was asked.

    Args:
        life_s: Life of an access token.
        refreshes: What it answers to refresh tokens, in turn; None: a new pair.
    """

    def __init__(self, *, life_s: float = 900, refreshes: list[Answer | None] | None = None) -> None:
        self.asked: list[str] = []
        self._life_s = life_s
        self._refreshes = refreshes or []
        self._number = 0

    def ask(self, method: str, path: str, fields: Any = None, **options: Any) -> Answer:
        self.asked.append(fields["refresh_token"] if path.endswith("/refresh") else "password")
        refused = self._refreshes.pop(0) if path.endswith("/refresh") and self._refreshes else None
        if refused is not None:
            return refused
        self._number += 1
        tokens = {"access_token": f"a{self._number}", "refresh_token": f"r{self._number}", "expires_in": self._life_s}
        return Answer(201, body=tokens)


def test_a_token_is_used_as_long_as_it_lives() -> None:
    service = Service()
    login = Login(service, CREDENTIALS)
    assert [login.token() for _ in range(3)] == ["a1", "a1", "a1"]
    assert service.asked == ["password"]


def test_an_expired_token_is_renewed_by_the_newest_refresh_token() -> None:
    service = Service(life_s=0)
    login = Login(service, CREDENTIALS)
    assert [login.token() for _ in range(3)] == ["a1", "a2", "a3"]
    assert service.asked == ["password", "r1", "r2"]


def test_a_refused_token_is_replaced_once_for_all_threads() -> None:
    service = Service()
    login = Login(service, CREDENTIALS)
    refused = login.token()
    assert [login.token_instead_of(refused) for _ in range(3)] == ["a2", "a2", "a2"]


def test_where_the_refresh_token_is_refused_the_password_opens_another_login() -> None:
    service = Service(life_s=0, refreshes=[Answer(401)])
    login = Login(service, CREDENTIALS)
    assert [login.token(), login.token()] == ["a1", "a2"]
    assert service.asked == ["password", "r1", "password"]


def test_a_refresh_token_whose_answer_was_lost_is_not_shown_again() -> None:
    """The service may have used it up; shown again it would look stolen, and end the login."""
    service = Service(life_s=0, refreshes=[Answer(None, "timed out")])
    login = Login(service, CREDENTIALS)
    assert [login.token(), login.token(), login.token()] == ["a1", "a1", "a2"]
    assert service.asked == ["password", "r1", "password"]


def test_a_service_of_before_refresh_tokens_is_asked_by_password() -> None:
    class Old(Service):
        def ask(self, method: str, path: str, fields: Any = None, **options: Any) -> Answer:
            answer = super().ask(method, path, fields, **options)
            assert answer.body
            del answer.body["refresh_token"]
            return answer

    service = Old(life_s=0)
    login = Login(service, CREDENTIALS)
    assert [login.token(), login.token()] == ["a1", "a2"]
    assert service.asked == ["password", "password"]
