"""Shapes and helpers that several builders share: bodies along x, side views, and choices of colour and weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from gen3d_envs.assets.asset import Hull
from gen3d_envs.assets.build import Draft, Params, Rgb
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.finish import mass_properties
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import Array, Mesh, circle, ellipsoid, extrude, loft

HALF_TURN = np.pi / 2

GRIP_HEIGHT_M = (0.0125, 0.0145)
"""Height of thin things that are to be gripped: finger tips close 10 mm above the table and hold nothing lower."""


def spine(stations: ArrayLike, n: int = 12, power: float = 2.0, start_rad: float = 0.0) -> Mesh:
    """A body along x from upright elliptic sections.

    Args:
        stations: (k, 5) rows of x, y, z of the section's centre and its half axes along y and z,
        m; x rises. A section
            without size is a point.
        n: corners of a section.
        power: of the superellipse; above 2 the section is boxier.
        start_rad: angle of the first corner; pi / n puts a flat side below.
    """
    rows = np.asarray(stations, dtype=np.float64)
    unit = circle(n, start_rad)
    unit = np.sign(unit) * np.abs(unit) ** (2.0 / power)
    rings = np.empty((len(rows), n, 3))
    rings[:, :, 0] = rows[:, None, 0]
    rings[:, :, 1:] = rows[:, None, 1:3] + rows[:, None, 3:5] * unit
    return loft(rings)


def spine_hulls(stations: ArrayLike, cuts: Sequence[int], floor_z_m: float | None = None) -> list[Hull]:
    """Convex parts of a :func:`spine`, octagonal with a flat side below, so that they do not roll.

    Args:
        stations: as of the spine.
        cuts: indices of stations; each part reaches from one to the next.
        floor_z_m: nothing reaches below this.
    """
    rows = np.asarray(stations, dtype=np.float64)
    unit = circle(8, np.pi / 8) / np.cos(np.pi / 8)
    parts = []
    for low, high in pairwise(cuts):
        points = []
        for x, y, z, half_y, half_z in rows[low : high + 1]:
            ring = np.column_stack([np.full(8, x), y + half_y * unit[:, 0], z + half_z * unit[:, 1]])
            points.append(ring[:1] if max(half_y, half_z) < 1e-6 else ring)
        whole = np.concatenate(points)
        if floor_z_m is not None:
            whole[:, 2] = np.maximum(whole[:, 2], floor_z_m)
        parts.append(hull(whole))
    return parts


def lying(profile: Sequence[tuple[float, float]]) -> list[tuple[float, float, float, float, float]]:
    """Stations of a turned body that lies along x, from (x, radius); its thickest section touches z = 0."""
    height = max(radius for _, radius in profile)
    return [(x, 0.0, height, radius, radius) for x, radius in profile]


def side_view(outline_xz: ArrayLike, y0_m: float, y1_m: float, bevel_m: float = 0.0) -> Mesh:
    """A prism across y over a simple polygon (n, 2) of the xz plane."""
    return extrude(outline_xz, -y1_m, -y0_m, bevel_m).turned("x", HALF_TURN)


def prism_hull(outline_xz: Sequence[tuple[float, float]], half_y_m: float) -> Hull:
    """Hull of the prism across y over points of the xz plane."""
    return hull([(x, side * half_y_m, z) for x, z in outline_xz for side in (-1.0, 1.0)])


def bent(mesh: Mesh, lift: Callable[[Array], Array]) -> Mesh:
    """The mesh with each vertex raised by ``lift(x)``."""
    vertices = mesh.vertices.copy()
    vertices[:, 2] += lift(vertices[:, 0])
    return replace(mesh, vertices=vertices)


def flattened(mesh: Mesh, z_m: float) -> Mesh:
    """The mesh with everything below ``z_m`` pressed up to it."""
    vertices = mesh.vertices.copy()
    vertices[:, 2] = np.maximum(vertices[:, 2], z_m)
    return replace(mesh, vertices=vertices)


def center(draft: Draft) -> tuple[float, float, float]:
    """Centre of mass, m, in the draft's frame."""
    return mass_properties(draft.parts)[1]


def tint(p: Params) -> Rgb:
    """The colour asked for, or one of the category's, whatever the material's own colours are."""
    drawn = p.paint(p.choice(p.category.colors))
    return drawn if p.spec.color is None else p.color


def grip_height(p: Params, real_m: float) -> float:
    """The real height, or a chunkier one where a gripper has to hold it."""
    chunky = p.uniform(*GRIP_HEIGHT_M)
    return real_m if p.grip is None else max(real_m, chunky)


def grasp_along(draft: Draft, x0_m: float, x1_m: float, z_m: float, width_m: float) -> None:
    """Offer grasps across y on a bar along x: nearest to the centre of mass, then a little to either side."""
    middle = center(draft)[0]
    reach = 0.012
    for x in (middle, middle - reach, middle + reach):
        draft.grasp(float(np.clip(x, x0_m, x1_m)), 0.0, z_m, HALF_TURN, width_m)


def egg(x: float, y: float, z: float, at: tuple[float, float, float], n: int = 12, rows: int = 8) -> Mesh:
    """An ellipsoid with half axes x, y, z somewhere."""
    return ellipsoid(x, y, z, n, rows).moved(*at)


def eyes(p: Params, draft: Draft, at: tuple[float, float, float], size: float, white: bool = False) -> None:
    """Two eyes on either side of y = 0, sunk into the head by half; with white round the pupil where asked for."""
    x, y, z = at
    plastic = MATERIALS["plastic"]
    for side in (-1.0, 1.0):
        if white:
            ball = egg(1.5 * size, 0.9 * size, 1.5 * size, (x, side * y, z), 8, 5)
            draft.add(ball, p.paint("white", 0.0), plastic, 0.1)
        shift = 0.55 * size if white else 0.0
        pupil = egg(size, 0.9 * size, size, (x + 0.6 * shift, side * (y + shift), z), 8, 5)
        draft.add(pupil, p.paint("black", 0.0), plastic, 0.1)
