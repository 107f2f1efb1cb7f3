"""The stages of a study, each resumable by itself: scenes, frames, seeing, demonstrations, imitation, fine-tuning."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gen3d_envs.bank.generate import generate
from gen3d_envs.bank.index import Settings as BankSettings
from gen3d_envs.bank.plan import Plan, benchmark_plan
from gen3d_envs.errors import FieldError, Gen3DError

from ..ppo.fleet import FleetSettings  # noqa: TID252
from ..ppo.flow import FlowProgress, FlowSettings, train  # noqa: TID252
from ..vla.backend import read_config  # noqa: TID252
from ..vla.config import make_config  # noqa: TID252
from ..vla.curve import CURVE, Curve  # noqa: TID252
from ..vla.demos import Demos, DemoSettings, collect  # noqa: TID252
from ..vla.files import WEIGHTS, replace_folder  # noqa: TID252
from ..vla.learn import Progress  # noqa: TID252
from ..vla.mix import make_mixed  # noqa: TID252
from ..vla.policy import load_flow_vla  # noqa: TID252
from ..vla.pretrain import FOCUSING, IMITATING, SEEING, focus, imitate, new_model, see  # noqa: TID252
from ..vla.scenes import EnvSettings, scenes_of  # noqa: TID252
from .settings import HANDMADE, IMITATION, StudySettings, training_name

BROAD, BROAD_SEED, MIX_SEED = "gen3d-broad", 7, 11
NOISE, LOOK_NOISE, LOOK_SHARE, LOOK_STEPS = 0.2, 0.3, 0.125, 40
"""Noise on the expert's actions in demonstrations, and in episodes for seeing; share of their frames that is kept, and
how long they are."""

EXPERT_STEPS = 100
"""Control steps of an episode of the expert."""


class OutOfTime(Gen3DError):
    """The budget is used up; the same command goes on."""


Tell = Callable[[str, float, float, str], None]
"""Called with the name of a stage, how much of it is done, of how much, and figures in words."""


@dataclass(frozen=True)
class Study:
    """A study in a folder.

    Attributes:
        settings: what is done.
        folder: of everything.
        jobs: processes.
        device: where networks learn.
        deadline: of ``time.monotonic()``.
        tell: see :data:`Tell`.
    """

    settings: StudySettings
    folder: Path
    jobs: int
    device: str
    deadline: float
    tell: Tell

    @property
    def left_s(self) -> float:
        """Seconds until the budget is used up.

        Raises:
            OutOfTime: none are.
        """
        left = self.deadline - time.monotonic()
        if left <= 0.0:
            raise OutOfTime("The time is over; run the same command to go on.")
        return left

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """A part of the folder for this process; another one at work in it waits, and then finds what was made.

        Raises:
            OutOfTime: it has waited for so long.
        """
        from filelock import FileLock, Timeout

        locks = self.folder / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        left = self.left_s
        lock = FileLock(locks / name.replace("/", "-"), timeout=-1 if math.isinf(left) else left)
        try:
            lock.acquire(poll_interval=0.5)
        except Timeout:
            raise OutOfTime(f"Another process is still at {name}; run the same command to go on.") from None
        try:
            yield
        finally:
            lock.release()

    # ---- environments ----------------------------------------------------------------------------------------------

    def env(self, scenes: tuple[str, ...], folder: str = "", max_steps: int = EXPERT_STEPS) -> EnvSettings:
        """Environments over some scenes."""
        settings = self.settings
        return EnvSettings(
            scenes=scenes, size=settings.pixels, physics=settings.physics, max_steps=max_steps, folder=folder
        )

    def scenes(self, count: int) -> tuple[str, ...]:
        """The scenes of a fine-tuning: the first ``count`` of the benchmark, or those made by hand where 0."""
        return scenes_of("handmade") if count == 0 else scenes_of("train", count)

    def require(self) -> None:
        """Find what cannot be before hours are spent on what comes earlier.

        Raises:
            FieldError: settings that are not known or do not fit each other, or eyes that are none.
        """
        settings = self.settings
        make_config(settings.size, self.env(self.scenes(1)).contract, flow_steps=settings.flow_steps)
        self.scenes(settings.demo_scenes)
        self.plan()
        if settings.eyes:
            read_config(Path(settings.eyes))
        for count in settings.counts:
            self.tuning(count, settings.seeds[0])

    # ---- before fine-tuning ----------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Of the scenes whose objects it learns to see.

        Raises:
            FieldError: there are fewer.
        """
        plan = benchmark_plan(BROAD, BROAD_SEED)
        if self.settings.broad > len(plan.requests):
            problem, remedy = f"is more than {BROAD} has", f"Give up to {len(plan.requests)}"
            raise FieldError("broad", self.settings.broad, problem, remedy)
        return plan

    def broad(self) -> Path:
        """Folder of the scenes whose objects it learns to see, made where they are not there."""
        _ = self.left_s
        settings, plan = self.settings, self.plan()
        bank = BankSettings(
            benchmark=plan.name, seed=plan.seed, plan=plan.sha256, robots=("widowx",), designer="rules",
            assets="procedural", name_digits=4,
        )  # fmt: skip
        out = self.folder / "broad"
        with self.alone("broad"):
            count = self._counting("scenes")
            generate(plan, bank, out, self.jobs, settings.broad, lambda done, total, entry: count(done, total))
        return out

    def frames(self) -> Demos:
        """Frames with labels."""
        mixed, count, broad = self.folder / "mixed", self.settings.mixed, self.broad()
        with self.alone("mixed"):
            names = make_mixed(broad, mixed, count, MIX_SEED, self.jobs, self._counting("mixing"))
        env = self.env(names, str(mixed), LOOK_STEPS)
        return self._collect(
            "frames", DemoSettings(env=env, count=count, noise=LOOK_NOISE, keep=LOOK_SHARE, seeing=True, seed=1)
        )

    def demos(self) -> Demos:
        """Demonstrations for imitation."""
        wanted = DemoSettings(
            env=self.env(self.scenes(self.settings.demo_scenes)),
            count=self.settings.demos,
            noise=NOISE,
            clumsy=self.settings.clumsy,
            seed=2,
        )
        return self._collect("demos", wanted)

    def _collect(self, name: str, wanted: DemoSettings) -> Demos:
        _ = self.left_s
        folder = self.folder / name
        with self.alone(name):
            return collect(wanted, folder, self.jobs, self._counting(name))

    def _counting(self, name: str) -> Callable[[int, int], None]:
        """Tells how much of a stage is done, and ends it, resumably, when the time is over."""

        def count(done: int, total: int) -> None:
            self.tell(name, done, total, "")
            _ = self.left_s

        return count

    def seen(self) -> Path:
        """Folder of the model that has learned to see."""
        folder = self.folder / "seeing"
        with self.alone(folder.name):
            if not (folder / "model" / WEIGHTS).is_file():
                if self.settings.eyes:
                    self._take_eyes(folder / "model")
                    return folder / "model"
                frames = self.frames()
                model = new_model(self.settings.size, frames.contract, 0, self.settings.flow_steps)
                model.to(torch.device(self.device))  # type: ignore[arg-type]
                recipe = replace(
                    SEEING, steps=self.settings.see_steps, batch=self.settings.learn_batch, half=self.settings.half
                )
                self._keep(see(model, frames, folder, recipe, self.left_s), folder, "median error {grasp_mm:.0f} mm")
        return folder / "model"

    def _take_eyes(self, out: Path) -> None:
        """A new model that sees as another one does, in a folder."""
        settings = self.settings
        model = new_model(settings.size, self.env(self.scenes(1)).contract, 0, settings.flow_steps)
        model.take_eyes(load_flow_vla(Path(settings.eyes)))
        replace_folder(out, lambda path: model.save_pretrained(path))

    def imitation(self) -> Path:
        """Folder of the policy that imitates."""
        folder = self.folder / IMITATION
        with self.alone(folder.name):
            if not (folder / "model" / WEIGHTS).is_file():
                start, demos = self.seen(), self.demos()
                model = load_flow_vla(start, self.device)
                recipe = replace(IMITATING, steps=self.settings.imitate_steps, batch=2 * self.settings.learn_batch)
                learning = imitate(model, demos, folder, recipe, self.left_s, train_tower=False)
                self._keep(learning, folder, "loss {flow:.3f}")
        return folder / "model"

    def focused(self, count: int) -> Path:
        """Folder of the policy that imitates and has looked at the scenes it will be fine-tuned in."""
        folder = self.folder / f"focus-{HANDMADE if count == 0 else f'n{count}'}"
        with self.alone(folder.name):
            if not (folder / "model" / WEIGHTS).is_file():
                model, settings = load_flow_vla(self.imitation(), self.device), self.settings
                wanted = DemoSettings(
                    env=self.env(self.scenes(count), max_steps=LOOK_STEPS), count=settings.focus, noise=LOOK_NOISE,
                    keep=LOOK_SHARE, seeing=True, seed=3,
                )  # fmt: skip
                frames, others = self._collect(f"{folder.name}/frames", wanted), self.frames()
                recipe = replace(FOCUSING, steps=settings.focus_steps, batch=settings.learn_batch, half=settings.half)
                learning = focus(model, frames, others, folder, recipe, self.left_s)
                self._keep(learning, folder, "median error {grasp_mm:.0f} mm")
        return folder / "model"

    def _keep(self, learning: Iterator[Progress], folder: Path, words: str) -> None:
        """Runs a training, with its curve in its folder, and tells of it with its figures set into ``words``."""
        curve: Curve | None = None
        for progress in learning:
            curve = curve or Curve(folder / CURVE, progress.step - 1)
            curve.add(progress.step, progress.figures)
            self.tell(folder.name, progress.step, progress.steps, words.format(**progress.figures))
        _ = self.left_s

    # ---- fine-tuning -----------------------------------------------------------------------------------------------

    def tuning(self, count: int, seed: int) -> FlowSettings:
        """How the fine-tuning in ``count`` scenes is done.

        Raises:
            FieldError: settings that do not fit each other.
        """
        settings = self.settings
        fleet = FleetSettings(
            env=self.env(self.scenes(count), max_steps=settings.max_steps), count=settings.environments,
            jobs=self.jobs, shaping=settings.shaping, seed=1000 + seed,
        )  # fmt: skip
        return FlowSettings(
            fleet=fleet, decisions=settings.decisions, steps=settings.steps, lr=settings.lr, kl=settings.kl,
            batch=512, noise_end=settings.noise_end, noise_over=settings.noise_over, kl_end=settings.kl_end,
            kl_over=settings.kl_over, log_std=settings.log_std, flow_steps=settings.flow_steps, seed=seed,
        )  # fmt: skip

    def fine_tuned(self, count: int, seed: int) -> Path:
        """Folder of the policy that was fine-tuned in ``count`` scenes."""
        flow, name = self.tuning(count, seed), training_name(count, seed)
        start = self.focused(count)

        def tell(progress: FlowProgress) -> None:
            words = f"success {100 * progress.success:.0f} %, {progress.rate:.0f} decisions/s"
            self.tell(name, progress.decisions, progress.wanted, words)

        with self.alone(name):
            done = train(start, flow, self.folder / name, seconds=self.left_s, progress=tell, device=self.device)
        if not done:
            _ = self.left_s
            raise OutOfTime("The time is over; run the same command to go on.")
        return self.folder / name / "model"
