"""Which metrics the rules look at, and which of them nobody exports.

An alert over a metric that does not exist never fires and never fails; Prometheus calls its rule healthy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding

_SHOWN = 3
# Whichever comes first: a string may hold a #, and a comment an apostrophe.
_STRING_OR_COMMENT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|(?P<comment>#[^\n]*)")
# __name__ in braces names a metric too.
_NAMED = re.compile(r"__name__\s*=\s*[\"']([^\"']+)[\"']")
_BRACES = re.compile(r"\{[^{}]*\}")
_RANGES = re.compile(r"\[[^\[\]]*\]")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)(?!\w)(?!\s*\()")
_KEYWORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "start", "end",
    "atan2", "inf", "nan",
}  # fmt: skip
_AGGREGATIONS = {
    "sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile", "limitk",
    "limit_ratio",
}  # fmt: skip
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics that an expression selects.

    Prometheus has accepted the expression, so this need not judge it: strings, comments, label lists and ranges are taken
    out, and what is left of words is a keyword, a function or a metric.
    """
    uncommented = _STRING_OR_COMMENT.sub(lambda found: "" if found["comment"] else found[0], expression)
    bare = _STRING_OR_COMMENT.sub('""', uncommented)
    named = set(_NAMED.findall(uncommented))
    bare = _LABELS.sub(" ", _RANGES.sub(" ", _BRACES.sub(" ", bare)))
    words = {word for word in _WORD.findall(bare) if word.lower() not in _KEYWORDS | _AGGREGATIONS}
    return named | {word for word in words if not _DURATION.fullmatch(word)}


def wanted(groups: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return by metric the alerts that look at it, through recording rules too.

    Args:
        groups: ``data.groups`` of ``/api/v1/rules``.
    """
    rules = [rule for group in groups for rule in group["rules"]]
    recorded: dict[str, set[str]] = {}
    for rule in rules:
        if rule.get("type") == "recording":
            recorded.setdefault(str(rule["name"]), set()).update(metrics_of(str(rule["query"])))
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule.get("type") == "alerting":
            for metric in sorted(_sources(metrics_of(str(rule["query"])), recorded)):
                alerts = found.setdefault(metric, [])
                if rule["name"] not in alerts:
                    alerts.append(str(rule["name"]))
    return found


def _sources(metrics: Iterable[str], recorded: Mapping[str, set[str]]) -> set[str]:
    """Replace recorded series by what they are recorded from."""
    found: set[str] = set()
    seen: set[str] = set()
    open_ = list(metrics)
    while open_:
        metric = open_.pop()
        if metric in seen:
            continue
        seen.add(metric)
        if metric in recorded:
            open_.extend(recorded[metric])
        else:
            found.add(metric)
    return found


def judge(wanted_by: Mapping[str, Sequence[str]], known: Iterable[str], rare: Sequence[str], url: str) -> Finding:
    """Every metric that an alert looks at has a series, but for those that come with the failure itself.

    Args:
        wanted_by: Alerts by metric, see ``wanted``.
        known: Names of all metrics of this Prometheus.
        rare: Names or patterns (``*``) of metrics that need not be there.
        url: Of this Prometheus, for the closer look.
    """
    there = set(known)
    patterns = [re.compile(re.escape(one).replace(r"\*", ".*")) for one in rare]
    missing = sorted(
        metric
        for metric in wanted_by
        if metric not in there and not any(pattern.fullmatch(metric) for pattern in patterns)
    )
    if not missing:
        return Finding("rule metrics", ok=True, detail=f"{len(wanted_by)} metrics of alerts, all exported")
    shown = [f"{metric} ({', '.join(wanted_by[metric][:_SHOWN])})" for metric in missing[:_SHOWN]]
    more = len(missing) - len(shown)
    return Finding(
        "rule metrics",
        ok=False,
        detail="alerts look at metrics that nobody exports: " + "; ".join(shown) + (f"; and {more} more" if more else "")
        + ". Correct the rule, or name the metric in verify_rare_metrics if it only appears with the failure",
        look=f"curl -s {url}/api/v1/label/__name__/values",
    )  # fmt: skip
