"""The stack's alerting rules: read as data, judged, and composed for one environment.

``units`` writes numbers, ``thresholds`` finds and replaces them, ``book`` reads the files, ``slo`` compiles service level
objectives, ``variants`` gives hosts their own numbers, ``compose`` puts the deployed files together.
"""

from .errors import RulesError

__all__ = ["RulesError"]
