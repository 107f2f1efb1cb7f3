"""Rooms: the support and everything around it that is seen but never touched.

A room is drawn from (style, seed) and (support kind, seed): walls, floor, furniture, table and light, all low-poly with
procedural textures, under 500 triangles.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gen3d_envs.assets.asset import Vector
from gen3d_envs.errors import SceneError
from gen3d_envs.sim.room_furniture import BLACK, CHARCOAL, FLOOR_Z_M, WALNUT, WHITE, Site, finish, pick, vary
from gen3d_envs.sim.room_parts import Builder, Finish, Side, legs
from gen3d_envs.sim.room_styles import INLAYS, ROOM_STYLES, SUPPORT_TOPS, Lamp, RoomStyle
from gen3d_envs.sim.view import LightSpec, VisualNode
from gen3d_envs.spec import BACK_M, BackgroundSpec, SupportSpec

SUPPORT_SEGMENT = 255
"""Segmentation value of the support, out of the way of robot and objects; the rest of the room is background, 0."""


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


STYLES: tuple[str, ...] = tuple(ROOM_STYLES)
"""Names of the rooms."""

SUPPORT_KINDS: tuple[str, ...] = tuple(SUPPORT_TOPS)
"""Names of the supports."""


@lru_cache(maxsize=64)
def build_room(background: BackgroundSpec, support: SupportSpec) -> Room:
    """The room of a scene. Equal specs give the same object.

    Raises:
        SceneError: an unknown style or kind of support.
    """
    if background.style not in ROOM_STYLES:
        raise SceneError("background.style", background.style, "is no known room", f"Use one of {', '.join(STYLES)}")
    if support.kind not in SUPPORT_TOPS:
        raise SceneError("support.kind", support.kind, "is no known support", f"Use one of {', '.join(SUPPORT_KINDS)}")
    style = ROOM_STYLES[background.style]
    rng = _rng("room", background.style, background.seed)
    table_x, table_y = support.depth_m - BACK_M, support.width_m / 2.0
    room = Builder()
    if style.wall_m is None:
        backed = bool(rng.random() < style.backed) and support.depth_m >= 0.8
        far_x = table_x + (0.02 if backed else float(rng.uniform(1.3, 1.9)))
    else:
        far_x = max(table_x, 0.5) + float(rng.uniform(*style.wall_m))
    site = Site(
        room, rng, far_x, table_y + float(rng.uniform(1.2, 1.7)), -table_y - float(rng.uniform(1.2, 1.7)),
        -BACK_M - float(rng.uniform(1.2, 1.6)), table_x, table_y,
    )  # fmt: skip
    _shell(site, style)
    style.furniture(site)
    table = Builder()
    _support(table, support, _rng("support", support.kind, support.seed))
    # What hides others comes first: the table, then furniture, and the floor at the end.
    nodes = table.nodes("support", SUPPORT_SEGMENT) + room.nodes("room", 0)[::-1]
    sky = tuple(float(channel) / 255.0 for channel in vary(rng, (232, 234, 236), 5.0))
    return Room(nodes, (_light(rng) if style.lamp is None else _lamp(rng, style.lamp)), (sky[0], sky[1], sky[2]))


def _rng(*key: object) -> np.random.Generator:
    # hashlib instead of hash(), which differs from process to process.
    digest = hashlib.sha256("/".join(str(part) for part in key).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _shell(site: Site, style: RoomStyle) -> None:
    """Floor, four walls and their skirting, darker in the corners and under the table."""
    builder, rng = site.builder, site.rng
    kind, color, tile_m = pick(rng, style.floors)
    floor = finish(rng, kind, color, tile_m)
    kind, tile_m = pick(rng, style.wall_kinds)
    wall = finish(rng, kind, pick(rng, style.walls), tile_m)
    low, high = (site.back_x, site.right_y, FLOOR_Z_M), (site.far_x, site.left_y, 1.9)
    columns, rows = 6, 6
    x = np.linspace(low[0], high[0], columns + 1)[None, :]
    y = np.linspace(low[1], high[1], rows + 1)[:, None]
    to_wall = np.minimum(np.minimum(x - low[0], high[0] - x), np.minimum(y - low[1], high[1] - y))
    outside = np.maximum(np.maximum(x - site.table_x, -BACK_M - x), np.abs(y) - site.table_y)
    shade = (0.8 + 0.2 * np.clip(to_wall / 0.6, 0.0, 1.0)) * (0.6 + 0.4 * np.clip(outside / 0.5 + 0.4, 0.0, 1.0))
    # Floor and walls reach a little beyond each other: panels that only touch leave pixels open between them.
    under, beyond = (low[0] - 0.05, low[1] - 0.05, FLOOR_Z_M), (high[0] + 0.05, high[1] + 0.05, FLOOR_Z_M)
    builder.panel("+z", under, beyond, floor, (columns, rows), shade)
    skirting = Finish(vary(rng, pick(rng, (WHITE, wall.color, WALNUT))))
    x0, y0, z0, x1, y1, z1 = *low, *high
    walls: tuple[tuple[Side, tuple[float, float], tuple[float, float]], ...] = (
        ("-x", (x1, y0), (x1, y1)), ("+x", (x0, y0), (x0, y1)), ("-y", (x0, y1), (x1, y1)), ("+y", (x0, y0), (x1, y0)),
    )  # fmt: skip
    for side, start, end in walls:
        # A wall right behind the table is seen at a slant, where large panels show wavy textures.
        cells = (4, 5) if side == "-x" and site.backed else (1, 2)
        fade = np.clip(0.78 + 0.35 * np.linspace(0.0, 1.0, cells[1] + 1), 0.0, 1.0)[:, None] * np.ones(cells[0] + 1)
        wide = (0.0, 0.05) if side[1] == "x" else (0.05, 0.0)
        foot = (start[0] - wide[0], start[1] - wide[1], z0 - 0.05)
        builder.panel(side, foot, (end[0] + wide[0], end[1] + wide[1], z1), wall, cells, fade)
        inward = -0.012 if side[0] == "-" else 0.012
        dx, dy = (inward, 0.0) if side[1] == "x" else (0.0, inward)
        builder.panel(side, (start[0] + dx, start[1] + dy, z0), (end[0] + dx, end[1] + dy, z0 + 0.09), skirting)


def _support(builder: Builder, support: SupportSpec, rng: np.random.Generator) -> None:
    """The table: a textured top at z = 0 and what it stands on."""
    tops, thickness, base = SUPPORT_TOPS[support.kind]
    kind, colors, tile_m = pick(rng, tops)
    top = finish(rng, kind, pick(rng, colors), tile_m, 256)
    x0, x1, y1 = -BACK_M, support.depth_m - BACK_M, support.width_m / 2.0
    low, high = (x0, -y1, -thickness), (x1, y1, 0.0)
    grid = np.linspace(-1.0, 1.0, 5)
    shade = 1.0 - 0.07 * np.clip(np.hypot(grid[None, :], grid[:, None]) - 0.35, 0.0, 1.0)
    if support.kind in INLAYS and min(support.depth_m, support.width_m) > 0.6:
        _inlaid(builder, low, high, top, finish(rng, *pick(rng, INLAYS[support.kind]), 0.3))
    else:
        builder.panel("+z", low, high, top, (4, 4), shade)
    red, green, blue = (int(0.8 * channel) for channel in top.color)
    edge = Finish((red, green, blue))
    builder.box(low, high, edge, sides=("+x", "-x", "+y", "-y", "-z"))
    dark = Finish(vary(rng, pick(rng, (edge.color, CHARCOAL, WHITE, BLACK))))
    inner_low, inner_high = (x0 + 0.05, -y1 + 0.05, FLOOR_Z_M), (x1 - 0.05, y1 - 0.05, -thickness)
    if base == "body":
        builder.box(inner_low, inner_high, dark, sides=("+x", "-x", "+y", "-y"), foot=0.7)
    else:
        legs(builder, inner_low, inner_high, 0.07 if support.kind == "workbench" else 0.05, dark)


def _inlaid(builder: Builder, low: Vector, high: Vector, frame: Finish, inlay: Finish) -> None:
    """A top with a panel let into it, flush with its frame: no two surfaces in one place."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    # Nine panels that share their corners: where a corner meets an edge, pixels would stay open between them.
    xs, ys = (x0, x0 + 0.11, x1 - 0.11, x1), (y0, y0 + 0.11, y1 - 0.11, y1)
    for row in range(3):
        for column in range(3):
            start, end = (xs[row], ys[column], z0), (xs[row + 1], ys[column + 1], z1)
            builder.panel("+z", start, end, inlay if row == column == 1 else frame)


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


def _lamp(rng: np.random.Generator, lamp: Lamp) -> LightSpec:
    """A style's own light. No surface gets more than full white: the renderer's channels would overflow."""
    warmth = rng.uniform(*lamp.warmth)
    tint = np.array([1.0 + 0.6 * warmth, 1.0, 1.0 - warmth])
    azimuth, slant = rng.uniform(*lamp.azimuth_rad), rng.uniform(*lamp.slant)
    direction = np.array([slant * np.cos(azimuth), slant * np.sin(azimuth), -1.0])
    direction /= np.linalg.norm(direction)
    share = rng.uniform(*lamp.ambient)
    ambient = share * (0.5 + 0.5 * tint)
    directional = tint * (1.0 - share)
    brightest = float((ambient + directional).max())
    ambient, directional = ambient / brightest, directional / brightest
    return LightSpec(
        ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
        directional=(float(directional[0]), float(directional[1]), float(directional[2])),
        direction=(float(direction[0]), float(direction[1]), float(direction[2])),
    )
