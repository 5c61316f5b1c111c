"""Building the image here: from a base image that is here already, with podman, out of a copy of what belongs in it."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.promontory.stack.plugins.plugin_utils import lab_image
from ansible_collections.promontory.stack.plugins.plugin_utils.lab_podman import Podman, has_program

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_APP = ROOT / "sample_app"
BUILD_LIMIT_S = 600
EPOCH = 1_700_000_000
_LAB = ROOT / "roles" / "lab"
_SPACE_MB = 1536
# What pip is told on this machine (index, certificates), lent to the build and left out of the image.
_LENT = [Path("/etc/pip.conf"), Path("/etc/ssl/certs")]


def base_image(podman: Podman) -> str:
    """Return an image with Python, Debian's: the one of lab hosts, made when it is not there."""
    variables = yaml.safe_load((_LAB / "vars" / "main.yml").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((_LAB / "defaults" / "main.yml").read_text(encoding="utf-8"))
    recipe = lab_image.machine_recipe("trixie", variables["__lab_image_packages"], _LAB / "files" / "image.sh")
    if not podman.has_image(recipe.name):
        lab_image.build(podman, recipe, defaults["lab_image_registry"], _SPACE_MB)
    return recipe.name


def copy_context(into: Path) -> Path:
    """Copy what the image is made of; every file gets a new time."""
    into.mkdir()
    for name in ("Containerfile", ".dockerignore", "requirements.lock"):
        (into / name).write_bytes((SAMPLE_APP / name).read_bytes())
    for package in ("fintech", "flask_telemetry", "metrics_hub"):
        shutil.copytree(SAMPLE_APP / package, into / package, copy_function=shutil.copyfile)
    return into


def build(podman: Podman, context: Path, tag: str, *, base: str) -> None:
    """Build an image as the first lines of the Containerfile say, from nothing that an earlier build left."""
    lent = [word for path in _LENT if path.exists() for word in ("--volume", f"{path}:{path}:ro")]
    podman.call(
        "build", "--no-cache", "--layers=false", "--force-rm", "--network", "host", "--format", "docker",
        "--timestamp", str(EPOCH), "--build-arg", f"BASE={base}", "--build-arg", "REVISION=0123456", *lent,
        "--tag", tag, str(context), timeout_s=BUILD_LIMIT_S,
    )  # fmt: skip


def inspected(podman: Podman, kind: str, name: str) -> dict[str, Any]:
    """Return what podman knows of an image or a container."""
    (found,) = json.loads(podman.call(kind, "inspect", name))
    return dict(found)


def with_pause(podman: Podman, image: str) -> None:
    """Let an image hold pods together where podman lacks the program (catatonit) that usually does."""
    if not has_program("catatonit"):
        with podman.conf.open("a", encoding="utf-8") as conf:
            conf.write(f'infra_image = "{image}"\ninfra_command = "/usr/bin/sleep infinity"\n')


def answer(url: str, token: str = "", *, method: str = "GET", body: object = None) -> tuple[int, str]:
    """Ask an HTTP service; status 0 when nobody answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, sent, {**headers, "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return int(got.status), got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def wait_until(question: Callable[[], bool], what: str, *, limit_s: float = 30) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + limit_s
    while not question():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {limit_s:.0f} s")
        time.sleep(0.1)


@contextmanager
def played(podman: Podman, manifests: Iterable[tuple[Path, str]]) -> Iterator[None]:
    """Play files one after the other, and take all down at the end; each is a path and the pod's text."""
    done: list[Path] = []
    try:
        for file, text in manifests:
            file.write_text(text, encoding="utf-8")
            done.append(file)
            podman.call("kube", "play", str(file), timeout_s=120)
        yield
    finally:
        for file in reversed(done):
            podman.attempt("kube", "down", str(file), timeout_s=120)
