"""What is asked of the host's own tools: accounts, apt, systemd and os-release."""

from __future__ import annotations

import pwd
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import accounts, commands, debian
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.service import Systemd
from ansible_collections.promontory.stack.plugins.modules import host as host_module

_ENSURE, _REMOVE = accounts.ensure, accounts.remove  # the real ones; conftest.py takes them from everybody else

Answer = Callable[[Sequence[str]], "subprocess.CompletedProcess[str] | None"]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[str]], dict[str, Answer]]:
    """Stand-ins for the host's programs: what was called, and what each answers."""
    calls: list[list[str]] = []
    answers: dict[str, Answer] = {}

    def run(argv: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(list(argv))
        answer = answers.get(argv[0], lambda _: None)(argv)
        return answer or subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr(commands, "run", run)
    return calls, answers


def _says(text: str, code: int = 0, error: str = "") -> Answer:
    return lambda argv: subprocess.CompletedProcess(argv, code, text, error)


# -- accounts --------------------------------------------------------------------------------------------


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> dict[str, pwd.struct_passwd]:
    known: dict[str, pwd.struct_passwd] = {}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: known[name])
    return known


def _account(name: str, comment: str) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", 987, 987, comment, "/nonexistent", "/usr/sbin/nologin"))


def test_a_missing_account_is_made_without_shell_home_or_login(
    tools: tuple[list[list[str]], dict[str, Answer]], people: dict[str, pwd.struct_passwd]
) -> None:
    calls, answers = tools

    def useradd(argv: Sequence[str]) -> None:
        people[argv[-1]] = _account(argv[-1], argv[argv.index("--comment") + 1])

    answers["useradd"] = useradd

    assert _ENSURE("tiny") == (987, 987)
    assert _ENSURE("tiny") == (987, 987)
    assert len(calls) == 1
    assert {"--system", "--no-create-home", "/usr/sbin/nologin"} <= set(calls[0])
    assert accounts.is_ours("tiny")


def test_an_account_that_cannot_be_made_is_named(
    tools: tuple[list[list[str]], dict[str, Answer]], people: dict[str, pwd.struct_passwd]
) -> None:
    tools[1]["useradd"] = _says("", 1, "useradd: cannot lock /etc/passwd")

    with pytest.raises(ComponentError, match="The system account tiny cannot be made") as failure:
        _ENSURE("tiny")
    assert "cannot lock /etc/passwd" in failure.value.detail


def test_only_accounts_of_our_own_are_removed(
    tools: tuple[list[list[str]], dict[str, Answer]], people: dict[str, pwd.struct_passwd]
) -> None:
    people["www-data"] = _account("www-data", "www-data")
    people["tiny"] = _account("tiny", "Managed by Promontory")

    for name in ("www-data", "tiny", "nobody-here"):
        _REMOVE(name)

    assert tools[0] == [["userdel", "tiny"]]


# -- apt -------------------------------------------------------------------------------------------------

POLICY = "tiny:\n  Installed: (none)\n  Candidate: 1.0.0-1\n  Version table:\n"


def test_the_candidate_is_looked_up_without_a_network_first(
    tools: tuple[list[list[str]], dict[str, Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    tools[1]["apt-cache"] = _says(POLICY)

    assert debian.Apt().candidate("tiny") == "1.0.0-1"
    assert [call[0] for call in tools[0]] == ["apt-cache"]


def test_stale_lists_are_fetched_anew_before_a_package_is_given_up(
    tools: tuple[list[list[str]], dict[str, Answer]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    tools[1]["apt-cache"] = _says(POLICY.replace("1.0.0-1", "(none)"))

    with pytest.raises(ComponentError, match="The package tiny is not offered by this host's apt sources"):
        debian.Apt(scratch=tmp_path).candidate("tiny")

    update = next(call for call in tools[0] if call[-1] == "update")
    assert f"Dir::State::lists={tmp_path}/lists" in update, "check mode would change the host's lists"


def test_a_host_without_apt_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(ComponentError, match="this host has no apt") as refusal:
        debian.Apt().candidate("tiny")
    assert "install_from" in refusal.value.hint


def test_a_package_the_mirror_dropped_is_asked_for_again_with_new_lists(
    tools: tuple[list[list[str]], dict[str, Answer]], tmp_path: Path
) -> None:
    updated: list[bool] = []

    def apt_get(argv: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
        if argv[-1] == "update":
            updated.append(True)
        elif updated and argv[-1] == "tiny=1.0.0-1":
            (tmp_path / "packages/tiny_1.0.0-1_all.deb").touch()
        else:
            return subprocess.CompletedProcess(argv, 100, "", "E: Failed to fetch: 404")
        return None

    tools[1]["apt-get"] = apt_get

    assert [file.name for file in debian.Apt().download(["tiny"], "1.0.0-1", tmp_path)] == ["tiny_1.0.0-1_all.deb"]


def test_of_optional_packages_those_are_taken_that_the_distribution_has(
    tools: tuple[list[list[str]], dict[str, Answer]],
) -> None:
    def policy(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(argv, 0, POLICY if argv[-1] == "tiny" else "", "")

    tools[1]["apt-cache"] = policy

    assert debian.Apt().offered(["absent", "tiny"]) == ["tiny"]


def test_a_package_that_cannot_be_downloaded_is_named(
    tools: tuple[list[list[str]], dict[str, Answer]], tmp_path: Path
) -> None:
    tools[1]["apt-get"] = lambda argv: (
        subprocess.CompletedProcess(argv, 100, "", "E: Failed to fetch: 404") if argv[-1] != "update" else None
    )

    with pytest.raises(ComponentError, match=r"The package tiny=1\.0\.0-1 cannot be downloaded") as failure:
        debian.Apt().download(["tiny"], "1.0.0-1", tmp_path)
    assert failure.value.detail == "E: Failed to fetch: 404"


# -- systemd -----------------------------------------------------------------------------------------------


def _shown(**values: str) -> Answer:
    return _says("".join(f"{key}={value}\n" for key, value in values.items()))


@pytest.mark.parametrize(
    ("shown", "active", "stale", "state"),
    [
        ({"ActiveState": "active", "SubState": "running", "NeedDaemonReload": "no"}, True, False, "active/running"),
        ({"ActiveState": "reloading", "SubState": "reload"}, True, False, "reloading/reload"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}, False, False,
         "activating/auto-restart (exit-code)"),
        ({"ActiveState": "failed", "SubState": "failed", "Result": "signal"}, False, False, "failed/failed (signal)"),
        ({"ActiveState": "inactive", "SubState": "dead", "NeedDaemonReload": "yes"}, False, True, "inactive/dead"),
        ({}, False, False, "unknown/"),
    ],
)  # fmt: skip
def test_reads_what_systemd_shows(
    tools: tuple[list[list[str]], dict[str, Answer]], shown: dict[str, str], active: bool, stale: bool, state: str
) -> None:
    tools[1]["systemctl"] = _shown(**shown)

    status = Systemd("tiny.service").status()

    assert (status.active, status.stale, status.state) == (active, stale, state)


def test_a_failed_start_tells_the_programs_last_words(tools: tuple[list[list[str]], dict[str, Answer]]) -> None:
    tools[1]["systemctl"] = lambda argv: (
        subprocess.CompletedProcess(argv, 1, "", "Job for tiny.service failed.") if argv[1] == "restart" else None
    )
    tools[1]["journalctl"] = _says("tiny: no such flag --x\n")

    with pytest.raises(ComponentError, match=r"systemctl restart tiny\.service failed") as failure:
        Systemd("tiny.service").restart()
    assert failure.value.detail == "Job for tiny.service failed.\ntiny: no such flag --x"


def test_stopping_what_does_not_run_asks_for_nothing(tools: tuple[list[list[str]], dict[str, Answer]]) -> None:
    tools[1]["systemctl"] = _shown(ActiveState="inactive")

    Systemd("tiny.service").stop()

    assert [call[1] for call in tools[0]] == ["show"]


# -- programs ------------------------------------------------------------------------------------------------


def test_a_program_is_run_without_a_shell_and_never_raises(tmp_path: Path) -> None:
    assert commands.run(["/bin/echo", "$HOME; ls"]).stdout == "$HOME; ls\n"
    assert commands.run(["/bin/sh", "-c", "echo no >&2; exit 3"]).returncode == 3
    assert commands.run([str(tmp_path / "nothing")]).returncode == 127
    assert commands.run(["/bin/sleep", "5"], timeout_s=0.05).returncode == 124


# -- host facts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
            {"id": "debian", "version": "13", "codename": "trixie", "family": "debian"},
        ),
        (
            'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
            {"id": "ubuntu", "version": "24.04", "codename": "", "family": "debian"},
        ),
        (
            'ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n',
            {"id": "amzn", "version": "2023", "codename": "", "family": "amzn"},
        ),
        ("", {"id": "unknown", "version": "", "codename": "", "family": "unknown"}),
    ],
)
def test_tells_the_operating_system(text: str, expected: dict[str, str]) -> None:
    assert host_module.os_release(text) == expected


def test_the_free_space_of_a_directory_to_be_is_that_of_its_parent(tmp_path: Path) -> None:
    assert host_module.free_mb(str(tmp_path / "not/yet/there")) == pytest.approx(
        host_module.free_mb(str(tmp_path)), abs=64
    )
