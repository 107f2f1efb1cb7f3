"""Hand tools that lie flat: screwdriver, hammer, wrench, pliers, clamp."""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, builder, darker
from gen3d_envs.assets.collision import block, hull, rings_hull
from gen3d_envs.assets.lengthwise import HALF_TURN, center, grasp_along, spine, spine_hulls, tint
from gen3d_envs.assets.materials import MATERIALS
from gen3d_envs.assets.shapes import extrude, lathe, rounded_box, sweep

STEEL, PLASTIC, RUBBER = MATERIALS["steel"], MATERIALS["plastic"], MATERIALS["rubber"]


@builder("screwdriver")
def screwdriver(p: Params) -> Draft:
    """A screwdriver with a six-lobed handle in two colours and a flat or a cross tip."""
    length, radius = p.length("length_m"), p.length("diameter_m", grip=True) / 2
    grip_end = p.uniform(0.5, 0.56) * length
    shaft = p.uniform(0.0028, 0.0036)
    metal = p.paint("silver")
    soft = p.paint("charcoal") if p.color_name not in ("black",) else p.paint("red")
    # The collar is as thick as the handle: between them the screwdriver balances.
    profile = [(0.0, 0.5), (0.004, 0.82), (0.012, 0.99), (0.024, 1.0), (0.0245, 1.0), (0.55 * grip_end, 1.0),
               (0.72 * grip_end, 0.86),
               (0.80 * grip_end, 0.68), (0.802 * grip_end, 0.68), (0.93 * grip_end, 1.0), (grip_end - 0.003, 0.9),
               (grip_end, 0.45)]  # fmt: skip
    rows = np.array([(x, 0.0, 0.0, r * radius, r * radius) for x, r in profile])
    body = spine(rows, 18, start_rad=np.pi / 18)
    angle = np.arctan2(body.vertices[:, 2], body.vertices[:, 1])
    along = body.vertices[:, 0]
    fluted = (along > 0.02) & (along < 0.8 * grip_end)
    groove = np.where(fluted, 1.0 - 0.07 * (1.0 + np.cos(6.0 * angle)), 1.0)
    vertices = body.vertices.copy()
    vertices[:, 1:] *= groove[:, None]
    body = type(body)(vertices, body.faces, body.paint, body.shade)
    face_angle = np.arctan2(body.centers[:, 2], body.centers[:, 1])
    x = body.centers[:, 0]
    insert = (np.cos(6.0 * face_angle) > 0.2) & (x > 0.0243) & (x < 0.72 * grip_end)
    body = body.painted(soft, insert).painted(darker(p.color, 0.7), x < 0.02)
    draft = Draft()
    draft.add(body, p.color, p.material, 0.9)
    tip = 0.014
    rod = lathe([(0.0, grip_end - 0.006), (shaft, grip_end - 0.006), (shaft, length - tip), (0.0, length - tip)], 8)
    draft.add(rod.turned("y", HALF_TURN), metal, STEEL)
    if p.uniform(0, 1) < 0.5:
        blade = [(length - tip - 1e-3, 0.0, 0.0, shaft, shaft),
                 (length - 0.6 * tip, 0.0, 0.0, 1.25 * shaft, 0.6 * shaft),
                 (length, 0.0, 0.0, 1.25 * shaft, 0.16 * shaft)]  # fmt: skip
    else:
        blade = [(length - tip - 1e-3, 0.0, 0.0, shaft, shaft),
                 (length - 0.45 * tip, 0.0, 0.0, 0.95 * shaft, 0.95 * shaft),
                 (length, 0.0, 0.0, 0.25 * shaft, 0.25 * shaft)]  # fmt: skip
    draft.add(spine(blade, 8, 3.0, np.pi / 8), darker(metal, 0.6), STEEL)
    draft.collision.extend(spine_hulls(rows[[0, 3, 5, 6]], (0, 3)))
    draft.collision.extend(spine_hulls(rows[[6, 9, 11]], (0, 2)))
    draft.collision.append(block((grip_end, length), (-shaft, shaft), (-shaft, shaft)))
    grasp_along(draft, 0.03, 0.5 * grip_end, 0.0, 1.96 * radius)
    draft.rolling_friction_m = 0.001
    return draft


@builder("hammer")
def hammer(p: Params) -> Draft:
    """A claw or machinist's hammer on its side: a wooden handle with a rubber grip, a steel head."""
    length, head, handle = p.length("length_m"), p.length("head_m"), p.length("handle_m", grip=True)
    head = min(head, 0.5 * length)
    thick = max(p.uniform(0.2, 0.23) * head, 0.016)
    # Head and handle are equally thick, so that both lie on the table.
    thick = max(thick, 0.8 * handle)
    half_y, half_z = handle / 2, thick / 2
    z = half_z
    neck = length - thick
    dark = p.paint("charcoal") if p.uniform(0, 1) < 0.5 else p.paint(p.choice(("red", "blue", "navy", "green")))
    rows = np.array([
        (0.0, 0.0, z, 0.6 * half_y, 0.6 * half_z), (0.003, 0.0, z, 0.9 * half_y, 0.9 * half_z),
        (0.012, 0.0, z, half_y, half_z),
        (0.34 * length, 0.0, z, 0.93 * half_y, half_z), (0.341 * length, 0.0, z, 0.86 * half_y, 0.9 * half_z),
        (0.5 * length, 0.0, z, 0.94 * half_y, 0.96 * half_z), (0.75 * length, 0.0, z, 0.92 * half_y, 0.9 * half_z),
        (neck + 0.002, 0.0, z, 0.6 * half_y, 0.7 * half_z), (length + 0.003, 0.0, z, 0.5 * half_y, 0.5 * half_z),
    ])  # fmt: skip
    body = spine(rows, 12, 2.4, np.pi / 12)
    x = body.centers[:, 0]
    draft = Draft()
    draft.add(body.painted(dark, x < 0.3405 * length), p.color, p.material)
    metal = darker(p.paint("silver"), 0.72)
    bright = p.paint("silver")
    half, at = thick / 2, length - thick / 2
    face = 0.46 * head
    # The head runs along -x here and is turned to lie along y: a round face, a neck, an eye, and a claw or a wedge.
    poll = [(-face, 0.0, z, 0.92 * half, 0.92 * half), (-face + 0.0015, 0.0, z, half, half),
            (-0.32 * head, 0.0, z, half, half),
            (-0.29 * head, 0.0, z, 0.7 * half, 0.72 * half), (-0.2 * head, 0.0, z, 0.72 * half, 0.74 * half),
            (-0.15 * head, 0.0, z, 0.98 * half, 0.92 * half),
            (0.15 * head, 0.0, z, 0.98 * half, 0.92 * half)]  # fmt: skip
    claw = p.uniform(0, 1) < 0.65
    bend = 0.55 * half if claw else 0.0
    poll += [(0.26 * head, bend * 0.1, z, 0.72 * half, 0.9 * half),
             (0.4 * head, bend * 0.6, z, 0.5 * half, 0.95 * half),
             (0.54 * head, bend * 1.7, z, 0.12 * half, 0.9 * half)]  # fmt: skip
    steel = spine(poll, 12, 2.6, np.pi / 12)
    polished = (steel.centers[:, 0] < -face + 0.0014) | (steel.centers[:, 0] > 0.45 * head)
    steel = steel.painted(bright, polished)
    # Forged heads of this size weigh about two thirds of a solid bar: eye and neck are taken out.
    draft.add(steel.turned("z", HALF_TURN).moved(at), metal, STEEL, 0.62)
    if claw:
        slot = rounded_box(0.0012, 0.18 * head, 0.0022, 4e-4, 2).moved(
            at - 0.5 * bend, 0.42 * head, z + 0.92 * half - 0.001
        )
        draft.add(slot, darker(metal, 0.4), STEEL, 0.1)
    draft.collision.extend(spine_hulls(rows[[0, 2, 3, 6, 8]], (0, 2, 4), 0.0))
    for low, high in ((0, 2), (3, 6), (6, 9)):
        for part in spine_hulls(poll[low : high + 1], (0, high - low)):
            px, py, pz = part.vertices.T
            draft.collision.append(hull(np.column_stack([at - py, px, np.maximum(pz, z - half)])))
    reach = neck - 0.026
    grasp_along(draft, 0.4 * length, reach, z, 1.84 * half_y)
    draft.rolling_friction_m = 0.0005
    return draft


@builder("wrench")
def wrench(p: Params) -> Draft:
    """A combination wrench: an open jaw at one end, a ring at the other."""
    length, width, handle = p.length("length_m"), p.length("width_m"), p.length("handle_m", grip=True)
    thick = p.uniform(0.007, 0.009) if p.grip is None else p.uniform(0.0125, 0.014)
    width = min(max(width, 1.7 * handle), 0.26 * length)
    handle = min(handle, 0.62 * width)
    jaw, ring = width / 2, 0.41 * width
    gap, depth = 0.24 * width, 0.9 * jaw
    x_jaw, x_ring = length - jaw, ring
    bevel = 0.0012
    half = handle / 2
    # The jaw is a disc from which a slot is cut, turned by 15 degrees as on real ones.
    lean = np.radians(15.0)
    rim = np.linspace(np.arcsin(gap / jaw) * 1.02, 2 * np.pi - np.arcsin(gap / jaw) * 1.02, 17)
    tip = 0.93 * jaw
    disc = [(tip * np.cos(a), jaw * np.sin(a)) for a in rim]
    slot = [(jaw * 0.62 - depth, -gap), (jaw * 0.62 - depth * 1.16, 0.0), (jaw * 0.62 - depth, gap)]
    outline = np.array(disc + slot)
    cos, sin = np.cos(lean), np.sin(lean)
    outline = outline @ np.array([[cos, sin], [-sin, cos]]) + np.array([x_jaw, 0.0])
    draft = Draft()
    fill = 0.8 if p.grip is None else 0.5
    draft.add(extrude(outline, 0.0, thick, bevel), p.color, p.material, fill)
    hole = 0.56 * ring
    eye = lathe([(hole, bevel), (hole + bevel, 0.0), (ring - bevel, 0.0), (ring, bevel), (ring, thick - bevel),
                 (ring - bevel, thick),
                 (hole + bevel, thick), (hole, thick - bevel)], 18, closed=True)  # fmt: skip
    draft.add(eye.moved(x_ring), p.color, p.material, fill)
    low, high = x_ring + 0.8 * ring, x_jaw - 0.7 * jaw
    recess, edge = 0.0012, 0.26 * half
    outer = [
        (low, -half * 1.1),
        (0.5 * (low + high), -half),
        (high, -half * 1.2),
        (high, half * 1.2),
        (0.5 * (low + high), half),
        (low, half * 1.1),
    ]
    draft.add(extrude(outer, 0.0005, thick - recess, bevel), darker(p.color, 0.86), p.material, fill)
    for side in (-1.0, 1.0):
        rail = [(low, side * half * 1.1), (0.5 * (low + high), side * half), (high, side * half * 1.2),
                (high, side * (half * 1.2 - edge)),
                (0.5 * (low + high), side * (half - edge)), (low, side * (half * 1.1 - edge))]  # fmt: skip
        draft.add(extrude(rail, thick - recess - 4e-4, thick - 3e-4, 3e-4), p.color, p.material, fill)
    draft.collision.append(block((low, high), (-half, half), (0.0, thick)))
    draft.collision.append(rings_hull([(ring, 0.0), (ring, thick)], 12, (x_ring, 0.0)))
    prongs = np.split(np.arange(17), (6, 11))
    for part in (prongs[0], np.r_[5, 6, 7, 8, 9, 10, 11], prongs[2]):
        inner = {0: (18, 19), 5: (17, 18, 19)}.get(int(part[0]), (17, 18))
        corners = outline[[*part, *inner]]
        draft.collision.append(hull([(x, y, z) for x, y in corners for z in (0.0, thick)]))
    grasp_along(draft, low + 0.012, high - 0.012, thick / 2, handle)
    return draft


@builder("pliers")
def pliers(p: Params) -> Draft:
    """Pliers with dipped handles, a little open."""
    length, width, thick = p.length("length_m"), p.length("width_m"), p.length("height_m")
    thick = max(thick, 0.0125)
    grip = tint(p)
    metal = darker(p.paint("silver"), 0.8)
    joint = 0.66 * length
    hub = p.uniform(0.068, 0.08) * length
    tip = length
    half_jaw, flat = 0.5 * hub * 1.7, 0.62 * thick
    z0, z1 = 0.5 * (thick - flat), 0.5 * (thick + flat)
    draft = Draft()
    nose = p.uniform(0.22, 0.42)
    for side in (-1.0, 1.0):
        jaw = [(joint - 0.4 * hub, side * 0.0002), (tip, side * 0.0008), (tip, side * nose * half_jaw),
               (joint + 1.5 * hub, side * 0.86 * half_jaw),
               (joint + 0.6 * hub, side * half_jaw), (joint - 0.4 * hub, side * half_jaw)]  # fmt: skip
        draft.add(extrude(jaw, z0, z1, 0.0008), metal, p.material)
        rod = 0.36 * thick
        y_end = 0.5 * width - 0.5 * thick
        bow = [(joint - 0.2 * hub, 0.30 * half_jaw), (joint - 0.9 * hub, 0.62 * half_jaw),
               (0.5 * length, 0.62 * y_end), (0.36 * length, 0.95 * y_end),
               (0.2 * length, y_end), (0.08 * length, 0.92 * y_end), (0.006, 0.86 * y_end)]  # fmt: skip
        path = np.array([(x, -side * y, thick / 2) for x, y in bow])
        half = (
            np.array([(0.7, 0.8), (0.8, 0.85), (1.15, 1.2), (1.35, 1.36), (1.35, 1.38), (1.35, 1.38), (1.1, 1.2)]) * rod
        )
        arm = sweep(path, half[:, ::-1], 8, side=(0.0, 0.0, 1.0), round_ends=False)
        arm = arm.painted(grip, arm.centers[:, 0] < 0.515 * length).painted(metal, arm.centers[:, 0] >= 0.515 * length)
        # Dipped handles: a steel core of a third of the section in soft plastic.
        draft.add(arm, None, p.material, 0.42)
        for low, high in ((1, 3), (3, 6)):
            corners = []
            for k in range(low, high + 1):
                x, y, _ = path[k]
                reach = 1.3 * rod if k > 1 else rod
                corners += [(x, y + s * reach, z) for s in (-1, 1) for z in (0.03 * thick, 0.97 * thick)]
            draft.collision.append(hull(corners))
    pin = lathe(
        [
            (0.0, z0 - 0.001),
            (0.42 * hub, z0 - 0.001),
            (0.42 * hub, z1 + 0.0006),
            (0.3 * hub, z1 + 0.0014),
            (0.0, z1 + 0.0014),
        ],
        12,
    )
    draft.add(pin.moved(joint + 0.15 * hub), darker(metal, 0.7), p.material, 0.2)
    draft.add(
        lathe([(0, z0 + 2e-4), (half_jaw, z0 + 2e-4), (half_jaw, z1 - 2e-4), (0, z1 - 2e-4)], 14).moved(joint),
        metal,
        p.material,
        0.3,
    )
    square = [(joint - half_jaw, half_jaw), (joint + 0.6 * hub, half_jaw)]
    nippers = [(joint + 0.6 * hub, half_jaw), (tip, nose * half_jaw)]
    for ends in (square, nippers):
        draft.collision.append(hull([(x, side * y, z) for x, y in ends for side in (-1, 1) for z in (z0, z1)]))
    middle = center(draft)[0]
    at = max(middle, joint - 0.55 * half_jaw)
    for x in (at, at + 0.006):
        draft.grasp(min(x, joint + 0.6 * hub), 0.0, thick / 2, HALF_TURN, 2 * half_jaw)
    return draft


@builder("clamp")
def clamp(p: Params) -> Draft:
    """A screw clamp lying flat: a C-shaped frame, a screw with a pad, and a sliding bar."""
    length, width, thick = p.length("length_m"), p.length("width_m"), p.length("height_m")
    width = min(width, 0.62 * length)
    paint = tint(p)
    metal = p.paint("silver")
    frame = 0.7 * length
    bar = p.uniform(0.15, 0.18) * frame + 0.002
    x0, x1 = length - frame, length
    back, tip = 0.0, width
    outline = [(x0 + 0.3 * bar, back), (x1 - 0.3 * bar, back), (x1, back + 0.3 * bar), (x1, tip - 0.3 * bar),
               (x1 - 0.2 * bar, tip),
               (x1 - 0.9 * bar, tip), (x1 - 0.9 * bar, back + 1.3 * bar), (x1 - 1.3 * bar, back + bar),
               (x0 + 1.3 * bar, back + bar),
               (x0 + bar, back + 1.3 * bar), (x0 + bar, tip), (x0, tip), (x0, back + 0.3 * bar)]  # fmt: skip
    draft = Draft()
    draft.add(extrude(outline, 0.0, thick, 0.0015), paint, p.material, 0.35 if p.material.name == "steel" else 0.8)
    z, y = thick / 2, tip - 0.52 * bar
    radius = max(0.17 * thick, 0.003)
    pad = x1 - 0.9 * bar - p.uniform(0.25, 0.45) * (frame - 1.9 * bar)
    thread = np.linspace(0.012, pad, 13)
    profile = [(0.0, 0.012)]
    for k, at in enumerate(thread):
        profile.append((radius * (1.0 if k % 2 else 0.82), float(at)))
    profile.append((0.0, pad))
    draft.add(lathe(profile, 8).turned("y", HALF_TURN).moved(0.0, y, z), metal, STEEL)
    foot = min(0.4 * thick, 2.4 * radius)
    draft.add(lathe([(0, pad), (0.7 * foot, pad), (foot, pad + 0.003), (foot, pad + 0.007), (0, pad + 0.007)],
                    12).turned("y", HALF_TURN)
              .moved(0.0, y, z), darker(metal, 0.7), STEEL)  # fmt: skip
    boss = 0.46 * thick
    draft.add(lathe([(0, 0.0), (0.8 * boss, 0.0), (boss, 0.003), (boss, 0.014), (0, 0.017)], 12).turned("y",
                                                                                                        HALF_TURN)
              .moved(0.0, y, z), darker(metal, 0.75), STEEL, 0.4)  # fmt: skip
    reach = min(0.32 * width, tip - y + 0.03)
    rod = lathe([(0, -reach), (0.0028, -reach), (0.0028, reach), (0, reach)], 8).turned("x", HALF_TURN)
    draft.add(rod.moved(0.008, y, z), metal, STEEL)
    for end in (-reach, reach):
        draft.add(
            lathe([(0, -0.0042), (0.0036, -0.003), (0.0045, 0.0), (0.0036, 0.003), (0, 0.0042)], 8).moved(
                0.008, y + end, z
            ),
            metal,
            STEEL,
        )
    draft.collision.append(block((x0, x1), (back, back + bar), (0.0, thick)))
    draft.collision.append(block((x0, x0 + bar), (back + bar, tip), (0.0, thick)))
    draft.collision.append(block((x1 - 0.9 * bar, x1), (back + bar, tip), (0.0, thick)))
    draft.collision.append(block((x0 + bar, pad + 0.006), (y - radius, y + radius), (z - radius, z + radius)))
    draft.collision.append(block((0.0, x0), (y - 0.7 * boss, y + 0.7 * boss), (z - 0.7 * boss, z + 0.7 * boss)))
    draft.collision.append(block((0.004, 0.012), (y - reach - 0.003, y + reach + 0.003), (z - 0.003, z + 0.003)))
    middle = float(np.clip(center(draft)[0], x0 + bar + 0.012, x1 - bar - 0.012))
    for x in (middle, middle - 0.008, middle + 0.008):
        draft.grasp(x, back + bar / 2, z, HALF_TURN, bar)
    return draft
