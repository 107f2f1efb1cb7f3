"""One loop for what is learned from stored frames: deterministic, resumable at any moment, and it stops at NaN.

Which rows a step uses and what noise it draws depend on the seed and the number of the step alone, so a training that
was killed and resumed is bit for bit the one that was not (on one machine, with the same number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gen3d_envs.errors import FieldError, Gen3DError

from ..resume import STATE, require_same_training  # noqa: TID252
from .checkpoint import (
    load_state,
    model_tensors,
    optimizer_tensors,
    restore_model,
    restore_optimizer,
    save_state,
)

Loss = Callable[[int, np.random.Generator, torch.Generator], tuple[Tensor, dict[str, float]]]
"""Draws the batch of a step and computes its loss, with figures to log."""


@dataclass(frozen=True)
class Recipe:
    """How it is learned.

    Attributes:
        steps: of the optimizer.
        batch: rows of a step.
        lr: highest learning rate; rises over the first 3 % of the steps and falls as half a cosine.
        decay: of the weights.
        norm: gradients are scaled down to it.
        seed: of everything.
        save_every: steps between checkpoints.
        half: pictures are looked at in bfloat16, weights stay float32. Half the time on processors with instructions
            for it (``avx512_bf16``, ``amx_bf16``) and on GPUs, slower on others.
    """

    steps: int
    batch: int = 128
    lr: float = 1e-3
    decay: float = 1e-4
    norm: float = 1.0
    seed: int = 0
    save_every: int = 200
    half: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every"):
            if getattr(self, name) < 1:
                raise FieldError(name, getattr(self, name), "is below 1", "Give at least 1")

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        warm = max(1, self.steps * 3 // 100)
        if step < warm:
            return self.lr * (step + 1) / warm
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


class NotFinite(Gen3DError):
    """A loss that is no number any more; the last checkpoint is from before."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        step, steps: done, and wanted.
        figures: means since the last report.
        rate: steps per second since then; NaN of an earlier process.
    """

    step: int
    steps: int
    figures: dict[str, float]
    rate: float


def fit(model: nn.Module, loss: Loss, recipe: Recipe, folder: Path, *, seconds: float = math.inf) -> Iterator[Progress]:
    """Train; yields after every checkpoint, and ends when all steps are done or the time is over.

    Where an earlier process stopped, the first is its last checkpoint again: what is done about a checkpoint may have
    been cut off.

    Args:
        model: what is trained, in place; where the folder holds a checkpoint, its weights replace the model's.
        loss: of a batch.
        recipe: see there.
        folder: of the checkpoint ``training.safetensors`` and the curve ``curve.csv``.
        seconds: stop, resumably, at the first checkpoint after so long.

    Raises:
        NotFinite: a loss or gradient is not finite; says which step.
        FieldError: the folder's checkpoint is damaged or another training's.
    """
    path = folder / STATE
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.decay)
    step = 0
    if path.is_file():
        tensors, numbers = load_state(path)
        require_same_training(folder, numbers.get("recipe"), _recipe(recipe))
        restore_model(model, tensors, path)
        restore_optimizer(optimizer, tensors)
        step = int(numbers["step"])
        if "figures" in numbers:
            model.eval()
            yield Progress(step, recipe.steps, numbers["figures"], math.nan)
    begin = last = time.perf_counter()
    while step < recipe.steps:
        sums: dict[str, float] = {}
        until = min(recipe.steps, (step // recipe.save_every + 1) * recipe.save_every)
        count = until - step
        model.train()
        for number in range(step, until):
            rng = np.random.default_rng([recipe.seed, number])
            noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(number)
            value, figures = loss(number, rng, noise)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            norm = nn.utils.clip_grad_norm_(parameters, recipe.norm)
            if not math.isfinite(float(norm)):
                raise NotFinite(
                    f"step {number}: the loss is {float(value.detach()):g} and its gradient {float(norm):g}: lower "
                    f"the learning rate ({recipe.lr:g}); {path} is from before."
                )
            optimizer.step()
            for name, figure in {"loss": float(value.detach()), **figures}.items():
                sums[name] = sums.get(name, 0.0) + figure / count
        step = until
        model.eval()
        folder.mkdir(parents=True, exist_ok=True)
        numbers = {"step": step, "recipe": _recipe(recipe), "figures": sums}
        save_state(path, {**model_tensors(model), **optimizer_tensors(optimizer)}, numbers)
        now = time.perf_counter()
        yield Progress(step, recipe.steps, sums, count / (now - last))
        last = now
        if now - begin > seconds:
            return
    model.eval()


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in ("steps", "batch", "lr", "decay", "norm", "seed", "half")}
