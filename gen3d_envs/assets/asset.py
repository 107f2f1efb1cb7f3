"""A sim-ready asset: geometry to look at, convex parts to touch, and the physics to go with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.geometry import Quaternion as Quaternion
from gen3d_envs.geometry import Vector as Vector

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Hull:
    """Convex hull of ``vertices``: (k, 3) float32, m, asset frame, 4 <= k <= 64."""

    vertices: NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A box: half extents in m, centre in the asset frame, orientation xyzw."""

    half_extents_m: Vector
    position_m: Vector = (0.0, 0.0, 0.0)
    orientation_xyzw: Quaternion = IDENTITY


@dataclass(frozen=True)
class Sphere:
    """A sphere: radius in m, centre in the asset frame."""

    radius_m: float
    position_m: Vector = (0.0, 0.0, 0.0)


CollisionPart = Hull | Box | Sphere


@dataclass(frozen=True)
class Grasp:
    """A top-down parallel-jaw grasp in the asset frame.

    Attributes:
        position_m: the point between the finger tips.
        yaw_rad: direction of finger closing, from the asset's +x about +z; the opposite direction is the same grasp.
        width_m: thickness of the object between the fingers.
        depth_m: how far below ``position_m`` the fingers may go before they meet something.
    """

    position_m: Vector
    yaw_rad: float
    width_m: float
    depth_m: float = 0.0


@dataclass(frozen=True)
class Cavity:
    """The room inside a container: a vertical prism that things lie in.

    Attributes:
        floor_z_m: height of the inner floor in the asset frame.
        rim_z_m: height of the rim.
        half_x_m, half_y_m: half extents of the opening at its narrowest, centred on ``center_m``.
        round: an ellipse with these half axes if true, else a rectangle.
    """

    floor_z_m: float
    rim_z_m: float
    half_x_m: float
    half_y_m: float
    round: bool = True
    center_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Surface:
    """A flat top that things can be put on: its height and half extents, centred on ``center_m``."""

    z_m: float
    half_x_m: float
    half_y_m: float
    round: bool = False
    center_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class PartJoint:
    """How a part moves against the body that carries it; 0 is closed, and ``upper`` is open.

    Attributes:
        kind: ``"revolute"`` (rad, right-handed about the axis) or ``"prismatic"`` (m, along the axis).
        position_m: a point of the axis, asset frame.
        axis: unit vector, asset frame.
        lower, upper: limits, rad or m.
        damping: N s/m, or N m s/rad.
        friction: dry friction, N or N m: what holds the part where it was left.
    """

    kind: Literal["revolute", "prismatic"]
    position_m: Vector
    axis: Vector
    lower: float
    upper: float
    damping: float
    friction: float


@dataclass(frozen=True)
class Handle:
    """Where a parallel gripper takes hold of a part; asset frame, with the part closed.

    Attributes:
        position_m: the middle of the bar or edge: the point between the finger tips.
        approach: unit vector in which the gripper comes.
        closing: unit vector in which the fingers close, at right angles to ``approach``; the opposite does as well.
        width_m: thickness between the fingers.
        room_m: free depth behind the bar, for a finger that hooks it; 0 where there is none.
    """

    position_m: Vector
    approach: Vector
    closing: Vector
    width_m: float
    room_m: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """A rigid part that a joint carries: a drawer, a door, a lid, a screen.

    All geometry is in the asset frame with the part closed, i.e. the part's own frame is the asset frame at joint
    position 0. Its friction is that of the asset.

    Attributes:
        name: unique within the asset, e.g. ``"top_drawer"``.
        vertices, faces, colors, collision: as of an :class:`Asset`.
        mass_kg, com_m, inertia_kgm2: as of an :class:`Asset`, of the part alone.
        joint: how it moves.
        handle: how it is opened, or None.
        cavity: where things go in it (a drawer), or None.
    """

    name: str
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    colors: NDArray[np.uint8]
    collision: tuple[CollisionPart, ...]
    mass_kg: float
    com_m: Vector
    inertia_kgm2: Vector
    joint: PartJoint
    handle: Handle | None = None
    cavity: Cavity | None = None


@dataclass(frozen=True, eq=False)
class Asset:
    """An object ready for physics and rendering.

    The asset frame: z up in the canonical resting pose, z = 0 the lowest point of the geometry, x and y centred on the
    bounding box of the footprint, the longer horizontal side along x. What has parts faces -y: there its doors and
    drawers open, and there the robot should be.

    Attributes:
        category: catalogue name.
        vertices: (n, 3) float32, m, asset frame, of the visual mesh; watertight as a whole or per component.
        faces: (m, 3) int32, counter-clockwise seen from outside.
        colors: (n, 3) uint8, sRGB, per vertex.
        collision: convex parts; their union is the shape for physics.
        mass_kg: total mass.
        com_m: centre of mass, asset frame.
        inertia_kgm2: (3,) principal moments about the centre of mass along the asset's own axes (off-diagonal terms
            are dropped; they are below 5 % of the trace for the objects generated here).
        friction: Coulomb coefficient, multiplied with the other body's as the engine does.
        rolling_friction_m: rolling (and spinning) resistance length, for round things.
        grasps: best first; empty where the object is not meant to be picked.
        cavity: where things go *in* it, or None.
        surface: where things go *on* it, or None.
        notes: what a person should know, e.g. that it was scaled to fit a gripper.
        parts: what moves against the body. Everything above, but ``cavity`` and ``surface`` of the closed thing, is of
            the body without its parts; :func:`gen3d_envs.assets.articulated.merged` gives the whole.
        anchored: stands fixed on the support: a thing so heavy that no arm moves it.
    """

    category: str
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    colors: NDArray[np.uint8]
    collision: tuple[CollisionPart, ...]
    mass_kg: float
    com_m: Vector
    inertia_kgm2: Vector
    friction: float
    rolling_friction_m: float = 0.0
    grasps: tuple[Grasp, ...] = ()
    cavity: Cavity | None = None
    surface: Surface | None = None
    notes: tuple[str, ...] = field(default=())
    parts: tuple[Part, ...] = ()
    anchored: bool = False

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest corner of the bounding box with all parts closed."""
        bodies = (self.vertices, *(part.vertices for part in self.parts))
        low = np.min([points.min(axis=0) for points in bodies], axis=0)
        return low, np.max([points.max(axis=0) for points in bodies], axis=0)

    @cached_property
    def size_m(self) -> Vector:
        """Extents of the axis-aligned bounding box with all parts closed, asset frame."""
        low, high = self._bounds
        x, y, z = (float(v) for v in high - low)
        return x, y, z

    @cached_property
    def footprint_radius_m(self) -> float:
        """Radius of the vertical cylinder about the asset's z axis that holds the whole object, all parts closed."""
        points = np.concatenate([self.vertices, *(part.vertices for part in self.parts)])
        return float(np.sqrt((points[:, :2].astype(np.float64) ** 2).sum(axis=1).max()))

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, independent of file format, library versions and machine."""
        digest = hashlib.sha256()
        for part in fields(self):
            value = getattr(self, part.name)
            if part.name not in _LATER:
                _feed(digest, value)
            elif value:
                _feed(digest, (part.name, value))
        return digest.hexdigest()


_LATER = ("parts", "anchored")
"""Fields that came after the first release: only what uses them hashes them, so that released hashes stay."""


def _feed(digest: hashlib._Hash, value: object) -> None:
    """Feed one value into a hash with its type, so that different structures never collide."""
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        digest.update(f"array{array.dtype.str}{array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    elif isinstance(value, tuple):
        digest.update(f"tuple{len(value)}".encode())
        for item in value:
            _feed(digest, item)
    elif hasattr(value, "__dataclass_fields__"):
        digest.update(type(value).__name__.encode())
        for part in fields(value):  # type: ignore[arg-type]
            _feed(digest, getattr(value, part.name))
    else:
        digest.update(f"{type(value).__name__}{value!r}".encode())
