"""The one protocol every policy follows here."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class ChunkPolicy(Protocol):
    """Anything that acts, one action or several at a time.

    It may also have ``close()``, called once when nobody needs it any more, and ``finished``, true once it wants the
    episode to end.
    """

    def reset(self, instruction: str) -> None:
        """Start an episode with this instruction."""

    def act(self, observation: Any) -> NDArray[Any]:
        """The next action, ``(A,)``, or a chunk of actions for this and the following steps, ``(H, A)``."""


def close(policy: Any) -> None:
    """Give back what a policy holds, where it holds anything."""
    ending = getattr(policy, "close", None)
    if callable(ending):
        ending()
