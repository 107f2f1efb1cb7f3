"""Where the cameras stand and look, and how wide."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from gen3d_envs.cameras import CAMERAS
from gen3d_envs.episode import Episode
from gen3d_envs.geometry import Vector
from gen3d_envs.reality import turned
from gen3d_envs.sim.view import CameraSpec
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.values import Distribution, Each, is_literal, parse, parse_each

NEAREST_FOV_RAD, WIDEST_FOV_RAD = math.radians(5.0), math.radians(150.0)


def _parse(value: Any, where: str, low: float, high: float) -> Each:
    if isinstance(value, dict) and not is_literal(value):
        return parse_each(value, where, CAMERAS, low, high)
    # A value that names no camera moves the ones that stand in the room: the wrist camera sits in a narrow mount.
    return Each(None, {"front": parse(value, where, low, high)})


def _axes(value: Distribution, rng: np.random.Generator) -> Vector:
    return value.draw(rng), value.draw(rng), value.draw(rng)


def _position(episode: Episode, setting: Each, rng: np.random.Generator) -> tuple[Episode, Any]:
    cameras, drawn = [], {}
    for spec in episode.cameras:
        value = setting.of(spec.name)
        if value is not None:
            x, y, z = spec.position_m
            dx, dy, dz = drawn[spec.name] = _axes(value, rng)
            spec = replace(spec, position_m=(x + dx, y + dy, z + dz))
        cameras.append(spec)
    return replace(episode, cameras=tuple(cameras)), drawn


def _rotation(episode: Episode, setting: Each, rng: np.random.Generator) -> tuple[Episode, Any]:
    cameras, drawn = [], {}
    for spec in episode.cameras:
        value = setting.of(spec.name)
        if value is not None:
            turn = drawn[spec.name] = _axes(value, rng)
            spec = replace(spec, forward=turned(spec.forward, np.array(turn)), up=turned(spec.up, np.array(turn)))
        cameras.append(spec)
    return replace(episode, cameras=tuple(cameras)), drawn


def _fov(episode: Episode, setting: Each, rng: np.random.Generator) -> tuple[Episode, Any]:
    cameras, drawn = [], {}
    for spec in episode.cameras:
        value = setting.of(spec.name)
        if value is not None:
            factor = drawn[spec.name] = value.draw(rng)
            spec = _wider(spec, factor)
        cameras.append(spec)
    return replace(episode, cameras=tuple(cameras)), drawn


def _wider(spec: CameraSpec, factor: float) -> CameraSpec:
    if factor == 1.0:
        return spec
    x, y = (
        min(max(2.0 * math.atan(math.tan(angle / 2.0) * factor), NEAREST_FOV_RAD), WIDEST_FOV_RAD)
        for angle in (spec.fov_x_rad, spec.fov_y_rad)
    )
    return replace(spec, fov_x_rad=x, fov_y_rad=y)


FIELDS = (
    Field("camera.position_m", lambda v, w: _parse(v, w, -1.0, 1.0), _position,
          "offset of the front camera along each axis, m; for others by camera name", pictures=True),
    Field("camera.rotation_rad", lambda v, w: _parse(v, w, -1.0, 1.0), _rotation,
          "turn of the front camera about each axis, rad; for others by camera name", pictures=True),
    Field("camera.fov", lambda v, w: _parse(v, w, 0.2, 5.0), _fov,
          "factor on the front camera's half width of view; for others by camera name", pictures=True),
)  # fmt: skip
"""Fields of the group ``camera``, in the order of application."""
