"""Things of a desk: pen, marker, pencil, eraser, tape, stapler, computer mouse, battery."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, Rgb, builder, darker, mix
from gen3d_envs.assets.collision import block, wedges
from gen3d_envs.assets.lengthwise import (
    HALF_TURN,
    flattened,
    grasp_along,
    grip_height,
    lying,
    prism_hull,
    side_view,
    spine,
    spine_hulls,
    tint,
)  # fmt: skip
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.organic import round_grasps, standing_hull
from gen3d_envs.assets.shapes import lathe, rounded_box, sweep

STEEL, PLASTIC = MATERIALS["steel"], MATERIALS["plastic"]
WHITE: Rgb = (255.0, 255.0, 255.0)


def _stick(
    p: Params, profile: list[tuple[float, float]], bands: list[tuple[float, Rgb]], n: int, cuts: tuple[int, ...],
    fill: float
) -> Draft:  # fmt: skip
    """A thin turned thing lying on a flat of its section; ``bands`` gives the colour up to each x."""
    rows = lying(profile)
    body = spine(rows, n, start_rad=np.pi / n)
    x = body.centers[:, 0]
    for end, rgb in reversed(bands):
        body = body.painted(rgb, x < end)
    draft = Draft()
    draft.add(body, bands[-1][1], p.material, fill)
    draft.collision.extend(spine_hulls(rows, cuts, 0.0))
    draft.rolling_friction_m = 0.0015
    return draft


@builder("pen")
def pen(p: Params) -> Draft:
    """A ballpoint pen with a clip; a thick children's one where it has to be gripped."""
    length, radius = p.length("length_m"), grip_height(p, p.length("diameter_m", grip=True)) / 2
    tip, grip = 0.1 * length, p.uniform(0.26, 0.36) * length
    profile = [(0.0, 0.12 * radius), (0.022 * length, 0.2 * radius), (0.024 * length, 0.42 * radius),
               (tip, 0.9 * radius),
               (tip + 0.004, radius), (grip, radius), (grip + 1e-3, radius), (0.9 * length, radius),
               (0.94 * length, 0.94 * radius),
               (0.941 * length, 0.5 * radius), (0.995 * length, 0.5 * radius), (length, 0.36 * radius)]  # fmt: skip
    dark = p.paint("charcoal" if p.color_name == "black" or p.uniform(0, 1) < 0.6 else "white")
    metal = p.paint("silver")
    bands = [(0.023 * length, metal), (tip, dark if p.uniform(0, 1) < 0.5 else metal), (grip, dark),
             (0.94 * length, p.color),
             (length, metal)]  # fmt: skip
    draft = _stick(p, profile, bands, 10, (0, 4, 8, 11), 0.75)
    z = 2 * radius
    clip = rounded_box(0.24 * length, 0.5 * radius, 0.0016, 5e-4, 2).moved(0.79 * length, 0.0, z - 2e-4)
    draft.add(clip, metal if p.color_name != "black" else p.paint("gold"), PLASTIC)
    grasp_along(draft, grip, 0.66 * length, radius, 2 * radius)
    return draft


@builder("marker")
def marker(p: Params) -> Draft:
    """A felt marker with its cap on; the barrel white or in the ink's colour."""
    length, radius = p.length("length_m"), grip_height(p, p.length("diameter_m", grip=True)) / 2
    cap = p.uniform(0.3, 0.4) * length
    body = 0.93 * radius
    profile = [(0.0, 0.5 * radius), (0.004, 0.62 * radius), (0.16 * length, 0.7 * radius),
               (0.17 * length, 0.97 * radius),
               (cap, radius), (cap + 5e-4, body), (0.93 * length, body), (0.931 * length, 0.9 * body),
               (0.995 * length, 0.88 * body),
               (length, 0.6 * body)]  # fmt: skip
    white = p.paint("white")
    barrel = white if p.uniform(0, 1) < 0.55 else mix(p.color, WHITE, 0.12)
    bands = [
        (cap + 2e-4, p.color),
        (cap + 0.008, barrel),
        (cap + 0.2 * length, barrel),
        (0.93 * length, barrel),
        (length, p.color),
    ]
    draft = _stick(p, profile, bands, 12, (0, 3, 4, 9), 0.6)
    grasp_along(draft, 0.2 * length, 0.85 * length, radius, 1.96 * radius)
    return draft


@builder("pencil")
def pencil(p: Params) -> Draft:
    """A hexagonal pencil with an eraser; a jumbo one where it has to be gripped."""
    length, radius = p.length("length_m"), grip_height(p, p.length("diameter_m", grip=True)) / 2
    cone = min(p.uniform(1.9, 2.5) * 2 * radius, 0.25 * length)
    ferrule = min(0.02, 0.14 * length)
    corner = radius / np.cos(np.pi / 6)
    profile = [(0.0, 0.06 * corner), (0.28 * cone, 0.3 * corner), (0.281 * cone, 0.3 * corner), (cone, corner),
               (cone + 1e-4, corner), (length - ferrule, corner), (length - ferrule + 1e-4, 0.96 * corner),
               (length - 0.45 * ferrule, 0.96 * corner), (length - 0.44 * ferrule, 0.86 * corner),
               (length - 0.0015, 0.86 * corner), (length, 0.7 * corner)]  # fmt: skip
    paint = tint(p)
    bands = [(0.27 * cone, p.paint("charcoal")), (0.99 * cone, p.paint("beige")), (length - ferrule, paint),
             (length - 0.45 * ferrule, p.paint("silver")), (length, p.paint("pink"))]  # fmt: skip
    rows = [(x, 0.0, radius, r, r) for x, r in profile]
    body = spine(rows, 6, start_rad=0.0)
    x = body.centers[:, 0]
    for end, rgb in reversed(bands):
        body = body.painted(rgb, x < end)
    draft = Draft()
    draft.add(body, bands[-1][1], p.material)
    # Corners along y, flats below: fingers close on the corners, so the collision's sides are upright there.
    low, high = cone, length
    draft.collision.append(block((low, high), (-0.93 * corner, 0.93 * corner), (0.0, 2 * radius)))
    draft.collision.extend(spine_hulls([(x, 0.0, radius, 0.9 * r, 0.85 * r) for x, r in profile[:4]], (0, 3)))
    draft.rolling_friction_m = 0.0015
    grasp_along(draft, cone + 0.012, length - 0.02, radius, 1.9 * corner)
    return draft


@builder("eraser")
def eraser(p: Params) -> Draft:
    """A rubber block in a paper sleeve."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    length = max(length, 1.4 * width)
    height = min(height, 0.8 * width)
    half, z, sleeve = width / 2, height / 2, p.uniform(0.5, 0.62) * length
    rim = 0.0006
    bare = 0.97
    rows = [(0.0, 0.0, z, 0.86 * half, 0.82 * z), (0.0022, 0.0, z, bare * half, bare * z),
            (length - sleeve, 0.0, z, bare * half, bare * z),
            (length - sleeve + 1e-4, 0.0, z, half, z), (length - sleeve + 0.28 * sleeve, 0.0, z, half, z),
            (length - 0.32 * sleeve, 0.0, z, half, z), (length - 0.005, 0.0, z, half, z),
            (length - 0.0049, 0.0, z, bare * half, bare * z), (length - rim, 0.0, z, 0.94 * half, 0.9 * z),
            (length, 0.0, z, 0.86 * half, 0.82 * z)]  # fmt: skip
    body = spine(rows, 16, 8.0, np.pi / 16)
    x = body.centers[:, 0]
    paper = p.paint("blue" if p.color_name in ("white", "green") else "white")
    other = p.paint("navy" if p.color_name in ("white", "green") else "gray")
    wrapped = (x > length - sleeve + 5e-5) & (x < length - 0.005)
    stripe = wrapped & (x > length - 0.70 * sleeve) & (x < length - 0.34 * sleeve)
    draft = Draft()
    draft.add(body.painted(paper, wrapped).painted(other, stripe), p.color, p.material)
    draft.collision.append(block((0.0, length), (-half, half), (0.0, height)))
    draft.grasp(length / 2, 0.0, z, HALF_TURN, width)
    draft.grasp(length / 2, 0.0, z, 0.0, length)
    return draft


@builder("tape")
def tape(p: Params) -> Draft:
    """A roll of tape lying flat, gripped by its wall."""
    radius, height = p.length("diameter_m") / 2, p.length("height_m")
    height = min(height, 1.1 * radius)
    if p.grip is not None:
        height = max(height, 0.016)
    wall = p.uniform(0.0095, 0.0125) if radius < 0.036 else p.uniform(0.010, 0.018)
    inner, core = radius - wall, radius - wall + 0.0028
    edge = 0.0007
    profile = [(inner, 0.0), (core, 0.0), (core, edge), (radius - edge, edge), (radius, 2 * edge),
               (radius, height - 2 * edge),
               (radius - edge, height - edge), (core, height - edge), (core, height), (inner, height)]  # fmt: skip
    ring = lathe(profile, 28, closed=True)
    distance = np.linalg.norm(ring.centers[:, :2], axis=1)
    z = ring.centers[:, 2]
    side = (distance < radius - edge) & ((z < edge + 1e-5) | (z > height - edge - 1e-5))
    cardboard = p.paint("kraft" if p.color_name != "tan" else "cream")
    ring = ring.painted(darker(p.color, 0.88), side).painted(cardboard, distance < core + 1e-5)
    draft = Draft()
    draft.add(ring, p.color, p.material, 0.9)
    draft.collision.extend(wedges([(inner, 0.0), (radius, 0.0), (radius, height), (inner, height)], 10))
    # In the middle of a wedge, where its sides are parallel to the fingers.
    flat = np.cos(np.pi / 10)
    for k in (2, 7, 0, 5, 9, 4):
        angle = (k + 0.5) * np.pi / 5
        middle = flat * (radius + inner) / 2
        draft.grasp(middle * np.cos(angle), middle * np.sin(angle), max(height / 2, height - 0.014), angle, wall)
    return draft


@builder("stapler")
def stapler(p: Params) -> Draft:
    """A stapler: a base, a magazine and an arm that opens towards the front."""
    length, width, height = p.length("length_m"), p.length("width_m", grip=True), p.length("height_m")
    height = min(height, 0.46 * length)
    half = 0.5 * width
    base = 0.13 * height
    metal = p.paint("silver")
    draft = Draft()
    draft.add(
        rounded_box(length, width, base, 0.0015, 3),
        p.paint("charcoal") if p.color_name != "black" else p.paint("gray"),
        p.material,
    )
    plate = rounded_box(0.16 * length, 0.5 * width, 0.0012, 4e-4, 2).moved(0.36 * length, 0.0, base - 2e-4)
    draft.add(plate, metal, STEEL)
    x0, x1 = -0.48 * length, 0.47 * length
    front, back = 0.36 * height, 0.2 * height
    # The magazine is under the arm; both turn about a pin at the back.
    rail = [(x0 + 0.03 * length, base - 1e-4), (x0 + 0.16 * length, base - 1e-4), (x1, front),
            (x1, front + 0.16 * height),
            (x0 + 0.03 * length, back + 0.2 * height)]  # fmt: skip
    draft.add(side_view(rail, -0.62 * half, 0.62 * half, 0.0006), metal, STEEL, 0.35)
    low, top = front + 0.14 * height, height
    arm = [(x0, base - 1e-4), (x0 + 0.1 * length, base - 1e-4), (x0 + 0.14 * length, back + 0.14 * height),
           (x1 - 0.01 * length, low),
           (x1 + 0.025 * length, low + 0.02 * height), (x1 + 0.02 * length, 0.8 * top),
           (x1 - 0.06 * length, 0.93 * top),
           (x1 - 0.3 * length, top), (0.0, 0.97 * top), (x0 + 0.2 * length, 0.8 * top),
           (x0 + 0.05 * length, 0.62 * top),
           (x0, 0.5 * top)]  # fmt: skip
    draft.add(side_view(arm, -half, half, min(0.004, 0.12 * width)), p.color, p.material, 0.5)
    draft.collision.append(block((-length / 2, length / 2), (-half, half), (0.0, base)))
    for cut in ((arm[0], arm[2], arm[9], arm[11]), (arm[2], arm[3], arm[4], arm[5], arm[6], arm[7], arm[9])):
        draft.collision.append(prism_hull(cut, half))
    middle = -0.02 * length
    z = max(0.62 * height, height - 0.026)
    for x in (middle, middle + 0.012, middle - 0.012):
        draft.grasp(x, 0.0, z, HALF_TURN, width, 0.01)
    return draft


@builder("computer_mouse")
def computer_mouse(p: Params) -> Draft:
    """A computer mouse with two buttons and a wheel; its tail, if any, is not drawn."""
    length, width, height = p.length("length_m"), p.length("width_m"), p.length("height_m")
    half = width / 2
    t = np.array([0.0, 0.02, 0.07, 0.16, 0.30, 0.45, 0.5, 0.505, 0.51, 0.62, 0.78, 0.9, 0.97, 1.0])
    wide = half * np.interp(
        t,
        [0, 0.02, 0.07, 0.16, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0],
        [0.55, 0.74, 0.86, 0.95, 1.0, 0.95, 0.92, 0.9, 0.78, 0.6],
    )
    tall = height * np.interp(
        t,
        [0, 0.02, 0.07, 0.16, 0.3, 0.45, 0.6, 0.78, 0.9, 0.97, 1.0],
        [0.36, 0.48, 0.66, 0.86, 0.99, 1.0, 0.94, 0.76, 0.56, 0.4, 0.3],
    )
    rows = np.column_stack([t * length, 0 * t, 0.28 * tall, wide, 0.72 * tall])
    body = flattened(spine(rows, 20, 2.5, np.pi / 20), 0.0)
    x, _, z = body.centers.T
    lower = z < 0.16 * height
    seam = np.abs(t[7] * length - x) < 0.006 * length
    other = p.paint("gray" if p.color_name in ("black", "white") else "charcoal")
    second = darker(other, 0.6) if p.color_name == "black" else other
    front = (x > 0.51 * length) & (z > 0.2 * height)
    body = body.painted(mix(p.color, second, 0.35 if p.color_name == "black" else 0.14), front).painted(
        darker(p.color, 0.35), seam & ~lower
    )
    draft = Draft()
    draft.add(body.painted(second, lower), p.color, p.material, 0.6)
    # A line along the top follows its curve: short pieces of a thin sweep.
    line_x = np.linspace(0.515 * length, 0.93 * length, 6)
    path = np.column_stack([line_x, 0 * line_x, np.interp(line_x, t * length, tall) + 1e-4])
    draft.add(
        sweep(path, 0.0011, 4, round_ends=False),
        darker(p.color, 0.35) if p.color_name != "black" else p.paint("gray"),
        p.material,
    )
    wheel = lathe([(0.0, -0.0032), (0.0075, -0.0032), (0.0085, 0.0), (0.0075, 0.0032), (0.0, 0.0032)], 12).turned(
        "x", HALF_TURN
    )
    at = 0.72 * length
    draft.add(
        wheel.moved(at, 0.0, float(np.interp(at, t * length, tall)) - 0.0045),
        p.paint("charcoal" if p.color_name != "black" else "silver"),
        PLASTIC,
    )
    draft.collision.extend(spine_hulls(rows[[0, 2, 3, 4, 5, 9, 11, 13]], (0, 4, 7), 0.0))
    for share in (0.42, 0.5, 0.34):
        draft.grasp(share * length, 0.0, 0.36 * height, HALF_TURN, 2 * half * (0.98 if share > 0.4 else 1.0))
    return draft


@builder("battery")
def battery(p: Params) -> Draft:
    """A battery standing on its flat pole; by its diameter it is an AA, a C or a D cell."""
    radius = p.length("diameter_m", grip=True) / 2
    # AA cells are 14.5 x 50.5 mm, C cells 26.2 x 50, D cells 34.2 x 61.5 (IEC 60086-2).
    height = float(np.clip(p.length("height_m"), 2.6 * radius, 7.0 * radius))
    nub, edge = 0.36 * radius, 0.0008
    top = height - 0.0018
    split = p.uniform(0.6, 0.72) * height
    profile = [(0.0, 0.0), (radius - 0.0012, 0.0), (radius, edge), (radius, split), (radius, split + 1e-4),
               (radius, top - 0.001),
               (radius - 0.001, top), (nub, top), (nub, height - 4e-4), (nub - 4e-4, height),
               (0.0, height)]  # fmt: skip
    body = lathe(profile, 24)
    z = body.centers[:, 2]
    side = np.abs(body.normals[:, 2]) < 0.2
    wrap = tint(p)
    second = p.paint("gold") if p.choice(("gold", "silver")) == "gold" else p.paint("silver")
    if np.abs(np.array(wrap) - np.array(second)).max() < 50:
        second = p.paint("black")
    metal = p.paint("silver")
    body = body.painted(metal).painted(wrap, side & (z > edge)).painted(second, side & (z > split) & (z < top - 0.001))
    body = body.painted(metal, z > top - 0.0005)
    draft = Draft()
    # Zinc, manganese dioxide and steel: an AA cell weighs 23 g.
    draft.add(body, None, p.material, 0.35)
    draft.collision.append(standing_hull([(radius, 0.0), (radius, top), (nub, height)]))
    round_grasps(draft, max(0.5 * height, height - 0.024), 2 * radius)
    draft.rolling_friction_m = 0.0005
    return draft
