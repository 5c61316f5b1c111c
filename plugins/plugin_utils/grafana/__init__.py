"""Grafana's configuration from typed data: grafana.ini, provisioning files, dashboards and what the proof asks of them."""
