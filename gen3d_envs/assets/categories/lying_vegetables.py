"""Vegetables that lie: potato, carrot, cucumber, eggplant, corn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN,
    ROLLING_FRICTION_M,
    axis_of,
    leaf,
    long_grasps,
    lying,
    lying_hulls,
    merged,
    mottled,
    scattered,
    speckled,
    stem,
    tinted,
)  # fmt: skip
from gen3d_envs.assets.shapes import bumpy

STALK: Rgb = (104.0, 148.0, 62.0)
GREENS: Rgb = (66.0, 138.0, 56.0)


@builder("potato")
def potato(p: Params) -> Draft:
    """A potato: an irregular lump with eyes and earthy patches."""
    length, width = p.length("length_m"), p.length("width_m")
    length = max(length, 1.25 * width)
    t = np.array([-1.0, -0.93, -0.76, -0.5, -0.18, 0.18, 0.5, 0.76, 0.93, 1.0])
    r = np.sqrt(np.clip(1.0 - np.abs(t) ** p.uniform(2.2, 2.8), 0.0, 1.0)) * (1.0 + p.uniform(-0.1, 0.1) * t)
    height = p.uniform(0.82, 0.95)
    radii = 0.5 * width * np.column_stack([r, height * r])
    y = p.uniform(-0.08, 0.08) * width * (1.0 - t**2)
    centers = axis_of(0.5 * length * t, radii[:, 1], 0.1, y)
    body = bumpy(lying(centers, radii, 16), p.rng, 0.045, 1.6)
    low = body.vertices[:, 2].min() + 0.035 * width
    body = replace(body, vertices=np.column_stack([body.vertices[:, :2], np.maximum(body.vertices[:, 2], low)])).moved(
        z=-low
    )
    skin = speckled(mottled(body, p.rng, 0.05), p.rng, p.color, (112.0, 78.0, 48.0), 0.1, 0.45)
    draft = Draft()
    draft.add(skin, p.color, p.material, 1.08)
    size = 0.035 * width
    eyes = scattered(body, 9, (1.6 * size, 0.7 * size, 0.35 * size), p.rng, body.centers[:, 2] > 0.25 * width, 5)
    draft.add(eyes, darker(p.color, 0.55), p.material, 0.01)
    # The mesh's own rings: the ends are single vertices, eight rings of 16 lie between them.
    rings = body.vertices[1:-1].reshape(8, 16, 3)
    draft.collision.append(
        hull(
            np.concatenate(
                [rings[0, ::2], *(rings[k, :: 1 if k in (3, 4) else 2] for k in (1, 3, 4, 6)), rings[7, ::4]]
            )[:64]
        )
    )
    long_grasps(draft, body, centers - [0.0, 0.0, low], radii, 0.1)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("carrot")
def carrot(p: Params) -> Draft:
    """A carrot lying on the table: ringed, tapering, with a tuft of green."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    length -= 2.2 * radius  # the rest is its tuft
    t = np.array([0.0, 0.006, 0.03, 0.07, 0.13, 0.2, 0.29, 0.38, 0.48, 0.58, 0.68, 0.78, 0.88, 0.95, 1.0])
    taper = p.uniform(0.35, 0.55)
    r = (
        radius
        * (1.0 - taper * np.clip((t - 0.05) / 0.85, 0.0, 1.0))
        * np.sqrt(np.clip(1.0 - ((t - 0.55) / 0.46).clip(0.0) ** 2.6, 0.0, 1.0))
    )
    r[:4] = radius * np.array([0.0, 0.5, 0.84, 0.98])
    r[-1] = 0.0
    centers = axis_of(t * length, r, 0.96)
    body = lying(centers, r, 14)
    share = body.vertices[:, 0] / length
    grooves = np.repeat(p.uniform(0.0, 1.0) + p.rng.uniform(0.0, 1.0, len(t)), [1, *([14] * (len(t) - 2)), 1])
    body = tinted(body, p.color, darker(p.color, 0.62), 0.6 * (grooves > 1.2) * (p.rng.uniform(size=len(share)) < 0.62))
    body = tinted(body, p.color, (150.0, 150.0, 60.0), np.clip(0.7 - 16.0 * share, 0.0, 0.7))
    draft = Draft()
    draft.add(body, p.color, p.material, 1.02)
    tuft, middle = [], float(centers[1, 2])
    for k in range(6):
        spread = (k - 2.5) / 2.5
        stalk = leaf(p.uniform(0.9, 1.3) * 1.9 * radius, 0.5 * radius, 0.35, 6).turned("x", p.uniform(-0.6, 0.6))
        stalk = stalk.turned("y", -0.5 * abs(spread) - 0.1).turned("z", np.pi + 0.5 * spread)
        tuft.append(stalk.moved(0.3 * radius, 0.18 * radius * spread, middle + 0.2 * radius))
    greens = merged(tuft)
    draft.add(greens.shaded(1.0 + 0.12 * np.sin(900.0 * greens.vertices[:, 1])), GREENS, MATERIALS["leafy"], 0.6)
    low, high = greens.vertices.min(axis=0), greens.vertices.max(axis=0)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 5, 7), (7, 10, 12, 13, 14)]))
    left, right, root = 0.9 * float(low[1]), 0.9 * float(high[1]), 0.35 * radius
    draft.collision.append(hull([
        *([low[0] + 0.002, y, z] for y in (left, right) for z in (max(float(low[2]), 0.003), 0.94 * float(high[2]))),
        *([0.0, y, z] for y in (-root, root) for z in (middle - root, middle + root)),
    ]))  # fmt: skip
    long_grasps(draft, body, centers, r, 0.1)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("cucumber")
def cucumber(p: Params) -> Draft:
    """A cucumber: slightly bent, pale stripes, warts, lighter ends."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    t = np.array([-1.0, -0.99, -0.95, -0.88, -0.72, -0.48, -0.22, 0.06, 0.34, 0.58, 0.78, 0.91, 0.965, 0.99, 1.0])
    r = radius * (1.0 - np.abs(t) ** 7) ** 0.5 * (0.94 + 0.06 * np.cos(2.0 * t))
    y = p.uniform(-0.05, 0.05) * length * (1.0 - t**2)
    centers = axis_of(0.5 * length * t, r, 0.0, y)
    n = 16
    body = lying(centers, r, n)
    side = np.concatenate([[0.0], np.tile(np.arange(n), len(t) - 2), [0.0]])
    share = np.abs(body.vertices[:, 0]) / (0.5 * length)
    light = mix(p.color, (190.0, 210.0, 110.0), 0.6)
    stripes = (side % 4 == 1) * np.clip(body.vertices[:, 0] / length + 0.35, 0.0, 0.7)
    body = tinted(body, p.color, light, np.maximum(stripes, np.clip(6.0 * share - 5.3, 0.0, 0.6)))
    body = mottled(body, p.rng, 0.04)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.97)
    size = 0.05 * radius
    warts = scattered(body, 22, (size, size, 0.8 * size), p.rng, body.centers[:, 2] > 0.5 * radius)
    draft.add(warts, mix(p.color, (220.0, 226.0, 160.0), 0.45), p.material, 0.01)
    stub = (
        stem(0.2 * radius, 0.14 * radius)
        .turned("y", HALF_TURN)
        .moved(0.5 * length - 0.06 * radius, 0.0, float(centers[-1, 2]))
    )
    draft.add(stub, STALK, MATERIALS["wood"])
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 4, 5), (5, 6, 7, 8), (8, 9, 10, 11, 13)]))
    long_grasps(draft, body, centers, r, 0.1)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("eggplant")
def eggplant(p: Params) -> Draft:
    """An eggplant: a glossy club with a green cap and stalk."""
    length, radius = p.length("length_m"), p.length("diameter_m") / 2
    length = max(length, 3.4 * radius)
    t = np.array([0.0, 0.008, 0.04, 0.1, 0.2, 0.31, 0.43, 0.55, 0.67, 0.78, 0.86, 0.91, 0.93])
    neck = p.uniform(0.46, 0.62)
    r = radius * np.interp(t, [0.0, 0.008, 0.04, 0.1, 0.2, 0.31, 0.43, 0.67, 0.86, 0.91, 0.93],
                           [0.0, 0.34, 0.66, 0.9, 1.0, 1.0, 0.93, 0.5 + 0.5 * neck, neck, 0.7 * neck, 0.0])  # fmt: skip
    y = p.uniform(-0.05, 0.05) * length * t**2
    centers = axis_of(t * length, r, 0.7, y)
    n = 16
    body = lying(centers, r, n)
    side = np.concatenate([[0.0], np.tile(np.arange(n), len(t) - 2), [0.0]])
    # The renderer has no highlights; an eggplant without one looks like felt.
    shine = (side == 3) * 0.34 + ((side == 2) | (side == 4)) * 0.14
    body = tinted(body, p.color, (235.0, 225.0, 245.0), shine * (body.vertices[:, 0] > 0.1 * length))
    body = body.shaded(0.92 - 0.1 * np.clip(body.vertices[:, 0] / length, 0.0, 1.0))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.72)
    cap_r = r.copy()
    k = 9
    cap_t = np.array([0.8, 0.86, 0.915, 0.94, 0.99, 1.0])
    cap_r = radius * neck * np.array([1.13, 1.1, 0.78, 0.3, 0.26, 0.3])
    cap_centers = np.column_stack([cap_t * length, np.interp(cap_t, t, y), np.interp(cap_t, t, centers[:, 2])])
    cap = lying(cap_centers, cap_r, 10)
    first = np.abs(cap.vertices[:, 0] - cap_t[0] * length) < 1e-6
    around = np.arctan2(cap.vertices[:, 1] - cap_centers[0, 1], cap.vertices[:, 2] - cap_centers[0, 2])
    points = cap.vertices.copy()
    points[:, 0] -= first * 0.07 * length * np.cos(5 * around)
    cap = tinted(
        replace(cap, vertices=points),
        GREENS,
        (138.0, 156.0, 84.0),
        np.clip(9.0 * cap.vertices[:, 0] / length - 8.0, 0.0, 0.8),
    )
    draft.add(cap, GREENS, p.material, 0.3)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 4, 5, 6), (6, 7, 8, k, 11)]))
    draft.collision.extend(lying_hulls(cap_centers, cap_r, [(1, 2, 3), (3, 5)], 8))
    long_grasps(draft, body, centers, r, 0.08)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("corn")
def corn(p: Params) -> Draft:
    """A cob of corn: rows of kernels, with husk leaves turned back at its foot."""
    length, radius = p.length("length_m"), p.length("diameter_m") / 2
    core = 0.86 * length
    t = np.array([0.0, 0.012, 0.05, 0.12, 0.2, 0.28, 0.36, 0.44, 0.52, 0.6, 0.68, 0.76, 0.84, 0.91, 0.97, 1.0])
    r = radius * np.interp(
        t,
        [0.0, 0.012, 0.05, 0.12, 0.3, 0.6, 0.76, 0.89, 0.98, 1.0],
        [0.0, 0.6, 0.86, 0.97, 1.0, 0.94, 0.84, 0.64, 0.3, 0.0],
    )
    centers = axis_of(t * core, r, 0.5)
    n = 20
    body = lying(centers, r, n, 1.0 + 0.035 * np.where(np.arange(n) % 2 == 0, 1.0, -1.0))
    row = np.concatenate([[0], np.repeat(np.arange(1, len(t) - 1), n), [0]])
    side = np.concatenate([[0], np.tile(np.arange(n), len(t) - 2), [0]])
    kernels = np.where(side % 2 == 1, 0.72, np.where((row + side // 2) % 2 == 0, 1.06, 0.94))
    body = mottled(body.shaded(kernels), p.rng, 0.03)
    body = tinted(body, p.color, (250.0, 240.0, 190.0), np.clip(5.0 * body.vertices[:, 0] / core - 4.2, 0.0, 0.6))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    middle = float(centers[3, 2])
    husks = []
    for k in range(5):
        angle = 2.0 * np.pi * k / 5 + p.uniform(-0.2, 0.2)
        blade = (
            leaf(p.uniform(0.34, 0.5) * core, 1.15 * radius, 0.16, 8)
            .turned("y", -0.26)
            .moved(-0.12 * length, 0.0, 0.55 * radius)
        )
        husks.append(blade.turned("x", angle).moved(z=middle))
    foot = lying(
        np.column_stack([[-0.14 * length, -0.06 * length, 0.02 * length], np.zeros(3), [middle] * 3]),
        radius * np.array([0.26, 0.4, 0.7]),
        8,
    )
    husk = merged([*husks, foot])
    # Leaves below the cob lie on the table.
    husk = replace(
        husk,
        vertices=np.column_stack(
            [husk.vertices[:, :2], np.maximum(husk.vertices[:, 2], 0.0005 + 0.02 * np.abs(husk.vertices[:, 2]))]
        ),
    )
    green: Rgb = (132.0, 172.0, 74.0)
    husk = tinted(
        husk, green, (206.0, 210.0, 132.0), np.clip(0.5 - 4.0 * (husk.vertices[:, 0] / length + 0.1), 0.0, 0.7)
    )
    draft.add(husk, green, MATERIALS["leafy"], 0.4)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 5, 8), (8, 10, 12, 13, 14)]))
    foot_centers = np.array([[-0.14 * length, 0.0, middle], [0.02 * length, 0.0, middle]])
    draft.collision.extend(lying_hulls(foot_centers, radius * np.array([0.3, 0.7]), [(0, 1)], 8))
    wide = float(np.abs(husk.vertices[:, 1]).max())
    draft.collision.append(
        hull(
            [
                [x, y, z]
                for x in (0.05 * core, 0.26 * core)
                for y in (-wide + 0.003, wide - 0.003)
                for z in (0.6 * middle, 1.3 * middle)
            ]
        )
    )
    long_grasps(draft, body, centers, r, 0.08)
    # Across the husk fingers would meet leaves.
    draft.grasps = [replace(g, position_m=(max(g.position_m[0], 0.48 * core), *g.position_m[1:])) for g in draft.grasps]
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft
