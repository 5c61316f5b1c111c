"""The API for programs, under /api/v1: JSON in, JSON or problem+json out, an access token to say who asks.

The routes stand in modules by subject: who is who (`identity`), accounts and what happened on them (`accounts`),
moving money (`money`), and looking after all of it (`oversight`).
"""

from __future__ import annotations

from fintech.api import accounts, identity, money, oversight
from fintech.api.blueprint import blueprint

__all__ = ["accounts", "blueprint", "identity", "money", "oversight"]
