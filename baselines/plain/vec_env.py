"""A fleet as Stable-Baselines3's ``VecEnv``, one control step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..ppo.fleet import Fleet  # noqa: TID252
from ..ppo.vec_env import FleetBase  # noqa: TID252
from .scale import Scale

Seen = NDArray[Any] | dict[str, NDArray[Any]]


class PlainVecEnv(FleetBase):
    """Environments of many scenes for algorithms of Stable-Baselines3.

    What is observed is that of ``obs_type="state"``, scaled; or, with pictures, ``pixels`` (channels first) and
    ``agent_pos`` of ``obs_type="pixels_agent_pos"``. Everything is copied, as the fleet's memory is written again.

    Args:
        fleet: chunks of one step; closed with this one.
        pixels: whether pictures are seen instead of the state.
        scale: of the state.
    """

    def __init__(self, fleet: Fleet, pixels: bool, scale: Scale) -> None:
        self.fleet, self.scale, self._pixels = fleet, scale, pixels
        settings = fleet.settings
        seen: spaces.Space[Any] = fleet.state_space
        if pixels:
            shape = (3, settings.env.size, settings.env.size)
            seen = spaces.Dict({"agent_pos": fleet.proprio_space, "pixels": spaces.Box(0, 255, shape, np.uint8)})
        actions = spaces.Box(-1.0, 1.0, (fleet.action_size,), np.float32)
        super().__init__(settings.count, seen, actions)

    def reset(self) -> Seen:
        """Begin the first episode of every environment."""
        self.fleet.reset()
        return self.observe()

    def observe(self) -> Seen:
        """What the environments show now."""
        return self._of(self.fleet.now, slice(None))

    def _of(self, arrays: dict[str, NDArray[Any]], rows: Any) -> Seen:
        if self._pixels:
            return {
                "agent_pos": arrays["agent_pos"][rows].copy(),
                "pixels": arrays["pixels"][rows][..., 0, :, :, :].copy(),
            }
        return self.scale(arrays["state"][rows])

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """Remember the actions."""
        self._actions = actions

    def step_wait(self) -> tuple[Seen, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Execute them."""
        outcomes = self.fleet.decide(np.asarray(self._actions, np.float32)[:, None])
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any]] = []
        for i, outcome in enumerate(outcomes):
            assert outcome is not None  # every environment acted
            rewards[i], dones[i] = outcome.reward, outcome.done
            info: dict[str, Any] = {"TimeLimit.truncated": outcome.truncated}
            if outcome.done:
                info["episode"] = {"r": outcome.total, "l": outcome.episode_steps, "t": 0.0}
                info["is_success"], info["scene"] = outcome.success, outcome.scene
                info["terminal_observation"] = self._of(self.fleet.terminal, i)
            infos.append(info)
        return self.observe(), rewards, dones, infos
