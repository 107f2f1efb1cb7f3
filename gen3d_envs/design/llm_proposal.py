"""What a language model may propose: a small JSON document in which everything is enumerated or bounded.

There is no free text in it, so nothing that a model writes reaches a card, a picture or a policy but names of the
catalogue; and a decoder that follows the schema ends after a bounded number of characters, whatever its weights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.materials import COLORS
from gen3d_envs.design import vocabulary
from gen3d_envs.design.grammar import Request
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.errors import DesignError
from gen3d_envs.spec import Predicate

MAX_DISTRACTORS = 4
MAX_RELATIONS = 2

if TYPE_CHECKING:
    from typing import TypeAlias

    AnyCategory: TypeAlias = str
    TargetCategory: TypeAlias = str
    ReceptacleCategory: TypeAlias = str
    ColorName: TypeAlias = str
    MaterialName: TypeAlias = str
    SupportKind: TypeAlias = str
    RoomStyle: TypeAlias = str
else:
    AnyCategory = Literal[tuple(CATEGORIES)]
    TargetCategory = Literal[tuple(name for name, row in CATEGORIES.items() if row.pickable)]
    ReceptacleCategory = Literal[tuple(name for name, row in CATEGORIES.items() if row.container or row.surface)]
    ColorName = Literal[("any", *COLORS)]
    MaterialName = Literal[("any", *dict.fromkeys(vocabulary.MATERIALS.values()))]
    SupportKind = Literal[("any", *dict.fromkeys(k for k in vocabulary.SUPPORTS.values() if k != "table"))]
    RoomStyle = Literal[("any", *dict.fromkeys(vocabulary.STYLES.values()))]

SizeName = Literal["any", "small", "medium", "large"]
Slot = Literal["target", "receptacle", "distractor_1", "distractor_2", "distractor_3", "distractor_4"]


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: immutable, nothing but the stated fields, all of them required."""


class Thing(_Record, frozen=True, kw_only=True):
    """An object that stands around; ``"any"`` leaves a property to be drawn."""

    category: AnyCategory
    color: ColorName
    material: MaterialName
    size: SizeName


class Target(_Record, frozen=True, kw_only=True):
    """The object that is picked up: as :class:`Thing`, of a category that a gripper can hold."""

    category: TargetCategory
    color: ColorName
    material: MaterialName
    size: SizeName


class Receptacle(_Record, frozen=True, kw_only=True):
    """Where the target goes: as :class:`Thing`, of a category that things go in or on."""

    category: ReceptacleCategory
    color: ColorName
    material: MaterialName
    size: SizeName


class Pick(_Record, frozen=True, kw_only=True, tag_field="family", tag="pick"):
    """The task of lifting the target."""

    target: Target


class Place(_Record, frozen=True, kw_only=True, tag_field="family", tag="place"):
    """The task of bringing the target on or in the receptacle."""

    target: Target
    predicate: Literal["on", "in"]
    receptacle: Receptacle


class Refuse(_Record, frozen=True, kw_only=True, tag_field="family", tag="refuse"):
    """No task of these two: what stands in the way."""

    reason: Literal["liquid", "soft", "furniture", "other_motion", "several_goals", "other_goal", "no_task"]


class Standing(_Record, frozen=True, kw_only=True):
    """How two objects stand to each other at the beginning, seen from the robot."""

    subject: Slot
    predicate: Literal["next_to", "left_of", "right_of", "in_front_of", "behind"]
    object: Slot


class Proposal(_Record, frozen=True, kw_only=True):
    """A whole proposal."""

    task: Pick | Place | Refuse
    distractors: Annotated[tuple[Thing, ...], msgspec.Meta(max_length=MAX_DISTRACTORS)]
    relations: Annotated[tuple[Standing, ...], msgspec.Meta(max_length=MAX_RELATIONS)]
    support: SupportKind
    room: RoomStyle


REFUSALS = {
    "liquid": "asks for liquids or loose stuff, which this release does not simulate",
    "soft": "asks for soft things, which this release does not simulate",
    "furniture": "asks for furniture or a fixed appliance, which this release does not build",
    "other_motion": "asks for another motion than picking up and placing",
    "several_goals": "asks for more than one goal, and a scene has one",
    "other_goal": "asks for a goal that is neither on nor in something",
    "no_task": "asks for nothing that a robot arm could do",
}
"""Reason of :class:`Refuse` -> what the user is told."""

MAX_ANSWER_CHARACTERS = 20_000
"""More than any proposal has, white space included."""


def decode(answer: str) -> Proposal:
    """Read a model's answer strictly: one JSON document, alone or in one Markdown code fence.

    Raises:
        DesignError: too long, no JSON, unknown fields, names that are in no enumeration. The message is what the model
            is shown to repair its answer.
    """
    if len(answer) > MAX_ANSWER_CHARACTERS:
        raise complaint(
            "answer", len(answer), f"has more than {MAX_ANSWER_CHARACTERS} characters", "Answer in JSON only"
        )
    text = answer.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text[text.index("\n") : -3]
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"), type=Proposal)
    except msgspec.ValidationError as error:
        raise complaint("answer", f"({len(text)} characters)", _why(str(error)), "Answer by the schema") from None
    except (msgspec.DecodeError, RecursionError):
        raise complaint("answer", f"({len(text)} characters)", "is not one complete JSON document",
                        "Answer in JSON only") from None  # fmt: skip


def _why(message: str) -> str:
    """A message of msgspec without the words of the answer, which may be anything: escape sequences, secrets."""
    found = re.search(r" - at `(\$[A-Za-z0-9_.\[\]]*)`$", message)
    place = found.group(1) if found else "$"
    for start, words in _SAFE.items():
        if message.startswith(start):
            return f"{words} at {place}"
    missing = re.match(r"Object missing required field `([a-z]+)`", message)
    if missing:
        return f"has no field {missing.group(1)} at {place}"
    return f"does not follow the schema at {place}"


_SAFE = {
    "Object contains unknown field": "has a field that the schema does not",
    "Invalid enum value": "has a word that is none of the options",
    "Invalid value": "has a word that is none of the options",
    "Expected `array` of length": "has too many items",
    "Expected": "has a value of the wrong type",
}
"""Beginning of a message of msgspec -> what is said of it."""


def complaint(field: str, value: Any, problem: str, remedy: str) -> DesignError:
    """What is wrong with a proposal, for the model and, when it does not mend it, for the user."""
    return DesignError(f"proposal.{field}", value, problem, remedy)


def schema(known: frozenset[str]) -> dict[str, Any]:
    """JSON schema of :class:`Proposal` in the subset that strict decoders know.

    The root is an object; every object has all its fields required and no others; enumerations state their type.

    Args:
        known: categories that can be generated; no others are offered.
    """
    raw = msgspec.json.schema(Proposal)

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        kept = {
            key: plain(value) for key, value in node.items() if key not in ("title", "description", "discriminator")
        }
        return {"type": "string", **kept} if "enum" in kept else kept

    definitions = plain(raw["$defs"])
    for name in ("Thing", "Target", "Receptacle"):
        category = definitions[name]["properties"]["category"]
        category["enum"] = [option for option in category["enum"] if option in known]
    root: dict[str, Any] = definitions.pop(raw["$ref"].rpartition("/")[2])
    return {**root, "$defs": definitions}


def to_request(proposal: Proposal, text: str, known: frozenset[str]) -> Request:
    """What the rules would have read, so that the same code builds it.

    Args:
        proposal: what the model proposes.
        text: the instruction, clean.
        known: categories that can be generated.

    Raises:
        DesignError: the task is a refusal, a category cannot be generated, or a relation names what is not there.
    """
    task = proposal.task
    if isinstance(task, Refuse):
        raise complaint("task.family", "refuse", REFUSALS[task.reason], "Propose a task")
    slots: dict[str, Phrase] = {"target": phrase_of(task.target)}
    if isinstance(task, Place):
        slots["receptacle"] = phrase_of(task.receptacle)
    for number, thing in enumerate(proposal.distractors, start=1):
        slots[f"distractor_{number}"] = phrase_of(thing)
    for slot, phrase in slots.items():
        if phrase.category not in known:
            raise complaint(slot, phrase.category, "cannot be generated in this release", "Choose another category")
    relations: list[tuple[Phrase, Predicate, Phrase]] = []
    for index, relation in enumerate(proposal.relations):
        for field in (relation.subject, relation.object):
            if field not in slots:
                raise complaint(f"relations[{index}]", field, "is not in the scene", f"Use one of {', '.join(slots)}")
        if relation.subject == relation.object:
            raise complaint(f"relations[{index}]", relation.subject, "stands beside itself", "Name two objects")
        relations.append((slots[relation.subject], relation.predicate, slots[relation.object]))
    return Request(
        text=text,
        verb="",
        family="place" if isinstance(task, Place) else "pick",
        targets=(slots["target"],),
        receptacle=slots.get("receptacle"),
        predicate=task.predicate if isinstance(task, Place) else None,
        context=tuple(phrase for slot, phrase in slots.items() if slot.startswith("distractor")),
        relations=tuple(relations),
        support=None if proposal.support == "any" else proposal.support,
        style=None if proposal.room == "any" else proposal.room,
        fillers=False,
    )


def phrase_of(thing: Thing | Target | Receptacle) -> Phrase:
    """The noun phrase that a person would use for a proposed object."""
    noun = thing.category.replace("_", " ") if thing.category != "generic" else "object"
    said = {name: value if value != "any" else None for name, value in (
        ("size", thing.size), ("color", thing.color), ("material", thing.material))}  # fmt: skip
    words = [word.replace("_", " ") for word in said.values() if word]
    return Phrase(
        " ".join([*words, noun]), noun, "object", thing.category, color=said["color"], material=said["material"],
        size=None if thing.size == "any" else thing.size,
    )  # fmt: skip
