"""Pure judgements on what Prometheus and Alertmanager say about themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding

_SHOWN = 3  # misses named in one line; the JSON answer behind `look` has them all
_TARGETS = "curl -s {url}/api/v1/targets?state=active"


def targets(
    active: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, str]],
    own_jobs: Sequence[str],
    url: str,
) -> Finding:
    """Every expected target is up, and there is none that the topology does not expect.

    Args:
        active: ``data.activeTargets`` of ``/api/v1/targets``.
        expected: ``{job, instance}`` of each target of the topology.
        own_jobs: Names of the user's own scrape jobs. Their listed targets must be up too; discovered ones come
            and go.
        url: Of this Prometheus, for the closer look.
    """
    wanted = {(target["job"], target["instance"]) for target in expected}
    seen = {(target["labels"].get("job", ""), target["labels"].get("instance", "")): target for target in active}
    must = wanted | {key for key, target in seen.items() if key[0] in own_jobs and not _is_discovered(target)}
    misses: list[tuple[str, tuple[str, str]]] = []
    for key in sorted(must):
        name = "/".join(key)
        if key not in seen:
            misses.append((f"{name} is not scraped", key))
        elif seen[key].get("health") != "up":
            reason = seen[key].get("lastError") or f"not scraped yet, health {seen[key].get('health')}"
            misses.append((f"{name} is not up ({reason})", key))
    for key in sorted(set(seen) - wanted):
        if key[0] not in own_jobs and not _is_discovered(seen[key]):  # the topology discovers nothing
            misses.append((f"{'/'.join(key)} is scraped, but the topology has no such target", key))
    if not misses:
        return Finding("targets", ok=True, detail=f"{len(must)} of {len(must)} up")
    job, instance = misses[0][1]
    on_its_host = (job, instance) in wanted and "://" not in instance and (job, instance) in seen
    return Finding(
        "targets",
        ok=False,
        detail=_joined([text for text, _ in misses]),
        look=f"journalctl -u {job} -n 50 --no-pager" if on_its_host else _TARGETS.format(url=url),
        on=instance if on_its_host else "",
    )


def clusters(pods: Sequence[Mapping[str, Any]], expected: Sequence[str], url: str) -> Finding:
    """Each cluster has pods, and all of them answer.

    Args:
        pods: ``data.result`` of a query with one sample per pod, 1 when it answers; labels ``cluster`` and ``pod``.
        expected: Names of the clusters.
        url: Of this Prometheus.
    """
    misses = []
    for cluster in expected:
        mine = [pod for pod in pods if pod["metric"].get("cluster") == cluster]
        silent = sorted(str(pod["metric"].get("pod", "?")) for pod in mine if float(pod["value"][1]) != 1)
        if not mine:
            misses.append(f"{cluster}: no pod is known")
        elif silent:
            misses.append(f"{cluster}: {len(silent)} of {len(mine)} pods do not answer ({', '.join(silent[:_SHOWN])})")
    if misses:
        return Finding("clusters", ok=False, detail=_joined(misses), look=_TARGETS.format(url=url))
    return Finding("clusters", ok=True, detail=f"{len(pods)} pods of {len(expected)} clusters answer")


def probes(failing: Sequence[Mapping[str, Any]], expected: int, url: str) -> Finding:
    """No probe of blackbox_exporter fails.

    Args:
        failing: ``data.result`` of the query ``probe_success == 0``.
        expected: Number of probes in the topology.
        url: Of this Prometheus.
    """
    if not failing:
        return Finding("probes", ok=True, detail=f"{expected} of {expected} succeed")
    names = sorted(str(sample["metric"].get("instance", "?")) for sample in failing)
    look = f"curl -s -o /dev/null -w '%{{http_code}}\\n' {names[0]}" if "://" in names[0] else _TARGETS.format(url=url)
    return Finding("probes", ok=False, detail=_joined([f"{name} fails" for name in names]), look=look)


def rules(groups: Sequence[Mapping[str, Any]], expected: bool, url: str) -> Finding:
    """No rule of any group fails, and there are rules where files were given.

    Args:
        groups: ``data.groups`` of ``/api/v1/rules``.
        expected: Whether rule files are configured.
        url: Of this Prometheus.
    """
    look = f"curl -s {url}/api/v1/rules"
    bad = [
        f"{group['name']}: {rule['name']} {rule.get('lastError') or 'has not been evaluated yet'}"
        for group in groups
        for rule in group["rules"]
        if rule.get("health") != "ok"
    ]
    if bad:
        return Finding("rules", ok=False, detail=_joined(bad), look=look)
    if expected and not groups:
        return Finding("rules", ok=False, detail="rule files are configured, but no group is loaded", look=look)
    number = sum(len(group["rules"]) for group in groups)
    return Finding("rules", ok=True, detail=f"{number} rules in {len(groups)} groups evaluate")


def configuration(runtime: Mapping[str, Any]) -> Finding:
    """The configuration on disk is the one in force.

    Args:
        runtime: ``data`` of ``/api/v1/status/runtimeinfo``.
    """
    if runtime.get("reloadConfigSuccess") is True:
        return Finding("configuration", ok=True, detail=f"loaded {runtime.get('lastConfigTime', '')}".strip())
    return Finding(
        "configuration",
        ok=False,
        detail="the last reload was refused; an older configuration is in force",
        look="journalctl -u prometheus -n 50 --no-pager",
    )


def alertmanagers(active: Sequence[Mapping[str, Any]], expected: int, url: str) -> Finding:
    """Prometheus sends its alerts to as many Alertmanagers as the topology has.

    Args:
        active: ``data.activeAlertmanagers`` of ``/api/v1/alertmanagers``.
        expected: Their number.
        url: Of this Prometheus.
    """
    urls = sorted(str(one.get("url", "")) for one in active)
    detail = f"{len(urls)} of {expected} active" + (f" ({', '.join(urls)})" if urls else "")
    return Finding(
        "alertmanagers",
        ok=len(urls) == expected,
        detail=detail,
        look="" if len(urls) == expected else f"curl -s {url}/api/v1/alertmanagers",
    )


def cluster(status: Mapping[str, Any], expected: int, url: str) -> Finding:
    """Alertmanager's cluster has as many members as the topology.

    Args:
        status: Answer of ``/api/v2/status``.
        expected: Members, this one included; 1 means that gossip is off.
        url: Of this Alertmanager.
    """
    state = str((status.get("cluster") or {}).get("status", "unknown"))
    members = len((status.get("cluster") or {}).get("peers") or [])
    alone = expected <= 1
    ok = state == "disabled" if alone else state == "ready" and members == expected
    said = "it works alone" if alone and ok else f"{members} of {expected} members, {state}"
    return Finding("cluster", ok=ok, detail=said, look="" if ok else f"curl -s {url}/api/v2/status")


def _is_discovered(target: Mapping[str, Any]) -> bool:
    """Tell whether service discovery found a target; a static one has no ``__meta_`` labels."""
    return any(label.startswith("__meta_") for label in target.get("discoveredLabels", {}))


def _joined(misses: Sequence[str]) -> str:
    more = len(misses) - _SHOWN
    return "; ".join(misses[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
