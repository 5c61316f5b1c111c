"""The mails of the stories are, letter by letter, those that are kept beside this file.

`python -m tests.mailbox.golden` makes them again; `git diff` then shows what people will see differently.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mailbox.golden import FOLDER, play
from tests.mailbox.stories import STORIES, Story

# Gmail cuts what is longer. The whole message is counted, with both parts in their transfer encoding.
CLIPPED_BYTES = 102_000


@pytest.mark.network
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_gives_its_golden_mails(story: Story, program: Path, tmp_path: Path) -> None:
    mails = list(play(story, program, tmp_path))

    assert [mail.name for mail in mails] == [f"{story.name}-{state}" for state, _, _ in story.acts]
    for mail in mails:
        assert mail.size < CLIPPED_BYTES
        for name, content in mail.files().items():
            assert content == (FOLDER / name).read_text(encoding="utf-8"), f"{name}: python -m tests.mailbox.golden"


def test_every_golden_mail_has_its_story() -> None:
    told = {f"{story.name}-{state}" for story in STORIES for state, _, _ in story.acts}

    assert {path.stem for path in FOLDER.iterdir()} == told
