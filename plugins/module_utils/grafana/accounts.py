"""Service accounts and their tokens. Grafana shows a token once: its value is handed back to be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.promontory.stack.plugins.module_utils.http_client import Client
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

from .api import Api

_DAY_S = 86400


class Accounts:
    """Brings service accounts to what is declared.

    Args:
        api: An account that may do that.
        check_mode: Only tell.
    """

    def __init__(self, api: Api, *, check_mode: bool = False) -> None:
        self._api = api
        self._check_mode = check_mode
        self.actions: list[str] = []
        self.tokens: dict[str, str] = {}

    def bring(self, declared: Sequence[Mapping[str, Any]], known: Mapping[str, str], former: Sequence[str]) -> None:
        """Make accounts and tokens as declared, and remove accounts that were ours and are named no more.

        Args:
            declared: ``name``, ``role`` and ``tokens`` (each ``name`` and ``days`` of life, 0 for no end).
            known: Token values by ``<account>/<token>``; empty for one that nobody has.
            former: Names of the accounts that earlier runs have made.
        """
        if not declared and not former:
            return
        present = {
            str(found["name"]): found for found in self._api.all_pages("serviceaccounts/search", "serviceAccounts")
        }
        for account in declared:
            self._account(account, present.get(str(account["name"])), known)
        kept = {str(account["name"]) for account in declared}
        for name in former:
            if name in present and name not in kept:
                self._did(f"remove the service account {name}")
                if not self._check_mode:
                    self._api.delete(f"serviceaccounts/{present[name]['id']}")

    def _account(self, account: Mapping[str, Any], found: Mapping[str, Any] | None, known: Mapping[str, str]) -> None:
        name, role = str(account["name"]), str(account["role"])
        if found is None:
            self._did(f"make the service account {name}")
            if self._check_mode:
                return
            found = self._api.post("serviceaccounts", {"name": name, "role": role, "isDisabled": False})
        elif found.get("role") != role or found.get("isDisabled"):
            self._did(f"give the service account {name} the role {role}")
            if not self._check_mode:
                self._api.patch(f"serviceaccounts/{found['id']}", {"name": name, "role": role, "isDisabled": False})
        present = {str(token["name"]): token for token in self._api.get(f"serviceaccounts/{found['id']}/tokens")}
        declared = {str(token["name"]): token for token in account.get("tokens") or []}
        for title, token in present.items():
            if title not in declared:
                self._did(f"remove the token {title} of {name}")
                self._remove_token(found["id"], token["id"])
        for title, token in declared.items():
            self._token(name, int(found["id"]), title, token, present.get(title), known.get(f"{name}/{title}", ""))

    def _token(
        self,
        account: str,
        account_id: int,
        title: str,
        token: Mapping[str, Any],
        found: Mapping[str, Any] | None,
        value: str,
    ) -> None:
        if found is not None and not found.get("hasExpired") and value and self._opens(value):
            return
        self._did(f"make the token {title} of {account}" + (" anew" if found is not None else ""))
        if self._check_mode:
            return
        if found is not None:  # expired, or its value is lost: Grafana never shows it again
            self._remove_token(account_id, int(found["id"]))
        seconds = int(token.get("days") or 0) * _DAY_S
        made = self._api.post(f"serviceaccounts/{account_id}/tokens", {"name": title, "secondsToLive": seconds})
        self.tokens[f"{account}/{title}"] = str(made["key"])

    def _opens(self, value: str) -> bool:
        """Tell whether Grafana takes a token."""
        try:
            Client(Readback(bearer=value)).get(f"{self._api.url}/api/org")
        except PermissionError:
            return False
        return True

    def _remove_token(self, account_id: int, token_id: int) -> None:
        if not self._check_mode:
            self._api.delete(f"serviceaccounts/{account_id}/tokens/{token_id}")

    def _did(self, action: str) -> None:
        self.actions.append(action)
