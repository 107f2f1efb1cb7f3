"""The same task in other words, or words that tell nothing, as a wrapper; see :mod:`gen3d_envs.variations.language`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from gen3d_envs.variations.values import Value
from gen3d_envs.wrappers.variation import VariationWrapper, group


class LanguageRandomization(VariationWrapper):
    """The same task in other words, or words that do not tell it.

    Arguments that are None vary nothing. Any number may be a distribution, see :mod:`gen3d_envs.variations.values`.
    How it behaves otherwise: :class:`gen3d_envs.wrappers.variation.VariationWrapper`.

    Args:
        env: an environment of this package.
        paraphrase: the task in the words of another template: true or names of templates.
        word_order: share of the episodes that ask in an unusual order of words.
        control: words that do not tell the task: ``blank``, ``other_object``, ``distractor_named``.
        typos: slips of the finger in the sentence (rounded).

    Raises:
        FieldError: a setting that its field refuses, or a field that varies already.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        paraphrase: bool | str | Sequence[str] | None = None,
        word_order: Value | None = None,
        control: str | None = None,
        typos: Value | None = None,
    ) -> None:
        fields = {
            "paraphrase": paraphrase,
            "word_order": word_order,
            "control": control,
            "typos": typos,
        }
        super().__init__(env, group("language", fields), fields)
