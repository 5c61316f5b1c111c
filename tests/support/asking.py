"""Asking a provisioned stack, for molecule's tests: its programs on their hosts, its edge from outside."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
import requests
import testinfra
from testinfra.host import Host

_T = TypeVar("_T")
_ASK = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], data=sys.argv[2].encode() if len(sys.argv) > 2 else None,
                                 headers={"Content-Type": "application/json"})
try:
    sys.stdout.write(urllib.request.urlopen(request, timeout=10).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"{error.code} {error.read().decode()}")
"""


def wait_until(question: Callable[[], _T], what: str, *, limit_s: float = 60) -> _T:
    """Ask until the answer is true, then return it; fail with ``what`` once the time is up."""
    deadline = time.monotonic() + limit_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {limit_s:.0f} s, last seen: {answer!r}")
        time.sleep(0.5)


class StackHost:
    """A host of the stack, asked as its operator would.

    Attributes:
        shell: testinfra's view of the host.
        address: Where others reach it.
    """

    def __init__(self, shell: Host, address: str) -> None:
        self.shell = shell
        self.address = address

    def text(self, url: str, body: str | None = None) -> str:
        """Ask a program on the host itself, by POST when there is a body."""
        words = ["python3", "-c", _ASK, url, *([body] if body is not None else [])]
        return str(self.shell.check_output(" ".join(shlex.quote(word) for word in words)))

    def json(self, url: str, body: str | None = None) -> Any:
        """Like :meth:`text`, for an answer in JSON."""
        return json.loads(self.text(url, body))

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Samples of an instant query to the host's Prometheus."""
        url = f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"
        samples: list[dict[str, Any]] = self.json(url)["data"]["result"]
        return samples

    def value(self, expression: str) -> float | None:
        """The only sample of a query; None when there is none."""
        samples = self.query(expression)
        return float(samples[0]["value"][1]) if len(samples) == 1 else None

    def unit(self, name: str, prop: str) -> str:
        """One property of a unit, as systemd says it."""
        return str(self.shell.check_output("systemctl show %s --property %s --value", name, prop)).strip()


@dataclass
class Door:
    """The edge, from outside.

    Attributes:
        url: Its base URL, without a slash at the end.
        operator: Name and password.
    """

    url: str
    operator: tuple[str, str]

    def get(self, path: str, *, signed_in: bool = True, **options: Any) -> requests.Response:
        """Ask for a path, as an operator or as a stranger."""
        auth = self.operator if signed_in else None
        return requests.get(self.url + path, auth=auth, timeout=10, **options)


@dataclass(frozen=True)
class Scenario:
    """A molecule scenario's stack.

    Attributes:
        inventory: Its inventory folder.
        stack: ``stack.json`` of its build directory.
    """

    inventory: Path
    stack: dict[str, Any]

    def host(self, name: str) -> StackHost:
        """One of its hosts."""
        address = next(host["address"] for host in self.stack["hosts"] if host["name"] == name)
        shell = testinfra.get_host(f"ansible://{name}", ansible_inventory=str(self.inventory))
        return StackHost(shell, address)

    def door(self) -> Door:
        """Its edge, with the operator's credentials from where the stack keeps them."""
        found = next(url for url in self.stack["urls"] if url["component"] == "edge")
        password = Path(found["auth"]["password_file"]).read_text(encoding="utf-8").strip()
        return Door(url=found["url"].rstrip("/"), operator=(found["auth"]["username"], password))


def scenario_of(test_file: str) -> Scenario:
    """The scenario that a test file of ``molecule/<scenario>/tests`` belongs to."""
    folder = Path(test_file).resolve().parents[1]
    root = folder.parents[1]
    # testinfra reads the inventory with Ansible, which looks for the collection as the project's settings say.
    os.environ.setdefault("ANSIBLE_CONFIG", str(root / "ansible.cfg"))
    written = root / "build" / f"molecule-{folder.name}" / "stack.json"
    return Scenario(inventory=folder / "inventory", stack=json.loads(written.read_text(encoding="utf-8")))
