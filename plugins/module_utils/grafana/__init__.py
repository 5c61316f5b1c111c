"""Grafana's HTTP API: what lives in its database and not in files, brought to what is declared."""
