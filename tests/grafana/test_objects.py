"""What lives in Grafana's database is brought to what is declared, and only what was made here is taken away."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.grafana.api import Api, Missing, Refused
from ansible_collections.promontory.stack.plugins.module_utils.grafana.objects import Objects, Record, Result

from tests.grafana.pretended import Answer, Pretended

TEAMS = [{"name": "shop", "email": "shop@example.net", "members": ["ada", "bob@example.net"]}, {"name": "ops"}]
FOLDERS = [
    {
        "uid": "shop",
        "title": "Shop",
        "permissions": [{"team": "shop", "permission": "edit"}, {"role": "Viewer", "permission": "view"}],
    }
]
ACCOUNTS = [{"name": "reporter", "role": "Viewer", "tokens": [{"name": "default", "days": 30}]}]


def bring(api: Api, former: Record | None = None, *, check_mode: bool = False, **declared: Any) -> Result:
    """Bring a Grafana to what is declared; nothing where nothing is told."""
    told = {"teams": [], "folders": [], "service_accounts": [], "tokens": {}} | declared
    return Objects(api, former or Record(), check_mode=check_mode).bring(**told)


@pytest.fixture
def clean(api: Api) -> Any:
    """A server that is empty before and after."""

    def empty() -> None:
        record = Record(
            teams=[team["name"] for team in api.all_pages("teams/search", "teams")],
            folders=["shop", "other"],
            service_accounts=[of["name"] for of in api.all_pages("serviceaccounts/search", "serviceAccounts")],
        )
        bring(api, record)

    empty()
    yield api
    empty()


def test_everything_is_made_once_and_found_as_declared_the_second_time(clean: Api) -> None:
    first = bring(clean, teams=TEAMS, folders=FOLDERS, service_accounts=ACCOUNTS)
    tokens = first.tokens
    second = bring(clean, first.record, teams=TEAMS, folders=FOLDERS, service_accounts=ACCOUNTS, tokens=tokens)

    assert first.actions == [
        "make the team shop",
        "add ada to the team shop",
        "add bob@example.net to the team shop",
        "make the team ops",
        "make the folder Shop",
        "set who may see and change the folder Shop",
        "make the service account reporter",
        "make the token default of reporter",
    ]
    assert list(tokens) == ["reporter/default"]
    assert tokens["reporter/default"].startswith("glsa_")
    assert (second.actions, second.tokens, second.record) == ([], {}, first.record)


def test_what_is_named_no_more_goes_and_what_people_made_stays(clean: Api) -> None:
    record = bring(clean, teams=TEAMS, folders=FOLDERS, service_accounts=ACCOUNTS).record
    clean.post("teams", {"name": "by hand", "email": ""})

    gone = bring(clean, record)

    assert gone.actions == [
        "remove the service account reporter",
        "remove the folder Shop",
        "remove the team shop",
        "remove the team ops",
    ]
    assert [team["name"] for team in clean.all_pages("teams/search", "teams")] == ["by hand"]
    with pytest.raises(Missing):
        clean.get("folders/shop")
    assert bring(clean, gone.record).actions == []


def test_what_people_changed_is_set_back(clean: Api) -> None:
    made = bring(clean, teams=TEAMS, folders=FOLDERS)
    ids = {team["name"]: team["id"] for team in clean.all_pages("teams/search", "teams")}
    clean.put("folders/shop", {"title": "Mine", "overwrite": True})
    clean.post("folders/shop/permissions", {"items": [{"role": "Viewer", "permission": 4}]})
    clean.put(f"teams/{ids['ops']}", {"name": "ops", "email": "new@example.net"})
    clean.post(f"teams/{ids['ops']}/members", {"userId": clean.get("users/lookup", loginOrEmail="ada")["id"]})

    back = bring(clean, made.record, teams=TEAMS, folders=FOLDERS)

    assert back.actions == [
        "change the address of the team ops",
        "take ada out of the team ops",
        "rename the folder Mine to Shop",
        "set who may see and change the folder Shop",
    ]
    assert bring(clean, back.record, teams=TEAMS, folders=FOLDERS).actions == []


def test_a_folder_without_permissions_keeps_those_it_has(clean: Api) -> None:
    plain = [{"uid": "shop", "title": "Shop"}]
    bring(clean, folders=plain)
    clean.post("folders/shop/permissions", {"items": [{"role": "Viewer", "permission": 4}]})

    assert bring(clean, folders=plain).actions == []
    assert [item["permission"] for item in clean.get("folders/shop/permissions") if item.get("role") == "Viewer"] == [4]


def test_an_empty_list_of_permissions_leaves_the_folder_to_administrators(clean: Api) -> None:
    bring(clean, folders=[{"uid": "shop", "title": "Shop", "permissions": []}])

    assert not [item for item in clean.get("folders/shop/permissions") if item.get("role") in ("Viewer", "Editor")]
    assert bring(clean, folders=[{"uid": "shop", "title": "Shop", "permissions": []}]).actions == []


def test_a_token_whose_value_is_lost_is_made_anew(clean: Api) -> None:
    record = bring(clean, service_accounts=ACCOUNTS).record

    again = bring(clean, record, service_accounts=ACCOUNTS, tokens={"reporter/default": ""})
    wrong = bring(clean, record, service_accounts=ACCOUNTS, tokens={"reporter/default": "glsa_wrong"})

    assert again.actions == wrong.actions == ["make the token default of reporter anew"]
    assert bring(clean, record, service_accounts=ACCOUNTS, tokens=wrong.tokens).actions == []


def test_another_role_and_a_token_less_change_only_those(clean: Api) -> None:
    two = [{"name": "reporter", "role": "Viewer", "tokens": [{"name": "default"}, {"name": "old"}]}]
    made = bring(clean, service_accounts=two)
    one = [{"name": "reporter", "role": "Editor", "tokens": [{"name": "default"}]}]

    changed = bring(clean, made.record, service_accounts=one, tokens=made.tokens)

    assert changed.actions == ["give the service account reporter the role Editor", "remove the token old of reporter"]


def test_check_mode_tells_and_changes_nothing(clean: Api) -> None:
    told = bring(clean, check_mode=True, teams=TEAMS, folders=FOLDERS, service_accounts=ACCOUNTS)

    assert told.actions[0] == "make the team shop"
    assert "make the folder Shop" in told.actions
    assert told.tokens == {}
    assert clean.all_pages("teams/search", "teams") == []
    assert bring(clean, teams=TEAMS, folders=FOLDERS, service_accounts=ACCOUNTS).actions


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        pytest.param({"teams": [{"name": "shop", "members": ["eve"]}]}, "the team shop names eve", id="unknown user"),
        pytest.param(
            {"folders": [{"uid": "shop", "title": "Shop", "permissions": [{"team": "no", "permission": "view"}]}]},
            "a permission of Shop names the team no",
            id="unknown team",
        ),
    ],
)
def test_a_name_that_grafana_does_not_know_is_refused_with_the_way_out(
    clean: Api, declared: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=said) as refusal:
        bring(clean, **declared)

    assert refusal.value.hint


def test_a_folder_that_holds_something_stays_and_is_told_of(pretended: Pretended, tmp_path: Any) -> None:
    """Grafana would remove what people have put there along with it."""
    (tmp_path / "password").write_text(pretended.password)
    api = _api(pretended, tmp_path)
    record = bring(api, folders=[{"uid": "shop", "title": "Shop"}]).record
    pretended.counts["shop"] = {"dashboard": 2}

    kept = bring(api, record)

    assert kept.notes == ["The folder Shop is named no more but holds 2 dashboard; it stays."]
    assert "shop" in pretended.folders
    pretended.counts["shop"] = {}
    assert bring(api, kept.record).actions == ["remove the folder Shop"]


def test_a_refusal_carries_grafanas_own_words(pretended: Pretended, tmp_path: Any) -> None:
    (tmp_path / "password").write_text(pretended.password)
    pretended.extra["POST /api/teams"] = lambda body: Answer({"message": "team name taken"}, 409)

    with pytest.raises(Refused, match="Grafana refuses POST /api/teams") as refusal:
        bring(_api(pretended, tmp_path), teams=[{"name": "shop"}])

    assert "team name taken" in refusal.value.detail


def _api(pretended: Pretended, tmp_path: Any) -> Api:
    from ansible_collections.promontory.stack.plugins.module_utils.readback import Readback

    return Api(pretended.url, Readback(username="admin", password_file=str(tmp_path / "password")))
