"""Pot, pan, bucket and colander."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Surface
from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import block, chain
from gen3d_envs.assets.hollow import HALF_TURN, bowl_profile, hollow, solid_share, wall_thickness
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import sweep


def _ears(p: Params, draft: Draft, radius: float, z: float, color: Rgb, fill: float) -> None:
    """Two loops at +x and -x."""
    for sign in (1.0, -1.0):
        angle = np.linspace(HALF_TURN, -HALF_TURN, 7)
        reach, half = 0.022, 0.024
        path = np.stack(
            [sign * (radius - 0.001 + reach * np.cos(angle) ** 0.7), half * np.sin(angle), np.full(7, z)], axis=1
        )
        draft.add(sweep(path, 0.0042, 7, side=(0.0, 0.0, 1.0), round_ends=False), color, p.material, fill)
        x = sorted((sign * (radius - 0.002), sign * (radius + reach + 0.004)))
        draft.collision.append(block((x[0], x[1]), (-half - 0.003, half + 0.003), (z - 0.004, z + 0.004)))


@builder("pot")
def pot(p: Params) -> Draft:
    """A cooking pot without its lid, with two loops."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.003, 0.004), 0.006
    outer = [(radius - 0.010, 0.0), (radius - 0.003, 0.003), (radius, 0.011), (radius, 0.5 * height), (radius, height)]
    draft = hollow(p, outer, wall, floor, 10, (outer[0], outer[2], outer[-1]), mix(p.color, (150, 150, 155), 0.5))
    handle = p.color if p.uniform(0, 1) < 0.5 else p.paint("charcoal")
    _ears(p, draft, radius, 0.78 * height, handle, 0.4)
    if p.grip is not None:
        angles = (HALF_TURN, -HALF_TURN, np.pi / 4, 0.75 * np.pi, -np.pi / 4, -0.75 * np.pi)
        draft.rim_grasps(radius - wall / 2, wall, height, angles, floor)
    return draft


@builder("pan")
def pan(p: Params) -> Draft:
    """A frying pan; its handle is a grip bar along +x."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.0035, 0.0045), 0.005
    foot = 0.8 * radius
    outer = [(foot, 0.0), (foot + 0.004, 0.002), (0.93 * radius, 0.5 * height), (radius, height)]
    draft = hollow(p, outer, wall, floor, 12, (outer[0], outer[2], outer[3]), darker(p.color, 0.8))
    draft.surface = Surface(floor, 0.95 * (foot - wall), 0.95 * (foot - wall), round=True)
    length, half = p.uniform(0.95, 1.2) * radius, p.uniform(0.0075, 0.0095)
    x = np.array([radius - 0.6 * wall, radius + 0.25 * length, radius + 0.5 * length, radius + length])
    z = 0.72 * height + np.array([0.0, 0.05, 0.09, 0.12]) * height
    sizes = np.stack([[0.5, 0.75, 0.9, 0.8], [0.9, 0.9, 1.0, 1.0]], axis=1) * half
    path = np.stack([x, np.zeros(4), z], axis=1)
    draft.add(sweep(path, sizes, 8, round_ends=False), p.paint("black"), MATERIALS["plastic"], 0.5)
    draft.collision.extend(chain(path[[0, 3]], sizes[[0, 3]] * 1.0))
    draft.grasp(radius + 0.38 * length, 0.0, float(z[1]), HALF_TURN, 1.9 * half, 0.6 * float(z[1]))
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, (HALF_TURN, -HALF_TURN, np.pi, 0.75 * np.pi), floor)
    return draft


@builder("bucket")
def bucket(p: Params) -> Draft:
    """A bucket whose bail lies against its side."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = wall_thickness(p, 0.003, 0.004), 0.005
    foot = 0.74 * radius
    lip = 0.93 * height
    at_lip = foot + (radius - 0.003 - foot) * lip / height
    outer = [
        (foot - 0.003, 0.0),
        (foot, 0.003),
        (0.5 * (foot + at_lip), 0.5 * lip),
        (at_lip, lip - 0.001),
        (radius, lip),
        (radius, height),
    ]
    draft = hollow(p, outer, wall, floor, 12, (outer[1], outer[4], outer[5]), darker(p.color, 0.92))
    angle = np.linspace(0.0, np.pi, 15)
    tilt = 0.42 * np.sin(angle)
    path = np.stack(
        [(radius + 0.001) * np.cos(angle), (radius + 0.001) * np.sin(angle), lip + 0.001 - tilt * radius], axis=1
    )
    draft.add(sweep(path, 0.0018, 6, side=(0.0, 0.0, 1.0)), p.paint("gray"), MATERIALS["steel"], 1.0)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, (-HALF_TURN, -0.25 * np.pi, -0.75 * np.pi, 0.0, np.pi), floor)
    return draft


@builder("colander")
def colander(p: Params) -> Draft:
    """A colander: a bowl with holes, which are drawn dark but closed, and two loops."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall = wall_thickness(p, 0.003, 0.004)
    foot = 0.5 * radius
    outer = bowl_profile(foot, radius, height, 0.006, k=9)
    draft = hollow(p, outer, wall, 0.009, 10, (outer[0], outer[4], outer[7], outer[-1]), None, segments=32)
    part = draft.parts.pop()
    centers = part.mesh.centers
    # Quads are two triangles with one azimuth step between them: colour by whole quads, in a checkered pattern.
    step = np.floor(np.arctan2(centers[:, 1], centers[:, 0]) / (2 * np.pi / 32)).astype(np.int64)
    row = np.searchsorted([z for _, z in outer], centers[:, 2])
    side = np.abs(part.mesh.normals[:, 2]) < 0.97
    holes = side & (centers[:, 2] > 0.02) & (centers[:, 2] < 0.8 * height) & ((step + row) % 2 == 0)
    draft.add(part.mesh.painted(darker(p.color, 0.42), holes), p.color, p.material, 0.8 * solid_share(p, wall))
    _ears(p, draft, radius, 0.9 * height, p.color, 0.4)
    if p.grip is not None:
        angles = (HALF_TURN, -HALF_TURN, np.pi / 4, 0.75 * np.pi, -np.pi / 4, -0.75 * np.pi)
        draft.rim_grasps(radius - wall / 2, wall, height, angles, 0.009)
    return draft
