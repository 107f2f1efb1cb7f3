"""What a scene looks like: lights, room, table, textures, colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gen3d_envs.build import SEGMENT_OBJECTS
from gen3d_envs.episode import Episode
from gen3d_envs.errors import FieldError
from gen3d_envs.sim.paint import Paint
from gen3d_envs.sim.room import STYLES, SUPPORT_KINDS
from gen3d_envs.sim.view import LightSpec
from gen3d_envs.spec import replace as spec_replace
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.dynamics import ROLES, role_of
from gen3d_envs.variations.values import (
    Constant,
    Distribution,
    Each,
    is_literal,
    parse,
    parse_each,
    parse_names,
    parse_parts,
    pick,
)

PLAIN_TEXTURES = (
    "wood", "boards", "parquet", "marble", "granite", "terrazzo", "plaster", "concrete", "linoleum", "metal", "tiles",
    "checker", "brick", "fabric", "carpet", "stripes", "leather", "scarred", "laminate",
)  # fmt: skip
"""Textures that may cover anything; the others are pictures of furniture."""

ROOM_SEEDS = 64
"""Rooms of each style that are drawn from; a table likewise."""

BRIGHTEST = 1.2
"""Most that a channel's ambient and directional light may add up to: beyond it the renderer's numbers overflow."""

Channels = tuple[Distribution, Distribution, Distribution]


def _channels(low: float, high: float) -> Callable[[Any, str], Channels]:
    """Reads one value that each channel draws from by itself, or three."""

    def read(value: Any, where: str) -> Channels:
        if isinstance(value, list | tuple):
            if len(value) != 3:
                raise FieldError(where, value, "is not one value per channel", "Give one value, or three")
            red, green, blue = (parse(part, f"{where}[{index}]", low, high) for index, part in enumerate(value))
            return red, green, blue
        one = parse(value, where, low, high)
        return one, one, one

    return read


def _rgb(channels: Channels, rng: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = (channel.draw(rng) for channel in channels)
    return red, green, blue


def _lit(episode: Episode, light: LightSpec) -> Episode:
    red, green, blue = (
        min(sun, max(0.0, BRIGHTEST - sky)) for sun, sky in zip(light.directional, light.ambient, strict=True)
    )
    return replace(episode, light=replace(light, directional=(red, green, blue)))


def _ambient(episode: Episode, setting: Channels, rng: np.random.Generator) -> tuple[Episode, Any]:
    drawn = _rgb(setting, rng)
    return _lit(episode, replace(episode.light, ambient=drawn)), drawn


def _directional(episode: Episode, setting: Channels, rng: np.random.Generator) -> tuple[Episode, Any]:
    drawn = _rgb(setting, rng)
    return _lit(episode, replace(episode.light, directional=drawn)), drawn


def _direction(episode: Episode, setting: Mapping[str, Distribution], rng: np.random.Generator) -> tuple[Episode, Any]:
    azimuth, slant = setting["azimuth_rad"].draw(rng), setting["slant"].draw(rng)
    x, y, z = slant * math.cos(azimuth), slant * math.sin(azimuth), -1.0
    length = math.sqrt(x * x + y * y + z * z)
    direction = (x / length, y / length, z / length)
    drawn = {"azimuth_rad": azimuth, "slant": slant}
    return replace(episode, light=replace(episode.light, direction=direction)), drawn


def _brightness(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    factor, light = setting.draw(rng), episode.light
    ambient, directional = ((r * factor, g * factor, b * factor) for r, g, b in (light.ambient, light.directional))
    ambient = (min(ambient[0], 1.0), min(ambient[1], 1.0), min(ambient[2], 1.0))
    return _lit(episode, replace(light, ambient=ambient, directional=directional)), factor


def _room(episode: Episode, setting: tuple[str, ...], rng: np.random.Generator) -> tuple[Episode, Any]:
    style, seed = pick(rng, setting), int(rng.integers(ROOM_SEEDS))
    look = episode.look
    background = spec_replace(look.background, style=style, seed=seed)
    return replace(episode, look=replace(look, background=background)), {"style": style, "seed": seed}


def _table(episode: Episode, setting: tuple[str, ...], rng: np.random.Generator) -> tuple[Episode, Any]:
    kind, seed = pick(rng, setting), int(rng.integers(ROOM_SEEDS))
    look = episode.look
    support = spec_replace(look.support, kind=kind, seed=seed)
    return replace(episode, look=replace(look, support=support)), {"kind": kind, "seed": seed}


def _texture_parts(mix: float) -> dict[str, tuple[Any, Callable[[Any, str], Any]]]:
    return {
        "kinds": (True, lambda value, where: parse_names(value, where, PLAIN_TEXTURES)),
        "mix": (mix, lambda value, where: parse(value, where, 0.0, 1.0)),
    }


def _texture(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, str | bool | list | tuple):
        value = {"kinds": value}
    return parse_parts(value, where, _texture_parts(1.0))


def _drawn_paint(setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Paint, dict[str, Any]]:
    kind = pick(rng, setting["kinds"])
    red, green, blue = rng.integers(30, 256, 3).tolist()
    paint = Paint(kind=kind, color=(red, green, blue), seed=int(rng.integers(2**31)), mix=setting["mix"].draw(rng))
    return paint, {"kind": paint.kind, "color": paint.color, "seed": paint.seed, "mix": paint.mix}


def _surface(name: str) -> Field:
    def apply(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
        paint, drawn = _drawn_paint(setting, rng)
        return replace(episode, look=episode.look.with_surface(name, paint)), drawn

    text = f"another texture for the {name}: true, kinds, or `kinds` and `mix` (share of the texture, 0 to 1)"
    return Field(f"visual.{name}_texture", _texture, apply, text, pictures=True)


def _object_nodes(episode: Episode) -> list[tuple[str, int]]:
    """Nodes of all objects, those of their parts included, each with the index of its object."""
    return [(node.name, node.segment - SEGMENT_OBJECTS) for node in episode.scene.nodes]


def _object_colors(episode: Episode, setting: Each, rng: np.random.Generator) -> tuple[Episode, Any]:
    old, paints, drawn = dict(episode.look.nodes), {}, {}
    for node, index in _object_nodes(episode):
        value = setting.of(role_of(episode.scene, index))
        if value is not None:
            name = episode.scene.spec.objects[index].name
            if name not in drawn:
                drawn[name] = (value.draw(rng), value.draw(rng), value.draw(rng))
            tint = drawn[name]
            if tint != (1.0, 1.0, 1.0):
                paints[node] = replace(old.get(node, Paint()), tint=tint)
    return replace(episode, look=episode.look.with_nodes(paints)), drawn


def _object_textures(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    old, paints, drawn, objects = dict(episode.look.nodes), {}, {}, {}
    for index, item in enumerate(episode.scene.spec.objects):
        objects[index], drawn[item.name] = _drawn_paint(setting, rng)
    for node, index in _object_nodes(episode):
        paint = objects[index]
        paints[node] = replace(paint, tint=old[node].tint if node in old else (1.0, 1.0, 1.0), tile_m=0.08)
    return replace(episode, look=episode.look.with_nodes({n: p for n, p in paints.items() if p.mix > 0.0})), drawn


def _robot_texture(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    paint, drawn = _drawn_paint(setting, rng)
    if paint.mix <= 0.0:
        return episode, drawn
    links = {f"robot/{link.name}": replace(paint, tile_m=0.15) for link in episode.robot.model.links}
    return replace(episode, look=episode.look.with_nodes(links)), drawn


def _read_direction(value: Any, where: str) -> dict[str, Distribution]:
    return parse_parts(value, where, {
        "azimuth_rad": (Constant(0.0), lambda v, w: parse(v, w, -7.0, 7.0)),
        "slant": (Constant(0.5), lambda v, w: parse(v, w, 0.0, 3.0)),
    })  # fmt: skip


def _read_colors(value: Any, where: str) -> Each:
    if isinstance(value, Mapping) and not is_literal(value):
        return parse_each(value, where, ROLES, 0.0, 4.0)
    return Each(parse(value, where, 0.0, 4.0), {})


FIELDS = (
    Field("visual.room", lambda v, w: parse_names(v, w, STYLES), _room,
          "another room behind the table: true or styles", pictures=True),
    Field("visual.table", lambda v, w: parse_names(v, w, SUPPORT_KINDS), _table,
          "another table of the same size: true or kinds", pictures=True),
    _surface("support"), _surface("wall"), _surface("floor"),
    Field("visual.object_color", _read_colors, _object_colors,
          "factor on each colour channel of each object; for some by role", pictures=True),
    Field("visual.object_texture", _texture, _object_textures,
          "a texture over each object: true, kinds, or `kinds` and `mix`", pictures=True),
    Field("visual.robot_texture", _texture, _robot_texture,
          "a texture over the robot: true, kinds, or `kinds` and `mix`", pictures=True),
    Field("visual.ambient", _channels(0.0, 1.0), _ambient,
          "ambient light, each channel by itself, 0 to 1; or three values", pictures=True),
    Field("visual.directional", _channels(0.0, 1.0), _directional,
          "directional light, each channel by itself, 0 to 1; or three values", pictures=True),
    Field("visual.direction", _read_direction, _direction,
          "where the light goes: `azimuth_rad` and `slant` (tangent of its angle to the vertical)", pictures=True),
    Field("visual.brightness", lambda v, w: parse(v, w, 0.0, 4.0), _brightness,
          "factor on all light", pictures=True),
)  # fmt: skip
"""Fields of the group ``visual``, in the order of application."""
