"""What is to be done in an imported world: its sentence, understood in terms of the things that are there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gen3d_envs.assets.asset import Asset
from gen3d_envs.design import vocabulary
from gen3d_envs.design.embodiedgen import MANIPULATED, LayoutWorld, Node, words_of
from gen3d_envs.design.grammar import parse
from gen3d_envs.errors import DesignError

_ROBOT = re.compile(r",?\s*(?:with|by|using)?\s*(?:the )?robot\s+\w+\s*(?=[.!]?$)", re.IGNORECASE)
"""How the format's sentences end when they name the robot."""


@dataclass(frozen=True)
class Goal:
    """The task of an imported world.

    Attributes:
        instruction: the sentence as given to a policy.
        target: name of a node.
        receptacle, predicate: where the target goes, for a place task.
        warnings: what of the world's own sentence is not done, in plain words.
    """

    instruction: str
    target: str
    receptacle: str | None = None
    predicate: Literal["on", "in"] | None = None
    warnings: tuple[str, ...] = ()


def read_goal(world: LayoutWorld) -> Goal:
    """Find the things that the sentence is about.

    A sentence that cannot be done here, or that is about none of the world's things, is replaced by lifting the first
    manipulated one, with a warning.
    """
    sentence = _ROBOT.sub("", world.sentence).strip()
    objects = world.objects
    first = next(node for node in objects if node.role == MANIPULATED)
    reason = "the world has no sentence"
    if sentence:
        try:
            request = parse(sentence)
        except DesignError as error:
            reason = f"{sentence!r} cannot be done here ({error.problem})"
        else:
            target = _meant(request.targets[0].text if request.targets else "", objects)
            goal = None if request.receptacle is None else _meant(request.receptacle.text, objects)
            if target is None:
                reason = f"{sentence!r} is about none of the world's objects"
            elif request.family == "pick":
                return Goal(request.text, target.name, warnings=_several(request.targets[0].count, target))
            elif goal is None or goal is target:
                reason = f"{sentence!r} has a goal that is none of the world's objects"
                first = target
            else:
                predicate: Literal["on", "in"] = "on" if request.predicate == "on" else "in"
                notes = _several(request.targets[0].count, target)
                return Goal(request.text, target.name, goal.name, predicate, notes)
    warning = f"{reason}: the task is to pick up the {first.name}"
    return Goal(f"pick up the {first.name}"[:400], first.name, warnings=(warning[:400],))


def possible(goal: Goal, receptacle: Asset | None) -> Goal:
    """The goal, or lifting its target where nothing can be put on or in the receptacle."""
    if goal.receptacle is None or (receptacle is not None and (receptacle.cavity or receptacle.surface)):
        return goal
    warning = f"nothing can be put {goal.predicate} the {goal.receptacle}: the task is to pick up the {goal.target}"
    return Goal(f"pick up the {goal.target}"[:400], goal.target, warnings=(*goal.warnings, warning[:400]))


def place_words(world: LayoutWorld) -> tuple[str | None, str | None]:
    """Kind of support and style of room that the context and the background are called; None where they are not."""
    context, background = world.first("context"), world.first("background")
    return _named(context, vocabulary.SUPPORTS), _named(background, vocabulary.STYLES)


def _named(node: Node | None, names: dict[str, str]) -> str | None:
    """What the longest known words in a node's name, else in its description, stand for."""
    for text in () if node is None else (node.name, node.description):
        plain = f" {' '.join(re.findall(r'[a-z]+', text.lower()))} "
        found = max(
            (words for words in names if f" {words} " in plain), key=lambda words: (len(words), words), default=None
        )
        if found is not None:
            return names[found]
    return None


def _meant(said: str, objects: Sequence[Node]) -> Node | None:
    """The object that most of the words fit, the name's words counting double; None where the last word fits none."""
    words = [_stem(word) for word in re.findall(r"[a-z0-9]+", said.lower())]
    if not words:
        return None
    best: tuple[int, Node] | None = None
    for node in objects:
        known = {_stem(word) for word in words_of(node)}
        name = {_stem(word) for word in re.findall(r"[a-z]+|[0-9]+", node.name.lower())}
        known |= name
        if words[-1] in known:
            score = sum((word in known) + 2 * (word in name) for word in words) + (node.role == MANIPULATED)
            if best is None or score > best[0]:
                best = score, node
    return None if best is None else best[1]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _several(count: int, target: Node) -> tuple[str, ...]:
    plural = target.name.rstrip("0123456789 ").endswith("s")
    return () if count < 2 or plural else (f"one of {count} is asked for: the task is about {target.name!r} only",)
