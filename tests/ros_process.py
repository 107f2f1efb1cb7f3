"""Programs of tests over ROS, with what they say line by line: waiting for a line never misses one that has come."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

PROGRAMS = Path(__file__).with_name("ros_programs.py")


class Program:
    """A process whose lines are read by a thread. ``own`` runs a function of ros_programs.py."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], own: bool = True) -> None:
        line = [sys.executable, str(PROGRAMS), *command] if own else list(command)
        self.process = subprocess.Popen(
            line, env=dict(environment), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self._errors.append), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(pipe: object, keep: object) -> None:
        for line in pipe:  # type: ignore[attr-defined]
            keep(line.strip())  # type: ignore[operator]

    def said(self, within_s: float = 60.0) -> str:
        """The next line."""
        try:
            return self._lines.get(timeout=within_s)
        except queue.Empty:
            raise AssertionError("nothing was said: " + "\n".join(self._errors[-30:])) from None

    def tell(self) -> None:
        """An empty line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Kill it and what it started, which holds its pipes open too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
