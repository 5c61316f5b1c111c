"""`python -m promontory.manifests`, as somebody calls it who changed an overlay."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml

from promontory.manifests.__main__ import main
from tests.kubernetes.rendering import K8S, OVERLAYS, kustomize, rendered

pytestmark = pytest.mark.network
_TRAFFIC = str(K8S / "traffic.yml")


def test_a_good_overlay_is_left_in_peace(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(kustomize(K8S / "overlays" / "eks")))

    code = main(["-", "--traffic", _TRAFFIC, "--overlay", "eks"])

    assert (code, capsys.readouterr()) == (0, ("", "25 objects, 0 findings\n"))


def test_each_finding_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = kustomize(K8S / "overlays" / "local").replace("kubernetes.io/metadata.name: haproxy-controller", "team: web")
    file = tmp_path / "broken.yml"
    file.write_text(text, encoding="utf-8")

    code = main([str(file), "--traffic", _TRAFFIC, "--overlay", "local"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[0] == "NetworkPolicy: ingress cannot reach app on port 8080/TCP: people use the service [cut-off]"
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("absent.yml", None, "absent.yml"),
        ("half.yml", "kind: [", "This is no YAML"),
        ("empty.yml", "- 1", "An object has no kind"),
    ],
    ids=["no file", "no YAML", "no objects"],
)
def test_what_cannot_be_read_is_said_in_one_line(
    name: str, text: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    code = main([str(tmp_path / name)])

    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_questions_about_somebody_unknown_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "traffic.yml"
    questions.write_text(Path(_TRAFFIC).read_text(encoding="utf-8").replace("Deployment/fintech", "Deployment/web"), encoding="utf-8")
    built = tmp_path / "built.yml"
    built.write_text(kustomize(K8S / "overlays" / "local"), encoding="utf-8")

    code = main([str(built), "--traffic", str(questions), "--overlay", "local"])

    assert (code, "Deployment/web" in capsys.readouterr().err) == (2, True)


def test_the_readme_explains_every_parameter_and_every_secret() -> None:
    readme = (K8S / "README.md").read_text(encoding="utf-8")
    parameters = {
        name
        for overlay in OVERLAYS
        for name in yaml.safe_load((K8S / "overlays" / overlay / "parameters.yml").read_text(encoding="utf-8"))["data"]
    }
    keys = {
        item["key"]
        for overlay in OVERLAYS
        for workload in rendered(overlay).workloads()
        for volume in workload.spec["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }

    assert [name for name in sorted(parameters | keys) if f"`{name}`" not in readme] == []
