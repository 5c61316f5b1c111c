"""grafana.ini, data sources, dashboards and plugins from typed data, read back by other code than wrote them."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.release import fill
from ansible_collections.promontory.stack.plugins.plugin_utils.config_files import ConfigFileError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana import (
    dashboards,
    data_sources,
    database,
    ini,
    plugins,
)
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.errors import GrafanaError
from ansible_collections.promontory.stack.plugins.plugin_utils.grafana.producers import Producers

SUM = "0" * 64
LINKS: list[dict[str, Any]] = [
    {"component": "prometheus", "host": "mon1", "url": "http://127.0.0.1:9090", "tls": None, "auth": None},
    {
        "component": "prometheus", "host": "mon.2", "url": "https://10.0.0.2:9090",
        "tls": {"server_name": "mon2", "ca_file": "/etc/ca.pem"},
        "auth": {"username": "gra$fana", "password_file": "/etc/pw"},
    },
    {"component": "alertmanager", "host": "mon1", "url": "http://127.0.0.1:9093", "tls": None, "auth": None},
]  # fmt: skip
SETTINGS = {"scrape_interval": "15s", "exemplar_destinations": [{"name": "trace_id", "url": "http://t/${__value.raw}"}]}
TYPES = {"prometheus": "prometheus", "alertmanager": "alertmanager"}


# -- grafana.ini -----------------------------------------------------------------------------------------


def test_values_of_every_kind_are_read_back_as_they_were_meant() -> None:
    text = ini.render(
        {
            "server": {"http_port": 3000, "enable_gzip": True, "root_url": "http://h/grafana/", "none": None},
            "empty": {"gone": None},
            "log": {"filters": ["a:debug", "b:info"]},
            "smtp": {"password": "a;b#c\\d", "from_name": " Grafana "},
        }
    )

    parser = configparser.RawConfigParser()
    parser.read_string(text)
    assert dict(parser["server"]) == {"http_port": "3000", "enable_gzip": "true", "root_url": "http://h/grafana/"}
    assert parser["log"]["filters"] == "a:debug b:info"
    assert parser["smtp"]["password"] == "`a;b#c\\d`"
    assert parser["smtp"]["from_name"] == "` Grafana `"
    assert not parser.has_section("empty")


def test_the_users_keys_win_and_a_null_takes_one_away() -> None:
    ours = {"server": {"http_port": 3000, "domain": "h"}, "log": {"level": "info"}}

    merged = ini.merged(ours, {"server": {"domain": None, "read_timeout": "10s"}, "users": {"default_theme": "light"}})

    text = ini.render(merged)
    assert "domain" not in text
    assert "read_timeout = 10s" in text
    assert "default_theme = light" in text
    assert ours["server"]["domain"] == "h"


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        pytest.param({"server": "x"}, r"grafana_config\.server is 'x'", id="section is no mapping"),
        pytest.param({"a]b": {"k": 1}}, "section of grafana.ini", id="section name"),
        pytest.param({"server": {"a=b": 1}}, r"grafana_config\.server\.a=b", id="key"),
        pytest.param({"server": {"k": {"a": 1}}}, r"grafana_config\.server\.k is", id="mapping as value"),
        pytest.param({"server": {"k": "a\n[x]"}}, "line end", id="line end"),
        pytest.param({"server": {"k": "a`b"}}, "backquotes", id="backquote"),
    ],
)
def test_what_cannot_stand_in_the_file_is_refused_by_name(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(GrafanaError, match=said):
        ini.render(ini.merged({}, sections))


# -- data sources ----------------------------------------------------------------------------------------


def test_the_topologys_data_sources_have_fixed_uids_and_what_their_links_carry() -> None:
    made = data_sources.build(LINKS, [], SETTINGS)

    first, second, alertmanager = made.file["datasources"]
    assert made.uids == {"prometheus": "prometheus", "prometheus-mon-2": "prometheus", "alertmanager": "alertmanager"}
    assert (first["isDefault"], second["isDefault"]) == (True, False)
    assert first["jsonData"]["timeInterval"] == "15s"
    assert first["jsonData"]["alertmanagerUid"] == "alertmanager"
    assert first["jsonData"]["exemplarTraceIdDestinations"] == [{"name": "trace_id", "url": "http://t/$${__value.raw}"}]
    assert second["jsonData"]["serverName"] == "mon2"
    assert second["jsonData"]["tlsAuthWithCACert"]
    assert second["secureJsonData"] == {"tlsCACert": "$__file{/etc/ca.pem}", "basicAuthPassword": "$__file{/etc/pw}"}
    assert second["basicAuthUser"] == "gra$$fana", "a dollar sign begins a variable in provisioning files"
    assert alertmanager["jsonData"]["implementation"] == "prometheus"
    assert made.file["prune"] is True
    assert made.secrets == {}


def test_a_password_becomes_a_file_that_the_entry_names() -> None:
    own = [{"uid": "far", "name": "Far", "type": "loki", "url": "http://l", "basic_auth": {"username": "u", "password": "p$w"}}]

    made = data_sources.build(LINKS, own, SETTINGS)

    entry = made.file["datasources"][-1]
    assert made.secrets == {"data_source_far_basicAuthPassword": "p$w"}
    named = fill(entry["secureJsonData"]["basicAuthPassword"], {"config": "/c"})
    assert named == "$__file{/c/secrets/data_source_far_basicAuthPassword}"
    assert "p$w" not in json.dumps(made.file)


def test_an_entry_with_a_derived_uid_is_merged_over_it() -> None:
    own = [{"uid": "prometheus", "url": "http://mimir/prometheus", "json_data": {"prometheusType": "Mimir"}}]

    first = data_sources.build(LINKS, own, SETTINGS).file["datasources"][0]

    assert (first["name"], first["url"]) == ("Prometheus", "http://mimir/prometheus")
    assert first["jsonData"]["prometheusType"] == "Mimir"
    assert first["jsonData"]["timeInterval"] == "15s"


def test_the_users_default_replaces_the_derived_one() -> None:
    own = [{"uid": "far", "name": "Far", "type": "prometheus", "url": "http://x", "default": True}]

    marked = [of["uid"] for of in data_sources.build(LINKS, own, SETTINGS).file["datasources"] if of.get("isDefault")]

    assert marked == ["far"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        pytest.param([{"uid": "a b", "name": "A", "type": "loki"}], r"grafana_data_sources\[0\]\.uid", id="uid"),
        pytest.param([{"uid": "a", "type": "loki"}], "has no name", id="no name"),
        pytest.param([{"uid": "a", "name": "A"}], "has no type", id="no type"),
        pytest.param([{"uid": "a", "name": "A", "type": "t", "ulr": "x"}], r"\.ulr is unknown", id="unknown key"),
        pytest.param([{"uid": "a", "name": "Prometheus", "type": "loki"}], "the name 'Prometheus'", id="name twice"),
        pytest.param([{"uid": "a", "name": "A", "type": "t"}] * 2, "names the uid a twice", id="uid twice"),
        pytest.param(
            [{"uid": "a", "name": "A", "type": "t", "basic_auth": {"username": "u"}}], "basic_auth needs", id="half a sign-in"
        ),
    ],
)
def test_a_wrong_data_source_is_refused_by_name(own: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(GrafanaError, match=said):
        data_sources.build(LINKS, own, SETTINGS)


# -- dashboards ------------------------------------------------------------------------------------------

FOLDERS = [{"uid": "shop", "title": "Shop $1"}]


def write(directory: Path, name: str, **changes: Any) -> Path:
    """Write a small dashboard."""
    panel = {
        "id": 1, "title": "Up", "type": "timeseries", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "targets": [{"refId": "A", "expr": 'up{job=~"$job"}[$__rate_interval] {{release}}'}],
    }  # fmt: skip
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        {"name": "job", "type": "query", "query": {"query": "label_values(up, job)"}, "includeAll": True},
    ]
    document = {"uid": name, "title": name.title(), "panels": [panel], "templating": {"list": variables}, "id": 7} | changes
    path = directory / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def build(directory: Path, **options: Any) -> dashboards.Dashboards:
    """Build what lies in a directory, into one folder."""
    groups = [{"folder": "shop", "files": [str(directory / "*.json")]}]
    return dashboards.build(groups, FOLDERS, TYPES, **options)


def test_a_dashboard_gets_its_place_a_provider_and_an_expectation(tmp_path: Path) -> None:
    write(tmp_path, "orders")

    made = build(tmp_path)

    assert sorted(made.tree) == ["dashboards/shop/orders.json", "provisioning/dashboards/promontory.yml"]
    [provider] = made.tree["provisioning/dashboards/promontory.yml"]["yaml"]["providers"]
    assert provider["folderUid"] == "shop"
    assert provider["folder"] == "Shop $$1"
    assert provider["options"]["path"] == "{config}/dashboards/shop"
    [expected] = made.expected
    assert (expected["uid"], expected["title"], expected["folder"]) == ("orders", "Orders", "shop")
    [panel] = expected["panels"]
    assert panel["queries"][0]["expr"] == 'up{job=~".+"}[$__rate_interval] {{release}}'
    assert panel["queries"][0]["datasource"]["uid"] == "prometheus"


def test_no_placeholder_of_the_component_is_left_in_a_dashboard(tmp_path: Path) -> None:
    """A legend {{release}} must not become the path of a release."""
    write(tmp_path, "orders")

    text = build(tmp_path).tree["dashboards/shop/orders.json"]["content"]
    placed = fill(text, {"release": "/opt/x", "config": "/etc/x", "data": "/var/x"})

    assert "/opt/x" not in placed
    assert json.loads(placed)["panels"][0]["targets"][0]["expr"].endswith("{{release}}")


def test_grafanas_counters_do_not_count_in_the_digest(tmp_path: Path) -> None:
    write(tmp_path, "orders")
    [expected] = build(tmp_path).expected
    text = build(tmp_path).tree["dashboards/shop/orders.json"]["content"]

    answered = json.loads(text) | {"id": 42, "version": 3}

    assert dashboards.digest(answered) == expected["digest"]
    assert dashboards.digest(answered | {"title": "Other"}) != expected["digest"]


def test_what_is_about_programs_the_stack_lacks_is_left_out_or_may_be_empty(tmp_path: Path) -> None:
    producers = Producers({"up": frozenset({"a"}), "pg_up": frozenset({"postgres_exporter"})}, frozenset({"a"}))
    about = [{"name": "environment", "type": "query", "query": "label_values(pg_up, environment)"}]
    write(tmp_path, "database", templating={"list": about})
    other = {"id": 2, "title": "Base", "targets": [{"refId": "A", "expr": 'pg_up{job="up"}'}]}
    known = {"id": 3, "title": "Both", "targets": [{"refId": "A", "expr": "pg_up or up"}]}
    recorded = {"id": 4, "title": "Rule", "targets": [{"refId": "A", "expr": "pg_up + job:x:rate5m"}]}
    write(tmp_path, "orders", panels=[other, known, recorded])

    made = build(tmp_path, producers=producers)

    assert [expected["uid"] for expected in made.expected] == ["orders"]
    assert [panel["may_be_empty"] for panel in made.expected[0]["panels"]] == [True, False, False]


def test_rows_hidden_queries_and_authors_words_are_seen(tmp_path: Path) -> None:
    quiet = {"id": 2, "title": "Quiet", "fieldConfig": {"defaults": {"noValue": "none, as it should be"}},
             "targets": [{"refId": "A", "expr": "up"}, {"refId": "B", "expr": "x", "hide": True}]}  # fmt: skip
    text = {"id": 3, "title": "Words", "type": "text"}
    write(tmp_path, "orders", panels=[{"type": "row", "id": 9, "panels": [quiet, text]}])

    [panel] = build(tmp_path).expected[0]["panels"]

    assert (panel["panel"], panel["may_be_empty"], len(panel["queries"])) == ("Quiet", True, 1)


def _twins(directory: Path) -> None:
    write(directory, "orders")
    (directory / "again.json").write_text((directory / "orders.json").read_text())


def _foreign(directory: Path) -> None:
    write(directory, "orders", panels=[{"id": 1, "datasource": {"uid": "loki-1", "type": "loki"}, "targets": []}])


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        pytest.param(lambda path: (path / "a.json").write_text("{"), "a.json is no JSON", id="no JSON"),
        pytest.param(lambda path: (path / "a.json").write_text("[]"), "a.json is no dashboard", id="no dashboard"),
        pytest.param(lambda path: write(path, "orders", uid="a b"), "has the uid 'a b'", id="uid"),
        pytest.param(lambda path: write(path, "orders", title=""), "has no title", id="no title"),
        pytest.param(_twins, "have the same uid 'orders'", id="uid twice"),
        pytest.param(_foreign, "asks the data source 'loki-1', which nobody provisions", id="unknown data source"),
    ],
)
def test_a_wrong_dashboard_is_refused_with_its_file(tmp_path: Path, prepare: Any, said: str) -> None:
    prepare(tmp_path)

    with pytest.raises(GrafanaError, match=said):
        build(tmp_path)


def test_a_folder_or_pattern_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "orders")
    with pytest.raises(GrafanaError, match=r"grafana_dashboards\[0\]\.folder is 'sohp'.*Known: shop"):
        dashboards.build([{"folder": "sohp", "files": [str(tmp_path / "*.json")]}], FOLDERS, TYPES)
    with pytest.raises(ConfigFileError, match="matches no file"):
        dashboards.build([{"folder": "shop", "files": [str(tmp_path / "*.jsn")]}], FOLDERS, TYPES)
    with pytest.raises(GrafanaError, match="is there already"):
        dashboards.build([], [*FOLDERS, {"uid": "other", "title": "Shop $1"}], TYPES)


# -- the database ----------------------------------------------------------------------------------------


def test_sqlite_is_a_file_that_is_copied() -> None:
    made = database.describe({"type": "sqlite3"}, backup=True, keep=5)

    assert made.ini["path"] == "{data}/grafana.db"
    assert made.backup == {"files": ["{data}/grafana.db"], "keep": 5}
    assert made.secrets == {}
    assert database.describe({"type": "sqlite3"}, backup=False, keep=5).backup == {}


def test_postgresqls_password_is_in_files_that_its_programs_can_read() -> None:
    told = {"type": "postgres", "host": "[fd00::1]:6432", "password": "p:a\\s\"x", "ssl_mode": "verify-full"}

    made = database.describe(told, backup=True, keep=3)

    assert made.ini["password"] == "$__file{{config}/secrets/database_password}"
    assert made.secrets == {"database_password": "p:a\\s\"x", "pgpass": "*:*:*:*:p\\:a\\\\s\"x\n"}
    assert "--host=fd00::1" in made.backup["command"]
    assert "--port=6432" in made.backup["command"]
    assert made.backup["environment"]["PGPASSFILE"] == "{config}/secrets/pgpass"
    assert "p:a" not in str(made.backup)


def test_mysqls_password_is_in_an_option_file() -> None:
    made = database.describe({"type": "mysql", "host": "db1", "password": 'p"a\\b'}, backup=True, keep=3)

    assert made.secrets["my.cnf"] == '[client]\npassword="p\\"a\\\\b"\n'
    assert "--port=3306" in made.backup["command"]
    assert "my.cnf" not in database.describe({"type": "mysql", "host": "db1"}, backup=False, keep=3).secrets


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param({"type": "sqlite"}, "must be one of sqlite3, postgres, mysql", id="type"),
        pytest.param({"type": "postgres"}, "has no host. .* such as db1:5432", id="no host"),
    ],
)
def test_a_database_that_cannot_be_is_refused(told: dict[str, Any], said: str) -> None:
    with pytest.raises(GrafanaError, match=said):
        database.describe(told, backup=True, keep=3)


# -- plugins ---------------------------------------------------------------------------------------------

CLOCK = {"id": "grafana-clock-panel", "version": "2.1.8", "sha256": SUM}


def test_a_set_is_named_after_what_is_in_it_whatever_the_order() -> None:
    other = {"id": "acme-hello-panel", "version": "1.0.0", "sha256": {"amd64": SUM, "arm64": "1" * 64}}

    assert plugins.set_name([CLOCK, other]) == plugins.set_name([other, CLOCK])
    assert plugins.set_name([CLOCK]) != plugins.set_name([{**CLOCK, "version": "2.1.9"}])
    described = plugins.describe(0, other, architecture="arm64")
    assert (described.name, described.sha256) == ("acme-hello-panel-1.0.0.linux-arm64.zip", "1" * 64)
    assert "acme-hello-panel/versions/1.0.0/download" in described.url
    assert "arch=arm64" in described.url


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"version": "latest"}, "must be an exact version", id="not pinned"),
        pytest.param({"sha256": ""}, "must be the SHA-256", id="no sum"),
        pytest.param({"sha256": {"amd64": "x"}}, "amd64", id="wrong sum"),
        pytest.param({"id": "../x"}, "a plugin's id is like", id="id"),
        pytest.param({"nmae": "x"}, "nmae is unknown", id="key"),
    ],
)
def test_a_plugin_that_is_not_pinned_is_refused(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(GrafanaError, match=said):
        plugins.set_name([{**CLOCK, **change}])
    with pytest.raises(GrafanaError, match="twice"):
        plugins.set_name([CLOCK, CLOCK])
