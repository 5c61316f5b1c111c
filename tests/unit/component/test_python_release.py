"""A Python project as a release: its name says exactly what is in it."""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.plugin_utils import python_release
from ansible_collections.promontory.stack.plugins.plugin_utils.python_release import PythonProject


@pytest.fixture
def project(tmp_path: Path) -> PythonProject:
    directory = tmp_path / "tiny_app"
    (directory / "tiny/templates").mkdir(parents=True)
    (directory / "tiny/__pycache__").mkdir()
    (directory / "pyproject.toml").write_text('[project]\nname = "tiny"\nversion = "0.3.0"\n')
    (directory / "tiny/__init__.py").write_text("answer = 42\n")
    (directory / "tiny/templates/page.html").write_text("hello")
    (directory / "tiny/__pycache__/x.pyc").write_text("of this machine")
    (tmp_path / "lock").write_text("")
    return PythonProject(directory=directory, packages=["tiny"], lock=tmp_path / "lock")


def _name(project: PythonProject, python: str = "3.13.5", architecture: str = "amd64") -> str:
    return python_release.describe(project, python=python, architecture=architecture).name


def test_the_name_begins_with_the_version_and_is_the_same_each_time(project: PythonProject) -> None:
    described = python_release.describe(project, python="3.13.5", architecture="amd64")

    assert described.version == "0.3.0"
    assert described.name.startswith("0.3.0+")
    assert described.name == _name(project)


def test_what_is_not_packed_is_not_in_the_name(project: PythonProject) -> None:
    before = _name(project)
    (project.directory / "tiny/__pycache__/x.pyc").write_text("of another run")
    (project.directory / "notes.txt").write_text("x")

    assert _name(project) == before
    assert _name(project, python="3.13.9") == before


def test_each_thing_that_makes_another_content_makes_another_name(project: PythonProject) -> None:
    names = {_name(project), _name(project, python="3.11.2"), _name(project, architecture="arm64")}
    (project.directory / "tiny/templates/page.html").write_text("hello!")
    names.add(_name(project))
    (project.directory / "tiny/templates/page.html").rename(project.directory / "tiny/templates/other.html")
    names.add(_name(project))
    project.lock.write_text("flask==3.1.0\n")
    names.add(_name(project))

    assert len(names) == 6


@pytest.mark.parametrize(
    ("file", "content"),
    [("pyproject.toml", None), ("pyproject.toml", "[project]\n"), ("pyproject.toml", "{"), ("../lock", None)],
)
def test_a_project_that_cannot_be_packed_is_named(project: PythonProject, file: str, content: str | None) -> None:
    path = project.directory / file
    path.unlink()
    if content is not None:
        path.write_text(content)

    with pytest.raises(ComponentError, match="tiny_app: this project cannot be packed"):
        _name(project)


def test_a_package_without_files_is_refused(project: PythonProject) -> None:
    with pytest.raises(ComponentError, match="there are no files in nowhere"):
        _name(replace(project, packages=["nowhere"]))


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for pip: notes its arguments and lays one dependency down."""
    calls: list[list[str]] = []

    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(argv)
        if "refuse" in Path(argv[argv.index("--requirement") + 1]).read_text():
            return subprocess.CompletedProcess(argv, 1, "", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES")
        library = Path(argv[argv.index("--target") + 1])
        (library / "flask").mkdir(parents=True)
        (library / "flask/__init__.py").write_text("x")
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr(python_release.subprocess, "run", run)
    return calls


def _build(project: PythonProject, into: Path) -> Path:
    described = python_release.describe(project, python="3.13.5", architecture="arm64")
    return python_release.build(project, described, python="3.13.5", architecture="arm64", into=into)


def test_packs_sources_and_locked_dependencies_for_the_host_once(
    project: PythonProject, pip: list[list[str]], tmp_path: Path
) -> None:
    archive = _build(project, tmp_path / "cache")
    assert _build(project, tmp_path / "cache") == archive

    assert len(pip) == 1
    assert "--require-hashes" in pip[0]
    assert pip[0][pip[0].index("--python-version") + 1] == "3.13"
    assert "manylinux_2_28_aarch64" in pip[0]
    with tarfile.open(archive) as tar:
        assert sorted(tar.getnames()) == [
            "lib/flask/__init__.py",
            "lib/tiny/__init__.py",
            "lib/tiny/templates/page.html",
        ]
        assert {(member.uid, member.mtime, member.mode) for member in tar} == {(0, 0, 0o644)}
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


def test_a_dependency_that_is_not_as_locked_leaves_nothing(
    project: PythonProject, pip: list[list[str]], tmp_path: Path
) -> None:
    project.lock.write_text("refuse\n")

    with pytest.raises(ComponentError, match=r"cannot be had for Python 3\.13 on arm64") as refusal:
        _build(project, tmp_path / "cache")
    assert "DO NOT MATCH THE HASHES" in refusal.value.detail
    assert list((tmp_path / "cache").iterdir()) == []
