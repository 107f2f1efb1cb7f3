"""What every scripted expert is composed of: grasping, carrying, putting down, following waypoints.

A skill plans from the poses of the objects as they are now, and yields the actions of the control steps one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import IDENTITY, Asset, Grasp
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.geometry import Quaternion, Vector, from_euler, placed, rotate, to_euler, wrap, yaw_of
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS, DeltaEndEffector
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.tasks.base import Stage, center_of_mass
from gen3d_envs.tasks.place import goal_area
from gen3d_envs.tasks.ways import lowest_m

ORIGIN: Vector = (0.0, 0.0, 0.0)
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


@dataclass(frozen=True)
class Destination:
    """Where something is put down.

    Attributes:
        body: index of the receptacle; None for a place on the support.
        x_m, y_m: where its centre of mass goes, in the receptacle's frame, or the scene's.
        top_m, release_m: heights above the receptacle's foot that it is carried over, and let go at.
        narrow: too narrow for an open gripper.
        room_m: half its narrower width; 0 where it does not matter.
    """

    body: int | None
    x_m: float
    y_m: float
    top_m: float = 0.0
    release_m: float = 0.003
    narrow: bool = False
    room_m: float = 0.0


Actions = Iterator[NDArray[np.float32]]
"""The actions of a script, one per control step."""


class Skills:
    """Skills of an arm in one episode. ``target`` is the object that they are about; scripts change it.

    Attributes:
        env: the environment, whose world is read instead of its observations.
        target: index of an object.
    """

    def __init__(self, env: Gen3DEnv) -> None:
        self.env = env
        target = env.scene.index(env.scene.spec.task.target)
        assert target is not None  # the spec refuses a task without one
        self.target = target

    def pick(self, grasp: tuple[Vector, float]) -> Actions:
        """Grasp the target at a tool position and yaw, and lift it."""
        (x, y, z), yaw = grasp
        yield from self.follow(Waypoint((x, y, max(z + HOVER_M, 0.09)), yaw, 1.0))
        yield from self.follow(Waypoint((x, y, z), yaw, 1.0, speed=0.7))
        self._start_m = self.com()
        yield from self.follow(Waypoint((x, y, z), yaw, -1.0, stay_s=CLOSE_S))
        yield from self.follow(Waypoint((x, y, z + LIFT_M), yaw, -1.0, speed=0.8))

    def hold_up(self) -> Actions:
        """Raise what may hang tilted until it is high enough, and stay there as long as it is held."""
        while self.held():
            x, y, z = self.commanded()[0]
            missing = max(0.0, self._start_m[2] + LIFT_M - self.com()[2])
            yield from self.follow(Waypoint((x, y, z + missing), self.yaw(), -1.0, stay_s=0.4))

    def put_down(self, where: Destination) -> Actions:
        """Carry what is held to its destination, let go, and leave it."""
        yield from self.raise_over_obstacles()
        top = where.top_m
        travel_m = max(self.commanded()[0][2], self._over(where, top + 0.03)[2])
        x, y, _ = self._over(where, top)
        yield from self.follow(Waypoint((x, y, travel_m), self.yaw(), -1.0, stay_s=0.2, carry=True))
        # Swinging and slipping are over now: measure again, then go down.
        low = self._over(where, where.release_m)
        yield from self.follow(Waypoint(low, self.yaw(), -1.0, speed=0.6, stay_s=0.2, carry=True))
        if not self.held():
            return
        opening = 1.0
        if where.narrow:
            width = self.env.snapshot().opening * self.env.robot.open_width_m
            opening = min(1.0, 2.0 * (width + 0.016) / self.env.robot.open_width_m - 1.0)
        yield from self.follow(Waypoint(self.commanded()[0], self.yaw(), opening, stay_s=OPEN_S))
        x, y, z = self.commanded()[0]
        yield from self.follow(Waypoint((x, y, max(z, top + 0.06)), self.yaw(), opening, speed=0.6))

    def raise_over_obstacles(self) -> Actions:
        """Lift what is held above everything that stands around, as far as the arm goes."""
        env, target = self.env, self.target
        tops = [
            env.world.body_pose(i)[0][2] + asset.size_m[2] for i, asset in enumerate(env.scene.assets) if i != target
        ]
        x, y, z = self.commanded()[0]
        missing = max([0.0, *tops]) + 0.02 - _lowest(env.scene.assets[target], env.world.body_pose(target))
        if missing > 0.0:
            yield from self.follow(Waypoint((x, y, min(z + missing, TRAVEL_LIMIT_M)), self.yaw(), -1.0, carry=True))

    def destination(self, receptacle: int, predicate: str, share: float = 0.0) -> Destination:
        """Where things go on or in a receptacle: its middle, or beside it by a share of half its longer side."""
        asset = self.env.scene.assets[receptacle]
        area = goal_area(asset, predicate)
        narrow = asset.cavity is not None and min(area.half_x_m, area.half_y_m) < GRIPPER_HALF_WIDTH_M
        top = area.high_m if asset.cavity is not None else area.low_m
        release = max(area.low_m + 0.008, top - 0.012) if narrow else area.low_m + 0.008
        x, y = area.x_m, area.y_m
        if area.half_x_m >= area.half_y_m:
            x += share * area.half_x_m
        else:
            y += share * area.half_y_m
        return Destination(receptacle, x, y, top, release, narrow, min(area.half_x_m, area.half_y_m))

    def _over(self, where: Destination, height_m: float) -> Vector:
        """Tool position that brings the target's lowest point ``height_m`` above the foot of the goal, centred."""
        env, target = self.env, self.target
        (px, py, pz), orientation = (ORIGIN, IDENTITY) if where.body is None else env.world.body_pose(where.body)
        dx, dy, _ = rotate(orientation, (where.x_m, where.y_m, 0.0))
        com, tool = self.com(), env.snapshot().tool_m
        hang = tool[2] - _lowest(env.scene.assets[target], env.world.body_pose(target))
        return px + dx - com[0] + tool[0], py + dy - com[1] + tool[1], pz + height_m + hang

    def com(self) -> Vector:
        """The target's centre of mass, scene frame."""
        return self.com_of(self.target)

    def com_of(self, index: int) -> Vector:
        """The centre of mass of any object, scene frame."""
        return center_of_mass(self.env.scene.assets[index], self.env.world.body_pose(index))

    def index(self, name: str) -> int:
        """Index of an object of the scene that is there."""
        index = self.env.scene.index(name)
        assert index is not None  # the spec refuses goals for what is not there
        return index

    def stage(self) -> Stage:
        """What a rule may look at, for planning with the rules that a task judges by."""
        env, names = self.env, tuple(item.name for item in self.env.scene.spec.objects)
        return Stage(env.world, names, env.scene.assets, self.target, None, 1.0 / env.control_hz, env.scene.marks)

    def retreat(self) -> Actions:
        """Open the gripper above everything, and wait."""
        x, y, z = self.commanded()[0]
        up = max(z, min(z + 0.06, LIFT_M + 0.05))
        yield from self.follow(Waypoint((x, y, up), self.yaw(), 1.0, stay_s=0.8))

    # ---- planning --------------------------------------------------------------------------------------------------

    def plan_grasp(self, attempt: int, near_yaw: float | None = None) -> tuple[Vector, float]:
        """Tool position and yaw of the best reachable grasp; later attempts take the next best.

        Args:
            attempt: from 0.
            near_yaw: yaw from which the gripper turns as little as possible, rad; its present one where None.
        """
        turned = self.yaw() if near_yaw is None else near_yaw
        env, target = self.env, self.target
        asset, pose = env.scene.assets[target], env.world.body_pose(target)
        options: list[tuple[float, int, Vector, float]] = []
        for rank, grasp in enumerate(asset.grasps or (_fallback(asset),)):
            position, closing = _in_scene(grasp, pose)
            for half_turn in (0.0, math.pi):
                yaw = wrap(closing - math.pi / 2 + half_turn)
                cost = 0.04 * rank + 0.12 * abs(wrap(yaw - turned)) + self.obstruction(position, yaw, target)
                cost += self.unreachable(position, yaw)
                options.append((cost, rank, position, yaw))
        options.sort(key=lambda option: (option[0], option[1]))
        _, _, position, yaw = options[attempt % min(len(options), 4)] if attempt else options[0]
        return position, yaw

    def unreachable(self, position: Vector, yaw: float) -> float:
        """Large where inverse kinematics misses the grasp or the point above it."""
        robot, rotation = self.env.robot, from_euler(0.0, 0.0, yaw)
        x, y, z = position
        arm, miss = robot.inverse((x, y, z + LIFT_M), rotation, robot.home)
        _, miss_below = robot.inverse(position, rotation, arm)
        return 200.0 * max(0.0, miss - 1e-3) + 400.0 * max(0.0, miss_below - 1e-3)

    def obstruction(self, position: Vector, yaw: float, target: int) -> float:
        """Penalty for fingers or a hand that would come down on another object."""
        env = self.env
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

    def held(self) -> bool:
        """Whether the target hangs in the gripper now."""
        touching = self.env.world.contacts(self.target)
        return ROBOT in touching and SUPPORT not in touching

    # ---- following -------------------------------------------------------------------------------------------------

    def commanded(self) -> tuple[Vector, Any]:
        """Where the tool was last sent: position and rotation."""
        controller = self.env.controller
        assert isinstance(controller, DeltaEndEffector)
        return controller.pose

    def yaw(self) -> float:
        """The commanded yaw of the tool, rad."""
        return to_euler(self.commanded()[1])[2]

    def follow(self, goal: Waypoint) -> Actions:
        """Actions that bring the tool to a waypoint, straight, and keep it there for ``stay_s``."""
        hz = self.env.control_hz
        step, turn = TOOL_SPEED_MPS / hz * goal.speed, TOOL_TURN_RADPS / hz
        stay, last, turned, waited = math.ceil(goal.stay_s * hz - 1e-9), math.inf, math.inf, 0
        while True:
            (x, y, z), rotation = self.commanded()
            roll, pitch, yaw = to_euler(rotation)
            gap = (goal.position_m[0] - x, goal.position_m[1] - y, goal.position_m[2] - z)
            distance = math.hypot(*gap)
            twist = wrap(goal.yaw_rad - yaw)
            arrived = distance < 1e-3 and abs(twist) < 0.01
            # At the border of the workspace: as near as it gets, and turned as far.
            stuck = distance > last - 1e-5 and (abs(twist) < 0.01 or abs(twist) > turned - 1e-5)
            if goal.carry and not self.held():
                return
            # An arm that is held up, by a hand on a rim say, never gets there: go on, and plan anew.
            waited = waited + 1 if arrived or stuck else 0
            if (arrived or stuck) and (self.settled() or waited > BLOCKED_S * hz + stay):
                if stay <= 0:
                    return
                stay -= 1
            last, turned = distance, abs(twist)
            scale = min(1.0, step / distance) * hz / TOOL_SPEED_MPS if distance > 1e-9 else 0.0
            yield np.clip(
                [*(g * scale for g in gap), -roll / turn, -pitch / turn, twist / turn, goal.gripper],
                -1.0, 1.0,
            ).astype(np.float32)  # fmt: skip

    def settled(self) -> bool:
        """Whether the arm has caught up with its command."""
        return math.dist(self.env.snapshot().tool_m, self.commanded()[0]) < 0.006


def _distance(at: Vector, dx: float, dy: float, corners: NDArray[np.float64], normals: NDArray[np.float64]) -> float:
    """Distance of the point ``at + (dx, dy)`` from a convex outline, seen from above; negative inside."""
    return float(((np.array([at[0] + dx, at[1] + dy]) - corners) * normals).sum(axis=1).max())


def _in_scene(grasp: Grasp, pose: tuple[Vector, Quaternion]) -> tuple[Vector, float]:
    """Tool position and closing direction (rad about z) of a grasp on an asset at ``pose``."""
    x, y, z = placed(pose, grasp.position_m)
    cx, cy, _ = rotate(pose[1], (math.cos(grasp.yaw_rad), math.sin(grasp.yaw_rad), 0.0))
    return (x, y, max(z, 0.008)), math.atan2(cy, cx)


def _fallback(asset: Asset) -> Grasp:
    """A grasp across the narrow side through the centre of mass, for assets without annotated grasps."""
    x, y, _ = asset.size_m
    return Grasp(asset.com_m, 0.0 if x <= y else math.pi / 2, min(x, y))


def _lowest(asset: Asset, pose: tuple[Vector, Quaternion]) -> float:
    """Height of the lowest point of an asset at ``pose``, m."""
    return pose[0][2] + lowest_m(asset, pose[1])
