"""The thread that looks at the watches every second and mails what is due."""

from __future__ import annotations

import logging
import threading
import time

from flask import Flask

from promontory_heartbeat import mail
from promontory_heartbeat.config import Config
from promontory_heartbeat.metrics import Metrics
from promontory_heartbeat.watch import Notice, StateError, Watches

log = logging.getLogger(__name__)

_TICK_S = 1.0
_RETRY_S = 15.0      # after a mail that could not be sent
_ASLEEP_S = 30.0     # a tick this late means that the machine was suspended


class Watcher:
    """Mails notices until it is stopped."""

    def __init__(self, app: Flask, config: Config, watches: Watches, metrics: Metrics) -> None:
        self._app, self._config, self._watches, self._metrics = app, config, watches, metrics
        self._stop = threading.Event()
        self._not_before = 0.0
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; waits for a mail under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        last = time.time()
        while not self._stop.wait(_TICK_S):
            now = time.time()
            if now - last > _ASLEEP_S:
                log.warning("not run for %.0f s; silence counts anew", now - last)
                self._watches.listen_again(now)
            if now >= self._not_before:
                for notice in self._watches.due(now):
                    self._tell(notice)
            last = time.time()   # a slow mail server is no sleep of ours

    def _tell(self, notice: Notice) -> None:
        try:
            with self._app.app_context():
                mail.send(mail.compose(notice, self._config), self._config.smtp)
            self._watches.told(notice, time.time())
        except (OSError, StateError) as error:
            self._metrics.mail_failures.inc()
            self._not_before = time.time() + _RETRY_S
            log.error("the mail about %s is not sent, next try in %.0f s: %s", notice.name, _RETRY_S, error)
        else:
            self._metrics.mails.inc()
            log.info("%s is %s; people were told", notice.name, "silent" if notice.is_silent else "back")
