"""The route tree is walked as Alertmanager walks it: compared with its own `amtool config routes test`."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import render, tree

from tests.alerts import settings

pytestmark = pytest.mark.network

LABELS = {
    "alertname": ["HostDown", "Sh op", 'a"b', "ü", ""],
    "severity": ["critical", "warning", "info", "page"],
    "team": ["payments", "platform", "data", "a|b"],
    "service": ["edge", "shop", "db.1", "db,1"],
    "instance": ["db1", "db10", "web\\1"],
    "route": ["synthetic", "heartbeat", "x"],
}
REGEXES = ["db.*", "a|b", "(pay|plat).+", ".+", ".*", "", "[a-e]+1", "critical|warning", "shop$"]


def amtool_says(amtool: Path, config: Path, labels: dict[str, str]) -> list[str]:
    """Ask Alertmanager's own tool for the receivers of an alert."""
    words = [
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in labels.items()
    ]
    said = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={config}", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr + str(words)
    return [name for name in said.stdout.strip().split(",") if name]


def all_say(amtool: Path, config: Path, alerts: Sequence[dict[str, str]]) -> list[list[str]]:
    """Ask for many alerts; starting the tool is most of the work."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda labels: amtool_says(amtool, config, labels), alerts))


def some_labels(chance: random.Random) -> dict[str, str]:
    """Labels of an alert, some of them missing."""
    return {
        name: value for name, values in LABELS.items() if chance.random() < 0.7 and (value := chance.choice(values))
    }


def some_matcher(chance: random.Random) -> str:
    """A matcher that often holds."""
    name = chance.choice(list(LABELS))
    operator = chance.choice(["=", "=", "=~", "!=", "!~"])
    value = chance.choice(REGEXES if operator.endswith("~") else LABELS[name])
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}{chance.choice(["", " "])}{operator}"{escaped}"'


def some_route(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    """A route with up to three levels below it."""
    route: dict[str, Any] = {}
    if chance.random() < 0.7:
        route["receiver"] = f"r{chance.randrange(6)}"
    if chance.random() < 0.9:
        route["matchers"] = [some_matcher(chance) for _ in range(chance.randint(1, 2))]
        if chance.random() < 0.2:
            route["matchers"] = ["{" + ", ".join(route["matchers"]) + "}"]
    if chance.random() < 0.1:
        route["match"] = {"team": "payments"}
    if chance.random() < 0.4:
        route["continue"] = True
    if depth < 3 and chance.random() < 0.6:
        route["routes"] = [some_route(chance, depth + 1) for _ in range(chance.randint(1, 3))]
    return route


@pytest.mark.parametrize("suite", ["trixie", "sid"], ids=["0.28", "0.33"])
@pytest.mark.parametrize("seed", range(8))
def test_any_tree_is_walked_as_alertmanager_does(
    suite: str, seed: int, real_program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    chance = random.Random(seed)  # noqa: S311  not for secrets
    config = {
        "route": {"receiver": "r0", "routes": [some_route(chance) for _ in range(4)]},
        "receivers": [{"name": f"r{number}"} for number in range(6)],
    }
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    alerts = [some_labels(chance) for _ in range(15)]

    root = tree.read(yaml.safe_load(path.read_text(encoding="utf-8")))
    ours = [[route.receiver for route in tree.walk(root, labels)] for labels in alerts]

    assert ours == all_say(real_program("alertmanager", suite) / "amtool", path, alerts), f"seed {seed}"


@pytest.mark.parametrize(("suite", "version"), [("trixie", "0.28.1"), ("sid", "0.33.1")], ids=["0.28", "0.33"])
def test_the_roles_own_tree_is_walked_as_alertmanager_does(
    suite: str, version: str, real_program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """Teams, severities, maintenance and own routes together."""
    rendered = render(settings.everything())
    path = settings.write(rendered, tmp_path, settings.for_release(rendered.config, version))
    chance = random.Random(7)  # noqa: S311  not for secrets
    alerts = [some_labels(chance) for _ in range(40)]

    root = tree.read(rendered.config)
    ours = [[route.receiver for route in tree.walk(root, labels)] for labels in alerts]

    assert ours == all_say(real_program("alertmanager", suite) / "amtool", path, alerts)
