"""What can be wrong with ``prometheus_kubernetes_clusters``."""

from __future__ import annotations


class ClusterError(ValueError):
    """An entry makes no sense; the message names it, what it says and the way out, and never a secret."""
