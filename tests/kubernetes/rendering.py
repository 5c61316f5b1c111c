"""What kustomize makes of an overlay, and whether Kubernetes' schemas accept it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import kubernetes_validate

from promontory.manifests import Manifests
from promontory.manifests.objects import Manifest
from tests.kubernetes.schemas import custom_kinds
from tests.support import debs

K8S = Path(__file__).resolve().parents[2] / "sample_app" / "k8s"
OVERLAYS = ("local", "eks", "gateway-api", "mesh")

# Upstream supports 1.35 to 1.37 in November 2026, and EKS still 1.34.
OLDEST, NEWEST = "1.34", "1.37"


@cache
def kustomize(directory: Path) -> str:
    """Return what `kubectl kustomize` prints, which must print no warning beside it."""
    kubectl = debs.release("kubectl", "trixie").directory / "kubectl"
    done = subprocess.run([kubectl, "kustomize", directory], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@cache
def rendered(overlay: str) -> Manifests:
    """Return an overlay's objects."""
    return Manifests.from_yaml(kustomize(K8S / "overlays" / overlay))


def schema_problems(one: Manifest, version: str) -> Iterator[str]:
    """Give what a release's schema, or ours of a kind that Kubernetes lacks, has against an object."""
    custom = custom_kinds().get(f"{one.at('apiVersion')} {one.kind}")
    if custom is not None:
        yield from (f"{one.where}: {error.json_path}: {error.message}" for error in custom.iter_errors(one.body))
        return
    try:
        kubernetes_validate.validate(dict(one.body), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{one.where}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        yield f"{one.where}: {error.message}"
