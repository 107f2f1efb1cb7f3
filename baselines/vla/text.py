"""Words as numbers, without a vocabulary: a word is the mean of its letter groups, so a new word has a place, too.

Letter groups of three with the word's ends marked, and the word itself, hashed into a fixed number of rows (fastText,
Bojanowski et al. 2017, arXiv:1607.04606, section 3.2).
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MAX_WORDS = 20
"""Words of an instruction that are read; released instructions have at most a dozen."""

GROUPS = 10
"""Letter groups kept of each word, the word itself among them."""

BUCKETS = 4096
"""Rows of the table; row 0 is empty."""

TOKENS = MAX_WORDS * GROUPS

_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=4096)
def tokens(instruction: str) -> NDArray[np.int32]:
    """Row numbers of an instruction.

    Args:
        instruction: any text; its case and punctuation are ignored, words beyond :data:`MAX_WORDS` are, too.

    Returns:
        ``(TOKENS,)`` int32, :data:`GROUPS` per word, 0 where there is none. Read-only.
    """
    rows = np.zeros((MAX_WORDS, GROUPS), np.int32)
    for place, word in enumerate(_WORD.findall(instruction.lower())[:MAX_WORDS]):
        marked = f"<{word[:32]}>"
        groups = [marked, *(marked[i : i + 3] for i in range(len(marked) - 2))][:GROUPS]
        rows[place, : len(groups)] = [1 + zlib.crc32(group.encode()) % (BUCKETS - 1) for group in groups]
    flat = rows.reshape(-1)
    flat.flags.writeable = False
    return flat
