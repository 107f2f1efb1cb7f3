"""Running statistics of a data set: minimum, maximum, mean, deviation, count, quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


class VectorStats:
    """Of numbers or vectors; all are kept, since they are small beside the pictures."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = []

    def add(self, values: NDArray[Any]) -> None:
        """Take in the values of an episode, ``(n,)`` or ``(n, d)``."""
        self._parts.append(values.reshape(len(values), -1).astype(np.float64))

    def summary(self) -> dict[str, list[float]]:
        """Every statistic as a list of d numbers."""
        values = np.concatenate(self._parts)
        found = {"min": values.min(0), "max": values.max(0), "mean": values.mean(0), "std": values.std(0)}
        found |= {name: np.quantile(values, q, axis=0) for name, q in QUANTILES.items()}
        return {**{name: value.tolist() for name, value in found.items()}, "count": [len(values)]}


class PictureStats:
    """Of pictures, per channel, in shares of 255; exact, from how often each value came."""

    def __init__(self) -> None:
        self._counts = np.zeros((3, 256), np.int64)
        self._frames = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Take in a picture, ``(h, w, 3)`` uint8."""
        for channel in range(3):
            self._counts[channel] += np.bincount(picture[..., channel].reshape(-1), minlength=256)
        self._frames += 1

    def summary(self) -> dict[str, Any]:
        """Every statistic as a ``(3, 1, 1)`` list; the count is that of pictures."""
        levels = np.arange(256) / 255.0
        total = self._counts.sum(axis=1)
        mean = self._counts @ levels / total
        deviation = np.sqrt(np.maximum(self._counts @ levels**2 / total - mean**2, 0.0))
        share = np.cumsum(self._counts, axis=1) / total[:, None]
        found = {
            "min": levels[np.argmax(self._counts > 0, axis=1)],
            "max": levels[255 - np.argmax(self._counts[:, ::-1] > 0, axis=1)],
            "mean": mean, "std": deviation,
        }  # fmt: skip
        found |= {name: levels[np.argmax(share >= q, axis=1)] for name, q in QUANTILES.items()}
        return {**{name: value.reshape(3, 1, 1).tolist() for name, value in found.items()}, "count": [self._frames]}
