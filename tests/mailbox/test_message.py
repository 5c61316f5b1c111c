"""Whatever is sent can be read: broken, hostile and strange messages give texts that can be shown."""

from __future__ import annotations

import json
import random
import time
from email.message import EmailMessage

import pytest
from promontory_mailbox.message import MAX_PARTS, header_text, read


def test_both_parts_and_attachments_of_an_ordinary_mail_are_found() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Überlauf — 磁盘满了 🔥"
    mail.set_content("Guten Tag\n")
    mail.add_alternative("<p>Guten <b>Tag</b></p>", subtype="html")
    mail.add_attachment(b"\x00\x01\x02", maintype="application", subtype="octet-stream", filename="größe.bin")

    content = read(mail.as_bytes())

    assert dict(content.headers)["Subject"] == "Überlauf — 磁盘满了 🔥"
    assert content.text.strip() == "Guten Tag"
    assert content.html
    assert content.html.strip() == "<p>Guten <b>Tag</b></p>"
    assert [(part.name, part.type, part.size) for part in content.attachments] == [
        ("größe.bin", "application/octet-stream", 3)
    ]
    assert content.problems == []


def test_a_mail_of_html_alone_has_its_words_as_text() -> None:
    html = (
        "<head><title>T</title><style>b{}</style></head><body><h1>Disk full</h1><script>x()</script><p>on&nbsp;db-1</p>"
    )

    content = read(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode())

    assert content.text == "Disk full\non db-1"
    assert content.html == html


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?iso-8859-1?q?Gr=FC=DFe?=", "Grüße"),
        ("[CRITICAL] =?utf-8?b?8J+UpQ==?= fire", "[CRITICAL] 🔥 fire"),
        ("two\r\n lines", "two lines"),
        ("=?utf-8?b?A?= kept", "=?utf-8?b?A?= kept"),
        ("=?no-such-charset?q?caf=C3=A9?=", "café"),
        ("=?punycode?q?abc-?=", "abc-"),
        ("=?zip?q?abc?=", "abc"),
        ("raw \udcc3\udca9 bytes", "raw é bytes"),
        ("bell\x07 and \u202eoverride", "bell\ufffd and \ufffdoverride"),
        ("x" * 20_000, "x" * 10_000),
        ("", ""),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_header_texts(raw: str, shown: str) -> None:
    assert header_text(raw) == shown


@pytest.mark.parametrize(
    ("charset", "problem"),
    [
        ("no-such", "Unknown charset"),
        ("punycode", "Unknown charset"),
        ("zip", "Unknown charset"),
        ("a\\0b", "Unknown charset"),
    ],
)
def test_a_charset_that_is_none_falls_back_to_utf8(charset: str, problem: str) -> None:
    content = read(f'Content-Type: text/plain; charset="{charset}"\r\n\r\ncafé'.encode())

    assert content.text == "café"
    assert any(problem in said for said in content.problems), content.problems


def test_a_multipart_without_its_boundary_is_shown_with_the_problem() -> None:
    content = read(b"Subject: s\r\nContent-Type: multipart/mixed\r\n\r\nstill readable")

    assert "still readable" in content.text
    assert content.problems


def test_broken_base64_is_no_error() -> None:
    content = read(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not=base64===")

    assert isinstance(content.text, str)


def test_containers_nested_without_end_are_shown_as_sent() -> None:
    depth = 3000
    raw = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))

    content = read(b"Subject: deep\r\n" + raw + b"\r\ninnermost")

    assert dict(content.headers)["Subject"] == "deep"
    assert content.problems


def test_the_number_of_parts_is_bounded() -> None:
    part = b"--b\r\nContent-Type: application/x\r\n\r\nx\r\n"

    content = read(b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 5000 + b"--b--")

    assert len(content.attachments) == MAX_PARTS
    assert any("More than" in problem for problem in content.problems)


def test_a_message_inside_a_message_is_an_attachment() -> None:
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("<inner>")
    outer = EmailMessage()
    outer["Subject"] = "outer"
    outer.set_content("outer text")
    outer.add_attachment(inner)

    content = read(outer.as_bytes())

    assert content.text.strip() == "outer text"
    assert [part.type for part in content.attachments] == ["message/rfc822"]
    assert content.attachments[0].size > 0


def test_random_bytes_never_raise_and_can_always_be_encoded() -> None:
    chance = random.Random(7)  # noqa: S311 (reproducible noise, no secret)
    fragments = [
        b"Content-Type: text/html; charset=",
        b"multipart/mixed; boundary=b",
        b"\r\n\r\n",
        b"--b",
        b"=?utf-8?b?",
        b"?=",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: attachment; filename*=utf-8''%ff",
        b"\x00",
        b"\xff\xfe",
        b"Subject: ",
        b"message/rfc822",
        b";;;===",
        b'"',
        b"uuencode",
        b"begin 644 x\n",
        b"(" * 50,
    ]

    for _ in range(3000):
        raw = b"".join(chance.choice(fragments) for _ in range(chance.randrange(1, 25)))
        content = read(raw)
        json.dumps(content.headers, ensure_ascii=False).encode()
        f"{content.text}{content.html}{content.attachments}{content.problems}".encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\n",
        b'Content-Type: text/plain; charset="idna"\r\n\r\n' + b"a" * 1_000_000,
        b"Content-Type: text/html\r\n\r\n" + b"<" * 200_000,
        b"Content-Type: text/html\r\n\r\n" + b"<p>" * 300_000,
        b"Content-Type: text/plain; " + b"a*0=b;" * 20_000 + b"\r\n\r\nx",
        b"A: b\r\n" * 100_000 + b"\r\nx",
    ],
    ids=["encoded-words", "idna", "angles", "paragraphs", "parameters", "headers"],
)
def test_a_message_made_to_be_slow_is_read_within_seconds(raw: bytes) -> None:
    started = time.monotonic()

    read(raw)

    assert time.monotonic() - started < 10
