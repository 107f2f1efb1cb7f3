"""Baked things and an egg: bread, bun, croissant, donut, cup cake, egg."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.materials import COLORS, MATERIALS
from gen3d_envs.assets.organic import (
    HALF_TURN,
    ROLLING_FRICTION_M,
    axis_of,
    azimuth,
    long_grasps,
    lying,
    lying_hulls,
    mottled,
    round_grasps,
    scattered,
    standing_hull,
    tinted,
)  # fmt: skip
from gen3d_envs.assets.shapes import Array, Mesh, ellipsoid, lathe, loft

CRUMB: Rgb = (240.0, 218.0, 172.0)
DOUGH: Rgb = (206.0, 152.0, 88.0)
SPRINKLES = ("white", "yellow", "light_blue", "lime", "red")


def _loaf_section(width: float, height: float, n: int = 18) -> Array:
    """(n, 2) outline of a slice of a tin loaf: upright sides, rounded foot and a dome that bulges over them."""
    half = width / 2
    side = [
        (-0.86 * half, 0.0),
        (0.0, 0.0),
        (0.86 * half, 0.0),
        (0.93 * half, 0.05 * height),
        (0.95 * half, 0.34 * height),
        (0.96 * half, 0.56 * height),
    ]
    angle = np.linspace(-0.1, np.pi + 0.1, n - len(side) - 2)
    dome = [(half * float(np.cos(a)), height * (0.68 + 0.32 * float(np.sin(a)))) for a in angle]
    return np.array([*side, *dome, (-0.96 * half, 0.56 * height), (-0.93 * half, 0.05 * height)])


@builder("bread")
def bread(p: Params) -> Draft:
    """A loaf of bread from a tin: a domed crust with pale cuts across it."""
    width, height = p.length("width_m"), p.length("height_m")
    length = max(p.length("length_m"), 1.35 * width)
    height = float(np.clip(height, 0.75 * width, 0.98 * width))
    section = _loaf_section(width, height)
    # Four cuts: between pairs of slices the crust has opened.
    t = np.array([-1.0, -0.97, -0.88, -0.66, -0.56, -0.24, -0.14, 0.14, 0.24, 0.56, 0.66, 0.88, 0.97, 1.0])
    scale = np.array([0.8, 0.92, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.99, 0.92, 0.8])
    rings = np.stack(
        [np.column_stack([np.full(len(section), x * length / 2), section * s]) for x, s in zip(t, scale, strict=True)]
    )
    slant = p.uniform(0.15, 0.6) * np.where(np.abs(t) < 0.7, 1.0, 0.0)
    rings[:, :, 0] += slant[:, None] * rings[:, :, 1] * np.clip(rings[:, :, 2] / height, 0.0, 1.0)
    body = loft(rings)
    share = body.vertices[:, 2] / height
    crust = darker(p.color, 0.62)
    pale = mix(p.color, CRUMB, 0.6)
    body = tinted(body, p.color, crust, np.clip(2.6 * share - 1.9, 0.0, 0.45))
    body = mottled(tinted(body, p.color, pale, np.clip(0.6 - 1.3 * np.abs(share - 0.45), 0.0, 0.6)), p.rng, 0.03)
    slice_of = np.arange(len(body.faces)) % (len(section) * (len(t) - 1)) // len(section)
    opened = np.isin(slice_of, (3, 5, 7, 9)) & (body.centers[:, 2] > 0.86 * height) & (body.normals[:, 2] > 0.4)
    draft = Draft()
    draft.add(body.painted(CRUMB, opened), p.color, p.material)
    # A slice's outline repeated: the ends are drawn in.
    points = [rings[k][[0, 2, 4, 6, 8, 9, 11, 13, 15, 16]] for k in (0, 2, 11, 13)]
    draft.collision.append(hull(np.concatenate(points)))
    for x in (0.0, 0.12 * length, -0.12 * length):
        draft.grasp(x, 0.0, max(0.45 * height, height - 0.03), HALF_TURN, width)
    return draft


@builder("bun")
def bun(p: Params) -> Draft:
    """A burger bun: a shiny dome over a pale foot, with sesame on most."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 0.85 * radius, 1.25 * radius))
    shape = (
        (0.8, 0.0),
        (0.94, 0.08),
        (1.0, 0.24),
        (0.99, 0.4),
        (0.92, 0.58),
        (0.77, 0.77),
        (0.53, 0.91),
        (0.25, 0.985),
        (0.0, 1.0),
    )
    profile = [(r * radius, z * height) for r, z in shape]
    body = lathe(profile, 20)
    z = body.vertices[:, 2] / height
    pale = mix(p.color, CRUMB, 0.75)
    body = tinted(body, p.color, darker(p.color, 0.7), np.clip(1.6 * z - 0.95, 0.0, 0.5))
    body = mottled(tinted(body, p.color, pale, np.clip(1.0 - 3.0 * z, 0.0, 0.9)), p.rng, 0.03)
    draft = Draft()
    draft.add(body, p.color, p.material)
    if p.uniform(0.0, 1.0) < 0.75:
        size = 0.042 * radius
        seeds = scattered(body, 34, (1.7 * size, 0.9 * size, 0.8 * size), p.rng, body.centers[:, 2] > 0.6 * height)
        draft.add(seeds, (246.0, 232.0, 196.0), p.material, 0.01)
    draft.collision.append(standing_hull([profile[k] for k in (0, 2, 4, 6, 7)]))
    round_grasps(draft, max(0.34 * height, 0.01), 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("croissant")
def croissant(p: Params) -> Draft:
    """A croissant: a crescent of overlapping rolls, darker on their ridges."""
    length, width = p.length("length_m"), p.length("width_m")
    radius = 0.5 * min(width, 0.44 * length)
    # From each tip to the middle every roll comes out from under the next, whose edge is a dark step.
    half_side = [(-1.0, 0.0, 0.5)]
    for low, high, start, end in (
        (0.01, 0.2, 0.13, 0.36),
        (0.215, 0.42, 0.47, 0.62),
        (0.44, 0.68, 0.75, 0.88),
        (0.705, 1.0, 0.99, 1.04),
    ):
        for share, shade in ((0.0, 1.0), (0.25, 0.35), (1.0 if high == 1.0 else 0.97, 0.0)):
            half_side.append((low + share * (high - low) - 1.0, start + share * (end - start), shade))
    mirrored = [(-at, r, shade) for at, r, shade in reversed(half_side[:-1])]
    along, half, tone = np.array([*half_side, *mirrored]).T
    half = half * radius
    bend = p.uniform(0.95, 1.2)
    arc = 0.5 * length / np.sin(bend)
    x, y = arc * np.sin(bend * along), arc * (1.0 - np.cos(bend * along))
    radii = np.column_stack([half, 0.86 * half])
    centers = axis_of(x, radii[:, 1], 0.85, y)
    n = 12
    body = lying(centers, radii, n)
    ring = np.concatenate([[tone[0]], np.repeat(tone[1:-1], n), [tone[-1]]])
    up = np.clip(body.vertices[:, 2] / (1.8 * radius), 0.0, 1.0)
    body = tinted(body, p.color, darker(p.color, 0.5), 0.75 * ring * (0.4 + 0.6 * up))
    body = mottled(tinted(body, p.color, CRUMB, 0.35 * (ring < 0.3) * (1.0 - up)), p.rng, 0.04)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.9)
    # Stations: the tip, three of each roll up to the middle at 12, and the same backwards.
    groups = [(1, 3, 4, 6), (7, 8, 9), (10, 12, 14), (15, 16, 17), (18, 20, 21, 23)]
    draft.collision.extend(lying_hulls(centers, radii, groups, 8))
    long_grasps(draft, body, centers, radii, 0.05)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


def _torus(section: Array, n: int) -> Mesh:
    """A closed (k, 2) outline of (radius, z), counter-clockwise from the bottom outwards, turned about the z axis."""
    return lathe([(float(r), float(z)) for r, z in section], n, closed=True)


@builder("donut")
def donut(p: Params) -> Draft:
    """A donut: dough, an icing in the object's colour that runs down unevenly, sprinkles."""
    outer, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 0.72 * outer, 0.84 * outer))
    tube = min(p.uniform(0.29, 0.35) * outer, 0.62 * height)
    middle, rise = outer - tube, height / 2
    angle = np.linspace(-np.pi, np.pi, 10)[:-1]
    dough = _torus(np.column_stack([middle + tube * np.cos(angle), rise + rise * np.sin(angle)]), 17)
    dough = replace(
        dough, vertices=np.column_stack([dough.vertices[:, :2], np.maximum(dough.vertices[:, 2], 0.07 * height)])
    ).moved(z=-0.07 * height)
    band = np.exp(-(((dough.vertices[:, 2] / height - 0.45) / 0.12) ** 2))
    dough = tinted(dough, DOUGH, CRUMB, 0.6 * band)
    draft = Draft()
    draft.add(dough, DOUGH, p.material, 1.3)
    top = np.linspace(-0.05, np.pi + 0.05, 6)
    skin = np.column_stack([middle + 1.05 * tube * np.cos(top), 0.93 * rise + 1.07 * rise * np.sin(top)])
    under = np.column_stack(
        [middle + 0.86 * tube * np.cos(top[[-1, 0]]), 0.93 * rise + 0.86 * rise * np.sin(top[[-1, 0]])]
    )
    icing = _torus(np.concatenate([skin, under]), 17)
    wave = np.sin(3.0 * azimuth(icing) + p.uniform(0.0, 6.0)) + 0.7 * np.sin(5.0 * azimuth(icing) + p.uniform(0.0, 6.0))
    edge = np.clip(1.0 - icing.vertices[:, 2] / (1.1 * rise), 0.0, 1.0)
    icing = replace(icing, vertices=icing.vertices + np.column_stack([0 * wave, 0 * wave, 0.3 * rise * edge * wave]))
    draft.add(icing, p.color, p.material, 0.35)
    on_top = (icing.centers[:, 2] > 1.55 * rise) & (icing.normals[:, 2] > 0.4)
    size = 0.05 * outer
    colors = [p.paint(name) for name in SPRINKLES if np.abs(np.subtract(COLORS[name], p.color)).max() > 60.0]
    spread = scattered(icing, 18, (1.9 * size, 0.75 * size, 0.8 * size), p.rng, on_top, 3)
    which = np.arange(len(spread.faces)) // 6 % len(colors)
    for k, rgb in enumerate(colors):
        spread = spread.painted(rgb, which == k)
    draft.add(spread, None, p.material, 0.05)
    highest = float(icing.vertices[:, 2].max())
    draft.collision.append(standing_hull([
        (middle + 0.5 * tube, 0.0), (outer, 0.6 * rise), (outer, 1.25 * rise), (middle, highest),
    ]))  # fmt: skip
    round_grasps(draft, 0.93 * rise, 2 * outer)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("cup_cake")
def cup_cake(p: Params) -> Draft:
    """A cup cake: a pleated paper case, a swirl of frosting in the object's colour, a cherry."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = float(np.clip(height, 1.75 * radius, 2.4 * radius))
    case_top, n = 0.47 * height, 36
    foot = 0.68 * radius
    case = lathe(
        [(foot, 0.0), (0.5 * (foot + 0.93 * radius), 0.5 * case_top), (0.93 * radius, case_top), (0.0, case_top)], n
    )
    pleats = np.where(np.arange(n) % 2 == 0, 1.0, 0.93)
    factor = np.concatenate([np.tile(pleats, 3), np.ones(len(case.vertices) - 3 * n)])
    paper = p.paint({"pink": "light_blue", "brown": "yellow"}.get(p.color_name, "pink"))
    vertices = case.vertices.copy()
    vertices[:, :2] *= factor[:, None]
    case = replace(case, vertices=vertices).shaded(np.where(factor < 0.99, 0.78, 1.0))
    draft = Draft()
    draft.add(case, paper, p.material, 1.5)
    low = case_top - 0.02 * height
    swirl = (
        (0.8, 0.0),
        (1.0, 0.1),
        (0.97, 0.25),
        (0.7, 0.34),
        (0.76, 0.44),
        (0.7, 0.58),
        (0.45, 0.66),
        (0.48, 0.76),
        (0.36, 0.9),
        (0.0, 1.0),
    )
    rise = 0.93 * height - low
    frosting = lathe([(r * radius, low + z * rise) for r, z in swirl], 16)
    # Turning the height with the angle makes rings into a spiral.
    angle = azimuth(frosting)
    inner = np.hypot(frosting.vertices[:, 0], frosting.vertices[:, 1]) / radius
    inside = (frosting.vertices[:, 2] > low + 0.05 * rise) & (inner > 0.01)
    frosting = replace(
        frosting,
        vertices=frosting.vertices + np.column_stack([0 * angle, 0 * angle, 0.035 * rise * np.cos(angle) * inside]),
    )
    grooves = np.zeros(len(inner))
    grooves[3 * 16 : 4 * 16] = grooves[6 * 16 : 7 * 16] = 1.0
    draft.add(frosting.shaded(1.0 - 0.2 * grooves), p.color, p.material, 1.6)
    cherry_r = 0.2 * radius
    cherry = ellipsoid(cherry_r, cherry_r, cherry_r, 10, 7).moved(z=height - cherry_r)
    draft.add(cherry, p.paint("red" if p.color_name != "red" else "yellow"), MATERIALS["fruit"])
    draft.collision.append(standing_hull([(0.97 * foot, 0.0), (0.92 * radius, case_top)]))
    draft.collision.append(standing_hull([
        (0.9 * radius, low), (radius, low + 0.12 * rise), (0.95 * radius, low + 0.27 * rise),
        (0.5 * radius, low + 0.78 * rise),
        (0.7 * cherry_r, height),
    ]))  # fmt: skip
    round_grasps(draft, low + 0.17 * rise, 2 * radius)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft


@builder("egg")
def egg(p: Params) -> Draft:
    """A hen's egg lying on its side, speckled when it is not white."""
    length, radius = p.length("length_m"), p.length("diameter_m") / 2
    length = max(length, 2.45 * radius)
    angle = np.linspace(0.0, np.pi, 14)
    t = -np.cos(angle)
    # Taper towards +x turns an ellipse into the outline of an egg.
    r = radius * np.sin(angle) * (1.0 - 0.13 * t) / 1.009
    r[0] = r[-1] = 0.0
    centers = axis_of(0.5 * length * t, r, 0.35)
    body = lying(centers, r, 20)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.98)
    if p.color_name != "white":
        dots = scattered(body, 16, (0.0007, 0.0005, 0.00025), p.rng, None, 4)
        draft.add(dots, darker(p.color, 0.62), p.material, 0.01)
    draft.collision.extend(lying_hulls(centers, r, [(1, 3, 5, 6), (5, 7, 8, 10, 12)]))
    long_grasps(draft, body, centers, r, 0.04)
    draft.rolling_friction_m = ROLLING_FRICTION_M
    return draft
