"""What the documentation names exists: files, commands, variables, messages; its YAML can be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from promontory import catalogue
from promontory.cli import main
from promontory.reference.role_files import load, parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "rules/**/*.md", "sample_app/*.md", "inventories/**/*.md", "roles/*/*.md")
    for path in ROOT.glob(pattern)
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
_FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|(?:src|href)=\"(?P<html>[^\"]+)\"")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


def blocks(page: Path, *kinds: str) -> Iterator[str]:
    """Texts of a page's fenced blocks of these kinds."""
    for block in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["kind"].split(" ")[0] in kinds:
            yield block["text"]


def code(page: Path) -> Iterator[str]:
    """Every piece of code on a page: lines of shell blocks, and what stands between backticks."""
    for text in blocks(page, "sh", "bash", "console", "shell", ""):
        yield from text.replace("\\\n", " ").splitlines()
    yield from _INLINE.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


@cache
def declared() -> dict[str, set[str]]:
    """Declared variables by role."""
    return {
        path.parent.parent.name: set(load(path)["argument_specs"]["main"].get("options") or {})
        for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")
    }


@cache
def registry() -> dict[str, dict[str, object]]:
    """The built-in components."""
    components: dict[str, dict[str, object]] = load(ROOT / "roles/common/defaults/main/components.yml")["stack_components"]
    return components


@cache
def source() -> str:
    """All Python that prints messages; literals that Python joins are one."""
    files = (path for folder in ("plugins", "promontory") for path in sorted((ROOT / folder).rglob("*.py")))
    return re.sub(r"\"\s*\n\s*f?\"", "", "\n".join(path.read_text(encoding="utf-8") for path in files))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(text))
    return set(plain)


def test_the_pages_that_must_be_there_are_found() -> None:
    """A pattern that finds nothing would make every test below pass."""
    wanted = {"CONTRIBUTING.md", "CHANGELOG.md", "docs/README.md", "docs/getting-started.md", "docs/operations.md", "docs/security.md"}
    assert wanted <= set(IDS)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Files and headings alike."""
    dead = []
    for found in _LINK.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = found["target"] or found["html"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path) if path else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            dead.append(target)
    assert dead == []


def _wrong_command(line: str) -> str:
    """Why a command line is none of ours; empty when it is fine."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    command: click.Command = main
    for word in words[1:]:
        if word.startswith("-"):
            option = word.split("=")[0]
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            known |= {"--help", "-h", "--version"}
            if option not in known:
                return f"{line}: {command.name} has no option {option}"
        elif isinstance(command, click.Group):
            if word not in command.commands and re.fullmatch(r"[a-z]+", word):
                return f"{line}: there is no command {word}"
            command = command.commands.get(word, command)
    return ""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_promontory_command_exists_with_its_options(page: Path) -> None:
    """What is printed for people to type can be typed."""
    wrong = []
    for line in code(page):
        found = re.match(r"(?:\$ )?(?:\.venv/bin/)?(promontory(?: .*)?)$", line.strip())
        if found and (problem := _wrong_command(found[1])):
            wrong.append(problem)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_script_and_playbook_that_is_run_exists(page: Path) -> None:
    """Scripts, playbooks and modules in commands."""
    text = "\n".join(code(page))
    named = {*re.findall(r"(?<![\w/])(scripts/[\w.-]+)", text), *re.findall(r"(?<![\w-])(playbooks/[\w.-]+\.yml)", text)}
    named |= {name.replace(".", "/") for name in re.findall(r"python -m (promontory[\w.]*)", text)}
    missing = sorted(name for name in named if not ((ROOT / name).exists() or (ROOT / f"{name}.py").exists()))
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_variable_is_declared(page: Path) -> None:
    """A name that no role declares would be refused by preflight."""
    options = declared()
    components = set(registry())
    prefixes = "|".join(["stack", *sorted((set(options) | components) - {"common"})])
    # Words that begin like a variable: components, keys of the registry, facts, and files of secrets.
    known = set().union(*options.values(), options, components) | {"edge_path", "edge_public", "lab_hosts", "stack_topology"}
    defaults = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/defaults/**/*.yml"))
    known |= set(re.findall(r"/(\w+)['\"]", defaults))
    text = page.read_text(encoding="utf-8")
    pieces = [*_INLINE.findall(_FENCE.sub("", text)), *blocks(page, "yaml", "sh", "")]
    # Not a part of a path or a host name, no metric, and not the tag of the edge's access log in the journal.
    known |= {"edge_access", *catalogue.load().metrics}
    variable = re.compile(rf"(?<![\w./:-])((?:{prefixes})_[a-z0-9_]+)\b(?![{{(/.]\S)")
    named = {name for piece in pieces for name in variable.findall(piece)}
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_yaml_block_can_be_read(page: Path) -> None:
    """People paste them."""
    for text in blocks(page, "yaml", "yml"):
        try:
            parse(text)
        except yaml.YAMLError as error:
            pytest.fail(f"{error}\n{text}")


@pytest.mark.parametrize(
    "heading", re.findall(r"^### \"(.+)\"$", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.MULTILINE)
)
def test_troubleshooting_is_keyed_by_messages_that_the_code_prints(heading: str) -> None:
    """Who pastes a message into the search of the page must find it; each fixed part stands in the source."""
    parts = [part.strip() for part in heading.split("…") if len(part.strip()) > 1]
    assert parts
    assert [part for part in parts if part not in source()] == []


def test_every_decision_is_in_the_index() -> None:
    """A record that nobody finds decides nothing."""
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for record in sorted(folder.glob("0*.md")):
        text = record.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix(f"# {record.name[:4]}: ")
        assert f"| [{record.name[:4]}]({record.name}) | {title} |" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Price", "When to look again"]


def test_the_getting_started_inventory_names_components_only() -> None:
    """The first inventory that people copy must be one that the topology takes."""
    page = ROOT / "docs/getting-started.md"
    (inventory,) = (found for text in blocks(page, "yaml") if isinstance(found := parse(text), dict) and "all" in found)
    assert set(inventory["all"]["children"]) <= set(registry())
    listed = next(line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("The components are"))
    assert set(re.findall(r"`(\w+)`", listed)) == set(registry())
