"""Pictures of things for procedural textures: tools on a board, goods on shelves, glassware, a screen, books.

Painters of :mod:`gen3d_envs.sim.textures`: (generator, base colour of 3 floats, size) -> (size, size, 3) floats, 0 to
1. Each picture is meant to be stretched once over a panel, unless said otherwise.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.sim.texture_noise import Image, fractal, grid, noise, tint

_INKS = np.array(
    [(0.78, 0.2, 0.18), (0.18, 0.36, 0.66), (0.93, 0.72, 0.2), (0.24, 0.55, 0.33), (0.9, 0.5, 0.2), (0.48, 0.3, 0.56),
     (0.9, 0.88, 0.83), (0.2, 0.6, 0.66), (0.85, 0.52, 0.6)],
    np.float32,
)  # fmt: skip
"""Colours of packages and backs of books."""


def metro(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Glazed wall tiles, twice as wide as high, laid in a bond: 4 across and 8 up. Tiles without a seam."""
    y, x = grid(size)
    row = np.floor(y * 8)
    along = x * 4 + 0.5 * (row % 2)
    cell = (row * 4 + np.floor(along) % 4).astype(np.intp)
    up, across = y * 8 - row, along - np.floor(along)
    joint = (np.minimum(up, 1.0 - up) < 0.07) | (np.minimum(across, 1.0 - across) < 0.035)
    tone = rng.uniform(-0.05, 0.03, 32).astype(np.float32)[cell] + 0.08 * (0.4 - up) * (up < 0.4)
    grout = base * 0.6 + 0.06 if base.mean() > 0.5 else base * 0.5 + 0.4
    return np.where(joint[..., None], np.clip(grout, 0.0, 1.0), tint(base, tone))


def perforated(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Enamelled sheet with rows of long holes. Tiles without a seam."""
    y, x = grid(size)
    row = np.floor(y * 8)
    up, across = y * 8 - row, (x * 4 + 0.5 * (row % 2)) % 1.0
    inside = (np.abs(up - 0.5) < 0.1) & (np.abs(across - 0.5) < 0.25)
    return tint(base, (0.02 * fractal(rng, size, 4, 4, 3) - 0.24 * inside).astype(np.float32))


def tools(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Hand tools that hang on a board with holes. Tiles without a seam."""
    y, x = grid(size)
    hole = ((y * 16) % 1.0 - 0.5) ** 2 + ((x * 16) % 1.0 - 0.5) ** 2 < 0.03
    image = tint(base, (0.03 * fractal(rng, size, 4, 4, 4) - 0.45 * hole).astype(np.float32))
    steel, wood = np.array([0.55, 0.57, 0.6], np.float32), np.array([0.62, 0.42, 0.24], np.float32)
    for row in range(2):
        order = rng.permutation(5)
        for slot in range(5):
            cx, top = 0.1 + 0.2 * slot, 0.04 + 0.5 * row
            grip = _INKS[int(rng.integers(6))]
            _tool(image, int(order[slot]), y - top, x - cx, (steel, wood, grip))
    return image


def _tool(image: Image, kind: int, y: Image, x: Image, inks: tuple[Image, Image, Image]) -> None:
    """Paint one of five tools into an image; y runs down from its top, x across from its middle."""
    steel, wood, grip = inks
    if kind == 0:  # hammer
        image[_bar(y, x, 0.08, 0.42, 0.016)] = wood
        image[_bar(y, x + 0.01, 0.03, 0.1, 0.065)] = steel * 0.7
    elif kind == 1:  # screwdriver
        image[_bar(y, x, 0.02, 0.2, 0.028)] = grip
        image[_bar(y, x, 0.2, 0.4, 0.01)] = steel
    elif kind == 2:  # spanner
        image[_bar(y, x, 0.08, 0.38, 0.018)] = steel
        for middle in (0.07, 0.38):
            image[(np.hypot(y - middle, x) < 0.05) & (np.hypot(y - middle, x) > 0.02)] = steel
    elif kind == 3:  # pliers
        image[_bar(y, x, 0.02, 0.15, 0.022)] = steel * 0.8
        image[(y > 0.15) & (y < 0.42) & (np.abs(np.abs(x) - 0.15 * (y - 0.12)) < 0.013)] = grip
    else:  # saw
        image[_bar(y, x, 0.02, 0.14, 0.05) & ~_bar(y, x, 0.055, 0.11, 0.02)] = wood
        image[(y > 0.13) & (y < 0.44) & (np.abs(x + 0.1 * (y - 0.14)) < 0.05 - 0.09 * (y - 0.14))] = steel * 1.15


def _bar(y: Image, x: Image, top: float, bottom: float, half: float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (y > top) & (y < bottom) & (np.abs(x) < half)
    return inside


def packages(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Fronts of four packages side by side, each with its label."""
    image = np.empty((size, size, 3), np.float32)
    order = rng.permutation(len(_INKS))
    step = size // 4
    for index in range(4):
        _package(image[:, index * step : (index + 1) * step], rng, 0.75 * _INKS[order[index]] + 0.25 * base)
        image[:, index * step] *= 0.45
    return image


def _package(part: Image, rng: np.random.Generator, ink: Image) -> None:
    """Paint one package: its colour, a band for the name, and a picture below or above."""
    height, width = part.shape[:2]
    part[:] = ink
    other = _INKS[int(rng.integers(len(_INKS)))]
    top = int(height * rng.uniform(0.12, 0.55))
    name = part[top : top + height // 5, width // 8 : width - width // 8]
    name[:] = 0.92 if ink.mean() < 0.7 else 0.3
    name[name.shape[0] // 3 : -name.shape[0] // 3, name.shape[1] // 6 : -name.shape[1] // 6] = other * 0.8
    y, x = np.mgrid[0:height, 0:width]
    middle = top + 0.46 * height if top < 0.33 * height else 0.5 * top
    part[np.hypot((y - middle) / height, 0.5 * (x - width / 2) / width) < rng.uniform(0.1, 0.15)] = other


def goods(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Four shelves of packages in a frame of the base colour, with a price rail along each."""
    image = np.empty((size, size, 3), np.float32)
    image[:] = base * 0.4
    height = size // 4
    for row in range(4):
        bottom = (row + 1) * height - size // 24
        column = size // 40
        while column < size - size // 12:
            width, tall = int(rng.integers(size // 16, size // 8)), int(height * rng.uniform(0.5, 0.76))
            ink = _INKS[int(rng.integers(len(_INKS)))]
            label = _INKS[int(rng.integers(len(_INKS)))]
            for end in range(column + width, min(column + width * int(rng.integers(1, 4)), size - 2) + 1, width):
                image[bottom - tall : bottom, end - width : end - 1] = ink
                image[bottom - tall * 2 // 3 : bottom - tall // 3, end - width + 1 : end - 2] = label
                column = end
        image[bottom : (row + 1) * height] = base
        image[bottom + 1 : (row + 1) * height - 1, :: size // 10] = _INKS[2]
    return image


def glassware(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Three shelves of flasks and bottles, some with coloured liquid."""
    y, x = grid(size)
    image = tint(base, (0.02 * fractal(rng, size, 3, 3, 3)).astype(np.float32))
    glass = np.array([0.72, 0.84, 0.88], np.float32)
    for row in range(3):
        bottom = (row + 1) / 3.0 - 0.035
        image[((y > bottom) & (y < bottom + 0.03) & (x >= 0.0))] = base * 0.62
        for slot in range(7):
            if rng.random() < 0.15:
                continue
            up, side = bottom - y, np.abs(x - (slot + 0.5) / 7.0)
            tall, liquid = rng.uniform(0.15, 0.24), _INKS[int(rng.integers(len(_INKS)))]
            if rng.random() < 0.5:
                shape = side < np.maximum(0.055 * (1.0 - up / (0.75 * tall)), 0.017)
            else:
                shape = side < np.where(up < 0.7 * tall, 0.042, 0.02)
            shape = shape & (up > 0.0) & (up < tall)
            image[shape] = glass
            image[shape & (up < tall * rng.uniform(0.25, 0.55))] = liquid
    return image


def screen(rng: np.random.Generator, base: Image, size: int) -> Image:
    """A monitor in a dark frame: text, a chart and a task bar."""
    image = np.empty((size, size, 3), np.float32)
    image[:] = 0.08
    edge = size // 32
    image[edge:-edge, edge:-edge] = np.clip(0.35 * base + 0.12, 0.0, 1.0)
    half = int(size * rng.uniform(0.4, 0.6))
    top, bottom = size // 10, size - size // 7
    image[top:bottom, 2 * edge : half] = 0.93
    image[top:bottom, half + edge : -2 * edge] = 0.97
    for row in range(top + edge, bottom - edge, max(2, size // 24)):
        end = int(2.5 * edge + (half - 4 * edge) * rng.uniform(0.35, 1.0))
        image[row : row + max(1, size // 64), 3 * edge : end] = 0.35
    bars = np.linspace(half + 2 * edge, size - 3 * edge, 6).astype(np.intp)
    for start, end in pairwise(bars.tolist()):
        high = int((bottom - top) * rng.uniform(0.2, 0.85))
        image[bottom - high : bottom - edge, start : end - 2] = _INKS[int(rng.integers(6))]
    image[-2 * edge : -edge, edge:-edge] = 0.25
    return image


def spines(rng: np.random.Generator, base: Image, size: int) -> Image:
    """One row of books that fills the picture."""
    image = np.empty((size, size, 3), np.float32)
    column = 0
    while column < size:
        width = int(rng.integers(size // 20, size // 9))
        ink = _INKS[int(rng.integers(len(_INKS)))] * rng.uniform(0.55, 1.0) * 0.8 + 0.2 * base
        image[:, column : column + width] = ink
        image[:, column] = ink * 0.4
        for at in (0.12, 0.8):
            row = int(size * at)
            image[row : row + size // 32, column + 1 : column + width - 1] = ink * 0.5 + 0.4
        top = int(size * rng.uniform(0.25, 0.4))
        image[top : top + size // 4, column + width // 3 : column + 2 * width // 3] = 0.88
        column += width
    return image * (1.0 + 0.05 * noise(rng, size, size // 4, size // 2)[..., None])


def tags(rng: np.random.Generator, base: Image, size: int) -> Image:
    """A price rail of the base colour with its labels. Tiles without a seam along its length."""
    image = np.empty((size, size, 3), np.float32)
    image[:] = base
    step = size // 4
    for index in range(4):
        left = index * step + int(rng.integers(step // 6, step // 3))
        part = image[size // 8 : -size // 8, left : left + step // 2]
        part[:] = (0.97, 0.96, 0.9) if rng.random() < 0.7 else (0.98, 0.83, 0.2)
        part[size // 4 : -size // 4, step // 12 : step // 3] = 0.12
    return image
