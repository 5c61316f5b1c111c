"""Every exception from `rule metrics` is still needed."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.promontory.stack.plugins.module_utils.proof import rule_metrics

ROOT = Path(__file__).resolve().parents[2]


def test_every_rare_metric_is_looked_at_by_an_alert() -> None:
    """A name that no rule uses any more would hide the next rule that misspells it."""
    rare = yaml.safe_load((ROOT / "roles/verify/vars/main.yml").read_text(encoding="utf-8"))["__verify_rare_metrics"]
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) or {} for path in (ROOT / "rules").glob("*.yml")]
    expressions = [str(rule["expr"]) for file in files for group in file.get("groups") or [] for rule in group["rules"]]
    used = {metric for text in expressions for metric in rule_metrics.metrics_of(text)}

    assert sorted(set(rare) - used) == []
