"""Reports on a whole stack from what its hosts said: data for ``build/*.json`` and a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 100  # of the last column; a longer text goes on in the next line


def verification(results: Mapping[str, Mapping[str, Any]], environment: str, at: str) -> dict[str, Any]:
    """Gather the findings of all hosts.

    Args:
        results: Host to the registered result of ``promontory.stack.verify``; empty for a host that never got there.
        environment: For the report.
        at: Time of the report, ISO 8601.
    Returns:
        ``{ok, at, environment, checks: [{name, host, ok, detail, look}]}``; ``look`` is a command to run here.
    """
    checks: list[dict[str, Any]] = []
    for host, result in results.items():
        if result.get("skipped"):
            continue
        for found in result.get("checks", ()):
            look = str(found["look"])
            checks.append(
                {
                    "name": found["name"],
                    "host": host,
                    "ok": bool(found["ok"]),
                    "detail": str(found["detail"]),
                    "look": command_on(str(found.get("on") or host), look) if look else "",
                }
            )
        if "checks" not in result:
            checks.append(
                {
                    "name": "reachable",
                    "host": host,
                    "ok": False,
                    "detail": _reason(result),
                    "look": f"ansible {host} -m ansible.builtin.ping",
                }
            )
    return {
        "ok": bool(checks) and all(check["ok"] for check in checks),
        "at": at,
        "environment": environment,
        "checks": checks,
    }


def states(
    results: Mapping[str, Mapping[str, Any]], addresses: Mapping[str, str], environment: str, at: str
) -> dict[str, Any]:
    """Gather what runs on all hosts.

    Args:
        results: Host to the registered result of ``promontory.stack.status``.
        addresses: Host to its address.
        environment: For the report.
        at: Time of the report, ISO 8601.
    Returns:
        ``{at, environment, hosts: [{name, address, reachable, detail, components}]}``.
    """
    hosts = [
        {
            "name": host,
            "address": addresses.get(host, ""),
            "reachable": "components" in result,
            "detail": "" if "components" in result else _reason(result),
            "components": list(result.get("components", ())),
        }
        for host, result in results.items()
    ]
    return {"at": at, "environment": environment, "hosts": hosts}


def command_on(host: str, command: str) -> str:
    """Return the command that runs another one on a host of the inventory, from here."""
    quoted = command.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'ansible {host} -m ansible.builtin.shell -a "{quoted}"'


def verification_table(report: Mapping[str, Any]) -> str:
    """Show a verification: one line for each check, the way to look closer under each miss."""
    rows = []
    for check in report["checks"]:
        rows.append(("ok" if check["ok"] else "MISS", check["host"], check["name"], check["detail"]))
        if check["look"]:
            rows.append(("", "", "", f"look: {check['look']}"))
    return table(("", "host", "check", "seen"), rows)


def states_table(report: Mapping[str, Any]) -> str:
    """Show what runs where."""
    rows = []
    for host in report["hosts"]:
        if not host["reachable"]:
            rows.append((host["name"], "", "", "unreachable", host["detail"]))
        for one in host["components"]:
            rows.append(
                (host["name"], one["name"], f"{one['version']} ({one['source']})", one["active"], one["detail"])
            )
        if host["reachable"] and not host["components"]:
            rows.append((host["name"], "", "", "", "nothing is installed"))
    return table(("host", "component", "version", "state", ""), rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns as wide as their widest cell, the last one wrapped."""
    last = len(header) - 1
    wrapped: list[list[str]] = []
    for row in [header, *rows]:
        pieces = _wrap(str(row[last]))
        wrapped.append([*map(str, row[:last]), pieces[0]])
        wrapped += [[""] * last + [piece] for piece in pieces[1:]]
    widths = [max(len(row[column]) for row in wrapped) for column in range(last)]
    lines = [
        "  ".join([*(row[column].ljust(widths[column]) for column in range(last)), row[last]]).rstrip()
        for row in wrapped
    ]
    return "\n".join(lines)


def _wrap(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def _reason(result: Mapping[str, Any]) -> str:
    said = " ".join(str(result.get("msg") or "").split())
    return said or "not asked, because an earlier step failed on this host"
