"""Dashboards drawn from what a real Prometheus answered (recorded by tests/dashboards/recorder.py)."""

from __future__ import annotations

import json
import re
import struct
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from promontory.cli import main
from promontory.dashboards.queries import Window
from promontory.dashboards.render.figures.table import rows_of
from promontory.dashboards.render.figures.timeseries import piled
from promontory.dashboards.render.filled import Filled, Series, fill
from promontory.dashboards.render.grid import placed, rectangle
from promontory.dashboards.render.html import as_html
from promontory.dashboards.render.page import as_png, as_svg
from promontory.dashboards.render.prometheus import by_url
from promontory.dashboards.render.theme import THEMES
from promontory.dashboards.render.units import written
from promontory.errors import ServiceUnreachable, UsageError

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded/render.json").read_text(encoding="utf-8"))
BOARD: dict[str, Any] = RECORDED["board"]
WINDOW = Window(RECORDED["start"], RECORDED["end"], points=RECORDED["points"])
DARK, LIGHT = THEMES["dark"], THEMES["light"]


class Recorded(BaseHTTPRequestHandler):
    """A Prometheus that knows the recorded answers, refuses what `refuse` is part of, and has one instance."""

    refuse: ClassVar[str] = ""
    broken: ClassVar[int] = 0

    def do_POST(self) -> None:
        """Answer a query."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        query = sent["query"][0]
        if self.broken:
            self._say(self.broken, None)
        elif self.refuse and self.refuse in query:
            self._say(422, {"status": "error", "errorType": "execution", "error": "found duplicate series for the match group"})
        else:
            kind = "matrix" if self.path.endswith("query_range") else "vector"
            self._say(200, {"status": "success", "data": {"resultType": kind, "result": RECORDED["answers"].get(query, [])}})

    def do_GET(self) -> None:
        """Answer which values a label has."""
        assert urlsplit(self.path).path == "/prometheus/api/v1/label/instance/values"
        self._say(200, {"status": "success", "data": ["node1", "node2"]})

    def _say(self, code: int, document: Mapping[str, Any] | None) -> None:
        text = json.dumps(document).encode() if document is not None else b"<html>Bad Gateway</html>"
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    """Give the address of a Prometheus with the recorded answers."""
    Recorded.refuse, Recorded.broken = "", 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/prometheus"
        server.shutdown()


@pytest.fixture
def filled(url: str) -> Filled:
    """Give the recorded board with its answers."""
    return fill(BOARD, by_url(url), WINDOW)


def words(svg: str) -> list[str]:
    """Return the texts of a picture, from top to bottom as they were written."""
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def panel(title: str) -> dict[str, Any]:
    """Find a panel of the recorded board."""
    found: dict[str, Any] = next(each for each in BOARD["panels"] if each["title"] == title)
    return found


def only(*titles: str) -> dict[str, Any]:
    """Give the recorded board with some of its panels."""
    return {**BOARD, "panels": [each for each in BOARD["panels"] if each["title"] in titles]}


def drawn(url: str, *titles: str, width: int = 1400) -> list[str]:
    """Draw some panels and return their texts."""
    return words(as_svg(fill(only(*titles), by_url(url), WINDOW), DARK, width))


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("width", [1400, 800, 400])
def test_every_kind_of_panel_lies_within_the_page(filled: Filled, theme: Any, width: int) -> None:
    """A valid picture in which each title stands and no panel leaves the page or covers another."""
    svg = as_svg(filled, theme, width)
    shown = words(svg)
    for each in BOARD["panels"]:
        assert any(text and each["title"].startswith(text.rstrip("…")) for text in shown), each["title"]
    rectangles = [rectangle(each.place, width - 32) for each in placed(BOARD, width)]
    for index, (x, y, wide, high) in enumerate(rectangles):
        assert x >= 0
        assert x + wide <= width - 32 + 0.01
        for left, top, other, below in rectangles[:index]:
            assert x >= left + other or left >= x + wide or y >= top + below or top >= y + high


def test_the_grid_is_grafanas_at_full_width_and_gives_more_room_on_narrow_pages() -> None:
    """At 1400 pixels the places of the JSON; at 800 twice the share, on a phone whole lines."""
    wide = {each.panel["id"]: each.place for each in placed(BOARD, 1400) if not each.is_row}
    assert all(wide[each["id"]].as_json() == each["gridPos"] for each in BOARD["panels"] if each["type"] != "row")
    assert {each.place.width for each in placed(BOARD, 800) if not each.is_row} == {12, 24}
    assert len({each.place.x for each in placed(only("Programs", "Memory by use"), 400)}) <= 2


def test_a_number_with_its_colour_and_its_words(url: str) -> None:
    """The last value in the colour of the limit it reached; a text where emptiness is good news."""
    shown = drawn(url, "Targets down", "Certificate ends in", "Last start of a program", "Version of the sample app")
    assert "No site is probed over TLS." in shown
    assert any(re.fullmatch(r"\d+ (minute|hour)s? ago", text) for text in shown)
    assert "0.1.0" in shown
    svg = as_svg(fill(only("Targets down"), by_url(url), WINDOW), DARK, 1400)
    value = int(re.search(r'font-weight="bold" text-anchor="middle">(\d+)</text>', svg)[1])   # type: ignore[index]
    assert (DARK.color("red") if value >= 1 else DARK.color("green")) in svg


def test_states_have_their_words_and_rows(url: str) -> None:
    """A line for each program, bands named up and down, a legend."""
    shown = drawn(url, "Programs")
    assert {"alertmanager", "prometheus", "sample_app", "up"} <= set(shown)


def test_a_table_joins_its_queries_and_writes_each_column_in_its_unit(url: str, filled: Filled) -> None:
    """One row for each host, in the order that the panel asks for."""
    table = panel("Hosts now")
    headings, rows = rows_of(table, filled.answers[table["id"]].series)
    assert headings == ["Host", "Processor", "Load per processor", "Memory", "Fullest disk", "Received", "Sent", "Up for"]
    assert sorted(row["Host"] for row in rows) == ["node1", "node2", "node3"]
    busy = [row["Processor"] for row in rows if "Processor" in row]
    assert busy == sorted(busy, reverse=True)
    shown = drawn(url, "Hosts now", width=4000)
    assert f"{busy[0] * 100:.0f}%" in shown
    assert all(written(row["Up for"], "dtdurations") in shown for row in rows)


def test_limits_are_dashed_where_the_panel_shows_them(url: str) -> None:
    """The limit of an alert, in its colour; not for a panel that does not ask for it."""
    board = only("Memory by use")
    svg = as_svg(fill(board, by_url(url), WINDOW), DARK, 1400)
    assert 'stroke-dasharray="8,5"' not in svg
    limited = json.loads(json.dumps(board))
    defaults = limited["panels"][0]["fieldConfig"]["defaults"]
    defaults["custom"]["thresholdsStyle"] = {"mode": "dashed"}
    defaults["thresholds"]["steps"] = [{"color": "green", "value": 0}, {"color": "red", "value": 2**30}]
    svg = as_svg(fill(limited, by_url(url), WINDOW), DARK, 1400)
    assert re.search(rf'stroke="{DARK.color("red")}" stroke-width="1.4" stroke-dasharray="8,5"', svg)


def test_a_gap_in_all_stacked_series_is_a_gap() -> None:
    """And one in a single series is none in those above it."""
    lower, upper = Series("a", {}, [1.0, None, None, 1.0]), Series("b", {}, [2.0, 2.0, None, 2.0])
    assert piled([lower, upper]) == [[1.0, 0.0, None, 1.0], [3.0, 2.0, None, 3.0]]


def test_what_does_not_fit_is_counted(url: str) -> None:
    """Series beyond the legend's room are told by number, not left out silently."""
    board = only("Memory by use")
    board["panels"] = [{**board["panels"][0], "gridPos": {"h": 5, "w": 4, "x": 0, "y": 0}}]
    filled = fill(board, by_url(url), WINDOW)
    shown = words(as_svg(filled, DARK, 1400))
    named = [text for text in shown if text.endswith(("node1", "node2", "node3"))]
    told = [int(found[1]) for text in shown if (found := re.fullmatch(r"\+ (\d+) more", text))]
    assert len(told) == 1
    assert len(named) + told[0] == len(filled.answers[panel("Memory by use")["id"]].series)


def test_a_refused_query_is_drawn_with_prometheus_words(url: str) -> None:
    """The panel says so, the others are drawn, and the caller learns it."""
    Recorded.refuse = "node_memory_MemFree_bytes"
    filled = fill(only("Memory by use", "Programs"), by_url(url), WINDOW)
    assert [title for title, _ in filled.refused] == ["Memory by use"]
    shown = " ".join(words(as_svg(filled, DARK, 1400)))
    assert "found duplicate series for the match group" in shown
    assert "alertmanager" in shown


@pytest.mark.parametrize(("code", "text"), [(502, "what stands before Prometheus"), (401, "password"), (404, "no Prometheus")])
def test_something_else_than_prometheus(url: str, code: int, text: str) -> None:
    """A proxy's error page is no answer."""
    Recorded.broken = code
    with pytest.raises(ServiceUnreachable, match=text):
        fill(BOARD, by_url(url), WINDOW)


def test_a_value_that_a_variable_does_not_offer(url: str) -> None:
    """The message names those it does."""
    with pytest.raises(UsageError) as told:
        fill(BOARD, by_url(url), WINDOW, {"instance": ["node9"]})
    assert "instance=node9" in str(told.value)
    assert "node1, node2" in told.value.hint


def test_events_are_marked(url: str) -> None:
    """What the annotations found in the recorded time, each once."""
    filled = fill(BOARD, by_url(url), WINDOW)
    assert filled.events
    assert all(WINDOW.start <= event.at <= WINDOW.end for event in filled.events)
    assert len({(event.at, event.text) for event in filled.events}) == len(filled.events)


def test_the_picture_is_a_png_of_the_right_size(filled: Filled) -> None:
    """Width as asked for times the scale, without transparency."""
    png = as_png(filled, LIGHT, 900, scale=1.5)
    width, _, bits, kind = struct.unpack_from(">IIBB", png, 16)
    assert (width, bits, kind) == (1350, 8, 2)


def test_the_page_needs_nothing_else_and_knows_every_value(filled: Filled) -> None:
    """No address but of the SVG's kind, no request; hover data for each curve, as the panel writes values."""
    page = as_html(filled, DARK, 1400)
    assert set(re.findall(r"https?://[^\s\"'<\\]+", page.split("const HOVER=")[0])) == set()
    assert not re.search(r"<(link|img|iframe)|src=|@import|fetch\(", page)
    assert page.count("<script>") == page.count("</script>") == 1
    line = page.split("const HOVER=")[1].split(";\n")[0]
    hover = json.loads(line.replace("<\\/", "</"))
    shown = hover[str(panel("Memory by use")["id"])]
    assert set(shown["box"]) == {"wide", "narrow", "phone"}
    assert len(shown["times"]) == len(shown["rows"][0]["texts"]) == len(shown["ranks"][0])
    assert any(text and text.endswith("GiB") for row in shown["rows"] for text in row["texts"])


def test_descriptions_appear_on_the_mouse(filled: Filled) -> None:
    """Each panel that has one carries it as a title."""
    svg = as_svg(filled, DARK, 1400)
    titles = [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]  # noqa: S314
    assert {each["description"] for each in BOARD["panels"] if each.get("description")} <= set(titles)


def test_a_text_panel_and_a_panel_that_is_unknown(url: str) -> None:
    """Markdown loses its marks; what cannot be drawn says so."""
    place = {"h": 6, "w": 12, "x": 0, "y": 0}
    text = {"type": "text", "id": 1, "title": "Read", "gridPos": place, "options": {"content": "# Head\n\n- **bold** [link](x)"}}
    strange = {"type": "news", "id": 2, "title": "Strange", "gridPos": {**place, "x": 12}}
    shown = words(as_svg(fill({**BOARD, "panels": [text, strange]}, by_url(url), WINDOW), LIGHT, 1400))
    assert {"Head", "bold link"} <= set(shown)
    assert any("news" in each for each in shown)


def test_closed_rows_stay_closed_unless_they_are_opened(url: str) -> None:
    """Their panels are asked for on request only."""
    row = {**BOARD["panels"][0], "collapsed": True, "title": "More", "panels": [panel("Programs")]}
    board = {**BOARD, "panels": [row]}
    closed = fill(board, by_url(url), WINDOW)
    assert closed.answers == {}
    shown = words(as_svg(closed, DARK, 1400))
    assert "1 panel" in shown
    assert "Programs" not in shown
    opened = fill(board, by_url(url), WINDOW, open_rows=True)
    assert "alertmanager" in words(as_svg(opened, DARK, 1400, open_rows=True))


def command(*arguments: str) -> Result:
    """Run `promontory dashboards render`."""
    return CliRunner().invoke(main, ["dashboards", "render", *arguments])


def test_the_command_writes_files_and_says_which(url: str, tmp_path: Path) -> None:
    """Names are those people type, with or without the common part."""
    ran = command("overview", "promontory-alerts", "--prometheus", url, "--format", "html", "-o", str(tmp_path), "--json")
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)["dashboards"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dashboard-alerts.html", "dashboard-overview.html"]
    assert told["promontory-overview"]["bytes"] == (tmp_path / "dashboard-overview.html").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nope"], "There is no dashboard nope"),
        (["--var", "instance"], "NAME=VALUE"),
        (["--var", "colour=red"], "there is no variable colour"),
        (["--from", "yesterday"], "neither a duration"),
        (["--from", "1h", "--to", "2h"], "is not before"),
        (["--prometheus", "localhost:9090"], "is no URL"),
        (["--prometheus", "http://127.0.0.1:1"], "does not answer"),
    ],
)
def test_bad_input_is_one_clear_message(arguments: list[str], text: str, tmp_path: Path) -> None:
    """And nothing is written."""
    ran = command("overview", *arguments, "-o", str(tmp_path / "out"))
    assert ran.exit_code in (1, 2)
    assert text in " ".join(ran.output.split())
    assert not (tmp_path / "out").exists()
