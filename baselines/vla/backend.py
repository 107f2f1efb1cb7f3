"""What training and acting need of a flow policy, whichever network is behind it. FlowVLA and pi0 both fit.

Time runs from 0 (noise) to 1 (actions), and a velocity points from noise to actions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import gymnasium
import msgspec
import torch
from torch import Tensor

from gen3d_envs.contract import Contract
from gen3d_envs.errors import FieldError

from .config import FlowVLAConfig
from .model import FlowVLA, Inputs
from .pi0_config import MODEL_TYPE, Pi0VLAConfig
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

    ``size`` is ``chunk * action_dim``, the length of a flattened, normalised chunk; ``seen_size`` that of
    :func:`features`.
    """

    size: int
    seen_size: int

    @property
    def config(self) -> BackendConfig:
        """What it remembers."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def words(self, instruction: str) -> Tensor:
        """An instruction as it is read, ``(n,)`` int32."""

    def encode(self, inputs: Inputs) -> Seen:
        """Look, once for all steps of the flow."""

    def look(self, obs: Mapping[str, Tensor]) -> Any:
        """The part of :meth:`encode` that a copy of this policy need not do again.

        Args:
            obs: of :class:`gen3d_envs.baselines.ppo.vec_env.FleetVecEnv`, one row per environment.
        """

    def understand(self, looked: Any, proprio: Tensor) -> Seen:
        """The rest of it."""

    def velocity(self, x: Tensor, time: Tensor, seen: Seen) -> Tensor:
        """``(B, size)`` float32 at ``x`` ``(B, size)`` and ``time`` ``(B,)`` in [0, 1]; differentiable."""

    def along(self, flows: Tensor, seen: Seen) -> Tensor:
        """Velocities of flows ``(B, K, size)`` at their ``K`` steps, the first of which begins at time 0."""

    def train_eyes(self, on: bool) -> None:
        """Whether what looks learns, too, and not only what acts."""

    def head(self) -> Any:
        """A frozen copy of what acts, as it is now; it understands what the original has looked at."""

    def decode(self, x: Tensor) -> Tensor:
        """``(B, size)`` at the end of the flow to actions ``(B, chunk, action_dim)`` in [-1, 1]."""

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions ``(B, chunk, action_dim)`` to ``(B, size)``: the inverse of :meth:`decode` inside the bounds."""

    def plan(self, inputs: Inputs, steps: int | None = None, start: Tensor | None = None) -> Tensor:
        """The chunk at the end of the flow from no noise at all, or from ``start``, ``(B, size)``.

        Returns:
            ``(B, chunk, action_dim)`` in [-1, 1].
        """

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


def wording(model: FlowBackend[Any], instructions: Iterable[str]) -> Callable[[Tensor], Tensor]:
    """From stored tokens to those that a model reads; they are the same for a :class:`.model.FlowVLA`."""
    return (lambda given: given) if isinstance(model, FlowVLA) else Wording(model.words, instructions)


def load_backend(folder: Path, device: str | torch.device = "cpu") -> FlowBackend[Any]:
    """The flow policy in a folder, of either kind; see :func:`vlm_dtype`.

    Raises:
        FieldError: it holds none that can be used.
        EngineUnavailable: adapters whose base is not on this computer, or without peft.
    """
    if _is_pi0(folder):
        from .pi0_files import load_pi0

        return load_pi0(folder, device, vlm_dtype=vlm_dtype(device))
    from .policy import load_flow_vla

    return load_flow_vla(folder, device)


def vlm_dtype(device: str | torch.device) -> torch.dtype | None:
    """Of pi0's vision-language model: bfloat16 on a GPU, elsewhere the expert's (None)."""
    return torch.bfloat16 if torch.device(device).type == "cuda" else None


def read_config(folder: Path) -> BackendConfig:
    """The configuration of the flow policy in a folder, without its weights.

    Raises:
        FieldError: there is none.
    """
    if not (folder / "config.json").is_file():
        raise FieldError("policy", str(folder), "holds no config.json", "Give the folder of a policy")
    kind: Any = Pi0VLAConfig if _is_pi0(folder) else FlowVLAConfig
    try:
        found: BackendConfig = kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        problem = f"holds no configuration ({str(error).splitlines()[0][:160]})"
        raise FieldError("policy", str(folder), problem, "Give the folder of a policy") from None
    return found


def _is_pi0(folder: Path) -> bool:
    try:
        return bool(msgspec.json.decode((folder / "config.json").read_bytes())["model_type"] == MODEL_TYPE)
    except (OSError, KeyError, TypeError, UnicodeDecodeError, msgspec.DecodeError):
        return False
