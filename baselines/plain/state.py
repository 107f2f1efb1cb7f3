"""Everything that a training with Stable-Baselines3 is made of at one moment, in one file that is never unpickled."""

from __future__ import annotations

import json
import random  # noqa: TID251  # to put it back as it was
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gen3d_envs.errors import FieldError

from ..vla.checkpoint import (  # noqa: TID252
    load_state,
    optimizer_tensors,
    random_tensors,
    restore_optimizer,
    restore_random,
    save_state,
)
from .scale import Scale
from .vec_env import PlainVecEnv

STORED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
"""Arrays of a replay buffer."""


@contextmanager
def own_randomness(threads: int | None) -> Iterator[None]:
    """Stable-Baselines3 draws from the process' own generators; afterwards they are as they were before.

    Args:
        threads: of torch meanwhile; None leaves them.
    """
    python, numbers, count = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            if threads is not None:
                torch.set_num_threads(threads)
            yield
        finally:
            torch.set_num_threads(count)
            random.setstate(python)
            np.random.set_state(numbers)  # noqa: NPY002


def optimizers(model: Any) -> dict[str, torch.optim.Optimizer]:
    """The optimizers of an algorithm by name."""
    found = {
        "policy": getattr(model.policy, "optimizer", None),
        "actor": getattr(getattr(model, "actor", None), "optimizer", None),
        "critic": getattr(getattr(model, "critic", None), "optimizer", None),
        "entropy": getattr(model, "ent_coef_optimizer", None),
    }
    return {name: optimizer for name, optimizer in found.items() if optimizer is not None}


def save_training(path: Path, model: Any, env: PlainVecEnv, numbers: dict[str, Any]) -> None:
    """Write the moment before a rollout.

    Args:
        path: of the file.
        model: whose moment it is.
        env: its environments.
        numbers: what else to remember.
    """
    tensors: dict[str, Tensor] = {f"policy.{name}": value for name, value in model.policy.state_dict().items()}
    for name, optimizer in optimizers(model).items():
        tensors |= {f"{name}/{key}": value for key, value in optimizer_tensors(optimizer).items()}
    if getattr(model, "log_ent_coef", None) is not None:
        tensors["log_ent_coef"] = model.log_ent_coef
    buffer = getattr(model, "replay_buffer", None)
    stored = 0
    if buffer is not None:
        stored = buffer.buffer_size if buffer.full else buffer.pos
        for name in STORED:
            tensors[f"buffer.{name}"] = torch.from_numpy(getattr(buffer, name)[:stored])
    generators, drawn = random_tensors()
    tensors |= generators
    fleet = env.fleet.state()
    for i, history in enumerate(fleet["history"]):
        tensors[f"history.{i}"] = torch.from_numpy(history)
    tensors["starts"] = torch.from_numpy(np.asarray(model._last_episode_starts))
    tensors["scale.mean"], tensors["scale.std"] = torch.from_numpy(env.scale.mean), torch.from_numpy(env.scale.std)
    save_state(
        path, tensors,
        {
            **numbers, "steps": model.num_timesteps, "updates": model._n_updates, "episodes": model._episode_num,
            "recent": [[each["r"], each["l"]] for each in model.ep_info_buffer],
            "recent_success": [bool(each) for each in model.ep_success_buffer],
            "random": drawn, "fleet": fleet["episodes"],
            "actions": json.dumps(model.action_space.np_random.bit_generator.state),
            "buffer": None if buffer is None else [int(stored), int(buffer.pos), bool(buffer.full)],
        },
    )  # fmt: skip


def read_training(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What :func:`save_training` wrote.

    Raises:
        FieldError: the file is damaged.
    """
    tensors, numbers = load_state(path)
    wanted = ("steps", "updates", "episodes", "recent", "recent_success", "random", "fleet", "actions")
    lacking = [name for name in wanted if not isinstance(numbers, dict) or name not in numbers]
    if lacking:
        raise FieldError("checkpoint", str(path), f"lacks {lacking[0]}", "Start again in another folder")
    return tensors, numbers


def scale_of(tensors: dict[str, Tensor]) -> Scale:
    """The scale of the states that a training began with."""
    return Scale(tensors["scale.mean"].numpy(), tensors["scale.std"].numpy())


def restore_training(
    path: Path, model: Any, env: PlainVecEnv, tensors: dict[str, Tensor], numbers: dict[str, Any]
) -> None:
    """Go to the moment that a file holds.

    Args:
        path: of the file, for errors.
        model: new, made with the same settings.
        env: its environments.
        tensors: from :func:`read_training`.
        numbers: from :func:`read_training`.

    Raises:
        FieldError: it is the moment of another training.
    """
    try:
        _restore(model, env, tensors, numbers)
    except (KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        problem = f"does not fit ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        raise FieldError("checkpoint", str(path), problem, "Start again in another folder") from None


def _restore(model: Any, env: PlainVecEnv, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    model.policy.load_state_dict(part("policy."))
    for name, optimizer in optimizers(model).items():
        restore_optimizer(optimizer, part(f"{name}/"))
    if getattr(model, "log_ent_coef", None) is not None:
        with torch.no_grad():
            model.log_ent_coef.copy_(tensors["log_ent_coef"])
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        stored, buffer.pos, buffer.full = numbers["buffer"]
        for name in STORED:
            getattr(buffer, name)[:stored] = tensors[f"buffer.{name}"].numpy()
    model.num_timesteps, model._n_updates = numbers["steps"], numbers["updates"]
    model._episode_num = numbers["episodes"]
    window = model._stats_window_size
    model.ep_info_buffer = deque(({"r": r, "l": n, "t": 0.0} for r, n in numbers["recent"]), maxlen=window)
    model.ep_success_buffer = deque(numbers["recent_success"], maxlen=window)
    history = [tensors[f"history.{i}"].numpy() for i in range(env.num_envs)]
    env.fleet.restore({"episodes": numbers["fleet"], "history": history})
    model._last_obs = env.observe()
    model._last_episode_starts = tensors["starts"].numpy().astype(bool)
    # What is drawn from comes last: everything before may have drawn.
    model.action_space.np_random.bit_generator.state = json.loads(numbers["actions"])
    restore_random(tensors, numbers["random"])
