"""Rule files and templates of the controller: found by pattern, never silently missing or covered."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import ConfigFileError, tree_of


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with two rule files and something else."""
    for name in ("b.yml", "a.yml", "notes.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "folder.yml").mkdir()
    return tmp_path


def test_a_pattern_takes_its_files_sorted_and_no_folder(rules: Path) -> None:
    assert tree_of([f"{rules}/*.yml"], "rules") == {
        "rules/a.yml": {"src": f"{rules}/a.yml"},
        "rules/b.yml": {"src": f"{rules}/b.yml"},
    }


def test_a_relative_name_starts_at_the_base(rules: Path) -> None:
    assert tree_of(["a.yml"], "", base=rules) == {"a.yml": {"src": f"{rules}/a.yml"}}


def test_a_file_named_twice_is_one_file(rules: Path) -> None:
    assert list(tree_of([f"{rules}/*.yml", f"{rules}/a.yml"], "rules")) == ["rules/a.yml", "rules/b.yml"]


def test_a_pattern_without_a_file_is_refused_by_name(rules: Path) -> None:
    """A typing error would otherwise take all alerts away."""
    with pytest.raises(ConfigFileError, match=r"'nothing/\*\.yml' matches no file"):
        tree_of(["nothing/*.yml"], "rules", base=rules)


def test_two_files_of_one_name_are_refused(rules: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "a.yml"
    other.write_text("another", encoding="utf-8")

    with pytest.raises(ConfigFileError, match=r"would both become rules/a\.yml"):
        tree_of([f"{rules}/a.yml", str(other)], "rules")
