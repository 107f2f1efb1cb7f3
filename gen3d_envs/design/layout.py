"""Relations to poses: objects on the support, apart from each other, within reach; and their variation per episode.

Positions are in the scene frame. Rules of arXiv 2603.18532: inside the support, no overlapping footprints, the target
0.20-0.85 m from the base and within 60 degrees of its heading. The outer radius here is what both built-in arms reach
pointing straight down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.articulated import swept
from gen3d_envs.assets.asset import Asset, Box, Hull, Sphere
from gen3d_envs.design.spacing import place_marks, spaced
from gen3d_envs.errors import LayoutError
from gen3d_envs.geometry import matrix_of, rotate
from gen3d_envs.spec import BACK_M, ObjectSpec, Pose, Relation, SceneSpec, replace

CLEARANCE_M = 0.012
"""Least gap between two footprints."""

FINGER_ROOM_M = 0.035
"""Least gap around a target: an opened finger and its tolerance."""

HAND_ROOM_M = 0.08
HAND_ABOVE_M = 0.05
"""Least gap between a target and what is taller than it by more than the fingers are long: room for a hand of 0.2 m."""

REST_GAP_M = 0.0005
"""Objects start this high above the support and settle."""

TRIES = 400


@dataclass(frozen=True)
class Region:
    """Where objects may stand: a ring segment ahead of the scene's origin. Lengths in m, angles in rad."""

    inner_m: float
    outer_m: float
    half_angle_rad: float

    def holds(self, x: float, y: float, margin_m: float = 0.0) -> bool:
        """Whether the point lies in the region, ``margin_m`` inside its border."""
        radius = math.hypot(x, y)
        return (
            self.inner_m + margin_m <= radius <= self.outer_m - margin_m
            and abs(math.atan2(y, x)) <= self.half_angle_rad
        )


REACH = Region(0.20, 0.40, math.radians(40.0))
"""Targets and receptacles: centres that both arms reach from above with 12 cm to spare in height."""

SCENERY = Region(0.18, 0.48, math.radians(52.0))
"""Distractors, which only have to be seen."""

CASES = Region(0.36, 0.50, math.radians(26.0))
"""What is anchored and opens in front: as far away as a handle that comes nearer when it is pulled may be."""

FOLDING = Region(0.26, 0.34, math.radians(30.0))
"""What has a lid or a screen and stands free."""

FACING_RAD = 0.22
"""How far what opens may be turned away from facing the robot."""


BRIDGE_VIEW_M = ((0.103, 0.074), (0.249, -0.218), (0.849, -0.128), (0.536, 0.500))
"""What the inner 85 % of the Bridge camera's picture (``gen3d_envs.cameras.FRONT``) show of the plane 2 cm above the
support: corners counter-clockwise, scene frame."""


def in_view(x: float, y: float) -> bool:
    """Whether a point of the support is well inside the front camera's picture."""
    corners = BRIDGE_VIEW_M
    return all(
        (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0.0
        for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True)
    )


class Footprint:
    """Convex outline of an asset seen from above, with all that its parts pass over; x, y in the asset frame.

    Attributes:
        outline: its corners.
        height_m: the highest that anything of it reaches.
        radius_m: of the circle about the asset's z axis that holds it.
        shown: points that have to be in view: the middle, or near the corners of a large thing.
        opens: where the asset has to stand if it has parts to be opened; it faces the robot then.
    """

    def __init__(self, asset: Asset) -> None:
        from scipy.spatial import ConvexHull

        points = [asset.vertices[:, :2].astype(np.float64)]
        for part in asset.collision:
            points.append(_outline(part))
        tops = [asset.size_m[2]]
        for moving, offset, turn in swept(asset):
            cloud = moving.vertices.astype(np.float64) @ np.array(matrix_of(turn)).T + offset
            points.append(cloud[:, :2])
            tops.append(float(cloud[:, 2].max()))
        cloud = np.concatenate(points)
        self.outline: NDArray[np.float64] = cloud[ConvexHull(cloud).vertices]
        self.height_m = max(tops)
        x, y, _ = asset.size_m
        self.shown = [(i * 0.4 * x, j * 0.4 * y) for i in (-1, 1) for j in (-1, 1)] if asset.parts else [(0.0, 0.0)]
        self.opens: Region | None = None
        if asset.parts:
            self.opens = CASES if asset.anchored else FOLDING
        self.radius_m = float(np.hypot(self.outline[:, 0], self.outline[:, 1]).max())

    @cached_property
    def _normals(self) -> NDArray[np.float64]:
        edges = np.roll(self.outline, -1, axis=0) - self.outline
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        result: NDArray[np.float64] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        return result

    def placed(self, x: float, y: float, yaw: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners (k, 2) and outward edge normals (k, 2) in the scene frame."""
        c, s = math.cos(yaw), math.sin(yaw)
        turn = np.array([[c, s], [-s, c]])
        return self.outline @ turn + (x, y), self._normals @ turn


def _outline(part: Hull | Box | Sphere) -> NDArray[np.float64]:
    if isinstance(part, Hull):
        return part.vertices[:, :2].astype(np.float64)
    if isinstance(part, Sphere):
        angles = np.arange(16) * (math.pi / 8)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * part.radius_m
        return np.asarray(ring + part.position_m[:2], dtype=np.float64)
    hx, hy, hz = part.half_extents_m
    corners = [
        rotate(part.orientation_xyzw, (i * hx, j * hy, k * hz)) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)
    ]
    return np.array([(c[0] + part.position_m[0], c[1] + part.position_m[1]) for c in corners])


Placement = tuple[float, float, float]
"""x and y in m, yaw in rad, scene frame."""


def gap_m(a: Footprint, at: Placement, b: Footprint, bt: Placement) -> float:
    """Lower bound of the distance between two placed footprints, m; negative where they overlap.

    Exact where an edge faces the other outline, by the separating axis theorem; a little low between two corners.
    """
    (pa, na), (pb, nb) = a.placed(*at), b.placed(*bt)
    low = (pb @ na.T).min(axis=0) - (pa * na).sum(axis=1)
    high = (pa @ nb.T).min(axis=0) - (pb * nb).sum(axis=1)
    return float(max(low.max(), high.max()))


def _clear(
    index: int,
    at: Placement,
    footprints: Sequence[Footprint],
    placed: Sequence[Placement | None],
    is_target: Sequence[bool],
) -> bool:
    """Whether object ``index`` at ``at`` keeps its distance from every object placed so far."""
    for other, position in enumerate(placed):
        if position is None or other == index:
            continue
        room = CLEARANCE_M
        if is_target[index] or is_target[other]:
            rise = footprints[other].height_m - footprints[index].height_m
            room = HAND_ROOM_M if (rise if is_target[index] else -rise) > HAND_ABOVE_M else FINGER_ROOM_M
        reach = footprints[index].radius_m + footprints[other].radius_m + room
        distance = math.hypot(at[0] - position[0], at[1] - position[1])
        if distance < reach and gap_m(footprints[index], at, footprints[other], position) < room:
            return False
    return True


def is_free(
    scene: SceneSpec,
    footprints: Sequence[Footprint],
    placed: Sequence[Placement | None],
    index: int,
    at: Placement,
) -> bool:
    """Whether one object may stand somewhere: in its region, in view, clear of all others, its relations kept.

    Args:
        scene: what is in it; its poses do not count.
        footprints: one per object.
        placed: where the objects stand, the one in question included; None for those that stand nowhere yet.
        index: the object.
        at: where it would go.
    """
    task, name = scene.task, scene.objects[index].name
    region = footprints[index].opens or (REACH if name in task.concerned else SCENERY)
    return (
        region.holds(at[0], at[1])
        and _inside(at, footprints[index], scene)
        and _related(index, at, scene, footprints, placed)
        and spaced(index, at, scene, footprints, placed)
        and _clear(index, at, footprints, placed, [item.name in task.targets for item in scene.objects])
    )


def find_free(
    scene: SceneSpec,
    footprints: Sequence[Footprint],
    placed: Sequence[Placement | None],
    index: int,
    rng: np.random.Generator,
) -> Placement | None:
    """A random place for one object as :func:`is_free` has it; None where none was found."""
    task = scene.task
    wanted = [item.name in task.concerned for item in scene.objects]
    is_target = [item.name in task.targets for item in scene.objects]
    return _find(index, scene, footprints, placed, wanted, is_target, rng)


def lay_out(scene: SceneSpec, assets: Sequence[Asset], rng: np.random.Generator) -> SceneSpec:
    """Give every object a pose that keeps the relations.

    Args:
        scene: the designed scene; poses already in it are kept.
        assets: one per object, in the scene's order.
        rng: draws the positions.

    Returns:
        The scene with all poses set: x, y, yaw in the scene frame, z = 0.

    Raises:
        LayoutError: no arrangement was found; the message names the object that did not fit.
    """
    footprints = [Footprint(asset) for asset in assets]
    scene = place_marks(scene, in_view, rng)
    task = scene.task
    wanted = [item.name in task.concerned for item in scene.objects]
    is_target = [item.name in task.targets for item in scene.objects]
    # The largest of the task's objects go first: they are the hardest to find room for.
    order = sorted(range(len(assets)), key=lambda i: (not wanted[i], -footprints[i].radius_m, i))
    stuck = scene.objects[order[0]].name
    for _ in range(20):
        placed: list[Placement | None] = [
            None if item.pose is None else (item.pose.x_m, item.pose.y_m, item.pose.yaw_rad) for item in scene.objects
        ]
        for index in order:
            if placed[index] is None:
                placed[index] = _find(index, scene, footprints, placed, wanted, is_target, rng)
            if placed[index] is None:
                stuck = scene.objects[index].name
                break
        else:
            objects = tuple(
                _with_pose(item, position) for item, position in zip(scene.objects, placed, strict=True) if position
            )
            laid: SceneSpec = replace(scene, objects=objects)
            return laid
    relations = "; ".join(f"{r.subject} {r.predicate} {r.object}" for r in scene.relations)
    wishes = f" with {relations}" if relations else ""
    others = ", ".join(item.name for item in scene.objects if item.name != stuck)
    raise LayoutError(
        "objects", stuck,
        f"no collision-free, reachable place was found beside {others}{wishes}",
        "Use fewer or smaller objects, or fewer relations",
    )  # fmt: skip


def _find(
    index: int,
    scene: SceneSpec,
    footprints: Sequence[Footprint],
    placed: Sequence[Placement | None],
    wanted: Sequence[bool],
    is_target: Sequence[bool],
    rng: np.random.Generator,
) -> Placement | None:
    opens = footprints[index].opens
    region = opens or (REACH if wanted[index] else SCENERY)
    for _ in range(TRIES // 20):
        for _ in range(20):
            radius = math.sqrt(rng.uniform(region.inner_m**2, region.outer_m**2))
            angle = rng.uniform(-region.half_angle_rad, region.half_angle_rad)
            yaw = rng.uniform(-math.pi, math.pi)
            if opens is not None:
                yaw = facing_yaw(angle) + FACING_RAD * yaw / math.pi
            at = (radius * math.cos(angle), radius * math.sin(angle), yaw)
            if not (_related(index, at, scene, footprints, placed) and spaced(index, at, scene, footprints, placed)):
                continue
            if _inside(at, footprints[index], scene) and _clear(index, at, footprints, placed, is_target):
                return at
    return None


def facing_yaw(bearing_rad: float) -> float:
    """Yaw with which a thing at this bearing from the robot turns its front (-y) to it."""
    return bearing_rad - math.pi / 2


def _inside(at: Placement, footprint: Footprint, scene: SceneSpec) -> bool:
    """Whether the footprint lies on the support, in view and clear of the robot's base."""
    corners, _ = footprint.placed(*at)
    low, high = corners.min(axis=0), corners.max(axis=0)
    front = scene.support.depth_m - BACK_M
    radius = float(np.hypot(corners[:, 0], corners[:, 1]).min())
    c, s = math.cos(at[2]), math.sin(at[2])
    if not all(in_view(at[0] + c * x - s * y, at[1] + s * x + c * y) for x, y in footprint.shown):
        return False
    return bool(high[0] < front - 0.02 and max(-low[1], high[1]) < scene.support.width_m / 2 - 0.02 and radius > 0.12)


def _related(
    index: int, at: Placement, scene: SceneSpec, footprints: Sequence[Footprint], placed: Sequence[Placement | None]
) -> bool:
    """Whether all relations of object ``index`` to objects placed so far hold."""
    name = scene.objects[index].name
    for relation in scene.relations:
        if name == relation.subject:
            other, sign = relation.object, 1.0
        elif name == relation.object:
            other, sign = relation.subject, -1.0
        else:
            continue
        if other == "support":
            continue
        j = next(i for i, item in enumerate(scene.objects) if item.name == other)
        position = placed[j]
        if position is None:
            continue
        reach = footprints[index].radius_m + footprints[j].radius_m
        if not relation_holds(relation, sign * (at[0] - position[0]), sign * (at[1] - position[1]), reach):
            return False
    return True


def relation_holds(relation: Relation, dx: float, dy: float, reach_m: float) -> bool:
    """Whether ``subject - object = (dx, dy)`` fulfils a relation, seen from the robot (left is +y, behind is +x).

    ``reach_m`` is the sum of both footprint radii.
    """
    near = math.hypot(dx, dy) <= reach_m + 0.10
    if relation.predicate == "next_to":
        return near
    along, across = {
        "left_of": (dy, dx), "right_of": (-dy, dx), "behind": (dx, dy), "in_front_of": (-dx, dy),
    }.get(relation.predicate, (1.0, 0.0))  # fmt: skip
    return near and along > abs(across)


def _with_pose(item: ObjectSpec, at: Placement) -> ObjectSpec:
    # A micrometre and a microradian are finer than anything seen or felt, and keep cards short.
    pose = Pose(x_m=round(at[0], 6), y_m=round(at[1], 6), z_m=0.0, yaw_rad=round(at[2], 6))
    result: ObjectSpec = replace(item, pose=pose)
    return result


def vary(
    scene: SceneSpec, footprints: Sequence[Footprint], rng: np.random.Generator, tries: int = 40
) -> list[Placement]:
    """Initial placements of one episode: the card's poses moved and turned within ``scene.placement``.

    Objects are varied one after the other; one that finds no free place keeps the card's pose. The number of random
    draws depends on the outcome of the collision checks only, so equal generators give equal episodes.
    """
    task, limit = scene.task, scene.placement
    is_target = [item.name in task.targets for item in scene.objects]
    placed: list[Placement] = []
    for index, item in enumerate(scene.objects):
        if item.pose is None:
            raise LayoutError(
                f"objects[{index}].pose", None, "the scene has not been laid out", "Build the scene first"
            )
        placed.append((item.pose.x_m, item.pose.y_m, item.pose.yaw_rad))
    if limit.position_m == 0.0 and limit.yaw_rad == 0.0:
        return placed
    for index, item in enumerate(scene.objects):
        x, y, yaw = placed[index]
        opens = footprints[index].opens
        region = opens or (REACH if item.name in task.concerned else SCENERY)
        most_rad = limit.yaw_rad if opens is None else min(limit.yaw_rad, FACING_RAD)
        for _ in range(tries):
            dx, dy, turn = rng.uniform(-1.0, 1.0, 3).tolist()
            at = (x + dx * limit.position_m, y + dy * limit.position_m, yaw + turn * most_rad)
            if (
                region.holds(at[0], at[1])
                and _inside(at, footprints[index], scene)
                and _related(index, at, scene, footprints, placed)
                and spaced(index, at, scene, footprints, placed)
                and _clear(index, at, footprints, placed, is_target)
            ):
                placed[index] = at
                break
    return placed
