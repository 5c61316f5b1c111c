"""Who may do what: users move their own money, auditors look at everything, admins also decide who is what."""

from __future__ import annotations

from fintech.errors import Forbidden
from fintech.users import Role, User

MOVERS = frozenset({Role.USER})
ADMINS = frozenset({Role.ADMIN})
READERS = frozenset({Role.AUDITOR, Role.ADMIN})


def require(user: User, roles: frozenset[Role]) -> None:
    """Let pass whoever has one of these roles; raises Forbidden for the others."""
    if user.role not in roles:
        raise Forbidden(f"This needs the role {' or '.join(sorted(roles))}; yours is {user.role}.")


def may_move_money(user: User) -> None:
    """Let users pass; raises Forbidden for auditors and admins: who checks the books does not write them."""
    require(user, MOVERS)


def whose_accounts(user: User) -> int | None:
    """Return the user whose accounts this one may read: their own number, or None for everybody's."""
    return None if user.role in READERS else user.id
