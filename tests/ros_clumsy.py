"""A policy that succeeds now and then, and does the same over ROS as without: the expert's path with seeded noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from gen3d_envs.baselines.ros.env import RealRobotEnv
from numpy.typing import NDArray

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.scripted import ScriptedExpert

NOISE = 0.15


class Clumsy:
    """Plays the expert's actions of the same scene and seed, with noise on them, without looking."""

    def __init__(self, env: Any) -> None:
        self._env = env.unwrapped
        self._sim: Gen3DEnv | None = None
        self._seed = 0

    def seed(self, seed: int) -> None:
        self._seed = seed

    def reset(self, instruction: str) -> None:
        env = self._env
        if isinstance(env, RealRobotEnv):
            scene, seed = str(env.robot_status["scene"]), env.scene_seed
        else:
            scene, seed = env.scene.spec.name, int(env.np_random_seed)
        if self._sim is None:
            self._sim = Gen3DEnv(scene=scene, robot="widowx", obs_type="state", control_hz=env.control_hz)
        self._sim.reset(seed=seed, options={"scene": scene})
        expert, rng = ScriptedExpert(self._sim), np.random.default_rng(self._seed)
        expert.reset(instruction)
        self._actions: list[NDArray[np.float32]] = []
        done = False
        while not done:
            action = expert.act()
            *_, terminated, truncated, _ = self._sim.step(action)
            done = terminated or truncated
            self._actions.append(action)
        self._actions = [
            np.clip(a + np.append(rng.normal(0.0, NOISE, 6), 0.0), -1.0, 1.0).astype(np.float32) for a in self._actions
        ]
        self._at = 0

    def act(self, observation: Any) -> NDArray[np.float32]:
        self._at += 1
        still = np.append(np.zeros(6), self._actions[-1][-1]).astype(np.float32)
        return self._actions[self._at - 1] if self._at <= len(self._actions) else still

    def close(self) -> None:
        if self._sim is not None:
            self._sim.close()
