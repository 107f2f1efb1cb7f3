"""Blocks and balls: cube, block, brick, cylinder, ball, die, and the stand-in for unknown nouns."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Sphere, Surface
from gen3d_envs.assets.build import Draft, Params, builder, darker
from gen3d_envs.assets.collision import block as solid_block
from gen3d_envs.assets.collision import rings_hull
from gen3d_envs.assets.shapes import Array, Mesh, circle, ellipsoid, lathe, loft, rounded_box

HALF_TURN = np.pi / 2


def _cuboid(p: Params, x: float, y: float, z: float, radius: float, fill: float = 1.0, steps: int = 2) -> Draft:
    """A rounded block, grasped across y (and across x where that fits too), with a flat top."""
    draft = Draft()
    draft.add(rounded_box(x, y, z, radius, steps), p.color, p.material, fill)
    draft.collision.append(solid_block((-x / 2, x / 2), (-y / 2, y / 2), (0.0, z)))
    height = max(z / 2, z - 0.02)
    draft.grasp(0.0, 0.0, height, HALF_TURN, y)
    draft.grasp(0.0, 0.0, height, 0.0, x)
    draft.surface = Surface(z, x / 2 - radius, y / 2 - radius)
    return draft


@builder("cube")
def cube(p: Params) -> Draft:
    """A toy cube."""
    width = p.length("width_m", grip=True)
    return _cuboid(p, width, width, width, p.uniform(0.04, 0.08) * width)


@builder("block")
def block(p: Params) -> Draft:
    """A toy building block."""
    x, y, z = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    return _cuboid(p, x, y, z, p.uniform(0.04, 0.09) * min(y, z))


@builder("brick")
def brick(p: Params) -> Draft:
    """A building brick; the clay of real ones is perforated to about two thirds."""
    x, y, z = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    x = min(max(x, 1.6 * y), 2.4 * y)
    return _cuboid(p, x, y, min(z, 0.8 * y), 0.0025, fill=0.65)


@builder("generic")
def generic(p: Params) -> Draft:
    """A plain rounded block for a noun that the catalogue does not know."""
    x, y, z = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    x = max(x, 1.1 * y)
    return _cuboid(p, x, y, z, 0.16 * min(y, z), fill=0.6, steps=3)


@builder("cylinder")
def cylinder(p: Params) -> Draft:
    """A solid cylinder standing on its base."""
    radius, height = p.length("diameter_m", grip=True) / 2, p.length("height_m")
    height = min(height, 4.0 * radius)
    edge = 0.05 * radius
    draft = Draft()
    profile = [
        (0, 0),
        (radius - edge, 0),
        (radius, edge),
        (radius, height - edge),
        (radius - edge, height),
        (0, height),
    ]
    draft.add(lathe(profile, 28), p.color, p.material)
    draft.collision.append(rings_hull([(radius, 0.0), (radius, height)], 16))
    for yaw in (0.0, HALF_TURN, 0.25 * np.pi, -0.25 * np.pi):
        draft.grasp(0.0, 0.0, max(height / 2, height - 0.02), yaw, 2 * radius)
    draft.surface = Surface(height, radius - edge, radius - edge, round=True)
    draft.rolling_friction_m = 0.0003
    return draft


@builder("ball")
def ball(p: Params) -> Draft:
    """A ball, sometimes with a band of another colour."""
    return _ball(
        p,
        p.length("diameter_m", grip=True) / 2,
        band=p.uniform(0, 1) < 0.5,
        fill=1.0 if p.material.name == "foam" else 0.45,
    )


@builder("tennis_ball")
def tennis_ball(p: Params) -> Draft:
    """A tennis ball: hollow rubber with felt, 56.0-59.4 g at 65.4-68.6 mm by the ITF's rules of tennis."""
    radius = p.length("diameter_m", grip=True) / 2
    draft = _ball(p, radius, band=False, fill=1.8)
    # The seam: a loop on the sphere that swings twice to either side (a "baseball curve"), half sunk into the felt.
    t = np.arange(40) * (2.0 * np.pi / 40)
    curve = np.stack(
        [0.75 * np.cos(t) + 0.25 * np.cos(3 * t), 0.75 * np.sin(t) - 0.25 * np.sin(3 * t), 0.866 * np.cos(2 * t)],
        axis=1,
    )
    curve *= 1.002 * radius / np.linalg.norm(curve, axis=1, keepdims=True)
    seam = _tube(curve, 0.06 * radius)
    draft.add(seam.turned("y", 0.5), p.paint("white"), p.material, 0.01)
    return draft


def _tube(curve: Array, radius: float) -> Mesh:
    """A closed tube along a loop on a sphere about the origin."""
    outward = curve / np.linalg.norm(curve, axis=1, keepdims=True)
    tangent = np.roll(curve, -1, axis=0) - np.roll(curve, 1, axis=0)
    along = np.cross(tangent / np.linalg.norm(tangent, axis=1, keepdims=True), outward)
    unit = circle(5)
    rings = curve[:, None] + radius * (0.7 * unit[:, :1] * outward[:, None] + unit[:, 1:] * along[:, None])
    return loft(rings, closed=True)


def _ball(p: Params, radius: float, band: bool, fill: float) -> Draft:
    draft = Draft()
    body: Mesh = ellipsoid(radius, radius, radius, 20, 13)
    if band:
        second = p.paint("white" if p.color_name != "white" else "blue")
        body = body.painted(second, np.abs(body.centers[:, 2]) < 0.33 * radius).turned("x", p.uniform(-0.6, 0.6))
    draft.add(body, p.color, p.material, fill)
    draft.collision.append(Sphere(radius))
    for yaw in (0.0, HALF_TURN, 0.25 * np.pi, -0.25 * np.pi):
        draft.grasp(0.0, 0.0, 0.0, yaw, 2 * radius, radius - 0.004)
    draft.rolling_friction_m = 0.001
    return draft


_PIPS = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    5: ((-1, -1), (-1, 1), (0, 0), (1, -1), (1, 1)),
    6: ((-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)),
}


@builder("die")
def die(p: Params) -> Draft:
    """A playing die; opposite faces add up to seven."""
    width = p.length("width_m", grip=True)
    draft = _cuboid(p, width, width, width, 0.1 * width)
    draft.surface = None
    pip_color = p.paint("white" if p.color_name in ("black", "red", "blue", "green", "navy", "brown") else "black")
    faces = (
        (1, "x", 0.0),
        (6, "x", np.pi),
        (2, "y", HALF_TURN),
        (5, "y", -HALF_TURN),
        (3, "x", HALF_TURN),
        (4, "x", -HALF_TURN),
    )
    for count, axis, angle in faces:
        for u, v in _PIPS[count]:
            radius = 0.085 * width
            # A flat lens, so thin that its overlap with the body weighs nothing.
            pip = lathe([(0, -radius * 0.3), (radius, 0), (0, radius * 0.12)], 8)
            pip = pip.moved(0.27 * width * u, 0.27 * width * v, 0.5 * width)
            draft.add(pip.turned(axis, angle).moved(z=0.5 * width), darker(pip_color, 1.0), p.material, 0.01)
    return draft
