"""A small project of its own for the command line: local playbooks, no other machine."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from promontory.cli import main
from promontory.project import Project, find_project
from tests.cli.fakes import FakeStack, serve

SITE = """\
- name: Provision
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the answer
      ansible.builtin.copy:
        content: "answer={{ answer | default(42) }}\\n"
        dest: "{{ target }}"
        mode: "0600"
- name: Verify
  import_playbook: verify.yml
  tags: verify
"""

VERIFY = """\
- name: Ask the stack
  hosts: all
  gather_facts: false
  tasks:
    - name: Note what was asked for
      ansible.builtin.copy:
        content: "{{ {'ok': true, 'at': now().isoformat(), 'checks': [{'name': 'synthetic', 'host': 'one', 'ok': true,
                  'detail': verify_synthetic | string}]} | to_json }}"
        dest: "{{ build }}/verify.json"
        mode: "0600"
      changed_when: false
      tags: verify
"""

INVENTORY = """\
all:
  hosts:
    one:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
      target: %(root)s/one.txt
      build: %(root)s/build
"""


TEST_LIMIT_S = 120   # a few playbooks over the local connection, on a machine busy with everything else


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """End a test that hangs: a child that is waited for must not cost the whole suite its time."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {TEST_LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project that a run may change, and stand in it."""
    root = tmp_path / "project"
    for directory in ("playbooks", "roles", "inventories/real", "build"):
        (root / directory).mkdir(parents=True)
    (root / "galaxy.yml").write_text("name: stack\n")
    (root / "playbooks/site.yml").write_text(SITE)
    (root / "playbooks/verify.yml").write_text(VERIFY)
    (root / "inventories/real/hosts.yml").write_text(INVENTORY % {"root": root})
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(_directory(tmp_path / "runtime")))
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))
    monkeypatch.delenv("PROMONTORY_PROJECT", raising=False)
    return root


@pytest.fixture
def project(root: Path) -> Project:
    """Give the same project as the command line finds it."""
    return find_project("inventories/real", start=root)


@pytest.fixture
def runtime(root: Path) -> Path:
    """Give the directory in which private run directories are made."""
    return root.parent / "runtime"


@pytest.fixture
def promontory(root: Path) -> Callable[..., Result]:
    """Run the command line in the project: `promontory("up", "--json")`; -i is given when the project has no lab."""

    def run(*words: str) -> Result:
        inventory = [] if (root / "inventories/lab").exists() or "-i" in words else ["-i", "inventories/real"]
        return CliRunner().invoke(main, [*words, *inventory], catch_exceptions=False)

    return run


@pytest.fixture
def write_stack(root: Path) -> Callable[..., None]:
    """Write build/stack.json with a door for each given component: `write_stack(mailbox=url)`."""

    def write(**urls: str) -> None:
        password = root / "password"
        password.write_text("correct horse\n")
        token = root / "token"
        token.write_text("let-me-break-it\n")
        stack: Mapping[str, Any] = {
            "environment": "test",
            "hosts": [{"name": "one", "address": "127.0.0.1", "components": sorted(urls)}],
            "urls": [
                {
                    "component": component, "host": "one", "url": url,
                    "auth": None if component == "sample_app" else {"username": "admin", "password_file": str(password)},
                }
                for component, url in urls.items()
            ],
            "secrets": {"sample_app_admin_token": str(token)},
        }
        (root / "build/stack.json").write_text(json.dumps(stack))

    return write


def _directory(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


@pytest.fixture
def stack(write_stack: Callable[..., None]) -> Iterator[FakeStack]:
    """Give a running stack that stack.json leads to; its mailbox is empty."""
    with serve(FakeStack()) as running:
        write_stack(
            sample_app=f"{running.url}/app/", mailbox=f"{running.url}/mail/",
            alertmanager=f"{running.url}/alertmanager/", prometheus=f"{running.url}/prometheus/",
        )
        yield running
