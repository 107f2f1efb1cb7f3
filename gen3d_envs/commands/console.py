"""What the commands write: progress, tables, and one clean line per error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO


def say(text: str = "", stream: TextIO | None = None) -> None:
    """Write one line."""
    out = stream or sys.stdout
    out.write(text + "\n")
    out.flush()


class Progress:
    """Stages of a longer job with their times.

    On a terminal the running stage is rewritten in place; elsewhere each stage gives one plain line when it ends.

    Args:
        stream: where to; standard output where None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._begin = self._stage_begin = time.perf_counter()
        self._stage = self._note = ""

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the job began."""
        return time.perf_counter() - self._begin

    def stage(self, name: str, note: str = "") -> None:
        """Begin a stage, ending the one before. The name of the running stage only changes its note."""
        if name != self._stage:
            self.end()
            self._stage, self._stage_begin = name, time.perf_counter()
        self._note = note
        if self._live:
            self._write(f"  {name:<16} {note}", final=False)

    def end(self, note: str | None = None) -> None:
        """End the running stage; ``note`` replaces its last one."""
        if not self._stage:
            return
        seconds = time.perf_counter() - self._stage_begin
        self._write(f"  {self._stage:<16} {seconds:5.1f} s  {self._note if note is None else note}", final=True)
        self._stage = self._note = ""

    def _write(self, line: str, final: bool) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            line = "\r\x1b[K" + (line if final else line[:width])
        self._stream.write(line + ("\n" if final else ""))
        self._stream.flush()


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Rows in aligned columns under a header. The last column is not padded."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines
    )
