"""The nearest sentences that can be done, for one that cannot."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.design import verbs, vocabulary
from gen3d_envs.design.rules import design
from gen3d_envs.design.text import EXAMPLES, lookup
from gen3d_envs.errors import DesignError, Gen3DError

MOST = 3
"""How many are offered."""

CLOSE = 0.8
"""Likeness from which a word counts as a misspelling of another, 0 to 1."""

VERBS = ("put", "place", "pick", "lift", "grab", "take", "move", "stack", "drop", "lay", "set", "bring")


def nearest(sentence: str) -> tuple[str, ...]:
    """Up to three sentences that can be done, those nearest to ``sentence`` first; never the sentence itself.

    Each was designed before it is offered, so that none of them is refused in turn.
    """
    words = re.findall(r"[a-z]+", sentence.lower())[:60]
    found: list[str] = []
    for offer in _candidates(sentence, words):
        if offer not in found and offer != " ".join(sentence.lower().split()) and _can_be_done(offer):
            found.append(offer)
            if len(found) == MOST:
                break
    return tuple(found)


def _candidates(sentence: str, words: list[str]) -> Iterator[str]:
    corrected = [_correct(word) for word in words]
    if corrected != words:
        yield " ".join(corrected)
    yield from _about(_things(corrected))
    # Nothing is known of it: the examples that read most like it.
    yield from sorted(EXAMPLES, key=lambda example: -difflib.SequenceMatcher(None, sentence.lower(), example).ratio())


def _correct(word: str) -> str:
    """The word, or the known one that it misspells."""
    if len(word) < 3 or word in _KNOWN or word in verbs.VERBS or word in verbs.UNSUPPORTED_VERBS or lookup(word):
        return word
    close = difflib.get_close_matches(word, sorted(_KNOWN), n=1, cutoff=CLOSE)
    return close[0] if close else word


def _things(words: list[str]) -> list[tuple[str, str]]:
    """What the words name that can be made: the words and the category, in order."""
    found, index = [], 0
    while index < len(words):
        for length in (3, 2, 1):
            said = " ".join(words[index : index + length])
            hit = lookup(said)
            if hit is not None and hit[0] != "refused" and hit[1] in CATEGORIES:
                found.append((hit[1].replace("_", " "), hit[1]))
                index += length - 1
                break
        index += 1
    return list(dict.fromkeys(found))


def _about(things: list[tuple[str, str]]) -> Iterator[str]:
    """Tasks with these things."""
    for name, category in things:
        for place, holder in things:
            row = CATEGORIES[holder]
            if place != name and CATEGORIES[category].pickable and (row.container or row.surface):
                yield f"put the {name} {'in' if row.container else 'on'} the {place}"
    for name, category in things:
        row = CATEGORIES[category]
        if row.pickable:
            yield f"pick up the {name}"
        if row.container or row.surface:
            yield f"put the apple {'in' if row.container else 'on'} the {name}"
        elif row.pickable:
            yield f"put the {name} in the bowl"


def _can_be_done(sentence: str) -> bool:
    try:
        return not any("unknown noun" in line for line in design(sentence).warnings)
    except DesignError:
        return False


def _known_words() -> frozenset[str]:
    known = {word for name in (*vocabulary.NOUNS, *vocabulary.LOOSE_NOUNS) for word in name.split()}
    known |= {word for name in (*vocabulary.COLORS, *vocabulary.MATERIALS) for word in name.split()}
    known |= {word for name in verbs.PREPOSITIONS for word in name.split()}
    return frozenset(known | set(VERBS) | {"the", "and", "next", "from", "with", "small", "large", "big", "please"})


_KNOWN = _known_words()


def explain(error: Exception) -> str:
    """An error as a person wants to read it: one or two sentences, no field names, never a traceback."""
    if isinstance(error, DesignError) and error.field == "sentence":
        # A word or two say what is meant; the whole sentence stands above the message anyway.
        said = f"“{error.value}” " if error.value and len(str(error.value).split()) <= 4 else ""
        return f"I do not know how to do that: {said}{error.problem}. {error.remedy}."
    if isinstance(error, Gen3DError):
        problem, remedy = getattr(error, "problem", None), getattr(error, "remedy", None)
        if problem and remedy:
            return f"{getattr(error, 'value', '')} {problem}. {remedy}.".strip()
        return str(error)
    if isinstance(error, OSError):
        return f"The computer refused: {error.strerror or error}."
    return f"Something went wrong inside ({type(error).__name__}). The scene is as it was before."
