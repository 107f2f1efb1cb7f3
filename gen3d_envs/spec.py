"""The description of a scene: what is in it, where, and what is to be done.

A :class:`SceneSpec` is pure data. It is designed from a sentence, laid out, certified and stored as a JSON *card*; the
same card always rebuilds the same scene. Units are in the names (m, rad, kg), angles are right-handed about +z, and
positions are in the *scene frame*: origin on the top of the support below the default robot's base, x ahead of the
robot, y to its left, z up.
"""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gen3d_envs.errors import SceneError

SCHEMA_VERSION = 1
"""Version of the card format. A card of a later version is refused, never guessed at."""

MAX_CARD_BYTES = 4_000_000
"""Size limit of a scene card on disk."""

SCENE_NAME = r"^[A-Z][A-Za-z0-9]{0,63}(-[0-9a-f]{4,12})?$"
"""What a scene may be called: part of a Gymnasium ID and of a file name."""

Role = Literal["target", "receptacle", "distractor"]
Predicate = Literal["on", "in", "next_to", "left_of", "right_of", "in_front_of", "behind"]
GoalPredicate = Literal["on", "in", "next_to", "left_of", "right_of", "in_front_of", "behind", "at"]
Family = Literal["pick", "place", "stack", "push", "sort", "rearrange", "open", "close"]

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Coordinate = Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)]


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all spec records: immutable, keyword-only, unknown fields refused."""


class Pose(Spec, kw_only=True):
    """Pose of an object at rest: the asset's frame in the scene frame, turned about the vertical only."""

    x_m: Coordinate
    y_m: Coordinate
    z_m: Coordinate
    yaw_rad: Annotated[float, msgspec.Meta(ge=-7.0, le=7.0)]


class MeshSpec(Spec, kw_only=True):
    """A foreign mesh used instead of a procedural category.

    ``file`` is relative to the scene's own folder and may not climb out of it.
    """

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    sha256: Sha256 | None = None
    height_m: Annotated[float, msgspec.Meta(gt=0.001, le=2.0)] | None = None
    up_axis: Literal["y", "z"] = "z"


class Opening(Spec, kw_only=True):
    """How far a part of an object is open when an episode starts: 0 closed, 1 as far as it goes."""

    part: Name
    share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class ObjectSpec(Spec, kw_only=True):
    """One interactive object: everything its asset is generated from, and where it stands.

    Attributes:
        name: unique within the scene, e.g. ``"green_apple"``.
        category: a name of ``gen3d_envs.assets.catalog``; ``"mesh"`` for a foreign asset.
        description: the words shown to people and policies, e.g. ``"green apple"``.
        seed: draws every parameter of the category that is not fixed here.
        color, material: names of ``gen3d_envs.assets.materials``; ``None`` draws one that fits the category.
        size: which third of the category's real size range to draw from; ``None`` is the whole range.
        grip_width_m: the object must offer a grasp no wider than this; ``None`` where it need not be picked.
        mass_kg, friction: overrides of what geometry and material give.
        asset_sha256: content hash of the generated asset, filled in when the scene is built.
        opening: parts (drawers, doors, lids) that are not closed at the start; absent where all are.
    """

    name: Name
    role: Role
    category: Name
    description: Text
    seed: Seed
    color: Name | None = None
    material: Name | None = None
    size: Literal["small", "medium", "large"] | None = None
    grip_width_m: Annotated[float, msgspec.Meta(gt=0.0, le=0.2)] | None = None
    mass_kg: Annotated[float, msgspec.Meta(gt=0.0, le=20.0)] | None = None
    friction: Annotated[float, msgspec.Meta(gt=0.0, le=5.0)] | None = None
    mesh: MeshSpec | None = None
    pose: Pose | None = None
    asset_sha256: Sha256 | None = None
    opening: Annotated[tuple[Opening, ...], msgspec.Meta(min_length=1, max_length=16)] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class Relation(Spec, kw_only=True):
    """A relation that holds in the initial layout (the goal relation stands in :class:`TaskSpec`)."""

    subject: Name
    predicate: Predicate
    object: Name


class MarkSpec(Spec, kw_only=True):
    """A flat round area drawn on the support: it is seen, and never touched. Its place is filled in by the layout.

    A mark stays where it is when an episode's placement is drawn.
    """

    name: Name
    description: Text
    color: Name
    radius_m: Annotated[float, msgspec.Meta(ge=0.02, le=0.15)] = 0.055
    x_m: Coordinate | None = None
    y_m: Coordinate | None = None


class Goal(Spec, kw_only=True):
    """One thing to be brought somewhere: the state that is judged.

    Attributes:
        target: the object.
        predicate: how it is to stand to the receptacle; ``at`` is where the receptacle stood when the episode began.
        receptacle: an object, or a mark (``on`` only).
    """

    target: Name
    predicate: GoalPredicate
    receptacle: Name


class TaskSpec(Spec, kw_only=True):
    """What is to be done.

    ``pick`` lifts the target; ``place`` brings it on or in the receptacle; ``stack`` stands it on another free thing;
    ``push`` moves it over the support without lifting; ``sort`` puts several things on or in others; ``rearrange``
    brings one or more to places beside others, or exchanges two.

    Attributes:
        target, receptacle, predicate: the first goal, as far as it is an object on or in another.
        goals: all goals of the families push, sort and rearrange, in the order of the sentence; absent in the others.
        part: what of the target is to be opened or closed, e.g. ``"top_drawer"``; absent in the other families.
    """

    family: Family
    target: Name
    receptacle: Name | None = None
    predicate: Literal["on", "in"] | None = None
    goals: Annotated[tuple[Goal, ...], msgspec.Meta(min_length=1, max_length=6)] | msgspec.UnsetType = msgspec.UNSET
    part: Name | msgspec.UnsetType = msgspec.UNSET

    @property
    def all_goals(self) -> tuple[Goal, ...]:
        """Every goal, also where there is only the one of ``target``, ``predicate`` and ``receptacle``."""
        if not isinstance(self.goals, msgspec.UnsetType):
            return self.goals
        if self.receptacle is None or self.predicate is None:
            return ()
        return (Goal(target=self.target, predicate=self.predicate, receptacle=self.receptacle),)

    @property
    def targets(self) -> tuple[str, ...]:
        """The objects that are to be moved, each once."""
        return tuple(dict.fromkeys((self.target, *(goal.target for goal in self.all_goals))))

    @property
    def concerned(self) -> tuple[str, ...]:
        """Every object and mark that the task names, each once, targets first."""
        return tuple(dict.fromkeys((*self.targets, *(goal.receptacle for goal in self.all_goals))))


BACK_M = 0.35
"""How far the support reaches behind the robot's base; its far edge is at ``depth_m - BACK_M``."""


class SupportSpec(Spec, kw_only=True):
    """The table top that everything stands on; its top is the plane z = 0."""

    kind: Name = "desk"
    seed: Seed = 0
    depth_m: Annotated[float, msgspec.Meta(ge=0.4, le=3.0)] = 0.9
    width_m: Annotated[float, msgspec.Meta(ge=0.4, le=3.0)] = 1.2
    friction: Annotated[float, msgspec.Meta(gt=0.0, le=5.0)] = 0.6


class BackgroundSpec(Spec, kw_only=True):
    """The room around the support: walls, floor, light. It is seen but never touched."""

    style: Name = "office"
    seed: Seed = 0


class PlacementSpec(Spec, kw_only=True):
    """How far an episode's initial poses may differ from the card's (drawn at each reset)."""

    position_m: Annotated[float, msgspec.Meta(ge=0.0, le=0.5)] = 0.03
    yaw_rad: Annotated[float, msgspec.Meta(ge=0.0, le=math.pi)] = math.pi


class CheckResult(Spec, kw_only=True):
    """One line of a certificate: a measured value against its limit."""

    name: Name
    passed: bool
    value: float
    limit: float
    unit: Annotated[str, msgspec.Meta(max_length=24)]
    detail: Annotated[str, msgspec.Meta(max_length=400)] = ""


class Certificate(Spec, kw_only=True):
    """The proof that a scene works, with what it was measured on."""

    scene_hash: Sha256
    engine: Annotated[str, msgspec.Meta(max_length=64)]
    renderer: Annotated[str, msgspec.Meta(max_length=64)]
    robot: Name
    checks: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """True when every check passed."""
        return all(check.passed for check in self.checks)


class SceneSpec(Spec, kw_only=True):
    """A whole scene: background, support, objects, task and placement.

    Attributes:
        name: CamelCase with a short hash, e.g. ``"PutBananaInBowl-3f2a"``; becomes ``Gen3D/<name>-v0``.
        instruction: the sentence as given to a policy.
        warnings: what the designer was not sure about, in plain words.
        marks: areas drawn on the support, for tasks that name one; absent in all other scenes.
        robot: the robot the scene was designed for; any other may be asked for at ``gym.make``.
    """

    schema_version: int = SCHEMA_VERSION
    name: Annotated[str, msgspec.Meta(pattern=SCENE_NAME)]
    instruction: Text
    seed: Seed
    task: TaskSpec
    objects: Annotated[tuple[ObjectSpec, ...], msgspec.Meta(min_length=1, max_length=32)]
    relations: tuple[Relation, ...] = ()
    support: SupportSpec = SupportSpec()
    background: BackgroundSpec = BackgroundSpec()
    placement: PlacementSpec = PlacementSpec()
    robot: Name = "widowx"
    designer: Annotated[str, msgspec.Meta(max_length=64)] = "rules"
    warnings: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    marks: Annotated[tuple[MarkSpec, ...], msgspec.Meta(min_length=1, max_length=8)] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        names = [*(item.name for item in self.objects), *(mark.name for mark in self.drawn)]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            raise SceneError("objects[].name", duplicates[0], "two objects share this name", "Give each its own")
        task, known = self.task, {item.name for item in self.objects}
        fields = {"task.target": task.target, "task.receptacle": task.receptacle}
        for index, relation in enumerate(self.relations):
            fields[f"relations[{index}].subject"] = relation.subject
            if relation.object != "support":
                fields[f"relations[{index}].object"] = relation.object
        for field, value in fields.items():
            if value is not None and value not in known:
                raise SceneError(field, value, "no object has this name", f"Use one of {', '.join(sorted(known))}")
        if task.family == "place" and (task.receptacle is None or task.predicate is None):
            raise SceneError("task", task, "a place task needs a receptacle and a predicate", "Add both")
        _check_goals(task, {mark.name for mark in self.drawn}, known)
        if (task.family in ("open", "close")) == isinstance(task.part, msgspec.UnsetType):
            value = None if isinstance(task.part, msgspec.UnsetType) else task.part
            raise SceneError("task.part", value, f"does not fit the family {task.family}", "Name one to open or close")
        if task.target == task.receptacle:
            raise SceneError("task.receptacle", task.receptacle, "is also the target", "Name two different objects")
        for index, item in enumerate(self.objects):
            if (item.category == "mesh") != (item.mesh is not None):
                raise SceneError(
                    f"objects[{index}].mesh", item.mesh, f"does not fit category {item.category!r}",
                    "Give a mesh exactly where the category is 'mesh'",
                )  # fmt: skip

    def object(self, name: str) -> ObjectSpec:
        """The object called ``name``.

        Raises:
            SceneError: no object of the scene has this name.
        """
        for item in self.objects:
            if item.name == name:
                return item
        raise SceneError("name", name, "no object has this name", f"Use one of {[o.name for o in self.objects]}")

    @property
    def target(self) -> ObjectSpec:
        """The object that the task is about."""
        return self.object(self.task.target)

    @property
    def drawn(self) -> tuple[MarkSpec, ...]:
        """The marks; empty where the scene has none."""
        return () if isinstance(self.marks, msgspec.UnsetType) else self.marks

    def words(self, name: str) -> str:
        """The description of an object or mark; ``SceneError`` as in :meth:`object`."""
        return next((mark.description for mark in self.drawn if mark.name == name), "") or self.object(name).description

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON without the certificates: the identity of the scene."""
        return hashlib.sha256(to_json(replace(self, certificates=()))).hexdigest()


_GOAL_COUNTS: dict[str, tuple[int, int]] = {"push": (1, 1), "sort": (2, 6), "rearrange": (1, 6)}
"""How many goals a family has that lists them, least and most."""


def _check_goals(task: TaskSpec, marks: set[str], objects: set[str]) -> None:
    """Raise ``SceneError`` where the goals do not fit the family, or name what is not there."""
    listed = not isinstance(task.goals, msgspec.UnsetType)
    least, most = _GOAL_COUNTS.get(task.family, (0, 0))
    count = len(task.all_goals) if listed else 0
    if not least <= count <= most:
        remedy = f"Give {least} to {most}" if most else "Leave them out"
        raise SceneError("task.goals", count, f"is no number of goals of a {task.family} task", remedy)
    if task.family == "stack" and (task.receptacle is None or task.predicate != "on"):
        raise SceneError("task", task, "a stack task needs a receptacle and the predicate on", "Add both")
    if listed and task.all_goals[0].target != task.target:
        raise SceneError("task.target", task.target, "is not that of the first goal", f"Use {task.all_goals[0].target}")
    for index, goal in enumerate(task.all_goals if listed else ()):
        where = f"task.goals[{index}]"
        if goal.target not in objects:
            raise SceneError(f"{where}.target", goal.target, "no object has this name", f"Use one of {sorted(objects)}")
        if goal.receptacle not in objects | marks or goal.receptacle == goal.target:
            raise SceneError(
                f"{where}.receptacle", goal.receptacle, "is no other object and no mark",
                f"Use one of {sorted((objects | marks) - {goal.target})}",
            )  # fmt: skip
        plain = goal.predicate in ("on", "in")
        if (goal.receptacle in marks) > (goal.predicate == "on") or (task.family == "sort" and not plain):
            raise SceneError(f"{where}.predicate", goal.predicate, "is not possible here", "Use on")
        if task.family == "push" and plain and goal.receptacle not in marks:
            raise SceneError(f"{where}.predicate", goal.predicate, "needs lifting", "Use next_to, or name a mark")


def replace(spec: Any, **changes: Any) -> Any:
    """A copy of a spec record with some fields changed. Types are checked where the copy is written to a card."""
    return msgspec.structs.replace(spec, **changes)


def to_json(spec: Spec) -> bytes:
    """Canonical JSON: sorted keys, no white space, shortest float repr. Equal specs give equal bytes."""
    return msgspec.json.encode(spec, order="deterministic")


class _CardHash(msgspec.Struct, frozen=True):
    hash: Sha256 | None = None


def to_card(scene: SceneSpec) -> bytes:
    """The scene as a card: indented JSON with its hash as first field and a final newline."""
    fields = {"hash": scene.hash, **msgspec.json.decode(to_json(scene))}
    return msgspec.json.format(msgspec.json.encode(fields), indent=1) + b"\n"


def from_card(data: bytes, where: str = "card") -> SceneSpec:
    """Read a card strictly.

    Args:
        data: the bytes of the card.
        where: name used in error messages, usually the path.

    Raises:
        SceneError: truncated or malformed JSON, unknown or missing fields, values out of range, another schema
            version, or a hash that does not match the content.
    """
    if len(data) > MAX_CARD_BYTES:
        raise SceneError(
            where, len(data), f"is larger than {MAX_CARD_BYTES} bytes", "A scene card is a small JSON file"
        )
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SceneError(
            where, data[:40], f"is not complete JSON ({error})", "Restore the file or design it again"
        ) from None
    if not isinstance(raw, dict):
        raise SceneError(where, type(raw).__name__, "is not a JSON object", "A card starts with '{'")
    version = raw.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise SceneError(
            f"{where}: schema_version", version, f"this release reads version {SCHEMA_VERSION}",
            "Upgrade gen3d-envs" if isinstance(version, int) and version > SCHEMA_VERSION else "Design the scene again",
        )  # fmt: skip
    stated = raw.pop("hash", None)
    try:
        scene = msgspec.convert(raw, SceneSpec, strict=True)
    except msgspec.ValidationError as error:
        inner = error.__cause__
        if isinstance(inner, SceneError):
            raise SceneError(f"{where}: {inner.field}", inner.value, inner.problem, inner.remedy) from None
        raise _explain(error, raw, where) from None
    if stated is not None and stated != scene.hash:
        raise SceneError(
            f"{where}: hash", stated, f"the content hashes to {scene.hash[:12]}...",
            "The card was changed after it was written: restore it, or delete the hash field to accept the change",
        )  # fmt: skip
    return scene


def read_card(path: str | Path) -> SceneSpec:
    """Read the card at ``path``; errors as in :func:`from_card`, and ``SceneError`` where it cannot be read."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise SceneError(str(path), path.stat().st_size, f"is larger than {MAX_CARD_BYTES} bytes", "Not a card")
        data = path.read_bytes()
    except OSError as error:
        raise SceneError(
            "path", str(path), f"cannot be read ({error.strerror})", "Give the path of a scene card"
        ) from None
    return from_card(data, where=path.name)


def _explain(error: msgspec.ValidationError, raw: Any, where: str) -> SceneError:
    """Turn msgspec's message into one that also shows the value and a remedy."""
    message = str(error)
    match = re.search(r" - at `\$(.*?)`$", message)
    path = match.group(1) if match else ""
    problem = message[: match.start()] if match else message
    value: Any = raw
    for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        try:
            value = value[key] if key else value[int(index)]
        except (KeyError, IndexError, TypeError):
            break
    field = f"{where}: {path.lstrip('.') or 'card'}"
    return SceneError(field, value, problem[:1].lower() + problem[1:], "Correct the field or design the scene again")
