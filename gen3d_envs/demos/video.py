"""A video that grows frame by frame, made for training: any frame is quick to reach."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError
from gen3d_envs.video import SAME_BITS

CRF = 18
"""Visually lossless: a policy learns from these pictures."""

KEY_FRAMES = 2
"""A key frame every so many frames: random access decodes at most two."""


class VideoFile:
    """H.264 in MP4, yuv420p, written as frames come. Equal frames give equal bytes with the same encoder.

    Args:
        path: where to; its folder is made.
        fps: frames per second.
        size: height and width, both even.

    Raises:
        FieldError: an odd size, which yuv420p cannot hold.
    """

    def __init__(self, path: Path, fps: int, size: tuple[int, int]) -> None:
        import av

        height, width = size
        if height % 2 or width % 2:
            raise FieldError("size", size, "is odd, and yuv420p halves it", "Use even numbers")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.frames, self._tick = 0, Fraction(1, fps)
        self._file = av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"})
        stream = self._file.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(CRF), "preset": "fast", "g": str(KEY_FRAMES), "x264-params": SAME_BITS}
        stream.thread_count = 1
        self._stream = stream
        self._closed = False

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Write one more frame, ``(h, w, 3)`` uint8."""
        import av

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self.frames
        frame.time_base = self._tick
        self._file.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Finish the file. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._file.mux(self._stream.encode(None))
        self._file.close()
