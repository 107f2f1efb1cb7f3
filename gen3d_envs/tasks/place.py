"""Place: bring the target on or in the receptacle, let go, and leave it at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gen3d_envs.assets.asset import Asset
from gen3d_envs.errors import SceneError
from gen3d_envs.geometry import Vector, placed, rotate, seen_from
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.tasks.base import FALLEN_M, Hold, Stage, Status, Watch, at_rest, center_of_mass
from gen3d_envs.tasks.ways import Edge, lowest_m

SUNK_M = 0.01
"""How far below the rim of a cavity some of the target must be (half the depth where the cavity is shallower)."""

UPRIGHT = 0.8
"""Least z component of the receptacle's own vertical: tipped over by more than 37 degrees, it holds nothing."""


class Placing:
    """The rule of a thing that goes on or in another; see :class:`gen3d_envs.tasks.rules.Rule`.

    The target touches the receptacle, neither the support nor the robot, and is at rest (arXiv 2603.18532); further,
    its centre of mass is over the receptacle's cavity or surface, some of it is below the cavity's rim where it goes
    *in*, and the receptacle stands upright.
    """

    def __init__(self, stage: Stage, target: int, receptacle: int, predicate: str) -> None:
        self._stage, self._target, self._receptacle, self._predicate = stage, target, receptacle, predicate
        self._asset = stage.assets[target]
        self._area = goal_area(stage.assets[receptacle], predicate)
        self._goal_name = stage.names[receptacle]
        _, orientation = stage.world.body_pose(target)
        area, holder = self._area, stage.assets[receptacle]
        self._edge = Edge.of(holder, (area.x_m, area.y_m), area.high_m, area.round, self._asset, orientation)

    def point(self) -> Vector:
        """The middle of the cavity's floor or of the surface, scene frame."""
        area = self._area
        return placed(self._stage.world.body_pose(self._receptacle), (area.x_m, area.y_m, area.low_m))

    def way_m(self, com_m: Vector) -> float:
        """See :meth:`gen3d_envs.tasks.base.Rule.way_m`; over the rim, or over the edge of the surface."""
        at = seen_from(self._stage.world.body_pose(self._receptacle), com_m)
        return self._edge.way_m(at, self._area.low_m)

    def arrived(self, index: int) -> bool:
        """Whether a body's centre of mass is where things *in* or *on* the receptacle are."""
        world, asset = self._stage.world, self._stage.assets[index]
        position, orientation = world.body_pose(self._receptacle)
        if rotate(orientation, (0.0, 0.0, 1.0))[2] < UPRIGHT or position[2] < FALLEN_M:
            return False
        x, y, z = seen_from((position, orientation), center_of_mass(asset, world.body_pose(index)))
        area = self._area
        return area.holds(x, y) and area.low_m < z < area.high_m + max(asset.size_m)

    def _sunk_in(self) -> bool:
        """Whether some of the target is below the rim of a cavity: what bridges the rim lies on it, not in it."""
        cavity = self._stage.assets[self._receptacle].cavity
        if cavity is None or self._predicate != "in":
            return True
        world = self._stage.world
        (_, _, height), orientation = world.body_pose(self._target)
        lowest = height + lowest_m(self._asset, orientation)
        depth = cavity.rim_z_m - cavity.floor_z_m
        return lowest < world.body_pose(self._receptacle)[0][2] + cavity.rim_z_m - min(SUNK_M, 0.5 * depth)

    def fulfilled(self) -> bool:
        """Whether the target lies there by itself."""
        world = self._stage.world
        touching = world.contacts(self._target)
        return (
            self.arrived(self._target)
            and self._goal_name in touching
            and ROBOT not in touching
            and SUPPORT not in touching
            and at_rest(world, self._target)
            and self._sunk_in()
        )


class Place:
    """Success: the rule :class:`Placing`, for 0.4 s."""

    weights = {"reach": 0.15, "grasp": 0.15, "lift": 0.1, "transport": 0.3, "success": 0.3}

    def __init__(self, predicate: Literal["on", "in"]) -> None:
        self._predicate = predicate

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        if stage.receptacle is None:
            raise ValueError("a place task needs a receptacle")
        self._stage = stage
        self._rule = Placing(stage, stage.target, stage.receptacle, self._predicate)
        self._others = [i for i in range(len(stage.names)) if i not in (stage.target, stage.receptacle)]
        self._watch = Watch(stage, stage.target)
        self._hold = Hold(stage.control_s)

    def goal_point(self) -> Vector:
        """Where the target should come to, scene frame: the middle of the cavity's floor or of the surface."""
        return self._rule.point()

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        watch, rule = self._watch, self._rule
        watch.look()
        fulfilled = rule.fulfilled()
        success = self._hold.lasts(fulfilled)
        terms = {**watch.terms(tool_m, rule, fulfilled), "success": float(success)}
        if not success and not watch.fell and (watch.held or rule.arrived(self._stage.target)):
            outcome = "partial"
        elif not success and not watch.fell and any(rule.arrived(i) for i in self._others):
            outcome = "wrong_object"
        else:
            outcome = "success" if success else watch.outcome()
        return Status(success, outcome, terms, watch.fell, (fulfilled,))


@dataclass(frozen=True)
class GoalArea:
    """Where things go on or in a receptacle, asset frame, m: centre, half extents, lowest and highest z."""

    x_m: float
    y_m: float
    half_x_m: float
    half_y_m: float
    low_m: float
    high_m: float
    round: bool

    def holds(self, x: float, y: float) -> bool:
        """Whether a point of the asset frame lies within the outline."""
        u, v = (x - self.x_m) / self.half_x_m, (y - self.y_m) / self.half_y_m
        return u * u + v * v <= 1.0 if self.round else abs(u) <= 1.0 and abs(v) <= 1.0


def goal_area(asset: Asset, predicate: str) -> GoalArea:
    """The cavity for ``in``, the surface for ``on``; where an asset has only one of them, that one.

    Raises:
        SceneError: the asset has neither.
    """
    cavity, surface = asset.cavity, asset.surface
    if cavity is not None and (predicate == "in" or surface is None):
        c = cavity
        return GoalArea(*c.center_m, c.half_x_m, c.half_y_m, c.floor_z_m, c.rim_z_m, c.round)
    if surface is None:
        raise SceneError(
            "task.predicate", predicate, f"nothing can be put {predicate} a {asset.category}",
            "Choose a container or something flat",
        )  # fmt: skip
    s = surface
    return GoalArea(*s.center_m, s.half_x_m, s.half_y_m, s.z_m, s.z_m, s.round)
