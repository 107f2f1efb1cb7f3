"""Pick: lift the target 10 cm and hold it."""

from __future__ import annotations

import math

from gen3d_envs.geometry import Vector
from gen3d_envs.sim.world import ROBOT
from gen3d_envs.tasks.base import FALLEN_M, Hold, Stage, Status, center_of_mass

LIFT_M = 0.10


class Pick:
    """Success: the target's centre of mass is 10 cm above where it lay, it touches nothing but the robot, for 0.4 s."""

    weights = {"reach": 0.2, "grasp": 0.2, "lift": 0.3, "success": 0.3}

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        self._stage = stage
        self._asset = stage.assets[stage.target]
        self._start = center_of_mass(self._asset, stage.world.body_pose(stage.target))
        self._hold = Hold(stage.control_s)
        self._touched = self._lifted = False

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        stage = self._stage
        com = center_of_mass(self._asset, stage.world.body_pose(stage.target))
        touching = stage.world.contacts(stage.target)
        height = com[2] - self._start[2]
        held = touching == {ROBOT}
        self._touched = self._touched or ROBOT in touching
        self._lifted = self._lifted or (held and height > 0.02)
        success = self._hold.lasts(held and height >= LIFT_M)
        failed = com[2] < FALLEN_M
        if success:
            outcome = "success"
        elif failed:
            outcome = "fell"
        elif self._lifted:
            outcome = "partial" if held else "dropped"
        else:
            outcome = "moved" if self._touched or math.dist(com, self._start) > 0.01 else "untouched"
        terms = {
            "reach": 1.0 - math.tanh(5.0 * math.dist(tool_m, com)),
            "grasp": float(held),
            "lift": min(max(height / LIFT_M, 0.0), 1.0) if held else 0.0,
            "success": float(success),
        }
        return Status(success, outcome, terms, failed, (success,))
