"""docs/reference says what the roles say: rendered anew, it must be what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from promontory.reference.__main__ import main
from promontory.reference.pages import pages
from promontory.reference.role_files import read_defaults
from promontory.reference.sandbox import in_security, sandbox_table

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
SPEC = {
    "argument_specs": {
        "main": {
            "short_description": "A clock",
            "description": ["Shows the time in C(<zone>).", "See O(clock_zones)."],
            "options": {
                "clock_zones": {
                    "type": "list",
                    "elements": "dict",
                    "required": True,
                    "description": "Zones, each with a | between.",
                    "options": {
                        "name": {"type": "str", "required": True, "description": "Its name."},
                        "hands": {
                            "type": "dict",
                            "description": "What it shows.",
                            "options": {
                                "colour": {"type": "str", "choices": ["red", "blue"], "description": "V(red) is loud."}
                            },
                        },
                    },
                },
                "clock_face": {
                    "type": "str",
                    "default": "",
                    "description": "Empty means round; as wide as O(stack_address).",
                },
            },
        }
    }
}


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """A project's roles with one role, clock."""
    role = tmp_path / "roles/clock"
    (role / "meta").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "meta/argument_specs.yml").write_text(yaml.safe_dump(SPEC, sort_keys=False), encoding="utf-8")
    (role / "defaults/main.yml").write_text(
        "---\n# All about clocks.\n\n## Face (round)\n# What people see.\n# clock_face: square\nclock_face: ''\n",
        encoding="utf-8",
    )
    (tmp_path / "roles/bare").mkdir()
    return role.parent


def test_the_committed_reference_is_what_the_roles_say() -> None:
    """A variable that was added or described anew is documented in the same change."""
    differing = [
        path
        for path, text in pages(ROOT / "roles").items()
        if not (ROOT / "docs/reference" / path).is_file()
        or (ROOT / "docs/reference" / path).read_text(encoding="utf-8") != text
    ]
    assert not differing, f"{differing} out of date: run python -m promontory.reference"


def test_no_page_is_left_of_a_role_that_is_gone() -> None:
    """What describes nothing misleads."""
    assert sorted(path.stem for path in (ROOT / "docs/reference/roles").glob("*.md")) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_declared(role: str) -> None:
    """A default that no spec declares would be refused when somebody sets it, and is missing in the reference."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    declared = set(spec["argument_specs"]["main"].get("options") or {})
    assert set(read_defaults(ROOT / "roles" / role).values) <= declared


def test_nested_keys_choices_and_links_are_shown(roles: Path) -> None:
    """Down to the leaves, with the path that one writes."""
    page = pages(roles)["roles/clock.md"]
    assert "| `name` | `str` | required | Its name. |" in page
    assert "| `hands.colour` | `str` | not set by default | `red` is loud. One of `red`, `blue`. |" in page
    assert "See [`clock_zones`](#clock_zones)." in page
    assert "as wide as [`stack_address`](common.md#stack_address)." in page


def test_sections_and_examples_come_from_the_defaults(roles: Path) -> None:
    """The comments that people read in defaults/ are not lost."""
    page = pages(roles)["roles/clock.md"]
    assert "## Face\n\n### `clock_face`\n\n`str`, default empty.\n" in page
    assert "For example:\n\n```yaml\nclock_face: square\n```\n" in page


def test_a_role_without_a_spec_has_no_page(roles: Path) -> None:
    """Internal roles have nothing to set."""
    assert set(pages(roles)) == {"README.md", "roles/clock.md"}


def test_a_variable_without_description_is_refused(roles: Path) -> None:
    """An entry that only repeats the name is no reference."""
    spec = yaml.safe_load((roles / "clock/meta/argument_specs.yml").read_text(encoding="utf-8"))
    del spec["argument_specs"]["main"]["options"]["clock_face"]["description"]
    (roles / "clock/meta/argument_specs.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    with pytest.raises(ValueError, match="clock: clock_face has no description"):
        pages(roles)


def test_check_tells_what_differs_and_writes_nothing(roles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For CI and for the cautious."""
    assert main(["--check", "--root", str(roles.parent)]) == 1
    assert "docs/reference/roles/clock.md" in capsys.readouterr().out
    assert not (roles.parent / "docs").exists()


def test_a_second_run_writes_nothing(roles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same roles give the same bytes."""
    main(["--root", str(roles.parent)])
    capsys.readouterr()
    assert main(["--root", str(roles.parent)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["--check", "--root", str(roles.parent)]) == 0


def test_the_page_of_a_removed_role_goes(roles: Path) -> None:
    """Renaming a role leaves one page, not two."""
    main(["--root", str(roles.parent)])
    left = roles.parent / "docs/reference/roles/sundial.md"
    left.write_text("old", encoding="utf-8")
    assert main(["--check", "--root", str(roles.parent)]) == 1
    main(["--root", str(roles.parent)])
    assert not left.exists()


def test_the_security_page_shows_every_exception_with_its_reason() -> None:
    """A relaxation that nobody can read about is one that nobody will take back."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    assert in_security(page, sandbox_table(ROOT)) == page, "out of date: run python -m promontory.reference"


def test_the_table_names_role_value_and_reason() -> None:
    """One line for each setting, exceptions beside the rule."""
    line = next(line for line in sandbox_table(ROOT).splitlines() if line.startswith("| `ProtectHome`"))
    assert line.startswith("| `ProtectHome` | `yes` | node_exporter: `read-only`. The free space")


def test_a_security_page_without_marks_is_refused() -> None:
    """The table would otherwise silently be nowhere."""
    with pytest.raises(ValueError, match="lacks the marks"):
        in_security("# Security\n", "| |\n")
