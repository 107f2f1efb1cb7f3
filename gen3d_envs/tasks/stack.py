"""Stack: stand the target on another free thing, which goes on standing where it is."""

from __future__ import annotations

from gen3d_envs.geometry import Vector
from gen3d_envs.tasks.base import Hold, Stage, Status, Watch
from gen3d_envs.tasks.rules import Stacked


class Stack:
    """Success: the rule :class:`gen3d_envs.tasks.rules.Stacked`, for 0.4 s."""

    weights = {"reach": 0.1, "grasp": 0.15, "lift": 0.1, "transport": 0.25, "standing": 0.1, "success": 0.3}

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        if stage.receptacle is None:
            raise ValueError("a stack task needs something to stack on")
        self._stage = stage
        self._rule = Stacked(stage, stage.target, stage.receptacle)
        self._others = [i for i in range(len(stage.names)) if i not in (stage.target, stage.receptacle)]
        self._watch = Watch(stage, stage.target)
        self._below = Watch(stage, stage.receptacle)
        self._hold = Hold(stage.control_s)

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        watch, rule = self._watch, self._rule
        watch.look()
        self._below.look()
        fulfilled = rule.fulfilled()
        success = self._hold.lasts(fulfilled)
        failed = watch.fell or self._below.fell
        terms = {
            **watch.terms(tool_m, rule, fulfilled),
            "standing": float(watch.lifted and rule.standing()),
            "success": float(success),
        }
        return Status(success, self._outcome(success, failed), terms, failed, (fulfilled,))

    def _outcome(self, success: bool, failed: bool) -> str:
        watch, rule = self._watch, self._rule
        if success:
            return "success"
        if failed:
            return "fell"
        if rule.toppled():
            return "toppled"
        if rule.arrived(self._stage.target):
            return "partial"
        if not watch.held and any(rule.arrived(i) for i in self._others):
            return "wrong_object"
        return watch.outcome()
