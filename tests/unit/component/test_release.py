"""A release appears whole and verified, or not at all."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import debian, release
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import elf, pack, sha256

AMD64, ARM64 = 62, 183


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    return tmp_path / "opt/tiny"


def _release(archive: Path, **fields: object) -> release.Release:
    made = release.Release(
        program="tiny", name="1.0.0", version="1.0.0", source="archive", artifact=archive, sha256=sha256(archive)
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def _stage(wanted: release.Release, opt: Path) -> Path:
    release.stage(wanted, opt / wanted.name, apt=debian.Apt())
    return opt / wanted.name


def _refused(wanted: release.Release, opt: Path, match: str) -> None:
    with pytest.raises(ComponentError, match=match):
        _stage(wanted, opt)
    assert list(opt.iterdir()) == [], "something stays behind"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"tiny-1.0.0/tiny": b"x", "tiny-1.0.0/web/index.html": b"y"}, id="one directory at the top"),
        pytest.param({"tiny": b"x", "web/index.html": b"y"}, id="files at the top"),
    ],
)
def test_an_archive_is_unpacked_without_its_top_directory(tmp_path: Path, opt: Path, members: dict[str, bytes]) -> None:
    wanted = _release(pack(tmp_path / "tiny.tar.gz", members))
    directory = _stage(wanted, opt)

    assert (directory / "tiny").read_bytes() == b"x"
    assert (directory / "web/index.html").read_bytes() == b"y"
    assert release.is_intact(directory, wanted)
    assert [path.name for path in opt.iterdir()] == ["1.0.0"]


def test_an_archive_with_another_sum_is_refused(tmp_path: Path, opt: Path) -> None:
    archive = pack(tmp_path / "tiny.tar.gz", {"tiny": b"x"})
    wanted = _release(archive)
    pack(archive, {"tiny": b"evil"})

    _refused(wanted, opt, f"has the SHA-256 {sha256(archive)}, expected {wanted.sha256}")


@pytest.mark.parametrize(
    "name", ["../../escaped", "/tmp/promontory-escaped", "tiny/../../../escaped"], ids=["parent", "absolute", "hidden"]
)
@pytest.mark.parametrize("filtered", [True, False], ids=["tarfile filters", "older Python"])
def test_members_that_lead_out_of_the_directory_are_refused(
    tmp_path: Path, opt: Path, monkeypatch: pytest.MonkeyPatch, name: str, filtered: bool
) -> None:
    if not filtered:
        monkeypatch.delattr("tarfile.data_filter")
    archive = pack(tmp_path / "tiny.tar.gz", {"tiny": b"x", name: b"evil"})
    before = sorted(tmp_path.rglob("*"))

    if filtered and name.startswith("/"):
        # The filter of newer Pythons takes the slash off an absolute name instead.
        directory = _stage(_release(archive), opt)
        assert all(opt in path.resolve().parents for path in directory.rglob("*"))
    else:
        _refused(_release(archive), opt, "no tar archive that can be unpacked")
        assert sorted(tmp_path.rglob("*")) == sorted([*before, opt.parent, opt])
    assert not Path("/tmp/promontory-escaped").exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, opt: Path) -> None:
    archive = tmp_path / "tiny.tar.gz"
    archive.write_bytes(b"<html>Sign in to the guest network</html>")

    _refused(_release(archive), opt, "no tar archive")


def test_an_archive_cut_short_is_refused(tmp_path: Path, opt: Path) -> None:
    archive = pack(tmp_path / "tiny.tar.gz", {"tiny": os.urandom(50_000)})
    archive.write_bytes(archive.read_bytes()[:20_000])

    _refused(_release(archive), opt, "no tar archive that can be unpacked")


@pytest.mark.parametrize(
    ("host", "machine", "built_for"),
    [
        pytest.param("x86_64", ARM64, "arm64", id="arm64 archive on amd64"),
        pytest.param("aarch64", AMD64, "amd64", id="amd64 archive on arm64"),
        pytest.param("x86_64", 243, "ELF machine 243", id="something else on amd64"),
    ],
)
def test_a_program_for_another_architecture_is_refused(
    tmp_path: Path, opt: Path, monkeypatch: pytest.MonkeyPatch, host: str, machine: int, built_for: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: host)
    archive = pack(tmp_path / "tiny.tar.gz", {"t/README": b"read me", "t/bin/tiny": elf(machine)})

    _refused(_release(archive), opt, f"bin/tiny is built for {built_for}, this host is ")


@pytest.mark.parametrize(("host", "machine"), [("aarch64", ARM64), ("x86_64", AMD64)])
def test_a_program_for_the_hosts_architecture_is_taken(
    tmp_path: Path, opt: Path, monkeypatch: pytest.MonkeyPatch, host: str, machine: int
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: host)

    assert _stage(_release(pack(tmp_path / "tiny.tar.gz", {"tiny": elf(machine)})), opt).is_dir()


def test_an_archive_that_contains_another_version_is_refused(tmp_path: Path, opt: Path) -> None:
    archive = pack(tmp_path / "tiny.tar.gz", {"tiny": b"#!/bin/sh\necho tiny, version 1.0.1\n"})
    wanted = _release(archive, version_command=("{release}/tiny", "--version"))

    _refused(wanted, opt, r"the archive for 1\.0\.0 contains version '1\.0\.1'")


def test_a_distributions_revision_is_no_other_version(tmp_path: Path, opt: Path) -> None:
    archive = pack(tmp_path / "tiny.tar.gz", {"tiny": b"#!/bin/sh\necho tiny, version 1.0.0+ds1\n"})

    assert _stage(_release(archive, version_command=("{release}/tiny", "--version")), opt).is_dir()


def test_a_program_that_lacks_a_library_says_so_with_the_way_out(tmp_path: Path, opt: Path) -> None:
    text = b"#!/bin/sh\necho 'tiny: error while loading shared libraries: libfoo.so.1' >&2; exit 127\n"
    wanted = _release(pack(tmp_path / "t.tar.gz", {"tiny": text}), version_command=("{release}/tiny", "--version"))

    with pytest.raises(ComponentError, match=r"libfoo\.so\.1") as refusal:
        _stage(wanted, opt)
    assert "use install_from: archive" in refusal.value.hint


def test_too_little_space_is_told_before_anything_is_unpacked(
    tmp_path: Path, opt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 100

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)

    _refused(
        _release(pack(tmp_path / "t.tar.gz", {"tiny": b"x" * 9999})), opt, f"{opt}: 0 MiB free, about 1 MiB needed"
    )


@pytest.mark.parametrize(
    ("damage", "intact"),
    [
        pytest.param(lambda d: (d / "tiny").unlink(), False, id="file missing"),
        pytest.param(lambda d: (d / "tiny").write_bytes(b"xy"), False, id="another size"),
        pytest.param(lambda d: (d / "tiny").write_bytes(b"y"), False, id="another content"),
        pytest.param(lambda d: os.utime(d / "tiny", (1, 1)), True, id="only touched"),
        pytest.param(lambda d: os.utime(d / "link", (1, 1), follow_symlinks=False), True, id="link only touched"),
        pytest.param(lambda d: (d / release.MANIFEST).unlink(), False, id="manifest missing"),
        pytest.param(lambda d: (d / release.MANIFEST).write_text(""), False, id="manifest cut off"),
        pytest.param(lambda d: (d / "more").write_bytes(b"y"), True, id="file added"),
    ],
)
def test_tells_an_intact_release_from_a_damaged_one(tmp_path: Path, opt: Path, damage, intact: bool) -> None:  # type: ignore[no-untyped-def]
    unpacked = tmp_path / "deb/usr/bin"
    unpacked.mkdir(parents=True)
    (unpacked / "tiny").write_bytes(b"x")
    (unpacked / "link").symlink_to("/nowhere/at/all")
    wanted = _packaged(tmp_path)
    directory = _stage(wanted, opt)

    damage(directory)

    assert release.is_intact(directory, wanted) is intact


def test_a_release_arranged_in_another_way_is_not_the_declared_one(tmp_path: Path, opt: Path) -> None:
    """The files of one version can be asked for under other names; what lies there would not be started."""
    (tmp_path / "deb/usr/bin").mkdir(parents=True)
    (tmp_path / "deb/usr/bin/tiny").write_bytes(b"x")
    (tmp_path / "deb/usr/bin/link").symlink_to("/nowhere/at/all")
    wanted = _packaged(tmp_path)
    directory = _stage(wanted, opt)

    assert not release.is_intact(directory, dataclasses.replace(wanted, package_files={"usr/bin/tiny": "bin/tiny"}))


def test_a_release_of_an_archive_that_was_replaced_is_not_the_declared_one(tmp_path: Path, opt: Path) -> None:
    """An operator who corrects the archive of a version must not be left with the former one's files."""
    wanted = _release(pack(tmp_path / "tiny.tar.gz", {"tiny": b"x"}))
    directory = _stage(wanted, opt)
    corrected = _release(pack(tmp_path / "tiny.tar.gz", {"tiny": b"z"}))

    assert not release.is_intact(directory, corrected)


def test_a_damaged_release_is_staged_again_in_its_place(tmp_path: Path, opt: Path) -> None:
    wanted = _release(pack(tmp_path / "tiny.tar.gz", {"tiny": b"x"}))
    directory = _stage(wanted, opt)
    (directory / "tiny").write_bytes(b"changed")

    _stage(wanted, opt)

    assert (directory / "tiny").read_bytes() == b"x"
    assert [path.name for path in opt.iterdir()] == ["1.0.0"]


class FakeApt(debian.Apt):
    """Stands in for the host's apt: its packages are made on the spot from ``<directory>/deb``."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory

    def download(self, packages: Sequence[str], version: str, directory: Path) -> list[Path]:
        tree = self.directory / "deb"
        (tree / "DEBIAN").mkdir(exist_ok=True)
        control = f"Package: {packages[0]}\nVersion: {version}\nArchitecture: all\nMaintainer: n <n@n.example>\nDescription: d\n"
        (tree / "DEBIAN/control").write_text(control)
        target = directory / f"{packages[0]}.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--build", str(tree), str(target)], check=True, capture_output=True)
        return [target]


def _packaged(directory: Path, **files: str) -> release.Release:
    return release.Release(
        program="tiny",
        name="1.0.0-1",
        version="1.0.0",
        source="package",
        packages=("tiny-daemon",),
        package_version="1.0.0-1",
        package_files=files or {"usr/bin/tiny": "tiny", "usr/bin/link": "link"},
    )


@pytest.fixture(autouse=True)
def fake_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "Apt", lambda: FakeApt(tmp_path))


def test_a_package_is_unpacked_into_the_layout_of_an_archive(tmp_path: Path, opt: Path) -> None:
    tree = tmp_path / "deb/usr"
    (tree / "bin").mkdir(parents=True)
    (tree / "share/tiny/web").mkdir(parents=True)
    (tree / "bin/tiny-daemon").write_bytes(elf(AMD64 if platform.machine() == "x86_64" else ARM64))
    (tree / "share/tiny/web/index.html").write_text("hello")
    wanted = _packaged(tmp_path, **{"usr/bin/tiny-daemon": "tiny", "usr/share/tiny/web": "web"})

    directory = _stage(wanted, opt)

    assert sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()) == [
        release.MANIFEST,
        "tiny",
        "web/index.html",
    ]


def test_a_package_without_an_expected_file_is_refused(tmp_path: Path, opt: Path) -> None:
    (tmp_path / "deb/usr/bin").mkdir(parents=True)

    _refused(_packaged(tmp_path, **{"usr/bin/moved": "tiny"}), opt, "has no file /usr/bin/moved")


def test_without_a_source_the_controller_is_asked(opt: Path) -> None:
    with pytest.raises(release.NeedArtifact):
        _stage(release.Release(program="tiny", name="1", version="1", source="archive", sha256="0" * 64), opt)
    assert not opt.exists()
