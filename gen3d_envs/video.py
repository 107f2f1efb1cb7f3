"""MP4 files that every browser and phone plays."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError

CRF = 22
"""Constant rate factor of H.264: 18 is visually lossless, 28 visibly blocky."""

SAME_BITS = "threads=1:cpu-independent=1"
"""Without it x264's macroblock tree takes short cuts whose rounding depends on where memory lies."""


def write_mp4(path: str | Path, frames: Iterable[NDArray[np.uint8]], fps: int) -> int:
    """Write pictures as H.264 (yuv420p, index first so that it plays while it loads); the whole file or none.

    Equal frames give equal bytes with the same version of the encoder.

    Args:
        path: where to; its folder is made.
        frames: ``(h, w, 3)`` uint8, all of one size; an odd last row or column is dropped, as yuv420p wants.
        fps: pictures per second.

    Returns:
        The number of frames.

    Raises:
        FieldError: no frames, frames of different sizes, or a rate that is none.
        OSError: the file cannot be written.
    """
    import av

    if not isinstance(fps, int) or not 1 <= fps <= 240:
        raise FieldError("fps", fps, "is no frame rate", "Use a whole number from 1 to 240")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=".writing-", suffix=".mp4", dir=path.parent)
    os.close(handle)
    try:
        count, size = 0, (0, 0)
        with av.open(partial, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as file:
            stream = file.add_stream("libx264", rate=fps)
            for picture in frames:
                height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
                if count == 0:
                    size = (width, height)
                    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                    stream.options = {"crf": str(CRF), "preset": "fast", "x264-params": SAME_BITS}
                    stream.thread_count = 1
                elif size != (width, height):
                    raise FieldError("frames", (width, height), f"the first frame is {size}", "Keep one size")
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
                file.mux(stream.encode(frame))
                count += 1
            if count == 0:
                raise FieldError("frames", count, "there are no pictures", "Give at least one")
            file.mux(stream.encode(None))
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
    return count
