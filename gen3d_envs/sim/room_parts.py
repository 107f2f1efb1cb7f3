"""Low-poly building blocks of rooms: textured panels and boxes, and furniture made of them.

Only :mod:`gen3d_envs.sim.room` uses this module. Lengths are m, in the scene frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gen3d_envs.assets.asset import Vector
from gen3d_envs.sim.textures import Color, texture
from gen3d_envs.sim.view import VisualMesh, VisualNode

Side = Literal["+x", "-x", "+y", "-y", "+z", "-z"]

# For each side of a box: the axis it faces, the axes its picture runs along (rightwards and upwards, seen from
# outside), and the sign of the first of them.
_FRAMES: dict[Side, tuple[int, int, int, float]] = {
    "+x": (0, 1, 2, 1.0), "-x": (0, 1, 2, -1.0), "+y": (1, 0, 2, -1.0), "-y": (1, 0, 2, 1.0),
    "+z": (2, 0, 1, 1.0), "-z": (2, 0, 1, -1.0),
}  # fmt: skip


@dataclass(frozen=True)
class Finish:
    """What a surface looks like.

    Attributes:
        color: sRGB.
        kind: texture of :mod:`gen3d_envs.sim.textures`, or None for the colour alone.
        tile_m: size of one tile of the texture; 0 stretches it once over each panel.
        seed, size: of the texture.
    """

    color: Color
    kind: str | None = None
    tile_m: float = 0.5
    seed: int = 0
    size: int = 128


class Builder:
    """Collects panels and turns them into one visual node for each texture."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], list[tuple[NDArray[Any], ...]]] = {}
        self._finishes: dict[tuple[object, ...], Finish] = {}

    def panel(
        self, side: Side, low: Vector, high: Vector, finish: Finish, cells: tuple[int, int] = (1, 1),
        shade: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """A flat rectangle that faces ``side``: the face of the box from ``low`` to ``high`` on that side.

        Args:
            side: where it faces.
            low: lowest corner of the box.
            high: highest corner of the box.
            finish: what it looks like.
            cells: number of pieces along its picture's width and height.
            shade: None, or an array of brightness factors for the grid of corners: (cells[1] + 1, cells[0] + 1), first
                row at the bottom.
        """
        axis, across, upward, sign = _FRAMES[side]
        columns, rows = cells
        grid = np.meshgrid(np.linspace(0.0, 1.0, columns + 1), np.linspace(0.0, 1.0, rows + 1))
        u, v = grid[0].ravel(), grid[1].ravel()
        points = np.empty((len(u), 3))
        points[:, axis] = high[axis] if side[0] == "+" else low[axis]
        along = u if sign > 0 else 1.0 - u
        points[:, across] = low[across] + along * (high[across] - low[across])
        points[:, upward] = low[upward] + v * (high[upward] - low[upward])
        if finish.tile_m > 0.0:
            uv = np.stack([sign * points[:, across], points[:, upward]], axis=1) / finish.tile_m
        else:
            uv = np.stack([u, v], axis=1)
        corner = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)[None, :]
        a, b, c, d = (part.ravel() for part in (corner, corner + 1, corner + columns + 2, corner + columns + 1))
        faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
        base = np.full(3, 255.0) if finish.kind else np.asarray(finish.color, np.float64)
        light = np.ones(len(u)) if shade is None else np.asarray(shade, np.float64).ravel()
        colors = np.clip(np.rint(base * light[:, None]), 0, 255)
        key = ("plain",) if finish.kind is None else (finish.kind, finish.color, finish.seed, finish.size)
        self._finishes.setdefault(key, finish)
        self._groups.setdefault(key, []).append((points, faces, colors, uv))

    def box(
        self, low: Vector, high: Vector, finish: Finish, front: tuple[Side, Finish] | None = None,
        sides: tuple[Side, ...] = ("+x", "-x", "+y", "-y", "+z"), foot: float = 1.0,
    ) -> None:  # fmt: skip
        """A box of some sides; ``foot`` darkens its lower edge, as if it stood on something."""
        for side in sides:
            chosen = front[1] if front is not None and side == front[0] else finish
            shade = None if side in ("+z", "-z") or foot == 1.0 else [[foot, foot], [1.0, 1.0]]
            self.panel(side, low, high, chosen, shade=shade)

    def mesh(self, points: ArrayLike, faces: ArrayLike, finish: Finish, shade: ArrayLike = 1.0) -> None:
        """A free shape in the finish's colour alone: (n, 3) m, (m, 3) indices, brightness () or (n,)."""
        vertices = np.asarray(points, np.float64)
        light = np.broadcast_to(np.asarray(shade, np.float64), len(vertices))
        colors = np.clip(np.rint(np.asarray(finish.color, np.float64) * light[:, None]), 0, 255)
        self._finishes.setdefault(("plain",), Finish(finish.color))
        part = (vertices, np.asarray(faces, np.int64).reshape(-1, 3), colors, np.zeros((len(vertices), 2)))
        self._groups.setdefault(("plain",), []).append(part)

    def nodes(self, prefix: str, segment: int) -> tuple[VisualNode, ...]:
        """What was collected, one node for each texture."""
        result = []
        for index, (key, parts) in enumerate(self._groups.items()):
            finish = self._finishes[key]
            starts = np.cumsum([0] + [len(part[0]) for part in parts])
            mesh = VisualMesh(
                vertices=np.concatenate([part[0] for part in parts]).astype(np.float32),
                faces=np.concatenate([part[1] + at for part, at in zip(parts, starts, strict=False)]).astype(np.int32),
                colors=np.concatenate([part[2] for part in parts]).astype(np.uint8),
                uv=np.concatenate([part[3] for part in parts]).astype(np.float32) if finish.kind else None,
                texture=texture(finish.kind, finish.color, finish.seed, finish.size) if finish.kind else None,
            )
            result.append(VisualNode(f"{prefix}_{index}", mesh, segment))
        return tuple(result)


def legs(builder: Builder, low: Vector, high: Vector, thickness_m: float, finish: Finish) -> None:
    """Four upright legs in the corners of a box."""
    x0, y0, z0 = low
    x1, y1, z1 = high
    for x in (x0, x1 - thickness_m):
        for y in (y0, y1 - thickness_m):
            builder.box(
                (x, y, z0), (x + thickness_m, y + thickness_m, z1), finish, sides=("+x", "-x", "+y", "-y"), foot=0.7
            )


def cupboard(
    builder: Builder, low: Vector, high: Vector, face: Side, body: Finish, front: Finish, width_m: float
) -> None:
    """A row of equal cupboards as wide as fits; ``front`` is stretched over each of them."""
    along = 1 if face in ("+x", "-x") else 0
    builder.box(low, high, body, sides=tuple(s for s in ("+x", "-x", "+y", "-y", "+z") if s != face), foot=0.7)
    count = max(1, round((high[along] - low[along]) / width_m))
    edges = np.linspace(low[along], high[along], count + 1)
    for start, end in pairwise(edges.tolist()):
        part_low, part_high = list(low), list(high)
        part_low[along], part_high[along] = start, end
        builder.panel(
            face, (part_low[0], part_low[1], part_low[2]), (part_high[0], part_high[1], part_high[2]), front,
            shade=[[0.75, 0.75], [1.0, 1.0]],
        )  # fmt: skip


def chair(builder: Builder, x: float, y: float, floor_z: float, back: Side, seat: Finish, frame: Finish) -> None:
    """A chair of 0.44 m centred at (x, y), its back on side ``back``."""
    half, height = 0.22, floor_z + 0.45
    builder.box((x - half, y - half, height - 0.04), (x + half, y + half, height), seat, foot=0.8)
    legs(builder, (x - half, y - half, floor_z), (x + half, y + half, height - 0.04), 0.035, frame)
    axis = 0 if back[1] == "x" else 1
    low, high = [x - half, y - half, height + 0.14], [x + half, y + half, height + 0.38]
    post_low, post_high = list(low), list(high)
    if back[0] == "+":
        low[axis] = post_low[axis] = high[axis] - 0.03
    else:
        high[axis] = post_high[axis] = low[axis] + 0.03
    builder.box((low[0], low[1], low[2]), (high[0], high[1], high[2]), seat, foot=0.85)
    across = 1 - axis
    for edge in (low[across] + 0.02, high[across] - 0.05):
        post_low[across], post_high[across] = edge, edge + 0.03
        front: tuple[Side, ...] = ("+x", "-x") if axis == 0 else ("+y", "-y")
        builder.box((post_low[0], post_low[1], height), (post_high[0], post_high[1], low[2]), frame, sides=front)


def sofa(builder: Builder, low: Vector, high: Vector, face: Side, cloth: Finish) -> None:
    """A sofa that fills a box and faces ``face`` (``"-x"`` or ``"-y"``): seat, back and two arms."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    seat = z0 + 0.55 * (z1 - z0)
    arm = z0 + 0.75 * (z1 - z0)
    if face == "-x":
        builder.box((x0, y0 + 0.15, z0), (x1 - 0.2, y1 - 0.15, seat), cloth, sides=("-x", "+z"), foot=0.6)
        builder.box((x1 - 0.2, y0, z0), (x1, y1, z1), cloth, foot=0.8)
        builder.box((x0, y0, z0), (x1 - 0.2, y0 + 0.15, arm), cloth, foot=0.6)
        builder.box((x0, y1 - 0.15, z0), (x1 - 0.2, y1, arm), cloth, foot=0.6)
    else:
        builder.box((x0 + 0.15, y0, z0), (x1 - 0.15, y1 - 0.2, seat), cloth, sides=("-y", "+z"), foot=0.6)
        builder.box((x0, y1 - 0.2, z0), (x1, y1, z1), cloth, foot=0.8)
        builder.box((x0, y0, z0), (x0 + 0.15, y1 - 0.2, arm), cloth, foot=0.6)
        builder.box((x1 - 0.15, y0, z0), (x1, y1 - 0.2, arm), cloth, foot=0.6)


def lathe(
    builder: Builder, x: float, y: float, profile: tuple[tuple[float, float], ...], finish: Finish, sides: int = 6,
    lid: bool = True,
) -> None:  # fmt: skip
    """A turned thing that stands at (x, y): ``profile`` is its (radius, height) from below; open below."""
    angles = 2.0 * np.pi * (np.arange(sides) + 0.5) / sides
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = [np.column_stack([r * ring + (x, y), np.full(sides, z)]) for r, z in profile]
    faces = []
    for level in range(len(profile) - 1):
        for side in range(sides):
            a, b = level * sides + side, level * sides + (side + 1) % sides
            faces += [(a, b, b + sides), (a, b + sides, a + sides)]
    # The lid has corners of its own, or its edge would be shaded round.
    top = len(profile) * sides
    faces += [(top, top + side, top + side + 1) for side in range(1, sides - 1 if lid else 1)]
    shade = np.concatenate([np.full(sides, 0.8), np.ones(len(profile) * sides)])
    builder.mesh(np.concatenate([*points, points[-1]]), faces, finish, shade)


def plant(
    builder: Builder, rng: np.random.Generator, x: float, y: float, z: float, height_m: float, pot: Finish, leaf: Finish
) -> None:
    """A pot with leaves that spread to half their height; its pot takes a third of the height."""
    pot_m = 0.33 * height_m
    lathe(builder, x, y, ((0.5 * pot_m, z), (0.62 * pot_m, z + pot_m)), pot)
    for index in range(7):
        angle = 2.0 * np.pi * index / 7.0 + rng.uniform(-0.3, 0.3)
        spread, rise = rng.uniform(0.25, 0.5) * height_m, rng.uniform(0.45, 0.67) * height_m
        out, across = np.array([np.cos(angle), np.sin(angle), 0.0]), np.array([-np.sin(angle), np.cos(angle), 0.0])
        foot = np.array([x, y, z + pot_m])
        middle = foot + 0.55 * spread * out + np.array([0.0, 0.0, 0.75 * rise])
        wide = 0.16 * height_m * across
        points = [foot, middle - wide, middle + wide, foot + spread * out + np.array([0.0, 0.0, rise])]
        shade = np.array([0.6, 0.95, 0.85, 1.0]) * rng.uniform(0.85, 1.1)
        # Both faces, each with corners of its own: a shared corner has no side to be lit from.
        builder.mesh(points, [(0, 1, 2), (1, 3, 2)], leaf, shade)
        builder.mesh(points, [(0, 2, 1), (1, 2, 3)], leaf, shade)
