"""How much memory it takes, and that it does not grow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import helpers
import pytest

STEPS = int(os.environ.get("GEN3D_BENCH_STEPS", "100000"))

HEAD = f"""
import sys; sys.path.insert(0, {str(helpers.REPOSITORY / "tests")!r})
import gc, json, os
import gymnasium as gym, numpy as np
import helpers

def resident_mb():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
"""

MANY = """
from gen3d_envs.build import build
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.spec import read_card, replace

cards = [read_card(path) for path in sorted(helpers.SCENES.glob("*.json"))]
start = resident_mb()
envs = []
for index in range(64):
    card = cards[index % len(cards)]
    objects = tuple(replace(o, seed=o.seed + 1000 * index) for o in card.objects)
    room = replace(card.background, seed=index)
    env = Gen3DEnv(build(replace(card, seed=index, objects=objects, background=room)), physics=ENGINE)
    env.reset(seed=index)
    env.step(np.zeros(7, np.float32))
    envs.append(env)
assert len({env.scene.hash for env in envs}) == 64
print(json.dumps([start, resident_mb()]))
"""

LONG = """
steps = %d
paths = [str(path) for path in sorted(helpers.SCENES.glob("*.json"))]
state = helpers.make(helpers.PICK, obs_type="state")
pixels = helpers.make(helpers.PLACE, observation_width=64, observation_height=64)
rng = np.random.default_rng(0)
done, early = 0, None
while done < steps:
    options = {"scene": paths[(done // 50) %% len(paths)]}
    state.reset(seed=done, options=options)
    for _ in range(50):
        state.step(rng.uniform(-1, 1, 7))
    done += 50
    if done %% 500 == 0:  # a tenth of the steps with pictures
        pixels.reset(seed=done, options=options)
        for _ in range(50):
            pixels.step(rng.uniform(-1, 1, 7))
        done += 50
    if early is None and done >= 1000:
        early = resident_mb()
print(json.dumps([early, resident_mb()]))
"""

CLOSING = """
def use():
    env = helpers.make(helpers.PLACE, observation_width=64, observation_height=64)
    env.reset(seed=0)
    env.step(np.zeros(7))
    env.close()

for _ in range(10):
    use()
early = resident_mb()
for _ in range(150):
    use()
print(json.dumps([early, resident_mb()]))
"""

BARS = {"pybullet": 2600.0, "mujoco": 800.0}

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads resident memory from /proc")


@pytest.mark.parametrize(("engine", "bar"), [(name, BARS.get(name)) for name in helpers.ENGINE_NAMES])
def test_64_environments_of_different_scenes(engine: str, bar: float | None, benchmark: Any, figure: Any) -> None:
    start, end = benchmark.pedantic(
        lambda: helpers.run_json(HEAD + MANY.replace("ENGINE", repr(engine)), timeout=280), rounds=1
    )
    figure("process before any environment", start, "MB")
    figure(f"64 environments of different scenes, a picture of each, {engine}", end, "MB", at_most=bar)


@pytest.mark.timeout(1800)
def test_steps_do_not_leak(benchmark: Any, figure: Any) -> None:
    early, end = benchmark.pedantic(lambda: helpers.run_json(HEAD + LONG % STEPS, timeout=1700), rounds=1)
    figure(f"growth over {STEPS} steps with resets, after the first 1000", end - early, "MB", at_most=20.0)


def test_closing_gives_back(benchmark: Any, figure: Any) -> None:
    early, end = benchmark.pedantic(lambda: helpers.run_json(HEAD + CLOSING, timeout=280), rounds=1)
    figure("growth over 150 environments made and closed", end - early, "MB", at_most=20.0)
