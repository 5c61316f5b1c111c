"""The catalogue is recorded the same way each time, and what was seen once stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promontory.catalogue import METRICS_FILE, as_json, load
from promontory.catalogue.record import from_series, merged, versions

TARGET = {"job": "shop", "instance": "shop1"}


def series(name: str, **labels: str) -> dict[str, str]:
    return {"__name__": name, **TARGET, **labels}


def told(metric: str, kind: str, text: str = "", unit: str = "") -> dict[str, Any]:
    return {"target": TARGET, "metric": metric, "type": kind, "help": text, "unit": unit}


@pytest.mark.parametrize(
    ("name", "family", "kind", "expected"),
    [
        ("requests_total", "requests_total", "counter", "counter"),
        ("requests_total", "requests", "counter", "counter"),  # as OpenMetrics names the family
        ("requests_created", "requests", "counter", "gauge"),
        ("duration_seconds_bucket", "duration_seconds", "histogram", "histogram"),
        ("duration_seconds_sum", "duration_seconds", "summary", "summary"),
        ("build_info", "build", "info", "gauge"),
        ("users_count", "users", "gauge", "unknown"),  # a part of nothing: `users` is no histogram
        ("faults", "faults", "unknown", "unknown"),
    ],
)
def test_a_series_has_the_type_of_its_family(name: str, family: str, kind: str, expected: str) -> None:
    found = from_series([series(name)], [told(family, kind)])

    assert found[name].type == expected


def test_labels_are_kept_by_job_and_their_values_are_not() -> None:
    found = from_series([series("x", a="1"), series("x", b="2"), {**series("x"), "job": "host"}], [
        told("x", "gauge"), {**told("x", "gauge"), "target": {"job": "host"}},
    ])  # fmt: skip

    assert found["x"].jobs == {"shop": {"job", "instance", "a", "b"}, "host": {"job", "instance"}}
    assert found["x"].labels(["host"]) == {"job", "instance"}


def test_what_is_pushed_belongs_to_any_job() -> None:
    found = from_series([series("x"), {"__name__": "backup_bytes", "job": "nightly"}], [told("x", "gauge")])

    assert list(found["backup_bytes"].jobs) == ["*"]


def test_what_rules_make_is_left_out() -> None:
    found = from_series([series("x"), series("shop:x:sum"), series("ALERTS")], [told("x", "gauge")], ["shop:x:sum"])

    assert list(found) == ["x"]


@pytest.mark.parametrize(
    ("name", "unit"),
    [("wait_seconds_bucket", "seconds"), ("wait_seconds_count", ""), ("read_bytes_total", "bytes"), ("users", "")],
)
def test_the_unit_is_read_from_the_name_where_the_exporter_tells_none(name: str, unit: str) -> None:
    assert from_series([series(name)], [])[name].unit == unit


def test_a_metric_seen_once_stays_and_recording_again_changes_nothing() -> None:
    first = from_series([series("x", a="1"), series("rare")], [told("x", "gauge", "First words.")])
    second = from_series([series("x", b="1")], [told("x", "gauge", "Other words.")])

    joined = merged(first, second)

    assert set(joined) == {"x", "rare"}
    assert joined["x"].jobs["shop"] == {"job", "instance", "a", "b"}
    assert joined["x"].help == "First words."
    assert as_json(merged(joined, second)) == as_json(joined)


def test_a_type_that_was_unknown_is_learnt() -> None:
    first, second = from_series([series("x")], []), from_series([series("x")], [told("x", "gauge")])

    assert merged(first, second)["x"].type == "gauge"
    assert merged(second, first)["x"].type == "gauge"


def test_versions_are_upstreams() -> None:
    found = versions([series("shop_build_info", version="2.53.3+ds1"), series("go_build_info", version="(devel)")])

    assert found == {"shop": ["2.53.3"]}


def test_the_committed_catalogue_is_as_the_recorder_writes_it() -> None:
    assert METRICS_FILE.read_text(encoding="utf-8") == as_json(load().metrics)


def test_the_committed_catalogue_knows_every_program_of_the_stack() -> None:
    jobs = {job for metric in load().metrics.values() for job in metric.jobs}
    programs = json.loads(METRICS_FILE.with_name("programs.json").read_text(encoding="utf-8"))

    assert jobs - {"*", "blackbox"} == set(programs)
    assert {"prometheus", "alertmanager", "node_exporter", "edge_exporter", "postgres_exporter", "grafana"} <= jobs


@pytest.mark.parametrize("text", ["[]", "{", '{"x": {"type": "gauge"}}'])
def test_a_file_that_is_no_catalogue_is_refused_by_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"metrics\.json is no catalogue of metrics"):
        load(file)
