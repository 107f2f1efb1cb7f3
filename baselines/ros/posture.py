"""How far a posture of the arm is from breaking a limit: tool point, tilt, joints and the links above the table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gen3d_envs.geometry import Matrix, Vector, matrix_of, multiply
from gen3d_envs.robots.base import Robot

from .limits import Box, Limits

FIRST_FREE_JOINT = 2
"""The joints before the elbow stand on the base: their height says nothing."""

REACH_M = 1.0
"""No point of an arm is farther than this from a joint that moves it."""


@dataclass(frozen=True)
class Posture:
    """An arm posture and what it means.

    Attributes:
        joints: arm joints, rad.
        tool_m, rotation: tool frame, scene frame.
        excess: how far outside its limits the posture is, by the name of the limit: m for ``workspace`` and ``table``,
            rad for ``tilt`` and ``joint_limit``; negative inside.
    """

    joints: tuple[float, ...]
    tool_m: Vector
    rotation: Matrix
    excess: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest excess; not positive inside all limits."""
        return max(self.excess.values())

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the limits that are exceeded."""
        return tuple(name for name, value in self.excess.items() if value > 0.0)


class Measure:
    """Computes postures of one robot under one set of limits."""

    def __init__(self, robot: Robot, limits: Limits) -> None:
        self._robot, self._limits = robot, limits
        self._box = Box(limits.workspace)
        self._lowest = limits.table_m + limits.link_clearance_m
        margin = limits.joint_margin_rad
        arm = robot.model.joints[: robot.arm_joints]
        self.ranges = tuple((joint.lower + margin, joint.upper - margin) for joint in arm)
        self._frames = [(joint.position_m, matrix_of(joint.orientation_xyzw), joint.axis) for joint in arm]

    def __call__(self, joints: Sequence[float]) -> Posture:
        """The posture of these arm joints (rad)."""
        tool, rotation = self._robot.forward(joints)
        over = max(max(low - q, q - high) for q, (low, high) in zip(joints, self.ranges, strict=True))
        excess = {
            "workspace": self._box.excess_m(tool),
            "tilt": math.acos(min(1.0, max(-1.0, rotation[2][2]))) - self._limits.tilt_rad,
            "joint_limit": over,
            "table": self._lowest - self._lowest_joint(joints),
        }
        return Posture(tuple(joints), tool, rotation, excess)

    def _lowest_joint(self, joints: Sequence[float]) -> float:
        """Height of the lowest joint origin from the elbow on, scene frame, m."""
        # Only heights are asked for, so only the third row of each rotation is carried along.
        (a, b, c), height = (0.0, 0.0, 1.0), self._robot.base_position_m[2]
        lowest = math.inf
        for index, ((x, y, z), turn, axis) in enumerate(self._frames):
            height += a * x + b * y + c * z
            if index >= FIRST_FREE_JOINT and height < lowest:
                lowest = height
            (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = multiply(turn, _about(axis, joints[index]))
            a, b, c = (
                a * m00 + b * m10 + c * m20, a * m01 + b * m11 + c * m21, a * m02 + b * m12 + c * m22,
            )  # fmt: skip
        return lowest


def _about(axis: Vector, angle: float) -> Matrix:
    """Rotation about one of the coordinate axes, or any unit vector (Rodrigues' formula)."""
    x, y, z = axis
    c, s = math.cos(angle), math.sin(angle)
    t = 1.0 - c
    return (
        (t * x * x + c, t * x * y - s * z, t * x * z + s * y),
        (t * x * y + s * z, t * y * y + c, t * y * z - s * x),
        (t * x * z - s * y, t * y * z + s * x, t * z * z + c),
    )


def angle_between(first: Matrix, second: Matrix) -> float:
    """Angle of the rotation that turns one frame into another, rad."""
    # From the chord, not from the trace alone: the cosine says nothing about small angles.
    squared = sum((a - b) ** 2 for p, q in zip(first, second, strict=True) for a, b in zip(p, q, strict=True))
    return 2.0 * math.asin(min(1.0, math.sqrt(squared / 8.0)))


def sagitta_m(start: Sequence[float], end: Sequence[float]) -> float:
    """Bound on how far a tool path that is straight in the joints bulges from the line between its ends, m.

    A point at distance r from n moving joints has an acceleration of at most r (sum of speeds)^2; a path of that
    second derivative leaves its chord by an eighth of it.
    """
    total = sum(abs(a - b) for a, b in zip(start, end, strict=True))
    return REACH_M * total * total / 8.0
