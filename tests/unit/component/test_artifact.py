"""The artifact cache: what it hands out is verified, whoever put it there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils.artifact import Archive, Cache, describe

from tests.unit.component.server import Site, serving
from tests.unit.component.workbench import pack, sha256

NAME = "tiny-1.0.0.linux-amd64.tar.gz"
DECLARED = {
    "url": "https://github.com/tiny/tiny/releases/download/v{version}/tiny-{version}.linux-{arch}.tar.gz",
    "sums_url": "https://github.com/tiny/tiny/releases/download/v{version}/sha256sums.txt",
    "sha256": {"amd64": "a" * 64, "arm64": "b" * 64},
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return pack(tmp_path / "published.tar.gz", {"tiny": b"genuine"})


@pytest.fixture
def site(published: Path) -> Iterator[Site]:
    pages = {f"/v1/{NAME}": published.read_bytes(), "/v1/sums": f"{'0' * 64}  other\n{sha256(published)} *./{NAME}\n"}
    with serving(Site(pages=dict(pages))) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def _archive(site: Site, *, pinned: str = "", sums: bool = True) -> Archive:
    return Archive(url=f"{site.url}/v1/{NAME}", sums_url=f"{site.url}/v1/sums" if sums else "", sha256=pinned)


@pytest.mark.parametrize(("architecture", "pinned"), [("amd64", "a" * 64), ("arm64", "b" * 64), ("riscv64", "")])
def test_the_archive_of_the_hosts_architecture_is_described_with_its_sum(architecture: str, pinned: str) -> None:
    archive = describe(DECLARED, version="1.0.0", architecture=architecture, mirror="")

    assert archive.name == f"tiny-1.0.0.linux-{architecture}.tar.gz"
    assert archive.sha256 == pinned


def test_a_mirror_replaces_the_publisher_and_nothing_else() -> None:
    archive = describe(DECLARED, version="1.0.0", architecture="amd64", mirror="https://mirror.example/github/")
    elsewhere = describe(
        {"url": "https://dl.example/t.tgz"}, version="1", architecture="amd64", mirror="https://m.example"
    )

    assert archive.url == f"https://mirror.example/github/tiny/tiny/releases/download/v1.0.0/{NAME}"
    assert archive.sums_url.startswith("https://mirror.example/github/tiny/")
    assert elsewhere.url == "https://dl.example/t.tgz"


def test_a_mirror_that_is_no_url_is_refused() -> None:
    with pytest.raises(ComponentError, match=r"http://\[::1/tiny/.* is no URL") as refusal:
        describe(DECLARED, version="1.0.0", architecture="amd64", mirror="http://[::1")
    assert "stack_artifact_mirror" in refusal.value.hint


def test_a_pinned_archive_is_fetched_once(cache: Cache, site: Site, published: Path) -> None:
    archive = _archive(site, pinned=sha256(published))

    first = cache.ensure(archive)
    second = cache.ensure(archive)

    assert first == second
    assert first.read_bytes() == published.read_bytes()
    assert site.asked == [f"GET /v1/{NAME}"]
    assert [path.name for path in cache.directory.iterdir()] == [NAME]


def test_a_file_put_there_by_hand_is_used_without_a_network(cache: Cache, published: Path) -> None:
    cache.directory.mkdir()
    (cache.directory / NAME).write_bytes(published.read_bytes())

    path = cache.ensure(Archive(url=f"http://127.0.0.1:9/{NAME}", sums_url="", sha256=sha256(published)))

    assert path == cache.directory / NAME


def test_a_list_of_sums_beside_it_is_as_good_as_the_publishers(cache: Cache, published: Path) -> None:
    cache.directory.mkdir()
    (cache.directory / NAME).write_bytes(published.read_bytes())
    (cache.directory / "sha256sums.txt").write_text(f"{sha256(published)}  {NAME}\n")

    assert cache.ensure(Archive(url=f"http://127.0.0.1:9/{NAME}", sums_url="", sha256="")).is_file()


def test_a_file_in_the_cache_that_is_not_the_pinned_one_is_refused(cache: Cache, site: Site, published: Path) -> None:
    archive = _archive(site, pinned=sha256(published))
    cache.ensure(archive).write_bytes(b"evil")

    with pytest.raises(
        ComponentError, match=f"{cache.directory / NAME}: its SHA-256 is .*, expected {sha256(published)}"
    ):
        cache.ensure(archive)


def test_a_download_that_is_not_the_pinned_one_is_refused_and_not_kept(
    cache: Cache, site: Site, published: Path
) -> None:
    """A download cut short must not stand in the way of the next run."""
    archive = _archive(site, pinned=sha256(published))
    site.pages[f"/v1/{NAME}"] = published.read_bytes()[:-1]

    with pytest.raises(ComponentError, match=f"{site.url}/v1/{NAME}: what it answers has the SHA-256"):
        cache.ensure(archive)
    assert list(cache.directory.iterdir()) == []

    site.pages[f"/v1/{NAME}"] = published.read_bytes()
    assert cache.ensure(archive).is_file()


def test_a_sum_taken_from_the_publisher_holds_from_then_on(cache: Cache, site: Site, published: Path) -> None:
    archive = _archive(site)
    cache.ensure(archive)
    recorded = json.loads((cache.directory / "artifacts.lock.json").read_text())
    assert recorded == {NAME: sha256(published)}

    site.pages[f"/v1/{NAME}"] = b"evil"
    site.pages["/v1/sums"] = f"{'e' * 64}  {NAME}\n"
    cache.path(archive).unlink()

    with pytest.raises(ComponentError, match=f"expected {sha256(published)}"):
        cache.ensure(archive)


@pytest.mark.parametrize(
    ("sums", "pinned", "page", "complaint"),
    [
        pytest.param(False, "", None, "no SHA-256 is pinned and its publisher has no list", id="no sum anywhere"),
        pytest.param(True, "", "", f"/v1/sums has no sum for {NAME}", id="not in the list"),
        pytest.param(True, "", f"beef  {NAME}\n", f"has no sum for {NAME}", id="no SHA-256 in the list"),
        pytest.param(True, "", f"{'e' * 64}  not-{NAME}\n", f"has no sum for {NAME}", id="longer name in the list"),
        pytest.param(False, "cafe", None, "the pinned sum 'cafe' is no SHA-256", id="pinned is no sum"),
    ],
)
def test_without_a_sum_nothing_is_handed_out(
    cache: Cache, site: Site, sums: bool, pinned: str, page: str | None, complaint: str
) -> None:
    if page is not None:
        site.pages["/v1/sums"] = page

    with pytest.raises(ComponentError, match=complaint):
        cache.ensure(_archive(site, pinned=pinned, sums=sums))
    assert not cache.has(_archive(site))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/t.tar.gz", "no url"])
def test_an_unreachable_source_is_named_with_the_ways_out(cache: Cache, url: str) -> None:
    with pytest.raises(ComponentError) as refusal:
        cache.ensure(Archive(url=url, sums_url="", sha256="a" * 64))

    assert refusal.value.message.startswith(f"{url}: ")
    assert "stack_artifact_mirror" in refusal.value.hint
    assert list(cache.directory.iterdir()) == []


def test_an_answer_that_is_no_file_is_named(cache: Cache, site: Site) -> None:
    with pytest.raises(ComponentError, match=r"/v2/t\.tar\.gz: answered 404 Not Found"):
        cache.ensure(Archive(url=f"{site.url}/v2/t.tar.gz", sums_url="", sha256="a" * 64))


def test_a_damaged_record_of_sums_is_named(cache: Cache, site: Site) -> None:
    cache.directory.mkdir()
    (cache.directory / "artifacts.lock.json").write_text("{")

    with pytest.raises(ComponentError, match=r"artifacts\.lock\.json: this record of sums cannot be read"):
        cache.ensure(_archive(site))


def test_a_file_that_holds_the_sum_alone_is_the_publishers_word_too(
    cache: Cache, site: Site, published: Path
) -> None:
    """Some publishers put <archive>.sha256 beside the archive, without a file name in it."""
    site.pages["/alone.sha256"] = f"{sha256(published)}\n"
    archive = Archive(url=f"{site.url}/{published.name}", sums_url=f"{site.url}/alone.sha256", sha256="")

    assert cache.expected_sum(archive) == sha256(published)
