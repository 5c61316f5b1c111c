"""Each alert has its runbook, and all of them answer the same questions."""

from __future__ import annotations

import re

import pytest

from promontory.commands.drill import DRILLS
from tests.rules.rulebook import RUNBOOKS, Alert, alerts, runbook

SECTIONS = ["Meaning", "Impact", "First five minutes", "Fix", "Silence", "Escalate", "False alarm", "How it was tested"]

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.id)


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {alert.name for alert in alerts()}


@every_alert
def test_runbook_answers_the_same_questions_in_the_same_order(alert: Alert) -> None:
    text = runbook(alert.name)

    assert text.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == SECTIONS
    for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert section.strip(), "an empty section"


@every_alert
def test_runbook_names_severity_and_file(alert: Alert) -> None:
    text = runbook(alert.name)

    assert f"Severity: {alert.rule['labels']['severity']}" in text
    assert f"`rules/{alert.file}.yml`" in text


@every_alert
def test_runbook_tells_how_to_silence_this_alert(alert: Alert) -> None:
    silence = runbook(alert.name).split("## Silence\n", 1)[-1].split("\n## ", 1)[0]

    assert alert.name in silence


@every_alert
def test_runbook_names_only_drills_that_there_are(alert: Alert) -> None:
    named = set(re.findall(r"promontory drill ([a-z][a-z-]+)", runbook(alert.name)))

    assert named <= set(DRILLS)
