"""Scripted experts: they solve the tasks from privileged state, with the same actions a policy has.

An expert plans a short list of waypoints from the poses of the objects, follows it in the control steps' own scale, and
plans again when the object slipped, rolled away or missed its goal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Asset, Grasp
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Quaternion, Vector, from_euler, matrix_of, rotate, to_euler, wrap, yaw_of
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS, DeltaEndEffector
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.tasks.base import center_of_mass
from gen3d_envs.tasks.place import GoalArea, goal_area

HOVER_M = 0.07
LIFT_M = 0.13
CLOSE_S = 0.6
OPEN_S = 0.4
BLOCKED_S = 1.0
"""How long the arm may lag behind its command before the expert goes on."""

TRAVEL_LIMIT_M = 0.24
"""Highest tool point when carrying: what both arms reach over the whole region."""

GRIPPER_HALF_WIDTH_M = 0.075
"""Room an open gripper needs to either side; narrower openings are released into from above the rim."""


@dataclass(frozen=True)
class Waypoint:
    """Where the tool goes next: position in the scene frame, yaw, gripper (-1 closed, +1 open), time to stay.

    ``speed`` is a share of the fastest; ``carry`` gives up when the target is lost on the way.
    """

    position_m: Vector
    yaw_rad: float
    gripper: float
    stay_s: float = 0.0
    speed: float = 1.0
    carry: bool = False


class ScriptedExpert:
    """Expert for the Pick and Place families, for any robot, with ``control="ee_delta"``.

    It follows the :class:`gen3d_envs.rollout.Policy` protocol, but reads its environment instead of the observation.

    Raises:
        FieldError: the environment does not take end-effector actions.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        base = env.unwrapped
        if not isinstance(base, Gen3DEnv):
            raise FieldError("env", type(base).__name__, "is not a Gen3D environment", "Give one made from a Gen3D ID")
        if not isinstance(base.controller, DeltaEndEffector):
            raise FieldError("control", type(base.controller).__name__, "the expert moves the tool", "Use 'ee_delta'")
        self._env = base

    def reset(self, instruction: str) -> None:
        """Forget the last episode and plan anew."""
        self._script = self._attempts()

    def act(self, observation: Any = None) -> NDArray[np.float32]:
        """The next action of the script."""
        return next(self._script)

    # ---- the script ------------------------------------------------------------------------------------------------

    def _attempts(self) -> Iterator[NDArray[np.float32]]:
        """Try until the episode ends; each attempt plans from where things are now."""
        attempt = 0
        while True:
            yield from self._pick(self._plan_grasp(attempt))
            if self._held():
                if self._env.scene.spec.task.family == "place":
                    yield from self._place()
                else:
                    yield from self._hold_up()
            yield from self._retreat()
            attempt += 1

    def _pick(self, grasp: tuple[Vector, float]) -> Iterator[NDArray[np.float32]]:
        (x, y, z), yaw = grasp
        yield from self._follow(Waypoint((x, y, max(z + HOVER_M, 0.09)), yaw, 1.0))
        yield from self._follow(Waypoint((x, y, z), yaw, 1.0, speed=0.7))
        self._start_m = self._com()
        yield from self._follow(Waypoint((x, y, z), yaw, -1.0, stay_s=CLOSE_S))
        yield from self._follow(Waypoint((x, y, z + LIFT_M), yaw, -1.0, speed=0.8))

    def _hold_up(self) -> Iterator[NDArray[np.float32]]:
        """Raise what may hang tilted until it is high enough, and stay there as long as it is held."""
        while self._held():
            x, y, z = self._commanded()[0]
            missing = max(0.0, self._start_m[2] + LIFT_M - self._com()[2])
            yield from self._follow(Waypoint((x, y, z + missing), self._yaw(), -1.0, stay_s=0.4))

    def _place(self) -> Iterator[NDArray[np.float32]]:
        yield from self._raise_over_obstacles()
        area, goal, narrow = self._goal()
        top = area.high_m if goal.cavity is not None else area.low_m
        travel_m = max(self._commanded()[0][2], self._over_goal(top + 0.03)[2])
        x, y, _ = self._over_goal(top)
        yield from self._follow(Waypoint((x, y, travel_m), self._yaw(), -1.0, stay_s=0.2, carry=True))
        # Swinging and slipping are over now: measure again, then go down.
        low = area.low_m + 0.008 if goal.cavity is None or not narrow else max(area.low_m + 0.008, top - 0.012)
        yield from self._follow(Waypoint(self._over_goal(low), self._yaw(), -1.0, speed=0.6, stay_s=0.2, carry=True))
        if not self._held():
            return
        opening = 1.0
        if narrow:
            width = self._env.snapshot().opening * self._env.robot.open_width_m
            opening = min(1.0, 2.0 * (width + 0.016) / self._env.robot.open_width_m - 1.0)
        yield from self._follow(Waypoint(self._commanded()[0], self._yaw(), opening, stay_s=OPEN_S))
        x, y, z = self._commanded()[0]
        yield from self._follow(Waypoint((x, y, max(z, top + 0.06)), self._yaw(), opening, speed=0.6))

    def _raise_over_obstacles(self) -> Iterator[NDArray[np.float32]]:
        """Lift what is held above everything that stands around, as far as the arm goes."""
        env, target = self._env, self._target()
        tops = [
            env.world.body_pose(i)[0][2] + asset.size_m[2] for i, asset in enumerate(env.scene.assets) if i != target
        ]
        x, y, z = self._commanded()[0]
        missing = max([0.0, *tops]) + 0.02 - _lowest(env.scene.assets[target], env.world.body_pose(target))
        if missing > 0.0:
            yield from self._follow(Waypoint((x, y, min(z + missing, TRAVEL_LIMIT_M)), self._yaw(), -1.0, carry=True))

    def _goal(self) -> tuple[GoalArea, Asset, bool]:
        """Where the target goes, on which asset, and whether that is too narrow for an open gripper."""
        env = self._env
        task, receptacle = env.scene.spec.task, env.scene.index(env.scene.spec.task.receptacle)
        assert receptacle is not None and task.predicate is not None
        asset = env.scene.assets[receptacle]
        area = goal_area(asset, task.predicate)
        narrow = asset.cavity is not None and min(area.half_x_m, area.half_y_m) < GRIPPER_HALF_WIDTH_M
        return area, asset, narrow

    def _over_goal(self, height_m: float) -> Vector:
        """Tool position that brings the target's lowest point ``height_m`` above the foot of the goal, centred."""
        env, target, area = self._env, self._target(), self._goal()[0]
        receptacle = env.scene.index(env.scene.spec.task.receptacle)
        assert receptacle is not None
        (px, py, pz), orientation = env.world.body_pose(receptacle)
        dx, dy, _ = rotate(orientation, (area.x_m, area.y_m, 0.0))
        com, tool = self._com(), env.snapshot().tool_m
        hang = tool[2] - _lowest(env.scene.assets[target], env.world.body_pose(target))
        return px + dx - com[0] + tool[0], py + dy - com[1] + tool[1], pz + height_m + hang

    def _target(self) -> int:
        target = self._env.scene.index(self._env.scene.spec.task.target)
        assert target is not None
        return target

    def _com(self) -> Vector:
        """The target's centre of mass, scene frame."""
        target = self._target()
        return center_of_mass(self._env.scene.assets[target], self._env.world.body_pose(target))

    def _retreat(self) -> Iterator[NDArray[np.float32]]:
        yield from self._go(self._above(LIFT_M), stay_s=0.8, gripper=1.0)

    def _go(self, position: Vector, stay_s: float, gripper: float) -> Iterator[NDArray[np.float32]]:
        yield from self._follow(Waypoint(position, self._yaw(), gripper, stay_s=stay_s))

    def _above(self, height_m: float) -> Vector:
        x, y, z = self._commanded()[0]
        return x, y, max(z, min(z + 0.06, height_m + 0.05))

    # ---- planning --------------------------------------------------------------------------------------------------

    def _plan_grasp(self, attempt: int) -> tuple[Vector, float]:
        """Tool position and yaw of the best reachable grasp; later attempts take the next best."""
        env, target = self._env, self._target()
        asset, pose = env.scene.assets[target], env.world.body_pose(target)
        options: list[tuple[float, int, Vector, float]] = []
        for rank, grasp in enumerate(asset.grasps or (_fallback(asset),)):
            position, closing = _in_scene(grasp, pose)
            for half_turn in (0.0, math.pi):
                yaw = wrap(closing - math.pi / 2 + half_turn)
                cost = 0.04 * rank + 0.12 * abs(wrap(yaw - self._yaw())) + self._obstruction(position, yaw, target)
                cost += self._unreachable(position, yaw)
                options.append((cost, rank, position, yaw))
        options.sort(key=lambda option: (option[0], option[1]))
        _, _, position, yaw = options[attempt % min(len(options), 4)] if attempt else options[0]
        return position, yaw

    def _unreachable(self, position: Vector, yaw: float) -> float:
        """Large where inverse kinematics misses the grasp or the point above it."""
        robot, rotation = self._env.robot, from_euler(0.0, 0.0, yaw)
        x, y, z = position
        arm, miss = robot.inverse((x, y, z + LIFT_M), rotation, robot.home)
        _, miss_below = robot.inverse(position, rotation, arm)
        return 200.0 * max(0.0, miss - 1e-3) + 400.0 * max(0.0, miss_below - 1e-3)

    def _obstruction(self, position: Vector, yaw: float, target: int) -> float:
        """Penalty for fingers or a hand that would come down on another object."""
        env = self._env
        reach = env.robot.open_width_m / 2 + 0.012
        wide, deep, under = env.robot.hand_m
        fx, fy = -math.sin(yaw), math.cos(yaw)
        penalty = 0.0
        for index, footprint in enumerate(env.scene.footprints):
            if index == target:
                continue
            (ox, oy, oz), orientation = env.world.body_pose(index)
            corners, normals = footprint.placed(ox, oy, yaw_of(orientation))
            for side in (-reach, reach):
                penalty += 40.0 * max(0.0, 0.022 - _distance(position, side * fx, side * fy, corners, normals))
            if oz + footprint.height_m > position[2] + under:
                for side in (-wide, -0.5 * wide, 0.0, 0.5 * wide, wide):
                    gap = _distance(position, side * fx, side * fy, corners, normals)
                    penalty += 40.0 * max(0.0, deep + 0.005 - gap)
        return penalty

    def _held(self) -> bool:
        """Whether the target hangs in the gripper now."""
        touching = self._env.world.contacts(self._target())
        return ROBOT in touching and SUPPORT not in touching

    # ---- following -------------------------------------------------------------------------------------------------

    def _commanded(self) -> tuple[Vector, Any]:
        controller = self._env.controller
        assert isinstance(controller, DeltaEndEffector)
        return controller.pose

    def _yaw(self) -> float:
        return to_euler(self._commanded()[1])[2]

    def _follow(self, goal: Waypoint) -> Iterator[NDArray[np.float32]]:
        """Actions that bring the tool to a waypoint, straight, and keep it there for ``stay_s``."""
        hz = self._env.control_hz
        step, turn = TOOL_SPEED_MPS / hz * goal.speed, TOOL_TURN_RADPS / hz
        stay, last, waited = math.ceil(goal.stay_s * hz - 1e-9), math.inf, 0
        while True:
            (x, y, z), rotation = self._commanded()
            roll, pitch, yaw = to_euler(rotation)
            gap = (goal.position_m[0] - x, goal.position_m[1] - y, goal.position_m[2] - z)
            distance = math.hypot(*gap)
            twist = wrap(goal.yaw_rad - yaw)
            arrived = distance < 1e-3 and abs(twist) < 0.01
            stuck = distance > last - 1e-5 and abs(twist) < 0.01  # at the border of the workspace: as near as it gets
            if goal.carry and not self._held():
                return
            # An arm that is held up, by a hand on a rim say, never gets there: go on, and plan anew.
            waited = waited + 1 if arrived or stuck else 0
            if (arrived or stuck) and (self._settled() or waited > BLOCKED_S * hz + stay):
                if stay <= 0:
                    return
                stay -= 1
            last = distance
            scale = min(1.0, step / distance) * hz / TOOL_SPEED_MPS if distance > 1e-9 else 0.0
            yield np.clip(
                [*(g * scale for g in gap), -roll / turn, -pitch / turn, twist / turn, goal.gripper],
                -1.0, 1.0,
            ).astype(np.float32)  # fmt: skip

    def _settled(self) -> bool:
        """Whether the arm has caught up with its command."""
        return math.dist(self._env.snapshot().tool_m, self._commanded()[0]) < 0.006


def _distance(at: Vector, dx: float, dy: float, corners: NDArray[np.float64], normals: NDArray[np.float64]) -> float:
    """Distance of the point ``at + (dx, dy)`` from a convex outline, seen from above; negative inside."""
    return float(((np.array([at[0] + dx, at[1] + dy]) - corners) * normals).sum(axis=1).max())


def _in_scene(grasp: Grasp, pose: tuple[Vector, Quaternion]) -> tuple[Vector, float]:
    """Tool position and closing direction (rad about z) of a grasp on an asset at ``pose``."""
    (x, y, z), orientation = pose
    dx, dy, dz = rotate(orientation, grasp.position_m)
    cx, cy, _ = rotate(orientation, (math.cos(grasp.yaw_rad), math.sin(grasp.yaw_rad), 0.0))
    return (x + dx, y + dy, max(z + dz, 0.008)), math.atan2(cy, cx)


def _fallback(asset: Asset) -> Grasp:
    """A grasp across the narrow side through the centre of mass, for assets without annotated grasps."""
    x, y, _ = asset.size_m
    return Grasp(asset.com_m, 0.0 if x <= y else math.pi / 2, min(x, y))


def _lowest(asset: Asset, pose: tuple[Vector, Quaternion]) -> float:
    """Height of the lowest point of an asset at ``pose``, m."""
    rows = np.array(matrix_of(pose[1]), dtype=np.float64)
    return pose[0][2] + float((asset.vertices.astype(np.float64) @ rows[2]).min())
