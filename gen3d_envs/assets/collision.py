"""Convex collision parts, made from the same numbers as the visual mesh instead of decomposed from it.

Only the base of a hollow thing touches the table: walls start :data:`RAISE_M` above it. Walls whose feet touch multiply
the contact points, and the cost of a physics step with them, by four.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from gen3d_envs.assets.asset import Box, Hull
from gen3d_envs.assets.shapes import Array, Profile, circle

RAISE_M = 0.003
"""Height of the lowest point of wall parts above the base of their object."""


def hull(points: ArrayLike) -> Hull:
    """The convex hull of (k, 3) points."""
    return Hull(np.ascontiguousarray(points, dtype=np.float32))


def rings_hull(profile: Profile, n: int = 10, center: tuple[float, float] = (0.0, 0.0)) -> Hull:
    """A convex turned body: a ring of ``n`` points for each (radius, z) of the profile."""
    rings = []
    for radius, z in profile:
        if radius < 1e-6:
            rings.append(np.array([[center[0], center[1], z]]))
        else:
            rings.append(np.column_stack([circle(n) * radius + np.asarray(center), np.full(n, z)]))
    return hull(np.concatenate(rings))


def wedges(section: Profile, n: int = 12) -> list[Hull]:
    """A ring wall: ``n`` hulls of a (radius, z) cross-section between neighbouring angles.

    The section should start at :data:`RAISE_M` or higher; its convex hull is what is swept.
    """
    points = np.asarray(section, dtype=np.float64)
    unit = circle(n)
    result = []
    for start, end in zip(unit, np.roll(unit, -1, axis=0), strict=True):
        both = [np.column_stack([points[:, :1] * direction, points[:, 1]]) for direction in (start, end)]
        result.append(hull(np.concatenate(both)))
    return result


def walled(outer: Profile, inner: Profile, floor_z_m: float, n: int = 12) -> list[Hull]:
    """Collision of a round container: a base disc and one or two rings of wall.

    Args:
        outer: (radius, z) of the outside from the foot (z = 0) to the rim.
        inner: (radius, z) of the wall's inside from the floor's edge to the rim.
        floor_z_m: height of the inner floor.
        n: wedges of the wall.
    """
    lifted = [(float(np.interp(RAISE_M, [z for _, z in outer], [r for r, _ in outer])), RAISE_M)]
    lifted += [(r, z) for r, z in outer if z > RAISE_M]
    base_radius = max(outer[0][0], 0.004)
    base = rings_hull([(base_radius, 0.0), (min(base_radius, lifted[-1][0]), max(floor_z_m, 0.003))], 8)
    return [base, *wedges([*lifted, *inner], n)]


def chain(
    path: ArrayLike, radii: ArrayLike, side: tuple[float, float, float] = (0.0, 1.0, 0.0), n: int = 6
) -> list[Hull]:
    """Short hulls along a curve, one per segment; half axes across and along ``side`` as in ``shapes.sweep``."""
    centers = np.asarray(path, dtype=np.float64)
    half = np.asarray(radii, dtype=np.float64)
    half = np.broadcast_to(half[:, None] if half.ndim == 1 else half, (len(centers), 2))
    tangent = np.gradient(centers, axis=0)
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    across = np.cross(np.asarray(side, dtype=np.float64), tangent)
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    along = np.cross(tangent, across)
    unit = circle(n)
    rings: list[Array] = [
        centers[k] + half[k, 0] * unit[:, :1] * across[k] + half[k, 1] * unit[:, 1:] * along[k]
        for k in range(len(centers))
    ]
    return [hull(np.concatenate(pair)) for pair in pairwise(rings)]


def block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Box:
    """An axis-aligned box between two values on each axis, m."""
    pairs = (x, y, z)
    half = tuple(float(high - low) / 2 for low, high in pairs)
    center = tuple(float(low + high) / 2 for low, high in pairs)
    return Box((half[0], half[1], half[2]), (center[0], center[1], center[2]))


def open_box(
    bottom: Sequence[float], top: Sequence[float], height_m: float, wall_m: float, floor_m: float
) -> list[Hull | Box]:
    """Collision of a rectangular container, its walls leaning outwards or upright.

    Args:
        bottom: outer half sizes (x, y) at z = 0.
        top: outer half sizes (x, y) at the rim.
        height_m: height of the rim.
        wall_m: thickness of the walls.
        floor_m: thickness of the floor.
    """
    parts: list[Hull | Box] = [block((-bottom[0], bottom[0]), (-bottom[1], bottom[1]), (0.0, floor_m))]
    share = RAISE_M / height_m
    low = [b + share * (t - b) for b, t in zip(bottom, top, strict=True)]
    for axis in (0, 1):
        other = 1 - axis
        for sign in (1.0, -1.0):
            corners = []
            for half, z in ((low, RAISE_M), (top, height_m)):
                # Walls across x run the full length; walls across y fit between them.
                reach = half[other] - (wall_m if axis == 1 else 0.0)
                for depth in (0.0, wall_m):
                    for end in (-reach, reach):
                        point = [0.0, 0.0, z]
                        point[axis] = sign * (half[axis] - depth)
                        point[other] = end
                        corners.append(point)
            parts.append(hull(corners))
    return parts
