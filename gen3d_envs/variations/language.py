"""The same task in other words, and controls that show whether the words are read at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gen3d_envs.design.templates import TEMPLATES, Template, fitting, phrase, phrase_scene
from gen3d_envs.episode import Episode
from gen3d_envs.errors import FieldError
from gen3d_envs.spec import ObjectSpec, SceneSpec
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.values import Distribution, parse, parse_names, pick

CONTROLS = ("blank", "other_object", "distractor_named")
"""``blank``: no word at all. ``other_object``: the same request for another object of the scene. ``distractor_named``:
the request as it is, and a distractor that is to stay. Only the last one still tells the task."""

ORDERS = (
    "where_first", "where_first_to", "belongs", "goes", "should_go", "should_be", "must_be_put", "needs_to_go",
    "pick_thing_up", "set_down_at", "lift_up", "should_be_lifted", "there_is_pick", "see_there", "short",
)  # fmt: skip
"""Templates whose words come in another order than verb, thing, place."""

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
MOST_TYPOS = 20


def say(scene: SceneSpec, template: Template | None = None, target: str | None = None) -> str | None:
    """A scene's task in the words of a template.

    Args:
        scene: the scene.
        template: the plainest of the family where None.
        target: what is asked for, in words; the task's own target where None.

    Returns:
        The sentence; None where the family has no templates, or the words would fit two objects of the scene.
    """
    templates, task = fitting(scene), scene.task
    if not templates or not _distinct(scene):
        return None
    if task.family not in ("pick", "place"):
        # Whatever else is asked for, it is all of the task: one of several targets cannot be exchanged for another.
        return None if target is not None else phrase_scene(scene, template)
    words = scene.target.description if target is None else target
    template = templates[0] if template is None else template
    if task.receptacle is None:
        return phrase(template, words)
    return phrase(template, words, scene.object(task.receptacle).description, task.predicate)


def _distinct(scene: SceneSpec) -> bool:
    """Whether the descriptions of target and receptacle fit nothing else."""
    named = [item.description for item in scene.objects if item.name in scene.task.concerned]
    every = [item.description for item in scene.objects]
    return all(every.count(words) == 1 for words in named)


def _options(scene: SceneSpec, names: Sequence[str]) -> list[Template]:
    task = scene.task
    found = [TEMPLATES[name] for name in names if TEMPLATES[name] in fitting(scene)]
    if task.receptacle is not None and scene.object(task.receptacle).category == scene.target.category:
        # "There is a bowl. Put the red bowl in it" names one bowl only.
        found = [template for template in found if "there is" not in template.text]
    return found


def _paraphrase(episode: Episode, setting: tuple[str, ...], rng: np.random.Generator) -> tuple[Episode, Any]:
    options = _options(episode.scene.spec, setting)
    template = pick(rng, options) if options else None
    sentence = None if template is None else say(episode.scene.spec, template)
    if template is None or sentence is None:
        return episode, None
    return replace(episode, instruction=sentence), template.name


def _word_order(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    share = setting.draw(rng)
    if rng.random() >= share:
        return episode, None
    return _paraphrase(episode, ORDERS, rng)


def _typos(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    count = round(setting.draw(rng))
    taken = {word for item in episode.scene.spec.objects for word in item.description.split()}
    sentence = episode.instruction
    for _ in range(count):
        sentence = misspell(sentence, rng, taken)
    return replace(episode, instruction=sentence), count


def misspell(sentence: str, rng: np.random.Generator, taken: set[str] | frozenset[str] = frozenset()) -> str:
    """One slip of the finger in a word of at least four letters, never in its first letter.

    Args:
        sentence: the words.
        rng: draws the word and the slip.
        taken: words that must not come out, such as the names of other objects.
    """
    words = sentence.split(" ")
    long = [index for index, word in enumerate(words) if sum(map(str.isalpha, word)) >= 4]
    if not long:
        return sentence
    for _ in range(8):
        index = pick(rng, long)
        changed = _slip(words[index], rng)
        if changed != words[index] and changed.strip(".,?!") not in taken:
            words[index] = changed
            break
    return " ".join(words)


def _slip(word: str, rng: np.random.Generator) -> str:
    last = max(index for index, letter in enumerate(word) if letter.isalpha())
    at, kind = int(rng.integers(1, max(2, last))), int(rng.integers(4))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    row = next((keys for keys in _KEYS if word[at].lower() in keys), None)
    if row is None:
        return word
    beside = row.index(word[at].lower()) + (1 if rng.random() < 0.5 else -1)
    return word[:at] + row[min(max(beside, 0), len(row) - 1)] + word[at + 1 :]


def _read_control(value: Any, where: str) -> str:
    if value not in CONTROLS:
        raise FieldError(where, value, "is no control", f"Use one of {', '.join(CONTROLS)}")
    return str(value)


def _control(episode: Episode, setting: str, rng: np.random.Generator) -> tuple[Episode, Any]:
    spec, drawn = episode.scene.spec, {"control": setting, "object": None}
    if setting == "blank":
        return replace(episode, instruction=""), drawn
    others = [item for item in spec.objects if item.name not in spec.task.concerned]
    if not others:
        return (episode, drawn) if setting == "distractor_named" else _ask_for(episode, spec.target, drawn)
    other = pick(rng, others)
    drawn["object"] = other.description
    if setting == "other_object":
        return _ask_for(episode, other, drawn)
    end = "" if episode.instruction.rstrip()[-1:] in (".", "?", "!") else "."
    sentence = f"{episode.instruction}{end} Leave the {other.description} where it is."
    return replace(episode, instruction=sentence), drawn


def _ask_for(episode: Episode, other: ObjectSpec, drawn: Mapping[str, Any]) -> tuple[Episode, Any]:
    """The same request for another object; where the scene has none to ask for, the words tell nothing."""
    spec = episode.scene.spec
    sentence = None if other.name == spec.task.target else say(spec, target=other.description)
    if sentence is None and other.name != spec.task.target:
        sentence = f"pick up the {other.description}"
    return replace(episode, instruction=sentence or ""), drawn


FIELDS = (
    Field("language.paraphrase", lambda v, w: parse_names(v, w, tuple(TEMPLATES)), _paraphrase,
          "the task in the words of another template: true or names of templates"),
    Field("language.word_order", lambda v, w: parse(v, w, 0.0, 1.0), _word_order,
          "share of the episodes that ask in an unusual order of words"),
    Field("language.control", _read_control, _control, "words that do not tell the task: " + ", ".join(
        f"`{name}`" for name in CONTROLS)),
    Field("language.typos", lambda v, w: parse(v, w, 0.0, float(MOST_TYPOS)), _typos,
          "slips of the finger in the sentence (rounded)"),
)  # fmt: skip
"""Fields of the group ``language``, in the order of application."""
