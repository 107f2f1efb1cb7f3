"""Push: bring the target to a mark on the support, or beside another thing, without lifting it."""

from __future__ import annotations

import math

from gen3d_envs.geometry import Vector
from gen3d_envs.spec import Goal
from gen3d_envs.tasks.base import Hold, Stage, Status, Watch
from gen3d_envs.tasks.rules import AtSpot, Beside, make_rule


class Push:
    """Success: the rule of the goal for 0.4 s, by a target that was never lifted.

    The target's centre of mass is over the mark (or its gap to the other thing at most 6 cm); it stands on the support
    as it did before, at rest, and the robot does not touch it. A target that was lifted by 2 cm ends the episode.
    """

    weights = {"reach": 0.2, "touch": 0.1, "transport": 0.4, "success": 0.3}

    def __init__(self, goal: Goal) -> None:
        self._goal = goal

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        self._stage = stage
        rule = make_rule(self._goal, stage)
        assert isinstance(rule, AtSpot | Beside)  # the spec refuses other goals
        self._rule = rule
        self._others = [
            i for i, name in enumerate(stage.names) if name not in (self._goal.target, self._goal.receptacle)
        ]
        # Something else may stand near the goal from the beginning.
        self._others = [i for i in self._others if not rule.arrived(i)]
        self._watch = Watch(stage, stage.target)
        self._start_m = max(1e-6, self._distance())
        self._hold = Hold(stage.control_s)

    def _distance(self) -> float:
        goal, com = self._rule.point(), self._watch.com
        return math.hypot(goal[0] - com[0], goal[1] - com[1])

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        watch, rule = self._watch, self._rule
        watch.look()
        fulfilled = not watch.lifted and rule.fulfilled()
        success = self._hold.lasts(fulfilled)
        nearer = min(max(1.0 - self._distance() / self._start_m, 0.0), 1.0)
        terms = {
            "reach": 1.0 if fulfilled else 1.0 - math.tanh(5.0 * math.dist(tool_m, watch.com)),
            "touch": float(watch.touched),
            "transport": 1.0 if fulfilled else nearer if watch.touched else 0.0,
            "success": float(success),
        }
        return Status(success, self._outcome(success), terms, watch.fell or watch.lifted, (fulfilled,))

    def _outcome(self, success: bool) -> str:
        watch, rule = self._watch, self._rule
        if success:
            return "success"
        if watch.fell:
            return "fell"
        if watch.lifted:
            return "lifted"
        if not rule.upright():
            return "toppled"
        if rule.arrived(self._stage.target):
            return "partial"
        if any(rule.arrived(i) for i in self._others):
            return "wrong_object"
        return watch.outcome()
