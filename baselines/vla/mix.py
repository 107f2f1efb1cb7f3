"""Scenes to learn to see in, by the thousand: the objects of a bank in other company, rooms and places.

What is seen together in few scenes is learned together: a network then knows scenes, and not things. Here each thing
stands beside ever other ones. Nothing is generated, only laid out: a scene costs some hundredths of a second. None is
certified, for nobody has to solve it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from gen3d_envs.assets.store import AssetStore
from gen3d_envs.bank.gen3d_100 import TRAIN
from gen3d_envs.build import build
from gen3d_envs.design.templates import TEMPLATES, phrase
from gen3d_envs.errors import FieldError, LayoutError
from gen3d_envs.processes import run_all
from gen3d_envs.spec import ObjectSpec, SceneSpec, read_card, replace, to_card

from .files import write_atomically

TRIES = 20
"""Draws for a scene that cannot be laid out."""

AROUND = (2, 4)
"""How many things stand around, least and most."""

_BATCH = 50
_TEMPLATES = {
    family: tuple(name for name in TRAIN.templates if TEMPLATES[name].family == family) for family in ("pick", "place")
}


@dataclass(frozen=True)
class Pool:
    """What is drawn from: the scenes of a bank, and all their objects by category."""

    scenes: tuple[SceneSpec, ...]
    things: dict[str, tuple[ObjectSpec, ...]]


def read_pool(bank: Path) -> Pool:
    """The pool of a folder of cards.

    Raises:
        FieldError: it holds none.
    """
    scenes = tuple(read_card(path) for path in sorted(bank.glob("*.json")) if path.name != "bank.json")
    if not scenes:
        raise FieldError("bank", str(bank), "holds no scene", "Generate some first")
    things: dict[str, list[ObjectSpec]] = {}
    for scene in scenes:
        for item in scene.objects:
            things.setdefault(item.category, []).append(item)
    return Pool(scenes, {category: tuple(each) for category, each in sorted(things.items())})


def mix(pool: Pool, store: AssetStore, k: int, seed: int) -> SceneSpec:
    """Scene ``k``: a task of the pool with other things of its categories, other things around it, in another room.

    Raises:
        LayoutError: none of :data:`TRIES` draws fits on its support.
    """
    for attempt in range(TRIES):
        scene = _draw(pool, k, np.random.default_rng([seed, k, attempt]))
        try:
            return build(scene, None, store).spec
        except LayoutError as error:
            failed = error
    raise failed


def _draw(pool: Pool, k: int, rng: np.random.Generator) -> SceneSpec:
    base, other = (pool.scenes[int(rng.integers(len(pool.scenes)))] for _ in range(2))
    task = base.task
    roles: list[tuple[str, Literal["target", "receptacle", "distractor"]]] = []
    for item in base.objects:
        if item.role in ("target", "receptacle"):
            roles.append((item.category, "target" if item.role == "target" else "receptacle"))
    own = {category for category, _ in roles}
    free = [category for category in pool.things if category not in own]
    count = int(rng.integers(AROUND[0], AROUND[1] + 1))
    roles += [(free[i], "distractor") for i in rng.choice(len(free), count, replace=False)]
    objects = []
    for category, role in roles:
        options = pool.things[category]
        thing = options[int(rng.integers(len(options)))]
        objects.append(replace(thing, name=category, role=role, pose=None))
    words = {item.role: item.description for item in objects}
    names = {role: category for category, role in roles if role != "distractor"}
    holder = names.get("receptacle")
    templates = _TEMPLATES["pick" if holder is None else "place"]
    template = templates[int(rng.integers(len(templates)))]
    if holder is None:
        sentence = phrase(template, words["target"])
    else:
        sentence = phrase(template, words["target"], words["receptacle"], "in" if task.predicate == "in" else "on")
    mixed: SceneSpec = replace(
        base, name=f"Mixed-{k:08x}", instruction=sentence, seed=int(rng.integers(2**31)), objects=tuple(objects),
        task=replace(task, target=names["target"], receptacle=holder), relations=(), support=other.support,
        background=other.background, certificates=(), warnings=(),
    )  # fmt: skip
    return mixed


def make_mixed(
    bank: Path, out: Path, count: int, seed: int, jobs: int = 1, progress: Callable[[int, int], None] | None = None
) -> tuple[str, ...]:
    """Write a folder of mixed scenes; what is there is kept, and there may be more of them than before.

    Args:
        bank: folder of the scenes to mix.
        out: folder of cards, with its own copy of the assets.
        count: scenes.
        seed: of all draws.
        jobs: processes.
        progress: called with scenes done and wanted.

    Returns:
        Names of the scenes.

    Raises:
        FieldError: the folder holds other scenes.
        LayoutError: see :func:`mix`.
    """
    out.mkdir(parents=True, exist_ok=True)
    head, path = msgspec.json.encode({"seed": seed}), out / "mixed.txt"
    if path.is_file() and path.read_bytes() != head:
        raise FieldError("out", str(out), "holds other scenes", "Use another folder")
    write_atomically(path, lambda beside: beside.write_bytes(head))
    if not (out / "assets").is_dir():
        shutil.copytree(bank / "assets", out / ".assets.new", dirs_exist_ok=True)
        (out / ".assets.new").rename(out / "assets")
    names = [f"Mixed-{k:08x}" for k in range(count)]
    missing = [k for k, name in enumerate(names) if not (out / f"{name}.json").is_file()]
    done = count - len(missing)
    work = [(bank, out, missing[i : i + _BATCH], seed) for i in range(0, len(missing), _BATCH)]
    for made in run_all(_write, work, min(jobs, max(1, len(work))), "A process was killed: run the same again."):
        done += made
        if progress is not None:
            progress(done, count)
    return tuple(names)


_POOLS: dict[Path, Pool] = {}


def _write(bank: Path, out: Path, numbers: Sequence[int], seed: int) -> int:
    if bank not in _POOLS:
        _POOLS[bank] = read_pool(bank)
    store = AssetStore((out / "assets",))
    for k in numbers:
        card = to_card(mix(_POOLS[bank], store, k, seed))
        write_atomically(out / f"Mixed-{k:08x}.json", lambda beside, card=card: beside.write_bytes(card))  # type: ignore[misc]
    return len(numbers)
