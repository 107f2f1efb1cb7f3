"""What needs an optional package: imported when it is asked for, with an error that says what to install."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gen3d_envs.errors import EngineUnavailable


def imported(path: str, who: str, extra: str = "baselines") -> Any:
    """What ``"module:name"`` names.

    Args:
        path: of something that needs optional packages.
        who: wants it, as the message calls it.
        extra: of Gen3D, with the packages that its own modules need.

    Raises:
        EngineUnavailable: a package is missing; says which, and how to install it.
    """
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "gen3d_envs"):
            raise
        own = module.partition(".")[0] == "gen3d_envs"
        remedy = f": pip install 'gen3d-envs[{extra}]'" if own else ", which is not installed"
        raise EngineUnavailable(f"{who} needs {missing}{remedy}") from None
