"""What the arms share: the protocol of their kinematics, merged inertias and small helpers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from gen3d_envs.assets.asset import Quaternion, Vector
from gen3d_envs.geometry import Matrix, matrix_of
from gen3d_envs.sim.articulation import Inertia


class ArmKinematics(Protocol):
    """Forward and inverse kinematics of an arm, base frame. Inputs are finite and of the right length."""

    def forward(self, arm: Sequence[float]) -> tuple[Vector, Matrix]:
        """Tool point (m) and tool rotation for arm joint positions (rad)."""

    def inverse(self, position: Sequence[float], rotation: Matrix, near: Sequence[float]) -> tuple[list[float], float]:
        """Arm joints (rad) nearest to ``near`` for a tool pose, and the position residual (m)."""


def quaternion_from_rpy(roll: float, pitch: float, yaw: float) -> Quaternion:
    """Unit quaternion xyzw of rotations about the fixed axes x, then y, then z (rad), as in URDF."""
    cr, sr, cp, sp = math.cos(roll / 2), math.sin(roll / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    cy, sy = math.cos(yaw / 2), math.sin(yaw / 2)
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )


def merge_inertias(parts: Sequence[tuple[Inertia, Vector, Matrix]]) -> Inertia:
    """Mass properties of several rigid parts as one link (parallel-axis theorem).

    Args:
        parts: inertia of each part, and the part's frame in the frame of the merged link.

    Returns:
        The total, with moments about the common centre of mass along the axes of the merged link's frame.
    """
    masses, centres, tensors = [], [], []
    for inertia, position, rotation in parts:
        frame = np.array(rotation) @ np.array(matrix_of(inertia.orientation_xyzw))
        xx, yy, zz, xy, xz, yz = inertia.moments_kgm2
        masses.append(inertia.mass_kg)
        centres.append(np.array(rotation) @ np.array(inertia.com_m) + np.array(position))
        tensors.append(frame @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ frame.T)
    mass = sum(masses)
    com = sum((m * c for m, c in zip(masses, centres, strict=True)), np.zeros(3)) / mass
    total = np.zeros((3, 3))
    for part_mass, centre, tensor in zip(masses, centres, tensors, strict=True):
        arm = centre - com
        total += tensor + part_mass * (float(arm @ arm) * np.eye(3) - np.outer(arm, arm))
    x, y, z = (float(v) for v in com)
    moments = tuple(float(total[i, j]) for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)))
    return Inertia(float(mass), (x, y, z), moments_kgm2=moments)  # type: ignore[arg-type]


def clip(value: float, lower: float, upper: float) -> float:
    """``value`` moved into [lower, upper]."""
    return lower if value < lower else upper if value > upper else value
