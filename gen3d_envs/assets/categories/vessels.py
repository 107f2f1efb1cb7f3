"""Round vessels: mug, cup, bowl, jar, vase, pot, pan, bucket, colander, bottle, can, and the dishes plate and saucer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gen3d_envs.assets.asset import Cavity, Surface
from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import RAISE_M, block, chain, rings_hull, walled
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import Array, Profile, lathe, sweep

HALF_TURN = np.pi / 2
RIM_GRIP_M = (0.0065, 0.008)
"""Wall thickness of vessels that are to be gripped by the rim."""

REAL_WALL_M = {"steel": 0.0012, "aluminium": 0.0018, "iron": 0.0030, "plastic": 0.0025}
"""Wall thickness of real vessels of these materials; drawn walls are thicker, so their effective density is lower."""


def _wall(p: Params, low: float, high: float) -> float:
    """Wall thickness: thick enough to be gripped by the rim where the object is to be picked."""
    return p.uniform(*RIM_GRIP_M) if p.grip is not None else p.uniform(low, high)


def _fill(p: Params, wall: float) -> float:
    return min(1.0, REAL_WALL_M.get(p.material.name, 0.0045) / wall)


def _hollow(
    p: Params, outer: Profile, wall: float, floor: float, n: int, skin: Sequence[tuple[float, float]] = (),
    inside: Rgb | None = None, segments: int = 28,
) -> Draft:  # fmt: skip
    """A turned vessel of even wall: mesh, collision and cavity.

    Args:
        p: parameters, for colour and material.
        outer: (radius, z) from the foot to the rim, rising.
        wall: thickness, measured horizontally.
        floor: height of the inner floor.
        n: collision wedges.
        skin: outer points that the wedges follow; the foot, the middle and the rim by default.
        inside: colour of the inside.
        segments: corners round the mesh.
    """
    zs, rs = [z for _, z in outer], [r for r, _ in outer]
    radius, height = outer[-1]
    rim = 0.3 * wall
    inner = [(float(np.interp(z, zs, rs)) - wall, z) for z in zs if floor + 0.002 < z < height - 2 * rim]
    inner = [(float(np.interp(floor, zs, rs)) - wall, floor), *inner]
    profile = [(0.0, 0.0), *outer[:-1], (radius, height - rim), (radius - rim, height), (radius - wall + rim, height)]
    profile += [(radius - wall, height - rim), *reversed(inner), (0.0, floor)]
    body = lathe(profile, segments)
    if inside is not None:
        centers, normals = body.centers, body.normals
        inward = (centers[:, :2] * normals[:, :2]).sum(axis=1) < -0.2 * np.linalg.norm(centers[:, :2], axis=1)
        bottom = (normals[:, 2] > 0.9) & (centers[:, 2] < floor + 1e-4)
        body = body.painted(inside, (inward & (centers[:, 2] > 0.9 * floor)) | bottom)
    draft = Draft()
    draft.add(body, p.color, p.material, _fill(p, wall))
    follow = skin or (outer[0], outer[len(outer) // 2], outer[-1])
    draft.collision.extend(walled(follow, [inner[0], (radius - wall, height)], floor, n))
    # The flat faces of the wedges stand a little inside the round wall.
    mouth = min([r for r, z in inner if z > 0.4 * height] + [radius - wall]) * np.cos(np.pi / n)
    draft.cavity = Cavity(floor, height, float(mouth), float(mouth))
    return draft


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
    draft.add(sweep(path, (half_x, half_y) * np.ones((len(path), 1)), 8, round_ends=False), color, p.material, _fill(p, wall))
    draft.collision.extend(chain(path[[0, 3, 5, 8]], (half_x, half_y) * np.ones((4, 1))))
    top = path[3, 2]
    draft.grasp(path[4, 0], 0.0, top - 0.008, HALF_TURN, 2 * half_y, max(top - 0.008 - path[5, 2], 0.0) + 0.008)


@builder("mug")
def mug(p: Params) -> Draft:
    """A mug with a handle; the outside straight, tapered or slightly bellied."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = _wall(p, 0.0035, 0.005), p.uniform(0.005, 0.007)
    taper, belly = p.uniform(0.84, 1.0), p.uniform(0.0, 0.06)
    foot = radius * taper
    outer = [(foot - 0.003, 0.0), (foot, 0.003)]
    for t in (0.25, 0.5, 0.75, 1.0):
        outer.append((foot + (radius - foot) * t + belly * radius * np.sin(np.pi * t), height * t))
    inside = p.paint("white") if p.uniform(0, 1) < 0.4 else mix(p.color, (255, 255, 255), 0.12)
    draft = _hollow(p, outer, wall, floor, 10, (outer[0], outer[3], outer[-1]), inside)
    at_handle = radius + 0.6 * belly * radius
    _loop_handle(p, draft, at_handle, wall, height, p.color)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, (np.pi, HALF_TURN, -HALF_TURN, 0.75 * np.pi, -0.75 * np.pi), floor)
    return draft


@builder("cup")
def cup(p: Params) -> Draft:
    """A tumbler without a handle, wider at the rim."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = _wall(p, 0.0025, 0.004), p.uniform(0.004, 0.006)
    foot = radius * p.uniform(0.68, 0.9)
    outer = [(foot - 0.002, 0.0), (foot, 0.002), ((foot + radius) / 2, height / 2), (radius, height)]
    inside = p.paint("white") if p.uniform(0, 1) < 0.3 else None
    draft = _hollow(p, outer, wall, floor, 12, (outer[0], outer[-1]), inside)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, np.arange(8) * np.pi / 4, floor)
    return draft


def _bowl_profile(foot: float, radius: float, height: float, ring: float, k: int = 7, power: float = 1.0) -> list[tuple[float, float]]:
    """A quarter of an ellipse from a low foot ring to an upright rim."""
    outer = [(foot - 0.001, 0.0), (foot, ring)]
    for angle in np.linspace(0.0, HALF_TURN, k)[1:]:
        r = foot + (radius - foot) * np.sin(angle) ** power
        outer.append((float(r), float(ring + (height - ring) * (1.0 - np.cos(angle)))))
    return outer


@builder("bowl")
def bowl(p: Params) -> Draft:
    """A bowl on a low foot."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall = _wall(p, 0.004, 0.006)
    foot = radius * p.uniform(0.48, 0.62)
    outer = _bowl_profile(foot, radius, height, 0.003, power=p.uniform(0.8, 1.0))
    floor = 0.008
    inside = p.paint("white") if p.uniform(0, 1) < 0.35 else mix(p.color, (255, 255, 255), 0.1)
    draft = _hollow(p, outer, wall, floor, 12, (outer[0], *outer[2:-1:2], outer[-1]), inside)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, np.arange(8) * np.pi / 4, floor)
    return draft


def _dish(p: Params) -> Draft:
    """A plate or saucer: a flat well and a raised rim, upright and thick where it is to be gripped."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    floor = p.uniform(0.0045, 0.006)
    if p.grip is None:
        foot, well, lip = 0.58 * radius, p.uniform(0.62, 0.68) * radius, 0.004
        outer = [(foot, 0.0), (foot + 0.003, 0.002), (0.72 * radius, 0.3 * height), (radius, height - lip), (radius, height - 0.001)]
        inner = [(radius - 0.002, height), (0.76 * radius, 0.3 * height + floor), (well, floor)]
        rim = 0.0
    else:
        rim = p.uniform(0.007, 0.0085)
        foot, well = 0.80 * radius, radius - rim - 0.008
        outer = [(foot, 0.0), (foot + 0.004, 0.0015), (radius, 0.45 * height), (radius, height - 0.002), (radius - 0.002, height)]
        inner = [(radius - rim + 0.001, height), (radius - rim, height - 0.002), (radius - rim - 0.002, floor + 0.003), (well, floor)]
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
        draft.rim_grasps(radius - rim / 2, rim, height, np.arange(8) * np.pi / 4, floor)
    return draft


builder("plate")(_dish)
builder("saucer")(_dish)


@builder("jar")
def jar(p: Params) -> Draft:
    """An open jar with a shoulder and a painted band."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = _wall(p, 0.004, 0.006), 0.006
    neck = radius * p.uniform(0.84, 0.92)
    outer = [(radius - 0.004, 0.0), (radius, 0.004), (radius, 0.25 * height), (radius, 0.55 * height), (radius, 0.76 * height)]
    outer += [(neck, 0.87 * height), (neck, height)]
    draft = _hollow(p, outer, wall, floor, 12, (outer[1], outer[4], outer[-1]), mix(p.color, (255, 255, 255), 0.1))
    part = draft.parts.pop()
    z = part.mesh.centers[:, 2]
    outside = np.linalg.norm(part.mesh.centers[:, :2], axis=1) > radius - 0.6 * wall
    band = mix(p.color, (255, 255, 255) if sum(p.color) < 420 else (60, 60, 70), 0.6)
    mesh = part.mesh.painted(band, outside & (z > 0.25 * height) & (z < 0.55 * height))
    draft.add(mesh, None, p.material, _fill(p, wall))
    if p.grip is not None:
        draft.rim_grasps(neck - wall / 2, wall, height, np.arange(8) * np.pi / 4, floor)
    return draft


@builder("vase")
def vase(p: Params) -> Draft:
    """A vase with a belly, a neck and a flared lip. What it holds stands in a shaft as wide as its neck."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = _wall(p, 0.004, 0.006), 0.008
    foot, neck, lip = radius * p.uniform(0.6, 0.72), radius * p.uniform(0.5, 0.62), radius * p.uniform(0.62, 0.74)
    knots_z = np.array([0.0, 0.18, 0.38, 0.58, 0.78, 0.88, 1.0]) * height
    shape = np.array([foot, 0.88 * radius, radius, 0.86 * radius, 0.98 * neck, neck, lip])
    z = np.concatenate([[0.0, 0.003], np.linspace(0.09, 1.0, 11) * height])
    outer = list(zip(np.interp(z, knots_z, shape).tolist(), z.tolist(), strict=True))
    draft = _hollow(p, outer, wall, floor, 12, segments=24)
    shaft = neck - wall
    draft.collision.clear()
    skin = [(foot, 0.0), (0.88 * radius, 0.18 * height), (radius, 0.38 * height), (0.86 * radius, 0.58 * height), (lip, height)]
    draft.collision.extend(walled(skin, [(shaft, floor), (shaft, height)], floor, 12))
    mouth = shaft * float(np.cos(np.pi / 12))
    draft.cavity = Cavity(floor, height, mouth, mouth)
    if p.grip is not None:
        draft.rim_grasps(lip - wall / 2, wall, height, np.arange(8) * np.pi / 4, height - 0.025)
    return draft


def _ears(p: Params, draft: Draft, radius: float, z: float, color: Rgb, fill: float) -> None:
    """Two loops at +x and -x."""
    for sign in (1.0, -1.0):
        angle = np.linspace(HALF_TURN, -HALF_TURN, 7)
        reach, half = 0.022, 0.024
        path = np.stack([sign * (radius - 0.001 + reach * np.cos(angle) ** 0.7), half * np.sin(angle), np.full(7, z)], axis=1)
        draft.add(sweep(path, 0.0042, 7, side=(0.0, 0.0, 1.0), round_ends=False), color, p.material, fill)
        x = sorted((sign * (radius - 0.002), sign * (radius + reach + 0.004)))
        draft.collision.append(block((x[0], x[1]), (-half - 0.003, half + 0.003), (z - 0.004, z + 0.004)))


@builder("pot")
def pot(p: Params) -> Draft:
    """A cooking pot without its lid, with two loops."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall, floor = _wall(p, 0.003, 0.004), 0.006
    outer = [(radius - 0.010, 0.0), (radius - 0.003, 0.003), (radius, 0.011), (radius, 0.5 * height), (radius, height)]
    draft = _hollow(p, outer, wall, floor, 10, (outer[0], outer[2], outer[-1]), mix(p.color, (150, 150, 155), 0.5))
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
    wall, floor = _wall(p, 0.0035, 0.0045), 0.005
    foot = 0.8 * radius
    outer = [(foot, 0.0), (foot + 0.004, 0.002), (0.93 * radius, 0.5 * height), (radius, height)]
    draft = _hollow(p, outer, wall, floor, 12, (outer[0], outer[2], outer[3]), darker(p.color, 0.8))
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
    wall, floor = _wall(p, 0.003, 0.004), 0.005
    foot = 0.74 * radius
    lip = 0.93 * height
    at_lip = foot + (radius - 0.003 - foot) * lip / height
    outer = [(foot - 0.003, 0.0), (foot, 0.003), (0.5 * (foot + at_lip), 0.5 * lip), (at_lip, lip - 0.001), (radius, lip), (radius, height)]
    draft = _hollow(p, outer, wall, floor, 12, (outer[1], outer[4], outer[5]), darker(p.color, 0.92))
    angle = np.linspace(0.0, np.pi, 15)
    tilt = 0.42 * np.sin(angle)
    path = np.stack([(radius + 0.002) * np.cos(angle), (radius + 0.002) * np.sin(angle), lip - 0.004 - tilt * radius], axis=1)
    draft.add(sweep(path, 0.0018, 6, side=(0.0, 0.0, 1.0)), p.paint("gray"), MATERIALS["steel"], 1.0)
    if p.grip is not None:
        draft.rim_grasps(radius - wall / 2, wall, height, (-HALF_TURN, -0.25 * np.pi, -0.75 * np.pi, 0.0, np.pi), floor)
    return draft


@builder("colander")
def colander(p: Params) -> Draft:
    """A colander: a bowl with holes, which are drawn dark but closed, and two loops."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    wall = _wall(p, 0.003, 0.004)
    foot = 0.5 * radius
    outer = _bowl_profile(foot, radius, height, 0.006, k=9)
    draft = _hollow(p, outer, wall, 0.009, 10, (outer[0], outer[4], outer[7], outer[-1]), None, segments=32)
    part = draft.parts.pop()
    centers = part.mesh.centers
    # Quads are two triangles with one azimuth step between them: colour by whole quads, in a checkered pattern.
    step = np.floor(np.arctan2(centers[:, 1], centers[:, 0]) / (2 * np.pi / 32)).astype(np.int64)
    row = np.searchsorted([z for _, z in outer], centers[:, 2])
    side = np.abs(part.mesh.normals[:, 2]) < 0.97
    holes = side & (centers[:, 2] > 0.02) & (centers[:, 2] < 0.8 * height) & ((step + row) % 2 == 0)
    draft.add(part.mesh.painted(darker(p.color, 0.42), holes), p.color, p.material, 0.8 * _fill(p, wall))
    _ears(p, draft, radius, 0.9 * height, p.color, 0.4)
    if p.grip is not None:
        angles = (HALF_TURN, -HALF_TURN, np.pi / 4, 0.75 * np.pi, -np.pi / 4, -0.75 * np.pi)
        draft.rim_grasps(radius - wall / 2, wall, height, angles, 0.009)
    return draft


@builder("bottle")
def bottle(p: Params) -> Draft:
    """A closed bottle, a third full, with a label and a cap; picked by cap and neck."""
    radius = p.length("diameter_m", grip=True) / 2
    height = min(p.length("height_m"), 5.2 * radius + 0.06)
    height = max(height, 0.125)
    neck = min(p.uniform(0.0115, 0.0145), 0.8 * radius)
    shoulder, top = p.uniform(0.58, 0.68) * height, height - 0.018
    label = (0.2 * height, 0.85 * shoulder)
    profile = [(0.0, 0.0), (radius - 0.004, 0.0), (radius, 0.004), (radius, label[0]), (radius, label[1]), (radius, shoulder)]
    profile += [(0.86 * radius + 0.14 * neck, shoulder + 0.3 * (top - shoulder)), (1.08 * neck, shoulder + 0.8 * (top - shoulder))]
    profile += [(neck, top), (0.0, top)]
    body = lathe(profile, 24)
    z = body.centers[:, 2]
    label_color = p.paint("white" if sum(p.color) < 480 else "charcoal")
    body = body.painted(label_color, (z > label[0]) & (z < label[1]) & (np.abs(body.normals[:, 2]) < 0.1))
    draft = Draft()
    draft.add(body, p.color, p.material, 0.35 if p.material.name == "plastic" else 0.16)
    cap = neck + 0.0018
    lid = lathe([(0.0, top - 0.001), (cap, top - 0.001), (cap, height - 0.002), (cap - 0.002, height), (0.0, height)], 16)
    draft.add(lid, p.paint(p.choice(("white", "black", "blue", "red"))), MATERIALS["plastic"], 0.6)
    draft.collision.append(rings_hull([(radius, 0.0), (radius, shoulder)], 14))
    draft.collision.append(rings_hull([(radius, shoulder), (1.1 * neck, top - 0.12 * (top - shoulder)), (cap, height)], 10))
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
    profile = [(0.0, 0.0), (foot, 0.0), (radius, 0.9 * edge), (radius, low), (radius, high), (radius, height - 1.2 * edge)]
    profile += [(foot + 0.03 * radius, height - 0.002), (foot, height), (0.92 * foot, height), (0.9 * foot, height - 0.003), (0.0, height - 0.003)]
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
