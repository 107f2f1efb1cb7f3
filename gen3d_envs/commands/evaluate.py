"""``gen3d evaluate``: run a policy through a fixed plan of episodes and write down everything."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from gen3d_envs.commands.console import say, table
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.episode import Finished
from gen3d_envs.evaluation.plan import Settings, make_plan
from gen3d_envs.evaluation.result import Result, where
from gen3d_envs.evaluation.run import evaluate
from gen3d_envs.evaluation.statistics import Difference, Rate, summarize
from gen3d_envs.evaluation.trials import TRIALS, trial_lines
from gen3d_envs.registration import ROBOT_ID, benchmark_scenes

STATE_POLICIES = ("random", "expert")
"""Policies that look at no picture: none is taken for them unless asked for."""


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    if args.benchmark is not None and not benchmark_scenes(args.benchmark):
        raise FieldError("benchmark", args.benchmark, "is no released benchmark", "`gen3d list` shows what there is")
    given = {"obs_type": args.obs_type, "control": args.control, "cameras": tuple(args.cameras or ()) or None}
    given |= {"width": args.size, "height": args.size}
    if args.obs_type is None and args.policy.partition("#")[0] in STATE_POLICIES:
        given["obs_type"] = "state"
    robot = args.env == ROBOT_ID
    transport = args.transport or ("cyclonedds" if robot else None)
    if robot and transport != "direct" and given["obs_type"] == "state":
        given["obs_type"] = None  # a robot always has pictures, whoever looks at them
    settings = Settings(
        policy=args.policy, target=args.benchmark or args.env, split=args.split, axes=tuple(_words(args.axes)),
        episodes=args.episodes or (TRIALS if robot else 20), transport=transport, seed=args.seed,
        robot=args.robot, physics=args.physics, reality=args.reality,
        **{key: value for key, value in given.items() if value is not None},
    )  # fmt: skip
    plan = make_plan(settings)
    bar = Bar()
    command = shlex.join(["gen3d", *sys.argv[1:]])
    try:
        result = evaluate(plan, args.out, args.jobs, args.name, command, bar.tell)
    finally:
        bar.end()
    for line in summary(result):
        say(line)
    say(f"\nIn {args.out}. Look at it: gen3d report {args.out} --out {Path(args.out).with_suffix('.html')}")
    return 0


def _words(given: list[str]) -> list[str]:
    return [name for text in given for name in text.split(",") if name]


def summary(result: Result) -> list[str]:
    """What came out, in lines."""
    found = summarize(result)
    against = {each.name: each for each in found.differences}
    rows = [(*_row("axis", name, rate), *_points(against.get(name))) for name, rate in found.axes.items()]
    rows += [(*_row("family", name, rate), "", "") for name, rate in found.families.items()]
    rows.append((*_row("all", "", found.overall), "", ""))
    header = ("", "", "episodes", "success", "95 %", "partial", "time to success")
    columns = (*header, f"against {found.nominal or 'none'}", "95 %")
    lines = [
        f"{result.name} on {where(result)}: {len(result.episodes)} episodes in {len(result.scenes)} scenes",
        "",
        table(rows, columns) if against else table([row[:-2] for row in rows], header),
        "",
        table([(name.replace("_", " "), str(count)) for name, count in found.outcomes.items()], ("ended in", "n")),
    ]
    if result.excluded:
        lines += [
            "",
            f"{len(result.excluded)} episodes are left out, for every policy, e.g.: {result.excluded[0].reason}",
        ]
    if result.settings.target == ROBOT_ID:
        lines += ["", table(trial_lines(result), ("trials on a robot", "", "95 %"))]
    timing = result.timing
    lines += ["", f"{timing.wall_s:.1f} s with {timing.jobs} processes, {timing.cpu_s:.1f} s of processor time, "
              f"{timing.steps_per_s:.0f} steps/s each"]  # fmt: skip
    return lines


def _row(kind: str, name: str, rate: Rate) -> tuple[str, ...]:
    seconds = "" if rate.time_s is None else f"{rate.time_s:.1f} s"
    return (
        kind, name, str(rate.episodes), f"{100 * rate.success:.1f} %",
        f"{100 * rate.low:.1f} to {100 * rate.high:.1f}", f"{100 * rate.partial:.1f} %", seconds,
    )  # fmt: skip


def _points(found: Difference | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return f"{100 * found.mean:+.1f}", f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"


class Bar:
    """One line on standard error, rewritten on a terminal; elsewhere one line now and then."""

    def __init__(self) -> None:
        self._live, self._last, self._begin = sys.stderr.isatty(), 0.0, time.perf_counter()
        self._first: int | None = None
        self._successes = self._seen = 0

    def tell(self, done: int, total: int, newest: Finished | None) -> None:
        """Take note of one more episode."""
        if self._first is None:
            self._first = done
            if done:
                say(f"{done} of {total} episodes were run before", sys.stderr)
        if newest is not None:
            self._seen += 1
            self._successes += newest.row.success
        now = time.perf_counter()
        if now - self._last < (0.2 if self._live else 30.0) or self._seen == 0:
            return
        self._last = now
        left = (now - self._begin) / self._seen * (total - done)
        text = f"{done} of {total} episodes, {self._successes} of {self._seen} succeed, about {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K  {text}" if self._live else f"  {text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
