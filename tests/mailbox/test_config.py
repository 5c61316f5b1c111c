"""A wrong setting is refused before anything starts, by its name, its value and what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from promontory_mailbox.__main__ import main
from promontory_mailbox.config import ConfigError, load

from tests.mailbox.certificates import certificate

RIGHT: dict[str, Any] = {
    "listen": "127.0.0.1:8025",
    "smtp_listen": "[::1]:2525",
    "data_dir": "/var/lib/mailbox",
    "hostname": "mon-1",
    "max_messages": 1000,
    "max_total_bytes": 200_000_000,
    "max_message_bytes": 5_000_000,
    "smtp_auth": None,
}


def write(folder: Path, settings: Any) -> Path:
    path = folder / "mailbox.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def test_right_settings_are_read(tmp_path: Path) -> None:
    config = load(write(tmp_path, RIGHT))

    assert config.listen == ("127.0.0.1", 8025)
    assert config.smtp_listen == ("::1", 2525)
    assert config.smtp_auth is None
    assert config.smtp_tls is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"listen": "8025"}, "listen is '8025', expected address:port"),
        ({"listen": "127.0.0.1:70000"}, "listen is '127.0.0.1:70000'"),
        ({"smtp_listen": 2525}, "smtp_listen is 2525"),
        ({"max_messages": 0}, "max_messages is 0, expected a whole number of at least 1"),
        ({"max_messages": True}, "max_messages is True"),
        ({"max_total_bytes": 1}, "max_total_bytes is 1, expected a whole number of at least 5000000"),
        ({"max_message_bytes": "5M"}, "max_message_bytes is '5M'"),
        ({"hostname": " "}, "hostname is ' '"),
        ({"smtp_auth": {"username": "am"}}, "smtp_auth is {'username': 'am'}"),
        ({"smtp_auth": {"username": "am", "password_file": "/nowhere/pw"}}, "smtp_auth.password_file: [Errno 2]"),
        ({"smtp_tls": {"cert_file": "/c"}}, "smtp_tls is {'cert_file': '/c'}, expected null or a mapping of cert_file, key_file"),
        ({"smtp_tls": {"cert_file": "/c", "key_file": "/k", "implicit": "yes"}}, "smtp_tls is {'cert_file'"),
        ({"smtp_tls": {"cert_file": "/nowhere/c", "key_file": "/nowhere/k"}}, "smtp_tls: /nowhere/c and /nowhere/k are no certificate"),
        ({"max_mesages": 5}, "unknown settings ['max_mesages']"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_is_named_with_its_value(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path, RIGHT | change)

    with pytest.raises(ConfigError) as error:
        load(path)

    assert str(error.value).startswith(f"{path}: ")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"), [("[]", "expected a mapping"), ("{", "Expecting"), ("{}", "missing settings")]
)
def test_a_file_that_is_no_mapping_of_all_settings_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "mailbox.json"
    path.write_text(content)

    with pytest.raises(ConfigError, match=said):
        load(path)


def test_an_empty_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("\n")

    with pytest.raises(ConfigError, match="is empty"):
        load(write(tmp_path, RIGHT | {"smtp_auth": {"username": "am", "password_file": str(tmp_path / "pw")}}))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    mine, other = certificate(tmp_path / "mine"), certificate(tmp_path / "other")

    with pytest.raises(ConfigError, match=r"are no certificate with its key: .*(?i:key.values.mismatch)"):
        load(write(tmp_path, RIGHT | {"smtp_tls": {"cert_file": str(mine.certificate), "key_file": str(other.key)}}))


def test_the_password_is_in_no_representation(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret-word\n")

    config = load(write(tmp_path, RIGHT | {"smtp_auth": {"username": "am", "password_file": str(tmp_path / "pw")}}))

    assert config.smtp_auth
    assert config.smtp_auth.password == "secret-word"
    assert "secret-word" not in repr(config)


def test_check_tells_right_from_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")

    assert main(["check", "--config", str(write(tmp_path, RIGHT))]) == 0
    assert main(["check", "--config", str(wrong)]) == 2
    assert "missing settings" in capsys.readouterr().err
