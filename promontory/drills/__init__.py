"""Drills: something is broken on purpose, and the right mails must come, each exactly once."""
