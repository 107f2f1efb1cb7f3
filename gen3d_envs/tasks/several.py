"""Several goals that must hold together: what the long families have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gen3d_envs.geometry import Vector
from gen3d_envs.spec import Goal
from gen3d_envs.tasks.base import Hold, Rule, Stage, Status, Watch
from gen3d_envs.tasks.rules import make_rule


class Several:
    """Success: the rules of all goals hold at once, for 0.4 s; in whichever order they were reached.

    Reward terms: ``progress`` leads to each goal in turn, ``goals`` is the share of goals whose rule holds now.
    """

    weights = {"progress": 0.4, "goals": 0.3, "success": 0.3}

    def __init__(self, goals: Sequence[Goal]) -> None:
        self._goals = tuple(goals)

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        self._stage = stage
        self._rules = [make_rule(goal, stage) for goal in self._goals]
        self._targets = [stage.names.index(goal.target) for goal in self._goals]
        watched = dict.fromkeys(self._targets)
        self._watches = {index: Watch(stage, index) for index in watched}
        named = {goal.target for goal in self._goals} | {goal.receptacle for goal in self._goals}
        others = [i for i, name in enumerate(stage.names) if name not in named]
        # For each goal the things that do not belong there, and did not stand there from the beginning.
        self._strangers = [
            [
                i for i in (*others, *watched)
                if not rule.arrived(i) and not any(g.receptacle == goal.receptacle and stage.names[i] == g.target
                                                   for g in self._goals)
            ]
            for goal, rule in zip(self._goals, self._rules, strict=True)
        ]  # fmt: skip
        self._hold = Hold(stage.control_s)

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        for watch in self._watches.values():
            watch.look()
        done = tuple(rule.fulfilled() for rule in self._rules)
        success = self._hold.lasts(all(done))
        failed = any(watch.fell for watch in self._watches.values())
        progress = [
            self._progress(tool_m, self._watches[target], rule, fulfilled)
            for target, rule, fulfilled in zip(self._targets, self._rules, done, strict=True)
        ]
        terms = {
            "progress": math.fsum(progress) / len(progress),
            "goals": sum(done) / len(done),
            "success": float(success),
        }
        return Status(success, self._outcome(success, failed, done), terms, failed, done)

    @staticmethod
    def _progress(tool_m: Vector, watch: Watch, rule: Rule, fulfilled: bool) -> float:
        terms = watch.terms(tool_m, rule, fulfilled)
        return 0.2 * terms["reach"] + 0.2 * terms["grasp"] + 0.2 * terms["lift"] + 0.4 * terms["transport"]

    def _outcome(self, success: bool, failed: bool, done: tuple[bool, ...]) -> str:
        if success:
            return "success"
        if failed:
            return "fell"
        if any(done) or any(watch.held for watch in self._watches.values()):
            return "partial"
        if any(rule.arrived(target) for rule, target in zip(self._rules, self._targets, strict=True)):
            return "partial"
        pairs = zip(self._rules, self._strangers, strict=True)
        if any(rule.arrived(index) for rule, strangers in pairs for index in strangers):
            return "wrong_object"
        outcomes = [watch.outcome() for watch in self._watches.values()]
        return next(outcome for outcome in ("dropped", "moved", "untouched") if outcome in outcomes)
