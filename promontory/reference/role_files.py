"""Reads what a role says of itself: YAML with Ansible's tags, and the comments of its defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_SECTION = re.compile(r"^## (?P<title>.+?)(?: \(.*)?$")
_KEY = re.compile(r"^(?P<name>[a-z][a-z0-9_]*):")


class _Loader(yaml.SafeLoader):
    """Reads Ansible's YAML; a tagged text such as !unsafe counts as its text."""


def _text_of(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError(f"{node.start_mark}: a tag is meant for a text here")
    return loader.construct_scalar(node)


_Loader.add_constructor("!unsafe", _text_of)


def load(path: Path) -> Any:
    """Read a YAML file of a role."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Any:
    """Read YAML with Ansible's tags."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader


@dataclass(frozen=True)
class Defaults:
    """What defaults/ says about the variables of a role.

    Attributes:
        values: Default by variable, templates as they are written.
        sections: By variable: the last `## heading` above it; "" above the first.
        examples: By variable: the commented example above it, as YAML.
    """

    values: Mapping[str, Any]
    sections: Mapping[str, str]
    examples: Mapping[str, str]


def read_defaults(role: Path) -> Defaults:
    """Read defaults/main.yml, or the files of defaults/main/."""
    nested = role / "defaults/main"
    files = sorted(nested.glob("*.yml")) if nested.is_dir() else [role / "defaults/main.yml"]
    values: dict[str, Any] = {}
    sections: dict[str, str] = {}
    examples: dict[str, str] = {}
    for file in files:
        if not file.is_file():
            continue
        values.update(load(file) or {})
        section, comments = "", list[str]()
        for line in file.read_text(encoding="utf-8").splitlines():
            if heading := _SECTION.match(line):
                section, comments = heading["title"], []
            elif line.startswith("#"):
                comments.append(line[1:].removeprefix(" "))
            elif key := _KEY.match(line):
                sections[key["name"]] = section
                examples[key["name"]] = _example(key["name"], comments)
                comments = []
            else:
                comments = []
    return Defaults(values=values, sections=sections, examples={name: text for name, text in examples.items() if text})


def _example(variable: str, comments: Sequence[str]) -> str:
    """The commented lines from the one that sets the variable; a sentence about it is no example."""
    for number, line in enumerate(comments):
        if line.startswith(f"{variable}:"):
            lines = [line]
            for following in comments[number + 1 :]:
                if not following.startswith((" ", "-", f"{variable}:")):
                    break
                lines.append(following)
            return "\n".join(lines)
    return ""
