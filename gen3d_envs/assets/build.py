"""What a builder of a category gets and what it gives: parameters in, a draft out.

Adding a category is a row in ``catalog.py`` and a function::

    @builder("puck")
    def puck(p: Params) -> Draft:
        radius, height = p.length("diameter_m", grip=True) / 2, p.length("height_m")
        draft = Draft()
        draft.add(lathe([(0, 0), (radius, 0), (radius, height), (0, height)]), p.color, p.material)
        draft.collision.append(rings_hull([(radius, 0), (radius, height)], 16))
        draft.grasp(0, 0, height / 2, yaw_rad=0.0, width_m=2 * radius)
        return draft

The draft may stand anywhere: ``generate`` scales it for the gripper where that is asked for, and moves it into the
asset frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gen3d_envs.assets import materials
from gen3d_envs.assets.asset import Cavity, CollisionPart, Grasp, Handle, PartJoint, Surface
from gen3d_envs.assets.catalog import ALL, Category
from gen3d_envs.assets.materials import Material
from gen3d_envs.assets.shapes import Mesh
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import ObjectSpec

Rgb = tuple[float, float, float]

MIN_GRIP_M = 0.006
"""Thinnest thing that parallel fingers close on firmly."""


@dataclass(frozen=True, eq=False)
class Part:
    """One closed component: its mesh and its effective density (that of the material times how full it is)."""

    mesh: Mesh
    density_kgm3: float


@dataclass(eq=False)
class Draft:
    """An object under construction, in any frame with z up.

    Attributes:
        parts: closed components; overlaps count twice in the mass, so keep them small.
        collision: convex parts.
        grasps: best first.
        cavity, surface: as in :class:`~gen3d_envs.assets.asset.Asset`.
        rolling_friction_m: for things that would otherwise roll for ever.
        friction: where it differs from that of the main material.
        notes: what a person should know.
        moving: what a joint carries; a draft with moving parts faces -y and is wider than deep.
        anchored: stands fixed on the support.
    """

    parts: list[Part] = field(default_factory=list)
    collision: list[CollisionPart] = field(default_factory=list)
    grasps: list[Grasp] = field(default_factory=list)
    cavity: Cavity | None = None
    surface: Surface | None = None
    rolling_friction_m: float = 0.0
    friction: float | None = None
    notes: list[str] = field(default_factory=list)
    moving: list[Moving] = field(default_factory=list)
    anchored: bool = False

    def add(self, mesh: Mesh, color: Rgb | None, material: Material, fill: float = 1.0) -> None:
        """Add a closed component.

        Args:
            mesh: its geometry; faces painted before keep their paint.
            color: sRGB 0-255 of the other faces; None where all are painted.
            material: what it is made of.
            fill: share of the volume that is solid: 0.1 for a closed bottle that is hollow in fact.
        """
        if color is not None:
            blank = np.isnan(mesh.paint[:, 0])
            mesh = mesh.painted(color, blank)
        self.parts.append(Part(mesh, material.density_kgm3 * fill))

    def grasp(self, x: float, y: float, z: float, yaw_rad: float, width_m: float, depth_m: float | None = None) -> None:
        """Offer a top-down grasp: see :class:`~gen3d_envs.assets.asset.Grasp`.

        ``z`` is raised to 10 mm above the base when the asset is finished; ``depth_m`` defaults to 2 mm above the
        table.
        """
        depth = max(z - 0.002, 0.0) if depth_m is None else depth_m
        self.grasps.append(Grasp((float(x), float(y), float(z)), float(yaw_rad), float(width_m), float(depth)))

    def rim_grasps(
        self, radius_m: float, wall_m: float, rim_z_m: float, angles_rad: Sequence[float], floor_z_m: float = 0.0
    ) -> None:
        """Offer grasps across a round wall, at several angles; ``radius_m`` is to the middle of the wall."""
        z = max(rim_z_m - 0.012, floor_z_m + 0.004)
        depth = max(min(0.012, z - floor_z_m - 0.004), 0.0)
        for angle in angles_rad:
            self.grasp(radius_m * np.cos(angle), radius_m * np.sin(angle), z, angle, wall_m, depth)


@dataclass(frozen=True, eq=False)
class Moving:
    """A moving part under construction: its meshes, collision and cavity, in the frame of the draft that it is of."""

    name: str
    body: Draft
    joint: PartJoint
    handle: Handle | None = None


class Params:
    """The parameters of one object: draws within the catalogue's ranges, reproducible from the spec alone.

    Attributes:
        spec: the object's spec.
        category: its row in the catalogue.
        rng: generator for everything that is not a named length.
        material: the material asked for or drawn.
        color_name: the colour asked for or drawn.
        color: its sRGB (0-255) with a small variation.
        grip: grip width asked for, m, or None.
    """

    def __init__(self, spec: ObjectSpec, category: Category, rng: np.random.Generator) -> None:
        self.spec = spec
        self.category = category
        self.rng = rng
        self.grip = spec.grip_width_m
        drawn_material = self.choice(category.materials)
        name = spec.material if spec.material is not None else drawn_material
        self.material = materials.material(name, f"{spec.name}.material")
        offered = self.material.colors or category.colors
        drawn = self.choice(offered)
        self.color_name = spec.color if spec.color is not None else drawn
        self.color = self.paint(self.color_name)

    def length(self, name: str, grip: bool = False) -> float:
        """Draw the parameter ``name``, m.

        Args:
            name: a key of the category's ranges.
            grip: the gripper closes on it: stay within the grip width where the real range allows.
        """
        low, high = self.category.ranges[name]
        whole = (low, high)
        if self.spec.size is not None:
            third = (high - low) / 3.0
            low += third * ("small", "medium", "large").index(self.spec.size)
            high = low + third
        if grip and self.grip is not None:
            limit = 0.96 * self.grip
            for lower, upper in ((low, high), whole):
                if max(lower, MIN_GRIP_M) < min(upper, limit):
                    low, high = max(lower, MIN_GRIP_M), min(upper, limit)
                    break
        return float(self.rng.uniform(low, high))

    def uniform(self, low: float, high: float) -> float:
        """A number between two bounds."""
        return float(self.rng.uniform(low, high))

    def choice(self, options: Sequence[str]) -> str:
        """One of several names."""
        return options[int(self.rng.integers(len(options)))]

    def paint(self, name: str, variation: float = 6.0) -> Rgb:
        """A named colour with a small variation in brightness, sRGB 0-255."""
        rgb = np.array(materials.color(name, f"{self.spec.name}.color"), dtype=np.float64)
        red, green, blue = np.clip(rgb + self.rng.uniform(-variation, variation), 0.0, 255.0)
        return float(red), float(green), float(blue)


Builder = Callable[[Params], Draft]
BUILDERS: dict[str, Builder] = {}
"""Builders by category name, filled by :func:`builder`."""


def builder(name: str) -> Callable[[Builder], Builder]:
    """Register a function as the builder of a category of the catalogue."""
    if name not in ALL or name in BUILDERS:
        raise FieldError("builder", name, "has no row in the catalogue or two builders", "Add one row and one builder")

    def register(function: Builder) -> Builder:
        BUILDERS[name] = function
        return function

    return register


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """A colour between two."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(rgb: Rgb, factor: float = 0.75) -> Rgb:
    """A colour made darker."""
    return rgb[0] * factor, rgb[1] * factor, rgb[2] * factor
