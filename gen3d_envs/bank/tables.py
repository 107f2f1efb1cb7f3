"""What a benchmark is described by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "heldout", "handmade"]

SPLITS: tuple[Split, ...] = ("train", "heldout", "handmade")
"""Every split, in the order in which a bank lists them."""


@dataclass(frozen=True)
class SplitTable:
    """What the scenes of one split are drawn from.

    Attributes:
        name: ``"train"`` or ``"heldout"``.
        scenes: how many; half of them of each family, Place first.
        targets: categories that the tasks are about; each also stands around in scenes about others.
        inside, on_top: category that things are put in, or on -> the targets that are put there.
        scenery: categories that only stand around.
        rooms: style of room with the kind of support that stands in it.
        found_in: style of room -> what is found there; a room that is not named has anything.
        templates: names of instruction templates, of both families.
    """

    name: Split
    scenes: int
    targets: tuple[str, ...]
    inside: Mapping[str, tuple[str, ...]]
    on_top: Mapping[str, tuple[str, ...]]
    scenery: tuple[str, ...]
    rooms: tuple[tuple[str, str], ...]
    found_in: Mapping[str, tuple[str, ...]]
    templates: tuple[str, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category that its scenes may hold."""
        return (*self.targets, *self.inside, *self.on_top, *self.scenery)


@dataclass(frozen=True)
class Benchmark:
    """A fixed list of scenes, named and described; its plan follows from it and a seed.

    Attributes:
        name: what it is called on the command line and in a bank's index.
        splits: the generated splits.
        handmade: cards of ``registry/handmade`` that are its control scenes, without their ending.
    """

    name: str
    splits: tuple[SplitTable, ...]
    handmade: tuple[str, ...] = ()


@dataclass(frozen=True)
class SentenceBenchmark:
    """A benchmark that is a list of sentences: one scene of each, with what the designer puts around it.

    Attributes:
        name: what it is called on the command line and in a bank's index.
        train, heldout: sentences of each split.
    """

    name: str
    train: tuple[str, ...]
    heldout: tuple[str, ...] = ()
