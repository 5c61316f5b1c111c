"""Compares a dashboard with what the Grafana Foundation SDK makes of it: a field the SDK loses is one Grafana does not know.

The SDK is a development dependency; without it `check` says so and leaves this part out.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any


def sdk_is_there() -> bool:
    """Tell whether the SDK is installed."""
    return importlib.util.find_spec("grafana_foundation_sdk") is not None


def losses(board: Mapping[str, Any]) -> list[str]:
    """Return the paths of what does not survive the SDK, such as `panels[3].options.legend.foo`.

    Raises:
        ImportError: The SDK is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)   # it prefers the v2 model; ours is the classic one
        plugins = importlib.import_module("grafana_foundation_sdk.cog.plugins")
        encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder")
        models = importlib.import_module("grafana_foundation_sdk.models.dashboard")
    plugins.register_default_plugins()
    known = models.Dashboard.from_json(dict(board))
    kept = json.loads(json.dumps(known, cls=encoder.JSONEncoder))
    return list(_lost(board, kept, ""))


def _lost(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict):
        if not isinstance(after, dict):
            yield path
            return
        for key, value in before.items():
            here = f"{path}.{key}" if path else key
            if key not in after:
                yield here
            else:
                yield from _lost(value, after[key], here)
    elif isinstance(before, list):
        if not isinstance(after, list) or len(after) != len(before):
            yield path
            return
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(one, other, f"{path}[{index}]")
    elif before != after:
        yield path
