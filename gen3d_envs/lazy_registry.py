"""Gymnasium's registry with IDs that are looked up when they are asked for.

A folder of many scenes would make every import slow if each card had to be listed. Where a folder is that large,
``gymnasium.registry`` is replaced by a view of the same dictionary that asks a function about IDs it does not hold;
what is found is put into the dictionary. Whoever kept the dictionary itself sees everything that was made, and listings
show what is in use instead of a hundred thousand lines.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView

import gymnasium
import gymnasium.envs
import gymnasium.envs.registration
from gymnasium.envs.registration import EnvSpec

Find = Callable[[str], EnvSpec | None]
"""The spec of an ID, or None where there is none."""


class LazyRegistry(MutableMapping[str, EnvSpec]):
    """A view of a registry that finds missing IDs.

    Args:
        known: the registry; stays the only place where specs are kept.
        find: asked for IDs that are not in it.
    """

    def __init__(self, known: dict[str, EnvSpec], find: Find) -> None:
        self._known, self._find = known, find

    def __getitem__(self, env_id: str) -> EnvSpec:
        if env_id not in self._known:
            spec = self._find(env_id)
            if spec is None:
                raise KeyError(env_id)
            self._known[env_id] = spec
        return self._known[env_id]

    def __setitem__(self, env_id: str, spec: EnvSpec) -> None:
        self._known[env_id] = spec

    def __delitem__(self, env_id: str) -> None:
        del self._known[env_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    # The dictionary's own views: Gymnasium walks through all values at each make.
    def keys(self) -> KeysView[str]:
        """IDs that were made or registered one by one."""
        return self._known.keys()

    def values(self) -> ValuesView[EnvSpec]:
        """Their specs."""
        return self._known.values()

    def items(self) -> ItemsView[str, EnvSpec]:
        """Both."""
        return self._known.items()

    def copy(self) -> dict[str, EnvSpec]:
        """A dictionary of what is known now."""
        return dict(self._known)

    def __repr__(self) -> str:
        return repr(self._known)


def install(find: Find) -> None:
    """Let Gymnasium's registry find IDs by ``find``; a second call does nothing."""
    registration = gymnasium.envs.registration
    if isinstance(registration.registry, LazyRegistry):
        return
    view = LazyRegistry(registration.registry, find)
    for module in (gymnasium, gymnasium.envs, registration):
        module.registry = view  # type: ignore[attr-defined]
