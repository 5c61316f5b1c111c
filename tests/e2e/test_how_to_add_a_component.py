"""docs/how-to/add-a-component.md, followed to the letter on a lab host: its files, its commands, its claims."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.stack import ROOT, Run, Stack

pytestmark = pytest.mark.lab

PAGE = ROOT / "docs/how-to/add-a-component.md"
_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: title=(?P<title>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Section:
    """What a section of the page gives to write, to type and to ask."""

    files: dict[str, str]
    commands: str
    queries: list[str]


def read(heading: str) -> Section:
    """Return the blocks below a heading, up to the next one of its level."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = list(_BLOCK.finditer(text))
    return Section(
        files={block["title"]: block["text"] for block in blocks if block["title"]},
        commands="".join(block["text"] for block in blocks if block["kind"] == "sh"),
        queries=[block["text"].strip() for block in blocks if block["kind"] == "promql"],
    )


class Reader:
    """Someone in a folder of their own with an inventory; one shell, so that an export holds from block to block."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        stack.inventory(folder / "inventory").write()
        self._typed = ""

    def write(self, section: Section) -> None:
        """Write the files of a section."""
        for path, text in section.files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text, encoding="utf-8")

    def type(self, commands: str) -> Run:
        """Run commands; exports of earlier ones still hold."""
        run = self.stack.run(["sh", "-euc", self._typed + commands], self.folder)
        self._typed += "".join(line + "\n" for line in commands.splitlines() if line.startswith("export "))
        return run


@pytest.fixture(scope="module")
def followed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Run]]:
    """The page followed up to "Put it in place"; cleaned up even when the removal section does not work."""
    reader = Reader(stack, tmp_path_factory.mktemp("how-to") / "monitoring")
    for heading in ("Write the role", "Name it in the inventory"):
        reader.write(read(heading))
    yield reader, reader.type(read("Put it in place").commands)
    if os.path.lexists(reader.folder / "inventory/components.yml"):
        (reader.folder / "inventory/components.yml").unlink()
        stack.provision(stack.inventory(reader.folder / "inventory"))


def test_the_page_has_what_this_test_follows() -> None:
    """An edited page that lost its blocks must not pass silently."""
    assert set(read("Write the role").files) == {
        "roles/process_exporter/tasks/main.yml",
        "roles/process_exporter/defaults/main.yml",
        "roles/process_exporter/meta/argument_specs.yml",
    }
    assert set(read("Name it in the inventory").files) == {"inventory/components.yml"}
    assert len(read("Put it in place").commands.splitlines()) == 3
    assert read("Put it in place").queries


def test_the_new_component_is_scraped_and_answers_the_pages_query(stack: Stack, followed: tuple[Reader, Run]) -> None:
    """Its target is up, its unit runs, and the metrics are what the page promises."""
    _, run = followed
    assert run.returncode == 0, run.output
    up = stack.prometheus("query?query=" + quote('up{job="process_exporter",instance="mon1"}'))["result"]
    assert [sample["value"][1] for sample in up] == ["1"]
    assert stack.on("mon1", "systemctl is-active process_exporter").strip() == "active"
    for query in read("Put it in place").queries:
        deadline = time.monotonic() + 30
        while not (result := stack.prometheus("query?query=" + quote(query))["result"]) and time.monotonic() < deadline:
            time.sleep(1)
        assert "prometheus" in {sample["metric"]["groupname"] for sample in result}


def test_a_misspelt_variable_of_the_new_role_is_refused(stack: Stack, followed: tuple[Reader, Run]) -> None:
    """The page promises it for the declared variables."""
    reader, _ = followed
    run = reader.type("promontory plan -i inventory -e '{process_exporter_flag: {}}'\n")
    assert run.returncode == 2
    assert "Did you mean process_exporter_flags?" in " ".join(run.output.split())


def test_the_removal_section_takes_it_away(stack: Stack, followed: tuple[Reader, Run]) -> None:
    """Target, unit, configuration and release are gone after the page's commands."""
    reader, _ = followed
    run = reader.type(read("Take it away again").commands)
    assert run.returncode == 0, run.output
    assert "process_exporter" not in {job for job, _ in stack.targets()}
    left = stack.on("mon1", "systemctl list-unit-files --no-legend; ls /etc /opt /etc/systemd/system /var/lib/promontory/journal")
    assert "process_exporter" not in left
