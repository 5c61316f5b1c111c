"""Grafana on a real host, where its archive lies in the artifact cache."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Inventory, Run, Stack
from tests.grafana import real
from tests.grafana.conftest import NO_ARCHIVE
from tests.support import apt_repository

pytestmark = pytest.mark.lab

HEALTH = "http://127.0.0.1:3000/api/health"
# Whether a name and a password open Grafana's API, asked on its host.
_OPENS = "import base64,sys,urllib.request as u,urllib.error as e\nr=u.Request('http://127.0.0.1:3000/api/user')\n" \
    "r.add_header('Authorization','Basic '+base64.b64encode(sys.argv[1].encode()).decode())\n" \
    "try: print(u.urlopen(r).status)\nexcept e.HTTPError as x: print(x.code)"  # fmt: skip


def _inventory(stack: Stack, folder: Path, version: str) -> Inventory:
    inventory = stack.inventory(folder)
    inventory.groups["grafana"] = ["mon1"]
    inventory.variables |= {"grafana_install_from": "archive", "grafana_version": version}
    return inventory


def _process(stack: Stack) -> str:
    return stack.on("mon1", "systemctl show grafana --property MainPID --value").strip()


@pytest.fixture(scope="module")
def version() -> str:
    """The version whose archive is there."""
    packed = real.archive()
    if packed is None:
        pytest.skip(NO_ARCHIVE)
    found = re.match(r"grafana-([\d.]+)\.linux", packed.name)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def grafana(stack: Stack, version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """A host with Grafana, which is removed again."""
    inventory = _inventory(stack, tmp_path_factory.mktemp("grafana"), version)
    run = stack.provision(inventory)
    assert run.returncode == 0, run.output
    yield inventory
    removed = stack.provision(stack.inventory(tmp_path_factory.mktemp("without")), "-e", "{stack_purge_data: true}")
    assert removed.returncode == 0, removed.output


def test_it_serves_and_nobody_gets_in_with_a_default_password(stack: Stack, grafana: Inventory, version: str) -> None:
    health = json.loads(stack.ask("mon1", HEALTH))

    assert (health["database"], health["version"]) == ("ok", version)
    assert stack.on("mon1", f'python3 -c "{_OPENS}" admin:admin').strip() == "401"
    assert "rw-------" in stack.on("mon1", "ls -l /etc/grafana/current/config/secrets/admin_password")


def test_a_second_run_changes_nothing(stack: Stack, grafana: Inventory) -> None:
    before = _process(stack)

    run = stack.provision(grafana)

    assert run.returncode == 0, run.output
    assert run.changed("mon1") == 0, run.output
    assert _process(stack) == before


def test_a_dashboard_of_ones_own_arrives_and_goes_without_a_restart(stack: Stack, grafana: Inventory, tmp_path: Path) -> None:
    before = _process(stack)
    (tmp_path / "orders.json").write_text(json.dumps({"uid": "orders", "title": "Orders", "panels": []}))
    own = {"folder": "promontory", "files": [str(tmp_path / "orders.json")]}
    kept = {"folder": "promontory", "files": ["{{ stack_dashboards_dir }}/*.json"]}
    grafana.variables["grafana_dashboards"] = [kept, own]
    arrived = stack.provision(grafana)
    found = _asks(stack, "dashboards/uid/orders")
    del grafana.variables["grafana_dashboards"]
    gone = stack.provision(grafana)

    assert (arrived.returncode, gone.returncode) == (0, 0), arrived.output + gone.output
    assert '"title":"Orders"' in found
    assert "404" in _asks(stack, "dashboards/uid/orders")
    assert _process(stack) == before


def _asks(stack: Stack, path: str) -> str:
    """Return what Grafana's API answers to its administrator, or the status of a refusal."""
    script = (
        "import base64,urllib.request as u,urllib.error as e\n"
        "p=open('/etc/grafana/current/config/secrets/admin_password').read().strip()\n"
        f"r=u.Request('http://127.0.0.1:3000/api/{path}')\n"
        "r.add_header('Authorization','Basic '+base64.b64encode(('admin:'+p).encode()).decode())\n"
        "try: print(u.urlopen(r).read().decode())\nexcept e.HTTPError as x: print(x.code)"
    )
    return stack.on("mon1", f'python3 -c "{script}"')


def test_verify_asks_grafana_itself(stack: Stack, grafana: Inventory) -> None:
    # Panels of a stack that is this young may still be empty; tests/dashboards waits for them.
    stack.playbook(grafana, "playbooks/verify.yml", "-e", "{verify_synthetic: false, verify_timeout_s: 20}")

    checks = {check["name"]: check for check in json.loads((stack.clone / "build/verify.json").read_text())["checks"]}
    assert {name: checks[name]["ok"] for name in ("grafana", "data sources", "dashboards")} == {
        "grafana": True, "data sources": True, "dashboards": True,
    }  # fmt: skip


def test_it_comes_from_a_signed_repository_as_from_the_archive(
    stack: Stack, grafana: Inventory, version: str, tmp_path: Path
) -> None:
    listed = "cd /opt/grafana/current/ && find bin conf public -type f -printf '%p %m %u ' -exec sha256sum {} ';' | sort | sha256sum"
    from_archive = stack.on("mon1", listed)
    packed = real.archive()
    assert packed is not None
    (tmp_path / "deb/usr/share").mkdir(parents=True)
    real.unpack(packed, tmp_path / "unpacked").rename(tmp_path / "deb/usr/share/grafana")
    deb = apt_repository.package_of(tmp_path / "deb", "grafana", version, tmp_path)
    gateway = stack.on("mon1", "ip -4 route show default").split()[2]
    inventory = _inventory(stack, tmp_path / "inventory", version)

    with apt_repository.signing_key("rsa2048") as key, apt_repository.serving(tmp_path / "site", gateway, []) as url:
        apt_repository.publish(tmp_path / "site", [deb], key)
        (tmp_path / "grafana.asc").write_bytes(key.exported())
        source = {"uri": url, "suite": "stable", "components": ["main"], "key_file": str(tmp_path / "grafana.asc")}
        inventory.variables["grafana_install_from"] = "repository"
        inventory.variables["grafana_apt_source"] = {**source, "fingerprint": "0" * 40}
        refused = stack.provision(inventory)
        inventory.variables["grafana_apt_source"] = {**source, "fingerprint": key.fingerprint}
        run = stack.provision(inventory)
        again = stack.provision(inventory)

    assert refused.returncode != 0
    assert f"has the fingerprint {key.fingerprint}, wanted {'0' * 40}." in refused.output
    assert refused.changed("mon1") == 0
    assert (run.returncode, again.returncode) == (0, 0), run.output + again.output
    assert run.changed("mon1") == 1, run.output
    assert again.changed("mon1") == 0, again.output
    assert stack.on("mon1", listed) == from_archive
    assert json.loads(stack.ask("mon1", HEALTH))["database"] == "ok"


def test_a_version_without_a_source_is_refused_before_anything_changes(
    stack: Stack, grafana: Inventory, tmp_path: Path
) -> None:
    before = _process(stack)
    inventory = _inventory(stack, tmp_path / "inventory", "99.0.0")
    inventory.variables |= {"grafana_install_from": "auto", "grafana_archive_url": "https://grafana.invalid/{version}-{arch}.tar.gz"}

    run: Run = stack.provision(inventory)

    assert run.returncode != 0
    assert "no source of grafana 99.0.0 is reachable" in run.output
    assert "stack_without: [grafana]" in run.output
    assert run.changed("mon1") == 0
    assert _process(stack) == before
