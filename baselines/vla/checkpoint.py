"""The state of a training in one safetensors file: whole or not there, and nothing in it is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from gen3d_envs.errors import FieldError

from .files import safetensors_into, write_atomically

_REMEDY = "Start again in another folder, or restore the file"


def save_state(path: Path, tensors: Mapping[str, Tensor], numbers: Any) -> None:
    """Write tensors, and whatever msgspec can encode.

    Raises:
        OSError: the file cannot be written; an earlier one stays as it is.
    """
    from safetensors.torch import save_file

    metadata = {"numbers": msgspec.json.encode(numbers, order="sorted").decode()}
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with safetensors_into(path):
        write_atomically(path, lambda beside: save_file(whole, beside, metadata=metadata))


def load_state(path: Path) -> tuple[dict[str, Tensor], Any]:
    """Read what :func:`save_state` wrote.

    Raises:
        FieldError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            names = stored.keys()
            tensors = {name: stored.get_tensor(name) for name in names}
            numbers = msgspec.json.decode(stored.metadata()["numbers"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise FieldError("checkpoint", str(path), f"cannot be read ({error})", _REMEDY) from None
    return tensors, numbers


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors of an Adam-like optimizer, by number of parameter and name."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{i}.{name}": torch.as_tensor(value) for i, s in state.items() for name, value in s.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Undo :func:`optimizer_tensors`; learning rates are the caller's."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def random_tensors() -> tuple[dict[str, Tensor], list[Any]]:
    """Where the process' own generators, which Stable-Baselines3 draws from, are: torch's and numpy's."""
    kind, keys, place, has, cached = np.random.get_state()  # noqa: NPY002
    tensors = {"rng.torch": torch.get_rng_state(), "rng.numpy": torch.from_numpy(np.array(keys, np.int64))}
    return tensors, [str(kind), int(place), int(has), float(cached)]


def restore_random(tensors: Mapping[str, Tensor], numbers: list[Any]) -> None:
    """Undo :func:`random_tensors`."""
    kind, place, has, cached = numbers
    np.random.set_state((kind, tensors["rng.numpy"].numpy().astype(np.uint32), place, has, cached))  # noqa: NPY002
    torch.set_rng_state(tensors["rng.torch"])


def model_tensors(module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a module, named as its part of a training's state, without those that it was ``given``."""
    given = _given(module)
    return {f"model.{name}": tensor for name, tensor in module.state_dict().items() if name not in given}


def _given(module: nn.Module) -> set[str]:
    """What parts of a module say that never changes, such as what adapters stand on."""
    parts = [(f"{path}." if path else "", part) for path, part in module.named_modules()]
    return {path + name for path, part in parts for name in getattr(part, "given", ())}


def restore_model(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Undo :func:`model_tensors`.

    Raises:
        FieldError: the tensors are another module's.
    """
    own = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    try:
        found = module.load_state_dict(own, strict=False)
    except RuntimeError as error:
        raise FieldError("checkpoint", str(path), f"does not fit ({str(error).splitlines()[0]})", _REMEDY) from None
    if wrong := [*found.unexpected_keys, *(set(found.missing_keys) - _given(module))]:
        raise FieldError("checkpoint", str(path), f"does not fit ({min(wrong)})", _REMEDY)
