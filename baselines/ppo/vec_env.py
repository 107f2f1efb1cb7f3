"""A fleet as Stable-Baselines3's ``VecEnv``: an action is a whole flow from noise to a chunk; its end is executed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from ..vla.backend import FlowBackend, wording  # noqa: TID252
from ..vla.labels import PLACES  # noqa: TID252
from ..vla.model import FlowVLA  # noqa: TID252
from ..vla.scenes import instructions  # noqa: TID252
from .fleet import Fleet

FAR = 1e3
"""Bound of the numbers of a flow, which PPO wants to know; they are normalised, so nothing comes near it."""

Observations = dict[str, NDArray[Any]]


class FleetBase(VecEnv):
    """What every ``VecEnv`` over a fleet has in common; ``fleet`` is closed with it."""

    fleet: Fleet

    def close(self) -> None:
        """Close the fleet."""
        self.fleet.close()

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Environments live in other processes: there is nothing to get but ``render_mode``."""
        if attr_name == "render_mode":
            return [None] * self.num_envs
        raise AttributeError(attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None) -> None:
        """Nothing can be set."""
        raise AttributeError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Nothing can be called."""
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: int | Iterable[int] | None = None) -> list[bool]:
        """No environment is wrapped."""
        return [False] * self.num_envs


class FleetVecEnv(FleetBase):
    """Environments of many scenes for PPO.

    Observations: ``proprio`` and ``state`` (for the critic: the simulator's, and the share of the episode that is
    over); and either ``places``, normalised, where the eyes are not trained and so look only once, or ``pixels`` and
    ``tokens``. Actions: the flow's ``(K + 1) * size`` numbers, see :mod:`.flow_policy`.

    Args:
        fleet: the environments; closed with this one.
        model: turns the end of a flow into actions; a FlowVLA whose eyes are not trained looks here.
        train_eyes: whether words, tower and places are trained.
        flow_steps: Euler steps of a flow.
    """

    def __init__(self, fleet: Fleet, model: FlowBackend[Any], train_eyes: bool, flow_steps: int) -> None:
        self.fleet, self._model = fleet, model
        self._eyes = model if isinstance(model, FlowVLA) and not train_eyes else None
        self._wording = wording(model, instructions(fleet.settings.env))
        now = fleet.now
        boxes: dict[str, spaces.Space[Any]] = {
            "proprio": spaces.Box(-np.inf, np.inf, now["agent_pos"].shape[1:], np.float32),
            "state": spaces.Box(-np.inf, np.inf, (now["state"].shape[1] + 1,), np.float32),
        }
        if self._eyes is not None:
            boxes["places"] = spaces.Box(-np.inf, np.inf, (len(PLACES),), np.float32)
        else:
            limits = np.iinfo(np.int32)
            boxes["pixels"] = spaces.Box(0, 255, now["pixels"].shape[1:], np.uint8)
            boxes["tokens"] = spaces.Box(limits.min, limits.max, tuple(model.words("").shape), np.int32)
        super().__init__(
            fleet.settings.count,
            spaces.Dict(boxes),
            spaces.Box(-FAR, FAR, ((flow_steps + 1) * model.size,), np.float32),
        )

    def reset(self) -> Observations:
        """Begin the first episode of every environment."""
        self.fleet.reset()
        self._steps = np.zeros(self.num_envs, np.int64)
        return self.observe()

    def restore(self, state: dict[str, Any]) -> Observations:
        """Go to a moment that ``fleet.state()`` recorded."""
        self.fleet.restore(state)
        self._steps = np.array([len(history) for history in state["history"]], np.int64)
        return self.observe()

    def observe(self) -> Observations:
        """What the environments show now; copies."""
        now = self.fleet.now
        seen: Observations = {"proprio": now["agent_pos"].copy(), "state": self._timed(now["state"], self._steps)}
        pixels, tokens = now["pixels"].copy(), self._wording(torch.from_numpy(now["tokens"].copy()))
        if self._eyes is None:
            return {**seen, "pixels": pixels, "tokens": tokens.numpy()}
        device = self._eyes.device
        obs = {"pixels": torch.from_numpy(pixels).to(device), "tokens": tokens.to(device)}
        with torch.no_grad():
            return {**seen, "places": self._eyes.look(obs).cpu().numpy()}

    def _timed(self, state: NDArray[np.float32], steps: NDArray[np.int64]) -> NDArray[np.float32]:
        share = (steps / self.fleet.settings.env.max_steps).astype(np.float32)
        return np.concatenate([state, share[:, None]], 1)

    def step_async(self, actions: NDArray[np.float32]) -> None:
        """Remember the flows."""
        self._flows = actions

    @torch.no_grad()
    def step_wait(self) -> tuple[Observations, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Execute the ends of the flows."""
        ends = torch.from_numpy(self._flows[:, -self._model.size :]).to(self._model.device)
        outcomes = self.fleet.decide(self._model.decode(ends).cpu().numpy())
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, np.bool_)
        infos: list[dict[str, Any]] = []
        for i, outcome in enumerate(outcomes):
            assert outcome is not None  # every environment decided
            rewards[i], dones[i] = outcome.reward, outcome.done
            self._steps[i] = 0 if outcome.done else outcome.episode_steps
            info: dict[str, Any] = {"TimeLimit.truncated": outcome.truncated}
            if outcome.done:
                info["episode"] = {"r": outcome.total, "l": outcome.episode_steps, "t": 0.0}
                info["is_success"], info["scene"] = outcome.success, outcome.scene
                info["terminal_observation"] = self._terminal(i, outcome.episode_steps)
            infos.append(info)
        return self.observe(), rewards, dones, infos

    def _terminal(self, i: int, steps: int) -> Observations:
        """The last observation of an episode, as far as the critic needs it."""
        assert isinstance(self.observation_space, spaces.Dict)
        last: Observations = {
            name: np.zeros(space.shape or (), space.dtype) for name, space in self.observation_space.spaces.items()
        }
        last["state"] = self._timed(self.fleet.terminal["state"][i : i + 1], np.array([steps]))[0]
        return last
