#!/usr/bin/python
"""Make one program on a host what it is declared to be, as one transaction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: component
short_description: Release, configuration, unit and service of one program, as one transaction
version_added: "0.1.0"
author: Promontory contributors
description:
  - Declares everything that makes one program run on a host. All of it changes together, or not at all.
  - The release is staged, the configuration tree is written anew and judged by the program's own tools, one link is swapped,
    the service is reloaded or restarted, and the program itself is asked whether it serves. If it does not, the former set is put back.
  - A component that is as declared costs one remote call, no network and no request to the program.
  - C({release}), C({config}) and C({data}) in commands, flags, unit options and configuration texts stand for the release's directory,
    the configuration tree and the program's state directory.
options:
  name:
    description: Component; also the name of its unit, of C(/etc/<name>) and of C(/var/lib/<name>).
    type: str
    required: true
  state:
    description:
      - V(present) makes the declared set serve.
      - V(absent) stops the service and removes all that was installed, except its data.
      - V(rolled_back) makes the former generation serve again.
    type: str
    choices: [present, absent, rolled_back]
    default: present
  purge_data:
    description: With O(state=absent), also remove the data and the system account.
    type: bool
    default: false
  release:
    description: The program, its version and where it comes from. Required with O(state=present).
    type: dict
    suboptions:
      program:
        description: Directory under C(/opt). Default is O(name).
        type: str
      version:
        description: Upstream version. A package brings the version its distribution has. Required for an archive.
        type: str
      install_from:
        description:
          - V(archive) is the publisher's tar archive, V(package) a Debian package that is unpacked into the same layout,
            V(python) a Python project of ours that is packed on the controller with its locked dependencies.
          - V(repository) takes the packages from C(apt_source) instead of the host's own sources, in the version asked for.
          - V(auto) takes the archive where the cache or its source has it, else what C(apt_source) has, else the host's package,
            and keeps to that choice on a host.
        type: str
        choices: [auto, archive, repository, package, python]
        default: auto
      archive:
        description: C(url) and C(sums_url) with C({version}) and C({arch}), and C(sha256) by architecture where known.
        type: dict
      apt_source:
        description:
          - The publisher's own APT repository; C(uri), C(suite), C(components), C(fingerprint) of its key (40 hexadecimal digits), and
            where that key is, C(key_url) or C(key_file) on the controller.
          - Used for this component alone. C(/etc/apt) and the host's package lists are left as they are.
        type: dict
      packages:
        description: Debian packages to unpack; the first one gives the version.
        type: list
        elements: str
      optional_packages:
        description: Further packages, unpacked where the distribution has them; what is in one elsewhere may be apart there.
        type: list
        elements: str
      package_files:
        description: Path in the packages to path in the release, all files when left out. A path with a slash at its end may be missing.
        type: dict
      python:
        description: C(project) (directory with C(pyproject.toml)), C(packages) (directories) and C(lock) (requirements with hashes).
        type: dict
      version_command:
        description: Prints the version of the staged release; judged before anything is swapped.
        type: list
        elements: str
      allow_downgrade:
        description: Whether an older version may replace a newer one.
        type: bool
        default: false
  user:
    description: System account to run as, made when missing. Default is O(name).
    type: str
  config:
    description: The whole tree, path to one of C(content) (text), C(yaml) (data) or C(src) (file on the controller).
    type: dict
    default: {}
  config_extra:
    description: Free-form data merged over the C(yaml) of the same path; mappings merge, lists append.
    type: dict
    default: {}
  secrets:
    description: Name to text; written to C({config}/secrets/<name>) with mode 0600, never shown.
    type: dict
    default: {}
  flags:
    description: Command-line flags without their dashes; V(true) gives C(--name), V(false) C(--no-name), lists repeat, null drops.
    type: dict
    default: {}
  flags_extra:
    description: The user's flags, merged over O(flags).
    type: dict
    default: {}
  flags_help:
    description: Command that prints the flags the program knows; every flag used must be among them.
    type: list
    elements: str
    default: []
  settings:
    description:
      - Settings that not every version knows; C(flag:--name) or C(config:file:dotted.path) to C(since) and C(until).
      - Ours are left out for other versions; one that the user set is refused.
    type: dict
    default: {}
  exec:
    description: Program and arguments; C({flags}) expands to all flags. Required with O(state=present).
    type: list
    elements: str
  unit:
    description: What differs from the shared hardened unit; see C(plugins/module_utils/unit.py).
    type: dict
    default: {}
  reload:
    description: C(paths) (patterns of tree paths the program reads again) and C(signal). Anything else that changes is a restart.
    type: dict
    default: {}
  checks:
    description: Commands of the program's own that judge the tree; run before anything is swapped.
    type: list
    elements: list
    default: []
  readback:
    description:
      - What to ask the program afterwards; C(ready), C(version), C(reload), C(http), C(timeout_s), C(settle_s).
      - C(ready) may say with C(json) and C(is) what its answer must hold. C(reload.post) are URLs to post to instead of a signal.
    type: dict
    default: {}
  data_backup:
    description:
      - What to keep of the program's data before another version runs on them, in C(/var/lib/promontory/backups/<name>).
      - C(files) are copied while the service is stopped (with SQLite's companions) and put back when the new version does not serve.
      - C(command) writes a dump to C({backup}), with the variables of C(environment). C(keep) backups stay, 3 when left out.
    type: dict
    default: {}
  known_keys:
    description:
      - Keys that the user has set in an ini file, judged by the release; unknown ones are refused, which many programs do not do.
      - C(file) is the release's own file with every section and key, C(keys) are the user's by section,
        C(free) are patterns of sections that take any key.
    type: dict
    default: {}
  keep_generations:
    description: How many sets to keep, the serving one included.
    type: int
    default: 3
  fetch_from:
    description: Whether the controller fetches the archive and brings it, or the host fetches it.
    type: str
    choices: [controller, target]
    default: controller
  artifact_cache:
    description: Directory of archives on the controller.
    type: str
  artifact_mirror:
    description: Base URL used instead of C(https://github.com).
    type: str
attributes:
  check_mode:
    description: Judges the set with its own release and shows the same diff, also on a host that has nothing.
    support: full
  diff_mode:
    description: Shows configuration, unit and version; of secrets only that they change.
    support: full
"""

EXAMPLES = r"""
- name: Node exporter is as declared
  promontory.stack.component:
    name: node_exporter
    release:
      version: "1.9.0"
      archive:
        url: https://github.com/prometheus/node_exporter/releases/download/v{version}/node_exporter-{version}.linux-{arch}.tar.gz
      packages: [prometheus-node-exporter]
      package_files: {usr/bin/prometheus-node-exporter: node_exporter}
      version_command: ["{release}/node_exporter", --version]
    flags:
      web.listen-address: 127.0.0.1:9100
    exec: ["{release}/node_exporter", "{flags}"]
    readback:
      ready: {url: "http://127.0.0.1:9100/"}

- name: It is gone again
  promontory.stack.component:
    name: node_exporter
    state: absent
    purge_data: true
"""

RETURN = r"""
version:
  description: Version that serves.
  returned: when something is installed
  type: str
  sample: 2.53.3
generation:
  description: Generation that serves.
  returned: when something is installed
  type: str
  sample: 0003-5f3a9c01
actions:
  description: What was done, in order.
  returned: always
  type: list
  elements: str
  sample: [install prometheus 2.53.3 (package), restart prometheus.service]
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.promontory.stack.plugins.module_utils import apt_repository, journal, release
from ansible_collections.promontory.stack.plugins.module_utils.config_tree import Tree
from ansible_collections.promontory.stack.plugins.module_utils.debian import Apt
from ansible_collections.promontory.stack.plugins.module_utils.declaration import Declaration, Outcome
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.service import Systemd
from ansible_collections.promontory.stack.plugins.module_utils.transaction import Transaction

# What the action plugin sends: everything chosen and rendered. Only `state: absent` and `rolled_back` make sense without it.
_WIRE = {
    "name": {"type": "str", "required": True},
    "program": {"type": "str"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent", "rolled_back", "candidate"]},
    "purge_data": {"type": "bool", "default": False},
    "release": {"type": "dict", "default": {}},
    "user": {"type": "str"},
    "files": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "unit": {"type": "str", "default": ""},
    "request": {"type": "str", "default": ""},
    "checks": {"type": "list", "elements": "list", "default": []},
    "help_command": {"type": "list", "elements": "str", "default": []},
    "used_flags": {"type": "list", "elements": "str", "default": []},
    "reload_paths": {"type": "list", "elements": "str", "default": []},
    "readback": {"type": "dict", "default": {}},
    "data_backup": {"type": "dict", "default": {}},
    "known_keys": {"type": "dict", "default": {}},
    "keep_generations": {"type": "int", "default": 3},
    "allow_downgrade": {"type": "bool", "default": False},
    "lock_wait_s": {"type": "float", "default": 90.0},
}


def main() -> None:
    """Run the module."""
    # no_log: the whole configuration would otherwise be copied into the host's log on every run.
    module = AnsibleModule(argument_spec=_WIRE, supports_check_mode=True, no_log=True)
    os.umask(0o022)  # a host's stricter one would keep the services from their own programs and configuration
    try:
        result = _run(module.params, check_mode=module.check_mode)
    except ComponentError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")
    module.exit_json(**result)


def _run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    name = params["name"]
    layout = Layout(name=name, program=params["program"] or _program(name))
    if params["state"] == "candidate":
        return _candidate(layout, params["release"], check_mode=check_mode)
    with journal.lock(layout.lock, wait_s=params["lock_wait_s"]):
        transaction = Transaction(layout, Systemd(layout.unit_name), check_mode=check_mode)
        if params["state"] == "absent":
            return _said(transaction.remove(purge_data=params["purge_data"]))
        if params["state"] == "rolled_back":
            return _said(transaction.roll_back())
        try:
            return _said(transaction.apply(_declaration(params)))
        except release.NeedArtifact:
            return {"changed": False, "need_artifact": True}


def _candidate(layout: Layout, wanted: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """The version of a package that its source would install; for a repository also why it has none."""
    package = wanted["packages"][0]
    if wanted.get("apt_source"):
        layout.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=layout.scratch_prefix, dir=layout.scratch) as scratch:
            own = apt_repository.RepositoryApt(scratch=Path(scratch), source=wanted["apt_source"])
            try:
                return {"changed": False, "candidate": own.version_of(package, wanted["version"])}
            except apt_repository.Unavailable as error:
                said = {"message": error.message, "detail": error.detail, "hint": error.hint}
                return {"changed": False, "candidate": "", "unavailable": said}
    lists = layout.root / "run/promontory/apt" if check_mode else None
    if lists is not None:
        lists.mkdir(parents=True, exist_ok=True)
    return {"changed": False, "candidate": Apt(scratch=lists).candidate(package)}


def _program(name: str) -> str:
    """The program that the host's journal names for a component, which a removal need not know."""
    return journal.load(Layout(name=name, program=name).journal, component=name, program=name).program


def _declaration(params: dict[str, Any]) -> Declaration:
    wanted = dict(params["release"])
    artifact = wanted.pop("artifact", None)
    return Declaration(
        release=release.Release(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in wanted.items()},
            artifact=Path(artifact) if artifact else None,
        ),
        user=params["user"],
        tree=Tree(files=params["files"], secrets=params["secrets"]),
        unit=params["unit"],
        request=params["request"],
        checks=params["checks"],
        help_command=params["help_command"],
        used_flags=params["used_flags"],
        reload_paths=params["reload_paths"],
        readback=params["readback"],
        data_backup=params["data_backup"],
        known_keys=params["known_keys"],
        keep_generations=params["keep_generations"],
        allow_downgrade=params["allow_downgrade"],
    )


def _said(outcome: Outcome) -> dict[str, Any]:
    return {
        "changed": outcome.changed,
        "actions": outcome.actions,
        "diff": outcome.diff,
        "version": outcome.version,
        "generation": outcome.generation,
    }


if __name__ == "__main__":
    main()
