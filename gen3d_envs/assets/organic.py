"""Shapes of grown and baked things: bodies that lie or stand on a small flat, stems, leaves, seeds, gradients.

What is round gets a small flat where it touches the table, in its mesh and in its hull, so that it stays where it is
put; the hull's sides are facets that look along the grasp directions, so that fingers meet a plane, not an edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gen3d_envs.assets.asset import Hull
from gen3d_envs.assets.build import Draft, Rgb
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.shapes import Array, Mesh, Profile, circle, loft, mesh, sweep

HALF_TURN = np.pi / 2
FACETS = 12
"""Sides of a round hull: facets look along every multiple of 30 degrees."""

SIT = 0.94
"""Height of a lying body's axis in radii: the rest is the flat that it lies on."""

ROLLING_FRICTION_M = 0.001
"""Rolling resistance of soft or rough skin: a fruit pushed at 0.1 m/s stops within half a second."""


# ---- colour ----------------------------------------------------------------------------------------------------------


def tinted(body: Mesh, base: Rgb, other: Rgb, share: ArrayLike) -> Mesh:
    """Blend the colour of a body from ``base`` towards ``other`` by a share (n,) in [0, 1] at each vertex."""
    ratio = np.asarray(other, dtype=np.float64) / np.maximum(np.asarray(base, dtype=np.float64), 1.0)
    return body.shaded(1.0 + np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0)[:, None] * (ratio - 1.0))


def mottled(body: Mesh, rng: np.random.Generator, amount: float) -> Mesh:
    """Vertices lighter and darker at random by about ``amount``."""
    return body.shaded(1.0 + amount * np.clip(rng.normal(size=len(body.vertices)), -2.0, 2.0))


def speckled(body: Mesh, rng: np.random.Generator, base: Rgb, spot: Rgb, share: float, strength: float = 0.7) -> Mesh:
    """A share of the vertices blended towards the colour of spots."""
    return tinted(body, base, spot, strength * (rng.uniform(size=len(body.vertices)) < share))


def azimuth(body: Mesh) -> Array:
    """(n,) angle of each vertex about the z axis."""
    return np.arctan2(body.vertices[:, 1], body.vertices[:, 0])


# ---- bodies that stand ---------------------------------------------------------------------------------------------


def cut_sphere(radius_m: float, height_m: float, base: float = 0.3, rows: int = 10) -> list[tuple[float, float]]:
    """Profile of an ellipsoid of equatorial radius ``radius_m`` standing on a flat of ``base`` radii."""
    low = -np.arccos(base)
    angle = np.linspace(low, np.pi / 2, rows)
    half = height_m / (1.0 - np.sin(low))
    z = half * (np.sin(angle) - np.sin(low))
    return [(float(radius_m * max(np.cos(a), 0.0)), float(h)) for a, h in zip(angle, z, strict=True)]


def lobed(body: Mesh, count: int, depth: ArrayLike, phase_rad: float = 0.0) -> Mesh:
    """Push grooves into a body about the z axis: ``count`` lobes of relative ``depth``, scalar or (n,)."""
    factor = 1.0 + np.asarray(depth) * 0.5 * (np.cos(count * (azimuth(body) - phase_rad)) - 1.0)
    vertices = body.vertices.copy()
    vertices[:, :2] *= factor[:, None]
    return replace(body, vertices=vertices)


def facet_ring(n: int = FACETS) -> Array:
    """(n, 2) corners of a regular polygon between the unit circle's inner and outer one, facets along the axes."""
    return circle(n, np.pi / n) / np.sqrt(np.cos(np.pi / n))


def standing_hull(profile: Profile, n: int = FACETS, center: tuple[float, float] = (0.0, 0.0)) -> Hull:
    """Hull of a few (radius, z) of a turned body."""
    ring = facet_ring(n)
    return hull(np.concatenate([np.column_stack([ring * r + np.asarray(center), np.full(n, z)]) for r, z in profile]))


def round_grasps(draft: Draft, z: float, width_m: float) -> None:
    """Offer grasps of a standing round thing at every facet of its hull."""
    for yaw in (HALF_TURN, 0.0, np.pi / 3, -np.pi / 3, np.pi / 6, -np.pi / 6):
        draft.grasp(0.0, 0.0, z, yaw, width_m)


# ---- bodies that lie -----------------------------------------------------------------------------------------------


def axis_of(x: ArrayLike, radius: ArrayLike, droop: float = 0.0, y: ArrayLike = 0.0) -> Array:
    """(k, 3) centres of a lying body whose thickest part rests on z = 0.

    Args:
        x: (k,) positions along it.
        radius: (k,) vertical radii.
        droop: 1 where thinner parts come down to the table too, 0 where they stay on the level of the thickest.
        y: sideways bend.
    """
    r = np.asarray(radius, dtype=np.float64)
    z = SIT * (droop * r + (1.0 - droop) * r.max())
    return np.column_stack([np.asarray(x, dtype=np.float64), np.broadcast_to(y, r.shape), z])


def _rings(centers: Array, radii: Array, unit: Array, ridge: Array | None = None) -> Array:
    """(k, n, 3) upright ellipses across a path, flattened where they would be below the table."""
    heading = np.gradient(centers[:, :2], axis=0)
    heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-12)
    left = np.stack([-heading[:, 1], heading[:, 0], np.zeros(len(centers))], axis=1)
    unit = unit if ridge is None else unit * ridge[:, None]
    rings = centers[:, None] + (radii[:, :1] * unit[:, 0])[..., None] * left[:, None]
    rings[..., 2] += radii[:, 1:] * unit[:, 1]
    rings[..., 2] = np.maximum(rings[..., 2], 0.0)
    return rings


def _half_axes(radii: ArrayLike) -> Array:
    half = np.asarray(radii, dtype=np.float64)
    return np.stack([half, half], axis=1) if half.ndim == 1 else half


def lying(centers: Array, radii: ArrayLike, n: int = 14, ridge: Array | None = None) -> Mesh:
    """A body along a path in the plane, with upright sections.

    Args:
        centers: (k, 3), see :func:`axis_of`.
        radii: (k,) or (k, 2) half axes, sideways and vertical; 0 at an end makes a point.
        n: points round each section.
        ridge: (n,) factors that make the section other than an ellipse.
    """
    return loft(_rings(centers, _half_axes(radii), circle(n), ridge))


def lying_hulls(centers: Array, radii: ArrayLike, groups: Sequence[Sequence[int]], n: int = FACETS) -> list[Hull]:
    """Hulls of some of the sections of :func:`lying`, one for each group of indices."""
    rings = _rings(centers, _half_axes(radii), facet_ring(n))
    result = []
    for group in groups:
        # A section of a point would repeat it n times.
        points = [rings[k] if np.ptp(rings[k], axis=0).max() > 1e-6 else rings[k][:1] for k in group]
        result.append(hull(np.concatenate(points)))
    return result


def volume_center(body: Mesh) -> Array:
    """(3,) centre of the volume of a closed mesh."""
    corners = body.vertices[body.faces]
    volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum(axis=1)
    center: Array = (volume[:, None] * corners.sum(axis=1)).sum(axis=0) / (4.0 * volume.sum())
    return center


def long_grasps(draft: Draft, body: Mesh, centers: Array, radii: ArrayLike, spread: float = 0.12) -> None:
    """Offer grasps across a lying body: at its centre of mass, and a share of its length to either side."""
    half = _half_axes(radii)
    heading = np.gradient(centers[:, :2], axis=0)
    x = centers[:, 0]
    middle, length = volume_center(body)[0], np.ptp(x)
    for shift in (0.0, spread, -spread):
        at = middle + shift * length
        y, z, width = (float(np.interp(at, x, values)) for values in (centers[:, 1], centers[:, 2], half[:, 0]))
        along = np.arctan2(np.interp(at, x, heading[:, 1]), np.interp(at, x, heading[:, 0]))
        yaw = float(along + HALF_TURN + HALF_TURN) % np.pi - HALF_TURN
        draft.grasp(at, y, z, yaw, 2.0 * width)


# ---- details -------------------------------------------------------------------------------------------------------


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """Several closed meshes as one."""
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = np.concatenate([m.faces + start for m, start in zip(meshes, starts, strict=False)])
    result = mesh(np.concatenate([m.vertices for m in meshes]), faces)
    return replace(
        result, paint=np.concatenate([m.paint for m in meshes]), shade=np.concatenate([m.shade for m in meshes])
    )


def stem(height_m: float, radius_m: float, lean_m: float = 0.0, n: int = 6) -> Mesh:
    """A stalk that grows from the origin, leans towards +x and widens at its end."""
    t = np.linspace(0.0, 1.0, 4)
    path = np.column_stack([lean_m * t**2, np.zeros(4), height_m * t])
    return sweep(path, radius_m * np.array([1.15, 0.85, 0.9, 1.2]), n, round_ends=False)


def leaf(length_m: float, width_m: float, curl: float = 0.25, n: int = 10) -> Mesh:
    """A pointed leaf from the origin along +x, bending down by ``curl`` of its length at the tip."""
    unit = circle(n)
    along = 0.5 * (1.0 - unit[:, 0])
    outline = np.column_stack([length_m * along, -0.5 * width_m * unit[:, 1] * (1.0 - 0.45 * along), np.zeros(n)])
    thick = max(0.035 * length_m, 0.0006)
    middle, up = np.array([0.45 * length_m, 0.0, 0.0]), np.array([0.0, 0.0, thick])
    points = np.stack([np.tile(middle - up, (n, 1)), outline, np.tile(middle + 0.4 * up, (n, 1))])
    body = loft(points)
    vertices = body.vertices.copy()
    vertices[:, 2] -= curl * vertices[:, 0] ** 2 / length_m
    return replace(body, vertices=vertices)


def calyx(rays: int, length_m: float, width_m: float, curl: float, rng: np.random.Generator) -> Mesh:
    """A star of small leaves about the z axis, from the origin outwards."""
    start = rng.uniform(0.0, 2.0 * np.pi)
    return merged([
        leaf(length_m * rng.uniform(0.8, 1.1), width_m, curl * rng.uniform(0.6, 1.3), 6).moved(z=0.0002 * k)
        .turned("z", start + 2.0 * np.pi * k / rays) for k in range(rays)
    ])  # fmt: skip


def scattered(
    body: Mesh, count: int, size_m: tuple[float, float, float], rng: np.random.Generator,
    where: NDArray[np.bool_] | None = None, n: int = 4,
) -> Mesh:  # fmt: skip
    """Small lenses on the surface of a body: seeds, pores, sprinkles, warts.

    Args:
        body: what they sit on.
        count: how many; no two on one face.
        size_m: half axes: along a random tangent, across it, and out of the surface.
        rng: draws the faces and the directions.
        where: (m,) faces that may carry one.
        n: corners of each.
    """
    candidates = np.arange(len(body.faces)) if where is None else np.flatnonzero(where)
    chosen = rng.choice(candidates, size=min(count, len(candidates)), replace=False)
    unit = circle(n)
    meshes = []
    for center, normal in zip(body.centers[chosen], body.normals[chosen], strict=True):
        tangent = np.cross(normal, rng.normal(size=3))
        tangent /= np.linalg.norm(tangent)
        side = np.cross(normal, tangent)
        ring = center + size_m[0] * unit[:, :1] * tangent + size_m[1] * unit[:, 1:] * side
        ends = [np.tile(center + s * size_m[2] * normal, (n, 1)) for s in (-1.0, 1.0)]
        meshes.append(loft(np.stack([ends[0], ring, ends[1]])))
    return merged(meshes)
