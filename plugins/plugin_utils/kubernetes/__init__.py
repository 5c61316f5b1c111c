"""Prometheus reaching pods in Kubernetes: the variable ``prometheus_kubernetes_clusters``, judged and rendered."""
