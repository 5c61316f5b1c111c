"""Tests of the catalogue of metrics and of what judges PromQL by it."""
