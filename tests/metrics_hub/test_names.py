"""Names are stable, no two pods share one, and nobody takes another's."""

from __future__ import annotations

import pytest

from metrics_hub.names import PodNames
from metrics_hub.targets import Target

A, B, C = (Target(f"10.0.0.{number}", 9464) for number in (1, 2, 3))


def test_a_pod_goes_by_the_name_it_says() -> None:
    assert PodNames().settle({A: "fintech-a", B: None}) == {A: "fintech-a", B: "10.0.0.2:9464"}


def test_a_pod_that_falls_silent_keeps_its_name() -> None:
    names = PodNames()
    names.settle({A: "fintech-a"})

    assert names.settle({A: None}) == {A: "fintech-a"}


def test_an_address_that_went_is_forgotten() -> None:
    names = PodNames()
    names.settle({A: "fintech-a"})
    names.settle({B: "fintech-b"})

    assert names.settle({A: None, B: None}) == {A: "10.0.0.1:9464", B: "fintech-b"}


def test_a_new_pod_at_an_old_address_has_its_own_name() -> None:
    names = PodNames()
    names.settle({A: "fintech-a"})

    assert names.settle({A: "fintech-new"}) == {A: "fintech-new"}


def test_a_liar_does_not_get_the_name_of_a_pod_that_has_it(caplog: pytest.LogCaptureFixture) -> None:
    """Not even from a lower address, and not while the other is down."""
    names = PodNames()
    names.settle({B: "fintech-b"})

    assert names.settle({A: "fintech-b", B: "fintech-b"}) == {A: "10.0.0.1:9464", B: "fintech-b"}
    assert names.settle({A: "fintech-b", B: None}) == {A: "10.0.0.1:9464", B: "fintech-b"}
    assert "10.0.0.1:9464 calls itself fintech-b, as another pod does" in caplog.text


def test_pods_that_change_names_with_each_other_stay_apart() -> None:
    names = PodNames()
    names.settle({A: "x", B: "y", C: "z"})

    settled = names.settle({A: "y", B: "x", C: "z"})

    assert len(set(settled.values())) == 3


@pytest.mark.parametrize("name", ["", "a b", 'x"} 1', "A", "-a", "ü", "a" * 254, "10.0.0.2:9464", "a\n"])
def test_what_no_pod_can_be_called_is_no_name(name: str) -> None:
    assert PodNames().settle({A: name}) == {A: "10.0.0.1:9464"}
