"""A FlowVLA from a folder, acting through the one protocol of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.provenance import file_sha256

from ..device import device_of  # noqa: TID252
from ..policies.options import PolicyOptions  # noqa: TID252
from .backend import FlowBackend, load_backend
from .config import FlowVLAConfig
from .files import WEIGHTS
from .model import FlowVLA, Inputs

_REMEDY = "Restore the folder, or save the model again with save_pretrained()"


def load_flow_vla(folder: Path, device: str | torch.device = "cpu") -> FlowVLA:
    """The model in a folder; nothing is unpickled, and the weights must fit exactly.

    Raises:
        FieldError: no safetensors file, or a configuration or weights that are damaged or do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    if not path.is_file():
        others = sorted(p.name for p in folder.glob("*") if p.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt"))
        problem = f"holds pickles ({', '.join(others)}) and no {WEIGHTS}" if others else f"holds no {WEIGHTS}"
        raise FieldError("policy", str(folder), problem, "Only safetensors are read: save_pretrained() writes them")
    try:
        config = FlowVLAConfig.from_pretrained(folder, local_files_only=True)
        # The weights are drawn at random and then replaced; the process' own generator must not move on.
        with torch.random.fork_rng(devices=[]):
            model = FlowVLA(config)
    # Whatever stands in a tampered configuration can make any of these.
    except (OSError, ValueError, TypeError, RuntimeError, ArithmeticError, AttributeError, KeyError) as error:
        raise FieldError("policy", str(folder / "config.json"), f"is damaged ({_first(error)})", _REMEDY) from None
    try:
        weights = load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise FieldError("policy", str(path), f"is damaged ({_first(error)})", _REMEDY) from None
    own = model.state_dict()
    wrong = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
    wrong += [name for name in weights if name not in own]
    if wrong:
        raise FieldError("policy", str(path), f"does not fit its config.json ({wrong[0]})", _REMEDY)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise FieldError("policy", str(path), "holds numbers that are not finite", "Use an earlier checkpoint")
    if config.weights_sha256 not in ("", file_sha256(path)):
        raise FieldError("policy", str(path), "is not what its config.json was saved with", _REMEDY)
    model.load_state_dict(weights)
    model.to(torch.device(device))  # type: ignore[arg-type]
    return model.eval()


class FlowVLAPolicy:
    """Plans chunks in an environment whose contract is the model's.

    Args:
        model: with its weights, of either kind.
        env: the environment it will act in.

    Raises:
        ContractError: the environment's numbers mean something else; the message lists every difference.
    """

    def __init__(self, model: FlowBackend[Any], env: gymnasium.Env[Any, Any]) -> None:
        model.config.require(env)
        self._model = model
        self._keys = tuple(picture.key for picture in model.config.made_for().pictures)
        self.reset("")

    def reset(self, instruction: str) -> None:
        """Start an episode with this instruction."""
        self._tokens = self._model.words(instruction)[None]

    def act(self, observation: Any) -> NDArray[np.float32]:
        """A chunk, ``(chunk, action_dim)`` float32 in [-1, 1]."""
        pixels = observation["pixels"]
        views = [pixels[key.partition("/")[2]] if "/" in key else pixels for key in self._keys]
        stacked = np.ascontiguousarray(np.stack(views).transpose(0, 3, 1, 2))[None]
        proprio = np.array(observation["agent_pos"], np.float32)[None]
        device = self._model.device
        inputs = Inputs(
            torch.from_numpy(stacked).to(device), torch.from_numpy(proprio).to(device), self._tokens.to(device)
        )
        chunk: NDArray[np.float32] = self._model.plan(inputs)[0].cpu().numpy()
        return chunk


def load_policy(folder: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions) -> FlowVLAPolicy:
    """What :func:`gen3d_envs.baselines.policies.get_policy` calls for folders of a FlowVLA or a pi0 of ours.

    Nothing is fetched: the base of adapters must be on this computer.

    Raises:
        FieldError: the folder cannot be used.
        ContractError: the environment is not one that the model was made for.
    """
    return FlowVLAPolicy(load_backend(folder, device_of("auto")), env)


def refuse_bare(folder: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions) -> FlowVLAPolicy:
    """What is called for a PI0 of transformers: nobody knows what its numbers mean here.

    Raises:
        FieldError: always.
    """
    raise FieldError(
        "policy", str(folder), "is a bare PI0, without contract and statistics",
        f"Train it: gen3d train --algo imitation --obs pixels --set base={folder}",
    )  # fmt: skip


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]
