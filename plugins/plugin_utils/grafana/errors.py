"""The one error of this package."""

from __future__ import annotations


class GrafanaError(ValueError):
    """A variable of the role grafana makes no sense; the message names it, its value and the way out."""
