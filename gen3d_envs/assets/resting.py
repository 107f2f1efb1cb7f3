"""How a foreign shape rests: the pose near its own upright in which it balances and does not tip over easily."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets import affordances
from gen3d_envs.assets.simplify import Array

TIPPING_COST_DEG = ((8.0, 0.0), (2.0, 25.0), (0.0, 90.0))
"""(Tilt that a pose takes without falling over, how much farther from upright a firmer one may be), degrees."""


def resting(pieces: list[Array]) -> Array:
    """The smallest rotation that puts the thing on a face of its hull that it can stand on.

    A face that it hardly stands on counts as turned further, so that a firm pose nearby is taken instead.
    """
    from scipy.spatial import ConvexHull

    _, com, _ = affordances.mass_properties(affordances.columns(pieces, 40))
    points = np.concatenate(pieces)
    hull = ConvexHull(points)
    center, size = np.array(com), float(np.ptp(points, axis=0).max())
    candidates: list[tuple[float, int]] = []
    _, first = np.unique(hull.equations.round(3), axis=0, return_index=True)
    for row in np.sort(first):
        normal, offset = hull.equations[row, :3], hull.equations[row, 3]
        height_above = points @ normal + offset
        # It must be in balance on what touches now ...
        if _margin(points[height_above > -3e-4], center, normal) <= 0.0:
            continue
        # ... but generated meshes have wavy bottoms: what would touch after rocking by a hair keeps it from falling.
        margin = _margin(points[height_above > -0.012 * size], center, normal)
        if margin > 0.0:
            height = -float(normal @ center + offset)
            tips_at = np.degrees(np.arctan2(margin, height))
            cost = np.degrees(np.arccos(np.clip(-normal[2], -1.0, 1.0)))
            cost += next(extra for least, extra in TIPPING_COST_DEG if tips_at >= least)
            candidates.append((float(cost), int(row)))
    if not candidates:
        return np.eye(3)
    _, row = min(candidates)
    return _turn_onto(hull.equations[row, :3], np.array([0.0, 0.0, -1.0]))


def _margin(touching: Array, center: Array, normal: Array) -> float:
    """How far inside the polygon of contact points the centre of mass is, seen along the normal; negative outside."""
    from scipy.spatial import ConvexHull, QhullError

    side = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
    side /= np.linalg.norm(side)
    plane = np.stack([side, np.cross(normal, side)])
    try:
        edges = ConvexHull(touching @ plane.T).equations
    except (QhullError, ValueError):
        return -1.0
    return float(-(edges[:, :2] @ (plane @ center) + edges[:, 2]).max())


def _turn_onto(start: Array, end: Array) -> Array:
    """The smallest rotation that turns one unit vector onto another (Rodrigues)."""
    cosine = float(start @ end)
    if cosine > 1.0 - 1e-12:
        return np.eye(3)
    if cosine < -1.0 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    x, y, z = np.cross(start, end)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + cross + cross @ cross / (1.0 + cosine)
