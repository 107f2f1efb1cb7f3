"""The one loop that runs a policy in an environment: used by certificates, evaluation, recording and the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError


class Policy(Protocol):
    """Anything that acts: a network, a script, a remote service."""

    def reset(self, instruction: str) -> None:
        """Start an episode with this instruction."""

    def act(self, observation: Any) -> NDArray[np.float32]:
        """The next action, in the environment's action space."""


class RandomPolicy:
    """Uniform actions from one seeded generator that runs on from episode to episode."""

    def __init__(self, action_space: gymnasium.Space[Any], seed: int = 0) -> None:
        if not isinstance(action_space, gymnasium.spaces.Box):
            raise FieldError("action_space", action_space, "is not a Box", "Give the environment's own action space")
        self._space, self._rng = action_space, np.random.default_rng(seed)

    def reset(self, instruction: str) -> None:
        """Nothing to remember."""

    def seed(self, seed: int) -> None:
        """Draw from another seed from now on."""
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Any) -> NDArray[np.float32]:
        """A uniform draw from the action space."""
        return self._rng.uniform(self._space.low, self._space.high).astype(np.float32)


@dataclass(frozen=True)
class Episode:
    """What came of one episode.

    Attributes:
        seed: of the reset.
        scene: name of the scene.
        success, outcome: the task's verdict at the end.
        steps: control steps taken.
        reward: sum of the rewards.
    """

    seed: int | None
    scene: str
    success: bool
    outcome: str
    steps: int
    reward: float


def run_episode(
    env: gymnasium.Env[Any, Any],
    policy: Policy,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    on_step: Callable[[Any, dict[str, Any]], None] | None = None,
) -> Episode:
    """Run one episode to its end, or until the policy wants it to end (``policy.finished``, where it has that).

    Args:
        env: the environment.
        policy: acts in it.
        seed: of the reset.
        options: of the reset.
        on_step: called with observation and info after the reset and after every step, e.g. to take pictures.
    """
    observation, info = env.reset(seed=seed, options=options)
    policy.reset(info["instruction"])
    if on_step is not None:
        on_step(observation, info)
    steps, total, done = 0, 0.0, False
    while not done:
        observation, reward, terminated, truncated, info = env.step(policy.act(observation))
        done = terminated or truncated or bool(getattr(policy, "finished", False))
        steps, total = steps + 1, total + float(reward)
        if on_step is not None:
            on_step(observation, info)
    return Episode(seed, info["scene"], bool(info["is_success"]), info["outcome"], steps, total)
