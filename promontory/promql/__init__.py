"""Judges PromQL without a Prometheus: is it well-formed, and do its metrics and labels exist?

    from promontory.catalogue import load
    from promontory.promql import check, labels_of, metrics_of, with_rules

    catalogue = with_rules(load(), Path("rules"))
    for problem in check('rate(up{jb="prometheus"}[1m])', catalogue):
        print(problem)

Variables of Grafana must have been replaced before: `$__rate_interval` by a duration, others by what they stand for.
"""

from __future__ import annotations

from promontory.promql.judge import Problem, check
from promontory.promql.labels import labels_of
from promontory.promql.rules import with_rules
from promontory.promql.tree import metrics_of

__all__ = ["Problem", "check", "labels_of", "metrics_of", "with_rules"]
