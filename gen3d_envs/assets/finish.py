"""From a draft to an asset: place it in the asset frame, split creases, bake shading, integrate mass properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import asset as made
from gen3d_envs.assets.articulated import moved
from gen3d_envs.assets.asset import IDENTITY, Asset, Box, CollisionPart, Hull, Quaternion, Sphere, Vector
from gen3d_envs.assets.build import Draft, Moving, Part
from gen3d_envs.assets.shapes import Array, Mesh, turn

CREASE_COS = float(np.cos(np.radians(38.0)))
"""Faces that meet at a sharper angle than this get vertices of their own, so that their edge is drawn sharp."""

LOWEST_GRASP_M = 0.010
"""Grasp points are not lower than this: the finger tips end below the grasp point and must not meet the table."""


def placed(draft: Draft, scale: float = 1.0) -> Draft:
    """The draft scaled uniformly and moved into the asset frame: z = 0 lowest, centred, longer side along x."""
    if draft.moving:
        return _shifted(draft)
    points = np.concatenate([part.mesh.vertices for part in draft.parts]) * scale
    low, high = points.min(axis=0), points.max(axis=0)
    quarter = bool(high[1] - low[1] > high[0] - low[0] + 1e-6)
    if quarter:
        points = turn(points, "z", np.pi / 2)
        low, high = points.min(axis=0), points.max(axis=0)
    offset = -np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])

    def moved(point: Vector) -> Vector:
        x, y, z = (value * scale for value in point)
        x, y = (-y, x) if quarter else (x, y)
        return float(x + offset[0]), float(y + offset[1]), float(z + offset[2])

    def half(x: float, y: float) -> tuple[float, float]:
        return (y * scale, x * scale) if quarter else (x * scale, y * scale)

    grasps = []
    for grasp in draft.grasps:
        x, y, z = moved(grasp.position_m)
        lift = max(LOWEST_GRASP_M - z, 0.0)
        yaw = (grasp.yaw_rad + (np.pi / 2 if quarter else 0.0) + np.pi / 2) % np.pi - np.pi / 2
        grasps.append(replace(
            grasp, position_m=(x, y, z + lift), yaw_rad=float(yaw), width_m=grasp.width_m * scale,
            depth_m=grasp.depth_m * scale + lift,
        ))  # fmt: skip
    cavity, surface = draft.cavity, draft.surface
    if cavity is not None:
        x, y, floor = moved((*cavity.center_m, cavity.floor_z_m))
        half_x, half_y = half(cavity.half_x_m, cavity.half_y_m)
        rim = moved((0.0, 0.0, cavity.rim_z_m))[2]
        cavity = replace(cavity, floor_z_m=floor, rim_z_m=rim, half_x_m=half_x, half_y_m=half_y, center_m=(x, y))
    if surface is not None:
        x, y, z = moved((*surface.center_m, surface.z_m))
        half_x, half_y = half(surface.half_x_m, surface.half_y_m)
        surface = replace(surface, z_m=z, half_x_m=half_x, half_y_m=half_y, center_m=(x, y))
    parts = []
    for part in draft.parts:
        vertices = part.mesh.vertices * scale
        vertices = turn(vertices, "z", np.pi / 2) if quarter else vertices
        parts.append(Part(replace(part.mesh, vertices=vertices + offset), part.density_kgm3))
    collision = [_placed_part(part, scale, quarter, offset) for part in draft.collision]
    return replace(
        draft, parts=parts, collision=collision, grasps=grasps, cavity=cavity, surface=surface,
        rolling_friction_m=draft.rolling_friction_m * scale,
    )  # fmt: skip


def _shifted(draft: Draft) -> Draft:
    """A draft with moving parts in the asset frame: they are built to size and facing -y, so they are only shifted."""
    bodies = (draft, *(moving.body for moving in draft.moving))
    points = np.concatenate([part.mesh.vertices for body in bodies for part in body.parts])
    low, high = points.min(axis=0), points.max(axis=0)
    if high[1] - low[1] > high[0] - low[0]:
        raise ValueError("what has moving parts must be wider than deep: it faces -y")
    x, y, z = (float(v) for v in (-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))
    offset: Vector = (x, y, z)

    def at(point: Vector) -> Vector:
        return point[0] + x, point[1] + y, point[2] + z

    def shifted(body: Draft) -> Draft:
        cavity, surface = body.cavity, body.surface
        if cavity is not None:
            cx, cy, floor = at((*cavity.center_m, cavity.floor_z_m))
            cavity = replace(cavity, floor_z_m=floor, rim_z_m=cavity.rim_z_m + z, center_m=(cx, cy))
        if surface is not None:
            cx, cy, top = at((*surface.center_m, surface.z_m))
            surface = replace(surface, z_m=top, center_m=(cx, cy))
        return replace(
            body, cavity=cavity, surface=surface,
            parts=[Part(part.mesh.moved(x, y, z), part.density_kgm3) for part in body.parts],
            collision=[moved(shape, offset, IDENTITY) for shape in body.collision],
        )  # fmt: skip

    moving = [
        Moving(
            each.name, shifted(each.body), replace(each.joint, position_m=at(each.joint.position_m)),
            None if each.handle is None else replace(each.handle, position_m=at(each.handle.position_m)),
        )
        for each in draft.moving
    ]  # fmt: skip
    return replace(shifted(draft), moving=moving)


def _placed_part(part: CollisionPart, scale: float, quarter: bool, offset: Array) -> CollisionPart:
    if isinstance(part, Hull):
        points = part.vertices.astype(np.float64) * scale
        points = turn(points, "z", np.pi / 2) if quarter else points
        return Hull(np.ascontiguousarray(points + offset, dtype=np.float32))
    center = np.array([part.position_m]) * scale
    x, y, z = (float(v) for v in (turn(center, "z", np.pi / 2) if quarter else center)[0] + offset)
    if isinstance(part, Sphere):
        return Sphere(part.radius_m * scale, (x, y, z))
    a, b, c = (half * scale for half in part.half_extents_m)
    return Box((a, b, c), (x, y, z), _quarter_turn(part.orientation_xyzw) if quarter else part.orientation_xyzw)


def _quarter_turn(q: Quaternion) -> Quaternion:
    """The rotation ``q`` followed by 90 degrees about +z."""
    s = float(np.sqrt(0.5))
    x, y, z, w = q
    return s * (x - y), s * (x + y), s * (z + w), s * (w - z)


def finish(category: str, draft: Draft, friction: float) -> Asset:
    """The asset of a draft that stands in the asset frame."""
    mass, com, inertia = mass_properties(draft.parts)
    vertices, faces, colors = _surface(draft)
    return Asset(
        category=category,
        vertices=vertices,
        faces=faces,
        colors=colors,
        collision=tuple(draft.collision),
        mass_kg=mass,
        com_m=com,
        inertia_kgm2=inertia,
        friction=friction,
        rolling_friction_m=draft.rolling_friction_m,
        grasps=tuple(draft.grasps),
        cavity=draft.cavity,
        surface=draft.surface,
        notes=tuple(draft.notes),
        parts=tuple(_finished(moving) for moving in draft.moving),
        anchored=draft.anchored,
    )


def _finished(moving: Moving) -> made.Part:
    body = moving.body
    mass, com, inertia = mass_properties(body.parts)
    return made.Part(
        moving.name, *_surface(body), tuple(body.collision), mass, com, inertia, moving.joint, moving.handle,
        body.cavity,
    )  # fmt: skip


def _surface(draft: Draft) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]:
    """Vertices, faces and colours of all components together."""
    vertices, faces, colors = [], [], []
    count = 0
    for part in draft.parts:
        points, triangles, rgb = _split(part.mesh, draft)
        vertices.append(points)
        faces.append(triangles + count)
        colors.append(rgb)
        count += len(points)
    return (
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(faces).astype(np.int32),
        np.clip(np.rint(np.concatenate(colors)), 0, 255).astype(np.uint8),
    )


def mass_properties(parts: list[Part]) -> tuple[float, Vector, Vector]:
    """Mass (kg), centre of mass (m) and moments of inertia about it along x, y, z (kg m2) of closed components.

    Each face spans a signed tetrahedron with the origin (Mirtich, *Fast and Accurate Computation of Polyhedral Mass
    Properties*, 1996, gives the same integrals).
    """
    mass, first, second = 0.0, np.zeros(3), np.zeros(3)
    for part in parts:
        corners = part.mesh.vertices[part.mesh.faces]
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        volume6 = (a * np.cross(b, c)).sum(axis=1) * part.density_kgm3
        total = a + b + c
        mass += float(volume6.sum()) / 6.0
        first += (volume6[:, None] * total).sum(axis=0) / 24.0
        second += (volume6[:, None] * (a**2 + b**2 + c**2 + total**2)).sum(axis=0) / 120.0
    com = first / mass
    spread = second - mass * com**2
    x, y, z = (float(v) for v in com)
    ixx, iyy, izz = (float(spread.sum() - v) for v in spread)
    return mass, (x, y, z), (ixx, iyy, izz)


def _split(mesh: Mesh, draft: Draft) -> tuple[Array, NDArray[np.int64], Array]:
    """Vertices, faces and colours of a component with vertices split at creases and colour edges."""
    normals, faces = mesh.normals, mesh.faces
    count = len(faces)
    starts = faces.reshape(-1)
    ends = faces[:, (1, 2, 0)].reshape(-1)
    n = len(mesh.vertices)
    key = np.minimum(starts, ends) * n + np.maximum(starts, ends)
    order = np.argsort(key, kind="stable")
    first, second = order[0::2], order[1::2]
    corner_end = np.arange(3 * count) // 3 * 3 + (np.arange(3 * count) + 1) % 3
    f, g = first // 3, second // 3
    smooth = ((normals[f] * normals[g]).sum(axis=1) > CREASE_COS) & (
        np.abs(mesh.paint[f] - mesh.paint[g]).max(axis=1) < 0.5
    )
    first, second = first[smooth], second[smooth]
    # The two half-edges run in opposite directions: the start of one is the end of the other.
    p = np.concatenate([first, corner_end[first]])
    q = np.concatenate([corner_end[second], second])
    label = np.arange(3 * count)
    while True:
        low = np.minimum(label[p], label[q])
        if np.array_equal(low, label[p]) and np.array_equal(low, label[q]):
            break
        np.minimum.at(label, label[p], low)
        np.minimum.at(label, label[q], low)
        label = label[label]
    groups, inverse = np.unique(label, return_inverse=True)
    vertex = starts[groups]
    points = mesh.vertices[vertex]
    paint = mesh.paint[groups // 3] * mesh.shade[vertex]
    normal = np.zeros((len(groups), 3))
    np.add.at(normal, inverse, np.repeat(normals, 3, axis=0))
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return points, inverse.reshape(-1, 3), paint * _ambient(points, normal, draft)[:, None]


def _ambient(points: Array, normal: Array, draft: Draft) -> Array:
    """Share of the ambient light that reaches each vertex: less near the table, below and inside a cavity."""
    z = points[:, 2]
    near_table = np.clip(z / 0.015, 0.0, 1.0)
    light = 0.82 + 0.18 * near_table
    light *= np.where(normal[:, 2] < 0.0, 1.0 + 0.12 * normal[:, 2], 1.0)
    cavity = draft.cavity
    if cavity is not None:
        offset = points[:, :2] - np.asarray(cavity.center_m)
        reach = np.linalg.norm(offset / np.array([cavity.half_x_m, cavity.half_y_m]), axis=1) / (
            1.0 if cavity.round else 1.41
        )
        inward = (normal[:, :2] * offset).sum(axis=1) < 0.0
        inside = (reach < 1.03) & (z > cavity.floor_z_m - 1e-4) & (inward | (normal[:, 2] > 0.6))
        depth = np.clip((cavity.rim_z_m - z) / (cavity.rim_z_m - cavity.floor_z_m), 0.0, 1.0)
        light = np.where(inside, 1.0 - 0.32 * depth, light)
    return light
