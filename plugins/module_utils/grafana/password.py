"""The administrator's password: Grafana keeps its own copy from the first start, which the declared one must match."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from .api import Api, NotAllowed

_TIMEOUT_S = 120.0


def ensure_password(api: Api, file: Path, username: str, reset: Sequence[str], *, check_mode: bool) -> list[str]:
    """Have Grafana take the declared password.

    Args:
        api: Signs in with it.
        file: Where it stands on this host.
        username: Whose it is, for the message.
        reset: Grafana's command that sets it, reading it from standard input; empty when there is none.
        check_mode: Only tell.
    Returns:
        What was done, in words; nothing when Grafana takes it already.
    Raises:
        NotAllowed: Grafana does not take it, and there is no command.
        ComponentError: The command failed, or Grafana does not let anybody in for a while.
    """
    try:
        api.get("user")
        return []
    except NotAllowed:
        if not reset:
            raise
    action = f"set the password of {username} to the declared one"
    if check_mode:
        return [action]
    password = file.read_text(encoding="utf-8").rstrip("\n")
    result = subprocess.run(
        list(reset),
        input=password,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
        cwd="/",  # not root's own directory, which the account of the service cannot read
    )
    if result.returncode != 0:
        said = f"{result.stdout}\n{result.stderr}".replace(password, "(password)").strip()
        raise ComponentError(
            f"Grafana does not take the password of {username}, and its command cannot set it.",
            detail="\n".join(said.splitlines()[-10:]),
            hint=f"Set grafana_admin_user and grafana_admin_password to an administrator's that Grafana has, or set the "
            f"password of {username} in Grafana to the one in {file}.",
        )
    try:
        api.get("user")
    except NotAllowed as error:
        raise ComponentError(
            f"Grafana has the declared password of {username} now, and still does not let {username} in.",
            detail=error.detail,
            hint="After five wrong passwords Grafana shuts an account for five minutes; wait so long and run again.",
        ) from error
    return [action]
