"""Pictures of the golden mails for the documentation, and the proof that nothing sticks out at any width.

    python -m tests.mailbox.pictures [--chromium PATH]

Needs Debian's package chromium. Writes docs/images/mail-{phone,desktop,dark}.png; exit code 1 when a mail is wider than its window.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mailbox.conftest import PROJECT
from tests.mailbox.golden import FOLDER

IMAGES = PROJECT / "docs" / "images"
WIDTHS = (320, 390, 600, 1000)   # px: the narrowest phone, today's, a reading pane, a window
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)
_DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Picture:
    """One picture: a golden mail in a window.

    Attributes:
        name: Of the file, without mail- and .png.
        mail: Stem of the golden file.
        width: Of the window, px; its height is the mail's.
    """

    name: str
    mail: str
    width: int
    is_dark: bool = False


PICTURES = (
    Picture("phone", "one-firing", 390),
    Picture("desktop", "three-mixed", 1000),
    Picture("dark", "one-resolved", 390, is_dark=True),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all mails, then take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chromium", default="chromium", help="the browser (default: %(default)s)")
    browser = parser.parse_args(arguments).chromium
    with tempfile.TemporaryDirectory() as scratch:
        sizes = measure(browser, Path(scratch))
        wide = [f"{name} at {width} px is {sizes[name, width][0]} px wide" for name, width in sizes if sizes[name, width][0] > width]
        for line in wide:
            sys.stderr.write(f"{line}\n")
        for picture in PICTURES:
            take(browser, Path(scratch), picture, sizes[picture.mail, picture.width][1])
            sys.stdout.write(f"{IMAGES.relative_to(PROJECT)}/mail-{picture.name}.png\n")
    return 1 if wide else 0


def measure(browser: str, scratch: Path) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the width and height (px) that each golden mail takes in each width of a window."""
    mails = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.html"))}
    frames = "".join(
        f'<iframe data-mail="{name}" width="{width}" height="10" style="border:0" srcdoc="{html.escape(content)}"></iframe>'
        for name, content in mails.items() for width in WIDTHS
    )
    script = """
      addEventListener('load', () => {
        const sizes = [...document.querySelectorAll('iframe')].map(frame => {
          const page = frame.contentDocument.documentElement;
          return [frame.dataset.mail, Number(frame.width), page.scrollWidth, page.scrollHeight];
        });
        document.body.innerHTML = '<pre>' + JSON.stringify(sizes) + '</pre>';
      });"""
    sheet = scratch / "measure.html"
    sheet.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}<script>{script}</script>", encoding="utf-8")
    (told,) = re.findall(r"<pre>(.*?)</pre>", _run(browser, scratch, "--dump-dom", sheet.as_uri()), re.S)
    return {(name, width): (taken, height) for name, width, taken, height in json.loads(told)}


def take(browser: str, scratch: Path, picture: Picture, height: int) -> None:
    """Write one picture."""
    target = IMAGES / f"mail-{picture.name}.png"
    dark = _DARK if picture.is_dark else ()
    page = (FOLDER / f"{picture.mail}.html").as_uri()
    _run(browser, scratch, *dark, f"--window-size={picture.width},{height}", f"--screenshot={target}", page)


def _run(browser: str, scratch: Path, *arguments: str) -> str:
    with tempfile.TemporaryDirectory(dir=scratch) as profile:
        done = subprocess.run(
            [browser, *_QUIET, f"--user-data-dir={profile}", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=_TIMEOUT_S, check=True,
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
