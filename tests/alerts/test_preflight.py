"""What Alertmanager's variables say wrong is told with the other problems of the input, before anything changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_docs_examples import GETTING_STARTED, preflight, titled


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param(
            "alertmanager_maintenance: [{name: db, matchers: ['instance=\"mon1\"'], location: UTC, "
            "start: 2026-12-01 22:00, end: 2026-12-01 21:00}]",
            "alertmanager_maintenance[0] (db) ends (2026-12-01 21:00:00) before it starts (2026-12-01 22:00:00). (set in ",
            id="a window that ends before it starts",
        ),
        pytest.param(
            "alertmanager_default_receiver: nobody",
            "alertmanager_default_receiver: 'nobody' is not one of",
            id="an unknown receiver",
        ),
    ],
)  # fmt: skip
def test_it_is_one_problem_of_the_host(variables: str, message: str, tmp_path: Path) -> None:
    for title, text in titled(GETTING_STARTED).items():
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_text(text, encoding="utf-8")
    (tmp_path / "smtp_password").write_text("secret", encoding="utf-8")
    with (tmp_path / "inventory/group_vars/all.yml").open("a", encoding="utf-8") as file:
        file.write(f"{variables}\n")

    said = " ".join(preflight(tmp_path, tmp_path / "inventory").split())

    assert "was left as it is, because of 1 problem" in said, said
    assert message in said
