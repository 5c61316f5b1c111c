"""Drills that break a part of the stack itself: what is broken, and which mails must come of it."""

from __future__ import annotations

from promontory.drills import breakage
from promontory.drills.expect import FIRING, Expected
from promontory.drills.frame import Drill, Field, Plan

_RESTART_PAUSE_S = 3.0
_PORTS = {"alertmanager_port": 9093, "alertmanager_cluster_port": 9094}

# What may be stopped so that nothing but its own alert comes of it, in this order.
_HARMLESS = ("pushgateway", "node_exporter", "blackbox_exporter")


def _target_down(host: str) -> Expected:
    return Expected("TargetDown", host, FIRING)


def _one_program(field: Field, expires_s: float) -> Plan:
    unit = next((name for name in _HARMLESS if field.hosts(name)), _HARMLESS[0])
    host = field.hosts(unit)[0]
    return Plan([breakage.stopped(field.play, [host], unit, expires_s=expires_s)], [_target_down(host)])


def _one_prometheus(field: Field, expires_s: float) -> Plan:
    host = field.hosts("prometheus")[-1]
    return Plan([breakage.stopped(field.play, [host], "prometheus", expires_s=expires_s)], [_target_down(host)])


def _every_prometheus(field: Field, expires_s: float) -> Plan:
    broken = breakage.stopped(field.play, field.hosts("prometheus"), "prometheus", expires_s=expires_s)
    return Plan([broken], [Expected("WatchdogSilent", "", FIRING)])


def _lonely_alertmanager(field: Field) -> str:
    """Return one on a host without Prometheus where there is one: a local Prometheus would still reach it."""
    hosts = field.hosts("alertmanager")
    return next((host for host in reversed(hosts) if host not in field.hosts("prometheus")), hosts[-1])


def _one_alertmanager(field: Field, expires_s: float) -> Plan:
    host = field.hosts("alertmanager")[-1]
    return Plan([breakage.stopped(field.play, [host], "alertmanager", expires_s=expires_s)], [_target_down(host)])


def _alertmanager_cut_off(field: Field, expires_s: float) -> Plan:
    host = _lonely_alertmanager(field)
    variables = field.variables.get(host, {})
    ports = [int(str(variables.get(name, default))) for name, default in _PORTS.items()]
    return Plan([breakage.cut_off(field.play, [host], ports, expires_s=expires_s)], [_target_down(host)])


def _mail_server_away(field: Field, expires_s: float) -> Plan:
    plan = _one_program(field, expires_s)
    refused = breakage.mail_refused(field.stack.door("mailbox"), expires_s=expires_s)
    # The program is down before, while and after the mail server is away; what noticed that is told as well.
    noticed = [Expected("AlertmanagerFailedToSend", "", FIRING, may_repeat=len(field.hosts("alertmanager")) > 1)]
    if field.hosts("blackbox_exporter"):
        noticed.append(Expected("BlackboxProbeFailed", "", FIRING))
    return Plan([*plan.broken, refused], [*plan.expected, *noticed])


def _rolling_restart(field: Field, expires_s: float) -> Plan:
    units = {str(host["name"]): list(host["components"]) for host in field.stack.hosts}
    return Plan([breakage.restarted(field.play, units, pause_s=_RESTART_PAUSE_S)], [])


FAILURE_DRILLS = {
    drill.name: drill
    for drill in (
        Drill("program-down", "a program is dead", {"prometheus": 1, "mailbox": 1}, _one_program),
        Drill(
            "rolling-restart", "every program is restarted, one after the other, and nobody is mailed",
            {"prometheus": 1, "mailbox": 1}, _rolling_restart, hold_s=120,
        ),
        Drill(
            "prometheus-down", "one of two Prometheus is dead", {"prometheus": 2, "mailbox": 1}, _one_prometheus, hold_s=60
        ),
        Drill(
            "all-prometheus-down", "every Prometheus is dead, and only the heartbeat can notice",
            {"prometheus": 1, "heartbeat": 1, "mailbox": 1}, _every_prometheus,
        ),
        Drill(
            "alertmanager-down", "one of several Alertmanagers is dead", {"alertmanager": 2, "mailbox": 1},
            _one_alertmanager, hold_s=60,
        ),
        Drill(
            "alertmanager-cut-off", "one of several Alertmanagers is cut off from the others and from Prometheus",
            {"alertmanager": 2, "mailbox": 1}, _alertmanager_cut_off, hold_s=60,
        ),
        Drill(
            "mail-server-away", "the mail server takes no mail while a program is dead",
            {"alertmanager": 1, "mailbox": 1}, _mail_server_away, hold_s=600, after_mending=True,
        ),
    )
}  # fmt: skip
