"""What a study consists of, as plain data; presets of several lengths. No torch in here."""

from __future__ import annotations

import math
import re

import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.sim.engines import FASTEST

from .table import PLACES

HANDMADE = "handmade"
"""Instead of a number of generated scenes: the three scenes made by hand."""

IMITATION = "imitation"
"""The policy that every training begins with."""

MAY_DIFFER = {"seeds", "counts", "decisions"}
"""Settings that may change when a study goes on in its folder: how much is done."""


class StudySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done.

    Attributes:
        size: of the policy, see :data:`gen3d_envs.baselines.vla.config.SIZES`.
        pixels: width and height of its pictures.
        physics: engine that everything is trained in.
        eyes: folder of a policy that has learned to see, whose eyes are taken instead of learning it anew; empty: none.
        broad: scenes of ``gen3d-broad`` whose objects it learns to see.
        mixed: scenes that they are mixed in anew; frames come from one episode in each. Fewer do where ``eyes`` are
            given: the closer look still wants some.
        see_steps: optimizer steps of learning to see.
        demo_scenes, demos: training scenes and demonstrations for imitation.
        clumsy: see :class:`gen3d_envs.baselines.vla.demos.DemoSettings`. With steady hands (0) the policy never learns
            to open an empty fist, and fine-tuning is half as fast.
        imitate_steps: optimizer steps of imitation. From 12 demonstrations 21 % of the episodes succeed, and arXiv
            2603.18532 begins at 10 %; with more of them it is more, but it is fine-tuning that is studied.
        counts: numbers of generated scenes to fine-tune in; 0 stands for :data:`HANDMADE`.
        focus: episodes in those scenes whose frames it goes on learning to see with before it is fine-tuned there.
        focus_steps: optimizer steps of that; half of every batch are frames of other scenes.
        seeds: of the fine-tuning.
        environments: played at once.
        steps: decisions of each environment between two updates.
        decisions: of every fine-tuning; where there are more of them than before, a training goes on.
        shaping, kl, kl_end, kl_over, log_std, noise_end, noise_over, lr: see
            :class:`gen3d_envs.baselines.ppo.flow.FlowSettings`. The noise is larger than the paper's, [-2.5, -2.0],
            with which success rose half as fast over the first 46,000 decisions.
        episodes: evaluation episodes in each training and held-out scene; the hand-made ones get ``handmade_episodes``.
        max_steps: control steps of a training episode.
        flow_steps: Euler steps from noise to a chunk, 1 to 10, in training and when acting.
        learn_batch: of seeing and imitation.
        half: it learns to see in bfloat16, see :class:`gen3d_envs.baselines.vla.learn.Recipe`.
        splits: of the benchmark that every policy is measured on.
    """

    size: str = "tiny"
    pixels: int = 96
    physics: str = FASTEST
    eyes: str = ""
    broad: int = 600
    mixed: int = 24_000
    see_steps: int = 16_000
    demo_scenes: int = 12
    demos: int = 12
    clumsy: float = 0.08
    imitate_steps: int = 4000
    counts: tuple[int, ...] = (0, 1, 10, 25, 50, 100)
    focus: int = 2000
    focus_steps: int = 2000
    seeds: tuple[int, ...] = (0,)
    environments: int = 64
    steps: int = 24
    decisions: int = 300_000
    shaping: float = 2.0
    kl: float = 2.0
    kl_end: float = 0.1
    kl_over: int = 300_000
    log_std: tuple[float, float] = (-1.9, -1.4)
    noise_end: float = 0.4
    noise_over: int = 300_000
    lr: float = 1e-4
    episodes: int = 4
    handmade_episodes: int = 50
    max_steps: int = 64
    flow_steps: int = 4
    learn_batch: int = 64
    half: bool = False
    splits: tuple[str, ...] = ("train", "heldout", "handmade")

    def __post_init__(self) -> None:
        for name in (
            "broad", "mixed", "see_steps", "demo_scenes", "demos", "imitate_steps", "focus", "focus_steps",
            "environments", "steps", "decisions", "noise_over", "kl_over", "episodes", "handmade_episodes", "max_steps",
            "learn_batch",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise FieldError(name, getattr(self, name), "is below 1", "Give at least 1")
        for name in ("mixed", "focus"):
            if getattr(self, name) < 2:
                raise FieldError(name, getattr(self, name), "leaves nothing to measure with", "Give at least 2")
        for name in ("counts", "seeds"):
            if not getattr(self, name) or min(getattr(self, name)) < 0:
                raise FieldError(name, getattr(self, name), "is no list of numbers from 0", "Give at least one")
        if not 0.0 <= self.clumsy < 1.0:
            raise FieldError("clumsy", self.clumsy, "is out of range", "Give a probability from 0 to below 1")
        if not 1 <= self.flow_steps <= 10:
            raise FieldError("flow_steps", self.flow_steps, "is out of range", "Give 1 to 10")
        for name in ("shaping", "kl", "lr"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise FieldError(name, getattr(self, name), "is out of range", "Give a number from 0")
        if not self.splits or not set(self.splits) <= set(PLACES):
            raise FieldError("splits", self.splits, "are not all known", f"Use some of {', '.join(PLACES)}")
        if self.log_std[0] > self.log_std[1]:
            raise FieldError("log_std", self.log_std, "is empty", "Give the lower bound first")


PRESETS: dict[str, StudySettings] = {
    "full": StudySettings(),
    "smoke": StudySettings(
        size="micro", pixels=32, broad=4, mixed=24, see_steps=40, demo_scenes=2, demos=4, imitate_steps=40,
        counts=(0, 1, 2), focus=8, focus_steps=20, environments=4, steps=4, decisions=64, episodes=1,
        handmade_episodes=1, max_steps=24, learn_batch=16, splits=("handmade",),
    ),
}  # fmt: skip
"""``full`` is the study that the README reports; ``smoke`` only shows, in half a minute, that its stages work. It
measures in the hand-made scenes alone; with ``splits=train,handmade`` it takes under three minutes, and asks for other
objects, too."""


def training_name(count: int, seed: int) -> str:
    """What a fine-tuning is called."""
    return f"{HANDMADE}-s{seed}" if count == 0 else f"n{count}-s{seed}"


def measured_name(count: int, seed: int, decisions: int) -> str:
    """What a fine-tuning is called where it has been measured after so many decisions."""
    return f"{training_name(count, seed)}-{decisions}"


_MEASURED = re.compile(rf"(?:n(\d+)|{HANDMADE})-s(\d+)-(\d+)")


def parse_measured(name: str) -> tuple[int, int, int] | None:
    """Number of scenes (0 for :data:`HANDMADE`), seed and decisions of a :func:`measured_name`; None for others."""
    found = _MEASURED.fullmatch(name)
    return None if found is None else (int(found[1] or 0), int(found[2]), int(found[3]))
