"""Makes the collection's Python importable by its dotted name: the route tree, the rules and the topology have one
implementation, which the command line and the roles share.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PLACE = str(Path(__file__).resolve().parents[1] / "playbooks" / "collections")

if _PLACE not in sys.path:
    sys.path.append(_PLACE)
