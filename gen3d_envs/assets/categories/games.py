"""Chess pieces that stand on felted bases: pawn, rook, king."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gen3d_envs.assets.build import Draft, Params, builder, mix
from gen3d_envs.assets.lengthwise import tint
from gen3d_envs.assets.organic import round_grasps, standing_hull
from gen3d_envs.assets.shapes import Profile, extrude, lathe, rounded_box

FILL = {"wood": 1.5, "plastic": 1.3}
"""Tournament pieces hold a steel weight in the base; a wooden king of 95 mm weighs about 60 g."""

_FOOT = ((1.0, 0.0), (1.0, 0.05), (0.93, 0.075), (0.95, 0.10), (0.9, 0.14), (0.66, 0.19), (0.6, 0.22))


def _turned(p: Params, upper: Sequence[tuple[float, float]], hulls: Sequence[Sequence[int]], radius: float,
            height: float,
            n: int = 16) -> Draft:  # fmt: skip
    """A turned piece: profile in base radii and heights; ``hulls`` are groups of its points."""
    profile: Profile = [(0.0, 0.0), *((r * radius, z * height) for r, z in (*_FOOT, *upper))]
    body = lathe(profile, n)
    # Pieces come in the colour asked for, and in a box wood or an ebony otherwise.
    paint = tint(p)
    felt = p.paint("dark_green")
    trim = mix(paint, (0.0, 0.0, 0.0) if sum(paint) > 240 else (255.0, 255.0, 255.0), 0.16)
    z = body.centers[:, 2] / height
    body = body.painted(felt, z < 1e-6).painted(trim, (z > 0.05) & (z < 0.10))
    draft = Draft()
    draft.add(body, paint, p.material, FILL.get(p.material.name, 1.0))
    for group in hulls:
        draft.collision.append(standing_hull([profile[k] for k in group]))
    draft.rolling_friction_m = 0.0005
    return draft


@builder("chess_pawn")
def chess_pawn(p: Params) -> Draft:
    """A pawn: a slender waist, a collar and a round head."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 3.1 * radius, 4.2 * radius))
    head = p.uniform(0.54, 0.62)
    share = head * radius / height
    middle = 1.0 - share
    collar = middle - 1.12 * share
    angle = np.linspace(-0.8, np.pi / 2, 7)
    ball = [(max(head * float(np.cos(a)), 0.0), middle + share * float(np.sin(a))) for a in angle]
    upper = [
        (0.42, 0.36),
        (0.36, collar - 0.03),
        (0.38, collar - 0.02),
        (0.66, collar + 0.01),
        (0.62, collar + 0.035),
        *ball[:-1],
        (0.0, 1.0),
    ]
    count = len(_FOOT) + 1
    draft = _turned(
        p,
        upper,
        (
            (1, 2, 5, 6),
            (6, count + 1),
            (count + 3, count + 4),
            (count + 5, count + 6, count + 8, count + 9, count + 10),
        ),
        radius,
        height,
    )
    round_grasps(draft, middle * height, 2 * head * radius)
    return draft


@builder("chess_rook")
def chess_rook(p: Params) -> Draft:
    """A rook: a tower with battlements."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 3.0 * radius, 3.9 * radius))
    top, wall = p.uniform(0.70, 0.78), 0.78
    upper = [
        (0.54, 0.36),
        (0.5, 0.62),
        (0.54, 0.68),
        (top, 0.74),
        (top, 0.76),
        (top, 0.88),
        (0.7 * top, 0.88),
        (0.66 * top, 0.84),
        (0.0, 0.84),
    ]
    count = len(_FOOT) + 1
    draft = _turned(p, upper, ((1, 2, 5, 6), (6, count + 1, count + 2)), radius, height)
    paint = draft.parts[0].mesh.paint[-1]
    merlons = 6
    for k in range(merlons):
        angle = np.linspace(-0.3, 0.3, 4) + 2 * np.pi * k / merlons
        ring = [(top * radius * wall * 0.92 * np.cos(a), top * radius * wall * 0.92 * np.sin(a)) for a in angle[::-1]]
        outer = [(top * radius * np.cos(a), top * radius * np.sin(a)) for a in angle]
        draft.add(extrude(outer + ring, 0.875 * height, height), (paint[0], paint[1], paint[2]), p.material)
    draft.collision.append(standing_hull([(top * radius, 0.74 * height), (top * radius, height)]))
    round_grasps(draft, 0.86 * height, 2 * top * radius)
    return draft


@builder("chess_king")
def chess_king(p: Params) -> Draft:
    """A king: a tall waist, two collars, a flaring crown and a cross."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 4.2 * radius, 5.6 * radius))
    crown, cross = p.uniform(0.56, 0.64), p.uniform(0.11, 0.13)
    body = 1.0 - cross
    upper = [(0.44, 0.32), (0.36, 0.54), (0.38, 0.575), (0.68, 0.595), (0.66, 0.615), (0.46, 0.63), (0.56, 0.65),
             (0.52, 0.672), (0.4, 0.69),
             (0.42, 0.70), (crown, body - 0.06), (crown * 0.92, body - 0.045), (0.3, body - 0.015), (0.14, body),
             (0.0, body)]  # fmt: skip
    count = len(_FOOT) + 1
    draft = _turned(p, upper,
                    ((1, 2, 5, 6), (6, count + 1, count + 2), (count + 3, count + 4),
                     (count + 9, count + 10, count + 11, count + 13)),
                    radius, height)  # fmt: skip
    paint = draft.parts[0].mesh.paint[-1]
    rgb = (float(paint[0]), float(paint[1]), float(paint[2]))
    arm = 0.32 * cross * height
    thick = max(0.17 * radius, 0.0022)
    draft.add(
        rounded_box(1.1 * thick, thick, cross * height + 0.001, 3e-4, 2).moved(z=body * height - 0.001), rgb, p.material
    )
    for side in (-1.0, 1.0):
        bar = rounded_box(arm, thick, 1.1 * thick, 3e-4, 2)
        draft.add(bar.moved(side * (0.5 * arm + 0.5 * thick), 0.0, (body + 0.5 * cross) * height), rgb, p.material)
    draft.collision.append(standing_hull([(0.7 * thick, body * height), (0.7 * thick, height)], 4))
    round_grasps(draft, (body - 0.075) * height, 1.9 * crown * radius)
    return draft
