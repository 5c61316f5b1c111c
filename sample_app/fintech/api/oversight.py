"""Looking after all of it: the audit for auditors, and users and their roles for admins."""

from __future__ import annotations

import logging

from flask import g, request
from flask.typing import ResponseReturnValue

from fintech.access import ADMINS, READERS, require
from fintech.api.blueprint import blueprint
from fintech.inputs import json_fields, page_limit
from fintech.ledger import audit
from fintech.services import services
from fintech.users import User, as_role

_LOG = logging.getLogger(__name__)
_PROBLEMS_MAX = 100


@blueprint.get("/audit")
def show_audit() -> ResponseReturnValue:
    """Recompute the ledger and say what does not add up; an empty list is a sound ledger."""
    require(g.user, READERS)
    with services().database.read() as connection:
        problems = audit(connection)
    return {"sound": not problems, "count": len(problems), "problems": problems[:_PROBLEMS_MAX]}


@blueprint.get("/users")
def list_users() -> ResponseReturnValue:
    """List users by name; `after` and `limit` page through them."""
    require(g.user, ADMINS)
    found = services().users.page(after=request.args.get("after"), limit=page_limit())
    return {"users": [_user(user) for user in found]}


@blueprint.put("/users/<username>/role")
def set_role(username: str) -> ResponseReturnValue:
    """Change what a user may do, from their next request on."""
    require(g.user, ADMINS)
    role = as_role(json_fields("role")["role"])
    user = services().users.set_role(username, role)
    _LOG.warning("role of %s set to %s by %s", user.username, role, g.user.username)
    return _user(user)


def _user(user: User) -> dict[str, object]:
    return {"username": user.username, "role": user.role.value}
