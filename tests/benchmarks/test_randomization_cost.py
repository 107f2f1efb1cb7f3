"""What randomization costs: nothing where it is not used, and little where pictures change."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from helpers import FAMILY_IDS, PLACE, expert_actions, make

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.variations.table import PAPER

REPEATS = 7
EPISODE_STEPS = 100
RESETS = 12
ENV_ID = FAMILY_IDS[-1] if FAMILY_IDS else PLACE

CASES: dict[str, dict[str, Any]] = {
    "light": {"visual": {"ambient": {"uniform": [0, 0.6]}, "brightness": {"loguniform": [0.7, 1.4]},
                         "direction": {"azimuth_rad": {"uniform": [-3, 3]}, "slant": 0.7}}},
    "room": {"visual": {"room": True}},
    "table": {"visual": {"table": True}},
    "textures of table, wall and floor": {"visual": {"support_texture": True, "wall_texture": True,
                                                     "floor_texture": True}},
    "colours of objects": {"visual": {"object_color": {"uniform": [0.5, 1.5]}}},
    "textures of objects and robot": {"visual": {"object_texture": {"mix": 0.5}, "robot_texture": {"mix": 0.5}}},
    "camera": {"camera": {"position_m": {"uniform": [-0.05, 0.05]}, "rotation_rad": {"uniform": [-0.05, 0.05]},
                          "fov": {"uniform": [0.9, 1.1]}}},
    "noise": {"sensing": {"noise": 8.0}},
    "blur": {"sensing": {"blur": 1.0}},
    "brightness and contrast": {"sensing": {"jitter": {"brightness": 0.9, "contrast": 1.1}}},
    "saturation and hue": {"sensing": {"jitter": {"saturation": 0.8, "hue": 0.05}}},
    "overlay": {"sensing": {"overlay": 0.3}},
    "dropout and delay": {"sensing": {"dropout": 0.3, "delay": 2}},
}  # fmt: skip


def step_ns(env: Gen3DEnv, actions: np.ndarray) -> list[int]:
    env.reset(seed=0)
    times = []
    for action in actions:
        start = time.perf_counter_ns()
        env.step(action)
        times.append(time.perf_counter_ns() - start)
    return times


def episode_ns(plain: Gen3DEnv, varied: Gen3DEnv, actions: np.ndarray) -> tuple[float, float]:
    """ns of an episode of 100 steps in either environment, reset included: each step at its fastest, taken in turns."""
    steps: dict[str, Any] = {"plain": None, "varied": None}
    resets: dict[str, list[int]] = {"plain": [], "varied": []}
    for _ in range(REPEATS):
        for name, env in (("plain", plain), ("varied", varied)):
            found = np.array(step_ns(env, actions))
            steps[name] = found if steps[name] is None else np.minimum(steps[name], found)
    for seed in range(RESETS):
        for name, env in (("plain", plain), ("varied", varied)):
            start = time.perf_counter_ns()
            env.reset(seed=1000 + seed)
            resets[name].append(time.perf_counter_ns() - start)
    total = [EPISODE_STEPS * float(steps[name].mean()) + float(np.median(resets[name])) for name in steps]
    return total[0], total[1]


@pytest.mark.parametrize("name", CASES)
def test_what_changes_pictures_costs_at_most_a_tenth(name: str, figure: Any) -> None:
    plain, varied = make(ENV_ID), make(ENV_ID, randomization=CASES[name])
    before, after = episode_ns(plain, varied, expert_actions(ENV_ID)[:40])
    plain.close()
    varied.close()
    figure(f"a picture episode with varied {name}, over a plain one", after / before, "x", at_most=1.1)


def test_the_papers_randomization(figure: Any) -> None:
    """Its pictures alone: objects that stand elsewhere move otherwise, which changes the physics."""
    paper = {group: PAPER[group] for group in ("visual", "camera")}
    plain, varied = make(ENV_ID), make(ENV_ID, randomization=paper)
    before, after = episode_ns(plain, varied, expert_actions(ENV_ID)[:40])
    plain.close()
    varied.close()
    figure("a picture episode with the paper's light and camera, over a plain one", after / before, "x", at_most=1.1)
