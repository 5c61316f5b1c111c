"""What a pod may say, and what would break the answer for all."""

from __future__ import annotations

import pytest

from metrics_hub.errors import ScrapeError
from metrics_hub.exposition import Format, parse

OURS = {"pod": "a", "instance": "a"}
MANY_LABELS = ",".join(f'l{number}="1"' for number in range(31))


def lines(body: str, form: Format = Format.OPENMETRICS) -> list[str]:
    """Return the finished lines of an answer."""
    end = "# EOF\n" if form is Format.OPENMETRICS else ""
    found = parse((body + end).encode(), form, OURS)
    return [line for family in found.values() for line in family.lines.values()]


@pytest.mark.parametrize(
    ("sample", "finished"),
    [
        pytest.param("x 1", 'x{pod="a",instance="a"} 1', id="no labels"),
        pytest.param("x{} 1", 'x{pod="a",instance="a"} 1', id="empty braces"),
        pytest.param('x{b="c"} 1', 'x{pod="a",instance="a",b="c"} 1', id="a label"),
        pytest.param('x{b="c",} 1', 'x{pod="a",instance="a",b="c"} 1', id="a comma at the end"),
        pytest.param('x{pod="liar",b="c"} 1', 'x{pod="a",instance="a",b="c"} 1', id="a false pod"),
        pytest.param('x{b="c",instance="liar"} 1', 'x{pod="a",instance="a",b="c"} 1', id="a false instance"),
        pytest.param('x{b="}# \\"{,="} 1', 'x{pod="a",instance="a",b="}# \\"{,="} 1', id="marks inside a value"),
        pytest.param('x{b="pod=\\"liar\\""} 1', 'x{pod="a",instance="a",b="pod=\\"liar\\""} 1', id="a label in a value"),
        pytest.param('x{b="ü\u2028"} NaN', 'x{pod="a",instance="a",b="ü\u2028"} NaN', id="not ASCII"),
        pytest.param("x 1 1700000000.5", 'x{pod="a",instance="a"} 1', id="a timestamp falls away"),
        pytest.param("x -Inf", 'x{pod="a",instance="a"} -Inf', id="infinity"),
    ],
)
def test_a_sample_gets_the_pods_labels(sample: str, finished: str) -> None:
    assert lines(f"{sample}\n") == [finished]


def test_an_exemplar_is_kept() -> None:
    body = '# TYPE x counter\nx_total 3 # {trace_id="abc"} 1 1700000000.123\n'

    assert lines(body) == ['x_total{pod="a",instance="a"} 3 # {trace_id="abc"} 1 1700000000.123']


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param("x one\n", "not a sample", id="no number"),
        pytest.param("x 1e999\n", "too large", id="a number that Prometheus cannot hold"),
        pytest.param("x 0x10\n", "not a sample", id="hexadecimal"),
        pytest.param("x 1_000\n", "not a sample", id="what only Python reads"),
        pytest.param("x ١\n", "not a sample", id="a digit of another script"),
        pytest.param('x{b="c" d="e"} 1\n', "not a sample", id="no comma"),
        pytest.param('x{b="c"\n', "not a sample", id="an open brace"),
        pytest.param('x{b="\\t"} 1\n', "not a sample", id="an escape that there is not"),
        pytest.param('x{b="1",b="2"} 1\n', "a label comes twice", id="a label twice"),
        pytest.param('x{__name__="y"} 1\n', "not a sample", id="a label of Prometheus' own"),
        pytest.param('{"x"} 1\n', "not a sample", id="a quoted name"),
        pytest.param("x  1\n", "not a sample", id="two blanks"),
        pytest.param("x 1\r\n", "control character", id="carriage return"),
        pytest.param("x\x00 1\n", "control character", id="zero byte"),
        pytest.param("\n", "not a sample", id="an empty line"),
        pytest.param("# a comment\n", "neither HELP", id="a comment"),
        pytest.param("# TYPE x counter\n# TYPE x counter\n", "TYPE comes twice", id="two types"),
        pytest.param("# TYPE x frobnicator\n", "TYPE comes twice or says", id="an unknown type"),
        pytest.param("# UNIT x seconds\n", "UNIT comes twice or says", id="a unit that the name lacks"),
        pytest.param("# TYPE x gauge\nx 1\ny 1\nx 2\n", "in two pieces", id="a family in two pieces"),
        pytest.param("# TYPE x gauge\nx 1\n# HELP x late\n", "HELP comes after", id="a late description"),
        pytest.param('x 1 # {t="1"} 1\n', "exemplar stands where", id="an exemplar on a gauge"),
        pytest.param(
            f'# TYPE x counter\nx_total 1 # {{t="{"1" * 128}"}} 1\n', "longer than 128", id="a long exemplar"
        ),
        pytest.param('# TYPE x histogram\nx_bucket{le="ten"} 1\n', "label le is no number", id="a bucket without an end"),
        pytest.param("# TYPE x histogram\nx_bucket 1\n", "label le is no number", id="a bucket without le"),
        pytest.param("# TYPE x summary\nx 1\n", "label quantile is no number", id="a quantile without a number"),
        pytest.param("x 1\n# EOF\nx 2\n", "neither HELP", id="an end in the middle"),
        pytest.param(f'x{{b="{"c" * 20_000}"}} 1\n', "at most 16384", id="a long line"),
        pytest.param(f"x{{{MANY_LABELS}}} 1\n", "31 labels", id="many labels"),
    ],
)
def test_a_line_that_could_break_the_answer_is_refused(body: str, problem: str) -> None:
    with pytest.raises(ScrapeError, match=problem):
        lines(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b"x 1\n", "does not end with # EOF", id="no end"),
        pytest.param(b"x 1\n# EOF", "does not end with a line feed", id="half an end"),
        pytest.param(b"", "does not end with # EOF", id="nothing"),
        pytest.param(b"x\xff 1\n# EOF\n", "not UTF-8", id="bytes"),
    ],
)
def test_an_answer_that_was_cut_off_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(ScrapeError, match=problem):
        parse(body, Format.OPENMETRICS, OURS)


def test_the_place_is_named_and_a_long_line_shortened() -> None:
    with pytest.raises(ScrapeError) as caught:
        lines("x 1\ny " + "z" * 9_000 + "\n")

    assert str(caught.value).startswith("line 2, 'y zzz")
    assert len(str(caught.value)) < 200


def test_text_format_may_hold_comments_and_empty_lines() -> None:
    assert lines("# hello\n\n# TYPE x counter\nx 1\n", Format.TEXT) == ['x{pod="a",instance="a"} 1']


def test_samples_belong_to_the_family_before_them_only_by_its_type() -> None:
    found = parse(b"# TYPE x histogram\nx_bucket{le=\"+Inf\"} 1\nx_count 1\nx_sum 1\nx_total 5\n# EOF\n",
                  Format.OPENMETRICS, OURS)  # fmt: skip

    assert [(declaration.name, declaration.type) for declaration in found] == [("x", "histogram"), ("x_total", "unknown")]


def test_a_series_that_comes_again_is_left_out_and_counted() -> None:
    """Two false pod labels become one series; Prometheus would take the first, too."""
    [family] = parse(b'x{pod="b"} 1\nx{pod="c"} 2\n# EOF\n', Format.OPENMETRICS, OURS).values()

    assert list(family.lines.values()) == ['x{pod="a",instance="a"} 1']
    assert family.repeated == 1
