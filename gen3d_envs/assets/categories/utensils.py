"""Kitchen utensils that lie flat: spoon, fork, knife, spatula, whisk.

Those that a gripper has to take have chunky handles, as serving cutlery and children's cutlery have.
"""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.lengthwise import (
    HALF_TURN,
    bent,
    center,
    grasp_along,
    grip_height,
    spine,
    spine_hulls,
)  # fmt: skip
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import Array, Mesh, extrude, loft, rounded_box, sweep

STEEL = MATERIALS["steel"]
_GRIPS = ("black", "red", "blue", "teal", "navy", "green", "orange")


def _two_tone(p: Params) -> tuple[Rgb, Rgb]:
    """Colours of head and handle."""
    grip = p.paint(p.choice(_GRIPS))
    shade = p.uniform(0.0, 1.0)
    if p.material.name == "steel":
        metal = p.paint("silver")
        return metal, grip if p.spec.color is None and shade < 0.75 else p.color
    if p.material.name == "wood":
        return p.color, mix(p.color, (90, 50, 30), 0.35) if shade < 0.5 else darker(p.color, 0.88)
    return p.color, darker(p.color, 0.66) if shade < 0.5 else mix(p.color, (250, 250, 250), 0.45)


def _handle(
    p: Params, draft: Draft, grip_x: tuple[float, float], neck_x: float, half_y: float, height: float,
    neck: tuple[float, float, float], color: Rgb, neck_color: Rgb,
) -> None:  # fmt: skip
    """A handle along x that lies on the table and narrows to a neck (half width, half height, height of its centre)."""
    low, high = grip_x
    half_z = height / 2
    end = min(0.007, 0.2 * (high - low))
    thin, waist = 0.62 * half_y, 0.9
    rows = [
        (low, 0.0, half_z, thin * 0.6, half_z * 0.6), (low + 0.35 * end, 0.0, half_z, thin, half_z * 0.88),
        (low + end, 0.0, half_z, half_y, half_z), (0.5 * (low + high), 0.0, half_z, half_y * waist, half_z),
        (high - end, 0.0, half_z, half_y, half_z), (high, 0.0, half_z, thin, half_z * 0.85),
        (high + 1e-4, 0.0, half_z, thin, half_z * 0.8),
    ]  # fmt: skip
    half_neck, thick_neck, z_neck = neck
    for share in (0.0, 0.35, 0.7, 1.0):
        smooth = share * share * (3.0 - 2.0 * share)
        wide = min(half_neck * (1.0 + 0.25 * (1.0 - share)), thin)
        rows.append((high + 2e-4 + share * (neck_x - high), 0.0, half_z + smooth * (z_neck - half_z), wide,
                     min(thick_neck * (1.0 + 0.3 * (1.0 - share)), 0.8 * half_z)))  # fmt: skip
    body = spine(rows, 10, 2.8)
    steel_grip = p.material.name == "steel"
    # A steel handle is a thin bar in a light grip.
    fill = 0.22 if steel_grip else (1.0 if p.material.name == "wood" else 0.85)
    draft.add(body.painted(neck_color, body.centers[:, 0] > high).painted(color, body.centers[:, 0] <= high),
              None, p.material, fill)  # fmt: skip
    draft.collision.extend(spine_hulls(rows, (0, 5), 0.0))
    draft.collision.extend(spine_hulls(rows, (6, len(rows) - 1), 0.0005))


@builder("spoon")
def spoon(p: Params) -> Draft:
    """A spoon lying on its back."""
    length, width = p.length("length_m"), p.length("width_m")
    half_y, height = p.length("handle_m", grip=True) / 2, grip_height(p, p.uniform(0.005, 0.008))
    head, handle = _two_tone(p)
    bowl = min(p.uniform(1.3, 1.55) * width, 0.38 * length)
    depth = p.uniform(0.25, 0.32) * width
    wall = 0.0022 if p.material.name == "steel" else 0.003
    phi = np.linspace(0.0, np.pi, 9)
    rings = []
    for t in np.linspace(0.0, 1.0, 11):
        swell = max(np.sin(np.pi * t**0.85) ** 0.55, 0.16)
        wide, deep = 0.5 * width * swell, depth * swell
        x = length - bowl * (1.0 - t)
        inner = np.column_stack([np.full(9, x), wide * np.cos(phi), depth - max(deep - wall, 0.3 * deep) * np.sin(phi)])
        outer = np.column_stack([np.full(7, x), wide * np.cos(phi[-2:0:-1]), depth - deep * np.sin(phi[-2:0:-1])])
        rings.append(np.concatenate([inner, outer]))
    draft = Draft()
    scoop = loft(rings)
    # Less light reaches the hollow: without this it looks like a flat disc from afar.
    inside = scoop.normals[:, 2] > 0.05
    hollow = np.zeros(len(scoop.vertices), dtype=bool)
    hollow[scoop.faces[inside]] = True
    scoop = scoop.shaded(np.where(hollow, 0.62 + 0.38 * np.clip(scoop.vertices[:, 2] / depth, 0.0, 1.0) ** 2, 1.0))
    draft.add(scoop, head, p.material)
    neck_x = length - 0.94 * bowl
    grip_end = min(0.62 * length, neck_x - 0.018)
    _handle(p, draft, (0.0, grip_end), neck_x, half_y, height, (0.0036, 0.0024, depth - 0.0026), handle, head)
    points = scoop.vertices[:-2].reshape(11, 16, 3)[::2, (0, 2, 4, 6, 8, 10, 12, 14)].reshape(-1, 3)
    draft.collision.append(hull(points))
    grasp_along(draft, 0.025, grip_end - 0.008, 0.5 * height, 2 * half_y)
    return draft


def _comb(
    x0: float, root: float, tip: float, half_neck: float, half: float, tines: int, tine: float, sharp: float
) -> Array:
    """Outline of a fork's head or of the slotted half of a turner: (n, 2), counter-clockwise."""
    pitch = (2 * half - tine) / (tines - 1)
    outline = [
        (x0, -half_neck),
        (x0 + 0.35 * (root - x0), -half_neck - 0.45 * (half - half_neck)),
        (x0 + 0.72 * (root - x0), -half),
    ]
    for k in range(tines):
        y = -half + k * pitch
        outline += [(root, y), (tip - 1.5 * tine, y), (tip, y + (1 - sharp) * tine / 2),
                    (tip, y + (1 + sharp) * tine / 2),
                    (tip - 1.5 * tine, y + tine), (root, y + tine)]  # fmt: skip
    outline += [
        (x0 + 0.72 * (root - x0), half),
        (x0 + 0.35 * (root - x0), half_neck + 0.45 * (half - half_neck)),
        (x0, half_neck),
    ]
    return np.array(outline)


@builder("fork")
def fork(p: Params) -> Draft:
    """A fork with three or four tines."""
    length, width = p.length("length_m"), p.length("width_m")
    half_y, height = p.length("handle_m", grip=True) / 2, grip_height(p, p.uniform(0.005, 0.008))
    head, handle = _two_tone(p)
    tines = 3 if p.uniform(0, 1) < 0.4 else 4
    reach = p.uniform(0.36, 0.4) * length
    x0, root, tip = length - reach, length - 0.55 * reach, length
    tine = 0.62 * width / (tines + 0.6) if tines == 4 else 0.17 * width
    thick, lift = 0.0028, p.uniform(0.007, 0.01)
    comb = extrude(_comb(x0, root, tip, 0.0035, width / 2, tines, tine, 0.3), 0.0, thick, 0.0005)
    comb = bent(
        comb, lambda x: np.interp(x, [x0, x0 + 0.5 * (root - x0), root, tip], [lift, 0.55 * lift, 0.0, 0.8 * lift])
    )
    draft = Draft()
    draft.add(comb, head, p.material)
    grip_end = min(0.56 * length, x0 - 0.012)
    _handle(p, draft, (0.0, grip_end), x0 + 0.004, half_y, height, (0.0036, 0.0022, lift + 0.5 * thick), handle, head)
    half = width / 2
    draft.collision.append(hull([(root, s * half, z) for s in (-1, 1) for z in (0.0, thick)]
                                + [(tip, s * half, 0.8 * lift + z) for s in (-1, 1) for z in (0.0,
                                                                                              thick)]))  # fmt: skip
    draft.collision.append(hull([(root, s * half, z) for s in (-1, 1) for z in (0.0, thick)]
                                + [(x0, s * 0.004, lift + z) for s in (-1, 1) for z in (0.0, thick)]))  # fmt: skip
    grasp_along(draft, 0.025, grip_end - 0.008, 0.5 * height, 2 * half_y)
    return draft


@builder("knife")
def knife(p: Params) -> Draft:
    """A table knife lying on its side."""
    length, width = p.length("length_m"), p.length("width_m")
    half_y, height = p.length("handle_m", grip=True) / 2, grip_height(p, p.uniform(0.008, 0.011))
    grip = p.paint(p.choice(_GRIPS))
    steel = p.material.name == "steel"
    handle = grip if steel and p.spec.color is None else p.color
    metal = p.paint("silver")
    grip_end = p.uniform(0.44, 0.5) * length
    bolster = grip_end + 0.012
    back, belly = -0.36 * width, 0.64 * width
    outline = [(bolster - 0.004, back), (length - 0.5 * width, back), (length - 0.12 * width, back + 0.12 * width),
               (length, back + 0.3 * width), (length - 0.25 * width, 0.35 * width),
               (length - 0.8 * width, 0.55 * width),
               (length - 1.5 * width, belly), (bolster + 0.5 * width, belly), (bolster + 0.2 * width, 0.5 * width),
               (bolster - 0.004, 0.3 * width)]  # fmt: skip
    thick = 0.0022
    z = 0.5 * height
    blade = extrude(outline, z - thick / 2, z + thick / 2, 0.0007)
    blade = bent(blade, lambda x: -(z - thick / 2) * np.clip((x - bolster) / (length - bolster), 0.0, 1.0))
    edge = blade.centers[:, 1] > 0.5 * width
    draft = Draft()
    draft.add(blade.painted(mix(metal, (255, 255, 255), 0.4), edge), metal, STEEL if steel else p.material, 0.9)
    _handle(p, draft, (0.0, grip_end), bolster, half_y, height, (0.36 * width * 0.8, 0.0024, z), handle, metal)
    low = [(bolster, y, z + s * thick / 2) for y in (back, belly) for s in (-1, 1)]
    draft.collision.append(
        hull(low + [(length - 0.05 * width, y, s) for y in (back, 0.5 * width) for s in (0.0, thick)])
    )
    grasp_along(draft, 0.025, grip_end - 0.01, 0.5 * height, 2 * half_y)
    return draft


@builder("spatula")
def spatula(p: Params) -> Draft:
    """A turner with slots, its blade raised towards the handle."""
    length, width = p.length("length_m"), p.length("width_m")
    half_y, height = p.length("handle_m", grip=True) / 2, grip_height(p, p.uniform(0.008, 0.011))
    head, handle = _two_tone(p)
    if p.material.name != "wood":
        handle = p.paint("charcoal") if p.uniform(0, 1) < 0.5 else handle
    reach = min(p.uniform(1.25, 1.5) * width, 0.4 * length)
    x0, root, tip = length - 1.35 * reach, length - 0.72 * reach, length
    thick, lift, half = 0.004, p.uniform(0.010, 0.016), width / 2
    slots = 3 if width < 0.057 else 4
    tine = width / (1.62 * slots)
    comb = extrude(_comb(x0, root, tip - 0.2 * reach, 0.005, half, slots, tine, 1.0), 0.0, thick, 0.0006)
    lip = rounded_box(0.24 * reach, width, thick - 2e-4, 0.0012, 2).moved(tip - 0.12 * reach, 0.0, 1e-4)

    def rise(x: Array) -> Array:
        return np.interp(x, [x0, x0 + 0.45 * (root - x0), root, tip], [lift, 0.5 * lift, 0.18 * lift, 0.0])

    draft = Draft()
    draft.add(bent(comb, rise), head, p.material)
    draft.add(bent(lip, rise), head, p.material)
    grip_end = min(0.6 * length, x0 - 0.02)
    _handle(p, draft, (0.0, grip_end), x0 + 0.004, half_y, height, (0.0055, 0.003, lift + 0.5 * thick), handle, head)
    draft.collision.append(hull([(tip, s * half, z) for s in (-1, 1) for z in (0.0, thick)]
                                + [(root, s * half, 0.18 * lift + z) for s in (-1, 1) for z in (0.0,
                                                                                                thick)]))  # fmt: skip
    draft.collision.append(hull([(root, s * half, 0.18 * lift + z) for s in (-1, 1) for z in (0.0, thick)]
                                + [(x0, s * 0.006, lift + z) for s in (-1, 1) for z in (0.0, thick)]))  # fmt: skip
    grasp_along(draft, 0.03, grip_end - 0.01, 0.5 * height, 2 * half_y)
    return draft


@builder("whisk")
def whisk(p: Params) -> Draft:
    """A balloon whisk that lies on its handle's end and its wires."""
    length, width = p.length("length_m"), p.length("width_m")
    radius = p.length("handle_m", grip=True) / 2
    if p.grip is not None:
        # Short ones go into bowls without levering against the rim.
        length = 0.15 + 0.45 * (length - 0.15)
        width = min(width, 0.28 * length)
    metal = p.color
    grip = p.paint(p.choice(_GRIPS)) if p.spec.color is None else p.color
    grip_end, half = p.uniform(0.44, 0.5) * length, width / 2
    wire = 0.0013
    profile = [(0.0, 0.5 * radius), (0.004, 0.85 * radius), (0.012, radius), (0.5 * grip_end, 0.9 * radius),
               (grip_end - 0.014, radius), (grip_end - 0.003, 0.78 * radius), (grip_end, 0.6 * radius)]  # fmt: skip
    tilt = float(np.arcsin((half - radius) / (length - 0.3 * (length - grip_end) - 0.012)))
    rows = [(x, 0.0, 0.0, r, r) for x, r in profile]
    body = spine(rows, 12)
    draft = Draft()
    ends = (body.centers[:, 0] > grip_end - 0.006) | (body.centers[:, 0] < 0.006)
    draft.add(body.painted(metal, ends).turned("y", -tilt), grip, MATERIALS["plastic"], 0.8)
    t = np.linspace(-1.0, 1.0, 15)
    along = 1.0 - np.abs(t) ** 1.6
    loops: list[Mesh] = []
    for k in range(3):
        scale = (half - wire) * (1.0 - 0.04 * k)
        y = scale * np.sign(t) * np.sin(np.pi * np.abs(t) ** 0.72 * 0.985) ** 0.9 + 0.35 * radius * t
        path = np.column_stack([grip_end - 0.004 + along * (length - grip_end + 0.002 - 0.002 * k), y, np.zeros(15)])
        loops.append(sweep(path, wire, 4, side=(0.0, 0.0, 1.0), round_ends=False).turned("x", k * np.pi / 3))
    for loop in loops:
        draft.add(loop.turned("y", -tilt), metal, STEEL)
    balloon = [(grip_end, 0.45 * radius), (grip_end + 0.3 * (length - grip_end), 0.72 * half),
               (grip_end + 0.62 * (length - grip_end), half), (grip_end + 0.85 * (length - grip_end), 0.78 * half),
               (length, 0.3 * half)]  # fmt: skip
    inflated = [(x, 0.0, 0.0, r, r) for x, r in balloon]
    for part in (*spine_hulls(rows, (0, 6)), *spine_hulls(inflated, (0, 4))):
        cos, sin = np.cos(-tilt), np.sin(-tilt)
        x, y, z = part.vertices.astype(np.float64).T
        draft.collision.append(hull(np.column_stack([cos * x + sin * z, y, cos * z - sin * x])))
    x = float(np.clip(center(draft)[0] / np.cos(tilt) + 0.004, 0.02, grip_end - 0.016))
    for at in (x, x + 0.012, x - 0.012):
        draft.grasp(at * np.cos(tilt), 0.0, at * np.sin(tilt), HALF_TURN, 2 * radius, 0.006)
    draft.rolling_friction_m = 0.002
    return draft
