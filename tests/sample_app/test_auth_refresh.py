"""Refresh tokens: each is exchanged once; shown a second time, it ends its login."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from fintech.database import logins, refresh_tokens
from fintech.services import Services
from tests.sample_app.conftest import PASSWORD, Clock, Metrics, Person
from tests.sample_app.databases import BOTH_ENGINES

ENGINES = BOTH_ENGINES

DAY_S = 24 * 3600


@pytest.fixture
def pair(client: FlaskClient, ada: Person) -> dict[str, str]:
    """The tokens of a fresh login of ada."""
    tokens: dict[str, str] = client.post("/api/v1/tokens", json={"username": "ada", "password": PASSWORD}).json
    return tokens


def refresh(client: FlaskClient, token: object) -> TestResponse:
    return client.post("/api/v1/tokens/refresh", json={"refresh_token": token})


def is_open(client: FlaskClient, access_token: str) -> bool:
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {access_token}"}).status_code == 200


def test_a_refresh_token_gives_a_new_pair_of_the_same_shape(client: FlaskClient, pair: dict[str, str]) -> None:
    answer = refresh(client, pair["refresh_token"])
    assert (answer.status_code, sorted(answer.json)) == (201, sorted(pair))
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert not {answer.json[name] for name in ("access_token", "refresh_token")} & set(pair.values())
    assert is_open(client, answer.json["access_token"])


def test_a_refresh_token_works_when_the_access_token_has_expired(
    client: FlaskClient, pair: dict[str, str], clock: Clock
) -> None:
    clock.now += DAY_S
    assert not is_open(client, pair["access_token"])
    assert is_open(client, refresh(client, pair["refresh_token"]).json["access_token"])


def test_a_refresh_token_shown_twice_ends_its_login_and_no_other(
    client: FlaskClient, pair: dict[str, str], ada: Person, scrape: Callable[[], Metrics]
) -> None:
    second = refresh(client, pair["refresh_token"]).json
    replayed = refresh(client, pair["refresh_token"])
    assert (replayed.status_code, "its login has ended" in replayed.json["detail"]) == (401, True)
    assert not is_open(client, pair["access_token"])
    assert not is_open(client, second["access_token"])
    assert refresh(client, second["refresh_token"]).status_code == 401
    assert is_open(client, ada.token)
    outcomes = {name: scrape()("fintech_token_refreshes_total", outcome=name) for name in ("ok", "reused", "invalid")}
    assert outcomes == {"ok": 1, "reused": 1, "invalid": 1}


def test_refreshing_prolongs_no_login(client: FlaskClient, pair: dict[str, str], clock: Clock) -> None:
    """Fourteen days after the password was checked, it is asked for again, however busy the client was."""
    tokens = pair
    for _ in range(13):
        clock.now += DAY_S
        tokens = refresh(client, tokens["refresh_token"]).json
    clock.now += DAY_S - 1
    tokens = refresh(client, tokens["refresh_token"]).json
    assert tokens["expires_in"] == 1
    clock.now += 1
    answer = refresh(client, tokens["refresh_token"])
    assert (answer.status_code, answer.json["detail"]) == (401, "The refresh token has expired. Log in again.")
    assert not is_open(client, tokens["access_token"])


@pytest.mark.parametrize("path", ["/api/v1/tokens/current", "/api/v1/tokens"])
def test_a_refresh_token_ends_with_its_login(client: FlaskClient, pair: dict[str, str], path: str) -> None:
    client.delete(path, headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert refresh(client, pair["refresh_token"]).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800", "x" * 60_000, "٣", None, 7, True, "' OR 1=1 --"])
def test_what_is_no_refresh_token_is_refused(client: FlaskClient, pair: dict[str, str], token: object) -> None:
    answer = refresh(client, token)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert is_open(client, pair["access_token"])


def test_neither_token_passes_for_the_other(client: FlaskClient, pair: dict[str, str]) -> None:
    assert refresh(client, pair["access_token"]).status_code == 401
    assert not is_open(client, pair["refresh_token"])
    assert is_open(client, pair["access_token"])


def test_the_database_holds_no_token(pair: dict[str, str], parts: Services) -> None:
    with parts.database.read() as connection:
        stored = connection.execute(select(refresh_tokens)).all()
    assert stored
    assert not {pair["refresh_token"], pair["access_token"]} & {str(value) for row in stored for value in row}


def test_logging_in_forgets_what_has_expired(
    client: FlaskClient, pair: dict[str, str], parts: Services, clock: Clock
) -> None:
    clock.now += 14 * DAY_S
    client.post("/api/v1/tokens", json={"username": "ada", "password": PASSWORD})
    with parts.database.read() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (logins, refresh_tokens)]
    assert counts == [1, 1]
