"""Teams, folders with their permissions, and service accounts: what is declared is made, what was ours and is named no more goes.

Only what these functions have made is ever removed; a record on the host names it. What people made in Grafana stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .accounts import Accounts
from .api import Api, Missing, Refused, quoted

PERMISSIONS = {"view": 1, "edit": 2, "admin": 4}
ROLES = ("Viewer", "Editor", "Admin")


@dataclass
class Record:
    """What was made here.

    Attributes:
        teams: Names.
        folders: Uids.
        service_accounts: Names.
    """

    teams: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    service_accounts: list[str] = field(default_factory=list)


@dataclass
class Result:
    """What was done.

    Attributes:
        actions: In words, in order; empty when all was as declared.
        notes: What could not be taken away, and why.
        tokens: New tokens by ``<account>/<token>``; secret.
        record: What to remember for the next run.
    """

    actions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    record: Record = field(default_factory=Record)


class Objects:
    """Brings a Grafana's database to what is declared.

    Args:
        api: An account that may do all of it.
        former: What earlier runs have made.
        check_mode: Only tell.
    """

    def __init__(self, api: Api, former: Record, *, check_mode: bool = False) -> None:
        self._api = api
        self._former = former
        self._check_mode = check_mode
        self._result = Result()

    def bring(
        self,
        teams: Sequence[Mapping[str, Any]],
        folders: Sequence[Mapping[str, Any]],
        service_accounts: Sequence[Mapping[str, Any]],
        tokens: Mapping[str, str],
    ) -> Result:
        """Make everything as declared.

        Args:
            teams: ``name``, ``email`` and ``members`` (logins or addresses).
            folders: ``uid``, ``title`` and ``permissions`` (each ``permission`` with one of ``team``, ``role``, ``user``);
                a folder without the key ``permissions`` keeps what it has.
            service_accounts: ``name``, ``role`` and ``tokens`` (each ``name`` and ``days``).
            tokens: Known token values by ``<account>/<token>``; empty text for one that is to be made.
        Raises:
            Refused: Grafana refuses something, in its own words.
        """
        ids = self._teams(teams) if teams or self._former.teams or _name_teams(folders) else {}
        self._folders(folders, ids)
        accounts = Accounts(self._api, check_mode=self._check_mode)
        accounts.bring(service_accounts, tokens, self._former.service_accounts)
        self._result.actions += accounts.actions
        self._result.tokens = accounts.tokens
        self._result.record.service_accounts = [str(account["name"]) for account in service_accounts]
        self._remove_folders(folders)
        self._remove_teams(teams)
        return self._result

    # -- teams ---------------------------------------------------------------------------------------

    def _teams(self, declared: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        present = {str(team["name"]): team for team in self._api.all_pages("teams/search", "teams")}
        ids: dict[str, int] = {}
        for team in declared:
            name, email = str(team["name"]), str(team.get("email") or "")
            found = present.get(name)
            is_new = found is None
            if found is None:
                self._did(f"make the team {name}")
                if self._check_mode:
                    continue
                found = {"id": self._api.post("teams", {"name": name, "email": email})["teamId"], "email": email}
            elif str(found.get("email") or "") != email:
                self._did(f"change the address of the team {name}")
                if not self._check_mode:
                    self._api.put(f"teams/{found['id']}", {"name": name, "email": email})
            ids[name] = int(found["id"])
            self._members(name, ids[name], [str(member) for member in team.get("members") or []], is_new=is_new)
            self._result.record.teams.append(name)
        return ids | {name: int(team["id"]) for name, team in present.items() if name not in ids}

    def _members(self, name: str, team_id: int, declared: Sequence[str], *, is_new: bool) -> None:
        present = {int(member["userId"]): str(member["login"]) for member in self._api.get(f"teams/{team_id}/members")}
        wanted = {self._user_id(member, f"grafana_teams: the team {name}"): member for member in declared}
        for user_id, member in wanted.items():
            if user_id not in present:
                self._did(f"add {member} to the team {name}")
                if not self._check_mode:
                    self._api.post(f"teams/{team_id}/members", {"userId": user_id})
        for user_id, login in present.items():
            if user_id not in wanted:
                if not is_new:  # Grafana puts whoever makes a team into it
                    self._did(f"take {login} out of the team {name}")
                if not self._check_mode:
                    self._api.delete(f"teams/{team_id}/members/{user_id}")

    def _user_id(self, login: str, where: str) -> int:
        try:
            return int(self._api.get("users/lookup", loginOrEmail=login)["id"])
        except Missing as error:
            raise Refused(
                f"{where} names {login}, but Grafana has no such user.",
                hint="Invite the user in Grafana (or let them sign in once with single sign-on), or take the name away.",
            ) from error

    def _remove_teams(self, declared: Sequence[Mapping[str, Any]]) -> None:
        kept = {str(team["name"]) for team in declared}
        gone = [name for name in self._former.teams if name not in kept]
        if not gone:
            return
        present = {str(team["name"]): team["id"] for team in self._api.all_pages("teams/search", "teams")}
        for name in gone:
            if name in present:
                self._did(f"remove the team {name}")
                if not self._check_mode:
                    self._api.delete(f"teams/{present[name]}")

    # -- folders -------------------------------------------------------------------------------------

    def _folders(self, declared: Sequence[Mapping[str, Any]], teams: Mapping[str, int]) -> None:
        for folder in declared:
            uid, title = str(folder["uid"]), str(folder["title"])
            found = self._folder(uid)
            if found is None:
                self._did(f"make the folder {title}")
                if not self._check_mode:
                    self._api.post("folders", {"uid": uid, "title": title})
            elif found["title"] != title:
                self._did(f"rename the folder {found['title']} to {title}")
                if not self._check_mode:
                    self._api.put(f"folders/{quoted(uid)}", {"title": title, "overwrite": True})
            self._result.record.folders.append(uid)
            if folder.get("permissions") is not None and not (found is None and self._check_mode):
                self._permissions(uid, title, folder["permissions"], teams)

    def _folder(self, uid: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._api.get(f"folders/{quoted(uid)}")
        except Missing:
            return None
        return found

    def _permissions(
        self, uid: str, title: str, declared: Sequence[Mapping[str, Any]], teams: Mapping[str, int]
    ) -> None:
        wanted = {self._holder(entry, title, teams): PERMISSIONS[str(entry["permission"])] for entry in declared}
        listed = self._api.get(f"folders/{quoted(uid)}/permissions")
        present = {
            _holder_of(item): int(item["permission"])
            for item in listed
            if not item.get("inherited") and _holder_of(item) is not None
        }
        if present == wanted:
            return
        self._did(f"set who may see and change the folder {title}")
        if self._check_mode:
            return
        items = [{kind: value, "permission": level} for (kind, value), level in wanted.items()]
        self._api.post(f"folders/{quoted(uid)}/permissions", {"items": items})

    def _holder(self, entry: Mapping[str, Any], title: str, teams: Mapping[str, int]) -> tuple[str, Any]:
        where = f"grafana_folders: a permission of {title}"
        if entry.get("team"):
            name = str(entry["team"])
            if name not in teams and not self._check_mode:
                raise Refused(
                    f"{where} names the team {name}, which does not exist.", hint="Add it to grafana_teams, or correct it."
                )
            return "teamId", teams.get(name, name)
        if entry.get("user"):
            return "userId", self._user_id(str(entry["user"]), where)
        return "role", str(entry["role"])

    def _remove_folders(self, declared: Sequence[Mapping[str, Any]]) -> None:
        kept = {str(folder["uid"]) for folder in declared}
        for uid in self._former.folders:
            found = self._folder(uid) if uid not in kept else None
            if found is None:
                continue
            counts = self._api.get(f"folders/{quoted(uid)}/counts")
            inside = {kind: number for kind, number in counts.items() if number}
            if inside:  # Grafana would remove what people have put there with the folder
                held = ", ".join(f"{number} {kind}" for kind, number in sorted(inside.items()))
                self._result.notes.append(f"The folder {found['title']} is named no more but holds {held}; it stays.")
                self._result.record.folders.append(uid)
                continue
            self._did(f"remove the folder {found['title']}")
            if not self._check_mode:
                self._api.delete(f"folders/{quoted(uid)}")

    def _did(self, action: str) -> None:
        self._result.actions.append(action)


def _name_teams(folders: Sequence[Mapping[str, Any]]) -> bool:
    return any(entry.get("team") for folder in folders for entry in folder.get("permissions") or [])


def _holder_of(item: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return who a permission is for; None for what Grafana gives to the server's administrators by itself."""
    if item.get("teamId"):
        return "teamId", int(item["teamId"])
    if item.get("userId"):
        return "userId", int(item["userId"])
    return ("role", str(item["role"])) if item.get("role") else None
