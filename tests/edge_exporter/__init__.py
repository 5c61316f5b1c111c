"""Tests of the exporter that counts what the edge was asked for."""
