"""docs/how-to/add-a-dashboard.md, followed to the letter."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from promontory.cli import main
from promontory.dashboards.roundtrip import losses

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-dashboard.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(?P<kind>\w+)(?: title=(?P<title>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISED_LINES = 16


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone, and a reader who stands in a folder of their own."""
    for part in ("playbooks", "rules", "dashboards"):
        shutil.copytree(ROOT / part, tmp_path / "clone" / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "collections"))
    shutil.copy(ROOT / "galaxy.yml", tmp_path / "clone")
    shutil.copytree(ROOT / "inventories/lab", tmp_path / "clone/inventories/lab")
    monkeypatch.setenv("PROMONTORY_PROJECT", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_holds(project: Path) -> None:
    """Its module has about fifteen lines, builds, passes the checks, and is where the page says."""
    blocks = list(_BLOCK.finditer(PAGE))
    modules = {block["title"]: block["text"] for block in blocks if block["title"]}
    assert list(modules) == ["dashboards/queue.py"]
    for path, text in modules.items():
        assert len([line for line in text.splitlines() if line.strip()]) <= PROMISED_LINES
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    lines = [line for block in blocks if block["kind"] == "sh" for line in block["text"].splitlines()]
    # Those that upload or draw need a running stack; their own tests run them.
    commands = [line for line in lines if "push" not in line and "render" not in line]
    assert len(commands) == 2
    for command in commands:
        done = CliRunner().invoke(main, command.split()[1:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    board = json.loads((project / "dashboards/json/team-mail.json").read_text(encoding="utf-8"))
    assert losses(board) == []
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "environment", "job", "instance"]
