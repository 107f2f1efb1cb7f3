"""Reading a bank for the gallery: its cards, and which split each belongs to where the bank says so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen3d_envs.errors import SceneError
from gen3d_envs.registration import BENCHMARK, benchmark_scenes, load_card, released, user_scenes
from gen3d_envs.spec import SCENE_NAME, SceneSpec, read_card

RELEASED = "released"
"""The word that stands for all scenes of the package."""

INDEX = "bank.json"
"""The file in which a bank lists its scenes; a folder without one is a bank too."""

MAX_INDEX_BYTES = 64_000_000
SPLITS = ("train", "heldout", "handmade")


@dataclass(frozen=True)
class Entry:
    """A scene of a bank.

    Attributes:
        spec: as read from its card.
        path: the card.
        split: ``"train"``, ``"heldout"``, ``"handmade"`` or another word of the bank; None where it has none.
        make: what to write in Python to make it, one expression.
    """

    spec: SceneSpec
    path: Path
    split: str | None
    make: str

    @property
    def env_id(self) -> str:
        """The Gymnasium ID that the scene has once it is registered."""
        return f"Gen3D/{self.spec.name}-v0"


def read_bank(bank: str) -> tuple[list[Entry], list[str]]:
    """The scenes of a bank in the order of their names, and what is wrong with those that cannot be used.

    Args:
        bank: a folder of cards (``*.json``, there or in ``scenes/`` below it), ``"released"`` for the package's
            own scenes, or the name of the released benchmark.

    Raises:
        SceneError: no such folder, no card in it, none that can be used, or an index that cannot be read.
    """
    if bank in (RELEASED, BENCHMARK) and not Path(bank).is_dir():
        rows = released() if bank == RELEASED else dict(sorted(benchmark_scenes().items()))
        if not rows:
            raise SceneError("bank", bank, "is not installed", "Reinstall gen3d-envs")
        cards = {name: load_card(name) for name in rows}
        return [Entry(*cards[name], row.get("split"), _registered(name)) for name, row in rows.items()], []
    folder = Path(bank)
    if not folder.is_dir():
        raise SceneError("bank", bank, "is no folder", 'Give a folder of scene cards, or "released"')
    splits = read_splits(folder / INDEX)
    paths = sorted(_cards(folder), key=lambda path: path.name)
    own = {path.resolve() for path in user_scenes().values()}
    entries, problems = [], []
    seen: set[str] = set()
    for path in paths:
        try:
            spec = read_card(path)
            if spec.name in seen:
                raise SceneError(f"{path.name}: name", spec.name, "another card has this name", "Remove one of them")
        except SceneError as error:
            problems.append(str(error))
            continue
        seen.add(spec.name)
        registered = path.resolve() in own and path.stem == spec.name
        make = _registered(spec.name) if registered else f"gym.make(gen3d_envs.register_scene({str(path)!r}))"
        entries.append(Entry(spec, path, splits.get(spec.name), make))
    if not entries:
        problem = f"none of its {len(paths)} cards can be used: {problems[0]}" if problems else "holds no scene cards"
        raise SceneError("bank", bank, problem, 'Fill it with `gen3d design "..." --out FOLDER`')
    return sorted(entries, key=lambda entry: entry.spec.name), problems


def _registered(name: str) -> str:
    return f'gym.make("gen3d_envs:Gen3D/{name}-v0")'


def _cards(folder: Path) -> list[Path]:
    """Files that are named like scenes; other JSON, such as the index or the figures of a demo, is passed over."""
    paths = [*folder.glob("*.json"), *(folder / "scenes").glob("*.json")]
    return [path for path in paths if path.is_file() and re.fullmatch(SCENE_NAME, path.stem)]


def read_splits(path: Path) -> dict[str, str]:
    """Name -> split as the bank's index tells it; empty where there is no index or no splits in it.

    Two forms are read: ``{"splits": {split: [names]}}`` and ``{"scenes": {name: {"split": split}}}`` (or a list of
    records with ``name`` and ``split``).

    Raises:
        SceneError: the index is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise ValueError(f"larger than {MAX_INDEX_BYTES} bytes")
        raw = json.loads(path.read_bytes())
        if not isinstance(raw, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as error:
        raise SceneError(path.name, str(path), f"is no index ({error})", "Restore the file or remove it") from None
    return dict(_from_lists(raw.get("splits")) | _from_rows(raw.get("scenes")))


def _from_lists(splits: Any) -> dict[str, str]:
    if not isinstance(splits, Mapping):
        return {}
    return {
        name: str(split)
        for split, names in splits.items()
        if isinstance(names, list)
        for name in names
        if isinstance(name, str)
    }


def _from_rows(scenes: Any) -> dict[str, str]:
    if isinstance(scenes, Mapping):
        rows = [(name, row) for name, row in scenes.items() if isinstance(row, Mapping)]
    elif isinstance(scenes, list):
        rows = [(row.get("name"), row) for row in scenes if isinstance(row, Mapping)]
    else:
        return {}
    # Places of a plan for which no scene was found have no name.
    return {name: row["split"] for name, row in rows if isinstance(name, str) and isinstance(row.get("split"), str)}
