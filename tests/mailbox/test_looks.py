"""Golden mails can be read by everybody, light and dark, and are whole pages without anything from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mailbox.alertmanager import TEMPLATES
from tests.mailbox.colours import Seen, dark_rules, seen
from tests.mailbox.golden import FOLDER
from tests.mailbox.reading import page

READABLE, VISIBLE = 4.5, 3.0   # WCAG AA: text, and what shows where a button is
GOLDEN = sorted(FOLDER.glob("*.html"))
TEMPLATE = (TEMPLATES / "email-html.tmpl").read_text(encoding="utf-8")
BANNERS = sorted(set(re.findall(r'\$colour :?= "(#[0-9a-f]{6})"', TEMPLATE)))


def test_the_ratio_is_the_standards() -> None:
    assert Seen("", "#000000", "#ffffff").contrast == pytest.approx(21)
    assert Seen("", "#777777", "#ffffff").contrast == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("banner", BANNERS)
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_text_can_be_told_from_what_is_behind_it(path: Path, mode: str, banner: str) -> None:
    golden = path.read_text(encoding="utf-8")
    html, painted = re.subn(r'(<tr><td style="background-color:)#[0-9a-f]{6}', rf"\g<1>{banner}", golden)
    assert painted == 1

    found = seen(html, dark=mode == "dark")

    assert len(found) > 10
    weak = [one for one in found if one.contrast < (VISIBLE if one.what.startswith("edge of ") else READABLE)]
    assert weak == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_everything_that_is_light_inside_has_a_dark_rule(path: Path) -> None:
    """An inline colour without class would stay as it is in dark mode; only the banner may."""
    html = path.read_text(encoding="utf-8")
    rules = dark_rules(html)
    for tag in re.findall(r"<(?:body|table|td|div|a|span)\b[^>]*color:[^>]*>", html):
        classes = re.findall(r'class="([^"]*)"', tag)
        assert classes or "color:#ffffff" in tag, tag
        assert all(name in rules for name in " ".join(classes).split()), tag


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_nothing_is_loaded(path: Path) -> None:
    html = path.read_text(encoding="utf-8")

    assert page(html).sources == []
    assert not re.search(r"url\(|@import|<script|<link|<form|\son\w+=", html)
