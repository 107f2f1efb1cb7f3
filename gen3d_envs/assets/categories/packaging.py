"""Closed vessels with their contents: bottle and can."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Surface
from gen3d_envs.assets.build import Draft, Params, builder, mix
from gen3d_envs.assets.collision import RAISE_M, rings_hull
from gen3d_envs.assets.hollow import HALF_TURN
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import lathe


@builder("bottle")
def bottle(p: Params) -> Draft:
    """A closed bottle, a third full, with a label and a cap; picked by cap and neck."""
    radius = p.length("diameter_m", grip=True) / 2
    height = min(p.length("height_m"), 5.2 * radius + 0.06)
    height = max(height, 0.125)
    neck = min(p.uniform(0.0115, 0.0145), 0.8 * radius)
    shoulder, top = p.uniform(0.58, 0.68) * height, height - 0.018
    label = (0.2 * height, 0.85 * shoulder)
    profile = [
        (0.0, 0.0),
        (radius - 0.004, 0.0),
        (radius, 0.004),
        (radius, label[0]),
        (radius, label[1]),
        (radius, shoulder),
    ]
    profile += [
        (0.86 * radius + 0.14 * neck, shoulder + 0.3 * (top - shoulder)),
        (1.08 * neck, shoulder + 0.8 * (top - shoulder)),
    ]
    profile += [(neck, top), (0.0, top)]
    body = lathe(profile, 24)
    z = body.centers[:, 2]
    label_color = p.paint("white" if sum(p.color) < 480 else "charcoal")
    body = body.painted(label_color, (z > label[0]) & (z < label[1]) & (np.abs(body.normals[:, 2]) < 0.1))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.35 if p.material.name == "plastic" else 0.16)
    cap = neck + 0.0018
    lid = lathe(
        [(0.0, top - 0.001), (cap, top - 0.001), (cap, height - 0.002), (cap - 0.002, height), (0.0, height)], 16
    )
    draft.add(lid, p.paint(p.choice(("white", "black", "blue", "red"))), MATERIALS["plastic"], 0.6)
    draft.collision.append(rings_hull([(radius, 0.0), (radius, shoulder)], 14))
    draft.collision.append(
        rings_hull([(radius, shoulder), (1.1 * neck, top - 0.12 * (top - shoulder)), (cap, height)], 10)
    )
    for yaw in (0.0, HALF_TURN, 0.25 * np.pi, -0.25 * np.pi):
        draft.grasp(0.0, 0.0, top - 0.004, yaw, 2 * cap, 0.3 * (top - shoulder))
    draft.rolling_friction_m = 0.0003
    return draft


@builder("can")
def can(p: Params) -> Draft:
    """A full drinks or food can with a bare top and a coloured jacket."""
    radius, height = p.length("diameter_m", grip=True) / 2, p.length("height_m")
    height = min(height, 4.0 * radius)
    foot, edge = 0.86 * radius, 0.1 * radius
    low, high = 0.12 * height, 0.88 * height
    profile = [
        (0.0, 0.0),
        (foot, 0.0),
        (radius, 0.9 * edge),
        (radius, low),
        (radius, high),
        (radius, height - 1.2 * edge),
    ]
    profile += [
        (foot + 0.03 * radius, height - 0.002),
        (foot, height),
        (0.92 * foot, height),
        (0.9 * foot, height - 0.003),
        (0.0, height - 0.003),
    ]
    body = lathe(profile, 24)
    z, side = body.centers[:, 2], np.abs(body.normals[:, 2]) < 0.2
    body = body.painted(p.paint("silver"), ~(side & (z > 0.5 * edge) & (z < height - edge)))
    stripe = mix(p.color, (255, 255, 255), 0.75) if sum(p.color) < 500 else mix(p.color, (40, 60, 120), 0.7)
    body = body.painted(stripe, side & (z > high) & (z < height - edge)) if p.uniform(0, 1) < 0.6 else body
    draft = Draft()
    draft.add(body, p.color, p.material, 0.36)
    draft.collision.append(rings_hull([(foot, 0.0), (radius, 0.9 * edge), (radius, height - edge), (foot, height)], 8))
    draft.collision.append(rings_hull([(radius, RAISE_M + edge), (radius, height - edge)], 16))
    for yaw in (0.0, HALF_TURN, 0.25 * np.pi, -0.25 * np.pi):
        draft.grasp(0.0, 0.0, max(height / 2, height - 0.025), yaw, 2 * radius)
    draft.surface = Surface(height, 0.92 * foot, 0.92 * foot, round=True)
    draft.rolling_friction_m = 0.0003
    return draft
