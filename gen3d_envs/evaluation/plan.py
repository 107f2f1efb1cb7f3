"""Which episodes an evaluation consists of: the same ones for every policy, whatever runs them in which order.

An episode is a scene, a test condition (an *axis*) and a number; these and the seed of the evaluation give the seed of
its reset. A scene's episode of a number has one seed under all axes, so conditions are paired as well as policies.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any

import gymnasium
import msgspec

from gen3d_envs.axes import AXES, Axis, choose, episode_seed
from gen3d_envs.errors import FieldError
from gen3d_envs.reality import PROFILES
from gen3d_envs.registration import (
    COLLECTIONS,
    ROBOT_ID,
    SPLITS,
    benchmark_scenes,
    card_path,
    load_card,
    released,
    scene_names,
)
from gen3d_envs.robots import get_robot
from gen3d_envs.scenes import choose_scenes, load_scene
from gen3d_envs.sim.engines import DEFAULT, ENGINES
from gen3d_envs.spec import Seed, Sha256, Spec

MAX_EPISODES = 10_000
"""Most episodes of one scene under one axis."""

TRANSPORTS = ("cyclonedds", "rospy", "direct")
"""How a robot is spoken to; ``direct`` runs the same trials in the environment itself, for comparison."""

ROBOT_SCENES = 12
"""Scenes that a robot is tried in."""

AS_IS = "as_is"
"""Name of the condition in which nothing changes, where the scenes are neither of ``train`` nor of ``heldout``."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Settings(Spec, frozen=True, kw_only=True):
    """What is evaluated, and where; everything a run follows from beside the policy's own state and the versions.

    Attributes:
        policy: as ``--policy`` takes it.
        target: name of a benchmark, or a Gymnasium ID.
        split: of the benchmark; None where the ID has none.
        axes: names of axes or groups; empty for nothing but the scenes as they are.
        episodes: of each scene under each axis.
        seed: of the evaluation.
        robot: None takes the first scene's own.
        physics: name of the engine.
        reality: profile of :mod:`gen3d_envs.reality`, or None.
        obs_type, width, height, cameras, control, control_hz: of the environment.
        transport: how the robot is spoken to, of :data:`gen3d_envs.registration.ROBOT_ID`; None for all other targets.
    """

    policy: Text
    target: Text
    split: str | None = None
    axes: tuple[str, ...] = ()
    episodes: Annotated[int, msgspec.Meta(ge=1, le=MAX_EPISODES)] = 20
    seed: Seed = 0
    robot: str | None = None
    physics: str = DEFAULT
    reality: str | None = None
    obs_type: str = "pixels_agent_pos"
    width: int = 128
    height: int = 128
    cameras: tuple[str, ...] = ("front",)
    control: str = "ee_delta"
    control_hz: int = 5
    transport: str | None = None


class SceneRow(Spec, frozen=True, kw_only=True):
    """One scene of a plan: its name, the hash of its content, family and split; ``card`` where it is the user's own."""

    name: Text
    hash: Sha256
    family: Text
    split: str | None = None
    card: str | None = None


class Planned(Spec, frozen=True, kw_only=True):
    """One episode to be run: which scene and axis, which of their episodes (from 0), and the seed of the reset."""

    scene: Text
    axis: Text
    index: Annotated[int, msgspec.Meta(ge=0, lt=MAX_EPISODES)]
    seed: Seed


@dataclass(frozen=True)
class Plan:
    """A whole evaluation before anything has run.

    Attributes:
        settings: what it follows from, with the robot filled in.
        benchmark: hash of what was asked for: all scenes of the benchmark or ID with their hashes.
        scenes: those that episodes take place in.
        episodes: in the order of the result: scene by scene, axis by axis.
    """

    settings: Settings
    benchmark: str
    scenes: tuple[SceneRow, ...]
    episodes: tuple[Planned, ...]

    @property
    def sha256(self) -> str:
        """Hash of the episodes and of the worlds they take place in; the policy and what it sees are not part of it."""
        s = self.settings
        rows = [[e.scene, e.axis, e.index, e.seed] for e in self.episodes]
        world = [s.robot, s.physics, s.reality, s.control, s.control_hz]
        return _hash([self.benchmark, world, [[row.name, row.hash] for row in self.scenes], rows])


def make_plan(settings: Settings) -> Plan:
    """The plan of an evaluation.

    Args:
        settings: what is asked for.

    Raises:
        FieldError: a name that is not known, or an axis that the target cannot have.
        SceneError: no such scene, or a card that cannot be read.
    """
    _check(settings)
    everything, split = _scenes(settings)
    axes = _axes(settings.axes, split)
    by_split: dict[str | None, list[SceneRow]] = {}
    episodes: list[Planned] = []
    used: dict[str, SceneRow] = {}
    for name in dict.fromkeys(_split_of(axis, split) for axis in axes):
        by_split[name] = [row for row in everything if row.split == name]
        if not by_split[name]:
            raise FieldError("split", name, f"{settings.target} has no scene in it", f"Use one of {', '.join(SPLITS)}")
    for name, rows in by_split.items():
        for row in rows:
            for axis in axes:
                if _split_of(axis, split) != name or not axis.concerns(row.family):
                    continue
                used[row.name] = row
                episodes += [
                    Planned(scene=row.name, axis=axis.name, index=i, seed=episode_seed(settings.seed, row.name, i))
                    for i in range(settings.episodes)
                ]
    if not episodes:
        raise FieldError("axes", settings.axes, f"change nothing in {settings.target}", "`gen3d axes` lists them")
    first = everything[0]
    robot = settings.robot or load_card(first.card or first.name)[0].robot
    filled = msgspec.structs.replace(settings, robot=robot, split=split)
    return Plan(filled, _benchmark_hash(everything), tuple(used.values()), tuple(episodes))


def benchmark_hash(target: str) -> str:
    """Hash of all scenes of a benchmark or ID, as it stands in results.

    Raises:
        SceneError: no such target.
    """
    return _benchmark_hash(_scenes(Settings(policy="none", target=target))[0])


def _benchmark_hash(rows: list[SceneRow]) -> str:
    return _hash([[row.name, row.hash, row.split] for row in rows])


def condition(name: str) -> Axis:
    """The axis of a name in a plan; one that AXES no longer knows, of an old result, changes nothing here."""
    return AXES.get(name) or _as_is(None)


def nominal(names: set[str], split: str | None) -> str | None:
    """The one of some axes in which nothing but the scenes counts, for scenes of a split; None where it is missing."""
    return next((name for name in (split or AS_IS, AS_IS) if name in names), None)


def _check(settings: Settings) -> None:
    if settings.physics not in ENGINES:
        raise FieldError("physics", settings.physics, "is no engine", f"Use one of {', '.join(ENGINES)}")
    if settings.reality is not None and settings.reality not in PROFILES:
        raise FieldError("reality", settings.reality, "no such profile", f"Use one of {', '.join(PROFILES)}")
    if settings.robot is not None:
        get_robot(settings.robot)
    if settings.split is not None and settings.split not in SPLITS:
        raise FieldError("split", settings.split, "is no split", f"Use one of {', '.join(SPLITS)}")
    if settings.target == ROBOT_ID and settings.transport not in TRANSPORTS:
        raise FieldError("transport", settings.transport, "is not known here", f"Use one of {', '.join(TRANSPORTS)}")
    if settings.target == ROBOT_ID and set(settings.axes) - {AS_IS}:
        raise FieldError("axes", settings.axes, "a robot's world is varied by its reality alone", "Use --reality")
    if settings.target != ROBOT_ID and settings.transport is not None:
        raise FieldError("transport", settings.transport, f"{settings.target} is no robot", f"Use --env {ROBOT_ID}")
    if not 1 <= settings.episodes <= MAX_EPISODES:
        raise FieldError("episodes", settings.episodes, "is out of range", f"Use 1 to {MAX_EPISODES}")


def _scenes(settings: Settings) -> tuple[list[SceneRow], str | None]:
    """All scenes of the target with their splits, and the split that is asked for; None for scenes without one."""
    target, split = settings.target, settings.split
    rows = benchmark_scenes(target) if _plain(target) else {}
    if rows:
        named = [SceneRow(name=name, **row) for name, row in rows.items()]
        return named, split or "train"
    if target == ROBOT_ID and split is None:
        found = benchmark_scenes()
        return [SceneRow(name=n, hash=found[n]["hash"], family=found[n]["family"]) for n in robot_scenes()], None
    if target in COLLECTIONS:
        family = COLLECTIONS[target].get("family")
        found = released()
        named = [
            SceneRow(name=name, hash=found[name]["hash"], family=found[name]["family"], split=part)
            for part in SPLITS
            for name in scene_names(family, part)
        ]
        if not named:
            raise FieldError("env", target, "none of its scenes is installed", "Reinstall gen3d-envs")
        return named, split or "train"
    if split is not None:
        raise FieldError(
            "split", split, f"{target} has no splits", "Leave it out, or name a benchmark or a family's ID"
        )
    return [_single(name) for name in _named(target)], None


def robot_scenes() -> list[str]:
    """Scenes that a robot is tried in: the first held-out ones of the benchmark that put a thing on or in another."""
    rows = benchmark_scenes().items()
    return [name for name, row in rows if (row["family"], row["split"]) == ("place", "heldout")][:ROBOT_SCENES]


def _plain(name: str) -> bool:
    return not set(name) & {"/", "\\", "\0"} and not name.startswith(".")


def _named(target: str) -> tuple[str, ...]:
    """The scenes that an ID draws from, or the scene of a name or card."""
    if target in gymnasium.registry:
        arguments: dict[str, Any] = gymnasium.registry[target].kwargs
        return choose_scenes(arguments.get("scene"), arguments.get("family"), arguments.get("scenes"))
    return (target,)


def _single(name: str) -> SceneRow:
    own = card_path(name)
    # A card written by hand lacks its assets' hashes: what counts is the scene as it is built.
    scene = load_scene(str(own) if own is not None else name)
    spec = scene.spec
    card = None if own is None else str(own)
    return SceneRow(name=spec.name, hash=scene.hash, family=spec.task.family, card=card)


def _split_of(axis: Axis, split: str | None) -> str | None:
    return axis.split if split is not None and axis.group == "scenes" and axis.name != AS_IS else split


def _as_is(split: str | None) -> Axis:
    return Axis(AS_IS, "scenes", "nothing: the scenes as they are", split=split or "train")


def _axes(names: tuple[str, ...], split: str | None) -> tuple[Axis, ...]:
    """The axes of some names. Without any, and first of all with ``all``, the condition in which nothing changes."""
    plain = AXES[split] if split in AXES else _as_is(split)
    if not names:
        return (plain,)
    wanted = [name for name in names if name != AS_IS]
    chosen = list(choose(wanted)) if wanted else []
    if split is None:
        # Scenes that are in no split have no others to be exchanged for; "train" then means that nothing changes.
        explicit = [axis.name for axis in chosen if axis.group == "scenes" and axis.name in wanted]
        if "heldout" in explicit:
            raise FieldError("axes", "heldout", "needs other scenes", "Evaluate a benchmark or a family's ID")
        plainly = AS_IS in names or any(axis.group == "scenes" for axis in chosen)
        return ((plain,) if plainly else ()) + tuple(axis for axis in chosen if axis.group != "scenes")
    if plain not in chosen and (AS_IS in names or "all" in names):
        return (plain, *chosen)
    return tuple(chosen)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()
