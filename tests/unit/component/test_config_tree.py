"""The configuration tree: paths stay inside, secrets stay private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import config_tree
from ansible_collections.promontory.stack.plugins.module_utils.config_tree import Tree
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import Host, Shelf


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(Tree(files={"../passwd": "x"}), id="parent"),
        pytest.param(Tree(files={"rules/../../passwd": "x"}), id="parent further in"),
        pytest.param(Tree(files={"/etc/passwd": "x"}), id="absolute"),
        pytest.param(Tree(files={"": "x"}), id="empty"),
        pytest.param(Tree(files={".": "x"}), id="dot"),
        pytest.param(Tree(files={"rules/": "x"}), id="directory"),
        pytest.param(Tree(files={"secrets/token": "x"}), id="file among the secrets"),
        pytest.param(Tree(files={"./secrets/token": "x"}), id="file among the secrets, roundabout"),
        pytest.param(Tree(secrets={"../tiny.conf": "x"}), id="secret outside"),
        pytest.param(Tree(files={"a": "x", "a/b": "y"}), id="file that is a directory too"),
        pytest.param(Tree(files={"a\nb": "x"}), id="line end"),
    ],
)
def test_paths_out_of_the_tree_or_into_each_other_are_refused(host: Host, shelf: Shelf, tree: Tree) -> None:
    before = host.files()

    with pytest.raises(ComponentError, match="config path"):
        host.apply(shelf.declare(tree=tree))

    assert host.files() == before


def test_modes_let_the_service_read_and_others_not(tmp_path: Path) -> None:
    tree = Tree(files={"rules/a.yml": "x"}, secrets={"token": "hunter2"})
    old = os.umask(0)
    try:
        config_tree.write(tmp_path / "config", tree, owner=None, places={})
    finally:
        os.umask(old)

    modes = {
        str(path.relative_to(tmp_path)): oct(stat.S_IMODE(path.stat().st_mode)) for path in sorted(tmp_path.rglob("*"))
    }
    assert modes == {
        "config": "0o750",
        "config/rules": "0o750",
        "config/rules/a.yml": "0o640",
        "config/secrets": "0o750",
        "config/secrets/token": "0o600",
    }


def test_a_secret_is_private_from_its_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode)))

    config_tree.write(tmp_path / "config", Tree(secrets={"token": "hunter2"}), owner=None, places={})

    assert [oct(mode) for mode in seen if mode & 0o077 and not mode & 0o100] == []
    assert config_tree.secrets_are_private(tmp_path / "config")


def test_placeholders_are_filled_in_files_but_never_in_secrets(tmp_path: Path) -> None:
    tree = Tree(files={"a": "{config}/x {other}"}, secrets={"b": "{config}"})

    config_tree.write(tmp_path / "c", tree, owner=None, places={"config": "/etc/tiny"})

    assert config_tree.read(tmp_path / "c") == {"a": "/etc/tiny/x {other}", "secrets/b": "{config}"}


@pytest.mark.parametrize(
    ("paths", "only"),
    [
        (["prometheus.yml"], True),
        (["rules/host.yml", "prometheus.yml"], True),
        (["rules/deep/er.yml"], True),
        (["web.yml"], False),
        (["prometheus.yml", "web.yml"], False),
        (["secrets/token"], False),
    ],
)
def test_patterns_tell_what_a_reload_covers(paths: list[str], only: bool) -> None:
    assert config_tree.only_in(paths, ["prometheus.yml", "rules/*"]) is only
