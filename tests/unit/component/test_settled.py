"""A set counts as settled only while nothing on the host differs from what was written and started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import declaration, journal
from ansible_collections.promontory.stack.plugins.module_utils.settled import settled

from tests.unit.component.workbench import Host, Shelf


def _ask(host: Host, declared: declaration.Declaration) -> journal.Generation | None:
    return settled(
        host.layout, host.systemd, digest=declared.digest(), request=declared.request, wanted=declared.release
    )


def test_a_set_that_serves_is_settled_until_another_is_declared(host: Host, shelf: Shelf) -> None:
    declared = shelf.declare(secrets={"token": "hunter2"})
    assert _ask(host, declared) is None, "nothing is installed yet"
    outcome = host.apply(declared)

    serving = _ask(host, declared)

    assert serving is not None
    assert (serving.version, serving.id) == (outcome.version, outcome.generation)
    assert _ask(host, shelf.declare(conf="answer: 2\n", secrets={"token": "hunter2"})) is None
    assert _ask(host, shelf.declare(secrets={"token": "hunter3"})) is None
    assert _ask(host, shelf.declare("1.1.0", secrets={"token": "hunter2"})) is None
    assert _ask(host, replace(declared, request="asked otherwise")) is None


def _left_under_way(host: Host) -> None:
    held = journal.load(host.layout.journal, component="tiny", program="tiny")
    journal.save(host.layout.journal, replace(held, under_way=held.committed))


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(lambda h: (h.layout.config / "tiny.conf").write_text("answer: 3\n"), id="file edited"),
        pytest.param(lambda h: (h.layout.config / "more.conf").write_text(""), id="file added"),
        pytest.param(lambda h: (h.layout.config / "secrets/token").chmod(0o644), id="secret readable"),
        pytest.param(lambda h: (h.layout.current / "tiny.service").write_text("[Service]\n"), id="unit edited"),
        pytest.param(lambda h: h.layout.wants_link.unlink(), id="not started at boot"),
        pytest.param(lambda h: h.layout.current.unlink(), id="link gone"),
        pytest.param(lambda h: (h.layout.opt / "1.0.0/tiny").write_text("other"), id="program replaced"),
        pytest.param(lambda h: h.systemd.stop(), id="stopped"),
        pytest.param(_left_under_way, id="a run was killed"),
    ],
)
def test_what_differs_on_the_host_is_left_to_the_components_own_call(
    host: Host, shelf: Shelf, disturb: Callable[[Host], object]
) -> None:
    declared = shelf.declare(secrets={"token": "hunter2"})
    host.apply(declared)
    assert _ask(host, declared) is not None

    disturb(host)

    assert _ask(host, declared) is None
    assert host.apply(declared).changed
    assert _ask(host, declared) is not None
