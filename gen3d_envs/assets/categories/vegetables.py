"""Vegetables that stand: tomato, onion, broccoli, pepper, mushroom."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    ROLLING_FRICTION_M,
    azimuth,
    calyx,
    cut_sphere,
    lobed,
    merged,
    round_grasps,
    standing_hull,
    stem,
    tinted,
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
    body = tinted(
        body,
        p.color,
        (176.0, 190.0, 110.0) if light else darker(p.color, 0.62),
        (0.18 if light else 0.34) * (lines > 0.0),
    )
    dry = mix(p.color, (206.0, 170.0, 112.0), 0.7)
    body = tinted(body, p.color, dry, np.clip(6.0 * z - 4.6, 0.0, 0.9))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 3, 4, 6)]))
    draft.collision.append(standing_hull([profile[6], profile[7], profile[9]], 6))
    round_grasps(draft, profile[3][1], 2 * radius)
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
    foot = [
        (trunk * 1.04, 0.0),
        (trunk, 0.3 * crown_z),
        (1.05 * trunk, 0.72 * crown_z),
        (0.78 * radius, crown_z + 0.16 * radius),
        (0.0, crown_z + 0.2 * radius),
    ]
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
            shade = (
                0.94 + 0.2 * np.clip(bud.vertices[:, 2] / r, -1.0, 1.0) + p.rng.uniform(-0.12, 0.12, len(bud.vertices))
            )
            florets.append(bud.shaded(shade).turned("z", angle).moved(x, y, top))
    crown = merged(florets)
    # Florets overlap each other by about half.
    draft.add(crown, p.color, p.material, 0.55)
    top = float(crown.vertices[:, 2].max())
    bottom = float(crown.vertices[:, 2].min())
    draft.collision.append(standing_hull([(1.04 * trunk, 0.0), (1.04 * trunk, crown_z)]))
    middle = crown_z + 0.3 * radius
    draft.collision.append(
        standing_hull(
            [
                (0.72 * radius, bottom),
                (0.97 * radius, middle - 0.12 * radius),
                (0.97 * radius, middle + 0.12 * radius),
                (0.42 * radius, top),
            ]
        )
    )
    round_grasps(draft, middle - 0.04 * radius, 1.94 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("pepper")
def pepper(p: Params) -> Draft:
    """A bell pepper: three or four lobes, a sunken top and a thick green stalk."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.9 * radius, 2.6 * radius))
    shape = (
        (0.52, 0.0), (0.72, 0.05), (0.84, 0.2), (0.92, 0.4), (0.99, 0.6), (1.0, 0.76), (0.9, 0.9), (0.66, 0.98),
        (0.42, 0.99),        (0.2, 0.93), (0.0, 0.91),
    )  # fmt: skip
    profile = [(r * radius, z * height) for r, z in shape]
    body = lathe(profile, 24)
    lobes = int(p.rng.integers(3, 5))
    z = body.vertices[:, 2] / height
    phase = p.uniform(0.0, 1.0)
    body = lobed(body, lobes, 0.14, phase)
    groove = 0.5 - 0.5 * np.cos(lobes * (azimuth(body) - phase))
    body = body.shaded(1.05 - 0.22 * groove)
    if p.color_name != "green" and p.uniform(0.0, 1.0) < 0.4:
        body = tinted(body, p.color, (120.0, 150.0, 50.0), np.clip(2.4 * z - 2.0, 0.0, 0.6) * groove)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.9)
    wide = lathe([(0.0, -0.02), (0.26, -0.02), (0.3, 0.04), (0.13, 0.1), (0.0, 0.11)], 8).scaled(radius, radius, radius)
    draft.add(wide.moved(z=0.925 * height), STALK, p.material)
    draft.add(
        stem(0.42 * radius, 0.12 * radius, 0.16 * radius, 7).moved(z=0.925 * height), darker(STALK, 0.88), p.material
    )
    draft.collision.append(standing_hull([(r * 0.95, z) for r, z in (profile[k] for k in (0, 2, 4, 5, 7))]))
    draft.collision.append(
        standing_hull(
            [(0.14 * radius, 0.95 * height), (0.14 * radius, 0.925 * height + 0.42 * radius)], 4, (0.08 * radius, 0.0)
        )
    )
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
    stalk = lathe(
        [
            (1.08 * foot, 0.0),
            (1.12 * foot, 0.1 * height),
            (0.96 * foot, 0.6 * rim),
            (foot, rim + 0.16 * radius),
            (0.0, rim + 0.16 * radius),
        ],
        16,
    )
    cream: Rgb = (240.0, 228.0, 204.0)
    draft = Draft()
    draft.add(
        tinted(stalk, cream, (176.0, 146.0, 108.0), np.clip(0.5 - 3.0 * stalk.vertices[:, 2] / height, 0.0, 0.5)),
        cream,
        p.material,
        0.9,
    )
    angle = np.linspace(0.12, np.pi / 2, 7)
    dome = [(radius * float(np.cos(a)) ** 0.9, rim + (height - rim) * float(np.sin(a))) for a in angle[:-1]]
    under = [
        (0.5 * radius, rim + 0.12 * radius),
        (0.86 * radius, rim + 0.04 * radius),
        (0.98 * radius, rim + 0.02 * radius),
    ]
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
