"""The operators' password file: one line a user, no password in a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.promontory.stack.plugins.filter.htpasswd import htpasswd


def test_passwords_are_hashed_and_ready_hashes_kept() -> None:
    text = htpasswd([{"name": "ada", "password": "correct horse", "salt": "abcdefgh"}, {"name": "bob", "hash": "$6$x$y"}])

    first, second = text.splitlines()
    assert first.startswith("ada:$6$abcdefgh$")
    assert second == "bob:$6$x$y"


def test_the_same_users_give_the_same_file_on_every_run() -> None:
    users = [{"name": "ada", "password": "correct horse", "salt": "abcdefgh"}]

    assert htpasswd(users) == htpasswd(users)


@pytest.mark.parametrize(
    ("users", "message"),
    [
        pytest.param([{"password": "hush", "salt": "abc"}], "without name", id="no name"),
        pytest.param([{"name": "a:b", "password": "hush", "salt": "abc"}], "colon", id="a colon ends the name"),
        pytest.param([{"name": "a b", "password": "hush", "salt": "abc"}], "blanks", id="a blank"),
        pytest.param([{"name": "ada"}], "password or a hash", id="neither password nor hash"),
        pytest.param([{"name": "ada", "password": "hush"}], "give it a salt", id="no salt"),
        pytest.param([{"name": "ada", "hash": "x"}, {"name": "ada", "hash": "y"}], "used twice", id="a name twice"),
    ],
)
def test_a_user_that_nginx_would_misread_is_refused(users: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message) as refused:
        htpasswd(users)

    assert "edge_users[" in str(refused.value)
    assert "hush" not in str(refused.value)
