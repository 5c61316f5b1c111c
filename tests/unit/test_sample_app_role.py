"""The role of the sample app: each setting of the app is a variable with the app's own default, and its unit migrates first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from fintech import config
from fintech.__main__ import main

from .topology_builder import ROOT

ROLE = ROOT / "roles" / "sample_app"
# Settings whose variable has another name, a default of its own, or both.
OF_THE_STACK = {
    "FINTECH_SECRET_KEY", "FINTECH_ADMIN_TOKEN", "FINTECH_DATABASE_URL", "FINTECH_METRICS_LISTEN",
    "FINTECH_METRICS_TLS_CERT", "FINTECH_METRICS_TLS_KEY", "FINTECH_TRUSTED_PROXIES", "FINTECH_PATH_PREFIX",
}  # fmt: skip
DOCUMENTED = dict(re.findall(r"^\| (FINTECH_\w+) \|.*\| (\S+) \|$", config.__doc__ or "", re.MULTILINE))


def role_file(name: str) -> dict[str, Any]:
    """A file of the role, its templates unresolved."""
    loaded: dict[str, Any] = DataLoader().load_from_file(str(ROLE / name / "main.yml"), trusted_as_template=True)
    return loaded


def unit(**told: object) -> dict[str, Any]:
    """The unit as it is with these variables."""
    variables = {**role_file("defaults"), **role_file("vars"), **told}
    resolved: dict[str, Any] = Templar(loader=DataLoader(), variables=variables).template(variables["__sample_app_unit"])
    return resolved


def test_every_setting_of_the_app_comes_from_the_role() -> None:
    settings = set(re.findall(r"FINTECH_\w+[A-Z]", config.__doc__ or ""))
    rendered = (ROLE / "vars/main.yml").read_text(encoding="utf-8")
    assert len(settings) > 10
    assert [name for name in sorted(settings) if name not in rendered] == []


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - OF_THE_STACK))
def test_the_role_has_the_defaults_of_the_app(name: str) -> None:
    variable = name.replace("FINTECH_", "sample_app_").lower()
    assert str(role_file("defaults")[variable]) == DOCUMENTED[name]


def test_the_unit_brings_the_database_up_to_date_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command line knows what the unit says: it gets as far as to miss the settings."""
    monkeypatch.delenv("FINTECH_SECRET_KEY", raising=False)
    python, module, program, command, *flags = unit()["extra"]["ExecStartPre"].split()
    assert (python, module, program, command) == ("/usr/bin/python3", "-m", "fintech", "migrate")
    assert main([command, *flags]) == 2
    assert capsys.readouterr().err.startswith("fintech: FINTECH_SECRET_KEY: it is not set")


def test_with_an_authority_the_database_must_prove_itself() -> None:
    environment = unit(sample_app_database_ca_file="/files/ca.pem")["environment"]
    assert environment["PGSSLMODE"] == "verify-full"
    assert environment["PGSSLROOTCERT"] == "{config}/database_ca.pem"


def test_without_an_authority_the_url_decides() -> None:
    assert not {name for name in unit()["environment"] if name.startswith("PGSSL")}
