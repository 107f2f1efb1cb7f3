"""Other objects, other places, another start of the robot, as a wrapper; see :mod:`gen3d_envs.variations.layout`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class LayoutRandomization(VariationWrapper):
    """Other objects, other places, another start of the robot.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        target: another target, which fits the task, from another scene: true, or the ``split`` it comes from.
        receptacle: another receptacle, in or on which the target fits: true, or its ``split``.
        hidden: how many distractors are taken away (rounded).
        placement: how far objects may stand from the card's places: ``position_m`` along x and y, ``yaw_rad``;
            the target at least ``beyond_m`` away where there is room.
        distractors: how many things of other scenes stand around too; or ``count``, ``split`` and what they are
            there: ``role``.
        joints_rad: offset of each arm joint at the start, rad.
        move: the target is moved once, at a ``step``, by ``distance_m``, while nobody holds it.

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        target: bool | str | Mapping[str, Any] | None = None,
        receptacle: bool | str | Mapping[str, Any] | None = None,
        hidden: Value | None = None,
        placement: Value | Mapping[str, Any] | None = None,
        distractors: Value | Mapping[str, Any] | None = None,
        joints_rad: Value | None = None,
        move: Value | Mapping[str, Any] | None = None,
    ) -> None:
        fields = {
            "target": target,
            "receptacle": receptacle,
            "hidden": hidden,
            "placement": placement,
            "distractors": distractors,
            "joints_rad": joints_rad,
            "move": move,
        }
        super().__init__(env, group("layout", fields), fields)
