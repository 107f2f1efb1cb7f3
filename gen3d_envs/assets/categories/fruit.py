"""Fruit: apple, orange, lemon, lime, pear, peach, banana, strawberry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, mix
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN,
    ROLLING_FRICTION_M,
    axis_of,
    azimuth,
    calyx,
    cut_sphere,
    leaf,
    lobed,
    long_grasps,
    lying,
    lying_hulls,
    mottled,
    round_grasps,
    scattered,
    speckled,
    standing_hull,
    stem,
    tinted,
    volume_center,
)  # fmt: skip
from gen3d_envs.assets.shapes import Array, Mesh, lathe

BARK: Rgb = (96.0, 66.0, 40.0)
LEAF: Rgb = (62.0, 128.0, 52.0)
BLUSH: dict[str, Rgb] = {
    "red": (232.0, 176.0, 70.0), "green": (184.0, 208.0, 92.0), "yellow": (226.0, 120.0, 62.0),
    "lime": (214.0, 196.0, 84.0),
    "orange": (214.0, 66.0, 58.0), "pink": (250.0, 196.0, 104.0),
}  # fmt: skip
"""Second colour of a fruit's skin by its first."""

_APPLE = (
    (0.30, 0.0), (0.66, 0.13), (0.90, 0.42), (1.0, 0.86), (0.98, 1.16), (0.86, 1.45), (0.62, 1.64), (0.40, 1.68),
    (0.20, 1.60), (0.0, 1.46),
)  # fmt: skip
_PEAR = (
    (0.34, 0.0), (0.70, 0.08), (0.93, 0.24), (1.0, 0.42), (0.95, 0.56), (0.75, 0.70), (0.54, 0.82), (0.43, 0.92),
    (0.30, 0.985), (0.12, 0.98), (0.0, 0.96),
)  # fmt: skip


def _blush(p: Params) -> Rgb:
    return BLUSH.get(p.color_name, mix(p.color, (255.0, 255.0, 255.0), 0.45))


def _top(p: Params, draft: Draft, z: float, height: float, radius: float, leaf_m: float, x: float = 0.0) -> None:
    """A stalk, and on two of three fruits a leaf, at (x, 0, z)."""
    turn = p.uniform(-np.pi, np.pi)
    lean = p.uniform(0.15, 0.5) * height
    draft.add(stem(height, radius, lean).turned("z", turn).moved(x, 0.0, z), BARK, MATERIALS["wood"])
    draft.collision.append(
        standing_hull(
            [(2 * radius, z), (2 * radius, z + height)], 4, (x + 0.5 * lean * np.cos(turn), 0.5 * lean * np.sin(turn))
        )
    )
    if p.uniform(0.0, 1.0) < 0.66 and leaf_m > 0.0:
        green = p.paint("green", 10.0)
        blade = leaf(leaf_m, 0.46 * leaf_m, 0.3).turned("y", -0.35).turned("z", turn + p.uniform(0.6, 5.6))
        draft.add(blade.moved(x, 0.0, z + 0.55 * height), mix(green, LEAF, 0.5), MATERIALS["paper"])


@builder("apple")
def apple(p: Params) -> Draft:
    """An apple with a hollow for its stalk and streaks of a second colour."""
    radius = p.length("diameter_m") / 2
    squash = p.uniform(0.92, 1.06) * radius
    profile = [(r * radius, z * squash) for r, z in _APPLE]
    body = lathe(profile, 20)
    z = body.vertices[:, 2] / (1.68 * squash)
    body = lobed(body, 5, 0.09 * np.clip(1.0 - 1.6 * z, 0.0, 1.0))
    body = lobed(body, 5, 0.05 * np.clip(2.2 * z - 1.2, 0.0, 1.0), 0.6)
    angle, phase = azimuth(body), p.uniform(0.0, 6.0)
    streak = 0.22 * np.sin(3 * angle + phase) + 0.16 * np.sin(7 * angle + 2 * phase) + p.rng.normal(0.0, 0.12, len(z))
    inside = (np.hypot(body.vertices[:, 0], body.vertices[:, 1]) < 0.45 * radius) & (z > 0.8)
    body = tinted(body, p.color, _blush(p), np.where(inside, 0.7, 0.9 * np.abs(z - 0.4) - 0.2 + streak * (0.4 + z)))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.9)
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 3, 5, 7)]))
    _top(p, draft, profile[-1][1] - 0.001, 0.5 * radius, 0.045 * radius, p.uniform(0.6, 0.85) * radius)
    round_grasps(draft, profile[3][1], 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("orange")
def orange(p: Params) -> Draft:
    """An orange: a pitted skin and the green button of its stalk."""
    radius = p.length("diameter_m") / 2
    height = p.uniform(1.8, 1.92) * radius
    profile = cut_sphere(radius, height, 0.3, 11)
    profile = [*profile[:-1], (0.09 * radius, height - 0.02 * radius), (0.0, height - 0.05 * radius)]
    body = mottled(lathe(profile, 22), p.rng, 0.03)
    z = body.vertices[:, 2] / height
    # The skin is drawn in folds towards the stalk.
    body = body.shaded(1.0 - 0.1 * np.clip(8.0 * z - 7.0, 0.0, 1.0) * (1.0 + np.cos(11 * azimuth(body))))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.92)
    button = lathe([(0.0, 0.0), (0.13, 0.0), (0.15, 0.05), (0.07, 0.09), (0.0, 0.09)], 5).scaled(radius, radius, radius)
    draft.add(button.moved(z=height - 0.055 * radius), (94.0, 132.0, 52.0), MATERIALS["wood"])
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 4, 6, 9)]))
    round_grasps(draft, 0.48 * height, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


def _citrus(p: Params, nipple: float) -> Draft:
    """A lemon or lime lying on its side; ``nipple`` is the length of its tip in radii."""
    length, radius = p.length("length_m"), p.length("diameter_m") / 2
    length = max(length, 2.3 * radius)
    t = np.array([-1.0, -0.985, -0.93, -0.82, -0.64, -0.44, -0.22, 0.0, 0.22, 0.44, 0.64, 0.8, 0.89, 0.96, 1.0])
    blunt = np.sqrt(np.clip(1.0 - np.abs(t) ** 2.1 * 0.97, 0.0, 1.0))
    drawn = np.array([0.0, 0.14, 0.24, 0.46, 0.74, 0.9, 0.98, 1.0, 0.98, 0.89, 0.7, 0.44, 0.24, 0.17, 0.0])
    r = radius * (nipple * drawn + (1.0 - nipple) * blunt)
    r[0] = r[-1] = 0.0
    centers = axis_of(t * length / 2, r)
    body = mottled(lying(centers, r, 18), p.rng, 0.03)
    share = np.clip(np.abs(body.vertices[:, 0]) / (length / 2) * 3.2 - 2.5, 0.0, 1.0)
    green: Rgb = (150.0, 178.0, 50.0) if p.color_name == "yellow" else mix(p.color, (250.0, 240.0, 120.0), 0.5)
    body = tinted(body, p.color, green, 0.75 * share)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    knob = (
        lathe([(0.0, 0.0), (0.13, 0.0), (0.1, 0.08), (0.0, 0.08)], 6)
        .scaled(radius, radius, radius)
        .turned("y", -HALF_TURN)
    )
    draft.add(knob.moved(-length / 2 + 0.02 * radius, 0.0, centers[0, 2]), (118.0, 104.0, 48.0), MATERIALS["wood"])
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 4, 5, 6), (6, 8, 9, 11, 13)]))
    long_grasps(draft, body, centers, r, 0.05)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("lemon")
def lemon(p: Params) -> Draft:
    """A lemon with two drawn-out ends."""
    return _citrus(p, p.uniform(0.8, 1.0))


@builder("lime")
def lime(p: Params) -> Draft:
    """A lime: smaller and rounder than a lemon."""
    return _citrus(p, p.uniform(0.2, 0.5))


@builder("pear")
def pear(p: Params) -> Draft:
    """A pear standing on its base, russet at the bottom and sometimes with a red cheek."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    # A hand with short fingers is 31 mm above the grasp: a longer neck would meet it.
    height = float(np.clip(height, 2.3 * radius, 2.62 * radius))
    neck = p.uniform(0.9, 1.12)
    profile = [(r * radius * (neck if z > 0.6 else 1.0), z * height) for r, z in _PEAR]
    body = lathe(profile, 18)
    z = body.vertices[:, 2] / height
    lean = p.uniform(0.0, 0.12) * radius
    body = replace(
        body, vertices=body.vertices + np.column_stack([lean * z**2 * 2, np.zeros_like(z), np.zeros_like(z)])
    )
    if p.uniform(0.0, 1.0) < 0.5:
        body = tinted(
            body, p.color, (206.0, 96.0, 58.0), 0.75 * np.clip(np.cos(azimuth(body) - 1.0), 0.0, 1.0) ** 2 * (1.0 - z)
        )
    else:
        body = speckled(body, p.rng, p.color, (150.0, 112.0, 54.0), 0.18, 0.35)
    body = tinted(body, p.color, (150.0, 112.0, 54.0), np.clip(0.5 - 5 * z, 0.0, 0.5) + np.clip(8 * z - 7.5, 0.0, 0.4))
    draft = Draft()
    draft.add(body, p.color, p.material)
    draft.collision.append(standing_hull([profile[k] for k in (0, 1, 2, 3, 5)]))
    draft.collision.append(standing_hull([profile[5], profile[7], profile[8]], 8, (1.4 * lean, 0.0)))
    _top(p, draft, 0.955 * height, 0.26 * radius, 0.055 * radius, p.uniform(0.6, 0.9) * radius, 2 * lean)
    round_grasps(draft, 0.5 * height, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("peach")
def peach(p: Params) -> Draft:
    """A peach: a seam down one side, a blush, and a soft point on top."""
    radius = p.length("diameter_m") / 2
    height = p.uniform(1.75, 1.9) * radius
    profile = cut_sphere(radius, height, 0.32, 10)
    profile = [*profile[:-2], (0.26 * radius, height - 0.02 * radius), (0.0, height - 0.1 * radius)]
    body = lathe(profile, 22)
    angle, z = azimuth(body), body.vertices[:, 2] / height
    seam = np.exp(-((angle / 0.22) ** 2)) * np.clip(2.5 * z - 0.3, 0.0, 1.0)
    vertices = body.vertices.copy()
    vertices[:, :2] *= (1.0 - 0.14 * seam)[:, None]
    body = replace(body, vertices=vertices).shaded(1.0 - 0.25 * seam)
    cheek = np.clip(np.cos(angle - p.uniform(0.8, 2.2)), -1.0, 1.0) * (0.35 + 0.65 * z) + p.rng.normal(
        0.0, 0.08, len(z)
    )
    body = tinted(body, p.color, _blush(p), 0.95 * np.clip(cheek, 0.0, 1.0))
    body = tinted(body, p.color, (252.0, 206.0, 120.0), 0.5 * np.clip(-cheek, 0.0, 1.0))
    draft = Draft()
    draft.add(body, p.color, p.material)
    draft.add(stem(0.2 * radius, 0.07 * radius).moved(z=height - 0.13 * radius), BARK, MATERIALS["wood"])
    blade = leaf(0.85 * radius, 0.36 * radius, 0.3).turned("y", -0.25).turned("z", p.uniform(1.5, 4.5))
    draft.add(blade.moved(z=height - 0.04 * radius), LEAF, MATERIALS["paper"])
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 4, 6, 8)]))
    round_grasps(draft, 0.48 * height, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


_BANANA = np.array([0.0, 0.3, 0.27, 0.28, 0.45, 0.74, 0.93, 1.0, 1.0, 0.99, 0.93, 0.76, 0.5, 0.26, 0.2, 0.0])
_BANANA_T = np.array([0.0, 0.004, 0.04, 0.09, 0.14, 0.21, 0.3, 0.42, 0.54, 0.66, 0.77, 0.86, 0.925, 0.96, 0.99, 1.0])


def _arc(length: float, bend_rad: float, t: Array) -> tuple[Array, Array]:
    """(x, y) along an arc of a given chord, opening towards +y; t runs from 0 to 1."""
    radius = 0.5 * length / np.sin(bend_rad)
    angle = bend_rad * (2.0 * t - 1.0)
    return radius * np.sin(angle), radius * (1.0 - np.cos(angle))


@builder("banana")
def banana(p: Params) -> Draft:
    """A banana lying on its side: five soft edges, a stalk, a dark tip and ripe spots."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    r = radius * _BANANA
    x, y = _arc(length, p.uniform(0.62, 0.92), _BANANA_T)
    centers = axis_of(x, r, 0.3, y)
    n = 15
    angle = np.arange(n) * (2.0 * np.pi / n) + 0.3
    body: Mesh = lying(centers, r, n, 1.0 + 0.055 * np.cos(5 * angle))
    t = np.interp(body.vertices[:, 0], x, _BANANA_T)
    rim = np.tile(1.0 - 0.05 * np.cos(5 * angle), len(r))[: len(t)]
    body = body.shaded(np.pad(rim, (0, len(t) - len(rim)), constant_values=1.0))
    green = np.clip(1.0 - np.abs(t - 0.1) / 0.1, 0.0, 1.0) * p.uniform(0.35, 0.8) + np.clip(8 * t - 7.0, 0.0, 0.4)
    ends = (t < 0.03) | (t > 0.955)
    body = tinted(body, p.color, (150.0, 168.0, 52.0), np.where(ends, 0.0, green))
    body = tinted(body, p.color, (74.0, 52.0, 34.0), np.where(ends, 0.9, 0.0))
    body = speckled(body, p.rng, p.color, (128.0, 84.0, 40.0), p.uniform(0.0, 0.07), 0.6)
    draft = Draft()
    draft.add(body, p.color, p.material)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3), (3, 4, 5, 6), (6, 7, 8), (8, 9, 10), (10, 11, 12, 14)], 8))
    long_grasps(draft, body, centers, r)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("strawberry")
def strawberry(p: Params) -> Draft:
    """A strawberry lying on its side, with seeds, a pale shoulder and green leaves."""
    length, radius = p.length("height_m"), p.length("diameter_m") / 2
    length = max(length, 2.1 * radius)
    t = np.array([0.0, 0.015, 0.08, 0.2, 0.36, 0.55, 0.73, 0.87, 0.96, 1.0])
    r = radius * np.array([0.0, 0.42, 0.82, 0.98, 1.0, 0.88, 0.66, 0.42, 0.22, 0.0])
    centers = axis_of(t * length, r, 0.75)
    body = lying(centers, r, 16)
    share = body.vertices[:, 0] / length
    body = tinted(body, p.color, (238.0, 196.0, 120.0), np.clip(0.7 - 6.0 * share, 0.0, 0.7)).shaded(
        1.02 - 0.12 * share
    )
    draft = Draft()
    draft.add(body, p.color, p.material, 0.95)
    size = 0.055 * radius
    seeds = scattered(
        body,
        34,
        (1.5 * size, 0.8 * size, 0.7 * size),
        p.rng,
        (body.centers[:, 2] > 0.3 * radius) & (body.centers[:, 0] > 0.1 * length),
    )
    draft.add(seeds, (246.0, 214.0, 110.0), MATERIALS["wood"], 0.01)
    star = (
        calyx(7, 0.94 * radius, 0.5 * radius, 0.34, p.rng)
        .turned("y", -HALF_TURN)
        .moved(-0.015 * radius, 0.0, centers[1, 2])
    )
    # Leaves do not hang below the table.
    star = replace(
        star,
        vertices=np.column_stack(
            [star.vertices[:, :2], np.maximum(star.vertices[:, 2], 0.0004 + 0.1 * np.abs(star.vertices[:, 2]))]
        ),
    )
    draft.add(star, LEAF, MATERIALS["paper"], 0.8)
    stalk = stem(0.13 * radius, 0.1 * radius, 0.04 * radius).turned("y", -HALF_TURN).moved(0.0, 0.0, centers[1, 2])
    draft.add(stalk, (104.0, 150.0, 62.0), MATERIALS["paper"])
    draft.collision.extend(lying_hulls(centers, r, [(1, 2, 4, 6, 8)]))
    pin = centers[1] + np.array([[-0.26 * radius, 0.0, 0.0], [0.0, 0.0, 0.0]])
    draft.collision.extend(lying_hulls(pin, np.full(2, 0.12 * radius), [(0, 1)], 4))
    x = float(volume_center(body)[0])
    height = float(np.interp(x, centers[:, 0], centers[:, 2]))
    for yaw in (HALF_TURN, HALF_TURN - 0.35, 0.35 - HALF_TURN):
        draft.grasp(x, 0.0, height, yaw, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft
