"""The one error of this package."""

from __future__ import annotations


class RulesError(ValueError):
    """Rule files or variables do not make rules; the message names the variable or file, the value and the way out."""
