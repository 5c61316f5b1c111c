"""`python -m fintech user NAME --role ROLE`: makes a user, or changes what one may do.

This is how the first admin comes to be. It works while the service runs, and a change counts from the user's next
request on.
"""

from __future__ import annotations

import getpass
import sys
import time
from contextlib import nullcontext

from fintech.database import Database
from fintech.errors import NotFound, SchemaMismatch
from fintech.passwords import Passwords
from fintech.users import Users, as_role, check_password, check_username


def put_user(database: Database, username: str, role_name: str) -> str:
    """Give the user of this name this role; whoever is not there yet is made, with a password from standard input.

    Returns:
        What was done, as a sentence.
    Raises:
        Invalid: The role, the name or the password cannot be one.
        SchemaMismatch: The database has not been brought up to date.
    """
    role = as_role(role_name)
    if reason := database.why_not_ready():
        raise SchemaMismatch(f"The database is not ready: {reason}. Run python -m fintech migrate first.")
    users = Users(database, clock=time.time, passwords=Passwords(hashing=lambda _operation: nullcontext()))
    try:
        before = users.find(username)
    except NotFound:
        users.create(check_username(username), check_password(_read_password()), role)
        return f"The user {username} is made, with the role {role}."
    users.set_role(username, role)
    return f"The user {username} had the role {before.role} and has the role {role} now."


def _read_password() -> str:
    """Read one line from standard input, unseen at a terminal; a password on the command line would be in the process list."""
    if sys.stdin.isatty():
        return getpass.getpass("Password of the new user: ")
    return sys.stdin.readline().rstrip("\r\n")
