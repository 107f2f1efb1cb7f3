"""Vegetables: tomato, potato, onion, carrot, cucumber, eggplant, broccoli, corn, pepper, mushroom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN, ROLLING_FRICTION_M, axis_of, azimuth, calyx, cut_sphere, leaf, lobed, long_grasps, lying, lying_hulls,
    merged, mottled, round_grasps, scattered, speckled, standing_hull, stem, tinted,
)  # fmt: skip
from gen3d_envs.assets.shapes import Mesh, bumpy, ellipsoid, lathe

STALK: Rgb = (104.0, 148.0, 62.0)
GREENS: Rgb = (66.0, 138.0, 56.0)
PALE: Rgb = (164.0, 192.0, 116.0)


@builder("tomato")
def tomato(p: Params) -> Draft:
    """A tomato: lobed at the shoulder, with a green star and a stub of its stalk."""
    radius = p.length("diameter_m", grip=True) / 2
    height = p.uniform(1.5, 1.75) * radius
    profile = cut_sphere(radius, height, 0.36, 10)
    profile = [*profile[:-2], (0.3 * radius, height - 0.03 * radius), (0.0, height - 0.16 * radius)]
    body = lathe(profile, 20)
    z = body.vertices[:, 2] / height
    lobes = 5 if radius > 0.026 else 3
    body = lobed(body, lobes, 0.09 * np.clip(2.0 * z - 0.7, 0.0, 1.0) * min(radius / 0.03, 1.0))
    pale = mix(p.color, (240.0, 150.0, 60.0), 0.6)
    body = tinted(body, p.color, pale, np.clip(3.2 * z - 2.5, 0.0, 0.6))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    star = calyx(5, 0.8 * radius, 0.24 * radius, 0.22, p.rng).moved(z=height - 0.03 * radius)
    draft.add(star, GREENS, MATERIALS["paper"], 0.8)
    stub = stem(0.17 * radius, 0.07 * radius, 0.05 * radius)
    draft.add(stub.moved(z=height - 0.14 * radius), STALK, MATERIALS["wood"])
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 4, 6, 8)]))
    round_grasps(draft, 0.47 * height, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


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
    body = replace(body, vertices=np.column_stack([body.vertices[:, :2], np.maximum(body.vertices[:, 2], low)])).moved(z=-low)
    skin = speckled(mottled(body, p.rng, 0.05), p.rng, p.color, (112.0, 78.0, 48.0), 0.1, 0.45)
    draft = Draft()
    draft.add(skin, p.color, p.material, 1.08)
    size = 0.035 * width
    eyes = scattered(body, 9, (1.6 * size, 0.7 * size, 0.35 * size), p.rng, body.centers[:, 2] > 0.25 * width, 5)
    draft.add(eyes, darker(p.color, 0.55), p.material, 0.01)
    # The mesh's own rings: the ends are single vertices, eight rings of 16 lie between them.
    rings = body.vertices[1:-1].reshape(8, 16, 3)
    draft.collision.append(hull(np.concatenate([rings[0, ::2], *(rings[k, ::1 if k in (3, 4) else 2] for k in (1, 3, 4, 6)), rings[7, ::4]])[:64]))
    long_grasps(draft, body, centers - [0.0, 0.0, low], radii, 0.1)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("onion")
def onion(p: Params) -> Draft:
    """An onion: a striped skin drawn up to a dry tip."""
    radius = p.length("diameter_m") / 2
    squash = p.uniform(0.86, 1.02) * radius
    shape = (
        (0.32, 0.0), (0.7, 0.16), (0.94, 0.5), (1.0, 0.86), (0.95, 1.16), (0.74, 1.46), (0.42, 1.68), (0.2, 1.84),
        (0.13, 2.02), (0.17, 2.2), (0.0, 2.16),
    )  # fmt: skip
    profile = [(r * radius, z * squash) for r, z in shape]
    n = 24
    body = lathe(profile, n)
    z = body.vertices[:, 2] / (2.2 * squash)
    lines = np.cos(12 * azimuth(body)) * np.where((z > 0.01) & (z < 0.97), 1.0, 0.0)
    light = p.color_name == "white"
    body = tinted(body, p.color, (176.0, 190.0, 110.0) if light else darker(p.color, 0.62), (0.18 if light else 0.34) * (lines > 0.0))
    dry = mix(p.color, (206.0, 170.0, 112.0), 0.7)
    body = tinted(body, p.color, dry, np.clip(6.0 * z - 4.6, 0.0, 0.9))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 3, 4, 6)]))
    draft.collision.append(standing_hull([profile[6], profile[7], profile[9]], 6))
    round_grasps(draft, profile[3][1], 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("carrot")
def carrot(p: Params) -> Draft:
    """A carrot lying on the table: ringed, tapering, with a tuft of green."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    t = np.array([0.0, 0.006, 0.03, 0.07, 0.13, 0.2, 0.29, 0.38, 0.48, 0.58, 0.68, 0.78, 0.88, 0.95, 1.0])
    taper = p.uniform(0.35, 0.55)
    r = radius * (1.0 - taper * np.clip((t - 0.05) / 0.85, 0.0, 1.0)) * np.sqrt(np.clip(1.0 - ((t - 0.55) / 0.46).clip(0.0) ** 2.6, 0.0, 1.0))
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
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 5, 7), (7, 10, 12, 13)]))
    tip, half = 0.5 * (low[2] + high[2]), 0.35 * radius
    draft.collision.append(hull([[x, y, z] for x, wide in ((low[0] + 0.002, 1.2), (0.0, 0.8)) for y in (-wide * half, wide * half) for z in (tip - half, tip + half)]))
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
    stub = stem(0.2 * radius, 0.14 * radius).turned("y", HALF_TURN).moved(0.5 * length - 0.06 * radius, 0.0, float(centers[-1, 2]))
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
    cap = tinted(replace(cap, vertices=points), GREENS, (138.0, 156.0, 84.0), np.clip(9.0 * cap.vertices[:, 0] / length - 8.0, 0.0, 0.8))
    draft.add(cap, GREENS, p.material, 0.3)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 4, 5, 6), (6, 7, 8, k, 11)]))
    draft.collision.extend(lying_hulls(cap_centers, cap_r, [(1, 2, 3), (3, 5)], 8))
    long_grasps(draft, body, centers, r, 0.08)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("broccoli")
def broccoli(p: Params) -> Draft:
    """A head of broccoli standing on its stalk: a pale trunk that forks below knobbly florets."""
    width, height = p.length("diameter_m"), p.length("height_m")
    radius = width / 2
    height = float(np.clip(height, 1.0 * width, 1.25 * width))
    crown_z = height - 0.52 * width
    trunk = p.uniform(0.44, 0.52) * radius
    foot = [(trunk * 1.04, 0.0), (trunk, 0.3 * crown_z), (1.05 * trunk, 0.72 * crown_z), (0.78 * radius, crown_z + 0.16 * radius), (0.0, crown_z + 0.2 * radius)]
    body = lathe(foot, 12)
    z = body.vertices[:, 2] / (crown_z + 1e-9)
    body = lobed(body, 4, 0.22 * np.clip(2.0 * z - 1.0, 0.0, 1.0))
    draft = Draft()
    draft.add(tinted(body, PALE, p.color, np.clip(2.2 * z - 1.7, 0.0, 0.7)), PALE, MATERIALS["vegetable"], 0.9)
    florets: list[Mesh] = []
    # Rings of florets on a dome: latitude, number, size.
    for latitude, count, size in ((1.45, 1, 0.46), (0.78, 5, 0.44), (0.12, 7, 0.38)):
        start = p.uniform(0.0, 2.0)
        for k in range(count):
            angle = start + 2.0 * np.pi * (k + p.uniform(-0.12, 0.12)) / count
            r = size * radius * p.uniform(0.92, 1.08)
            bud = bumpy(ellipsoid(r, r, 0.86 * r, 7, 5), p.rng, 0.13, 3.0)
            reach = (1.0 - size) * radius * np.cos(latitude)
            x, y = reach * np.cos(angle), reach * np.sin(angle)
            top = crown_z + 0.3 * radius + 0.36 * radius * np.sin(latitude)
            shade = 0.94 + 0.2 * np.clip(bud.vertices[:, 2] / r, -1.0, 1.0) + p.rng.uniform(-0.12, 0.12, len(bud.vertices))
            florets.append(bud.shaded(shade).turned("z", angle).moved(x, y, top))
    crown = merged(florets)
    # Florets overlap each other by about half.
    draft.add(crown, p.color, p.material, 0.55)
    top = float(crown.vertices[:, 2].max())
    bottom = float(crown.vertices[:, 2].min())
    draft.collision.append(standing_hull([(1.04 * trunk, 0.0), (1.04 * trunk, crown_z)]))
    middle = crown_z + 0.3 * radius
    draft.collision.append(standing_hull([(0.72 * radius, bottom), (0.97 * radius, middle - 0.12 * radius), (0.97 * radius, middle + 0.12 * radius), (0.42 * radius, top)]))
    round_grasps(draft, middle - 0.04 * radius, 1.94 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("corn")
def corn(p: Params) -> Draft:
    """A cob of corn: rows of kernels, with husk leaves turned back at its foot."""
    length, radius = p.length("length_m"), p.length("diameter_m") / 2
    core = 0.86 * length
    t = np.array([0.0, 0.012, 0.05, 0.12, 0.2, 0.28, 0.36, 0.44, 0.52, 0.6, 0.68, 0.76, 0.84, 0.91, 0.97, 1.0])
    r = radius * np.interp(t, [0.0, 0.012, 0.05, 0.12, 0.3, 0.6, 0.76, 0.89, 0.98, 1.0], [0.0, 0.6, 0.86, 0.97, 1.0, 0.94, 0.84, 0.64, 0.3, 0.0])
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
        blade = leaf(p.uniform(0.34, 0.5) * core, 1.15 * radius, 0.16, 8).turned("y", -0.26).moved(-0.12 * length, 0.0, 0.55 * radius)
        husks.append(blade.turned("x", angle).moved(z=middle))
    foot = lying(np.column_stack([[-0.14 * length, -0.06 * length, 0.02 * length], np.zeros(3), [middle] * 3]), radius * np.array([0.26, 0.4, 0.7]), 8)
    husk = merged([*husks, foot])
    # Leaves below the cob lie on the table.
    husk = replace(husk, vertices=np.column_stack([husk.vertices[:, :2], np.maximum(husk.vertices[:, 2], 0.0005 + 0.02 * np.abs(husk.vertices[:, 2]))]))
    green: Rgb = (132.0, 172.0, 74.0)
    husk = tinted(husk, green, (206.0, 210.0, 132.0), np.clip(0.5 - 4.0 * (husk.vertices[:, 0] / length + 0.1), 0.0, 0.7))
    draft.add(husk, green, MATERIALS["leafy"], 0.4)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 5, 8), (8, 10, 12, 13, 14)]))
    foot_centers = np.array([[-0.14 * length, 0.0, middle], [0.02 * length, 0.0, middle]])
    draft.collision.extend(lying_hulls(foot_centers, radius * np.array([0.3, 0.7]), [(0, 1)], 8))
    wide = float(np.abs(husk.vertices[:, 1]).max())
    draft.collision.append(hull([[x, y, z] for x in (0.05 * core, 0.26 * core) for y in (-wide + 0.003, wide - 0.003) for z in (0.6 * middle, 1.3 * middle)]))
    long_grasps(draft, body, centers, r, 0.08)
    # Across the husk fingers would meet leaves.
    draft.grasps = [replace(g, position_m=(max(g.position_m[0], 0.48 * core), *g.position_m[1:])) for g in draft.grasps]
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("pepper")
def pepper(p: Params) -> Draft:
    """A bell pepper: three or four lobes, a sunken top and a thick green stalk."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.9 * radius, 2.6 * radius))
    shape = (
        (0.52, 0.0), (0.72, 0.05), (0.84, 0.2), (0.92, 0.4), (0.99, 0.6), (1.0, 0.76), (0.9, 0.9), (0.66, 0.98), (0.42, 0.99),
        (0.2, 0.93), (0.0, 0.91),
    )  # fmt: skip
    profile = [(r * radius, z * height) for r, z in shape]
    body = lathe(profile, 24)
    lobes = int(p.rng.integers(3, 5))
    z = body.vertices[:, 2] / height
    phase = p.uniform(0.0, 1.0)
    body = lobed(body, lobes, 0.17, phase)
    groove = 0.5 - 0.5 * np.cos(lobes * (azimuth(body) - phase))
    body = body.shaded(1.05 - 0.22 * groove)
    if p.color_name != "green" and p.uniform(0.0, 1.0) < 0.4:
        body = tinted(body, p.color, (120.0, 150.0, 50.0), np.clip(2.4 * z - 2.0, 0.0, 0.6) * groove)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.9)
    wide = lathe([(0.0, -0.02), (0.26, -0.02), (0.3, 0.04), (0.13, 0.1), (0.0, 0.11)], 8).scaled(radius, radius, radius)
    draft.add(wide.moved(z=0.925 * height), STALK, p.material)
    draft.add(stem(0.42 * radius, 0.12 * radius, 0.16 * radius, 7).moved(z=0.925 * height), darker(STALK, 0.88), p.material)
    draft.collision.append(standing_hull([(r * 0.95, z) for r, z in (profile[k] for k in (0, 2, 4, 5, 7))]))
    draft.collision.append(standing_hull([(0.14 * radius, 0.95 * height), (0.14 * radius, 0.925 * height + 0.4 * radius)], 4, (0.06 * radius, 0.0)))
    round_grasps(draft, 0.62 * height, 1.95 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("mushroom")
def mushroom(p: Params) -> Draft:
    """A mushroom: a domed cap over dark gills on a stout stem."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.35 * radius, 2.1 * radius))
    foot = p.uniform(0.42, 0.52) * radius
    rim = height - p.uniform(0.75, 0.9) * radius
    stalk = lathe([(1.08 * foot, 0.0), (1.12 * foot, 0.1 * height), (0.96 * foot, 0.6 * rim), (foot, rim + 0.16 * radius), (0.0, rim + 0.16 * radius)], 16)
    cream: Rgb = (240.0, 228.0, 204.0)
    draft = Draft()
    draft.add(tinted(stalk, cream, (176.0, 146.0, 108.0), np.clip(0.5 - 3.0 * stalk.vertices[:, 2] / height, 0.0, 0.5)), cream, p.material, 0.9)
    angle = np.linspace(0.12, np.pi / 2, 7)
    dome = [(radius * float(np.cos(a)) ** 0.9, rim + (height - rim) * float(np.sin(a))) for a in angle[:-1]]
    under = [(0.5 * radius, rim + 0.12 * radius), (0.86 * radius, rim + 0.04 * radius), (0.98 * radius, rim + 0.02 * radius)]
    cap = lathe([*under, *dome, (0.0, height)], 20)
    gills = (cap.normals[:, 2] < -0.3) & (cap.centers[:, 2] < rim + 0.13 * radius)
    cap = cap.painted((132.0, 96.0, 70.0), gills)
    patches = np.clip(p.rng.normal(0.0, 0.2, len(cap.vertices)), 0.0, 0.5)
    cap = tinted(cap, p.color, (164.0, 124.0, 84.0), np.where(cap.vertices[:, 2] > rim + 0.15 * radius, patches, 0.0))
    draft.add(cap, p.color, p.material, 0.9)
    draft.collision.append(standing_hull([(1.08 * foot, 0.0), (1.0 * foot, rim + 0.05 * radius)]))
    draft.collision.append(standing_hull([under[1], dome[0], dome[2], dome[4], (0.2 * radius, height)]))
    round_grasps(draft, rim + 0.16 * radius, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft
