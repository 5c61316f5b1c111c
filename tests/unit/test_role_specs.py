"""One truth for every variable: the role's defaults and its argument spec hold the same names, values and types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.role.metadata import RoleMetadata
from ansible_collections.promontory.stack.plugins.plugin_utils import roles, spec_check

from .topology_builder import ROOT

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
COMPONENTS = sorted(
    yaml.safe_load((ROOT / "roles/common/defaults/main/components.yml").read_text())["stack_components"]
)
KNOWN_KEYS = frozenset(
    {
        "type",
        "default",
        "choices",
        "description",
        "required",
        "elements",
        "options",
        "no_log",
        "aliases",
        "version_added",
    }
    | {"mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by"}
)


def read(role: str) -> roles.RoleData:
    name = f"{roles.COLLECTION}.{role}"
    return roles.read(name, ROOT / "roles" / role, DataLoader())


def is_template(value: Any) -> bool:
    return "{{" in str(value) or "{%" in str(value)


def described(options: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Walk options down to the leaves."""
    for name, option in options.items():
        yield f"{path}{name}", option
        yield from described(option.get("options") or {}, f"{path}{name}.")


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> roles.RoleData:
    """Each role of this collection."""
    return read(request.param)


def test_every_role_has_the_same_files(role: roles.RoleData) -> None:
    files = {str(path.relative_to(role.path)) for path in role.path.rglob("*.yml")}

    assert {"tasks/main.yml", "meta/main.yml", "meta/argument_specs.yml"} <= files
    assert {"defaults/main.yml", "defaults/main/main.yml"} & files


def test_every_default_is_described_and_every_optional_variable_has_one(role: roles.RoleData) -> None:
    """Without a default is only what must be given, or what says in its description what leaving it out means."""
    assert role.options is not None
    optional = {
        name
        for name, option in role.options.items()
        if not option.get("required")
        and not re.search("default|left out|leave it out|without it", str(option["description"]), re.IGNORECASE)
    }

    assert sorted(set(role.defaults) - set(role.options)) == [], "defaults that no spec describes"
    assert sorted(optional - set(role.defaults)) == [], "described, without a default, not required, and unexplained"


def test_documented_defaults_are_the_real_ones(role: roles.RoleData) -> None:
    """A default made by a template is described in words; a literal one is repeated, and null is left out."""
    differing = {}
    for name, option in (role.options or {}).items():
        if name not in role.defaults:
            continue
        real = role.defaults[name]
        told = option.get("default", "nothing")
        if is_template(real) or real is None:
            if told != "nothing":
                differing[name] = f"documented {told!r}, made by {real!r}"
        elif told == "nothing" and _too_long_to_repeat(real):
            continue
        elif told != real or type(told) is not type(_plain(real)):
            differing[name] = f"documented {told!r}, really {real!r}"
    assert differing == {}


def test_real_defaults_pass_their_own_spec(role: roles.RoleData) -> None:
    literal = {name: value for name, value in role.defaults.items() if not is_template(value)}
    options = {name: {**option, "required": False} for name, option in (role.options or {}).items()}

    assert [finding.message for finding in spec_check.check(options, literal)] == []
    assert ArgumentSpecValidator(options).validate(_plain(literal)).error_messages == []


def test_specs_go_down_to_the_leaves(role: roles.RoleData) -> None:
    """What has keys that we know names them; a list names its elements; everything has a type and a description."""
    for path, option in described(role.options or {}):
        assert "type" in option, path
        assert option.get("description"), path
        assert set(option) <= KNOWN_KEYS, path
        if option["type"] == "list":
            assert "elements" in option, path


def test_variables_carry_the_roles_name(role: roles.RoleData) -> None:
    short = role.path.name
    wrong = [name for name in [*role.defaults, *(role.options or {})] if not name.startswith(role.prefix)]
    internal = [name for name in role.internal if not re.match(rf"__{short}_|{role.prefix}", name)]

    assert wrong == []
    assert internal == []


def test_secrets_are_text(role: roles.RoleData) -> None:
    """Ansible's own validator prints the value of a failing conversion despite no_log, so a secret is never converted."""
    for path, option in described(role.options or {}):
        if option.get("no_log"):
            assert option["type"] in ("str", "path"), path


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_depends_on_the_shared_role(name: str) -> None:
    meta = yaml.safe_load((ROOT / "roles" / name / "meta/main.yml").read_text())

    assert "promontory.stack.common" in [item["role"] for item in meta["dependencies"]]


@pytest.mark.parametrize("name", COMPONENTS)
def test_tasks_of_a_component_fit_two_screens(name: str) -> None:
    lines = (ROOT / "roles" / name / "tasks/main.yml").read_text().splitlines()

    assert len(lines) <= 100


def test_the_versions_file_has_whole_sums_only() -> None:
    versions = yaml.safe_load((ROOT / "roles/common/defaults/main/versions.yml").read_text())["stack_versions"]

    for program, told in versions.items():
        assert set(told) == {"version", "sha256"}, program
        assert re.fullmatch(r"\d+\.\d+\.\d+", str(told["version"])), program
        for architecture, digest in told["sha256"].items():
            assert architecture in ("amd64", "arm64"), program
            assert re.fullmatch(r"[0-9a-f]{64}", digest), program


def test_role_metadata_is_read_by_ansible(role: roles.RoleData) -> None:
    meta = yaml.safe_load((role.path / "meta/main.yml").read_text())

    assert set(meta) <= {"galaxy_info", "dependencies", "collections", "allow_duplicates"} | set(
        RoleMetadata.fattributes
    )
    assert meta["galaxy_info"]["description"]


def _too_long_to_repeat(value: Any) -> bool:
    """Nested defaults are read better in defaults/ than in a spec."""
    return isinstance(value, (list, dict)) and len(str(value)) > 100


def _plain(value: Any) -> Any:
    """Return a value without Ansible's tags."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if kind is bool else kind(value)
    return value


def test_this_file_looks_at_all_roles() -> None:
    assert {"common", "prometheus", "node_exporter"} <= set(ROLES)
    assert all(Path(ROOT / "roles" / name).is_dir() for name in ROLES)
