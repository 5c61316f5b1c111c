"""alertmanager.yml from the role's variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..settings import merge
from . import credentials, judgement, mail, receivers, routes, rule_set, samples, times
from .credentials import Vault
from .errors import AlertmanagerError


@dataclass(frozen=True)
class Rendered:
    """What the role deploys.

    Attributes:
        config: alertmanager.yml.
        secrets: ``{file name below secrets/: content}``.
        files: ``{path: content}`` that the check of the templates needs.
        checks: Commands that render the templates with the release's own amtool.
        environment: Variables that the program needs to find a credential.
    """

    config: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    checks: list[list[str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def render(settings: Mapping[str, Any]) -> Rendered:
    """Build the configuration and judge it.

    Args:
        settings: The role's variables without their prefix (``receivers``, ``default_receiver``, ``critical_receivers``,
            ``teams``, ``routes``, ``group_*``, ``repeat_interval``, ``severities``, ``working_hours``, ``maintenance``,
            ``time_intervals``, ``own_inhibit_rules``, ``inhibit_rules``, ``heartbeat_url``, ``heartbeat_token``, ``smtp``, ``rule_files``),
            ``extra`` (the free-form alertmanager_config) and, from the topology, ``smarthost`` and ``heartbeats``.
    Raises:
        AlertmanagerError: They make no configuration that everybody can rely on; it names variable, value and way out.
    """
    vault = Vault()
    extra = dict(settings.get("extra") or {})
    alerts = rule_set.read(settings.get("rule_files") or [])
    people = receivers.render(settings["receivers"], vault)
    _require_default(settings, [receiver["name"] for receiver in people])
    watchers = settings.get("heartbeats") or []
    heartbeat = receivers.heartbeat(
        str(settings.get("heartbeat_url") or ""), watchers, str(settings.get("heartbeat_token") or ""), vault
    )
    hours = times.working_hours(settings.get("working_hours") or {})
    intervals, windows = times.maintenance(settings.get("maintenance") or [])
    judgement.require_teams(list(settings.get("teams") or {}), alerts)
    uses_mail = any("email_configs" in receiver for receiver in people)
    config = {
        "global": mail.smtp(settings, vault.files) if uses_mail else None,
        "templates": ["templates/*.tmpl"],
        "route": routes.render(settings, windows, holidays=len(hours) > 1),
        "receivers": [*people, heartbeat],
        "inhibit_rules": [
            *judgement.that_can_hold(settings.get("own_inhibit_rules") or [], alerts),
            *(settings.get("inhibit_rules") or []),
        ],
        "time_intervals": [*hours, *intervals, *(settings.get("time_intervals") or [])],
    }
    config = {key: value for key, value in config.items() if value}
    credentials.require_none_inline(extra, "alertmanager_config")
    whole = merge(config, extra)
    judgement.require_inhibition(settings.get("inhibit_rules") or [], alerts, "alertmanager_inhibit_rules")
    judgement.require_inhibition(extra.get("inhibit_rules") or [], alerts, "alertmanager_config: inhibit_rules")
    judgement.judge(whole, alerts, windows)
    return Rendered(config, vault.files, samples.files(whole), samples.commands(), vault.environment)


def _require_default(settings: Mapping[str, Any], names: Sequence[str]) -> None:
    default = str(settings["default_receiver"])
    if default not in names:
        raise AlertmanagerError(
            f"alertmanager_default_receiver: {default!r} is not one of alertmanager_receivers ({', '.join(names)})."
        )
    for variable, found in routes.named_receivers(settings):
        if found not in names:
            raise AlertmanagerError(
                f"{variable}: the receiver {found!r} is not one of alertmanager_receivers ({', '.join(names)})."
            )
