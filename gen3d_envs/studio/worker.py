"""One thread that does everything long, one job after the other: the physics engine lives in it alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]


class Worker:
    """Runs jobs in order. What a job raises goes to ``failed``, never to the console.

    Args:
        failed: called in the worker's thread with what a job raised.
        busy: called in the worker's thread with True before a job and False after it.
    """

    def __init__(self, failed: Callable[[Exception], None], busy: Callable[[bool], None]) -> None:
        self._failed, self._busy = failed, busy
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether the running job was asked to end early; jobs that go on for long look at it."""
        return self._stop.is_set()

    def submit(self, job: Job) -> None:
        """Do a job when those before it are done."""
        self._jobs.put(job)

    def interrupt(self) -> None:
        """Ask the running job to end early, and forget those that wait."""
        self._stop.set()
        try:
            while True:
                if self._jobs.get_nowait() is None:
                    self._jobs.put(None)
                    return
        except queue.Empty:
            pass

    def close(self, timeout_s: float = 10.0) -> None:
        """End the thread after the running job."""
        self.interrupt()
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._stop.clear()
            try:
                self._busy(True)
                job()
            except Exception as error:
                self._failed(error)
            finally:
                self._busy(False)
