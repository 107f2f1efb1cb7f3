"""An environment with hands: situations built with the world's privileged calls, then simulated and judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers import make

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.geometry import Vector
from gen3d_envs.sim.world import ROBOT
from gen3d_envs.tasks import OUTCOMES
from gen3d_envs.tasks.base import center_of_mass

ENDING = ("fell", "lifted")
"""Outcomes after which nothing can be achieved any more."""

UPRIGHT = (0.0, 0.0, 0.0, 1.0)
UPSIDE_DOWN = (1.0, 0.0, 0.0, 0.0)
STILL = np.zeros(7, np.float32)
CLEAR = (0.33, -0.08)
"""A spot of the table that the arm at home does not stand over, m."""


class Stage:
    """An environment with hands: moves objects about and lets time pass."""

    def __init__(self, env_id: str, **arguments: Any) -> None:
        self.env: Gen3DEnv = make(env_id, obs_type="state", **arguments)
        self.env.reset(seed=0)
        self.task = self.env.scene.spec.task
        # Away with everything: each test puts what it needs where it needs it.
        for place, item in enumerate(self.env.scene.spec.objects):
            self.put(item.name, (0.30 + 0.12 * (place % 3), 0.42 if place < 3 else -0.45, 0.002))
        self.env.hold(0.5)

    def index(self, name: str) -> int:
        index = self.env.scene.index(name)
        assert index is not None
        return index

    def put(self, name: str, position_m: tuple[float, float, float], turned: Any = UPRIGHT) -> None:
        self.env.world.set_body_pose(self.index(name), position_m, turned)

    def push(self, name: str, linear_mps: Vector, angular_radps: Vector = (0.0, 0.0, 0.0)) -> None:
        """Give a body a velocity; twice, since one that sleeps wakes in the first physics step."""
        self.env.world.set_body_velocity(self.index(name), linear_mps, angular_radps)
        self.env.hold(1 / self.env.world.physics_hz)
        self.env.world.set_body_velocity(self.index(name), linear_mps, angular_radps)

    def size(self, name: str) -> tuple[float, float, float]:
        return self.env.scene.assets[self.index(name)].size_m

    def asset(self, name: str) -> Any:
        return self.env.scene.assets[self.index(name)]

    def com(self, name: str) -> tuple[float, float, float]:
        index = self.index(name)
        return center_of_mass(self.env.scene.assets[index], self.env.world.body_pose(index))

    def contacts(self, name: str) -> set[str]:
        return self.env.world.contacts(self.index(name))

    def act(self, steps: int, action: Any = STILL) -> list[dict[str, Any]]:
        infos = []
        for _ in range(steps):
            _, reward, terminated, _, info = self.env.step(np.asarray(action, np.float32))
            assert info["outcome"] in OUTCOMES
            assert reward == float(info["is_success"])
            assert terminated == (info["is_success"] or info["outcome"] in ENDING)
            infos.append(info)
        return infos

    def grip(self, name: str, height_m: float = 0.16) -> None:
        """Put the target between the fingers and close them; the tool point is then at ``height_m``."""
        self.act(4, [0, 0, 0, 0, 0, 0, 1])
        self.reach(height_m, 1.0)
        x, y, z = self.env.snapshot().tool_m
        self.put(name, (x, y, z - self.size(name)[2] / 2))
        # Nothing may fall while the fingers close, so the object is put back until they hold it.
        for _ in range(8):
            self.put(name, (x, y, z - self.size(name)[2] / 2))
            self.env._world.drive([*self.env._targets[: self.env.robot.arm_joints], *self.env.robot.finger_closed], 12)
        self.env.step(np.array([0, 0, 0, 0, 0, 0, -1], np.float32))
        assert self.contacts(name) == {ROBOT}

    def reach(self, height_m: float, gripper: float, steps: int = 8) -> None:
        """Move the tool point straight up or down to a height."""
        for _ in range(steps):
            missing = height_m - self.env.snapshot().tool_m[2]
            full = 0.25 / self.env.control_hz
            self.env.step(np.array([0, 0, np.clip(missing / full, -1, 1), 0, 0, 0, gripper], np.float32))

    def close(self) -> None:
        self.env.close()


def never(infos: list[dict[str, Any]]) -> bool:
    """Whether no step was a success."""
    return not any(info["is_success"] for info in infos)
