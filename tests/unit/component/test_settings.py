"""Settings that not every release knows: ours are left out, the user's are refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate, UnknownSetting, merge


def _gate(settings: dict[str, Any], version: str = "2.53.3", source: str = "archive") -> Gate:
    return Gate(program="prometheus", version=version, source=source, settings=settings)


@pytest.mark.parametrize(
    ("limits", "version", "known"),
    [
        ({"since": "3.0"}, "2.53.3", False),
        ({"since": "3.0"}, "3.0.0", True),
        ({"since": "3.0"}, "3.0", True),
        ({"since": "3.0"}, "3.10.1", True),
        ({"since": "3.9"}, "3.10.0", True),
        ({"since": "3.5.1"}, "3.5.0", False),
        ({"until": "2.53"}, "2.53.9", True),
        ({"until": "2.53"}, "2.54.0", False),
        ({"until": "2.53"}, "3.0.0", False),
        ({"until": "3.0"}, "3.0.4", True),
        ({"until": "3.0"}, "3.0.0", True),
        ({"until": "3.0"}, "3.1.0", False),
        ({"until": "3"}, "3.9.9", True),
        ({"until": "2.53.1"}, "2.53.2", False),
        ({"since": "2.50", "until": "3.2"}, "2.49.9", False),
        ({"since": "2.50", "until": "3.2"}, "3.2.7", True),
        ({"source": "package"}, "3.0.0", False),
        ({"source": "archive", "since": "2.0"}, "3.0.0", True),
        ({"source": "archive", "since": "4.0"}, "3.0.0", False),
        ({}, "0.1", True),
    ],
)
def test_a_flag_is_rendered_only_for_releases_that_know_it(limits: dict[str, str], version: str, known: bool) -> None:
    gate = _gate({"flag:--web.x": limits}, version)

    assert gate.flags({"web.x": 1, "other": 2}, {}) == ({"web.x": 1, "other": 2} if known else {"other": 2})


@pytest.mark.parametrize("limits", [{"since": "3.0"}, {"until": "2.52"}, {"source": "package"}])
def test_a_flag_the_user_set_is_refused_where_it_is_unknown(limits: dict[str, str]) -> None:
    gate = _gate({"flag:--web.x": limits})

    with pytest.raises(UnknownSetting) as refusal:
        gate.flags({}, {"web.x": True})

    name, value = next(iter(limits.items()))
    assert str(refusal.value) == (
        f"prometheus_flags.web.x is not known by prometheus 2.53.3 from its archive (known: {name} {value}). "
        "Remove it or change the version."
    )


def test_the_users_flags_win_and_null_takes_ours_away() -> None:
    flags = _gate({}).flags({"a": 1, "b": 2, "c": 3}, {"b": 20, "c": None, "d": 4})

    assert flags == {"a": 1, "b": 20, "c": None, "d": 4}


@pytest.mark.parametrize("value", ["agent,exemplar-storage,old-ui", ["agent", "exemplar-storage", "old-ui"]])
def test_items_of_a_comma_list_are_left_out_one_by_one(value: Any) -> None:
    settings = {"flag:--enable-feature=agent": {"until": "2.53"}, "flag:--enable-feature=old-ui": {"since": "3.0"}}

    old = _gate(settings, "2.53.3").flags({"enable-feature": value}, {})
    new = _gate(settings, "3.5.0").flags({"enable-feature": value}, {})

    assert old == {"enable-feature": "agent,exemplar-storage"}
    assert new == {"enable-feature": "exemplar-storage,old-ui"}


def test_a_list_with_nothing_left_is_no_flag() -> None:
    settings = {"flag:--enable-feature=old-ui": {"since": "3.0"}}

    assert _gate(settings).flags({"enable-feature": "old-ui"}, {}) == {"enable-feature": None}


@pytest.mark.parametrize("value", ["exemplar-storage,old-ui", ["exemplar-storage", "old-ui"]])
def test_an_item_the_user_set_is_refused_by_name(value: Any) -> None:
    with pytest.raises(UnknownSetting, match=r"prometheus_flags\.enable-feature: old-ui is not known"):
        _gate({"flag:--enable-feature=old-ui": {"since": "3.0"}}).flags({}, {"enable-feature": value})


def test_our_config_is_left_out_and_the_rest_stays() -> None:
    settings = {
        "config:prometheus.yml:global.name_validation": {"since": "3.0"},
        "config:other.yml:global.interval": {"since": "9.0"},
        "config:prometheus.yml:scrape_configs.fallback": {"since": "3.0"},
        "config:prometheus.yml:absent.deep.key": {"since": "3.0"},
    }
    ours = {
        "global": {"interval": "15s", "name_validation": "legacy"},
        "scrape_configs": [{"job": "a", "fallback": "x"}, {"job": "b"}],
    }

    assert _gate(settings).config("prometheus.yml", ours, {}) == {
        "global": {"interval": "15s"},
        "scrape_configs": [{"job": "a"}, {"job": "b"}],
    }
    assert _gate(settings, "3.0.0").config("prometheus.yml", ours, {}) == ours
    assert ours["global"]["name_validation"] == "legacy", "the role's own data was changed"  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("path", "users"),
    [
        ("global.name_validation", {"global": {"name_validation": "utf8"}}),
        ("scrape_configs.fallback", {"scrape_configs": [{"job": "a"}, {"job": "b", "fallback": "x"}]}),
    ],
)
def test_config_the_user_set_is_refused_where_it_is_unknown(path: str, users: dict[str, Any]) -> None:
    with pytest.raises(UnknownSetting, match=f"prometheus_config: {path} is not known by prometheus"):
        _gate({f"config:prometheus.yml:{path}": {"since": "3.0"}}).config("prometheus.yml", {}, users)


def test_free_form_data_is_merged_deeply() -> None:
    base = {"global": {"interval": "15s", "labels": {"a": 1}}, "rule_files": ["a"], "scalar": 1}
    over = {"global": {"labels": {"b": 2}}, "rule_files": ["a", "b"], "scalar": [2], "new": {}}

    assert merge(base, over) == {
        "global": {"interval": "15s", "labels": {"a": 1, "b": 2}},
        "rule_files": ["a", "b"],
        "scalar": [2],
        "new": {},
    }
    assert base["rule_files"] == ["a"]
