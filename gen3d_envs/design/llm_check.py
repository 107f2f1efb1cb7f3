"""Whether a proposal is about the sentence, as far as the rules can read it.

A model may understand more than the grammar does, but it may not design another task than the one that is asked for:
where the rules can read the sentence, their reading binds; where they know that nobody can build it, that is final;
where they cannot read it, the nouns they know must at least be in the scene.
"""

from __future__ import annotations

import copy
from typing import Any

from gen3d_envs.design.grammar import Request, parse
from gen3d_envs.design.llm_proposal import MAX_DISTRACTORS, complaint
from gen3d_envs.design.phrases import Phrase
from gen3d_envs.design.text import NotUnderstood, lookup, normalise, strip_politeness, tokenise
from gen3d_envs.design.vocabulary import COLORS, KINDS, MATERIALS

MAX_COPIES = 6
"""More instances of one thing than a scene holds are not looked for."""


def read(text: str) -> Request | NotUnderstood:
    """What the rules read in a clean sentence, or why they cannot read it.

    Raises:
        DesignError: the sentence is read, and nobody can build what it asks for.
    """
    try:
        return parse(text)
    except NotUnderstood as error:
        return error


def narrowed(schema: dict[str, Any], reading: Request | NotUnderstood) -> dict[str, Any]:
    """The schema of a proposal with only those values that the sentence leaves open, as far as the rules can read it.

    A decoder that follows it cannot design another task, however weak its model is; what an enumeration cannot say
    (the things named in passing) is left to :func:`check`.
    """
    if not isinstance(reading, Request):
        return schema
    out: dict[str, Any] = copy.deepcopy(schema)
    definitions, top = out["$defs"], out["properties"]
    kind = "Pick" if reading.family == "pick" else "Place"
    top["task"] = {"$ref": f"#/$defs/{kind}"}
    for name in {"Pick", "Place", "Refuse"} - {kind}:
        del definitions[name]
    _narrow_object(definitions["Target"], reading.targets[0])
    if reading.receptacle is None:
        del definitions["Receptacle"]
    else:
        _narrow_object(definitions["Receptacle"], reading.receptacle)
        if reading.predicate in ("on", "in"):
            definitions["Place"]["properties"]["predicate"]["enum"] = [reading.predicate]
    for field, said in (("support", None if reading.support == "table" else reading.support), ("room", reading.style)):
        if said is not None:
            top[field]["enum"] = [said]
    if not any(phrase.material for phrase in mentioned(reading)):
        definitions["Thing"]["properties"]["material"]["enum"] = ["any"]
    if not reading.relations:
        top["relations"] = {**top["relations"], "maxItems": 0}
    return out


def _narrow_object(definition: dict[str, Any], said: Phrase) -> None:
    properties = definition["properties"]
    known = properties["category"]["enum"]
    properties["category"]["enum"] = [name for name in known if name in (_categories(said) or known)] or known
    for field, value in (("color", said.color), ("material", said.material), ("size", said.size)):
        properties[field]["enum"] = [value or "any"]


def _categories(said: Phrase) -> tuple[str, ...]:
    """The categories that a phrase may mean; empty where the rules do not know its noun."""
    if said.guessed:
        return ()
    return KINDS.get(said.noun, ()) if said.category.startswith("any_") else (said.category,)


def mentioned(request: Request) -> list[Phrase]:
    """Every object that a request names: targets, receptacle, and what stands around."""
    return [*request.targets, *([request.receptacle] if request.receptacle else []), *request.context]


def check(proposed: Request, reading: Request | NotUnderstood) -> None:
    """Compare a proposal, as a request, with the rules' reading of its sentence.

    Raises:
        DesignError: the first thing that is not as the sentence says; its remedy says what to propose instead.
    """
    if isinstance(reading, Request):
        _check_reading(proposed, reading)
    else:
        _check_nouns(proposed)


def _check_reading(proposed: Request, reading: Request) -> None:
    if proposed.family != reading.family:
        raise complaint("task.family", proposed.family, "is another task than the sentence asks for",
                        f'Propose "{reading.family}"')  # fmt: skip
    target = reading.targets[0]
    same = {id(target): proposed.targets[0]}
    _check_phrase("target", proposed.targets[0], target)
    if reading.receptacle is not None and proposed.receptacle is not None:
        _check_phrase("receptacle", proposed.receptacle, reading.receptacle)
        same[id(reading.receptacle)] = proposed.receptacle
        if reading.predicate in ("on", "in") and proposed.predicate != reading.predicate:
            raise complaint("task.predicate", proposed.predicate, "is not what the sentence says",
                            f'Propose "{reading.predicate}"')  # fmt: skip
    # The more a phrase says, the fewer objects it fits: those choose first.
    free = list(proposed.context)
    others = [*reading.targets[1:], *reading.context]
    copies = [p for p in (*reading.targets, *reading.context) for _ in range(min(p.count, MAX_COPIES) - 1)]
    for phrase in sorted([*others, *copies][:MAX_DISTRACTORS], key=_said, reverse=True):
        match = next((candidate for candidate in free if not _differences(candidate, phrase)), None)
        if match is None:
            raise complaint("distractors", ", ".join(p.text for p in proposed.context),
                            f'the sentence also names "{phrase.text}"', "Propose a distractor for it")  # fmt: skip
        free = [candidate for candidate in free if candidate is not match]
        same.setdefault(id(phrase), match)
    stated = [(id(a), predicate, id(b)) for a, predicate, b in proposed.relations]
    for first, predicate, second in reading.relations:
        if id(first) not in same or id(second) not in same:
            continue
        if (id(same[id(first)]), predicate, id(same[id(second)])) not in stated:
            words = f'in the sentence, "{first.text}" is {predicate} "{second.text}"'
            raise complaint("relations", len(stated), words, "Propose this relation between them")
    _check_place("support", proposed.support, None if reading.support == "table" else reading.support)
    _check_place("room", proposed.style, reading.style)


def _check_place(field: str, proposed: str | None, said: str | None) -> None:
    if said is not None and proposed != said:
        raise complaint(field, proposed, "is not what the sentence says", f'Propose "{said}"')


def _check_phrase(field: str, proposed: Phrase, said: Phrase) -> None:
    differences = _differences(proposed, said)
    if differences:
        what, value, allowed = differences[0]
        raise complaint(f"{field}.{what}", value, f'is not the "{said.text}" of the sentence',
                        f"Propose {' or '.join(allowed)}")  # fmt: skip


def _differences(proposed: Phrase, said: Phrase) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """What of an object is not as said: the property, its value, and the values it may have."""
    found: list[tuple[str, str | None, tuple[str, ...]]] = []
    allowed = _categories(said)
    if allowed and proposed.category not in allowed:
        found.append(("category", proposed.category, allowed))
    for what, value, wanted in (
        ("color", proposed.color, said.color),
        ("material", proposed.material, said.material),
        ("size", proposed.size, said.size),
    ):
        if wanted is not None and value != wanted:
            found.append((what, value, (wanted,)))
    return found


def _said(phrase: Phrase) -> int:
    """How much a phrase says about its object."""
    return sum(value is not None for value in (phrase.color, phrase.material, phrase.size)) + (not phrase.guessed)


def _check_nouns(proposed: Request) -> None:
    """For a sentence that the rules cannot read: every noun they know is in the scene, one of them in the task."""
    named = known_nouns(proposed.text)
    present = [thing.category for thing in mentioned(proposed)]
    task = present[: len(present) - len(proposed.context)]
    for noun, category in named:
        if category not in present:
            raise complaint("objects", ", ".join(present), f'the sentence names "{noun}"', f'Propose a "{category}"')
    if named and not any(category in task for _, category in named):
        raise complaint("task", task[0], "concerns nothing that the sentence names",
                        f'Propose a task about the "{named[0][0]}"')  # fmt: skip


def known_nouns(text: str) -> list[tuple[str, str]]:
    """The nouns of a sentence that are exact names of a category, with it, in order."""
    try:
        tokens = tokenise(strip_politeness(normalise(text)))
    except NotUnderstood:
        return []
    found = []
    for token in tokens:
        if token.kind in ("noun", "word") and token.text not in COLORS and token.text not in MATERIALS:
            entry = lookup(token.text)
            if entry is not None and entry[0] == "exact":
                found.append((token.text, entry[1]))
    return found
