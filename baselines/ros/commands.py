"""From a command of the filter to the message that a robot's interface takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gen3d_envs.geometry import Matrix, Vector, multiply
from gen3d_envs.robots.base import Robot

from . import messages
from .messages import quaternion_of
from .profiles import Profile

ARM_KINDS = {
    "joint_trajectory": messages.JOINT_TRAJECTORY, "joint_group": messages.JOINT_GROUP,
    "pose": messages.POSE_STAMPED, "twist": messages.TWIST_STAMPED,
}  # fmt: skip
GRIPPER_KINDS = {
    "joint_trajectory": messages.JOINT_TRAJECTORY, "joint_single": messages.JOINT_SINGLE, "float64": messages.FLOAT64,
}  # fmt: skip
"""Message type of each interface that is a topic."""


def command_topics(profile: Profile) -> dict[str, str]:
    """Topics that commands go to, with their types; actions are none."""
    command, gripper = profile.command, profile.gripper
    topics = {command.topic: ARM_KINDS[command.kind]} if command.kind in ARM_KINDS else {}
    if gripper.kind in GRIPPER_KINDS:
        topics[gripper.topic] = GRIPPER_KINDS[gripper.kind]
    return topics


def arm_message(
    profile: Profile, robot: Robot, joints: Sequence[float], velocities: Sequence[float], period_s: float, now_s: float
) -> dict[str, Any]:
    """The message for a posture.

    Args:
        profile: says which interface.
        robot: its kinematics.
        joints: arm joints to be reached, rad.
        velocities: of the way there, rad/s; all zero for a hold.
        period_s: control period.
        now_s: for the header.
    """
    interface = profile.command
    if interface.kind == "joint_group":
        return {"name": interface.group, "cmd": [float(q) for q in joints]}
    if interface.kind == "pose":
        tool, rotation = robot.forward(joints)
        position = [a - b for a, b in zip(tool, robot.base_position_m, strict=True)]
        return messages.pose_stamped(now_s, interface.frame, position, quaternion_of(rotation))
    if interface.kind == "twist":
        before = [q - v * period_s for q, v in zip(joints, velocities, strict=True)]
        linear, angular = _twist(robot.forward(before), robot.forward(joints), period_s)
        return messages.twist_stamped(now_s, interface.frame, linear, angular)
    # Without velocities the point is one to stand at: if nothing follows, the controller ends at rest.
    return messages.joint_trajectory(profile.arm_joints, joints, (), interface.periods * period_s)


def gripper_message(profile: Profile, opening: float, period_s: float) -> dict[str, Any] | None:
    """The message for an opening from 0 to 1; None where there is no gripper to command."""
    gripper = profile.gripper
    if gripper.kind == "none":
        return None
    value = gripper.closed + opening * (gripper.open - gripper.closed)
    if gripper.kind == "joint_trajectory":
        return messages.joint_trajectory((gripper.joint,), (value,), (), period_s)
    if gripper.kind == "joint_single":
        return {"name": gripper.joint, "cmd": value}
    return {"data": value}


def _twist(
    start: tuple[Vector, Matrix], end: tuple[Vector, Matrix], period_s: float
) -> tuple[list[float], list[float]]:
    """Linear (m/s) and angular (rad/s) velocity, base axes, that leads from one tool pose to another in a period."""
    linear = [(b - a) / period_s for a, b in zip(start[0], end[0], strict=True)]
    (a, b, c), (d, e, f), (g, h, i) = start[1]
    x, y, z, w = quaternion_of(multiply(end[1], ((a, d, g), (b, e, h), (c, f, i))))
    length = math.sqrt(x * x + y * y + z * z)
    if length < 1e-12:
        return linear, [0.0] * 3
    rate = math.copysign(2.0 * math.atan2(length, abs(w)) / length / period_s, w)
    return linear, [rate * x, rate * y, rate * z]
