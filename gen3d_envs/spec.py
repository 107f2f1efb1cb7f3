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
Family = Literal["pick", "place"]

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


class TaskSpec(Spec, kw_only=True):
    """What is to be done. ``pick`` lifts the target; ``place`` brings it on or in the receptacle."""

    family: Family
    target: Name
    receptacle: Name | None = None
    predicate: Literal["on", "in"] | None = None


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

    def __post_init__(self) -> None:
        names = [item.name for item in self.objects]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        if duplicates:
            raise SceneError("objects[].name", duplicates[0], "two objects share this name", "Give each its own")
        task, known = self.task, set(names)
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
    def hash(self) -> str:
        """SHA-256 of the canonical JSON without the certificates: the identity of the scene."""
        return hashlib.sha256(to_json(replace(self, certificates=()))).hexdigest()


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
