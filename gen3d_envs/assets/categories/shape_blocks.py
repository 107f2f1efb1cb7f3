"""Flat toy blocks in plain shapes: star, heart, moon, hexagon, pentagon, triangle.

Sizes are those of wooden shape sorters and letter blocks, 40 to 70 mm across. Corners that face a side are cut off
flat, as on real toys, so that two fingers find parallel faces.
"""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.build import Draft, Params, builder
from gen3d_envs.assets.collision import hull
from gen3d_envs.assets.shapes import Array, circle, extrude

HALF_TURN = np.pi / 2


def _prism(p: Params, outline: Array, convex: list[Array], height: float) -> Draft:
    """A flat block over an outline, with its convex pieces as collision."""
    draft = Draft()
    draft.add(extrude(outline, 0.0, height, min(0.0015, 0.06 * height)), p.color, p.material)
    for piece in convex:
        draft.collision.append(hull([(x, y, z) for z in (0.0, height) for x, y in piece]))
    return draft


def _sizes(p: Params) -> tuple[float, float]:
    return p.length("width_m", grip=True), p.length("height_m")


def _polygon(n: int, blunt: float) -> Array:
    """A regular polygon with a corner towards +x and blunt corners, circumscribed radius 1, counter-clockwise."""
    corners = circle(n)
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    cut = np.stack([corners + blunt * (before - corners), corners + blunt * (after - corners)], axis=1)
    result: Array = cut.reshape(-1, 2)
    return result


def _regular(p: Params, n: int, blunt: float) -> Draft:
    """A block over a polygon; ``blunt`` is the share of each edge that is cut off at a corner."""
    width, height = _sizes(p)
    outline = _polygon(n, blunt)
    # Fingers close along +x: from the flat of one corner to what is opposite, a side or another corner.
    outline *= width / float(np.ptp(outline[:, 0]))
    draft = _prism(p, outline, [outline], height)
    middle = float(outline[:, 0].min() + outline[:, 0].max()) / 2
    z = max(height / 2, height - 0.02)
    for k in range(n):
        turn = 2.0 * np.pi * k / n
        yaw = float((turn + HALF_TURN) % np.pi - HALF_TURN)
        draft.grasp(middle * np.cos(turn), middle * np.sin(turn), z, yaw, width)
    return draft


@builder("triangle_block")
def triangle_block(p: Params) -> Draft:
    """A three-sided block."""
    return _regular(p, 3, 0.15)


@builder("pentagon_block")
def pentagon_block(p: Params) -> Draft:
    """A five-sided block."""
    return _regular(p, 5, 0.1)


@builder("hexagon_block")
def hexagon_block(p: Params) -> Draft:
    """A six-sided block, gripped across its flat sides."""
    width, height = _sizes(p)
    outline = circle(6, np.pi / 6) * width / np.sqrt(3.0)
    draft = _prism(p, outline, [outline], height)
    for yaw in (0.0, np.pi / 3, -np.pi / 3):
        draft.grasp(0.0, 0.0, max(height / 2, height - 0.02), yaw, width)
    return draft


@builder("star_block")
def star_block(p: Params) -> Draft:
    """A star with six blunt points, gripped from point to point."""
    width, height = _sizes(p)
    radius, inner = width / 2, p.uniform(0.5, 0.58) * width / 2
    half = 0.09 * radius
    notches = circle(6, np.pi / 6) * inner
    rays, outline = [], []
    for k, direction in enumerate(circle(6)):
        side = np.array([-direction[1], direction[0]])
        tip = np.array([radius * direction - half * side, radius * direction + half * side])
        rays.append(np.concatenate([notches[k - 1 : k] if k else notches[-1:], tip, notches[k : k + 1]]))
        outline.append(np.concatenate([tip, notches[k : k + 1]]))
    draft = _prism(p, np.concatenate(outline), [notches, *rays], height)
    for yaw in (0.0, np.pi / 3, -np.pi / 3):
        draft.grasp(0.0, 0.0, max(height / 2, height - 0.02), yaw, width)
    return draft


@builder("heart_block")
def heart_block(p: Params) -> Draft:
    """A heart, gripped across its two lobes."""
    width, height = _sizes(p)
    lobe = 0.27 * width
    center = np.array([0.22 * width, 0.0])
    tip = np.array([0.0, -0.56 * width])
    # The straight flank is tangent to the lobe.
    away = tip - center
    reach = float(np.linalg.norm(away))
    turn = float(np.arctan2(away[1], away[0])) + float(np.arccos(lobe / reach))
    notch = float(np.arccos(-center[0] / lobe))
    angle = np.linspace(turn, notch, 12)
    right = center + lobe * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    left = right[::-1] * np.array([-1.0, 1.0])
    half_right = np.concatenate([[tip], right])
    half_left = half_right * np.array([-1.0, 1.0])
    draft = _prism(p, np.concatenate([[tip], right, left[1:]]), [half_right, half_left], height)
    z = max(height / 2, height - 0.02)
    for y in (0.0, -0.04 * width, -0.1 * width):
        across = 2.0 * float(center[0] + np.sqrt(lobe**2 - y**2))
        draft.grasp(0.0, y, z, 0.0, across)
    return draft


@builder("moon_block")
def moon_block(p: Params) -> Draft:
    """A crescent, gripped across its thickest part."""
    thick, height = _sizes(p)
    outer = p.uniform(1.25, 1.5) * thick
    inner = 0.98 * outer
    # Two arcs about centres on the x axis; the inner one is shifted so that the crescent is thickest at -x.
    shift = thick - (outer - inner)
    horn = float(np.arccos((outer**2 - inner**2 + shift**2) / (2.0 * shift * outer)))
    steps = 15
    angle = np.linspace(horn + 0.14, 2.0 * np.pi - horn - 0.14, steps)
    far = outer * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    first = float(np.arctan2(far[0, 1], far[0, 0] - shift)) + 0.05
    angle = np.linspace(first, 2.0 * np.pi - first, steps)
    near = np.array([shift, 0.0]) + inner * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pieces = [np.concatenate([far[k : k + 3], near[k : k + 3]]) for k in range(0, steps - 1, 2)]
    draft = _prism(p, np.concatenate([far, near[::-1]]), pieces, height)
    z = max(height / 2, height - 0.02)
    for turn in (np.pi, np.pi - 0.25, np.pi + 0.25):
        at = np.array([np.cos(turn), np.sin(turn)]) * (outer - thick / 2)
        yaw = float((turn + HALF_TURN) % np.pi - HALF_TURN)
        draft.grasp(float(at[0]), float(at[1]), z, yaw, thick)
    return draft
