"""How the fields of a randomization are put together: each by itself, all in a fixed order.

A *field* is one quantity that may vary, such as ``dynamics.mass``. It draws from a generator of its own, which hangs on
the episode and on the field's name alone. So fields may be given in any order and in any number of wrappers, and one
more or one fewer changes no draw of the others: episodes under two test conditions stay paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gen3d_envs.episode import Episode
from gen3d_envs.errors import FieldError


@dataclass(frozen=True)
class Field:
    """One quantity that may vary.

    Attributes:
        name: group and name, e.g. ``"dynamics.mass"``; also the key of the drawn value in ``info["variation"]``.
        parse: reads a setting: (value, name for errors) -> what ``apply`` gets; raises FieldError.
        apply: (episode, setting, generator) -> the changed episode and what was drawn, as JSON.
        text: what the setting means, for the documentation.
        pictures: it changes what is seen, not what happens.
    """

    name: str
    parse: Callable[[Any, str], Any]
    apply: Callable[[Episode, Any, np.random.Generator], tuple[Episode, Any]]
    text: str
    pictures: bool = False


class Randomization:
    """All that varies in one environment, as one variation, see :data:`gen3d_envs.episode.Variation`.

    Args:
        order: every field there is, in the order in which they are applied.
    """

    def __init__(self, order: Iterable[Field]) -> None:
        self._order = {field.name: field for field in order}
        self._ranks = {name: rank for rank, name in enumerate(self._order)}
        self._settings: dict[str, Any] = {}

    def add(self, settings: dict[str, Any]) -> None:
        """Let more fields vary: name -> what ``Field.parse`` gave.

        Raises:
            FieldError: a field varies already: which of two settings holds would hang on the order of the wrappers.
        """
        for name, setting in settings.items():
            if name in self._settings:
                raise FieldError(name, setting, "varies already", "Give each field once, or take the other wrapper off")
        merged = {**self._settings, **settings}
        self._settings = {name: merged[name] for name in sorted(merged, key=self._ranks.__getitem__)}

    def remove(self, names: Iterable[str]) -> None:
        """Let fields vary no more; unknown ones are passed over."""
        for name in names:
            self._settings.pop(name, None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what varies, in the order of application."""
        return tuple(self._settings)

    def __call__(self, episode: Episode, rng: np.random.Generator) -> Episode:
        """The episode with every field drawn; the values stand in ``drawn`` under the fields' names."""
        if not self._settings:
            return episode
        seed, drawn = int(rng.integers(2**63)), dict(episode.drawn)
        for name, setting in self._settings.items():
            episode, value = self._order[name].apply(episode, setting, own_generator(seed, name))
            drawn[name] = value
        return replace(episode, drawn=drawn)


def own_generator(seed: int, name: str) -> np.random.Generator:
    """A generator that depends on an episode's seed and a name only."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
