"""Runbooks as pages that a person woken by a mail can read on a phone: one for each alert, and a list of all."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, units
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.book import Book
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.variants import Settings

_LINK = re.compile(r'<a href="(?P<target>[^"]*)">(?P<text>.*?)</a>')


def pages(texts: Mapping[str, str], rules: Book, settings: Settings, title: str) -> dict[str, str]:
    """Return the pages by file name.

    Args:
        texts: Markdown by alert.
        rules: The rules, for severities and numbers.
        settings: The numbers of this environment.
        title: Of the list.
    Raises:
        RulesError: markdown-it-py is not installed.
    """
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise RulesError(
            "Runbooks cannot be rendered without the Python package markdown-it-py on this machine: install it beside "
            "ansible-core, or set edge_runbooks: false."
        ) from error
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    severities = {str(rule["alert"]): str(rule["labels"]["severity"]) for _, rule in rules.alerts()}
    found = {}
    for alert, text in texts.items():
        body = _linked(markdown.render(_without_title(text)), texts)
        severity = severities.get(alert, "")
        badge = f'<p class="severity {severity}">{severity.capitalize()}</p>' if severity else ""
        numbers = _numbers(alert, rules, settings)
        found[f"{alert}.html"] = _page(
            alert, f'<p><a href="./">All runbooks</a></p><h1>{alert}</h1>{badge}{numbers}{body}'
        )
    found["index.html"] = _page(title, _list(texts, rules, title))
    return found


def read(directory: Path) -> dict[str, str]:
    """Return the Markdown of a folder of runbooks by alert."""
    return {
        path.stem: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.md")) if path.stem != "README"
    }


def _without_title(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(lines[1:] if lines and lines[0].startswith("# ") else lines)


def _linked(body: str, known: Mapping[str, str]) -> str:
    """Links among runbooks lead to their pages; what is not served here stays as text."""

    def written(found: re.Match[str]) -> str:
        target, text = found["target"], found["text"]
        if target.startswith(("https://", "http://", "#")):
            return found[0]
        name, _, anchor = target.removeprefix("./").partition("#")
        if name.endswith(".md") and name[:-3] in known:
            return f'<a href="{name[:-3]}.html{"#" + anchor if anchor else ""}">{text}</a>'
        return text

    return _LINK.sub(written, body)


def _numbers(alert: str, rules: Book, settings: Settings) -> str:
    """A table of the alert's numbers as they are in this environment, whatever the text below calls the default."""
    rows = []
    for threshold in rules.of_alert(alert):
        if threshold.name not in settings.base:
            continue
        value, default = settings.base[threshold.name], rules.defaults[threshold.name]
        usual = f' <span class="dim">(default {html.escape(units.written(default, threshold.unit))})</span>'
        others: dict[float, list[str]] = {}
        for host, own in settings.own.items():
            if threshold.name in own:
                others.setdefault(own[threshold.name], []).append(host)
        told = "".join(
            f"<br>{html.escape(units.written(number, threshold.unit))} on {html.escape(', '.join(hosts))}"
            for number, hosts in others.items()
        )
        rows.append(
            f"<tr><td>{html.escape(threshold.description)}<br><code>{threshold.variable}</code></td>"
            f"<td>{html.escape(units.written(value, threshold.unit))}{usual if value != default else ''}{told}</td></tr>"
        )
    if not rows:
        return ""
    return f'<div class="here"><table><tr><th>Limits here</th><th></th></tr>{"".join(rows)}</table></div>'


def _list(texts: Mapping[str, str], rules: Book, title: str) -> str:
    parts = [f'<p><a href="/">Start</a></p><h1>{html.escape(title)}</h1><p class="dim">What to do, alert by alert.</p>']
    listed: set[str] = set()
    for stem in rules.files:
        rows = []
        for rule in dict.fromkeys(
            (str(rule["alert"]), str(rule["labels"]["severity"])) for at, rule in rules.alerts() if at == stem
        ):
            alert, severity = rule
            if alert in texts and alert not in listed:
                rows.append(f'<li><a href="{alert}.html">{alert}</a> <span class="{severity}">{severity}</span></li>')
                listed.add(alert)
        if rows:
            parts.append(f"<h2>{html.escape(stem.replace('_', ' ').capitalize())}</h2><ul>{''.join(rows)}</ul>")
    rest = [alert for alert in texts if alert not in listed]
    if rest:
        parts.append(f"<h2>Others</h2><ul>{_items(rest)}</ul>")
    return "".join(parts)


def _items(alerts: Sequence[str]) -> str:
    return "".join(f'<li><a href="{alert}.html">{alert}</a></li>' for alert in alerts)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{html.escape(title)}</title>\n<link rel="stylesheet" href="runbooks.css">\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
