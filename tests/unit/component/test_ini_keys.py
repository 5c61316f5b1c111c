"""Keys of the user's that a release does not know are refused, though the program itself would pass over them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import ini_keys
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.workbench import Host, Shelf

DEFAULTS = """app_mode = production
[server]
# the port
http_port = 3000
;cert_file =
# enable_gzip = true

;[hidden]
;key = 1
[plugin.x]
"""


@pytest.fixture
def defaults(tmp_path: Path) -> Path:
    """A release's own file."""
    file = tmp_path / "defaults.ini"
    file.write_text(DEFAULTS)
    return file


def test_what_the_defaults_only_mention_is_known_too(defaults: Path) -> None:
    known = ini_keys.keys_of(DEFAULTS)

    assert known["server"] == {"http_port", "cert_file", "enable_gzip"}
    assert known["hidden"] == {"key"}
    assert known[""] == {"app_mode"}
    asked = {"server": ["cert_file"], "hidden": ["key"], "plugin.y": ["anything"]}
    ini_keys.require_known("tiny", asked, defaults, ["plugin.*"], otherwise="nothing was installed")


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        pytest.param({"server": ["http_prot"]}, r"tiny_config\.server\.http_prot", "Did you mean http_port", id="key"),
        pytest.param({"sever": ["http_port"]}, r"tiny_config\.sever:", "Did you mean server", id="section"),
        pytest.param({"zzz": []}, r"tiny_config\.zzz:", "Correct it", id="nothing near"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(
    defaults: Path, asked: dict[str, list[str]], said: str, hint: str
) -> None:
    with pytest.raises(ComponentError, match=said) as refusal:
        ini_keys.require_known("tiny", asked, defaults, [], otherwise="1.0 still serves")

    assert hint in refusal.value.hint
    assert "1.0 still serves" in refusal.value.hint


def test_a_release_without_its_defaults_cannot_judge(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match=r"has no defaults\.ini"):
        ini_keys.require_known("tiny", {"server": []}, tmp_path / "defaults.ini", [], otherwise="")
    ini_keys.require_known("tiny", {}, tmp_path / "defaults.ini", [], otherwise="")


def test_a_set_with_an_unknown_key_leaves_the_former_one_serving(host: Host, shelf: Shelf) -> None:
    first = shelf.declare()
    host.apply(first)
    known = {"file": "{release}/VERSION", "keys": {"server": ["x"]}}

    with pytest.raises(ComponentError, match=r"tiny_config\.server"):
        host.apply(shelf.declare(conf="answer: 2\n", known_keys=known))

    assert host.serves(first)
