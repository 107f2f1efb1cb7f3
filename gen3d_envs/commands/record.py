"""``gen3d record``: demonstrations on disk; and what ``gen3d replay`` does with them."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from gen3d_envs.commands.console import Progress, say
from gen3d_envs.commands.robot import replay_log
from gen3d_envs.demos.record import record
from gen3d_envs.demos.replay import replay
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Settings
from gen3d_envs.registration import benchmark_scenes
from gen3d_envs.sim.engines import DEFAULT


def run(args: argparse.Namespace) -> int:
    """Record; returns the exit code."""
    if args.benchmark is not None and not benchmark_scenes(args.benchmark):
        raise FieldError("benchmark", args.benchmark, "is no released benchmark", "`gen3d list` shows what there is")
    settings = Settings(
        policy=args.policy, target=args.benchmark or args.env, split=args.split,
        axes=tuple(name for text in args.axes for name in text.split(",") if name), episodes=1, seed=args.seed,
        robot=args.robot, physics=args.physics, reality=args.reality, cameras=tuple(args.cameras),
        width=args.size, height=args.size, control_hz=args.control_hz,
    )  # fmt: skip
    progress = Progress(sys.stderr)

    def tell(kept: int, wanted: int, failed: int) -> None:
        progress.stage("recording", f"{kept} of {wanted} episodes, {failed} failed")

    recording = record(
        settings, args.episodes, args.out, shlex.join(["gen3d", *sys.argv[1:]]), tell, format=args.format
    )
    progress.end()
    frames = sum(row.steps for row in recording.episodes)
    say(f"{len(recording.episodes)} episodes, {frames} frames in {args.out}; {recording.failures} failed, dropped")
    say(f"Simulate them again: gen3d replay {args.out}")
    return 0


def run_replay(args: argparse.Namespace) -> int:
    """Replay; returns the exit code: 1 where an episode is not as recorded."""
    if (Path(args.folder) / "metadata.yaml").is_file():
        # A bag: what the robot environment recorded. It is compared, not expected to be the same to the bit.
        return replay_log(args.folder, DEFAULT)
    progress = Progress(sys.stderr)
    done = replay(args.folder, lambda count, total: progress.stage("replay", f"{count} of {total} episodes"))
    progress.end()
    for each in done:
        if each.difference:
            say(f"episode {each.index}, {each.row.scene} seed {each.row.seed}: differs in {each.difference}")
    same = sum(not each.difference for each in done)
    say(f"{same} of {len(done)} episodes are the same, bit for bit")
    return 0 if same == len(done) else 1
