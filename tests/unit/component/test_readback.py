"""What a program says of itself, asked over real HTTP and HTTPS on loopback."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils import http_client, readback
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError

from tests.unit.component.server import Site, make_certificate, serving


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as made:
        yield made


def _alive() -> None:
    """The program lives."""


def test_a_mapping_becomes_a_readback_with_its_placeholders_filled() -> None:
    options = {
        "ready": {"url": "https://h:1/ready"},
        "http": {
            "ca_file": "{config}/ca.pem",
            "server_name": "h",
            "username": "u",
            "password_file": "{config}/secrets/p",
        },
        "timeout_s": 5,
        "settle_s": 0,
    }

    made = readback.from_mapping("tiny", options, {"config": "/etc/tiny/current/config"})

    assert made.ca_file == "/etc/tiny/current/config/ca.pem"
    assert made.password_file == "/etc/tiny/current/config/secrets/p"
    assert (made.timeout_s, made.settle_s) == (5.0, 0.0)
    assert readback.from_mapping("tiny", {}, {}).timeout_s == 60


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ComponentError, match=r"tiny: readback\.redy is unknown") as refusal:
        readback.from_mapping("tiny", {"redy": {}}, {})
    assert "ready" in refusal.value.hint


def test_waits_until_the_program_is_ready(site: Site) -> None:
    answers = iter([None, None, "yes"])
    site.pages["/ready"] = lambda: next(answers)
    spec = readback.Readback(ready_url=f"{site.url}/ready", timeout_s=5)

    readback.wait_until_ready(http_client.Client(spec), spec, alive=_alive)

    assert site.asked == ["GET /ready"] * 3


def test_tells_the_last_answer_of_a_program_that_is_never_ready(site: Site) -> None:
    spec = readback.Readback(ready_url=f"{site.url}/ready", timeout_s=0.05)

    with pytest.raises(ComponentError, match=r"not ready after 0 s: http://127\.0\.0\.1:\d+/ready answers 404"):
        readback.wait_until_ready(http_client.Client(spec), spec, alive=_alive)


def test_does_not_wait_for_a_program_that_died() -> None:
    def dead() -> None:
        raise ComponentError("It does not stay up.")

    spec = readback.Readback(ready_url="http://127.0.0.1:9/ready", timeout_s=60)
    began = time.monotonic()

    with pytest.raises(ComponentError, match="does not stay up"):
        readback.wait_until_ready(http_client.Client(spec), spec, alive=dead)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("body", "json_path", "refused"),
    [
        pytest.param('{"data": {"version": "3.5.3+ds1"}}', "data.version", "", id="distribution's revision"),
        pytest.param('{"versionInfo": {"version": "v3.5.3"}}', "versionInfo.version", "", id="v in front"),
        pytest.param('tiny_build_info{version="3.5.3"} 1', "", "", id="first version in the text"),
        pytest.param(
            '{"data": {"version": "3.5.4"}}', "data.version", r"'3\.5\.4' answers, expected 3\.5\.3", id="other"
        ),
        pytest.param('{"data": {}}', "data.version", "tells no version at data.version", id="key missing"),
        pytest.param('{"data": null}', "data.version", "tells no version at data.version", id="null on the way"),
        pytest.param("<html>", "data.version", "tells no version", id="no JSON"),
        pytest.param("hello", "", "'hello' answers", id="no version in the text"),
    ],
)
def test_compares_the_version_that_answers(site: Site, body: str, json_path: str, refused: str) -> None:
    site.pages["/v"] = body
    spec = readback.Readback(version_url=f"{site.url}/v", version_json=json_path)

    if refused:
        with pytest.raises(ComponentError, match=refused):
            readback.require_version(http_client.Client(spec), spec, "3.5.3")
    else:
        readback.require_version(http_client.Client(spec), spec, "3.5.3")


def _metrics(success: int, at: float) -> str:
    return f"# TYPE ok gauge\nok {success}\nok_total 9\nat {at:.9e}\n"


def _reload_spec(site: Site, timeout_s: float = 5) -> readback.Readback:
    return readback.Readback(reload_url=f"{site.url}/metrics", reload_success="ok", reload_at="at", timeout_s=timeout_s)


def _wait(site: Site, *, since: float, refused_before: bool = False, timeout_s: float = 5) -> None:
    spec = _reload_spec(site, timeout_s)
    client = http_client.Client(spec)
    readback.wait_until_reloaded(client, spec, since=since, refused_before=refused_before, alive=_alive)


def test_an_older_reload_is_not_taken_for_this_one(site: Site) -> None:
    site.pages["/metrics"] = _metrics(1, 1000.0)

    with pytest.raises(ComponentError, match="has not confirmed the reload"):
        _wait(site, since=1000.5, timeout_s=0.05)


def test_a_reload_is_confirmed_by_its_time(site: Site) -> None:
    answers = iter([_metrics(1, 1000.0), _metrics(1, 1000.0)])
    site.pages["/metrics"] = lambda: next(answers, _metrics(1, 1001.0))

    _wait(site, since=1000.5)

    assert len(site.asked) >= 4


def test_a_refused_reload_is_told_at_once(site: Site) -> None:
    site.pages["/metrics"] = _metrics(0, 1000.0)
    began = time.monotonic()

    with pytest.raises(ComponentError, match="refused the new configuration"):
        _wait(site, since=1000.5, timeout_s=60)
    assert time.monotonic() - began < 5


def test_a_refusal_from_before_the_signal_is_no_word_about_it(site: Site) -> None:
    answers = iter([_metrics(0, 900.0)] * 4)
    site.pages["/metrics"] = lambda: next(answers, _metrics(1, 1001.0))
    assert readback.refused_last_reload(http_client.Client(_reload_spec(site)), _reload_spec(site))

    _wait(site, since=1000.5, refused_before=True)


def test_a_refusal_that_stays_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readback, "_STALE_S", 0.02)
    site.pages["/metrics"] = _metrics(0, 900.0)

    with pytest.raises(ComponentError, match="refused the new configuration"):
        _wait(site, since=1000.5, refused_before=True)


def test_credentials_come_from_a_file(site: Site, tmp_path: Path) -> None:
    site.password, site.pages["/ready"] = "promontory:pa:ss wörd", "yes"
    (tmp_path / "password").write_text("pa:ss wörd\n")
    spec = readback.Readback(username="promontory", password_file=str(tmp_path / "password"))

    assert http_client.Client(spec).get(f"{site.url}/ready") == "yes"
    with pytest.raises(OSError, match="answers 401"):
        http_client.Client(readback.Readback()).get(f"{site.url}/ready")


def test_a_proxy_of_the_environment_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    site.pages["/ready"] = "yes"

    assert http_client.Client(readback.Readback()).get(f"{site.url}/ready") == "yes"


@pytest.mark.parametrize("url", ["", "no url", "gopher://h/", "http://127.0.0.1:9/", "http://[::1", "http://h:port/"])
def test_whatever_is_wrong_with_the_url_is_an_oserror(url: str) -> None:
    """Anything else would get past the transaction's way back."""
    with pytest.raises(OSError):  # noqa: PT011 - the texts are the library's
        http_client.Client(readback.Readback()).get(url)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
class TestHttps:
    """Certificates are verified against the link's authority and name."""

    @pytest.fixture
    def secure(self, tmp_path: Path) -> Iterator[tuple[Site, Path]]:
        certificate = make_certificate(tmp_path, "tiny.example")
        with serving(Site(pages={"/ready": "yes"}), certificate=certificate) as made:
            yield made, certificate

    def test_the_name_in_the_certificate_may_differ_from_the_address(self, secure: tuple[Site, Path]) -> None:
        site, authority = secure
        spec = readback.Readback(ca_file=str(authority), server_name="tiny.example")

        assert http_client.Client(spec).get(f"{site.url}/ready") == "yes"

    @pytest.mark.parametrize(
        ("trusted", "name"), [(True, "other.example"), (True, ""), (False, "tiny.example")],
        ids=["another name", "only the address", "unknown authority"],
    )  # fmt: skip
    def test_anything_else_is_refused(self, secure: tuple[Site, Path], trusted: bool, name: str) -> None:
        site, authority = secure
        spec = readback.Readback(ca_file=str(authority) if trusted else "", server_name=name)

        with pytest.raises(OSError, match="certificate verify failed"):
            http_client.Client(spec).get(f"{site.url}/ready")
        assert site.asked == []


def test_an_answer_must_say_that_the_database_is_ok(site: Site) -> None:
    answers = iter(['{"database": "failing"}', "<html>", "{}", '{"database": "ok"}'])
    site.pages["/api/health"] = lambda: next(answers)
    options = {"ready": {"url": f"{site.url}/api/health", "json": "database", "is": "ok"}, "timeout_s": 5}
    spec = readback.from_mapping("tiny", options, {})

    readback.wait_until_ready(http_client.Client(spec), spec, alive=_alive)

    assert next(answers, "all asked") == "all asked"


def test_what_the_answer_says_instead_is_told(site: Site) -> None:
    site.pages["/api/health"] = '{"database": "failing"}'
    spec = readback.Readback(
        ready_url=f"{site.url}/api/health", ready_json="database", ready_is="ok", timeout_s=0.05
    )

    with pytest.raises(ComponentError, match="says database: failing, expected ok"):
        readback.wait_until_ready(http_client.Client(spec), spec, alive=_alive)


def test_a_reload_by_request_asks_every_url_with_the_password(site: Site, tmp_path: Path) -> None:
    site.password = "ada:hush"
    site.pages |= {"/reload/one": "{}", "/reload/two": "{}"}
    (tmp_path / "password").write_text("hush\n")
    options = {
        "reload": {"post": [f"{site.url}/reload/one", f"{site.url}/reload/two"]},
        "http": {"username": "ada", "password_file": "{config}/password"},
    }
    spec = readback.from_mapping("tiny", options, {"config": str(tmp_path)})

    readback.post_reload(http_client.Client(spec), spec)

    assert site.asked == ["POST /reload/one", "POST /reload/two"]


def test_a_refused_reload_is_told_in_the_programs_words(site: Site) -> None:
    spec = readback.Readback(reload_posts=(f"{site.url}/gone",))

    with pytest.raises(ComponentError, match=r"refused the new configuration when told to reload: .* answers 404"):
        readback.post_reload(http_client.Client(spec), spec)


def test_a_program_that_does_not_let_us_in_is_another_matter(site: Site) -> None:
    """Then a start makes it read its files; that is nothing wrong with the configuration."""
    site.password = "ada:hush"
    site.pages["/reload"] = "{}"
    spec = readback.Readback(reload_posts=(f"{site.url}/reload",))

    with pytest.raises(PermissionError):
        readback.post_reload(http_client.Client(spec), spec)
