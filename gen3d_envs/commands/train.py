"""``gen3d train``: learn a policy; the same command goes on with a training that was stopped."""

from __future__ import annotations

import argparse
import math
import sys
import time
from importlib import import_module
from typing import Any

from gen3d_envs.commands.console import say
from gen3d_envs.errors import FieldError

ALGORITHMS = "gen3d_envs.baselines.algorithms"


def table() -> Any:
    """The module of the algorithms. Baselines import the core, never the reverse: it is named, not imported."""
    return import_module(ALGORITHMS)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    options = {}
    for given in args.options:
        name, sign, value = given.partition("=")
        if not sign or not name:
            raise FieldError("--set", given, "sets nothing", "Write --set NAME=VALUE")
        options[name] = value
    module = table()
    settings = module.TrainSettings(
        algo=args.algo, target=args.benchmark or args.env, steps=args.steps, obs=args.obs, split=args.split,
        scenes=args.scenes, seed=args.seed, jobs=args.jobs, physics=args.physics, robot=args.robot, size=args.size,
        device=args.device, options=options,
    )  # fmt: skip
    bar = Bar()
    try:
        policy = module.train(settings, args.out, bar.tell)
    finally:
        bar.end()
    where = f"--benchmark {args.benchmark}" if args.benchmark else f"--env {args.env}"
    seen = "state" if args.obs == "state" else f"pixels_agent_pos --size {args.size}"
    say(f"In {args.out}. Measure it:")
    say(
        f"gen3d evaluate --policy {policy} {where} --obs-type {seen} --physics {args.physics} --out {args.out}/run.json"
    )
    return 0


class Bar:
    """One line on standard error, rewritten on a terminal; elsewhere one line now and then."""

    def __init__(self) -> None:
        self._live, self._last, self._begin = sys.stderr.isatty(), 0.0, time.perf_counter()
        self._first: int | None = None

    def tell(self, report: Any) -> None:
        """Take note of where it stands."""
        now = time.perf_counter()
        if self._first is None:
            self._first = report.resumed
            if report.resumed:
                say(f"{report.resumed} of {report.total} steps were done before", sys.stderr)
        if now - self._last < (0.2 if self._live else 30.0) and report.done < report.total:
            return
        self._last = now
        rate = (report.done - self._first) / max(now - self._begin, 1e-9)
        left = max(0, report.total - report.done) / max(rate, 1e-9)
        success = "" if math.isnan(report.success) else f", {100 * report.success:.0f} % of recent episodes succeed"
        text = f"{report.done} of {report.total} steps{success}, {rate:.0f} steps/s, about {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K  {text}" if self._live else f"  {text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
