"""From what ``--policy`` says to a policy that acts in an environment."""

from __future__ import annotations

import inspect
import os
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium

from gen3d_envs.errors import FieldError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.rollout import RandomPolicy

from .broker import ChunkBroker
from .conventions import get_convention, make_converter
from .options import PolicyOptions, parse_policy
from .protocol import ChunkPolicy

KINDS = (
    "random, expert, MODULE:CLASS, FILE.zip (Stable-Baselines3), a checkpoint's FOLDER, lerobot:FOLDER, "
    "ws://HOST:PORT (openpi) or http://HOST:PORT/act (OpenVLA)"
)

_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy as it is, and what its numbers usually mean."""

    policy: ChunkPolicy
    convention: str = "gen3d"


def get_policy(text: str, env: gymnasium.Env[Any, Any], seed: int = 0) -> ChunkBroker:
    """The policy that ``--policy`` names, ready to act in an environment.

    It has ``reset(instruction)``, ``act(observation) -> (A,) float32``, ``close()``, ``finished`` and ``retries``.
    Remote servers are contacted by the first ``reset``.

    Args:
        text: what is asked for, see :data:`KINDS`, with options behind ``#`` (see :func:`options.parse_policy`).
        env: the environment it will act in.
        seed: of a policy that draws, such as ``random``.

    Raises:
        FieldError: nothing of that kind, a file that cannot be used, or options that do not fit.
        EngineUnavailable: a package is missing; the message says which.
    """
    what, options = parse_policy(text)
    loaded = load_policy(what, env, options, seed)
    convention = get_convention(options.convention or loaded.convention)
    shape = env.action_space.shape
    if shape is None or len(shape) != 1:
        raise FieldError("action_space", env.action_space, "is no vector of numbers", "Use an environment of Gen3D")
    return ChunkBroker(
        loaded.policy, what, shape[0], options.replan, options.horizon, options.ensemble,
        make_converter(convention, env),
    )  # fmt: skip


def load_policy(what: str, env: gymnasium.Env[Any, Any], options: PolicyOptions, seed: int = 0) -> LoadedPolicy:
    """The policy itself, without the broker: it may give chunks, in its own convention. Errors as above."""
    if what == "random":
        return LoadedPolicy(RandomPolicy(env.action_space, seed))
    if what == "expert":
        return LoadedPolicy(ScriptedExpert(env))
    if what.startswith(("ws://", "wss://")):
        from .websocket import WebsocketPolicy

        return LoadedPolicy(WebsocketPolicy(what, options))
    if what.startswith(("http://", "https://")):
        from .rest import RestPolicy

        return LoadedPolicy(RestPolicy(what, options), "bridge")
    if what.startswith("lerobot:"):
        from .lerobot_policy import LeRobotPolicy

        return LoadedPolicy(LeRobotPolicy(Path(what.removeprefix("lerobot:")), chunks=options.replan is not None))
    path = Path(what)
    if what.endswith(".zip"):
        from .stable import load_stable

        return LoadedPolicy(load_stable(path, env, options, seed))
    if path.is_dir():
        from .checkpoint import load_checkpoint

        return LoadedPolicy(load_checkpoint(path, env, options))
    if _MODULE.fullmatch(what):
        return _from_module(what, env)
    raise FieldError("policy", what, "is no policy that is known, and no folder", f"Use {KINDS}")


def _from_module(what: str, env: gymnasium.Env[Any, Any]) -> LoadedPolicy:
    """A class or function of anybody's module, called with the environment where it wants one; or a ready object."""
    module_name, _, attribute = what.partition(":")
    # The folder one works in is searched last, so that it shadows nothing.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise
        raise FieldError("policy", what, f"there is no module {error.name}", f"Use {KINDS}") from None
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise FieldError("policy", what, f"{module_name} has no {attribute}", "Name a class or an object in it")
        found = getattr(found, name)
    if inspect.isclass(found) or inspect.isroutine(found):
        make: Any = found
        found = make(env) if _wants_env(make) else make()
    if callable(getattr(found, "reset", None)):
        if callable(getattr(found, "act", None)):
            return LoadedPolicy(found)
        if callable(getattr(found, "step", None)):
            from .simpler import SimplerPolicy

            return LoadedPolicy(SimplerPolicy(found), "simpler_widowx")
    raise FieldError(
        "policy", what, f"is a {type(found).__name__} without reset() and act()",
        "Give it reset(instruction) and act(observation), or reset(task) and step(image, task) as SimplerEnv has them",
    )  # fmt: skip


def _wants_env(maker: Any) -> bool:
    """Whether a class or function is called with the environment: its first argument is ``env``, or has no default."""
    try:
        first = next(iter(inspect.signature(maker).parameters.values()), None)
    except (TypeError, ValueError):  # no signature, as for some built-in classes
        return False
    if first is None or first.kind not in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
        return False
    return first.name == "env" or first.default is first.empty
