"""``gen3d robot-sim`` and ``gen3d robot-replay``: a scene that answers like a robot, and a robot's log run again."""

from __future__ import annotations

import argparse
import signal
from importlib import import_module
from types import FrameType
from typing import Any

import gen3d_envs  # noqa: F401
from gen3d_envs.commands.console import say

ROS = "gen3d_envs.baselines.ros"


def run_sim(args: argparse.Namespace) -> int:
    """Run ``gen3d robot-sim`` until Ctrl+C or SIGTERM; returns its exit code."""
    node, carriers = _ros("node"), _ros("transport")
    env, profile = node.make_robot_env(args.scene, args.profile, args.engine, args.reality, args.control_hz)
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    try:
        options = {
            "cyclonedds": {"domain": args.domain, "loopback": args.loopback, "reliable": args.simulated_time},
            "rospy": {"packages": args.ros_packages, "node": "gen3d_robot"},
            "rclpy": {"node": "gen3d_robot"},
        }[args.transport]
        transport = carriers.make_transport(args.transport, options)
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            say(f"{args.scene} as {profile.name} on {env.world.engine} over {transport.name}  (Ctrl+C ends it)")
            say(f"state {profile.state_topics[0]}  commands {profile.command.topic}")
            run = node.run_lockstep if args.simulated_time else node.run_node
            ran = run(
                env, profile, transport, lambda: not stopped, args.state_hz, args.camera_hz, args.width, args.height,
                args.seed,
            )  # fmt: skip
            say(f"stopped after {ran.simulated_s:.1f} s of its time, {ran.skipped_s:.1f} s skipped")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            transport.close()
    finally:
        env.close()
    return 0


def run_replay(args: argparse.Namespace) -> int:
    """Run ``gen3d robot-replay``; returns its exit code."""
    return replay_log(args.log, args.engine, args.scene)


def replay_log(log: str, engine: str, scene: str | None = None) -> int:
    """Simulate a robot's log again and say how it went; returns 0.

    Args:
        log: folder of the bag.
        engine: to simulate it with.
        scene: instead of the recorded one.
    """
    results = _ros("log").replay(log, engine, scene)
    for index, episode in enumerate(results):
        error = max(episode.tool_error_m, default=0.0)
        say(
            f"{index}  {episode.scene}  {episode.steps} steps  {episode.outcome} (recorded: {episode.recorded_outcome})"
            f"  tool within {1000.0 * error:.2f} mm"
        )
    if not results:
        say("the log holds no episode")
    return 0


def _ros(module: str) -> Any:
    """A module of the baselines. They import the core, never the reverse: it is named, not imported."""
    return import_module(f"{ROS}.{module}")
