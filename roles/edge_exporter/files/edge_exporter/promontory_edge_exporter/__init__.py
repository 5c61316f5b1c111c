"""Metrics of an nginx: its requests from the access log that it sends over a socket, its connections from its status page."""

__version__ = "0.1.0"
