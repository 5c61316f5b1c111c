"""A tiny web program made to misbehave on request, packed as its publisher would pack it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.host.target import Target

PORT = 8199

PROGRAM = '''
"""beacon serve CONFIG | beacon check CONFIG | beacon --version | beacon --help"""
import http.server, json, os, signal, sys, threading, time

VERSION = "@VERSION@"
HELP = "beacon: --color COLOR, --[no-]loud  @MORE@"
MODES = ("normal", "dies", "never-ready")
state = {"success": 1, "at": time.time()}

def read(path):
    with open(path) as handle:
        config = json.loads(handle.read())
    if config["mode"] not in MODES:
        raise ValueError("mode %r is none of %s" % (config["mode"], ", ".join(MODES)))
    return config

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code, body = 200, "yes"
        if self.path == "/ready" and config["mode"] == "never-ready":
            code, body = 503, "starting"
        elif self.path == "/version":
            body = json.dumps({"version": VERSION})
        elif self.path == "/metrics":
            body = "beacon_reload_successful %d\\nbeacon_reload_seconds %r\\n" % (state["success"], state["at"])
        elif self.path == "/all":
            body = json.dumps({"version": VERSION, "flags": sys.argv[3:], "text": config["text"], "token": token})
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass

def reload(*_):
    global config
    try:
        config = read(path)
        state.update(success=1, at=time.time())
    except Exception:
        state["success"] = 0

if sys.argv[1] == "--version":
    print("beacon, version " + VERSION)
elif sys.argv[1] == "--help":
    print(HELP)
elif sys.argv[1] == "check":
    try:
        read(sys.argv[2])
    except Exception as error:
        sys.exit("%s: %s" % (sys.argv[2], error))
else:
    path = sys.argv[2]
    config = read(path)
    with open(os.path.join(os.path.dirname(path), "secrets", "token")) as handle:
        token = handle.read()
    signal.signal(signal.SIGHUP, reload)
    if config["mode"] == "dies":
        threading.Timer(1.0, lambda: (print("beacon: it is all over", flush=True), os._exit(3))).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", @PORT@), Handler).serve_forever()
'''

# Asked on the host: what answers, once it does or cannot, and what lies behind the link and where it leads.
LOOK = f"""
import json, os, pathlib, time, urllib.request
seen, deadline, down = {{"answers": None, "disk": None}}, time.monotonic() + 15, 0
while True:
    seen["active"] = os.popen("systemctl is-active beacon").read().strip()
    # A restart under way is inactive for a moment too; only a service that stays so is down.
    down = down + 1 if seen["active"] in ("inactive", "unknown") else 0
    try:
        with urllib.request.urlopen("http://127.0.0.1:{PORT}/all", timeout=5) as answer:
            seen["answers"] = json.load(answer)
    except OSError:
        pass
    if seen["answers"] or down > 20 or time.monotonic() > deadline:
        break
    time.sleep(0.05)
current = pathlib.Path("/etc/beacon/current")
if current.is_symlink():
    unit = (current / "beacon.service").read_text()
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).split()
    seen["disk"] = {{
        "version": os.path.basename(os.readlink(current / "release")),
        "text": json.loads((current / "config/beacon.json").read_text())["text"],
        "flags": command[4:],
        "token": (current / "config/secrets/token").read_text(),
        "started_from": command[1],
    }}
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Beacon:
    """One declared set of the program.

    Attributes:
        version: Of the program.
        mode: ``normal``, ``dies``, ``never-ready``, or something its own check refuses.
        text: What it answers; part of its configuration.
        flags: Its flags.
        token: A secret it answers too, so that a test sees which one it has.
        ballast_kb: Size of a file of zeros in the release: packs to nothing, unpacks to that.
        readback: Differences from the usual limits.
    """

    version: str = "1.0.0"
    mode: str = "normal"
    text: str = "one"
    flags: dict[str, Any] = field(default_factory=dict)
    token: str = "hunter2"
    ballast_kb: int = 0
    readback: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> Beacon:
        """The same with some differences."""
        return replace(self, **changes)

    def arguments(self, target: Target) -> dict[str, Any]:
        """The component task's arguments; the archive lies in the target's artifact cache."""
        self._pack(target.cache)
        return {
            "name": "beacon",
            "release": {
                "version": self.version,
                "install_from": "archive",
                "archive": {"url": "https://github.com/beacon/beacon/releases/v{version}/" + self._archive},
                "version_command": ["python3", "{release}/beacon.py", "--version"],
                "allow_downgrade": True,
            },
            "config": {"beacon.json": {"content": json.dumps({"mode": self.mode, "text": self.text})}},
            "secrets": {"token": self.token},
            "flags": self.flags,
            "flags_help": ["python3", "{release}/beacon.py", "--help"],
            "exec": ["/usr/bin/python3", "{release}/beacon.py", "serve", "{config}/beacon.json", "{flags}"],
            "unit": {"description": "Beacon", "stop_timeout_s": 5},
            "reload": {"paths": ["beacon.json"], "signal": "HUP"},
            "checks": [["python3", "{release}/beacon.py", "check", "{config}/beacon.json"]],
            "readback": {
                "ready": {"url": f"http://127.0.0.1:{PORT}/ready"},
                "version": {"url": f"http://127.0.0.1:{PORT}/version", "json": "version"},
                "reload": {
                    "url": f"http://127.0.0.1:{PORT}/metrics",
                    "success": "beacon_reload_successful",
                    "at": "beacon_reload_seconds",
                },
                "timeout_s": 20,
                "settle_s": 0.2,
                **self.readback,
            },
        }

    @property
    def seen(self) -> dict[str, Any]:
        """What the running program answers when exactly this set serves."""
        flags = [f"--{name}={value}" for name, value in self.flags.items()]
        return {"version": self.version, "text": self.text, "flags": flags, "token": self.token}

    @property
    def _archive(self) -> str:
        return f"beacon-{self.version}-{self.ballast_kb}.tar.gz"

    def _pack(self, cache: Path) -> None:
        path = cache / self._archive
        if path.exists():
            return
        cache.mkdir(parents=True, exist_ok=True)
        text = PROGRAM.replace("@VERSION@", self.version).replace("@PORT@", str(PORT)).replace("@MORE@", "")
        with tarfile.open(path, "w:gz") as tar:
            for name, content in {"beacon.py": text.encode(), "ballast": bytes(self.ballast_kb * 1024)}.items():
                member = tarfile.TarInfo(f"beacon-{self.version}/{name}")
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        with (cache / "sha256sums.txt").open("a") as sums:
            sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


def look(target: Target) -> dict[str, Any]:
    """See what answers and what lies on the disk."""
    seen: dict[str, Any] = json.loads(target.python(LOOK))
    return seen


def serves(target: Target, wanted: Beacon) -> bool:
    """Tell whether exactly this set answers and lies whole on the disk."""
    return is_served(look(target), wanted)


def is_served(seen: dict[str, Any], wanted: Beacon) -> bool:
    """Tell whether what was seen is exactly this set, answering and whole on the disk."""
    return bool(seen["answers"] == wanted.seen and _disk_is(seen["disk"], wanted))


def is_whole(seen: dict[str, Any], *sets: Beacon) -> bool:
    """Tell whether one whole set answers and one whole set lies on the disk."""
    return any(seen["answers"] == one.seen for one in sets) and any(_disk_is(seen["disk"], one) for one in sets)


def _disk_is(disk: dict[str, Any] | None, wanted: Beacon) -> bool:
    return disk == {**wanted.seen, "started_from": f"/opt/beacon/{wanted.version}/beacon.py"}
