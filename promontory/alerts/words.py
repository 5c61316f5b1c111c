"""Reads what people type: labels, matchers, durations and times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import matchers, rule_set
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager.errors import AlertmanagerError

from promontory.errors import UsageError

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


def read_matchers(words: Sequence[str]) -> list[matchers.Matcher]:
    """Read matchers as Alertmanager does; a single word is the name of an alert.

    Raises:
        UsageError: There is none, or one cannot be read.
    """
    found = []
    for word in words:
        text = f'alertname="{word}"' if _NAME.fullmatch(word) else word
        try:
            found += matchers.parse(text, "matcher")
        except AlertmanagerError as error:
            raise UsageError(f"{error}", hint=_HINT) from error
    if not found:
        raise UsageError("No label is given.", hint=_HINT)
    return found


def read_labels(words: Sequence[str]) -> dict[str, str]:
    """Read the labels of one alert; see `read_matchers`.

    Raises:
        UsageError: One is no plain label, or they have no alertname and no other label.
    """
    labels: dict[str, str] = {}
    for matcher in read_matchers(words):
        if matcher.operator != "=":
            raise UsageError(f"{matcher} is no label: an alert has one value for each.", hint=_HINT)
        if labels.setdefault(matcher.name, matcher.value) != matcher.value:
            raise UsageError(f"The label {matcher.name} is given twice.")
    return labels


_HINT = (
    'Write \'{alertname="HostDown", severity="critical"}\', or single labels such as severity=critical; '
    "a word alone is the name of an alert."
)


def completed(labels: Mapping[str, str], alerts: Iterable[rule_set.Alert], environment: str) -> dict[str, str]:
    """Add what the rules say of an alert of this name, as far as all rules of that name agree.

    Raises:
        UsageError: Labels are given that no rule of this name has.
    """
    name = labels.get("alertname", "")
    named = [alert for alert in alerts if alert.name == name]
    fitting = [alert for alert in named if all(alert.fixed.get(key, value) == value for key, value in labels.items())]
    if named and not fitting:
        seen = "; ".join(
            sorted({", ".join(f"{key}={value}" for key, value in sorted(alert.fixed.items())) for alert in named})
        )
        raise UsageError(f"The rules have no {name} with these labels.", hint=f"They have: {seen}")
    common = dict(fitting[0].fixed) if fitting else {}
    for alert in fitting[1:]:
        common = {key: value for key, value in common.items() if alert.fixed.get(key) == value}
    return {**({"environment": environment} if environment else {}), **common, **labels}


def seconds(text: str) -> float:
    """Read a duration such as 90m, 2h30m or 1d.

    Raises:
        UsageError: It is none, or not above zero.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"{text!r} is no duration.", hint="Write it like 30m, 2h, 1d or 1h30m.")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def moment(text: str, now: datetime) -> datetime:
    """Read a time: 14:30 (today), 2026-12-24, 2026-12-24 22:00, with or without an offset; this machine's zone without one.

    Raises:
        UsageError: It is none.
    """
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hours, minutes = map(int, text.split(":"))
            return now.astimezone().replace(hour=hours, minute=minutes, second=0, microsecond=0)
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no time.", hint='Write it like 14:30, "2026-12-24 22:00" or 2026-12-24T22:00+01:00.'
        ) from None
    return read if read.tzinfo else read.astimezone()


def shown(at: datetime) -> str:
    """Write a time for people, in this machine's zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def span(length_s: float) -> str:
    """Write a duration for people: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if length_s < 60:
        return f"{length_s:.0f} s"
    minutes = round(length_s / 60)
    for size, unit, rest_size, rest_unit in ((1440, "d", 60, "h"), (60, "h", 1, "min")):
        if minutes >= size:
            rest = minutes % size // rest_size
            return f"{minutes // size} {unit}" + (f" {rest} {rest_unit}" if rest else "")
    return f"{minutes} min"


def iso(at: datetime) -> str:
    """Write a time for Alertmanager and for JSON, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Read a time that Alertmanager wrote; it has up to nine digits after the point."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.replace("Z", "+00:00")))


def later(now: datetime, length_s: float) -> datetime:
    """Add seconds to a time."""
    return now + timedelta(seconds=length_s)
