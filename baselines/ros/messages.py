"""ROS messages as mappings: what is sent to a robot, and what comes from it, checked before it is believed."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.contract import PictureKey
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Matrix

from .transport import Message

JOINT_STATE = "sensor_msgs/JointState"
IMAGE = "sensor_msgs/Image"
COMPRESSED_IMAGE = "sensor_msgs/CompressedImage"
CAMERA_INFO = "sensor_msgs/CameraInfo"
JOINT_TRAJECTORY = "trajectory_msgs/JointTrajectory"
POSE_STAMPED = "geometry_msgs/PoseStamped"
TWIST_STAMPED = "geometry_msgs/TwistStamped"
STRING = "std_msgs/String"
FLOAT64 = "std_msgs/Float64"
CLOCK = "rosgraph_msgs/Clock"
JOINT_GROUP = "interbotix_xs_msgs/JointGroupCommand"
JOINT_SINGLE = "interbotix_xs_msgs/JointSingleCommand"

MAX_SIDE = 8192
MAX_JOINTS = 64
WIDER = 1.02
"""A camera may see this much less than the contract's field of view before its pictures are refused."""

CHANNELS = {"rgb8": (3, (0, 1, 2)), "bgr8": (3, (2, 1, 0)), "rgba8": (4, (0, 1, 2)), "bgra8": (4, (2, 1, 0)),
            "mono8": (1, (0, 0, 0)), "8UC3": (3, (2, 1, 0))}  # fmt: skip
"""Bytes per pixel and which of them are red, green and blue."""


class BadMessage(ValueError):
    """A message that cannot be what it says; the text says why."""


# ---- time ----------------------------------------------------------------------------------------------------------


def stamp(seconds: float) -> dict[str, int]:
    """A time or duration as seconds and nanoseconds."""
    whole = math.floor(seconds)
    nanos = round((seconds - whole) * 1e9)
    return {"sec": whole + nanos // 1_000_000_000, "nanosec": nanos % 1_000_000_000}


def seconds_of(header: Any) -> float:
    """Time stamp of a header, s.

    Raises:
        BadMessage: it has none.
    """
    try:
        at = header["stamp"]
        return float(at["sec"]) + 1e-9 * float(at["nanosec"])
    except (KeyError, TypeError, ValueError):
        raise BadMessage("the header has no time stamp") from None


def header(seconds: float, frame: str = "") -> dict[str, Any]:
    """A header with a time stamp."""
    return {"stamp": stamp(seconds), "frame_id": frame}


# ---- to the robot --------------------------------------------------------------------------------------------------


def joint_trajectory(
    names: Sequence[str], positions: Sequence[float], velocities: Sequence[float], duration_s: float
) -> dict[str, Any]:
    """One point, reached after ``duration_s``. A zero stamp means: begin when it arrives."""
    point = {
        "positions": [float(q) for q in positions], "velocities": [float(v) for v in velocities],
        "accelerations": [], "effort": [], "time_from_start": stamp(duration_s),
    }  # fmt: skip
    return {"header": header(0.0), "joint_names": list(names), "points": [point]}


def joint_state(
    seconds: float, names: Sequence[str], positions: Sequence[float], velocities: Sequence[float] = ()
) -> dict[str, Any]:
    """Joint positions and velocities."""
    return {
        "header": header(seconds), "name": list(names), "position": [float(q) for q in positions],
        "velocity": [float(v) for v in velocities], "effort": [],
    }  # fmt: skip


def pose_stamped(seconds: float, frame: str, position: Sequence[float], turn: Sequence[float]) -> dict[str, Any]:
    """A pose: m and a quaternion xyzw."""
    point = dict(zip("xyz", map(float, position), strict=True))
    orientation = dict(zip("xyzw", map(float, turn), strict=True))
    return {"header": header(seconds, frame), "pose": {"position": point, "orientation": orientation}}


def twist_stamped(seconds: float, frame: str, linear: Sequence[float], angular: Sequence[float]) -> dict[str, Any]:
    """A velocity: m/s and rad/s."""
    return {
        "header": header(seconds, frame),
        "twist": {
            "linear": dict(zip("xyz", map(float, linear), strict=True)),
            "angular": dict(zip("xyz", map(float, angular), strict=True)),
        },
    }


def image(seconds: float, frame: str, picture: NDArray[np.uint8]) -> dict[str, Any]:
    """An RGB picture, ``(h, w, 3)`` uint8."""
    height, width, _ = picture.shape
    return {
        "header": header(seconds, frame), "height": height, "width": width, "encoding": "rgb8", "is_bigendian": 0,
        "step": 3 * width, "data": np.ascontiguousarray(picture).reshape(-1),
    }  # fmt: skip


def camera_info(seconds: float, frame: str, width: int, height: int, fov_x: float, fov_y: float) -> dict[str, Any]:
    """A pinhole camera without distortion; opening angles in rad."""
    fx, fy = width / 2.0 / math.tan(fov_x / 2.0), height / 2.0 / math.tan(fov_y / 2.0)
    cx, cy = width / 2.0, height / 2.0
    return {
        "header": header(seconds, frame), "height": height, "width": width, "distortion_model": "plumb_bob",
        "d": [0.0] * 5, "k": [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "p": [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0], "binning_x": 0, "binning_y": 0,
        "roi": {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False},
    }  # fmt: skip


def quaternion_of(rotation: Matrix) -> tuple[float, float, float, float]:
    """Unit quaternion xyzw of a rotation, by Shepperd's method: the largest of the four is computed first."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    squares = (1.0 + a - e - i, 1.0 - a + e - i, 1.0 - a - e + i, 1.0 + a + e + i)
    largest = max(range(4), key=squares.__getitem__)
    rows = (
        (squares[0], b + d, c + g, h - f), (b + d, squares[1], f + h, c - g), (c + g, f + h, squares[2], d - b),
        (h - f, c - g, d - b, squares[3]),
    )  # fmt: skip
    x, y, z, w = rows[largest]
    length = math.sqrt(x * x + y * y + z * z + w * w)
    return x / length, y / length, z / length, w / length


# ---- from the robot ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Joints:
    """A joint state as it came: by name, what is not sent is absent."""

    stamp_s: float
    positions: dict[str, float]
    velocities: dict[str, float]
    efforts: dict[str, float]


def read_joint_state(message: Message) -> Joints:
    """Decode ``sensor_msgs/JointState``; velocities and efforts may be missing, as drivers do.

    Raises:
        BadMessage: no names, names twice, or lists of another length. Values are not judged here.
    """
    try:
        names = [str(name) for name in message["name"]]
        lists = [[float(v) for v in message[field]] for field in ("position", "velocity", "effort")]
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"it is no joint state ({error})") from None
    if not names or len(names) > MAX_JOINTS or len(set(names)) != len(names):
        raise BadMessage(f"it names {len(names)} joints, or one twice")
    if len(lists[0]) != len(names) or any(values and len(values) != len(names) for values in lists[1:]):
        raise BadMessage("positions, velocities or efforts are not one per name")
    position, velocity, effort = (dict(zip(names, values, strict=False)) for values in lists)
    return Joints(seconds_of(message.get("header")), position, velocity, effort)


def read_image(message: Message) -> NDArray[np.uint8]:
    """Decode ``sensor_msgs/Image`` or ``CompressedImage`` to ``(h, w, 3)`` RGB; rows may be padded.

    Raises:
        BadMessage: an encoding that is not known, or data that does not fit the size.
    """
    try:
        if "format" in message:
            return _decompressed(bytes(message["data"]))
        height, width, step = int(message["height"]), int(message["width"]), int(message["step"])
        encoding = str(message["encoding"])
        data = message["data"]
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessage(f"it is no picture ({error})") from None
    if encoding not in CHANNELS:
        raise BadMessage(f"encoding {encoding!r} is not one of {', '.join(CHANNELS)}")
    bytes_per_pixel, order = CHANNELS[encoding]
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE) or step < width * bytes_per_pixel:
        raise BadMessage(f"{width}x{height} pixels do not fit rows of {step} bytes")
    raw = np.frombuffer(data, np.uint8) if isinstance(data, bytes | bytearray | memoryview) else np.asarray(data)
    if raw.dtype != np.uint8 or raw.size != height * step:
        raise BadMessage(f"{raw.size} bytes are not {height} rows of {step}")
    rows = raw.reshape(height, step)[:, : width * bytes_per_pixel].reshape(height, width, bytes_per_pixel)
    # A list of channels would be copied element by element, in 5 ms for 640x480; slices are not.
    chosen = rows[..., :3] if order == (0, 1, 2) else rows[..., 2::-1] if order == (2, 1, 0) else rows[..., list(order)]
    return np.ascontiguousarray(chosen)


def _decompressed(data: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as opened:
            if max(opened.size) > MAX_SIDE:
                raise BadMessage(f"{opened.size} pixels are too many")
            return np.asarray(opened.convert("RGB"))
    except BadMessage:
        raise
    except Exception as error:  # Pillow raises many kinds for broken files.
        raise BadMessage(f"it is no JPEG or PNG ({error})") from None


def fit_picture(
    picture: NDArray[np.uint8], fov_x_rad: float, fov_y_rad: float, wanted: PictureKey
) -> NDArray[np.uint8]:
    """A camera's picture as the contract wants it: :data:`gen3d_envs.contract.RESIZE`.

    Args:
        picture: ``(h, w, 3)`` RGB.
        fov_x_rad: what the camera sees across.
        fov_y_rad: what it sees down.
        wanted: size and field of view.

    Raises:
        FieldError: the camera sees less than is wanted.
    """
    height, width, _ = picture.shape
    shares = [
        math.tan(angle / 2.0) / math.tan(camera / 2.0)
        for angle, camera in ((wanted.fov_x_rad, fov_x_rad), (wanted.fov_y_rad, fov_y_rad))
    ]
    if max(shares) > WIDER:
        raise FieldError(
            f"cameras.{wanted.camera}.fov", (fov_x_rad, fov_y_rad), "is narrower than what the policy was shown",
            f"Use a camera with at least {wanted.fov_x_rad:.3f} x {wanted.fov_y_rad:.3f} rad",
        )  # fmt: skip
    across, down = (0.5 * side * (1.0 - min(1.0, share)) for side, share in zip((width, height), shares, strict=True))
    if (height, width) == (wanted.height, wanted.width) and max(across, down) < 0.01:
        return picture
    from PIL import Image

    return np.asarray(
        Image.fromarray(picture).resize(
            (wanted.width, wanted.height), Image.Resampling.BOX, (across, down, width - across, height - down)
        )
    )
