"""Instruction templates: the many ways of asking for one and the same task.

Every template of a family says exactly the same to the rules of ``design.grammar``: the same target, the same
relation, the same receptacle, and no warning. So an instruction may be rephrased without a change of the task, as long
as target and receptacle are of different categories or differ in an adjective that both have ("there is a bowl. Put
the red bowl in it" names one bowl).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from gen3d_envs.errors import DesignError
from gen3d_envs.spec import Family, GoalPredicate, SceneSpec

_RELATIONS: dict[str, dict[str, str]] = {
    "in": {"at": "in", "to": "into", "inside": "inside"},
    "on": {"at": "on", "to": "onto", "inside": "on top of"},
}
"""Predicate -> its preposition of rest, of motion, and its long form."""


@dataclass(frozen=True)
class Template:
    """One way of asking.

    Attributes:
        name: key in :data:`TEMPLATES`; never reused for another text.
        family: the task it asks for.
        text: the sentence with ``{goals}`` or, for an exchange, ``{pair}``; for opening and closing with ``{thing}``;
            for picking with ``{target}`` and, for
            placing, ``{receptacle}`` and one of ``{at}`` ("in", "on"), ``{to}`` ("into", "onto") and ``{inside}``
            ("inside", "on top of").
    """

    name: str
    family: Family
    text: str


_PLACE = (
    ("put_at", "put the {target} {at} the {receptacle}"),
    ("put_to", "put the {target} {to} the {receptacle}"),
    ("put_inside", "put the {target} {inside} the {receptacle}"),
    ("place_at", "place the {target} {at} the {receptacle}"),
    ("place_inside", "place the {target} {inside} the {receptacle}"),
    ("set_at", "set the {target} {at} the {receptacle}"),
    ("set_down_at", "set the {target} down {at} the {receptacle}"),
    ("lay_to", "gently lay the {target} {to} the {receptacle}"),
    ("drop_to", "drop the {target} {to} the {receptacle}"),
    ("move_to", "move the {target} {to} the {receptacle}"),
    ("transfer_to", "transfer the {target} {to} the {receptacle}"),
    ("bring_to", "bring the {target} {to} the {receptacle}"),
    ("carry_to", "carry the {target} {to} the {receptacle}"),
    ("return_to", "return the {target} {to} the {receptacle}"),
    ("deposit_at", "deposit the {target} {at} the {receptacle}"),
    ("leave_at", "leave the {target} {at} the {receptacle}"),
    ("pick_put", "pick up the {target} and put it {at} the {receptacle}"),
    ("pick_place", "pick the {target} up and place it {inside} the {receptacle}"),
    ("take_set", "take the {target} and set it {at} the {receptacle}"),
    ("grab_drop", "grab the {target} and drop it {to} the {receptacle}"),
    ("lift_then", "lift the {target}, then put it {at} the {receptacle}"),
    ("get_move", "get the {target} and move it {to} the {receptacle}"),
    ("could_place", "could you place the {target} {inside} the {receptacle}?"),
    ("can_put", "can you put the {target} {to} the {receptacle}, please?"),
    ("would_mind", "would you mind putting the {target} {at} the {receptacle}?"),
    ("please_move", "please move the {target} {to} the {receptacle}"),
    ("you_should", "you should put the {target} {at} the {receptacle}"),
    ("i_want", "I want the {target} {at} the {receptacle}"),
    ("i_would_like", "I would like you to place the {target} {at} the {receptacle}"),
    ("belongs", "the {target} belongs {at} the {receptacle}"),
    ("goes", "the {target} goes {to} the {receptacle}"),
    ("should_go", "the {target} should go {at} the {receptacle}"),
    ("should_be", "the {target} should be {inside} the {receptacle}"),
    ("must_be_put", "the {target} must be put {at} the {receptacle}"),
    ("needs_to_go", "the {target} needs to go {to} the {receptacle}"),
    ("where_first", "{at} the {receptacle}, put the {target}"),
    ("where_first_to", "{to} the {receptacle}, please place the {target}"),
    ("short", "{target} {to} {receptacle}"),
    ("task_is", "your task is to put the {target} {at} the {receptacle}"),
    ("make_sure", "make sure to put the {target} {to} the {receptacle}"),
    ("see_there", "there is a {receptacle}. Put the {target} {at} it"),
)
_PICK = (
    ("pick_up", "pick up the {target}"),
    ("pick_thing_up", "pick the {target} up"),
    ("pick", "pick the {target}"),
    ("lift", "lift the {target}"),
    ("lift_up", "lift the {target} up"),
    ("lift_off", "lift the {target} off the table"),
    ("grab", "grab the {target}"),
    ("take", "take the {target}"),
    ("take_from", "take the {target} from the table"),
    ("grasp_lift", "grasp the {target} and lift it"),
    ("grab_raise", "grab the {target} and raise it"),
    ("raise", "raise the {target}"),
    ("raise_air", "raise the {target} into the air"),
    ("retrieve", "retrieve the {target}"),
    ("collect", "collect the {target} from the table"),
    ("could_pick", "could you pick up the {target}?"),
    ("can_lift", "can you lift the {target}, please?"),
    ("would_mind_picking", "would you mind picking up the {target}?"),
    ("please_take", "please take the {target}"),
    ("you_should_pick", "you should pick up the {target}"),
    ("i_would_like_pick", "I would like you to lift the {target}"),
    ("task_is_pick", "your task is to pick up the {target}"),
    ("should_be_lifted", "the {target} should be lifted"),
    ("there_is_pick", "there is a {target}. Pick it up"),
    ("seize", "carefully grip the {target} and pick it up"),
)  # fmt: skip

_STACK = (
    ("stack", "stack {goals}"),
    ("please_stack", "please stack {goals}"),
    ("could_stack", "could you stack {goals}?"),
    ("task_is_stack", "your task is to stack {goals}"),
    ("i_would_like_stack", "I would like you to stack {goals}"),
    ("carefully_stack", "carefully stack {goals}"),
    ("pile", "pile {goals}"),
    ("you_should_stack", "you should stack {goals}"),
)
_PUSH = (
    ("push", "push {goals}"),
    ("slide", "slide {goals}"),
    ("nudge", "nudge {goals}"),
    ("shove", "shove {goals}"),
    ("please_push", "please push {goals}"),
    ("could_push", "could you push {goals}?"),
    ("task_is_push", "your task is to push {goals}"),
    ("i_would_like_push", "I would like you to slide {goals}"),
    ("gently_push", "gently push {goals}"),
)
_SORT = (
    ("put_all", "put {goals}"),
    ("place_all", "place {goals}"),
    ("sort_all", "sort {goals}"),
    ("please_put_all", "please put {goals}"),
    ("could_put_all", "could you put {goals}?"),
    ("task_is_put_all", "your task is to put {goals}"),
    ("i_would_like_all", "I would like you to place {goals}"),
    ("tidily_put_all", "neatly put {goals}"),
)
_REARRANGE = (
    ("put_so", "put {goals}"),
    ("place_so", "place {goals}"),
    ("set_so", "set {goals}"),
    ("please_move_so", "please move {goals}"),
    ("could_put_so", "could you put {goals}?"),
    ("task_is_so", "your task is to place {goals}"),
    ("swap", "swap {pair}"),
    ("exchange", "exchange {pair}"),
    ("swap_positions", "swap the positions of {pair}"),
    ("please_swap", "please swap {pair}"),
    ("could_swap", "could you swap {pair}?"),
    ("task_is_swap", "your task is to exchange {pair}"),
)

_OPEN = (
    ("open", "open the {thing}"),
    ("open_up", "open up the {thing}"),
    ("please_open", "please open the {thing}"),
    ("could_open", "could you open the {thing}?"),
    ("would_mind_opening", "would you mind opening the {thing}?"),
    ("you_should_open", "you should open the {thing}"),
    ("i_would_like_open", "I would like you to open the {thing}"),
    ("i_want_open", "I want the {thing} open"),
    ("should_be_open", "the {thing} should be open"),
    ("must_be_opened", "the {thing} must be opened"),
    ("task_is_open", "your task is to open the {thing}"),
    ("make_sure_open", "make sure the {thing} is open"),
    ("there_is_open", "there is a {thing}. Open it"),
    ("carefully_open", "carefully open the {thing}"),
)
_CLOSE = (
    ("close", "close the {thing}"),
    ("shut", "shut the {thing}"),
    ("please_close", "please close the {thing}"),
    ("could_close", "could you close the {thing}?"),
    ("would_mind_shutting", "would you mind shutting the {thing}?"),
    ("you_should_close", "you should close the {thing}"),
    ("i_would_like_close", "I would like you to shut the {thing}"),
    ("i_want_closed", "I want the {thing} closed"),
    ("should_be_closed", "the {thing} should be closed"),
    ("must_be_shut", "the {thing} must be shut"),
    ("task_is_close", "your task is to close the {thing}"),
    ("make_sure_closed", "make sure the {thing} is closed"),
    ("there_is_close", "there is a {thing}. Close it"),
    ("gently_close", "gently close the {thing}"),
)

_PLACES = {
    "on": "on", "in": "in", "next_to": "next to", "left_of": "to the left of", "right_of": "to the right of",
    "in_front_of": "in front of", "behind": "behind",
}  # fmt: skip
"""How each predicate of a goal is said."""

TEMPLATES: dict[str, Template] = {
    **{name: Template(name, "place", text) for name, text in _PLACE},
    **{name: Template(name, "pick", text) for name, text in _PICK},
    **{name: Template(name, "stack", text) for name, text in _STACK},
    **{name: Template(name, "push", text) for name, text in _PUSH},
    **{name: Template(name, "sort", text) for name, text in _SORT},
    **{name: Template(name, "rearrange", text) for name, text in _REARRANGE},
    **{name: Template(name, "open", text) for name, text in _OPEN},
    **{name: Template(name, "close", text) for name, text in _CLOSE},
}
"""Every template by name, in a fixed order."""


def by_family(family: Family) -> tuple[Template, ...]:
    """The templates of one family, in a fixed order; the first is the plainest."""
    return tuple(template for template in TEMPLATES.values() if template.family == family)


def phrase(
    template: Template | str,
    target: str,
    receptacle: str | None = None,
    predicate: Literal["on", "in"] | None = None,
) -> str:
    """Fill a template.

    Args:
        template: a template or its name.
        target: what is to be picked or opened, without an article, e.g. ``"green apple"``, ``"top drawer"``.
        receptacle: where it goes, likewise; None for picking, opening and closing.
        predicate: how it goes there; None likewise.

    Raises:
        DesignError: no template has this name, or it needs a receptacle and predicate, or takes none.
    """
    template = _known(template)
    if template.family in ("open", "close"):
        if receptacle is not None or predicate is not None:
            raise DesignError("receptacle", receptacle, "has no place in a template for opening", "Leave it out")
        return _article(template.text.format(thing=target))
    if template.family not in ("pick", "place"):
        if receptacle is None or predicate is None:
            raise DesignError("receptacle", receptacle, "is needed for a goal", "Give it, and how things go there")
        return phrase_goals(template, [(target, predicate, receptacle)])
    if template.family == "pick":
        if receptacle is not None or predicate is not None:
            raise DesignError("receptacle", receptacle, "has no place in a template for picking", "Leave it out")
        return _article(template.text.format(target=target))
    if receptacle is None or predicate not in _RELATIONS:
        value = receptacle if receptacle is None else predicate
        raise DesignError("receptacle", value, "a place template needs where and how", 'Give it, and "on" or "in"')
    return _article(template.text.format(target=target, receptacle=receptacle, **_RELATIONS[predicate]))


def phrase_goals(template: Template | str, goals: Sequence[tuple[str, GoalPredicate, str]]) -> str:
    """Fill a template of a family with goals of its own.

    Args:
        template: a template or its name.
        goals: target, predicate and receptacle of each goal, in words without articles; the first of an exchange says
            all of it.

    Raises:
        DesignError: no template has this name, or it does not fit the goals.
    """
    template = _known(template)
    fits = bool(goals) and (goals[0][1] == "at") == ("{pair}" in template.text)
    if not fits or "{target}" in template.text or "{thing}" in template.text:
        raise DesignError("template", template.name, "does not fit the goals", "Use one that asks for the same")
    if "{pair}" in template.text:
        return template.text.format(pair=f"the {goals[0][0]} and the {goals[0][2]}")
    words = dict(_PLACES)
    if template.family == "push":
        words["on"] = "to"
    said = [f"the {target} {words[predicate]} the {receptacle}" for target, predicate, receptacle in goals]
    return template.text.format(goals=" and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said))


def phrase_scene(scene: SceneSpec, template: Template | str | None = None) -> str:
    """The task of a scene in other words: with a template of its family, the plainest where None.

    Raises:
        DesignError: the template is of another family or does not fit the goals.
    """
    task = scene.task
    goals = [(scene.words(g.target), g.predicate, scene.words(g.receptacle)) for g in task.all_goals]
    template = fitting(scene)[0] if template is None else _known(template)
    if template.family != task.family:
        raise DesignError("template", template.name, "is of another family", f"Use one for {task.family}")
    if task.family == "pick":
        return phrase(template, scene.target.description)
    if task.family in ("open", "close"):
        return phrase(template, opened_words(scene))
    if task.family == "place":
        return phrase(template, goals[0][0], goals[0][2], task.predicate)
    return phrase_goals(template, goals)


def opened_words(scene: SceneSpec) -> str:
    """What is to be opened or closed, as a sentence names it, without an article: "red microwave", "top drawer"."""
    task, said = scene.task, scene.target.description
    if isinstance(task.part, msgspec.UnsetType) or scene.target.category != "drawer_unit":
        return said
    part, adjectives = task.part.replace("_", " "), said.removesuffix("drawer unit").strip()
    return f"{part} of the {adjectives} drawer unit" if adjectives else part


def fitting(scene: SceneSpec) -> tuple[Template, ...]:
    """The templates that can say the task of a scene; the first is the plainest."""
    exchange = any(goal.predicate == "at" for goal in scene.task.all_goals)
    return tuple(t for t in by_family(scene.task.family) if ("{pair}" in t.text) == exchange)


def _known(template: Template | str) -> Template:
    if isinstance(template, Template):
        return template
    if template not in TEMPLATES:
        raise DesignError("template", template, "is no template", f"Use one of {', '.join(TEMPLATES)}")
    return TEMPLATES[template]


def _article(sentence: str) -> str:
    """The sentence with "an" in front of a vowel."""
    words = sentence.split(" ")
    for index, word in enumerate(words[:-1]):
        if word == "a" and words[index + 1][:1] in tuple("aeiou"):
            words[index] = "an"
    return " ".join(words)
