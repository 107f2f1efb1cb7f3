"""Packed food: carton, boxed food, snack bar, bag of chips, cheese, hot dog."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Surface
from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import block, hull
from gen3d_envs.assets.lengthwise import tint
from gen3d_envs.assets.organic import axis_of, lying, lying_hulls, mottled
from gen3d_envs.assets.shapes import Mesh, lathe, rounded_box, rounded_rectangle, stack, sweep

HALF_TURN = np.pi / 2
SEAM_M = 0.0072
"""Thickness of a seam that fingers close on; real ones are two to four layers of board or film, 1 to 3 mm."""


def _band(body: Mesh, low: float, high: float, rgb: Rgb) -> Mesh:
    """The mesh with its upright sides between two heights in another colour."""
    z = body.centers[:, 2]
    return body.painted(rgb, (z > low) & (z < high) & (np.abs(body.normals[:, 2]) < 0.3))


def _contrast(p: Params, rgb: Rgb) -> Rgb:
    return p.paint("white") if sum(rgb) < 480 else p.paint(p.choice(("blue", "red", "dark_green")))


@builder("drink_carton")
def drink_carton(p: Params) -> Draft:
    """A drinks carton with a gable top; fingers take it by the seam of the gable.

    A quarter litre stands on 57 x 57 mm, a litre on 70 x 70 mm (the usual sizes of gable-top cartons).
    """
    width, height = p.length("width_m"), p.length("height_m")
    half, fin = width / 2, 0.02
    gable = min(0.42 * width, 0.3 * height)
    shoulder = height - fin - gable
    corner = 0.05 * width
    square = rounded_rectangle(half, half, corner, 3)
    seam = rounded_rectangle(half, SEAM_M / 2, 0.001, 3)
    levels = [(square * 0.985, 0.0), (square, 0.002), (square, 0.3 * shoulder), (square, 0.72 * shoulder)]
    levels += [(square, shoulder), (seam, shoulder + gable), (seam, height)]
    paint = tint(p)
    label = _contrast(p, paint)
    body = _band(stack(levels), 0.3 * shoulder, 0.72 * shoulder, label)
    body = body.painted(darker(paint, 0.9), body.centers[:, 2] > shoulder + 0.9 * gable)
    draft = Draft()
    # Board of 0.5 mm and about half of the drink.
    draft.add(body, paint, p.material, 0.72)
    draft.collision.append(block((-half, half), (-half, half), (0.0, shoulder)))
    top = [(x, y, shoulder) for x in (-half, half) for y in (-half, half)]
    rise = shoulder + gable
    draft.collision.append(hull([*top, *((x, y, rise) for x in (-half, half) for y in (-SEAM_M / 2, SEAM_M / 2))]))
    draft.collision.append(block((-half, half), (-SEAM_M / 2, SEAM_M / 2), (rise - 0.001, height)))
    for x in (0.0, 0.15 * width, -0.15 * width):
        draft.grasp(x, 0.0, height - 0.009, HALF_TURN, SEAM_M, 0.008)
    return draft


@builder("food_box")
def food_box(p: Params) -> Draft:
    """A closed packet of food: butter, cream cheese, pudding, tea. It stands on its widest side.

    Real ones: pudding 89 x 35 x 110 mm and gelatine 85 x 28 x 73 mm (YCB object set), butter 120 x 65 x 33 mm, cream
    cheese 130 x 57 x 29 mm.
    """
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    length = max(length, 1.15 * width)
    height = min(height, 1.9 * width)
    paint = tint(p)
    body = rounded_box(length, width, height, 0.0018, 2)
    label, second = _contrast(p, paint), mix(paint, (255.0, 255.0, 255.0), 0.35)
    draft = Draft()
    draft.add(body, paint, p.material, 0.85)
    # A printed field on the top and on both long sides, a millimetre proud of nothing: flat plates of 0.3 mm.
    x, z = p.uniform(0.3, 0.4) * length, p.uniform(0.26, 0.36) * height
    side = rounded_box(2 * x, width + 0.0006, 2 * z, 0.0002, 2).moved(z=height / 2 - z)
    top = rounded_box(2 * x, 0.68 * width, 0.001, 0.0002, 2).moved(z=height - 0.0007)
    draft.add(side, label, p.material, 0.01)
    draft.add(top, label, p.material, 0.01)
    stripe = rounded_box(1.6 * x, width + 0.0012, 0.5 * z, 0.0002, 2).moved(z=height / 2 - 0.25 * z)
    draft.add(stripe, second, p.material, 0.01)
    draft.collision.append(block((-length / 2, length / 2), (-width / 2, width / 2), (0.0, height)))
    for at in (0.0, 0.12 * length, -0.12 * length):
        draft.grasp(at, 0.0, max(height / 2, height - 0.022), HALF_TURN, width)
    draft.surface = Surface(height, length / 2 - 0.002, width / 2 - 0.002)
    return draft


@builder("snack_bar")
def snack_bar(p: Params) -> Draft:
    """A wrapped bar of chocolate or muesli with its two crimped ends."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    crimp = 0.011
    body_length = length - 2 * crimp
    paint = tint(p)
    body = rounded_box(body_length, width, height, 0.3 * height, 4)
    x, top = body.centers[:, 0], body.normals[:, 2] > 0.5
    label = _contrast(p, paint)
    draft = Draft()
    draft.add(body.painted(darker(paint, 0.9), top & (np.abs(x) > 0.46 * body_length)), paint, p.material, 1.0)
    title = rounded_box(0.62 * body_length, 0.5 * width, 0.001, 0.0003, 2).moved(z=height - 0.0004)
    draft.add(title, label, p.material, 0.01)
    for sign in (1.0, -1.0):
        end = rounded_box(crimp + 0.003, 0.94 * width, 0.0016, 0.0006, 2)
        draft.add(
            end.moved(sign * (length - crimp - 0.003) / 2, 0.0, 0.42 * height), p.paint("silver"), p.material, 0.3
        )
    draft.collision.append(block((-body_length / 2, body_length / 2), (-width / 2, width / 2), (0.0, height)))
    flat = (0.3 * height, 0.55 * height)
    draft.collision.append(block((-length / 2, length / 2), (-0.46 * width, 0.46 * width), flat))
    for at in (0.0, 0.1 * length, -0.1 * length):
        draft.grasp(at, 0.0, height / 2, HALF_TURN, width)
    return draft


@builder("chip_bag")
def chip_bag(p: Params) -> Draft:
    """A small bag of chips that stands on its folded bottom; fingers take it by the seam on top.

    A 25 to 40 g bag is about 120 mm wide, 150 mm high and 45 mm thick. It is rigid here: its film does not give.
    """
    width, height = p.length("width_m"), p.length("height_m")
    thick = min(p.length("thickness_m"), 0.5 * width)
    paint = tint(p)
    seam = height - 0.022
    levels = (
        (0.0, 0.92, 0.78), (0.02, 0.96, 0.92), (0.3, 0.99, 1.0), (0.55, 0.98, 0.94), (0.78, 0.96, 0.68),
        (0.92, 0.95, 0.36),
    )  # fmt: skip
    sections = []
    for share, across, deep in levels:
        x, y = across * width / 2, deep * thick / 2
        sections.append((rounded_rectangle(x, y, 0.8 * y, 5, 2), share * seam))
    flat = rounded_rectangle(0.48 * width, SEAM_M / 2, 0.0015, 5, 2)
    sections += [(flat, seam), (flat, height)]
    body = stack(sections)
    z = body.centers[:, 2]
    crumple = 1.0 + 0.05 * np.sin(body.vertices[:, 0] * 190.0 + body.vertices[:, 2] * 90.0)
    body = body.shaded(crumple).painted(p.paint("silver"), z > seam + 1e-4)
    label = _contrast(p, paint)
    field = (np.abs(body.centers[:, 0]) < 0.3 * width) & (z > 0.3 * seam) & (z < 0.78 * seam)
    draft = Draft()
    # Mostly gas: 30 g in a third of a litre.
    draft.add(body.painted(label, field), paint, p.material, 0.11)
    low, middle, high = sections[0], sections[2], sections[5]
    lower = [(*xy, z0) for outline, z0 in (low, middle) for xy in outline[::2]]
    upper = [(*xy, z0) for outline, z0 in (middle, sections[4], high, sections[6]) for xy in outline[::2]]
    draft.collision.append(hull(lower))
    draft.collision.append(hull(upper))
    half = (-0.48 * width, 0.48 * width)
    draft.collision.append(block(half, (-SEAM_M / 2, SEAM_M / 2), (seam - 0.001, height)))
    for x in (0.0, 0.1 * width, -0.1 * width):
        draft.grasp(x, 0.0, height - 0.010, HALF_TURN, SEAM_M, 0.009)
    return draft


@builder("cheese")
def cheese(p: Params) -> Draft:
    """A block of hard cheese with holes and a rind on one side."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    length, height = max(length, 1.4 * width), min(height, 1.1 * width)
    body = rounded_box(length, width, height, 0.0025, 2)
    draft = Draft()
    draft.add(mottled(body, p.rng, 0.02), p.color, p.material)
    lens = lathe([(0.0, -0.0006), (1.0, 0.0), (0.0, 0.0005)], 8)
    for k in range(13):
        r = 0.1 * height * p.uniform(0.6, 1.35)
        x, share = p.uniform(-0.42, 0.34) * length, p.uniform(-0.36, 0.36)
        hole = lens.scaled(r, 0.85 * r, 1.0)
        if k % 3 == 0:
            hole = hole.moved(x, share * width, height)
        else:
            side = 1.0 if k % 3 == 1 else -1.0
            hole = hole.turned("x", -side * HALF_TURN).moved(x, side * width / 2, (0.5 + share) * height)
        draft.add(hole, darker(p.color, 0.72), p.material, 0.01)
    rind = rounded_box(0.006, 1.002 * width, 1.001 * height, 0.002, 2).moved(length / 2 - 0.0028)
    draft.add(rind, mix(p.color, (170.0, 110.0, 40.0), 0.6), p.material, 0.1)
    draft.collision.append(block((-length / 2, length / 2 + 0.0002), (-width / 2, width / 2), (0.0, height)))
    for at in (0.0, 0.12 * length, -0.12 * length):
        draft.grasp(at, 0.0, max(height / 2, height - 0.02), HALF_TURN, width)
    return draft


@builder("hot_dog")
def hot_dog(p: Params) -> Draft:
    """A sausage in a split bun with a line of mustard; fingers take it across the bun."""
    length, width = p.length("length_m"), p.length("width_m", grip=True)
    height = 0.68 * width
    bun_length = 0.86 * length
    t = np.linspace(-1.0, 1.0, 9)
    share = np.sqrt(np.maximum(1.0 - np.abs(t) ** 3.2, 0.0))
    half = np.column_stack([share * width / 2, share * 0.5 * height])
    centers = axis_of(0.5 * bun_length * t, half[:, 1])
    bun = lying(centers, half, 14)
    top = bun.vertices[:, 2] / height
    draft = Draft()
    draft.add(bun.shaded(1.12 - 0.2 * top), p.color, p.material)
    radius = 0.24 * width
    z = 0.86 * height
    path = np.column_stack([t * (0.5 * length - radius), 0.0 * t, z + 0.1 * radius * t**2])
    sausage = sweep(path, radius, 10)
    draft.add(sausage, (158.0, 66.0, 40.0), p.material, 1.6)
    s = np.linspace(-1.0, 1.0, 25)
    wave = np.column_stack(
        [0.38 * length * s, 0.45 * radius * np.sin(14.0 * s), np.full(25, z + 0.86 * radius) + 0.08 * radius * s**2]
    )
    draft.add(sweep(wave, 0.13 * radius, 5), p.paint("yellow"), p.material, 0.4)
    draft.collision.extend(lying_hulls(centers, half, [(0, 1, 2, 4, 6, 7, 8)]))
    low, high = z - 0.4 * radius, z + 0.95 * radius
    reach = 0.5 * length
    edge = reach - 0.35 * radius
    draft.collision.append(hull([
        *((x, y, h) for x in (-edge, edge) for y in (-0.75 * radius, 0.75 * radius) for h in (low, high)),
        *((x, y, z) for x in (-reach, reach) for y in (-0.5 * radius, 0.5 * radius)),
        *((x, y, z) for x in (-edge, edge) for y in (-radius, radius)),
    ]))  # fmt: skip
    for at in (0.0, 0.1 * length, -0.1 * length):
        draft.grasp(at, 0.0, 0.5 * height, HALF_TURN, width)
    return draft
