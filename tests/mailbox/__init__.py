"""Tests of the mailbox and of the mails that reach it."""

import sys
from pathlib import Path

# pytest's settings do this too; the commands of this package (python -m tests.mailbox.golden) run without them.
sys.path.insert(0, str(Path(__file__).parents[2] / "playbooks" / "collections"))
