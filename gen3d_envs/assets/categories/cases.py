"""Cases that stand on the table and open in front: drawer unit, cabinet and microwave oven."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Cavity, Surface
from gen3d_envs.assets.build import Draft, Moving, Params, builder, darker, mix
from gen3d_envs.assets.collision import block, rings_hull
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.opening import (
    bar_handle,
    case_walls,
    door_hinge,
    fitting_color,
    framed_panel,
    inside_color,
    open_case,
    panel,
    plate,
    slide,
    solid,
)
from gen3d_envs.assets.shapes import lathe, rounded_rectangle, stack

GAP_M = 0.0015
"""Between what moves and what does not."""

DRAWER_NAMES = (("drawer",), ("bottom_drawer", "top_drawer"), ("bottom_drawer", "middle_drawer", "top_drawer"))
"""From the bottom up, by number of drawers."""

MOST_ROOM_M = 0.145
"""Height of all drawers together: a hand that waits 19 cm above the table must not touch the case."""

DOOR_RAD = 1.9
"""How far doors open: 109 degrees."""


def _drawers(p: Params) -> tuple[float, float, float, tuple[str, ...]]:
    """Width, depth and the height of a drawer, m, and the drawers' names from the bottom up: the first draws."""
    width, depth, room = p.length("width_m"), p.length("depth_m"), p.length("drawer_m")
    return width, depth, room, DRAWER_NAMES[int(p.rng.integers(3))]


def drawer_names(p: Params) -> tuple[str, ...]:
    """Names of the drawers that :func:`drawer_unit` gives a unit, from the bottom up."""
    return _drawers(p)[3]


@builder("drawer_unit")
def drawer_unit(p: Params) -> Draft:
    """A desk organiser of one to three drawers, each with a bar to pull."""
    width, depth, room, names = _drawers(p)
    count = len(names)
    wall = 0.009 if p.material.name == "wood" else 0.006
    shelf = 0.005
    room = min(room, MOST_ROOM_M / count)
    height = 2 * wall + count * room + (count - 1) * shelf
    front = p.color if p.uniform(0, 1) < 0.45 else mix(p.color, p.paint("white"), p.uniform(0.35, 0.75))
    metal = fitting_color(p)
    draft = Draft(anchored=True)
    hole = (-width / 2 + wall, width / 2 - wall, wall, height - wall)
    draft.add(open_case(width, depth, height, hole, wall, inside_color(p)), p.color, p.material, solid(p))
    draft.collision.extend(case_walls(width, depth, height, hole, wall))
    draft.surface = Surface(height, 0.94 * width / 2, 0.94 * depth / 2)
    for k in range(count):
        low = wall + k * (room + shelf)
        if k:
            board = ((hole[0] - 0.001, hole[1] + 0.001), (-depth / 2 + 0.001, depth / 2 - 0.001), (low - shelf, low))
            draft.add(plate(*board), inside_color(p), p.material, solid(p))
            draft.collision.append(block(*board))
        body = _drawer(p, (hole[0] + GAP_M, hole[1] - GAP_M), depth, wall, (low + GAP_M, low + room - GAP_M), front)
        middle = (0.0, -depth / 2 - 0.002, low + 0.5 * room)
        handle = bar_handle(p, body, middle, "x", "-y", min(0.45 * width, 0.095), metal)
        draft.moving.append(Moving(names[k], body, slide(0.68 * depth), handle))
    draft.moving.reverse()  # top drawer first
    return draft


def _drawer(
    p: Params, x: tuple[float, float], depth: float, back: float, z: tuple[float, float],
    color: tuple[float, float, float],
) -> Draft:  # fmt: skip
    """A drawer with its front; it opens towards -y."""
    wall, floor, leaf = 0.004, 0.004, 0.010
    front = -depth / 2 - 0.002
    y = (front + leaf - 0.001, depth / 2 - back - 0.004)
    inset = 0.002
    sides = (x[0] + inset, x[1] - inset)
    rim = z[0] + 0.78 * (z[1] - z[0])
    half = ((sides[1] - sides[0]) / 2, (y[1] - y[0]) / 2)
    outer, inner = (rounded_rectangle(half[0] - d, half[1] - d, 0.0015) for d in (0.0, wall))
    middle = (0.0, (y[0] + y[1]) / 2)
    low = z[0] + 0.001
    box = stack([(outer, low), (outer, rim), (inner, rim), (inner, low + floor)]).moved(*middle)
    draft = Draft()
    pale = mix(p.color, (225, 205, 175), 0.7) if p.material.name == "wood" else darker(p.color, 0.9)
    draft.add(box, pale, p.material, solid(p))
    draft.add(panel(x, (front, front + leaf), z), color, p.material, solid(p))
    draft.collision.append(block(x, (front, front + leaf), z))
    draft.collision.append(block(sides, y, (low, low + floor)))
    walls = (low + floor, rim)
    draft.collision.append(block((sides[0], sides[0] + wall), y, walls))
    draft.collision.append(block((sides[1] - wall, sides[1]), y, walls))
    draft.collision.append(block((sides[0] + wall, sides[1] - wall), (y[1] - wall, y[1]), walls))
    draft.cavity = Cavity(low + floor, rim, half[0] - wall, half[1] - wall, False, middle)
    return draft


@builder("cabinet")
def cabinet(p: Params) -> Draft:
    """A small wall cabinet that stands on the table: a door over two compartments."""
    width, depth, height = p.length("width_m"), p.length("depth_m"), p.length("height_m")
    wall, leaf = 0.009 if p.material.name == "wood" else 0.006, 0.011
    draft = Draft(anchored=True)
    hole = (-width / 2 + wall, width / 2 - wall, wall, height - wall)
    draft.add(open_case(width, depth, height, hole, wall, inside_color(p)), p.color, p.material, solid(p))
    draft.collision.extend(case_walls(width, depth, height, hole, wall))
    middle = p.uniform(0.45, 0.55) * height
    shelf = (
        (hole[0] - 0.001, hole[1] + 0.001),
        (-depth / 2 + 0.012, depth / 2 - 0.001),
        (middle - 0.003, middle + 0.003),
    )
    draft.add(plate(*shelf), inside_color(p), p.material, solid(p))
    draft.collision.append(block(*shelf))
    draft.surface = Surface(height, 0.94 * width / 2, 0.94 * depth / 2)
    side = 1.0 if p.uniform(0, 1) < 0.5 else -1.0
    x, z = (-width / 2 + 0.001, width / 2 - 0.001), (0.003, height - 0.002)
    y = (-depth / 2 - GAP_M - leaf, -depth / 2 - GAP_M)
    body = Draft()
    color = p.color if p.uniform(0, 1) < 0.5 else mix(p.color, p.paint("white"), p.uniform(0.3, 0.7))
    style = p.uniform(0, 1)
    leaf_mesh = framed_panel(x, y, z, 0.030, 0.0035) if style < 0.6 else panel(x, y, z, 0.002)
    body.add(leaf_mesh, color, p.material, solid(p))
    body.collision.append(block(x, y, z))
    at = (-side * (width / 2 - 0.016), y[0], p.uniform(0.46, 0.58) * height)
    handle = bar_handle(p, body, at, "z", "-y", p.uniform(0.070, 0.085), fitting_color(p))
    draft.moving.append(Moving("door", body, door_hinge(side * width / 2, y[1], DOOR_RAD), handle))
    return draft


@builder("microwave")
def microwave(p: Params) -> Draft:
    """A compact microwave oven: a door with a dark window, a turntable, and a panel with display and keys."""
    width, depth, height = p.length("width_m"), p.length("depth_m"), p.length("height_m")
    wall, leaf, foot = 0.008, 0.013, 0.004
    door = 0.72 * width
    left, right = -width / 2, -width / 2 + door
    draft = Draft(anchored=True)
    body = open_case(width, depth, height - foot, (left + wall, right - wall, wall, height - foot - wall), wall,
                     (206, 208, 210))  # fmt: skip
    draft.add(body.moved(0.0, 0.0, foot), p.color, p.material, 0.55 * solid(p) ** 0.5)
    draft.collision.extend(
        case_walls(width, depth, height, (left + wall, right - wall, foot + wall, height - wall), wall)
    )
    for across in (left + 0.025, width / 2 - 0.025):
        for along in (-depth / 2 + 0.02, depth / 2 - 0.02):
            stud = lathe([(0.0, 0.0), (0.008, 0.0), (0.009, foot + 0.001), (0.0, foot + 0.001)], 10)
            draft.add(stud.moved(across, along), (40, 40, 42), MATERIALS["rubber"])
    reach = 0.42 * min(door, depth)
    table = foot + wall
    turn = lathe([(0.0, table - 0.001), (0.5 * reach, table - 0.001), (0.5 * reach, table + 0.004),
                  (reach, table + 0.004), (reach, table + 0.007), (0.0, table + 0.006)], 20)  # fmt: skip
    middle = (left + right) / 2
    draft.add(turn.moved(middle, 0.0), (186, 196, 200), MATERIALS["ceramic"])
    draft.collision.append(rings_hull([(reach, table), (reach, table + 0.006)], 10, (middle, 0.0)))
    draft.surface = Surface(height, 0.92 * width / 2, 0.92 * depth / 2)
    _keys(p, draft, (right + 0.004, width / 2 - 0.006), -depth / 2, (foot + 0.012, height - 0.012))

    dark = sum(p.color) < 330
    z = (foot + 0.001, height - 0.001)
    y = (-depth / 2 - 0.001 - leaf, -depth / 2 - 0.001)
    swing = Draft()
    swing.add(panel((left + 0.001, right), y, z, 0.003), p.color, p.material, solid(p))
    swing.collision.append(block((left + 0.001, right), y, z))
    grip = 0.036  # strip that carries the handle
    x = (left + 0.018, right - grip)
    high = (z[0] + 0.020, z[1] - 0.020)
    rim = (86, 88, 92) if dark else (28, 29, 32)
    swing.add(plate(x, (y[0] - 0.0008, y[0] + 0.001), high), rim, MATERIALS["plastic"])
    pane = ((x[0] + 0.008, x[1] - 0.008), (y[0] - 0.0016, y[0]), (high[0] + 0.008, high[1] - 0.008))
    glass = plate(*pane)
    swing.add(glass.shaded(1.0 + 1.1 * (glass.vertices[:, 2] > high[0] + 0.02)), (24, 27, 33), MATERIALS["ceramic"])
    _gleam(swing, pane[0], pane[1][0], pane[2])
    tray = ((left + wall + 0.004, right - wall - 0.004), (y[1] - 0.001, y[1] + 0.0007), (z[0] + 0.012, z[1] - 0.012))
    swing.add(plate(*tray), (150, 153, 156), MATERIALS["plastic"], 0.5)
    swing.add(plate(x, (y[1] - 0.0005, y[1] + 0.0012), high), (40, 42, 46), MATERIALS["plastic"], 0.5)
    at = (right - 0.5 * grip + 0.004, y[0], (z[0] + z[1]) / 2)
    handle = bar_handle(p, swing, at, "z", "-y", 0.62 * (z[1] - z[0]), p.paint("silver" if dark else "charcoal"))
    draft.moving.append(Moving("door", swing, door_hinge(left, y[1], DOOR_RAD), handle))
    return draft


def _gleam(draft: Draft, x: tuple[float, float], front: float, z: tuple[float, float]) -> None:
    """Two slanting stripes of reflected light, by which one sees that a pane is glass."""
    lean = 0.35 * (z[1] - z[0])
    for start, wide in ((0.18, 0.10), (0.34, 0.035)):
        a = x[0] + start * (x[1] - x[0])
        b = a + wide * (x[1] - x[0])
        corners = np.array([(a, z[0]), (b, z[0]), (b + lean, z[1]), (a + lean, z[1])])
        stripe = stack([(corners, 0.0), (corners, 0.0009)]).turned("x", np.pi / 2).moved(0.0, front + 0.0004)
        draft.add(stripe, (66, 72, 82), MATERIALS["ceramic"])


def _keys(p: Params, draft: Draft, x: tuple[float, float], front: float, z: tuple[float, float]) -> None:
    """A control panel: display on top, rows of keys below, start and stop at the bottom."""
    dark = sum(p.color) < 330
    y = (front - 0.0012, front + 0.001)
    wide, high = x[1] - x[0], z[1] - z[0]
    screen = (z[1] - 0.20 * high, z[1] - 0.04 * high)
    draft.add(plate((x[0] + 0.08 * wide, x[1] - 0.08 * wide), y, screen), (18, 22, 24), MATERIALS["plastic"])
    lit = (np.array([0.30, 0.44, 0.60, 0.74]) * wide) + x[0]
    for digit in lit:
        bar = ((digit - 0.035 * wide, digit + 0.035 * wide), (y[0] - 0.0005, y[0] + 0.0005))
        draft.add(
            plate(*bar, (screen[0] + 0.025 * high, screen[1] - 0.025 * high)), (96, 226, 190), MATERIALS["plastic"]
        )
    key = (96, 98, 102) if dark else (150, 153, 158)
    rows, columns = 4, 3
    top = z[1] - 0.28 * high
    step = (wide / columns, 0.115 * high)
    for row in range(rows):
        for column in range(columns):
            a, b = x[0] + (column + 0.16) * step[0], x[0] + (column + 0.84) * step[0]
            c = top - (row + 1) * step[1]
            draft.add(plate((a, b), y, (c, c + 0.62 * step[1])), key, MATERIALS["plastic"])
    for k, color in enumerate(((196, 58, 50), (64, 160, 84))):
        a = x[0] + (0.08 + 0.46 * k) * wide
        draft.add(plate((a, a + 0.38 * wide), y, (z[0] + 0.04 * high, z[0] + 0.15 * high)), color, MATERIALS["plastic"])
