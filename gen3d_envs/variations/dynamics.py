"""How the physics differs: factors on mass, friction, drives and grip, and how late commands arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gen3d_envs.build import BuiltScene
from gen3d_envs.episode import Episode
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.values import Distribution, Each, parse, parse_each

ROLES = ("target", "receptacle", "distractors")
"""Parts of a scene that a value may be given for."""


def role_of(scene: BuiltScene, index: int) -> str:
    """Which of :data:`ROLES` an object plays."""
    name, task = scene.spec.objects[index].name, scene.spec.task
    return "target" if name in task.targets else "receptacle" if name in task.concerned else "distractors"


def _factors(name: str, text: str) -> Field:
    """A factor per object."""

    def apply(episode: Episode, setting: Each, rng: np.random.Generator) -> tuple[Episode, Any]:
        dynamics, scene = episode.dynamics, episode.scene
        count = len(scene.spec.objects)
        old = getattr(dynamics, name) or (1.0,) * count
        drawn = []
        for index in range(count):
            value = setting.of(role_of(scene, index))
            drawn.append(1.0 if value is None else value.draw(rng))
        factors = tuple(a * b for a, b in zip(old, drawn, strict=True))
        changes: dict[str, Any] = {name: factors}
        return replace(episode, dynamics=replace(dynamics, **changes)), drawn

    field = {"masses": "mass", "frictions": "friction"}[name]
    return Field(f"dynamics.{field}", lambda v, where: parse_each(v, where, ROLES, 0.01, 100.0), apply, text)


def _factor(name: str, text: str, field: str | None = None, low: float = 0.01, high: float = 100.0) -> Field:
    """One factor for the whole world."""

    def apply(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
        value, dynamics = setting.draw(rng), episode.dynamics
        return replace(episode, dynamics=replace(dynamics, **{name: getattr(dynamics, name) * value})), value

    return Field(f"dynamics.{field or name}", _bounded(low, high), apply, text)


def _bounded(low: float, high: float) -> Callable[[Any, str], Distribution]:
    return lambda value, where: parse(value, where, low, high)


def _joint_friction(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    value = setting.draw(rng)
    share = min(episode.dynamics.joint_friction + value, 0.9)
    return replace(episode, dynamics=replace(episode.dynamics, joint_friction=share)), value


def _latency(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    value = setting.draw(rng)
    return replace(episode, latency_s=episode.latency_s + value), value


FIELDS = (
    _factors("masses", "factor on each object's mass; for some by `target`, `receptacle`, `distractors`"),
    _factors("frictions", "factor on each object's friction; for some by role, as for `mass`"),
    _factor("support_friction", "factor on the table's friction"),
    _factor("pad_friction", "factor on the finger pads' friction"),
    _factor("stiffness", "factor on the gain of the arm's drives", field="gain"),
    _factor("damping", "factor on the damping of the arm's drives"),
    _factor("effort", "factor on the largest torque of the arm's drives"),
    _factor("grip", "factor on the gripper's force"),
    Field("dynamics.joint_friction", _bounded(0.0, 0.9), _joint_friction,
          "dry friction of the arm's joints, share of their largest torque"),
    Field("dynamics.latency_s", _bounded(0.0, 2.0), _latency, "how late commands reach the drives, s"),
)  # fmt: skip
"""Fields of the group ``dynamics``, in the order of application."""
