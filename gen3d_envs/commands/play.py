"""``gen3d play``: watch a policy, in a window or as a film."""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from gen3d_envs.commands.console import Progress, say
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.pictures import FILM_HZ, film, make_policy
from gen3d_envs.registration import COLLECTIONS
from gen3d_envs.rollout import run_episode
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.video import write_mp4


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    window = args.video is None and _has_screen()
    env = make_env(args.scene, args.robot, "human" if window else None, args.physics)
    try:
        if window:
            return _watch(env, args)
        env.reset(seed=args.seed)
        name = env.scene.spec.name
        path = Path(args.video or f"{name}.mp4")
        progress = Progress()
        progress.stage("film", name)
        count = write_mp4(path, film(env, args.policy, args.seed), FILM_HZ)
        progress.end(f"{env.scene.spec.instruction!r}: {env.status.outcome}, {count / FILM_HZ:.0f} s")
        if args.video is None:
            say("There is no screen, or pygame is not installed (pip install pygame): wrote a film instead.")
        say(f"Open {path}")
        return 0
    finally:
        env.close()


def make_env(scene: str, robot: str | None, render_mode: str | None, physics: str = DEFAULT) -> Gen3DEnv:
    """The environment of an ID that draws scenes, a scene's name or ID, or a card; it acts at the rate of films."""
    collection = COLLECTIONS.get(scene)
    return Gen3DEnv(
        scene=scene if collection is None else None,
        **(collection or {}),  # type: ignore[arg-type]
        obs_type="state",
        control_hz=FILM_HZ,
        robot=robot,
        physics=physics,
        render_mode=render_mode,
    )


def _has_screen() -> bool:
    if find_spec("pygame") is None:
        return False
    if sys.platform != "linux":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


def _watch(env: Gen3DEnv, args: argparse.Namespace) -> int:
    """One episode in a window, in real time."""
    due = time.perf_counter()

    def pace(observation: object, info: object) -> None:
        nonlocal due
        due += 1.0 / env.control_hz
        time.sleep(max(0.0, due - time.perf_counter()))

    episode = run_episode(env, make_policy(args.policy, env, args.seed), seed=args.seed, on_step=pace)
    say(f"{env.scene.spec.instruction!r}: {episode.outcome}")
    return 0
