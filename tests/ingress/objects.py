"""The Ingress objects of sample_app/k8s as kustomize renders them, for hosts of the test's choice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.rendering import K8S, kustomize


def ingresses(folder: Path, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Render the component of the two hosts.

    Args:
        folder: An empty directory for an overlay.
        parameters: What an overlay's parameters.yml holds: `app-host`, `metrics-host` and so on.
    """
    held_back = {"config.kubernetes.io/local-config": "true"}
    of_cluster = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "parameters", "annotations": held_back},
        "data": dict(parameters),
    }  # fmt: skip
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["parameters.yml"],
        "components": [os.path.relpath(K8S / "components/ingress", folder.resolve())],
    }
    (folder / "parameters.yml").write_text(yaml.safe_dump(of_cluster), encoding="utf-8")
    (folder / "kustomization.yml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return [found for found in yaml.safe_load_all(kustomize(folder)) if found["kind"] == "Ingress"]
