"""What can hold what: whether a category has room for another, and in which third of its size range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gen3d_envs.assets.catalog import CATEGORIES, Category

Size = Literal["small", "medium", "large"]
Range = tuple[float, float]

WALL = 0.85
"""Opening of a container as a share of its outer width: walls and rounded corners take the rest."""

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
    """The least change of the sizes that were left open at which any target of the category fits any receptacle.

    Returns:
        The sizes, or None where none fits.
    """
    thing, holder = CATEGORIES[target], CATEGORIES[receptacle]
    share = WALL if predicate == "in" else OVERHANG
    smaller: tuple[Size | None, ...] = (target_size,) if target_size else (None, "medium", "small")
    larger: tuple[Size | None, ...] = (receptacle_size,) if receptacle_size else (None, "medium", "large")
    options = sorted(
        ((a, b) for a in range(len(smaller)) for b in range(len(larger))), key=lambda pair: (pair[0] + pair[1], pair[0])
    )
    for a, b in options:
        if _width(thing, smaller[a])[1] <= share * _width(holder, larger[b])[0]:
            room = _width(holder, larger[b])[0] * (WALL if predicate == "in" else 1.0)
            leans = _length(thing, smaller[a])[1] > LONG * room and "height_m" not in thing.ranges
            return Fit(smaller[a], larger[b], leans)
    return None
