"""What the scripts do before Python is there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [ROOT / "scripts/up", ROOT / "scripts/test", ROOT / "scripts/lock", ROOT / ".ci/run"]


def bash(code: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines with scripts/bootstrap.sh sourced."""
    code = f"set -euo pipefail; source scripts/bootstrap.sh; {code}"
    return subprocess.run(["bash", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)


def without(*programs: str) -> str:
    """Define `has` for a machine that lacks these programs."""
    return f'has() {{ [[ " {" ".join(programs)} " != *" $1 "* ]]; }};'


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run_and_parsed(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("absent", "package"),
    [
        (("podman",), "podman"),
        (("mmdebstrap", "debootstrap"), "mmdebstrap"),
        (("ssh",), "openssh-client"),
        (("newuidmap",), "uidmap"),
        (("crun", "runc"), "run"),
    ],
)
def test_what_is_missing_is_named_as_the_package_that_brings_it(absent: tuple[str, ...], package: str) -> None:
    done = bash(f"{without(*absent)} missing_packages lab")

    assert package in done.stdout


def test_one_of_two_bootstrap_tools_is_enough() -> None:
    assert "mmdebstrap" not in bash(f"{without('mmdebstrap')} missing_packages lab").stdout


def test_hosts_of_ones_own_need_no_container_tools() -> None:
    assert bash(f"{without('podman', 'mmdebstrap', 'debootstrap', 'runc', 'crun')} missing_packages").stdout == ""


@pytest.mark.parametrize(("needs", "named"), [("test", True), ("lab", False)])
def test_a_browser_is_for_those_who_test_only(needs: str, named: bool) -> None:
    done = bash(f"{without('chromium')} grep() {{ return 1; }}; missing_packages {needs}")

    assert ("chromium" in done.stdout) is named


def test_a_machine_without_a_python_is_told_so() -> None:
    done = bash(f"{without('apt-get')} find_python() {{ return 1; }}; require_system")

    assert done.returncode == 2
    assert "Python 3.11" in done.stderr


def test_what_cannot_be_installed_is_named(tmp_path: Path) -> None:
    for name in ("apt-get", "sudo"):   # neither works here, whoever runs the test
        stub = tmp_path / name
        stub.write_text("#!/bin/sh\nexit 100\n")
        stub.chmod(0o755)

    done = bash(f"PATH={tmp_path}:$PATH; {without('podman')} require_system lab")

    assert done.returncode == 2
    assert "podman" in done.stderr.splitlines()[-1]
