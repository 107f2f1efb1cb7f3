"""Foreign meshes as assets: read, turn, scale, simplify, decompose, weigh, and find where to grasp them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gen3d_envs.assets import affordances, decompose, materials, simplify
from gen3d_envs.assets.asset import Asset, CollisionPart, Hull, Sphere, Vector
from gen3d_envs.assets.mesh_file import EXTENSIONS, RawMesh, inside, read_bytes, read_mesh
from gen3d_envs.assets.resting import resting
from gen3d_envs.assets.simplify import Array
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import ObjectSpec

MAX_VISUAL_FACES = 2500
"""A picture of a scene of such objects takes well under a millisecond; see the camera's figures."""

DEFAULT_DENSITY_KGM3 = 500.0
"""Of the hulls' volume, where no mass is given: between a hollow plastic thing (150) and fruit or wood (650-950)."""

DEFAULT_FRICTION = 0.6
ROLLING_FRICTION_M = 0.0005
"""Of things that rest on a small contact; without it an imported apple would roll for ever."""

LONGEST_SIDE_M = 5.0
SHORTEST_SIDE_M = 0.001
ROUND_SHARE = 0.03
"""A closed body whose surface is within this share of a sphere is one: hulls of 32 corners do not roll."""

Rotation = Array


@dataclass(frozen=True, eq=False)
class Physics:
    """What a file's owner knows and its geometry does not tell; None means unknown."""

    mass_kg: float | None = None
    friction: float | None = None
    color: str | None = None
    grip_width_m: float | None = None
    category: str = "mesh"
    description: str = ""


def import_mesh(
    path: str | Path,
    *,
    height_m: float | None = None,
    up_axis: Literal["y", "z"] = "z",
    mass_kg: float | None = None,
    friction: float | None = None,
    color: str | None = None,
    grip_width_m: float | None = None,
    category: str = "mesh",
    description: str = "",
) -> Asset:
    """Make an asset of a GLB, OBJ, PLY or STL file.

    Convex bodies in a file of the same name with ``_collision`` before the extension are used as they are (merged to at
    most 16); without such a file the mesh is decomposed, which takes seconds the first time and is cached.

    Args:
        path: the mesh file; textures and materials are read from its folder only.
        height_m: vertical size to scale to; None takes the file's unit for metres.
        up_axis: which axis of the file points up.
        mass_kg: mass; None estimates it from the volume of the hulls.
        friction: Coulomb coefficient; None is 0.6.
        color: a colour name that replaces the file's own colours.
        grip_width_m: the object must offer a grasp no wider than this.
        category: recorded in the asset.
        description: becomes the asset's first note.

    Returns:
        The asset, resting on a face it can stand on (the one nearest to the file's own bottom).

    Raises:
        AssetError: see :mod:`gen3d_envs.assets.mesh_file`; and sizes that look like millimetres, flat or degenerate
            geometry, or no grasp within ``grip_width_m``.
        EngineUnavailable: the mesh must be decimated or decomposed and the extra ``mesh`` is not installed.
    """
    path = Path(path)
    if up_axis not in ("y", "z"):
        raise AssetError("up_axis", up_axis, "is no axis that can point up", "Use 'y' or 'z'")
    turn = rolled(np.pi / 2) if up_axis == "y" else np.eye(3)
    raw = read_mesh(path)
    bodies: list[Array] = []
    for suffix in EXTENSIONS:
        beside = path.with_name(f"{path.stem}_collision{suffix}")
        if not path.stem.endswith("_collision") and beside.is_file():
            bodies = [body @ turn.T for body in bodies_of(read_mesh(beside, "collision file"))]
            break
    physics = Physics(mass_kg, friction, color, grip_width_m, category, description)
    return finish(raw, raw.vertices @ turn.T, bodies, height_m, physics)


def import_object(spec: ObjectSpec, folder: str | Path) -> Asset:
    """The asset of an object whose spec names a mesh or URDF file, relative to the scene's ``folder``.

    Raises:
        AssetError: as :func:`import_mesh`; a path that climbs out of the folder, or another file than the spec's hash.
    """
    if spec.mesh is None:
        raise AssetError(f"{spec.name}.mesh", None, "names no file", "Give a mesh or another category")
    path = inside(Path(folder), spec.mesh.file, f"{spec.name}.mesh.file")
    if spec.mesh.sha256 is not None:
        found = hashlib.sha256(read_bytes(path, f"{spec.name}.mesh.file")).hexdigest()
        if found != spec.mesh.sha256:
            remedy = "Restore the file, or correct the hash if the change is meant"
            raise AssetError(
                f"{spec.name}.mesh.sha256", spec.mesh.sha256, f"the file hashes to {found[:12]}...", remedy
            )
    if path.suffix.lower() == ".urdf":
        from gen3d_envs.assets.import_urdf import import_urdf

        return import_urdf(
            path, height_m=spec.mesh.height_m, mass_kg=spec.mass_kg, friction=spec.friction, color=spec.color,
            grip_width_m=spec.grip_width_m, description=spec.description,
        )  # fmt: skip
    return import_mesh(
        path, height_m=spec.mesh.height_m, up_axis=spec.mesh.up_axis, mass_kg=spec.mass_kg, friction=spec.friction,
        color=spec.color, grip_width_m=spec.grip_width_m, description=spec.description,
    )  # fmt: skip


def rolled(angle_rad: float) -> Rotation:
    """Rotation about +x, (3, 3)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]).round(15)


def bodies_of(raw: RawMesh) -> list[Array]:
    """The convex bodies of a collision file: its geometries, each split where it is not connected."""
    bodies = []
    for start, end in raw.bodies:
        parts = decompose.connected(raw.vertices, raw.faces[start:end])
        if len(parts) > (end - start) / 4:  # every face has corners of its own: join them by place
            parts = decompose.connected(*simplify.merged(raw.vertices, raw.faces[start:end]))
        bodies += parts
    return bodies


@dataclass(frozen=True, eq=False)
class Frame:
    """Where an asset's frame lies in the file: ``asset = rotation @ (scale * file) - offset_m``.

    ``rotation`` is (3, 3), ``offset_m`` (3,) in the turned frame.
    """

    rotation: Rotation
    offset_m: Array
    scale: float


def finish(raw: RawMesh, vertices: Array, bodies: list[Array], height_m: float | None, physics: Physics) -> Asset:
    """The asset of geometry that is already turned upright; steps and errors as in :func:`import_mesh`."""
    return finish_framed(raw, vertices, bodies, height_m, physics)[0]


def finish_framed(
    raw: RawMesh, vertices: Array, bodies: list[Array], height_m: float | None, physics: Physics
) -> tuple[Asset, Frame]:
    """As :func:`finish`, and where the asset's frame lies among the given vertices."""
    _check_numbers(height_m, physics)
    if not np.isfinite(vertices).all():
        raise AssetError("mesh", "NaN", "has vertices that are not finite numbers", "Export the mesh again")
    extent = float(np.ptp(vertices, axis=0).max())
    if not (extent > 1e-9 and np.abs(vertices).max() < 1e9):
        raise AssetError("mesh", extent, "is no size that any unit explains", "Export the mesh again")
    points, faces = simplify.merged(vertices, raw.faces)
    if len(faces):
        points, faces = simplify.filled(points, faces)
    if len(faces) < 4:
        raise AssetError("mesh", len(faces), "has too few faces to enclose anything", "Give a solid mesh")
    scale = _scale(points, height_m)
    points, vertices = points * scale, vertices * scale
    bodies = [body * scale for body in bodies]
    if simplify.signed_volume(points, faces) < 0:
        faces = faces[:, ::-1]
    _check_solid(points)
    if bodies:
        _check_same_place(points, np.concatenate(bodies))
    pieces = decompose.pieces_of(bodies) if bodies else decompose.decomposed(points, faces)

    notes = [physics.description] if physics.description else []
    is_ball = len(pieces) == 1 and _is_ball(points)
    upright = np.eye(3) if is_ball else resting(pieces)
    if np.degrees(np.arccos(np.clip(upright[2, 2], -1.0, 1.0))) > 20.0:
        notes.append("turned over: it cannot stand as the file shows it")
    points, vertices, pieces = points @ upright.T, vertices @ upright.T, [piece @ upright.T for piece in pieces]
    points, vertices, pieces, turn, offset = _framed(points, vertices, pieces)

    shown, shown_faces = simplify.decimated(points, faces, MAX_VISUAL_FACES)
    if physics.color is not None:
        rgb = np.array(materials.color(physics.color, "color"), dtype=np.uint8)
        colors = np.tile(rgb, (len(shown), 1))
    else:
        colors = simplify.transferred(raw.colors, vertices, shown)
    if not simplify.is_watertight(faces):
        notes.append("the mesh is not watertight: mass and inertia come from its collision hulls")

    collision: tuple[CollisionPart, ...]
    if is_ball:
        radius = float(np.ptp(points, axis=0).mean() / 2)
        collision, pieces = (Sphere(radius, (0.0, 0.0, radius)),), [round_points(radius, radius)]
    else:
        collision = tuple(Hull(np.ascontiguousarray(piece, np.float32)) for piece in pieces)
    grid = affordances.columns(pieces)
    volume, com, unit_inertia = affordances.mass_properties(grid)
    mass = volume * DEFAULT_DENSITY_KGM3 if physics.mass_kg is None else float(physics.mass_kg)
    ixx, iyy, izz = (float(mass * moment) for moment in unit_inertia)
    grasps = affordances.find_grasps(pieces, com)
    if physics.grip_width_m is not None:
        grasps = tuple(grasp for grasp in grasps if grasp.width_m <= physics.grip_width_m)
        grasps = grasps or affordances.find_grasps(pieces, com, physics.grip_width_m)
        if not grasps:
            raise _cannot_be_gripped(pieces, com, physics.grip_width_m)
    asset = Asset(
        category=physics.category,
        vertices=np.ascontiguousarray(shown, np.float32),
        faces=np.ascontiguousarray(shown_faces, np.int32),
        colors=np.ascontiguousarray(colors),
        collision=collision,
        mass_kg=float(mass),
        com_m=com,
        inertia_kgm2=(ixx, iyy, izz),
        friction=DEFAULT_FRICTION if physics.friction is None else float(physics.friction),
        rolling_friction_m=ROLLING_FRICTION_M if is_ball else _rolling(pieces),
        grasps=grasps,
        cavity=affordances.find_cavity(grid),
        surface=affordances.find_surface(grid),
        notes=tuple(notes),
    )
    return asset, Frame(turn @ upright, offset, scale)


def _framed(points: Array, vertices: Array, pieces: list[Array]) -> tuple[Array, Array, list[Array], Rotation, Array]:
    """Moved into the asset frame: longer side along x, footprint centred, the collision's lowest point at z = 0.

    The turn and the offset come last.
    """
    size = points.max(axis=0) - points.min(axis=0)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) if size[1] > size[0] else np.eye(3)
    points, vertices, pieces = points @ turn.T, vertices @ turn.T, [piece @ turn.T for piece in pieces]
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    offset = np.array([middle[0], middle[1], min(float(piece[:, 2].min()) for piece in pieces)])
    return points - offset, vertices - offset, [piece - offset for piece in pieces], turn, offset


def _rolling(pieces: list[Array]) -> float:
    points = np.concatenate(pieces)
    contact = points[points[:, 2] < 0.002][:, :2]
    ratio = (np.ptp(contact, axis=0) / np.ptp(points[:, :2], axis=0)).min()
    return ROLLING_FRICTION_M if ratio < 0.35 else 0.0


def _is_ball(points: Array) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    radius = float((high - low).mean() / 2)
    distance = np.linalg.norm(points - (low + high) / 2, axis=1)
    return len(points) >= 40 and bool(np.abs(distance - radius).max() < ROUND_SHARE * radius)


def round_points(radius: float, center_z_m: float, count: int = 240) -> Array:
    """Points of a sphere about (0, 0, ``center_z_m``), evenly on a spiral (Fibonacci lattice), to cast rays at."""
    turn = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0))
    z = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    ring = np.sqrt(1.0 - z * z)
    return np.column_stack([ring * np.cos(turn), ring * np.sin(turn), z]) * radius + (0.0, 0.0, center_z_m)


def _check_numbers(height_m: float | None, physics: Physics) -> None:
    for name, value, most in (
        ("height_m", height_m, 2.0),
        ("mass_kg", physics.mass_kg, 20.0),
        ("friction", physics.friction, 5.0),
        ("grip_width_m", physics.grip_width_m, 0.2),
    ):
        if value is not None and not (np.isfinite(value) and 0.0 < value <= most):
            raise AssetError(name, value, "is out of range", f"Give a number above 0 and up to {most:g}")


def _scale(points: Array, height_m: float | None) -> float:
    size = points.max(axis=0) - points.min(axis=0)
    longest = float(size.max())
    if height_m is None:
        if longest > LONGEST_SIDE_M:
            problem = f"is the longest side in metres; it looks like millimetres ({longest / 1000:.3g} m)"
            raise AssetError("mesh", round(longest, 3), problem, "Give height_m")
        if longest < SHORTEST_SIDE_M:
            raise AssetError("mesh", longest, "is the longest side in metres, under a millimetre", "Give height_m")
        return 1.0
    if size[2] < 1e-6 * longest:
        raise AssetError("mesh", float(size[2]), "is flat along the up axis", "Choose the other up_axis")
    scale = height_m / float(size[2])
    if longest * scale > LONGEST_SIDE_M:
        problem = f"makes the mesh {longest * scale:.3g} m long"
        raise AssetError("height_m", height_m, problem, "Give a smaller height_m, or the other up_axis")
    return scale


def _check_solid(points: Array) -> None:
    size = float((points.max(axis=0) - points.min(axis=0)).max())
    if decompose.hull_volume(points) < 1e-7 * size**3:
        raise AssetError("mesh", 0.0, "is flat: it encloses no volume", "Give it a thickness")


def _check_same_place(points: Array, bodies: Array) -> None:
    size = (points.max(axis=0) - points.min(axis=0)).max()
    apart = max(
        float(np.abs(points.min(axis=0) - bodies.min(axis=0)).max()),
        float(np.abs(points.max(axis=0) - bodies.max(axis=0)).max()),
    )
    if not apart < 0.2 * size:
        raise AssetError(
            "collision file", round(apart, 4), "its bodies do not stand where the mesh stands (m apart)",
            "Export both in the same frame and unit, or remove the collision file",
        )  # fmt: skip


def _cannot_be_gripped(pieces: list[Array], com: Vector, grip_width_m: float) -> AssetError:
    wider = affordances.find_grasps(pieces, com, 1.0)
    if not wider:
        return AssetError(
            "grip_width_m", grip_width_m, "no place can be gripped from above", "Do not use it as a target"
        )
    narrowest = min(grasp.width_m for grasp in wider)
    height = max(float(piece[:, 2].max()) for piece in pieces)
    return AssetError(
        "grip_width_m", grip_width_m, f"the narrowest place to grip is {narrowest:.3f} m wide (height {height:.3f} m)",
        f"Give a smaller height_m, at most {0.97 * height * grip_width_m / narrowest:.3f}",
    )  # fmt: skip
