"""What training and acting need of a flow policy, whichever network is behind it. FlowVLA and pi0 both fit.

Time runs from 0 (noise) to 1 (actions), and a velocity points from noise to actions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import gymnasium
import torch
from torch import Tensor

from gen3d_envs.contract import Contract
from gen3d_envs.errors import FieldError

from .model import Inputs
from .text import tokens

Seen = TypeVar("Seen")
"""What a network keeps of a batch of observations; one tensor, or a cache."""


class BackendConfig(Protocol):
    """What every flow policy remembers.

    Attributes:
        chunk: control steps that are planned at once.
        flow_steps: Euler steps from noise to actions when acting.
        cameras: pictures of an observation.
        contract: of the environment that it is made for, as JSON.
        proprio_mean, proprio_std, action_mean, action_std: statistics of the training data.
    """

    chunk: int
    flow_steps: int
    cameras: int
    contract: str
    proprio_mean: list[float]
    proprio_std: list[float]
    action_mean: list[float]
    action_std: list[float]

    @property
    def action_dim(self) -> int:
        """Numbers of one action."""

    def made_for(self) -> Contract:
        """The contract of the training."""

    def require(self, env: gymnasium.Env[Any, Any]) -> None:
        """Refuse an environment whose numbers mean something else."""


class FlowBackend(Protocol[Seen]):
    """A flow policy: it looks once and then takes any number of steps from noise to actions.

    ``size`` is ``chunk * action_dim``, the length of a flattened, normalised chunk.
    """

    size: int

    @property
    def config(self) -> BackendConfig:
        """What it remembers."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def encode(self, inputs: Inputs) -> Seen:
        """Look, once for all steps of the flow."""

    def velocity(self, x: Tensor, time: Tensor, seen: Seen) -> Tensor:
        """``(B, size)`` float32 at ``x`` ``(B, size)`` and ``time`` ``(B,)`` in [0, 1]; differentiable."""

    def decode(self, x: Tensor) -> Tensor:
        """``(B, size)`` at the end of the flow to actions ``(B, chunk, action_dim)`` in [-1, 1]."""

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions ``(B, chunk, action_dim)`` to ``(B, size)``: the inverse of :meth:`decode` inside the bounds."""

    def plan(self, inputs: Inputs, steps: int | None = None) -> Tensor:
        """The chunk at the end of the flow from no noise at all, ``(B, chunk, action_dim)`` in [-1, 1]."""

    def save_pretrained(self, save_directory: Any) -> None:
        """Write a folder that :func:`gen3d_envs.baselines.policies.get_policy` reads."""


def features(seen: Any) -> Tensor:
    """One vector per row for the heads of value and noise, ``(B, F)`` float32: what is seen, or its ``features``."""
    found = seen if isinstance(seen, Tensor) else seen.features
    assert isinstance(found, Tensor)
    return found


class Wording:
    """Exchanges the tokens of an observation for those of another network.

    Observations of :func:`gen3d_envs.baselines.vla.scenes.observe` hold each instruction as
    :func:`gen3d_envs.baselines.vla.text.tokens`. A network with a tokenizer of its own gets its rows from here.

    Args:
        words: from an instruction to the other network's row, such as ``Pi0VLA.words``.
        instructions: everything that will be said.
    """

    def __init__(self, words: Callable[[str], Tensor], instructions: Iterable[str]) -> None:
        self._rows = {tokens(text).tobytes(): words(text) for text in instructions}

    def __call__(self, given: Tensor) -> Tensor:
        """``(B, TOKENS)`` int32 to ``(B, n)`` on the same device.

        Raises:
            FieldError: an instruction that was not among those named.
        """
        found = []
        for row in given.cpu().to(torch.int32).numpy():
            if row.tobytes() not in self._rows:
                raise FieldError("tokens", row[:10], "are of an unknown instruction", "Name all instructions first")
            found.append(self._rows[row.tobytes()])
        return torch.stack(found).to(given.device)
