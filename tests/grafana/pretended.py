"""A Grafana that is pretended: it answers as the real one does to what the collection asks, and keeps what it is told.

The same tests run against a real server where its archive lies in the artifact cache, so that the two cannot part.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BAD_PASSWORD = {"message": "Invalid username or password", "messageId": "password-auth.failed", "statusCode": 401}


@dataclass
class Answer:
    """A status and a JSON body."""

    body: Any
    status: int = 200


@dataclass
class Pretended:
    """The state of the server.

    Attributes:
        password: Of the user ``admin``.
        users: ``{login: id}``.
        asked: ``METHOD path`` of each request, queries left out.
        extra: Answers of paths that a test sets, by ``METHOD path``.
    """

    password: str = "hunter2"
    users: dict[str, int] = field(default_factory=lambda: {"admin": 1})
    teams: dict[int, dict[str, Any]] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    permissions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[int, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    extra: dict[str, Callable[[Any], Answer]] = field(default_factory=dict)
    url: str = ""
    _last_id: int = 10

    def new_id(self) -> int:
        """Give the next number."""
        self._last_id += 1
        return self._last_id

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """Answer a request that was let in."""
        if f"{method} {path}" in self.extra:
            return self.extra[f"{method} {path}"](body)
        for pattern, verb, handle in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return handle(self, query, body, *found.groups())
        return Answer({"message": "Not found"}, 404)


def _lookup(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    name = query["loginOrEmail"]
    if name not in self.users:
        return Answer({"message": "user not found"}, 404)
    return Answer({"id": self.users[name], "login": name})


def _teams(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    return Answer({"teams": list(self.teams.values()), "totalCount": len(self.teams), "page": int(query["page"])})


def _make_team(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    number = self.new_id()
    self.teams[number] = {"id": number, "name": body["name"], "email": body["email"]}
    self.members[number] = {1}  # whoever makes a team is in it
    return Answer({"message": "Team created", "teamId": number})


def _change_team(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    self.teams[int(number)] |= body
    return Answer({"message": "Team updated"})


def _remove_team(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    del self.teams[int(number)]
    return Answer({"message": "Team deleted"})


def _members(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    logins = {user_id: login for login, user_id in self.users.items()}
    return Answer([{"userId": user, "login": logins[user]} for user in sorted(self.members[int(number)])])


def _add_member(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    self.members[int(number)].add(body["userId"])
    return Answer({"message": "Member added to Team"})


def _take_member(self: Pretended, query: dict[str, str], body: Any, number: str, user: str) -> Answer:
    self.members[int(number)].remove(int(user))
    return Answer({"message": "Team Member removed"})


def _folder(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    return Answer(self.folders[uid]) if uid in self.folders else Answer({"message": "folder not found"}, 404)


def _make_folder(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"]}
    self.permissions[body["uid"]] = [{"role": "Viewer", "permission": 1}, {"role": "Editor", "permission": 2}]
    return Answer(self.folders[body["uid"]])


def _rename_folder(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    self.folders[uid]["title"] = body["title"]
    return Answer(self.folders[uid])


def _remove_folder(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    del self.folders[uid]
    return Answer({"message": "Folder deleted"})


def _counts(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    return Answer({"folder": 0, "dashboard": 0} | self.counts.get(uid, {}))


def _permissions(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    blank = {"teamId": 0, "userId": 0, "inherited": False}
    return Answer([blank | item for item in self.permissions[uid]])


def _set_permissions(self: Pretended, query: dict[str, str], body: Any, uid: str) -> Answer:
    self.permissions[uid] = body["items"]
    return Answer({"message": "Folder permissions updated"})


def _accounts(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    return Answer({"serviceAccounts": list(self.accounts.values()), "totalCount": len(self.accounts)})


def _make_account(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    number = self.new_id()
    self.accounts[number] = {"id": number, **body}
    self.tokens[number] = {}
    return Answer(self.accounts[number], 201)


def _change_account(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    self.accounts[int(number)] |= body
    return Answer({"message": "Service account updated"})


def _remove_account(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    del self.accounts[int(number)]
    return Answer({"message": "Service account deleted"})


def _tokens(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    return Answer([{k: v for k, v in token.items() if k != "key"} for token in self.tokens[int(number)].values()])


def _make_token(self: Pretended, query: dict[str, str], body: Any, number: str) -> Answer:
    if any(token["name"] == body["name"] for token in self.tokens[int(number)].values()):
        return Answer({"message": "service account token already exists"}, 409)
    token = {"id": self.new_id(), "name": body["name"], "hasExpired": False}
    token["key"] = f"glsa_{token['id']}"
    self.tokens[int(number)][token["id"]] = token
    return Answer(token)


def _remove_token(self: Pretended, query: dict[str, str], body: Any, number: str, token: str) -> Answer:
    del self.tokens[int(number)][int(token)]
    return Answer({"message": "Service account token deleted"})


def _me(self: Pretended, query: dict[str, str], body: Any) -> Answer:
    return Answer({"id": 1, "login": "admin"})


_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    (r"/api/(?:user|org)", "GET", _me),
    (r"/api/users/lookup", "GET", _lookup),
    (r"/api/teams/search", "GET", _teams),
    (r"/api/teams", "POST", _make_team),
    (r"/api/teams/(\d+)", "PUT", _change_team),
    (r"/api/teams/(\d+)", "DELETE", _remove_team),
    (r"/api/teams/(\d+)/members", "GET", _members),
    (r"/api/teams/(\d+)/members", "POST", _add_member),
    (r"/api/teams/(\d+)/members/(\d+)", "DELETE", _take_member),
    (r"/api/folders", "POST", _make_folder),
    (r"/api/folders/([\w-]+)", "GET", _folder),
    (r"/api/folders/([\w-]+)", "PUT", _rename_folder),
    (r"/api/folders/([\w-]+)", "DELETE", _remove_folder),
    (r"/api/folders/([\w-]+)/counts", "GET", _counts),
    (r"/api/folders/([\w-]+)/permissions", "GET", _permissions),
    (r"/api/folders/([\w-]+)/permissions", "POST", _set_permissions),
    (r"/api/serviceaccounts/search", "GET", _accounts),
    (r"/api/serviceaccounts", "POST", _make_account),
    (r"/api/serviceaccounts/(\d+)", "PATCH", _change_account),
    (r"/api/serviceaccounts/(\d+)", "DELETE", _remove_account),
    (r"/api/serviceaccounts/(\d+)/tokens", "GET", _tokens),
    (r"/api/serviceaccounts/(\d+)/tokens", "POST", _make_token),
    (r"/api/serviceaccounts/(\d+)/tokens/(\d+)", "DELETE", _remove_token),
)


@contextmanager
def serving(state: Pretended) -> Iterator[Pretended]:
    """Serve it on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            state.asked.append(f"{self.command} {parts.path}")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            answer = (
                state.answer(self.command, parts.path, query, body)
                if self._is_let_in()
                else Answer(_BAD_PASSWORD, 401)
            )
            text = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's own names

        def _is_let_in(self) -> bool:
            given = self.headers.get("Authorization", "")
            keys = {f"Bearer {token['key']}" for of in state.tokens.values() for token in of.values()}
            return given in keys | {"Basic " + base64.b64encode(f"admin:{state.password}".encode()).decode()}

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            state.url = f"http://127.0.0.1:{server.server_port}"
            yield state
        finally:
            server.shutdown()
            thread.join()
