"""Room for goals: what a task needs of the layout beyond objects that stand apart.

A goal must not be reached at the beginning, a mark lies free, and nothing stands in the way of what is pushed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from gen3d_envs.errors import LayoutError
from gen3d_envs.spec import Goal, MarkSpec, SceneSpec, replace

BESIDE_GAP_M = 0.065
"""Least gap at the start between two things that are to stand next to each other: more than counts as near."""

EXCHANGE_M = 0.11
"""Least distance of two things that are to change places."""

MARK_ROOM_M = 0.02
"""Least gap between a mark and what has no business there."""

PUSH_M = 0.07
"""Least distance that something is pushed until its centre is over the mark."""

LANE_M = 0.035
"""Least gap to either side of what is pushed."""

BEHIND_M = 0.045
"""Room behind what is pushed, for the fingers that come down there."""

PUSH_REACH_M = (0.17, 0.42)
PUSH_ANGLE_RAD = math.radians(48.0)
"""Where fingers come down to push: distance from the origin and angle from straight ahead."""

MARK_RING_M = (0.22, 0.38)
MARK_ANGLE_RAD = math.radians(36.0)
TRIES = 200

SIDES = {"left_of": (0.0, 1.0), "right_of": (0.0, -1.0), "behind": (1.0, 0.0), "in_front_of": (-1.0, 0.0)}
"""Direction from the other thing to each side, seen from the robot."""

Placement = tuple[float, float, float]


class Outline(Protocol):
    """What is asked of a footprint."""

    radius_m: float


def place_marks(scene: SceneSpec, in_view: Callable[[float, float], bool], rng: np.random.Generator) -> SceneSpec:
    """Give every mark without a place one: whole in view, within reach, apart from other marks.

    Raises:
        LayoutError: no place was found.
    """
    if not scene.drawn:
        return scene
    placed: list[MarkSpec] = []
    for index, mark in enumerate(scene.drawn):
        if mark.x_m is None or mark.y_m is None:
            for _ in range(TRIES):
                radius = math.sqrt(rng.uniform(MARK_RING_M[0] ** 2, MARK_RING_M[1] ** 2))
                angle = rng.uniform(-MARK_ANGLE_RAD, MARK_ANGLE_RAD)
                x, y = round(radius * math.cos(angle), 6), round(radius * math.sin(angle), 6)
                rim = [(x + mark.radius_m * a, y + mark.radius_m * b) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
                apart = all(
                    math.hypot(x - o.x_m, y - o.y_m) > mark.radius_m + o.radius_m + MARK_ROOM_M
                    for o in placed
                    if o.x_m is not None and o.y_m is not None
                )
                if apart and all(in_view(*point) for point in rim):
                    mark = replace(mark, x_m=x, y_m=y)
                    break
            else:
                raise LayoutError(f"marks[{index}]", mark.name, "finds no free place", "Use fewer or smaller marks")
        placed.append(mark)
    marked: SceneSpec = replace(scene, marks=tuple(placed))
    return marked


def spaced(
    index: int, at: Placement, scene: SceneSpec, footprints: Sequence[Outline], placed: Sequence[Placement | None]
) -> bool:
    """Whether object ``index`` at ``at`` leaves the goals of the task open and possible, as far as objects stand."""
    task = scene.task
    if task.family not in ("push", "rearrange"):
        return True
    where = {item.name: place for item, place in zip(scene.objects, placed, strict=True)}
    where[scene.objects[index].name] = at
    radius = {item.name: footprint.radius_m for item, footprint in zip(scene.objects, footprints, strict=True)}
    return _off_marks(scene.objects[index].name, at, scene, radius) and all(
        _open(goal, where, radius, scene) and (task.family != "push" or _lane(goal, where, radius, scene))
        for goal in task.all_goals
    )


def _off_marks(name: str, at: Placement, scene: SceneSpec, radius: dict[str, float]) -> bool:
    """Whether an object stands beside all marks; one that is to be pushed, far enough from its own."""
    for mark in scene.drawn:
        if mark.x_m is None or mark.y_m is None:
            continue
        own = any(goal.target == name and goal.receptacle == mark.name for goal in scene.task.all_goals)
        room = mark.radius_m + (PUSH_M if own else radius[name] + MARK_ROOM_M)
        if math.hypot(at[0] - mark.x_m, at[1] - mark.y_m) < room:
            return False
    return True


def _open(goal: Goal, where: dict[str, Placement | None], radius: dict[str, float], scene: SceneSpec) -> bool:
    """Whether a goal beside another thing, or in its place, is still to be reached."""
    a, b = where.get(goal.target), where.get(goal.receptacle)
    if a is None or b is None or goal.predicate in ("on", "in"):
        return True
    least = EXCHANGE_M if goal.predicate == "at" else radius[goal.target] + radius[goal.receptacle] + BESIDE_GAP_M
    return math.hypot(a[0] - b[0], a[1] - b[1]) >= least


def _lane(goal: Goal, where: dict[str, Placement | None], radius: dict[str, float], scene: SceneSpec) -> bool:
    """Whether the way from behind the target to its goal is free, and fingers reach the start of it."""
    start, end = where[goal.target], where.get(goal.receptacle)
    for mark in scene.drawn:
        if mark.name == goal.receptacle and mark.x_m is not None and mark.y_m is not None:
            end = (mark.x_m, mark.y_m, 0.0)
    if start is None or end is None:
        return True
    side = SIDES.get(goal.predicate)
    if side is not None:
        away = radius[goal.target] + radius[goal.receptacle] + 0.5 * BESIDE_GAP_M
        end = (end[0] + away * side[0], end[1] + away * side[1], 0.0)
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    back = radius[goal.target] + BEHIND_M
    x, y = start[0] - back * ux, start[1] - back * uy
    if not PUSH_REACH_M[0] <= math.hypot(x, y) <= PUSH_REACH_M[1] or abs(math.atan2(y, x)) > PUSH_ANGLE_RAD:
        return False
    for name, place in where.items():
        if place is None or name == goal.target or (name == goal.receptacle and side is None):
            continue
        along = (place[0] - start[0]) * ux + (place[1] - start[1]) * uy
        along = min(max(along, -back), length)
        gap = math.hypot(place[0] - start[0] - along * ux, place[1] - start[1] - along * uy)
        if gap < radius[goal.target] + radius[name] + (
            0.5 * BESIDE_GAP_M - 0.01 if name == goal.receptacle else LANE_M
        ):
            return False
    return True
