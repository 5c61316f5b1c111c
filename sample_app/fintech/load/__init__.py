"""The load generator: people who bank, from a seed; standard library only, so it runs wherever Python does."""

from fintech.load.plan import Step, plan
from fintech.load.profiles import PROFILES, Operation, Profile
from fintech.load.record import Summary
from fintech.load.runner import LoadError, Wish, run

__all__ = ["PROFILES", "LoadError", "Operation", "Profile", "Step", "Summary", "Wish", "plan", "run"]
