"""Lab hosts, made for real: what a run finds, it reuses or removes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.clones import Clone, podman_json

pytestmark = pytest.mark.lab

HARDENED = (
    "DynamicUser=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes PrivateUsers=yes "
    "ProtectKernelTunables=yes ProtectKernelModules=yes ProtectKernelLogs=yes ProtectControlGroups=yes ProtectClock=yes "
    "ProtectHostname=yes ProtectProc=invisible ProcSubset=pid RestrictNamespaces=yes RestrictRealtime=yes "
    "RestrictSUIDSGID=yes LockPersonality=yes MemoryDenyWriteExecute=yes NoNewPrivileges=yes RemoveIPC=yes "
    "SystemCallFilter=@system-service SystemCallArchitectures=native CapabilityBoundingSet= LimitNOFILE=65536"
)


def made(clone: Clone, *extra: str) -> int:
    """Make the lab and return how many tasks changed something."""
    run = clone.make(*extra)
    assert run.returncode == 0, run.output
    return run.changed


def kill_processes(clone: Clone, host: str, *, monitor: bool = True) -> None:
    """Kill what a host's container consists of, as the end of the machine's session does."""
    row = clone.containers()[host]
    found = subprocess.run(["pgrep", "-f", f"conmon.*{row['Id']}"], capture_output=True, text=True, check=False)
    for pid in [*(found.stdout.split() if monitor else []), row["Pid"]]:
        os.kill(int(pid), signal.SIGKILL)
    end = time.monotonic() + 10
    while Path(f"/proc/{row['Pid']}/exe").exists() and time.monotonic() < end:
        time.sleep(0.05)


def test_a_host_is_a_machine_with_systemd_reached_over_ssh(clone: Clone) -> None:
    """The base of everything: provisioning sees what it would see on a cloud instance."""
    assert made(clone) >= 1  # the base image too, on a machine that has none yet

    assert clone.on("one", "hostname") == "one"
    assert clone.on("one", "systemctl is-system-running") == "running"
    assert clone.on("one", "systemctl --failed --no-legend") == ""
    assert made(clone) == 0


def test_a_hardened_service_with_credentials_runs(lab: Clone) -> None:
    """Whatever systemd confines a service with on a machine, it can on a lab host."""
    options = " ".join(f"-p {option}" for option in HARDENED.split())

    said = lab.on(
        "one",
        f"systemd-run --quiet --wait --pipe {options} -p LoadCredential=word:/etc/hostname "
        "sh -c 'cat $CREDENTIALS_DIRECTORY/word; echo; id -u'",
    )

    word, user = said.split()
    assert word == "one"
    assert int(user) > 0


def test_the_machine_reaches_what_listens_on_a_host(lab: Clone) -> None:
    """URLs must open in the machine's own browser."""
    lab.on("one", "systemd-run --quiet -p DynamicUser=yes -p AmbientCapabilities=CAP_NET_BIND_SERVICE "
             "python3 -m http.server 80 --directory /usr/share/common-licenses")  # fmt: skip
    url = f"http://{lab.variables('one')['stack_address']}/Apache-2.0"

    end = time.monotonic() + 15
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                text = answer.read().decode()
            break
        except OSError:
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.1)

    assert "Apache License" in text


def test_hosts_of_a_lab_reach_each_other_and_install_packages(new_clone: Callable[..., Clone]) -> None:
    """Exporters are scraped across hosts, and packages come from the machine's mirrors."""
    clone = new_clone(hosts=("one", "two"))
    made(clone)
    other = clone.variables("two")["stack_address"]

    assert clone.on("one", "cat /etc/machine-id") != clone.on("two", "cat /etc/machine-id")
    assert clone.on("one", f"bash -c 'head -c 4 </dev/tcp/{other}/22'") == "SSH-"
    assert "nothing" not in clone.on(
        "two", "apt-get -qq update && apt-get -qq download hello && ls hello_* || echo nothing"
    )


def test_only_the_pinned_host_key_is_trusted(clone: Clone) -> None:
    """A host that shows another key is refused: keys are pinned, not learnt."""
    made(clone)
    clone.on("one", "rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; "
             "systemctl restart ssh")  # fmt: skip

    with pytest.raises(AssertionError, match="Host key verification failed"):
        clone.on("one", "true")


@pytest.mark.parametrize("how", ["stop", "kill", "pause", "processes", "processes-but-not-monitor"])
def test_a_host_that_stands_still_is_started_again_with_its_data(lab: Clone, how: str) -> None:
    """A broken run, a reboot or the end of a session must not cost what a host holds."""
    lab.on("one", "echo kept > /opt/note")
    name = lab.containers()["one"]["Names"][0]
    if how.startswith("processes"):
        kill_processes(lab, "one", monitor=how == "processes")
    else:
        subprocess.run(["podman", how, name], check=True, capture_output=True)

    assert made(lab) == 1

    assert lab.on("one", "cat /opt/note") == "kept"
    assert made(lab) == 0


@pytest.mark.parametrize("after_s", [0.9, 1.2, 1.6])
def test_a_run_killed_while_it_makes_a_host_is_finished_by_the_next(clone: Clone, after_s: float) -> None:
    """Whatever half of a host, network or key is there, the next run ends with a whole lab."""
    clone.make_and_kill(after_s)

    made(clone)

    assert clone.on("one", "hostname") == "one"
    assert made(clone) == 0


def test_a_stale_inventory_of_addresses_is_corrected(lab: Clone) -> None:
    """What a broken run wrote must not send the next one to a wrong address."""
    generated = lab.inventory / "hosts.generated.yml"
    right = generated.read_text(encoding="utf-8")
    generated.write_text(right.replace("10.", "192.", 1), encoding="utf-8")

    assert made(lab) == 1

    assert generated.read_text(encoding="utf-8") == right


def test_a_network_that_is_gone_comes_back_with_its_hosts(clone: Clone) -> None:
    """`podman network rm --force` takes the containers with it."""
    made(clone)
    subprocess.run(["podman", "network", "rm", "--force", clone.networks()[0]], check=True, capture_output=True)

    made(clone)

    assert clone.on("one", "hostname") == "one"


def test_a_host_the_inventory_no_longer_names_is_removed(new_clone: Callable[..., Clone]) -> None:
    """The inventory is the topology, of hosts too; the others keep address and data."""
    clone = new_clone(hosts=("one", "two"))
    made(clone)
    before = clone.variables("two")["ansible_host"]
    clone.on("two", "touch /opt/note")
    clone.names(("two",))

    assert made(clone) == 1

    assert set(clone.containers()) == {"two"}
    assert clone.variables("two")["ansible_host"] == before
    assert clone.on("two", "ls /opt") == "note"


def test_two_clones_do_not_disturb_one_another(new_clone: Callable[..., Clone]) -> None:
    """Same names in both, and removing one leaves the other as it was."""
    left, right = new_clone("left"), new_clone("right")
    made(left)
    made(right)
    left.on("one", "echo left > /opt/note")
    right.on("one", "echo right > /opt/note")

    assert left.remove().returncode == 0

    assert right.on("one", "cat /opt/note") == "right"
    assert made(right) == 0
    assert left.containers() == {}


def test_check_mode_makes_nothing(clone: Clone) -> None:
    """`--check` says what would be done."""
    run = clone.make("--check", "-v")

    assert run.returncode == 0, run.output
    assert run.changed == 1
    assert "made promontory-" in run.output
    assert clone.containers() == {}
    assert not (clone.path / ".lab").exists()
    assert not (clone.inventory / "hosts.generated.yml").exists()


def test_removing_leaves_nothing_and_can_be_repeated(clone: Clone) -> None:
    """Containers, network, addresses, keys and secrets: all gone."""
    made(clone)
    (clone.path / ".lab" / "test" / "secrets").mkdir()
    (clone.path / ".lab" / "test" / "secrets" / "word").write_text("x", encoding="utf-8")
    network = clone.networks()[0]

    first, second = clone.remove(), clone.remove()

    assert (first.returncode, first.changed) == (0, 1)
    assert (second.returncode, second.changed) == (0, 0)
    assert clone.containers() == {}
    assert network not in {row["name"] for row in podman_json("network", "ls", "--format", "json")}
    assert not (clone.path / ".lab").exists()
    assert not (clone.inventory / "hosts.generated.yml").exists()


def test_what_a_lab_keeps_is_its_owners_alone(lab: Clone) -> None:
    """Keys of hosts and logins are for nobody else's eyes."""
    state = lab.path / ".lab"

    modes = {str(path.relative_to(state)): path.stat().st_mode & 0o777 for path in [state, *state.rglob("*")]}

    assert modes["."] == modes["test"] == modes["test/ssh"] == 0o700
    private = {name: mode for name, mode in modes.items() if "ed25519" in name or "hosts/" in name}
    assert {mode for name, mode in private.items() if not name.endswith(".pub")} == {0o600}


def test_a_host_that_cannot_come_up_is_named_with_the_way_out(clone: Clone) -> None:
    """A red run says which host and how to look closer, within the time it was given."""
    made(clone)
    clone.on("one", "systemctl disable --now ssh.service ssh.socket; true")

    run = clone.make("-e", "lab_ready_timeout_s=2")

    assert run.returncode != 0
    assert "The lab host one did not answer SSH within 2 s" in run.output
    assert "podman exec promontory-" in run.output


def test_the_generated_inventory_is_plain_data(lab: Clone) -> None:
    """Other tools read it too: group lab_hosts, addresses, login, secrets' place."""

    said = lab.variables("one")

    assert said["stack_address"] == said["ansible_host"]
    assert said["stack_secrets_dir"] == str(lab.path / ".lab" / "test" / "secrets")
    assert json.dumps(said)
