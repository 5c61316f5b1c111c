"""Queries that several panels or dashboards share, as functions that are named for what they ask."""
