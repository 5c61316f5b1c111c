"""Settings: the service refuses to start with a message that names the variable and the way out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from limits import parse

import fintech
from fintech import config
from fintech.config import Settings
from fintech.errors import ConfigError
from tests.sample_app.conftest import SAMPLE_APP, SECRET_KEY

GOOD = {"FINTECH_SECRET_KEY": SECRET_KEY}


def test_defaults_need_only_a_secret_key() -> None:
    settings = Settings.from_environ(GOOD)
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9464)
    assert settings.database_url.database == "fintech.db"
    assert settings.admin_token is None
    assert (settings.token_minutes, settings.login_days, settings.database_connections) == (15, 14, 8)
    limits = (settings.login_limit, settings.registration_limit, settings.write_limit)
    assert limits == (parse("30/minute"), parse("60/minute"), parse("100/second"))


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("5/minute", 5, 60), ("5 per minute", 5, 60), ("10/5 minutes", 10, 300), (" 1 / day ", 1, 86_400)],
)
def test_a_limit_is_read_as_the_library_writes_it(text: str, amount: int, seconds: int) -> None:
    limit = Settings.from_environ(GOOD | {"FINTECH_LOGIN_LIMIT": text}).login_limit
    assert (limit.amount, limit.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"FINTECH_SECRET_KEY": ""}, r"^FINTECH_SECRET_KEY: it is not set.*FINTECH_SECRET_KEY_FILE"),
        ({"FINTECH_SECRET_KEY": "short"}, r"^FINTECH_SECRET_KEY: it has 5 characters, at least 32"),
        *(
            ({name: "x" * 40 + odd}, rf"^{name}: it has other characters than visible ASCII")
            for name in ("FINTECH_SECRET_KEY", "FINTECH_ADMIN_TOKEN")
            for odd in ("ü", "\udcff", "\x01", "a\nb")
        ),
        ({"FINTECH_ADMIN_TOKEN": "short"}, r"^FINTECH_ADMIN_TOKEN: it has 5 characters"),
        (
            {"FINTECH_SECRET_KEY_FILE": "/x"},
            r"^FINTECH_SECRET_KEY: both FINTECH_SECRET_KEY and FINTECH_SECRET_KEY_FILE",
        ),
        (
            {"FINTECH_ADMIN_TOKEN_FILE": "/not/there"},
            r"^FINTECH_ADMIN_TOKEN_FILE: cannot read /not/there: No such file",
        ),
        ({"FINTECH_TRUSTED_PROXYS": "1"}, r"^FINTECH_TRUSTED_PROXYS: there is no such.*mean FINTECH_TRUSTED_PROXIES\?"),
        ({"FINTECH_TRUSTED_PROXIES": "6"}, r"^FINTECH_TRUSTED_PROXIES: it is '6'.*0 to 5"),
        ({"FINTECH_TRUSTED_PROXIES": "-1"}, r"^FINTECH_TRUSTED_PROXIES: it is '-1'"),
        *(
            ({"FINTECH_PATH_PREFIX": prefix}, r"^FINTECH_PATH_PREFIX: it is .*such as /app")
            for prefix in ("app", "/", "/app/", "//evil.example", "/a b", "/a//b", "https://evil.example")
        ),
        ({"FINTECH_TOKEN_MINUTES": "0"}, r"^FINTECH_TOKEN_MINUTES: it is '0'.*1 to 1440"),
        ({"FINTECH_TOKEN_MINUTES": "1441"}, r"^FINTECH_TOKEN_MINUTES: it is '1441'"),
        ({"FINTECH_LOGIN_DAYS": "91"}, r"^FINTECH_LOGIN_DAYS: it is '91'.*1 to 90"),
        ({"FINTECH_DATABASE_CONNECTIONS": "0"}, r"^FINTECH_DATABASE_CONNECTIONS: it is '0'.*1 to 100"),
        ({"FINTECH_LOGIN_LIMIT": "often"}, r"^FINTECH_LOGIN_LIMIT: it is 'often'.*\"30/minute\""),
        ({"FINTECH_LOGIN_LIMIT": "0/minute"}, r"^FINTECH_LOGIN_LIMIT: it is '0/minute'"),
        ({"FINTECH_LOGIN_LIMIT": "-1/minute"}, r"^FINTECH_LOGIN_LIMIT: it is '-1/minute'"),
        ({"FINTECH_LOGIN_LIMIT": "5/fortnight"}, r"^FINTECH_LOGIN_LIMIT: it is '5/fortnight'"),
        (
            {"FINTECH_REGISTRATION_LIMIT": "1/minute;9/hour"},
            r"^FINTECH_REGISTRATION_LIMIT: it is '1/minute;9/hour'.*one",
        ),
        ({"FINTECH_WRITE_LIMIT": "9" * 20 + "/second"}, r"^FINTECH_WRITE_LIMIT: it is '9{20}/second'"),
        ({"FINTECH_WRITE_LIMIT": "1/9999999999 seconds"}, r"^FINTECH_WRITE_LIMIT: it is"),
        ({"FINTECH_DRAIN_S": "1.5"}, r"^FINTECH_DRAIN_S: it is '1.5'"),
        ({"FINTECH_METRICS_LISTEN": "9464"}, r"^FINTECH_METRICS_LISTEN: it is '9464'.*address:port"),
        ({"FINTECH_METRICS_LISTEN": "localhost:99999"}, r"^FINTECH_METRICS_LISTEN: it is 'localhost:99999'"),
        ({"FINTECH_METRICS_TLS_CERT": "/c"}, r"^FINTECH_METRICS_TLS_KEY: it is not set, but the other half is"),
        ({"FINTECH_METRICS_TLS_KEY": "/k"}, r"^FINTECH_METRICS_TLS_CERT: it is not set, but the other half is"),
        (
            {"FINTECH_METRICS_TLS_CERT": "/not/there", "FINTECH_METRICS_TLS_KEY": "/k"},
            r"^FINTECH_METRICS_TLS_CERT: cannot use /not/there with /k: No such file",
        ),
        ({"FINTECH_LOG_LEVEL": "loud"}, r"^FINTECH_LOG_LEVEL: it is 'loud'.*debug"),
        ({"FINTECH_DATABASE_URL": "not a url"}, r"^FINTECH_DATABASE_URL: it is not a database URL"),
        ({"FINTECH_DATABASE_URL": "sqlite://"}, r"^FINTECH_DATABASE_URL: an in-memory SQLite"),
    ],
)
def test_a_wrong_setting_is_named_with_the_way_out(changed: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Settings.from_environ(GOOD | changed)


def test_a_refused_database_url_is_not_repeated() -> None:
    """It may hold a password."""
    with pytest.raises(ConfigError) as refused:
        Settings.from_environ(GOOD | {"FINTECH_DATABASE_URL": "postgres:hunter2@db"})
    assert "hunter2" not in str(refused.value)


def test_secrets_are_read_from_files_and_never_shown(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(SECRET_KEY + "\n")
    settings = Settings.from_environ({"FINTECH_SECRET_KEY_FILE": str(key_file)})
    assert settings.secret_key == SECRET_KEY
    assert SECRET_KEY not in repr(settings)


@pytest.mark.parametrize(("content", "said"), [(b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_an_unusable_secret_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    key_file = tmp_path / "key"
    key_file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        Settings.from_environ({"FINTECH_SECRET_KEY_FILE": str(key_file)})


def test_the_table_of_settings_lists_each_of_them() -> None:
    """The documentation at the top of the module is complete and names nothing that is gone."""
    rows = re.findall(r"^\| (FINTECH_[^|]+)\|", config.__doc__ or "", re.MULTILINE)
    documented = set(re.findall(r"FINTECH_\w+", " ".join(rows)))
    assert documented == {name for name in config._KNOWN if not name.endswith("_FILE")}


def test_package_and_project_have_the_same_version() -> None:
    project = tomllib.loads((SAMPLE_APP / "pyproject.toml").read_text())["project"]
    assert project["version"] == fintech.__version__
