"""What pods are called: by the name that a pod says of itself, else by its address.

Kubernetes has no dependable reverse lookup for pods of a Deployment, so a pod says its name (in the header
`X-Pod-Name`). Prometheus finds the same name in the Kubernetes API, so both ways of scraping give the same labels. A
pod that lies can take a free name, but none that another address holds.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping

from metrics_hub.targets import Target

_LOG = logging.getLogger(__name__)
# What Kubernetes allows as the name of a pod: a DNS subdomain. It holds no colon, so it is never an address and port.
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


class PodNames:
    """Remembers who is who, so that a pod that stops answering is down under its own name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[Target, str] = {}

    def settle(self, told: Mapping[Target, str | None]) -> dict[Target, str]:
        """Name all targets of a scrape.

        Args:
            told: What each target called itself; None when it said nothing or did not answer.
        Returns:
            A name for each, no two alike: the told one, else the last one this address had, else ADDRESS:PORT.
        """
        with self._lock:
            wanted = {target: self._usable(target, name) or self._names.get(target) for target, name in told.items()}
            # Those who keep their name choose first: nobody can take it from them.
            order = sorted(wanted, key=lambda target: (wanted[target] != self._names.get(target), target))
            settled: dict[Target, str] = {}
            taken: set[str] = set()
            for target in order:
                name = wanted[target]
                if name is not None and name in taken:
                    _LOG.warning("%s calls itself %s, as another pod does; it goes by its address", target, name)
                    name = None
                settled[target] = name or str(target)
                taken.add(settled[target])
            self._names = {target: name for target, name in settled.items() if name != str(target)}
            return settled

    @staticmethod
    def _usable(target: Target, name: str | None) -> str | None:
        if name is None or _NAME.fullmatch(name):
            return name
        _LOG.warning("%s calls itself %.80r, which no pod can be called", target, name)
        return None
