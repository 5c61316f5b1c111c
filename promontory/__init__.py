"""Drives Promontory's playbooks: typed results, live progress, exit codes."""

__version__ = "0.1.0"

from promontory import collection as _collection  # noqa: F401  the collection's Python has its dotted name
