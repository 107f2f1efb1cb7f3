"""Policies that misbehave in known ways, for tests of the evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import PolicyError
from gen3d_envs.rollout import Policy, RandomPolicy


class FailsLater:
    """Random for some episodes; in the next one its connection drops at the third step."""

    episodes_left = 0

    def __init__(self, env: Gen3DEnv) -> None:
        self._random = RandomPolicy(env.action_space)
        self._steps = 0

    def seed(self, seed: int) -> None:
        self._random.seed(seed)

    def reset(self, instruction: str) -> None:
        FailsLater.episodes_left -= 1
        self._steps = 0

    def act(self, observation: Any) -> NDArray[np.float32]:
        self._steps += 1
        if FailsLater.episodes_left < 0 and self._steps == 3:
            raise PolicyError("test", 2, "the connection dropped", "Look at the server", "dropped")
        return self._random.act(observation)


class GivesUp:
    """Stands still and wants to end after four steps."""

    def reset(self, instruction: str) -> None:
        self._steps = 0

    @property
    def finished(self) -> bool:
        return self._steps >= 4

    def act(self, observation: Any) -> NDArray[np.float32]:
        self._steps += 1
        return np.zeros(7, np.float32)


def make(text: str, env: Gen3DEnv, seed: int) -> Policy:
    return GivesUp() if text == "gives up" else FailsLater(env)
