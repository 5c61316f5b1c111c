"""Prometheus 2.53 to 3.5 in one step, with other flags and another configuration; or not at all."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import yaml

from tests.host.target import NAME, Target
from tests.support import debs
from tests.support.playbooks import Run

pytestmark = [pytest.mark.lab, pytest.mark.network]

SELF = {"job_name": "extra", "static_configs": [{"targets": ["127.0.0.1:9090"]}]}
# storage.tsdb.retention and scrape_classic_histograms are of 2.x only, the others of 3.x only.
OLD_FLAGS = {"storage.tsdb.retention": "14d"}
OLD_CONFIG = {"scrape_configs": [{**SELF, "scrape_classic_histograms": True}]}
NEW_FLAGS = {"auto-gomemlimit": True}
NEW_CONFIG = {
    "global": {"metric_name_validation_scheme": "legacy"},
    "scrape_configs": [{**SELF, "always_scrape_classic_histograms": True}],
}


@pytest.fixture(scope="module")
def versions(lab_host: Target) -> tuple[str, str]:
    """The two versions, their archives laid into the artifact cache as an operator without a network would."""
    for suite in ("trixie", "sid"):
        debs.archive("prometheus", suite, lab_host.cache)
    old, new = debs.release("prometheus", "trixie").version, debs.release("prometheus", "sid").version
    assert (old.rpartition(".")[0], new.rpartition(".")[0]) == ("2.53", "3.5")
    return old, new


def _provision(host: Target, version: str, flags: dict[str, Any], config: dict[str, Any]) -> Run:
    play = {
        "hosts": NAME,
        "gather_facts": False,
        "roles": ["promontory.stack.prometheus"],
        "vars": {
            "prometheus_version": version,
            "prometheus_install_from": "archive",
            "prometheus_flags": flags,
            "prometheus_config": config,
        },
    }
    path = host.folder / "prometheus.yml"
    path.write_text(yaml.safe_dump([play]))
    return host.playbook(path)


def _ask(host: Target, path: str) -> Any:
    read = "import sys, urllib.request as r; print(r.urlopen('http://127.0.0.1:9090' + sys.argv[1]).read().decode())"
    return json.loads(host.python(read, path))["data"]


def _state(host: Target) -> dict[str, Any]:
    """What Prometheus itself says it is, with the process that says so."""
    return {
        "version": _ask(host, "/api/v1/status/buildinfo")["version"].partition("+")[0],
        "flags": _ask(host, "/api/v1/status/flags"),
        "config": _ask(host, "/api/v1/status/config")["yaml"],
        "process": host.shell("systemctl show -P MainPID -P InvocationID prometheus"),
        "disk": host.shell("readlink /etc/prometheus/current; readlink -f /opt/prometheus/current"),
    }


@pytest.fixture(scope="module")
def serving_old(lab_host: Target, versions: tuple[str, str]) -> dict[str, Any]:
    """What 2.53 says with its own flags and configuration."""
    run = _provision(lab_host, versions[0], OLD_FLAGS, OLD_CONFIG)
    assert run.returncode == 0, run.output
    state = _state(lab_host)
    assert state["version"] == versions[0]
    assert state["flags"]["storage.tsdb.retention"] == "2w"
    assert "scrape_classic_histograms: true" in state["config"]
    return state


@pytest.mark.parametrize(
    ("flags", "config", "complaint"),
    [
        pytest.param(NEW_FLAGS, OLD_CONFIG, "field scrape_classic_histograms not found", id="configuration"),
        pytest.param(OLD_FLAGS, NEW_CONFIG, "prometheus_flags.storage.tsdb.retention is not known by", id="flag"),
        pytest.param({"web.enable-magic": True}, NEW_CONFIG, "has no flag --web.enable-magic", id="misspelt flag"),
    ],
)
def test_what_3_5_refuses_leaves_2_53_serving_with_its_own(
    lab_host: Target,
    versions: tuple[str, str],
    serving_old: dict[str, Any],
    flags: dict[str, Any],
    config: dict[str, Any],
    complaint: str,
) -> None:
    run = _provision(lab_host, versions[1], flags, config)

    assert run.returncode == 2
    assert complaint in run.output
    assert _state(lab_host) == serving_old


def test_the_upgrade_is_one_step_that_keeps_the_data(
    lab_host: Target, versions: tuple[str, str], serving_old: dict[str, Any]
) -> None:
    began = time.time()

    run = _provision(lab_host, versions[1], NEW_FLAGS, NEW_CONFIG)

    assert run.returncode == 0, run.output
    state = _state(lab_host)
    assert state["version"] == versions[1]
    assert state["flags"]["auto-gomemlimit"] == "true"
    assert "storage.tsdb.retention" not in state["flags"]
    assert "always_scrape_classic_histograms: true" in state["config"]
    assert _ask(lab_host, "/api/v1/status/tsdb")["headStats"]["minTime"] / 1000 < began
    assert _provision(lab_host, versions[1], NEW_FLAGS, NEW_CONFIG).changed == 0

    back = _provision(lab_host, versions[0], OLD_FLAGS, OLD_CONFIG)
    assert back.returncode == 2
    assert "prometheus_allow_downgrade" in back.output
    assert _state(lab_host) == state

    told = lab_host.shell("systemd-analyze security --no-pager prometheus.service")
    score = re.search(r"Overall exposure level for prometheus\.service: ([0-9.]+)", told)
    assert score is not None
    assert float(score.group(1)) <= 1.5, told
