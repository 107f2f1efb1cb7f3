"""From characters to words: what a sentence may hold, its clean form, and its tokens."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gen3d_envs.design import verbs, vocabulary
from gen3d_envs.errors import DesignError

EXAMPLES: tuple[str, ...] = (
    "put the green apple in the bowl",
    "pick up the banana",
    "place the lemon on the blue plate",
    "stack the red cube on the yellow cube",
    "could you please put the marker into the tray?",
    "take the carrot and put it in the pot",
    "pick up the screwdriver next to the hammer",
    "into the basket put the tennis ball",
    "the sponge should go on the cutting board",
    "put the toy duck in the bucket with a ball and a brick nearby",
    "put the strawberry in the bowl on the table in the kitchen",
    "push the red cube to the green spot",
    "put the lemon in the basket and the wooden spoon on the plate",
    "swap the lime and the soap",
    "put the egg in the bowl, then the salt shaker next to it",
    "open the top drawer",
    "close the microwave",
)
"""Sentences that show what the designer understands."""

MAX_CHARACTERS = 400
"""Longest sentence: the limit of an instruction in a card."""

_FINAL = " .!?;:,…"
_QUOTES = "\"'`“”‘’«»"

Kind = Literal["word", "noun", "prep", "verb", "bad_verb", "be", "and", "stop", "comma", "rel", "modal"]


@dataclass(frozen=True)
class Token:
    """A word or a fixed group of words. ``value`` is its base form, relation or category where it has one."""

    kind: Kind
    text: str
    value: str = ""


def refuse(value: str, problem: str, remedy: str | None = None) -> DesignError:
    """The error for a sentence, naming the word or clause, with an example sentence as the remedy by default."""
    return DesignError("sentence", value, problem, remedy or f'Say what to pick or place, e.g. "{EXAMPLES[0]}"')


class NotUnderstood(DesignError):
    """A sentence that these rules cannot read. Every other refusal is about what cannot be built, whoever reads it."""


def puzzled(value: str, problem: str, remedy: str | None = None) -> NotUnderstood:
    """As :func:`refuse`, where another reader might make sense of the sentence."""
    return NotUnderstood("sentence", value, problem, remedy or f'Say what to pick or place, e.g. "{EXAMPLES[0]}"')


def clean(sentence: str) -> str:
    """The sentence trimmed, in single spaces, without final punctuation, its first letter in lower case.

    Raises:
        DesignError: not text, empty, longer than 400 characters, or with control or unassigned characters.
    """
    if not isinstance(sentence, str):
        raise refuse(repr(sentence)[:60], "is no text")
    if len(sentence) > 4 * MAX_CHARACTERS:
        raise refuse(sentence[:40], f"is longer than {MAX_CHARACTERS} characters")
    for character in sentence:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in "\t\n\r":
            raise refuse(f"U+{ord(character):04X}", "is a control character or no character at all")
    text = " ".join(sentence.split()).rstrip(_FINAL)
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES and not set(text[1:-1]) & set(_QUOTES):
        text = text[1:-1].strip().rstrip(_FINAL)  # the whole sentence in quotes; those around a word stay
    if text.isupper():
        text = text.lower()
    if not text:
        raise refuse(sentence, "is empty")
    if len(text) > MAX_CHARACTERS:
        raise refuse(text[:40], f"is longer than {MAX_CHARACTERS} characters")
    text = text[:1].lower() + text[1:]
    if len(text) > MAX_CHARACTERS:  # a few letters have a lower case of two characters
        raise refuse(text[:40], f"is longer than {MAX_CHARACTERS} characters")
    return text


def normalise(text: str) -> str:
    """Plain lower-case ASCII for matching and hashing; accents are dropped.

    Raises:
        DesignError: letters of another script, emoji or symbols.
    """
    plain = text.casefold().translate(_PLAIN)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    odd = re.search(r"[^a-z0-9 ,.;:!?'()-]+", plain)
    if odd:
        raise puzzled(odd.group(), "is not understood: only English words are")
    plain = re.sub(r"(?<=\w)-(?=\w)", " ", plain)
    return " ".join(re.sub(r"(?<!\w)-+|-+(?!\w)", " , ", plain).split())


_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "&": " and ", "/": " or ", '"': " ", "“": " ", "”": " ", "–": " - ", "—": " - "}
    | {"…": ".", "_": " ", "*": " "}
)

_ARM = r"(?:robot arm|robot|gripper|arm|hand|hands|left hand|right hand|fingers)"
_LEADS = (
    r"please|kindly|now|then|next|first|okay|ok|hey|hi|hello|dear|so|well|alright|robot arm|robot|just|assistant",
    r"(?:would|do) you mind|(?:would|is) it (?:be )?possible (?:for you )?to|i think|(?:how|what) about",
    r"(?:can|could|would|will|won't) (?:you|the robot)(?: please| kindly)?(?: be so kind as to| help me to| help me)?",
    r"i (?:would |'d )?(?:like|want|need|ask) (?:you|the robot) to",
    r"i'd (?:like|love|want|need) (?:you|the robot|for you) to",
    r"i (?:would|'d) (?:appreciate it if|be happy if|be glad if) you",
    r"(?:you|we|i|the robot arm|the robot|the arm|the gripper) "
    r"(?:should|must|shall|will|can|could|has to|have to|needs to|need to|ought to|is to|are to|may)",
    r"(?:your|the) (?:task|job|goal|mission|instruction)(?: now)? is(?: to)?(?: :)?|(?:task|goal|instruction) ?:",
    r"i want to|i need to|we want to|i'd like to|i would like to|try to|go ahead and|let us|let's|help me to|help me",
    rf"be so kind as to|use (?:the|your) {_ARM} to|make sure to|make sure that|make sure|ensure that|ensure",
    r"proceed to|you|the robot arm|the robot|the arm|the gripper|it is time to|it's time to|go and|come and",
)
_TAILS = (
    r"please|thanks|thank you very much|thank you|for me|for us|now|right now|at once|one more time|by the way",
    r"will you|would you|can you|could you|if you can|if possible|if you please|if you don't mind|if you would",
    rf"robot|okay|ok|and stop|and that's it|with (?:the|your) {_ARM}",
)
_LEAD = re.compile(rf"^(?:{'|'.join(_LEADS)})(?:[ ,:!.]+|$)")
_TAIL = re.compile(rf"[ ,]+(?:{'|'.join(_TAILS)})$")
_ASIDE = re.compile(
    r"\b(?:if possible|if you can|if you please|if you don't mind|for me|for us|as well)\b|, (?:please|robot) ?,"
)
_PHRASAL = re.compile(r"\bends? up\b")
_WANT = re.compile(
    r"^(?:i|we) (?:would like|'d like|want|need|would love|'d love|wish)\b|^(?:i'd|we'd) (?:like|love|want)\b"
)


def strip_politeness(plain: str) -> str:
    """The normalised sentence without the words that only address the robot; "end up" is said as "go"."""
    plain = _PHRASAL.sub("go", plain.rstrip(" .!?;:,"))
    while True:
        shorter = _ASIDE.sub(" ", plain)
        shorter = _LEAD.sub("", shorter.strip(" ,.:;!?"), count=1)
        shorter = " ".join(_TAIL.sub("", shorter).strip(" ,.:;!?").split())
        if shorter == plain:
            return _WANT.sub("want", plain)
        plain = shorter


@lru_cache(maxsize=4096)
def singular(word: str) -> tuple[str, ...]:
    """Candidates for the singular of ``word``, best first, the word itself first of all."""
    out = [word]
    irregular = {
        "knives": "knife",
        "loaves": "loaf",
        "mice": "mouse",
        "dice": "die",
        "halves": "half",
        "leaves": "leaf",
    }
    if word in irregular:
        out.append(irregular[word])
    if word.endswith("s") and not word.endswith(("ss", "us", "nis")) and len(word) > 3:
        if word.endswith("ies"):
            out.append(word[:-3] + "y")
        hissing = word.endswith(("ches", "shes", "xes", "sses", "oes"))
        out += [word[:-2], word[:-1]] if hissing else [word[:-1]]
    return tuple(out)


@lru_cache(maxsize=8192)
def lookup(words: str) -> tuple[str, str, bool] | None:
    """Find ``words`` among the nouns.

    Returns:
        The table ("exact", "loose" or "refused"), the category or reason, and whether the words are a plural; None
        where no table has them.
    """
    head, _, last = words.rpartition(" ")
    for index, candidate in enumerate(singular(last)):
        key = f"{head} {candidate}" if head else candidate
        for table, entries in (
            ("exact", vocabulary.NOUNS),
            ("loose", vocabulary.LOOSE_NOUNS),
            ("refused", vocabulary.REFUSED_NOUNS),
        ):
            if key in entries:
                return table, entries[key], index > 0
        if index == 0 and key.replace(" ", "") in _JOINED:
            return "exact", _JOINED[key.replace(" ", "")], False
    return None


_JOINED = {key.replace(" ", ""): name for key, name in vocabulary.NOUNS.items() if " " in key}
_MODALS = frozenset(
    [
        "should",
        "must",
        "shall",
        "will",
        "would",
        "may",
        "has",
        "have",
        "had",
        "ought",
        "does",
        "do",
        "did",
        "could",
        "needs",
    ]
)
_LONGEST = max(
    len(key.split())
    for table in (verbs.PREPOSITIONS, vocabulary.NOUNS, vocabulary.LOOSE_NOUNS, vocabulary.SUPPORTS)
    for key in table
)


def tokenise(plain: str) -> list[Token]:
    """Group the words of a normalised sentence, the longest known group first."""
    words = re.findall(r"'s\b|[a-z0-9]+(?:'(?!s\b)[a-z]+)?|[,.;:!?()]", plain)
    tokens: list[Token] = []
    position = 0
    while position < len(words):
        for length in range(min(_LONGEST, len(words) - position), 0, -1):
            token = _group(" ".join(words[position : position + length]), length)
            after = words[position + length] if position + length < len(words) else "."
            if token is not None and token.value == "spot" and not _ends_phrase(after):
                # "On the left" is a direction, "on the left plate" is not.
                token = Token("word", words[position]) if length == 1 else None
            if token is not None:
                break
        else:  # pragma: no cover - a single word always has a token
            raise AssertionError(words[position])
        tokens.append(token)
        position += length
    return tokens


def _ends_phrase(word: str) -> bool:
    """Whether no noun phrase goes on with this word."""
    return not word[0].isalnum() or word in ("and", "then", "in", "on", "into", "onto", "to", "from", "next", "with")


def _group(text: str, length: int) -> Token | None:
    """The token of ``text``, or None where several words are no fixed group."""
    if text in verbs.PREPOSITIONS:
        return Token("prep", text, verbs.PREPOSITIONS[text])
    if length > 1:
        if (
            text in vocabulary.NOUNS
            or text in vocabulary.LOOSE_NOUNS
            or text in vocabulary.SUPPORTS
            or text in vocabulary.REFUSED_NOUNS
            or text in vocabulary.STYLES
        ):
            return Token("noun", text)
        if lookup(text) or text in ("let go", "let it go"):
            return Token("verb", "let go", "release") if text.startswith("let ") else Token("noun", text)
        return None
    if text in (".", ";", "then", "!", "?"):
        return Token("stop", text)
    if text in (",", ":", "(", ")"):
        return Token("comma", text)
    if text in ("and", "plus"):
        return Token("and", text)
    if text in ("which", "who", "that's"):
        return Token("rel", text)
    if text in _MODALS:
        return Token("modal", text)
    if text in verbs.VERBS:
        kind, base = verbs.VERBS[text]
        return Token("be" if kind == "be" else "verb", text, base)
    if text in verbs.UNSUPPORTED_VERBS:
        return Token("bad_verb", text, verbs.UNSUPPORTED_VERBS[text])
    return Token("word", text)
