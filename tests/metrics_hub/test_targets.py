"""Where the pods are: lists, lookups, and lookups that fail."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from metrics_hub import targets
from metrics_hub.errors import OptionError
from metrics_hub.targets import Found, Target, Targets, addresses_of


def test_a_list_is_taken_as_it_is_in_order() -> None:
    assert Targets("b:2,a:1, [::1]:3").find(1).targets == (Target("::1", 3), Target("a", 1), Target("b", 2))
    assert str(Target("::1", 3)) == "[::1]:3"


def test_a_name_is_looked_up_for_each_scrape() -> None:
    answers = iter([["10.0.0.2", "10.0.0.1"], ["10.0.0.3"]])
    found = Targets("dns://fintech-pods:9464", lookup=lambda host, port: next(answers))

    assert found.find(1) == Found((Target("10.0.0.1", 9464), Target("10.0.0.2", 9464)))
    assert found.find(1) == Found((Target("10.0.0.3", 9464),))


def test_a_resolver_that_fails_leaves_the_last_known_pods() -> None:
    answers: list[Any] = [["10.0.0.1"], OSError("no answer"), []]

    def lookup(host: str, port: int) -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return list(answer)

    found = Targets("dns://p:1", lookup=lookup)

    assert found.find(1) == Found((Target("10.0.0.1", 1),))
    assert found.find(1) == Found((Target("10.0.0.1", 1),), success=False)
    assert found.find(1) == Found(()), "a name without addresses has no pods"


def test_a_resolver_that_hangs_is_not_waited_for_and_not_asked_twice() -> None:
    go_on, asked = threading.Event(), []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        assert go_on.wait(10)
        return ["10.0.0.1"]

    found = Targets("dns://p:1", lookup=lookup)

    assert found.find(0.01) == Found((), success=False)
    assert found.find(0.01) == Found((), success=False)
    go_on.set()
    assert found.find(10) == Found((Target("10.0.0.1", 1),))
    assert asked == ["p"]


@pytest.mark.parametrize(
    ("answers", "addresses"),
    [
        pytest.param([("10.0.0.1", 4), ("fd00::1", 6), ("10.0.0.2", 4)], ["10.0.0.1", "10.0.0.2"], id="both families"),
        pytest.param([("fd00::1", 6), ("fd00::2", 6)], ["fd00::1", "fd00::2"], id="IPv6 alone"),
        pytest.param(socket.gaierror(socket.EAI_NONAME, "unknown"), [], id="no such name"),
        pytest.param(socket.gaierror(socket.EAI_NODATA, "no address"), [], id="no address"),
    ],
)
def test_a_pod_with_addresses_of_both_families_counts_once(
    monkeypatch: pytest.MonkeyPatch, answers: Any, addresses: list[str]
) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        if isinstance(answers, OSError):
            raise answers
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [(families[family], socket.SOCK_STREAM, 6, "", (address, 9464)) for address, family in answers]

    monkeypatch.setattr(targets.socket, "getaddrinfo", getaddrinfo)

    assert addresses_of("p", 9464) == addresses


def test_a_resolver_out_of_order_is_told_apart_from_no_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(targets.socket, "getaddrinfo", getaddrinfo)

    with pytest.raises(OSError, match="try again"):
        addresses_of("p", 9464)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' has no port"),
        ("pods", "'pods' has no port"),
        ("pods:0", "no port from 1 to 65535"),
        ("pods:70000", "no port from 1 to 65535"),
        ("pods:http", "no port"),
        ("a b:1", "no host"),
        ("::1:9464", "no host"),
        ("[pods]:9464", "no host"),
        ("http://pods:9464", "begins with http://"),
        ("dns://a:1,b:2", "several hosts after dns://"),
    ],
)
def test_what_is_no_target_is_refused(text: str, problem: str) -> None:
    with pytest.raises(OptionError, match=f"^--targets: .*{problem}.*Write dns://NAME:PORT"):
        Targets(text)
