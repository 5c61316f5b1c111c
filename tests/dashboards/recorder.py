"""Records what a real Prometheus answers to a board that has one panel of each type, for the tests of render.

Run as: python -m tests.dashboards.recorder http://admin:PASSWORD@HOST/prometheus
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promontory.dashboards.queries import Window, questions
from promontory.dashboards.render.filled import aligned
from promontory.dashboards.render.prometheus import by_url

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).parent / "recorded/render.json"
PANELS = (
    ("overview", "Targets down"), ("overview", "Version of the sample app"), ("overview", "Certificate ends in"),
    ("overview", "Last start of a program"), ("overview", "Programs"), ("sample-app", "Answers by status"),
    ("sample-app", "How durations are spread"), ("sample-app", "Slowest routes (p95)"), ("hosts", "Hosts now"),
    ("hosts", "Fullest file systems"), ("host", "Memory by use"),
)  # fmt: skip
MINUTES, POINTS = 15, 15


def board() -> dict[str, Any]:
    """Put panels of several dashboards into one, four on a line."""
    boards = {name: json.loads((ROOT / f"dashboards/json/promontory-{name}.json").read_text()) for name, _ in PANELS}
    made: dict[str, Any] = {**boards["overview"], "uid": "recorded", "title": "Recorded", "panels": []}
    made["panels"].append({"type": "row", "title": "Every kind", "id": 1, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}, "panels": []})
    for index, (name, title) in enumerate(PANELS):
        inside = [each for panel in boards[name]["panels"] for each in (panel, *(panel.get("panels") or []))]
        panel = next(each for each in inside if each["title"] == title and each["type"] != "row")
        place = {"h": 8, "w": 6, "x": index % 4 * 6, "y": 1 + index // 4 * 8}
        made["panels"].append({**panel, "id": 100 + index, "gridPos": place})
    return made


def main(url: str) -> None:
    """Ask everything and write it down."""
    prometheus = by_url(url)
    end = time.time()
    window = aligned(Window(end - 60 * MINUTES, end, points=POINTS))
    made = board()
    asked = [one for one in questions(made, window) if one.kind != "variable"]
    answers = {one.expr: [_shortened(entry) for entry in prometheus.ask(one, window)] for one in asked}
    recorded = {"start": window.start, "end": window.end, "points": POINTS, "board": made, "answers": answers}
    FILE.write_text(json.dumps(recorded, separators=(",", ":")) + "\n", encoding="utf-8")


def _shortened(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave digits out that nobody reads."""
    def short(sample: list[Any]) -> list[Any]:
        return [sample[0], f"{float(sample[1]):.6g}" if "." in sample[1] else sample[1]]

    values = {"values": [short(each) for each in entry["values"]]} if "values" in entry else {"value": short(entry["value"])}
    return {"metric": entry["metric"], **values}


if __name__ == "__main__":
    main(sys.argv[1])
