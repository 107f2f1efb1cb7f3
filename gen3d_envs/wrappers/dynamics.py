"""Mass, friction, drives, grip and latency, as a wrapper; see :mod:`gen3d_envs.variations.dynamics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class DynamicsRandomization(VariationWrapper):
    """Mass, friction, drives, grip and latency.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        mass: factor on each object's mass; for some by ``target``, ``receptacle``, ``distractors``.
        friction: factor on each object's friction; for some by role, as for ``mass``.
        support_friction: factor on the table's friction.
        pad_friction: factor on the finger pads' friction.
        gain: factor on the gain of the arm's drives.
        damping: factor on the damping of the arm's drives.
        effort: factor on the largest torque of the arm's drives.
        grip: factor on the gripper's force.
        joint_friction: dry friction of the arm's joints, share of their largest torque.
        latency_s: how late commands reach the drives, s.

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        mass: Value | Mapping[str, Any] | None = None,
        friction: Value | Mapping[str, Any] | None = None,
        support_friction: Value | None = None,
        pad_friction: Value | None = None,
        gain: Value | None = None,
        damping: Value | None = None,
        effort: Value | None = None,
        grip: Value | None = None,
        joint_friction: Value | None = None,
        latency_s: Value | None = None,
    ) -> None:
        fields = {
            "mass": mass,
            "friction": friction,
            "support_friction": support_friction,
            "pad_friction": pad_friction,
            "gain": gain,
            "damping": damping,
            "effort": effort,
            "grip": grip,
            "joint_friction": joint_friction,
            "latency_s": latency_s,
        }
        super().__init__(env, group("dynamics", fields), fields)
