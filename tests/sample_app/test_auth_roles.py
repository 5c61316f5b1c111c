"""Roles: a user sees their own, an auditor sees everything and moves nothing, an admin also says who is what."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from fintech.__main__ import main
from fintech.database import accounts
from fintech.services import Services
from fintech.users import Role
from tests.sample_app.conftest import ADMIN_TOKEN, PASSWORD, SECRET_KEY, Clock, Person


@pytest.fixture
def auditor(new_person: Callable[[str], Person], parts: Services) -> Person:
    person = new_person("audrey")
    parts.users.set_role("audrey", Role.AUDITOR)
    return person


@pytest.fixture
def boss(new_person: Callable[[str], Person], parts: Services) -> Person:
    person = new_person("boss")
    parts.users.set_role("boss", Role.ADMIN)
    return person


def test_a_change_of_role_counts_from_the_next_request_on(ada: Person, boss: Person) -> None:
    """With the token that says otherwise still in hand."""
    assert ada.asks("GET", "/audit").status_code == 403
    for role, status in (("auditor", 200), ("user", 403), ("admin", 200)):
        answer = boss.asks("PUT", "/users/ada/role", {"role": role})
        assert (answer.status_code, answer.json) == (200, {"username": "ada", "role": role})
        assert ada.asks("GET", "/me").json["role"] == role
        assert ada.asks("GET", "/audit").status_code == status


def test_an_auditor_and_an_admin_read_every_account(ada: Person, bob: Person, auditor: Person, boss: Person) -> None:
    hers, his = ada.opens_account("5.00"), bob.opens_account("7.00")
    for reader in (auditor, boss):
        listed = reader.asks("GET", "/accounts").json["accounts"]
        assert {(account["number"], account["owner"]) for account in listed} == {(hers, "ada"), (his, "bob")}
        assert reader.balance(hers) == "5.00"
        assert [entry["amount"] for entry in reader.asks("GET", f"/accounts/{his}/entries").json["entries"]] == ["7.00"]


def test_the_house_account_is_nobodys(auditor: Person) -> None:
    assert [auditor.asks("GET", f"/accounts/{number}").status_code for number in ("1", "000000000001")] == [404, 404]


@pytest.mark.parametrize("who", ["auditor", "boss"])
def test_who_checks_the_books_moves_no_money(
    ada: Person, who: str, request: pytest.FixtureRequest, parts: Services
) -> None:
    """Not even on an account that was theirs before."""
    person = request.getfixturevalue(who)
    parts.users.set_role(person.username, Role.USER)
    own, foreign = person.opens_account("5.00"), ada.opens_account("5.00")
    parts.users.set_role(person.username, Role.AUDITOR if who == "auditor" else Role.ADMIN)
    answers = [
        person.asks("POST", "/deposits", {"account": own, "amount": "1.00"}),
        person.asks("POST", "/withdrawals", {"account": own, "amount": "1.00"}),
        person.asks("POST", "/withdrawals", {"account": foreign, "amount": "1.00"}),
        person.asks("POST", "/transfers", {"source": foreign, "target": own, "amount": "1.00"}),
        person.asks("POST", "/accounts", {"name": "Mine"}),
    ]
    assert {(answer.status_code, answer.json["type"]) for answer in answers} == {(403, "urn:fintech:problem:forbidden")}
    assert (ada.balance(foreign), person.balance(own)) == ("5.00", "5.00")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/audit", None),
        ("GET", "/users", None),
        ("PUT", "/users/ada/role", {"role": "admin"}),
        ("PUT", "/users/nobody/role", {"role": "admin"}),
        ("PUT", "/users/bob/role", {"role": "nonsense"}),
    ],
)
def test_a_user_sees_nothing_of_oversight(ada: Person, bob: Person, method: str, path: str, body: object) -> None:
    """403 whether or not what was asked for exists: names are no secret to be found out here."""
    answer = ada.asks(method, path, body)
    assert (answer.status_code, answer.json["type"]) == (403, "urn:fintech:problem:forbidden")
    assert ada.asks("GET", "/me").json["role"] == "user"


def test_an_auditor_changes_no_role_and_sees_no_list_of_users(auditor: Person) -> None:
    answers = [auditor.asks("GET", "/users"), auditor.asks("PUT", "/users/audrey/role", {"role": "admin"})]
    assert [answer.status_code for answer in answers] == [403, 403]


def test_the_audit_names_what_does_not_add_up(ada: Person, auditor: Person, parts: Services) -> None:
    number = ada.opens_account("5.00")
    assert auditor.asks("GET", "/audit").json == {"sound": True, "count": 0, "problems": []}
    with parts.database.write() as connection:
        connection.execute(update(accounts).where(accounts.c.id == int(number)).values(balance_cents=501))
    found = auditor.asks("GET", "/audit").json
    assert (found["sound"], found["count"]) == (False, 1)
    assert found["problems"] == [f"account {number} shows 5.01, booked are 5.00"]


def test_an_admin_pages_through_the_users(ada: Person, bob: Person, boss: Person) -> None:
    first = boss.asks("GET", "/users?limit=2").json["users"]
    rest = boss.asks("GET", f"/users?after={first[-1]['username']}").json["users"]
    assert [user["username"] for user in first + rest] == ["ada", "bob", "boss"]
    assert rest == [{"username": "boss", "role": "admin"}]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/users/ada/role", {"role": "root"}, 422), ("/users/ada/role", {"role": "ADMIN"}, 422),
        ("/users/ada/role", {"role": None}, 422), ("/users/ada/role", {"role": True}, 422),
        ("/users/ada/role", {"role": ["admin"]}, 422), ("/users/ada/role", {}, 422),
        ("/users/ada/role", {"role": "user", "username": "bob"}, 422), ("/users/ada/role", {"role": "\ud800"}, 422),
        ("/users/nobody/role", {"role": "user"}, 404), ("/users/%00/role", {"role": "user"}, 404),
        ("/users/%ED%A0%80/role", {"role": "user"}, 404), ("/users/ADA/role", {"role": "user"}, 404),
        (f"/users/{'a' * 3000}/role", {"role": "user"}, 404),
    ],
)  # fmt: skip
def test_a_role_or_a_user_that_cannot_be_is_refused(
    ada: Person, boss: Person, path: str, body: dict[str, object], status: int
) -> None:
    answer = boss.asks("PUT", path, body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize("query", ["after=", "after=%00", "after=Ada", "limit=0", "limit=101", "limit=x"])
def test_a_page_of_users_that_cannot_be_is_refused(boss: Person, query: str) -> None:
    assert boss.asks("GET", f"/users?{query}").status_code == 422


class TestTheFaultSwitch:
    """Under /admin, for the fixed token and for admins."""

    @staticmethod
    def ask(client: FlaskClient, token: str | None) -> int:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return client.get("/admin/faults", headers=headers).status_code

    def test_it_opens_to_the_token_and_to_admins_alone(
        self, client: FlaskClient, ada: Person, auditor: Person, boss: Person
    ) -> None:
        assert self.ask(client, ADMIN_TOKEN) == 200
        assert self.ask(client, boss.token) == 200
        assert [self.ask(client, person.token) for person in (ada, auditor)] == [403, 403]
        assert [self.ask(client, token) for token in (None, "", "nonsense", "a.b.c", ADMIN_TOKEN + "x")] == [401] * 5

    def test_an_admin_who_was_one_is_refused(self, client: FlaskClient, boss: Person, parts: Services) -> None:
        parts.users.set_role("boss", Role.USER)
        assert self.ask(client, boss.token) == 403
        parts.users.set_role("boss", Role.ADMIN)
        boss.asks("DELETE", "/tokens/current")
        assert self.ask(client, boss.token) == 401

    def test_without_a_token_in_the_settings_it_is_not_there_for_admins_either(
        self, make_app: Callable[..., Flask], boss: Person
    ) -> None:
        client = make_app(admin_token=None).test_client()
        assert [self.ask(client, token) for token in (None, ADMIN_TOKEN, boss.token)] == [404, 404, 404]

    def test_the_fixed_token_opens_it_while_the_database_is_away(
        self, make_app: Callable[..., Flask], tmp_path: object
    ) -> None:
        from sqlalchemy.engine import make_url

        client = make_app(database_url=make_url(f"sqlite:///{tmp_path}/not/there.db")).test_client()
        assert self.ask(client, ADMIN_TOKEN) == 200


class TestTheCommand:
    """python -m fintech user NAME --role ROLE."""

    @pytest.fixture
    def run(
        self, parts: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> Callable[..., tuple[int, str]]:
        """Give a function that runs the command and returns its exit code and all that it said."""
        monkeypatch.setenv("FINTECH_SECRET_KEY", SECRET_KEY)
        monkeypatch.setenv("FINTECH_DATABASE_URL", parts.settings.database_url.render_as_string(hide_password=False))

        def run(*arguments: str, typed: str = "") -> tuple[int, str]:
            monkeypatch.setattr("sys.stdin", io.StringIO(typed))
            code = main(["user", *arguments])
            said = capsys.readouterr()
            return code, said.out + said.err

        return run

    def test_it_makes_the_first_admin(self, run: Callable[..., tuple[int, str]], client: FlaskClient) -> None:
        assert run("root", "--role", "admin", typed=f"{PASSWORD}\n") == (
            0, "The user root is made, with the role admin.\n",
        )  # fmt: skip
        token = client.post("/api/v1/tokens", json={"username": "root", "password": PASSWORD}).json["access_token"]
        assert client.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    def test_it_changes_the_role_of_who_is_there_and_asks_for_no_password(
        self, run: Callable[..., tuple[int, str]], ada: Person
    ) -> None:
        assert run("ada", "--role", "auditor") == (0, "The user ada had the role user and has the role auditor now.\n")
        assert ada.asks("GET", "/audit").status_code == 200

    @pytest.mark.parametrize(
        ("arguments", "typed", "said"),
        [
            (("ada2", "--role", "root"), PASSWORD, "role must be one of user, auditor, admin"),
            (("Ada", "--role", "user"), PASSWORD, "username must be 3 to 32 characters"),
            (("ada2", "--role", "user"), "short", "password must be 10 to 128 characters"),
            (("ada2", "--role", "user"), "", "password must be 10 to 128 characters"),
        ],
        ids=["role", "name", "short password", "no password"],
    )
    def test_it_refuses_with_one_message(
        self, run: Callable[..., tuple[int, str]], arguments: tuple[str, ...], typed: str, said: str
    ) -> None:
        code, output = run(*arguments, typed=typed)
        assert code == 2
        assert output.startswith(f"fintech: {said}")
        assert output.count("\n") == 1

    def test_it_says_so_when_the_database_is_not_up_to_date(
        self, run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: object
    ) -> None:
        monkeypatch.setenv("FINTECH_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
        code, output = run("ada", "--role", "admin", typed=PASSWORD)
        assert (code, "Run python -m fintech migrate first." in output) == (2, True)


def test_a_password_never_becomes_part_of_a_log_line(
    client: FlaskClient, ada: Person, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    with caplog.at_level("DEBUG"):
        tokens = client.post("/api/v1/tokens", json={"username": "ada", "password": PASSWORD}).json
        client.post("/api/v1/tokens", json={"username": "ada", "password": "wrong password"})
        for _ in range(2):
            client.post("/api/v1/tokens/refresh", json={"refresh_token": tokens["refresh_token"]})
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "a refresh token was shown a second time" in logged
    for secret in (PASSWORD, "wrong password", tokens["access_token"], tokens["refresh_token"]):
        assert secret not in logged
