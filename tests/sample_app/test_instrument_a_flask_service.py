"""docs/how-to/instrument-a-flask-service.md, followed to the letter by a service that has nothing else of ours."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import Counter, Gauge
from sqlalchemy import create_engine

from flask_telemetry import Telemetry
from tests.sample_app.conftest import SAMPLE_APP, get, wait_until
from tests.sample_app.small_services import SmallService

PAGE = (Path(__file__).parents[2] / "docs/how-to/instrument-a-flask-service.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(COMMAND,) = re.findall(r"```console\n(.*?)\n```", PAGE, re.DOTALL)
ARTICLE = {
    "http_request_method": "GET",
    "http_route": "/articles/<int:number>",
    "http_response_status_code": "200",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_three_lines_instrument_another_service(
    make_small_service: Callable[..., SmallService], tmp_path: Path, workers: int
) -> None:
    (program,) = (code for code in CODE if code.startswith("# shop.py\n"))
    shutil.copytree(SAMPLE_APP / "flask_telemetry", tmp_path / "flask_telemetry")
    shop = make_small_service(program, workers=workers, package_from=tmp_path)
    shop.start(command=tuple(shlex.split(COMMAND))).ready()

    assert {get(f"{shop.url}/articles/{number}")[0] for number in range(20)} == {200}
    assert get(f"{shop.url}/nowhere?token=secret")[0] == 404
    metrics = shop.metrics()
    assert metrics("http_server_request_duration_seconds_count", **ARTICLE) == 20
    assert [labels["version"] for labels in metrics.labels_of("shop_build_info")] == ["1.4.0"]
    assert get(f"{shop.metrics_url}/livez") == (200, "ok\n")
    assert get(f"{shop.url}/metrics")[0] == 404
    for name in re.findall(r"^\| ((?:http|shop|process)_\w*)", PAGE, re.MULTILINE):
        assert any(sample.startswith(name) for sample, _ in metrics.samples), name

    wait_until(lambda: shop.log.count('"shop.request"') == 22)
    lines = [json.loads(line) for line in shop.log.splitlines()]
    assert [line["route"] for line in lines[-2:]] == ["_unmatched"] * 2
    assert "secret" not in shop.log


def test_the_other_pieces_of_code_work_in_their_place() -> None:
    """The database, own metrics, and the configuration file of one's own."""
    ran = 0
    for code in CODE:
        if code.startswith("# shop.py\n"):
            continue
        names = {
            "app": Flask("shop"),
            "engine": create_engine("sqlite://"),
            "Telemetry": Telemetry,
            "Counter": Counter,
            "Gauge": Gauge,
        }
        exec(code, names)  # noqa: S102 - our own page
        ran += 1
    assert ran == 3
