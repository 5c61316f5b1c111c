"""Alerting rules over the past of a running Prometheus: when they would have fired, and how many mails that is."""
