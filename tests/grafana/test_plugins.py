"""A set of plugins appears whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.grafana import plugin_set


def packed(directory: Path, version: str = "1.0.0", *, name: str = "acme-hello-panel", **files: str) -> plugin_set.Plugin:
    """Pack a tiny plugin."""
    path = directory / f"{name}-{version}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        described = {"id": "acme-hello-panel", "info": {"version": version}}
        archive.writestr(f"{name}/plugin.json", json.dumps(described))
        program = zipfile.ZipInfo(f"{name}/gpx_hello")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh")
        for inside, text in files.items():
            archive.writestr(inside, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return plugin_set.Plugin(id="acme-hello-panel", version="1.0.0", sha256=digest, archive=path)


def test_a_set_is_unpacked_and_known_again(tmp_path: Path) -> None:
    target, plugin = tmp_path / "sets/abc", packed(tmp_path)
    assert not plugin_set.lies_whole(target, [plugin])

    plugin_set.install(target, [plugin])

    assert plugin_set.lies_whole(target, [plugin])
    assert (target / "acme-hello-panel/gpx_hello").stat().st_mode & 0o777 == 0o755
    assert (target / "acme-hello-panel/plugin.json").stat().st_mode & 0o777 == 0o644
    (target / "acme-hello-panel/plugin.json").unlink()
    assert not plugin_set.lies_whole(target, [plugin])


def _link(directory: Path) -> plugin_set.Plugin:
    plugin = packed(directory)
    assert plugin.archive is not None
    with zipfile.ZipFile(plugin.archive, "a") as archive:
        link = zipfile.ZipInfo("acme-hello-panel/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/shadow")
    digest = hashlib.sha256(plugin.archive.read_bytes()).hexdigest()
    return plugin_set.Plugin(plugin.id, plugin.version, digest, plugin.archive)


def _text(directory: Path) -> plugin_set.Plugin:
    path = directory / "x.zip"
    path.write_text("no zip")
    return plugin_set.Plugin("acme-hello-panel", "1.0.0", hashlib.sha256(path.read_bytes()).hexdigest(), path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda d: packed(d, "2.0.0"), "1.0.0 holds 2.0.0", id="other version"),
        pytest.param(lambda d: packed(d, name="other"), "outside acme-hello-panel/", id="other plugin"),
        pytest.param(lambda d: packed(d, **{"acme-hello-panel/../../x": "x"}), "outside", id="leads out"),
        pytest.param(lambda d: packed(d, **{"/etc/x": "x"}), "outside", id="absolute"),
        pytest.param(_link, "holds the link", id="link"),
        pytest.param(_text, "is no zip file", id="no zip"),
        pytest.param(
            lambda d: plugin_set.Plugin("acme-hello-panel", "1.0.0", "0" * 64, packed(d).archive), "expected 0000", id="sum"
        ),
    ],
)
def test_a_wrong_archive_is_refused_and_leaves_nothing(tmp_path: Path, make: object, said: str) -> None:
    target = tmp_path / "sets/abc"

    with pytest.raises(ComponentError, match=said):
        plugin_set.install(target, [make(tmp_path)])  # type: ignore[operator]

    assert list(target.parent.iterdir()) == []
    assert not (tmp_path.parent / "x").exists()
