"""The border to ansible-runner, with real playbooks over the local connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from promontory import processes
from promontory.errors import Interrupted, RunFailed, UsageError, VerificationFailed
from promontory.events import Event, HostResult, Outcome, PlayStarted, Recap
from promontory.project import Project
from promontory.runner import parse_extra_vars, private_directory, require_success, run_playbook


def write_playbook(project: Project, text: str, name: str = "site") -> None:
    """Replace a playbook of the project."""
    (project.root / "playbooks" / f"{name}.yml").write_text(textwrap.dedent(text))


def test_a_run_reports_its_events_in_order_and_its_counts(project: Project) -> None:
    events: list[Event] = []

    run = run_playbook(project, "site", extra_vars={"verify_synthetic": False}, on_event=events.append)

    assert run.ok
    assert [event.play for event in events if isinstance(event, PlayStarted)] == ["Provision", "Ask the stack"]
    assert isinstance(events[-1], Recap)
    assert run.counts["one"]["changed"] == run.changed == 1
    assert (project.root / "one.txt").read_text() == "answer=42\n"


def test_a_second_run_changes_nothing(project: Project) -> None:
    run_playbook(project, "site", extra_vars={"verify_synthetic": False})

    again = run_playbook(project, "site", extra_vars={"verify_synthetic": False})

    assert again.changed == 0


def test_nothing_of_a_run_is_left_on_disk_and_the_directory_was_private(project: Project, runtime: Path) -> None:
    seen: list[tuple[int, str]] = []

    def look(event: Event) -> None:
        for path in runtime.iterdir():
            extra_vars = path / "env/extravars"
            seen.append((path.stat().st_mode & 0o777, extra_vars.read_text() if extra_vars.exists() else ""))

    run_playbook(project, "site", extra_vars={"verify_synthetic": False, "password": "hunter2"}, on_event=look)

    assert seen, "the private directory was never there"
    assert {mode for mode, _ in seen} == {0o700}
    assert any("hunter2" in text for _, text in seen), "the test looks at the wrong place"
    assert list(runtime.iterdir()) == []


def test_events_are_never_written_to_disk(project: Project, runtime: Path) -> None:
    written: set[str] = set()

    def look(event: Event) -> None:
        written.update(path.name for path in runtime.glob("*/artifacts/*/job_events/*") if "partial" not in path.name)

    run_playbook(project, "site", extra_vars={"verify_synthetic": False}, on_event=look)

    assert written == set()


def test_directories_of_killed_runs_are_swept(runtime: Path, root: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left_over = runtime / f"promontory-run-{ended.stdout.strip()}-abc"
    left_over.mkdir()
    of_a_living_process = runtime / f"promontory-run-{os.getppid()}-abc"
    of_a_living_process.mkdir()

    with private_directory():
        pass

    assert list(runtime.iterdir()) == [of_a_living_process]


def test_a_failure_names_host_and_task_and_the_others_are_finished(project: Project) -> None:
    (project.root / "inventories/real/hosts.yml").write_text(
        textwrap.dedent(f"""\
        all:
          vars: {{ansible_connection: local, ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"}}
          hosts:
            good: {{target: {project.root}/good.txt, build: {project.root}/build}}
            bad: {{target: {project.root}/no/such/directory, build: {project.root}/build}}
        """)
    )

    run = run_playbook(project, "site", extra_vars={"verify_synthetic": False})

    assert not run.ok
    assert run.failed_hosts == ["bad"]
    assert run.failures[0].task == "Write the answer"
    assert "does not exist" in run.failures[0].message
    assert (project.root / "good.txt").exists()
    with pytest.raises(RunFailed, match="Not finished: bad; 1 of 2 hosts are as declared"):
        require_success(run)


def test_an_unreachable_host_is_named(project: Project) -> None:
    inventory = project.root / "inventories/real/hosts.yml"
    inventory.write_text(
        inventory.read_text()
        + "    gone: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_user: nobody, target: /none, build: /none}\n"
    )

    run = run_playbook(project, "site", extra_vars={"verify_synthetic": False})

    assert run.failed_hosts == ["gone"]
    assert run.failures[0].outcome is Outcome.UNREACHABLE
    assert (project.root / "one.txt").exists()


def test_a_rescued_failure_is_no_failure(project: Project) -> None:
    write_playbook(
        project,
        """\
        - name: Rescue
          hosts: all
          gather_facts: false
          tasks:
            - name: Try
              block:
                - name: Fail
                  ansible.builtin.fail:
              rescue:
                - name: Go on
                  ansible.builtin.debug:
                    msg: fine
        """,
    )

    run = run_playbook(project, "site")

    assert run.ok
    assert run.failures == []


def test_a_broken_playbook_says_where(project: Project) -> None:
    write_playbook(project, "- hosts: all\n  task: []\n")

    run = run_playbook(project, "site")

    with pytest.raises(RunFailed, match="task"):
        require_success(run)


@pytest.mark.parametrize(
    ("action", "error"),
    [
        pytest.param("promontory.stack.preflight", UsageError, id="preflight"),
        pytest.param("promontory.stack.topology", UsageError, id="topology"),
        pytest.param("promontory.stack.report", VerificationFailed, id="verification"),
        pytest.param("promontory.stack.component", RunFailed, id="component"),
    ],
)
def test_the_failing_action_decides_the_kind_of_error(project: Project, action: str, error: type[Exception]) -> None:
    write_playbook(project, "- hosts: all\n  gather_facts: false\n  tasks: [{name: Fail, ansible.builtin.fail: }]\n")
    run = run_playbook(project, "site")
    failure = HostResult(play="p", task="t", host="one", action=action, component="", outcome=Outcome.FAILED)

    with pytest.raises(error) as caught:
        require_success(type(run)(**{**run.__dict__, "failures": [failure]}))

    assert type(caught.value) is error


def test_host_keys_are_checked_and_facts_are_not_cached(project: Project) -> None:
    """ansible-runner's own defaults are the opposite of both."""
    write_playbook(
        project,
        """\
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.assert:
                that:
                  - lookup('ansible.builtin.config', 'HOST_KEY_CHECKING')
                  - lookup('ansible.builtin.config', 'CACHE_PLUGIN') == 'memory'
        """,
    )

    assert run_playbook(project, "site").ok


def test_ctrl_c_ends_every_process_and_removes_the_private_directory(root: Path, runtime: Path) -> None:
    """The worker of a task lives in a session of its own: killing ansible-playbook's group would miss it."""
    (root / "playbooks/site.yml").write_text(
        "- name: Wait\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Sleep\n      ansible.builtin.command: sleep 600.25\n      changed_when: false\n"
    )
    command = [sys.executable, "-m", "promontory", "up", "-i", "inventories/real"]
    process = subprocess.Popen(
        command, cwd=root, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    pids = wait_for_sleeper(process.pid)

    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == Interrupted.exit_code == 130
    assert "next run repairs" in stderr
    assert [pid for pid in pids if processes.is_alive(pid)] == []
    assert list(runtime.iterdir()) == []


def wait_for_sleeper(pid: int) -> list[int]:
    """Wait until the task's process runs below `pid`; return all processes below it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        below = processes.descendants(pid)
        for child in below:
            try:
                if b"600.25" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    return below
            except OSError:
                continue
        time.sleep(0.1)
    raise AssertionError("the task did not begin within 30 s")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("a=b", {"a": "b"}, id="word"),
        pytest.param('a="b c" d=e', {"a": "b c", "d": "e"}, id="quoted words"),
        pytest.param("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}, id="yaml"),
        pytest.param('{"a": true}', {"a": True}, id="json"),
    ],
)
def test_extra_variables_keep_their_types(given: str, expected: dict[str, object]) -> None:
    assert parse_extra_vars([given]) == (expected, [])


def test_a_file_of_variables_stays_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("a: 1\n")

    assert parse_extra_vars([f"@{file}"]) == ({}, ["-e", f"@{file}"])


@pytest.mark.parametrize("given", ["novalue", "@/no/such/file", "{broken", "{}"])
def test_what_is_no_variable_is_refused_by_name(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_extra_vars([given])

    assert given in str(caught.value)
