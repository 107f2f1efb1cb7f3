"""How well collision parts fill the visual mesh, and whether a mesh is in one piece; measured on a grid of points.

Both solids are sampled at the same points of the common bounding box. A point is inside where more faces were entered
than left on the way up to it, so overlapping components and convex parts count as their union.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Asset, Box, CollisionPart, Hull
from gen3d_envs.errors import AssetError

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOLERANCE_M = 0.004
"""How far a collision surface may be from what is seen without anybody seeing it."""

GRID_POINTS = 32_000
"""Points of the grid: 3 mm apart in a mug. The share of them inside a wall is right even where it is thinner."""

LEAST_CELLS = 8
"""Cells along the shortest side, so that a sheet is resolved too."""

TOUCH_CELL_M = 0.0015
"""Cell in which two surfaces count as touching; parts less than about two cells apart are one piece."""

MOST_CELLS = 96
"""Cells along the longest side of the grid in which pieces are told apart; larger things get larger cells."""

MOST_POINTS = 6_000_000
"""Most points that are sampled on a surface; a mesh of a million small faces takes three million."""


@dataclass(frozen=True)
class Overlap:
    """How two solids agree.

    Attributes:
        iou: volume of the intersection over that of the union, 0 to 1; low where thin walls got thicker ones.
        agreement: share of the union that lies in both, or within :data:`TOLERANCE_M` of the other: 1 where collisions
            happen where they are seen.
        distance_m: mean distance from the surface of each to that of the other, m; one grid cell fine.
        volume_m3: volume of the first.
    """

    iou: float
    agreement: float
    distance_m: float
    volume_m3: float


def overlap(asset: Asset) -> Overlap:
    """Compare the visual mesh of an asset with the union of its collision parts."""
    from scipy.ndimage import distance_transform_edt

    parts, triangles = triangulated(asset.collision)
    shown = asset.vertices.astype(np.float64)
    both = np.concatenate([shown, parts])
    grid = _Grid.around(both.min(axis=0), both.max(axis=0))
    visual = grid.inside(shown, asset.faces.astype(np.int64))
    solid = grid.inside(parts, triangles)
    union = int((visual | solid).sum())
    if not visual.any() or not solid.any():
        return Overlap(0.0, 0.0, float(np.ptp(both, axis=0).max()), float(visual.sum() * grid.cell_m3))
    a, b = _boundary(visual), _boundary(solid)
    to_visual = distance_transform_edt(~a, sampling=grid.step)
    to_solid = distance_transform_edt(~b, sampling=grid.step)
    tolerance = max(TOLERANCE_M, 1.8 * float(grid.step.max()))  # a cell's diagonal: nothing finer is known
    far = (visual & ~solid & (to_solid > tolerance)) | (solid & ~visual & (to_visual > tolerance))
    distance = float(to_solid[a].mean() + to_visual[b].mean()) / 2
    iou = float((visual & solid).sum() / union)
    return Overlap(iou, 1.0 - float(far.sum()) / union, distance, float(visual.sum() * grid.cell_m3))


@dataclass(frozen=True, eq=False)
class _Grid:
    """Cell centres of a box: lowest centre (3,), distances (3,) m, and how many along each axis."""

    low: Array
    step: Array
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, low: Array, high: Array) -> _Grid:
        extent = np.maximum(high - low, 1e-6)
        cell = float((extent.prod() / GRID_POINTS) ** (1.0 / 3.0))
        counts = np.clip(np.ceil(extent / cell), LEAST_CELLS, 4 * GRID_POINTS ** (1 / 3)).astype(np.int64)
        step = extent / counts
        # One empty layer around everything, so that what touches the box has a boundary there too.
        nx, ny, nz = (int(count) + 2 for count in counts)
        return cls(low - 0.5 * step, step, (nx, ny, nz))

    @property
    def cell_m3(self) -> float:
        return float(self.step.prod())

    def inside(self, vertices: Array, faces: Index) -> Bools:
        """Which centres lie in the solid that the faces enclose, ``shape``."""
        nx, ny, nz = self.shape
        corner = (vertices[faces] - self.low) / self.step  # in cells: centres at whole numbers
        a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        first = np.ceil(corner[:, :, :2].min(axis=1)).astype(np.int64)
        last = np.floor(corner[:, :, :2].max(axis=1)).astype(np.int64)
        first, last = np.maximum(first, 0), np.minimum(last, (nx - 1, ny - 1))
        count = np.where(np.abs(area) > 1e-12, np.maximum(last - first + 1, 0).prod(axis=1), 0)
        face = np.repeat(np.arange(len(faces)), count)
        place = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
        rows = np.maximum(last - first + 1, 1)[face, 1]
        column = np.stack([first[face, 0] + place // rows, first[face, 1] + place % rows], axis=1)
        # Columns are moved by less than a thousandth of a cell: none goes exactly through an edge that two faces share.
        point = column + np.array([4.1e-4, 7.3e-4])
        u = _side(a[face], b[face], point) / area[face]
        v = _side(c[face], a[face], point) / area[face]
        w = 1.0 - u - v
        hit = (u >= 0.0) & (v >= 0.0) & (w >= 0.0)
        face, column = face[hit], column[hit]
        height = w[hit] * a[face, 2] + v[hit] * b[face, 2] + u[hit] * c[face, 2]
        layer = np.clip(np.ceil(height), 0, nz).astype(np.int64)
        crossings = np.zeros((nx, ny, nz + 1), dtype=np.int32)
        # A face that looks down is entered from below.
        np.add.at(crossings, (column[:, 0], column[:, 1], layer), np.where(area[face] < 0.0, 1, -1).astype(np.int32))
        return np.asarray(crossings.cumsum(axis=2)[:, :, :nz] > 0)


def _side(start: Array, end: Array, point: Array) -> Array:
    """Twice the signed area of the triangle of an edge and a point, seen from above."""
    return np.asarray(
        (end[:, 0] - start[:, 0]) * (point[:, 1] - start[:, 1])
        - (point[:, 0] - start[:, 0]) * (end[:, 1] - start[:, 1])
    )


def _boundary(solid: Bools) -> Bools:
    """Points of a solid with a neighbour outside it; the outermost layer of the grid is empty."""
    inner = solid.copy()
    for axis in range(3):
        for shift in (1, -1):
            inner &= np.roll(solid, shift, axis=axis)
    return solid & ~inner


def triangulated(parts: tuple[CollisionPart, ...]) -> tuple[Array, Index]:
    """All convex parts as one triangle mesh with outward faces: (n, 3) m and (m, 3)."""
    from scipy.spatial import ConvexHull

    vertices, faces, count = [], [], 0
    for part in parts:
        if isinstance(part, Hull):
            points = part.vertices.astype(np.float64)
            hull = ConvexHull(points)
            triangles = hull.simplices.astype(np.int64)
            normal = np.cross(
                points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
            )
            inward = (normal * hull.equations[:, :3]).sum(axis=1) < 0.0
            triangles[inward] = triangles[inward][:, ::-1]
        elif isinstance(part, Box):
            unit, triangles = _cube()
            points = turned(unit * np.asarray(part.half_extents_m), part.orientation_xyzw) + np.asarray(part.position_m)
        else:
            unit, triangles = _ball()
            points = unit * part.radius_m + np.asarray(part.position_m)
        vertices.append(points)
        faces.append(triangles + count)
        count += len(points)
    return np.concatenate(vertices), np.concatenate(faces)


def turned(points: Array, orientation_xyzw: tuple[float, float, float, float]) -> Array:
    """Points (n, 3) turned by a unit quaternion."""
    u, w = np.asarray(orientation_xyzw[:3]), orientation_xyzw[3]
    return np.asarray(points + 2.0 * np.cross(u, np.cross(u, points) + w * points))


@cache
def _cube() -> tuple[Array, Index]:
    corners = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
    return corners, _outward(corners)


@cache
def _ball(count: int = 300) -> tuple[Array, Index]:
    """A unit sphere by points on a spiral (Fibonacci lattice)."""
    turn = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0))
    z = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    ring = np.sqrt(1.0 - z * z)
    points = np.column_stack([ring * np.cos(turn), ring * np.sin(turn), z])
    return points, _outward(points)


def _outward(points: Array) -> Index:
    from scipy.spatial import ConvexHull

    faces = ConvexHull(points).simplices.astype(np.int64)
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    inward = (np.cross(b - a, c - a) * (a + b + c)).sum(axis=1) < 0.0
    faces[inward] = faces[inward][:, ::-1]
    return faces


def loose_share(vertices: Array, faces: Index) -> float:
    """Share of the surface that does not hang together with the rest: 0 for a thing in one piece.

    Components that touch or overlap are one piece. Only for meshes of several components; costs some milliseconds.
    """
    from scipy.ndimage import label

    points, _ = surface_points(vertices, faces, cell := _touch_cell(vertices))
    index = np.floor((points - vertices.min(axis=0)) / cell).astype(np.int64)
    grid = np.zeros(index.max(axis=0) + 1, dtype=bool)
    grid[tuple(index.T)] = True
    labels, count = label(grid, structure=np.ones((3, 3, 3)))
    if count < 2:
        return 0.0
    sizes = np.bincount(labels[tuple(index.T)])
    return float(1.0 - sizes.max() / len(index))


def _touch_cell(vertices: Array) -> float:
    return max(TOUCH_CELL_M, float(np.ptp(vertices, axis=0).max()) / MOST_CELLS)


def surface_points(vertices: Array, faces: Index, spacing: float) -> tuple[Array, Index]:
    """Points on every face, no two neighbours farther apart than ``spacing``, and the face that each lies on.

    Args:
        vertices: (n, 3).
        faces: (m, 3).
        spacing: in the vertices' unit.

    Raises:
        AssetError: more than :data:`MOST_POINTS`: many faces that each span the whole mesh.
    """
    a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    longest = np.max([np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    cuts = np.maximum(np.ceil(longest / spacing), 1).astype(np.int64)
    count = int(((cuts + 1) * (cuts + 2) // 2).sum())
    if count > MOST_POINTS:
        raise AssetError("mesh", len(faces), "are faces of far too much surface for its size", "Export it again")
    points, owners = [], []
    for cut in np.unique(cuts):  # faces that are cut alike share their barycentric lattice
        chosen = np.flatnonzero(cuts == cut)
        i, j = np.meshgrid(np.arange(cut + 1), np.arange(cut + 1), indexing="ij")
        keep = i + j <= cut
        u, v = (i[keep] / cut)[None, :, None], (j[keep] / cut)[None, :, None]
        origin = a[chosen][:, None]
        points.append((origin + u * (b[chosen][:, None] - origin) + v * (c[chosen][:, None] - origin)).reshape(-1, 3))
        owners.append(np.repeat(chosen, int(keep.sum())))
    return np.concatenate(points), np.concatenate(owners)
