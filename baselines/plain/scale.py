"""States as numbers of about one, and how that is put into a network's first layers, so that it needs no wrapper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

LEAST = 0.05
"""Smallest standard deviation (m, rad): what random actions hardly move, such as a height, still counts."""


@dataclass(frozen=True, eq=False)
class Scale:
    """``(state - mean) / std``, fixed for a whole training."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def __call__(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled copies, ``(..., n)`` float32."""
        return (states - self.mean) / self.std


def no_scale(size: int) -> Scale:
    """Leaves states as they are."""
    return Scale(np.zeros(size, np.float32), np.ones(size, np.float32))


def measure(states: NDArray[np.float32]) -> Scale:
    """The scale at which states ``(k, n)`` have mean 0 and deviation 1, but for those that hardly vary."""
    mean = states.mean(0, dtype=np.float64)
    std = np.maximum(states.std(0, dtype=np.float64), LEAST)
    return Scale(mean.astype(np.float32), std.astype(np.float32))


def fold(weights: Mapping[str, Tensor], layers: tuple[str, ...], scale: Scale) -> dict[str, Tensor]:
    """Weights that do with plain states what the given ones do with scaled ones.

    ``W ((s - m) / d) + b = (W / d) s + (b - W (m / d))``; columns behind those of the state, such as SAC's action, are
    left as they are.

    Args:
        weights: of a network.
        layers: its linear layers that see the state first, without ``.weight``.
        scale: of the states.
    """
    folded = dict(weights)
    for layer in layers:
        weight, bias = weights[f"{layer}.weight"].clone(), weights[f"{layer}.bias"]
        size = len(scale.mean)
        mean, std = (weight.new_tensor(values.tolist(), dtype=weight.dtype) for values in (scale.mean, scale.std))
        weight[:, :size] = weight[:, :size] / std
        folded[f"{layer}.weight"], folded[f"{layer}.bias"] = weight, bias - weight[:, :size] @ mean
    return folded
