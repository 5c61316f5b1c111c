"""What a diff says, in words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from promontory.dashboards.build import Collection
from promontory.dashboards.diff import differences
from tests.dashboards.conftest import GOOD, module

Change = Callable[[dict[str, Any]], object]
BUSY = "timeseries('Busy', unit='percentunit', description='x', alert='HostCpuSaturated')"


@pytest.fixture
def board(built: Callable[..., Collection]) -> dict[str, Any]:
    """A dashboard of a row with two panels."""
    return built(module(GOOD, BUSY)).boards[0][1].body


def steps(board: dict[str, Any]) -> Any:
    """The thresholds of the second panel."""
    return board["panels"][2]["fieldConfig"]["defaults"]["thresholds"]["steps"]


CHANGES: dict[str, tuple[Change, str]] = {
    "threshold": (lambda board: steps(board)[1].update(value=0.8), "panel 'Busy': threshold 0.9 → 0.8 (orange)"),
    "query": (lambda board: board["panels"][1]["targets"][0].update(expr="up == 1"), "panel 'Up': query A up{"),
    "unit": (lambda board: board["panels"][1]["fieldConfig"]["defaults"].update(unit="s"), "panel 'Up': unit short → s"),
    "removed": (lambda board: board["panels"].pop(1), "panel 'Up' removed"),
    "added": (lambda board: board["panels"].append({"id": 7, "title": "New", "type": "stat"}), "panel 'New' added"),
    "renamed": (lambda board: board["panels"][1].update(title="On", id=9), "panel 'Up' renamed to 'On' (new id 9"),
    "moved": (lambda board: board["panels"][1]["gridPos"].update(x=3), "panel 'Up': moved or resized"),
    "title": (lambda board: board.update(title="Other"), "title Mine → Other"),
    "variable": (lambda board: board["templating"]["list"].pop(), "variable 'instance' removed"),
    "annotation": (
        lambda board: board["annotations"]["list"][1].update(iconColor="blue"), "annotation 'Firing alerts': iconColor red → blue",
    ),
    "query added": (lambda board: board["panels"][1]["targets"].append({"refId": "B", "expr": "1"}), "panel 'Up': query B added: 1"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_one_sentence(board: dict[str, Any], change: Change, said: str) -> None:
    """It names the panel, and both values."""
    after = copy.deepcopy(board)
    change(after)
    told = differences(board, after)
    assert len(told) == 1, told
    assert told[0].startswith(said)


def test_what_grafana_adds_is_no_change(board: dict[str, Any]) -> None:
    """Nor is what a reader has chosen in a variable."""
    stored = {**copy.deepcopy(board), "id": 12, "version": 4}
    stored["templating"]["list"][1]["current"] = {"text": ["lab"], "value": ["lab"]}
    assert differences(stored, board) == []


def test_new_and_gone() -> None:
    """A dashboard that was not there, and one that is no more."""
    assert differences(None, {"panels": [{}]}) == ["new dashboard with 1 panels"]
    assert differences({"panels": []}, None) == ["the dashboard is gone"]
    assert differences(None, None) == []
