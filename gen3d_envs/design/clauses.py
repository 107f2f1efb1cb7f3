"""Clauses: who does what to what where. The parts of a sentence before their meaning is decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gen3d_envs.design import verbs
from gen3d_envs.design.phrases import Phrase, read_phrase
from gen3d_envs.design.text import EXAMPLES, Token, lookup, puzzled, refuse

OFFER = f'Ask for picking or placing instead, e.g. "pick up the apple" or "{EXAMPLES[0]}"'
_QUESTIONS = ("what", "where", "who", "how", "why", "which", "is", "are", "do", "does", "did", "whose")
_ADDRESSED = ("i", "you", "we", "he", "she", "they", "robot")


@dataclass
class Slot:
    """One or more phrases behind the same preposition; ``relation`` is empty for the object of the clause.

    Attributes:
        relation: value of ``vocabulary.PREPOSITIONS``, or "".
        said: the preposition as written.
        phrases: the coordinated phrases.
        anchor: the phrase that stands right in front of the preposition.
        given: part of a relative clause ("that is on the plate"): it tells where something is, not where it goes.
    """

    relation: str
    said: str
    phrases: list[Phrase] = field(default_factory=list)
    anchor: Phrase | None = None
    given: bool = False


@dataclass
class Clause:
    """One verb with its slots, in the order they were said.

    Attributes:
        verb: base form, or "" where there is none.
        verb_class: its class in the vocabulary, "exist" for "there is", or "".
        modal: "should", "must" and the like were said.
        spots: directions without a noun, such as "to the left" or "up".
    """

    verb: str = ""
    verb_class: str = ""
    modal: bool = False
    slots: list[Slot] = field(default_factory=list)
    spots: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Nothing was said yet."""
        return not (self.verb or self.slots or self.spots)


class ClauseReader:
    """Reads tokens from left to right into clauses; one reader per sentence.

    Raises:
        DesignError: at the first word that fits nowhere.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._clauses = [Clause()]
        self._joined = ""  # "and" or "," since the last phrase
        self._given = False
        self._last: Phrase | None = None

    def read(self) -> list[Clause]:
        """All clauses that say something."""
        self._refuse_early()
        position = 0
        while position < len(self._tokens):
            position = self._step(position)
        return [clause for clause in self._clauses if not clause.empty]

    def _refuse_early(self) -> None:
        first = self._tokens[0].text if self._tokens else ""
        if first in _QUESTIONS:
            raise refuse(" ".join(t.text for t in self._tokens), "is a question, not a task for a robot arm")
        for index, token in enumerate(self._tokens):
            number = self._tokens[index - 1].text if index else ""
            if token.text in verbs.UNITS and (number.isdigit() or number in verbs.NUMBERS):
                raise refuse(f"{number} {token.text}", "is a measure, which has no effect on a goal", OFFER)
            if token.text in verbs.NEGATIONS:
                raise refuse(token.text, "says what not to do, which cannot be designed")
            if token.text in verbs.CONDITIONS:
                raise refuse(token.text, "makes a condition, an order or an alternative, which cannot be designed")
        said = " ".join(t.text for t in self._tokens)
        for words in verbs.ORIENTATIONS:
            if f" {words} " in f" {said} ":
                raise refuse(words, "asks for an orientation, which is no goal in this release", OFFER)

    def _step(self, position: int) -> int:
        """Read one token, or one phrase; returns the position behind it."""
        token, clause = self._tokens[position], self._clauses[-1]
        following = self._tokens[position + 1] if position + 1 < len(self._tokens) else Token("stop", "")
        if token.kind in ("comma", "and"):
            self._joined = token.text
        elif token.kind == "stop":
            self._begin()
        elif token.kind == "rel" or (token.text == "that" and self._last and following.kind in ("be", "modal", "verb")):
            self._given = True
        elif token.kind == "modal":
            clause.modal = True
        elif token.kind == "be":
            self._read_be(token, following)
        elif token.kind == "verb":
            self._read_verb(token, position)
        elif token.kind == "bad_verb" and self._is_verb(token, following):
            reason = verbs.UNSUPPORTED_VERBS[token.text]
            raise refuse(" ".join(t.text for t in self._tokens[position:]), f'"{token.text}" {reason}', OFFER)
        elif token.kind == "prep":
            return self._read_preposition(position)
        elif token.text == "there" and following.kind == "be":
            if not clause.empty:
                self._begin()
            self._clauses[-1].verb, self._clauses[-1].verb_class = "there is", "exist"
            return position + 2
        elif not self._is_filler(token, following):
            phrase, position = read_phrase(self._tokens, position)
            self._attach(phrase)
            return position
        return position + 1

    def _begin(self) -> None:
        self._clauses.append(Clause())
        self._joined, self._given, self._last = "", False, None

    def _is_filler(self, token: Token, following: Token) -> bool:
        if token.text in verbs.ADVERBS or token.text in ("'s", "me", "us", "back", "away", "it'll"):
            return True
        addressed = token.text in _ADDRESSED and following.kind in ("verb", "be", "modal", "bad_verb", "stop", "comma")
        return addressed and not self._clauses[-1].slots

    def _is_verb(self, token: Token, following: Token) -> bool:
        """Whether a word such as "roll" is meant as a verb here."""
        if lookup(token.text) and following.kind == "prep":
            return False
        return self._last is None or bool(self._joined) or self._clauses[-1].modal

    def _read_be(self, token: Token, following: Token) -> None:
        clause = self._clauses[-1]
        reduced = token.text.endswith("ing") or token.text == "located"
        if self._given or (clause.verb and clause.verb_class != "want"):
            self._given = True
        elif reduced and not clause.verb:
            if clause.slots:
                self._given = True
        elif following.kind not in ("verb",) and clause.slots and not clause.verb:
            clause.verb, clause.verb_class = "be", "be"

    def _read_verb(self, token: Token, position: int) -> None:
        verb_class, base = verbs.VERBS.get(token.text) or verbs.OPENING.get(token.text, ("release", "let go"))
        clause = self._clauses[-1]
        before = self._tokens[position - 1] if position else Token("stop", "")
        joined = bool(self._joined) or before.text == "to"
        if self._given and before.kind in ("rel", "be", "modal"):
            return
        if (
            clause.verb
            and not joined
            and token.text.endswith("ed")
            and self._last is not None
            and clause.verb_class != "want"
        ):
            self._given = True  # a reduced relative clause: "the apple placed on the plate"
            return
        if clause.verb_class in ("be", "exist") or (clause.verb and clause.slots and clause.verb_class != "want"):
            self._begin()
            clause = self._clauses[-1]
        clause.verb, clause.verb_class = base, verb_class
        self._joined, self._given = "", False
        if not any(slot.relation == "" for slot in clause.slots):
            self._last = None

    def _read_preposition(self, position: int) -> int:
        token, clause = self._tokens[position], self._clauses[-1]
        position += 1
        if token.value in ("spot", "up"):
            clause.spots.append(token.text if token.value == "spot" else "up")
            return position
        while position < len(self._tokens) and self._tokens[position].text in verbs.ADVERBS:
            position += 1
        following = self._tokens[position] if position < len(self._tokens) else Token("stop", "")
        if token.text == "to" and following.kind in ("verb", "bad_verb", "be"):
            return position
        if following.kind not in ("word", "noun", "verb", "bad_verb"):
            raise puzzled(" ".join(t.text for t in self._tokens), f'nothing follows "{token.text}"')
        phrase, position = read_phrase(self._tokens, position)
        clause.slots.append(Slot(token.value, token.text, [phrase], self._last, self._given))
        self._last, self._joined, self._given = phrase, "", False
        return position

    def _attach(self, phrase: Phrase) -> None:
        """Put a phrase without a preposition where it belongs: an object, or one more of a list."""
        clause = self._clauses[-1]
        has_object = any(slot.relation == "" for slot in clause.slots)
        if clause.slots and self._joined and self._last is not None and (has_object or clause.slots[-1].relation == ""):
            clause.slots[-1].phrases.append(phrase)
        elif not has_object:
            clause.slots.append(Slot("", "", [phrase]))
        elif phrase.meaning == "pronoun":
            return  # "the lemon, put it on the plate"
        elif not clause.verb:
            first = next(slot for slot in clause.slots if slot.relation == "").phrases[0]
            raise puzzled(first.text, "is no verb that is known")
        else:
            raise puzzled(phrase.text, "fits nowhere in the sentence")
        self._last, self._joined, self._given = phrase, "", False


def parted(clause: Clause) -> list[Clause]:
    """The clause in parts of one goal each: "put A in B and C in D" is said with one verb.

    Behind a place, a thing that is joined by "and" goes with the next preposition.
    """
    if not clause.verb or all(slot.relation for slot in clause.slots):
        return [clause]
    first = next(i for i, slot in enumerate(clause.slots) if slot.relation == "")
    for index, slot in enumerate(clause.slots[:-1]):
        following = clause.slots[index + 1]
        if slot.relation and index > first and len(slot.phrases) > 1 and following.relation and not following.given:
            head = replace(slot, phrases=slot.phrases[:-1])
            moved = Slot("", "", [slot.phrases[-1]])
            before = replace(clause, slots=[*clause.slots[:index], head], spots=[])
            after = replace(clause, slots=[moved, *clause.slots[index + 1 :]])
            return [before, *parted(after)]
    return [clause]


def name_ones(clauses: list[Clause]) -> None:
    """Give "the yellow one" the noun of the thing mentioned last before it, in place.

    Raises:
        DesignError: nothing was mentioned before.
    """
    last: Phrase | None = None
    named: dict[int, Phrase] = {}
    for slot in (slot for clause in clauses for slot in clause.slots):
        # What stands in front of a preposition is one of the phrases before it.
        slot.anchor = named.get(id(slot.anchor), slot.anchor)
        for index, phrase in enumerate(slot.phrases):
            if phrase.meaning == "one":
                if last is None:
                    raise refuse(phrase.text, "does not say which object is meant")
                text = " ".join([*phrase.text.split()[:-1], last.noun])
                slot.phrases[index] = named[id(phrase)] = replace(
                    phrase, text=text, noun=last.noun, meaning="object", category=last.category, guessed=last.guessed
                )
            if slot.phrases[index].meaning == "object":
                last = slot.phrases[index]
