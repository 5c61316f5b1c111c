"""A component's one transaction: release, configuration tree, unit and running state change together.

The steps, and what a run killed after each leaves behind:

1. stage the release beside the others            the old set serving, an unused directory
2. check the set with the program's own tools     the same, and a scratch directory
3. write the generation                           the old set serving, an unused directory
4. journal: under way                             the same, known to the next run
5. swap the link ``/etc/<name>/current``          the new set on disk, the old one serving
6. reload or restart                              the new set serving
7. read back the truth from the program           the new set serving
8. journal: committed

Between 4 and 5, where another version is to run on the program's data and the role asks for it, the service is
stopped and the data are backed up.

A failure from 5 on swaps back, puts the data back and starts the old set again. The next run after a kill removes what was
not swapped in; what was, it activates and reads back again before it commits, or swaps back.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ansible_collections.promontory.stack.plugins.module_utils import (
    accounts,
    atomic,
    config_tree,
    data_backup,
    debian,
    housekeeping,
    journal,
    versions,
)
from ansible_collections.promontory.stack.plugins.module_utils import release as releases
from ansible_collections.promontory.stack.plugins.module_utils.activation import (
    RECORD,
    ClientMaker,
    Service,
    record_of,
    start_and_read_back,
    text_of,
)
from ansible_collections.promontory.stack.plugins.module_utils.declaration import Declaration, Outcome, places
from ansible_collections.promontory.stack.plugins.module_utils.errors import ComponentError
from ansible_collections.promontory.stack.plugins.module_utils.judge import judge, judge_uninstalled
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout
from ansible_collections.promontory.stack.plugins.module_utils.settled import lies_whole, live_digest


class Transaction:
    """Brings one component to a declared state.

    Args:
        layout: The component's paths.
        service: Its unit in systemd.
        check_mode: Judge and show, change nothing.
        client: Makes the client for a readback, by HTTP when left out; replaced in unit tests.
    """

    def __init__(
        self,
        layout: Layout,
        service: Service,
        *,
        check_mode: bool = False,
        client: ClientMaker | None = None,
    ) -> None:
        self.layout = layout
        self.service = service
        self.check_mode = check_mode
        self._client = client
        self._outcome = Outcome()
        self._journal = self._load()

    # -- the three things that can be asked for ----------------------------------------------------

    def apply(self, declared: Declaration) -> Outcome:
        """Make the declared set serve, or leave the former one serving.

        Raises:
            ComponentError: The set was refused, or failed and was put back, or the disk is full.
            releases.NeedArtifact: The release's archive must be brought by the controller.
        """
        try:
            return self._apply(declared)
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            left = self._journal.under_way
            state = f"the next run goes on with {left.version}" if left else self._otherwise()
            raise ComponentError(
                f"{self.layout.name}: {error.strerror or error}{where}.",
                hint=f"Free some space or mend that path on this host and run again; {state}.",
            ) from error

    def remove(self, *, purge_data: bool) -> Outcome:
        """Stop the component and take away all that was installed for it.

        Args:
            purge_data: Also remove its data and its system account.
        """
        user = self._journal.user or self.layout.name
        present = housekeeping.is_present(self.layout)
        data = purge_data and (housekeeping.has_data(self.layout) or accounts.is_ours(user))
        if present:
            self._outcome.did(f"remove {self.layout.name}")
        if data:
            self._outcome.did(f"remove the data of {self.layout.name}")
        if self.check_mode:
            return self._outcome
        if present:
            self._uninstall()
        if data:
            if housekeeping.has_data(self.layout):
                housekeeping.remove_data(self.layout)
            accounts.remove(user)
        return self._outcome

    def roll_back(self) -> Outcome:
        """Make the former generation serve again, gated on its readiness.

        Raises:
            ComponentError: There is no former generation, or it does not serve; then the present one is put back.
        """
        if not self.check_mode:
            self._recover(None)
        former, serving = self._journal.former, self._journal.committed
        if former is None or serving is None or not self.layout.generation(former.id).is_dir():
            raise ComponentError(
                f"{self.layout.name}: there is no former generation to go back to on this host.",
                hint="Declare the version and configuration you want instead and run the playbook.",
            )
        self._outcome.did(f"go back from {serving.version} ({serving.id}) to {former.version} ({former.id})")
        if self.check_mode:
            return self._finished(serving)
        self._save(replace(self._journal, under_way=former))
        self._back_up(former, wanted=True)
        self._activate(former, reload_only=False)
        self._save(replace(self._journal, committed=replace(former, at=time.time()), former=serving, under_way=None))
        return self._finished(former)

    # -- present, step by step ----------------------------------------------------------------------

    def _apply(self, declared: Declaration) -> Outcome:
        config_tree.require_safe_paths(self.layout.name, declared.tree)
        self._refuse_downgrade(declared)
        self._refuse_foreign_unit()
        if not self.check_mode and self._recover(declared):
            return self._finished(self._journal.committed)
        digest = declared.digest()
        if self._is_as_declared(declared, digest):
            return self._ensure_running(declared)
        self._show(declared)
        if self.check_mode:
            judge_uninstalled(self.layout, declared, otherwise=self._otherwise())
            self._outcome.did(f"would activate {declared.release.program} {declared.release.version}")
            return self._finished(self._journal.committed)
        release = self.layout.opt / declared.release.name
        if not releases.is_intact(release, declared.release):
            releases.stage(declared.release, release, apt=debian.Apt())
            self._outcome.did(
                f"install {declared.release.program} {declared.release.version} ({declared.release.source})"
            )
        judge(self.layout, declared, release, otherwise=self._otherwise())
        owner = accounts.ensure(declared.user) if os.geteuid() == 0 else None
        target = self._write_generation(declared, digest, owner)
        reload_only = self._reload_is_enough(target, declared.reload_paths)
        backup = self._back_up(target, wanted=bool(declared.data_backup))
        self._activate(target, reload_only=reload_only, backup=backup)
        self._commit(target, declared)
        self._outcome.did(f"{'reload' if reload_only else 'restart'} {self.layout.unit_name}")
        return self._finished(target)

    def _refuse_downgrade(self, declared: Declaration) -> None:
        serving = self._journal.committed
        if serving is None or declared.allow_downgrade:
            return
        if versions.key(declared.release.version) < versions.key(serving.version):
            raise ComponentError(
                f"{self.layout.name}: {declared.release.version} is older than {serving.version}, which serves on this host.",
                hint=f"Set {self.layout.name}_allow_downgrade: true if the older version can read its data, "
                "or go back to the former generation with a rollback.",
            )

    def _refuse_foreign_unit(self) -> None:
        link = self.layout.unit_link
        if self._journal.committed is None and self._journal.under_way is None and os.path.lexists(link):
            raise ComponentError(
                f"{link} is there already, and not from here.",
                hint=f"Stop {self.layout.unit_name}, move that file away and run again; nothing was changed.",
            )

    def _is_as_declared(self, declared: Declaration, digest: str) -> bool:
        serving, layout = self._journal.committed, self.layout
        return (
            serving is not None
            and serving.digest == digest
            and config_tree.read(layout.config) == declared.live_texts(layout)
            and self._unit_on_disk() == declared.unit_text(layout)
            and lies_whole(layout, serving, declared.release)
        )

    def _ensure_running(self, declared: Declaration) -> Outcome:
        serving = self._journal.committed
        if serving is None:
            raise AssertionError("a set that is as declared is committed")
        if serving.request != declared.request and not self.check_mode:
            # Another way to ask for the same set: only the record of it changes.
            serving = replace(serving, request=declared.request)
            self._save(replace(self._journal, committed=serving))
        status = self.service.status()
        if not status.active or status.stale:
            self._outcome.did(f"restart {self.layout.unit_name}, which was {status.state}")
            if not self.check_mode:
                self.service.daemon_reload()
                self._start_and_read_back(serving, reload_only=False)
        return self._finished(serving)

    def _show(self, declared: Declaration) -> None:
        layout, serving, release = self.layout, self._journal.committed, declared.release
        unit = self._unit_on_disk()
        old_unit = {layout.unit_name: unit} if unit else {}
        new_unit = {layout.unit_name: declared.unit_text(layout)}
        where = f"/etc/{layout.name}/current/config"
        self._outcome.diff += config_tree.diffs(config_tree.read(layout.config), declared.live_texts(layout), where)
        self._outcome.diff += config_tree.diffs(old_unit, new_unit, "/etc/systemd/system")
        old = f"{serving.version} ({serving.source}, {serving.release})\n" if serving else ""
        new = f"{release.version} ({release.source}, {release.name})\n"
        if old != new:
            header = f"/opt/{layout.program}: version"
            self._outcome.diff.append({"before_header": header, "after_header": header, "before": old, "after": new})

    def _write_generation(
        self, declared: Declaration, digest: str, owner: tuple[int, int] | None
    ) -> journal.Generation:
        layout, release = self.layout, declared.release
        target = journal.Generation(
            id=f"{self._journal.next_number:04d}-{digest[:8]}",
            digest=digest,
            release=release.name,
            version=release.version,
            source=release.source,
            request=declared.request,
        )
        live = places(layout, release.name)
        try:
            layout.generations.mkdir(mode=0o755, parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=layout.generations))
            staging.chmod(0o755)
            config_tree.write(staging / "config", declared.tree, owner=owner, places=live)
            atomic.write_file(staging / layout.unit_name, declared.unit_text(layout).encode(), mode=0o644)
            record = {
                "generation": asdict(target),
                "user": declared.user,
                "readback": dict(declared.readback),
                "data_backup": dict(declared.data_backup),
                "live": live_digest(declared.live_texts(layout), declared.unit_text(layout)),
            }
            atomic.write_file(staging / RECORD, json.dumps(record).encode(), mode=0o600)
            os.symlink(live["release"], staging / "release")
            os.replace(staging, layout.generation(target.id))
            atomic.sync_directory(layout.generations)
            self._save(replace(self._journal, user=declared.user, under_way=target))
        except OSError:
            for leftover in housekeeping.leftovers(layout):
                atomic.remove_tree(leftover)
            atomic.remove_tree(layout.generation(target.id))
            if self._journal.committed is None:
                housekeeping.remove_installed(layout)
            raise
        return target

    def _commit(self, target: journal.Generation, declared: Declaration) -> None:
        former = self._journal.committed
        if former is not None and former.digest == target.digest:
            former = self._journal.former  # a repair: what was edited by hand is nothing to go back to
        committed = replace(target, at=time.time())
        self._save(replace(self._journal, user=declared.user, committed=committed, former=former, under_way=None))
        housekeeping.remove_old(self.layout, self._known_generations(), keep=declared.keep_generations)

    def _back_up(self, target: journal.Generation, *, wanted: bool) -> data_backup.Backup | None:
        """Keep the data of the version that serves before another one runs on them; the service is stopped then.

        How it is done is told by the serving set, not by the target: that one may name another database.

        Raises:
            ComponentError: There is no room, or the data cannot be kept; the former set serves again.
        """
        serving, layout = self._journal.committed, self.layout
        if not wanted or serving is None or serving.version == target.version:
            return None
        options = record_of(layout.generation(serving.id)).get("data_backup") or {}
        if not options:
            return None
        spec = data_backup.from_mapping(layout, options, places(layout, serving.release))
        if not data_backup.is_needed(spec):
            return None
        try:
            data_backup.require_room(spec)
            self.service.stop()
            backup = data_backup.take(spec, version=serving.version)
        except (ComponentError, OSError) as error:
            if not self.service.status().active:
                self._start_and_read_back(serving, reload_only=False)
            self._forget(target)
            raise ComponentError(
                f"{layout.name}: the data of {serving.version} cannot be backed up, so it is not replaced.",
                detail=str(error),
                hint=f"{self._otherwise()[:1].upper()}{self._otherwise()[1:]}.",
            ) from error
        self._outcome.did(f"back up the data of {layout.name} {serving.version} to {backup.directory}")
        return backup

    # -- activation -----------------------------------------------------------------------------------

    def _activate(
        self, target: journal.Generation, *, reload_only: bool, backup: data_backup.Backup | None = None
    ) -> None:
        """Swap, start and read back; on failure put the committed set back.

        Raises:
            ComponentError: The target does not serve; the message says why and what serves now.
        """
        try:
            atomic.point_link(self.layout.current, f"generations/{target.id}")
            housekeeping.link_unit(self.layout)
            # Before a reload too: systemd sees another file behind the unit's link, even with the same text.
            self.service.daemon_reload()
            self._start_and_read_back(target, reload_only=reload_only)
        except (ComponentError, OSError) as error:
            state = self._put_back(target, reload_only=reload_only, backup=backup)
            raise ComponentError(
                f"{self.layout.name} {target.version}: the new set does not serve.", detail=str(error), hint=state
            ) from error

    def _put_back(self, target: journal.Generation, *, reload_only: bool, backup: data_backup.Backup | None) -> str:
        serving = self._journal.committed
        if serving is None:
            self._uninstall()
            return "It was stopped and removed again; nothing of it is active."
        if atomic.read_link(self.layout.current) == f"generations/{serving.id}":
            if backup is not None:  # it was stopped for the backup
                self.service.restart()
            self._forget(target)
            return f"The swap itself failed; {self._otherwise()}."
        atomic.point_link(self.layout.current, f"generations/{serving.id}")
        try:
            if backup is not None and backup.can_be_put_back:
                self.service.stop()
                data_backup.put_back(backup)
            self.service.daemon_reload()
            self._start_and_read_back(serving, reload_only=reload_only and self.service.status().active)
            data = ", on its data from before" if backup is not None and backup.can_be_put_back else ""
            state = f"Put back: {serving.version} serves with its former set{data}."
        except (ComponentError, OSError) as error:
            state = f"Put back to {serving.version}, which does not come up either: {error}"
        self._forget(target)
        return state

    def _start_and_read_back(self, target: journal.Generation, *, reload_only: bool) -> None:
        start_and_read_back(self.layout, self.service, target, reload_only=reload_only, client=self._client)

    def _reload_is_enough(self, target: journal.Generation, reload_paths: Sequence[str]) -> bool:
        serving = self._journal.committed
        if serving is None or serving.release != target.release or not reload_paths:
            return False
        status = self.service.status()
        if not status.active or status.stale or not housekeeping.unit_links_right(self.layout):
            return False
        old, new = self.layout.generation(serving.id), self.layout.generation(target.id)
        if text_of(old / self.layout.unit_name) != text_of(new / self.layout.unit_name):
            return False
        changed = config_tree.changed_paths(config_tree.read(old / "config"), config_tree.read(new / "config"))
        # Nothing changed means that the live files were edited in place: only a restart is sure to undo it.
        return bool(changed) and config_tree.only_in(changed, reload_paths)

    # -- after a kill ---------------------------------------------------------------------------------

    def _recover(self, declared: Declaration | None) -> bool:
        """Deal with what a killed run left.

        Returns:
            True when the set it was activating is the declared one and serves now, committed.
        """
        housekeeping.remove_unfinished(self.layout, self._known_generations())
        left, serving = self._journal.under_way, self._journal.committed
        if left is None:
            return False
        self._outcome.did(f"repair: an earlier run was ended while it activated {left.version}")
        swapped = atomic.read_link(self.layout.current) == f"generations/{left.id}"
        if swapped and declared is not None and left.digest == declared.digest():
            self._activate(left, reload_only=False)
            self._commit(left, declared)
            return True
        if serving is None:
            self._uninstall()
            return False
        # Even where the link is right another set may run: the run may have been ended while it put this one back.
        if swapped:
            atomic.point_link(self.layout.current, f"generations/{serving.id}")
        try:
            self.service.daemon_reload()
            self._start_and_read_back(serving, reload_only=False)
        except (ComponentError, OSError) as error:
            # Not the end: the set declared now may be the very remedy.
            self._outcome.did(f"repair: {serving.version} does not come up again ({error})")
        self._forget(left)
        return False

    def _forget(self, target: journal.Generation) -> None:
        """Drop a set that was under way; a former generation (of a rollback) stays."""
        former = self._journal.former
        if former is None or former.id != target.id:
            atomic.remove_tree(self.layout.generation(target.id))
        self._save(replace(self._journal, under_way=None))

    # -- small things ---------------------------------------------------------------------------------

    def _uninstall(self) -> None:
        self.service.stop()
        housekeeping.unlink_unit(self.layout)
        self.service.daemon_reload()
        housekeeping.remove_installed(self.layout)
        self._journal = journal.Journal(component=self.layout.name, program=self.layout.program)

    def _known_generations(self) -> set[str]:
        held = (self._journal.committed, self._journal.former, self._journal.under_way)
        return {generation.id for generation in held if generation is not None}

    def _otherwise(self) -> str:
        serving = self._journal.committed
        if serving is None:
            return "nothing was installed"
        status = self.service.status()
        if not status.active:
            return f"{serving.version} does not run either ({status.state})"
        return f"{serving.version} still serves with its former set"

    def _unit_on_disk(self) -> str:
        return text_of(self.layout.current / self.layout.unit_name)

    def _load(self) -> journal.Journal:
        held = journal.load(self.layout.journal, component=self.layout.name, program=self.layout.program)
        record = {} if held.committed or held.under_way else record_of(self.layout.current)
        if not record:
            return held
        # The journal was lost or moved away: the set that is linked is the one that serves.
        return replace(held, user=record["user"], committed=journal.Generation(**record["generation"]))

    def _save(self, changed: journal.Journal) -> None:
        journal.save(self.layout.journal, changed)
        self._journal = changed

    def _finished(self, serving: journal.Generation | None) -> Outcome:
        if serving is not None:
            self._outcome.version, self._outcome.generation = serving.version, serving.id
        return self._outcome
