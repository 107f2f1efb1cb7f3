"""PPO and SAC of Stable-Baselines3, unmodified, from nothing: what a policy learns without imitation.

From the state they show what the task costs without seeing; from pixels, why the paper does not begin there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

from gen3d_envs.errors import FieldError

from ..algorithms import Tell, TrainSettings, require_least  # noqa: TID252
from ..device import device_of  # noqa: TID252
from ..ppo.fleet import Fleet, FleetSettings  # noqa: TID252
from ..resume import STATE, begin  # noqa: TID252
from .scale import Scale, measure, no_scale
from .state import own_randomness, read_training, restore_training, scale_of
from .vec_env import PlainVecEnv
from .watch import Watch

MEASURED = 25
"""Random steps per environment from which the states' scale is measured."""


class Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What both algorithms are told.

    Attributes:
        envs: environments.
        shaping: reward for coming all the way closer to the goal, beside the 1 of success; see ``FleetSettings``.
        max_steps: control steps of an episode.
        gamma: discount per control step.
        lr: learning rate.
        batch: transitions of a gradient step.
        width: of both hidden layers.
        save_every: control steps between checkpoints.
    """

    envs: int = 16
    shaping: float = 1.0
    max_steps: int = 100
    gamma: float = 0.98
    lr: float = 3e-4
    batch: int = 256
    width: int = 256
    save_every: int = 20_000


class PPORecipe(Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What PPO is told besides.

    Attributes:
        rollout: control steps of each environment between updates.
        epochs: passes over a rollout.
        gae: lambda of the advantages.
        clip: of the ratio.
        entropy: weight of the entropy.
        log_std: of the actions, to begin with.
    """

    rollout: int = 128
    epochs: int = 10
    gae: float = 0.95
    clip: float = 0.2
    entropy: float = 0.0
    log_std: float = -0.7


class SACRecipe(Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What SAC is told besides.

    Attributes:
        buffer: transitions that are kept.
        start: control steps before learning.
        updates: gradient steps after each step of all environments.
        tau: how fast the target critic follows.
    """

    envs: int = 8
    buffer: int = 300_000
    start: int = 2_000
    updates: int = 4
    tau: float = 0.005


def train_ppo(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """PPO; see :data:`gen3d_envs.baselines.algorithms.Train`."""
    recipe, device = settings.recipe(PPORecipe), _device(settings)

    def make(env: PlainVecEnv) -> PPO:
        if recipe.batch > recipe.rollout * recipe.envs:
            raise FieldError("option batch", recipe.batch, "is more than a rollout", "Give at most rollout * envs")
        return PPO(
            _policy(settings), env, learning_rate=recipe.lr, n_steps=recipe.rollout, batch_size=recipe.batch,
            n_epochs=recipe.epochs, gamma=recipe.gamma, gae_lambda=recipe.gae, clip_range=recipe.clip,
            ent_coef=recipe.entropy, seed=_seed(settings), device=device,
            policy_kwargs={"net_arch": [recipe.width] * 2, "log_std_init": recipe.log_std},
        )  # fmt: skip

    layers = ("mlp_extractor.policy_net.0", "mlp_extractor.value_net.0")
    return _train(settings, recipe, out, tell, make, layers)


def train_sac(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """SAC; see :data:`gen3d_envs.baselines.algorithms.Train`."""
    if settings.obs != "state":
        raise FieldError("obs", settings.obs, "would fill the memory with pictures", "Use state, or --algo ppo")
    recipe, device = settings.recipe(SACRecipe), _device(settings)

    def make(env: PlainVecEnv) -> SAC:
        return SAC(
            _policy(settings), env, learning_rate=recipe.lr, buffer_size=recipe.buffer, learning_starts=recipe.start,
            batch_size=recipe.batch, tau=recipe.tau, gamma=recipe.gamma, train_freq=1, gradient_steps=recipe.updates,
            seed=_seed(settings), device=device, policy_kwargs={"net_arch": [recipe.width] * 2},
        )  # fmt: skip

    critics = ("critic.qf0.0", "critic.qf1.0", "critic_target.qf0.0", "critic_target.qf1.0")
    return _train(settings, recipe, out, tell, make, ("actor.latent_pi.0", *critics))


def _policy(settings: TrainSettings) -> str:
    return "MlpPolicy" if settings.obs == "state" else "MultiInputPolicy"


def _seed(settings: TrainSettings) -> int:
    return int(np.random.SeedSequence([settings.seed, 1]).generate_state(1)[0])


def _device(settings: TrainSettings) -> str:
    # Networks this small are faster beside the simulator than on a GPU.
    return "cpu" if settings.obs == "state" and settings.device == "auto" else device_of(settings.device)


def _train(
    settings: TrainSettings,
    recipe: PPORecipe | SACRecipe,
    out: Path,
    tell: Tell,
    make: Callable[[PlainVecEnv], BaseAlgorithm],
    layers: tuple[str, ...],
) -> Path:
    """The way that both go."""
    require_least(recipe, envs=1, batch=1, width=1, save_every=1, max_steps=1)
    played = FleetSettings(
        replace(settings.env(), max_steps=recipe.max_steps), count=recipe.envs, jobs=settings.jobs, chunk=1,
        gamma=recipe.gamma, shaping=recipe.shaping, seed=settings.seed,
    )  # fmt: skip
    begin(out, settings.fingerprint(recipe))
    path = out / STATE
    stored = read_training(path) if path.is_file() else None
    with own_randomness(1 if settings.obs == "state" else None):
        fleet = Fleet(played)
        try:
            scale = scale_of(stored[0]) if stored else _measured(fleet, settings)
            env = PlainVecEnv(fleet, settings.obs == "pixels", scale)
            model = make(env)
            model.set_logger(Logger(None, []))
            if stored is not None:
                restore_training(path, model, env, *stored)
            numbers = {} if stored is None else stored[1]
            watch = Watch(settings, recipe.save_every, out, tell, env, layers, numbers)
            if model.num_timesteps < settings.steps:
                _learn(model, settings.steps, watch, fresh=stored is None)
                watch.look(last=True)
            watch.curve.close()
        finally:
            fleet.close()
    return out / "policy.zip"


def _measured(fleet: Fleet, settings: TrainSettings) -> Scale:
    """The scale of the states that random actions lead to."""
    size = fleet.now["state"].shape[1]
    if settings.obs != "state":
        return no_scale(size)
    rng = np.random.default_rng([settings.seed, 2])
    fleet.reset()
    found = [fleet.now["state"].copy()]
    for _ in range(MEASURED):
        fleet.decide(rng.uniform(-1.0, 1.0, (fleet.settings.count, 1, fleet.action_size)).astype(np.float32))
        found.append(fleet.now["state"].copy())
    return measure(np.concatenate(found))


def _learn(model: BaseAlgorithm, steps: int, watch: Watch, fresh: bool) -> None:
    try:
        model.learn(steps - model.num_timesteps, watch, log_interval=None, reset_num_timesteps=fresh)  # type: ignore[arg-type]
    except ValueError as error:
        if "Expected parameter" not in str(error):
            raise
        raise watch.not_finite("the actions") from None
