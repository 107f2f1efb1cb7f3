"""Processes that end with the one that started them: a killed parent cannot tell its workers to stop waiting."""

from __future__ import annotations

import os
import threading
import time

WATCH_S = 0.5
"""How often a process looks whether anybody still waits for it."""


def follow(parent: int) -> None:
    """End this process when its parent is gone, now or later.

    Args:
        parent: process id of the parent; called in a child of it.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
