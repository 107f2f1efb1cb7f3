"""Moulded animals: duck, fish, dinosaur."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import block, hull
from gen3d_envs.assets.lengthwise import HALF_TURN, egg, eyes, flattened, side_view, spine, spine_hulls
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import ellipsoid, extrude, lathe, sweep

WHITE: Rgb = (255.0, 255.0, 255.0)
RUBBER, PLASTIC = MATERIALS["rubber"], MATERIALS["plastic"]


@builder("toy_duck")
def toy_duck(p: Params) -> Draft:
    """A bath duck with an orange beak."""
    length, width = p.length("length_m"), p.length("width_m")
    width = float(np.clip(width, 0.62 * length, 0.74 * length))
    a, b = 0.5 * length, 0.5 * width
    t = np.array([-1.0, -0.97, -0.86, -0.66, -0.4, -0.1, 0.2, 0.5, 0.76, 0.93, 1.0])
    half_y = b * np.interp(t, t, [0.0, 0.1, 0.3, 0.62, 0.9, 1.0, 1.0, 0.9, 0.66, 0.34, 0.0])
    middle = a * np.interp(t, t, [0.92, 0.88, 0.78, 0.64, 0.55, 0.52, 0.52, 0.54, 0.58, 0.62, 0.64])
    half_z = a * np.interp(t, t, [0.0, 0.08, 0.22, 0.42, 0.54, 0.57, 0.57, 0.53, 0.4, 0.21, 0.0])
    rows = np.column_stack([0.92 * a * t, 0 * t, middle, half_y, half_z])
    base = 0.05 * a
    draft = Draft()
    # A rubber skin of 3 mm, as share of the whole.
    hollow = 3.0 * 0.003 / b
    draft.add(flattened(spine(rows, 14, start_rad=np.pi / 14), base), p.color, p.material, hollow)
    head = p.uniform(0.43, 0.48) * a
    x, z = p.uniform(0.46, 0.54) * a, 1.02 * a + 0.62 * head
    draft.add(egg(head, 0.94 * head, 0.95 * head, (x, 0.0, z), 12, 8), p.color, p.material, hollow)
    beak = p.paint("orange") if p.color_name != "orange" else p.paint("yellow")
    for lift, thick, reach in ((0.0, 0.13, 0.56), (-0.16, 0.09, 0.46)):
        bill = [(x + 0.72 * head, 0.0, z + (lift - 0.12) * head, 0.42 * head, 1.5 * thick * head),
                (x + 0.95 * head, 0.0, z + (lift - 0.14) * head, 0.44 * head, thick * head),
                (x + (0.9 + 0.6 * reach) * head, 0.0, z + (0.6 * lift - 0.12) * head, 0.36 * head,
                 0.8 * thick * head),
                (x + (0.9 + reach) * head, 0.0, z + (0.6 * lift - 0.08) * head, 0.16 * head,
                 0.4 * thick * head)]  # fmt: skip
        draft.add(spine(bill, 10), beak if lift == 0.0 else darker(beak, 0.85), p.material, hollow)
    eyes(p, draft, (x + 0.66 * head, 0.52 * head, z + 0.3 * head), 0.13 * head)
    for side in (-1.0, 1.0):
        wing = egg(0.42 * a, 0.13 * b, 0.26 * a, (0.0, 0.0, 0.0), 8, 6).turned("y", 0.3)
        draft.add(wing.moved(-0.14 * a, side * 0.93 * b, 0.6 * a), darker(p.color, 0.93), p.material, hollow)
    draft.collision.extend(spine_hulls(rows[[1, 3, 5, 6, 8, 9]], (0, 2, 5), base))
    skull = [
        (x + s * head, 0.0, z, w * 0.94 * head, w * 0.95 * head)
        for s, w in ((-0.95, 0.3), (-0.6, 0.8), (0.0, 1.0), (0.6, 0.8), (0.95, 0.35))
    ]
    draft.collision.extend(spine_hulls(skull, (0, 4)))
    draft.collision.append(
        block((x + 0.8 * head, x + 1.42 * head), (-0.4 * head, 0.4 * head), (z - 0.36 * head, z + 0.06 * head))
    )
    # High on the back and behind the head, which a hand with short fingers would meet.
    for at in (-0.1, 0.0, -0.2):
        draft.grasp(at * a, 0.0, 0.76 * a, HALF_TURN, 1.92 * b)
    return draft


@builder("toy_fish")
def toy_fish(p: Params) -> Draft:
    """A flat toy fish lying on its side."""
    length, width = p.length("length_m"), p.length("width_m", grip=True)
    width = min(width, 0.52 * length)
    half, body_length = width / 2, 0.76 * length
    thick = max(p.uniform(0.46, 0.56) * width, 0.015)
    t = np.array([0.0, 0.02, 0.08, 0.18, 0.3, 0.42, 0.56, 0.7, 0.84, 0.94, 1.0])
    tall = np.array([0.0, 0.18, 0.5, 0.8, 0.98, 1.0, 0.92, 0.72, 0.46, 0.26, 0.18]) * half
    deep = np.array([0.0, 0.2, 0.5, 0.8, 0.97, 1.0, 0.92, 0.74, 0.5, 0.32, 0.22]) * thick * 0.62
    level = 0.38 * thick
    # x runs from the tail to the nose.
    rows = np.column_stack([length - t * body_length, 0 * t, 0 * t + level, tall, deep])[::-1]
    body = flattened(spine(rows, 18, start_rad=np.pi / 18), 0.0)
    stripe = p.paint("white") if p.color_name != "white" else p.paint("blue")
    second = (
        p.paint(p.choice(("white", "yellow", "blue", "teal")))
        if p.color_name not in ("white", "yellow", "blue", "teal")
        else stripe
    )
    along = (length - body.centers[:, 0]) / body_length
    bands = p.uniform(0, 1) < 0.6
    body = (
        body.painted(stripe, ((along > 0.3) & (along < 0.42)) | ((along > 0.7) & (along < 0.84)))
        if bands
        else body.painted(second, along < 0.18)
    )
    draft = Draft()
    draft.add(body, p.color, p.material, 0.7)
    fin = darker(p.color, 0.82) if bands else second
    low, high = level - 0.2 * thick, level + 0.2 * thick
    x0 = length - body_length
    tail = [(x0 + 0.06 * length, -0.16 * half), (x0 + 0.06 * length, 0.16 * half), (0.1 * length, 0.72 * half),
            (0.0, 0.92 * half), (0.07 * length, 0.0),
            (0.0, -0.92 * half), (0.1 * length, -0.72 * half)]  # fmt: skip
    draft.add(extrude(tail, low, high, 0.0012), fin, p.material, 0.7)
    mid = length - 0.42 * body_length
    for s, reach in ((1.0, 0.3), (-1.0, 0.2)):
        dorsal = [(mid + 0.16 * length, s * 0.8 * half), (mid - 0.02 * length, s * (1.0 + reach) * half),
                  (mid - 0.16 * length, s * (0.95 + reach) * half),
                  (mid - 0.12 * length, s * 0.8 * half)]  # fmt: skip
        draft.add(extrude(dorsal, low, high, 0.001), fin, p.material, 0.7)
    flank = (
        ellipsoid(0.1 * length, 0.05 * length, 0.08 * thick, 8, 5)
        .turned("z", 0.5)
        .moved(mid + 0.02 * length, -0.1 * half, level + 0.55 * thick)
    )
    draft.add(flank, fin, p.material, 0.3)
    eye_x = length - 0.17 * body_length
    eye_z = level + 0.44 * thick
    draft.add(
        ellipsoid(0.2 * half, 0.2 * half, 0.1 * thick, 10, 5).moved(eye_x, 0.2 * half, eye_z),
        p.paint("white", 0.0),
        PLASTIC,
        0.2,
    )
    draft.add(
        ellipsoid(0.11 * half, 0.11 * half, 0.1 * thick, 8, 5).moved(
            eye_x + 0.03 * half, 0.2 * half, eye_z + 0.035 * thick
        ),
        p.paint("black", 0.0),
        PLASTIC,
        0.2,
    )
    draft.collision.extend(spine_hulls(rows[[0, 3, 5, 6, 8, 9]], (0, 2, 3, 5), 0.0))
    draft.collision.append(hull([(x, y, z) for x,
                                 y in ((x0 + 0.04 * length, 0.2 * half), (x0 + 0.04 * length, -0.2 * half),
                                       (0.0, 0.9 * half), (0.0, -0.9 * half))
                                 for z in (low, high)]))  # fmt: skip
    for s, reach in ((1.0, 0.3), (-1.0, 0.2)):
        near, far = 0.8 * half, (0.9 + reach) * half
        draft.collision.append(
            block(
                (mid - 0.14 * length, mid + 0.04 * length),
                (min(s * near, s * far), max(s * near, s * far)),
                (low, high),
            )
        )
    draft.rolling_friction_m = 0.0005
    grip = 2.2 * half
    for x in (mid + 0.06 * length, mid + 0.1 * length):
        draft.grasp(x, 0.0, 0.5 * thick, HALF_TURN, grip * 0.98 if x < mid + 0.08 * length else 2 * half)
    return draft


@builder("toy_dinosaur")
def toy_dinosaur(p: Params) -> Draft:
    """A long-necked dinosaur, sometimes with plates on its back."""
    length, width = p.length("length_m"), p.length("width_m")
    width = float(np.clip(width, 0.26 * length, 0.34 * length))
    b = 0.5 * width
    belly = 0.22 * length
    x = np.array([0.0, 0.06, 0.15, 0.25, 0.34, 0.44, 0.54, 0.63, 0.70, 0.75, 0.79, 0.825, 0.86]) * length
    rise = p.uniform(0.9, 1.08)
    z = np.array([0.5, 0.6, 0.76, 0.92, 1.0, 1.04, 1.04, 1.06, 1.3, 1.62, 1.96, 2.3, 2.56]) * belly
    z[8:] = z[7] + rise * (z[8:] - z[7])
    radius = np.array([0.06, 0.16, 0.3, 0.54, 0.82, 1.0, 1.0, 0.8, 0.52, 0.4, 0.34, 0.31, 0.3]) * b
    path = np.column_stack([x, 0 * x, z])
    body = sweep(path, np.column_stack([1.06 * radius, radius]), 10)
    light = mix(p.color, (255.0, 250.0, 200.0), 0.45)
    under = (body.normals[:, 2] < -0.35) & (body.centers[:, 0] > 0.2 * length) & (body.centers[:, 0] < 0.72 * length)
    draft = Draft()
    draft.add(body.painted(light, under), p.color, p.material, 0.6)
    top = path[-1]
    skull = [(top[0] - 0.35 * b, 0.0, top[2] + 0.05 * b, 0.2 * b, 0.2 * b),
             (top[0] - 0.15 * b, 0.0, top[2] + 0.1 * b, 0.4 * b, 0.42 * b),
             (top[0] + 0.25 * b, 0.0, top[2] + 0.1 * b, 0.46 * b, 0.44 * b),
             (top[0] + 0.7 * b, 0.0, top[2] - 0.04 * b, 0.4 * b, 0.3 * b),
             (top[0] + 1.0 * b, 0.0, top[2] - 0.08 * b, 0.24 * b, 0.18 * b)]  # fmt: skip
    draft.add(spine(skull, 10), p.color, p.material, 0.6)
    eyes(p, draft, (top[0] + 0.3 * b, 0.4 * b, top[2] + 0.26 * b), 0.11 * b, white=True)
    foot = 0.34 * b
    for at in (0.36 * length, 0.59 * length):
        for s in (-1.0, 1.0):
            leg = lathe(
                [
                    (0.0, 0.0),
                    (1.1 * foot, 0.0),
                    (1.15 * foot, 0.15 * foot),
                    (foot, 0.7 * foot),
                    (1.05 * foot, 0.8 * belly),
                    (0.0, belly),
                ],
                10,
            )
            leg = leg.painted(light, leg.centers[:, 2] < 0.5 * foot)
            draft.add(leg.moved(at, s * 0.6 * b), p.color, p.material, 0.6)
        draft.collision.append(hull([(at + i * 1.1 * foot, s * y, v) for i in (-1, 1) for s in (-1, 1)
                                     for y, v in ((0.6 * b + 1.1 * foot, 0.0), (0.92 * b, belly))]))  # fmt: skip
    if p.uniform(0, 1) < 0.55:
        plate = (
            p.paint(p.choice(("orange", "yellow", "red", "purple")))
            if p.color_name not in ("orange", "purple")
            else p.paint("yellow")
        )
        for k, share in enumerate((0.22, 0.31, 0.4, 0.49, 0.58, 0.66)):
            at = share * length
            size = (0.3, 0.42, 0.5, 0.5, 0.42, 0.3)[k] * b
            base = float(np.interp(at, x, z) + 0.9 * np.interp(at, x, radius))
            fin = side_view([(at - 0.8 * size, base), (at + 0.8 * size, base),
                             (at + 0.25 * size, base + 1.2 * size), (at - 0.25 * size, base + 1.2 * size)],
                            -0.1 * b, 0.1 * b)  # fmt: skip
            draft.add(fin, plate, p.material, 0.6)
    trunk = np.column_stack([x, 0 * x, z, radius, radius])
    draft.collision.extend(spine_hulls(trunk[[0, 3, 4, 7]], (0, 1, 3)))
    neck = np.array([(px, s * r, pz + q * 0.7 * r) for (px, _, pz),
                     r in zip(path[[7, 9, 12]], radius[[7, 9, 12]], strict=True)
                     for s in (-1, 1) for q in (-1, 1)])  # fmt: skip
    draft.collision.append(hull(neck[:8]))
    draft.collision.append(hull(neck[4:]))
    draft.collision.extend(spine_hulls(skull, (0, 4)))
    for at in (0.49, 0.45):
        draft.grasp(at * length, 0.0, 1.04 * belly, HALF_TURN, 2 * b)
    return draft
