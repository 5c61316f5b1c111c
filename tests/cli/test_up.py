"""`promontory up` and its relatives: what runs, what is proven, which exit code, which JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.fakes import FakeStack

Promontory = Callable[..., Result]


def document(result: Result) -> dict[str, Any]:
    """Read the JSON document; it must be all there is on standard output."""
    loaded = json.loads(result.stdout)
    assert isinstance(loaded, dict)
    return loaded


def test_a_first_run_provisions_proves_everything_and_ends_with_doors_and_mail(
    promontory: Promontory, stack: FakeStack
) -> None:
    result = promontory("up")

    assert result.exit_code == 0, result.stderr
    assert stack.url + "/mail/" in result.stdout
    assert "password" in result.stdout
    assert "correct horse" not in result.output
    assert "[CRITICAL] SampleAppErrorRatioHigh @ one" in result.stdout
    assert "promontory mail show drill -i inventories/real" in result.stdout
    assert "changed=1" in result.stdout


def test_a_second_run_changes_nothing_and_skips_the_slow_proofs(promontory: Promontory, stack: FakeStack) -> None:
    promontory("up")

    again = document(promontory("up", "--json"))

    assert [run["playbook"] for run in again["runs"]] == ["site"]
    assert again["runs"][0]["hosts"][0]["changed"] == 0
    assert again["verify"]["checks"][0]["detail"] == "False"
    assert again["drill"] is None
    assert again["full_proof"]["mail_id"] == "drill"
    assert [door["component"] for door in again["doors"]] == ["sample_app", "mailbox", "alertmanager", "prometheus"]
    assert stack.faults_set == 1


def test_the_second_run_says_that_the_slow_proofs_were_not_repeated(promontory: Promontory, stack: FakeStack) -> None:
    promontory("up")

    again = promontory("up")

    assert "were not repeated" in again.stdout
    assert "[CRITICAL]" in again.stdout


def test_a_changed_source_is_proven_again_in_full(promontory: Promontory, stack: FakeStack, root: Path) -> None:
    promontory("up")
    (root / "roles/notes.yml").write_text("something: new\n")
    stack.messages.clear()

    again = document(promontory("up", "--json"))

    assert again["verify"]["checks"][0]["detail"] == "True"
    assert again["drill"]["mail_id"] == "drill"


def test_a_drifted_host_is_mended_and_proven_again_in_full(promontory: Promontory, stack: FakeStack, root: Path) -> None:
    """Nothing in the clone changed, so only the run itself can tell that the proof is no longer good."""
    promontory("up")
    (root / "one.txt").write_text("drift\n")
    stack.messages.clear()

    again = document(promontory("up", "--json"))

    assert [run["playbook"] for run in again["runs"]] == ["site", "verify"]
    assert again["verify"]["checks"][0]["detail"] == "True"
    assert again["drill"]["mail_id"] == "drill"


def test_a_failed_run_takes_the_proof_back(promontory: Promontory, stack: FakeStack, root: Path) -> None:
    promontory("up")
    broken = root / "one.txt"
    broken.unlink()
    broken.mkdir()

    failed = promontory("up")

    assert failed.exit_code == 1
    assert not (root / "build/proof.json").exists()


@pytest.mark.parametrize(("proof", "detail", "faults"), [("full", "True", 2), ("quick", "False", 1)])
def test_the_proof_can_be_chosen(
    promontory: Promontory, stack: FakeStack, proof: str, detail: str, faults: int
) -> None:
    promontory("up")
    stack.messages.clear()

    again = document(promontory("up", "--json", "--proof", proof))

    assert again["verify"]["checks"][0]["detail"] == detail
    assert stack.faults_set == faults


def test_a_failed_drill_has_its_own_exit_code_and_leaves_no_proof(
    promontory: Promontory, stack: FakeStack, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.mail_after_s = None
    monkeypatch.setattr("promontory.drills.fault.DEFAULT_TIMEOUT_S", 1.0)
    monkeypatch.setattr("promontory.drills.fault.run_drill.__kwdefaults__", {"timeout_s": 1.0, "report": print})

    result = promontory("up")

    assert result.exit_code == 4
    assert "No mail of SampleAppErrorRatioHigh within 1 s" in result.stderr
    assert stack.fault is None
    assert not (root / "build/proof.json").exists()


def test_a_stack_without_a_sample_app_is_up_without_a_drill(
    promontory: Promontory, write_stack: Callable[..., None]
) -> None:
    write_stack(prometheus="http://127.0.0.1:1/")

    result = promontory("up")

    assert result.exit_code == 0, result.stderr
    assert "No fault drill" in result.stdout


def test_a_failure_shows_host_task_message_and_next_step_but_no_wall(promontory: Promontory, root: Path) -> None:
    (root / "one.txt").mkdir()

    result = promontory("up")

    assert result.exit_code == 1
    assert "one: Write the answer" in result.stderr
    assert "Not finished: one; 0 of 1 hosts" in result.stderr
    assert "next: Mend it" in result.stderr
    assert len(result.stderr.splitlines()) < 20


def test_a_failure_as_json_is_whole_and_alone_on_standard_output(promontory: Promontory, root: Path) -> None:
    (root / "one.txt").mkdir()

    result = promontory("up", "--json")

    failed = document(result)
    assert result.exit_code == failed["exit_code"] == 1
    assert failed["ok"] is False
    assert failed["error"]["message"].startswith("Not finished: one")
    assert failed["runs"][0]["failures"][0]["task"] == "Write the answer"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("up", "-i", "no/such"), "no/such does not exist", id="inventory"),
        pytest.param(("up", "--purge-cache"), "belongs to --remove", id="purge without remove"),
        pytest.param(("up", "--remove"), "not lab hosts", id="remove real hosts"),
        pytest.param(("remove",), "--yes", id="remove unasked"),
        pytest.param(("mail", "list"), "stack.json does not exist", id="no stack yet"),
        pytest.param(("up", "-e", "oops"), "-e 'oops' is no variable", id="variable"),
        pytest.param(("lab", "up"), "is no lab", id="lab of real hosts"),
    ],
)
def test_wrong_input_ends_with_2_and_changes_nothing(
    promontory: Promontory, root: Path, words: tuple[str, ...], said: str
) -> None:
    result = promontory(*words)

    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
    assert not (root / "one.txt").exists()


def test_an_inventory_without_hosts_is_refused(promontory: Promontory, root: Path) -> None:
    (root / "inventories/real/hosts.yml").write_text("all: {hosts: {}}\n")

    result = promontory("up")

    assert result.exit_code == 2
    assert "names no host" in result.stderr


def test_extra_variables_reach_the_playbook(promontory: Promontory, root: Path, write_stack: Callable[..., None]) -> None:
    write_stack()

    promontory("up", "-e", "answer=43")

    assert (root / "one.txt").read_text() == "answer=43\n"


def test_outside_a_clone_the_message_says_where_to_go(
    promontory: Promontory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMONTORY_PROJECT", str(tmp_path))

    result = promontory("up")

    assert result.exit_code == 2
    assert "PROMONTORY_PROJECT" in result.stderr


@pytest.mark.parametrize("words", [("up",), ("plan",), ("drill",), ("verify",), ("mail", "list")])
def test_the_reference_names_every_key_that_is_printed(
    promontory: Promontory, stack: FakeStack, words: tuple[str, ...]
) -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/cli-json.md").read_text()

    printed = document(promontory(*words, "--json"))

    assert {key for key in keys(printed) if f"`{key}`" not in reference} == set()


def keys(value: object) -> set[str]:
    """All keys of a document, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()
