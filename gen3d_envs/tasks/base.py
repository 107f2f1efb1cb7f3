"""What a task is: it watches the world and says how far the robot has come. It never moves anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gen3d_envs.assets.asset import Asset
from gen3d_envs.geometry import Quaternion, Vector, rotate
from gen3d_envs.sim.world import World

REST_SPEED_MPS = 0.03
REST_TURN_RADPS = 0.6
HOLD_S = 0.4
"""How long the final state must last before it counts, simulated s."""

OUTCOMES = {
    "success": "the task's rule held for 0.4 s",
    "partial": "the target was lifted, or is at the goal without fulfilling the whole rule",
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
    """

    world: World
    names: tuple[str, ...]
    assets: tuple[Asset, ...]
    target: int
    receptacle: int | None
    control_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """How far the task has come.

    Attributes:
        success: the task's rule is fulfilled.
        outcome: a key of :data:`OUTCOMES`: what one would write down if the episode ended now.
        terms: named reward terms, each in [0, 1], not yet weighted.
        failed: nothing can be achieved any more (the target fell).
    """

    success: bool
    outcome: str
    terms: dict[str, float]
    failed: bool = False


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


def center_of_mass(asset: Asset, pose: tuple[Vector, Quaternion]) -> Vector:
    """Centre of mass in the scene frame of an asset at ``pose``."""
    (x, y, z), orientation = pose
    dx, dy, dz = rotate(orientation, asset.com_m)
    return x + dx, y + dy, z + dz


def at_rest(world: World, index: int) -> bool:
    """Whether a body is (nearly) still."""
    (vx, vy, vz), (wx, wy, wz) = world.body_velocity(index)
    return (
        vx * vx + vy * vy + vz * vz < REST_SPEED_MPS * REST_SPEED_MPS
        and wx * wx + wy * wy + wz * wz < REST_TURN_RADPS * REST_TURN_RADPS
    )
