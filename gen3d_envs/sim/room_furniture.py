"""The furniture of each style of room, and the palette that rooms are painted from.

Only :mod:`gen3d_envs.sim.room` uses this module. Lengths are m, in the scene frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gen3d_envs.sim.room_parts import Builder, Finish, Side, chair, legs, sofa
from gen3d_envs.sim.textures import Color

FLOOR_Z_M = -0.75
"""Height of the floor, scene frame."""

T = TypeVar("T")

WHITE, CREAM, GREIGE, SAGE = (236, 236, 232), (238, 228, 206), (205, 198, 186), (186, 200, 180)
MIST, SAND, ROSE, STONE = (198, 210, 220), (224, 205, 176), (222, 196, 188), (176, 178, 178)
NAVY, FOREST, MUSTARD, BRICK = (70, 86, 118), (84, 108, 92), (206, 170, 96), (168, 104, 84)
OAK, PINE, WALNUT, BIRCH = (188, 148, 104), (212, 176, 124), (116, 82, 58), (222, 198, 160)
CHERRY, EBONY, ASH = (158, 98, 66), (74, 60, 52), (198, 182, 160)
CHARCOAL, STEEL, BLACK, LIGHT_STEEL = (72, 76, 82), (150, 156, 162), (44, 44, 48), (196, 200, 204)


@dataclass(frozen=True)
class Site:
    """Where furniture may stand: the builder, the generator, and the walls' inner faces."""

    builder: Builder
    rng: np.random.Generator
    far_x: float
    left_y: float
    right_y: float
    back_x: float
    table_x: float
    table_y: float

    @property
    def backed(self) -> bool:
        """True where a wall stands right behind the support, or behind a ledge at its far edge."""
        return self.far_x - self.table_x < 0.6

    @property
    def edge_x(self) -> float:
        """Where things may begin to stand behind the support: never over it, nor where objects are."""
        return max(self.table_x, 0.5) + 0.015


def pick(rng: np.random.Generator, options: tuple[T, ...]) -> T:
    """One of some options."""
    return options[int(rng.integers(len(options)))]


def vary(rng: np.random.Generator, color: Color, amount: float = 9.0) -> Color:
    """A colour near another: lighter or darker as a whole, a little off in hue."""
    shifted = np.asarray(color) + rng.normal(0.0, amount) + rng.normal(0.0, 0.35 * amount, 3)
    r, g, b = (int(channel) for channel in np.clip(np.rint(shifted), 20, 246))
    return r, g, b


def finish(rng: np.random.Generator, kind: str, color: Color, tile_m: float, size: int = 128) -> Finish:
    """A textured finish in a colour near ``color``; ``tile_m`` 0 stretches the texture over each panel."""
    return Finish(vary(rng, color), kind, tile_m, int(rng.integers(1 << 30)), size)


def living_room(site: Site) -> None:
    """A sofa, a bookcase, a low table and a rug."""
    builder, rng = site.builder, site.rng
    cloth = finish(rng, "fabric", pick(rng, (NAVY, STONE, FOREST, MUSTARD, ROSE, CHARCOAL)), 0.25)
    y = rng.uniform(0.0, 0.3)
    sofa(builder, (site.far_x - 0.85, y, FLOOR_Z_M), (site.far_x - 0.02, y + 1.7, 0.05), "-x", cloth)
    books = finish(rng, "books", pick(rng, (OAK, WALNUT, WHITE)), 0.0)
    builder.box(
        (0.2, site.left_y - 0.3, FLOOR_Z_M), (1.1, site.left_y, 0.9), Finish(books.color), ("-y", books), foot=0.75
    )
    rug(site)
    wood = Finish(vary(rng, pick(rng, (OAK, WALNUT))))
    x = site.table_x + 0.35
    builder.box((x, 0.9, -0.34), (x + 0.5, 1.4, -0.3), wood, foot=0.8)
    legs(builder, (x, 0.9, FLOOR_Z_M), (x + 0.5, 1.4, -0.34), 0.04, wood)
    _on_wall(site, "poster", WHITE)


def classroom(site: Site) -> None:
    """Desks, a chair and a board."""
    builder, rng = site.builder, site.rng
    seat = Finish(vary(rng, pick(rng, ((196, 88, 60), (72, 128, 170), (98, 152, 92), MUSTARD))))
    frame, top = Finish(vary(rng, STEEL)), Finish(vary(rng, pick(rng, (BIRCH, PINE, OAK))))
    for y in (-0.25, 0.75):
        x = site.table_x + 0.75
        builder.box((x, y, -0.06), (x + 0.5, y + 0.7, -0.03), top, foot=0.8)
        legs(builder, (x + 0.02, y + 0.02, FLOOR_Z_M), (x + 0.48, y + 0.68, -0.06), 0.03, frame)
    chair(builder, site.table_x + 0.5, 0.15, FLOOR_Z_M, "-x", seat, frame)
    _on_wall(site, "board", pick(rng, ((54, 84, 70), WHITE)))


def rug(site: Site) -> None:
    """A rug between the support and the far wall."""
    woven = finish(site.rng, "rug", pick(site.rng, (ROSE, NAVY, SAND, FOREST, BRICK, STONE)), 0.0)
    low = (site.table_x - 0.3, -0.5, FLOOR_Z_M)
    site.builder.panel("+z", low, (site.far_x - 0.25, site.left_y - 0.3, FLOOR_Z_M + 0.01), woven)


def _on_wall(site: Site, kind: str, color: Color) -> None:
    """A window, poster or board on each side wall, for the cameras that look up."""
    picture = finish(site.rng, kind, color, 0.0)
    width = 1.6 if kind == "board" else 0.9
    x = 0.2 + site.rng.uniform(-0.2, 0.3)
    sides: tuple[tuple[Side, float], ...] = (("-y", site.left_y - 0.015), ("+y", site.right_y + 0.015))
    for side, y in sides:
        site.builder.panel(side, (x, y, 0.35), (x + width, y, 1.25), picture)
    if not site.backed:
        x = site.far_x - 0.015
        site.builder.panel("-x", (x, -0.9, 0.4), (x, -0.9 + width, 1.3), picture)
