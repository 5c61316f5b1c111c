"""SQL and access rules of a PostgreSQL server: the same input gives the same text, and no password leaves."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.filter.postgresql_files import postgresql_files
from ansible_collections.promontory.stack.plugins.plugin_utils.postgresql import verifier

APP = {"name": "shop", "password": "correct horse", "salt": "abcdefgh", "databases": ["shop"], "from": ["10.0.0.7"]}
SPY = {
    **APP,
    "name": "spy",
    "password": "battery",
    "member_of": ["pg_monitor"],
    "connection_limit": 5,
    "from": ["fd00::5", "10.1.0.0/16"],
}
DATABASES = [{"name": "shop", "owner": "shop", "extensions": ["pg_stat_statements"]}]


def test_a_verifier_is_what_postgresql_makes_of_a_password() -> None:
    """The expected text is what PostgreSQL 17 made of CREATE ROLE … PASSWORD 'pencil', with the salt that it chose."""
    salt = "47p0PrrGar+2JDpARRDF8g=="

    assert verifier("pencil", base64.b64decode(salt)) == (
        f"SCRAM-SHA-256$4096:{salt}$tmPMsm+/Zs3MHbiccmLGy1A2dqTBUfOF4+ofUWB+M1k=:ca1odJscD5gJkRS/l8xYwpdD+FI277AQ7CojO8VkKmI="
    )


def test_no_password_is_in_any_file_and_verifiers_are_in_one_alone() -> None:
    files = postgresql_files([APP, SPY], DATABASES)

    assert not [name for name, text in files.items() if "correct horse" in text or "battery" in text]
    assert [name for name, text in files.items() if "SCRAM-SHA-256$" in text] == ["passwords.sql"]
    assert files["passwords.sql"].count("ALTER ROLE") == 2


def test_the_same_users_give_the_same_files_on_every_run() -> None:
    assert postgresql_files([APP, SPY], DATABASES) == postgresql_files([APP, SPY], DATABASES)


def test_each_user_comes_from_its_addresses_to_its_databases_with_a_password() -> None:
    assert postgresql_files([APP, SPY], DATABASES)["pg_hba.conf"].splitlines() == [
        "host shop shop 10.0.0.7/32 scram-sha-256",
        "host shop spy fd00::5/128 scram-sha-256",
        "host shop spy 10.1.0.0/16 scram-sha-256",
    ]


def test_a_user_has_nothing_that_it_is_not_given() -> None:
    sql = postgresql_files([APP, SPY], DATABASES)["objects.sql"]

    assert sql.count("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS") == 2
    assert 'GRANT "pg_monitor" TO "spy";' in sql
    assert 'TO "shop";' in sql
    assert 'GRANT "pg_monitor" TO "shop"' not in sql
    assert 'REVOKE ALL ON DATABASE "shop" FROM PUBLIC;' in sql
    assert "CONNECTION LIMIT 5;" in sql
    assert "CONNECTION LIMIT -1;" in sql


def test_a_user_from_nowhere_or_to_nothing_has_no_way_in() -> None:
    users = [{**APP, "from": []}, {**SPY, "databases": []}]

    assert postgresql_files(users, DATABASES)["pg_hba.conf"] == ""


@pytest.mark.parametrize(
    ("user", "message"),
    [
        pytest.param({"name": None}, "its name is None", id="no name"),
        pytest.param({"name": 'x"; DROP'}, "lower-case letters", id="a name that is SQL"),
        pytest.param({"name": "Shop"}, "lower-case letters", id="upper case"),
        pytest.param({"name": "x" * 64}, "63 at most", id="a name that would be cut"),
        pytest.param({"password": ""}, r"\(shop\): give it a password", id="no password"),
        pytest.param({"salt": None}, "give it a salt", id="no salt"),
        pytest.param({"connection_limit": "5"}, "connection_limit is '5'", id="a limit that is text"),
        pytest.param({"connection_limit": -2}, "connection_limit is -2", id="a limit below none"),
        pytest.param({"databases": "shop"}, "databases is 'shop'", id="text for a list"),
        pytest.param(
            {"databases": ["shopp"]}, "its database 'shopp' is not in postgresql_databases", id="no such database"
        ),
        pytest.param({"member_of": ["pg_monitor; --"]}, "member_of is", id="a role that is SQL"),
        pytest.param({"from": ["10.0.0.300"]}, "'10.0.0.300' in from is no address", id="no address"),
        pytest.param(
            {"from": ["10.0.0.7/16"]}, "'10.0.0.7/16' in from is no address", id="a network with a host's bits"
        ),
        pytest.param({"from": ["all trust"]}, "'all trust' in from is no address", id="a rule instead of an address"),
        pytest.param({"superuser": True}, "superuser is unknown", id="an unknown key"),
    ],
)
def test_a_user_that_the_server_would_misread_is_refused(user: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message) as refused:
        postgresql_files([{**APP, **user}], DATABASES)

    assert "correct horse" not in str(refused.value)


@pytest.mark.parametrize(
    ("users", "databases", "message"),
    [
        ([APP, APP], DATABASES, "postgresql_users: shop is there twice"),
        ([APP], [*DATABASES, *DATABASES], "postgresql_databases: shop is there twice"),
        ([APP], [{"name": "shop"}], r"\(shop\): its owner '' is not in postgresql_users"),
        ([APP], [{"name": "shop", "owner": "spy"}], "its owner 'spy' is not in postgresql_users"),
        ([APP], [{"name": "shop", "owner": "shop", "extensions": ["a b"]}], "extensions is"),
    ],
)
def test_lists_that_contradict_themselves_are_refused(users: Any, databases: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        postgresql_files(users, databases)
