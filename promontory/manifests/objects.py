"""A set of manifests: read strictly, found by kind and name, and the pods that its workloads would start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from promontory.errors import UsageError

MADE_OUTSIDE = "promontory/made-outside"
_POD_AT = {
    "Pod": "", "Deployment": "spec.template", "StatefulSet": "spec.template", "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template", "Job": "spec.template", "CronJob": "spec.jobTemplate.spec.template",
}  # fmt: skip
_CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "GatewayClass"})


class ManifestError(UsageError):
    """A file holds no manifests."""


def at(body: Any, path: str, default: Any = None) -> Any:
    """Return what lies at a dotted path, or the default when a part of it is not there or null."""
    for key in path.split(".") if path else ():
        body = body.get(key) if isinstance(body, Mapping) else None
    return default if body is None else body


@dataclass(frozen=True)
class Manifest:
    """One object."""

    kind: str
    name: str
    namespace: str
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_mapping(cls, body: object) -> Manifest:
        """Take an object apart.

        Raises:
            ManifestError: It has no kind, apiVersion or name.
        """
        for path in ("kind", "apiVersion", "metadata.name"):
            if not isinstance(at(body, path), str):
                raise ManifestError(f"An object has no {path}: {str(body)[:80]!r}")
        kind = at(body, "kind")
        namespace = "" if kind in _CLUSTER_WIDE else at(body, "metadata.namespace", "default")
        return cls(kind, at(body, "metadata.name"), namespace, at(body, ""))

    @property
    def where(self) -> str:
        """How findings call it."""
        return f"{self.kind}/{self.name}"

    @property
    def group(self) -> str:
        """Its API group; "" is the core's."""
        return str(self.body["apiVersion"]).rpartition("/")[0]

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return dict(at(self.body, "metadata.annotations", {}))

    def at(self, path: str, default: Any = None) -> Any:
        """Return what lies at a dotted path of it."""
        return at(self.body, path, default)


@dataclass(frozen=True)
class Workload:
    """Pods that an object would start, all alike."""

    owner: Manifest
    template: Mapping[str, Any] = field(repr=False)

    @property
    def where(self) -> str:
        """How findings call it."""
        return self.owner.where

    @property
    def namespace(self) -> str:
        """Where its pods are."""
        return self.owner.namespace

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of its pods."""
        return dict(at(self.template, "metadata.labels", {}))

    @property
    def spec(self) -> Mapping[str, Any]:
        """The pods' spec."""
        return dict(at(self.template, "spec", {}))

    @property
    def serves(self) -> bool:
        """Whether its pods are meant to run on, and be reached."""
        return self.owner.kind not in ("Job", "CronJob")

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """Containers, those that run first included."""
        return [*self.spec.get("initContainers", ()), *self.spec.get("containers", ())]

    @property
    def ports(self) -> Mapping[str, int]:
        """Ports its containers name, by name; a port without a name goes by its number."""
        listed = (port for container in self.containers for port in container.get("ports", ()))
        return {port.get("name", str(port["containerPort"])): port["containerPort"] for port in listed}


class Manifests:
    """Objects that are applied together."""

    def __init__(self, bodies: Iterable[object]) -> None:
        """Take parsed objects; empty documents are left out.

        Raises:
            ManifestError: One is no Kubernetes object.
        """
        self.objects = tuple(Manifest.from_mapping(body) for body in bodies if body is not None)

    @classmethod
    def from_yaml(cls, text: str) -> Manifests:
        """Read YAML documents; a key given twice, of which Kubernetes silently takes the last, is refused.

        Raises:
            ManifestError: It is no YAML, or holds something other than objects.
        """
        return cls(strict_documents(text))

    def of(self, *kinds: str) -> Iterator[Manifest]:
        """Give the objects of these kinds."""
        return (one for one in self.objects if one.kind in kinds)

    def find(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """Return one object, or None."""
        return next((one for one in self.of(kind) if (one.name, one.namespace) == (name, namespace)), None)

    def has(self, kind: str, name: str, namespace: str) -> bool:
        """Tell whether an object is here, is made by another one here, or is said to be made outside of these manifests."""
        return (
            self.find(kind, name, namespace) is not None
            or (kind == "Secret" and self._is_made_by_external_secrets(name, namespace))
            or f"{kind}/{namespace}/{name}" in self._made_outside()
        )

    def workloads(self) -> Iterator[Workload]:
        """Give all workloads."""
        for one in self.of(*_POD_AT):
            yield Workload(one, one.at(_POD_AT[one.kind], {}))

    def _is_made_by_external_secrets(self, name: str, namespace: str) -> bool:
        made = (one for one in self.of("ExternalSecret") if one.namespace == namespace)
        return any(one.at("spec.target.name", one.name) == name for one in made)

    def _made_outside(self) -> frozenset[str]:
        """What namespaces say of themselves: `Kind/name`, or `Kind/namespace/name` for another namespace."""
        found = set()
        for one in self.of("Namespace"):
            for word in one.annotations.get(MADE_OUTSIDE, "").split():
                kind, _, name = word.partition("/")
                found.add(word if "/" in name else f"{kind}/{one.name}/{name}")
        return frozenset(found)


def strict_documents(text: str) -> list[Any]:
    """Parse YAML documents, refusing a mapping that names a key twice.

    Raises:
        ManifestError: With the line.
    """
    try:
        return list(yaml.load_all(text, Loader=_Strict))
    except yaml.YAMLError as error:
        raise ManifestError(f"This is no YAML: {' '.join(str(error).split())}") from error


class _Strict(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys differ."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise ManifestError(f'Line {key.start_mark.line + 1}: the key "{key.value}" is given twice.')
            seen.add(key.value)
        return super().construct_mapping(node, deep)
