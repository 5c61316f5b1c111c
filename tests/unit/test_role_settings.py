"""No flag is rendered that the installed version does not know: the roles' tables against the real programs."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils import flags as flag_names
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate, UnknownSetting

from tests.support import debs

ROLES = Path(__file__).resolve().parents[2] / "roles"
# role -> the name of its table of settings
TABLES = {
    "prometheus": "__prometheus_settings",
    "alertmanager": "__alertmanager_settings_known",
    "node_exporter": "__node_exporter_settings",
    "blackbox_exporter": "__blackbox_exporter_settings",
    "pushgateway": "__pushgateway_settings",
    "postgres_exporter": "__postgres_exporter_settings",
}
pytestmark = pytest.mark.network


def role_vars(role: str) -> dict[str, Any]:
    """A role's internal variables, templates unresolved."""
    text = (ROLES / role / "vars" / "main.yml").read_text(encoding="utf-8")
    variables: dict[str, Any] = yaml.safe_load(text)
    return variables


@pytest.fixture(params=["trixie", "sid"])
def suite(request: pytest.FixtureRequest) -> str:
    """The oldest and the newest releases that are run here."""
    return str(request.param)


@functools.cache
def release(role: str, suite: str) -> debs.Release:
    """A real program; reading a suite's index takes seconds, so it is done once."""
    return debs.release(role, suite)


@functools.cache
def known_flags(role: str, suite: str) -> frozenset[str]:
    """What a program's help lists."""
    program = release(role, suite).directory / role
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return frozenset(re.findall(r"--[a-z][\w.-]*", (said.stdout + said.stderr).replace("[no-]", "")))


@pytest.mark.parametrize("role", sorted(TABLES))
def test_every_flag_of_the_role_is_known_by_the_release(role: str, suite: str) -> None:
    variables = role_vars(role)
    gate = Gate(role, release(role, suite).version, "package", variables[TABLES[role]])

    rendered = flag_names.names(flag_names.render(gate.flags(variables[f"__{role}_flags"], {})))

    assert set(rendered) - known_flags(role, suite) == set()


@pytest.mark.parametrize("role", sorted(TABLES))
def test_the_table_says_what_the_program_says(role: str, suite: str) -> None:
    """A limit that is wrong would refuse what works, or let pass what does not start."""
    table = role_vars(role)[TABLES[role]]
    gate = Gate(role, release(role, suite).version, "package", table)
    known, wrong = known_flags(role, suite), {}
    for key in table:
        name = key.removeprefix("flag:--")
        if not key.startswith("flag:") or "=" in name:
            continue
        try:
            gate.flags({}, {name: "x"})
            allowed = True
        except UnknownSetting:
            allowed = False
        if allowed != (f"--{name}" in known):
            wrong[key] = allowed

    assert wrong == {}
