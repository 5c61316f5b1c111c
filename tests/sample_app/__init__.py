"""The sample app: its domain, its two surfaces, and how gunicorn runs it."""
