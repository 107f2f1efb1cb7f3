"""One level of observation keys for libraries that take no nested dictionaries, such as Stable-Baselines3."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from gen3d_envs.errors import FieldError


class FlattenCameras(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Turns ``{"pixels": {"front": ..., "wrist": ...}, "agent_pos": ...}`` into one level of keys.

    The pictures become ``pixels_front``, ``pixels_wrist`` and so on, same arrays, nothing copied; every other key stays
    as it is. An environment with one camera, whose ``pixels`` is an array already, passes unchanged.

    Args:
        env: an environment with a dictionary of observations.

    Raises:
        FieldError: the observations are no dictionary, or a flattened key exists already.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        space = env.observation_space
        if not isinstance(space, spaces.Dict):
            raise FieldError(
                "env", type(space).__name__, "has no dictionary of observations", "Use obs_type='pixels_agent_pos'"
            )
        flat: dict[str, spaces.Space[Any]] = {}
        for key, part in space.spaces.items():
            inner = part.spaces if isinstance(part, spaces.Dict) else {None: part}
            for name, leaf in inner.items():
                flat_key = key if name is None else f"{key}_{name}"
                if flat_key in flat:
                    raise FieldError("observation_space", flat_key, "comes out twice", "Rename one of the keys")
                flat[flat_key] = leaf
        self.observation_space = spaces.Dict(flat)

    def observation(self, observation: Any) -> dict[str, Any]:
        """The same arrays under flat keys."""
        flat: dict[str, Any] = {}
        for key, part in observation.items():
            if isinstance(part, dict):
                flat.update((f"{key}_{name}", leaf) for name, leaf in part.items())
            else:
                flat[key] = part
        return flat
