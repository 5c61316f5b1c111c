"""The load generator: people who bank, from a seed; standard library only, so it runs wherever Python does."""

from fintech.load.plan import Operation, Step, plan
from fintech.load.runner import LoadError, Summary, run

__all__ = ["LoadError", "Operation", "Step", "Summary", "plan", "run"]
