"""Action side of ``promontory.stack.component``: choose the release, render the set, one call to the host."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.promontory.stack.plugins.action.settled import SET_FACT
from ansible_collections.promontory.stack.plugins.module_utils.apt_repository import Unavailable
from ansible_collections.promontory.stack.plugins.module_utils.checksum import sha256_of
from ansible_collections.promontory.stack.plugins.module_utils.config_tree import Tree, digest
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.fetch import is_reachable
from ansible_collections.promontory.stack.plugins.plugin_utils import apt_source, artifact, choice, python_release
from ansible_collections.promontory.stack.plugins.plugin_utils.rendering import plain, render
from ansible_collections.promontory.stack.plugins.plugin_utils.settings import Gate

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_MODULE = "promontory.stack.component"
_HOST_MODULE = "promontory.stack.host"
_RELEASE_KEYS = {
    "program", "version", "install_from", "archive", "packages", "optional_packages", "package_files", "python", "version_command",
    "allow_downgrade", "apt_source",
}  # fmt: skip
_KEYS = {
    "name", "state", "purge_data", "release", "user", "config", "config_extra", "secrets", "flags", "flags_extra", "flags_help",
    "settings", "exec", "unit", "reload", "checks", "readback", "data_backup", "known_keys", "keep_generations",
    "fetch_from", "artifact_cache", "artifact_mirror",
}  # fmt: skip


class ActionModule(ActionBase):  # type: ignore[misc]
    """Renders a component on the controller and has the host carry the transaction out."""

    # A directory for files on the host is made only when there is one to bring: it would cost three calls each time.
    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for its arguments and result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        arguments = plain(self._task.args)
        phase = {"phase": "preflight"} if self._is_preflight() else {}
        try:
            result.update(self._run(arguments), **phase)
        except ComponentError as error:
            raise AnsibleActionFail(str(error), result=phase) from error
        finally:
            if self._connection._shell.tmpdir:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        result.pop("invocation", None)  # it would repeat the whole configuration in every log
        return result

    def _run(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = str(arguments.get("name") or "")
        unknown = sorted(set(arguments) - _KEYS)
        if not name or unknown:
            raise ComponentError(
                f"component {name!r}: unknown argument {unknown[0]}." if unknown else "component: name is missing."
            )
        if not _NAME.fullmatch(name):
            raise ComponentError(
                f"component {name!r}: a name has small letters, digits, - and _ and begins with a letter; it names a unit "
                "and directories."
            )
        state = arguments.get("state", "present")
        release = arguments.get("release") or {}
        if set(release) - _RELEASE_KEYS:
            raise ComponentError(f"{name}: release.{sorted(set(release) - _RELEASE_KEYS)[0]} is unknown.")
        program = str(release.get("program") or name)
        if state != "present":
            purge = bool(arguments.get("purge_data", False))
            # Without a release the host's journal knows which program it was.
            return self._call({"name": name, "program": release.get("program"), "state": state, "purge_data": purge})
        host = self._host_facts()
        wanted = self._wanted(arguments, release, program)
        known = choice.Host(
            architecture=host["architecture"], python=host["python"], installed=host["installed"].get(name) or {}
        )
        chosen = choice.choose(
            wanted,
            known,
            candidate=lambda: self._candidate(name, program, wanted),
            offered=lambda: self._offered(name, program, wanted),
        )
        gate = Gate(
            program=name, version=chosen.version, source=chosen.source, settings=arguments.get("settings") or {}
        )
        rendered = render(arguments, gate, systemd=int(host["systemd"]))
        wire = {
            "name": name,
            "program": program,
            "user": str(arguments.get("user") or name),
            "files": rendered.files,
            "secrets": {key: str(value) for key, value in (arguments.get("secrets") or {}).items()},
            "unit": rendered.unit,
            "request": wanted.request(),
            "checks": arguments.get("checks") or [],
            "help_command": arguments.get("flags_help") or [],
            "used_flags": rendered.used_flags,
            "reload_paths": (arguments.get("reload") or {}).get("paths") or [],
            "readback": arguments.get("readback") or {},
            "data_backup": arguments.get("data_backup") or {},
            "known_keys": arguments.get("known_keys") or {},
            "keep_generations": int(arguments.get("keep_generations", 3)),
            "allow_downgrade": bool(release.get("allow_downgrade", False)),
            "release": self._wire_release(release, program, chosen),
        }
        lacks = known.installed.get("release") != chosen.name
        tree = Tree(files=wire["files"], secrets=wire["secrets"])
        asked = {
            "digest": digest(chosen.name, tree, rendered.unit),
            "request": wanted.request(),
            "release": wire["release"],
        }
        if self._is_preflight():
            if lacks:
                self._local_artifact(wanted, chosen, known)
            facts = {f"{SET_FACT}{name}": asked}
            return {"changed": False, "version": chosen.version, "source": chosen.source, "ansible_facts": facts}
        settled = self._settled(name)
        if settled.get("digest") == asked["digest"]:
            serving = {key: settled[key] for key in ("version", "generation")}
            return {"changed": False, "actions": [], "diff": [], **serving}
        return self._apply(wire, wanted, chosen, known, bring=lacks)

    # -- what is asked for, and of whom ------------------------------------------------------------

    def _wanted(self, arguments: Mapping[str, Any], release: Mapping[str, Any], program: str) -> choice.Wanted:
        cache = (
            arguments.get("artifact_cache") or self._stack("stack_artifact_cache") or "~/.cache/promontory/artifacts"
        )
        return choice.Wanted(
            component=str(arguments["name"]),
            program=program,
            version=str(release.get("version") or ""),
            install_from=str(release.get("install_from") or "auto"),
            archive=release.get("archive") or {},
            packages=[str(package) for package in release.get("packages") or []],
            python=release.get("python") or {},
            mirror=str(arguments.get("artifact_mirror") or self._stack("stack_artifact_mirror") or ""),
            cache=Path(os.path.expanduser(os.path.expandvars(str(cache)))),
            fetch_from=str(arguments.get("fetch_from") or self._stack("stack_fetch_from") or "controller"),
            apt_source=apt_source.describe(str(arguments["name"]), release.get("apt_source") or {}),
        )

    def _stack(self, variable: str) -> Any:
        """A stack-wide variable, so that not every role must hand it on."""
        value = self._task_vars.get(variable)
        return plain(self._templar.template(value)) if value is not None else None

    def _is_preflight(self) -> bool:
        """Tell whether the set is only to be rendered and its release to be found, before anything is changed."""
        return bool(self._stack("stack_component_phase") == "preflight")

    def _settled(self, name: str) -> dict[str, Any]:
        """What the host said a moment ago of this component, if it was asked; see ``promontory.stack.settled``."""
        facts = (self._task_vars.get("ansible_facts") or {}).get("stack_settled") or {}
        return dict(plain(facts.get(name) or {}))

    def _host_facts(self) -> dict[str, Any]:
        facts = (self._task_vars.get("ansible_facts") or {}).get("stack_host")
        if facts:
            return dict(plain(facts))
        answer = self._execute_module(module_name=_HOST_MODULE, module_args={}, task_vars=self._task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            raise ComponentError(f"The host cannot be asked what it is: {answer.get('msg')}")
        return dict(plain(answer["ansible_facts"]["stack_host"]))

    def _candidate(self, name: str, program: str, wanted: choice.Wanted) -> str:
        asked = {"name": name, "program": program, "state": "candidate", "release": {"packages": list(wanted.packages)}}
        answer = self._call(asked)
        if answer.get("failed"):
            raise ComponentError(f"{name}: {answer.get('msg')}")
        return str(answer["candidate"])

    def _offered(self, name: str, program: str, wanted: choice.Wanted) -> str:
        """The full version that the component's own repository has, asked by the host with the verified key."""
        if wanted.apt_source is None:
            raise AssertionError("asked only where there is one")
        release = {
            "packages": list(wanted.packages), "version": wanted.version, "apt_source": wanted.apt_source.wire(wanted.cache),
        }  # fmt: skip
        answer = self._call({"name": name, "program": program, "state": "candidate", "release": release})
        if answer.get("failed"):
            raise ComponentError(f"{name}: {answer.get('msg')}")
        if answer.get("unavailable"):
            said = answer["unavailable"]
            raise Unavailable(f"{name}: {said['message']}", hint=str(said["hint"]), detail=str(said["detail"]))
        return str(answer["candidate"])

    # -- the call ----------------------------------------------------------------------------------

    @staticmethod
    def _wire_release(release: Mapping[str, Any], program: str, chosen: choice.Choice) -> dict[str, Any]:
        packaged = chosen.source in ("package", "repository")
        return {
            "program": program,
            "name": chosen.name,
            "version": chosen.version,
            "source": chosen.source,
            "packages": release.get("packages") or [] if packaged else [],
            "optional_packages": release.get("optional_packages") or [] if packaged else [],
            "package_version": chosen.package_version,
            "package_files": release.get("package_files") or {} if packaged else {},
            "version_command": release.get("version_command") or [],
        }

    def _apply(
        self, wire: dict[str, Any], wanted: choice.Wanted, chosen: choice.Choice, host: choice.Host, *, bring: bool
    ) -> dict[str, Any]:
        if bring:
            self._bring_artifact(wire["release"], wanted, chosen, host)
        answer = self._call(wire)
        if answer.get("need_artifact"):  # the journal names the release, but its files are gone or damaged
            self._bring_artifact(wire["release"], wanted, chosen, host)
            answer = self._call(wire)
        return answer

    def _bring_artifact(
        self, release: dict[str, Any], wanted: choice.Wanted, chosen: choice.Choice, host: choice.Host
    ) -> None:
        if chosen.source == "repository" and wanted.apt_source is not None:
            release["apt_source"] = wanted.apt_source.wire(wanted.cache)
            return
        path = self._local_artifact(wanted, chosen, host)
        if path is None:
            if chosen.archive is not None:
                release["url"] = chosen.archive.url
                release["sha256"] = artifact.Cache(wanted.cache).expected_sum(chosen.archive)
            return
        release["sha256"] = sha256_of(path)
        tmpdir = self._connection._shell.tmpdir or self._make_tmp_path()
        release["artifact"] = self._transfer_file(str(path), self._connection._shell.join_path(tmpdir, path.name))

    @staticmethod
    def _local_artifact(wanted: choice.Wanted, chosen: choice.Choice, host: choice.Host) -> Path | None:
        """Have the artifact on this machine, verified; None where the host fetches for itself."""
        if chosen.project is not None:
            described = python_release.PythonRelease(version=chosen.version, name=chosen.name)
            return python_release.build(
                chosen.project, described, python=host.python, architecture=host.architecture, into=wanted.cache
            )
        if chosen.archive is None:
            return None
        if wanted.fetch_from == "target":
            unreachable = is_reachable(chosen.archive.url)
            if unreachable:
                raise ComponentError(
                    f"{wanted.component}: {chosen.archive.url} {unreachable}.",
                    hint="Set stack_fetch_from: controller, stack_artifact_mirror, or install_from: package.",
                )
            return None
        return artifact.Cache(wanted.cache).ensure(chosen.archive)

    def _call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=_MODULE, module_args=arguments, task_vars=self._task_vars
        )
        answer.pop("invocation", None)
        return answer
