"""A pi0 from a folder, acting through the one protocol of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import torch

from gen3d_envs.errors import FieldError

from ..policies.options import PolicyOptions  # noqa: TID252
from .pi0 import Pi0VLA
from .pi0_files import load_pi0
from .policy import FlowVLAPolicy


class Pi0Policy(FlowVLAPolicy):
    """Plans chunks in an environment whose contract is the model's; only the instruction is read differently."""

    def __init__(self, model: Pi0VLA, env: gymnasium.Env[Any, Any]) -> None:
        self._words = model.words
        super().__init__(model, env)

    def reset(self, instruction: str) -> None:
        """Start an episode with this instruction."""
        self._tokens = self._words(instruction)[None]


def load_policy(folder: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions) -> Pi0Policy:
    """What :func:`gen3d_envs.baselines.policies.get_policy` calls for folders that ``save_pi0`` wrote.

    Nothing is fetched: the base of adapters must be on this computer.

    Raises:
        FieldError: the folder cannot be used.
        ContractError: the environment is not one that the model was made for.
    """
    if torch.cuda.is_available():
        return Pi0Policy(load_pi0(folder, "cuda", vlm_dtype=torch.bfloat16), env)
    return Pi0Policy(load_pi0(folder), env)


def refuse_bare(folder: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions) -> Pi0Policy:
    """What is called for a PI0 of transformers: nobody knows what its numbers mean here.

    Raises:
        FieldError: always.
    """
    raise FieldError(
        "policy", str(folder), "is a bare PI0, without contract and statistics",
        "Make a policy of it with gen3d_envs.baselines.vla.pi0_files.pi0_from_base(), train it and save that",
    )  # fmt: skip
