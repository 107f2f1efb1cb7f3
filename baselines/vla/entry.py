"""``gen3d train --algo imitation`` and ``--algo flow``: the parts of the study by themselves, in any scenes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import torch

from gen3d_envs.demos.replay import read_recording
from gen3d_envs.errors import FieldError

from ..algorithms import Report, Tell, TrainSettings, require_least  # noqa: TID252
from ..device import device_of  # noqa: TID252
from ..ppo.fleet import FleetSettings  # noqa: TID252
from ..ppo.flow import FlowProgress, FlowSettings, train  # noqa: TID252
from ..resume import begin  # noqa: TID252
from ..study.settings import PRESETS  # noqa: TID252
from .backend import FlowBackend, load_backend, read_config, vlm_dtype
from .curve import CURVE, Curve, read_curve
from .demos import Demos, DemoSettings, collect
from .files import replace_folder, restore_folder
from .model import FlowVLA
from .pretrain import IMITATING, imitate, imitate_whole, new_model, take_measure
from .recorded import recorded
from .scenes import instructions
from .trial import trial


class ImitationRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What imitation is told.

    Attributes:
        start: folder of a policy to begin with; a new one where empty.
        size: of a new one, see :data:`gen3d_envs.baselines.vla.config.SIZES`.
        base: instead of a new one, a pi0 as transformers or LeRobot writes it: a folder, or a name on the hub.
        tokenizer: folder or file of its ``tokenizer.json``; the base's own where empty.
        download: whether to fetch what is not on this computer.
        lora: rank of adapters on its vision-language model, which else learns in full; 0 for none.
        cameras: of its pictures, such as ``front,wrist``; those of ``start`` where there is one.
        dataset: folder of demonstrations that ``gen3d record`` wrote; the expert is asked for some where empty.
        demos: demonstrations of the expert, scene by scene in turns.
        noise: on its actions.
        clumsy: probability, at every step, that its hand shuts when it should be open; see
            :class:`gen3d_envs.baselines.vla.demos.DemoSettings`.
        batch: frames of a step.
        lr: highest learning rate.
        tower: whether tower and words are trained, too; of pi0 the vision-language model.
        trial: episodes, without noise, that the policy is tried in after every ``trial_every`` steps; the best one is
            kept in ``best``, of equally good ones the last. 0 for none.
    """

    start: str = ""
    size: str = "tiny"
    base: str = ""
    tokenizer: str = ""
    download: bool = False
    lora: int = 0
    cameras: tuple[str, ...] = ("front",)
    dataset: str = ""
    demos: int = 60
    noise: float = 0.2
    clumsy: float = 0.08
    batch: int = 64
    lr: float = 5e-4
    tower: bool = True
    trial: int = 16
    trial_every: int = 500

    @property
    def save_every(self) -> int:
        """Steps between checkpoints, at most the usual number, so that every trial is at one."""
        return max(n for n in range(1, IMITATING.save_every + 1) if self.trial_every % n == 0)


FULL = PRESETS["full"]
"""The recipe of the study."""


class FlowRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What PPOFlow is told; by default what the study tells it.

    Attributes:
        start: folder of the policy to begin with.
        envs: environments.
        max_steps: control steps of an episode; where 0 those of the study, and as many more as make whole decisions.
        shaping, kl, kl_end, kl_over, noise_end, noise_over, anchor, lr, batch, epochs, warmup, tower, power, log_std:
            see :class:`gen3d_envs.baselines.ppo.flow.FlowSettings`.
        flow_steps: Euler steps, 1 to 10; those of the beginning where 0.
        rollout: decisions of every environment between two updates.
    """

    start: str = ""
    envs: int = FULL.environments
    max_steps: int = 0
    rollout: int = FULL.steps
    shaping: float = FULL.shaping
    kl: float = FULL.kl
    kl_end: float = FULL.kl_end
    kl_over: int = FULL.kl_over
    noise_end: float = FULL.noise_end
    noise_over: int = FULL.noise_over
    anchor: float = 0.0
    lr: float = FULL.lr
    batch: int = 512
    epochs: int = 3
    warmup: int = 3
    tower: bool = False
    power: float = 0.2
    log_std: tuple[float, float] = FULL.log_std
    flow_steps: int = 0


def train_imitation(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """Collect demonstrations and imitate them; ``steps`` are those of the optimizer. See :data:`algorithms.Train`."""
    recipe = settings.recipe(ImitationRecipe)
    _pixels(settings)
    require_least(recipe, trial=0, trial_every=1)
    if not recipe.base:
        for name in ("lora", "tokenizer", "download"):
            if given := getattr(recipe, name):
                raise FieldError(f"option {name}", given, "belongs to a base", "Name it: --set base=FOLDER")
    device = device_of(settings.device)
    env = settings.env(read_config(Path(recipe.start)).made_for().cameras if recipe.start else recipe.cameras)
    begin(out, settings.fingerprint(recipe, "trial", "trial_every"))
    said = instructions(env)
    if recipe.dataset:
        demos = recorded(Path(recipe.dataset), env, out / "demos")
        said = (row.instruction for row in read_recording(recipe.dataset).episodes)
    else:
        wanted = DemoSettings(env=env, count=recipe.demos, noise=recipe.noise, clumsy=recipe.clumsy, seed=settings.seed)
        demos = collect(wanted, out / "demos", max(1, settings.jobs))
    model = _beginning(recipe, demos, settings.seed, device)
    how = replace(
        IMITATING, steps=settings.steps, batch=recipe.batch, lr=recipe.lr, seed=settings.seed,
        save_every=recipe.save_every,
    )  # fmt: skip
    curve: Curve | None = None
    known: dict[int, float] = {}
    best = out / "best"
    restore_folder(best)
    fleet = FleetSettings(env=env, count=16, jobs=settings.jobs, chunk=model.config.chunk, seed=settings.seed)
    if isinstance(model, FlowVLA):
        learning = imitate(model, demos, out, how, train_tower=recipe.tower)
    else:
        learning = imitate_whole(model, demos, said, out, how, train_eyes=recipe.tower)
    for progress in learning:
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


def _beginning(recipe: ImitationRecipe, demos: Demos, seed: int, device: str) -> FlowBackend[Any]:
    """The policy that imitation begins with."""
    if recipe.start:
        return load_backend(Path(recipe.start), device)
    if not recipe.base:
        model = new_model(recipe.size, demos.contract, seed)
        take_measure(model, demos)
        model.to(torch.device(device))  # type: ignore[arg-type]
        return model
    from .pi0_files import pi0_from_base
    from .pi0_lora import add_lora

    pi0 = pi0_from_base(
        recipe.base, demos.contract, tokenizer=recipe.tokenizer or None, download=recipe.download,
        vlm_dtype=vlm_dtype(device),
    )  # fmt: skip
    if recipe.lora:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            add_lora(pi0, recipe.lora)
    return pi0.to(torch.device(device))


def train_flow(settings: TrainSettings, out: Path, tell: Tell) -> Path:
    """Fine-tune with PPOFlow; ``steps`` are control steps of all environments. See :data:`algorithms.Train`."""
    recipe = settings.recipe(FlowRecipe)
    _pixels(settings)
    require_least(recipe, envs=1, max_steps=0, rollout=1)
    if not recipe.start:
        raise FieldError("start", recipe.start, "names no policy", "Say which to fine-tune: --set start=FOLDER")
    device, start = device_of(settings.device), Path(recipe.start)
    first_of = read_config(start)
    chunk = first_of.chunk
    env = replace(
        settings.env(first_of.made_for().cameras), max_steps=recipe.max_steps or -(-FULL.max_steps // chunk) * chunk
    )
    fleet = FleetSettings(
        env=env, count=recipe.envs, jobs=settings.jobs, chunk=chunk,
        shaping=recipe.shaping, seed=settings.seed,
    )  # fmt: skip
    how = FlowSettings(
        fleet=fleet, decisions=-(-settings.steps // chunk), steps=recipe.rollout, batch=recipe.batch,
        epochs=recipe.epochs, lr=recipe.lr, kl=recipe.kl, kl_end=recipe.kl_end, kl_over=recipe.kl_over,
        noise_end=recipe.noise_end, noise_over=recipe.noise_over, warmup=recipe.warmup,
        anchor=recipe.anchor, train_tower=recipe.tower, seed=settings.seed, power=recipe.power,
        log_std=recipe.log_std, flow_steps=recipe.flow_steps or first_of.flow_steps,
    )  # fmt: skip
    begin(out, settings.fingerprint(recipe, "start"))
    first: list[int] = []

    def progress(now: FlowProgress) -> None:
        first.append(now.decisions)
        resumed = first[0] - recipe.envs * recipe.rollout
        tell(Report(now.decisions * chunk, now.wanted * chunk, now.success, now.figures, resumed * chunk))

    train(start, how, out, progress=progress, device=device)
    return out / "model"


def _pixels(settings: TrainSettings) -> None:
    if settings.obs != "pixels":
        raise FieldError("obs", settings.obs, f"is not what {settings.algo} sees", "Use pixels")
