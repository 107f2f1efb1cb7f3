"""Scenes by name: which ones an environment draws from, each built once per process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from gen3d_envs.build import BuiltScene, build
from gen3d_envs.errors import FieldError, SceneError
from gen3d_envs.registration import FAMILIES, load_card, scene_names


def choose_scenes(scene: str | None, family: str | None, scenes: Sequence[str] | None) -> tuple[str, ...]:
    """The names that an environment draws from, of which exactly one argument says what they are.

    Raises:
        FieldError: none or several of the arguments are given, or an unknown family.
        SceneError: the family has no scenes.
    """
    if sum(choice is not None for choice in (scene, family, scenes)) != 1:
        raise FieldError(
            "scene", scene, "give exactly one of scene, family and scenes", "Name one scene, or one family"
        )
    if scene is not None:
        return (str(scene),)
    if scenes is not None:
        if not scenes:
            raise FieldError("scenes", scenes, "is empty", "Name at least one scene")
        return tuple(scenes)
    if family not in FAMILIES:
        raise FieldError("family", family, "is not known", f"Use one of {', '.join(FAMILIES)}")
    names = tuple(scene_names(family))
    if not names:
        raise SceneError("family", family, "no scene of this family is installed", "Reinstall gen3d-envs")
    return names


def load_scene(name: str) -> BuiltScene:
    """The built scene of a name, ID or path; built once per process, and again when the file of a path changes.

    Raises:
        SceneError: see :func:`gen3d_envs.registration.load_card`.
    """
    changed = Path(name).stat().st_mtime_ns if name.endswith(".json") and Path(name).is_file() else 0
    return _load_scene(name, changed)


@lru_cache(maxsize=256)
def _load_scene(name: str, changed: int) -> BuiltScene:
    card, path = load_card(name)
    return build(card, Path(path).parent)
