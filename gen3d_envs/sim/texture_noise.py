"""Noise that tiles, and what else every painter of :mod:`gen3d_envs.sim.textures` starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating]


def noise(rng: np.random.Generator, size: int, rows: int, columns: int) -> Image:
    """Value noise on a grid of rows x columns cells that wraps around: (size, size), -1 to 1."""
    result = rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32)
    for axis, cells in ((0, rows), (1, columns)):
        place = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / size)
        low = place.astype(np.intp)
        part = place - low
        part = part * part * (3.0 - 2.0 * part)
        shape = (-1, 1) if axis == 0 else (1, -1)
        first, second = result.take(low % cells, axis=axis), result.take((low + 1) % cells, axis=axis)
        result = first + (second - first) * part.reshape(shape)
    return result


def fractal(rng: np.random.Generator, size: int, rows: int, columns: int, octaves: int = 4) -> Image:
    """Octaves of value noise, each twice as fine and half as strong: about -1 to 1."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        if max(rows, columns) << octave > size:
            break
        total += noise(rng, size, rows << octave, columns << octave) * np.float32(0.55 / 2**octave)
    return total


def grid(size: int) -> tuple[Image, Image]:
    """Row and column of each pixel's centre in [0, 1)."""
    line = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    return line[:, None], line[None, :]


def tint(base: Image, tone: Image) -> Image:
    """The base colour times (1 + tone) for each pixel."""
    return base * (1.0 + tone[..., None])
