"""Schemas of the kinds that Kubernetes itself does not define, in a short notation that istio.yml explains."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

_WORDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "whole": {"type": "integer", "minimum": 0},
    "flag": {"type": "boolean"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "duration": {"type": "string", "pattern": r"^(\d+(h|m|s|ms))+$"},
}


@cache
def custom_kinds() -> Mapping[str, jsonschema.protocols.Validator]:
    """Return a validator for each kind, by `apiVersion Kind`."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.yml")):
        for name, spec in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            whole = _schema({"apiVersion!": "text", "kind!": "text", "metadata!": {"*": None}, "spec!": spec})
            found[name] = jsonschema.Draft202012Validator(whole)
    return found


def _schema(short: object) -> dict[str, Any]:
    """Write the notation out as JSON Schema."""
    if short is None:
        return {}
    if isinstance(short, list):
        return {"type": "array", "items": _schema(short[0])}
    if isinstance(short, Mapping):
        if list(short) == ["*"]:
            return {"type": "object", "additionalProperties": _schema(short["*"])}
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.rstrip("!"): _schema(value) for key, value in short.items()},
            "required": [key.rstrip("!") for key in short if key.endswith("!")],
        }
    return _WORDS.get(str(short)) or {"enum": str(short).split(" | ")}
