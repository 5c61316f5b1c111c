"""Every alert of the rules reaches the receiver that the documentation says: asked of Alertmanager's own tool."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from promontory.reference import routing
from tests.alerts import settings
from tests.alerts.test_tree import all_say

ALERTS = routing.alerts_of(settings.PROJECT)


def documented() -> dict[tuple[str, str], str]:
    """Receiver by alert and severity, as the page's table says."""
    page = (settings.PROJECT / "docs" / routing.PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\w+)\]\(\S+\) \| (\w+) \| [^|]+ \| [^|]+ \| ([^|]+) \|", page, re.MULTILINE)
    return {(name, severity): receiver.strip() for name, severity, receiver in rows}


@pytest.mark.network
@pytest.mark.parametrize(("suite", "version"), [("trixie", "0.28.1"), ("sid", "0.33.1")], ids=["0.28", "0.33"])
def test_every_alert_goes_where_the_table_says(
    suite: str, version: str, real_program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """Nobody is left out: the alerts of the rules, those of the table and those that were asked for are the same."""
    config = settings.for_release(routing.default_config(settings.PROJECT), version)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")

    said = all_say(real_program("alertmanager", suite) / "amtool", path, [routing.labels_of(alert) for alert in ALERTS])

    asked = {(alert.name, alert.fixed["severity"]): ", ".join(names) for alert, names in zip(ALERTS, said, strict=True)}
    assert asked == documented()
    assert len({name for name, _ in asked}) >= 80


def test_only_the_watchdog_goes_to_the_heartbeat() -> None:
    assert [name for (name, _), receiver in documented().items() if receiver == "heartbeat"] == ["Watchdog"]


def test_the_table_is_the_one_that_the_rules_and_the_role_give() -> None:
    page = (settings.PROJECT / "docs" / routing.PAGE).read_text(encoding="utf-8")

    assert page == routing.texts(settings.PROJECT)[routing.PAGE], "run: python -m promontory.reference"
