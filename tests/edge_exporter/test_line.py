"""A line is read as nginx writes it, whatever a client has sent; anything else is refused."""

from __future__ import annotations

import pytest
from promontory_edge_exporter.line import LineError, parse

from .conftest import line


def test_a_line_is_read_with_its_units() -> None:
    request = parse(line(time="1.500", upstream="1.250", status="404"))

    assert (request.site, request.method, request.status, request.status_class) == ("shop", "GET", 404, "4xx")
    assert (request.duration_s, request.upstream_s, request.tries) == (1.5, 1.25, 1)
    assert (request.received_bytes, request.sent_bytes) == (70, 500)


@pytest.mark.parametrize(
    ("upstream", "seconds", "tries"),
    [
        ("", None, 0),                         # answered by nginx itself
        ("-", 0.0, 1),                         # the server broke off before it answered
        ("0.001, 0.200", 0.201, 2),            # the next server was asked
        ("0.001, - : 0.200", 0.201, 3),        # and an internal redirect came between
    ],
)  # fmt: skip
def test_upstream_times_are_added_up(upstream: str, seconds: float | None, tries: int) -> None:
    request = parse(line(upstream=upstream))

    assert request.upstream_s == (None if seconds is None else pytest.approx(seconds))
    assert request.tries == tries


@pytest.mark.parametrize("method", ["", "BREW", "get", "X" * 100, 'G"T', "ÄÖ"])
def test_words_that_are_no_method_are_one_method(method: str) -> None:
    assert parse(line(method=method)).method == "other"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"<190>Nov 22 08:54:58 nginx: nothing of the kind",
        b'{"site": "shop"',
        b'{"site": "shop"}',
        b"{}",
        b"[1]",
        line(status="000"),
        line(status="600"),
        line(status="ok"),
        line(time="-"),
        line(sent=""),
        line()[:-5],                           # cut off
        b'{"site": "shop", "upstream": null}',
        b"\xff\xfe{\x00",
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused(message: bytes) -> None:
    with pytest.raises(LineError):
        parse(message)
