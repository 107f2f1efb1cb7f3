"""A model as SimplerEnv runs them: ``reset(task)``, ``step(image, task) -> (raw, action)``."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError

from .observations import front_picture

PARTS = (("world_vector", 3), ("rot_axangle", 3), ("gripper", 1))


class SimplerModel(Protocol):
    """What SimplerEnv's inference classes offer."""

    def reset(self, task_description: str) -> None:
        """Start an episode."""

    def step(self, image: NDArray[np.uint8], task_description: str) -> tuple[Any, dict[str, Any]]:
        """The raw action, and the dictionary of its parts."""


class SimplerPolicy:
    """Makes a policy of such a model; one action ``(7,)`` at a time, in its own convention.

    The parts ``world_vector`` (m), ``rot_axangle`` (rad) and ``gripper`` are put one behind the other, as SimplerEnv's
    loop does; the conventions ``simpler_widowx`` and ``simpler_google`` say what they mean. Once ``terminate_episode``
    is positive, :attr:`finished` is true; whoever acts on regardless makes the arm stand still.

    Args:
        model: the model.

    Attributes:
        finished: the model wants the episode to end.
    """

    def __init__(self, model: SimplerModel) -> None:
        self._model = model
        self.finished = False

    def reset(self, instruction: str) -> None:
        """Start an episode."""
        self._instruction, self.finished = instruction, False
        self._last: NDArray[np.float64] | None = None
        self._model.reset(instruction)

    def act(self, observation: Any) -> NDArray[np.float64]:
        """The next action.

        Raises:
            FieldError: the observation has no picture, or the model's answer lacks a part.
        """
        if self.finished and self._last is not None:
            return self._last
        answer = self._model.step(front_picture(observation), self._instruction)
        action = answer[1] if isinstance(answer, (tuple, list)) and len(answer) > 1 else None
        if not isinstance(action, dict):
            raise FieldError("answer", answer, "is not (raw, action)", "step() gives what SimplerEnv's models give")
        numbers: list[float] = []
        for name, size in PARTS:
            part = np.asarray(action.get(name), np.float64).ravel() if name in action else np.empty(0)
            if part.size != size:
                raise FieldError(f"action[{name!r}]", action.get(name), f"is not {size} numbers", "Give them")
            numbers += part.tolist()
        stop = np.asarray(action.get("terminate_episode", 0.0), np.float64).ravel()
        self.finished = bool(stop.size and stop[0] > 0.0)
        result = np.array(numbers)
        self._last = np.array([0.0] * 6 + [numbers[6]])
        return result
