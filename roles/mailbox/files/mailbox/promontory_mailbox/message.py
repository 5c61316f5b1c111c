"""What a message says, read without trust: whatever was sent, this gives texts that can be shown.

The standard library's lenient parser is used with its oldest policy: the newer ones raise on broken headers. Charsets
are the sender's choice, so unknown, binary and quadratic codecs are refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from html.parser import HTMLParser

MAX_PARTS = 200
_FIELD_LIMIT = 10_000
# idna and punycode take quadratic time; the escapes are no charsets of any mail.
_REFUSED_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
# What the parser is known to raise on hostile input; its depth is bounded by the interpreter's own limit.
_PARSER_FAILURES = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FOLD = re.compile(r"\r?\n[ \t]*|\r")


@dataclass(frozen=True)
class Attachment:
    """A part that is not shown: its file name ("" where it has none), media type and size in bytes."""

    name: str
    type: str
    size: int


@dataclass(frozen=True)
class Content:
    """A message as people read it.

    Attributes:
        headers: Name and decoded value, in order, with the trace headers.
        text: The plain part, or the words of the HTML part where there is no plain one.
        html: The HTML part as sent: not trusted, to be shown in a sandbox only. None where there is none.
        attachments: Everything else.
        problems: What was wrong with it, for people.
    """

    headers: list[tuple[str, str]]
    text: str
    html: str | None
    attachments: list[Attachment]
    problems: list[str]


def read_head(head: bytes) -> list[tuple[str, str]]:
    """Return the headers of a message or of its beginning, decoded; [] where nothing can be made of them."""
    try:
        return _headers(BytesHeaderParser(policy=compat32).parsebytes(head))
    except _PARSER_FAILURES:
        return []


def read(raw: bytes) -> Content:
    """Read a whole message; never raises on what was sent, but says so in `problems`."""
    try:
        return _read(BytesParser(policy=compat32).parsebytes(raw))
    except _PARSER_FAILURES as error:
        problem = f"This is no message that can be taken apart ({type(error).__name__}); shown as it was sent."
        return Content(read_head(raw), clean(raw.decode("utf-8", "replace")), None, [], [problem])


def _read(message: Message) -> Content:
    texts: list[str] = []
    html: str | None = None
    attachments: list[Attachment] = []
    problems: list[str] = []
    for number, part in enumerate(_parts(message)):
        if number >= MAX_PARTS:
            problems.append(f"More than {MAX_PARTS} parts; the rest is not shown.")
            break
        problems += [f"{type(defect).__name__}: {defect.__doc__ or defect}" for defect in part.defects]
        payload = _bytes_of(part)
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart":
            kind = "text/plain"  # a container without parts: what is there can still be read
        shown = kind in {"text/plain", "text/html"} and "attachment" not in str(part.get("Content-Disposition", ""))
        if shown and kind == "text/plain":
            texts.append(_decode(payload, part, problems))
        elif shown and html is None:
            html = _decode(payload, part, problems)
        else:
            attachments.append(Attachment(header_text(str(part.get_filename() or "")), kind, len(payload)))
    text = "\n".join(texts) if texts else _words(html or "")
    return Content(_headers(message), text, html, attachments, list(dict.fromkeys(problems)))


def _parts(message: Message) -> Iterator[Message]:
    """Yield the parts that are not containers; a message inside a message is one part, not taken apart."""
    stack = [message]
    while stack:
        part = stack.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            stack.extend(reversed(_children(part)))
        else:
            yield part


def _children(part: Message) -> list[Message]:
    # Only of containers: of anything else get_payload() decodes with the charset that the sender names.
    return [child for child in part.get_payload() if isinstance(child, Message)]


def _bytes_of(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822 holds a list with one message
        return b"".join(bytes(child) for child in _children(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decode(payload: bytes, part: Message, problems: list[str]) -> str:
    charset = str(part.get_content_charset() or "utf-8")
    text = _text(payload, charset)
    if text is None:
        problems.append(f"Unknown charset {charset[:40]!r}; read as UTF-8.")
        text = payload.decode("utf-8", "replace")
    return clean(text)


def _text(content: bytes, charset: str) -> str | None:
    """Decode, or return None where the name is unknown, makes no text (base64, zip) or could take very long."""
    try:
        if codecs.lookup(charset).name.replace("-", "_") in _REFUSED_CODECS:
            return None
        return content.decode(charset, "replace")
    except (LookupError, ValueError):  # ValueError: a null character in the name
        return None


def _headers(message: Message) -> list[tuple[str, str]]:
    return [(clean(name), header_text(value)) for name, value in message.raw_items()]


def header_text(raw: str) -> str:
    """Decode a header's value: one line, encoded words resolved, at most 10 000 characters."""
    raw = str(raw)[:_FIELD_LIMIT]
    # Bytes above 127 arrive as surrogates; today they are UTF-8.
    unfolded = _FOLD.sub(" ", raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")).strip()
    try:
        pieces = decode_header(unfolded)
    except (MessageError, ValueError):
        return clean(unfolded)
    return clean("".join(_piece(content, charset) for content, charset in pieces)).replace("\n", " ")


def _piece(content: bytes | str, charset: str | None) -> str:
    if isinstance(content, str):
        return content
    if charset is None:  # decode_header turns what stands between encoded words into this
        return content.decode("raw_unicode_escape", "replace")
    text = _text(content, charset)
    return content.decode("utf-8", "replace") if text is None else text


def clean(text: str) -> str:
    """Take out what no page or terminal should be told: controls, direction overrides, lone surrogates."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("\ufffd", unix).encode("utf-8", "replace").decode("utf-8")


class _Words(HTMLParser):
    """Collects the words of a page, a line per block."""

    _BLOCKS = frozenset({"p", "div", "tr", "br", "h1", "h2", "h3", "li", "table", "hr"})
    _SILENT = frozenset({"script", "style", "head", "title", "template"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _words(html: str) -> str:
    if not html:
        return ""
    parser = _Words()
    try:
        parser.feed(html)
        parser.close()
    except (AssertionError, ValueError, RecursionError):
        return html
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
