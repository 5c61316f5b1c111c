"""What a host's own amtool renders before a set of templates serves: every text of the receivers, over sample alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

FOLDER = "checks"
_TEXTS, _HTML = f"{FOLDER}/texts.tmpl", f"{FOLDER}/html.tmpl"
# Never templates, though they may hold braces.
_PLAIN = ("http_config", "sigv4", "tls_config")
_MANY = 12  # more than the ten that a mail shows


def files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that the check needs: the receivers' texts as templates, and alerts as data.

    Args:
        config: alertmanager.yml.
    """
    texts, html = list[str](), list[str]()
    for receiver in config.get("receivers") or []:
        for kind, entries in receiver.items():
            for entry in entries if kind.endswith("_configs") else ():
                for key, text in _templates(entry):
                    (html if key == "html" else texts).append(text)
    return {
        _TEXTS: _template("promontory.check.texts", texts),
        _HTML: _template("promontory.check.html", html),
        **{f"{FOLDER}/{name}.json": json.dumps(data, indent=1) + "\n" for name, data in _samples().items()},
    }


def commands() -> list[list[str]]:
    """Return the commands that render them; each exits with 0 when everything could be rendered."""
    return [
        [
            "{release}/amtool", "template", "render", f"--template.type={kind}",
            "--template.glob={release}/share/*.tmpl",   # Debian's build has its own templates there, upstream's inside
            "--template.glob={config}/templates/*.tmpl", f"--template.glob={{config}}/{path}",
            f"--template.data={{config}}/{FOLDER}/{sample}.json",
            f'--template.text={{{{ template "promontory.check.{name}" . }}}}',
        ]
        for kind, path, name in (("text", _TEXTS, "texts"), ("html", _HTML, "html"))
        for sample in _samples()
    ]  # fmt: skip


def _template(name: str, texts: list[str]) -> str:
    body = "\n".join(dict.fromkeys(texts))
    return f'{{{{ define "{name}" }}}}{body}\n{{{{ end }}}}\n'


def _templates(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name not in _PLAIN:
                yield from _templates(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from _templates(value, key)
    elif isinstance(node, str) and "{{" in node:
        yield key, node


def _samples() -> dict[str, dict[str, Any]]:
    """One alert with everything, many that have little in common, and the end of one."""
    one = _alert(0)
    many = [_alert(number, severity=("critical", "warning", "info", "")[number % 4]) for number in range(_MANY)]
    over = [_alert(number, over=True) for number in range(_MANY)]
    return {
        "one": _data([one], common=one["labels"], annotations=one["annotations"]),
        "many": _data([*many, *over], common={"environment": "sample"}, annotations={}),
        "over": _data([_alert(0, over=True)], common=one["labels"], annotations=one["annotations"]),
    }


def _data(alerts: list[dict[str, Any]], common: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    return {
        "receiver": "oncall",
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": {"alertname": "Sample", "environment": "sample"},
        "commonLabels": dict(common),
        "commonAnnotations": dict(annotations),
        "externalURL": "https://mon.example.net/alertmanager",
    }


def _alert(number: int, *, severity: str = "critical", over: bool = False) -> dict[str, Any]:
    labels = {
        "alertname": "Sample", "environment": "sample", "instance": f"host{number}", "job": "node_exporter",
        "service": 'quote " slash / ümlaut', "team": "platform", **({"severity": severity} if severity else {}),
    }  # fmt: skip
    annotations = {
        "summary": "A sample & its <signs>", "description": "97% (limit 90%)", "impact": "None.", "action": "Nothing.",
        "runbook_url": "https://mon.example.net/runbooks/Sample.html",
        "dashboard_url": "https://mon.example.net/grafana/d/sample?var-instance=host",
    }  # fmt: skip
    return {
        "status": "resolved" if over else "firing",
        "labels": labels,
        "annotations": annotations if number % 3 == 0 else {},
        "startsAt": "2026-01-05T08:00:00Z",
        "endsAt": "2026-01-05T08:14:05Z" if over else "0001-01-01T00:00:00Z",
        "generatorURL": "https://mon.example.net/prometheus/graph?g0.expr=up" if number % 2 == 0 else "",
        "fingerprint": f"{number:016x}",
    }
