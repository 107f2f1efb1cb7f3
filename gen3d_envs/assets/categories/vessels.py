"""Crockery: mug, cup, bowl, plate, saucer, jar and vase."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Cavity, Surface
from gen3d_envs.assets.build import Draft, Params, Rgb, builder, mix
from gen3d_envs.assets.collision import chain, walled
from gen3d_envs.assets.hollow import ALL_ROUND_RAD, HALF_TURN, bowl_profile, hollow, solid_share, wall_thickness
from gen3d_envs.assets.shapes import Array, lathe, sweep


def _bend(radius: float, reach: float, center_z: float, half_height: float, k: int = 9, power: float = 0.62) -> Array:
    """Path of a handle in the xz plane: from the wall out and back in, with a straight upright middle."""
    angle = np.linspace(HALF_TURN, -HALF_TURN, k)
    cos, sin = np.maximum(np.cos(angle), 0.0), np.sin(angle)
    x = radius + reach * cos**power
    return np.stack([x, np.zeros(k), center_z + half_height * np.sign(sin) * np.abs(sin) ** power], axis=1)


def _loop_handle(p: Params, draft: Draft, radius: float, wall: float, height: float, color: Rgb) -> None:
    """A mug's handle at +x: the fingers close across it along y."""
    half_y = p.uniform(0.0046, 0.0062)
    half_x = p.uniform(0.0036, 0.0048)
    reach = p.uniform(0.028, 0.033)
    path = _bend(radius - 0.5 * wall, reach + 0.5 * wall, 0.53 * height, p.uniform(0.26, 0.32) * height)
    draft.add(
        sweep(path, (half_x, half_y) * np.ones((len(path), 1)), 8, round_ends=False),
        color,
        p.material,
        solid_share(p, wall),
    )
    draft.collision.extend(chain(path[[0, 3, 5, 8]], (half_x, half_y) * np.ones((4, 1))))
    top = path[3, 2]
    draft.grasp(path[4, 0], 0.0, top - 0.008, HALF_TURN, 2 * half_y, max(top - 0.008 - path[5, 2], 0.0) + 0.008)


@builder("mug")
def mug(p: Params) -> Draft:
    """A mug with a handle; the outside straight, tapered or slightly bellied."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.0035, 0.005), p.uniform(0.005, 0.007)
    taper, belly = p.uniform(0.84, 1.0), p.uniform(0.0, 0.06)
    foot = radius * taper
    outer = [(foot - 0.003, 0.0), (foot, 0.003)]
    for t in (0.25, 0.5, 0.75, 1.0):
        outer.append((foot + (radius - foot) * t + belly * radius * np.sin(np.pi * t), height * t))
    inside = p.paint("white") if p.uniform(0, 1) < 0.4 else mix(p.color, (255, 255, 255), 0.12)
    draft = hollow(p, outer, wall, floor, 10, (outer[0], outer[3], outer[-1]), inside)
    at_handle = radius + 0.6 * belly * radius
    _loop_handle(p, draft, at_handle, wall, height, p.color)
    if p.grip is not None:
        draft.rim_grasps(
            radius - wall / 2, wall, height, (np.pi, HALF_TURN, -HALF_TURN, 0.75 * np.pi, -0.75 * np.pi), floor
        )
    return draft


@builder("cup")
def cup(p: Params) -> Draft:
    """A tumbler without a handle, wider at the rim."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.0025, 0.004), p.uniform(0.004, 0.006)
    foot = radius * p.uniform(0.68, 0.9)
    outer = [(foot - 0.002, 0.0), (foot, 0.002), ((foot + radius) / 2, height / 2), (radius, height)]
    inside = p.paint("white") if p.uniform(0, 1) < 0.3 else None
    draft = hollow(p, outer, wall, floor, 12, (outer[0], outer[-1]), inside)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, ALL_ROUND_RAD, floor)
    return draft


@builder("bowl")
def bowl(p: Params) -> Draft:
    """A bowl on a low foot."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall = wall_thickness(p, 0.004, 0.006)
    foot = radius * p.uniform(0.48, 0.62)
    outer = bowl_profile(foot, radius, height, 0.003, power=p.uniform(0.8, 1.0))
    floor = 0.008
    inside = p.paint("white") if p.uniform(0, 1) < 0.35 else mix(p.color, (255, 255, 255), 0.1)
    draft = hollow(p, outer, wall, floor, 12, (outer[0], *outer[2:-1:2], outer[-1]), inside)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, ALL_ROUND_RAD, floor)
    return draft


def _dish(p: Params) -> Draft:
    """A plate or saucer: a flat well and a raised rim, upright and thick where it is to be gripped."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    floor = p.uniform(0.0045, 0.006)
    if p.grip is None:
        foot, well, lip = 0.58 * radius, p.uniform(0.62, 0.68) * radius, 0.004
        outer = [
            (foot, 0.0),
            (foot + 0.003, 0.002),
            (0.72 * radius, 0.3 * height),
            (radius, height - lip),
            (radius, height - 0.001),
        ]
        inner = [(radius - 0.002, height), (0.76 * radius, 0.3 * height + floor), (well, floor)]
        rim = 0.0
    else:
        rim = p.uniform(0.007, 0.0085)
        foot, well = 0.80 * radius, radius - rim - 0.008
        outer = [
            (foot, 0.0),
            (foot + 0.004, 0.0015),
            (radius, 0.45 * height),
            (radius, height - 0.002),
            (radius - 0.002, height),
        ]
        inner = [
            (radius - rim + 0.001, height),
            (radius - rim, height - 0.002),
            (radius - rim - 0.002, floor + 0.003),
            (well, floor),
        ]
    body = lathe([(0.0, 0.0), *outer, *inner, (0.5 * well, floor), (0.0, floor)], 32)
    if p.uniform(0, 1) < 0.4:
        distance = np.linalg.norm(body.centers[:, :2], axis=1)
        band = mix(p.color, (255, 255, 255) if sum(p.color) < 480 else (40, 70, 140), 0.55)
        body = body.painted(band, (distance > 0.9 * (well if rim == 0.0 else radius)) & (body.normals[:, 2] > 0.3))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.85)
    skin = [outer[0], outer[2], outer[3], (radius, height)]
    draft.collision.extend(walled(skin, [(well, floor), (radius - max(rim, 0.003), height)], floor, 12))
    draft.surface = Surface(floor, well * 0.966, well * 0.966, round=True)
    if p.grip is not None:
        draft.rim_grasps(radius - rim / 2, rim, height, ALL_ROUND_RAD, floor)
    return draft


builder("plate")(_dish)
builder("saucer")(_dish)


@builder("jar")
def jar(p: Params) -> Draft:
    """An open jar with a shoulder and a painted band."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.004, 0.006), 0.006
    neck = radius * p.uniform(0.84, 0.92)
    outer = [
        (radius - 0.004, 0.0),
        (radius, 0.004),
        (radius, 0.25 * height),
        (radius, 0.55 * height),
        (radius, 0.76 * height),
    ]
    outer += [(neck, 0.87 * height), (neck, height)]
    draft = hollow(p, outer, wall, floor, 12, (outer[1], outer[4], outer[-1]), mix(p.color, (255, 255, 255), 0.1))
    part = draft.parts.pop()
    z = part.mesh.centers[:, 2]
    outside = np.linalg.norm(part.mesh.centers[:, :2], axis=1) > radius - 0.6 * wall
    band = mix(p.color, (255, 255, 255) if sum(p.color) < 420 else (60, 60, 70), 0.6)
    mesh = part.mesh.painted(band, outside & (z > 0.25 * height) & (z < 0.55 * height))
    draft.add(mesh, None, p.material, solid_share(p, wall))
    if p.grip is not None:
        draft.rim_grasps(neck - wall / 2, wall, height, ALL_ROUND_RAD, floor)
    return draft


@builder("vase")
def vase(p: Params) -> Draft:
    """A vase with a belly, a neck and a flared lip. What it holds stands in a shaft as wide as its neck."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.004, 0.006), 0.008
    foot, neck, lip = radius * p.uniform(0.6, 0.72), radius * p.uniform(0.5, 0.62), radius * p.uniform(0.62, 0.74)
    knots_z = np.array([0.0, 0.18, 0.38, 0.58, 0.78, 0.88, 1.0]) * height
    shape = np.array([foot, 0.88 * radius, radius, 0.86 * radius, 0.98 * neck, neck, lip])
    z = np.concatenate([[0.0, 0.003], np.linspace(0.09, 1.0, 11) * height])
    outer = list(zip(np.interp(z, knots_z, shape).tolist(), z.tolist(), strict=True))
    draft = hollow(p, outer, wall, floor, 12, segments=24)
    shaft = neck - wall
    draft.collision.clear()
    skin = [
        (foot, 0.0),
        (0.88 * radius, 0.18 * height),
        (radius, 0.38 * height),
        (0.86 * radius, 0.58 * height),
        (lip, height),
    ]
    draft.collision.extend(walled(skin, [(shaft, floor), (shaft, height)], floor, 12))
    mouth = shaft * float(np.cos(np.pi / 12))
    draft.cavity = Cavity(floor, height, mouth, mouth)
    if p.grip is not None:
        draft.rim_grasps(lip - wall / 2, wall, height, ALL_ROUND_RAD, height - 0.025)
    return draft
