"""How the word lists of the designer are written."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Words between commas or line ends."""
    return tuple(word.strip() for word in text.replace("\n", ",").split(",") if word.strip())


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Lines of ``name: word, word, ...``, indented where a line goes on."""
    lines = text.strip().replace("\n  ", " ").splitlines()
    return {name: words(rest) for name, _, rest in (line.partition(":") for line in lines)}


def table(text: str) -> dict[str, str]:
    """The same lines as a dictionary from each word to the name of its line."""
    return {word: name for name, members in rows(text).items() for word in members}
