"""Scene cards as Gymnasium IDs: ``Gen3D/<name>-v0`` for each card and ``Gen3D-<Family>-v0`` for each family.

Importing this module reads one index file and lists one folder; cards are read, and their hashes checked, when an
environment asks for them.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path

import gymnasium

from gen3d_envs.errors import SceneError
from gen3d_envs.spec import SCENE_NAME, SceneSpec, read_card

ENTRY_POINT = "gen3d_envs.env:Gen3DEnv"
FAMILIES = {"pick": "Gen3D-Pick-v0", "place": "Gen3D-Place-v0"}
_USER_CARDS: dict[str, Path] = {}


def registry_folder() -> Path:
    """Folder of the released cards, assets and index, in the checkout or in the installed package."""
    package = Path(__file__).parent
    installed = package / "registry"
    return installed if installed.is_dir() else package.parent / "registry"


def user_folder() -> Path:
    """Where the user's own scenes live: ``GEN3D_SCENES`` or the platform's data folder."""
    named = os.environ.get("GEN3D_SCENES")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_data_dir("gen3d")) / "scenes"


@lru_cache(maxsize=1)
def released() -> dict[str, dict[str, str]]:
    """Released scenes: name -> ``{"family", "hash"}``, in name order."""
    path = registry_folder() / "index.json"
    if not path.is_file():
        return {}
    index: dict[str, dict[str, str]] = json.loads(path.read_text())
    return index


def scene_names(family: str | None = None) -> list[str]:
    """Names of the released scenes, sorted; of one family where given."""
    return [name for name, row in released().items() if family in (None, row["family"])]


def card_path(scene: str) -> Path | None:
    """The file of a card given by path, or of a user's scene given by name or ID; None for all others."""
    if scene.endswith(".json"):
        return Path(scene)
    return _USER_CARDS.get(_bare(scene))


def _bare(scene: str) -> str:
    return re.sub(r"^Gen3D/(.*)-v\d+$", r"\1", scene)


def load_card(scene: str) -> tuple[SceneSpec, Path]:
    """The scene of a name or path, and the file it was read from.

    Args:
        scene: name of a released or registered scene, its Gymnasium ID, or the path of a card (``*.json``).

    Raises:
        SceneError: no such scene, an unreadable card, or a released card that was changed.
    """
    own = card_path(scene)
    if own is not None:
        return read_card(own), own
    name = _bare(scene)
    row = released().get(name)
    if row is None:
        import difflib

        near = difflib.get_close_matches(name, [*released(), *_USER_CARDS], n=3, cutoff=0.4)
        raise SceneError(
            "scene", scene, "no scene has this name",
            f"Did you mean {', '.join(near)}?" if near else "`gen3d list` shows all; a path must end in .json",
        )  # fmt: skip
    path = registry_folder() / "scenes" / f"{name}.json"
    card = read_card(path)
    if card.hash != row["hash"]:
        raise SceneError(
            f"{path.name}: hash",
            card.hash,
            "differs from the released scene",
            "Reinstall gen3d-envs: cards never change",
        )
    return card, path


def register_scene(path: str | Path) -> str:
    """Register a card of one's own and return its Gymnasium ID.

    The card is read and checked now. Registering the same name again replaces the earlier card of that name; the name
    of a released scene is refused.

    Raises:
        SceneError: the card cannot be used.
    """
    if not isinstance(path, str | Path):
        raise SceneError("path", path, "is no path", "Give the path of a scene card")
    path = Path(path).resolve()
    scene = read_card(path)
    if scene.name in released():
        if scene.hash == released()[scene.name]["hash"]:
            return f"Gen3D/{scene.name}-v0"
        raise SceneError("name", scene.name, "is the name of a released scene", "Give your scene another name")
    _USER_CARDS[scene.name] = path
    # The path, not the name, goes into the spec: a spawned worker then finds the card without registering it first.
    return _register(scene.name, {"scene": str(path)})


def _register(name: str, arguments: dict[str, object]) -> str:
    env_id = f"Gen3D/{name}-v0"
    gymnasium.registry.pop(env_id, None)
    gymnasium.register(id=env_id, entry_point=ENTRY_POINT, kwargs=arguments)
    return env_id


def register_all() -> None:
    """Register the families, the released scenes and the user's scene folder."""
    for family, env_id in FAMILIES.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(id=env_id, entry_point=ENTRY_POINT, kwargs={"family": family})
    for name in released():
        _register(name, {"scene": name})
    for name, path in user_scenes().items():
        _USER_CARDS[name] = path
        _register(name, {"scene": str(path)})


def user_scenes() -> dict[str, Path]:
    """The user's own cards by name, those whose file name can be a scene's name and is not a released one's."""
    folder = user_folder()
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    # Another file name would make the import fail; `gen3d info FILE` says what is wrong with it.
    return {p.stem: p for p in paths if p.stem not in released() and re.fullmatch(SCENE_NAME, p.stem)}
