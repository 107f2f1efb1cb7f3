"""What stands on a laid table: teapot, kettle, moka pot, pepper grinder, salt shaker."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, builder, darker, mix
from gen3d_envs.assets.collision import chain, rings_hull
from gen3d_envs.assets.lengthwise import HALF_TURN, tint
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import round_grasps, standing_hull
from gen3d_envs.assets.shapes import lathe, sweep

STEEL, PLASTIC = MATERIALS["steel"], MATERIALS["plastic"]


@builder("teapot")
def teapot(p: Params) -> Draft:
    """A round teapot with its lid on: spout, loop handle, and a knob to lift it by."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.7 * radius, 2.1 * radius))
    knob = p.uniform(0.0075, 0.0095)
    lid = height - 0.03
    belly = p.uniform(0.42, 0.5)
    foot = 0.55 * radius
    mouth = 0.52 * radius
    angle = np.linspace(-1.05, 1.05, 9)
    round_body = [(radius * np.cos(a) ** 0.85, lid * (belly + 0.55 * np.sin(a))) for a in angle]
    low, high = round_body[0][1], round_body[-1][1]
    scale = [(float(r), 0.004 + float(z - low) / (high - low) * (0.86 * lid - 0.004)) for r, z in round_body]
    profile = [
        (0.0, 0.0),
        (foot, 0.0),
        (max(foot, 0.9 * scale[0][0]), 0.004),
        *scale[1:-1],
        (mouth + 0.004, 0.86 * lid),
    ]
    # The lid is part of the same body; its rim stands out.
    profile += [
        (mouth + 0.004, 0.888 * lid),
        (mouth - 0.0005, 0.905 * lid),
        (0.94 * mouth, 0.93 * lid),
        (0.6 * mouth, 0.985 * lid),
        (0.5 * knob, lid),
        (0.48 * knob, lid + 0.008),
    ]
    profile += [
        (0.9 * knob, lid + 0.013),
        (knob, lid + 0.019),
        (knob, lid + 0.025),
        (0.7 * knob, height - 0.0008),
        (0.0, height),
    ]
    body = lathe(profile, 18)
    second = (
        mix(p.color, (255.0, 255.0, 255.0), 0.45)
        if sum(p.color) < 560
        else p.paint(p.choice(("blue", "teal", "gold", "navy")))
    )
    z = body.centers[:, 2]
    banded = p.uniform(0, 1) < 0.6
    body = body.painted(second, z > lid + 0.002)
    if banded:
        body = body.painted(second, (z > 0.86 * lid) & (z < 0.9 * lid)).painted(
            second, (z > 0.0005) & (z < 0.004 + 0.05 * lid)
        )
    draft = Draft()
    # A wall of 4 mm, as share of the whole body.
    hollow = 3.0 * 0.004 / radius
    draft.add(body, p.color, p.material, hollow)
    t = np.linspace(0.0, 1.0, 7)
    x = 0.86 * radius + t * 0.72 * radius
    rise = 0.30 * lid + (0.9 * lid - 0.30 * lid) * (0.35 * t + 0.65 * t**2)
    path = np.column_stack([x, 0 * t, rise])
    half = np.interp(t, [0.0, 0.4, 1.0], [0.24, 0.15, 0.095]) * radius
    spout = sweep(path, np.column_stack([half, 0.85 * half]), 8, round_ends=False)
    draft.add(spout.painted(p.paint("charcoal"), spout.centers[:, 0] > path[-1, 0] - 1e-9), p.color, p.material, 0.45)
    angle = np.linspace(HALF_TURN, 1.5 * np.pi, 9)
    bulge = np.maximum(-np.cos(angle), 0.0) ** 0.8
    loop = np.column_stack([-radius * (0.58 + 0.88 * bulge), 0 * angle, lid * (0.5 + 0.27 * np.sin(angle))])
    half_y = p.uniform(0.0045, 0.006)
    draft.add(
        sweep(loop, (0.004, half_y) * np.ones((9, 1)), 6, round_ends=False),
        second if banded else p.color,
        p.material,
        0.6,
    )
    widest = max(scale)[0]
    level = max(scale)[1]
    draft.collision.append(
        standing_hull([(foot, 0.0), (scale[2][0], scale[2][1]), (widest, level), (scale[6][0], scale[6][1])])
    )
    draft.collision.append(standing_hull([(scale[6][0], scale[6][1]), (0.94 * mouth, 0.93 * lid), (0.5 * knob, lid)]))
    draft.collision.append(standing_hull([(0.5 * knob, lid), (0.9 * knob, lid + 0.013), (knob, lid + 0.019),
                                          (knob, lid + 0.025),
                                          (0.7 * knob, height)]))  # fmt: skip
    draft.collision.extend(chain(path[[0, 3, 6]], np.column_stack([half, 0.85 * half])[[0, 3, 6]]))
    draft.collision.extend(chain(loop[[0, 2, 4, 6, 8]], (0.004, half_y) * np.ones((5, 1))))
    round_grasps(draft, lid + 0.0205, 2 * knob)
    return draft


@builder("kettle")
def kettle(p: Params) -> Draft:
    """A stove kettle with a short spout and a bail handle over its lid, gripped in the middle."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.75 * radius, 2.3 * radius))
    shoulder, lid = p.uniform(0.28, 0.34) * height, 0.60 * height
    foot = 0.92 * radius
    mouth = 0.42 * radius
    profile = [(0.0, 0.0), (foot, 0.0), (radius, 0.05 * height), (0.99 * radius, 0.12 * height),
               (0.95 * radius, shoulder),
               (0.82 * radius, shoulder + 0.12 * height), (0.62 * radius, lid - 0.085 * height),
               (mouth + 0.003, lid - 0.035 * height),
               (mouth + 0.003, lid - 0.025 * height), (0.94 * mouth, lid - 0.015 * height), (0.4 * mouth, lid),
               (0.07 * radius, lid),
               (0.07 * radius, lid + 0.02 * height), (0.13 * radius, lid + 0.05 * height),
               (0.1 * radius, lid + 0.075 * height),
               (0.0, lid + 0.08 * height)]  # fmt: skip
    body = lathe(profile, 20)
    paint = tint(p)
    black = p.paint("charcoal") if sum(paint) > 200 else p.paint("brown")
    z = body.centers[:, 2]
    body = body.painted(black, z > lid).painted(darker(paint, 0.8), z < 0.05 * height)
    draft = Draft()
    # Sheet of 0.7 mm, as share of the whole body.
    hollow = 3.0 * 0.0007 / radius
    draft.add(body, paint, p.material, hollow)
    t = np.linspace(0.0, 1.0, 6)
    path = np.column_stack([0.78 * radius + 0.5 * radius * t, 0 * t, shoulder - 0.02 * height + 0.3 * height * t**1.2])
    half = np.interp(t, [0.0, 0.4, 1.0], [0.26, 0.17, 0.12]) * radius
    spout = sweep(path, np.column_stack([half, half]), 8, round_ends=False)
    draft.add(spout, darker(paint, 0.92), p.material, 0.06)
    half_y, half_z = p.uniform(0.0055, 0.007), 0.006
    top = height - half_z
    angle = np.linspace(np.pi, 0.0, 11)
    ends = shoulder + 0.09 * height
    bow = np.column_stack([0.78 * radius * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.75, 0 * angle,
                           ends + (top - ends) * np.maximum(np.sin(angle), 0.0) ** 0.7])  # fmt: skip
    handle = sweep(bow, (half_z, half_y) * np.ones((11, 1)), 6, round_ends=False)
    grip = np.abs(handle.centers[:, 0]) < 0.5 * radius
    draft.add(handle.painted(black, grip), p.paint("silver"), PLASTIC, 0.9)
    draft.collision.append(
        standing_hull(
            [(foot, 0.0), (radius, 0.05 * height), (0.95 * radius, shoulder), (0.62 * radius, lid - 0.085 * height)]
        )
    )
    draft.collision.append(
        standing_hull([(0.62 * radius, lid - 0.085 * height), (0.4 * mouth, lid), (0.12 * radius, lid + 0.07 * height)])
    )
    draft.collision.extend(chain(path[[0, 5]], np.column_stack([half, half])[[0, 5]]))
    draft.collision.extend(chain(bow[[0, 2, 4, 6, 8, 10]], (half_z, half_y) * np.ones((6, 1))))
    for x in (0.0, 0.012, -0.012):
        draft.grasp(x, 0.0, top - 0.001, HALF_TURN, 2 * half_y, 0.006)
    return draft


@builder("moka_pot")
def moka_pot(p: Params) -> Draft:
    """An eight-sided stove-top coffee pot: boiler, waist, jug with spout, and a lid with a knob to lift it by."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 3.4 * radius, 4.2 * radius))
    knob = p.uniform(0.0075, 0.0095)
    lid = height - 0.027
    waist, rim = 0.42 * lid, 0.9 * lid
    # The corners of an octagon stand out by 1 / cos(pi / 8) over its sides.
    profile = [(0.0, 0.0), (0.97 * radius, 0.0), (radius, 0.004), (0.86 * radius, waist - 0.012),
               (0.68 * radius, waist - 0.006), (0.66 * radius, waist + 0.006),
               (0.72 * radius, waist + 0.012), (0.93 * radius, rim), (0.94 * radius, rim + 0.003),
               (0.3 * radius, lid), (0.0, lid)]  # fmt: skip
    paint = tint(p) if p.spec.color is not None or p.uniform(0, 1) < 0.3 else p.paint("silver")
    body = lathe(profile, 8).turned("z", np.pi / 8)
    body = body.painted(darker(paint, 0.75), np.abs(body.centers[:, 2] - waist) < 0.008)
    draft = Draft()
    # A casting of 3 mm, as share of the whole body.
    draft.add(body, paint, p.material, 2.5 * 0.003 / radius)
    black = p.paint("charcoal")
    stalk = lathe([(0.0, lid - 0.002), (0.45 * knob, lid - 0.002), (0.5 * knob, lid + 0.007), (0.9 * knob, lid + 0.011),
                   (knob, lid + 0.017), (knob, height - 0.003), (0.6 * knob, height), (0.0, height)], 12)  # fmt: skip
    draft.add(stalk, black, PLASTIC)
    t = np.linspace(0.0, 1.0, 4)
    path = np.column_stack([(0.8 + 0.42 * t) * radius, 0 * t, rim - 0.16 * lid + 0.17 * lid * t])
    half = np.interp(t, [0.0, 1.0], [0.26, 0.1]) * radius
    draft.add(sweep(path, np.column_stack([half, half]), 6, round_ends=False), paint, p.material, 0.2)
    loop = np.array([[-0.86, 0.87], [-1.3, 0.88], [-1.62, 0.8], [-1.6, 0.6], [-1.42, 0.42]])
    bar = np.column_stack([loop[:, 0] * radius, np.zeros(5), loop[:, 1] * lid])
    thick = (0.0052, 0.0075) * np.ones((5, 1))
    draft.add(sweep(bar, thick, 8, round_ends=False), black, PLASTIC)
    low, high = profile[1:4], profile[6:10]
    for part in (low, [(0.86 * radius, waist - 0.012), (0.66 * radius, waist), (0.72 * radius, waist + 0.012)], high):
        draft.collision.append(rings_hull(part, 8))
    draft.collision.append(standing_hull([(0.5 * knob, lid), (knob, lid + 0.013), (knob, height)], 8))
    draft.collision.extend(chain(path[[0, 3]], np.column_stack([half, half])[[0, 3]]))
    draft.collision.extend(chain(bar, thick))
    round_grasps(draft, lid + 0.016, 2 * knob)
    return draft


@builder("pepper_grinder")
def pepper_grinder(p: Params) -> Draft:
    """A turned grinder: foot, waist, head and a metal nut; it is gripped by its head."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 2.9 * 2 * radius, 3.9 * 2 * radius))
    if p.grip is not None:
        # An arm has to get above it.
        height = 0.11 + 0.45 * (height - 0.11)
    waist, head = p.uniform(0.58, 0.7), p.uniform(0.72, 0.82)
    nut = p.uniform(0.005, 0.007)
    top = height - 0.011
    length = 2.5 * head * radius if height > 0.14 else 1.9 * head * radius
    neck = top - min(length, 0.36 * height)
    span = top - neck
    profile = [(0.0, 0.0), (0.97 * radius, 0.0), (radius, 0.004), (radius, 0.07 * height),
               (0.86 * radius, 0.11 * height),
               (0.95 * radius, 0.15 * height), (0.9 * radius, 0.2 * height),
               (waist * radius, 0.5 * neck + 0.08 * height), (0.8 * radius, neck - 0.01),
               (0.82 * radius, neck - 0.002), (0.55 * radius, neck), (0.55 * radius, neck + 0.0015),
               (0.8 * head * radius, neck + 0.003),
               (head * radius, neck + 0.24 * span), (head * radius, neck + 0.7 * span),
               (0.72 * head * radius, top - 0.06 * span),
               (0.35 * head * radius, top), (0.0, top)]  # fmt: skip
    body = lathe(profile, 20)
    z = body.centers[:, 2]
    joint = (z > neck - 1e-4) & (z < neck + 0.0016)
    ring = (z > 0.07 * height) & (z < 0.15 * height)
    two = p.uniform(0, 1)
    body = body.painted(darker(p.color, 0.72), ring)
    if two < 0.35:
        body = body.painted(darker(p.color, 0.8), z > neck + 0.0016)
    body = body.painted(p.paint("silver"), joint)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.8)
    cap = lathe(
        [
            (0.0, top - 0.001),
            (0.5 * nut, top - 0.001),
            (0.5 * nut, top + 0.002),
            (nut, top + 0.0055),
            (0.85 * nut, height - 0.001),
            (0.0, height),
        ],
        12,
    )
    draft.add(cap, p.paint("silver"), STEEL)
    draft.collision.append(
        standing_hull([(0.97 * radius, 0.0), (radius, 0.004), (radius, 0.07 * height), (0.9 * radius, 0.2 * height)])
    )
    draft.collision.append(standing_hull([(0.9 * radius, 0.2 * height), (waist * radius, 0.5 * neck + 0.08 * height)]))
    draft.collision.append(standing_hull([(waist * radius, 0.5 * neck + 0.08 * height), (0.82 * radius, neck - 0.002)]))
    draft.collision.append(standing_hull([(0.8 * head * radius, neck + 0.002), (head * radius, neck + 0.24 * span),
                                          (head * radius, neck + 0.7 * span),
                                          (0.72 * head * radius, top - 0.06 * span)]))  # fmt: skip
    draft.collision.append(standing_hull([(nut, top - 0.003), (nut, height)], 6))
    z_grip = max(neck + 0.47 * span, height - 0.027)
    round_grasps(draft, min(z_grip, neck + 0.66 * span), 2 * head * radius)
    draft.rolling_friction_m = 0.0005
    return draft


@builder("salt_shaker")
def salt_shaker(p: Params) -> Draft:
    """A salt shaker with a domed metal cap and its holes."""
    radius, height = p.length("diameter_m", grip=True) / 2, p.length("height_m")
    height = float(np.clip(height, 1.75 * 2 * radius, 2.5 * 2 * radius))
    body_top = p.uniform(0.68, 0.76) * height
    taper = p.uniform(0.78, 0.94)
    dome = height - body_top
    upper = taper * radius
    profile = [(0.0, 0.0), (radius - 0.002, 0.0), (radius, 0.002), (radius, 0.06 * height),
               (0.5 * (radius + upper), 0.5 * body_top),
               (upper, body_top - 0.001), (upper, body_top)]  # fmt: skip
    cap = 1.05 * upper
    profile += [(cap, body_top + 4e-4), (cap, body_top + 0.42 * dome), (0.9 * cap, body_top + 0.72 * dome),
                (0.55 * cap, body_top + 0.94 * dome),
                (0.18 * cap, height), (0.0, height)]  # fmt: skip
    body = lathe(profile, 20)
    z = body.centers[:, 2]
    plain = p.color if p.spec.color is not None else (p.color if p.material.name == "steel" else tint(p))
    steel = p.material.name == "steel" and p.spec.color is None
    metal = (
        darker(p.paint("silver"), 0.8)
        if steel
        else p.paint("silver" if np.std(np.array(plain)) > 20 or sum(plain) > 660 else "charcoal")
    )
    band = p.paint(p.choice(("blue", "red", "teal", "black")))
    body = body.painted(metal, z > body_top)
    if p.uniform(0, 1) < 0.5 and not steel:
        body = body.painted(band, z < 0.06 * height)
    draft = Draft()
    # A wall of 3 mm of the material and three quarters full of salt: about as heavy as water all through.
    draft.add(body, plain, PLASTIC, 0.9)
    spot = 0.075 * cap
    for k in range(6):
        at = 0.0 if k == 5 else 0.36 * cap
        angle = 2 * np.pi * k / 5
        lift = float(np.interp(at, [0.0, 0.18 * cap, 0.55 * cap], [height, height, body_top + 0.94 * dome]))
        hole = lathe([(0.0, -0.001), (spot, -0.001), (spot, 0.0004), (0.0, 0.0004)], 6)
        draft.add(hole.moved(at * np.cos(angle), at * np.sin(angle), lift), p.paint("black", 0.0), PLASTIC, 0.01)
    draft.collision.append(standing_hull([(radius - 0.001, 0.0), (radius, 0.06 * height), (upper, body_top)]))
    draft.collision.append(
        standing_hull(
            [(cap, body_top), (cap, body_top + 0.42 * dome), (0.9 * cap, body_top + 0.72 * dome), (0.3 * cap, height)]
        )
    )
    round_grasps(draft, max(body_top + 0.2 * dome, height - 0.026), 2 * cap)
    draft.rolling_friction_m = 0.0005
    return draft
