"""Receivers from typed data: every credential is a file, on both releases, and bad input is refused by name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import AlertmanagerError, render
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import UnknownSetting

from tests.alerts import settings

CREDENTIALS = (
    "mail-hush", "pd-hush", "og-hush", "sl-hush", "ms-hush", "wh-hush", "http-hush", "header-hush", "aws-hush", "tg-hush",
    "vo-hush", "hb-hush", "beat-hush", "smtp-hush",
)  # fmt: skip


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_credential_stands_in_one_secret_file_and_nowhere_else(credential: str) -> None:
    """What is in the configuration is shown in diffs; secret files never are."""
    rendered = render(settings.everything())

    assert credential not in json.dumps([rendered.config, rendered.files, rendered.checks])
    [name] = [name for name, content in rendered.secrets.items() if credential in content]
    if name != "aws_credentials":
        assert f"{{config}}/secrets/{name}" in json.dumps(rendered.config)
    else:
        assert rendered.environment == {"AWS_SHARED_CREDENTIALS_FILE": "{config}/secrets/aws_credentials"}


@pytest.mark.network
@pytest.mark.parametrize(("suite", "version"), [("trixie", "0.28.1"), ("sid", "0.33.1")], ids=["0.28", "0.33"])
def test_alertmanager_takes_everything_at_once(
    suite: str, version: str, real_program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    rendered = render(settings.everything())
    path = settings.write(rendered, tmp_path, settings.for_release(rendered.config, version))
    amtool = real_program("alertmanager", suite) / "amtool"

    said = subprocess.run([amtool, "check-config", path], capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("receiver", "version", "message"),
    [
        pytest.param(
            {"msteams": [{"webhook_url": "https://x"}]}, "0.27.0", "receivers.msteamsv2_configs", id="a Teams workflow"
        ),
        pytest.param(
            {"slack": [{"app_token": "x", "channel": "#a"}]}, "0.28.1", "slack_configs.app_token_file", id="a Slack app"
        ),
        pytest.param(
            {"email": [{"to": "a@b.c", "auth_secret": "x"}]}, "0.28.1", "email_configs.auth_secret_file", id="CRAM-MD5"
        ),
    ],
)
def test_what_a_release_does_not_know_is_refused_and_not_left_out(
    receiver: dict[str, Any], version: str, message: str
) -> None:
    """Left out, somebody would not be told."""
    rendered = settings.rendered(receivers=[{"name": "oncall", **receiver}])

    with pytest.raises(UnknownSetting, match=rf"{message} is not known by alertmanager {version}"):
        settings.for_release(rendered.config, version)


@pytest.mark.parametrize(
    ("receiver", "message"),
    [
        pytest.param({"pagerduty": [{}]}, r"pagerduty\[0\] has no address: give routing_key", id="no key"),
        pytest.param({"pagerduty": [{"routing_key": "a", "service_key": "b"}]}, "exclude each other", id="two keys"),
        pytest.param(
            {"opsgenie": [{"api_key": "a", "api_url": "eu.opsgenie.com"}]}, "api_url must begin with http", id="no URL"
        ),
        pytest.param(
            {"slack": [{"api_url": "hooks.slack.com/x"}]}, r"slack\[0\]: api_url must begin with http", id="no scheme"
        ),
        pytest.param({"slack": [{"app_token": "a"}]}, "needs a channel", id="no channel"),
        pytest.param({"msteams": [{"title": "x"}]}, "has no address: give webhook_url", id="no workflow"),
        pytest.param({"sns": [{"region": "x"}]}, "has no address: give topic_arn", id="no topic"),
        pytest.param(
            {"sns": [{"topic_arn": "a", "access_key": "b"}]}, "access_key and secret_key go together", id="half a key"
        ),
        pytest.param({"webhook": [{"max_alerts": 1}]}, "has no address: give url", id="no hook"),
        pytest.param(
            {"config": {"telegram_configs": [{"bot_token": "a", "bot_token_file": "b"}]}},
            "exclude each other",
            id="twice",
        ),
    ],
)
def test_a_receiver_that_reaches_nobody_is_refused(receiver: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=rf"alertmanager_receivers\[0\] \(oncall\).*{message}"):
        settings.rendered(receivers=[{"name": "oncall", **receiver}])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        pytest.param(
            {"global": {"slack_api_url": "https://x"}}, "global.slack_api_url is a credential", id="a global URL"
        ),
        pytest.param(
            {"global": {"smtp_auth_password": "x"}}, "global.smtp_auth_password is a credential", id="a global password"
        ),
        pytest.param(
            {"receivers": [{"name": "x", "slack_configs": [{"api_url": "https://x"}]}]},
            "slack_configs.api_url of 'x'",
            id="a receiver's URL",
        ),
        pytest.param(
            {
                "receivers": [
                    {
                        "name": "x",
                        "webhook_configs": [{"url_file": "/x", "http_config": {"basic_auth": {"password": "p"}}}],
                    }
                ]
            },
            "http_config.basic_auth.password of 'x'",
            id="a password of HTTP",
        ),
        pytest.param(
            {"receivers": [{"name": "x", "sns_configs": [{"sigv4": {"secret_key": "p"}}]}]},
            "sigv4.secret_key of 'x'",
            id="a key of AWS",
        ),
    ],
)
def test_a_credential_in_free_form_settings_is_refused(extra: dict[str, Any], message: str) -> None:
    with pytest.raises(AlertmanagerError, match=f"alertmanager_config: .*{message}"):
        settings.rendered(extra=extra)


def test_free_form_settings_without_credentials_pass() -> None:
    extra = {
        "global": {"resolve_timeout": "10m", "slack_api_url_file": "/x"},
        "receivers": [{"name": "x", "webhook_configs": [{"url_file": "/y"}]}],
    }

    assert settings.rendered(extra=extra).config
