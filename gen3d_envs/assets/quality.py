"""The quality gate of assets: measured properties against limits, as lines of a certificate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import materials
from gen3d_envs.assets.asset import Asset, Box, Hull, Sphere
from gen3d_envs.assets.build import MIN_GRIP_M
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.shapes import circle
from gen3d_envs.spec import CheckResult, ObjectSpec

Array = NDArray[np.float64]

MASS_LIMITS_KG = (0.001, 5.0)
"""What a table-top object weighs."""

BOUNDS_TOLERANCE_M = 0.004
"""Collision bounds may differ from visual bounds by this, or by 5 % of the extent."""

TIP_TOLERANCE_M = 0.002
"""How far outside its support polygon a centre of mass may project: within it rolling friction and margins hold."""

COLOR_SHARE = 0.2
"""Least share of the surface that shows the colour asked for."""

MAX_PARTS = 16
"""Most convex parts: physics slows down with each."""


def check(asset: Asset, spec: ObjectSpec) -> tuple[CheckResult, ...]:
    """Measure an asset against its spec; it is fit for use when every result passed."""
    return tuple(_checks(asset, spec))


def _checks(asset: Asset, spec: ObjectSpec) -> Iterator[CheckResult]:
    arrays: list[NDArray[np.floating[Any]]] = [
        asset.vertices,
        np.array([asset.mass_kg, *asset.com_m, *asset.inertia_kgm2, asset.friction]),
    ]
    arrays += [part.vertices for part in asset.collision if isinstance(part, Hull)]
    infinite = sum(int((~np.isfinite(array)).sum()) for array in arrays)
    yield _at_most("finite", infinite, 0, "values", "not a number or infinite")
    open_edges, volume = _topology(asset)
    yield _at_most("watertight", open_edges, 0, "edges", "not shared by exactly two faces in opposite directions")
    yield _at_least("volume", volume, 0.0, "m3", "of the component with the smallest; negative is inside out")
    yield from _size(asset)
    low, high = MASS_LIMITS_KG
    mass_ok = low <= asset.mass_kg <= high
    yield CheckResult(
        name="mass", passed=mass_ok, value=asset.mass_kg, limit=high, unit="kg", detail=f"at least {low} kg"
    )
    # A rigid body's moments fulfil the triangle inequality.
    moments = sorted(asset.inertia_kgm2)
    yield _at_least(
        "inertia", min(moments[0], moments[0] + moments[1] - moments[2] * 0.999), 0.0, "kg m2", "physically possible"
    )
    yield _at_most("collision_parts", len(asset.collision), MAX_PARTS, "parts", "convex")
    points = np.concatenate([_points(part) for part in asset.collision])
    mesh_bounds = np.concatenate([-asset.vertices.min(axis=0), asset.vertices.max(axis=0)]).astype(np.float64)
    bounds = np.concatenate([-points.min(axis=0), points.max(axis=0)])
    allowed = np.maximum(BOUNDS_TOLERANCE_M, 0.05 * np.tile(np.array(asset.size_m), 2))
    excess = float((np.abs(bounds - mesh_bounds) / allowed).max())
    yield _at_most("collision_bounds", excess, 1.0, "of tolerance", "largest difference to the visual bounds")
    yield _at_most(
        "base_height", abs(float(points[:, 2].min())), 0.0015, "m", "lowest collision point above or below z = 0"
    )
    margin = _support_margin(points, asset.com_m)
    yield _at_least(
        "stable", margin, -TIP_TOLERANCE_M, "m", "from the centre of mass to the edge of the support polygon"
    )
    if spec.grip_width_m is not None:
        yield from _grip(asset, spec.grip_width_m)
    category = CATEGORIES.get(asset.category)
    if category is not None:
        missing = (category.container and asset.cavity is None) + (category.surface and asset.surface is None)
        yield _at_most("affordances", missing, 0, "missing", "cavity of a container, surface of a support")
    if spec.color is not None and asset.category != "mesh":
        share = color_share(asset, materials.color(spec.color))
        yield _at_least("color", share, COLOR_SHARE, "of surface", f"shows {spec.color}")


def _at_most(name: str, value: float, limit: float, unit: str, detail: str) -> CheckResult:
    return CheckResult(
        name=name, passed=bool(value <= limit), value=float(value), limit=float(limit), unit=unit, detail=detail
    )


def _at_least(name: str, value: float, limit: float, unit: str, detail: str) -> CheckResult:
    passed = bool(value > limit if limit == 0.0 else value >= limit)
    return CheckResult(name=name, passed=passed, value=float(value), limit=float(limit), unit=unit, detail=detail)


def _topology(asset: Asset) -> tuple[int, float]:
    """Number of bad edges, and volume of the smallest component (m3), with coincident vertices merged."""
    points, index = np.unique(asset.vertices, axis=0, return_inverse=True)
    faces = index.reshape(-1)[asset.faces]
    starts, ends = faces.reshape(-1), faces[:, (1, 2, 0)].reshape(-1)
    n = len(points)
    forward = np.sort(starts * n + ends)
    backward = np.sort(ends * n + starts)
    # Watertight and consistently wound: every directed edge once, and its reverse once.
    bad = int((forward[1:] == forward[:-1]).sum())
    bad += int(len(np.setdiff1d(forward, backward)) + len(np.setdiff1d(backward, forward)))
    label = np.arange(n)
    while True:
        low = np.minimum(label[starts], label[ends])
        if np.array_equal(low, label[starts]) and np.array_equal(low, label[ends]):
            break
        np.minimum.at(label, label[starts], low)
        np.minimum.at(label, label[ends], low)
        label = label[label]
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    _, component = np.unique(label[faces[:, 0]], return_inverse=True)
    volumes = np.bincount(component, weights=(a * np.cross(b, c)).sum(axis=1) / 6.0)
    return bad, float(volumes.min())


def _size(asset: Asset) -> Iterator[CheckResult]:
    category = CATEGORIES.get(asset.category)
    if category is None:
        return
    low, high = category.real_size_m
    longest = max(asset.size_m)
    scaled = any(note.startswith("scaled") for note in asset.notes)
    fits = low * 0.999 <= longest <= high * 1.001
    detail = f"longest side; real ones have {low:.3f} to {high:.3f} m"
    if scaled:
        detail += "; a miniature: " + "; ".join(asset.notes)
    passed = fits or (scaled and longest < high)
    yield CheckResult(name="real_size", passed=passed, value=longest, limit=high, unit="m", detail=detail[:400])


def _points(part: Hull | Box | Sphere) -> Array:
    """Points whose bounds are those of a collision part; of a sphere, its six poles."""
    if isinstance(part, Hull):
        return part.vertices.astype(np.float64)
    center = np.asarray(part.position_m)
    if isinstance(part, Sphere):
        return center + part.radius_m * np.concatenate([np.eye(3), -np.eye(3)])
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * np.asarray(part.half_extents_m)
    u, w = np.asarray(part.orientation_xyzw[:3]), part.orientation_xyzw[3]
    return center + corners + 2.0 * np.cross(u, np.cross(u, corners) + w * corners)


def _support_margin(points: Array, com: tuple[float, float, float]) -> float:
    """Signed distance (m) of the centre of mass's projection to the edge of the support polygon; positive inside."""
    low = points[points[:, 2] < points[:, 2].min() + 0.0015][:, :2] - np.asarray(com[:2])
    # The support function towards every direction: the polygon holds the origin where it is positive everywhere.
    return float((low @ circle(72).T).max(axis=0).min())


def _grip(asset: Asset, grip_width_m: float) -> Iterator[CheckResult]:
    yield _at_least("grasps", len(asset.grasps), 1, "grasps", "offered")
    if not asset.grasps:
        return
    widths = [grasp.width_m for grasp in asset.grasps]
    yield _at_most("grasp_width", max(widths), grip_width_m, "m", "widest grasp offered")
    yield _at_least("grasp_thickness", min(widths), MIN_GRIP_M, "m", "narrowest grasp offered")
    yield _at_least(
        "grasp_height",
        min(grasp.position_m[2] for grasp in asset.grasps),
        0.0099,
        "m",
        "of the grasp point over the table",
    )
    low, high = asset.vertices.min(axis=0) - 1e-4, asset.vertices.max(axis=0) + 1e-4
    outside = sum(
        bool((np.array(g.position_m) < low).any() or (np.array(g.position_m) > high).any()) for g in asset.grasps
    )
    yield _at_most("grasp_on_object", outside, 0, "grasps", "outside the object's bounds")


def color_share(asset: Asset, rgb: tuple[int, int, int]) -> float:
    """Share of the surface area whose colour is ``rgb`` under some shade of light."""
    a, b, c = (asset.vertices[asset.faces[:, i]].astype(np.float64) for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    shown = asset.colors[asset.faces].astype(np.float64).mean(axis=1)
    reference = np.array(rgb, dtype=np.float64)
    brightness = np.clip((shown @ reference) / (reference @ reference), 0.45, 1.3)
    distance = np.linalg.norm(shown - brightness[:, None] * reference, axis=1)
    return float(area[distance < 32.0].sum() / area.sum())
