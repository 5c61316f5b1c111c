"""What runs on the host, as whom, and who can reach or read it."""

from __future__ import annotations

import socket

import pytest

from tests.support.asking import StackHost, wait_until

PORTS = {
    "prometheus": 9090,
    "alertmanager": 9093,
    "node_exporter": 9100,
    "blackbox_exporter": 9115,
    "pushgateway": 9091,
    "sample_app": 8000,
    "postgresql": 5432,
    "postgres_exporter": 9187,
    "edge_exporter": 9180,
    "mailbox": 8025,
    "edge": 80,
}
# systemd's own score, 0 is best; what it was when written, rounded up. A higher one wants a reason in the role.
EXPOSURE_LIMIT = {"edge": 1.5, "node_exporter": 2.0}


@pytest.fixture(params=sorted(PORTS))
def component(request: pytest.FixtureRequest) -> str:
    """Each component in turn."""
    return str(request.param)


def test_a_program_runs_as_its_own_user_and_starts_at_boot(host: StackHost, component: str) -> None:
    pid = host.unit(component, "MainPID")

    assert host.unit(component, "ActiveState") == "active"
    assert host.shell.file(f"/proc/{pid}").user == component
    assert host.shell.service(component).is_enabled


def test_only_the_edge_can_be_reached_from_outside(host: StackHost, component: str) -> None:
    with socket.socket() as knock:
        knock.settimeout(5)
        opened = knock.connect_ex((host.address, PORTS[component])) == 0

    assert opened == (component == "edge")


def test_the_sandbox_is_as_tight_as_it_was(host: StackHost, component: str) -> None:
    lines = str(host.shell.check_output("systemd-analyze security --no-pager %s.service", component)).splitlines()
    exposure = float(lines[-1].split(":")[1].split()[0])

    assert exposure <= EXPOSURE_LIMIT.get(component, 1.2), lines[-1]


def test_configuration_and_secrets_are_not_for_everybody(host: StackHost, component: str) -> None:
    config = f"/etc/{component}/current/config"
    loose = host.shell.check_output("find -L %s -perm /o=rwx", config)
    secrets = host.shell.check_output("find -L %s/ -path '*/secrets/*' -type f ! -perm 0600", config)

    assert loose == ""
    assert secrets == ""


def test_the_operators_passwords_are_hashed_and_the_edges_alone(host: StackHost) -> None:
    htpasswd = host.shell.file("/etc/edge/current/config/secrets/htpasswd")

    assert (htpasswd.user, htpasswd.mode) == ("edge", 0o600)
    assert htpasswd.content_string.startswith("admin:$6$")


def test_node_exporter_sees_the_host_through_its_sandbox(host: StackHost) -> None:
    """Read-only file systems and a blind clock would be the sandbox's, not the host's."""
    # Below ProtectSystem=strict all of /etc is read-only to the program itself.
    assert host.value('max(node_filesystem_readonly{mountpoint=~"/etc/.*"})') == 0
    assert host.value("node_timex_maxerror_seconds") is not None
    assert host.value("node_memory_MemAvailable_bytes") is not None
    assert host.query("node_network_receive_bytes_total") != []


def test_units_and_waiting_reboots_are_reported(host: StackHost) -> None:
    host.shell.check_output("touch /run/reboot-required")
    try:
        assert host.query('node_systemd_unit_state{name="prometheus.service", state="active"} == 1') != []
        wait_until(lambda: host.value("node_reboot_required") == 1, "the waiting reboot in Prometheus")
    finally:
        host.shell.check_output("rm /run/reboot-required")
    wait_until(lambda: host.value("node_reboot_required") == 0, "the reboot's end in Prometheus")


def test_the_journal_has_a_ceiling(host: StackHost) -> None:
    settings = host.shell.check_output("systemd-analyze cat-config systemd/journald.conf --no-pager")

    assert "\nSystemMaxUse=500M\n" in settings
