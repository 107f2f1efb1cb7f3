"""What is written while Stable-Baselines3 learns: the curve, checkpoints, and policies that can be evaluated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from ..algorithms import Report, Tell, TrainSettings  # noqa: TID252
from ..resume import STATE  # noqa: TID252
from ..vla.curve import CURVE, Curve  # noqa: TID252
from ..vla.files import write_atomically  # noqa: TID252
from ..vla.learn import NotFinite  # noqa: TID252
from .scale import fold
from .state import save_training
from .vec_env import PlainVecEnv

FIGURES = (
    "approx_kl", "clip_fraction", "entropy_loss", "explained_variance", "policy_gradient_loss", "std", "value_loss",
    "actor_loss", "critic_loss", "ent_coef",
)  # fmt: skip
"""Of what the algorithms log about an update, what goes into the curve; NaN where an algorithm has no such thing."""

LOSSES = ("policy_gradient_loss", "value_loss", "actor_loss", "critic_loss")

MIN_EPISODES = 50
"""Recent episodes before a success rate counts as the best so far."""

ROW_STEPS = 2_000
"""Control steps between rows of the curve, at least."""


class Watch(BaseCallback):
    """Looks whenever a rollout begins: then the last update is over and nothing of the next one is drawn yet.

    Args:
        settings: of the training.
        save_every: control steps between checkpoints.
        out: folder.
        tell: hears of the progress.
        env: of the training.
        layers: of the network that see the state first.
        numbers: what the checkpoint remembered; empty at the beginning.
    """

    def __init__(
        self, settings: TrainSettings, save_every: int, out: Path, tell: Tell, env: PlainVecEnv,
        layers: tuple[str, ...], numbers: dict[str, Any],
    ) -> None:  # fmt: skip
        super().__init__()
        self._settings, self._save_every, self._out, self._tell = settings, save_every, out, tell
        self._env, self._layers = env, layers
        self._resumed = self._row = self._saved = int(numbers.get("steps", 0))
        self._best = float(numbers.get("best", -1.0))
        self.curve = Curve(out / CURVE, self._resumed)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self.look()

    def look(self, last: bool = False) -> None:
        """Write what is due.

        Raises:
            NotFinite: the last update gave no numbers.
        """
        done = self.model.num_timesteps
        due = done >= self._saved + self._save_every or (last and done > self._saved)
        if done >= self._row + ROW_STEPS or due:
            self._write_row(done)
        if due:
            self._save(done)

    def _write_row(self, done: int) -> None:
        logged = self.logger.name_to_value
        updates = {name: float(logged.get(f"train/{name}", math.nan)) for name in FIGURES}
        for name in LOSSES:
            if f"train/{name}" in logged and not math.isfinite(updates[name]):
                raise self.not_finite(name)
        logged.clear()
        recent: list[Any] = list(self.model.ep_info_buffer or ())
        successes: list[Any] = list(self.model.ep_success_buffer or ())
        success = float(np.mean(successes)) if successes else math.nan
        figures = {
            "success": success,
            "return": float(np.mean([each["r"] for each in recent])) if recent else math.nan,
            "length": float(np.mean([each["l"] for each in recent])) if recent else math.nan,
        }
        self.curve.add(done, figures | updates)
        self._row = done
        self._tell(Report(done, self._settings.steps, success, figures, self._resumed))

    def not_finite(self, what: str) -> NotFinite:
        """The error where numbers ended."""
        return NotFinite(
            f"{what} is no number any more after step {self.model.num_timesteps} (update {self.model._n_updates}): "
            f"lower the learning rate with --set lr=...; the checkpoint in {self._out} is from before."
        )

    def _save(self, done: int) -> None:
        self._export("policy.zip")
        successes: list[Any] = list(self.model.ep_success_buffer or ())
        if len(successes) >= MIN_EPISODES and float(np.mean(successes)) > self._best:
            self._best = float(np.mean(successes))
            self._export("best.zip")
        save_training(self._out / STATE, self.model, self._env, {"best": self._best})
        self._saved = done

    def _export(self, name: str) -> None:
        """The policy as a file of Stable-Baselines3 that takes states as the environment gives them."""
        policy = self.model.policy
        learned = {key: value.clone() for key, value in policy.state_dict().items()}
        if isinstance(self._env.observation_space.shape, tuple):  # not pictures: their space is a dictionary
            policy.load_state_dict(fold(learned, self._layers, self._env.scale))
        try:
            write_atomically(self._out / name, lambda beside: self.model.save(beside))
        finally:
            policy.load_state_dict(learned)
