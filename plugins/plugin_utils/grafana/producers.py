"""Which programs a query is about, by the catalogue of metrics: what is about absent ones alone has nothing to show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import GrafanaError

# Quoted text and label matchers hold no metric.
_QUOTED = re.compile(r"\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True)
class Producers:
    """The metrics of the known programs, and the programs that this stack has.

    Attributes:
        by_metric: ``{metric: names of the jobs that export it}``.
        present: Names of the jobs of this stack.
    """

    by_metric: Mapping[str, frozenset[str]] = field(default_factory=dict)
    present: frozenset[str] = frozenset()

    @classmethod
    def read(cls, catalogue: str, jobs: Sequence[str]) -> Producers:
        """Read the catalogue; an empty name gives producers that judge nothing.

        Raises:
            GrafanaError: The file is no catalogue.
        """
        if not catalogue:
            return cls()
        try:
            metrics: dict[str, dict[str, Any]] = json.loads(Path(catalogue).read_text(encoding="utf-8"))
            return cls({name: frozenset(of["jobs"]) for name, of in metrics.items()}, frozenset(jobs))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise GrafanaError(f"{catalogue} is no catalogue of metrics ({error!r}).") from error

    def lack(self, expressions: Sequence[str]) -> bool:
        """Tell whether queries are about programs that this stack does not have, and about nothing else that is known.

        A recorded series is in no catalogue and never lacks anything: the rules may well make it.
        """
        about: set[str] = set()
        for expression in expressions:
            for name in _NAME.findall(_QUOTED.sub("", expression)):
                if ":" in name:
                    return False
                about |= self.by_metric.get(name, frozenset())
        return bool(about) and not about & self.present
