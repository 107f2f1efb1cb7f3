"""The scripted expert over ROS: its path is computed in a simulation of its own and followed on the robot.

The expert reads privileged state, which a robot does not have. It therefore solves the same scene from the same seed in
this process first; then its tool path is followed step by step, at whatever speed the limits of the robot allow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.geometry import Matrix, Vector, multiply, to_euler
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS, DeltaEndEffector

from .env import RealRobotEnv

NEAR_M, NEAR_RAD = 0.002, 0.02
"""A point of the path counts as reached when the commanded tool is so near to it."""

LONGEST_WAIT = 5
"""Steps after which a point that cannot be reached is given up."""


@dataclass(frozen=True)
class Point:
    """One step of the path: where the tool was sent, scene frame, and the gripper's number in [-1, 1]."""

    tool_m: Vector
    rotation: Matrix
    gripper: float


class ExpertFollower:
    """A policy for :class:`RealRobotEnv` with a simulated robot.

    Args:
        env: the robot, with ``control="ee_delta"``.
        physics: engine of the simulation that the path is computed in; the robot may run another one.

    Raises:
        FieldError: the robot takes no end-effector deltas.
    """

    def __init__(self, env: RealRobotEnv, physics: str) -> None:
        if env.contract.action.kind != "ee_delta":
            raise FieldError("control", env.contract.action.kind, "the expert moves the tool", "Use 'ee_delta'")
        self._env, self._physics = env, physics
        self._sim: Gen3DEnv | None = None
        self._path: list[Point] = []

    def reset(self, instruction: str) -> None:
        """Solve the scene that the robot stands in."""
        status, robot = self._env.robot_status, self._env.robot
        scene = str(status.get("scene", ""))
        if self._sim is None:
            self._sim = Gen3DEnv(
                scene=scene, robot=robot.name, physics=self._physics, control_hz=self._env.control_hz, obs_type="state"
            )
        sim, expert = self._sim, ScriptedExpert(self._sim)
        controller = sim.controller
        assert isinstance(controller, DeltaEndEffector)
        sim.reset(seed=self._env.scene_seed, options={"scene": scene})
        expert.reset(instruction)
        self._path, self._at, self._waited, done = [], 0, 0, False
        while not done:
            action = expert.act()
            *_, terminated, truncated, _ = sim.step(action)
            tool, rotation = controller.pose
            self._path.append(Point(tool, rotation, float(action[-1])))
            done = terminated or truncated

    def act(self, observation: object = None) -> NDArray[np.float32]:
        """The action that leads along the path from where the tool was sent last."""
        tool, rotation = self._env.commanded
        if self._at < len(self._path) and (
            self._near(self._path[self._at], tool, rotation) or self._waited >= LONGEST_WAIT
        ):
            self._at, self._waited = self._at + 1, 0
        self._waited += 1
        goal = self._path[min(self._at, len(self._path) - 1)]
        step_m, step_rad = TOOL_SPEED_MPS / self._env.control_hz, TOOL_TURN_RADPS / self._env.control_hz
        move = [(g - t) / step_m for g, t in zip(goal.tool_m, tool, strict=True)]
        turn = [angle / step_rad for angle in to_euler(multiply(goal.rotation, _transposed(rotation)))]
        scale = max([1.0, *(abs(value) for value in (*move, *turn))])
        return np.array([*(value / scale for value in (*move, *turn)), goal.gripper], np.float32)

    @staticmethod
    def _near(goal: Point, tool: Vector, rotation: Matrix) -> bool:
        turn = to_euler(multiply(goal.rotation, _transposed(rotation)))
        return math.dist(goal.tool_m, tool) < NEAR_M and math.hypot(*turn) < NEAR_RAD

    def close(self) -> None:
        """Give the simulation back."""
        if self._sim is not None:
            self._sim.close()


def _transposed(rotation: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = rotation
    return (a, d, g), (b, e, h), (c, f, i)
