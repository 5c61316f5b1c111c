"""What is wrong with the variables of the role alertmanager."""

from __future__ import annotations


class AlertmanagerError(ValueError):
    """The variables of the role do not make a configuration; the message names the variable, the value and the way out."""
