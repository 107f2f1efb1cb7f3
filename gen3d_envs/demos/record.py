"""Recording a policy: episodes that succeed go into a data set, those that fail are counted."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import numpy as np

from gen3d_envs.demos.lerobot import LeRobotWriter
from gen3d_envs.demos.minari import MinariWriter
from gen3d_envs.demos.recording import Demo, DemoRow, Format, Recording, Writer
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.episode import POLICIES, Runner, fingerprint
from gen3d_envs.evaluation.plan import Plan, Planned, Settings, make_plan
from gen3d_envs.folders import appearing

MAX_EPISODES = 100_000
TRIES_PER_EPISODE = 5
"""The recording gives up when so many times as many episodes as wanted were tried."""

Progress = Callable[[int, int, int], None]
"""Called with how many episodes are kept, how many are wanted, and how many failed."""


def demo_seed(seed: int, scene: str, index: int) -> int:
    """The seed of a recorded episode: never that of an evaluation's, so nothing is learned by heart that is tested."""
    digest = hashlib.sha256(f"record/{seed}/{scene}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def candidates(plan: Plan, seed: int) -> Iterator[Planned]:
    """Episodes without end: every scene and axis of a plan in turn, then again with the next seed."""
    places = list(dict.fromkeys((episode.scene, episode.axis) for episode in plan.episodes))
    index = 0
    while True:
        for scene, axis in places:
            yield Planned(scene=scene, axis=axis, index=index, seed=demo_seed(seed, scene, index))
        index += 1


def record(
    settings: Settings,
    episodes: int,
    out: str | Path,
    command: str = "",
    progress: Progress | None = None,
    factory: str = POLICIES,
    format: Format = "lerobot",
) -> Recording:
    """Record successful episodes as a data set.

    Args:
        settings: policy, scenes and what is observed (``obs_type`` must be ``"pixels_agent_pos"``).
        episodes: how many to keep.
        out: folder to write; it must not exist, and exists whole or not at all.
        command: as it was typed, for the record.
        progress: see :data:`Progress`.
        factory: makes the policy.
        format: ``"lerobot"`` for LeRobot's v3, ``"minari"`` for Minari's.

    Raises:
        FieldError: settings that cannot be used, a folder that is there, or a policy that hardly ever succeeds.
        EngineUnavailable: pyarrow is not installed.
    """
    if not 1 <= episodes <= MAX_EPISODES:
        raise FieldError("episodes", episodes, "is out of range", f"Use 1 to {MAX_EPISODES}")
    if format not in get_args(Format):
        raise FieldError("format", format, "is no format of data sets", f"Use one of {', '.join(get_args(Format))}")
    if settings.obs_type != "pixels_agent_pos":
        raise FieldError("obs_type", settings.obs_type, "lacks what is recorded", "Use 'pixels_agent_pos'")
    out = Path(out)
    _require_new(out)
    plan = make_plan(settings)
    with appearing(out) as work, closing(Runner(plan.settings, plan.scenes, factory)) as runner:
        writer: Writer = (
            LeRobotWriter(work, runner.env, plan, command)
            if format == "lerobot"
            else MinariWriter(work, runner.env, plan, command, out.name)
        )
        with contextlib.closing(writer):
            kept, failed = 0, 0
            for planned in candidates(plan, settings.seed):
                if kept == episodes:
                    break
                if kept + failed >= TRIES_PER_EPISODE * episodes + 10:
                    raise FieldError(
                        "policy", settings.policy, f"succeeds in only {kept} of {kept + failed} episodes",
                        "Record a better one",
                    )  # fmt: skip
                demo = run_demo(runner, planned)
                if demo is None or not demo.row.success:
                    failed += 1
                else:
                    writer.add(demo)
                    kept += 1
                if progress is not None:
                    progress(kept, episodes, failed)
        recording = writer.finish(failed)
        _require_new(out)
    return recording


def _require_new(out: Path) -> None:
    if out.exists() or out.is_symlink():
        raise FieldError("out", str(out), "is there already", "Name a new folder")


def run_demo(runner: Runner, planned: Planned) -> Demo | None:
    """Run one episode and keep everything; None where it cannot start."""
    frames: list[dict[str, Any]] = []
    env, policy = runner.env, runner.policy
    options = runner.prepare(planned)
    try:
        observation, info = env.reset(seed=planned.seed, options=options)
    except FieldError:
        return None
    policy.reset(info["instruction"])
    start, instruction, done = fingerprint(env, info), info["instruction"], False
    while not done:
        action = np.asarray(policy.act(observation), np.float32)
        before = observation
        observation, reward, terminated, truncated, info = env.step(action)
        done = terminated or truncated or bool(getattr(policy, "finished", False))
        frames.append(
            {
                "observation": before, "action": action, "reward": reward, "terminated": terminated, "done": done,
                "success": info["is_success"],
            }
        )  # fmt: skip
    row = DemoRow(
        scene=planned.scene, axis=planned.axis, seed=planned.seed, start=start, end=state_digest(env),
        instruction=instruction, success=bool(info["is_success"]), outcome=info["outcome"], steps=len(frames),
    )  # fmt: skip
    return Demo(row, frames, observation)


def state_digest(env: Any) -> str:
    """Beginning of the hash of where everything is and how it moves, bit for bit."""
    return fingerprint(env, {"instruction": "", "scene_hash": "", "variation": {}})
