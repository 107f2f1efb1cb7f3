"""The quality gate of assets: measured properties against limits, as lines of a certificate."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import materials
from gen3d_envs.assets import opening_quality as opening
from gen3d_envs.assets.articulated import merged
from gen3d_envs.assets.asset import Asset, Box, Hull, Part, Sphere
from gen3d_envs.assets.build import MIN_GRIP_M
from gen3d_envs.assets.catalog import ALL
from gen3d_envs.assets.overlap import Overlap, loose_share, overlap, turned
from gen3d_envs.assets.shapes import circle
from gen3d_envs.spec import CheckResult, ObjectSpec

Array = NDArray[np.float64]

MASS_LIMITS_KG = (0.001, 5.0)
"""What a table-top object weighs."""

ANCHORED_KG = 20.0
"""What a thing weighs that stands fixed: up to a kitchen's microwave oven."""

BOUNDS_TOLERANCE_M = 0.004
"""Collision bounds may differ from visual bounds by this, or by 5 % of the extent."""

TIP_TOLERANCE_M = 0.002
"""How far outside its support polygon a centre of mass may project: within it rolling friction and margins hold."""

COLOR_SHARE = 0.2
"""Least share of the surface that shows the colour asked for."""

MAX_PARTS = 16
"""Most convex parts: physics slows down with each."""

DENSITY_LIMITS_KGM3 = (20.0, 9000.0)
"""Mass over the volume that is seen: from a hollow box or a sponge (45) to brass (8500)."""

LOOSE_SHARE = 0.01
"""Most of the surface that may hang in the air: a crumb that nobody sees, but no handle."""

AGREEMENT = 0.6
"""Least agreement of the collision parts with what is seen, see :attr:`~gen3d_envs.assets.overlap.Overlap.agreement`.
Measured: 0.43 for a mug whose hull is filled, 0.98 for one with walls, 0.63 for a vase of few wedges."""

CAGES = {"whisk": 0.15}
"""Categories of wires with gaps: they collide as the solid that the wires span, so less agrees."""

SURFACE_DISTANCE = 0.04
"""Largest mean distance between collision surface and visual surface, as a share of the longest side (and 4 mm)."""

REMEMBERED = 512
"""Assets whose measured shape is kept: the same asset is checked for each arrangement of a scene."""


def check(asset: Asset, spec: ObjectSpec) -> tuple[CheckResult, ...]:
    """Measure an asset against its spec; it is fit for use when every result passed.

    Costs some ten milliseconds the first time; the shape is measured once per process for each asset.
    """
    whole = merged(asset)
    results = list(_sound(whole))
    if all(result.passed for result in results):  # what follows needs numbers and faces that exist
        results += _checks(whole, asset, spec)
        if asset.parts:
            results += opening.check(asset)
    return tuple(results)


def passed(asset: Asset, spec: ObjectSpec) -> bool:
    """True where every check passed."""
    return all(result.passed for result in check(asset, spec))


_SHAPES: OrderedDict[str, tuple[Overlap, float]] = OrderedDict()


def _shape(asset: Asset, components: int) -> tuple[Overlap, float]:
    """The overlap of an asset's two shapes, and the share of its surface that hangs loose; remembered by its hash."""
    key = asset.sha256
    if key not in _SHAPES:
        loose = loose_share(asset.vertices.astype(np.float64), asset.faces.astype(np.int64)) if components > 1 else 0.0
        _SHAPES[key] = (overlap(asset), loose)
        while len(_SHAPES) > REMEMBERED:
            _SHAPES.popitem(last=False)
    return _SHAPES[key]


def _sound(asset: Asset) -> Iterator[CheckResult]:
    """That there is something to measure."""
    arrays: list[NDArray[np.floating[Any]]] = [
        asset.vertices,
        np.array([asset.mass_kg, *asset.com_m, *asset.inertia_kgm2, asset.friction]),
    ]
    arrays += [part.vertices for part in asset.collision if isinstance(part, Hull)]
    infinite = sum(int((~np.isfinite(array)).sum()) for array in arrays)
    yield _at_most("finite", infinite, 0, "values", "not a number or infinite")


def _checks(asset: Asset, jointed: Asset, spec: ObjectSpec) -> Iterator[CheckResult]:
    """Check an asset as it stands closed; ``jointed`` is the same with its parts still apart."""
    bodies: tuple[Asset | Part, ...] = (jointed, *jointed.parts)
    edges, volumes, counts = zip(*(_topology(body) for body in bodies), strict=True)
    open_edges, volume, components = sum(edges), min(volumes), sum(counts)
    yield _at_most("watertight", open_edges, 0, "edges", "not shared by exactly two faces in opposite directions")
    yield _at_least("volume", volume, 0.0, "m3", "of the component with the smallest; negative is inside out")
    shape, loose = _shape(asset, components)
    yield _at_most("one_piece", loose, LOOSE_SHARE, "of surface", f"apart from the rest; {components} components")
    least = CAGES.get(asset.category, AGREEMENT)
    yield _at_least(
        "collision_shape", shape.agreement, least, "of union", f"agrees within 4 mm; IoU {shape.iou:.2f} without margin"
    )
    farthest = max(SURFACE_DISTANCE * max(asset.size_m), 0.004)
    yield _at_most("collision_surface", shape.distance_m, farthest, "m", "mean distance to the visual surface")
    yield from _size(asset)
    low, high = MASS_LIMITS_KG if not jointed.anchored else (MASS_LIMITS_KG[0], ANCHORED_KG)
    mass_ok = low <= asset.mass_kg <= high
    yield CheckResult(
        name="mass", passed=mass_ok, value=asset.mass_kg, limit=high, unit="kg", detail=f"at least {low} kg"
    )
    light, heavy = DENSITY_LIMITS_KGM3
    density = asset.mass_kg / max(shape.volume_m3, 1e-9)
    yield CheckResult(
        name="density", passed=light <= density <= heavy, value=density, limit=heavy, unit="kg/m3",
        detail=f"mass over visual volume, at least {light:g} kg/m3",
    )  # fmt: skip
    # A rigid body's moments fulfil the triangle inequality.
    moments = sorted(asset.inertia_kgm2)
    yield _at_least(
        "inertia", min(moments[0], moments[0] + moments[1] - moments[2] * 0.999), 0.0, "kg m2", "physically possible"
    )
    most = max(len(body.collision) for body in bodies)
    yield _at_most("collision_parts", most, MAX_PARTS, "parts", "convex, of one rigid body")
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
    category = ALL.get(asset.category)
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


def _topology(asset: Asset | Part) -> tuple[int, float, int]:
    """Number of bad edges, smallest volume of a component (m3), and components, with coincident vertices merged."""
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
    return bad, float(volumes.min()), len(volumes)


def _size(asset: Asset) -> Iterator[CheckResult]:
    category = ALL.get(asset.category)
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
    return center + turned(corners, part.orientation_xyzw)


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
