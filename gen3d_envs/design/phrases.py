"""Noun phrases: "two small red wooden cubes" -> what is meant, in which words, how many."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Literal

from gen3d_envs.design import verbs, vocabulary
from gen3d_envs.design.text import Token, lookup, puzzled, refuse, singular

MAX_COUNT = 99
_MARKED = ("marked", "painted", "drawn", "round", "circular", "highlighted", "goal", "target")
"""Adjectives that a mark has anyway."""

Meaning = Literal["object", "mark", "support", "style", "refused", "pronoun", "one"]


@dataclass(frozen=True)
class Phrase:
    """What a noun phrase names.

    Attributes:
        text: the words as said, in the singular, without determiner and number, e.g. ``"small red cube"``.
        noun: the head as said, in the singular.
        meaning: an object of the scene, a mark on the support, the support, the room, something that cannot be built, a
            pronoun, or "one" with
            its adjectives, as in "the yellow one".
        category: catalogue category; the word for the support or room, or the reason for the refusal.
        color, material, size: as said, by catalogue name.
        count: how many, where more than one or a number is said; 2 for a bare plural.
        definite: said with "the" or the like, so that it may repeat an earlier mention.
        guessed: the noun is unknown and nothing is meant by the category yet.
        warnings: what of the phrase has no effect or is replaced.
    """

    text: str
    noun: str
    meaning: Meaning
    category: str
    color: str | None = None
    material: str | None = None
    size: Literal["small", "medium", "large"] | None = None
    count: int = 1
    definite: bool = False
    guessed: bool = False
    warnings: tuple[str, ...] = ()

    def matches(self, other: Phrase) -> bool:
        """Whether ``other`` can be a second mention of this, e.g. "the red apple ... the apple"."""
        same = self.meaning == other.meaning and self.category == other.category
        if self.guessed or other.guessed:
            same = same and self.noun == other.noun
        return same and all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in ((self.color, other.color), (self.material, other.material), (self.size, other.size))
        )

    def refined(self, later: Phrase) -> Phrase:
        """This with the adjectives that a second mention adds: "a block ... the red block"."""
        pairs = [(self.color, later.color), (self.material, later.material), (self.size, later.size)]
        if all(mine is not None or theirs is None for mine, theirs in pairs):
            return self
        return replace(
            later, color=later.color or self.color, material=later.material or self.material,
            size=later.size or self.size, warnings=tuple(dict.fromkeys([*self.warnings, *later.warnings])),
        )  # fmt: skip


def read_phrase(tokens: list[Token], start: int) -> tuple[Phrase, int]:
    """Read the noun phrase that begins at ``tokens[start]``.

    Returns:
        The phrase and the position behind it.

    Raises:
        DesignError: no noun stands there.
    """
    words, opening, position = _gather(tokens, start)
    said = " ".join(token.text for token in tokens[start:position])
    phrase = _interpret(words, opening, said)
    if position < len(tokens) and tokens[position].value == "of" and position + 1 < len(tokens):
        inner, position = read_phrase(tokens, position + 1)
        phrase = _join_of(phrase, inner)
    return phrase, position


def _gather(tokens: list[Token], start: int) -> tuple[list[str], list[str], int]:
    """The content words and the opening words (determiners, numbers) of the phrase, and where it ends."""
    words: list[str] = []
    opening: list[str] = []
    position = start
    while position < len(tokens):
        token = tokens[position]
        if token.kind == "and" and _joins_colors(tokens, position):
            position += 1
            continue
        if token.kind in ("prep", "comma", "stop", "rel", "modal", "and"):
            break
        if token.kind in ("verb", "be", "bad_verb") and (words or not opening) and token.kind != "bad_verb":
            break
        if token.text in verbs.DETERMINERS or token.text in verbs.NUMBERS or token.text.isdigit():
            if words and token.text != "one":
                break
            if not words and not (token.text == "one" and opening and not _noun_follows(tokens, position)):
                opening.append(token.text)
                position += 1
                continue
        ends = position + 1 == len(tokens) or tokens[position + 1].kind not in ("word", "noun")
        if token.text in verbs.ADVERBS or token.text == "'s" or (words and ends and token.text in ("back", "away")):
            position += 1
            continue
        words += token.text.split()
        position += 1
    return words, opening, position


def _noun_follows(tokens: list[Token], position: int) -> bool:
    return position + 1 < len(tokens) and tokens[position + 1].kind in ("word", "noun")


def _joins_colors(tokens: list[Token], position: int) -> bool:
    """Whether the "and" joins two colours of one thing, as in "the red and white ball"."""
    around = tokens[position - 1 : position + 3]
    return (
        0 < position < len(tokens) - 2
        and around[0].text in vocabulary.COLORS
        and around[2].text in vocabulary.COLORS
        and around[3].kind in ("word", "noun")
        and around[3].text not in verbs.ADVERBS
    )


def _interpret(words: list[str], opening: list[str], said: str) -> Phrase:
    """The meaning of the gathered words."""
    if not words or (len(words) == 1 and words[0] in verbs.PRONOUNS):
        pronoun = words[0] if words else (opening[-1] if opening else "")
        if pronoun not in verbs.PRONOUNS and pronoun not in verbs.NUMBERS:
            raise puzzled(said or "the end of the sentence", "names no object where one is expected")
        return Phrase(pronoun, pronoun, "pronoun", pronoun, count=verbs.NUMBERS.get(pronoun, 1))
    count, plural = _count(opening)
    for word in opening:
        # "Both" goes before several nouns as well: "both the pen and the marker".
        if word in verbs.PLURAL_WORDS and word != "both":
            plural = True
    for length in range(min(4, len(words)), 0, -1):
        head = " ".join(words[-length:])
        for entries, meaning in ((vocabulary.SUPPORTS, "support"), (vocabulary.STYLES, "style")):
            if head in entries:
                return Phrase(" ".join(words), head, meaning, entries[head], definite=True)  # type: ignore[arg-type]
    for length in (2, 1):
        if " ".join(words[-length:]) in vocabulary.MARKS and lookup(" ".join(words[-2:])) is None:
            noun = " ".join(words[-length:])
            mark = Phrase(" ".join(words), noun, "mark", "mark", definite="the" in opening)
            return _modify(mark, [word for word in words[:-length] if word not in _MARKED])
    notes: list[str] = []
    head_length, found = _find_head(words)
    if words[-1] in ("one", "ones"):
        count = count or (2 if words[-1] == "ones" else 1)
        return _modify(Phrase(" ".join(words), "one", "one", "", count=count, definite=True), words[:-1])
    if all(_known_modifier(word) and lookup(word) is None for word in words):
        raise refuse(said, "does not say which object is meant")
    modifiers, guessed = words[:-head_length], False
    noun = _singular_of(words[-head_length:])
    if found is None and words[-1].rstrip("s") in verbs.FILLERS and len(words) > 1:
        length, found = _find_head(words[:-1])
        if found is not None:
            notes.append(f'"{" ".join(words)}" is read as {" ".join(words[-1 - length : -1])}')
            modifiers = words[: -1 - length]
    category = "generic"
    if found is None and noun in vocabulary.KINDS:
        category = f"any_{noun}"
        plural = plural or noun != words[-1]
        notes.append(f'"{noun}" may be any kind: one is drawn')
    elif found is None:
        _refuse_gibberish(words, noun, said)
        guessed = True
        plural = plural or (noun != words[-1])
        close = difflib.get_close_matches(noun, vocabulary.NOUNS, n=1, cutoff=0.8)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        notes.append(f'"{noun}" is an unknown noun: a plain object stands in for it{hint}')
    else:
        table, category, is_plural = found
        plural = plural or is_plural
        if table == "refused":
            return Phrase(" ".join(words), noun, "refused", category, definite="the" in opening)
        if table == "loose":
            notes.append(f'"{noun}" is modelled as a {category.replace("_", " ")}')
    phrase = Phrase(
        " ".join([*modifiers, noun]) if not notes or guessed else " ".join([*words[:-1], _singular_of(words[-1:])]),
        noun, "object", category,
        count=count if count is not None else (2 if plural and noun not in ("pliers", "scissors", "dice") else 1),
        definite=bool({"the", "that", "this", "these", "those", "my", "your"} & set(opening)),
        guessed=guessed, warnings=tuple(notes),
    )  # fmt: skip
    return _modify(phrase, modifiers)


def _refuse_gibberish(words: list[str], noun: str, said: str) -> None:
    """An unknown noun is a guess; what cannot be a noun, or is too long for one, is a misreading."""
    if len(noun) < 3 or noun in verbs.NO_NOUNS:
        raise puzzled(noun, "is no noun that is known")
    if len(words) > 4:
        raise puzzled(said, "is not understood as the name of an object")


def _count(opening: list[str]) -> tuple[int | None, bool]:
    for word in opening:
        number = verbs.NUMBERS.get(word, int(word) if word.isdigit() and len(word) < 4 else None)
        if number == 0:
            raise refuse(word, "asks for no object at all")
        if number is not None:
            return min(number, MAX_COUNT), number > 1
        if word.isdigit():
            return MAX_COUNT, True
    return None, False


def _find_head(words: list[str]) -> tuple[int, tuple[str, str, bool] | None]:
    """The longest known noun at the end of the words: its length and what :func:`lookup` says of it."""
    for length in range(min(4, len(words)), 0, -1):
        found = lookup(" ".join(words[-length:]))
        if found is not None:
            return length, found
    return 1, None


def _singular_of(words: list[str]) -> str:
    """The head in the singular, as far as the tables or plain English tell."""
    head = " ".join(words[:-1])
    candidates = singular(words[-1])
    for candidate in candidates:
        key = f"{head} {candidate}".strip()
        if key in vocabulary.NOUNS or key in vocabulary.LOOSE_NOUNS or key in vocabulary.REFUSED_NOUNS:
            return key
    return f"{head} {candidates[min(1, len(candidates) - 1)]}".strip()


def _modify(phrase: Phrase, modifiers: list[str]) -> Phrase:
    """Read the adjectives in front of the noun."""
    color, material, size = phrase.color, phrase.material, phrase.size
    notes = list(phrase.warnings)
    position = 0
    while position < len(modifiers):
        for length in (3, 2, 1):
            words = " ".join(modifiers[position : position + length])
            if len(words.split()) == length and _known_modifier(words):
                break
        position += length
        if words in vocabulary.COLORS:
            if color is not None:
                notes.append(f'"{phrase.text}" is made in {color.replace("_", " ")} only, not in {words} as well')
            color = color or vocabulary.COLORS[words]
        elif words in vocabulary.MATERIALS:
            if material is None or vocabulary.MATERIALS[words] == material:
                material = vocabulary.MATERIALS[words]
            else:
                notes.append(f'"{phrase.text}" is made of {material} only, not of {words} as well')
        elif words in vocabulary.SIZES:
            size = size or vocabulary.SIZES[words]
        elif words in vocabulary.TRANSPARENT:
            notes.append(f'"{phrase.text}": transparent things are not drawn, it is made opaque')
        elif words in vocabulary.SELECTORS:
            notes.append(f'"{words}" in "{phrase.text}" chooses nothing: it has no effect on the layout')
        elif words in ("dark", "light", "bright", "pale", "deep", "colored", "coloured"):
            notes.append(f'"{words}" in "{phrase.text}" has no effect on the colour')
        elif words not in vocabulary.HARMLESS and words not in verbs.FILLERS:
            notes.append(f'"{words}" in "{phrase.text}" is not understood and has no effect')
    return replace(phrase, color=color, material=material, size=size, warnings=tuple(notes))


def object_phrase(noun: str, category: str, modifiers: list[str], notes: list[str]) -> Phrase:
    """The phrase of an object whose noun was found elsewhere, with its adjectives read.

    Args:
        noun: what it is called.
        category: of the catalogue.
        modifiers: the words before it.
        notes: warnings about the noun.
    """
    text = " ".join([*modifiers, noun])
    return _modify(Phrase(text, noun, "object", category, definite=True, warnings=tuple(notes)), modifiers)


def _known_modifier(words: str) -> bool:
    return (
        words in vocabulary.COLORS
        or words in vocabulary.MATERIALS
        or words in vocabulary.SIZES
        or words in vocabulary.TRANSPARENT
    )


def _join_of(outer: Phrase, inner: Phrase) -> Phrase:
    """The meaning of "OUTER of INNER"."""
    head = outer.noun
    if head in verbs.MEASURES or outer.meaning == "pronoun":
        count = 2 if head in ("couple", "pair", "stack", "pile", "bunch", "set", "lot", "lots", "row", "group") else 1
        if inner.noun in ("pliers", "scissors", "tongs", "chopsticks"):
            count = 1
        return replace(inner, count=max(count, outer.count))
    if head in verbs.PARTS or (any(word in verbs.PARTS for word in outer.text.split()) and outer.guessed):
        if inner.meaning in ("support", "style"):
            return inner
        note = f'"{outer.text}" is not told apart from the whole "{inner.text}"'
        return replace(inner, warnings=(*inner.warnings, note))
    if outer.meaning != "object":
        return outer
    notes = outer.warnings if inner.meaning != "object" or inner.guessed else (
        *outer.warnings, f'"of {inner.text}" has no effect: the {outer.noun} holds nothing',
    )  # fmt: skip
    return replace(outer, text=f"{outer.text} of {inner.text}", warnings=notes)
