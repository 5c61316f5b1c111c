"""Pictures of the pages for the documentation.

    python -m tests.sample_app.pictures

Needs Debian's package chromium. Writes docs/images/sample-app-{accounts,account,transfer}.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.sample_app.browsing import Visitor, chromium
from tests.sample_app.conftest import SAMPLE_APP, Service

_IMAGES = SAMPLE_APP.parent / "docs" / "images"
_WINDOW = {"width": 880, "height": 400}  # px; a picture is as high as its page


def main() -> int:
    """Bank a little, and take a picture of each page on the way."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        service = Service(Path(folder)).start()
        try:
            context = browser.new_context(base_url=service.ready().url, viewport=_WINDOW, device_scale_factor=1.5)
            _bank(Visitor.comes(context))
        finally:
            service.stop()
    return 0


def _bank(carol: Visitor) -> None:
    carol.registers("carol")
    savings = carol.opens_account("Savings")
    carol.moves("Deposit", "12000")
    everyday = carol.opens_account("Everyday")
    carol.moves("Deposit", "2750.40")
    carol.moves("Withdraw", "86.15")
    carol.page.goto(f"/transfer?source={everyday}")
    carol.transfers(savings, "2750.40")
    _take(carol, "transfer")
    carol.transfers(savings, "500")
    _take(carol, "account")
    carol.page.goto("/accounts")
    _take(carol, "accounts")


def _take(visitor: Visitor, name: str) -> None:
    target = _IMAGES / f"sample-app-{name}.png"
    visitor.page.wait_for_load_state()
    visitor.page.locator("body").screenshot(path=target)
    sys.stdout.write(f"{target.relative_to(SAMPLE_APP.parent)}\n")


if __name__ == "__main__":
    sys.exit(main())
