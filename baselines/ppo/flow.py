"""PPOFlow: Stable-Baselines3's PPO, unmodified, on a flow policy in many scenes at once. Resumable at any moment."""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.provenance import files_sha256

from ..resume import STATE, require_same_training  # noqa: TID252
from ..vla.backend import FlowBackend, load_backend  # noqa: TID252
from ..vla.checkpoint import (  # noqa: TID252
    load_state,
    model_tensors,
    optimizer_tensors,
    random_tensors,
    restore_model,
    restore_optimizer,
    restore_random,
    save_state,
)
from ..vla.curve import CURVE, Curve  # noqa: TID252
from ..vla.files import replace_folder, restore_folder, write_atomically  # noqa: TID252
from .fleet import Fleet, FleetSettings
from .flow_policy import LOG_STD, Diverged, FlowActorCritic
from .vec_env import FleetVecEnv

LR_BOUNDS = (1e-6, 1e-3)
RECENT = 600
"""Episodes that the reported success is about."""


@dataclass(frozen=True)
class FlowSettings:
    """How a policy is fine-tuned.

    Attributes:
        fleet: environments; its ``gamma`` discounts control steps, so a decision of ``chunk`` steps ``gamma**chunk``.
        decisions: to be made in all.
        steps: decisions of every environment between two updates.
        batch: decisions of a gradient step at most; see :attr:`minibatch`, by which all of them count alike.
        epochs: passes over the decisions of an update.
        lr: learning rate at the start.
        kl: what the divergence between two updates is steered to by the learning rate, of whole flows, before the
            power ``s``; 0 keeps the rate.
        kl_end: that divergence falls geometrically to this share over the first ``kl_over`` decisions: large steps find
            out quickly what to do, but what they learn is a random walk around the best that they can end at.
        kl_over: see ``kl_end``. It is no share of the training, so that one can be prolonged.
        power: ``s``.
        clip, lam, norm: of PPO.
        flow_steps: Euler steps, 1 to 10; the policy acts with as many afterwards.
        log_std: bounds of the noise.
        noise_end: the noise is scaled down to this share, evenly over the first ``noise_over`` decisions.
        noise_over: see ``noise_end``.
        start_std: see :class:`gen3d_envs.baselines.ppo.flow_policy.FlowActorCritic`.
        warmup: updates in which the critic learns alone.
        anchor: weight of the distance from the first policy.
        train_tower: whether tower, words and places are trained, too.
        seed: of everything but the episodes, which have the fleet's.
    """

    fleet: FleetSettings
    decisions: int = 200_000
    steps: int = 24
    batch: int = 512
    epochs: int = 3
    lr: float = 1e-4
    kl: float = 0.2
    kl_end: float = 1.0
    kl_over: int = 200_000
    power: float = 0.2
    clip: float = 0.2
    lam: float = 0.95
    norm: float = 0.5
    flow_steps: int = 4
    log_std: tuple[float, float] = LOG_STD
    noise_end: float = 1.0
    noise_over: int = 200_000
    start_std: float = 1.0
    warmup: int = 3
    anchor: float = 0.0
    train_tower: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("decisions", "steps", "batch", "epochs", "flow_steps", "noise_over", "kl_over"):
            if getattr(self, name) < 1:
                raise FieldError(name, getattr(self, name), "is below 1", "Give at least 1")
        if self.flow_steps > 10:
            raise FieldError("flow_steps", self.flow_steps, "is above 10", "Give 1 to 10")
        for name in ("noise_end", "kl_end"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise FieldError(name, getattr(self, name), "is out of range", "Give a number above 0, up to 1")
        rollout, longest = self.fleet.count * self.steps, self.fleet.env.max_steps
        if self.minibatch < max(2, min(self.batch, rollout) // 2):
            problem = f"is not near a divisor of the {rollout} decisions between two updates"
            remedy = "Change it, or play in another number of environments: 64, with 24 decisions each, say"
            raise FieldError("batch", self.batch, problem, remedy)
        if longest % self.fleet.chunk:
            problem = f"is no multiple of the {self.fleet.chunk} steps of a decision"
            raise FieldError("max_steps", longest, problem, "Give one")

    @property
    def minibatch(self) -> int:
        """Decisions of a gradient step: the largest divisor of those of an update, up to ``batch``."""
        rollout = self.fleet.count * self.steps
        return max(n for n in range(1, min(self.batch, rollout) + 1) if rollout % n == 0)

    def divergence(self, made: int) -> float:
        """What is steered to after so many decisions."""
        return self.kl * self.kl_end ** min(1.0, made / self.kl_over)


@dataclass(frozen=True)
class FlowProgress:
    """Where a training stands.

    Attributes:
        decisions, wanted: made, and to be made.
        success: share of the last :data:`RECENT` episodes, with noise.
        rate: decisions per second of the whole loop since the last report.
        figures: of the last update.
    """

    decisions: int
    wanted: int
    success: float
    rate: float
    figures: dict[str, float]


def train(
    start: Path, settings: FlowSettings, folder: Path, *, seconds: float = math.inf, save_every: int = 10,
    progress: Callable[[FlowProgress], None] | None = None, device: str = "cpu",
) -> bool:  # fmt: skip
    """Fine-tune a policy, or go on where a stopped, killed or shorter run had its last checkpoint.

    Args:
        start: folder of the policy to begin with.
        settings: see there.
        folder: of the results: ``model/``, the curve ``curve.csv``, successes by scene ``scenes.json``, the state.
        seconds: stop, resumably, after so long.
        save_every: updates between checkpoints.
        progress: called after every update.
        device: of the network.

    Returns:
        Whether all decisions are made.

    Raises:
        FieldError: the folder holds another or a longer training, or the start is no policy.
        ContractError: the policy was made for other environments.
        Diverged: weights or losses are not finite.
        Gen3DError: a worker died twice.
    """
    from gen3d_envs.contract import require_same

    from ..vla.config import IGNORED  # noqa: TID252

    model = load_backend(start, device)
    require_same(model.config.made_for(), settings.fleet.env.contract, IGNORED)
    if model.config.chunk != settings.fleet.chunk:
        raise FieldError("chunk", settings.fleet.chunk, f"is not the policy's {model.config.chunk}", "Use the policy's")
    model.config.flow_steps = settings.flow_steps
    restore_folder(folder / "model")
    path, plain = folder / STATE, _plain(settings, start)
    stored = load_state(path) if path.is_file() else None
    if stored is not None:
        require_same_training(folder, stored[1].get("settings"), plain)
    if stored is not None and (made := stored[1]["decisions"]) >= settings.decisions:
        if made >= settings.decisions + settings.fleet.count * settings.steps:
            problem = f"is less than the {made} that were made in {folder}"
            raise FieldError("decisions", settings.decisions, problem, "Ask for as many, or choose another folder")
        return True
    env = FleetVecEnv(Fleet(settings.fleet), model, settings.train_tower, settings.flow_steps)
    try:
        ppo = _ppo(env, model, settings, device)
        keeper = _Keeper(settings, plain, env, folder, seconds, save_every, progress)
        if stored is not None:
            keeper.restore(ppo, *stored)
        try:
            ppo.learn(
                settings.decisions - ppo.num_timesteps, keeper, log_interval=2**31, reset_num_timesteps=stored is None
            )
            if not keeper.stopped:
                keeper.report()
                keeper.save()
        except Diverged as error:
            kept = f"{path} is from before" if path.is_file() else "nothing had been kept yet"
            raise Diverged(f"{error}: lower lr ({ppo.learning_rate:g}) or kl; {kept}.") from None
        keeper.curve.close()
        return not keeper.stopped
    finally:
        env.close()


def _plain(settings: FlowSettings, start: Path) -> dict[str, Any]:
    """What a checkpoint must have been made with: the settings and the first policy.

    How long and in how many processes it plays is nothing to them.
    """
    plain = msgspec.json.decode(msgspec.json.encode(asdict(settings)))
    del plain["fleet"]["jobs"], plain["decisions"]
    return {**plain, "start": files_sha256(start)}


def _ppo(env: FleetVecEnv, model: FlowBackend[Any], settings: FlowSettings, device: str) -> PPO:
    ppo = PPO(
        FlowActorCritic, env, n_steps=settings.steps, batch_size=settings.minibatch,  # type: ignore[arg-type]
        n_epochs=settings.epochs, learning_rate=settings.lr, gamma=settings.fleet.gamma**settings.fleet.chunk,
        gae_lambda=settings.lam, clip_range=settings.clip, max_grad_norm=settings.norm, ent_coef=settings.anchor,
        vf_coef=0.5, seed=settings.seed, device=device, verbose=0,
        policy_kwargs={
            "model": model, "flow_steps": settings.flow_steps, "power": settings.power, "log_std": settings.log_std,
            "start_std": settings.start_std, "train_tower": settings.train_tower, "anchor": settings.anchor > 0.0,
        },
    )  # fmt: skip
    ppo.set_logger(configure(None, []))
    return ppo


class _Keeper(BaseCallback):
    """Before every rollout: looks at the last update, steers, reports, and keeps what is needed to go on."""

    def __init__(
        self, settings: FlowSettings, plain: dict[str, Any], env: FleetVecEnv, folder: Path, seconds: float,
        save_every: int, progress: Callable[[FlowProgress], None] | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._settings, self._plain, self._env, self._folder = settings, plain, env, folder
        self._save_every, self._progress = save_every, progress
        self._until = time.monotonic() + seconds
        self._clock, self._made = time.monotonic(), 0
        self._update, self._rate = 0, settings.lr
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._scenes: dict[str, list[int]] = {}
        self._ended: list[tuple[bool, float]] = []
        self._resumed = False
        self.stopped = False

    @property
    def _flow(self) -> FlowActorCritic:
        policy = self.model.policy
        assert isinstance(policy, FlowActorCritic)
        return policy

    def _on_training_start(self) -> None:
        self.curve = Curve(self._folder / CURVE, self._update)

    def _on_rollout_start(self) -> None:
        if self._resumed or self.model.num_timesteps == 0:
            self._resumed = False
        else:
            self.report()
            over = time.monotonic() > self._until
            if over or self._update % self._save_every == 0:
                self.save()
            self.stopped = over
        settings, done = self._settings, self.model.num_timesteps / self._settings.noise_over
        self._flow.begin_update(f"update {self._update + 1}")
        self._flow.train_actor(self._update >= settings.warmup)
        self._flow.noise_scale = 1.0 + (settings.noise_end - 1.0) * min(1.0, done)

    def _on_step(self) -> bool:
        if self.stopped:
            return False
        for info in self.locals["infos"]:
            if "episode" in info:
                success = bool(info["is_success"])
                self._recent.append(success)
                self._ended.append((success, float(info["episode"]["r"])))
                counts = self._scenes.setdefault(info["scene"], [0, 0])
                counts[0] += success
                counts[1] += 1
        return True

    def _on_rollout_end(self) -> None:
        if self._update == 0:
            states = self.model.rollout_buffer.observations["state"]  # type: ignore[attr-defined]
            self._flow.critic.fit_scale(torch.from_numpy(states.reshape(-1, states.shape[-1])).to(self.model.device))

    def report(self) -> None:
        """After an update: its figures, and the next learning rate."""
        values, settings = self.logger.name_to_value, self._settings
        self._update += 1
        kl = float(values.get("train/approx_kl", 0.0)) / settings.power**2
        loss = float(values.get("train/loss", 0.0))
        if not (math.isfinite(kl) and math.isfinite(loss)):
            raise Diverged(f"update {self._update}, a late batch: loss {loss:g}, divergence {kl:g}")
        if not all(bool(torch.isfinite(each).all()) for each in self._flow.parameters()):
            raise Diverged(f"update {self._update}, its last batch: weights are not finite")
        acted = self._update > settings.warmup
        if settings.kl > 0.0 and acted:
            wanted = settings.divergence(self.model.num_timesteps)
            if kl > 1.5 * wanted:
                self._rate = max(self._rate / 1.25, LR_BOUNDS[0])
            elif kl < wanted / 1.5:
                self._rate = min(self._rate * 1.1, LR_BOUNDS[1])
        self.model.learning_rate = self._rate
        self.model.lr_schedule = _Constant(self._rate)
        figures = {
            "decisions": float(self.model.num_timesteps),
            "episodes": float(len(self._ended)),
            "success": float(np.mean([s for s, _ in self._ended])) if self._ended else math.nan,
            "success_recent": float(np.mean(self._recent)) if self._recent else math.nan,
            "reward": float(np.mean([r for _, r in self._ended])) if self._ended else math.nan,
            "kl": kl,
            "clip_fraction": float(values.get("train/clip_fraction", 0.0)),
            "value_loss": float(values.get("train/value_loss", 0.0)),
            "explained_variance": float(values.get("train/explained_variance", 0.0)),
            "lr": self._rate,
            "noise": self._flow.noise_scale,
        }
        if settings.anchor > 0.0:
            figures["anchor"] = float(values.get("train/entropy_loss", 0.0))
        self._ended = []
        self.curve.add(self._update, figures)
        now, made = time.monotonic(), self.model.num_timesteps
        if self._progress is not None:
            rate = (made - self._made) / max(now - self._clock, 1e-9)
            self._progress(FlowProgress(made, settings.decisions, figures["success_recent"], rate, figures))
        self._clock, self._made = now, made

    def save(self) -> None:
        """Keep everything that the next rollout depends on."""
        ppo, fleet = self.model, self._env.fleet.state()
        generators, drawn = random_tensors()
        tensors = {
            **model_tensors(self._flow),
            **optimizer_tensors(self._flow.optimizer),
            **generators,
            "fleet.history": torch.from_numpy(np.concatenate(fleet["history"])),
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = {
            "settings": self._plain, "decisions": ppo.num_timesteps, "update": self._update,
            "rate": self._rate, "updates": ppo._n_updates, "starts": [bool(s) for s in ppo._last_episode_starts],  # type: ignore[union-attr]
            "recent": list(self._recent), "scenes": self._scenes, "rng": drawn,
            "episodes": fleet["episodes"], "lengths": [len(h) for h in fleet["history"]],
        }  # fmt: skip
        replace_folder(self._folder / "model", lambda path: self._flow.model.save_pretrained(path))
        scenes = msgspec.json.encode(self._scenes, order="sorted") + b"\n"
        write_atomically(self._folder / "scenes.json", lambda path: path.write_bytes(scenes))
        save_state(self._folder / STATE, tensors, numbers)

    def restore(self, ppo: PPO, tensors: dict[str, torch.Tensor], numbers: dict[str, Any]) -> None:
        """Go to where :meth:`save` was called."""
        policy = ppo.policy
        assert isinstance(policy, FlowActorCritic)
        restore_model(policy, tensors, self._folder / STATE)
        restore_optimizer(policy.optimizer, tensors)
        history = tensors["fleet.history"].numpy()
        ends = np.cumsum([0, *numbers["lengths"]])
        pieces = [history[a:b] for a, b in itertools.pairwise(ends)]
        ppo._last_obs = self._env.restore({"episodes": numbers["episodes"], "history": pieces})
        ppo._last_episode_starts = np.array(numbers["starts"], np.bool_)
        ppo.num_timesteps, ppo._n_updates = int(numbers["decisions"]), int(numbers["updates"])
        self._update, self._rate = int(numbers["update"]), float(numbers["rate"])
        ppo.learning_rate, ppo.lr_schedule = self._rate, _Constant(self._rate)
        self._recent.extend(numbers["recent"])
        self._scenes = {name: list(counts) for name, counts in numbers["scenes"].items()}
        restore_random(tensors, numbers["rng"])
        self._made, self._resumed = ppo.num_timesteps, True


@dataclass(frozen=True)
class _Constant:
    """A learning rate schedule that does not change."""

    rate: float

    def __call__(self, _: float) -> float:
        return self.rate
