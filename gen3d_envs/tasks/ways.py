"""The way of a thing that is carried onto or into another: over its edge, not through it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.geometry import Quaternion, Vector, matrix_of, rotate

CLEARANCE_M = 0.01
"""How far above an edge the lowest point of what is carried over it should be."""


def lowest_m(asset: Asset, orientation: Quaternion) -> float:
    """Height of the lowest point of a turned asset over its origin, m (negative where it is below)."""
    return float((asset.vertices @ np.array(matrix_of(orientation)[2])).min())


@dataclass(frozen=True)
class Edge:
    """What is in the way of a thing's centre of mass: a wall around a goal, upright, in the frame of what has it, m.

    Attributes:
        x, y: the middle of the goal.
        half_x, half_y: half axes of the wall's outline.
        top: height at which the centre of mass passes over it.
        round: the outline is an ellipse if true, else a rectangle.
    """

    x: float
    y: float
    half_x: float
    half_y: float
    top: float
    round: bool

    @classmethod
    def of(
        cls, receptacle: Asset, middle: tuple[float, float], rim: float, round: bool, target: Asset, turned: Quaternion
    ) -> Edge:
        """The outline of a receptacle, at the height of its rim, for a target that is carried as it is turned now."""
        size_x, size_y, _ = receptacle.size_m
        stands = rotate(turned, target.com_m)[2] - lowest_m(target, turned)
        return cls(*middle, 0.5 * size_x, 0.5 * size_y, rim + stands + CLEARANCE_M, round)

    def way_m(self, position: Vector, goal_z: float) -> float:
        """Length of the shortest way from a position to the goal, m: straight where the wall is not in between."""
        dx, dy, dz = position[0] - self.x, position[1] - self.y, position[2] - goal_z
        away, over = math.hypot(dx, dy), self.top - goal_z
        u, v = abs(dx) / self.half_x, abs(dy) / self.half_y
        wall = away / max(math.hypot(u, v) if self.round else max(u, v), 1e-9)
        if away <= wall or dz * wall >= over * away:
            return math.hypot(away, dz)
        return math.hypot(away - wall, dz - over) + math.hypot(wall, over)
