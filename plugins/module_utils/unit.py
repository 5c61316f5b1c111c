"""The one hardened systemd unit that every program gets.

Everything a service does not need is taken from it; what a program truly needs is a relaxation with
its reason, and the reason is written into the unit beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

# systemd.exec(5), in the order of `systemd-analyze security`.
SANDBOX: dict[str, str] = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RemoveIPC": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service ~@privileged @resources",
    "KeyringMode": "private",
    "DevicePolicy": "closed",
    "UMask": "0077",
}

# The systemd release that first knows a setting; an older one would warn at each reload.
_SINCE = {"ProtectClock": 245, "ProtectProc": 247, "ProcSubset": 247, "RestartSteps": 254, "RestartMaxDelaySec": 254}

_OPTIONS = {
    "description", "documentation", "after", "environment", "limit_nofile", "memory_max", "cpu_quota", "tasks_max",
    "oom_score_adjust", "read_write_paths", "read_only_paths", "capabilities", "relax", "stop_timeout_s", "extra",
}  # fmt: skip


@dataclass(frozen=True)
class Relaxation:
    """One sandbox setting that a program cannot live with.

    Attributes:
        value: What the setting becomes; None leaves it out.
        reason: Why, in words for the person who reads the unit on the host.
    """

    value: str | None
    reason: str


@dataclass(frozen=True)
class Unit:
    """What differs from program to program.

    Attributes:
        name: Component name; also its state directory under ``/var/lib``.
        user: Account the program runs as.
        argv: Program and arguments.
        description: One line for ``systemctl status``.
        documentation: URLs or man pages.
        after: Units this one starts after.
        environment: Variables; never secrets, the unit is readable by all.
        reload_signal: Signal that makes the program read its configuration again; empty when it cannot.
        limit_nofile: Open files.
        memory_max: Ceiling such as ``2G``; empty for none.
        cpu_quota: Ceiling such as ``150%``; empty for none.
        tasks_max: Threads and processes; 0 for systemd's default.
        oom_score_adjust: -1000 to 1000; 0 is the default.
        stop_timeout_s: Seconds a stop may take before the program is killed.
        read_write_paths: Directories beyond its own state directory that it may write.
        read_only_paths: Directories it may read though the sandbox hides them.
        capabilities: Capabilities it keeps, such as ``CAP_NET_BIND_SERVICE``.
        relax: Sandbox settings that differ.
        extra: Further ``[Service]`` settings.
    """

    name: str
    user: str
    argv: Sequence[str]
    description: str = ""
    documentation: Sequence[str] = ()
    after: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    reload_signal: str = ""
    limit_nofile: int = 65536
    memory_max: str = ""
    cpu_quota: str = ""
    tasks_max: int = 0
    oom_score_adjust: int = 0
    stop_timeout_s: int = 30
    read_write_paths: Sequence[str] = ()
    read_only_paths: Sequence[str] = ()
    capabilities: Sequence[str] = ()
    relax: Mapping[str, Relaxation] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


def from_mapping(name: str, user: str, argv: Sequence[str], reload_signal: str, options: Mapping[str, Any]) -> Unit:
    """Make a unit from a role's ``unit`` mapping.

    Raises:
        ComponentError: A key is unknown or a relaxation lacks its reason.
    """
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ComponentError(f"{name}: unit.{unknown[0]} is unknown.", hint=f"Known: {', '.join(sorted(_OPTIONS))}.")
    values = {key: value for key, value in options.items() if value is not None}
    relax = {}
    for key, relaxation in dict(values.pop("relax", {})).items():
        if key not in SANDBOX or not str(relaxation.get("reason", "")).strip() or set(relaxation) - {"value", "reason"}:
            raise ComponentError(
                f"{name}: unit.relax.{key} is not understood.",
                hint=f"Give value and reason for one of: {', '.join(SANDBOX)}.",
            )
        relax[key] = Relaxation(value=_setting(relaxation.get("value")), reason=str(relaxation["reason"]))
    environment = {str(key): str(value) for key, value in dict(values.pop("environment", {})).items()}
    extra = {str(key): str(_setting(value)) for key, value in dict(values.pop("extra", {})).items()}
    return Unit(
        name=name, user=user, argv=tuple(argv), reload_signal=reload_signal,
        environment=environment, extra=extra, relax=relax, **values,
    )  # fmt: skip


def _setting(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(str(item) for item in value)
    return str(value)


def render(unit: Unit, *, systemd: int) -> str:
    """Write the unit file.

    Args:
        unit: What to run.
        systemd: The host's systemd version; settings it does not know are left out.
    """
    lines = [
        "# Managed by Promontory; part of one generation with the release and configuration it starts.",
        f"# Change the variables of the role {unit.name} and run the playbook again.",
        "[Unit]",
        f"Description={(unit.description or unit.name).replace('%', '%%')}",
        *(f"Documentation={url}" for url in unit.documentation),
        "Wants=network-online.target",
        f"After={' '.join(['network-online.target', *unit.after])}",
        "# Never give up: the pause between starts grows instead.",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"User={unit.user}",
        f"Group={unit.user}",
        f"ExecStart={' '.join(quote(word) for word in unit.argv)}",
    ]
    if unit.reload_signal:
        lines.append(f"ExecReload=/bin/kill -{unit.reload_signal} $MAINPID")
    lines += [
        "Restart=always",
        "RestartSec=1",
        *_known(systemd, {"RestartSteps": "6", "RestartMaxDelaySec": "60"}),
        f"TimeoutStopSec={unit.stop_timeout_s}",
        f"StateDirectory={unit.name}",
        "StateDirectoryMode=0750",
        f"SyslogIdentifier={unit.name}",
        f"LimitNOFILE={unit.limit_nofile}",
    ]
    for key, value in (("MemoryMax", unit.memory_max), ("CPUQuota", unit.cpu_quota)):
        if value:
            lines.append(f"{key}={value}")
    for key, number in (("TasksMax", unit.tasks_max), ("OOMScoreAdjust", unit.oom_score_adjust)):
        if number:
            lines.append(f"{key}={number}")
    variables = [quote(f"{key}={value}", command=False) for key, value in sorted(unit.environment.items())]
    lines += [f"Environment={variable}" for variable in variables]
    lines += [f"ReadWritePaths={quote(path, command=False)}" for path in unit.read_write_paths]
    lines += [f"ReadOnlyPaths={quote(path, command=False)}" for path in unit.read_only_paths]
    lines += [f"{key}={value}" for key, value in unit.extra.items()]
    lines += ["", "# What the program does not need is taken from it; exceptions carry their reason."]
    lines += _sandbox(unit, systemd)
    lines += ["", "[Install]", "WantedBy=multi-user.target", ""]
    for line in lines:
        if "\n" in line or "\r" in line:
            raise ComponentError(f"{unit.name}: a setting of the unit has a line end in it: {line!r}.")
    return "\n".join(lines)


def _sandbox(unit: Unit, systemd: int) -> list[str]:
    lines: list[str] = []
    capabilities = " ".join(unit.capabilities)
    for key, standard in SANDBOX.items():
        value: str | None = standard
        if key in ("CapabilityBoundingSet", "AmbientCapabilities"):
            value = capabilities
        elif key == "PrivateUsers" and capabilities:
            value = "no"  # a user namespace of its own would make the capability worthless
        if key in unit.relax:
            lines.append(f"# {unit.relax[key].reason}")
            value = unit.relax[key].value
        if value is None:
            continue
        if key == "SystemCallFilter" and " ~" in value:
            allowed, denied = value.split(" ~", 1)
            lines += [f"{key}={allowed}", f"{key}=~{denied}"]
        else:
            lines += _known(systemd, {key: value})
    return lines


def _known(systemd: int, settings: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in settings.items() if systemd >= _SINCE.get(key, 0)]


def quote(word: str, *, command: bool = True) -> str:
    """Quote one word for a unit file: specifiers, variables, quotes and blanks stay as they are meant.

    Args:
        word: What the program shall get.
        command: For a command line, where a dollar sign would begin a variable; it means nothing elsewhere.
    Source: systemd.service(5), "Command lines", and systemd.syntax(7), "Quoting".
    """
    escaped = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$" if command else "$")
    escaped = escaped.replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if word and not any(character.isspace() or character in "\"';" for character in word):
        return escaped
    return f'"{escaped}"'
