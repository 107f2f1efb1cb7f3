"""Toys for the shelf: bear and car."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, mix
from gen3d_envs.assets.collision import block, hull
from gen3d_envs.assets.lengthwise import HALF_TURN, egg, eyes, flattened, prism_hull, side_view, spine, spine_hulls
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import lathe, rounded_box, stack, sweep

WHITE: Rgb = (255.0, 255.0, 255.0)
RUBBER, PLASTIC = MATERIALS["rubber"], MATERIALS["plastic"]


@builder("toy_bear")
def toy_bear(p: Params) -> Draft:
    """A sitting teddy bear, stuffed loosely."""
    height, width = p.length("height_m"), p.length("width_m")
    width = float(np.clip(width, 0.46 * height, 0.58 * height))
    b = 0.5 * width
    h = height / 1.06
    # Plush filled with wadding weighs about a third of its cloth, per volume.
    fill = 0.35
    light = mix(p.color, (250.0, 240.0, 220.0), 0.5)
    draft = Draft()
    body = flattened(egg(0.86 * b, b, 0.29 * h, (0.0, 0.0, 0.27 * h), 12, 8), 0.0)
    draft.add(body, p.color, p.material, fill)
    belly = egg(0.3 * b, 0.62 * b, 0.19 * h, (0.62 * b, 0.0, 0.29 * h), 8, 5)
    draft.add(belly, light, p.material, 0.1)
    head, z = p.uniform(0.205, 0.23) * h, 0.72 * h
    draft.add(egg(0.93 * head, 1.08 * head, head, (0.06 * b, 0.0, z), 12, 8), p.color, p.material, fill)
    draft.add(
        egg(0.42 * head, 0.5 * head, 0.38 * head, (0.06 * b + 0.8 * head, 0.0, z - 0.2 * head), 8, 6),
        light,
        p.material,
        0.2,
    )
    draft.add(
        egg(0.12 * head, 0.19 * head, 0.13 * head, (0.06 * b + 1.2 * head, 0.0, z - 0.06 * head), 8, 5),
        p.paint("black"),
        p.material,
        0.1,
    )
    eyes(p, draft, (0.06 * b + 0.82 * head, 0.42 * head, z + 0.22 * head), 0.115 * head)
    for side in (-1.0, 1.0):
        ear = egg(0.2 * head, 0.42 * head, 0.42 * head, (0.0, side * 0.8 * head, z + 0.82 * head), 8, 5)
        ear = ear.painted(light, ear.normals[:, 0] > 0.55)
        draft.add(ear, p.color, p.material, fill)
        arm = np.array(
            [
                (0.1 * b, side * 0.82 * b, 0.45 * h),
                (0.36 * b, side * 1.02 * b, 0.36 * h),
                (0.66 * b, side * 0.98 * b, 0.27 * h),
            ]
        )
        draft.add(sweep(arm, np.array([0.24, 0.27, 0.26]) * b, 6, side=(0.0, 0.6, 0.8)), p.color, p.material, fill)
        radius = 0.3 * b
        leg = np.array(
            [
                (0.3 * b, side * 0.6 * b, radius),
                (0.9 * b, side * 0.72 * b, radius),
                (1.28 * b, side * 0.8 * b, 1.12 * radius),
            ]
        )
        limb = sweep(leg, np.array([0.98, 1.0, 1.12]) * radius, 7, side=(0.0, 0.0, 1.0))
        sole = limb.centers[:, 0] > 1.28 * b + 0.72 * radius
        draft.add(limb.painted(light, sole), p.color, p.material, fill)
        ring = 0.98 * radius
        corners = [(x, side * y * b + s * ring, v) for x,
                   y in ((0.3 * b, 0.6), (1.28 * b + 0.8 * radius, 0.82)) for s in (-1, 1)
                   for v in (0.0, 1.9 * radius)]  # fmt: skip
        draft.collision.append(hull(corners))
        low, high = arm[2], arm[0]
        draft.collision.append(hull([(q[0] + i * 0.2 * b, q[1] + j * 0.22 * b, q[2] + k * 0.22 * b) for q in (low,
                                                                                                              high)
                                     for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]))  # fmt: skip
    trunk = [
        (s * 0.86 * b, 0.0, 0.27 * h, w * b, w * 0.29 * h)
        for s, w in ((-0.97, 0.3), (-0.7, 0.71), (-0.3, 0.96), (0.3, 0.96), (0.7, 0.71), (0.97, 0.3))
    ]
    draft.collision.extend(spine_hulls(trunk, (0, 5), 0.0))
    skull = [
        (0.06 * b + s * 0.93 * head, 0.0, z, w * 1.08 * head, w * head)
        for s, w in ((-0.97, 0.3), (-0.7, 0.72), (-0.2, 1.0), (0.2, 1.0), (0.7, 0.72), (1.2, 0.3))
    ]
    draft.collision.extend(spine_hulls(skull, (0, 5)))
    draft.collision.append(
        block(
            (0.06 * b - 0.15 * head, 0.06 * b + 0.15 * head),
            (-1.15 * head, 1.15 * head),
            (z + 0.6 * head, z + 1.2 * head),
        )
    )
    if p.uniform(0, 1) < 0.5:
        bow = p.paint(p.choice(("red", "blue", "green", "purple")))
        for side in (-1.0, 1.0):
            loop = [
                (0.001 * h, 0.0, 0.0, 0.028 * h, 0.02 * h),
                (0.07 * h, 0.0, 0.0, 0.028 * h, 0.055 * h),
                (0.085 * h, 0.0, 0.0, 0.02 * h, 0.045 * h),
            ]
            draft.add(
                spine(loop, 8, 3.0).turned("z", side * HALF_TURN).moved(0.82 * b, 0.0, 0.515 * h), bow, p.material, 0.2
            )
    for x in (0.06, 0.0):
        draft.grasp(x * b, 0.0, z, HALF_TURN, 2.16 * head)
    return draft


@builder("toy_car")
def toy_car(p: Params) -> Draft:
    """A small car: body, cabin with windows, four wheels, lamps."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    width = min(width, 0.56 * length)
    height = float(np.clip(height, 0.36 * length, 0.9 * width + 0.01))
    half, wheel = width / 2, p.uniform(0.115, 0.135) * length
    wheel = min(wheel, 0.3 * height)
    clear, waist = 0.55 * wheel, 0.56 * height
    nose = p.uniform(0.42, 0.5) * height
    x1 = 0.5 * length
    side = [(-x1, clear), (-0.98 * x1, clear - 0.06 * wheel), (0.98 * x1, clear - 0.06 * wheel), (x1, clear),
            (x1, 0.8 * nose), (0.94 * x1, nose),
            (0.42 * x1, waist), (-0.9 * x1, waist), (-x1, 0.9 * waist)]  # fmt: skip
    draft = Draft()
    metal = p.paint("silver")
    body = side_view(side, -half, half, 0.05 * width)
    draft.add(body.painted(p.paint("charcoal"), body.centers[:, 2] < clear), p.color, p.material, 0.5)
    back = p.uniform(-0.92, -0.62) * x1
    low = [(back, -0.86 * half), (0.5 * x1, -0.86 * half), (0.5 * x1, 0.86 * half), (back, 0.86 * half)]
    top = [
        (back + 0.12 * x1, -0.68 * half),
        (0.14 * x1, -0.68 * half),
        (0.14 * x1, 0.68 * half),
        (back + 0.12 * x1, 0.68 * half),
    ]
    roof = 0.93 * height

    def between(share: float) -> np.ndarray:
        return np.array(low) + share * (np.array(top) - np.array(low))

    # Each level has the corners twice, so that the panes have frames.
    def framed(level: np.ndarray) -> np.ndarray:
        points = []
        for k in range(4):
            start, end = level[k], level[(k + 1) % 4]
            points += [start, start + 0.09 * (end - start), start + 0.91 * (end - start)]
        return np.array(points)

    sections = [(framed(between(0.0)), waist - 0.001), (framed(between(0.12)), waist + 0.1 * (roof - waist)),
                (framed(between(0.86)), waist + 0.86 * (roof - waist)), (framed(between(1.0)), roof),
                (framed(between(1.0)) * [0.97, 0.86], height)]  # fmt: skip
    cabin = stack(sections)
    z = cabin.centers[:, 2]
    pane = (z > waist + 0.12 * (roof - waist)) & (z < waist + 0.84 * (roof - waist))
    faces = cabin.vertices[cabin.faces]
    wide = np.linalg.norm(faces.max(axis=1)[:, :2] - faces.min(axis=1)[:, :2], axis=1) > 0.3 * width
    bright = sum(p.color) < 300 or p.uniform(0, 1) < 0.5
    glass, roof_color = (
        p.paint("light_blue" if bright else "navy"),
        p.color if p.uniform(0, 1) < 0.7 else p.paint("white"),
    )
    draft.add(cabin.painted(glass, pane & wide), roof_color, p.material, 0.3)
    tire, hub = p.paint("black"), metal
    track, axle = 0.24 * width, (0.62 * x1, -0.6 * x1)
    for x in axle:
        for s in (-1.0, 1.0):
            profile = [(0.0, 0.0), (0.85 * wheel, 0.0), (wheel, 0.08 * track), (wheel, 0.8 * track),
                       (0.86 * wheel, track), (0.55 * wheel, track),
                       (0.5 * wheel, 0.94 * track), (0.0, 0.94 * track)]  # fmt: skip
            disc = lathe(profile, 10)
            disc = disc.painted(
                hub, (np.linalg.norm(disc.centers[:, :2], axis=1) < 0.56 * wheel) & (disc.centers[:, 2] > 0.5 * track)
            )
            disc = disc.turned("x", -s * HALF_TURN).moved(x, s * (1.08 * half - track), wheel)
            draft.add(disc, tire, RUBBER, 0.7)
        draft.collision.append(prism_hull([(x - 0.5 * wheel, 0.0), (x + 0.5 * wheel, 0.0),
                                           (x + wheel, 0.7 * wheel), (x - wheel, 0.7 * wheel),
                                           (x, 1.8 * wheel)], half))  # fmt: skip
    for s in (-1.0, 1.0):
        draft.add(
            rounded_box(0.03 * length, 0.22 * width, 0.1 * height, 5e-4, 2).moved(
                0.986 * x1, s * 0.62 * half, 0.55 * nose
            ),
            p.paint("yellow"),
            p.material,
            0.3,
        )
        draft.add(
            rounded_box(0.03 * length, 0.2 * width, 0.1 * height, 5e-4, 2).moved(
                -0.986 * x1, s * 0.66 * half, 0.62 * waist
            ),
            p.paint("maroon"),
            p.material,
            0.3,
        )
    draft.collision.append(
        prism_hull([(-x1, clear), (x1, clear), (x1, 0.8 * nose), (0.42 * x1, waist), (-x1, waist)], half)
    )
    draft.collision.append(hull([(x, y, waist) for x, y in low] + [(x, y, height) for x, y in top]))
    for x in (0.0, 0.1 * x1, -0.1 * x1):
        draft.grasp(x, 0.0, 0.5 * (clear + waist), HALF_TURN, width)
    return draft
