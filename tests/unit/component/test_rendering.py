"""From a role's arguments to texts: flags, unit and files, hostile values included."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections import UserDict, UserList
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils import flags, unit, versions
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import Rendered, plain, render
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate

HOSTILE = [
    "per cent % %h %%",
    "dollar $HOME ${HOME} $$",
    'quote " inside',
    "quote ' inside",
    "back\\slash \\n",
    "two\nlines",
    "carriage\rreturn",
    "tab\there",
    "; rm -rf /",
    "-dash",
    "umlaut ä €",
    "",
    " ",
    "{{ jinja }}",
    "#comment",
]


# -- flags ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        (True, ["--x"]),
        (False, ["--no-x"]),
        (None, []),
        (0, ["--x=0"]),
        (15, ["--x=15"]),
        (0.5, ["--x=0.5"]),
        ("15d", ["--x=15d"]),
        ("", ["--x="]),
        ("true", ["--x=true"]),
        (["a", 1, None, False], ["--x=a", "--x=1", "--no-x"]),
        ([], []),
        (("a", "b"), ["--x=a", "--x=b"]),
        ("a=b --y", ["--x=a=b --y"]),
    ],
)
def test_a_flag_is_rendered_by_the_type_of_its_value(value: Any, arguments: list[str]) -> None:
    assert flags.render({"x": value}) == arguments


@pytest.mark.parametrize(
    "mapping", [{"x": {"a": 1}}, {"x": [["a"]]}, {"--x": 1}, {"-x": 1}, {"x=1": 1}, {"": 1}, {1: 1}]
)
def test_what_is_no_flag_is_refused(mapping: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match="flag"):
        flags.render(mapping)


def test_the_names_used_are_told_without_values() -> None:
    assert flags.names(["--b=1", "--a", "--no-c", "--b=2"]) == ["--a", "--b", "--no-c"]


# -- unit ----------------------------------------------------------------------------------------------


def _unit(**options: Any) -> str:
    made = unit.from_mapping("tiny", "tiny", ["{release}/tiny", "serve"], options.pop("signal", ""), options)
    return unit.render(made, systemd=257)


def _systemd_reads(line: str) -> list[str]:
    """What systemd makes of a command line, by its documented rules for quotes, escapes, % and $."""
    words = shlex.split(line.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t"))
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


@pytest.mark.parametrize("value", [text for text in HOSTILE if "\\" not in text])
def test_a_hostile_argument_reaches_the_program_as_it_is(value: str) -> None:
    quoted = unit.quote(value)

    assert "\n" not in quoted
    assert _systemd_reads(quoted) == [value]


def test_escapes_of_arguments() -> None:
    assert unit.quote("plain-1.0/path") == "plain-1.0/path"
    assert unit.quote("50% of $HOME") == '"50%% of $$HOME"'
    assert unit.quote('a"b\\c') == '"a\\"b\\\\c"'
    assert unit.quote("x\ny") == '"x\\ny"'
    assert unit.quote("") == '""'


def test_a_dollar_means_nothing_in_the_environment() -> None:
    text = _unit(environment={"PRICE": "5$ or 10%", "PLAIN": "x"}, read_write_paths=["/srv/a b", "/srv/$x"])

    assert 'Environment="PRICE=5$ or 10%%"' in text
    assert "Environment=PLAIN=x" in text
    assert 'ReadWritePaths="/srv/a b"' in text
    assert "ReadWritePaths=/srv/$x" in text


@pytest.mark.parametrize(
    "options",
    [{"description": "x\nExecStart=/bin/sh"}, {"extra": {"Nice": "1\n[Install]"}}, {"after": ["a\rb"]}],
    ids=["description", "extra", "after"],
)
def test_no_setting_can_smuggle_another_line_in(options: dict[str, Any]) -> None:
    with pytest.raises(ComponentError, match="tiny: a setting of the unit has a line end in it"):
        _unit(**options)


def test_every_setting_of_the_sandbox_is_there_by_default() -> None:
    lines = _unit().splitlines()

    for key in unit.SANDBOX:
        assert any(line.startswith(f"{key}=") for line in lines), key
    assert "SystemCallFilter=@system-service" in lines
    assert "SystemCallFilter=~@privileged @resources" in lines
    assert "CapabilityBoundingSet=" in lines


def test_a_relaxation_carries_its_reason_into_the_unit() -> None:
    lines = _unit(
        relax={
            "PrivateDevices": {"value": False, "reason": "reads SMART"},
            "ProcSubset": {"value": None, "reason": "r"},
        }
    )
    lines_by_line = lines.splitlines()

    assert lines_by_line[lines_by_line.index("PrivateDevices=no") - 1] == "# reads SMART"
    assert not any(line.startswith("ProcSubset=") for line in lines_by_line)


def test_a_capability_is_kept_and_costs_the_user_namespace() -> None:
    lines = _unit(capabilities=["CAP_NET_BIND_SERVICE"]).splitlines()

    assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE" in lines
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in lines
    assert "PrivateUsers=no" in lines


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"limit_nofiles": 1}, r"unit\.limit_nofiles is unknown"),
        ({"relax": {"PrivateDevices": {"value": False}}}, r"unit\.relax\.PrivateDevices is not understood"),
        ({"relax": {"PrivateDevices": {"value": False, "reason": " "}}}, "is not understood"),
        ({"relax": {"PrivateDevice": {"value": False, "reason": "r"}}}, r"unit\.relax\.PrivateDevice is not"),
        ({"relax": {"PrivateDevices": {"value": False, "reason": "r", "until": "x"}}}, "is not understood"),
    ],
)
def test_what_the_unit_does_not_understand_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ComponentError, match=complaint):
        _unit(**options)


def test_limits_reach_the_unit_and_empty_ones_do_not() -> None:
    lines = _unit(
        memory_max="2G", cpu_quota="150%", tasks_max=99, oom_score_adjust=-100, limit_nofile=1024
    ).splitlines()

    assert {"MemoryMax=2G", "CPUQuota=150%", "TasksMax=99", "OOMScoreAdjust=-100", "LimitNOFILE=1024"} <= set(lines)
    assert not {"MemoryMax", "TasksMax"} & {line.split("=")[0] for line in _unit(memory_max=None).splitlines()}


def test_settings_an_older_systemd_does_not_know_are_left_out() -> None:
    made = unit.Unit(name="tiny", user="tiny", argv=["/x"])

    assert "RestartSteps=" in unit.render(made, systemd=257)
    assert "RestartSteps=" not in unit.render(made, systemd=252)
    assert "ProtectProc=" not in unit.render(made, systemd=245)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_itself_reads_the_unit(tmp_path: Path) -> None:
    made = unit.from_mapping("tiny", "root", ["/bin/true", *HOSTILE], "HUP", {"environment": {"A": "5$ 10% \"'"}})
    path = tmp_path / "tiny.service"
    path.write_text(unit.render(made, systemd=250))

    result = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)

    assert "tiny.service" not in result.stderr


# -- the whole set ---------------------------------------------------------------------------------------


def _render(**arguments: Any) -> Rendered:
    gate = Gate(program="tiny", version="1.0.0", source="archive", settings=arguments.pop("settings", {}))
    whole = {"name": "tiny", "exec": ["{release}/tiny", "{flags}", "last"], **arguments}
    return render(whole, gate, systemd=257)


def test_flags_of_role_and_user_stand_where_the_role_wants_them() -> None:
    rendered = _render(flags={"a": 1, "b": True}, flags_extra={"c": ["x y", "z"]})

    assert 'ExecStart={release}/tiny --a=1 --b "--c=x y" --c=z last' in rendered.unit
    assert rendered.used_flags == ["--a", "--b", "--c"]


def test_user_and_reload_signal_reach_the_unit() -> None:
    text = _render(user="other", reload={"signal": "HUP", "paths": ["x"]}).unit

    assert "User=other" in text
    assert "ExecReload=/bin/kill -HUP $MAINPID" in text
    assert "ExecReload" not in _render().unit


@pytest.mark.parametrize("value", HOSTILE)
def test_yaml_says_the_same_when_it_is_read_again(value: str) -> None:
    document = {"key": value, value or "empty": [value, 1, True, None, "yes", "1e3"]}

    text = _render(config={"tiny.yml": {"yaml": document}}).files["tiny.yml"]

    assert yaml.safe_load(text) == document
    assert text.startswith("# Managed by Promontory")


def test_content_and_files_of_the_controller_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: []  # ä\n")

    files = _render(config={"a": {"content": "x {{ y }}"}, "b": {"src": str(tmp_path / "rules.yml")}}).files

    assert files == {"a": "x {{ y }}", "b": "groups: []  # ä\n"}


def test_free_form_config_is_merged_over_the_roles() -> None:
    rendered = _render(
        config={"t.yml": {"yaml": {"a": {"b": 1}, "l": [1]}}}, config_extra={"t.yml": {"a": {"c": 2}, "l": [2]}}
    )

    assert yaml.safe_load(rendered.files["t.yml"]) == {"a": {"b": 1, "c": 2}, "l": [1, 2]}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"exec": []}, "tiny: exec is missing"),
        ({"flags_extra": {"--a": 1}}, "tiny_flags: '--a' is no flag name"),
        ({"config": {"a": {}}}, "config.a takes exactly one of content, yaml and src"),
        ({"config": {"a": {"content": "x", "yaml": {}}}}, "config.a takes exactly one"),
        ({"config": {"a": "x"}}, "config.a takes exactly one"),
        ({"config": {"a": {"src": "/nowhere/at/all"}}}, "/nowhere/at/all for a cannot be read"),
        ({"config": {"a": {"content": "x"}}, "config_extra": {"a": {"b": 1}}}, "config_extra.a is merged over"),
        ({"config_extra": {"b": {}}}, "config_extra.b is merged over a file given as yaml, and there is none"),
        (
            {"config": {"a": {"yaml": [1]}}, "config_extra": {"a": {"b": 1}}},
            "config_extra.a is a mapping, but the file",
        ),
        (
            {"flags_extra": {"a": 1}, "settings": {"flag:--a": {"since": "2.0"}}},
            "tiny_flags.a is not known by tiny 1.0.0",
        ),
        (
            {
                "config": {"t": {"yaml": {}}},
                "config_extra": {"t": {"a": 1}},
                "settings": {"config:t:a": {"until": "0.9"}},
            },
            "tiny_config: a is not known",
        ),
        ({"unit": {"nonsense": 1}}, r"unit\.nonsense is unknown"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_its_argument(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ComponentError, match=complaint):
        _render(**arguments)


class _Text(str):
    """Like the text type a template engine hands out."""


def test_values_of_a_template_engine_become_plain_ones() -> None:
    value = UserDict({_Text("a"): UserList([_Text("x"), 1, 1.5, True, None])})

    made = plain(value)

    assert made == {"a": ["x", 1, 1.5, True, None]}
    assert [type(item) for item in made["a"]] == [str, int, float, bool, type(None)]


# -- versions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("prometheus, version 2.53.3+ds1 (branch: debian/sid, revision: 2.53.3+ds1-2)", "2.53.3"),
        ("node_exporter, version 1.9.0 (branch: HEAD)\n  go version: go1.24.4", "1.9.0"),
        ("nginx version: nginx/1.26.3", "1.26.3"),
        ("v0.28.1", "0.28.1"),
        ("no version here, only 42", ""),
    ],
)
def test_finds_the_version_a_program_says(text: str, found: str) -> None:
    assert versions.find(text) == found


def test_versions_are_compared_as_numbers() -> None:
    assert versions.key("2.10") > versions.key("2.9.9")
    assert versions.key("3.5") == versions.key("3.5.0") == versions.key("v3.5.0+ds1")
    assert versions.of_package("1:2.53.3+ds1-2~bpo12") == "2.53.3"
