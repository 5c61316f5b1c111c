"""Asks node_exporter; pseudo file systems and second names of one file system are left out, as in rules/host.yml."""

from __future__ import annotations

RATE = "[$__rate_interval]"
REAL = 'fstype!~"tmpfs|ramfs|iso9660|squashfs|erofs", mountpoint!~"/(etc|run)/.+"'
WIRED = 'device!~"lo|veth.*|cni.*|docker.*"'


def cpu_used(by: str = "environment, instance") -> str:
    """Share of processor time in use, 0 to 1."""
    return f'1 - avg by ({by}) (rate(node_cpu_seconds_total{{mode="idle"}}{RATE}))'


def cpu_by_mode() -> str:
    """Processor time by mode, in processors."""
    return f'sum by (instance, mode) (rate(node_cpu_seconds_total{{mode!="idle"}}{RATE}))'


def load_per_cpu() -> str:
    """Runnable and blocked tasks for each processor, averaged over five minutes."""
    cpus = 'count by (environment, instance) (node_cpu_seconds_total{mode="idle"})'
    return f"sum by (environment, instance) (node_load5) / {cpus}"


def memory_used(by: str = "environment, instance") -> str:
    """Share of memory that programs cannot get, 0 to 1."""
    return f"1 - sum by ({by}) (node_memory_MemAvailable_bytes) / sum by ({by}) (node_memory_MemTotal_bytes)"


def disk_used(by: str = "environment, instance") -> str:
    """Share of the fullest file system in use, 0 to 1."""
    return f"max by ({by}) (1 - node_filesystem_avail_bytes{{{REAL}}} / node_filesystem_size_bytes{{{REAL}}})"


def disk_busy(by: str = "instance, device") -> str:
    """Share of time a disk was at work, 0 to 1."""
    return f"max by ({by}) (rate(node_disk_io_time_seconds_total{RATE}))"


def network(direction: str, by: str = "instance") -> str:
    """Bytes per second over the real interfaces; `direction` is receive or transmit."""
    return f"sum by ({by}) (rate(node_network_{direction}_bytes_total{{{WIRED}}}{RATE}))"


def pressure(what: str, kind: str = "waiting") -> str:
    """Share of time in which tasks waited for cpu, io or memory, 0 to 1."""
    return f"max by (environment, instance) (rate(node_pressure_{what}_{kind}_seconds_total{RATE}))"
