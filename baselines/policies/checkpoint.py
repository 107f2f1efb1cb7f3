"""Policies in a folder: who reads it is decided by ``model_type`` in its ``config.json``.

A new kind of policy is added by one line in :data:`LOADERS`, or from outside by :func:`register_loader`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.extras import imported

from .options import PolicyOptions
from .protocol import ChunkPolicy

MAX_CONFIG_BYTES = 4_000_000

Loader = Callable[[Path, gymnasium.Env[Any, Any], PolicyOptions], ChunkPolicy]
"""Takes the folder, the environment and the options; must not unpickle anything from the folder."""

LOADERS: dict[str, str | Loader] = {
    "gen3d_flow_vla": "gen3d_envs.baselines.vla.policy:load_policy",
    "gen3d_pi0": "gen3d_envs.baselines.vla.policy:load_policy",
    "pi0": "gen3d_envs.baselines.vla.policy:refuse_bare",
}
"""By ``model_type``: a loader, or ``"module:function"`` to be imported when needed."""


def register_loader(model_type: str, loader: str | Loader) -> None:
    """Have folders of this ``model_type`` read by a loader.

    Raises:
        FieldError: another loader has that name already.
    """
    if LOADERS.get(model_type, loader) != loader:
        raise FieldError("model_type", model_type, "has another loader", "Choose another name")
    LOADERS[model_type] = loader


def load_checkpoint(folder: Path, env: gymnasium.Env[Any, Any], options: PolicyOptions) -> ChunkPolicy:
    """The policy in a folder.

    Raises:
        FieldError: no readable ``config.json``, or nobody knows its ``model_type``.
        EngineUnavailable: a package that it needs is missing.
    """
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise FieldError("policy", str(path), f"is larger than {MAX_CONFIG_BYTES} bytes", "It is no configuration")
        config = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        problem = f"has no config.json that can be read ({error.strerror})"
        raise FieldError("policy", str(folder), problem, "Give the folder of a checkpoint") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError("policy", str(path), f"is no JSON ({error})", "Restore the file") from None
    fields = config if isinstance(config, dict) else {}
    kind = fields.get("model_type")
    if kind is None and isinstance(fields.get("type"), str) and "input_features" in fields:
        raise FieldError("policy", str(folder), "is a checkpoint of LeRobot", f"Write lerobot:{folder}")
    loader = LOADERS.get(kind) if isinstance(kind, str) else None
    if loader is None:
        known = f"Known are {', '.join(sorted(LOADERS))}" if LOADERS else "None is registered; see register_loader()"
        raise FieldError(f"{path.name}: model_type", kind, "has no loader", known)
    if isinstance(loader, str):
        found: Loader = imported(loader, str(folder))
        return found(folder, env, options)
    return loader(folder, env, options)
