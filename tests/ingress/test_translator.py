"""The translator says what the objects say, and refuses what it does not understand."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.ingress.translator import Place, configuration

PLACE = Place(Path("/x"), "127.0.0.1:1", Path("/c"), Path("/k"))
BACKENDS = {("hub", "http"): ["127.0.0.1:2"]}
ALLOW = "nginx.ingress.kubernetes.io/whitelist-source-range"


def ingress(**changes: Any) -> dict[str, Any]:
    path = {"path": "/metrics", "pathType": "Exact", "backend": {"service": {"name": "hub", "port": {"name": "http"}}}}
    spec = {"tls": [{"hosts": ["m.test"]}], "rules": [{"host": "m.test", "http": {"paths": [path]}}]}
    return {"metadata": {"name": "i", "annotations": {}}, "spec": spec} | changes


def translated(one: dict[str, Any]) -> str:
    return configuration([one], BACKENDS, PLACE)


def with_path(**changes: str) -> dict[str, Any]:
    one = copy.deepcopy(ingress())
    one["spec"]["rules"][0]["http"]["paths"][0].update(changes)
    return one


def test_an_exact_path_is_one_location_and_the_rest_is_not_found() -> None:
    text = translated(ingress())

    assert "location = /metrics {" in text
    assert "location / {\nreturn 404;" in text


def test_a_prefix_goes_by_whole_elements() -> None:
    text = translated(with_path(path="/app", pathType="Prefix"))

    assert "location = /app {" in text
    assert "location /app/ {" in text


def test_the_list_of_sources_ends_with_a_refusal() -> None:
    both = {ALLOW: "192.0.2.1/32, 192.0.2.8/29", "haproxy.org/allow-list": "192.0.2.1/32, 192.0.2.8/29"}

    assert "allow 192.0.2.1/32;\nallow 192.0.2.8/29;\ndeny all;" in translated(ingress(metadata={"name": "i", "annotations": both}))


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        pytest.param(with_path(pathType="ImplementationSpecific"), "pathType ImplementationSpecific", id="path type"),
        pytest.param(ingress(metadata={"name": "i", "annotations": {"a/b": "c"}}), "a/b is not translated", id="annotation"),
        pytest.param(
            ingress(metadata={"name": "i", "annotations": {ALLOW: "192.0.2.1/32"}}), "allow-list is None", id="one list alone"
        ),
        pytest.param(ingress(spec=ingress()["spec"] | {"defaultBackend": {}}), "defaultBackend", id="default backend"),
        pytest.param(ingress(spec=ingress()["spec"] | {"tls": []}), r"m\.test has no TLS", id="no TLS"),
    ],
)
def test_what_is_not_understood_is_refused(one: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        translated(one)
