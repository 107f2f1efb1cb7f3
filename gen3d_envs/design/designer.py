"""Who designs: the protocol of a designer, and the choice of one by a string.

``rules`` reads the sentence with a grammar (the default: no network, no key, no model). ``openai:MODEL`` asks a model
behind an OpenAI-compatible endpoint and ``local:FOLDER`` one that transformers loads; what a model proposes is checked
against the sentence and built by the same code as what the rules read.
"""

from __future__ import annotations

from typing import Protocol

from gen3d_envs.design import rules
from gen3d_envs.errors import DesignError
from gen3d_envs.spec import SceneSpec


class Designer(Protocol):
    """Turns a sentence into a scene without poses.

    Attributes:
        name: what the card's ``designer`` field says, at most 64 characters.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  see the class

    def design(
        self, sentence: str, seed: int = 0, robot: str = "widowx", grip_width_m: float = rules.GRIP_WIDTH_M
    ) -> SceneSpec:
        """The scene a sentence asks for; arguments and errors as in :func:`gen3d_envs.design.rules.design`."""
        ...


class RulesDesigner:
    """The rule-based designer of :mod:`gen3d_envs.design.rules`; deterministic."""

    name = rules.DESIGNER

    def design(
        self, sentence: str, seed: int = 0, robot: str = "widowx", grip_width_m: float = rules.GRIP_WIDTH_M
    ) -> SceneSpec:
        """As :func:`gen3d_envs.design.rules.design`."""
        return rules.design(sentence, seed=seed, robot=robot, grip_width_m=grip_width_m)


def get_designer(choice: str = "rules") -> Designer:
    """The designer that a string names: ``rules``, ``openai:MODEL`` or ``local:FOLDER``.

    Nothing is connected to or loaded before the first design.

    Raises:
        DesignError: no such designer, or the name of a model or folder that cannot be one.
    """
    kind, _, rest = choice.partition(":") if isinstance(choice, str) else ("", "", "")
    if choice == "rules":
        return RulesDesigner()
    if kind == "openai" and rest:
        from gen3d_envs.design.llm_designer import LlmDesigner
        from gen3d_envs.design.llm_openai import OpenAIModel

        return LlmDesigner(OpenAIModel(rest))
    if kind == "local" and rest:
        from gen3d_envs.design.llm_designer import LlmDesigner
        from gen3d_envs.design.llm_local import LocalModel

        return LlmDesigner(LocalModel(rest))
    raise DesignError("designer", choice, "is no designer", 'Use "rules", "openai:MODEL" or "local:FOLDER"')
