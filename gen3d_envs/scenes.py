"""Scenes by name: which ones an environment draws from, each built once per process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from gen3d_envs.build import BuiltScene, build
from gen3d_envs.errors import FieldError, SceneError
from gen3d_envs.registration import FAMILIES, card_path, load_card, scene_names


def choose_scenes(
    scene: str | None,
    family: str | None,
    scenes: Sequence[str] | None,
    split: str | None = None,
    num_scenes: int | None = None,
) -> tuple[str, ...]:
    """The names that an environment draws from: the scene, else the scenes, else the benchmark's of family and split.

    Raises:
        FieldError: both a scene and scenes, no text where a name should be, an unknown family, or a number of scenes
            beside named ones.
        SceneError: an unknown split, a number out of range, or no scenes.
    """
    if scene is not None and scenes is not None:
        raise FieldError("scenes", scenes, "is given beside scene", "Give one of the two")
    if num_scenes is not None and (scene is not None or scenes is not None):
        raise FieldError("num_scenes", num_scenes, "is given beside named scenes", "Give one of the two")
    if scene is not None:
        scenes = (scene,)
    if scenes is not None:
        listed = (scenes,) if isinstance(scenes, str) else tuple(scenes)
        if not listed or not all(isinstance(name, str) for name in listed):
            raise FieldError("scenes", scenes, "is no list of names", "Name at least one scene, as text")
        return listed
    if family is None and split is None:
        raise FieldError("scene", scene, "names no scene", "Give split, scene, scenes or family")
    if family is not None and family not in FAMILIES:
        raise FieldError("family", family, "is not known", f"Use one of {', '.join(FAMILIES)}")
    names = tuple(scene_names(family, split or "train", num_scenes))
    if not names:
        raise SceneError(
            "split", split, f"no {family or ''} scene of it is installed".replace("  ", " "), "Reinstall gen3d-envs"
        )
    return names


def load_scene(name: str) -> BuiltScene:
    """The built scene of a name, ID or path; built once per process, and again when the file of a path changes.

    Raises:
        SceneError: see :func:`gen3d_envs.registration.load_card`.
    """
    path = card_path(name)
    return _load_scene(name if path is None else str(path.absolute()), 0 if path is None else _changed(path))


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=256)
def _load_scene(name: str, changed: int) -> BuiltScene:
    card, path = load_card(name)
    return build(card, Path(path).parent)
