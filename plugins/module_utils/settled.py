"""The question whether a set already serves just as it is declared, answered without the set itself.

A digest names the declared set; what was written for it is told by another digest in the generation's own
directory. So one call can ask for every component of a host, and those that are settled need no call of their own.
"""

from __future__ import annotations

import hashlib
import json

from ansible_collections.promontory.stack.plugins.module_utils import (
    atomic,
    config_tree,
    housekeeping,
    journal,
    release,
)
from ansible_collections.promontory.stack.plugins.module_utils.activation import Service, record_of, text_of
from ansible_collections.promontory.stack.plugins.module_utils.layout import Layout


def live_digest(texts: dict[str, str], unit_text: str) -> str:
    """Return the SHA-256 of a set's files as they lie on the host.

    Args:
        texts: ``{path: text}`` of the configuration tree, secrets included.
        unit_text: The unit file.
    """
    return hashlib.sha256(json.dumps([texts, unit_text], sort_keys=True).encode()).hexdigest()


def lies_whole(layout: Layout, serving: journal.Generation, wanted: release.Release) -> bool:
    """Tell whether a generation is linked, its unit and secrets are as they must be, and its release is intact.

    What its files say is another question, asked by digest here and with the texts in the transaction.
    """
    return (
        atomic.read_link(layout.current) == f"generations/{serving.id}"
        and housekeeping.unit_links_right(layout)
        and config_tree.secrets_are_private(layout.config)
        and release.is_intact(layout.opt / serving.release, wanted)
    )


def settled(
    layout: Layout, service: Service, *, digest: str, request: str, wanted: release.Release
) -> journal.Generation | None:
    """Return the generation that serves when it is the declared one, whole and running; else None.

    Args:
        layout: The component's paths.
        service: Its unit.
        digest: Of the declared set, see ``config_tree.digest``.
        request: Digest of what was asked for.
        wanted: The declared release.
    """
    held = journal.load(layout.journal, component=layout.name, program=layout.program)
    serving = held.committed
    if serving is None or held.under_way is not None or (serving.digest, serving.request) != (digest, request):
        return None
    if record_of(layout.current).get("live") != _on_disk(layout) or not lies_whole(layout, serving, wanted):
        return None
    status = service.status()
    return serving if status.active and not status.stale else None


def _on_disk(layout: Layout) -> str:
    return live_digest(config_tree.read(layout.config), text_of(layout.current / layout.unit_name))
