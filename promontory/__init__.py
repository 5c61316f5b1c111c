"""Drives Promontory's playbooks: typed results, live progress, exit codes."""

__version__ = "0.1.0"
