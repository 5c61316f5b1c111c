"""Strict checking of values against an argument spec."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.promontory.stack.plugins.plugin_utils import spec_check

OPTIONS: dict[str, Any] = {
    "x_name": {"type": "str"},
    "x_path": {"type": "path", "default": "/x"},
    "x_on": {"type": "bool", "default": False},
    "x_count": {"type": "int"},
    "x_ratio": {"type": "float"},
    "x_kind": {"type": "str", "choices": ["auto", "archive", "package"]},
    "x_names": {"type": "list", "elements": "str"},
    "x_free": {"type": "raw"},
    "x_token": {"type": "str"},
    "x_must": {"type": "str", "required": True, "description": "Whom to wake."},
    "x_writes": {
        "type": "list",
        "elements": "dict",
        "mutually_exclusive": [["user", "bearer"]],
        "options": {
            "url": {"type": "str", "required": True, "description": "Where samples go."},
            "user": {"type": "str"},
            "bearer": {"type": "str", "no_log": True},
            "queue": {"type": "dict", "options": {"capacity": {"type": "int", "aliases": ["size"]}}},
        },
    },
    "x_secret_map": {"type": "dict", "options": {"key": {"type": "str", "no_log": True}}},
}
HIDDEN = "hunter2-hunter2"


def messages(**values: Any) -> list[str]:
    return [finding.message for finding in spec_check.check(OPTIONS, {"x_must": "me", **values})]


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "text for a boolean": ({"x_on": "false"}, ("x_on is the text 'false'", "true or false", '{"x_on": false}')),
    "yes for a boolean": ({"x_on": "yes"}, ("x_on is the text 'yes'",)),
    "number for a boolean": ({"x_on": 1}, ("x_on is the number 1",)),
    "text for a number": ({"x_count": "5"}, ("x_count is the text '5'", "Write it without quotes")),
    "boolean for a number": ({"x_count": True}, ("x_count is true", "a whole number")),
    "fraction for a whole number": ({"x_count": 1.5}, ("x_count is the number 1.5",)),
    "version as a number": ({"x_name": 3.1}, ("x_name is the number 3.1", "Put it in quotes")),
    "boolean for a text": ({"x_name": False}, ("x_name is false", "Put it in quotes")),
    "number for a path": ({"x_path": 7}, ("x_path is the number 7", "a path")),
    "one text for a list": ({"x_names": "one,two"}, ("x_names is the text", "[one, two]")),
    "list for a text": ({"x_name": ["a"]}, ("x_name is a list of 1",)),
    "mapping for a list": ({"x_names": {}}, ("x_names is a mapping",)),
    "wrong element": ({"x_names": ["a", 2]}, ("x_names[1] is the number 2",)),
    "null element": ({"x_names": [None]}, ("x_names[0] is null",)),
    "choice": ({"x_kind": "archiv"}, ("x_kind is the text 'archiv'", "auto, archive, package", "Did you mean archive?")),
    "null over a default": ({"x_path": None}, ("x_path is null", "Leave it out")),
    "required is null": ({"x_must": None}, ("x_must is null",)),
    "nested unknown key": ({"x_writes": [{"url": "u", "queu": {}}]}, ("x_writes[0].queu is no known key", "Did you mean queue?")),
    "nested unknown key without a neighbour": (
        {"x_writes": [{"url": "u", "zzz": 1}]},
        ("x_writes[0].zzz is no known key", "Known: bearer, queue, url, user."),
    ),
    "nested missing key": ({"x_writes": [{}]}, ("x_writes[0].url is missing: Where samples go.",)),
    "deeply nested type": ({"x_writes": [{"url": "u", "queue": {"size": "9"}}]}, ("x_writes[0].queue.capacity is the text '9'",)),
    "exclusive keys": (
        {"x_writes": [{"url": "u", "user": "a", "bearer": HIDDEN}]},
        ("x_writes[0] is incomplete or contradicts", "mutually exclusive"),
    ),
    "list of texts for mappings": ({"x_writes": ["https://u"]}, ("x_writes[0] is a value of another type (not shown)", "a mapping")),
}  # fmt: skip


@pytest.mark.parametrize(("values", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_is_named_with_what_was_wanted(values: dict[str, Any], words: tuple[str, ...]) -> None:
    said = messages(**values)

    assert len(said) == 1, said
    assert all(word in said[0] for word in words), said


@pytest.mark.parametrize(
    "values",
    [
        {"x_token": 12345},
        {"x_token": {"value": HIDDEN}},
        {"x_writes": [{"url": "u", "bearer": [HIDDEN]}]},
        {"x_writes": [{"url": "u", "bearer": 5551234}]},
        {"x_secret_map": HIDDEN},
        {"x_secret_map": [HIDDEN]},
        {"x_secret_map": {"key": HIDDEN, "kye": HIDDEN}},
    ],
    ids=["named token", "mapping", "list", "number", "text for a mapping", "list for a mapping", "misspelt key"],
)
def test_a_secret_is_never_shown(values: dict[str, Any]) -> None:
    said = "\n".join(messages(**values))

    assert said
    assert HIDDEN not in said
    assert "12345" not in said
    assert "5551234" not in said


RIGHT: list[dict[str, Any]] = [
    {},
    {"x_name": None, "x_count": None},
    {"x_name": "", "x_path": "", "x_on": True, "x_count": -3, "x_ratio": 2, "x_kind": "auto", "x_names": []},
    {"x_ratio": 0.5, "x_names": ["a"], "x_free": {"any": [1, None, True]}, "x_token": HIDDEN},
    {"x_writes": [{"url": "u", "bearer": HIDDEN, "queue": {"capacity": 1}}, {"url": "v", "user": "w"}]},
]


@pytest.mark.parametrize("values", RIGHT)
def test_what_passes_here_passes_ansibles_own_validator(values: dict[str, Any]) -> None:
    values = {"x_must": "me", **values}

    assert spec_check.check(OPTIONS, values) == []
    assert ArgumentSpecValidator(OPTIONS).validate(values).error_messages == []


def test_a_missing_required_variable_says_what_it_is_for() -> None:
    [finding] = spec_check.check(OPTIONS, {})

    assert finding.message == "x_must is not set, and has no default: Whom to wake."


def test_everything_wrong_is_said_at_once() -> None:
    assert len(messages(x_on="no", x_count="1", x_names="a", x_writes=[{"queu": 1}])) == 5


def test_a_long_text_is_cut() -> None:
    [message] = messages(x_on="x" * 500)

    assert len(message) < 200
