"""What is folded open: a box with a hinged lid and a laptop."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.asset import Cavity, Handle
from gen3d_envs.assets.build import Draft, Moving, Params, builder, darker, mix
from gen3d_envs.assets.collision import block, open_box
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.opening import bar_handle, fitting_color, lid_hinge, panel, plate, solid
from gen3d_envs.assets.shapes import lathe, loft, rounded_rectangle, stack

LID_RAD = 1.85
"""How far a lid opens: 106 degrees, so that it leans back."""

SCREEN_RAD = 2.0


@builder("lidded_box")
def lidded_box(p: Params) -> Draft:
    """A box with a hinged lid and a bar to lift it by."""
    width, depth, height = p.length("width_m"), p.length("depth_m"), p.length("height_m")
    wall, floor, thick = 0.006 if p.material.name == "wood" else 0.005, 0.0115, 0.012
    outer = rounded_rectangle(width / 2, depth / 2, 0.004)
    inner = rounded_rectangle(width / 2 - wall, depth / 2 - wall, 0.002)
    body = stack([(outer, 0.0), (outer, height), (inner, height), (inner, floor)])
    centers = body.centers
    hollow = (np.abs(centers[:, 0]) < width / 2 - 0.9 * wall) & (np.abs(centers[:, 1]) < depth / 2 - 0.9 * wall)
    lining = p.paint(p.choice(("beige", "maroon", "navy", "dark_green", "cream")))
    draft = Draft()
    draft.add(body.painted(lining, hollow & (centers[:, 2] > 0.5 * floor)), p.color, p.material, solid(p))
    steel = plate(
        (-width / 2 + 0.01, width / 2 - 0.01), (-depth / 2 + 0.01, depth / 2 - 0.01), (0.0015, floor - 0.0015)
    )
    draft.add(steel, p.paint("gray"), MATERIALS["steel"])
    draft.notes.append("a steel plate in its floor keeps it from tipping when the lid is pulled")
    half = (width / 2, depth / 2)
    draft.collision.extend(open_box(half, half, height, wall, floor))
    draft.cavity = Cavity(floor, height, width / 2 - wall, depth / 2 - wall, round=False)
    metal = fitting_color(p)
    if p.uniform(0, 1) < 0.6:  # a band of another colour round the box
        band = rounded_rectangle(width / 2 + 0.0008, depth / 2 + 0.0008, 0.004)
        within = rounded_rectangle(width / 2 - 0.001, depth / 2 - 0.001, 0.003)
        low, high = 0.30 * height, 0.42 * height
        rows = ((within, low), (band, low), (band, high), (within, high))
        rings = np.stack([np.column_stack([ring, np.full(len(ring), z)]) for ring, z in rows])
        draft.add(loft(rings, closed=True), metal, p.material, 0.2)

    lid, base = Draft(), height + 0.0006
    over = 0.0015
    edge = [(width / 2 + over - d, depth / 2 + over - d) for d in (0.0, 0.0, 0.004)]
    sections = [
        (rounded_rectangle(*size, 0.004), base + z) for size, z in zip(edge, (0.0, thick - 0.004, thick), strict=True)
    ]
    lid.add(
        stack(sections),
        mix(p.color, (255, 255, 255), 0.12),
        p.material,
        0.22 if p.material.name != "painted_metal" else 0.12,
    )
    lid.collision.append(block((-edge[0][0], edge[0][0]), (-edge[0][1], edge[0][1]), (base, base + thick)))
    under = ((-width / 2 + 1.5 * wall, width / 2 - 1.5 * wall), (-depth / 2 + 1.5 * wall, depth / 2 - 1.5 * wall))
    lid.add(plate(*under, (base - 0.002, base + 0.001)), lining, p.material, 0.2)
    at = (0.0, -depth / 2 + 0.020, base + thick)
    handle = bar_handle(p, lid, at, "x", "z", p.uniform(0.065, 0.085), metal)
    hinge = lid_hinge(depth / 2, height, LID_RAD, lid)
    for x in (-0.3 * width, 0.3 * width):
        strap = panel(
            (x - 0.012, x + 0.012), (depth / 2 - 0.001, depth / 2 + 0.0014), (height - 0.018, height - 0.001), 0.0005
        )
        draft.add(strap, metal, MATERIALS["brass"], 0.5)
    draft.moving.append(Moving("lid", lid, hinge, handle))
    return draft


@builder("laptop")
def laptop(p: Params) -> Draft:
    """A small laptop; its screen stays at any angle."""
    width, depth, thick = p.length("width_m"), p.length("depth_m"), p.length("thickness_m")
    base, leaf, gap = 0.60 * thick, 0.40 * thick, 0.0018
    draft = Draft()
    draft.add(panel((-width / 2, width / 2), (-depth / 2, depth / 2), (0.0, base), 0.003), p.color, p.material, 0.8)
    draft.collision.append(block((-width / 2, width / 2), (-depth / 2, depth / 2), (0.0, base)))
    _keyboard(p, draft, width, depth, base)
    barrel = 0.0035
    y, z = depth / 2 - 0.5 * barrel, base + 0.0015
    hinge = lathe([(0.0, -0.36 * width), (barrel, -0.36 * width), (barrel, 0.36 * width), (0.0, 0.36 * width)], 10)
    draft.add(hinge.turned("y", np.pi / 2).moved(0.0, y, z), darker(p.color, 0.6), MATERIALS["aluminium"])

    lid, low = Draft(), base + gap
    front = -depth / 2 - 0.006
    x, sides = (-width / 2, width / 2), (front, depth / 2 - 0.004)
    lid.add(panel(x, sides, (low, low + leaf), 0.0025), p.color, p.material, 0.3)
    lid.collision.append(block(x, sides, (low, low + leaf)))
    bezel = ((x[0] + 0.004, x[1] - 0.004), (sides[0] + 0.004, sides[1] - 0.006))
    lid.add(plate(*bezel, (low - 0.0004, low + 0.001)), (16, 17, 19), MATERIALS["plastic"])
    glow = plate(
        (bezel[0][0] + 0.006, bezel[0][1] - 0.006), (bezel[1][0] + 0.006, bezel[1][1] - 0.012), (low - 0.0008, low)
    )
    across = (glow.vertices[:, 0] - x[0]) / width
    picture = p.paint(p.choice(("light_blue", "teal", "lavender", "turquoise")))
    lid.add(glow.shaded(0.65 + 0.45 * across), picture, MATERIALS["plastic"])
    spot = lathe([(0.0, 0.0), (0.014, 0.0), (0.014, 0.0014), (0.0, 0.0014)], 16)
    lid.add(
        spot.moved(0.0, 0.5 * (sides[0] + sides[1]), low + leaf - 0.0003),
        mix(p.color, (128, 128, 132), 0.55),
        MATERIALS["plastic"],
    )
    edge = Handle((0.0, front + 0.003, low + leaf / 2), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), leaf)
    draft.moving.append(Moving("screen", lid, lid_hinge(y, z, SCREEN_RAD, lid), edge))
    draft.friction = MATERIALS["rubber"].friction  # it stands on rubber feet
    return draft


def _keyboard(p: Params, draft: Draft, width: float, depth: float, top: float) -> None:
    """Keys in rows and a touch pad, hardly proud of the case."""
    dark = sum(p.color) < 300
    keys = (58, 60, 64) if dark else (34, 35, 38)
    x, y = (-0.43 * width, 0.43 * width), (-0.08 * depth, 0.38 * depth)
    draft.add(
        plate(x, y, (top - 0.001, top + 0.0003)),
        darker(p.color, 0.7) if dark else darker(p.color, 0.82),
        MATERIALS["plastic"],
    )
    rows, columns = 5, 12
    step = ((x[1] - x[0]) / columns, (y[1] - y[0]) / rows)
    for row in range(rows):
        cells = (
            [(c, c + 1) for c in range(columns)]
            if row
            else [(0, 1), (1, 2), (2, 3), (3, 9), (9, 10), (10, 11), (11, 12)]
        )
        for a, b in cells:
            u = (x[0] + a * step[0] + 0.0011, x[0] + b * step[0] - 0.0011)
            v = (y[0] + row * step[1] + 0.0011, y[0] + (row + 1) * step[1] - 0.0011)
            draft.add(plate(u, v, (top - 0.0002, top + 0.0009)), keys, MATERIALS["plastic"])
    pad = ((-0.16 * width, 0.16 * width), (-0.44 * depth, -0.14 * depth), (top - 0.001, top + 0.0004))
    draft.add(plate(*pad), darker(p.color, 0.86) if not dark else mix(p.color, (255, 255, 255), 0.08), p.material)
