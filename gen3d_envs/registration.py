"""Scene cards as Gymnasium IDs.

``Gen3D/<name>-v0`` is one card, ``Gen3D-<Family>-v0`` the benchmark's scenes of a family and ``Gen3D-100-v0`` those of
all. Importing this module reads the index files and lists one folder; cards are read, and their hashes checked, when an
environment asks for them. Folders of many cards are not listed at all: see ``lazy_registry``.
"""

from __future__ import annotations

import json
import operator
import os
import re
from functools import lru_cache
from pathlib import Path

import gymnasium
from gymnasium.envs.registration import EnvSpec

from gen3d_envs.errors import SceneError
from gen3d_envs.spec import SCENE_NAME, SceneSpec, read_card

ENTRY_POINT = "gen3d_envs.env:Gen3DEnv"
FAMILIES = {
    "pick": "Gen3D-Pick-v0", "place": "Gen3D-Place-v0", "stack": "Gen3D-Stack-v0", "push": "Gen3D-Push-v0",
    "sort": "Gen3D-Sort-v0", "rearrange": "Gen3D-Rearrange-v0", "open": "Gen3D-Open-v0", "close": "Gen3D-Close-v0",
}  # fmt: skip
"""The ID of each family of tasks."""

BENCHMARK = "gen3d-100"
FAMILY_BENCHMARKS = {
    **dict.fromkeys(("stack", "push", "sort", "rearrange"), "gen3d-tasks"),
    **dict.fromkeys(("open", "close"), "gen3d-openings"),
}
"""Where the scenes of a family are, if not in :data:`BENCHMARK`."""

BENCHMARK_ID = "Gen3D-100-v0"
COLLECTIONS: dict[str, dict[str, str]] = {
    **{env_id: {"family": family} for family, env_id in FAMILIES.items()}, BENCHMARK_ID: {"split": "train"},
}  # fmt: skip
"""IDs that draw one of many scenes at each reset, with their arguments."""

ROBOT_ID = "Gen3D-RealRobot-v0"
ROBOT_ENTRY_POINT = "gen3d_envs.baselines.ros.env:RealRobotEnv"
"""A robot over ROS; named here and never imported: baselines import the core."""

SPLITS = ("train", "heldout", "handmade")
LARGE_FOLDER = 1000
"""Cards of a folder that are listed at import; a larger one is looked into when an ID is asked for."""

_USER_CARDS: dict[str, Path] = {}
_LARGE_FOLDERS: list[Path] = []


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
    """Released scenes: name -> ``{"family", "hash"}``, in name order; those of a benchmark with ``"split"`` too."""
    path = registry_folder() / "index.json"
    index: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.is_file() else {}
    own = [BENCHMARK, *dict.fromkeys(FAMILY_BENCHMARKS.values())]
    return dict(sorted({**index, **{n: row for name in own for n, row in benchmark_scenes(name).items()}}.items()))


@lru_cache(maxsize=8)
def benchmark_scenes(benchmark: str = BENCHMARK) -> dict[str, dict[str, str]]:
    """Scenes of a released benchmark: name -> ``{"family", "hash", "split"}``, in the benchmark's own fixed order."""
    path = benchmark_folder(benchmark) / "bank.json"
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text())["scenes"]
    return {
        row["name"]: {key: row[key] for key in ("family", "hash", "split")} for row in rows if row["name"] is not None
    }


def benchmark_folder(benchmark: str = BENCHMARK) -> Path:
    """Folder of a released benchmark: its cards, ``assets.pack`` and ``bank.json``."""
    return registry_folder() / "banks" / benchmark


def scene_names(family: str | None = None, split: str | None = None, num_scenes: int | None = None) -> list[str]:
    """Names of released scenes.

    Without any argument all of them, sorted. Otherwise those of the benchmark, in its fixed order: smaller numbers give
    beginnings of larger ones.

    Args:
        family: one of :data:`FAMILIES`; all of the benchmark gen3d-100 where None.
        split: ``"train"`` (also where None), ``"heldout"`` or ``"handmade"``.
        num_scenes: at most this many, the first ones; a family that has fewer in the split gives all it has.

    Raises:
        SceneError: an unknown split, or a number that is not from 1 to the number of scenes in the split.
    """
    if (family, split, num_scenes) == (None, None, None):
        return list(released())
    split = "train" if split is None else split
    if split not in SPLITS:
        raise SceneError("split", split, "is no split", f"Use one of {', '.join(SPLITS)}")
    scenes = benchmark_scenes(FAMILY_BENCHMARKS.get(family or "", BENCHMARK))
    rows = {name: row for name, row in scenes.items() if row["split"] == split}
    names = [name for name, row in rows.items() if family in (None, row["family"])]
    if num_scenes is None:
        return names
    try:
        count = -1 if isinstance(num_scenes, bool) else operator.index(num_scenes)
    except TypeError:
        count = -1
    if not 1 <= count <= len(rows):
        raise SceneError(
            "num_scenes",
            num_scenes,
            "is no number of scenes of this split",
            f"Use a whole number from 1 to {len(rows)}",
        )
    return names[:count]


def card_path(scene: str) -> Path | None:
    """The file of a card given by path, or of a user's scene given by name or ID; None for all others."""
    if scene.endswith(".json"):
        return Path(scene)
    name = _bare(scene)
    return _USER_CARDS.get(name) or _found(name)


def _found(name: str) -> Path | None:
    """The card of a name in one of the large folders."""
    if not re.fullmatch(SCENE_NAME, name) or name in released():
        return None
    return next((path for folder in _LARGE_FOLDERS if (path := folder / f"{name}.json").is_file()), None)


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
    folder = registry_folder() / "scenes"
    if "split" in row:
        folder = benchmark_folder(FAMILY_BENCHMARKS.get(row["family"], BENCHMARK))
    path = folder / f"{name}.json"
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


def register_folder(folder: str | Path) -> None:
    """Register every card of a folder, e.g. of a bank, under ``Gen3D/<name>-v0``.

    A folder of more than :data:`LARGE_FOLDER` cards is not listed: its IDs are found when they are asked for. Files
    whose name cannot be that of a scene, and names of released scenes, are passed over; a folder that is not there is
    empty.
    """
    folder = Path(folder).absolute()
    names = _card_names(folder, LARGE_FOLDER + 1)
    if len(names) > LARGE_FOLDER:
        if folder not in _LARGE_FOLDERS:
            _LARGE_FOLDERS.append(folder)
        from gen3d_envs import lazy_registry

        lazy_registry.install(_find)
        return
    for name in names:
        _USER_CARDS[name] = folder / f"{name}.json"
        _register(name, {"scene": str(folder / f"{name}.json")})


def _find(env_id: str) -> EnvSpec | None:
    """The spec of a card in one of the large folders."""
    match = re.fullmatch(r"Gen3D/(.*)-v0", env_id) if isinstance(env_id, str) else None
    path = None if match is None else _found(match.group(1))
    return None if path is None else EnvSpec(env_id, ENTRY_POINT, kwargs={"scene": str(path)})


def _register(name: str, arguments: dict[str, object]) -> str:
    # Into the dictionary itself: gymnasium.register() looks through all others each time.
    env_id = f"Gen3D/{name}-v0"
    gymnasium.registry[env_id] = EnvSpec(env_id, ENTRY_POINT, kwargs=arguments)
    return env_id


def register_all() -> None:
    """Register the families, the released scenes and the user's scene folder."""
    for env_id, arguments in COLLECTIONS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(id=env_id, entry_point=ENTRY_POINT, kwargs=dict(arguments))
    if ROBOT_ID not in gymnasium.registry:
        gymnasium.register(id=ROBOT_ID, entry_point=ROBOT_ENTRY_POINT)
    for name in released():
        _register(name, {"scene": name})
    register_folder(user_folder())


def user_scenes() -> dict[str, Path]:
    """The user's own cards by name, those whose file name can be a scene's name and is not a released one's."""
    folder = user_folder()
    return {name: folder / f"{name}.json" for name in _card_names(folder)}


def _card_names(folder: Path, most: int | None = None) -> list[str]:
    """Sorted names of cards in a folder; no more than ``most`` of a large one."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, dot, kind = entry.name.rpartition(".")
                # Another file name would make the import fail; `gen3d info FILE` says what is wrong with it.
                if (dot, kind) == (".", "json") and re.fullmatch(SCENE_NAME, name) and name not in released():
                    names.append(name)
                    if most is not None and len(names) >= most:
                        break
    except OSError:
        return []
    return sorted(names)
