"""Small household things: soap, sponge, candle, remote control."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.assets.build import Draft, Params, builder, darker, mix
from gen3d_envs.assets.collision import block, hull
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN,
    ROLLING_FRICTION_M,
    merged,
    mottled,
    round_grasps,
    standing_hull,
    tinted,
)
from gen3d_envs.assets.shapes import ellipsoid, extrude, lathe, rounded_box, rounded_rectangle, stack, sweep


@builder("soap")
def soap(p: Params) -> Draft:
    """A bar of soap, pillow-shaped, with a pressed oval on top."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    length = max(length, 1.3 * width)
    height = min(height, 0.72 * width)
    levels = ((0.84, 0.0), (0.95, 0.12), (1.0, 0.4), (1.0, 0.62), (0.94, 0.86), (0.8, 1.0))
    corner = p.uniform(0.5, 0.9)
    inset = 0.5 * width
    sections = []
    for share, z in levels:
        cut = (1.0 - share) * inset
        sections.append(
            (rounded_rectangle(length / 2 - cut, width / 2 - cut, corner * (width / 2 - cut), 5), z * height)
        )
    body = stack(sections)
    draft = Draft()
    draft.add(body.shaded(0.94 + 0.08 * body.vertices[:, 2] / height), p.color, p.material)
    # A raised oval with a darker field inside its rim, standing proud enough for a coarse depth buffer.
    seal = lathe([(0.0, -0.04), (1.0, -0.04), (0.97, 0.05), (0.84, 0.055), (0.8, 0.03), (0.0, 0.03)], 20)
    seal = seal.painted(darker(p.color, 0.88), np.hypot(seal.centers[:, 0], seal.centers[:, 1]) < 0.7)
    rim = mix(p.color, (255.0, 255.0, 255.0), 0.4) if min(p.color) < 215 else darker(p.color, 0.8)
    draft.add(seal.scaled(0.3 * length, 0.27 * width, height).moved(z=height), rim, p.material, 0.4)
    rings = [np.column_stack([outline, np.full(len(outline), z)]) for outline, z in sections]
    draft.collision.append(hull(np.concatenate([rings[0][::2], rings[2], rings[3][::2], rings[5][::2]])))
    for x in (0.0, 0.1 * length, -0.1 * length):
        draft.grasp(x, 0.0, 0.5 * height, HALF_TURN, width)
    return draft


@builder("sponge")
def sponge(p: Params) -> Draft:
    """A kitchen sponge: porous foam under a rough scouring pad."""
    length, width, height = p.length("length_m"), p.length("width_m"), p.length("height_m")
    pad = p.uniform(0.2, 0.28) * height
    foam = rounded_box(length, width, height - pad, 0.08 * width, 3)
    draft = Draft()
    draft.add(mottled(foam, p.rng, 0.03), p.color, p.material, 1.0)
    size = 0.05 * width
    pores = []
    for k in range(22):
        r = size * p.uniform(0.6, 1.3)
        pore = ellipsoid(r, 0.3 * r, 0.75 * r, 6, 3)
        z = p.uniform(0.16, 0.84) * (height - pad)
        if k % 11 < 7:
            pores.append(pore.moved(p.uniform(-0.44, 0.44) * length, (width / 2 - 0.0002) * (1 if k < 11 else -1), z))
        else:
            pores.append(
                pore.turned("z", HALF_TURN).moved(
                    (length / 2 - 0.0002) * (1 if k < 11 else -1), p.uniform(-0.4, 0.4) * width, z
                )
            )
    draft.add(merged(pores), darker(p.color, 0.68), p.material, 0.01)
    green = p.paint("dark_green" if p.color_name != "green" else "charcoal")
    scour = rounded_box(length * 0.995, width * 0.995, pad, 0.3 * pad, 2).moved(z=height - pad)
    draft.add(mottled(scour, p.rng, 0.07), green, MATERIALS["sponge"], 4.0)
    draft.collision.append(block((-length / 2, length / 2), (-width / 2, width / 2), (0.0, height)))
    for x in (0.0, 0.1 * length, -0.1 * length):
        draft.grasp(x, 0.0, 0.5 * height, HALF_TURN, width)
    return draft


@builder("candle")
def candle(p: Params) -> Draft:
    """A pillar candle that has burned a little: a pool under its wick, and drips down its side."""
    radius, height = p.length("diameter_m", grip=True) / 2, p.length("height_m")
    height = min(height, 4.4 * radius)
    profile = [
        (0.96 * radius, 0.0), (radius, 0.03 * radius), (radius, 0.5 * height), (radius, height - 0.08 * radius),
        (0.93 * radius, height),
        (0.8 * radius, height - 0.04 * radius), (0.66 * radius, height - 0.2 * radius), (0.0, height - 0.26 * radius),
    ]  # fmt: skip
    body = lathe(profile, 18)
    top = body.vertices[:, 2] > height - 0.3 * radius
    angle = np.arctan2(body.vertices[:, 1], body.vertices[:, 0])
    dip = 0.07 * radius * (np.sin(2 * angle + p.uniform(0.0, 6.0)) + 0.6 * np.sin(5 * angle + p.uniform(0.0, 6.0)))
    edge = top & (np.hypot(body.vertices[:, 0], body.vertices[:, 1]) > 0.75 * radius)
    body = replace(body, vertices=body.vertices + np.column_stack([0 * dip, 0 * dip, np.where(edge, dip, 0.0)]))
    pale = mix(p.color, (255.0, 250.0, 235.0), 0.4)
    body = tinted(body, p.color, pale, 0.9 * (top & ~edge)).shaded(0.95 + 0.06 * body.vertices[:, 2] / height)
    draft = Draft()
    draft.add(body, p.color, p.material)
    drips = []
    for _ in range(int(p.rng.integers(2, 5))):
        turn, reach, wide = p.uniform(-np.pi, np.pi), p.uniform(0.15, 0.6) * height, p.uniform(0.06, 0.09) * radius
        z = np.array([height - 0.06 * radius, height - 0.06 * radius - 0.6 * reach, height - 0.06 * radius - reach])
        path = np.column_stack([np.full(3, 0.985 * radius), np.zeros(3), z])
        drips.append(sweep(path, wide * np.array([0.8, 0.75, 1.15]), 5).turned("z", turn))
    draft.add(merged(drips), mix(p.color, (255.0, 252.0, 240.0), 0.22), p.material, 0.4)
    wick_z = height - 0.28 * radius
    wick = sweep(
        [[0.0, 0.0, wick_z], [0.0, 0.0, height + 0.02 * radius], [0.06 * radius, 0.0, height + 0.2 * radius]],
        0.05 * radius,
        4,
    )
    draft.add(
        wick.shaded(np.where(wick.vertices[:, 2] > height - 0.05 * radius, 0.35, 1.0)),
        (188.0, 172.0, 148.0),
        MATERIALS["fabric"],
    )
    # The burned edge leads fingers that come down a little to one side.
    edge_z = height - 0.3 * radius
    draft.collision.append(standing_hull([(radius, 0.0), (radius, edge_z), (0.88 * radius, height)], 16))
    tip = 0.1 * radius
    draft.collision.append(standing_hull([(tip, height - 0.1 * radius), (tip, height + 0.2 * radius)], 4))
    round_grasps(draft, max(height / 2, height - 0.022), 2 * radius)
    draft.rolling_friction_m = 0.3 * ROLLING_FRICTION_M
    return draft


@builder("remote")
def remote(p: Params) -> Draft:
    """A remote control with rows of buttons."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    paint = p.color if p.spec.color is not None else p.paint(p.choice(p.category.colors))
    draft = Draft()
    draft.add(rounded_box(length, width, height, 0.28 * height, 3), paint, p.material, 0.6)
    pale = mix(paint, (255.0, 255.0, 255.0), 0.5) if sum(paint) < 400 else darker(paint, 0.6)
    x, y = 0.14 * width, 0.1 * width
    button = extrude([(-x, -y), (x, -y), (x, y), (-x, y)], height - 0.001, height + 0.0013, 0.0005)
    # Rows from the near end to the middle; a wheel and the red switch beyond.
    rows = int(p.rng.integers(5, 8))
    places = [((-0.42 + 0.62 * row / rows) * length, side * width) for row in range(rows) for side in (-0.3, 0.0, 0.3)]
    draft.add(merged([button.moved(*place) for place in places]), pale, p.material, 0.1)
    wheel = lathe([(0.0, 0.0), (0.3 * width, 0.0), (0.27 * width, 0.0012), (0.0, 0.0012)], 18)
    draft.add(wheel.moved(0.27 * length, 0.0, height - 0.0002), pale, p.material, 0.1)
    draft.add(button.moved(0.42 * length, 0.3 * width), p.paint("red"), p.material, 0.1)
    draft.collision.append(block((-length / 2, length / 2), (-width / 2, width / 2), (0.0, height)))
    for x in (0.0, 0.1 * length, -0.1 * length):
        draft.grasp(x, 0.0, 0.55 * height, HALF_TURN, width)
    return draft
