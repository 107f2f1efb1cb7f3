"""Assets from an external command that writes a GLB: any text-to-3D program, in its own environment."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.generators.base import prompt_of
from gen3d_envs.assets.generators.glb import MAX_GLB_BYTES, asset_of
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import ObjectSpec

TIMEOUT_S = 1800.0
"""Half an hour: a large model on a CPU."""

MAX_LOG_BYTES = 20_000_000
TAIL_CHARACTERS = 400
_POLL_S = 0.02


class Command:
    """Runs a program for each asset.

    Args:
        arguments: program and arguments; no shell ever sees them. In each, ``{prompt}``, ``{category}``, ``{seed}`` and
            ``{out}`` are replaced: the description, the catalogue's name, a whole number, and the path of the GLB that
            the program must write (y up, any size).
        timeout_s: after this the program and all it started are killed.

    Raises:
        AssetError: no program of this name, or arguments without ``{out}`` or without ``{prompt}`` or ``{category}``.
    """

    def __init__(self, arguments: tuple[str, ...], timeout_s: float = TIMEOUT_S) -> None:
        text = " ".join(arguments)
        remedy = "Write it as: command:PROGRAM --text {prompt} --seed {seed} --output {out}"
        if not arguments:
            raise AssetError("assets", "command:", "names no program", remedy)
        if "{out}" not in text or not ("{prompt}" in text or "{category}" in text):
            raise AssetError("assets", text, "does not say what to make and where to write it", remedy)
        if shutil.which(arguments[0]) is None:
            raise AssetError("assets", arguments[0], "is no program that can be run here", remedy)
        self._arguments = arguments
        self._timeout_s = timeout_s
        self.name = f"command {Path(arguments[0]).name}"

    @classmethod
    def parse(cls, line: str) -> Command:
        """A command from one line, split as a shell would split it, which is all a shell has to do with it."""
        try:
            return cls(tuple(shlex.split(line)))
        except ValueError as error:
            raise AssetError("assets", line, f"cannot be split into arguments ({error})", "Close the quotes") from None

    def __call__(self, spec: ObjectSpec, seed: int) -> Asset:
        """Run the program and read what it wrote; as :meth:`~.base.AssetGenerator.__call__`."""
        with tempfile.TemporaryDirectory(prefix="gen3d-") as folder:
            out = Path(folder) / "asset.glb"
            values = {"prompt": prompt_of(spec), "category": spec.category, "seed": str(seed), "out": str(out)}
            self._run([_filled(argument, values) for argument in self._arguments], out, Path(folder) / "log")
            try:
                with out.open("rb") as file:
                    data = file.read(MAX_GLB_BYTES + 1)
            except OSError:
                raise AssetError(
                    self.name, spec.description, "ended well but wrote no GLB" + _tail(Path(folder) / "log"),
                    "Make it write to the path given as {out}",
                ) from None  # fmt: skip
        return asset_of(data, spec, "made by a command", f"output of {self.name}")

    def _run(self, arguments: list[str], out: Path, log: Path) -> None:
        deadline = time.monotonic() + self._timeout_s
        with log.open("wb") as sink:
            try:
                process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
                )
            except (OSError, ValueError) as error:
                raise AssetError(self.name, arguments[0], f"cannot be run ({error})", "Check the command") from None
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    problem = f"did not end within {self._timeout_s:g} s"
                    raise AssetError(self.name, arguments[1:], problem + _tail(log), "Use a faster model or machine")
                for path, most in ((out, MAX_GLB_BYTES), (log, MAX_LOG_BYTES)):
                    if _size(path) > most:
                        problem = f"wrote more than {most / 1e6:.0f} MB to its {'output' if path == out else 'log'}"
                        raise AssetError(self.name, arguments[1:], problem, "Ask it for fewer faces or less text")
                time.sleep(_POLL_S)
        finally:
            # The program may have left others behind that hold the folder or the machine.
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode != 0:
            raise AssetError(
                self.name, arguments[1:], f"ended with status {process.returncode}" + _tail(log), "Run it by hand"
            )


def _filled(argument: str, values: dict[str, str]) -> str:
    """The argument with its placeholders replaced in one pass: a prompt that holds braces is left alone."""
    return re.sub(r"\{(prompt|category|seed|out)\}", lambda match: values[match[1]], argument)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _tail(log: Path) -> str:
    """The last words of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(_size(log) - 4 * TAIL_CHARACTERS, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())[-TAIL_CHARACTERS:]
    return f"; it said: {shown}" if shown else ""
