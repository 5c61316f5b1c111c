"""Nouns of these tests: pods, and a hub that scrapes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client import Counter, Histogram

from metrics_hub.hub import Hub, Limits
from metrics_hub.targets import Targets
from tests.metrics_hub.pods import Pod, RawPod


@pytest.fixture
def make_pod() -> Iterator[Callable[..., Pod]]:
    """Give a function that starts a pod with some metrics of its own."""
    made: list[Pod] = []

    def make(name: str | None = None, *, requests: int = 0, **options: Any) -> Pod:
        pod = Pod(name, **options)
        counter = Counter("requests", "Requests.", ["route"], registry=pod.registry)
        counter.labels("/").inc(requests)
        Histogram("duration_seconds", "Time.", buckets=(0.1, 1), registry=pod.registry).observe(0.5, {"trace_id": "abc"})
        made.append(pod.start())
        return pod

    yield make
    for pod in made:
        pod.stop()


@pytest.fixture
def make_raw_pod() -> Iterator[Callable[..., RawPod]]:
    """Give a function that starts a pod with this behaviour."""
    made: list[RawPod] = []

    def make(behave: Any) -> RawPod:
        made.append(RawPod(behave).start())
        return made[-1]

    yield make
    for pod in made:
        pod.stop()


@pytest.fixture
def make_hub() -> Iterator[Callable[..., Hub]]:
    """Give a function that makes a hub for these pods; keyword arguments are limits."""
    made: list[Hub] = []

    def make(*pods: Any, **limits: Any) -> Hub:
        made.append(Hub(Targets(",".join(str(pod.target) for pod in pods)), Limits(**limits)))
        return made[-1]

    yield make
    for hub in made:
        hub.close()
