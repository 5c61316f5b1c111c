"""The role's own files in a real Grafana: provisioned, reloaded without a restart, and proven."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils import ini_keys
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api
from ansible_collections.promontory.stack.plugins.module_utils.proof import grafana as proof
from ansible_collections.promontory.stack.plugins.module_utils.proof.finding import Finding, prove
from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback
from ansible_collections.promontory.stack.plugins.module_utils.release import fill
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import dashboards, data_sources, database

from tests.grafana import real
from tests.grafana.test_files import write

ROOT = Path(__file__).parents[2]
FOLDERS = [{"uid": "shop", "title": "Shop & sons $x"}]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[str]:
    """Something that answers as Prometheus and Alertmanager do to what Grafana asks here."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            now = time.time()
            series = {"metric": {"job": "a"}, "values": [[now - 15, "1"], [now, "1"]], "value": [now, "1"]}
            kind = "matrix" if "query_range" in self.path else "vector"
            result: Any = {"resultType": kind, "result": [series]}
            if "buildinfo" in self.path:
                result = {"version": "3.5.0"}
            body = {"cluster": {"status": "ready"}} if "/api/v2/" in self.path else {"status": "success", "data": result}
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


class Site:
    """Deploys what the role would, below a real server's configuration tree."""

    def __init__(self, server: real.Server, prometheus: str, sources: Path) -> None:
        self.server, self.prometheus, self.sources = server, prometheus, sources
        (sources / "password").write_text(real.PASSWORD)
        self.http = {"username": "admin", "password_file": str(sources / "password")}
        self.api = Api(server.url, Readback(**self.http))

    def deploy(self, own: list[dict[str, Any]] | None = None) -> None:
        """Write the tree anew and have Grafana read it."""
        links = [
            {"component": name, "host": "h", "url": self.prometheus, "tls": None, "auth": None}
            for name in ("prometheus", "alertmanager")
        ]
        made = data_sources.build(links, own or [], {"scrape_interval": "15s"})
        groups = [{"folder": "shop", "files": [str(self.sources / "*.json")]}]
        boards = dashboards.build(groups, FOLDERS, made.uids)
        tree = boards.tree | {"provisioning/datasources/promontory.yml": {"yaml": made.file}}
        tree |= {f"secrets/{name}": {"content": text} for name, text in made.secrets.items()}
        for old in self.server.config.glob("dashboards/**/*.json"):
            old.unlink()
        for path, entry in tree.items():
            file = self.server.config / path
            file.parent.mkdir(parents=True, exist_ok=True)
            text = entry["content"] if "content" in entry else yaml.safe_dump(entry["yaml"])
            file.write_text(fill(text, {"config": str(self.server.config)}))
        told = {"version": "", "data_sources": made.uids, "dashboards": boards.expected}
        (self.sources / "expectations").write_text(json.dumps(told))
        for kind in ("datasources", "dashboards"):
            self.api.post(f"admin/provisioning/{kind}/reload", None)

    def proven(self) -> dict[str, Finding]:
        """Ask as verify does; findings by name."""
        asked = {"url": self.server.url, "http": self.http, "expectations": str(self.sources / "expectations")}
        return {finding.name: finding for finding in prove(proof.of_grafana(asked), timeout_s=10)}


@pytest.fixture
def site(server: real.Server, prometheus: str, tmp_path: Path) -> Site:
    """A real server with nothing of ours in it yet."""
    return Site(server, prometheus, tmp_path)


def test_what_was_deployed_is_found_as_deployed_and_shows_something(site: Site) -> None:
    write(site.sources, "orders", description="$job costs 5 $ {{release}} {data}", schemaVersion=42, tags=["a"])

    site.deploy()
    found = site.proven()

    assert [finding.detail for finding in found.values() if not finding.ok] == []
    assert found["data sources"].detail == "2 of 2 answer through Grafana"
    assert site.api.get("folders/shop")["title"] == "Shop & sons $x"
    assert site.api.get("dashboards/uid/orders")["dashboard"]["description"] == "$job costs 5 $ {{release}} {data}"


def test_what_is_named_no_more_is_gone_without_a_restart(site: Site) -> None:
    write(site.sources, "orders")
    other = write(site.sources, "other")
    signing = {"username": "a$b", "password": "p$w"}
    far = [{"uid": "far", "name": "Far $ away", "type": "prometheus", "url": site.prometheus, "basic_auth": signing}]
    site.deploy(far)
    assert {source["name"] for source in site.api.get("datasources")} == {"Prometheus", "Alertmanager", "Far $ away"}
    assert site.api.get("datasources/uid/far")["basicAuthUser"] == "a$b"

    other.unlink()
    site.deploy()

    assert {source["uid"] for source in site.api.get("datasources")} == {"prometheus", "alertmanager"}
    assert [board["uid"] for board in site.api.get("search", type="dash-db")] == ["orders"]
    assert site.proven()["dashboards"].ok


def test_a_changed_dashboard_is_a_miss_until_it_is_deployed(site: Site) -> None:
    write(site.sources, "orders")
    site.deploy()
    told = json.loads((site.sources / "expectations").read_text())
    told["dashboards"][0]["digest"] = "0" * 64
    (site.sources / "expectations").write_text(json.dumps(told))

    asked = {"url": site.server.url, "http": site.http, "expectations": str(site.sources / "expectations")}
    [found] = [one for one in prove(proof.of_grafana(asked), timeout_s=0) if one.name == "dashboards"]

    assert "is not the one that was deployed" in found.detail


def test_the_stacks_own_dashboards_come_back_as_they_were_sent(site: Site) -> None:
    """Grafana migrates what is old: ours must be what it would write itself."""
    for source in (ROOT / "dashboards/json").glob("*.json"):
        (site.sources / source.name).write_text(source.read_text())

    site.deploy()

    assert site.proven()["dashboards"].ok


def test_every_key_that_the_role_sets_is_known_to_the_release(release: Path) -> None:
    variables = (ROOT / "roles/grafana/vars/main.yml").read_text()
    sections = yaml.safe_load(variables)["__grafana_ini"]
    keys = {name: list(of) for name, of in sections.items() if isinstance(of, dict)}
    server = database.describe({"type": "postgres", "host": "db1"}, backup=True, keep=3)
    keys["database"] = [*server.ini, *database.describe({"type": "sqlite3"}, backup=True, keep=3).ini]

    ini_keys.require_known("grafana", keys, release / "conf/defaults.ini", [], otherwise="")
    with pytest.raises(ComponentError, match=r"grafana_config\.server\.root_ulr"):
        ini_keys.require_known("grafana", {"server": ["root_ulr"]}, release / "conf/defaults.ini", [], otherwise="")
