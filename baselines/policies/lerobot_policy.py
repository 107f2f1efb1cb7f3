"""A policy of LeRobot: their ``PreTrainedPolicy`` from a folder, with its own pre- and post-processing.

Written against lerobot 0.4's interface: ``PreTrainedConfig.from_pretrained``, ``get_policy_class``,
``make_pre_post_processors``, ``select_action`` and ``predict_action_chunk``. It is imported here only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError

from .observations import front_picture, pictures_of, resize

IMAGES, IMAGE, STATE = "observation.images.", "observation.image", "observation.state"


class LeRobotPolicy:
    """Runs one of their policies on our observations.

    Pictures go to ``observation.images.<camera>``, or ``observation.image`` where the policy has that, as (1, 3, H, W)
    float32 in [0, 1], at the size the policy was made for (:func:`observations.resize`); ``agent_pos`` goes to
    ``observation.state``; the instruction to ``task``.

    Args:
        folder: a checkpoint as ``save_pretrained`` writes it.
        chunks: hand out whole chunks (``predict_action_chunk``) for the broker; otherwise the policy's own queue
            gives single actions (``select_action``), as ``lerobot-eval`` does.

    Raises:
        FieldError: no such folder. Nothing is ever downloaded.
        EngineUnavailable: lerobot is not installed.
    """

    def __init__(self, folder: Path, chunks: bool = False) -> None:
        if not (folder / "config.json").is_file():
            raise FieldError("policy", f"lerobot:{folder}", "is no folder with a config.json", "Give a checkpoint's")
        try:
            from lerobot.configs.policies import PreTrainedConfig
            from lerobot.policies.factory import get_policy_class, make_pre_post_processors
        except ImportError as error:
            raise EngineUnavailable(
                f"lerobot:{folder} needs lerobot, which is not installed here or not whole ({error}). It wants an "
                "older torch than ours: install both in an environment of its own and use 'gen3d serve' there."
            ) from None
        config = PreTrainedConfig.from_pretrained(str(folder))
        self._policy = get_policy_class(config.type).from_pretrained(str(folder), config=config)
        self._policy.eval()
        self._before, self._after = make_pre_post_processors(config, pretrained_path=str(folder))
        self._images = {name: tuple(feature.shape) for name, feature in (config.image_features or {}).items()}
        self._wants_state = STATE in (config.input_features or {})
        self._chunks = chunks

    def reset(self, instruction: str) -> None:
        """Start an episode."""
        self._instruction = instruction
        self._policy.reset()
        for pipeline in (self._before, self._after):
            if hasattr(pipeline, "reset"):
                pipeline.reset()

    def act(self, observation: Any) -> NDArray[np.float32]:
        """The next action ``(A,)``, or a chunk ``(H, A)``.

        Raises:
            FieldError: the observation lacks what the policy wants.
        """
        import torch

        batch: dict[str, Any] = {name: self._image(observation, name, torch) for name in self._images}
        if self._wants_state:
            state = observation.get("agent_pos") if isinstance(observation, dict) else observation
            if state is None:
                raise FieldError("observation", list(observation), "has no agent_pos", "Use 'pixels_agent_pos'")
            batch[STATE] = torch.from_numpy(np.array(state, np.float32))[None]
        batch["task"] = [self._instruction]
        with torch.inference_mode():
            ready = self._before(batch)
            ask = self._policy.predict_action_chunk if self._chunks else self._policy.select_action
            answer = self._after(ask(ready))
        actions: NDArray[np.float32] = answer[0].to("cpu", torch.float32).numpy()
        return actions

    def _image(self, observation: Any, name: str, torch: Any) -> Any:
        camera = name.removeprefix(IMAGES) if name.startswith(IMAGES) else "front"
        cameras = pictures_of(observation) if isinstance(observation, dict) else {}
        picture = cameras.get(camera)
        if picture is None:
            if len(self._images) > 1:
                raise FieldError(
                    "observation", list(cameras), f"has no camera for {name}", "Name cameras as the policy does"
                )
            picture = front_picture(observation)
        _, height, width = self._images[name]
        scaled = np.ascontiguousarray(resize(picture, width, height).transpose(2, 0, 1))
        return torch.from_numpy(scaled.astype(np.float32) / 255.0)[None]
