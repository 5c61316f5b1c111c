"""A mailbox for the lab: a real SMTP server whose messages people and programs can read."""

__version__ = "0.1.0"
