"""The furniture of the seven places of work: desk, kitchen counter, workshop, dining table, lab, office and store.

The front camera looks down at the support and sees what is low and close behind its far edge; films and reports see the
left wall and the wall behind the robot. So each place shows what it is in both. High things at the far edge are fronts
alone, which are not drawn from behind: they would stand between the films' camera and the objects. Only
:mod:`gen3d_envs.sim.room_styles` uses this module. Lengths are m, in the scene frame.
"""

from __future__ import annotations

from gen3d_envs.sim.room_furniture import (
    ASH,
    BIRCH,
    BLACK,
    BRICK,
    CHARCOAL,
    CHERRY,
    CREAM,
    EBONY,
    FLOOR_Z_M,
    FOREST,
    GREIGE,
    LIGHT_STEEL,
    MIST,
    MUSTARD,
    NAVY,
    OAK,
    PINE,
    SAGE,
    SAND,
    STEEL,
    STONE,
    WALNUT,
    WHITE,
    Site,
    finish,
    pick,
    rug,
    vary,
)  # fmt: skip
from gen3d_envs.sim.room_parts import Finish, chair, cupboard, lathe, legs, plant
from gen3d_envs.sim.textures import Color

RED, BLUE, GREEN = (178, 62, 54), (58, 100, 156), (80, 128, 92)
LEAF: tuple[Color, ...] = ((84, 128, 70), (62, 108, 72), (112, 142, 78))


def study(site: Site) -> None:
    """A ledge with books and a lamp behind the desk; a bookcase, a picture and a window."""
    builder, rng = site.builder, site.rng
    x, wood = site.edge_x, Finish(vary(rng, pick(rng, (WALNUT, OAK, CHERRY, EBONY))))
    _ledge(site, 0.0, wood)
    y = rng.uniform(-0.3, -0.16)
    for _ in range(4):
        books = finish(rng, "spines", pick(rng, (BRICK, NAVY, FOREST, SAND)), 0.0)
        width, height = rng.uniform(0.14, 0.22), rng.uniform(0.17, 0.23)
        depth = x + rng.uniform(0.01, 0.03)
        builder.panel("-x", (depth, y, 0.0), (depth, y + width, height), books, shade=[[0.85, 0.85], [1.0, 1.0]])
        y += width + float(pick(rng, (0.004, 0.004, 0.03)))
    shade = Finish(vary(rng, pick(rng, (FOREST, MUSTARD, BRICK, CREAM))))
    lathe(builder, x + 0.1, y + 0.12, ((0.065, 0.0), (0.06, 0.015), (0.008, 0.03), (0.008, 0.2)), Finish(BLACK))
    lathe(builder, x + 0.1, y + 0.12, ((0.11, 0.17), (0.06, 0.28)), shade)
    case = finish(rng, "books", pick(rng, (OAK, WALNUT, EBONY)), 0.0)
    for start in (-0.6, 0.32):
        low, high = (start, site.left_y - 0.3, FLOOR_Z_M), (start + 0.9, site.left_y, 1.1)
        builder.box(low, high, Finish(case.color), sides=("-x", "+x", "+z"), foot=0.75)
        builder.panel("-y", low, high, case, (2, 3))
    _hang(site, "+x", "window" if rng.random() < 0.5 else "poster", WHITE, 0.0, 0.9, 0.2, 1.2)


def kitchen(site: Site) -> None:
    """A tiled splash-back with a board for jars; cupboards below and above along the left wall, and a window."""
    builder, rng = site.builder, site.rng
    x, high = site.edge_x, 0.02
    _ledge(site, high, Finish(vary(rng, pick(rng, (OAK, WALNUT, WHITE, LIGHT_STEEL)))))
    kind = pick(rng, ("metro", "metro", "tiles"))
    tiles = finish(rng, kind, pick(rng, (WHITE, CREAM, SAGE, MIST, (96, 132, 142))), 0.4 if kind == "metro" else 0.3)
    wall = site.far_x - 0.006
    builder.panel("-x", (wall, -site.table_y, high), (wall, site.table_y, 0.6), tiles, (4, 3))
    jar, lid = (
        Finish(vary(rng, pick(rng, (WHITE, CREAM, SAGE, BRICK, NAVY)))),
        Finish(vary(rng, pick(rng, (OAK, STEEL)))),
    )
    y = rng.uniform(-0.06, 0.02)
    for index in range(3):
        radius, top = 0.042 - 0.004 * index, high + 0.095 - 0.018 * index
        lathe(builder, x + 0.055, y + radius, ((radius, high), (radius, top)), jar, 8, lid=False)
        lathe(builder, x + 0.055, y + radius, ((radius + 0.002, top), (radius + 0.002, top + 0.016)), lid, 8)
        y += 2.0 * radius + 0.02
    y += rng.uniform(0.02, 0.1)
    plant(builder, rng, x + 0.085, y + 0.06, high, 0.16, Finish(vary(rng, BRICK)), Finish(vary(rng, pick(rng, LEAF))))
    color = pick(rng, (WHITE, SAGE, NAVY, OAK, CREAM, MIST))
    front = finish(rng, "fronts", color, 0.0)
    body, y = Finish(front.color), site.left_y
    cupboard(builder, (site.back_x + 0.2, y - 0.6, FLOOR_Z_M), (site.far_x, y, 0.1), "-y", body, front, 0.7)
    builder.box((site.back_x + 0.2, y - 0.63, 0.1), (site.far_x, y, 0.14), Finish(vary(rng, CHARCOAL)))
    cupboard(builder, (site.back_x + 0.2, y - 0.35, 0.62), (-0.25, y, 1.3), "-y", body, front, 0.7)
    _hang(site, "+x", "window", WHITE, -0.3, 0.7, 0.1, 1.1)


def workshop(site: Site) -> None:
    """A board with hanging tools behind a tray with a tool box; cabinets, crates and a second board."""
    builder, rng = site.builder, site.rng
    x, tray = site.edge_x, Finish(vary(rng, pick(rng, (PINE, ASH, STEEL))))
    _ledge(site, 0.0, tray)
    board = finish(rng, "tools", pick(rng, (SAND, WHITE, PINE, (170, 186, 200))), 0.36, 256)
    wall = site.far_x - 0.006
    builder.panel("-x", (wall, -site.table_y, 0.0), (wall, site.table_y, 1.08), board, (4, 3))
    paint = Finish(vary(rng, pick(rng, (RED, BLUE, GREEN, MUSTARD))))
    y = rng.uniform(0.12, 0.3)
    builder.box((x + 0.005, y, 0.0), (x + 0.065, y + 0.3, 0.06), paint, foot=0.8)
    builder.box((x + 0.002, y - 0.004, 0.06), (x + 0.068, y + 0.304, 0.075), Finish(vary(rng, CHARCOAL)))
    front = finish(rng, "drawers", pick(rng, (RED, BLUE, CHARCOAL, GREEN)), 0.0)
    y = site.left_y
    cupboard(builder, (-1.0, y - 0.5, FLOOR_Z_M), (site.far_x, y, 0.1), "-y", Finish(front.color), front, 0.7)
    builder.panel("-y", (-1.0, y - 0.015, 0.3), (site.far_x, y - 0.015, 1.1), board)
    crate = finish(rng, "boards", PINE, 0.5)
    for index in range(2):
        size, at = rng.uniform(0.4, 0.5), site.right_y + 1.2 + 0.9 * index + rng.uniform(-0.1, 0.1)
        low = (site.back_x, at, FLOOR_Z_M)
        builder.box(low, (site.back_x + size, at + size, FLOOR_Z_M + size), crate, foot=0.7)


def dining(site: Site) -> None:
    """Chairs at the far side, a rug, windows down to the floor, a sideboard with a plant and a picture."""
    builder, rng = site.builder, site.rng
    wood = pick(rng, (WALNUT, OAK, CHERRY, BIRCH))
    seat, frame = Finish(vary(rng, pick(rng, (CREAM, NAVY, FOREST, BRICK, MUSTARD)))), Finish(vary(rng, wood))
    turn = rng.uniform(-0.03, 0.03)
    rug(site)
    chair(builder, site.edge_x + 0.4 + rng.uniform(0.0, 0.08), 0.06 + turn, FLOOR_Z_M, "+x", seat, frame)
    chair(builder, site.edge_x + 0.4 + rng.uniform(0.0, 0.08), 0.64 + turn, FLOOR_Z_M, "+x", seat, frame)
    glass = finish(rng, "window", WHITE, 0.0)
    x = site.far_x - 0.015
    for y in (-0.7, 0.55):
        builder.panel("-x", (x, y, FLOOR_Z_M + 0.02), (x, y + 1.1, 1.3), glass)
    front = finish(rng, "fronts", wood, 0.0)
    y, top = site.left_y, rng.uniform(0.0, 0.1)
    cupboard(builder, (-0.9, y - 0.42, FLOOR_Z_M), (0.9, y, top), "-y", Finish(front.color), front, 0.75)
    pot = Finish(vary(rng, pick(rng, (WHITE, BRICK, NAVY))))
    plant(builder, rng, rng.uniform(-0.5, 0.3), y - 0.21, top, 0.45, pot, Finish(vary(rng, pick(rng, LEAF))))
    _hang(site, "+x", "poster", CREAM, -0.2, 0.7, 0.25, 1.05)
    x, y = site.back_x + 0.5, 1.0
    chair(builder, x, y, FLOOR_Z_M, "-x", seat, frame)


def lab(site: Site) -> None:
    """Glassware on a shelf behind the bench, more of it in racks, and benches along the left wall."""
    builder, rng = site.builder, site.rng
    x, high = site.edge_x, 0.015
    _ledge(site, high, Finish(vary(rng, pick(rng, (LIGHT_STEEL, STEEL, STONE)))))
    back = finish(rng, "metro" if rng.random() < 0.4 else "plaster", pick(rng, (WHITE, MIST, (160, 198, 200))), 0.6)
    wall = site.far_x - 0.006
    builder.panel("-x", (wall, -site.table_y, high), (wall, site.table_y, 0.7), back, (4, 3))
    glass, y = Finish(vary(rng, (196, 218, 224), 5.0)), rng.uniform(-0.14, -0.09)
    for index in range(6):
        liquid = Finish(
            vary(rng, pick(rng, ((54, 132, 190), (206, 98, 60), (96, 168, 96), (214, 184, 70), (150, 84, 158))))
        )
        depth = x + rng.uniform(0.06, 0.08)
        if (index + int(rng.integers(2))) % 2:  # a beaker or bottle
            radius, tall = rng.uniform(0.03, 0.042), rng.uniform(0.06, 0.09)
            lathe(builder, depth, y + radius, ((radius, high), (radius, high + 0.6 * tall)), liquid, lid=False)
            lathe(builder, depth, y + radius, ((radius, high + 0.6 * tall), (radius, high + tall)), glass)
        else:  # a flask with a conical body
            radius, tall = rng.uniform(0.042, 0.055), rng.uniform(0.11, 0.14)
            level = radius - 0.45 * (radius - 0.013) / 0.75
            lathe(builder, depth, y + radius, ((radius, high), (level, high + 0.45 * tall)), liquid, lid=False)
            neck = ((level, high + 0.45 * tall), (0.013, high + 0.75 * tall), (0.015, high + tall))
            lathe(builder, depth, y + radius, neck, glass)
        y += 2.0 * radius + rng.uniform(0.015, 0.05)
    front = finish(rng, "fronts", pick(rng, (WHITE, LIGHT_STEEL, MIST, BLUE)), 0.0)
    left = site.left_y
    cupboard(builder, (-1.1, left - 0.6, FLOOR_Z_M), (site.far_x, left, 0.1), "-y", Finish(front.color), front, 0.8)
    builder.box((-1.1, left - 0.63, 0.1), (site.far_x, left, 0.14), Finish(vary(rng, CHARCOAL)))
    rack = finish(rng, "glassware", WHITE, 0.0)
    for start in (-1.1, -0.15):
        builder.panel("-y", (start, left - 0.02, 0.3), (start + 0.9, left - 0.02, 1.1), rack)
    _hang(site, "+x", "board", WHITE, -0.5, 1.1, 0.2, 1.1)


def office(site: Site) -> None:
    """A desk opposite with a monitor and plants, a bookcase behind, windows and a cabinet."""
    builder, rng = site.builder, site.rng
    x, top = site.edge_x, -0.004
    plate = Finish(vary(rng, pick(rng, (WHITE, LIGHT_STEEL, BIRCH, GREIGE))))
    low, high = (x, -0.45, top - 0.03), (x + 0.65, 1.05, top)
    builder.box(low, high, plate, sides=("+x", "-x", "+y", "-y", "+z"))
    legs(builder, (x + 0.02, -0.43, FLOOR_Z_M), (x + 0.63, 1.03, top - 0.03), 0.04, Finish(vary(rng, STEEL)))
    picture = finish(rng, "screen", pick(rng, (BLUE, GREEN, NAVY, (120, 90, 150))), 0.0, 256)
    y, dark = rng.uniform(0.0, 0.06), Finish(BLACK)
    builder.box((x + 0.04, y + 0.14, top), (x + 0.16, y + 0.32, top + 0.02), dark)
    builder.panel("-x", (x + 0.035, y, 0.016), (x + 0.035, y + 0.44, 0.26), picture)
    pot, leaf = Finish(vary(rng, pick(rng, (WHITE, BRICK, MUSTARD)))), Finish(vary(rng, pick(rng, LEAF)))
    plant(builder, rng, x + 0.07, y - 0.09, top, rng.uniform(0.13, 0.16), pot, leaf)
    plant(builder, rng, x + 0.1, y + 0.58 + rng.uniform(0.0, 0.06), top, rng.uniform(0.17, 0.21), pot, leaf)
    books = finish(rng, "books", pick(rng, (OAK, WALNUT, WHITE)), 0.0)
    shelf, start = Finish(books.color), rng.uniform(0.3, 0.7)
    for y in (start, start + 0.95):
        builder.box((site.far_x - 0.3, y, FLOOR_Z_M), (site.far_x, y + 0.9, 1.1), shelf, ("-x", books), foot=0.75)
    cloth = Finish(vary(rng, pick(rng, (NAVY, CHARCOAL, FOREST, BRICK))))
    chair(builder, x + 0.75, rng.uniform(0.3, 0.6), FLOOR_Z_M, "+x", cloth, dark)
    front = finish(rng, "drawers", pick(rng, (STEEL, WHITE, CHARCOAL)), 0.0)
    left = site.left_y
    cupboard(builder, (-0.2, left - 0.45, FLOOR_Z_M), (0.75, left, 0.05), "-y", Finish(front.color), front, 0.48)
    plant(builder, rng, -0.75, left - 0.4, FLOOR_Z_M, 1.2, pot, leaf)
    _hang(site, "-y", "window", WHITE, -0.2, 0.8, 0.3, 1.2)
    _hang(site, "+x", "board", WHITE, -0.5, 1.0, 0.2, 1.1)


def store(site: Site) -> None:
    """Rows of packages behind a price rail, and aisles of shelves along the walls."""
    builder, rng = site.builder, site.rng
    x, high = site.edge_x, 0.035
    rail = finish(rng, "tags", pick(rng, (RED, BLUE, GREEN, CHARCOAL)), 0.3)
    y0, y1 = -site.table_y, site.table_y
    _ledge(site, high, Finish(vary(rng, pick(rng, (WHITE, LIGHT_STEEL, GREIGE)))))
    # Labels run along the rail: one picture for every 0.3 m, as high as the rail.
    for index in range(max(1, round((y1 - y0) / 0.3))):
        start = y0 + 0.3 * index
        low, end = (x - 0.003, start, -0.012), (x - 0.003, min(start + 0.3, y1), high + 0.006)
        builder.panel("-x", low, end, Finish(rail.color, rail.kind, 0.0, rail.seed, rail.size))
    y = -0.3 + rng.uniform(-0.06, 0.06)
    for _ in range(5):
        fronts = finish(rng, "packages", pick(rng, (WHITE, CREAM, MIST)), 0.0)
        width, tall, depth = rng.uniform(0.2, 0.3), rng.uniform(0.13, 0.24), x + rng.uniform(0.015, 0.03)
        low, end = (depth, y, high), (depth, y + width, high + tall)
        builder.panel("-x", low, end, fronts, shade=[[0.8, 0.8], [1.0, 1.0]])
        y += width + rng.uniform(0.003, 0.012)
    goods = finish(rng, "goods", pick(rng, (WHITE, LIGHT_STEEL, STONE, ASH)), 0.0, 256)
    left, body = site.left_y - 0.4, Finish(goods.color)
    for start in (-1.5, -0.45, 0.6):
        if start + 1.0 < site.far_x or start < 0.0:
            low, end = (max(start, site.back_x + 0.1), left, FLOOR_Z_M), (start + 1.0, site.left_y, 1.15)
            builder.box(low, end, body, sides=("-x", "+x", "+z"))
            builder.panel("-y", low, end, goods, (3, 3))  # In pieces: seen at a slant, large pictures bend.
    for start in (-0.9, 0.15):
        low, end = (site.back_x, start, FLOOR_Z_M), (site.back_x + 0.35, start + 1.0, 1.15)
        builder.box(low, end, body, sides=("+y", "-y", "+z"))
        builder.panel("+x", low, end, goods, (3, 3))


def _ledge(site: Site, height_m: float, surface: Finish) -> None:
    """What continues the support behind its far edge, up to the wall, ``height_m`` above it."""
    low, high = (site.edge_x, -site.table_y, FLOOR_Z_M), (site.far_x, site.table_y, height_m)
    site.builder.box(low, high, surface, sides=("-x", "+y", "-y", "+z"), foot=0.7)


def _hang(site: Site, side: str, kind: str, color: Color, start: float, width: float, low: float, high: float) -> None:
    """A picture on the left wall (``"-y"``, ``start`` along x) or on the wall behind the robot (``"+x"``, along y)."""
    surface = finish(site.rng, kind, color, 0.0)
    if side == "-y":
        y = site.left_y - 0.015
        site.builder.panel("-y", (start, y, low), (start + width, y, high), surface)
    else:
        x = site.back_x + 0.015
        site.builder.panel("+x", (x, start, low), (x, start + width, high), surface)
