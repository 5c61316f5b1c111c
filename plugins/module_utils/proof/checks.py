"""The checks that ask running programs; each looks once and leaves the judgement to :mod:`judge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.proof import ask, judge, rule_metrics
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding

PROBE_JOB = "blackbox"
# One sample per pod of a cluster, 1 when it answers: as its hub says, or as a target of its own.
_PODS = 'metrics_hub_target_up or up{cluster!="", pod!=""}'


@dataclass
class Asked:
    """A check that is one question and one judgement."""

    name: str
    look: str
    question: Callable[[], Finding]

    def find(self) -> Finding:
        """Look once."""
        return self.question()


@dataclass
class Door:
    """The edge lets through what it should, and nobody else.

    Attributes:
        url: Of the edge on its own host.
        sites: ``{path, public}`` of each site.
        username: Operator's name.
        password: Operator's password; never part of a finding.
        ca_file: For https.
    """

    url: str
    sites: Sequence[Mapping[str, Any]]
    username: str
    password: str
    ca_file: str = ""
    name: str = "edge"
    look: str = "journalctl -u edge -n 50 --no-pager"

    def find(self) -> Finding:
        """Look once."""
        misses = []
        if self._status("/healthz") != 200:
            misses.append("/healthz does not answer 200")
        for site in self.sites:
            path, public = str(site["path"]), bool(site["public"])
            stranger = self._status(path)
            if not public and stranger != 401:
                misses.append(f"{path} answers {stranger} without a password, expected 401")
            answered = stranger if public else self._status(path, signed_in=True)
            # What a program says of its front page is its own affair; that nobody is behind the door is ours.
            if answered >= 500 or answered == 401:
                misses.append(f"{path} answers {answered}" + ("" if public else " to an operator"))
        detail = "; ".join(misses) or f"{len(self.sites)} paths answer, operators' ones ask for a password"
        return Finding(self.name, ok=not misses, detail=detail, look=self.look if misses else "")

    def _status(self, path: str, *, signed_in: bool = False) -> int:
        name, password = (self.username, self.password) if signed_in else ("", "")
        return ask.status_of(self.url + path, username=name, password=password, ca_file=self.ca_file)


def of_prometheus(asked: Mapping[str, Any]) -> list[Asked]:
    """Return the checks of one Prometheus.

    Args:
        asked: ``url``, ``http``, ``targets``, ``own_jobs``, ``clusters`` (names), ``alertmanagers`` (number), ``rules``
            (bool) and ``rare_metrics`` (names or patterns of metrics that rules may miss).
    """
    url, client = str(asked["url"]), ask.client(asked.get("http"))
    expected = list(asked["targets"])
    probes = sum(1 for target in expected if target["job"] == PROBE_JOB)
    look = "journalctl -u prometheus -n 50 --no-pager"

    def data(path: str) -> Any:
        return ask.data(client, url + path)

    def targets() -> Finding:
        active = data("/api/v1/targets?state=active")["activeTargets"]
        return judge.targets(active, expected, list(asked.get("own_jobs") or []), url)

    checks = [
        Asked("configuration", look, lambda: judge.configuration(data("/api/v1/status/runtimeinfo"))),
        Asked("targets", look, targets),
        Asked("rules", look, lambda: judge.rules(data("/api/v1/rules")["groups"], bool(asked["rules"]), url)),
        Asked(
            "alertmanagers",
            look,
            lambda: judge.alertmanagers(
                data("/api/v1/alertmanagers")["activeAlertmanagers"], int(asked["alertmanagers"]), url
            ),
        ),
    ]
    if asked.get("rules"):

        def rule_series() -> Finding:
            looked_at = rule_metrics.wanted(data("/api/v1/rules")["groups"])
            return rule_metrics.judge(
                looked_at, data("/api/v1/label/__name__/values"), list(asked.get("rare_metrics") or []), url
            )

        checks.append(Asked("rule metrics", look, rule_series))
    if clusters := list(asked.get("clusters") or []):
        checks.append(Asked("clusters", look, lambda: judge.clusters(ask.query(client, url, _PODS), clusters, url)))
    if probes:
        failing = f'probe_success{{job="{PROBE_JOB}"}} == 0'
        checks.append(Asked("probes", look, lambda: judge.probes(ask.query(client, url, failing), probes, url)))
    return checks


def of_alertmanager(asked: Mapping[str, Any]) -> list[Asked]:
    """Return the checks of one Alertmanager.

    Args:
        asked: ``url``, ``http`` and ``cluster_size``.
    """
    url, client = str(asked["url"]), ask.client(asked.get("http"))
    look = "journalctl -u alertmanager -n 50 --no-pager"

    def ready() -> Finding:
        client.get(f"{url}/-/ready")
        return Finding("alertmanager", ok=True, detail="ready")

    def cluster() -> Finding:
        return judge.cluster(ask.answer(client, f"{url}/api/v2/status"), int(asked["cluster_size"]), url)

    return [Asked("alertmanager", look, ready), Asked("cluster", look, cluster)]


def of_edge(asked: Mapping[str, Any], password: str) -> list[Door]:
    """Return the check of the edge.

    Args:
        asked: ``url``, ``sites``, ``username`` and ``ca_file``.
        password: The operator's.
    """
    return [
        Door(str(asked["url"]), list(asked["sites"]), str(asked["username"]), password, str(asked.get("ca_file") or ""))
    ]
