"""Our observations in other people's words, and back again for the server.

Ours: ``pixels`` (one picture, or a dictionary camera -> picture, or ``pixels_front``, ... after ``FlattenCameras``),
``agent_pos``, or one flat vector for ``obs_type="state"``; the instruction comes with the reset.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError

from .options import PolicyOptions

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class ObservationMap:
    """Names and sizes of what is sent.

    Attributes:
        image_key, wrist_key: where the pictures of the cameras ``front`` and ``wrist`` go; None leaves them out. A
            camera that the environment does not have is left out, too. A single picture goes to the first of the two.
        state_key: where ``agent_pos``, or the flat state vector, goes as float32; None leaves it out.
        prompt_key: where the instruction goes.
        width, height: size of the pictures in pixels; None leaves them as they are. Rule: :func:`resize`.
    """

    image_key: str | None = "observation/image"
    wrist_key: str | None = "observation/wrist_image"
    state_key: str | None = "observation/state"
    prompt_key: str = "prompt"
    width: int | None = 224
    height: int | None = 224

    def to_remote(self, observation: Any, instruction: str) -> dict[str, Any]:
        """The message for an observation.

        Raises:
            FieldError: the observation holds nothing that this map sends.
        """
        message: dict[str, Any] = {}
        if isinstance(observation, dict):
            cameras = pictures_of(observation)
            single = cameras.get("")
            for camera, key in (("front", self.image_key), ("wrist", self.wrist_key)):
                if key is not None and (picture := cameras.get(camera, single)) is not None:
                    message[key] = self._sized(picture)
                    single = None
            state = observation.get("agent_pos")
        else:
            state = observation
        if state is not None and self.state_key is not None:
            message[self.state_key] = np.asarray(state, np.float32)
        if not message:
            keys = list(observation) if isinstance(observation, dict) else type(observation).__name__
            raise FieldError("observation", keys, "holds nothing to send", "Use obs_type='pixels_agent_pos'")
        message[self.prompt_key] = instruction
        return message

    def to_ours(self, message: dict[str, Any], space: gymnasium.Space[Any]) -> Any:
        """The observation of a space that a message stands for: the inverse, up to the size of pictures.

        Raises:
            FieldError: something is missing, has the wrong shape, or the space holds a part that no message does.
        """
        if not isinstance(space, spaces.Dict):
            return self._vector("state", message, space)
        observation: dict[str, Any] = {}
        for name, part in space.spaces.items():
            if name == "agent_pos":
                observation[name] = self._vector(name, message, part)
            elif name == "pixels" and isinstance(part, spaces.Dict):
                observation[name] = {
                    camera: self._picture(message, self._key(camera), inner) for camera, inner in part.spaces.items()
                }
            elif name == "pixels":
                first = self.image_key if self.image_key in message else self.wrist_key
                observation[name] = self._picture(message, first or self.image_key, part)
            elif name.startswith("pixels_"):
                observation[name] = self._picture(message, self._key(name.removeprefix("pixels_")), part)
            else:
                raise FieldError("observation_space", name, "is in no message", "Serve an environment without it")
        return observation

    def _sized(self, picture: Picture) -> Picture:
        return resize(picture, self.width or picture.shape[1], self.height or picture.shape[0])

    def _key(self, camera: str) -> str | None:
        return {"front": self.image_key, "wrist": self.wrist_key}.get(camera)

    def _vector(self, name: str, message: dict[str, Any], space: gymnasium.Space[Any]) -> NDArray[np.float32]:
        values = np.asarray(_get(message, self.state_key, name))
        if values.dtype.kind not in "fiu" or values.shape != space.shape:
            raise FieldError(f"message[{self.state_key!r}]", values.shape, "has the wrong shape", f"Send {space.shape}")
        return values.astype(np.float32)

    def _picture(self, message: dict[str, Any], key: str | None, space: gymnasium.Space[Any]) -> Picture:
        picture = np.asarray(_get(message, key, "pixels"))
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            shape = (picture.shape, str(picture.dtype))
            raise FieldError(f"message[{key!r}]", shape, "is no picture", "Send (height, width, 3) uint8")
        assert space.shape is not None
        return resize(picture, space.shape[1], space.shape[0])


OPENPI = ObservationMap()
"""The keys of openpi's LIBERO and DROID-like examples, 224x224."""

OPENVLA = ObservationMap("image", None, None, "instruction")
"""What OpenVLA's server reads, 224x224."""


def map_with(base: ObservationMap, options: PolicyOptions) -> ObservationMap:
    """A map with what the options say otherwise."""
    changes: dict[str, Any] = {}
    for name in ("image_key", "wrist_key", "state_key", "prompt_key"):
        value = getattr(options, name)
        if value is not None:
            changes[name] = None if value == "-" and name != "prompt_key" else value
    if options.size is not None:
        changes |= {"width": options.size, "height": options.size}
    return dataclasses.replace(base, **changes)


def pictures_of(observation: dict[str, Any]) -> dict[str, Picture]:
    """The pictures of an observation by camera; the name of an only camera is empty."""
    pixels = observation.get("pixels")
    if isinstance(pixels, dict):
        return dict(pixels)
    if pixels is not None:
        return {"": pixels}
    return {key.removeprefix("pixels_"): value for key, value in observation.items() if key.startswith("pixels_")}


def front_picture(observation: Any) -> Picture:
    """The picture of the front camera, or of the only one.

    Raises:
        FieldError: there is none.
    """
    cameras = pictures_of(observation) if isinstance(observation, dict) else {}
    picture = cameras.get("front", cameras.get(""))
    if picture is None:
        raise FieldError("observation", list(cameras), "has no picture", "Use obs_type='pixels_agent_pos'")
    return picture


def resize(picture: Picture, width: int, height: int) -> Picture:
    """A picture at another size; the one rule for all policies.

    The picture keeps its proportions and becomes as large as fits (sizes rounded down), by PIL's bilinear filter, which
    averages where it shrinks; what is left is black, in equal parts on both sides. A picture of the right size is
    returned as it is. This is the rule of openpi's clients (``image_tools.resize_with_pad``).

    Args:
        picture: ``(H, W, 3)`` uint8.
        width: wanted, pixels.
        height: wanted, pixels.
    """
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width):
        return picture
    from PIL import Image

    ratio = max(columns / width, rows / height)
    inner_width, inner_height = max(1, int(columns / ratio)), max(1, int(rows / ratio))
    scaled = Image.fromarray(picture).resize((inner_width, inner_height), Image.Resampling.BILINEAR)
    result = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    result[top : top + inner_height, left : left + inner_width] = np.asarray(scaled)
    return result


def _get(message: dict[str, Any], key: str | None, what: str) -> Any:
    if key is None or key not in message:
        raise FieldError("message", sorted(map(str, message)), f"lacks {key!r} for {what}", "Send it")
    return message[key]
