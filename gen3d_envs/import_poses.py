"""Where the things of an imported world stand: its own poses in our frame, as far as they can be kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.import_mesh import Frame
from gen3d_envs.design.embodiedgen import LayoutWorld, Node
from gen3d_envs.design.layout import REACH, Footprint, gap_m, in_view
from gen3d_envs.geometry import matrix_of, yaw_of
from gen3d_envs.spec import Pose, SceneSpec

CENTER_M = (0.30, 0.0)
"""Where the middle of the task's objects is brought to when a world's arrangement is moved into reach."""

TILTED_RAD = math.radians(15.0)

OVERLAP_M = 0.002
"""Outlines from above may overlap by so much: they are convex, the things need not be."""

MOST_TURNS = 2
"""Arrangements moved as a whole that are certified, of the four that quarter turns give."""


def kept_poses(
    world: LayoutWorld,
    spec: SceneSpec,
    assets: dict[str, Asset],
    frames: dict[str, tuple[Node, Frame]],
    rejected: list[str],
) -> Iterator[tuple[dict[str, Pose], tuple[str, ...]]]:
    """The world's poses: relative to its robot, then moved into reach as a whole."""
    missing = [name for name, (node, _) in frames.items() if node.position_m is None]
    if missing:
        rejected.append(f"the world gives no position of {missing[0]}")
        return
    placed = {name: _stand(node, frame) for name, (node, frame) in frames.items()}
    overlap = _overlap(spec, assets, placed)
    if overlap is not None:
        rejected.append(overlap)
        return
    tilted = tuple(f"{name} lay tilted in the world and stands upright here" for name, row in placed.items() if row[3])
    heights = _heights(spec, frames)
    wanted = list(spec.task.concerned)
    robot = world.first("robot")
    if robot is not None and robot.position_m is not None and robot.orientation_xyzw is not None:
        (x, y, _), yaw = robot.position_m, yaw_of(robot.orientation_xyzw)
        poses = _moved(placed, heights, (x, y), -yaw, (0.0, 0.0))
        if poses is not None and _reachable(poses, wanted):
            yield poses, tilted
        else:
            rejected.append("as the world has them, the task's objects are out of reach or out of view")
    middle = (
        sum(placed[name][0] for name in wanted) / len(wanted), sum(placed[name][1] for name in wanted) / len(wanted)
    )  # fmt: skip
    tried = 0
    for quarter in range(4):
        poses = _moved(placed, heights, middle, quarter * math.pi / 2, CENTER_M)
        if poses is not None and _reachable(poses, wanted) and tried < MOST_TURNS:
            tried += 1
            yield poses, (*tilted, "the world's arrangement was moved as a whole to where the robot reaches it")


_Stand = tuple[float, float, float, bool]


def _overlap(spec: SceneSpec, assets: dict[str, Asset], placed: dict[str, _Stand]) -> str | None:
    """What is wrong where two things that do not lie on each other stand in the same place; None where all is well."""
    stacked = {frozenset((relation.subject, relation.object)) for relation in spec.relations}
    footprints = {name: Footprint(assets[name]) for name in placed}
    for first, second in combinations(placed, 2):
        gap = gap_m(footprints[first], placed[first][:3], footprints[second], placed[second][:3])
        if gap < -OVERLAP_M and not _related(first, second, stacked):
            return f"as the world has them, {first} and {second} overlap by {-gap:.3f} m seen from above"
    return None


def _related(first: str, second: str, stacked: set[frozenset[str]]) -> bool:
    """Whether two things lie on each other, directly or by what is between, or on the same thing."""
    group, grown = {first}, True
    while grown:
        found = {name for pair in stacked if pair & group for name in pair}
        grown = not found <= group
        group |= found
    return second in group


def _stand(node: Node, frame: Frame) -> _Stand:
    """Asset frame in the world's frame: x, y (m), yaw (rad), and whether the world has it tilted."""
    assert node.position_m is not None and node.orientation_xyzw is not None
    turn = np.array(matrix_of(node.orientation_xyzw))
    upright = turn @ frame.rotation.T  # the asset's axes in the world
    yaw = math.atan2(upright[1, 0] - upright[0, 1], upright[0, 0] + upright[1, 1])
    # The asset's origin is where its footprint's middle lies in the file's frame.
    origin = turn @ (frame.rotation.T @ frame.offset_m) + np.array(node.position_m)
    return float(origin[0]), float(origin[1]), yaw, bool(upright[2, 2] < math.cos(TILTED_RAD))


def _heights(spec: SceneSpec, frames: dict[str, tuple[Node, Frame]]) -> dict[str, float]:
    """Height of each object over the support, m: as the world has it for what stands on other things, else 0."""
    stacked = {relation.subject for relation in spec.relations}
    heights = {}
    for name, (node, frame) in frames.items():
        assert node.position_m is not None and node.orientation_xyzw is not None
        origin = np.array(matrix_of(node.orientation_xyzw)) @ (frame.rotation.T @ frame.offset_m)
        heights[name] = max(0.0, float(origin[2]) + node.position_m[2]) if name in stacked else 0.0
    return heights


def _moved(
    placed: dict[str, _Stand],
    heights: dict[str, float],
    about: tuple[float, float],
    yaw: float,
    to: tuple[float, float],
) -> dict[str, Pose] | None:
    """Everything turned about a point that comes to another; None where something ends up off any table."""
    c, s = math.cos(yaw), math.sin(yaw)
    poses = {}
    for name, (x, y, own, _) in placed.items():
        dx, dy = x - about[0], y - about[1]
        x, y = to[0] + c * dx - s * dy, to[1] + s * dx + c * dy
        if max(abs(x), abs(y), heights[name]) > 2.0:
            return None
        turned = (own + yaw + math.pi) % (2 * math.pi) - math.pi
        poses[name] = Pose(x_m=round(x, 6), y_m=round(y, 6), z_m=round(heights[name], 6), yaw_rad=round(turned, 6))
    return poses


def _reachable(poses: dict[str, Pose], wanted: list[str]) -> bool:
    return all(
        REACH.holds(poses[name].x_m, poses[name].y_m) and in_view(poses[name].x_m, poses[name].y_m) for name in wanted
    )
