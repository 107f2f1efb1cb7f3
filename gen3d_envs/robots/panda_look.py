"""What the links of the Franka Panda look like: white shells, dark-grey seams and covers, a light-grey hand.

Three ways of drawing make all of it. A bent shell, such as the neck of the shoulder, is a row of ellipses in planes
that fan out in its plane of symmetry (:func:`bent`). What stands along an axis is a stack of outlines, each the convex
outline of a few discs (:func:`stacked`); one disc makes a turned body. Small things are prisms. The numbers, in
millimetres, are rounded readings off the robot's outlines; each link is drawn in its own frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gen3d_envs.assets.shapes import Array, Mesh, mesh
from gen3d_envs.robots.look import Rgb, assemble, box, prism
from gen3d_envs.sim.view import VisualMesh

WHITE: Rgb = (236, 237, 238)
DARK: Rgb = (62, 63, 66)
GREY: Rgb = (222, 224, 226)

Point = tuple[float, float]
Bend = tuple[Point, Point, float, float]
"""One ellipse of a bent shell: its ends (y, z), half its width along x, and how far along it is widest (0 to 1)."""

Disc = tuple[float, float, float]
"""Centre (x, y) and radius."""

Level = tuple[float, Sequence[Disc]]
"""A height z, and the discs whose convex outline is the section there."""

_TUBE_MM = 55.0  # radius of the shells where two links meet at joints 1 to 5
_SEAM_MM = 3.0
_SIDES = 12
_AREA = 1.0233  # by so much wider, a twelve-sided outline has the area of the round one


def looks() -> dict[str, VisualMesh]:
    """Visual mesh of every link, by link name; the hand by itself as ``panda_hand``."""
    parts: dict[str, list[Mesh]] = {
        "panda_link0": _base(),
        "panda_link1": _shoulder(193.0),
        "panda_link2": [_remapped(part, (0, 2, 1), (1.0, 1.0, -1.0)) for part in _shoulder(194.0)],
        "panda_link3": _elbow(122.0),
        "panda_link4": [_remapped(part, (0, 2, 1), (1.0, -1.0, 1.0)).moved(x=-0.0825) for part in _elbow(124.0)],
        "panda_link5": _forearm(),
        "panda_link6": _wrist(),
        "panda_link7": _flange(),
        "panda_hand": _hand(),
        "panda_leftfinger": _finger(1.0),
        "panda_rightfinger": _finger(-1.0),
    }
    return {name: assemble([_on_grid(part) for part in meshes]) for name, meshes in parts.items()}


def bent(rows: Sequence[Bend], angles_deg: ArrayLike) -> Array:
    """Rings of a bent shell.

    Args:
        rows: the ellipses, mm, from one end of the shell to the other.
        angles_deg: where the points lie on each: 0 at its second end, 90 at its side.

    Returns:
        (k, n, 3), m.
    """
    angle = np.radians(np.asarray(angles_deg, dtype=np.float64))
    rings = []
    for first, second, half_width, widest in rows:
        a, b = np.array(first), np.array(second)
        along = widest + _AREA * np.cos(angle) * np.where(np.cos(angle) > 0.0, 1.0 - widest, widest)
        rings.append(np.column_stack([_AREA * half_width * np.sin(angle), a + along[:, None] * (b - a)]))
    return np.array(rings) / 1000.0


def stacked(levels: Sequence[Level], sides: int = _SIDES, start_deg: float = 0.0) -> Array:
    """Rings of a stack of outlines.

    Args:
        levels: from below to above, mm.
        sides: points on each outline: where it is farthest in evenly spread directions.
        start_deg: the first direction, from +x.

    Returns:
        (k, sides, 3), m.
    """
    angle = np.radians(start_deg + 360.0 / sides * np.arange(sides))
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rings = []
    for z, discs in levels:
        support = np.array(discs, dtype=np.float64)
        # The bias decides between discs that are equally far, the same way on every machine.
        reach = way @ support[:, :2].T + support[:, 2] - 1e-6 * np.arange(len(support))
        chosen = support[reach.argmax(axis=1)]
        rings.append(np.column_stack([chosen[:, :2] + _AREA * chosen[:, 2:] * way, np.full(sides, z)]))
    return np.array(rings) / 1000.0


def _turned(*profile: Point) -> Array:
    """Rings of a turned body from its (z, radius), mm."""
    return stacked([(z, [(0.0, 0.0, radius)]) for z, radius in profile])


def _shell(rings: Array, paint: ArrayLike = WHITE, tip_m: float = 0.0, ends: str = "last") -> Mesh:
    """Rings joined by quads.

    Args:
        rings: (k, n, 3), m.
        paint: a colour for all, or (k - 1, 1, 3) one per band, or (k - 1, n, 3) one per quad.
        tip_m: how far the middle of the last ring's cap stands out along z.
        ends: which ends are closed, ``"none"``, ``"first"``, ``"last"`` or ``"both"``, in the colour of the band beside
            it; what lies against another part needs no cap.
    """
    count, n = rings.shape[:2]
    index = np.arange(count * n).reshape(count, n)
    a, d = index[:-1], index[1:]
    b, c = np.roll(a, -1, axis=1), np.roll(d, -1, axis=1)
    faces = [np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)]
    bands = np.broadcast_to(np.asarray(paint, dtype=np.float64), (count - 1, n, 3))
    colors = [np.repeat(bands.reshape(-1, 3), 2, axis=0)]
    middles = rings[[0, -1]].mean(axis=1) + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, tip_m]])
    points = np.concatenate([rings.reshape(-1, 3), middles])
    first, last = index[0], index[-1]
    if ends in ("first", "both"):
        faces.append(np.stack([np.roll(first, -1), first, np.full(n, count * n)], axis=-1))
        colors.append(bands[0])
    if ends in ("last", "both"):
        faces.append(np.stack([last, np.roll(last, -1), np.full(n, count * n + 1)], axis=-1))
        colors.append(bands[-1])
    triangles = np.concatenate(faces)
    outwards = _volume(points - points.mean(axis=0), triangles) > 0.0
    return mesh(points, triangles if outwards else triangles[:, ::-1]).painted(np.concatenate(colors))


def _volume(points: Array, faces: Array) -> float:
    a, b, c = (points[faces[:, i]] for i in range(3))
    return float((np.cross(a, b) * c).sum()) / 6.0


def _remapped(part: Mesh, order: tuple[int, int, int], signs: tuple[float, float, float]) -> Mesh:
    """The part with its axes exchanged and mirrored, still outside out."""
    change = np.eye(3)[list(order)] * np.array(signs)[:, None]
    faces = part.faces if np.linalg.det(change) > 0.0 else part.faces[:, ::-1]
    return Mesh(part.vertices[:, order] * np.array(signs), faces, part.paint, part.shade)


def _on_grid(part: Mesh) -> Mesh:
    """Coordinates on a grid of 1 um: the last bits of sines may differ between machines, the robot may not."""
    return Mesh(np.round(part.vertices, 6), part.faces, part.paint, part.shade)


def _bands(*colors: Rgb) -> Array:
    return np.array(colors, dtype=np.float64)[:, None, :]


def _base() -> list[Mesh]:
    levels: list[Level] = [
        (0.0, [(10, 0, 62), (0, 88, 6), (0, -88, 6), (-124, 57, 14), (-124, -57, 14), (-132, 24, 20), (-132, -24, 20)]),
        (62.0, [(8, 0, 58), (0, 74, 6), (0, -74, 6), (-92, 46, 16), (-92, -46, 16), (-102, 18, 20), (-102, -18, 20)]),
        (137.0, [(0, 0, 56)]),
        (140.0, [(0, 0, 55)]),
    ]  # fmt: skip
    return [_shell(stacked(levels, 16), _bands(WHITE, WHITE, DARK))]


def _shoulder(length_mm: float) -> list[Mesh]:
    """From the tube about z, over the neck, to the tube about y. Links 1 and 2 are the same in different frames."""
    r, seam = _TUBE_MM, -_SEAM_MM
    rows: list[Bend] = [
        ((r, -length_mm), (-r, -length_mm), r, 0.5), ((54, -125), (-57, -127), r, 0.5),
        ((43, -104), (-61, -113), r, 0.47), ((14, -87), (-69, -91), r, 0.42), ((-7, -69), (-93, -58), r, 0.32),
        ((-7, -58), (-117, -37), r, 0.33), ((seam, -55), (-129, -6), r, 0.37), ((seam, -55), (-125, 25), r, 0.43),
        ((seam, -55), (-106, 47), r, 0.47),
        ((seam, -r), (-65, r), r, 0.48), ((seam, -r), (seam, r), r, 0.5), ((0, -r), (0, r), r - 0.5, 0.5),
    ]  # fmt: skip
    paint = _bands(*[WHITE] * (len(rows) - 2), DARK)
    return [_shell(bent(rows, 360.0 / _SIDES * np.arange(_SIDES)), paint, ends="none")]


def _elbow(length_mm: float) -> list[Mesh]:
    """A domed tube about z and a covered tube about y beside it. Links 3 and 4 are the same in different frames."""
    domed = _turned((-length_mm, 55), (-80, 52), (-48, 46.5), (-27, 35), (-17, 20))
    tongue = (-22.0, 22.0, 31.0)
    covered = stacked([
        (0, [(0, 0, 54.5)]), (_SEAM_MM, [(0, 0, 55)]), (60, [(0, 0, 51)]), (61, [(0, 0, 54), tongue]),
        (87, [(0, 0, 47)]), (100, [(0, 0, 36)]),
    ])  # fmt: skip
    paint = _bands(DARK, WHITE, DARK, DARK, DARK)
    window = _turned((100, 36), (107, 23))
    neck = stacked([(-50, [(50, 8, 40)]), (0, [(55, 16, 34), (48, 33, 19)]), (50, [(56, 28, 38)])], 8)
    upright = [_shell(covered, paint, ends="none"), _shell(window, tip_m=0.004)]
    return [
        _shell(domed, tip_m=0.005),
        *(_remapped(part, (0, 2, 1), (1.0, 1.0, -1.0)).moved(x=0.0825) for part in upright),
        _shell(neck, ends="none").turned("y", np.pi / 4),
    ]


def _forearm() -> list[Mesh]:
    """From the tube about z over the slim arm to the head about y; on the back a dark cover with a white inlay."""
    r = _TUBE_MM
    rows: list[Bend] = [
        ((-r, -260), (r, -260), r, 0.5), ((-52, -215), (64, -222), 52, 0.48), ((-34, -189), (77, -205), 47.5, 0.42),
        ((-3, -171), (85, -193), 42.5, 0.43), ((27, -159), (91, -182), 38.5, 0.42), ((50, -146), (95, -166), 34.5, 0.4),
        ((64, -125), (101, -136), 31.5, 0.41), ((75, -58), (117, -49), 32, 0.41), ((71, -51), (125, -25), 36, 0.45),
        ((67, -48), (130, 0), 42, 0.54), ((66, -48), (122, 33), 48, 0.54), ((65, -48), (97, 50), 49, 0.5),
        ((64, -48), (67, 50), 49, 0.5), ((17, -48), (17, 48), 48, 0.5), ((14.5, -48), (14.5, 48), 47.5, 0.5),
    ]  # fmt: skip
    half = [22.0, 44.0, 82.0, 114.0, 147.0]
    angles = np.array([0.0, *half, 180.0, *(360.0 - a for a in reversed(half))])
    middle = (angles + np.roll(angles, -1)) / 2.0
    middle[-1] = 0.5 * (angles[-1] + 360.0)
    off_back = np.minimum(middle, 360.0 - middle)
    paint = np.broadcast_to(np.array(WHITE, dtype=np.float64), (len(rows) - 1, len(angles), 3)).copy()
    paint[4:12, off_back < 82.0] = DARK
    paint[5:8, off_back < 22.0] = WHITE
    paint[7:10, off_back < 44.0] = WHITE
    paint[-1] = DARK
    return [_shell(bent(rows, angles), paint, ends="none")]


def _wrist() -> list[Mesh]:
    puck = stacked([
        (-15, [(0, 0, 49), (30, 0, 34)]), (6, [(0, 0, 49), (58, 44, 22), (58, -15, 20)]),
        (26, [(0, 0, 48.5), (62, 58, 18), (60, -15, 18)]), (37, [(0, 0, 42), (60, 52, 13), (60, -10, 13)]),
    ])  # fmt: skip
    cover = stacked([
        (32, [(0, 0, 48.5), (20, 0, 42)]), (41, [(0, 0, 42), (28, 0, 35)]), (49, [(0, 0, 33), (33, 0, 27)]),
        (54, [(0, 0, 24), (36, 0, 17)]),
    ])  # fmt: skip
    plate = stacked([(53, [(-6, 0, 15), (28, 0, 11)]), (55.8, [(-6, 0, 14), (28, 0, 10)])], 8)
    barrel = _turned((-52, 44), (-48, 44.5), (-38, 40), (5, 43), (50, 39), (69, 35), (75, 31))
    barrel[-2:, :, 2] -= 0.22 * barrel[-2:, :, 0]  # the button's face is tilted
    paint = _bands(DARK, *[WHITE] * 4, DARK)
    return [
        _shell(puck, tip_m=0.004, ends="both"),
        _shell(cover, DARK),
        _shell(plate, GREY),
        _shell(stacked([(55, [(-6, 0, 9)]), (56.3, [(-6, 0, 9)])], 6), DARK),
        _remapped(_shell(barrel, paint), (0, 2, 1), (1.0, 1.0, -1.0)).moved(x=0.088),
    ]


def _flange() -> list[Mesh]:
    nose: list[Disc] = [(77, 36, 4), (36, 77, 4), (60, 60, 5)]
    levels: list[Level] = [
        (52, [(0, 0, 44)]), (66, [(0, 0, 44.5), (62, 30, 4), (30, 62, 4)]), (78, [(0, 0, 44), *nose]),
        (94, [(0, 0, 44), *nose]), (100, [(0, 0, 41), (54, 22, 5), (22, 54, 5)]), (107, [(0, 0, 35)]),
    ]  # fmt: skip
    return [_shell(stacked(levels, 14, 45.0), _bands(WHITE, WHITE, WHITE, WHITE, DARK))]


def _hand() -> list[Mesh]:
    """In the hand's frame: fingers slide along y, z points to their tips."""

    def block(x: float, low: float, high: float, r: float = 6.0) -> list[Disc]:
        return [(u, v, r) for u in (x - r, r - x) for v in (high - r, low + r)]

    body = stacked([
        (0, block(18.5, -86, 85)), (24, block(18.5, -97, 97)), (55, block(18.5, -100, 100)),
        (63, block(17, -97, 97)), (66, block(15, -92, 92)),
    ], 12, 15.0)  # fmt: skip
    foot = stacked([
        (-8, block(25, 33, 75)), (-2, block(28, 31, 86)), (28, block(18.5, 31, 97)),
    ], 12, 15.0)  # fmt: skip
    heel = stacked([(-8, block(16, -74, -32)), (0, block(18, -84, -30))], 8, 22.5)
    plug = stacked([(y, [(0, 0, 5.5)]) for y in (-88, -46)], 6)
    loop = [
        (-0.092, 0.017), (-0.104, 0.008), (-0.104, -0.008), (-0.094, -0.020), (-0.082, -0.020), (-0.094, -0.010),
        (-0.098, 0.0), (-0.096, 0.008),
    ]  # fmt: skip
    return [
        _shell(body, GREY, ends="both"),
        _shell(foot, GREY, ends="first"),
        _shell(heel, GREY, ends="first"),
        _shell(_turned((0, 31.5), (8, 31.5)), DARK, ends="none"),
        box((-0.011, 0.011), (-0.067, 0.067), (0.0655, 0.0662), DARK),
        prism(loop, (-0.003, 0.003), "x", DARK),
        _remapped(_shell(plug, DARK), (0, 2, 1), (1.0, 1.0, -1.0)).moved(z=-0.02),
    ]


def _finger(side: float) -> list[Mesh]:
    """The left (side 1) or right (-1) finger, from its profile in (y, z)."""
    steel = [
        (2.5, 0.0), (26.3, 0.0), (25.4, 19.0), (14.2, 37.0), (14.2, 51.5), (12.5, 53.8), (9.5, 53.8), (9.5, 36.5),
        (18.0, 20.0), (12.0, 18.0), (12.0, 4.0), (2.5, 4.0),
    ]  # fmt: skip
    pad = [(0.0, 36.5), (9.5, 36.5), (9.5, 53.8), (0.0, 53.8)]
    scale = np.array([side, 1.0]) / 1000.0
    return [
        prism(np.array(steel) * scale, (-0.0105, 0.0105), "x", GREY),
        prism(np.array(pad) * scale, (-0.009, 0.009), "x", DARK),
    ]
