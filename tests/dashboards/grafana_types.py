"""Judges dashboards by the types that Grafana publishes (npm: @grafana/schema), as JSON Schemas made on this machine.

Nothing of Grafana's is kept in the repository: schema/package-lock.json pins the packages by their hashes, they are fetched
the first time, and schema/generate.mjs makes the schemas. Those stay in ~/.cache/promontory/test-schemas
(PROMONTORY_TEST_SCHEMAS wins) until a file of schema/ changes.
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

SOURCES = Path(__file__).parent / "schema"
_FILES = ("generate.mjs", "package-lock.json", "package.json", "types.ts")
_NODE = 18           # the oldest that the generator runs with
_LIMIT_S = 120
_UNREACHABLE = re.compile(
    r"\b(?:EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT|ERR_SOCKET_TIMEOUT|E40[37]|E50\d)\b"
)

Schema = dict[str, Any]


class Unavailable(Exception):
    """The schemas cannot be made on this machine; the text says why."""


@dataclass(frozen=True)
class Types:
    """The schemas, taken apart.

    Attributes:
        dashboard: The classic dashboard without its panels; `row` and `panel` are those.
        spec: Of v2 resources, by version.
        plugins: By the panel plugin's id: `options`, and `custom` of the field settings.
    """

    dashboard: Schema
    row: Schema
    panel: Schema
    spec: Mapping[str, Schema]
    plugins: Mapping[str, Mapping[str, Schema]]

    def errors(self, board: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a dashboard of the classic model, each with its place."""
        found = list(_errors(self.dashboard, board, ""))
        for panel in [inner for entry in board["panels"] for inner in (entry, *(entry.get("panels") or []))]:
            name = f"{panel['type']} {panel.get('title')!r} "
            if panel["type"] == "row":
                found += _errors(self.row, panel, name)
            else:
                found += _errors(self.panel, panel, name)
                found += self._of_plugin(panel["type"], panel.get("options") or {}, panel.get("fieldConfig") or {}, name)
        return found

    def errors_v2(self, resource: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with a v2 resource."""
        spec = resource["spec"]
        found = list(_errors(self.spec[resource["apiVersion"].rpartition("/")[2]], spec, ""))
        for name, element in spec["elements"].items():
            look = element["spec"]["vizConfig"]
            found += self._of_plugin(look["group"], look["spec"]["options"], look["spec"]["fieldConfig"], f"{name} ")
        return found

    def _of_plugin(self, plugin: str, options: Mapping[str, Any], field_config: Mapping[str, Any], name: str) -> Iterator[str]:
        known = self.plugins.get(plugin)
        if known is None:
            yield f"{name}: no plugin of Grafana's is called {plugin}"
            return
        yield from _errors(known["options"], options, f"{name}options ")
        yield from _errors(known["custom"], (field_config.get("defaults") or {}).get("custom") or {}, f"{name}custom ")


def load() -> Types:
    """Make the schemas, or take those made before.

    Raises:
        Unavailable: There is no Node.js here, or no package registry.
        AssertionError: The packages are there, but the schemas cannot be made of them.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "promontory" / "test-schemas"
    cache = Path(os.environ.get("PROMONTORY_TEST_SCHEMAS") or base)
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(b"\0".join((SOURCES / name).read_bytes() for name in _FILES)).hexdigest()
    kept = cache / f"grafana-{digest[:16]}.json"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            made = _make()
            kept.with_suffix(".new").write_text(made, encoding="utf-8")
            kept.with_suffix(".new").replace(kept)
    return _taken_apart(json.loads(kept.read_text(encoding="utf-8")))


def _make() -> str:
    if not shutil.which("node") or not shutil.which("npm"):
        raise Unavailable("node and npm are not installed, and they make the schemas of Grafana's types")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < _NODE:
        raise Unavailable(f"node is {version}; the schemas of Grafana's types need {_NODE} or newer")
    with tempfile.TemporaryDirectory() as scratch:
        for name in _FILES:
            shutil.copy(SOURCES / name, scratch)
        fetch = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]
        fetched = subprocess.run(fetch, cwd=scratch, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        if fetched.returncode != 0 and (seen := _UNREACHABLE.search(fetched.stderr)):
            raise Unavailable(f"npm does not reach its registry ({seen[0]}), and Grafana's types come from there")
        assert fetched.returncode == 0, fetched.stderr
        made = subprocess.run(["node", "generate.mjs"], cwd=scratch, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        assert made.returncode == 0, made.stderr
    return made.stdout


def _taken_apart(schemas: Mapping[str, Schema]) -> Types:
    roots = {name: _resolved(schema) for name, schema in schemas.items()}
    dashboard = copy.deepcopy(roots.pop("Classic")["properties"]["dashboard"])
    # Judged one by one, so that every error counts and is told where it is.
    kinds = dashboard["properties"]["panels"].pop("items")["anyOf"]
    row, panel = sorted(kinds, key=lambda kind: "collapsed" not in kind["properties"])
    row["properties"]["panels"] = {"type": "array"}
    spec = {
        name.lower(): {"$ref": "#/definitions/Spec", "definitions": schemas[name]["definitions"]}
        for name in [name for name in roots if name.startswith("V2")]
    }
    plugins = {_plugin(name): root["properties"] for name, root in roots.items() if not name.startswith("V2")}
    return Types(dashboard, row, panel, spec, plugins)


def _resolved(schema: Schema) -> Schema:
    """The schema of the exported interface itself."""
    resolved: Schema = schema["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return resolved


def _plugin(interface: str) -> str:
    """StateTimeline is state-timeline."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", interface).lower()


def _errors(schema: Schema, value: Any, name: str) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(value):
        yield f"{name}{error.json_path}: {error.message[:300]}"
