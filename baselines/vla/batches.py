"""Frames of demonstrations as batches of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .backend import FlowBackend
from .demos import DemoReader
from .labels import PLACES
from .model import FlowVLA


@dataclass(frozen=True)
class Augment:
    """How pictures are changed while learning, so that light and colour balance do not matter.

    Attributes:
        gain: largest change of each channel's factor.
        offset: largest change of all channels' offset, of 255.
        noise: standard deviation of the pixels, of 255.
    """

    gain: float = 0.2
    offset: float = 20.0
    noise: float = 4.0

    def __call__(self, pixels: Tensor, noise: torch.Generator) -> Tensor:
        """``(B, cameras, 3, H, W)`` uint8 to the same."""
        count = len(pixels)
        gain = 1.0 + self.gain * (2.0 * torch.rand(count, 1, 3, 1, 1, generator=noise) - 1.0)
        offset = self.offset * (2.0 * torch.rand(count, 1, 1, 1, 1, generator=noise) - 1.0)
        grain = self.noise * torch.randn(pixels.shape, generator=noise)
        return (pixels * gain + offset + grain).clamp(0.0, 255.0).to(torch.uint8)


class Frames:
    """What any flow policy learns from; a row is one question about one frame.

    Args:
        demos: the frames.
        model: to learn.
        frames: numbers of those that are drawn from; all of them where None.
    """

    def __init__(self, demos: DemoReader, model: FlowBackend[Any], frames: NDArray[np.int64] | None = None) -> None:
        self._demos, self._device, self._chunk = demos, model.device, model.config.chunk
        arrays = demos.arrays
        stored = torch.from_numpy(np.array(arrays["tokens"]))
        self._questions = stored.shape[1]
        self.rows = self.about(np.arange(len(stored)) if frames is None else frames)
        self._tokens = stored.flatten(0, 1)
        self._proprio = torch.from_numpy(np.array(arrays["agent_pos"], np.float32))
        self._actions = torch.from_numpy(np.array(arrays["actions"], np.float32))
        self._left = torch.from_numpy(np.array(arrays["steps_left"], np.int64))
        self._augment = Augment()

    def about(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rows of some frames."""
        return (frames[:, None] * self._questions + np.arange(self._questions)).ravel()

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Rows of a batch, in the order in which they are stored."""
        return np.sort(rng.choice(self.rows, size=count, replace=len(self.rows) < count))

    def pictures(self, rows: NDArray[np.int64], noise: torch.Generator | None, coarsely: bool = False) -> Tensor:
        """``(B, cameras, 3, H, W)`` uint8; changed where there is noise to do so, of half the size if ``coarsely``."""
        stored = self._demos.pixels(rows // self._questions)
        pixels = torch.from_numpy(np.ascontiguousarray(stored[..., ::2, ::2]) if coarsely else stored)
        return (pixels if noise is None else self._augment(pixels, noise)).to(self._device)

    def tokens(self, rows: NDArray[np.int64]) -> Tensor:
        """As stored, ``(B, TOKENS)``."""
        return self._tokens[rows].to(self._device)

    def proprio(self, rows: NDArray[np.int64]) -> Tensor:
        """``(B, P)``."""
        return self._proprio[rows // self._questions].to(self._device)

    def chunks(self, rows: NDArray[np.int64]) -> Tensor:
        """What the expert did from each row on, ``(B, chunk, A)``; the last action of an episode is repeated."""
        ahead = torch.arange(self._chunk)
        frames = torch.from_numpy(rows // self._questions)
        index = frames[:, None] + torch.minimum(ahead, self._left[frames][:, None])
        return self._actions[index].to(self._device)


class Batches(Frames):
    """What a FlowVLA learns from, with the labels of the simulator.

    Args:
        demos, frames: as above.
        model: to learn.
        half: see :class:`.learn.Recipe`; only while learning.
    """

    def __init__(
        self, demos: DemoReader, model: FlowVLA, frames: NDArray[np.int64] | None = None, half: bool = False
    ) -> None:
        super().__init__(demos, model, frames)
        self._model, self._half = model, half
        labels = np.array(demos.arrays["labels"], np.float32)
        labels = labels.reshape(-1, labels.shape[-1])
        self._labels = torch.from_numpy(labels[:, : len(PLACES)])
        self._views = torch.from_numpy(labels[:, len(PLACES) :]).view(-1, 2, 2)

    def look(
        self, rows: NDArray[np.int64], noise: torch.Generator | None, coarsely: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features, the logits of the maps, and where they should respond, ``(B, 2, 2)``."""
        pixels = self.pictures(rows, noise, coarsely)
        half = self._half and noise is not None
        with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            features, heat = self._model.perceive(pixels, self.tokens(rows))
        return features, heat, self._views[rows].to(self._device)

    def labels(self, rows: NDArray[np.int64]) -> Tensor:
        """Normalised :data:`PLACES`, ``(B, 11)``."""
        return self._model.normalised(self._labels[rows].to(self._device))
