"""Credentials of remote_write leave the configuration, which diffs show."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.remote_write import RemoteWriteError, render

URL = "https://mimir.example.net/api/v1/push"


def test_a_password_becomes_a_file() -> None:
    rendered = render([{"url": URL, "basic_auth": {"username": "stack", "password": "hush"}}])

    [entry] = rendered.config
    assert entry["basic_auth"] == {"username": "stack", "password_file": "{config}/secrets/remote_write_0_password"}
    assert rendered.secrets == {"remote_write_0_password": "hush"}


def test_a_token_becomes_a_file_and_keeps_its_scheme() -> None:
    rendered = render(
        [{"url": URL}, {"url": URL, "name": "b", "authorization": {"type": "Token", "credentials": "hush"}}]
    )

    authorization = rendered.config[1]["authorization"]
    assert authorization == {"type": "Token", "credentials_file": "{config}/secrets/remote_write_1_credentials"}
    assert rendered.secrets == {"remote_write_1_credentials": "hush"}


def test_everything_else_is_passed_on_as_it_is() -> None:
    entry = {
        "url": URL,
        "queue_config": {"max_shards": 5},
        "write_relabel_configs": [{"action": "drop"}],
        "headers": None,
    }

    assert render([entry]).config == [{key: value for key, value in entry.items() if value is not None}]


def test_the_callers_data_stay_as_they_were() -> None:
    entry = {"url": URL, "basic_auth": {"username": "stack", "password": "hush"}}

    render([entry])

    assert entry["basic_auth"] == {"username": "stack", "password": "hush"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param([{}], r"\[0\] \(without url\): url must begin", id="no url"),
        pytest.param([{"url": "mimir:9009"}], r"\[0\] \(mimir:9009\): url must begin", id="no scheme"),
        pytest.param([{"url": URL, "name": "a"}, {"url": URL, "name": "a"}], r"\[1\].*taken", id="a name twice"),
        pytest.param(
            [{"url": URL, "sigv4": {"region": "eu-west-1"}, "basic_auth": {"username": "x"}}],
            "basic_auth and sigv4 exclude each other",
            id="two ways of signing in",
        ),
    ],
)
def test_an_entry_that_cannot_work_is_refused(entries: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RemoteWriteError, match=message):
        render(entries)
