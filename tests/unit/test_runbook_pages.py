"""Runbooks as pages: complete, safe, linked among each other, with the numbers of this environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils import runbooks
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import book, variants
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.book import Book

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ("db1", "web1", "web2")


@pytest.fixture(scope="module")
def rules() -> Book:
    """The project's own."""
    return book.read(ROOT / "rules")


def page(rules: Book, text: str, alert: str = "HostCpuSaturated", **values: dict[str, float]) -> str:
    """The page of one runbook."""
    settings = variants.settle(rules, HOSTS, values)
    return runbooks.pages({alert: text, "HostDown": "# HostDown\n"}, rules, settings, "Runbooks")[f"{alert}.html"]


def test_every_runbook_of_the_project_becomes_a_page_and_is_listed_once(rules: Book) -> None:
    texts = runbooks.read(ROOT / "docs/runbooks")

    found = runbooks.pages(texts, rules, variants.settle(rules, HOSTS, {}), "Runbooks, lab")

    assert set(found) == {f"{alert}.html" for alert in texts} | {"index.html"}
    listed = re.findall(r'<li><a href="(\w+)\.html">', found["index.html"])
    assert sorted(listed) == sorted(texts)


def test_a_page_names_alert_and_severity_and_has_no_second_title(rules: Book) -> None:
    found = page(rules, "# HostCpuSaturated\n\n## Meaning\n\nBusy.\n")

    assert found.count("<h1>") == 1
    assert '<p class="severity warning">Warning</p>' in found
    assert "<h2>Meaning</h2>" in found
    assert '<meta name="viewport"' in found


def test_the_numbers_are_those_of_this_environment(rules: Book) -> None:
    found = page(rules, "# X\n", host_cpu_used_ratio={"db1": 0.95, "web1": 0.8, "web2": 0.8})

    assert '<td>80% <span class="dim">(default 90%)</span><br>95% on db1</td>' in found


def test_a_default_is_just_the_number(rules: Book) -> None:
    assert "<td>90%</td>" in page(rules, "# X\n")


def test_an_alert_without_numbers_has_no_table(rules: Book) -> None:
    assert "<table>" not in page(rules, "# Watchdog\n", "Watchdog")


def test_links_among_runbooks_lead_to_pages_and_others_become_text(rules: Book) -> None:
    found = page(rules, "# X\n\n[a](HostDown.md#fix) [b](../how-to/x.md) [c](https://example.net/) [d](Nothing.md)\n")

    assert '<a href="HostDown.html#fix">a</a> b <a href="https://example.net/">c</a> d' in found


def test_markup_in_a_runbook_is_shown_and_not_obeyed(rules: Book) -> None:
    found = page(rules, "# X\n\n<script>alert(1)</script> [e](javascript:alert(1))\n")

    assert "<script>" not in found
    assert 'href="javascript' not in found


def test_tables_and_code_are_kept(rules: Book) -> None:
    found = page(rules, "# X\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```sh\ndf -h\n```\n")

    assert "<td>1</td>" in found
    assert '<pre><code class="language-sh">df -h' in found
