"""The engines beside each other: step rates in one run, resets, first compilations, memory."""

from __future__ import annotations

import statistics
import time
from typing import Any

import gymnasium as gym
import helpers
import pytest
from helpers import ENGINE_NAMES, RELEASED_IDS, TEST_IDS, make

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.sim import engines
from gen3d_envs.sim.world import WorldSetup

IDS = RELEASED_IDS or TEST_IDS
SEED = 3
REPEATS = 5
SECOND = [name for name in ENGINE_NAMES if name != engines.DEFAULT]


def seconds_of_steps(env: Gen3DEnv, seed: int) -> tuple[float, int]:
    """Wall time inside ``env.step`` over one expert episode, and its steps."""
    observation, info = env.reset(seed=seed)
    expert = ScriptedExpert(env)
    expert.reset(info["instruction"])
    total, steps, done = 0.0, 0, False
    while not done:
        action = expert.act(observation)
        start = time.perf_counter()
        observation, _, terminated, truncated, _ = env.step(action)
        total += time.perf_counter() - start
        steps, done = steps + 1, terminated or truncated
    return total, steps


@pytest.mark.skipif(len(ENGINE_NAMES) < 2, reason="one engine is installed")
@pytest.mark.parametrize("robot", helpers.ROBOT_NAMES)
@pytest.mark.parametrize("second", SECOND)
def test_step_rate_against_the_default(second: str, robot: str, benchmark: Any, figure: Any) -> None:
    """Expert episodes of several scenes, state observations, 5 Hz: steps per second inside ``env.step``."""
    rates = []
    for env_id in IDS[:: max(1, len(IDS) // 8)]:
        first = make(env_id, obs_type="state", robot=robot, physics=engines.DEFAULT)
        other = make(env_id, obs_type="state", robot=robot, physics=second)
        best = [[0.0], [0.0]]
        for _ in range(REPEATS):  # alternating, so that a slow moment of the machine meets both
            for env, rate in zip((first, other), best, strict=True):
                seconds, steps = seconds_of_steps(env, SEED)
                rate.append(steps / seconds)
        rates.append((max(best[0]), max(best[1])))
        first.close()
        other.close()
    ratio = statistics.fmean(b for _, b in rates) / statistics.fmean(a for a, _ in rates)
    benchmark.pedantic(lambda: None, rounds=1)
    figure(f"step rate, {second} over {engines.DEFAULT}, {robot}, state, 5 Hz", ratio, "x", at_least=1.2)


@pytest.mark.parametrize("engine", SECOND)
def test_loads(engine: str, benchmark: Any, figure: Any) -> None:
    """What a reset to another scene costs: compiled before in this process, and for the first time."""
    setups: list[WorldSetup] = []
    world = engines.make_world(engine)
    env = make(IDS[0], obs_type="state", physics=engine)
    with pytest.MonkeyPatch.context() as patch:
        load = type(env.world).load
        patch.setattr(type(env.world), "load", lambda self, setup: (setups.append(setup), load(self, setup))[1])
        for env_id in IDS:
            env.reset(seed=0, options={"scene": gym.spec(env_id).kwargs["scene"]})
    first = [seconds_of_load(fresh, setup) for setup in setups for fresh in [compiled_nothing(engine)]]
    later = [seconds_of_load(world, setup) for _ in range(4) for setup in setups][len(setups) :]
    fastest = dict.fromkeys(IDS, 1.0)  # of three, because other programs run too
    for _ in range(3):
        for env_id in IDS:
            start = time.perf_counter()
            env.reset(seed=0, options={"scene": gym.spec(env_id).kwargs["scene"]})
            fastest[env_id] = min(fastest[env_id], time.perf_counter() - start)
    benchmark.pedantic(world.load, (setups[0],), rounds=10)
    env.close()
    figure(f"first load of a scene, {engine}, slowest of {len(setups)}", 1e3 * max(first), "ms", at_most=150.0)
    figure(f"load of another scene, compiled, {engine}", 1e3 * statistics.median(later), "ms")
    figure(
        f"reset to another scene, compiled, {engine}, state",
        1e3 * statistics.median(fastest.values()),
        "ms",
        at_most=5.0,
    )


def compiled_nothing(engine: str) -> Any:
    """A world whose engine has forgotten every scene."""
    if engine == "mujoco":
        from gen3d_envs.sim import mujoco_model

        mujoco_model._MODELS.clear()
    return engines.make_world(engine)


def seconds_of_load(world: Any, setup: WorldSetup) -> float:
    start = time.perf_counter()
    world.load(setup)
    return time.perf_counter() - start
