"""Noise, blur, colours, delay and lost frames, as a wrapper; see :mod:`gen3d_envs.variations.sensing`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class SensingRandomization(VariationWrapper):
    """Noise, blur, colours, delay and lost frames.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        blur: blur of the pictures, pixels at 128.
        jitter: the pictures' colours: factors ``brightness``, ``contrast``, ``saturation``, turn ``hue``,
            exponent ``gamma``.
        overlay: share of a texture laid over each picture, elsewhere in each; or ``mix`` and ``kinds``.
        noise: standard deviation of the pixels' noise, of 255.
        agent_pos: standard deviation of the noise on ``agent_pos``: ``position_m``, ``angle_rad``, ``gripper``.
        delay: how many control steps late observations arrive (rounded).
        dropout: share of the steps whose pictures are lost.

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        blur: Value | None = None,
        jitter: Value | Mapping[str, Any] | None = None,
        overlay: Value | Mapping[str, Any] | None = None,
        noise: Value | None = None,
        agent_pos: Value | Mapping[str, Any] | None = None,
        delay: Value | None = None,
        dropout: Value | None = None,
    ) -> None:
        fields = {
            "blur": blur,
            "jitter": jitter,
            "overlay": overlay,
            "noise": noise,
            "agent_pos": agent_pos,
            "delay": delay,
            "dropout": dropout,
        }
        super().__init__(env, group("sensing", fields), fields)
