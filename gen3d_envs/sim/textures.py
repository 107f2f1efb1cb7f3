"""Procedural textures: wood, stone, tiles, cloth and the like, drawn from a seed.

Every texture is (size, size, 3) uint8 sRGB, tiles without a seam unless said otherwise, and is read-only, because equal
calls share one array.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import SceneError
from gen3d_envs.sim import texture_things as things
from gen3d_envs.sim.texture_noise import Image, fractal, grid, noise, tint

Color = tuple[int, int, int]


@lru_cache(maxsize=192)
def texture(kind: str, color: Color, seed: int, size: int = 128) -> NDArray[np.uint8]:
    """A texture.

    Args:
        kind: one of :data:`KINDS`.
        color: sRGB; the mean colour of plain materials, the main colour of the others.
        seed: draws everything else.
        size: side in pixels, a power of two from 32 to 512.

    Returns:
        (size, size, 3) uint8, read-only. Row 0 is the top.

    Raises:
        SceneError: an unknown kind, or a size that is no power of two.
    """
    if kind not in _PAINTERS:
        raise SceneError("kind", kind, "no texture has this name", f"Use one of {', '.join(KINDS)}")
    if size & (size - 1) or not 32 <= size <= 512:
        raise SceneError("size", size, "is no power of two from 32 to 512", "Use 128 or 256")
    key = hashlib.sha256(f"{kind}/{seed}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(key[:16], "big"))
    base = np.asarray(color, np.float32) / np.float32(255.0)
    painted = _PAINTERS[kind](rng, base, size)
    image = np.rint(np.clip(painted, 0.0, 1.0) * 255.0).astype(np.uint8)
    image.flags.writeable = False
    return image


def _wood(rng: np.random.Generator, base: Image, size: int) -> Image:
    y, _ = grid(size)
    bend = fractal(rng, size, 4, 1, 3)
    rings = np.sin(2.0 * np.pi * (rng.integers(5, 9) * y + 1.1 * bend)).astype(np.float32)
    fibres = noise(rng, size, size // 2, 6) + 0.6 * noise(rng, size, size, 12)
    tone = 0.05 * rings + 0.045 * fibres + 0.05 * bend
    redder = np.array([0.0, 0.25, 0.5], np.float32) * np.minimum(tone, 0.0)[..., None]
    return tint(base, tone) * (1.0 + redder)


def _boards(rng: np.random.Generator, base: Image, size: int, rows: int = 6, gap: float = 0.35) -> Image:
    wood = _wood(rng, base, size)
    row = np.arange(size) * rows // size
    tones = rng.uniform(-0.11, 0.09, (rows, 2)).astype(np.float32)
    ends = rng.integers(0, size, (rows, 2))
    ends.sort(axis=1)
    column = np.arange(size)
    inside = (column[None, :] >= ends[row, :1]) & (column[None, :] < ends[row, 1:])
    tone = np.where(inside, tones[row, :1], tones[row, 1:])
    shifts = rng.integers(0, size, rows)[row]
    wood = wood[np.arange(size)[:, None], (column[None, :] + shifts[:, None]) % size]
    seam = (np.diff(row, prepend=row[-1]) != 0)[:, None] | (column[None, :] == ends[row, :1])
    seam = seam | (column[None, :] == ends[row, 1:])
    return tint(np.ones(3, np.float32), tone - gap * seam) * wood


def _scarred(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Boards with saw cuts, dents and stains of oil and paint."""
    image = _boards(rng, base, size, 4)
    y, x = grid(size)
    tone = np.zeros((size, size), np.float32)
    for _ in range(9):
        cy, cx, angle, length = rng.random(), rng.random(), rng.uniform(-0.5, 0.5), rng.uniform(0.05, 0.22)
        dx, dy = (x - cx + 0.5) % 1.0 - 0.5, (y - cy + 0.5) % 1.0 - 0.5
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        tone = tone - 0.28 * ((np.abs(along) < length) & (np.abs(across) < 0.6 / size))
    stain = fractal(rng, size, 3, 3, 4)
    tone = tone - 0.22 * np.clip(stain - 0.3, 0.0, 0.5) / 0.5 - 0.3 * (noise(rng, size, size // 5, size // 5) > 0.9)
    return tint(image, np.maximum(tone, -0.4).astype(np.float32))


def _parquet(rng: np.random.Generator, base: Image, size: int) -> Image:
    block, across = size // 4, _boards(rng, base, size, 16, 0.25)
    row, column = np.arange(size)[:, None] // block, np.arange(size)[None, :] // block
    return np.where(((row + column) % 2 == 0)[..., None], across, across.transpose(1, 0, 2))


def _marble(rng: np.random.Generator, base: Image, size: int) -> Image:
    y, x = grid(size)
    warp = fractal(rng, size, 3, 3, 4)
    vein = 1.0 - np.abs(np.sin(np.pi * (2.0 * x + y + 2.1 * warp)))
    fine = 1.0 - np.abs(np.sin(np.pi * (x - 2.0 * y + 2.8 * fractal(rng, size, 4, 4, 4))))
    return tint(base, 0.05 * warp - 0.24 * vein**9 - 0.12 * fine**12)


def _granite(rng: np.random.Generator, base: Image, size: int) -> Image:
    tone = 0.05 * fractal(rng, size, 4, 4, 3)
    grains = noise(rng, size, size // 2, size // 2)
    tone = tone + np.where(grains > 0.45, 0.16, 0.0) - np.where(grains < -0.5, 0.24, 0.0)
    return tint(base, tone.astype(np.float32))


def _terrazzo(rng: np.random.Generator, base: Image, size: int) -> Image:
    image = tint(base, 0.025 * fractal(rng, size, 8, 8, 3))
    for _ in range(3):
        chip = np.clip(base * 0.4 + rng.uniform(0.2, 0.6, 3).astype(np.float32), 0.0, 1.0)
        image = np.where((noise(rng, size, size // 6, size // 6) > 0.62)[..., None], chip, image)
    return image


def _plain(rng: np.random.Generator, base: Image, size: int) -> Image:
    return tint(base, 0.018 * fractal(rng, size, 4, 4, 3) + 0.02 * noise(rng, size, size // 2, size // 2))


def _plaster(rng: np.random.Generator, base: Image, size: int) -> Image:
    return tint(base, 0.03 * fractal(rng, size, 3, 3, 5) + 0.012 * noise(rng, size, size, size))


def _concrete(rng: np.random.Generator, base: Image, size: int) -> Image:
    stains = fractal(rng, size, 3, 3, 5)
    pores = noise(rng, size, size // 2, size // 2) > 0.82
    return tint(base, 0.1 * stains + 0.03 * noise(rng, size, size, size) - 0.12 * pores)


def _linoleum(rng: np.random.Generator, base: Image, size: int) -> Image:
    return tint(base, 0.06 * fractal(rng, size, 16, 5, 3) + 0.05 * fractal(rng, size, 5, 16, 3))


def _metal(rng: np.random.Generator, base: Image, size: int) -> Image:
    return tint(base, 0.05 * noise(rng, size, size, 3) + 0.03 * noise(rng, size, size // 2, 2))


def _cells(size: int, rows: int, columns: int, joint: float, offset: bool = False) -> tuple[Image, NDArray[np.bool_]]:
    """Number of the cell of each pixel and whether it is a joint (``joint`` is a share of the cell's height)."""
    y, x = grid(size)
    row = np.floor(y * rows)
    shift = 0.5 * (row % 2) if offset else 0.0 * row
    along = x * columns + shift
    column = np.floor(along) % columns
    edge_y, edge_x = np.abs(y * rows - row - 0.5), np.abs(along - np.floor(along) - 0.5)
    is_joint = (edge_y > 0.5 - joint / 2.0) | (edge_x > 0.5 - joint * columns / rows / 2.0)
    return (row * columns + column).astype(np.float32), is_joint


def _tiles(rng: np.random.Generator, base: Image, size: int) -> Image:
    count = int(rng.choice([3, 4, 6]))
    cell, joint = _cells(size, count, count, 0.07)
    tones = rng.uniform(-0.05, 0.05, count * count).astype(np.float32)
    tone = tones[cell.astype(np.intp)] + 0.03 * fractal(rng, size, 6, 6, 3)
    grout = np.clip(base * 0.72 + 0.04, 0.0, 1.0)
    return np.where(joint[..., None], grout, tint(base, tone))


def _checker(rng: np.random.Generator, base: Image, size: int) -> Image:
    y, x = grid(size)
    dark = (np.floor(y * 4) + np.floor(x * 4)) % 2 == 1
    _, joint = _cells(size, 4, 4, 0.04)
    other = np.clip(base * rng.uniform(0.55, 0.8) + rng.uniform(-0.05, 0.05, 3).astype(np.float32), 0.0, 1.0)
    tone = 0.03 * fractal(rng, size, 4, 4, 4) - 0.12 * joint
    return np.where(dark[..., None], other, base) * (1.0 + tone[..., None])


def _brick(rng: np.random.Generator, base: Image, size: int) -> Image:
    cell, joint = _cells(size, 8, 4, 0.16, offset=True)
    tone = rng.uniform(-0.16, 0.12, 32).astype(np.float32)[cell.astype(np.intp)] + 0.08 * fractal(rng, size, 16, 16, 3)
    mortar = np.clip(base * 0.35 + 0.45, 0.0, 1.0)
    return np.where(joint[..., None], mortar, tint(base, tone))


def _fabric(rng: np.random.Generator, base: Image, size: int) -> Image:
    y, x = grid(size)
    weave = np.sin(np.pi * y * size / 2.0) * np.sin(np.pi * x * size / 2.0)
    return tint(base, (0.06 * weave + 0.06 * noise(rng, size, size // 2, size // 2)).astype(np.float32))


def _carpet(rng: np.random.Generator, base: Image, size: int) -> Image:
    return tint(base, 0.12 * noise(rng, size, size // 2, size // 2) + 0.05 * fractal(rng, size, 4, 4, 3))


def _leather(rng: np.random.Generator, base: Image, size: int) -> Image:
    grain = np.abs(noise(rng, size, size // 4, size // 4)) + np.abs(noise(rng, size, size // 2, size // 2))
    return tint(base, (0.06 * fractal(rng, size, 3, 3, 4) + 0.07 * grain - 0.05).astype(np.float32))


def _stripes(rng: np.random.Generator, base: Image, size: int) -> Image:
    _, x = grid(size)
    band = np.sign(np.sin(2.0 * np.pi * int(rng.integers(4, 9)) * x)) * np.ones((size, 1))
    return tint(base, (0.035 * band + 0.015 * noise(rng, size, size // 2, size // 2)).astype(np.float32))


def _rug(rng: np.random.Generator, base: Image, size: int) -> Image:
    """A rug with a border. Does not tile."""
    y, x = grid(size)
    edge = np.minimum(np.minimum(y, 1.0 - y) * np.ones_like(x), np.minimum(x, 1.0 - x) * np.ones_like(y))
    accent = np.clip(base * rng.choice([0.62, 1.2]) + rng.uniform(-0.08, 0.08, 3).astype(np.float32), 0.05, 0.95)
    pattern = (np.floor(8 * np.abs(y - 0.5) + 8 * np.abs(x - 0.5)) % 3 == 0) | ((edge > 0.06) & (edge < 0.1))
    image = np.where(pattern[..., None], accent, base)
    return image * (1.0 + 0.1 * noise(rng, size, size // 2, size // 2)[..., None])


def _fronts(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Two cabinet doors with handles, side by side."""
    y, x = grid(size)
    part = (x * 2.0) % 1.0
    edge = np.minimum(np.minimum(y, 1.0 - y) * np.ones_like(x), np.minimum(part, 1.0 - part) / 2.0 * np.ones_like(y))
    tone = 0.02 * fractal(rng, size, 4, 4, 3) - 0.45 * (edge < 0.012)
    if rng.random() < 0.6:
        tone = tone - 0.1 * ((edge > 0.07) & (edge < 0.085)) + 0.035 * (edge >= 0.085)
    handle = (np.abs(part - np.where(x < 0.5, 0.86, 0.14)) < 0.03) & (np.abs(y - 0.2) < 0.07)
    steel = np.full(3, rng.choice([0.2, 0.72]), np.float32)
    return np.where(handle[..., None], steel, tint(base, tone.astype(np.float32)))


def _drawers(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Drawers above each other with long handles."""
    count = int(rng.integers(3, 6))
    y, x = grid(size)
    part = (y * count) % 1.0
    edge = np.minimum(np.minimum(part, 1.0 - part) / count * np.ones_like(x), np.minimum(x, 1.0 - x) * np.ones_like(y))
    tone = 0.02 * fractal(rng, size, 4, 4, 3) - 0.4 * (edge < 0.014)
    handle = (np.abs(x - 0.5) < 0.16) & (np.abs(part - 0.3) < 0.05)
    return np.where(handle[..., None], np.float32(rng.choice([0.22, 0.75])), tint(base, tone.astype(np.float32)))


def _books(rng: np.random.Generator, base: Image, size: int) -> Image:
    """Shelves full of books in a frame of the base colour."""
    rows = 4
    image = np.empty((size, size, 3), np.float32)
    image[:] = base * 0.35
    height = size // rows
    for row in range(rows):
        bottom = (row + 1) * height - max(2, size // 42)
        column = size // 32
        while column < size - size // 16:
            width = int(rng.integers(size // 42, size // 16))
            tall = int(height * rng.uniform(0.55, 0.85))
            if rng.random() < 0.93:
                spine = rng.uniform(0.15, 0.8, 3).astype(np.float32)
                image[bottom - tall : bottom, column : column + width] = 0.6 * spine + 0.4 * spine.mean()
                image[bottom - tall : bottom, column] *= 0.7
            column += width
        image[bottom : (row + 1) * height] = base
    image[:, : size // 32] = base
    image[:, -(size // 32) :] = base
    image[: size // 42] = base
    return image


def _window(rng: np.random.Generator, base: Image, size: int) -> Image:
    """A window of the base colour's frame with sky and trees outside."""
    y, x = grid(size)
    ones = np.ones((size, size), np.float32)
    sky = np.array([0.62, 0.78, 0.95], np.float32) * (1.0 - 0.3 * y[..., None]) + 0.3 * y[..., None]
    trees = y > 0.68 + 0.12 * fractal(rng, size, 4, 6, 4)
    image = np.where(trees[..., None], np.array([0.32, 0.46, 0.28], np.float32), sky) * ones[..., None]
    frame = (np.minimum(x, 1.0 - x) < 0.05) | (np.minimum(y, 1.0 - y) < 0.05) | (np.abs(x - 0.5) < 0.025)
    return np.where(frame[..., None], base, image)


def _poster(rng: np.random.Generator, base: Image, size: int) -> Image:
    """An abstract picture in a frame."""
    y, x = grid(size)
    image = np.empty((size, size, 3), np.float32)
    image[:] = base
    for _ in range(5):
        ink = rng.uniform(0.15, 0.95, 3).astype(np.float32)
        cy, cx, ry, rx = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), rng.uniform(0.06, 0.3), rng.uniform(0.06, 0.3)
        power = 2.0 if rng.random() < 0.5 else 8.0
        image[(np.abs((y - cy) / ry) ** power + np.abs((x - cx) / rx) ** power) < 1.0] = ink
    frame = (np.minimum(x, 1.0 - x) < 0.04) | (np.minimum(y, 1.0 - y) < 0.04)
    image[frame] = 0.15
    return image


def _board(rng: np.random.Generator, base: Image, size: int) -> Image:
    """A writing board: chalk on dark, marker on light."""
    image = tint(base, 0.04 * fractal(rng, size, 3, 3, 4))
    ink = np.float32(0.85 if base.mean() < 0.5 else 0.25)
    for line in range(6):
        row = int(size * (0.14 + 0.12 * line))
        strokes = noise(rng, size, 2, size // 3)[0] > -0.25
        strokes[: size // 10] = False
        strokes[int(size * rng.uniform(0.4, 0.92)) :] = False
        image[row : row + max(1, size // 50), strokes] = ink
    frame = np.zeros((size, size), bool)
    border = size // 32
    frame[:border], frame[-border:], frame[:, :border], frame[:, -border:] = True, True, True, True
    image[frame] = (0.55, 0.52, 0.48)
    return image


def _pegboard(rng: np.random.Generator, base: Image, size: int) -> Image:
    y, x = grid(size)
    hole = ((y * 16) % 1.0 - 0.5) ** 2 + ((x * 16) % 1.0 - 0.5) ** 2 < 0.03
    return tint(base, 0.03 * fractal(rng, size, 4, 4, 4) - 0.55 * hole)


_PAINTERS: dict[str, Callable[[np.random.Generator, Image, int], Image]] = {
    "wood": _wood, "boards": _boards, "parquet": _parquet, "marble": _marble, "granite": _granite,
    "terrazzo": _terrazzo, "laminate": _plain, "plaster": _plaster, "concrete": _concrete, "linoleum": _linoleum,
    "metal": _metal, "tiles": _tiles, "checker": _checker, "brick": _brick, "fabric": _fabric, "carpet": _carpet,
    "stripes": _stripes, "rug": _rug, "fronts": _fronts, "drawers": _drawers, "books": _books, "window": _window,
    "poster": _poster, "board": _board, "pegboard": _pegboard, "scarred": _scarred, "leather": _leather,
    "metro": things.metro, "perforated": things.perforated, "tools": things.tools, "goods": things.goods,
    "packages": things.packages, "glassware": things.glassware, "screen": things.screen, "spines": things.spines,
    "tags": things.tags,
}  # fmt: skip

KINDS: tuple[str, ...] = tuple(_PAINTERS)
"""Names of the textures."""
