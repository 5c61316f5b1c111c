"""A dead man's switch: expects a regular sign of life of an alerting path, and mails people when it stays away."""

__version__ = "0.1.0"
