"""System accounts of the services."""

from __future__ import annotations

import grp
import pwd

from ansible_collections.promontory.stack.plugins.module_utils import commands
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

# Written into the account when we make it, so that a purge never takes an account others rely on.
_MARK = "Managed by Promontory"


def ids(user: str) -> tuple[int, int] | None:
    """Return ``(uid, gid)`` of an account; None when there is none."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return None
    return account.pw_uid, account.pw_gid


def is_ours(user: str) -> bool:
    """Tell whether the account was made by us and not, say, by a package that others use too."""
    try:
        return pwd.getpwnam(user).pw_gecos == _MARK
    except KeyError:
        return False


def ensure(user: str) -> tuple[int, int]:
    """Make the system account a service runs as where it is missing and return its ``(uid, gid)``.

    Raises:
        ComponentError: The account cannot be made.
    """
    found = ids(user)
    if found is not None:
        return found
    argv = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    argv += ["--comment", _MARK, *(["--gid", user] if _has_group(user) else ["--user-group"])]
    result = commands.run([*argv, user])
    found = ids(user)
    if found is None:
        raise ComponentError(f"The system account {user} cannot be made.", detail=commands.output(result))
    return found


def remove(user: str) -> None:
    """Remove a system account that we made; absent is fine, and one that others made stays."""
    if not is_ours(user):
        return
    result = commands.run(["userdel", user])
    if result.returncode != 0:
        raise ComponentError(f"The system account {user} cannot be removed.", detail=commands.output(result))


def _has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
