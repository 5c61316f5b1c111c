"""scripts/test's own sums: a suite that counts wrong proves nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support import parts
from tests.support.parts import Count, Part

JUNIT = '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="1"/></testsuites>'


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep logs away from those of the run that runs these tests."""
    monkeypatch.setattr(parts, "LOGS", tmp_path)
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    return tmp_path


def python(name: str, code: str, *, counts_itself: bool = True) -> Part:
    """Build a part that runs a few words of Python."""
    return Part(name, (sys.executable, "-c", code), counts_itself=counts_itself)


@pytest.mark.parametrize(
    ("exit_code", "junit", "counts_itself", "expected"),
    [
        pytest.param(0, None, True, Count(passed=1), id="lint passes"),
        pytest.param(1, None, True, Count(failed=1), id="lint fails"),
        pytest.param(1, JUNIT, False, Count(passed=2, failed=2, skipped=1), id="pytest fails"),
        pytest.param(2, None, False, Count(failed=1), id="pytest cannot even collect"),
        pytest.param(5, None, False, Count(failed=1), id="pytest finds no test"),
        pytest.param(0, '<testsuite tests="3"/>', True, Count(passed=4), id="molecule with its tests"),
        pytest.param(1, '<testsuite tests="3"/>', True, Count(passed=3, failed=1), id="molecule breaks after its tests"),
        pytest.param(1, "<testsuite tests=", False, Count(failed=1), id="killed while writing"),
    ],
)
def test_counts(tmp_path: Path, exit_code: int, junit: str | None, counts_itself: bool, expected: Count) -> None:
    file = tmp_path / "results.xml"
    if junit:
        file.write_text(junit)

    assert parts.count_part(Part("x", (), counts_itself=counts_itself), exit_code, file) == expected


def test_the_closing_line_is_the_sum_and_a_failed_part_shows_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = python("good", "print('quiet')"), python("bad", "print('loud'); raise SystemExit(3)")
    monkeypatch.setattr(parts, "PARTS", (good, bad))

    exit_code = parts.main([])

    printed = capsys.readouterr()
    assert exit_code == 1
    assert printed.out.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"
    assert "loud" in printed.err
    assert "quiet" not in printed.err


def test_a_single_part_runs_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(parts, "PARTS", (python("good", ""), python("bad", "raise SystemExit(1)")))

    assert parts.main(["good"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_an_unknown_part_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert parts.main(["nope"]) == 2
    assert "ruff" in capsys.readouterr().err


def test_a_part_that_takes_too_long_is_ended_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_LIMIT_S", 0.5)
    slow = python("slow", "import subprocess; subprocess.run(['sleep', '600'])")

    (over,) = parts.run([slow])

    assert over.exit_code == 124
    assert over.count == Count(failed=1)
    assert "Ended after" in parts.log_of(slow).read_text()


def test_parts_run_side_by_side_but_not_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(parts.Status, "show", lambda self, running, waiting: seen.append(len(running)))

    parts.run([python(name, "import time; time.sleep(0.5)") for name in "abcd"])

    assert max(seen) == parts.SIDE_BY_SIDE


def test_what_was_skipped_is_told_with_its_reason_before_the_closing_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = '<testcase><skipped message="no Grafana to run"/></testcase>'
    junit = f'<testsuite tests="3" skipped="2">{case}{case}<testcase/></testsuite>'
    write = f"open({str(tmp_path / 'some.xml')!r}, 'w').write({junit!r})"
    monkeypatch.setattr(parts, "PARTS", (python("some", write, counts_itself=False),))

    parts.main([])

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines[-3:] if line] == ["2 skipped: no Grafana to run", "1 passed, 0 failed, 2 skipped"]
