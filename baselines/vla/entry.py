"""``gen3d train --algo imitation`` and ``--algo flow``: the parts of the study by themselves, in any scenes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import torch

from gen3d_envs.errors import FieldError

from ..algorithms import Report, Tell, TrainSettings  # noqa: TID252
from ..ppo.fleet import FleetSettings  # noqa: TID252
from ..ppo.flow import FlowProgress, FlowSettings, train  # noqa: TID252
from .curve import CURVE, Curve, read_curve
from .demos import DemoSettings, collect
from .files import replace_folder, restore_folder
from .policy import load_flow_vla
from .pretrain import IMITATING, imitate, new_model, take_measure
from .trial import trial


class ImitationRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What imitation is told.

    Attributes:
        start: folder of a policy to begin with; a new one where empty.
        size: of a new one, see :data:`gen3d_envs.baselines.vla.config.SIZES`.
        demos: demonstrations of the expert, scene by scene in turns.
        noise: on its actions.
        batch: frames of a step.
        lr: highest learning rate.
        tower: whether tower and words are trained, too.
        trial: episodes, without noise, that the policy is tried in after every ``trial_every`` steps; the best one is
            kept in ``best``, of equally good ones the last. 0 for none.
    """

    start: str = ""
    size: str = "tiny"
    demos: int = 60
    noise: float = 0.2
    batch: int = 64
    lr: float = 5e-4
    tower: bool = True
    trial: int = 16
    trial_every: int = 500

    @property
    def save_every(self) -> int:
        """Steps between checkpoints, at most the usual number, so that every trial is at one."""
        return max(n for n in range(1, IMITATING.save_every + 1) if self.trial_every % n == 0)


class FlowRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What PPOFlow is told.

    Attributes:
        start: folder of the policy to begin with.
        envs: environments.
        max_steps: control steps of an episode.
        shaping, kl, noise_end, anchor, lr, batch, epochs, warmup, tower: see
            :class:`gen3d_envs.baselines.ppo.flow.FlowSettings`.
        rollout: decisions of every environment between two updates.
    """

    start: str = ""
    envs: int = 32
    max_steps: int = 100
    rollout: int = 24
    shaping: float = 0.5
    kl: float = 0.2
    noise_end: float = 0.5
    anchor: float = 0.0
    lr: float = 1e-4
    batch: int = 512
    epochs: int = 3
    warmup: int = 3
    tower: bool = False


def train_imitation(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """Collect demonstrations and imitate them; ``steps`` are those of the optimizer. See :data:`algorithms.Train`."""
    recipe = settings.recipe(ImitationRecipe)
    _pixels(settings)
    for name, least in (("trial", 0), ("trial_every", 1)):
        if getattr(recipe, name) < least:
            raise FieldError(f"option {name}", getattr(recipe, name), f"is below {least}", f"Give at least {least}")
    env = settings.env()
    demos = collect(DemoSettings(env=env, count=recipe.demos, noise=recipe.noise, seed=settings.seed), out / "demos",
                    max(1, settings.jobs))  # fmt: skip
    if recipe.start:
        model = load_flow_vla(Path(recipe.start))
    else:
        model = new_model(recipe.size, demos.contract, settings.seed)
        take_measure(model, demos)
    model.to(torch.device(device_of(settings.device)))  # type: ignore[arg-type]
    how = replace(
        IMITATING, steps=settings.steps, batch=recipe.batch, lr=recipe.lr, seed=settings.seed,
        save_every=recipe.save_every,
    )  # fmt: skip
    curve: Curve | None = None
    known: dict[int, float] = {}
    best = out / "best"
    restore_folder(best)
    fleet = FleetSettings(env=env, count=16, jobs=settings.jobs, chunk=model.config.chunk, seed=settings.seed)
    for progress in imitate(model, demos, out, how, train_tower=recipe.tower):
        if curve is None:
            known = {int(row["step"]): float(row["success"]) for row in read_curve(out / CURVE)}
            curve = Curve(out / CURVE, progress.step - 1)
        success = math.nan
        if recipe.trial and (progress.step % recipe.trial_every == 0 or progress.step == progress.steps):
            success = known.get(progress.step, math.nan)
            if math.isnan(success) or not best.is_dir():
                success = trial(model, fleet, recipe.trial).success
                before = [float(row["success"]) for row in read_curve(out / CURVE)]
                if not any(earlier > success for earlier in before) or not best.is_dir():
                    replace_folder(best, lambda path: model.save_pretrained(path))
        curve.add(progress.step, {**progress.figures, "success": success})
        tell(Report(progress.step, progress.steps, success, progress.figures))
    return best if recipe.trial else out / "model"


def train_flow(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """Fine-tune with PPOFlow; ``steps`` are control steps of all environments. See :data:`algorithms.Train`."""
    recipe = settings.recipe(FlowRecipe)
    _pixels(settings)
    if not recipe.start:
        raise FieldError("start", recipe.start, "names no policy", "Say which to fine-tune: --set start=FOLDER")
    start = Path(recipe.start)
    chunk = load_flow_vla(start).config.chunk
    fleet = FleetSettings(
        env=replace(settings.env(), max_steps=recipe.max_steps), count=recipe.envs, jobs=settings.jobs, chunk=chunk,
        shaping=recipe.shaping, seed=settings.seed,
    )  # fmt: skip
    how = FlowSettings(
        fleet=fleet, decisions=-(-settings.steps // chunk), steps=recipe.rollout, batch=recipe.batch,
        epochs=recipe.epochs, lr=recipe.lr, kl=recipe.kl, noise_end=recipe.noise_end,
        noise_over=-(-settings.steps // chunk), warmup=recipe.warmup,
        anchor=recipe.anchor, train_tower=recipe.tower, seed=settings.seed,
    )  # fmt: skip
    first: list[int] = []

    def progress(now: FlowProgress) -> None:
        first.append(now.decisions)
        resumed = first[0] - recipe.envs * recipe.rollout
        tell(Report(now.decisions * chunk, now.wanted * chunk, now.success, now.figures, resumed * chunk))

    train(start, how, out, progress=progress, device=device_of(settings.device))
    return out / "model"


def device_of(wanted: str) -> str:
    """``"auto"`` as what there is."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def _pixels(settings: TrainSettings) -> None:
    if settings.obs != "pixels":
        raise FieldError("obs", settings.obs, f"is not what {settings.algo} sees", "Use pixels")
