"""Objects of other scenes: added, taken away, or put in the place of a scene's own.

What is taken from another scene was certified there, as a target or a receptacle for the same robot; whether it fits
the task at hand is judged by its measures. The scene that results has no certificate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import numpy as np

from gen3d_envs.assets.asset import Asset
from gen3d_envs.build import BuiltScene
from gen3d_envs.design.layout import Placement, find_free, is_free
from gen3d_envs.episode import Episode
from gen3d_envs.errors import SceneError
from gen3d_envs.registration import benchmark_scenes, scene_names
from gen3d_envs.scenes import load_scene
from gen3d_envs.spec import ObjectSpec, Pose, SceneSpec
from gen3d_envs.spec import replace as spec_replace
from gen3d_envs.tasks.place import goal_area
from gen3d_envs.variations.dynamics import role_of
from gen3d_envs.variations.language import say
from gen3d_envs.variations.values import pick

POOLS = ("train", "heldout", "handmade", "released")
"""Where things are taken from: a split of the benchmark, or every released scene."""

SCENE_TRIES = 40
"""Other scenes that are looked into for something that fits."""

PLACE_TRIES = 6
"""Things that a place is looked for, one after the other."""

ADDED = "other_"
"""Beginning of the names of things that come from other scenes."""

ROOM_M = 0.004
"""Gap that an opening leaves around what goes into it."""

OVERHANG = 1.2
STEEP = 1.6
"""Highest thing that stands on or in something, as a multiple of its width."""


@lru_cache(maxsize=8)
def pool(split: str) -> tuple[str, ...]:
    """Names of the scenes that things are taken from; every released one where the benchmark is not installed."""
    if split == "released" or not benchmark_scenes():
        return tuple(scene_names())
    return tuple(scene_names(split=split)) or tuple(scene_names())


def swap_object(
    episode: Episode, role: Literal["target", "receptacle"], split: str, rng: np.random.Generator
) -> tuple[Episode, Any]:
    """Another target or receptacle in the place of the scene's own, asked for in plain words.

    Returns:
        The episode, and what came from where; None where the task has no such object or nothing fits.
    """
    scene, spec = episode.scene, episode.scene.spec
    index = scene.index(spec.task.target if role == "target" else spec.task.receptacle)
    if index is None or spec.task.family not in ("pick", "place"):
        return episode, None
    for source, other, asset in _offers(scene, split, role, rng):
        predicate = spec.task.predicate if role == "target" else load_scene(source).spec.task.predicate
        if not _fits_task(scene, role, asset, predicate):
            continue
        swapped = _swapped(scene, index, other, asset, predicate)
        placed: list[Placement | None] = list(episode.placements)
        at: Placement | None = episode.placements[index]
        assert at is not None
        if not is_free(swapped.spec, swapped.footprints, placed, index, at):
            placed[index] = None
            at = find_free(swapped.spec, swapped.footprints, placed, index, rng)
        if at is None:
            continue
        placements = [*episode.placements[:index], at, *episode.placements[index + 1 :]]
        sentence = say(swapped.spec)
        if sentence is None:
            continue
        spec = spec_replace(swapped.spec, instruction=sentence)
        built = BuiltScene(_posed(spec, index, at), swapped.assets)
        changed = replace(episode, scene=built, placements=placements, instruction=sentence)
        return changed, {"object": other.description, "scene": source}
    return episode, None


def hide_objects(
    episode: Episode, count: int, rng: np.random.Generator, keep: str | None = None
) -> tuple[Episode, list[str]]:
    """Up to ``count`` distractors fewer, drawn at random; none whose name begins with ``keep``.

    Returns:
        The episode, and the names of what is not there.
    """
    scene = episode.scene
    options = [
        i
        for i, item in enumerate(scene.spec.objects)
        if role_of(scene, i) == "distractors" and not (keep and item.name.startswith(keep))
    ]
    gone = sorted(int(i) for i in rng.permutation(options)[:count])
    if not gone:
        return episode, []
    kept = [i for i in range(len(scene.assets)) if i not in gone]
    names = {scene.spec.objects[i].name for i in kept} | {"support"}
    relations = tuple(r for r in scene.spec.relations if r.subject in names and r.object in names)
    spec = spec_replace(scene.spec, objects=tuple(scene.spec.objects[i] for i in kept), relations=relations)
    built = BuiltScene(spec, tuple(scene.assets[i] for i in kept))
    changed = replace(episode, scene=built, placements=[episode.placements[i] for i in kept])
    return changed, [scene.spec.objects[i].name for i in gone]


def add_objects(
    episode: Episode, count: int, split: str, role: str, rng: np.random.Generator
) -> tuple[Episode, Any]:  # fmt: skip
    """Up to ``count`` things of other scenes, of categories that are not in the scene.

    Where there is no room for one, one of the scene's own distractors makes way.

    Returns:
        The episode, and for each thing what it is, where it came from, and what made way for it.
    """
    drawn: list[dict[str, Any]] = []
    for _ in range(count):
        grown = _with_one(episode, split, role, rng)
        gone: list[str] = []
        if grown is None:
            smaller, gone = hide_objects(episode, 1, rng, ADDED)
            grown = _with_one(smaller, split, role, rng) if gone else None
        if grown is not None:
            episode, source, words = grown
            drawn.append({"object": words, "scene": source, "instead_of": gone[0] if gone else None})
    return episode, drawn


def _with_one(
    episode: Episode, split: str, role: str, rng: np.random.Generator
) -> tuple[Episode, str, str] | None:  # fmt: skip
    """The episode with one thing more, where that is from and what it is; None where nothing finds room."""
    for source, other, asset in islice(_offers(episode.scene, split, role, rng), PLACE_TRIES):
        grown = _grown(episode, other, asset, rng)
        if grown is not None:
            return grown, source, other.description
    return None


def _grown(episode: Episode, other: ObjectSpec, asset: Asset, rng: np.random.Generator) -> Episode | None:
    """The episode with one thing more; None where there is no room for it."""
    scene = episode.scene
    index = len(scene.assets)
    item = spec_replace(other, name=_free_name(scene.spec, other.category), role="distractor", pose=_pose((0, 0, 0)))
    spec = spec_replace(scene.spec, objects=(*scene.spec.objects, item))
    built = BuiltScene(spec, (*scene.assets, asset))
    at = find_free(spec, built.footprints, [*episode.placements, None], index, rng)
    if at is None:
        return None
    built = BuiltScene(_posed(spec, index, at), built.assets)
    return replace(episode, scene=built, placements=[*episode.placements, at])


def _offers(
    scene: BuiltScene, split: str, role: str, rng: np.random.Generator
) -> Iterator[tuple[str, ObjectSpec, Asset]]:
    """Things of other scenes in random order: from where, what, and its asset. None of a category that is here."""
    here = {item.category for item in scene.spec.objects}
    names = [name for name in pool(split) if name != scene.spec.name]
    for position in rng.permutation(len(names))[:SCENE_TRIES].tolist():
        other = load_scene(names[position])
        options = [
            i
            for i, item in enumerate(other.spec.objects)
            if item.category not in here
            and item.category != "mesh"
            and not other.assets[i].parts
            and role in ("any", role_of(other, i))
        ]
        if options and other.spec.robot == scene.spec.robot:
            index = pick(rng, options)
            yield names[position], other.spec.objects[index], other.assets[index]


def _fits_task(
    scene: BuiltScene, role: Literal["target", "receptacle"], asset: Asset, predicate: str | None
) -> bool:  # fmt: skip
    """Whether the task can be done with this asset in the role."""
    task = scene.spec.task
    if task.receptacle is None:
        return True
    if predicate is None:
        return False
    target, receptacle = scene.index(task.target), scene.index(task.receptacle)
    assert target is not None and receptacle is not None
    thing, holder = (asset, scene.assets[receptacle]) if role == "target" else (scene.assets[target], asset)
    return fits(thing, holder, predicate)


def fits(thing: Asset, holder: Asset, predicate: str) -> bool:
    """Whether one asset goes on or in another as it lies: by its footprint, and by its height where it could tip."""
    try:
        area = goal_area(holder, predicate)
    except SceneError:
        return False
    if (predicate == "in") != (area.low_m != area.high_m):
        return False
    short, long = sorted(thing.size_m[:2])
    if predicate == "in":
        inside = 2.0 * min(area.half_x_m, area.half_y_m) - ROOM_M
        # Along the diagonal of a rectangle, or the diameter of an ellipse.
        longest = 2.0 * (max(area.half_x_m, area.half_y_m) if area.round else math.hypot(area.half_x_m, area.half_y_m))
        return short < inside and long < longest - ROOM_M and math.hypot(short, long) < OVERHANG * longest
    top = 2.0 * min(area.half_x_m, area.half_y_m)
    return short < top and long < OVERHANG * top and thing.size_m[2] < STEEP * short


def _swapped(
    scene: BuiltScene, index: int, other: ObjectSpec, asset: Asset, predicate: str | None
) -> BuiltScene:  # fmt: skip
    """The scene with another object in one place; task and relations name it. On a plate things go on, not in."""
    spec, old = scene.spec, scene.spec.objects[index]
    name = _free_name(spec, other.category)

    def renamed(word: str | None) -> str | None:
        return name if word == old.name else word

    target, receptacle = renamed(spec.task.target), renamed(spec.task.receptacle)
    task = spec_replace(spec.task, target=target, receptacle=receptacle, predicate=predicate)
    relations = tuple(spec_replace(r, subject=renamed(r.subject), object=renamed(r.object)) for r in spec.relations)
    item = spec_replace(other, name=name, role=old.role, pose=old.pose)
    objects = (*spec.objects[:index], item, *spec.objects[index + 1 :])
    assets = (*scene.assets[:index], asset, *scene.assets[index + 1 :])
    return BuiltScene(spec_replace(spec, objects=objects, task=task, relations=relations), assets)


def _free_name(spec: SceneSpec, category: str) -> str:
    names = [item.name for item in spec.objects]
    number = 1
    while f"{ADDED}{category[:36]}_{number}" in names:
        number += 1
    return f"{ADDED}{category[:36]}_{number}"


def _pose(at: Placement) -> Pose:
    return Pose(x_m=at[0], y_m=at[1], z_m=0.0, yaw_rad=at[2])


def _posed(spec: SceneSpec, index: int, at: Placement) -> SceneSpec:
    """The scene with one object at home where it stands now."""
    item = spec_replace(spec.objects[index], pose=_pose(at))
    posed: SceneSpec = spec_replace(spec, objects=(*spec.objects[:index], item, *spec.objects[index + 1 :]))
    return posed
