"""Looks of robot links: painted prisms put together, few triangles, with light edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gen3d_envs.assets.shapes import Mesh, circle, extrude
from gen3d_envs.sim.view import VisualMesh

Rgb = tuple[int, int, int]
Range = tuple[float, float]

_EDGE_GAIN = 1.45  # machined edges catch the light; it is what makes black parts readable in small pictures


def prism(outline: ArrayLike, depth: Range, axis: str, rgb: Rgb) -> Mesh:
    """A polygon extruded along an axis.

    Args:
        outline: (n, 2) points, m: (y, z) for axis ``"x"``, (x, z) for ``"y"``, (x, y) for ``"z"``.
        depth: where it starts and ends along the axis, m.
        axis: ``"x"``, ``"y"`` or ``"z"``.
        rgb: its colour.
    """
    points = np.asarray(outline, dtype=np.float64)
    if axis == "y":
        points = points[:, ::-1]
    body = extrude(points, *depth)
    order = {"x": [2, 0, 1], "y": [1, 2, 0], "z": [0, 1, 2]}[axis]
    return Mesh(body.vertices[:, order], body.faces, body.paint, body.shade).painted(rgb)


def bar(x: Range, y: Range, z: Range, rgb: Rgb, axis: str = "x", chamfer_m: float = 0.003) -> Mesh:
    """A bar along ``axis`` whose four long edges are cut off; the cuts are a little lighter. 28 triangles."""
    ranges = {"x": (y, z, x), "y": (x, z, y), "z": (x, y, z)}[axis]
    (u0, u1), (v0, v1), depth = ranges
    c = min(chamfer_m, (u1 - u0) / 3, (v1 - v0) / 3)
    outline = [
        (u0 + c, v0), (u1 - c, v0), (u1, v0 + c), (u1, v1 - c), (u1 - c, v1), (u0 + c, v1), (u0, v1 - c), (u0, v0 + c),
    ]  # fmt: skip
    body = prism(outline, depth, axis, rgb)
    cut = np.abs(body.normals).max(axis=1) < 0.99
    light = np.minimum(np.asarray(rgb) * _EDGE_GAIN + 6.0, 255.0)
    return body.painted(light, cut)


def box(x: Range, y: Range, z: Range, rgb: Rgb) -> Mesh:
    """A plain box. 12 triangles."""
    return prism([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])], z, "z", rgb)


def cylinder(center: tuple[float, float], radius_m: float, depth: Range, axis: str, rgb: Rgb, n: int = 10) -> Mesh:
    """A disc or rod along an axis; ``center`` as the outline of :func:`prism`. 4 n - 4 triangles."""
    return prism(circle(n, np.pi / n) * radius_m + np.asarray(center), depth, axis, rgb)


def assemble(parts: Sequence[Mesh]) -> VisualMesh:
    """One mesh of several painted parts. Colours do not bleed over edges between differently painted faces."""
    corners = np.concatenate([part.vertices[part.faces].reshape(-1, 3) for part in parts]).astype(np.float32)
    paint = np.concatenate([np.repeat(part.paint, 3, axis=0) for part in parts])
    colors = np.clip(np.rint(paint), 0, 255)
    rows, index = np.unique(
        np.column_stack([corners + np.float32(0.0), colors.astype(np.float32)]), axis=0, return_inverse=True
    )
    return VisualMesh(
        np.ascontiguousarray(rows[:, :3]), index.reshape(-1, 3).astype(np.int32), rows[:, 3:].astype(np.uint8)
    )
