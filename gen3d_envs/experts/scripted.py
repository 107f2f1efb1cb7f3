"""The scripted expert: it solves the tasks from privileged state, with the same actions a policy has.

It plans a short list of waypoints from the poses of the objects, follows it in the control steps' own scale, and plans
again when an object slipped, rolled away or missed its goal. Each family has a script of its own, composed of
:class:`gen3d_envs.experts.skills.Skills`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.experts import opening, pick, place, push, several, stack
from gen3d_envs.experts.skills import Actions, Skills
from gen3d_envs.robots.controllers import DeltaEndEffector

SCRIPTS: dict[str, Callable[[Skills], Actions]] = {
    "pick": pick.script, "place": place.script, "stack": stack.script, "push": push.script, "sort": several.script,
    "rearrange": several.script, "open": opening.script, "close": opening.script,
}  # fmt: skip
"""The script of each family; it yields an action for every control step and never ends."""


class ScriptedExpert:
    """Expert for every family of tasks, for any robot, with ``control="ee_delta"``.

    It follows the :class:`gen3d_envs.rollout.Policy` protocol, but reads its environment instead of the observation.

    Raises:
        FieldError: the environment does not take end-effector actions.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        base = env.unwrapped
        if not isinstance(base, Gen3DEnv):
            raise FieldError("env", type(base).__name__, "is not a Gen3D environment", "Give one made from a Gen3D ID")
        if not isinstance(base.controller, DeltaEndEffector):
            raise FieldError("control", type(base.controller).__name__, "the expert moves the tool", "Use 'ee_delta'")
        self._env = base

    def reset(self, instruction: str) -> None:
        """Forget the last episode and plan anew."""
        self._script = SCRIPTS[self._env.scene.spec.task.family](Skills(self._env))

    def act(self, observation: Any = None) -> NDArray[np.float32]:
        """The next action of the script."""
        return next(self._script)
