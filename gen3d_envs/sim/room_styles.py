"""What each style of room and each kind of support is made of.

Only :mod:`gen3d_envs.sim.room` uses this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gen3d_envs.sim import room_furniture as furniture
from gen3d_envs.sim import room_places as places
from gen3d_envs.sim.room_furniture import (
    ASH,
    BIRCH,
    BRICK,
    CHARCOAL,
    CHERRY,
    CREAM,
    EBONY,
    FOREST,
    GREIGE,
    LIGHT_STEEL,
    MIST,
    NAVY,
    OAK,
    PINE,
    ROSE,
    SAGE,
    SAND,
    STONE,
    WALNUT,
    WHITE,
    Site,
)  # fmt: skip
from gen3d_envs.sim.textures import Color

Span = tuple[float, float]


@dataclass(frozen=True)
class Lamp:
    """The light of a style, each number drawn from a span.

    Attributes:
        warmth: above 0 redder, below 0 bluer; about -0.1 to 0.15.
        azimuth_rad: where the light travels to, about +z from the scene's x.
        slant: tangent of the light's angle to the vertical.
        ambient: share of the light that comes from everywhere.
    """

    warmth: Span
    azimuth_rad: Span
    slant: Span
    ambient: Span


@dataclass(frozen=True)
class RoomStyle:
    """Choices of a style: colours, and kinds of texture with the size of their tile in m.

    Attributes:
        walls, wall_kinds, floors: what the shell is drawn from.
        furniture: puts things into the room.
        backed: share of the rooms in which a wall stands right behind the support, where ``wall_m`` is None.
        wall_m: from the support's far edge to the wall; None for right behind it or 1.3 m to 1.9 m.
        lamp: None for any light.
    """

    walls: tuple[Color, ...]
    wall_kinds: tuple[tuple[str, float], ...]
    floors: tuple[tuple[str, Color, float], ...]
    furniture: Callable[[Site], None]
    backed: float = 0.0
    wall_m: Span | None = None
    lamp: Lamp | None = None


_LIGHT_WALLS = (WHITE, CREAM, MIST, SAGE, GREIGE, ROSE)
ROOM_STYLES: dict[str, RoomStyle] = {
    "office": RoomStyle(
        (WHITE, MIST, GREIGE, SAGE), (("plaster", 1.0), ("stripes", 0.6)),
        (("carpet", STONE, 0.6), ("carpet", NAVY, 0.6), ("carpet", CHARCOAL, 0.6), ("linoleum", GREIGE, 0.8)),
        places.office, wall_m=(1.5, 1.9), lamp=Lamp((-0.04, 0.02), (4.2, 5.2), (0.3, 0.6), (0.62, 0.7)),
    ),
    "kitchen": RoomStyle(
        (WHITE, CREAM, SAGE, MIST, SAND), (("plaster", 1.0), ("tiles", 0.6)),
        (("checker", CREAM, 1.0), ("tiles", GREIGE, 1.0), ("boards", OAK, 0.8), ("tiles", BRICK, 0.9)),
        places.kitchen, wall_m=(0.15, 0.17), lamp=Lamp((0.0, 0.06), (5.5, 6.8), (0.2, 0.5), (0.58, 0.66)),
    ),
    "workshop": RoomStyle(
        (STONE, GREIGE, WHITE, SAND), (("concrete", 1.2), ("brick", 0.7)),
        (("concrete", STONE, 1.2), ("concrete", GREIGE, 1.2), ("boards", ASH, 0.9)),
        places.workshop, wall_m=(0.09, 0.11), lamp=Lamp((-0.06, 0.0), (0.3, 1.6), (0.5, 0.8), (0.5, 0.58)),
    ),
    "dining": RoomStyle(
        (CREAM, SAND, SAGE, ROSE, NAVY), (("plaster", 1.0), ("stripes", 0.5)),
        (("parquet", OAK, 1.0), ("boards", WALNUT, 0.9), ("boards", PINE, 0.9), ("parquet", CHERRY, 1.0)),
        places.dining, wall_m=(1.2, 1.5), lamp=Lamp((0.04, 0.1), (2.6, 3.7), (0.5, 0.8), (0.55, 0.64)),
    ),
    "lab": RoomStyle(
        (WHITE, MIST, LIGHT_STEEL), (("plaster", 1.0), ("tiles", 0.5)),
        (("linoleum", MIST, 0.8), ("terrazzo", LIGHT_STEEL, 0.7), ("linoleum", SAGE, 0.8), ("tiles", WHITE, 1.2)),
        places.lab, wall_m=(0.22, 0.26), lamp=Lamp((-0.08, -0.02), (0.0, 6.28), (0.1, 0.3), (0.66, 0.74)),
    ),
    "living_room": RoomStyle(
        (CREAM, GREIGE, SAGE, MIST, ROSE, FOREST),
        (("plaster", 1.0), ("stripes", 0.5), ("plaster", 0.7), ("brick", 0.7)),
        (("boards", OAK, 0.9), ("parquet", WALNUT, 1.0), ("carpet", SAND, 0.6), ("boards", BIRCH, 0.9)),
        furniture.living_room, 0.0,
    ),
    "classroom": RoomStyle(
        _LIGHT_WALLS, (("plaster", 1.0), ("plaster", 0.8), ("brick", 0.8)),
        (("linoleum", SAND, 0.8), ("linoleum", STONE, 0.8), ("boards", PINE, 0.8), ("checker", MIST, 1.2)),
        furniture.classroom, 0.0,
    ),
    "study": RoomStyle(
        (FOREST, NAVY, CREAM, SAND, ROSE), (("stripes", 0.4), ("plaster", 1.0)),
        (("parquet", OAK, 1.0), ("boards", WALNUT, 0.9), ("carpet", SAND, 0.6)),
        places.study, wall_m=(0.24, 0.3), lamp=Lamp((0.06, 0.12), (3.8, 4.8), (0.4, 0.7), (0.56, 0.64)),
    ),
    "store": RoomStyle(
        (WHITE, CREAM, GREIGE), (("perforated", 0.3), ("plaster", 1.0)),
        (("linoleum", GREIGE, 0.8), ("tiles", WHITE, 1.2), ("checker", MIST, 1.2), ("terrazzo", WHITE, 0.7)),
        places.store, wall_m=(0.3, 0.4), lamp=Lamp((-0.02, 0.02), (0.0, 6.28), (0.1, 0.3), (0.68, 0.76)),
    ),
}  # fmt: skip

# Kinds of top with their texture, colours and tile; thickness; what it stands on.
SUPPORT_TOPS: dict[str, tuple[tuple[tuple[str, tuple[Color, ...], float], ...], float, str]] = {
    "desk": (
        (("wood", (OAK, BIRCH, WALNUT, ASH), 0.7), ("laminate", (WHITE, GREIGE, LIGHT_STEEL), 0.5)),
        0.03, "legs",
    ),
    "counter": (
        (("granite", (STONE, CHARCOAL, GREIGE), 0.35), ("marble", (WHITE, CREAM), 0.9),
         ("terrazzo", (WHITE, GREIGE), 0.5), ("boards", (OAK, PINE), 0.5)), 0.04, "body",
    ),
    "workbench": ((("scarred", (PINE, OAK, ASH, BIRCH), 0.6), ("scarred", (OAK, WALNUT), 0.8)), 0.07, "legs"),
    "dining_table": (
        (("wood", (WALNUT, OAK, CHERRY, BIRCH), 0.9), ("boards", (OAK, CHERRY, WALNUT), 0.8),
         ("fabric", (CREAM, MIST, ROSE, SAGE), 0.2), ("marble", (WHITE,), 0.9)), 0.035, "legs",
    ),
    "lab_bench": ((("laminate", (WHITE, MIST, (204, 216, 214)), 0.5), ("metal", (LIGHT_STEEL,), 0.6)), 0.03, "body"),
    "side_table": ((("wood", (WALNUT, PINE, EBONY, OAK), 0.6), ("parquet", (OAK,), 0.8)), 0.03, "legs"),
    "writing_desk": ((("wood", (WALNUT, OAK, CHERRY, EBONY), 0.7), ("parquet", (OAK, WALNUT), 0.9)), 0.035, "legs"),
    "shelf": ((("perforated", (WHITE, LIGHT_STEEL, GREIGE, MIST), 0.2),), 0.03, "body"),
}  # fmt: skip

INLAYS: dict[str, tuple[tuple[str, Color], ...]] = {
    "writing_desk": (("leather", FOREST), ("leather", (164, 118, 78)), ("leather", NAVY), ("leather", (104, 88, 78))),
}
"""Kinds of top with a panel let into them: its texture and colour."""
