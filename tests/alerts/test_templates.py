"""A broken mail template is refused by the release's own amtool before it serves; what worked goes on working."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.module_utils.config_tree import Tree
from ansible_collections.promontory.stack.plugins.module_utils.declaration import Declaration
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.judge import judge
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.release import Release
from ansible_collections.promontory.stack.plugins.plugin_utils.alertmanager import render

from tests.alerts import settings

pytestmark = pytest.mark.network
TEMPLATES = settings.ROLE / "files" / "templates"
Judge = Callable[..., None]


@pytest.fixture(params=[("trixie", "0.28.1"), ("sid", "0.33.1")], ids=["0.28", "0.33"])
def judged(request: pytest.FixtureRequest, real_program: Callable[[str, str], Path], tmp_path: Path) -> Judge:
    """Judge a set as the component does on a host: `judged({"email.tmpl": text}, receivers=[...])`."""
    suite, version = request.param
    release = real_program("alertmanager", suite)

    def run(templates: dict[str, str], **changes: Any) -> None:
        rendered = render(settings.settings(**changes))
        texts = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.tmpl")} | templates
        config = settings.for_release(rendered.config, version)
        files = {"alertmanager.yml": yaml.safe_dump(config, sort_keys=False), **rendered.files}
        files |= {f"templates/{name}": text for name, text in texts.items() if text}
        declared = Declaration(
            release=Release(program="alertmanager", name=version, version=version, source="package"),
            user="alertmanager",
            tree=Tree(files=files, secrets=rendered.secrets),
            unit="",
            request="",
            checks=[["{release}/amtool", "check-config", "{config}/alertmanager.yml"], *rendered.checks],
        )
        judge(
            Layout("alertmanager", "alertmanager", root=tmp_path), declared, release, otherwise="the former set serves"
        )

    return run


def test_the_roles_own_templates_pass(judged: Judge) -> None:
    judged({})


def test_everything_at_once_passes(judged: Judge) -> None:
    judged(
        {},
        **{
            key: value
            for key, value in settings.everything().items()
            if key in ("receivers", "teams", "critical_receivers")
        },
    )


@pytest.mark.parametrize(
    ("templates", "changes", "message"),
    [
        pytest.param(
            {"mine.tmpl": '{{ define "a" }}{{ .Status }'}, {}, "mine.tmpl:1", id="an action that is not closed"
        ),
        pytest.param(
            {"mine.tmpl": '{{ define "promontory.email.text" }}{{ .Nobody }}{{ end }}'},
            {},
            "can't evaluate field Nobody",
            id="a field that does not exist",
        ),
        pytest.param(
            {"mine.tmpl": '{{ define "promontory.email.html" }}{{ (index .Alerts 99).Labels }}{{ end }}'},
            {},
            "index out of range",
            id="fails over some alerts alone",
        ),
        pytest.param(
            {},
            {"receivers": [{"name": "oncall", "email": [{"to": "a@b.c", "html": '{{ template "gone" . }}'}]}]},
            '"gone"',
            id="a name that nobody defines",
        ),
        pytest.param(
            {},
            {
                "receivers": [
                    {"name": "oncall", "email": [{"to": "a@b.c", "headers": {"Subject": "{{ .Status | shout }}"}}]}
                ]
            },
            'function "shout" not defined',
            id="a header",
        ),
        pytest.param(
            {},
            {"receivers": [{"name": "oncall", "slack": [{"api_url": "https://x", "text": "{{ end }}"}]}]},
            "unexpected {{end}}",
            id="another kind of receiver",
        ),
    ],
)
def test_a_broken_one_is_refused(
    judged: Judge, templates: dict[str, str], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ComponentError) as refused:
        judged(templates, **changes)

    assert message in refused.value.detail
    assert "refuses the new configuration" in str(refused.value)
    assert "the former set serves" in refused.value.hint


def test_a_template_of_the_releases_own_can_be_used(judged: Judge) -> None:
    """Debian's amtool looks for them in a fixed place, where an unpacked package has put nothing."""
    judged(
        {}, receivers=[{"name": "oncall", "email": [{"to": "a@b.c", "html": '{{ template "email.default.html" . }}'}]}]
    )


def test_amtool_alone_would_have_let_it_pass(real_program: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Why it is not enough: check-config reads templates, and does not carry them out."""
    rendered = settings.rendered()
    path = settings.write(rendered, tmp_path)
    shutil.rmtree(tmp_path / "templates")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/mine.tmpl").write_text(
        '{{ define "promontory.email.text" }}{{ .Nobody }}{{ end }}', encoding="utf-8"
    )

    said = subprocess.run(
        [real_program("alertmanager", "sid") / "amtool", "check-config", path], capture_output=True, check=False
    )

    assert said.returncode == 0
