"""Rectangular containers (box, basket, tray) and flat things: boards, books, mats, coasters, towels."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Cavity, Surface
from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import block, open_box, rings_hull
from gen3d_envs.assets.shapes import extrude, lathe, rounded_box, rounded_rectangle, stack

HALF_TURN = np.pi / 2


def _open_top(
    p: Params, bottom: tuple[float, float], top: tuple[float, float], height: float, wall: float, floor: float,
    corner: float, rows: int = 2, inside: Rgb | None = None, fill: float = 1.0, side_points: int = 0,
) -> Draft:  # fmt: skip
    """A rectangular container with round corners: mesh, collision, cavity, and grasps on its four walls."""

    def outline(share: float, inset: float) -> np.ndarray:
        half = [b + share * (t - b) - inset for b, t in zip(bottom, top, strict=True)]
        return rounded_rectangle(half[0], half[1], max(corner - inset, 0.002), 4, side_points)

    edge = 0.25 * wall
    sections = [(outline(0.0, 0.001), 0.0)]
    sections += [(outline(k / rows, 0.0), max(k / rows * height, 0.001)) for k in range(rows)]
    sections += [(outline(1.0, 0.0), height - edge), (outline(1.0, edge), height), (outline(1.0, wall - edge), height)]
    sections += [(outline(1.0, wall), height - edge), (outline(floor / height, wall), floor)]
    body = stack(sections)
    if inside is not None:
        x, y, z = np.abs(body.centers).T
        share = np.clip(z / height, 0.0, 1.0)
        within = (x < bottom[0] + share * (top[0] - bottom[0]) - 0.7 * wall) & (
            y < bottom[1] + share * (top[1] - bottom[1]) - 0.7 * wall
        )
        body = body.painted(inside, within & (z > 0.9 * floor))
    draft = Draft()
    draft.add(body, p.color, p.material, fill)
    draft.collision.extend(open_box(bottom, top, height, wall, floor))
    # Things lie between the walls at floor level, where a tapered container is narrowest.
    low = [b + floor / height * (t - b) - wall for b, t in zip(bottom, top, strict=True)]
    draft.cavity = Cavity(floor, height, low[0], low[1], round=False)
    if p.grip is not None:
        z = max(height - 0.012, floor + 0.004)
        depth = max(z - floor - 0.004, 0.0)
        for sign in (1.0, -1.0):
            draft.grasp(0.0, sign * (top[1] - wall / 2), z, HALF_TURN, wall, depth)
            draft.grasp(sign * (top[0] - wall / 2), 0.0, z, 0.0, wall, depth)
    return draft


def _sides(p: Params) -> tuple[float, float, float]:
    """Half length, half width and height; the length is the longer."""
    x, y, z = p.length("length_m") / 2, p.length("width_m") / 2, p.length("height_m")
    return max(x, y), min(x, y), z


def _wall(p: Params, low: float, high: float) -> float:
    return p.uniform(0.0065, 0.008) if p.grip is not None else p.uniform(low, high)


@builder("box")
def box(p: Params) -> Draft:
    """An open box."""
    x, y, z = _sides(p)
    wall = _wall(p, 0.003, 0.005)
    fill = min(1.0, (0.5 if p.material.name == "cardboard" else 0.8) * 0.004 / wall)
    return _open_top(p, (x, y), (x, y), z, wall, 0.005, 0.003, inside=darker(p.color, 0.88), fill=fill)


@builder("basket")
def basket(p: Params) -> Draft:
    """A woven basket, wider at the rim, with a braided edge."""
    x, y, z = _sides(p)
    wall, rows = _wall(p, 0.005, 0.007), 6
    bottom = (0.86 * x, 0.86 * y)
    draft = _open_top(p, bottom, (x, y), z, wall, 0.006, 0.35 * y, rows=rows, fill=0.6, side_points=3)
    part = draft.parts.pop()
    centers = part.mesh.centers
    row = np.floor(centers[:, 2] / z * rows * 0.999)
    # A quad's two triangles start at the same vertex, and each ring has as many vertices as the weave has columns.
    column = part.mesh.faces[:, 0] % (4 * (4 + 3))
    dark = ((row + column) % 2 == 0) & (np.abs(part.mesh.normals[:, 2]) < 0.5)
    mesh = part.mesh.painted(darker(p.color, 0.78), dark)
    mesh = mesh.painted(darker(p.color, 0.66), centers[:, 2] > z - 0.5 * wall)
    draft.add(mesh, p.color, p.material, 0.6)
    return draft


@builder("tray")
def tray(p: Params) -> Draft:
    """A serving tray with a low wall."""
    x, y, z = _sides(p)
    wall, floor = _wall(p, 0.005, 0.007), p.uniform(0.005, 0.007)
    draft = _open_top(
        p, (x - 0.006, y - 0.006), (x, y), z, wall, floor, 0.02, inside=mix(p.color, (255, 255, 255), 0.12), fill=0.7
    )
    cavity = draft.cavity
    if cavity is not None:
        draft.surface = Surface(floor, cavity.half_x_m, cavity.half_y_m)
    return draft


@builder("cutting_board")
def cutting_board(p: Params) -> Draft:
    """A board with a handle at one end, which the gripper takes across."""
    length, width, thick = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    width = min(width, 0.75 * length)
    if p.grip is not None:
        # Fingers from above hold nothing flatter than this.
        thick = max(thick, 0.014)
    grip = min(p.uniform(0.026, 0.036), 0.9 * p.grip if p.grip is not None else 0.036)
    x, y, h, reach = length / 2, width / 2, grip / 2, p.uniform(0.055, 0.075)
    board = rounded_rectangle(x, y, 0.016, 4)
    right = board[:4], board[4:8], board[8:12], board[12:]
    angle = np.linspace(-HALF_TURN, HALF_TURN, 7)
    tip = np.stack([x + reach - h + h * np.cos(angle), h * np.sin(angle)], axis=1)
    neck = np.array([[x, -h - 0.008], [x + 0.008, -h]]), np.array([[x + 0.008, h], [x, h + 0.008]])
    outline = np.concatenate([right[3], neck[0], tip, neck[1], right[0], right[1], right[2]])
    draft = Draft()
    draft.add(extrude(outline, 0.0, thick, 0.0015), p.color, p.material)
    draft.collision.append(block((-x, x), (-y, y), (0.0, thick)))
    draft.collision.append(block((x, x + reach), (-h, h), (0.0, thick)))
    draft.grasp(x + 0.55 * reach, 0.0, thick / 2, HALF_TURN, grip)
    draft.surface = Surface(thick, x - 0.004, y - 0.004)
    return draft


@builder("book")
def book(p: Params) -> Draft:
    """A closed hardback lying on its back: cover, spine and pages."""
    x, y, z = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    return _bound(p, x, min(y, 0.8 * x), z, 0.0024, 0.8)


@builder("notebook")
def notebook(p: Params) -> Draft:
    """A notebook with a thin cover and an elastic band."""
    x, y, z = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    return _bound(p, x, min(y, 0.75 * x), z, 0.0012, 0.85)


def _bound(p: Params, x: float, y: float, z: float, cover: float, fill: float) -> Draft:
    if p.grip is not None and y > p.grip:
        # Scaled to the grip it becomes a miniature: keep it thick enough to be held.
        z = max(z, 0.016 / (0.86 * p.grip) * y)
    draft = Draft()
    inset = 0.003
    white = p.paint("cream")
    # Pages end flush with the spine's inside; cover boards and spine wrap them without overlap.
    pages = rounded_box(x - 2 * inset, y - inset - cover, z - 2 * cover, 1e-4, 2).moved(0.0, (cover - inset) / 2, cover)
    draft.add(pages, white, p.material, fill)
    for low in (0.0, z - cover):
        draft.add(rounded_box(x, y, cover, 3e-4, 2).moved(z=low), p.color, p.material)
    spine = rounded_box(x, cover, z - 2 * cover, 1e-4, 2).moved(0.0, (cover - y) / 2, cover)
    draft.add(spine, darker(p.color, 0.9), p.material)
    if p.uniform(0, 1) < 0.75:
        label = mix(p.color, (255, 255, 255), 0.7)
        plate = rounded_box(0.34 * x, 0.5 * y, 4e-4, 1e-4, 2).moved(0.12 * x, 0.0, z - 1e-4)
        draft.add(plate, label, p.material)
    draft.collision.append(block((-x / 2, x / 2), (-y / 2, y / 2), (0.0, z)))
    draft.grasp(0.0, 0.0, z / 2, HALF_TURN, y)
    draft.surface = Surface(z, x / 2, y / 2)
    return draft


def _mat(p: Params, x: float, y: float, z: float, corner: float, border: bool) -> Draft:
    """A thin slab, perhaps with a border in another shade."""
    draft = Draft()
    outline, edge = rounded_rectangle(x / 2, y / 2, corner, 4), min(0.0012, z / 3)
    small = rounded_rectangle(x / 2 - edge, y / 2 - edge, corner, 4)
    field = rounded_rectangle(x / 2 - 0.011, y / 2 - 0.011, max(corner - 0.006, 0.002), 4)
    mesh = stack([(small, 0.0), (outline, edge), (outline, z - edge), (small, z), (field, z)])
    if border:
        inner = (np.abs(mesh.centers[:, 0]) < x / 2 - 0.012) & (np.abs(mesh.centers[:, 1]) < y / 2 - 0.012)
        mesh = mesh.painted(mix(p.color, (255, 255, 255), 0.22), inner & (mesh.normals[:, 2] > 0.9))
    draft.add(mesh, p.color, p.material)
    draft.collision.append(block((-x / 2, x / 2), (-y / 2, y / 2), (0.0, z)))
    draft.surface = Surface(z, x / 2 - 0.004, y / 2 - 0.004)
    return draft


@builder("mousepad")
def mousepad(p: Params) -> Draft:
    """A mouse pad."""
    x, y, z = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    return _mat(p, max(x, y), min(x, y), z, 0.012, border=p.uniform(0, 1) < 0.4)


@builder("placemat")
def placemat(p: Params) -> Draft:
    """A placemat."""
    x, y, z = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    return _mat(p, x, y, z, 0.008, border=p.uniform(0, 1) < 0.7)


@builder("coaster")
def coaster(p: Params) -> Draft:
    """A coaster, round or square."""
    width, z = p.length("width_m"), p.length("thickness_m")
    if p.uniform(0, 1) < 0.4:
        return _mat(p, width, width, z, 0.012, border=False)
    radius, edge = width / 2, 0.001
    draft = Draft()
    body = lathe(
        [
            (0, 0),
            (radius - edge, 0),
            (radius, edge),
            (radius, z - edge),
            (radius - edge, z),
            (0.82 * radius, z),
            (0, z),
        ],
        28,
    )
    center = np.linalg.norm(body.centers[:, :2], axis=1) < 0.75 * radius
    draft.add(
        body.painted(mix(p.color, (255, 255, 255), 0.2), center & (body.normals[:, 2] > 0.9)), p.color, p.material
    )
    draft.collision.append(rings_hull([(radius, 0.0), (radius, z)], 16))
    draft.surface = Surface(z, radius * 0.97, radius * 0.97, round=True)
    return draft


@builder("towel")
def towel(p: Params) -> Draft:
    """A towel folded flat in layers."""
    x, y, z = p.length("length_m"), p.length("width_m"), p.length("thickness_m")
    y = min(y, 0.85 * x)
    layers = 3
    draft = Draft()
    for k in range(layers):
        shift = p.uniform(-0.003, 0.003)
        layer = rounded_box(x - 0.006, y - 0.006, z / layers, 0.45 * z / layers, 3).moved(shift, -shift, k * z / layers)
        if k == layers - 1:
            stripe = np.abs(np.abs(layer.centers[:, 0]) - 0.42 * x) < 0.03 * x
            layer = layer.painted(mix(p.color, (255, 255, 255), 0.5), stripe)
        draft.add(layer, p.color, p.material, 0.6)
    draft.collision.append(block((-x / 2 + 0.003, x / 2 - 0.003), (-y / 2 + 0.003, y / 2 - 0.003), (0.0, z)))
    draft.surface = Surface(z, x / 2 - 0.01, y / 2 - 0.01)
    return draft
