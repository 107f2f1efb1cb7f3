"""Rooms: the support and everything around it that is seen but never touched.

A room is drawn from (style, seed) and (support kind, seed): walls, floor, furniture, table and light, all low-poly with
procedural textures, under 350 triangles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gen3d_envs.assets.asset import Vector
from gen3d_envs.errors import SceneError
from gen3d_envs.sim.room_parts import Builder, Finish, chair, cupboard, legs, sofa
from gen3d_envs.sim.textures import Color
from gen3d_envs.sim.view import LightSpec, VisualNode
from gen3d_envs.spec import BackgroundSpec, SupportSpec

FLOOR_Z_M = -0.75
"""Height of the floor, scene frame."""

BACK_M = 0.35
"""How far the support reaches behind the robot's base; its far edge is at ``depth_m - BACK_M``."""

SUPPORT_SEGMENT = 1
"""Segmentation value of the support; the rest of the room is background, 0."""


@dataclass(frozen=True, eq=False)
class Room:
    """What is drawn around the objects.

    Attributes:
        nodes: static nodes in the scene frame.
        light: ambient and directional light.
        sky: colour where nothing is, 0 to 1.
    """

    nodes: tuple[VisualNode, ...]
    light: LightSpec
    sky: Vector


@dataclass(frozen=True)
class _Style:
    """Choices of a style: colours, and kinds of texture with the size of their tile in m."""

    walls: tuple[Color, ...]
    wall_kinds: tuple[tuple[str, float], ...]
    floors: tuple[tuple[str, Color, float], ...]
    furniture: Callable[[_Site], None]
    backed: float
    """Share of the rooms in which a wall stands right behind the support."""


@dataclass(frozen=True)
class _Site:
    """Where furniture may stand: the builder, the generator, and the walls' inner faces."""

    builder: Builder
    rng: np.random.Generator
    far_x: float
    left_y: float
    right_y: float
    back_x: float
    table_x: float
    table_y: float


_WHITE, _CREAM, _GREIGE, _SAGE = (236, 236, 232), (238, 228, 206), (205, 198, 186), (186, 200, 180)
_MIST, _SAND, _ROSE, _STONE = (198, 210, 220), (224, 205, 176), (222, 196, 188), (176, 178, 178)
_NAVY, _FOREST, _MUSTARD, _BRICK = (70, 86, 118), (84, 108, 92), (206, 170, 96), (168, 104, 84)
_OAK, _PINE, _WALNUT, _BIRCH = (188, 148, 104), (212, 176, 124), (116, 82, 58), (222, 198, 160)
_CHERRY, _EBONY, _ASH = (158, 98, 66), (74, 60, 52), (198, 182, 160)
_CHARCOAL, _STEEL, _BLACK, _LIGHT_STEEL = (72, 76, 82), (150, 156, 162), (44, 44, 48), (196, 200, 204)


def _pick(rng: np.random.Generator, options: tuple) -> tuple:  # type: ignore[type-arg]
    return options[int(rng.integers(len(options)))]


def _vary(rng: np.random.Generator, color: Color, amount: float = 9.0) -> Color:
    """A colour near another: lighter or darker as a whole, a little off in hue."""
    shifted = np.asarray(color) + rng.normal(0.0, amount) + rng.normal(0.0, 0.35 * amount, 3)
    r, g, b = (int(channel) for channel in np.clip(np.rint(shifted), 20, 246))
    return r, g, b


def _finish(rng: np.random.Generator, kind: str, color: Color, tile_m: float, size: int = 128) -> Finish:
    return Finish(_vary(rng, color), kind, tile_m, int(rng.integers(1 << 30)), size)


def _office(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    body = Finish(_vary(rng, _pick(rng, (_STEEL, _WHITE, _OAK, _CHARCOAL))))
    front = _finish(rng, "drawers", body.color, 0.0)
    y = site.left_y - 0.1 - rng.uniform(0.0, 0.5)
    cupboard(builder, (site.far_x - 0.45, y - 0.9, FLOOR_Z_M), (site.far_x, y, -0.05), "-x", body, front, 0.45)
    books = _finish(rng, "books", _pick(rng, (_OAK, _WALNUT, _WHITE)), 0.0)
    builder.box(
        (site.far_x - 0.3, y - 1.9, FLOOR_Z_M), (site.far_x, y - 1.0, 1.0), Finish(books.color), ("-x", books), foot=0.75
    )
    cloth = Finish(_vary(rng, _pick(rng, (_NAVY, _CHARCOAL, _FOREST, _BRICK))))
    chair(builder, site.table_x + 0.6, site.table_y * rng.uniform(-0.2, 0.9), FLOOR_Z_M, "+x", cloth, Finish(_BLACK))
    _on_wall(site, "window", _WHITE)


def _kitchen(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    color = _pick(rng, (_WHITE, _SAGE, _NAVY, _OAK, _CREAM, _MIST))
    front = _finish(rng, "fronts", color, 0.0)
    top = site.far_x - 0.6
    if site.far_x - site.table_x > 0.7:
        cupboard(
            builder, (top, -0.6, FLOOR_Z_M), (site.far_x, site.left_y, 0.1), "-x", Finish(front.color), front, 0.6
        )
        builder.box((top - 0.03, -0.6, 0.1), (site.far_x, site.left_y, 0.14), Finish(_vary(rng, _CHARCOAL)))
    cupboard(
        builder, (site.back_x + 0.4, site.left_y - 0.6, FLOOR_Z_M), (top, site.left_y, 0.1), "-y",
        Finish(front.color), front, 0.6,
    )  # fmt: skip
    chair(builder, site.table_x + 0.6, rng.uniform(-0.1, 0.6), FLOOR_Z_M, "+x", Finish(_vary(rng, _OAK)), Finish(_vary(rng, _OAK)))
    _on_wall(site, "window", _WHITE)


def _workshop(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    paint = _pick(rng, ((176, 62, 52), (62, 98, 150), _CHARCOAL, (90, 128, 96)))
    front = _finish(rng, "drawers", paint, 0.0)
    y = site.left_y - rng.uniform(0.1, 0.6)
    cupboard(builder, (site.far_x - 0.5, y - 1.4, FLOOR_Z_M), (site.far_x, y, 0.1), "-x", Finish(front.color), front, 0.7)
    crate = _finish(rng, "boards", _PINE, 0.5)
    for index in range(3):
        x, across = site.table_x + 0.5 + 0.2 * index, site.table_y + 0.35 - 0.42 * index
        size = rng.uniform(0.28, 0.4)
        builder.box((x, across, FLOOR_Z_M), (x + size, across + size, FLOOR_Z_M + size), crate, foot=0.7)
    board = _finish(rng, "pegboard", _SAND, 0.6)
    builder.panel("-y", (site.back_x + 0.6, site.left_y - 0.02, 0.2), (site.far_x - 0.6, site.left_y - 0.02, 1.0), board)


def _dining(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    wood = _pick(rng, (_WALNUT, _OAK, _CHERRY, _BIRCH))
    seat, frame = Finish(_vary(rng, _pick(rng, (_CREAM, _NAVY, _FOREST, _BRICK, wood)))), Finish(_vary(rng, wood))
    chair(builder, site.table_x + 0.42, 0.02, FLOOR_Z_M, "+x", seat, frame)
    chair(builder, site.table_x + 0.44, 0.62, FLOOR_Z_M, "+x", seat, frame)
    front = _finish(rng, "fronts", wood, 0.0)
    y = site.left_y - rng.uniform(0.1, 0.5)
    cupboard(builder, (site.far_x - 0.4, y - 1.5, FLOOR_Z_M), (site.far_x, y, 0.05), "-x", Finish(front.color), front, 0.75)
    _rug(site)
    _on_wall(site, "poster", _CREAM)


def _lab(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    color = _pick(rng, (_WHITE, _LIGHT_STEEL, _MIST))
    front = _finish(rng, "fronts", color, 0.0)
    top = Finish(_vary(rng, _CHARCOAL))
    cupboard(
        builder, (site.back_x + 0.3, site.left_y - 0.6, FLOOR_Z_M), (site.far_x, site.left_y, 0.1), "-y",
        Finish(front.color), front, 0.8,
    )  # fmt: skip
    builder.box((site.back_x + 0.3, site.left_y - 0.63, 0.1), (site.far_x, site.left_y, 0.14), top)
    if site.far_x - site.table_x > 0.7:
        drawers = _finish(rng, "drawers", _pick(rng, (_STEEL, _MIST, _NAVY)), 0.0)
        cupboard(
            builder, (site.far_x - 0.5, -0.5, FLOOR_Z_M), (site.far_x, 0.5, 0.0), "-x", Finish(drawers.color), drawers, 0.5
        )
    x, y = site.table_x + 0.45, rng.uniform(0.1, 0.5)
    seat = Finish(_vary(rng, _BLACK))
    builder.box((x - 0.17, y - 0.17, -0.22), (x + 0.17, y + 0.17, -0.16), seat, foot=0.8)
    legs(builder, (x - 0.15, y - 0.15, FLOOR_Z_M), (x + 0.15, y + 0.15, -0.22), 0.03, Finish(_STEEL))
    _on_wall(site, "board", _WHITE)


def _living_room(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    cloth = _finish(rng, "fabric", _pick(rng, (_NAVY, _STONE, _FOREST, _MUSTARD, _ROSE, _CHARCOAL)), 0.25)
    y = rng.uniform(0.0, 0.3)
    sofa(builder, (site.far_x - 0.85, y, FLOOR_Z_M), (site.far_x - 0.02, y + 1.7, 0.05), "-x", cloth)
    books = _finish(rng, "books", _pick(rng, (_OAK, _WALNUT, _WHITE)), 0.0)
    builder.box(
        (0.2, site.left_y - 0.3, FLOOR_Z_M), (1.1, site.left_y, 0.9), Finish(books.color), ("-y", books), foot=0.75
    )
    _rug(site)
    wood = Finish(_vary(rng, _pick(rng, (_OAK, _WALNUT))))
    x = site.table_x + 0.35
    builder.box((x, 0.9, -0.34), (x + 0.5, 1.4, -0.3), wood, foot=0.8)
    legs(builder, (x, 0.9, FLOOR_Z_M), (x + 0.5, 1.4, -0.34), 0.04, wood)
    _on_wall(site, "poster", _WHITE)


def _classroom(site: _Site) -> None:
    builder, rng = site.builder, site.rng
    seat = Finish(_vary(rng, _pick(rng, ((196, 88, 60), (72, 128, 170), (98, 152, 92), _MUSTARD))))
    frame, top = Finish(_vary(rng, _STEEL)), Finish(_vary(rng, _pick(rng, (_BIRCH, _PINE, _OAK))))
    for y in (-0.25, 0.75):
        x = site.table_x + 0.75
        builder.box((x, y, -0.06), (x + 0.5, y + 0.7, -0.03), top, foot=0.8)
        legs(builder, (x + 0.02, y + 0.02, FLOOR_Z_M), (x + 0.48, y + 0.68, -0.06), 0.03, frame)
    chair(builder, site.table_x + 0.5, 0.15, FLOOR_Z_M, "-x", seat, frame)
    _on_wall(site, "board", _pick(rng, ((54, 84, 70), _WHITE)))


def _rug(site: _Site) -> None:
    rug = _finish(site.rng, "rug", _pick(site.rng, (_ROSE, _NAVY, _SAND, _FOREST, _BRICK, _STONE)), 0.0)
    low = (site.table_x - 0.3, -0.5, FLOOR_Z_M)
    site.builder.panel("+z", low, (site.far_x - 0.25, site.left_y - 0.3, FLOOR_Z_M + 0.01), rug)


def _on_wall(site: _Site, kind: str, color: Color) -> None:
    """A window, poster or board on each side wall, for the cameras that look up."""
    finish = _finish(site.rng, kind, color, 0.0)
    width = 1.6 if kind == "board" else 0.9
    x = 0.2 + site.rng.uniform(-0.2, 0.3)
    for side, y in (("-y", site.left_y - 0.015), ("+y", site.right_y + 0.015)):
        site.builder.panel(side, (x, y, 0.35), (x + width, y, 1.25), finish)  # type: ignore[arg-type]
    if site.far_x - site.table_x > 0.7:
        x = site.far_x - 0.015
        site.builder.panel("-x", (x, -0.9, 0.4), (x, -0.9 + width, 1.3), finish)


_LIGHT_WALLS = (_WHITE, _CREAM, _MIST, _SAGE, _GREIGE, _ROSE)
_STYLES: dict[str, _Style] = {
    "office": _Style(
        (_WHITE, _MIST, _GREIGE, _SAGE), (("plaster", 1.0), ("stripes", 0.6)),
        (("carpet", _STONE, 0.6), ("carpet", _NAVY, 0.6), ("carpet", _CHARCOAL, 0.6), ("linoleum", _GREIGE, 0.8)),
        _office, 0.25,
    ),
    "kitchen": _Style(
        (_WHITE, _CREAM, _SAGE, _MIST, _SAND), (("tiles", 0.4), ("tiles", 0.6), ("plaster", 1.0), ("brick", 0.6)),
        (("checker", _CREAM, 1.0), ("tiles", _GREIGE, 1.0), ("boards", _OAK, 0.8), ("tiles", _BRICK, 0.9)),
        _kitchen, 0.5,
    ),
    "workshop": _Style(
        (_STONE, _GREIGE, _WHITE, _BRICK), (("concrete", 1.2), ("brick", 0.7), ("plaster", 1.0)),
        (("concrete", _STONE, 1.2), ("concrete", _GREIGE, 1.2), ("boards", _ASH, 0.9)), _workshop, 0.3,
    ),
    "dining": _Style(
        (_CREAM, _SAND, _SAGE, _ROSE, _NAVY), (("plaster", 1.0), ("stripes", 0.5)),
        (("parquet", _OAK, 1.0), ("boards", _WALNUT, 0.9), ("boards", _PINE, 0.9), ("parquet", _CHERRY, 1.0)),
        _dining, 0.0,
    ),
    "lab": _Style(
        (_WHITE, _MIST, _LIGHT_STEEL), (("plaster", 1.0), ("tiles", 0.5)),
        (("linoleum", _MIST, 0.8), ("terrazzo", _LIGHT_STEEL, 0.7), ("linoleum", _SAGE, 0.8), ("tiles", _WHITE, 1.2)),
        _lab, 0.35,
    ),
    "living_room": _Style(
        (_CREAM, _GREIGE, _SAGE, _MIST, _ROSE, _FOREST), (("plaster", 1.0), ("stripes", 0.5), ("plaster", 0.7), ("brick", 0.7)),
        (("boards", _OAK, 0.9), ("parquet", _WALNUT, 1.0), ("carpet", _SAND, 0.6), ("boards", _BIRCH, 0.9)),
        _living_room, 0.0,
    ),
    "classroom": _Style(
        _LIGHT_WALLS, (("plaster", 1.0), ("plaster", 0.8), ("brick", 0.8)),
        (("linoleum", _SAND, 0.8), ("linoleum", _STONE, 0.8), ("boards", _PINE, 0.8), ("checker", _MIST, 1.2)),
        _classroom, 0.0,
    ),
}  # fmt: skip

STYLES: tuple[str, ...] = tuple(_STYLES)
"""Names of the rooms."""

# Kinds of top with their texture, colours and tile; thickness; what it stands on.
_SUPPORTS: dict[str, tuple[tuple[tuple[str, tuple[Color, ...], float], ...], float, str]] = {
    "desk": (
        (("wood", (_OAK, _BIRCH, _WALNUT, _ASH), 0.7), ("laminate", (_WHITE, _GREIGE, _LIGHT_STEEL), 0.5)), 0.03, "legs",
    ),
    "counter": (
        (("granite", (_STONE, _CHARCOAL, _GREIGE), 0.35), ("marble", (_WHITE, _CREAM), 0.9),
         ("terrazzo", (_WHITE, _GREIGE), 0.5), ("boards", (_OAK, _PINE), 0.5)), 0.04, "body",
    ),
    "workbench": ((("boards", (_PINE, _OAK, _ASH), 0.8), ("metal", (_STEEL,), 0.6)), 0.07, "legs"),
    "dining_table": (
        (("wood", (_WALNUT, _OAK, _CHERRY, _BIRCH), 0.9), ("boards", (_OAK, _CHERRY, _WALNUT), 0.8),
         ("fabric", (_CREAM, _MIST, _ROSE, _SAGE), 0.2), ("marble", (_WHITE,), 0.9)), 0.035, "legs",
    ),
    "lab_bench": ((("laminate", (_WHITE, _CHARCOAL, _MIST), 0.5), ("metal", (_LIGHT_STEEL,), 0.6)), 0.03, "body"),
    "side_table": ((("wood", (_WALNUT, _PINE, _EBONY, _OAK), 0.6), ("parquet", (_OAK,), 0.8)), 0.03, "legs"),
}  # fmt: skip

SUPPORT_KINDS: tuple[str, ...] = tuple(_SUPPORTS)
"""Names of the supports."""


@lru_cache(maxsize=64)
def build_room(background: BackgroundSpec, support: SupportSpec) -> Room:
    """The room of a scene. Equal specs give the same object.

    Raises:
        SceneError: an unknown style or kind of support.
    """
    if background.style not in _STYLES:
        raise SceneError("background.style", background.style, "is no known room", f"Use one of {', '.join(STYLES)}")
    if support.kind not in _SUPPORTS:
        raise SceneError("support.kind", support.kind, "is no known support", f"Use one of {', '.join(SUPPORT_KINDS)}")
    style = _STYLES[background.style]
    rng = _rng("room", background.style, background.seed)
    table_x, table_y = support.depth_m - BACK_M, support.width_m / 2.0
    room = Builder()
    backed = bool(rng.random() < style.backed) and support.depth_m >= 0.8
    far_x = table_x + (0.02 if backed else float(rng.uniform(1.3, 1.9)))
    site = _Site(
        room, rng, far_x, table_y + float(rng.uniform(1.2, 1.7)), -table_y - float(rng.uniform(1.2, 1.7)),
        -BACK_M - float(rng.uniform(1.2, 1.6)), table_x, table_y,
    )  # fmt: skip
    _shell(site, style)
    style.furniture(site)
    table = Builder()
    _support(table, support, _rng("support", support.kind, support.seed))
    nodes = room.nodes("room", 0) + table.nodes("support", SUPPORT_SEGMENT)
    sky = tuple(float(channel) / 255.0 for channel in _vary(rng, (232, 234, 236), 5.0))
    return Room(nodes, _light(rng), (sky[0], sky[1], sky[2]))


def _rng(*key: object) -> np.random.Generator:
    # hashlib instead of hash(), which differs from process to process.
    digest = hashlib.sha256("/".join(str(part) for part in key).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _shell(site: _Site, style: _Style) -> None:
    """Floor, four walls and their skirting, darker in the corners and under the table."""
    builder, rng = site.builder, site.rng
    kind, color, tile_m = _pick(rng, style.floors)
    floor = _finish(rng, kind, color, tile_m)
    kind, tile_m = _pick(rng, style.wall_kinds)
    wall = _finish(rng, kind, _pick(rng, style.walls), tile_m)
    low, high = (site.back_x, site.right_y, FLOOR_Z_M), (site.far_x, site.left_y, 1.9)
    columns, rows = 6, 6
    x = np.linspace(low[0], high[0], columns + 1)[None, :]
    y = np.linspace(low[1], high[1], rows + 1)[:, None]
    to_wall = np.minimum(np.minimum(x - low[0], high[0] - x), np.minimum(y - low[1], high[1] - y))
    outside = np.maximum(np.maximum(x - site.table_x, -BACK_M - x), np.abs(y) - site.table_y)
    shade = (0.8 + 0.2 * np.clip(to_wall / 0.6, 0.0, 1.0)) * (0.6 + 0.4 * np.clip(outside / 0.5 + 0.4, 0.0, 1.0))
    builder.panel("+z", low, (high[0], high[1], FLOOR_Z_M), floor, (columns, rows), shade)
    skirting = Finish(_vary(rng, _pick(rng, (_WHITE, wall.color, _WALNUT))))
    x0, y0, z0, x1, y1, z1 = *low, *high
    for side, start, end in (
        ("-x", (x1, y0), (x1, y1)), ("+x", (x0, y0), (x0, y1)), ("-y", (x0, y1), (x1, y1)), ("+y", (x0, y0), (x1, y0)),
    ):  # fmt: skip
        # A wall right behind the table is seen at a slant, where large panels show wavy textures.
        cells = (4, 5) if side == "-x" and x1 - site.table_x < 0.1 else (1, 2)
        fade = np.clip(0.78 + 0.35 * np.linspace(0.0, 1.0, cells[1] + 1), 0.0, 1.0)[:, None] * np.ones(cells[0] + 1)
        builder.panel(side, (*start, z0), (*end, z1), wall, cells, fade)  # type: ignore[arg-type]
        inward = -0.012 if side[0] == "-" else 0.012
        dx, dy = (inward, 0.0) if side[1] == "x" else (0.0, inward)
        builder.panel(
            side, (start[0] + dx, start[1] + dy, z0), (end[0] + dx, end[1] + dy, z0 + 0.09), skirting,  # type: ignore[arg-type]
        )  # fmt: skip


def _support(builder: Builder, support: SupportSpec, rng: np.random.Generator) -> None:
    """The table: a textured top at z = 0 and what it stands on."""
    tops, thickness, base = _SUPPORTS[support.kind]
    kind, colors, tile_m = _pick(rng, tops)
    top = _finish(rng, kind, _pick(rng, colors), tile_m, 256)
    x0, x1, y1 = -BACK_M, support.depth_m - BACK_M, support.width_m / 2.0
    low, high = (x0, -y1, -thickness), (x1, y1, 0.0)
    grid = np.linspace(-1.0, 1.0, 5)
    shade = 1.0 - 0.07 * np.clip(np.hypot(grid[None, :], grid[:, None]) - 0.35, 0.0, 1.0)
    builder.panel("+z", low, high, top, (4, 4), shade)
    edge = Finish(tuple(int(0.8 * channel) for channel in top.color))  # type: ignore[arg-type]
    builder.box(low, high, edge, sides=("+x", "-x", "+y", "-y", "-z"))
    dark = Finish(_vary(rng, _pick(rng, (edge.color, _CHARCOAL, _WHITE, _BLACK))))
    inner_low, inner_high = (x0 + 0.05, -y1 + 0.05, FLOOR_Z_M), (x1 - 0.05, y1 - 0.05, -thickness)
    if base == "body":
        builder.box(inner_low, inner_high, dark, sides=("+x", "-x", "+y", "-y"), foot=0.7)
    else:
        legs(builder, inner_low, inner_high, 0.07 if support.kind == "workbench" else 0.05, dark)


def _light(rng: np.random.Generator) -> LightSpec:
    """Daylight or lamp light: together a little below full white on a horizontal surface."""
    warmth = rng.uniform(-0.035, 0.05)
    tint = np.array([1.0 + 0.6 * warmth, 1.0, 1.0 - warmth])
    azimuth, slant = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.35, 0.75)
    direction = np.array([slant * np.cos(azimuth), slant * np.sin(azimuth), -1.0])
    direction /= np.linalg.norm(direction)
    level, share = rng.uniform(0.96, 1.05), rng.uniform(0.58, 0.69)
    ambient = tint[::-1] * level * share
    directional = tint * level * (1.0 - share) / -direction[2]
    return LightSpec(
        ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
        directional=(float(directional[0]), float(directional[1]), float(directional[2])),
        direction=(float(direction[0]), float(direction[1]), float(direction[2])),
    )
