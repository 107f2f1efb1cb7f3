"""The actor and the critic of PPOFlow, for Stable-Baselines3's unmodified PPO.

A flow of K Euler steps, each with Gaussian noise of a learned size, is a chain of Gaussian steps, so the likelihood of
the whole chain given its start is known (ReinFlow, arXiv:2505.22094). The *action* that PPO stores is the whole chain.
The policy returns ``s`` times its log-likelihood, so that PPO's ratio is the chain's ratio to the power ``s``: the
importance ratio of arXiv 2603.18532. PPO's entropy term carries the anchor: minus the squared distance between the
velocities of this policy and of the one that training began with.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from gen3d_envs.errors import FieldError, Gen3DError

from ..vla.backend import FlowBackend, features  # noqa: TID252

LOG_STD = (-2.5, -2.0)
"""Bounds of the noise's log standard deviation at each step, in units of the normalised action (the paper's)."""

_LOG_ROOT_TAU = 0.5 * math.log(2.0 * math.pi)


class Diverged(Gen3DError):
    """Weights, losses or likelihoods that are no numbers any more; the last checkpoint is from before."""


class ScaledAdam(torch.optim.Adam):
    """Adam whose groups learn at a multiple (``scale``) of the one rate that Stable-Baselines3 sets."""

    def step(self, closure: Any = None) -> Any:
        """One step of every group at its own rate."""
        for group in self.param_groups:
            group["lr"] *= group["scale"]
        try:
            return super().step(closure)
        finally:
            for group in self.param_groups:
                group["lr"] /= group["scale"]


class FlowActorCritic(BasePolicy):
    """A flow policy that explores, and a value of the simulator's state.

    Args:
        observation_space, action_space: of :class:`gen3d_envs.baselines.ppo.vec_env.FleetVecEnv`.
        lr_schedule: as Stable-Baselines3 gives it.
        use_sde: must be False.
        model: the policy, trained in place.
        flow_steps: Euler steps.
        power: ``s``.
        log_std: bounds of the noise.
        start_std: standard deviation of where flows start; the noise-free policy starts them at 0.
        train_tower: whether what looks is trained: tower, words and places; of pi0 the vision-language model.
        anchor: whether the distance from the first policy is computed.
        critic_scale: the critic's learning rate as a multiple of the actor's.
    """

    def __init__(
        self, observation_space: spaces.Dict, action_space: spaces.Box, lr_schedule: Any, use_sde: bool = False, *,
        model: FlowBackend[Any], flow_steps: int = 4, power: float = 0.2, log_std: tuple[float, float] = LOG_STD,
        start_std: float = 1.0, train_tower: bool = False, anchor: bool = False, critic_scale: float = 10.0,
    ) -> None:  # fmt: skip
        super().__init__(observation_space, action_space)
        if use_sde:
            raise FieldError("use_sde", use_sde, "is another kind of exploration", "Leave it out")
        if not 0.0 < power <= 1.0:
            raise FieldError("power", power, "is out of range", "Give a number above 0, up to 1")
        if log_std[0] > log_std[1]:
            raise FieldError("log_std", log_std, "is empty", "Give the lower bound first")
        self.model, self._count, self._power, self._log_std = model, flow_steps, power, log_std
        self._start_std, self._train_tower = start_std, train_tower
        self.noise_scale = 1.0
        self.begin_update("before the first update")
        self.noise = nn.Linear(model.seen_size, model.size)
        nn.init.zeros_(self.noise.weight)
        nn.init.zeros_(self.noise.bias)
        self.critic = Critic(observation_space["state"].shape[0])  # type: ignore[index]
        # In a list, for it is no part of what is trained and saved.
        self._first = [model.head()] if anchor else []
        model.train_eyes(train_tower)
        actor = [p for name, p in self.named_parameters() if p.requires_grad and not name.startswith("critic.")]
        self._actor = actor
        rate = lr_schedule(1.0)
        self.optimizer = ScaledAdam(
            [
                {"params": actor, "scale": 1.0},
                {"params": list(self.critic.parameters()), "scale": critic_scale},
            ],
            lr=rate, eps=1e-5,
        )  # fmt: skip

    def train_actor(self, on: bool) -> None:
        """Whether the actor learns; the critic always does."""
        for parameter in self._actor:
            parameter.requires_grad_(on)

    def begin_update(self, name: str) -> None:
        """What the coming batches belong to, for messages."""
        self._update, self._batch = name, 0

    # ---- what PPO calls --------------------------------------------------------------------------------------------

    def forward(self, obs: dict[str, Tensor], deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Flows ``(B, (K + 1) * size)``, values ``(B, 1)`` and ``s`` times the log-likelihoods ``(B,)``."""
        seen = self.model.understand(self.model.look(obs), obs["proprio"])
        deviation = self._deviation(seen)
        x = self._start_std * torch.randn(len(deviation), self.model.size, device=deviation.device)
        if deterministic:
            x = torch.zeros_like(x)
        chain, log = [x], torch.zeros(len(x), device=x.device)
        for step in range(self._count):
            mean = self._mean(x, step, seen)
            x = mean if deterministic else mean + deviation * torch.randn_like(mean)
            log = log + _log_normal(x, mean, deviation)
            chain.append(x)
        return torch.cat(chain, 1), self.critic(obs["state"]), self._power * log

    def evaluate_actions(self, obs: dict[str, Tensor], actions: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Values, ``s`` times the log-likelihoods, and minus the distance from the anchor (None without one).

        Raises:
            Diverged: one of them is not finite; says which batch of which update.
        """
        looked = self.model.look(obs)
        seen = self.model.understand(looked, obs["proprio"])
        chain = actions.view(len(actions), self._count + 1, self.model.size)
        # Each step of a flow begins where the stored one before it ended.
        begin, end = chain[:, :-1], chain[:, 1:]
        velocity = self.model.along(begin, seen)
        deviation = self._deviation(seen).repeat_interleave(self._count, 0)
        mean = (begin + velocity / self._count).flatten(0, 1)
        log = _log_normal(end.flatten(0, 1), mean, deviation).view(len(chain), self._count).sum(1)
        apart = None
        if self._first:
            with torch.no_grad():
                first = self._first[0].understand(looked, obs["proprio"])
                wanted = self._first[0].along(begin, first)
            apart = (velocity - wanted).square().mean((1, 2))
        values = self.critic(obs["state"])
        self._batch += 1
        if not bool((log + values[:, 0]).isfinite().all()):
            raise Diverged(f"{self._update}, batch {self._batch}: likelihoods or values are not finite")
        return values, self._power * log, None if apart is None else -apart

    def predict_values(self, obs: dict[str, Tensor]) -> Tensor:
        """``(B, 1)``."""
        values: Tensor = self.critic(obs["state"])
        return values

    def _predict(self, observation: Any, deterministic: bool = False) -> Tensor:
        return self.forward(observation, deterministic)[0]

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _deviation(self, seen: Any) -> Tensor:
        low, high = self._log_std
        return self.noise_scale * torch.exp(low + (high - low) * torch.sigmoid(self.noise(features(seen))))

    def _time(self, step: int, like: Tensor) -> Tensor:
        return torch.full((len(like),), step / self._count, device=like.device)

    def _mean(self, x: Tensor, step: int, seen: Any) -> Tensor:
        return x + self.model.velocity(x, self._time(step, x), seen) / self._count


class Critic(nn.Module):
    """The value of a state of the simulator; its inputs are brought to one scale by :meth:`fit_scale`."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: int, hidden: int = 256) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self.net = nn.Sequential(
            nn.Linear(size, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1)
        )

    def fit_scale(self, states: Tensor) -> None:
        """Take the scale of the inputs from some states, ``(N, size)``."""
        self.mean.copy_(states.mean(0))
        self.std.copy_(states.std(0).clamp(min=1e-2))

    def forward(self, state: Tensor) -> Tensor:
        """``(B, size)`` to ``(B, 1)``."""
        values: Tensor = self.net(((state - self.mean) / self.std).clamp(-5.0, 5.0))
        return values


def _log_normal(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Log-density of independent Gaussians, summed over the numbers of a row."""
    return (-0.5 * ((x - mean) / deviation).square() - deviation.log() - _LOG_ROOT_TAU).sum(1)
