"""How fast it is. Ratios are taken within one run: machines are noisy, and what is compared shares the noise.

Runs of one seed are bit-identical, so every repetition of a step does the same work, and the fastest repetition of each
step is its cost without the noise of other programs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import helpers
import numpy as np
import pytest
from helpers import PLACE, RELEASED_IDS, REPOSITORY, TEST_IDS, expert_actions, make

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.scripted import ScriptedExpert

REPEATS = 9
IDS = RELEASED_IDS or TEST_IDS
PIXELS = {"obs_type": "pixels_agent_pos", "observation_width": 128, "observation_height": 128}
STATE = {"obs_type": "state"}
SEED = 0

clock = time.perf_counter_ns


def step_times(env: Gen3DEnv, actions: np.ndarray) -> list[int]:
    """ns of each ``env.step`` of the recorded motion."""
    env.reset(seed=SEED)
    times = []
    for action in actions:
        start = clock()
        env.step(action)
        times.append(clock() - start)
    return times


class BareSteps:
    """Within the block, adds up the ns that each ``env.step`` spends in ``pybullet.stepSimulation`` alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gen3d_envs.sim import bullet

        self.total = 0
        original = bullet.pybullet.stepSimulation

        def timed(client: int) -> None:
            start = clock()
            original(client)
            self.total += clock() - start

        monkeypatch.setattr(bullet.pybullet, "stepSimulation", timed)

    def times(self, env: Gen3DEnv, actions: np.ndarray) -> list[int]:
        env.reset(seed=SEED)
        times = []
        for action in actions:
            before = self.total
            env.step(action)
            times.append(self.total - before)
        return times


def least(runs: list[list[int]]) -> int:
    """Sum over the steps of their fastest repetition."""
    return sum(min(step) for step in zip(*runs, strict=True))


@pytest.mark.parametrize(("kind", "arguments", "bar"), [("state", STATE, 1.15), ("one 128x128 picture", PIXELS, 1.4)])
def test_step_over_bare_physics(kind: str, arguments: Any, bar: float, benchmark: Any, figure: Any) -> None:
    """One expert episode of several scenes: ``env.step`` over the bare engine calls of the same motion, 5 Hz."""
    totals = [0, 0]
    for env_id in IDS[:: max(1, len(IDS) // 6)]:
        actions = expert_actions(env_id, None, SEED)
        env = make(env_id, **arguments)
        whole, bare = [], []
        for _ in range(REPEATS):  # alternating, so that a slow moment of the machine meets both
            whole.append(step_times(env, actions))
            with pytest.MonkeyPatch.context() as patch:
                bare.append(BareSteps(patch).times(env, actions))
        totals[0] += least(whole)
        totals[1] += least(bare)
        env.close()
    env = make(PLACE, **arguments)
    env.reset(seed=SEED)
    benchmark.pedantic(env.step, (np.array([0, 0, 0, 0, 0, 0, 1], np.float32),), rounds=30)
    env.close()
    benchmark.extra_info["ratio"] = totals[0] / totals[1]
    figure(f"env.step over bare stepSimulation, {kind}, 5 Hz", totals[0] / totals[1], "x", at_most=bar)


@pytest.mark.parametrize(("kind", "arguments", "bar"), [("state", STATE, 60.0), ("one 128x128 picture", PIXELS, 45.0)])
def test_simulated_time(kind: str, arguments: Any, bar: float, benchmark: Any, figure: Any) -> None:
    """Simulated seconds per wall second with the expert at work; resets and the expert's own time included."""
    rates: dict[str, list[float]] = {"whole": [], "steps": [], "with expert": []}

    def round_of_episodes() -> None:
        simulated = wall = stepping = acting = 0.0
        for env in envs:
            begin = time.perf_counter()
            observation, info = env.reset(seed=SEED)
            expert = ScriptedExpert(env)
            expert.reset(info["instruction"])
            done = False
            while not done:
                start = time.perf_counter()
                action = expert.act(observation)
                middle = time.perf_counter()
                observation, _, terminated, truncated, _ = env.step(action)
                acting += middle - start
                stepping += time.perf_counter() - middle
                simulated += 1 / env.control_hz
                done = terminated or truncated
            wall += time.perf_counter() - begin
        rates["whole"].append(simulated / wall)
        rates["steps"].append(simulated / stepping)
        rates["with expert"].append(simulated / (stepping + acting))

    envs = [make(env_id, **arguments) for env_id in IDS[:: max(1, len(IDS) // 8)]]
    for env in envs:
        env.reset(seed=1)  # scenes are built and cameras made before the clock runs
    benchmark.pedantic(round_of_episodes, rounds=REPEATS)
    for _ in range(REPEATS - len(rates["whole"])):
        round_of_episodes()
    for env in envs:
        env.close()
    figure(f"simulated s per wall s, {kind}: steps alone", max(rates["steps"]), "x")
    figure(f"simulated s per wall s, {kind}: steps and expert", max(rates["with expert"]), "x")
    figure(f"simulated s per wall s, {kind}: episodes with resets and expert", max(rates["whole"]), "x", at_least=bar)


def in_fresh_processes(code: str, count: int = 5) -> Iterator[float]:
    for _ in range(count):
        yield float(helpers.run_python(code).split()[-1])


def test_import(benchmark: Any, figure: Any) -> None:
    code = "import time; start = time.perf_counter(); import gen3d_envs; print(time.perf_counter() - start)"
    seconds = benchmark.pedantic(lambda: list(in_fresh_processes(code)), rounds=1)
    figure("import gen3d_envs, Gymnasium included", min(seconds), "s", at_most=0.3)


@pytest.mark.parametrize(("kind", "arguments"), [("state", STATE), ("pixels", PIXELS)])
def test_first_make_and_reset(kind: str, arguments: Any, benchmark: Any, figure: Any) -> None:
    code = (
        "import time; start = time.perf_counter()\n"
        f"import gymnasium as gym, gen3d_envs; env = gym.make({IDS[-1]!r}, **{arguments!r}); env.reset(seed=0)\n"
        "print(time.perf_counter() - start)"
    )
    seconds = benchmark.pedantic(lambda: list(in_fresh_processes(code)), rounds=1)
    figure(f"import, first gym.make and reset, {kind}", statistics.median(seconds), "s", at_most=1.5)


@pytest.mark.parametrize(("kind", "arguments"), [("state", STATE), ("pixels", PIXELS)])
def test_later_resets(kind: str, arguments: Any, benchmark: Any, figure: Any) -> None:
    """Of another scene than the last episode's: one built in this process already, and one not yet."""
    from gen3d_envs.scenes import _load_scene

    env = make(PLACE, **arguments)
    names = [gym.spec(env_id).kwargs["scene"] for env_id in IDS]
    first, later = [], []
    for name in names:
        env.reset(options={"scene": name})
    for _ in range(3):
        for name in names:
            later.append(seconds_of_reset(env, name))
    _load_scene.cache_clear()
    for name in names:
        first.append(seconds_of_reset(env, name))
    benchmark.pedantic(seconds_of_reset, (env, names[0]), rounds=10)
    env.close()
    figure(f"reset to another scene, not yet built in this process, {kind}", 1e3 * statistics.median(first), "ms")
    figure(f"reset to another scene, {kind}", 1e3 * statistics.median(later), "ms", at_most=20.0)


def seconds_of_reset(env: Gen3DEnv, name: str) -> float:
    start = time.perf_counter()
    env.reset(options={"scene": name})
    return time.perf_counter() - start


SENTENCES = ("put the ball in the bowl", "pick up the can", "put the cube on the plate", "put the block in the basket")


def test_sentence_to_certified_scene(benchmark: Any, figure: Any) -> None:
    from gen3d_envs.author import author

    author("pick up the can", seed=99)  # engine and renderer are started

    def one(sentence: str, seed: int) -> float:
        start = time.perf_counter()
        author(sentence, seed=seed)
        return time.perf_counter() - start

    seconds = [one(sentence, seed) for seed in (1, 2, 3) for sentence in SENTENCES]
    benchmark.pedantic(one, (SENTENCES[0], 4), rounds=1)
    figure("sentence to certified scene, slowest of 12", max(seconds), "s")
    figure("sentence to certified scene, median of 12", statistics.median(seconds), "s", at_most=3.0)
    code = (
        "import time; start = time.perf_counter()\nfrom gen3d_envs.author import author\n"
        "author('put the ball in the bowl', seed=1); print(time.perf_counter() - start)"
    )
    figure("the same in a fresh process, import included", statistics.median(in_fresh_processes(code, 3)), "s")


def test_the_repository_is_where_it_is_measured() -> None:
    """Figures of another installation would say nothing about this one."""
    import gen3d_envs

    assert gen3d_envs.__file__ is not None and gen3d_envs.__file__.startswith(str(REPOSITORY))
