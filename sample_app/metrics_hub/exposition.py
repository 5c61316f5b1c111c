"""One pod's answer, taken apart into families of finished lines that carry the pod's labels.

Everything a pod sends is judged here, line by line: a single line that Prometheus could not read would cost it the
samples of all pods. What Prometheus reads without complaint is not questioned further.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import Enum

from metrics_hub.errors import ScrapeError

MAX_LINE_CHARACTERS = 16_384
MAX_LABELS = 30  # of one sample; with ours it stays below any sensible label_limit
MAX_EXEMPLAR_CHARACTERS = 128  # names and values together, as the OpenMetrics specification says

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'(?!__)[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*"'
_LABELS = rf"(?:{_LABEL}(?:,{_LABEL})*)?"
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?|[+-]?Inf|NaN"
_TIME = r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?"
_BOUND = re.compile(_NUMBER)
_SAMPLE = re.compile(
    rf"(?P<name>{_NAME})(?:\{{(?P<labels>{_LABELS}),?\}})? (?P<value>{_NUMBER})(?: {_TIME})?"
    rf"(?P<exemplar> # \{{(?P<exemplar_labels>{_LABELS})\}} (?P<exemplar_value>{_NUMBER})(?: {_TIME})?)?"
)
_META = re.compile(rf"# (?P<kind>HELP|TYPE|UNIT) (?P<name>{_NAME})(?: (?P<text>.*))?")
_ONE_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"')
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # all but tab and line feed
_SHOWN_CHARACTERS = 120

Labels = list[tuple[str, str]]  # names and values, escapes and all


class Format(Enum):
    """An exposition format: its content type, and what its types call their samples.

    Attributes:
        content_type: What an answer in this format says of itself.
        suffixes: Type -> endings that samples of a family of this type have after the family's name.
    """

    OPENMETRICS = (
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        {
            "counter": ("_total", "_created"),
            "gauge": ("",),
            "histogram": ("_bucket", "_count", "_sum", "_created"),
            "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
            "summary": ("", "_count", "_sum", "_created"),
            "info": ("_info",),
            "stateset": ("",),
            "unknown": ("",),
        },
    )
    TEXT = (
        "text/plain; version=0.0.4; charset=utf-8",
        {
            "counter": ("",),
            "gauge": ("",),
            "histogram": ("_bucket", "_count", "_sum"),
            "summary": ("", "_count", "_sum"),
            "untyped": ("",),
        },
    )

    def __init__(self, content_type: str, suffixes: dict[str, tuple[str, ...]]) -> None:
        self.content_type = content_type
        self.suffixes = suffixes

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0]

    @property
    def untyped(self) -> str:
        """The type of samples of which nothing is said."""
        return "unknown" if self is Format.OPENMETRICS else "untyped"


@dataclass(frozen=True)
class Declaration:
    """What a family is; pods that agree in it can be merged.

    Attributes:
        unit: As in a UNIT line; None without one.
    """

    name: str
    type: str
    unit: str | None = None

    def sample_names(self, form: Format) -> frozenset[str]:
        """Names that belong to this family: its own, and those of its samples."""
        return frozenset({self.name, *(self.name + suffix for suffix in form.suffixes[self.type])})


@dataclass
class Family:
    """One family of one pod.

    Attributes:
        type: None until a TYPE line or the first sample says it.
        help: As written, escapes and all; None without a HELP line.
        lines: Finished sample lines without line ends, by name and labels, in the pod's order.
        repeated: Samples left out because the same series stood there already.
    """

    name: str
    type: str | None = None
    unit: str | None = None
    help: str | None = None
    lines: dict[str, str] = field(default_factory=dict)
    repeated: int = 0


def parse(body: bytes, form: Format, labels: dict[str, str]) -> dict[Declaration, Family]:
    """Take an answer apart.

    Args:
        body: The whole answer.
        form: What it was asked for in.
        labels: Put on every sample; a label of the same name that the pod sent is replaced. Values hold no quote,
            backslash or line feed.
    Returns:
        The families by what they are. Timestamps are left out: the samples are of now.
    Raises:
        ScrapeError: A line cannot be read, a family comes in two pieces, or the end is missing; the text says where.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ScrapeError("the answer is not UTF-8") from error
    if found := _CONTROL.search(text):
        raise ScrapeError(f"the answer holds the control character {found.group()!r}")
    lines = text.split("\n")
    if lines.pop():
        raise ScrapeError("the answer does not end with a line feed: it was cut off")
    if form is Format.OPENMETRICS and (not lines or lines.pop() != "# EOF"):
        raise ScrapeError("the answer does not end with # EOF: it was cut off")
    reader = _Reader(form, labels)
    for number, line in enumerate(lines, 1):
        try:
            reader.read(line)
        except ScrapeError as error:
            raise ScrapeError(f"line {number}, {line[:_SHOWN_CHARACTERS]!r}: {error}") from error
    return {
        Declaration(family.name, family.type or form.untyped, family.unit): family for family in reader.families.values()
    }


class _Reader:
    """Knows the family that the lines are in."""

    def __init__(self, form: Format, labels: dict[str, str]) -> None:
        self.families: dict[str, Family] = {}
        self._form = form
        self._names = frozenset(labels)
        self._prefix = ",".join(f'{name}="{value}"' for name, value in labels.items())
        self._family = Family("")
        self._endings: tuple[str, ...] = ()

    def read(self, line: str) -> None:
        if len(line) > MAX_LINE_CHARACTERS:
            raise ScrapeError(f"it has {len(line)} characters, at most {MAX_LINE_CHARACTERS} are read")
        if line.startswith("#"):
            self._read_meta(line)
        elif line or self._form is Format.OPENMETRICS:
            self._read_sample(line)

    def _read_meta(self, line: str) -> None:
        found = _META.fullmatch(line)
        if not found:
            if self._form is Format.TEXT:
                return  # a comment
            raise ScrapeError("it is neither HELP, TYPE nor UNIT")
        kind, name, text = found["kind"], found["name"], found["text"] or ""
        family = self._family if name == self._family.name else self._begin(name)
        if family.lines:
            raise ScrapeError(f"{kind} comes after the samples of {name}")
        if kind == "HELP" and family.help is None:
            family.help = text
        elif kind == "TYPE" and family.type is None and text in self._form.suffixes:
            family.type = text
            self._endings = self._form.suffixes[text]
        elif kind == "UNIT" and family.unit is None and self._form is Format.OPENMETRICS and name.endswith(f"_{text}"):
            family.unit = text
        elif kind != "UNIT" or self._form is Format.OPENMETRICS:
            raise ScrapeError(f"{kind} comes twice or says something that there is not")

    def _begin(self, name: str) -> Family:
        if name in self.families:
            raise ScrapeError(f"the family {name} comes in two pieces")
        self._family = self.families[name] = Family(name)
        self._endings = ("",)
        return self._family

    def _read_sample(self, line: str) -> None:
        found = _SAMPLE.fullmatch(line)
        if not found:
            raise ScrapeError("it is not a sample")
        name, text, value, exemplar = found["name"], found["labels"] or "", found["value"], found["exemplar"]
        family = self._family
        ending = name.removeprefix(family.name) if family.name and name.startswith(family.name) else None
        if ending not in self._endings:
            family, ending = self._begin(name), ""
        labels = _ONE_LABEL.findall(text)
        _check_number(value)
        _check_bound(family.type, ending, labels)
        if exemplar:
            self._check_exemplar(found, family.type, ending)
        series = f"{name}{{{self._with_ours(text, labels)}}}" if text or self._prefix else name
        if series in family.lines:
            family.repeated += 1
        else:
            family.lines[series] = f"{series} {value}{exemplar or ''}"

    def _with_ours(self, text: str, labels: Labels) -> str:
        """Return labels as written, without any of our names, behind our own."""
        names = {name for name, _ in labels}
        if len(names) < len(labels):
            raise ScrapeError("a label comes twice")
        if len(labels) > MAX_LABELS:
            raise ScrapeError(f"it has {len(labels)} labels, at most {MAX_LABELS} are read")
        if not names.isdisjoint(self._names):
            text = ",".join(f'{name}="{value}"' for name, value in labels if name not in self._names)
        return f"{self._prefix},{text}" if text and self._prefix else self._prefix or text

    def _check_exemplar(self, found: re.Match[str], kind: str | None, ending: str) -> None:
        if self._form is not Format.OPENMETRICS or (kind, ending) not in (
            ("counter", "_total"),
            ("histogram", "_bucket"),
            ("gaugehistogram", "_bucket"),
        ):
            raise ScrapeError("an exemplar stands where there can be none")
        _check_number(found["exemplar_value"])
        labels = _ONE_LABEL.findall(found["exemplar_labels"])
        if len({name for name, _ in labels}) < len(labels):
            raise ScrapeError("a label of the exemplar comes twice")
        if sum(len(name) + len(value) for name, value in labels) > MAX_EXEMPLAR_CHARACTERS:
            raise ScrapeError(f"the exemplar's labels are longer than {MAX_EXEMPLAR_CHARACTERS} characters")


def _check_bound(kind: str | None, ending: str, labels: Labels) -> None:
    """Refuse a bucket or a quantile of which nobody could tell where it ends."""
    bound = "le" if ending == "_bucket" else "quantile" if kind == "summary" and not ending else None
    if bound and not any(name == bound and _BOUND.fullmatch(value) for name, value in labels):
        raise ScrapeError(f"its label {bound} is no number")


def _check_number(text: str) -> None:
    """Refuse a number beyond a float's range: Prometheus would give up the whole scrape over it."""
    if math.isinf(float(text)) and not text.endswith("Inf"):
        raise ScrapeError("a number is too large")
