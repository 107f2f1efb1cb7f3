"""When one thing stands where it should: the rules that the families are composed of.

A rule watches one target. It says whether the target is where it goes (``arrived``), whether the whole rule holds now
(``fulfilled``: there, let go, at rest, borne by the right thing), and towards which point the reward leads.
"""

from __future__ import annotations

import math

import numpy as np

from gen3d_envs.design.spacing import SIDES
from gen3d_envs.errors import SceneError
from gen3d_envs.geometry import Vector, placed, rotate, seen_from, unrotate
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.spec import Goal
from gen3d_envs.tasks.base import Rule, Stage, at_rest, center_of_mass
from gen3d_envs.tasks.place import UPRIGHT, Placing, goal_area
from gen3d_envs.tasks.ways import Edge, lowest_m

BESIDE_M = 0.06
"""Largest gap between two things that stand next to each other."""

SIDEWAYS = math.cos(math.pi / 4)
"""Least cosine between the line of two centres and the side on which one is to stand."""

EXCHANGED_M = 0.045
"""How far from where another thing stood a thing may be put that takes its place."""

STANDING = 0.95
"""Least z component of the vertical of what carries a stack: leaning by more than 18 degrees, it does not stand."""

LEVEL_M = 0.008
"""Least tolerance of the height of a centre of mass by which a thing counts as standing or lying as it did before."""


def make_rule(goal: Goal, stage: Stage) -> Rule:
    """The rule of a goal, in a world that has just been loaded.

    Raises:
        SceneError: nothing can be put on or in the receptacle.
    """
    target, receptacle = stage.names.index(goal.target), goal.receptacle
    if receptacle in stage.marks:
        x, y, radius = stage.marks[receptacle]
        return AtSpot(stage, target, (x, y), radius)
    other = stage.names.index(receptacle)
    if goal.predicate == "at":
        x, y, _ = center_of_mass(stage.assets[other], stage.world.body_pose(other))
        return AtSpot(stage, target, (x, y), EXCHANGED_M)
    if goal.predicate in ("on", "in"):
        return Placing(stage, target, other, goal.predicate)
    return Beside(stage, target, other, goal.predicate)


class _OnSupport:
    """What rules about places on the support have in common: down, let go, at rest, and not tipped over."""

    def __init__(self, stage: Stage, target: int) -> None:
        self._stage, self._target = stage, target
        self._height = self._com(target)[2]

    def point(self) -> Vector:
        """See :meth:`Rule.point`."""
        raise NotImplementedError

    def way_m(self, com_m: Vector) -> float:
        """See :meth:`Rule.way_m`; straight."""
        return math.dist(com_m, self.point())

    def _com(self, index: int) -> Vector:
        return center_of_mass(self._stage.assets[index], self._stage.world.body_pose(index))

    def arrived(self, index: int) -> bool:
        """See :meth:`Rule.arrived`."""
        raise NotImplementedError

    def fulfilled(self) -> bool:
        """Whether the target stands there by itself, as it stood at the beginning."""
        world, target = self._stage.world, self._target
        if not self.arrived(target):
            return False
        touching = world.contacts(target)
        return SUPPORT in touching and ROBOT not in touching and at_rest(world, target) and self.upright()

    def upright(self) -> bool:
        """Whether the centre of mass is as high as at the beginning: neither tipped over nor on something else."""
        height = self._com(self._target)[2]
        return abs(height - self._height) <= max(LEVEL_M, 0.25 * self._height)


class AtSpot(_OnSupport):
    """The target's centre of mass is over a disc of the support."""

    def __init__(self, stage: Stage, target: int, center_m: tuple[float, float], radius_m: float) -> None:
        super().__init__(stage, target)
        self._center, self._radius = center_m, radius_m

    def arrived(self, index: int) -> bool:
        """See :meth:`Rule.arrived`."""
        x, y, _ = self._com(index)
        return math.hypot(x - self._center[0], y - self._center[1]) <= self._radius

    def point(self) -> Vector:
        """See :meth:`Rule.point`."""
        return *self._center, self._height


class Beside(_OnSupport):
    """The target stands near another thing, on the side that is asked for, seen from the robot.

    Near means a gap of at most 6 cm, measured along the line between the two centres of mass. For a side, that line
    must point there within 45 degrees. The other thing must not be held, nor have been tipped over.
    """

    def __init__(self, stage: Stage, target: int, other: int, predicate: str) -> None:
        super().__init__(stage, target)
        self._other, self._side = other, SIDES.get(predicate)
        self._other_rule = _OnSupport(stage, other)

    def arrived(self, index: int) -> bool:
        """See :meth:`Rule.arrived`."""
        x, y, _ = self._com(index)
        return index != self._other and self._near(index, x, y, BESIDE_M, SIDEWAYS)

    def would_hold(self, x: float, y: float) -> bool:
        """Whether the target, turned as it is, would be near enough at a place, with a margin."""
        return self._near(self._target, x, y, 0.7 * BESIDE_M, 1.2 * SIDEWAYS)

    def _near(self, index: int, x: float, y: float, gap_m: float, sideways: float) -> bool:
        bx, by, bz = self._com(self._other)
        dx, dy = x - bx, y - by
        distance = math.hypot(dx, dy)
        if self._side is not None and dx * self._side[0] + dy * self._side[1] < sideways * distance:
            return False
        if distance < 1e-6 or bz < 0.0:
            return False
        ux, uy = dx / distance, dy / distance
        return self._extent(index, -ux, -uy) + self._extent(self._other, ux, uy) + gap_m >= distance

    def _extent(self, index: int, ux: float, uy: float) -> float:
        """How far a body reaches from its centre of mass in a horizontal direction, m."""
        (x, y, _), orientation = self._stage.world.body_pose(index)
        direction = np.array(unrotate(orientation, (ux, uy, 0.0)))
        reach = float((self._stage.assets[index].vertices @ direction).max())
        cx, cy, _ = self._com(index)
        return reach + (x - cx) * ux + (y - cy) * uy

    def fulfilled(self) -> bool:
        """See :meth:`Rule.fulfilled`."""
        touched = ROBOT in self._stage.world.contacts(self._other)
        return super().fulfilled() and not touched and self._other_rule.upright()

    def point(self) -> Vector:
        """The nearest place beside the other thing, on the right side of it."""
        (ax, ay, _), (bx, by, _) = self._com(self._target), self._com(self._other)
        distance = math.hypot(ax - bx, ay - by)
        ux, uy = self._side or ((ax - bx) / max(distance, 1e-6), (ay - by) / max(distance, 1e-6))
        away = self._extent(self._target, -ux, -uy) + self._extent(self._other, ux, uy) + 0.5 * BESIDE_M
        return bx + ux * away, by + uy * away, self._height


class Stacked:
    """The target stands on another free thing that itself still stands on the support.

    The target touches that thing and nothing else, is at rest with its centre of mass over the thing's outline, and
    nothing of it is below the top; the thing is upright, at rest, on the support, and let go.
    """

    def __init__(self, stage: Stage, target: int, below: int) -> None:
        if stage.assets[below].surface is None:
            raise SceneError(
                "task.receptacle", stage.names[below], "has no flat top to stack on", "Choose a block, a book or a can"
            )
        self._stage, self._target, self._below = stage, target, below
        asset, (_, orientation) = stage.assets[target], stage.world.body_pose(target)
        self._top = area = goal_area(stage.assets[below], "on")
        self._edge = Edge.of(
            stage.assets[below], (area.x_m, area.y_m), area.high_m, area.round, asset, orientation
        )  # fmt: skip

    def standing(self) -> bool:
        """Whether what carries the stack stands upright on the support."""
        world = self._stage.world
        vertical = rotate(world.body_pose(self._below)[1], (0.0, 0.0, 1.0))[2]
        return vertical >= STANDING and SUPPORT in world.contacts(self._below)

    def toppled(self) -> bool:
        """Whether what should carry the stack lies on its side or is gone."""
        (_, _, z), orientation = self._stage.world.body_pose(self._below)
        return rotate(orientation, (0.0, 0.0, 1.0))[2] < UPRIGHT or z < -0.05

    def arrived(self, index: int) -> bool:
        """See :meth:`Rule.arrived`."""
        if index == self._below:
            return False
        world, asset, top = self._stage.world, self._stage.assets[index], self._top
        com = center_of_mass(asset, world.body_pose(index))
        x, y, z = seen_from(world.body_pose(self._below), com)
        return top.holds(x, y) and top.high_m < z < top.high_m + max(asset.size_m)

    def fulfilled(self) -> bool:
        """See :meth:`Rule.fulfilled`."""
        world, target, below = self._stage.world, self._target, self._below
        return (
            self.arrived(target)
            and world.contacts(target) == {self._stage.names[below]}
            and self.standing()
            and ROBOT not in world.contacts(below)
            and at_rest(world, target)
            and at_rest(world, below)
            and self._above()
        )

    def _above(self) -> bool:
        """Whether no part of the target hangs below the top, as of something that leans or is hooked on."""
        world = self._stage.world
        (_, _, height), orientation = world.body_pose(self._target)
        lowest = height + lowest_m(self._stage.assets[self._target], orientation)
        return lowest > world.body_pose(self._below)[0][2] + self._top.high_m - LEVEL_M

    def point(self) -> Vector:
        """See :meth:`Rule.point`."""
        x, y, z = placed(self._stage.world.body_pose(self._below), (self._top.x_m, self._top.y_m, self._top.high_m))
        return x, y, z + 0.5 * self._stage.assets[self._target].size_m[2]

    def way_m(self, com_m: Vector) -> float:
        """See :meth:`Rule.way_m`; over the edge of the top."""
        at = seen_from(self._stage.world.body_pose(self._below), com_m)
        return self._edge.way_m(at, self._top.high_m + 0.5 * self._stage.assets[self._target].size_m[2])
