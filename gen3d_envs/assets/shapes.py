"""Mesh building blocks: every one watertight, faces counter-clockwise seen from outside, few triangles.

Almost everything is one operation, :func:`loft`: rings of points joined by quads. A lathe, a sweep, a box with rounded
edges and a tray are lofts of different rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Profile = Sequence[tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle mesh under construction.

    Attributes:
        vertices: (n, 3) float64, m. Shared between faces: creases are split when the asset is finished.
        faces: (m, 3) int64, counter-clockwise seen from outside.
        paint: (m, 3) float64, sRGB 0-255 of each face; NaN where the colour is given later.
        shade: (n, 3) float64, factor on the colour at each vertex.
    """

    vertices: Array
    faces: NDArray[np.int64]
    paint: Array
    shade: Array

    @property
    def centers(self) -> Array:
        """(m, 3) centre of each face."""
        return self.vertices[self.faces].mean(axis=1)

    @property
    def normals(self) -> Array:
        """(m, 3) unit outward normal of each face."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Shifted by (x, y, z) m."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def scaled(self, x: float, y: float, z: float) -> Mesh:
        """Stretched along the axes by positive factors."""
        return replace(self, vertices=self.vertices * np.array([x, y, z]))

    def turned(self, axis: str, angle_rad: float) -> Mesh:
        """Turned about the ``"x"``, ``"y"`` or ``"z"`` axis, right-handed."""
        return replace(self, vertices=turn(self.vertices, axis, angle_rad))

    def painted(self, rgb: ArrayLike, where: NDArray[np.bool_] | None = None) -> Mesh:
        """Faces (all, or those where the mask is true) in one colour."""
        paint = self.paint.copy()
        paint[slice(None) if where is None else where] = np.asarray(rgb, dtype=np.float64)
        return replace(self, paint=paint)

    def shaded(self, factor: ArrayLike) -> Mesh:
        """Vertex colours multiplied by ``factor``: (n,) or (n, 3)."""
        factor = np.asarray(factor, dtype=np.float64)
        return replace(self, shade=self.shade * (factor[:, None] if factor.ndim == 1 else factor))


def turn(points: Array, axis: str, angle_rad: float) -> Array:
    """Points (n, 3) turned about a coordinate axis, right-handed."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    result = points.copy()
    result[:, i] = cos * points[:, i] - sin * points[:, j]
    result[:, j] = sin * points[:, i] + cos * points[:, j]
    return result


def mesh(vertices: ArrayLike, faces: ArrayLike) -> Mesh:
    """A mesh without paint from (n, 3) vertices and (m, 3) faces."""
    points = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(faces, dtype=np.int64)
    return Mesh(points, triangles, np.full((len(triangles), 3), np.nan), np.ones((len(points), 3)))


def loft(rings: ArrayLike, closed: bool = False) -> Mesh:
    """Join rings of points by quads.

    Args:
        rings: (k, n, 3). Seen against the direction in which the rings follow each other, each ring runs
            counter-clockwise. A ring whose points coincide becomes one vertex.
        closed: join the last ring to the first (a torus) instead of closing both ends with fans to their centres.
    """
    points = np.asarray(rings, dtype=np.float64)
    count, n = points.shape[:2]
    spread = np.abs(points - points[:, :1]).max(axis=(1, 2))
    is_point = spread < 1e-9
    index = np.zeros((count, n), dtype=np.int64)
    vertices: list[Array] = []
    total = 0
    for k in range(count):
        index[k] = total if is_point[k] else total + np.arange(n)
        vertices.append(points[k, :1] if is_point[k] else points[k])
        total += len(vertices[-1])
    lower, upper = index, np.roll(index, -1, axis=0)
    if not closed:
        lower, upper = lower[:-1], upper[:-1]
    a, b = lower, np.roll(lower, -1, axis=1)
    d, c = upper, np.roll(upper, -1, axis=1)
    faces = [np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([a, c, d], axis=-1).reshape(-1, 3)]
    if not closed:
        for k, flip in ((0, True), (count - 1, False)):
            if not is_point[k]:
                ring = index[k]
                fan = np.stack([ring, np.roll(ring, -1), np.full(n, total)], axis=-1)
                faces.append(fan[:, ::-1] if flip else fan)
                vertices.append(points[k].mean(axis=0, keepdims=True))
                total += 1
    triangles = np.concatenate(faces)
    proper = (
        (triangles[:, 0] != triangles[:, 1])
        & (triangles[:, 1] != triangles[:, 2])
        & (triangles[:, 2] != triangles[:, 0])
    )
    return mesh(np.concatenate(vertices), triangles[proper])


def circle(n: int, start_rad: float = 0.0) -> Array:
    """(n, 2) points of the unit circle, counter-clockwise."""
    angle = start_rad + np.arange(n) * (2.0 * np.pi / n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def rounded_rectangle(
    half_x_m: float, half_y_m: float, radius_m: float, corner_points: int = 3, side_points: int = 0
) -> Array:
    """Points of a rectangle with round corners, counter-clockwise, centred.

    Args:
        half_x_m: half size along x.
        half_y_m: half size along y.
        radius_m: of the corners.
        corner_points: points on each corner.
        side_points: extra points on each straight side, for patterns.
    """
    radius = min(radius_m, half_x_m, half_y_m)
    angle = np.linspace(0.0, np.pi / 2, corner_points)
    parts = []
    for quarter, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        turned = angle + quarter * np.pi / 2
        center = np.array([sx * (half_x_m - radius), sy * (half_y_m - radius)])
        parts.append(center + radius * np.stack([np.cos(turned), np.sin(turned)], axis=1))
    if side_points:
        share = np.linspace(0.0, 1.0, side_points + 2)[1:-1, None]
        corners = parts
        parts = []
        for corner, following in zip(corners, corners[1:] + corners[:1], strict=True):
            parts += [corner, corner[-1] + share * (following[0] - corner[-1])]
    return np.concatenate(parts)


def stack(sections: Sequence[tuple[Array, float]]) -> Mesh:
    """A loft of horizontal outlines: (n, 2) points each with its height z, from the outer bottom on.

    Like the profile of a lathe, the way may turn back down inside to make a hollow.
    """
    rings = np.stack([np.column_stack([outline, np.full(len(outline), z)]) for outline, z in sections])
    return loft(rings)


def lathe(profile: Profile, n: int = 24, closed: bool = False) -> Mesh:
    """Turn a profile of (radius, z) about the z axis: from the bottom outwards, up, and down inside if hollow."""
    radius, z = np.asarray(profile, dtype=np.float64).T
    unit = circle(n)
    rings = np.empty((len(radius), n, 3))
    rings[:, :, :2] = radius[:, None, None] * unit
    rings[:, :, 2] = z[:, None]
    return loft(rings, closed)


def rounded_box(x_m: float, y_m: float, z_m: float, radius_m: float, steps: int = 3) -> Mesh:
    """A box with round edges of full sizes x, y, z, standing on z = 0, centred in x and y."""
    radius = min(radius_m, x_m / 2.01, y_m / 2.01, z_m / 2.01)
    sections = []
    angle = np.linspace(0.0, np.pi / 2, steps)
    for a in angle:
        inset = radius * (1.0 - np.sin(a))
        outline = rounded_rectangle(x_m / 2 - inset, y_m / 2 - inset, max(radius - inset, 0.25 * radius), steps)
        sections.append((outline, radius * (1.0 - np.cos(a))))
    sections += [(outline, z_m - z) for outline, z in reversed(sections)]
    return stack(sections)


def sweep(
    path: ArrayLike, radii: ArrayLike, n: int = 8, side: tuple[float, float, float] = (0.0, 1.0, 0.0),
    round_ends: bool = True, closed: bool = False,
) -> Mesh:  # fmt: skip
    """An ellipse swept along a curve.

    Args:
        path: (k, 3) centres, m.
        radii: scalar, (k,) or (k, 2): half axes across ``side`` and along ``side``, m.
        n: points round the section.
        side: direction that is never parallel to the path; the second half axis lies along it.
        round_ends: close the ends with domes instead of flat caps.
        closed: the path is a closed loop.
    """
    centers = np.asarray(path, dtype=np.float64)
    count = len(centers)
    half = np.asarray(radii, dtype=np.float64)
    half = np.broadcast_to(half[:, None] if half.ndim == 1 else half, (count, 2))
    if closed:
        tangent = np.roll(centers, -1, axis=0) - np.roll(centers, 1, axis=0)
    else:
        tangent = np.gradient(centers, axis=0)
    tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
    if round_ends and not closed:
        out = np.array([0.5, 0.87])
        shrink = np.sqrt(1.0 - out**2)
        first, last = half[0].min() * out, half[-1].min() * out
        centers = np.concatenate([
            centers[:1] - tangent[:1] * half[0].min(), centers[0] - tangent[0] * first[::-1, None], centers,
            centers[-1] + tangent[-1] * last[:, None], centers[-1:] + tangent[-1:] * half[-1].min(),
        ])  # fmt: skip
        half = np.concatenate([
            [[0.0, 0.0]], half[0] * shrink[::-1, None], half, half[-1] * shrink[:, None], [[0.0, 0.0]],
        ])  # fmt: skip
        tangent = np.concatenate([np.repeat(tangent[:1], 3, axis=0), tangent, np.repeat(tangent[-1:], 3, axis=0)])
    across = np.cross(np.asarray(side, dtype=np.float64), tangent)
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    along = np.cross(tangent, across)
    unit = circle(n)
    rings = (
        centers[:, None]
        + (half[:, 0, None] * unit[:, 0])[:, :, None] * across[:, None]
        + (half[:, 1, None] * unit[:, 1])[:, :, None] * along[:, None]
    )
    return loft(rings, closed)


def ellipsoid(x_m: float, y_m: float, z_m: float, n: int = 16, rows: int = 9, power: float = 2.0) -> Mesh:
    """A (super)ellipsoid with half axes x, y, z, centred at the origin; a power above 2 makes it boxier."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
    exponent = 2.0 / power
    radius = np.abs(np.cos(angle)) ** exponent
    radius[[0, -1]] = 0.0
    z = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** exponent
    return lathe(list(zip(radius, z, strict=True)), n).scaled(x_m, y_m, z_m)


def bumpy(body: Mesh, rng: np.random.Generator, amplitude: float, frequency: float = 2.0) -> Mesh:
    """Smooth irregularity: vertices scaled about the mesh's centre by 1 +- ``amplitude``.

    Args:
        body: the mesh.
        rng: draws the waves.
        amplitude: largest relative change.
        frequency: waves per half size.
    """
    center = (body.vertices.min(axis=0) + body.vertices.max(axis=0)) / 2
    size = np.abs(body.vertices - center).max(axis=0)
    direction = rng.normal(size=(4, 3)) * frequency * 0.6
    phase = rng.uniform(0.0, 2.0 * np.pi, size=4)
    wave = np.sin((body.vertices - center) / size @ direction.T + phase).mean(axis=1)
    return replace(body, vertices=center + (body.vertices - center) * (1.0 + amplitude * wave)[:, None])


def extrude(outline: ArrayLike, z0_m: float, z1_m: float, bevel_m: float = 0.0) -> Mesh:
    """A prism over a simple polygon (n, 2), which may be concave; counter-clockwise or clockwise.

    Args:
        outline: the polygon.
        z0_m: height of the bottom.
        z1_m: height of the top.
        bevel_m: how far the edges of bottom and top are cut off.
    """
    points = np.asarray(outline, dtype=np.float64)
    x, y = points.T
    if np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) < 0.0:
        points = points[::-1]
    n = len(points)
    levels = [(points, z0_m), (points, z1_m)]
    if bevel_m > 0.0:
        edge = np.roll(points, -1, axis=0) - points
        normal = np.stack([edge[:, 1], -edge[:, 0]], axis=1) / np.linalg.norm(edge, axis=1, keepdims=True)
        inward = normal + np.roll(normal, 1, axis=0)
        small = points - bevel_m * inward / np.maximum((inward**2).sum(axis=1, keepdims=True), 0.5) * 2.0
        levels = [(small, z0_m), (points, z0_m + bevel_m), (points, z1_m - bevel_m), (small, z1_m)]
    rows = len(levels)
    vertices = np.concatenate([np.column_stack([p, np.full(n, z)]) for p, z in levels])
    cap = _ear_clip(points)
    faces = [cap[:, ::-1], cap + (rows - 1) * n]
    i = np.arange(n)
    j = np.roll(i, -1)
    for row in range(rows - 1):
        low, high = row * n, (row + 1) * n
        faces += [np.stack([low + i, low + j, high + j], axis=1), np.stack([low + i, high + j, high + i], axis=1)]
    return mesh(vertices, np.concatenate(faces))


def _ear_clip(points: Array) -> NDArray[np.int64]:
    """Triangles (n - 2, 3) of a simple counter-clockwise polygon, cutting off the ear with the widest angle first."""
    left = list(range(len(points)))
    xy = [(float(x), float(y)) for x, y in points]
    triangles = []
    while len(left) > 3:
        best, best_score = None, -np.inf
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            (ax, ay), (bx, by), (cx, cy) = xy[a], xy[b], xy[c]
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            if area <= 0.0:
                continue
            length = (cx - ax) ** 2 + (cy - ay) ** 2
            if area / length <= best_score and best is not None:
                continue
            if any(_inside(xy[p], xy[a], xy[b], xy[c]) for p in left if p not in (a, b, c)):
                continue
            best, best_score = k, area / length
        k = 0 if best is None else best
        triangles.append((left[k - 1], left[k], left[(k + 1) % len(left)]))
        del left[k]
    triangles.append((left[0], left[1], left[2]))
    return np.array(triangles, dtype=np.int64)


def _inside(p: tuple[float, float], *corners: tuple[float, float]) -> bool:
    """Whether a point lies in or on a counter-clockwise triangle."""
    px, py = p
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (bx - ax) * (py - ay) - (by - ay) * (px - ax) < 0.0:
            return False
    return True


def arc(center: ArrayLike, radius_x_m: float, radius_z_m: float, start_rad: float, end_rad: float, k: int) -> Array:
    """(k, 3) points of an elliptic arc in a plane y = constant; angles from +x towards +z."""
    angle = np.linspace(start_rad, end_rad, k)
    ellipse = np.stack([radius_x_m * np.cos(angle), np.zeros(k), radius_z_m * np.sin(angle)], axis=1)
    return np.asarray(center, dtype=np.float64) + ellipse
