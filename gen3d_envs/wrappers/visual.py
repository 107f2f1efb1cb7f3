"""Lights, textures, colours, table and room, as a wrapper; see :mod:`gen3d_envs.variations.visual`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class VisualRandomization(VariationWrapper):
    """Lights, textures, colours, table and room.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        room: another room behind the table: true or styles.
        table: another table of the same size: true or kinds.
        support_texture: another texture for the support: true, kinds, or ``kinds`` and ``mix`` (share of the
            texture, 0 to 1).
        wall_texture: another texture for the wall: true, kinds, or ``kinds`` and ``mix`` (share of the texture,
            0 to 1).
        floor_texture: another texture for the floor: true, kinds, or ``kinds`` and ``mix`` (share of the
            texture, 0 to 1).
        object_color: factor on each colour channel of each object; for some by role.
        object_texture: a texture over each object: true, kinds, or ``kinds`` and ``mix``.
        robot_texture: a texture over the robot: true, kinds, or ``kinds`` and ``mix``.
        ambient: ambient light, each channel by itself, 0 to 1; or three values.
        directional: directional light, each channel by itself, 0 to 1; or three values.
        direction: where the light goes: ``azimuth_rad`` and ``slant`` (tangent of its angle to the vertical).
        brightness: factor on all light.

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        room: bool | str | Sequence[str] | None = None,
        table: bool | str | Sequence[str] | None = None,
        support_texture: bool | str | Sequence[str] | Mapping[str, Any] | None = None,
        wall_texture: bool | str | Sequence[str] | Mapping[str, Any] | None = None,
        floor_texture: bool | str | Sequence[str] | Mapping[str, Any] | None = None,
        object_color: Value | Mapping[str, Any] | None = None,
        object_texture: bool | str | Sequence[str] | Mapping[str, Any] | None = None,
        robot_texture: bool | str | Sequence[str] | Mapping[str, Any] | None = None,
        ambient: Value | Sequence[Value] | None = None,
        directional: Value | Sequence[Value] | None = None,
        direction: Mapping[str, Any] | None = None,
        brightness: Value | None = None,
    ) -> None:
        fields = {
            "room": room,
            "table": table,
            "support_texture": support_texture,
            "wall_texture": wall_texture,
            "floor_texture": floor_texture,
            "object_color": object_color,
            "object_texture": object_texture,
            "robot_texture": robot_texture,
            "ambient": ambient,
            "directional": directional,
            "direction": direction,
            "brightness": brightness,
        }
        super().__init__(env, group("visual", fields), fields)
