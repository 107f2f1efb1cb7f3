"""How pictures and numbers reach a policy: noise, blur, colours, delay, lost frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.episode import Episode, ObservationEffect, PictureEffect
from gen3d_envs.observations import AGENT_POS, TermGroup
from gen3d_envs.sim.textures import texture
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.values import Constant, Distribution, parse, parse_names, parse_parts, pick
from gen3d_envs.variations.visual import PLAIN_TEXTURES

Image = NDArray[np.uint8]
_SHIFT = 64
"""A tile of noise is this much larger than the picture and is laid over it somewhere else each time: a tenth of the
cost of drawing each pixel anew."""

_TILES = 4
_UNIT = 16
"""Steps of a colour table per level of brightness."""

LOW = TermGroup(AGENT_POS).space.low
HIGH = TermGroup(AGENT_POS).space.high


def _number(low: float, high: float) -> Callable[[Any, str], Distribution]:
    return lambda value, where: parse(value, where, low, high)


def _seen(episode: Episode, effect: PictureEffect) -> Episode:
    return replace(episode, effects=(*episode.effects, effect))


def _sensed(episode: Episode, sensor: ObservationEffect) -> Episode:
    return replace(episode, sensors=(*episode.sensors, sensor))


# ---- pictures ------------------------------------------------------------------------------------------------------


def _blur(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    radius = setting.draw(rng)
    return (_seen(episode, Blur(radius)) if radius > 0.0 else episode), radius


class Blur:
    """A camera out of focus: a mean over a square, ``radius`` of whose sides lies to each side, pixels per 128."""

    def __init__(self, radius: float) -> None:
        self._radius = radius

    def __call__(self, picture: Image, rng: np.random.Generator) -> Image:
        """The blurred picture."""
        from PIL import Image as pillow
        from PIL import ImageFilter

        radius = self._radius * picture.shape[1] / 128.0
        return np.asarray(pillow.fromarray(picture).filter(ImageFilter.BoxBlur(radius))).copy()


def _jitter(episode: Episode, setting: Mapping[str, Distribution], rng: np.random.Generator) -> tuple[Episode, Any]:
    drawn = {name: value.draw(rng) for name, value in setting.items()}
    if all(value == (0.0 if name == "hue" else 1.0) for name, value in drawn.items()):
        return episode, drawn
    return _seen(episode, ColorJitter(**drawn)), drawn


class ColorJitter:
    """Another camera's colours: factors on brightness, contrast and saturation, and a turn of the hue.

    All of it is one 3 x 4 matrix on the channels; hue turns about the grey axis.

    Args:
        brightness: factor on all channels.
        contrast: factor on the distance from middle grey.
        saturation: factor on the distance from a pixel's own grey (Rec. 601 weights).
        hue: turn, share of the whole circle.
        gamma: exponent on values in [0, 1], applied first.
    """

    def __init__(self, brightness: float, contrast: float, saturation: float, hue: float, gamma: float) -> None:
        grey = np.array([0.299, 0.587, 0.114])
        matrix = np.eye(3) * saturation + (1.0 - saturation) * grey
        if hue:
            angle = 2.0 * np.pi * hue
            one = np.full((3, 3), 1.0 / 3.0)
            root = np.sqrt(1.0 / 3.0)
            cross = np.array([[0.0, -root, root], [root, 0.0, -root], [-root, root, 0.0]])
            matrix = (np.cos(angle) * np.eye(3) + (1.0 - np.cos(angle)) * one + np.sin(angle) * cross) @ matrix
        matrix = matrix * contrast * brightness
        offset = 127.5 * (1.0 - contrast) * brightness
        curve = 255.0 * (np.arange(256) / 255.0) ** gamma
        # A table for each pair of channels, in 1/16: adding integers is exact on every machine.
        scaled = np.rint(_UNIT * matrix[:, :, None] * curve)
        scaled[np.arange(3), np.arange(3)] += _UNIT * offset + 0.5 * _UNIT
        self._tables = np.clip(scaled, -10_900, 10_900).astype(np.int16)
        self._plain = saturation == 1.0 and not hue
        self._curves = np.clip(self._tables[np.arange(3), np.arange(3)] // _UNIT, 0, 255).astype(np.uint8)

    def __call__(self, picture: Image, rng: np.random.Generator) -> Image:
        """The picture in other colours."""
        changed = np.empty_like(picture)
        channels = [np.ascontiguousarray(picture[..., index]) for index in range(3)]
        for index in range(3):
            if self._plain:
                changed[..., index] = self._curves[index].take(channels[index])
                continue
            red, green, blue = self._tables[index]
            total = red.take(channels[0])
            total += green.take(channels[1])
            total += blue.take(channels[2])
            total >>= 4  # _UNIT
            changed[..., index] = np.clip(total, 0, 255, out=total)
        return changed


def _overlay(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    mix, kind, seed = setting["mix"].draw(rng), pick(rng, setting["kinds"]), int(rng.integers(2**31))
    red, green, blue = rng.integers(30, 256, 3).tolist()
    drawn = {"mix": mix, "kind": kind, "seed": seed, "color": (red, green, blue)}
    if mix <= 0.0:
        return episode, drawn
    return _seen(episode, Overlay(texture(kind, (red, green, blue), seed), mix, int(rng.integers(2**63)))), drawn


class Overlay:
    """A texture over the whole picture, somewhere else in each (as RL4VLA's dynamic texture).

    Args:
        image: (h, w, 3) uint8, tiled where the picture is larger.
        mix: its share.
        seed: of where it lies.
    """

    def __init__(self, image: Image, mix: float, seed: int) -> None:
        self._image, self._mix, self._rng = image, mix, np.random.default_rng(seed)

    def __call__(self, picture: Image, rng: np.random.Generator) -> Image:
        """The picture behind the texture."""
        height, width, _ = picture.shape
        over = _shares(self._image, self._mix, height, width)
        row, column = self._rng.integers(_SHIFT, size=2).tolist()
        result: Image = _faint(self._mix)[picture] + over[row : row + height, column : column + width]
        return result


@lru_cache(maxsize=_TILES)
def _faint(mix: float) -> Image:
    return np.floor((1.0 - mix) * np.arange(256)).astype(np.uint8)


_OVERLAYS: dict[tuple[int, float, int, int], tuple[Image, Image]] = {}


def _shares(image: Image, mix: float, height: int, width: int) -> Image:
    """A texture's share of pictures of this size, with room to be shifted."""
    key = (id(image), mix, height, width)
    known = _OVERLAYS.get(key)
    if known is None:
        while len(_OVERLAYS) >= _TILES:
            _OVERLAYS.pop(next(iter(_OVERLAYS)))
        rows, columns = np.arange(height + _SHIFT) % image.shape[0], np.arange(width + _SHIFT) % image.shape[1]
        # The array is kept beside what came of it: while it lives, no other one gets its id.
        known = _OVERLAYS[key] = (image, np.floor(mix * image[rows][:, columns]).astype(np.uint8))
    return known[1]


def _noise(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    deviation = setting.draw(rng)
    if deviation <= 0.0:
        return episode, deviation
    return _seen(episode, PixelNoise(deviation, int(rng.integers(_TILES)), int(rng.integers(2**63)))), deviation


class PixelNoise:
    """Normal noise on every channel of every pixel.

    Args:
        deviation: its standard deviation, of 255.
        tile: which of a few tiles of noise.
        seed: of where the tile lies in each picture.
    """

    def __init__(self, deviation: float, tile: int, seed: int) -> None:
        self._deviation, self._tile, self._rng = deviation, tile, np.random.default_rng(seed)
        self._scaled: dict[tuple[int, int], NDArray[np.int16]] = {}

    def __call__(self, picture: Image, rng: np.random.Generator) -> Image:
        """The picture with noise."""
        height, width, _ = picture.shape
        scaled = self._scaled.get((height, width))
        if scaled is None:
            tile = _unit_noise(self._tile, height, width)
            scaled = self._scaled[height, width] = np.rint(tile * np.float32(self._deviation)).astype(np.int16)
        row, column = self._rng.integers(_SHIFT, size=2).tolist()
        changed = scaled[row : row + height, column : column + width] + picture
        return np.clip(changed, 0, 255, out=changed).astype(np.uint8)


@lru_cache(maxsize=2 * _TILES)
def _unit_noise(tile: int, height: int, width: int) -> NDArray[np.float32]:
    shape = (height + _SHIFT, width + _SHIFT, 3)
    return np.random.default_rng([tile, height, width]).standard_normal(shape, dtype=np.float32)


# ---- whole observations --------------------------------------------------------------------------------------------


def _delay(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    steps = round(setting.draw(rng))
    return (_sensed(episode, Delay(steps)) if steps else episode), steps


class Delay:
    """Everything arrives some control steps late; until then what was seen at the reset.

    Args:
        steps: how many.
    """

    def __init__(self, steps: int) -> None:
        self._waiting: deque[Any] = deque(maxlen=steps + 1)

    def __call__(self, observation: Any) -> Any:
        """What was seen some steps ago."""
        self._waiting.append(observation)
        return _fresh(self._waiting[0])


def _dropout(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    share = setting.draw(rng)
    return (_sensed(episode, Dropout(share, int(rng.integers(2**63)))) if share > 0.0 else episode), share


class Dropout:
    """Pictures are lost now and then: the last one that arrived stays. The one of the reset always arrives.

    Args:
        share: of the control steps whose pictures are lost; all cameras at once.
        seed: of which.
    """

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._rng = share, np.random.default_rng(seed)
        self._last: Any = None

    def __call__(self, observation: Any) -> Any:
        """The observation, with old pictures where the new ones were lost."""
        if not isinstance(observation, dict):
            return observation
        lost = self._rng.random() < self._share
        if self._last is None or not lost:
            self._last = observation["pixels"]
            return observation
        return {**observation, "pixels": _fresh(self._last)}


def _agent_noise(
    episode: Episode, setting: Mapping[str, Distribution], rng: np.random.Generator
) -> tuple[Episode, Any]:
    drawn = {name: value.draw(rng) for name, value in setting.items()}
    deviations = np.array([drawn["position_m"]] * 3 + [drawn["angle_rad"]] * 3 + [drawn["gripper"]], np.float32)
    if not deviations.any():
        return episode, drawn
    return _sensed(episode, AgentNoise(deviations, int(rng.integers(2**63)))), drawn


class AgentNoise:
    """Normal noise on the seven numbers of ``agent_pos``, which also begin the ``state`` observation.

    Args:
        deviations: (7,) float32, in the numbers' own units.
        seed: of the noise.
    """

    def __init__(self, deviations: NDArray[np.float32], seed: int) -> None:
        self._deviations, self._rng = deviations, np.random.default_rng(seed)

    def __call__(self, observation: Any) -> Any:
        """The observation with noise on what the robot knows of itself, within the bounds of its space."""
        noise = self._deviations * self._rng.standard_normal(len(self._deviations), dtype=np.float32)
        if not isinstance(observation, dict):
            return np.concatenate([np.clip(observation[: len(noise)] + noise, LOW, HIGH), observation[len(noise) :]])
        if "agent_pos" not in observation:
            return observation
        return {**observation, "agent_pos": np.clip(observation["agent_pos"] + noise, LOW, HIGH)}


def _fresh(part: Any) -> Any:
    """A copy: a caller that writes into what it got changes nothing that comes later."""
    return {key: _fresh(value) for key, value in part.items()} if isinstance(part, dict) else part.copy()


_FACTOR = (Constant(1.0), _number(0.0, 4.0))

FIELDS = (
    Field("sensing.blur", _number(0.0, 16.0), _blur, "blur of the pictures, pixels at 128", pictures=True),
    Field("sensing.jitter", lambda v, w: parse_parts(v, w, {
        "brightness": _FACTOR, "contrast": _FACTOR, "saturation": _FACTOR,
        "hue": (Constant(0.0), _number(-0.5, 0.5)), "gamma": (Constant(1.0), _number(0.1, 10.0)),
    }, "brightness"), _jitter,
          "the pictures' colours: factors `brightness`, `contrast`, `saturation`, turn `hue`, exponent `gamma`",
          pictures=True),
    Field("sensing.overlay", lambda v, w: parse_parts(v, w, {
        "mix": (Constant(0.3), _number(0.0, 1.0)),
        "kinds": (True, lambda value, where: parse_names(value, where, PLAIN_TEXTURES)),
    }, "mix"), _overlay, "share of a texture laid over each picture, elsewhere in each; or `mix` and `kinds`",
          pictures=True),
    Field("sensing.noise", _number(0.0, 255.0), _noise, "standard deviation of the pixels' noise, of 255",
          pictures=True),
    Field("sensing.agent_pos", lambda v, w: parse_parts(v, w, {
        "position_m": (Constant(0.0), _number(0.0, 1.0)), "angle_rad": (Constant(0.0), _number(0.0, 3.0)),
        "gripper": (Constant(0.0), _number(0.0, 1.0)),
    }, "position_m"), _agent_noise,
          "standard deviation of the noise on `agent_pos`: `position_m`, `angle_rad`, `gripper`"),
    Field("sensing.delay", _number(0.0, 50.0), _delay, "how many control steps late observations arrive (rounded)"),
    Field("sensing.dropout", _number(0.0, 1.0), _dropout, "share of the steps whose pictures are lost"),
)  # fmt: skip
"""Fields of the group ``sensing``, in the order of application."""
