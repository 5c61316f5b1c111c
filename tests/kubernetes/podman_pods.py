"""The local overlay as podman can play it: the same pods, with what podman lacks put in another way.

podman 4.3 knows no Services, cannot mount a Secret or a claim as a pod would see it, asks probes with curl, and wants ports by number.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from promontory.manifests import Manifests
from promontory.manifests.objects import Workload

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def playable(
    manifests: Manifests,
    owner: str,
    *,
    name: str,
    image: str,
    volumes: Mapping[str, Path],
    published: Mapping[int, int] | None = None,
    arguments: Mapping[str, str] | None = None,
) -> str:
    """Write one workload's pod, and the settings it reads, as YAML for `podman kube play`.

    Args:
        manifests: The overlay.
        owner: The workload, such as `Deployment/fintech`.
        name: Name of the pod.
        image: What its container runs.
        volumes: Directory of this machine for each volume that is no emptyDir, by the volume's name.
        published: Port of 127.0.0.1 for each port of the pod that is reached from here.
        arguments: What stands in place of arguments that need a cluster.
    """
    (workload,) = (one for one in manifests.workloads() if one.where == owner)
    spec: dict[str, Any] = copy.deepcopy(dict(workload.spec))
    (container,) = spec["containers"]
    container["image"] = image
    container["args"] = [(arguments or {}).get(word, word) for word in container["args"]]
    container["ports"] = [
        {"containerPort": inside, "hostPort": outside, "hostIP": "127.0.0.1"} for inside, outside in (published or {}).items()
    ]
    for absent in (*_PROBES, "lifecycle"):
        container.pop(absent, None)
    for mount in container["volumeMounts"]:
        mount["name"] = f"{name}-{mount['name']}"   # an emptyDir becomes a volume of this name, shared by all pods
    spec["volumes"] = [
        {"name": f"{name}-{volume['name']}", **_contents(volumes.get(volume["name"]))} for volume in spec["volumes"]
    ]
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": dict(workload.labels)},
        "spec": {**spec, "restartPolicy": "Never"},
    }  # fmt: skip
    return "---\n".join(yaml.safe_dump(document) for document in [*_settings(manifests, workload), pod])


def _contents(place: Path | None) -> Mapping[str, Any]:
    """Return what a volume is: a directory of this machine, or empty as it was."""
    return {"emptyDir": {}} if place is None else {"hostPath": {"path": str(place), "type": "Directory"}}


def _settings(manifests: Manifests, workload: Workload) -> Sequence[Mapping[str, Any]]:
    used = {one["configMapRef"]["name"] for container in workload.containers for one in container.get("envFrom", ())}
    return [one.body for one in manifests.of("ConfigMap") if one.name in used]
