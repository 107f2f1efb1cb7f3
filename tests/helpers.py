"""What several test files need: scenes, digests, recorded motion, fresh processes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

import gen3d_envs
from gen3d_envs.cli import build_parser
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import EngineUnavailable
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.registration import FAMILIES, benchmark_scenes, released
from gen3d_envs.robots import ROBOTS
from gen3d_envs.sim.engines import ENGINES, make_world

REPOSITORY = Path(__file__).resolve().parent.parent
SCENES = REPOSITORY / "tests" / "data" / "scenes"

TEST_IDS = tuple(f"Gen3D/{path.stem}-v0" for path in sorted(SCENES.glob("*.json")))
"""Small hand-written scenes: neither hash nor poses, so they stay valid when the generators change."""

PICK, PLACE = "Gen3D/TestPickCube-v0", "Gen3D/TestPlaceBallInBowl-v0"

SINGLE_SCENES = tuple(name for name, row in released().items() if "split" not in row)
"""Released scenes that are part of no benchmark."""

_SOME = (
    *tuple(benchmark_scenes())[::19],
    *tuple(benchmark_scenes("gen3d-tasks"))[:4],
    *tuple(benchmark_scenes("gen3d-openings"))[:2],
)

RELEASED_IDS = tuple(f"Gen3D/{name}-v0" for name in (*SINGLE_SCENES, *_SOME))
"""The single scenes and some of the benchmarks: what holds for all is tested in test_benchmark.py and beside it."""

FAMILY_IDS = tuple(env_id for family, env_id in FAMILIES.items() if gen3d_envs.scene_names(family))

ALL_IDS = (*FAMILY_IDS, "Gen3D-100-v0", *RELEASED_IDS, *TEST_IDS)
"""Everything that can be made; a new ID is tested by existing."""


ROBOT_NAMES = tuple(ROBOTS)


def require_understood(words: list[str]) -> None:
    """A command line of ``gen3d`` that there is, up to the names and values behind ``--set``."""
    args = build_parser().parse_args(words)
    options = dict(text.split("=", 1) for text in getattr(args, "options", None) or ())
    if args.command == "train":
        pytest.importorskip("torch")
        from gen3d_envs.baselines.algorithms import TrainSettings
        from gen3d_envs.baselines.plain.train import PPORecipe, SACRecipe
        from gen3d_envs.baselines.vla.entry import FlowRecipe, ImitationRecipe

        kinds = {"ppo": PPORecipe, "sac": SACRecipe, "imitation": ImitationRecipe, "flow": FlowRecipe}
        TrainSettings(args.algo, "Gen3D-Pick-v0", 1, options=options).recipe(kinds[args.algo])
    elif args.command == "study":
        pytest.importorskip("torch")
        from gen3d_envs.baselines.study.command import settings_of

        settings_of(args.preset, options, args.seeds)


def _engines() -> tuple[str, ...]:
    found = []
    for name in ENGINES:
        try:
            make_world(name).close()
        except EngineUnavailable:
            continue
        found.append(name)
    return tuple(found)


ENGINE_NAMES = _engines()
"""The physics engines that are installed here; where the first of all is missing, the tests run on the next."""

ENGINE = ENGINE_NAMES[0]


def make(env_id: str = PICK, **arguments: Any) -> Gen3DEnv:
    """The bare environment of an ID on the first installed engine, without Gymnasium's wrappers."""
    env = gym.make(env_id, disable_env_checker=True, **{"physics": ENGINE, **arguments}).unwrapped
    assert isinstance(env, Gen3DEnv)
    return env


def digest(*values: Any) -> str:
    """SHA-256 of nested values, bit for bit: arrays with their type, floats exactly."""
    sha = hashlib.sha256()
    for value in values:
        _feed(sha, value)
    return sha.hexdigest()


def _feed(sha: Any, value: Any) -> None:
    if isinstance(value, dict):
        for key in sorted(value):
            _feed(sha, key)
            _feed(sha, value[key])
    elif isinstance(value, np.ndarray):
        sha.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bool | np.bool_):
        sha.update(b"true" if value else b"false")
    elif isinstance(value, float | np.floating):
        sha.update(float(value).hex().encode())
    else:
        sha.update(repr(value).encode() + b";")


@functools.cache
def expert_actions(env_id: str, robot: str | None = None, seed: int = 0, **arguments: Any) -> NDArray[np.float32]:
    """The actions of one expert episode, ``(steps, 7)``: motion that touches things."""
    env = make(env_id, robot=robot, obs_type="state", **arguments)
    try:
        _, info = env.reset(seed=seed)
        expert = ScriptedExpert(env)
        expert.reset(info["instruction"])
        actions, done = [], False
        while not done:
            actions.append(expert.act(None))
            _, _, terminated, truncated, _ = env.step(actions[-1])
            done = terminated or truncated
    finally:
        env.close()
    return np.array(actions)


def trace(env: gym.Env[Any, Any], seed: int | None, actions: NDArray[np.float32], options: Any = None) -> list[str]:
    """Digest of everything that the reset and every step return."""
    digests = [digest(*env.reset(seed=seed, options=options))]
    digests += [digest(*env.step(action)) for action in actions]
    return digests


@contextmanager
def full_disk(beyond: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: a write really stops half-way, as on a full disk."""
    resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run_python(code: str, *, hash_seed: str = "0", cwd: Path | None = None, timeout: float = 120.0, **env: str) -> str:
    """What a program prints on standard output when run in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={**os.environ, "PYTHONHASHSEED": hash_seed, **env},
        cwd=cwd, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_json(code: str, **arguments: Any) -> Any:
    """As :func:`run_python`, for programs that print JSON last."""
    return json.loads(run_python(code, **arguments).strip().splitlines()[-1])
