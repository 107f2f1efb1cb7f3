"""What a robot may never be told to do: limits as one validated record, with careful defaults for each arm."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Vector, from_euler
from gen3d_envs.robots.base import Robot
from gen3d_envs.robots.controllers import WORKSPACE_HIGH_M, WORKSPACE_LOW_M
from gen3d_envs.spec import Spec

Positive = Annotated[float, msgspec.Meta(gt=0.0, le=1000.0)]
Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Metres = Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)]
Point = tuple[Metres, Metres, Metres]

LEAST_EXTENT_M = 0.01

FAST = 100.0
"""So much of anything per second is no limit."""


class Workspace(Spec, frozen=True, kw_only=True):
    """A box that the tool point stays in, turned and moved at will; a limit of 0.0 is a limit like any other.

    Attributes:
        low_m, high_m: corners in the box's own frame.
        origin_m: of the box's frame in the scene frame.
        euler_rad: roll, pitch, yaw of the box's frame in the scene frame (extrinsic x-y-z).
    """

    low_m: Point = WORKSPACE_LOW_M
    high_m: Point = WORKSPACE_HIGH_M
    origin_m: Point = (0.0, 0.0, 0.0)
    euler_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Limits(Spec, frozen=True, kw_only=True):
    """Limits of the commands that leave this computer.

    They are no certified safety function: the robot's own limits and its emergency stop stay in force, and stay needed.

    Attributes:
        workspace: where the tool point may be.
        table_m: height of the table, scene frame.
        link_clearance_m: every joint from the elbow on stays so far above the table.
        tilt_rad: largest angle between the gripper and straight down.
        joint_margin_rad: distance kept from the arm's own joint limits.
        joint_speed_radps, joint_acceleration_radps2: of every arm joint.
        tool_speed_mps, tool_turn_radps: of the tool frame.
        tool_acceleration_mps2: of the tool point.
        gripper_per_s: how much of its whole range the gripper moves in a second.
        unreachable_m: inverse kinematics that misses the wanted tool point by more is a failure: the arm holds.
        first_step_rad: the first command lies this near to the measured joints.
        tracking_error_rad: a joint that is so far from its command stops the robot.
        effort_share: share of the drive's largest effort that stops the robot; None where effort is not watched.
    """

    workspace: Workspace = Workspace()
    table_m: Metres = 0.0
    link_clearance_m: Metres = 0.04
    tilt_rad: Annotated[float, msgspec.Meta(gt=0.0, le=math.pi)] = 1.2
    joint_margin_rad: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.02
    joint_speed_radps: tuple[Positive, ...]
    joint_acceleration_radps2: tuple[Positive, ...]
    tool_speed_mps: Positive = 0.25
    tool_turn_radps: Positive = 0.6
    tool_acceleration_mps2: Positive = 4.0
    gripper_per_s: Positive = 5.0
    unreachable_m: Positive = 0.005
    first_step_rad: Positive = 0.05
    tracking_error_rad: Positive = 0.35
    effort_share: Share | None = None


def default_limits(robot: Robot) -> Limits:
    """Careful limits for an arm: the tool at 0.25 m/s and 0.6 rad/s, joints at 1 rad/s and 5 rad/s2.

    The joint speed is that of the simulation's ``joint_delta``; the tool's turn is the one of UMI (Chi et al., 2024),
    slower than the simulation's 1.25 rad/s: a policy that turns faster is slowed down, and told so.
    """
    count = robot.arm_joints
    speeds = tuple(min(1.0, joint.velocity) for joint in robot.model.joints[:count])
    return Limits(joint_speed_radps=speeds, joint_acceleration_radps2=(5.0,) * count)


def training_limits(robot: Robot) -> Limits:
    """What the simulation itself allows an arm, as limits: for simulated robots only.

    A policy that acts as it did in training meets none of them but the workspace; what is left in force are the checks
    of numbers, of joints' ranges and of tracking.
    """
    count = robot.arm_joints
    return Limits(
        joint_speed_radps=(FAST,) * count, joint_acceleration_radps2=(FAST,) * count, joint_margin_rad=0.0,
        tool_speed_mps=FAST, tool_turn_radps=FAST, tool_acceleration_mps2=FAST, gripper_per_s=FAST,
        link_clearance_m=-1.0, tilt_rad=math.pi, unreachable_m=FAST, tracking_error_rad=FAST,
    )  # fmt: skip


def check_limits(limits: Limits, robot: Robot) -> None:
    """Refuse limits that make no sense for an arm.

    Raises:
        FieldError: a wrong number of joints, an empty box, a margin that leaves a joint no range.
    """
    count = robot.arm_joints
    for field in ("joint_speed_radps", "joint_acceleration_radps2"):
        values = getattr(limits, field)
        if len(values) != count:
            raise FieldError(f"limits.{field}", values, f"is not one per arm joint of {robot.name}", f"Give {count}")
    box = limits.workspace
    if any(high - low < LEAST_EXTENT_M for low, high in zip(box.low_m, box.high_m, strict=True)):
        raise FieldError(
            "limits.workspace", (box.low_m, box.high_m), "is empty", f"Let high exceed low by {LEAST_EXTENT_M} m"
        )
    for joint in robot.model.joints[:count]:
        if joint.upper - joint.lower <= 2.0 * limits.joint_margin_rad:
            raise FieldError(
                "limits.joint_margin_rad", limits.joint_margin_rad, f"leaves {joint.name} no range", "Make it smaller"
            )


class Box:
    """The workspace, ready to compute with.

    Args:
        workspace: the box.
        shrink_m: how much smaller it is made on every side for targets.
    """

    def __init__(self, workspace: Workspace, shrink_m: float = 0.0) -> None:
        self._rows = from_euler(*workspace.euler_rad)
        self._origin = workspace.origin_m
        self.low = tuple(value + shrink_m for value in workspace.low_m)
        self.high = tuple(value - shrink_m for value in workspace.high_m)

    def excess_m(self, point: Vector) -> float:
        """How far outside the point lies along the worst axis; negative inside."""
        return max(
            max(low - value, value - high)
            for value, low, high in zip(self._local(point), self.low, self.high, strict=True)
        )

    def nearest(self, point: Vector) -> Vector:
        """The point of the box nearest to a point, scene frame; the point itself where it is inside."""
        local = self._local(point)
        inside = [min(max(v, low), high) for v, low, high in zip(local, self.low, self.high, strict=True)]
        if inside == list(local):
            return point
        a, b, c = self._rows
        u, v, w = inside
        x, y, z = self._origin
        return (
            x + a[0] * u + a[1] * v + a[2] * w, y + b[0] * u + b[1] * v + b[2] * w, z + c[0] * u + c[1] * v + c[2] * w,
        )  # fmt: skip

    def _local(self, point: Vector) -> Vector:
        a, b, c = self._rows
        dx, dy, dz = (p - o for p, o in zip(point, self._origin, strict=True))
        return (
            a[0] * dx + b[0] * dy + c[0] * dz, a[1] * dx + b[1] * dy + c[1] * dz, a[2] * dx + b[2] * dy + c[2] * dz,
        )  # fmt: skip
