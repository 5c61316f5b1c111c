"""A publisher's APT repository: its key is compared before use, and apt is asked beside the host's own sources."""

from __future__ import annotations

import base64
import itertools
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import apt_repository, commands
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils import apt_source, choice, openpgp

from tests.support.apt_repository import SigningKey, signing_key
from tests.unit.component.server import Site, serving


@pytest.fixture(scope="module", params=["ed25519", "rsa2048"])
def key(request: pytest.FixtureRequest) -> Iterator[SigningKey]:
    with signing_key(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def other() -> Iterator[SigningKey]:
    with signing_key(name="Other") as made:
        yield made


def _given(**changes: Any) -> dict[str, Any]:
    given = {
        "uri": "https://apt.example.net",
        "suite": "stable",
        "components": ["main"],
        "key_url": "https://apt.example.net/gpg.key",
        "fingerprint": "A" * 40,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def _source(**changes: Any) -> apt_source.AptSource:
    described = apt_source.describe("tiny", _given(**changes))
    assert described is not None
    return described


# -- the key -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("armored", [True, False])
def test_the_fingerprint_is_the_one_that_gpg_tells(key: SigningKey, armored: bool) -> None:
    found = openpgp.keys(key.exported(armored=armored))

    assert list(found) == [key.fingerprint]
    assert found[key.fingerprint] == key.exported(armored=False), "subkey and signatures belong to the key"


def test_keys_of_one_file_are_told_apart(key: SigningKey, other: SigningKey) -> None:
    binary = {one.fingerprint: one.exported(armored=False) for one in (key, other)}

    assert openpgp.keys(b"".join(binary.values())) == binary
    assert openpgp.keys(key.exported() + b"\n" + other.exported()) == binary


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: b"", "it has no line -----BEGIN PGP"),
        (lambda data: b"<html>404</html>", "it has no line -----BEGIN PGP"),
        (lambda data: data[:-5], "cut short"),
        (lambda data: data[:1], "cut short"),
        (lambda data: data[:2] + b"\x05" + data[3:] if data[0] != 0x99 else data[:3] + b"\x05" + data[4:], "of version 5"),
        (lambda data: b"\xb4\x01x" + data, "something other than a public key"),
    ],
)
def test_what_is_no_whole_key_is_refused(key: SigningKey, change: Any, complaint: str) -> None:
    with pytest.raises(openpgp.NoKey, match=complaint):
        openpgp.keys(change(key.exported(armored=False)))


def test_a_key_is_fetched_once_compared_and_kept(key: SigningKey, tmp_path: Path) -> None:
    with serving(Site(pages={"/gpg.key": key.exported()})) as site:
        source = _source(key_url=f"{site.url}/gpg.key", fingerprint=key.fingerprint)

        assert source.key(tmp_path) == source.key(tmp_path) == key.exported(armored=False)
        assert site.asked == ["GET /gpg.key"]


def test_another_key_is_refused_with_both_fingerprints_and_not_kept(
    key: SigningKey, other: SigningKey, tmp_path: Path
) -> None:
    with serving(Site(pages={"/gpg.key": other.exported()})) as site:
        source = _source(key_url=f"{site.url}/gpg.key", fingerprint=key.fingerprint)

        with pytest.raises(ComponentError) as refusal:
            source.key(tmp_path)

    said = str(refusal.value)
    assert f"tiny: the key {site.url}/gpg.key has the fingerprint {other.fingerprint}, wanted {key.fingerprint}." in said
    assert "tiny_apt_source" in said
    assert not isinstance(refusal.value, apt_repository.Unavailable), "it must not send anyone on to the next source"
    assert list(tmp_path.iterdir()) == []


def test_of_several_keys_only_the_pinned_one_reaches_the_host(key: SigningKey, other: SigningKey, tmp_path: Path) -> None:
    file = tmp_path / "keys.gpg"
    file.write_bytes(other.exported(armored=False) + key.exported(armored=False))
    source = _source(key_url=None, key_file=str(file), fingerprint=key.fingerprint.lower())

    assert base64.b64decode(source.wire(tmp_path)["key"]) == key.exported(armored=False)


def test_a_key_in_the_cache_is_compared_too(key: SigningKey, other: SigningKey, tmp_path: Path) -> None:
    (tmp_path / f"apt-key-{key.fingerprint}.asc").write_bytes(other.exported())

    with pytest.raises(ComponentError, match=rf"apt-key-.*has the fingerprint {other.fingerprint}"):
        _source(fingerprint=key.fingerprint).key(tmp_path)


def test_a_key_that_cannot_be_fetched_or_read_names_its_place(tmp_path: Path) -> None:
    with serving(Site()) as site, pytest.raises(apt_repository.Unavailable, match=r"gpg\.key: answered 404"):
        _source(key_url=f"{site.url}/gpg.key").key(tmp_path)
    with pytest.raises(ComponentError, match=r"missing\.gpg cannot be read"):
        _source(key_url=None, key_file=str(tmp_path / "missing.gpg")).key(tmp_path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"uri": "ftp://x"}, "is no http or https URL"),
        ({"uri": "https://x [trusted=yes]"}, "is no http or https URL"),
        ({"suite": "stable main"}, "no name of a suite"),
        ({"components": ["main\ndeb [trusted=yes] http://x ./"]}, "no name of a suite"),
        ({"components": None}, "do not go with the suite stable"),
        ({"key_file": "/k"}, "one of key_url and key_file"),
        ({"fingerprint": None}, "40 hexadecimal digits, and is needed"),
        ({"fingerprint": "ABCD1234"}, "40 hexadecimal digits"),
        ({"trusted": True}, "trusted is unknown"),
    ],
    ids=str,
)
def test_a_wrong_source_is_refused_with_its_key(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ComponentError, match=complaint) as refusal:
        _source(**change)
    assert "tiny_apt_source" in refusal.value.hint


def test_a_fingerprint_may_be_written_in_groups() -> None:
    assert _source(fingerprint="aaaa " * 10).fingerprint == "A" * 40
    assert apt_source.describe("tiny", {}) is None


# -- apt ---------------------------------------------------------------------------------------------------------

MADISON = "".join(f" tiny | {version} | https://apt.example.net stable/main amd64 Packages\n" for version in ("1.1.0", "1.0.0"))
WIRE = {"uri": "https://apt.example.net", "suite": "stable", "sections": ["main"], "key": base64.b64encode(b"key").decode()}


class Asked:
    """apt's stand-in: what it answers to an update, and what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.update = (0, "")

    def run(self, argv: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(list(argv))
        status, said = self.update if argv[-1] == "update" else (0, "")
        return subprocess.CompletedProcess(list(argv), status, MADISON if "madison" in argv else "", said)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setattr(commands, "run", made.run)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    return made


def test_apt_sees_this_source_alone_and_writes_below_our_directory(asked: Asked, tmp_path: Path) -> None:
    apt = apt_repository.RepositoryApt(scratch=tmp_path / "apt", source=WIRE)

    assert apt.version_of("tiny", "1.0.0") == "1.0.0"
    assert apt.version_of("tiny", "") == "1.1.0"

    ours = tmp_path / "apt"
    assert (ours / "sources.list").read_text() == f"deb [signed-by={ours}/key.gpg] https://apt.example.net stable main\n"
    assert (ours / "key.gpg").read_bytes() == b"key"
    for call in asked.calls:
        options = dict(word.split("=", 1) for flag, word in itertools.pairwise(call) if flag == "-o")
        assert options["Dir::Etc::sourcelist"] == f"{ours}/sources.list"
        assert options["Dir::Etc::sourceparts"] == f"{ours}/none"
        assert list((ours / "none").iterdir()) == []
        assert options["Dir::State::lists"] == f"{ours}/lists"
        assert options["Dir::Cache"] == f"{ours}/cache"
        assert options["Acquire::AllowInsecureRepositories"] == options["APT::Get::AllowUnauthenticated"] == "false"


def test_a_version_that_is_not_there_is_told_with_those_that_are(asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(apt_repository.Unavailable, match=r"does not offer tiny 2\.0\.0: it has 1\.1\.0, 1\.0\.0\."):
        apt_repository.RepositoryApt(scratch=tmp_path, source=WIRE).version_of("tiny", "2.0.0")


def test_a_host_without_apt_is_sent_on_to_the_next_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(apt_repository.Unavailable, match="this host has no apt"):
        apt_repository.RepositoryApt(scratch=tmp_path, source=WIRE).version_of("tiny", "1.0.0")


def test_a_download_that_fails_names_the_repository(asked: Asked, tmp_path: Path) -> None:
    apt = apt_repository.RepositoryApt(scratch=tmp_path / "apt", source=WIRE)

    with pytest.raises(ComponentError, match=r"cannot be downloaded from https://apt\.example\.net") as failure:
        apt.download(["tiny"], "1.0.0", tmp_path)
    assert "/etc/apt" not in str(failure.value)


@pytest.mark.parametrize(
    ("said", "distrusted"),
    [
        ("W: GPG error: the public key is not available: NO_PUBKEY 9E439B102CF3C0C6", True),
        ("Err:1 stable InRelease Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key 7F3A", True),
        ("E: The repository 'http://x stable InRelease' is not signed.", True),
        ("E: Failed to fetch http://x/dists/stable/InRelease  Could not connect to x:80", False),
    ],
)
def test_distrust_is_told_from_a_repository_that_does_not_answer(
    asked: Asked, tmp_path: Path, said: str, distrusted: bool
) -> None:
    asked.update = (100, said)

    with pytest.raises(ComponentError) as failure:
        apt_repository.RepositoryApt(scratch=tmp_path, source=WIRE).version_of("tiny", "1.0.0")

    assert isinstance(failure.value, apt_repository.Unavailable) is not distrusted
    assert failure.value.detail == said


# -- the choice --------------------------------------------------------------------------------------------------

FRESH = choice.Host(architecture="amd64", python="3.13.5", installed={})


@pytest.fixture
def wanted(tmp_path: Path) -> Iterator[choice.Wanted]:
    """Its archive is nowhere."""
    with serving(Site()) as site:
        yield choice.Wanted(
            component="tiny", program="tiny", version="1.0.0", install_from="auto", cache=tmp_path, packages=["tiny"],
            archive={"url": site.url + "/tiny-{version}.tar.gz"}, apt_source=_source(),
        )  # fmt: skip


def _says(answer: str | Exception) -> Any:
    def ask() -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


NEVER = _says(AssertionError("it was asked"))
GONE = _says(apt_repository.Unavailable("https://apt.example.net cannot be read from this host."))


def test_auto_takes_the_repository_after_the_archive_and_before_the_hosts_own(wanted: choice.Wanted) -> None:
    chosen = choice.choose(wanted, FRESH, offered=_says("1.0.0"), candidate=NEVER)
    assert (chosen.source, chosen.name, chosen.package_version) == ("repository", "1.0.0", "1.0.0")

    assert choice.choose(wanted, FRESH, offered=GONE, candidate=_says("0.9-1")).source == "package"

    (wanted.cache / "tiny-1.0.0.tar.gz").touch()
    assert choice.choose(wanted, FRESH, offered=NEVER, candidate=NEVER).source == "archive"


@pytest.mark.parametrize("source", ["repository", "package"])
def test_what_was_chosen_is_kept_without_asking(wanted: choice.Wanted, source: str) -> None:
    installed = {"source": source, "release": "1.0.0", "request": wanted.request()}

    assert choice.choose(wanted, replace(FRESH, installed=installed), offered=NEVER, candidate=NEVER).source == source


@pytest.mark.parametrize("install_from", ["auto", "repository"])
def test_a_repository_that_must_not_be_trusted_sends_nobody_on(wanted: choice.Wanted, install_from: str) -> None:
    refuse = _says(ComponentError("another key"))

    with pytest.raises(ComponentError, match=r"^another key$"):
        choice.choose(replace(wanted, install_from=install_from), FRESH, offered=refuse, candidate=NEVER)


def test_where_nothing_has_it_all_three_are_named(wanted: choice.Wanted) -> None:
    with pytest.raises(ComponentError, match="no source of tiny") as refusal:
        choice.choose(wanted, FRESH, offered=GONE, candidate=_says(ComponentError("not offered.")))

    assert [line.split(":")[0] for line in refusal.value.detail.splitlines()] == ["Archive", "Repository", "Package"]


def test_package_means_the_hosts_own_sources_and_repository_needs_one(wanted: choice.Wanted) -> None:
    package = replace(wanted, install_from="package")
    assert choice.choose(package, FRESH, offered=NEVER, candidate=_says("0.9-1")).source == "package"

    with pytest.raises(ComponentError, match="no APT repository of tiny is known"):
        choice.choose(replace(wanted, install_from="repository", apt_source=None), FRESH, candidate=NEVER)


def test_another_source_is_another_request(wanted: choice.Wanted) -> None:
    sources = [None, _source(), _source(suite="beta"), _source(fingerprint="B" * 40)]
    assert len({replace(wanted, apt_source=one).request() for one in sources}) == 4
