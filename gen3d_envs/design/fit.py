"""What can hold what: whether a category has room for another, and in which third of its size range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gen3d_envs.assets.catalog import CATEGORIES, Category

Size = Literal["small", "medium", "large"]
Range = tuple[float, float]

OPENING = {
    "mug": 0.83, "cup": 0.77, "bowl": 0.84, "jar": 0.68, "vase": 0.4, "pot": 0.9, "pan": 0.84, "bucket": 0.76,
    "colander": 0.83, "basket": 0.78, "box": 0.92, "tray": 0.84,
}  # fmt: skip
"""Opening of a container as a share of its outer width, measured on 25 generated ones of each."""

TOP = {"plate": 0.63, "saucer": 0.61, "can": 0.78, "pan": 0.7, "tray": 0.84}
"""Flat top of a surface as a share of its outer width, measured likewise; others have 0.88 or more."""

NESTING = ("bowl",)
"""Things whose walls slant, so that a smaller one rests inside a larger one."""

OVERHANG = 1.5
"""A thing may be this much wider than what it stands on, and still stands when it is put down near the middle."""

LONG = 1.6
"""A thing longer than this multiple of the opening leans out of the container."""

FLAT_TO_LIE_ON = ("plate", "saucer", "cutting_board", "placemat", "towel", "coaster", "mousepad")
"""Surfaces that people say "in" of, or could."""


def _third(limits: Range, size: Size | None) -> Range:
    if size is None:
        return limits
    step, index = (limits[1] - limits[0]) / 3.0, ("small", "medium", "large").index(size)
    return limits[0] + index * step, limits[0] + (index + 1) * step


def _width(row: Category, size: Size | None) -> Range:
    """Range of the narrower horizontal side, m."""
    for name in ("diameter_m", "width_m", "head_m", "height_m"):
        if name in row.ranges:
            return _third(row.ranges[name], size)
    return _third(row.real_size_m, size)


def _length(row: Category, size: Size | None) -> Range:
    """Range of the longest side, m."""
    sides = [_third(limits, size) for limits in row.ranges.values()] or [_third(row.real_size_m, size)]
    return max(low for low, _ in sides), max(high for _, high in sides)


@dataclass(frozen=True)
class Fit:
    """Sizes at which the target goes on or in the receptacle.

    Attributes:
        target_size, receptacle_size: thirds to draw from; as asked for wherever that fits.
        leans: the target is so long that it will lean out or hang over.
    """

    target_size: Size | None
    receptacle_size: Size | None
    leans: bool


def find_fit(
    target: str, target_size: Size | None, receptacle: str, receptacle_size: Size | None, predicate: Literal["on", "in"]
) -> Fit | None:
    """The least change of the sizes left open at which any target fits any receptacle, if possible without leaning.

    Returns:
        The sizes, or None where none fits.
    """
    thing, holder = CATEGORIES[target], CATEGORIES[receptacle]
    flat = OPENING.get(receptacle, 0.8) if predicate == "in" else TOP.get(receptacle, 0.88)
    if target == receptacle and target in NESTING:
        flat = 1.0
    share = flat if predicate == "in" else flat * OVERHANG
    smaller: tuple[Size | None, ...] = (target_size,) if target_size else (None, "medium", "small")
    larger: tuple[Size | None, ...] = (receptacle_size,) if receptacle_size else (None, "medium", "large")
    options = sorted(
        ((a, b) for a in range(len(smaller)) for b in range(len(larger))), key=lambda pair: (pair[0] + pair[1], pair[0])
    )
    fallback: Fit | None = None
    for a, b in options:
        if _width(thing, smaller[a])[1] <= share * _width(holder, larger[b])[0]:
            room = _length(holder, larger[b])[0] * (flat if predicate == "in" else 1.0)
            leans = _length(thing, smaller[a])[1] > LONG * room and "height_m" not in thing.ranges
            fit = Fit(smaller[a], larger[b], leans)
            if not leans:
                return fit
            fallback = fallback or fit
    return fallback
