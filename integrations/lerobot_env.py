"""Gen3D for LeRobot's EnvHub: the ``env.py`` of a hub repository.

EnvHub loads one file of a repository and calls its ``make_env``. Put this file there as ``env.py`` with a
``requirements.txt`` that names ``gen3d-envs``, or point at it where it lies:
``make_env("USER/REPOSITORY:integrations/lerobot_env.py", n_envs=4, trust_remote_code=True)``. Nothing but Gymnasium and
``gen3d_envs`` is imported, LeRobot least of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, VectorEnv

DEFAULT_TASK = "Gen3D-100-v0"
"""Draws one of the benchmark's training scenes at every reset."""


def make_env(
    n_envs: int = 1, use_async_envs: bool = False, cfg: Any = None
) -> dict[str, dict[int, VectorEnv[Any, Any, Any]]]:
    """Environments of one ID in LeRobot's nesting: ``{ID: {0: vector environment}}``.

    Observations are LeRobot's keys, ``pixels`` ((n_envs, height, width, 3) uint8, or by camera) and ``agent_pos``
    ((n_envs, 7) float32). The instruction is the attribute ``task_description`` (also ``task``) of each environment;
    ``info["is_success"]`` stands in every reset and step.

    Args:
        n_envs: how many environments run side by side; at least 1.
        use_async_envs: one process for each environment instead of one for all.
        cfg: None, or what says more (LeRobot's ``EnvConfig``, or a mapping): ``task``, an ID of Gen3D (default
            :data:`DEFAULT_TASK`), and ``gym_kwargs``, keyword arguments of ``gym.make``. Other fields are not read.

    Raises:
        ValueError: ``n_envs`` is no whole number from 1, or ``gym_kwargs`` no mapping.
        gymnasium.error.Error: ``task`` is no registered ID.
    """
    if isinstance(n_envs, bool) or not isinstance(n_envs, int) or n_envs < 1:
        raise ValueError(f"n_envs is {n_envs!r}: give a whole number from 1.")
    task = _field(cfg, "task") or DEFAULT_TASK
    arguments = _field(cfg, "gym_kwargs") or {}
    if not isinstance(arguments, Mapping):
        raise ValueError(f"cfg.gym_kwargs is {arguments!r}: give a mapping of keyword arguments of gym.make.")
    envs = gym.make_vec(
        # With the module in front, a worker process that has imported nothing still finds the ID.
        task if ":" in task else f"gen3d_envs:{task}",
        num_envs=n_envs,
        vectorization_mode="async" if use_async_envs else "sync",
        # LeRobot reads successes from the final_info of the step that ends an episode.
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        **arguments,
    )
    return {task.rpartition(":")[2]: {0: envs}}


def _field(cfg: Any, name: str) -> Any:
    return cfg.get(name) if isinstance(cfg, Mapping) else getattr(cfg, name, None)
