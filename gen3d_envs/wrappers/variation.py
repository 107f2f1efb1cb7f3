"""What all randomization wrappers share: they put fields into their environment and take them out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.variations.base import Randomization
from gen3d_envs.variations.table import PAPER, randomization_of, read, read_group
from gen3d_envs.variations.values import to_literal


class VariationWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Lets some fields of an environment vary at every reset.

    The drawn values stand in the reset's ``info["variation"]`` under the fields' names. Every field draws from a
    generator of its own, so wrappers may be put on in any order: the episodes are the same, bit for bit. A field that
    varies already is refused: take the other wrapper off first. Between resets nothing is paid for but what an effect
    itself does. Closing takes the fields out.

    Args:
        env: an environment of this package, wrapped or not.
        settings: what varies, as :func:`gen3d_envs.variations.table.read` gives it.
        arguments: the subclass's own arguments, for the ``EnvSpec``.

    Raises:
        FieldError: the environment is none of this package, or a field varies already.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], settings: Mapping[str, Any], arguments: Mapping[str, Any]
    ) -> None:  # fmt: skip
        given = {name: to_literal(value) for name, value in arguments.items() if value is not None}
        RecordConstructorArgs.__init__(self, **given)
        gymnasium.Wrapper.__init__(self, env)
        base = env.unwrapped
        if not isinstance(base, Gen3DEnv):
            raise FieldError("env", type(base).__name__, "is not a Gen3D environment", "Give one made from a Gen3D ID")
        self._variations = base.variations
        self._fields = tuple(settings)
        found = next((item for item in base.variations if isinstance(item, Randomization)), None)
        if found is None:
            base.variations.append(randomization_of(settings))
        else:
            found.add(dict(settings))

    def close(self) -> None:
        """Let nothing vary any more, and close the environment."""
        for item in self._variations:
            if isinstance(item, Randomization):
                item.remove(self._fields)
        self._fields = ()
        super().close()


class Randomize(VariationWrapper):
    """Anything that may vary, as ``gym.make(..., randomization=...)`` takes it.

    Args:
        env: an environment of this package.
        randomization: ``"paper"``, ``"none"`` or a mapping of groups to mappings of fields to settings.

    Raises:
        FieldError: see :func:`gen3d_envs.variations.table.read` and :class:`VariationWrapper`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], randomization: str | Mapping[str, Any]) -> None:
        super().__init__(env, read(randomization), {"randomization": randomization})


class PaperRandomization(VariationWrapper):
    """Exactly the ranges of arXiv 2603.18532.

    Object position +-0.15 m, yaw 0 to 2 pi, joints +-0.1 rad, camera position +-0.05 m, ambient light 0 to 0.6 in each
    channel. Objects that would leave the reach, the view or the table, or touch each other, are drawn again.

    Args:
        env: an environment of this package.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env, read(PAPER), {})


def group(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of one group from keyword arguments; None leaves a field alone."""
    return read_group(name, fields, name)
