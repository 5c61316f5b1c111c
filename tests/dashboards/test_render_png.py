"""Packing a PNG keeps every pixel."""

from __future__ import annotations

import struct
import zlib

import vl_convert

from promontory.dashboards.render.png import packed

PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40" fill="#123456"/>'
    '<circle cx="20" cy="20" r="15" fill="#fedcba"/><text x="30" y="30" font-size="14" fill="#0f0">Ag</text></svg>'
)


def pixels(png: bytes) -> tuple[list[bytes], int]:
    """Return red, green and blue of all pixels by line, and how many channels the file has."""
    content, at, data = {}, 8, b""
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, chunk = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(kind + chunk)
        content[kind] = chunk
        data += chunk if kind == b"IDAT" else b""
        at += length + 12
    width, height, _, kind_of_colour = struct.unpack_from(">IIBB", content[b"IHDR"])
    channels = {2: 3, 6: 4}[kind_of_colour]
    raw, stride, lines = zlib.decompress(data), width * channels + 1, []
    for row in range(height):
        filtered, line = raw[row * stride], bytearray(raw[row * stride + 1 : (row + 1) * stride])
        assert filtered in (0, 1)
        if filtered:
            for index in range(channels, len(line)):
                line[index] = (line[index] + line[index - channels]) & 255
        lines.append(bytes(value for index, value in enumerate(line) if index % channels < 3))
    return lines, channels


def test_the_picture_stays_the_same_and_gets_smaller() -> None:
    """Only its transparency goes."""
    drawn = vl_convert.svg_to_png(PICTURE, scale=4)
    before, channels = pixels(drawn)
    after, fewer = pixels(packed(drawn))
    assert (channels, fewer) == (4, 3)
    assert after == before
    assert len(set(b"".join(after))) > 20
    assert len(packed(drawn)) < len(drawn)
