"""Where the cameras stand and look, and how wide, as a wrapper; see :mod:`gen3d_envs.variations.camera`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class CameraRandomization(VariationWrapper):
    """Where the cameras stand and look, and how wide.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        position_m: offset of the front camera along each axis, m; for others by camera name.
        rotation_rad: turn of the front camera about each axis, rad; for others by camera name.
        fov: factor on the front camera's half width of view; for others by camera name.

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        position_m: Value | Mapping[str, Any] | None = None,
        rotation_rad: Value | Mapping[str, Any] | None = None,
        fov: Value | Mapping[str, Any] | None = None,
    ) -> None:
        fields = {
            "position_m": position_m,
            "rotation_rad": rotation_rad,
            "fov": fov,
        }
        super().__init__(env, group("camera", fields), fields)
