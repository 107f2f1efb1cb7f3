"""Assets with parts: where a part is at a joint position, and the whole as one rigid asset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import IDENTITY, Asset, Box, CollisionPart, Hull, Part, PartJoint, Sphere
from gen3d_envs.geometry import Quaternion, Vector, matrix_of, placed, product, rotate

Array = NDArray[np.float64]

SWEPT_POSITIONS = 7
"""At how many joint positions the room is measured that a part needs on its way."""


def joint_pose(joint: PartJoint, value: float) -> tuple[Vector, Quaternion]:
    """Frame of a part in the asset frame at a joint position (rad or m): the identity at 0."""
    ax, ay, az = joint.axis
    if joint.kind == "prismatic":
        return (ax * value, ay * value, az * value), IDENTITY
    s = math.sin(value / 2)
    turn = (ax * s, ay * s, az * s, math.cos(value / 2))
    px, py, pz = joint.position_m
    dx, dy, dz = rotate(turn, joint.position_m)
    return (px - dx, py - dy, pz - dz), turn


def part_pose(
    joint: PartJoint, value: float, position_m: Vector, orientation_xyzw: Quaternion
) -> tuple[Vector, Quaternion]:
    """Frame of a part in the scene frame, where the asset frame stands at a pose."""
    offset, turn = joint_pose(joint, value)
    return placed((position_m, orientation_xyzw), offset), product(orientation_xyzw, turn)


def opened(asset: Asset, shares: Sequence[float]) -> tuple[float, ...]:
    """Joint positions at shares of the way from closed (0) to open (1), one per part."""
    return tuple(share * part.joint.upper for share, part in zip(shares, asset.parts, strict=True))


def merged(asset: Asset, positions: Sequence[float] | None = None) -> Asset:
    """The whole as one rigid asset without parts: its looks, shape and mass at joint positions, or all closed.

    An asset without parts is returned as it is.
    """
    if not asset.parts:
        return asset
    values = (0.0,) * len(asset.parts) if positions is None else positions
    vertices, faces, colors = [asset.vertices], [asset.faces], [asset.colors]
    collision = list(asset.collision)
    bodies = [(asset.mass_kg, np.array(asset.com_m), np.diag(asset.inertia_kgm2))]
    count = len(asset.vertices)
    for part, value in zip(asset.parts, values, strict=True):
        offset, turn = joint_pose(part.joint, value)
        matrix = np.array(matrix_of(turn))
        vertices.append((part.vertices.astype(np.float64) @ matrix.T + offset).astype(np.float32))
        faces.append(part.faces + np.int32(count))
        colors.append(part.colors)
        count += len(part.vertices)
        collision += [moved(shape, offset, turn) for shape in part.collision]
        com = matrix @ np.array(part.com_m) + offset
        bodies.append((part.mass_kg, com, matrix @ np.diag(part.inertia_kgm2) @ matrix.T))
    mass = sum(body[0] for body in bodies)
    center = np.sum([m * com for m, com, _ in bodies], axis=0) / mass
    # Steiner's theorem: each body's moments about the common centre of mass.
    moments = np.zeros(3)
    for m, com, inertia in bodies:
        d = com - center
        moments += np.diag(inertia) + m * (d @ d - d**2)
    x, y, z = (float(v) for v in center)
    ixx, iyy, izz = (float(v) for v in moments)
    return replace(
        asset, vertices=np.concatenate(vertices), faces=np.concatenate(faces), colors=np.concatenate(colors),
        collision=tuple(collision), mass_kg=float(mass), com_m=(x, y, z), inertia_kgm2=(ixx, iyy, izz), parts=(),
        anchored=False,
    )  # fmt: skip


def moved(shape: CollisionPart, offset_m: Vector, turn: Quaternion) -> CollisionPart:
    """A collision part turned about the origin, then shifted."""
    if isinstance(shape, Hull):
        points = shape.vertices.astype(np.float64) @ np.array(matrix_of(turn)).T + offset_m
        return Hull(np.ascontiguousarray(points, dtype=np.float32))
    x, y, z = rotate(turn, shape.position_m)
    center = (x + offset_m[0], y + offset_m[1], z + offset_m[2])
    if isinstance(shape, Sphere):
        return Sphere(shape.radius_m, center)
    return Box(shape.half_extents_m, center, product(turn, shape.orientation_xyzw))


def swept(asset: Asset) -> list[tuple[Part, Vector, Quaternion]]:
    """Each part at several joint positions between its limits: the room that it needs to be opened."""
    result = []
    for part in asset.parts:
        joint = part.joint
        for value in np.linspace(joint.lower, joint.upper, 2 if joint.kind == "prismatic" else SWEPT_POSITIONS):
            result.append((part, *joint_pose(joint, float(value))))
    return result


def parts_by_name(asset: Asset) -> dict[str, Part]:
    """The parts of an asset by name."""
    return {part.name: part for part in asset.parts}
