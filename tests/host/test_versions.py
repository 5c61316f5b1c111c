"""Each program of the stack in its older and its newer version, by the same role with the same variables."""

from __future__ import annotations

import pytest
import yaml

from tests.host.target import NAME, Target
from tests.support import debs
from tests.support.playbooks import Run

pytestmark = [pytest.mark.lab, pytest.mark.network]

# Program, versions that must be met (so that a moved suite is noticed), where it tells its version.
PROGRAMS = [
    pytest.param("alertmanager", ("0.28", "0.33"), ":9093/api/v2/status", id="alertmanager"),
    pytest.param("node_exporter", ("1.9", "1.11"), ":9100/metrics", id="node_exporter"),
    pytest.param("blackbox_exporter", ("0.26", "0.28"), ":9115/metrics", id="blackbox_exporter"),
]


def _provision(host: Target, program: str, version: str) -> Run:
    play = {
        "hosts": NAME,
        "gather_facts": False,
        "roles": [f"promontory.stack.{program}"],
        "vars": {f"{program}_version": version, f"{program}_install_from": "archive"},
    }
    path = host.folder / f"{program}.yml"
    path.write_text(yaml.safe_dump([play]))
    return host.playbook(path)


@pytest.mark.parametrize(("program", "expected", "where"), PROGRAMS)
def test_one_role_serves_both_versions_and_moves_between_them(
    lab_host: Target, program: str, expected: tuple[str, str], where: str
) -> None:
    """No setting may be rendered that the installed version does not know: it would not start."""
    for suite, series in zip(("trixie", "sid"), expected, strict=True):
        version = debs.release(program, suite).version
        assert version.startswith(f"{series}."), version
        debs.archive(program, suite, lab_host.cache)

        run = _provision(lab_host, program, version)

        assert run.returncode == 0, run.output
        read = "import sys, urllib.request as r; print(r.urlopen('http://127.0.0.1' + sys.argv[1]).read().decode())"
        answer = lab_host.python(read, where)
        assert f'"{version}' in answer.replace('version":"', '"'), answer[:300]
        assert lab_host.shell(f"readlink -f /opt/{program}/current") == f"/opt/{program}/{version}"
        assert _provision(lab_host, program, version).changed == 0
