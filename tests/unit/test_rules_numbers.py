"""How a rule's numbers are written, found and replaced."""

from __future__ import annotations

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.rules import RulesError, thresholds, units
from ansible_collections.promontory.stack.plugins.plugin_utils.rules.thresholds import Threshold

LINE = {"alert": "A", "unit": "ratio", "scope": "host", "min": 0.1, "max": 1, "description": "Share of it."}
USED = Threshold("cpu_used_ratio", "A", "ratio", "host", 0.1, 1, "Share of it")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9, "ratio", "90%"),
        (0.07, "ratio", "7%"),
        (0.005, "ratio", "0.5%"),
        (14.4, "factor", "14.4"),
        (0.05, "seconds", "50ms"),
        (1.0, "seconds", "1s"),
        (90, "seconds", "1m 30s"),
        (14400, "seconds", "4h"),
        (172800, "seconds", "2d"),
        (0, "seconds", "0s"),
        (1, "days", "1 day"),
        (20, "days", "20 days"),
        (4, "hours", "4 h"),
        (10, "count", "10"),
        (536870912, "bytes", "512MiB"),
        (1610612736, "bytes", "1.5GiB"),
        (0.2, "per_second", "0.2/s"),
        (3, "per_hour", "3/h"),
    ],
)
def test_a_number_is_written_with_its_unit(value: float, unit: str, text: str) -> None:
    assert units.written(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "0.05"), (14400.0, "14400"), (1e-7, "0.0000001"), (1e15, "1000000000000000")]
)
def test_a_literal_has_no_exponent(value: float, text: str) -> None:
    assert units.literal(value) == text


@pytest.mark.parametrize(("duration", "seconds"), [("15m", 900), ("1h30m", 5400), ("500ms", 0.5), ("2w", 1209600)])
def test_a_duration_is_read(duration: str, seconds: float) -> None:
    assert units.seconds_of(duration) == seconds


@pytest.mark.parametrize("duration", ["", "15", "m", "15 m", "-5m", "15min"])
def test_what_is_no_duration_is_none(duration: str) -> None:
    assert units.seconds_of(duration) is None


def test_the_last_number_of_a_marked_line_is_the_threshold() -> None:
    expression = "sum by (instance) (rate(x2_total[5m])) > 0.9  # threshold: cpu_used_ratio\nand y > 7\n"

    (found,) = thresholds.literals(expression)

    assert (found.name, found.text) == ("cpu_used_ratio", "0.9")
    assert thresholds.in_expression(expression, {"cpu_used_ratio": 0.5}) == expression.replace("0.9", "0.5")


def test_a_number_before_a_closing_bracket_is_found_too() -> None:
    found = thresholds.literals("predict_linear(x[1h], 14400)  # threshold: ahead_seconds\n  < 0\n")

    assert [(one.name, one.value) for one in found] == [("ahead_seconds", 14400)]


def test_the_same_threshold_may_stand_twice() -> None:
    expression = "a > 14.4  # threshold: burn_factor\nand b > 14.4  # threshold: burn_factor\n"

    assert thresholds.in_expression(expression, {"burn_factor": 10}).count("> 10 ") == 2


def test_a_description_gets_the_new_number_and_nothing_else_changes() -> None:
    text = "{{ $value | humanizePercentage }} for 15 min (limit 90%), not 190% and not 90%/s."

    changed = thresholds.in_description(text, USED, 0.9, 0.955)

    assert changed == "{{ $value | humanizePercentage }} for 15 min (limit 95.5%), not 190% and not 90%/s."


def test_of_several_the_number_after_limit_is_meant() -> None:
    count = Threshold("restarts_count", "A", "count", "host", 1, 100, "Restarts")

    assert thresholds.in_description("5 of 5 within 5 min (limit 5).", count, 5, 8) == "5 of 5 within 5 min (limit 8)."


@pytest.mark.parametrize("text", ["no number here", "90% and 90%"])
def test_a_description_without_the_one_number_is_refused(text: str) -> None:
    with pytest.raises(RulesError, match=r"names 90% \(cpu_used_ratio\) \d times, not once"):
        thresholds.in_description(text, USED, 0.9, 0.8)


@pytest.mark.parametrize("value", [0.1, 0.5, 1])
def test_a_value_within_the_range_is_fine(value: float) -> None:
    assert USED.problem(value) == ""


@pytest.mark.parametrize("value", [0.05, 1.5, -1, 90])
def test_a_value_outside_is_told_with_the_range_and_the_unit(value: float) -> None:
    problem = USED.problem(value)

    assert f"is {units.literal(value)}, but must be between 0.1 and 1 (Share of it; a share, 0.9 is 90%)." in problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "percent"}, "must end in its unit"),
        ({"unit": "seconds"}, "must end in its unit"),
        ({"scope": "team"}, "must be one of host, environment"),
        ({"min": 2}, "the first one smaller"),
        ({"max": "1"}, "must be numbers"),
        ({"default": 1}, "with exactly alert, description, max, min, scope, unit"),
    ],
)
def test_a_wrong_entry_of_thresholds_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(RulesError, match=said):
        thresholds.from_mapping("cpu_used_ratio", {**LINE, **change}, "thresholds.yml")
