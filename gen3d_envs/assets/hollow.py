"""Round hollow vessels: an even wall turned about z, with its collision ring and its cavity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gen3d_envs.assets.asset import Cavity
from gen3d_envs.assets.build import Draft, Params, Rgb
from gen3d_envs.assets.collision import walled
from gen3d_envs.assets.shapes import Profile, lathe

HALF_TURN = np.pi / 2

ALL_ROUND_RAD = tuple(k * np.pi / 4 for k in range(8))
"""Angles at which the rim is offered."""

RIM_GRIP_M = (0.0065, 0.008)
"""Wall thickness of vessels that are to be gripped by the rim."""

REAL_WALL_M = {"steel": 0.0012, "aluminium": 0.0018, "iron": 0.0030, "plastic": 0.0025}
"""Wall thickness of real vessels of these materials; drawn walls are thicker, so their effective density is lower."""


def wall_thickness(p: Params, low: float, high: float) -> float:
    """Wall thickness: thick enough to be gripped by the rim where the object is to be picked."""
    return p.uniform(*RIM_GRIP_M) if p.grip is not None else p.uniform(low, high)


def solid_share(p: Params, wall: float) -> float:
    """Effective density factor of a wall that is drawn thicker than a real one."""
    return min(1.0, REAL_WALL_M.get(p.material.name, 0.0045) / wall)


def hollow(
    p: Params, outer: Profile, wall: float, floor: float, n: int, skin: Sequence[tuple[float, float]] = (),
    inside: Rgb | None = None, segments: int = 28,
) -> Draft:  # fmt: skip
    """A turned vessel of even wall: mesh, collision and cavity.

    Args:
        p: parameters, for colour and material.
        outer: (radius, z) from the foot to the rim, rising.
        wall: thickness, measured horizontally.
        floor: height of the inner floor.
        n: collision wedges.
        skin: outer points that the wedges follow; the foot, the middle and the rim by default.
        inside: colour of the inside.
        segments: corners round the mesh.
    """
    zs, rs = [z for _, z in outer], [r for r, _ in outer]
    radius, height = outer[-1]
    rim = 0.3 * wall
    inner = [(float(np.interp(z, zs, rs)) - wall, z) for z in zs if floor + 0.002 < z < height - 2 * rim]
    inner = [(float(np.interp(floor, zs, rs)) - wall, floor), *inner]
    profile = [(0.0, 0.0), *outer[:-1], (radius, height - rim), (radius - rim, height), (radius - wall + rim, height)]
    profile += [(radius - wall, height - rim), *reversed(inner), (0.0, floor)]
    body = lathe(profile, segments)
    if inside is not None:
        centers, normals = body.centers, body.normals
        inward = (centers[:, :2] * normals[:, :2]).sum(axis=1) < -0.2 * np.linalg.norm(centers[:, :2], axis=1)
        bottom = (normals[:, 2] > 0.9) & (centers[:, 2] < floor + 1e-4)
        body = body.painted(inside, (inward & (centers[:, 2] > 0.9 * floor)) | bottom)
    draft = Draft()
    draft.add(body, p.color, p.material, solid_share(p, wall))
    follow = skin or (outer[0], outer[len(outer) // 2], outer[-1])
    draft.collision.extend(walled(follow, [inner[0], (radius - wall, height)], floor, n))
    # The flat faces of the wedges stand a little inside the round wall.
    mouth = min([r for r, z in inner if z > 0.4 * height] + [radius - wall]) * np.cos(np.pi / n)
    draft.cavity = Cavity(floor, height, float(mouth), float(mouth))
    return draft


def bowl_profile(
    foot: float, radius: float, height: float, ring: float, k: int = 7, power: float = 1.0
) -> list[tuple[float, float]]:
    """A quarter of an ellipse from a low foot ring to an upright rim."""
    outer = [(foot - 0.001, 0.0), (foot, ring)]
    for angle in np.linspace(0.0, HALF_TURN, k)[1:]:
        r = foot + (radius - foot) * np.sin(angle) ** power
        outer.append((float(r), float(ring + (height - ring) * (1.0 - np.cos(angle)))))
    return outer
