"""A project of its own with one small dashboard folder, rules of two alerts, and the real catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promontory.dashboards.build import Collection, build
from promontory.project import Project

PROJECT = Path(__file__).resolve().parents[2]

RULES = """\
groups:
  - name: host
    rules:
      - alert: HostCpuSaturated
        expr: |
          1 - avg by (environment, job, instance) (rate(node_cpu_seconds_total{job="node_exporter", mode="idle"}[5m]))
          > 0.9  # threshold: host_cpu_used_ratio
        labels: {severity: warning, team: platform, service: host}
        annotations:
          description: '{{ $value | humanizePercentage }} of the processor time is used (limit 90%).'
          impact: Answers are slow.
          dashboard_url: d/mine?var-instance=x
      - alert: HostMemoryLow
        expr: node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05
        labels: {severity: critical, team: platform, service: host}
        annotations: {description: 'low', dashboard_url: d/elsewhere?x}
"""

HEAD = """\
from promontory.dashboards import *
from promontory.dashboards import Dashboard, alert_limits, bars, closed_row, query, row, stat, timeseries
"""

Module = Callable[..., Path]


def module(*panels: str, uid: str = "mine", title: str = "Mine", extra: str = "") -> str:
    """Return a module with the given panels in one row."""
    inside = ",\n            ".join(panels)
    return (
        f"{HEAD}\ndashboard = Dashboard(\n    uid={uid!r}, title={title!r}, description='For tests.', {extra}\n"
        f"    rows=[\n        row(\n            'Row',\n            {inside},\n        ),\n    ],\n)\n"
    )


GOOD = "timeseries('Up', query('up', '{{job}}'), unit='short', description='What answers.')"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give a project without dashboards."""
    for folder in ("playbooks", "rules", "dashboards"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rules/host.yml").write_text(RULES, encoding="utf-8")
    (tmp_path / "playbooks/site.yml").touch()
    (tmp_path / "galaxy.yml").touch()
    return Project(root=tmp_path, inventory=tmp_path)


@pytest.fixture
def built(project: Project) -> Callable[..., Collection]:
    """Build a project of the given modules: `built(module(GOOD), other=module(GOOD, uid="other", title="Other"))`."""

    def make(text: str, **others: str) -> Collection:
        for name, content in {"mine": text, **others}.items():
            (project.root / f"dashboards/{name}.py").write_text(content, encoding="utf-8")
        return build(project)

    return make
