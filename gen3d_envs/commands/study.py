"""``gen3d study``: how success grows with the number of scenes of the training, from nothing to the table."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

from gen3d_envs.commands.console import say
from gen3d_envs.extras import imported

STUDY = "gen3d_envs.baselines.study.command:study"


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code: 3 where the budget was used up and the same command goes on."""
    # Baselines import the core, never the reverse: they are named, not imported.
    study = imported(STUDY, "gen3d study")
    bar = Bar()
    try:
        finished, lines = study(
            Path(args.out), args.preset, dict(_pair(text) for text in args.options), args.seeds, args.only,
            args.jobs, args.device, math.inf if args.budget is None else 60.0 * args.budget, bar.tell,
        )  # fmt: skip
    finally:
        bar.end()
    for line in lines:
        say(line)
    return 0 if finished else 3


def _pair(text: str) -> tuple[str, str]:
    from gen3d_envs.errors import FieldError

    name, sign, value = text.partition("=")
    if not sign or not name:
        raise FieldError("--set", text, "sets nothing", "Write --set NAME=VALUE")
    return name, value


class Bar:
    """One line on standard error, rewritten on a terminal; elsewhere one line now and then."""

    def __init__(self) -> None:
        self._live, self._last, self._stage = sys.stderr.isatty(), 0.0, ""
        self._first, self._begin = 0.0, 0.0

    def tell(self, stage: str, done: float, total: float, figures: str) -> None:
        """Take note of where it stands."""
        now = time.perf_counter()
        if stage != self._stage:
            self._stage, self._first, self._begin, self._last = stage, done, now, 0.0
        if now - self._last < (0.2 if self._live else 30.0) and done < total:
            return
        self._last = now
        left = (now - self._begin) * (total - done) / max(done - self._first, 1e-9) if done > self._first else math.nan
        about = "" if math.isnan(left) else f", about {left:.0f} s left"
        text = f"{stage}: {done:.0f} of {total:.0f}{', ' + figures if figures else ''}{about}"
        sys.stderr.write(f"\r\x1b[K  {text}" if self._live else f"  {text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
