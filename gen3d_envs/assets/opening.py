"""What doors, drawers and lids are built from: cases that are open in front, panels, bar handles and hinges.

Everything is built to size, z up, facing -y. Meshes are closed one by one; neighbours overlap by a hair or keep one
apart, since faces that coincide would flicker and could not be told from a torn mesh.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from gen3d_envs.assets.asset import Box, Handle, PartJoint
from gen3d_envs.assets.build import Draft, Params, Rgb, darker
from gen3d_envs.assets.collision import block, chain
from gen3d_envs.assets.finish import mass_properties
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import Mesh, rounded_box, rounded_rectangle, stack, sweep

BAR_M = (0.0095, 0.0115)
"""Thickness of handle bars: thick enough for parallel fingers to close on, see ``build.MIN_GRIP_M``."""

BAR_ROOM_M = (0.023, 0.026)
"""Free depth behind a bar. Fingers are 11 mm (WidowX) and 14 mm (Panda) thick, and want some tolerance."""

STAY = 1.35
"""Friction of a hinge that holds its lid at any angle, over the largest torque of the lid's weight."""

GRAVITY_MPS2 = 9.81

Box2 = tuple[float, float, float, float]
"""A rectangle in the x-z plane: lowest x, highest x, lowest z, highest z."""


def open_case(width: float, depth: float, height: float, hole: Box2, back: float, inside: Rgb) -> Mesh:
    """A box on z = 0, centred in x and y, with a hole from the front.

    Args:
        width: outer size along x.
        depth: outer size along y.
        height: outer size along z.
        hole: the opening in the front.
        back: thickness of the rear wall.
        inside: colour of the inside.
    """
    x0, x1, z0, z1 = hole
    outer = rounded_rectangle(width / 2, height / 2, 0.003)
    inner = rounded_rectangle((x1 - x0) / 2, (z1 - z0) / 2, 0.001)
    inner = inner + np.array([(x0 + x1) / 2, (z0 + z1) / 2 - height / 2])
    body = stack([(outer, 0.0), (outer, depth), (inner, depth), (inner, back)])
    centers = body.centers
    hollow = (
        (np.abs(centers[:, 0] - (x0 + x1) / 2) < (x1 - x0) / 2 + 1e-6)
        & (np.abs(centers[:, 1] + height / 2 - (z0 + z1) / 2) < (z1 - z0) / 2 + 1e-6)
        & (centers[:, 2] > 0.5 * back)
        & (centers[:, 2] < depth - 1e-6)
    )
    # The back of the case, seen through the hole, is darker than its mouth.
    shade = np.ones(len(body.vertices))
    deep = (body.vertices[:, 2] > 0.5 * back) & (body.vertices[:, 2] < 1.5 * back)
    shade[deep] = 0.55
    return body.painted(inside, hollow).shaded(shade).turned("x", np.pi / 2).moved(0.0, depth / 2, height / 2)


def case_walls(width: float, depth: float, height: float, hole: Box2, back: float) -> list[Box]:
    """Collision of :func:`open_case`: five boxes."""
    x0, x1, z0, z1 = hole
    y = (-depth / 2, depth / 2)
    sides = (z0, z1)
    return [
        block((-width / 2, width / 2), y, (0.0, z0)),
        block((-width / 2, width / 2), y, (z1, height)),
        block((-width / 2, x0), y, sides),
        block((x1, width / 2), y, sides),
        block((x0, x1), (depth / 2 - back, depth / 2), sides),
    ]


def panel(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], radius: float = 0.0015) -> Mesh:
    """A board between two values on each axis, with round edges."""
    board = rounded_box(x[1] - x[0], y[1] - y[0], z[1] - z[0], radius, 2)
    return board.moved((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, z[0])


def plate(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Mesh:
    """A board with sharp edges: 12 triangles."""
    corners = np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
    return stack([(corners, z[0]), (corners, z[1])])


def framed_panel(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], frame: float, sunk: float
) -> Mesh:
    """A door leaf whose middle is sunk behind a frame, seen from -y."""
    half_x, half_z, thickness = (x[1] - x[0]) / 2, (z[1] - z[0]) / 2, y[1] - y[0]
    outer = rounded_rectangle(half_x, half_z, 0.002)
    inner = rounded_rectangle(half_x - frame, half_z - frame, 0.001)
    lower = rounded_rectangle(half_x - frame - 0.004, half_z - frame - 0.004, 0.001)
    leaf = stack([(outer, 0.0), (outer, thickness), (inner, thickness), (lower, thickness - sunk)])
    return leaf.turned("x", np.pi / 2).moved((x[0] + x[1]) / 2, y[1], (z[0] + z[1]) / 2)


def bar_handle(
    p: Params, draft: Draft, middle: tuple[float, float, float], along: Literal["x", "z"],
    out: Literal["-y", "z"], length: float, color: Rgb,
) -> Handle:  # fmt: skip
    """Add a bar on two posts to a draft, and say how it is held.

    Args:
        p: draws its thickness and room.
        draft: what it is added to.
        middle: where it is mounted: a point of the surface.
        along: direction of the bar.
        out: direction in which it stands off.
        length: of the bar.
        color: of the bar.
    """
    thick, room = p.uniform(*BAR_M), p.uniform(*BAR_ROOM_M)
    away, run = _unit(out), _unit(along)
    reach = room + thick / 2
    corner = min(0.010, 0.3 * length)
    foot = np.asarray(middle, dtype=np.float64)
    path = [foot - 0.001 * away - length / 2 * run]
    for sign in (-1.0, 1.0):
        center = foot + (reach - corner) * away + sign * (length / 2 - corner) * run
        angles = np.linspace(0.0, np.pi / 2, 4)
        arc = [center + corner * (np.sin(a) * away + np.cos(a) * sign * run) for a in angles]
        path += arc if sign < 0 else arc[::-1]
    path.append(foot - 0.001 * away + length / 2 * run)
    across = np.cross(away, run)
    side = (float(across[0]), float(across[1]), float(across[2]))
    draft.add(sweep(np.array(path), thick / 2, 8, side=side, round_ends=False), color, MATERIALS["aluminium"], 0.7)
    ends = [foot + reach * away + sign * length / 2 * run for sign in (-1.0, 1.0)]
    draft.collision.extend(chain(ends, [thick / 2, thick / 2], side=side, n=8))
    for sign in (-1.0, 1.0):
        root = foot + sign * (length / 2 - thick / 2) * run
        corners = np.array([root - thick / 2 * run, root + thick / 2 * run + reach * away])
        corners = np.sort(np.concatenate([corners - thick / 2 * across, corners + thick / 2 * across]), axis=0)
        low, high = corners[0], corners[-1]
        draft.collision.append(block((low[0], high[0]), (low[1], high[1]), (low[2], high[2])))
    x, y, z = (float(v) for v in foot + reach * away)
    closing = across if out == "-y" else _unit("-y")
    return Handle((x, y, z), _vector(-away), _vector(np.abs(closing)), thick, room)


def _unit(name: str) -> np.ndarray:
    axis = np.zeros(3)
    axis["xyz".index(name[-1])] = -1.0 if name[0] == "-" else 1.0
    return axis


def _vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(v) + 0.0 for v in values)
    return x, y, z


def slide(travel: float) -> PartJoint:
    """A drawer's runners, towards -y; wood on wood or plain steel, which do not run on by themselves."""
    return PartJoint("prismatic", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 0.0, travel, damping=6.0, friction=2.5)


def door_hinge(x: float, y: float, upper: float) -> PartJoint:
    """An upright hinge; a door whose hinge is at the left (-x) turns the other way than one at the right.

    Two newtons at the handle move it, and it stops where it is left: a door that swings freely is opened and shut by
    any arm that happens to strike it.
    """
    axis = (0.0, 0.0, 1.0 if x > 0 else -1.0)
    return PartJoint("revolute", (x, y, 0.0), axis, 0.0, upper, damping=0.05, friction=0.4)


def lid_hinge(y: float, z: float, upper: float, lid: Draft) -> PartJoint:
    """A level hinge at the back with enough friction to hold the lid at any angle."""
    mass, com, _ = mass_properties(lid.parts)
    torque = mass * GRAVITY_MPS2 * float(np.hypot(com[1] - y, com[2] - z))
    return PartJoint("revolute", (0.0, y, z), (-1.0, 0.0, 0.0), 0.0, upper, damping=0.02, friction=STAY * torque)


def fitting_color(p: Params) -> Rgb:
    """Colour of handles and hinges."""
    name = p.choice(("silver", "charcoal", "gold", "black") if sum(p.color) > 150 else ("silver", "gold", "white"))
    return p.paint(name)


def inside_color(p: Params) -> Rgb:
    """Colour of the inside of a case."""
    return darker(p.color, 0.72)


def solid(p: Params) -> float:
    """Share of a drawn wall that is solid: sheet metal is folded, and far thinner than it is drawn."""
    return 0.3 if p.material.name == "painted_metal" else 1.0
