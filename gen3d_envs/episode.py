"""What a reset decides, as one record, and what may change it before it is loaded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.build import BuiltScene
from gen3d_envs.design.layout import Placement
from gen3d_envs.robots.base import Robot
from gen3d_envs.sim.paint import Look
from gen3d_envs.sim.view import CameraSpec, LightSpec
from gen3d_envs.sim.world import NOMINAL, Dynamics, World

PictureEffect = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
"""Changes a picture that a policy gets: (h, w, 3) uint8 in and out, never in place."""

ObservationEffect = Callable[[Any], Any]
"""Changes a whole observation, never in place. Made anew for each episode, with a generator of its own where it draws:
it may remember what it saw."""

Event = Callable[[World, int], None]
"""Something that happens in the world by itself: called before each control step with the number of those before it.
Made anew for each episode."""


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode before its first step. The scene's own values stand where nothing varies them.

    Attributes:
        scene: what is in it.
        robot: who acts in it.
        instruction: the sentence that the policy gets.
        placements: x m, y m, yaw rad of each object.
        joints: start position of every joint of the robot, model order.
        cameras: all cameras of the environment.
        light: the room's lights.
        look: the room, the table and the paint on everything.
        dynamics: how the physics differs from the scene's.
        latency_s: how late commands reach the drives.
        effects: applied in this order to every picture of an observation, not to ``render()``.
        sensors: applied in this order to every observation, after the effects.
        events: what happens by itself.
        drawn: every value that was drawn, by name; goes into ``info["variation"]``.
    """

    scene: BuiltScene
    robot: Robot
    instruction: str
    placements: list[Placement]
    joints: tuple[float, ...]
    cameras: tuple[CameraSpec, ...]
    light: LightSpec
    look: Look
    dynamics: Dynamics = NOMINAL
    latency_s: float = 0.0
    effects: tuple[PictureEffect, ...] = ()
    sensors: tuple[ObservationEffect, ...] = ()
    events: tuple[Event, ...] = ()
    drawn: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


Variation = Callable[[Episode, np.random.Generator], Episode]
"""Changes an episode before it is loaded, with the environment's own generator. Each reset starts from the scene's own
values, so nothing drifts."""


class LateCommands:
    """Splits control steps into drives so that every command arrives a fixed number of physics steps late.

    Args:
        start: joint targets before the first command.
        substeps: physics steps per control step.
        late: how many physics steps later a command arrives.
    """

    def __init__(self, start: Sequence[float], substeps: int, late: int) -> None:
        self._steps, (self._whole, self._rest) = substeps, divmod(late, substeps)
        self._waiting: deque[Sequence[float]] = deque([tuple(start)] * (self._whole + 2), maxlen=self._whole + 2)

    def schedule(self, targets: Sequence[float]) -> Iterator[tuple[Sequence[float], int]]:
        """What to drive to during this control step, and for how many physics steps.

        A late command still moves evenly over one control step: its first part now, the rest in the next step.
        """
        if not self._rest and not self._whole:
            yield targets, self._steps
            return
        self._waiting.append(targets)
        before, now = self._waiting[0], self._waiting[1]
        if self._rest:
            yield before, self._rest
        remaining = self._steps - self._rest
        share = remaining / self._steps
        yield [a + (b - a) * share for a, b in zip(before, now, strict=True)], remaining
