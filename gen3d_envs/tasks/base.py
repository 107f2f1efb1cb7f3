"""What a task is: it watches the world and says how far the robot has come. It never moves anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gen3d_envs.assets.asset import Asset
from gen3d_envs.geometry import Quaternion, Vector, placed
from gen3d_envs.sim.world import ROBOT, SUPPORT, World

FALLEN_M = -0.05
"""A thing whose centre of mass is this low has fallen off the support."""

REST_SPEED_MPS = 0.03
REST_TURN_RADPS = 0.6
HOLD_S = 0.4
"""How long the final state must last before it counts, simulated s."""

OUTCOMES = {
    "success": "the task's rule held for 0.4 s",
    "partial": "the target was lifted, or is at the goal without fulfilling the whole rule, or one of several goals is",
    "lifted": "the target was lifted although it should have been pushed",
    "toppled": "what should carry the stack, or what was pushed, tipped over",
    "dropped": "the target was lifted, let go, and lies elsewhere",
    "wrong_object": "another object lies at the goal",
    "fell": "the target fell off the support",
    "moved": "the target was pushed but never lifted",
    "untouched": "the robot never touched the target",
}
"""Every value of ``info["outcome"]`` with its meaning."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What a task may look at.

    Attributes:
        world: the physics world, already loaded and settled.
        names, assets: of the world's bodies, by index.
        target: index of the object the task is about.
        receptacle: index of the object it goes to, or None.
        control_s: simulated seconds between two evaluations.
        marks: areas drawn on the support: x, y and radius in m, by name.
    """

    world: World
    names: tuple[str, ...]
    assets: tuple[Asset, ...]
    target: int
    receptacle: int | None
    control_s: float
    marks: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How far the task has come.

    Attributes:
        success: the task's rule is fulfilled.
        outcome: a key of :data:`OUTCOMES`: what one would write down if the episode ended now.
        terms: named reward terms, each in [0, 1], not yet weighted.
        failed: nothing can be achieved any more (the target fell, or was lifted where it had to be pushed).
        goals: for each goal, whether its rule holds now.
    """

    success: bool
    outcome: str
    terms: dict[str, float]
    failed: bool = False
    goals: tuple[bool, ...] = ()


class Hold:
    """Whether something has been true for :data:`HOLD_S`, seen at every control step."""

    def __init__(self, control_s: float) -> None:
        self._control_s = control_s
        self._since_s: float | None = None

    def lasts(self, now: bool) -> bool:
        """Take note of what is true now; the first time starts the clock at zero."""
        if not now:
            self._since_s = None
        else:
            self._since_s = 0.0 if self._since_s is None else self._since_s + self._control_s
        return self._since_s is not None and self._since_s >= HOLD_S - 1e-9


class Task(Protocol):
    """One task family."""

    weights: dict[str, float]
    """Weight of each reward term in the shaped reward; they add up to 1."""

    def reset(self, stage: Stage) -> None:
        """Start watching a new episode."""

    def evaluate(self, tool_m: Vector) -> Status:
        """Look at the world after a control step. ``tool_m``: tool point, scene frame."""


class Rule(Protocol):
    """One goal for one target; see :mod:`gen3d_envs.tasks.rules`."""

    def arrived(self, index: int) -> bool:
        """Whether body ``index`` is where the target should be, whatever holds it there."""

    def fulfilled(self) -> bool:
        """Whether the target fulfils the rule now."""

    def point(self) -> Vector:
        """Where the target's centre of mass should come to, scene frame."""

    def way_m(self, com_m: Vector) -> float:
        """How far the target has to be carried, its centre of mass being at ``com_m``, scene frame."""


def center_of_mass(asset: Asset, pose: tuple[Vector, Quaternion]) -> Vector:
    """Centre of mass in the scene frame of an asset at ``pose``."""
    return placed(pose, asset.com_m)


def at_rest(world: World, index: int) -> bool:
    """Whether a body is (nearly) still."""
    (vx, vy, vz), (wx, wy, wz) = world.body_velocity(index)
    return (
        vx * vx + vy * vy + vz * vz < REST_SPEED_MPS * REST_SPEED_MPS
        and wx * wx + wy * wy + wz * wz < REST_TURN_RADPS * REST_TURN_RADPS
    )


class Watch:
    """What becomes of one object in an episode.

    Attributes:
        com: its centre of mass now, scene frame.
        touching: what it touches now.
        held: carried by the robot, off the support.
        touched, lifted: by the robot, at any time so far.
        fell: off the support.
    """

    def __init__(self, stage: Stage, index: int) -> None:
        self._stage, self._index, self._asset = stage, index, stage.assets[index]
        self.start = self.com = center_of_mass(self._asset, stage.world.body_pose(index))
        self.touching: set[str] = set()
        self.held = self.touched = self.lifted = self.fell = False

    def look(self) -> None:
        """Take note of the world after a control step."""
        world = self._stage.world
        self.com = center_of_mass(self._asset, world.body_pose(self._index))
        self.touching = world.contacts(self._index)
        by_robot = ROBOT in self.touching
        self.held = by_robot and SUPPORT not in self.touching
        self.touched = self.touched or by_robot
        self.lifted = self.lifted or (self.held and self.com[2] - self.start[2] > 0.02)
        self.fell = self.com[2] < FALLEN_M

    def terms(self, tool_m: Vector, rule: Rule, fulfilled: bool) -> dict[str, float]:
        """Reward terms of something that is carried to where a rule wants it; all 1 where it is fulfilled.

        Transport is paid for while the thing is carried, or once it has arrived. Else letting it go above and beside
        the goal would pay, for falling brings it nearer at once; a policy learns that before it learns to lower. What
        counts is the way that is left, over whatever edge is in between: along a straight line the best place for a
        thing on its way into a bucket would be outside, against the wall.
        """
        if fulfilled:
            return {"reach": 1.0, "grasp": 1.0, "lift": 1.0, "transport": 1.0}
        height = self.com[2] - self.start[2]
        carried = self.lifted and (self.held or rule.arrived(self._index))
        return {
            "reach": 1.0 - math.tanh(5.0 * math.dist(tool_m, self.com)),
            "grasp": float(self.held),
            "lift": min(max(height / 0.05, 0.0), 1.0) if self.held else 0.0,
            "transport": 1.0 - math.tanh(5.0 * rule.way_m(self.com)) if carried else 0.0,
        }

    def outcome(self) -> str:
        """What one would write down of this object alone, as long as it is not where it should be."""
        if self.fell:
            return "fell"
        if self.held:
            return "partial"
        if self.lifted:
            return "dropped"
        return "moved" if self.touched or math.dist(self.com, self.start) > 0.01 else "untouched"
