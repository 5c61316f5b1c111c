"""Which release a host gets, and that it keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils import choice
from ansible_collections.promontory.stack.plugins.plugin_utils.choice import Choice, Host, Wanted

from tests.unit.component.server import Site, serving

FRESH = Host(architecture="amd64", python="3.13.5", installed={})


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(pages={"/tiny-1.0.0.linux-amd64.tar.gz": "archive"})) as made:
        yield made


@pytest.fixture
def wanted(tmp_path: Path, site: Site) -> Wanted:
    return Wanted(
        component="tiny",
        program="tiny",
        version="1.0.0",
        install_from="auto",
        archive={"url": site.url + "/tiny-{version}.linux-{arch}.tar.gz"},
        packages=["tiny-daemon"],
        cache=tmp_path,
    )


def _choose(wanted: Wanted, host: Host = FRESH, candidate: str | None = "0.9.1+ds1-2") -> Choice:
    def ask() -> str:
        assert candidate is not None, "the host was asked for its packages"
        return candidate

    return choice.choose(wanted, host, candidate=ask)


def _installed(wanted: Wanted, source: str, release: str) -> Host:
    return replace(FRESH, installed={"source": source, "release": release, "request": wanted.request()})


def test_auto_takes_the_archive_where_its_source_has_it(wanted: Wanted, site: Site) -> None:
    chosen = _choose(wanted, candidate=None)

    assert (chosen.source, chosen.version, chosen.name) == ("archive", "1.0.0", "1.0.0")
    assert site.asked == ["HEAD /tiny-1.0.0.linux-amd64.tar.gz"]


def test_auto_takes_the_archive_where_the_cache_has_it(wanted: Wanted, site: Site, tmp_path: Path) -> None:
    (tmp_path / "tiny-1.0.0.linux-amd64.tar.gz").touch()

    assert _choose(wanted, candidate=None).source == "archive"
    assert site.asked == []


def test_auto_takes_the_package_where_the_archive_cannot_be_had(wanted: Wanted, site: Site) -> None:
    site.pages.clear()

    chosen = _choose(wanted)

    assert (chosen.source, chosen.version, chosen.name) == ("package", "0.9.1", "0.9.1+ds1-2")
    assert chosen.package_version == "0.9.1+ds1-2"


def test_auto_keeps_an_archive_though_its_source_went_away(wanted: Wanted, site: Site) -> None:
    site.pages.clear()

    assert _choose(wanted, _installed(wanted, "archive", "1.0.0"), candidate=None).source == "archive"
    assert site.asked == []


def test_auto_keeps_a_package_though_the_source_came_back_and_the_package_grew(wanted: Wanted, site: Site) -> None:
    chosen = _choose(wanted, _installed(wanted, "package", "0.9.1+ds1-2"), candidate=None)

    assert (chosen.source, chosen.name) == ("package", "0.9.1+ds1-2")
    assert site.asked == []


def test_an_archive_laid_into_the_cache_wins_over_an_earlier_choice(wanted: Wanted, tmp_path: Path) -> None:
    (tmp_path / "tiny-1.0.0.linux-amd64.tar.gz").touch()

    assert _choose(wanted, _installed(wanted, "package", "0.9.1-2"), candidate=None).source == "archive"


@pytest.mark.parametrize(
    "change", [{"version": "1.0.1"}, {"mirror": "https://m.example"}, {"install_from": "package"}], ids=str
)
def test_another_request_is_chosen_anew(wanted: Wanted, site: Site, change: dict[str, Any]) -> None:
    host = _installed(wanted, "package", "0.9.1-2")
    site.pages.clear()

    assert _choose(replace(wanted, **change), host, candidate="0.9.5-1").name == "0.9.5-1"


def test_an_arm64_host_gets_the_arm64_archive(wanted: Wanted, site: Site) -> None:
    chosen = _choose(replace(wanted, install_from="archive"), replace(FRESH, architecture="arm64"), candidate=None)

    assert chosen.archive is not None
    assert chosen.archive.name == "tiny-1.0.0.linux-arm64.tar.gz"


def test_a_packages_epoch_becomes_no_colon_in_a_path_and_comes_back(wanted: Wanted) -> None:
    """A colon is awkward in a path, a per cent sign would be a specifier in the unit."""
    package = replace(wanted, install_from="package")

    first = _choose(package, candidate="1:0.9.1~rc1+ds1-2")
    again = _choose(package, _installed(package, "package", first.name), candidate=None)

    assert first == again
    assert first.package_version == "1:0.9.1~rc1+ds1-2"
    assert first.version == "0.9.1"
    assert not set(first.name) & set(":%/ ")


@pytest.mark.parametrize(
    ("change", "architecture", "complaint"),
    [
        ({"install_from": "snap"}, "amd64", "tiny_install_from: 'snap' is unknown"),
        ({"install_from": "archive", "archive": {}}, "amd64", "tiny has no archive"),
        ({"install_from": "archive", "version": ""}, "amd64", "tiny_version is empty"),
        ({"install_from": "archive"}, "riscv64", "no archive is chosen for the architecture riscv64"),
        ({"install_from": "package", "packages": []}, "amd64", "no distribution package of tiny is known"),
        ({"archive": {}, "packages": []}, "amd64", "no distribution package of tiny is known"),
        ({"install_from": "python"}, "amd64", "tiny is no Python project of ours"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_variable(
    wanted: Wanted, change: dict[str, Any], architecture: str, complaint: str
) -> None:
    with pytest.raises(ComponentError, match=complaint):
        _choose(replace(wanted, **change), replace(FRESH, architecture=architecture), candidate=None)


def test_what_the_host_says_of_its_packages_is_handed_on(wanted: Wanted) -> None:
    def refuse() -> str:
        raise ComponentError("The package tiny-daemon is not offered by this host's apt sources.")

    refusing: Callable[[], str] = refuse
    with pytest.raises(ComponentError, match="not offered"):
        choice.choose(replace(wanted, install_from="package"), FRESH, candidate=refusing)


def test_where_nothing_can_be_had_both_ways_and_the_ways_out_are_named(wanted: Wanted, site: Site) -> None:
    def refuse() -> str:
        raise ComponentError("tiny: no package of that name.", hint="Another hint.")

    site.pages.clear()

    with pytest.raises(ComponentError, match=r"no source of \w+ [\d.]+ is reachable") as refusal:
        choice.choose(wanted, FRESH, candidate=refuse)

    said = str(refusal.value)
    assert "Archive: http" in said
    assert "Package: tiny: no package of that name." in said
    assert f"stack_without: [{wanted.component}]" in said
    assert "Another hint" not in said
    assert refusal.value.__cause__ is None
