"""Names in a role's namespace: unknown, removed, and those that belong to somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.promontory.stack.plugins.plugin_utils import roles
from ansible_collections.promontory.stack.plugins.plugin_utils.variables_check import VariablesCheck, causes, mentioned

COMMON = roles.RoleData(
    name=roles.COMMON,
    path=Path("/roles/common"),
    options={"stack_environment": {"type": "str"}, "stack_tls": {"type": "bool"}},
    defaults={"stack_environment": "production", "stack_tls": False},
)


def redis(**changes: Any) -> roles.RoleData:
    described: dict[str, Any] = {
        "name": "redis",
        "path": Path("/roles/redis"),
        "options": {"redis_port": {"type": "int"}, "redis_title": {"type": "str"}, "redis_encrypted": {"type": "bool"}},
        "defaults": {
            "redis_port": 6379,
            "redis_title": trust_as_template("Redis, {{ stack_environment }}"),
            "redis_encrypted": trust_as_template("{{ stack_tls }}"),
        },
        "internal": {"__redis_place": trust_as_template("{{ role_path }}/files"), "redis_known": [6379]},
        **changes,
    }
    return roles.RoleData(**described)


def findings(role: roles.RoleData, **task_vars: Any) -> list[str]:
    check = VariablesCheck(
        Templar(loader=DataLoader()),
        {"inventory_hostname": "h1", **task_vars},
        COMMON,
        ["stack_", "redis_", "redis_exporter_"],
        ["redis_listen_address"],
    )
    return [finding.message for finding in causes([*check.role(COMMON), *check.role(role)])]


def test_defaults_that_refer_to_the_stacks_are_evaluated() -> None:
    assert findings(redis(), stack_environment="lab") == []


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    [message] = findings(redis(), redis_titel="x")

    assert message.startswith("redis_titel is no variable of redis. Did you mean redis_title?")


def test_an_unknown_name_without_a_neighbour_says_whose_namespace_it_is() -> None:
    [message] = findings(redis(), redis_zzzzzzzzzz=1)

    assert "Names that start with redis_ belong to redis: rename or delete it." in message


def test_the_stacks_own_namespace_is_checked_too() -> None:
    [message] = findings(redis(), stack_enviroment="lab")

    assert "Did you mean stack_environment?" in message


@pytest.mark.parametrize(
    "name",
    [
        "redis_exporter_port",
        "redis_listen_address",
        "redis_known",
        "__redis_place",
        "redisson",
        "ansible_redis_x",
        "other",
    ],
    ids=[
        "longer role name",
        "read by the model",
        "internal of the role",
        "private",
        "no underscore",
        "connection",
        "unrelated",
    ],
)
def test_names_that_are_somebody_elses_pass(name: str) -> None:
    assert findings(redis(), **{name: [6379]}) == []


def test_facts_are_nobodys_typing_mistake() -> None:
    facts = {"redis_version": "7", "stack_model": "{}"}

    assert findings(redis(), ansible_facts=facts, **facts) == []


def test_a_removed_name_says_what_to_use_and_since_when() -> None:
    role = redis(
        removed={
            "redis_flag": {"use": "redis_flags", "since": "0.2.0"},
            "redis_user": {"reason": "It is always redis."},
        }
    )

    said = findings(role, redis_flag=1, redis_user="x")

    assert said == [
        "redis_flag was removed in 0.2.0. Use redis_flags instead.",
        "redis_user was removed. It is always redis.",
    ]


def test_a_role_without_a_spec_is_not_judged_but_for_removed_names() -> None:
    role = redis(options=None, removed={"redis_old": {"use": "redis_new"}})

    assert findings(role, redis_anything=1, redis_old=2) == ["redis_old was removed. Use redis_new instead."]


def test_a_template_that_fails_is_told_as_such() -> None:
    [message] = findings(redis(), redis_title=trust_as_template("{{ nowhere.to_be_found }}"))

    assert message.startswith("redis_title cannot be evaluated: 'nowhere' is undefined")


def test_a_default_that_repeats_a_wrong_variable_is_not_told_twice() -> None:
    [message] = findings(redis(), stack_tls="true")

    assert message.startswith("stack_tls is the text 'true'")


def test_internal_variables_and_the_roles_folder_are_there_for_its_values() -> None:
    assert findings(redis(), redis_title=trust_as_template("{{ __redis_place }}")) == []


def test_a_problem_of_the_model_is_matched_by_its_first_word() -> None:
    check = VariablesCheck(Templar(loader=DataLoader()), {"redis_port": "x"}, COMMON, ["redis_"], [])
    found = check.role(redis())

    assert mentioned(found, "redis_port is 'x', but must be a whole number between 1 and 65535.")
    assert not mentioned(found, "redis and edge both listen on port 80 of this host.")
    assert not mentioned(found, "'x' …")
