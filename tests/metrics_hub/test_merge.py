"""Pods that do not agree, as in the midst of a rollout, and pods that pretend."""

from __future__ import annotations

import pytest

from metrics_hub.exposition import Format, parse
from metrics_hub.merge import Merged, merge, render
from tests.metrics_hub.reading import families

FORM = Format.OPENMETRICS


def merged(**bodies: str) -> Merged:
    """Merge pods by name; each says what stands here."""
    return merge({pod: parse(f"{body}# EOF\n".encode(), FORM, {"pod": pod}) for pod, body in bodies.items()}, FORM)


def text_of(**bodies: str) -> str:
    return render("", merged(**bodies), FORM)


GAUGE = "# TYPE x gauge\nx 1\n"
COUNTER = "# TYPE x counter\nx_total 1\n"


def test_a_family_stands_once_with_the_lines_of_all_pods_together() -> None:
    text = text_of(a="# HELP x X.\n# TYPE x gauge\nx 1\n", b="# HELP x X, newer.\n# TYPE x gauge\nx 2\n")

    assert text == '# HELP x X.\n# TYPE x gauge\nx{pod="a"} 1\nx{pod="b"} 2\n# EOF\n'


def test_what_most_pods_say_counts_and_the_others_lose_that_family_alone() -> None:
    made = merged(a=f"{COUNTER}# TYPE y gauge\ny 1\n", b=GAUGE, c=GAUGE)

    assert families(render("", made, FORM), FORM)["x"].type == "gauge"
    assert (made.samples, made.dropped) == ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 0, "c": 0})


def test_among_equals_the_choice_is_the_same_each_time() -> None:
    assert text_of(a=COUNTER, b=GAUGE) == text_of(b=GAUGE, a=COUNTER)


def test_families_whose_samples_would_have_one_name_do_not_stand_together() -> None:
    """A counter x has a sample x_total, and so has a gauge of that name."""
    made = merged(a=COUNTER, b=COUNTER, c="# TYPE x_total gauge\nx_total 1\n")

    families(render("", made, FORM), FORM)
    assert made.dropped["c"] == 1


@pytest.mark.parametrize("body", ["# TYPE metrics_hub_target_up gauge\nmetrics_hub_target_up 1\n", "metrics_hub_x 1\n",
                                  "# TYPE metrics_hub counter\nmetrics_hub_total 1\n"])  # fmt: skip
def test_a_pod_cannot_speak_for_the_hub(body: str) -> None:
    made = merged(a=body)

    assert made.families == {}
    assert made.dropped["a"] == 1


def test_a_family_without_samples_is_described() -> None:
    assert text_of(a="# HELP x X.\n# TYPE x gauge\n") == "# HELP x X.\n# TYPE x gauge\n# EOF\n"


def test_no_pods_are_an_empty_answer() -> None:
    assert text_of() == "# EOF\n"
