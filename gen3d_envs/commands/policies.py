"""Where commands find policies. Baselines import the core, never the reverse: they are named, not imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

POLICIES = "gen3d_envs.baselines.policies"


def policies() -> Any:
    """The package of policies: ``get_policy(text, env, seed)`` and what belongs to it."""
    return import_module(POLICIES)


def serving() -> Any:
    """The module that serves policies: ``serve_policy(text, env, env_id, seed, host, port)``."""
    return import_module(f"{POLICIES}.serve")
