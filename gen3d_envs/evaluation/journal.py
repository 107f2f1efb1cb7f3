"""Finished episodes of an evaluation that is still running, on disk beside its result.

One line per episode, written at once when it is finished; whatever stops the run loses the episodes in flight and
nothing else. A last line that was cut off is dropped. The first line says which evaluation the others belong to.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Settings, Text
from gen3d_envs.evaluation.result import EpisodeRow, Excluded, Positive
from gen3d_envs.spec import Sha256, Spec


class Head(Spec, frozen=True, kw_only=True):
    """The first line: settings and plan of the evaluation, engine and constants of its episodes, the policy's hash."""

    settings: Settings
    plan: Sha256
    engine: Text
    renderer: Text
    constants: dict[str, float]
    versions: dict[str, str]
    policy_sha256: Sha256 | None = None


class Line(Spec, frozen=True, kw_only=True):
    """One episode with what it cost; or one that could not start; or the end of a run with how long that took."""

    row: EpisodeRow | None = None
    excluded: Excluded | None = None
    cpu_s: Positive = 0.0
    wall_s: Positive = 0.0
    run_wall_s: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0


class Journal:
    """The journal of the result at ``path``.

    Args:
        path: of the result; the journal is ``<path>.journal``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".journal")
        self._lock = path.with_name(path.name + ".lock")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The journal for this process alone.

        Raises:
            FieldError: another process is running this evaluation.
        """
        from filelock import FileLock, Timeout

        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise FieldError(
                "out", str(self.path), "is being written by another process", "Wait for it, or use another file"
            ) from None
        try:
            yield
        finally:
            # Taken away while it is held: nobody can have opened it in between and hold it afterwards unseen.
            with contextlib.suppress(OSError):
                self._lock.unlink()
            lock.release()

    def begin(self, head: Head) -> list[Line]:
        """Start the journal, or continue it: the lines that are there.

        Raises:
            FieldError: it belongs to another evaluation.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = b""
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if not lines:
            self._replace(msgspec.json.encode(head) + b"\n")
            return []
        try:
            before = msgspec.json.decode(lines[0], type=Head)
            found = [msgspec.json.decode(line, type=Line) for line in lines[1:]]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FieldError("out", str(self.path), f"is no journal ({error})", "Delete it to start anew") from None
        if before != head:
            differing = [name for name in Head.__struct_fields__ if getattr(before, name) != getattr(head, name)]
            raise FieldError(
                "out", str(self.path), f"holds episodes of another evaluation: it differs in {', '.join(differing)}",
                "Use another file, the options it was begun with, or delete it to start anew",
            )  # fmt: skip
        if len(whole) != len(data):
            self._replace(whole)
        return found

    def add(self, line: Line) -> None:
        """Write one more line, at once."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(handle)

    def clear(self) -> None:
        """Take it away: the result is written."""
        self.path.unlink(missing_ok=True)

    def _replace(self, data: bytes) -> None:
        from gen3d_envs.assets.store import write_atomically

        write_atomically(self.path, data)
