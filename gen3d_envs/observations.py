"""What the robot senses, declared once: each term gives its part of the space, the numbers and the documentation.

Keys follow LeRobot, gym-aloha and gym-pusht: ``pixels``, ``agent_pos``. Positions are metres in the robot's base frame,
angles are radians, quaternions are xyzw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Matrix, Quaternion, Vector, to_euler

OBS_TYPES = ("state", "pixels", "pixels_agent_pos")

BRIDGE_PI0 = {
    "robot": "widowx",
    "obs_type": "pixels_agent_pos",
    "observation_width": 224,
    "observation_height": 224,
    "cameras": ["front"],
    "control": "ee_delta",
    "control_hz": 5,
}
"""Keyword arguments of ``gym.make`` for the contract of the public BridgeV2 pi0 checkpoint (open-pi-zero): one 224x224
RGB frame of the Bridge camera, seven numbers of proprioception, seven-number delta actions at 5 Hz."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What the environment read from its world after a step; scene frame.

    Attributes:
        base_m: position of the robot's base.
        joints, joint_velocities: every joint, model order, rad or m (per s).
        tool_m, tool_rotation: tool point and its rotation; the identity points straight down.
        opening: gripper opening in [0, 1].
        target, receptacle: pose of their asset frames; the receptacle is None where the task has none. Of a target that
            is to be opened or closed, the pose of the part.
        target_size_m, receptacle_size_m: extents of their bounding boxes.
        target_velocity: linear velocity of the target, m/s.
    """

    base_m: Vector
    joints: list[float]
    joint_velocities: list[float]
    tool_m: Vector
    tool_rotation: Matrix
    opening: float
    target: tuple[Vector, Quaternion]
    receptacle: tuple[Vector, Quaternion] | None
    target_size_m: Vector
    receptacle_size_m: Vector
    target_velocity: Vector


@dataclass(frozen=True)
class ObservationTerm:
    """One named piece of an observation vector.

    Attributes:
        name: as in the documentation.
        labels: one per number.
        unit: of all its numbers.
        frame: what positions and angles refer to.
        low, high: bounds of the space.
        read: from a snapshot to the numbers.
    """

    name: str
    labels: tuple[str, ...]
    unit: str
    frame: str
    low: float
    high: float
    read: Callable[[Snapshot], list[float]]


def _from_base(point: Vector, base: Vector) -> list[float]:
    return [point[0] - base[0], point[1] - base[1], point[2] - base[2]]


def _pose(pose: tuple[Vector, Quaternion] | None, base: Vector) -> list[float]:
    if pose is None:
        return [0.0] * 7
    (x, y, z, w) = pose[1]
    sign = -1.0 if w < 0.0 else 1.0  # q and -q are one rotation; keep one of them so that the number does not jump
    return [*_from_base(pose[0], base), sign * x, sign * y, sign * z, sign * w]


AGENT_POS: tuple[ObservationTerm, ...] = (
    ObservationTerm("tool_position", ("x", "y", "z"), "m", "robot base", -2.0, 2.0,
                    lambda s: _from_base(s.tool_m, s.base_m)),
    ObservationTerm("tool_euler", ("roll", "pitch", "yaw"), "rad", "0 = pointing down, fingers along base y",
                    -math.pi, math.pi, lambda s: list(to_euler(s.tool_rotation))),
    ObservationTerm("gripper", ("opening",), "1", "0 closed, 1 open", 0.0, 1.0, lambda s: [s.opening]),
)  # fmt: skip
"""The seven numbers of ``agent_pos``, as in BridgeData V2."""


def state_terms(joint_names: tuple[str, ...]) -> tuple[ObservationTerm, ...]:
    """Terms of the flat ``state`` observation of a robot with these joints."""
    pose_labels = ("x", "y", "z", "qx", "qy", "qz", "qw")
    size = ("x", "y", "z")
    return (
        *AGENT_POS,
        ObservationTerm("joint_positions", joint_names, "rad, m", "joint", -10.0, 10.0, lambda s: s.joints),
        ObservationTerm("joint_velocities", joint_names, "rad/s, m/s", "joint", -100.0, 100.0,
                        lambda s: s.joint_velocities),
        ObservationTerm("target_pose", pose_labels, "m, 1", "robot base", -5.0, 5.0,
                        lambda s: _pose(s.target, s.base_m)),
        ObservationTerm("target_velocity", size, "m/s", "robot base", -100.0, 100.0,
                        lambda s: list(s.target_velocity)),
        ObservationTerm("target_size", size, "m", "target", 0.0, 2.0, lambda s: list(s.target_size_m)),
        ObservationTerm("receptacle_pose", pose_labels, "m, 1", "robot base; zeros where the task has none", -5.0, 5.0,
                        lambda s: _pose(s.receptacle, s.base_m)),
        ObservationTerm("receptacle_size", size, "m", "receptacle; zeros where the task has none", 0.0, 2.0,
                        lambda s: list(s.receptacle_size_m)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class TermGroup:
    """A flat float32 vector made of terms: its space and how to read it."""

    terms: tuple[ObservationTerm, ...]

    @property
    def space(self) -> spaces.Box:
        """The vector's Box space, float32."""
        low = [t.low for t in self.terms for _ in t.labels]
        high = [t.high for t in self.terms for _ in t.labels]
        return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)

    def read(self, snapshot: Snapshot) -> NDArray[np.float32]:
        """The vector, clipped to the bounds of its space."""
        values: list[float] = []
        for term in self.terms:
            low, high = term.low, term.high
            for value in term.read(snapshot):
                values.append(low if value < low else high if value > high else value)
        return np.array(values, dtype=np.float32)

    def table(self) -> str:
        """The documentation table, Markdown."""
        rows = ["| index | term | numbers | unit | frame | bounds |", "|---|---|---|---|---|---|"]
        start = 0
        for term in self.terms:
            end = start + len(term.labels)
            span = f"{start}" if end - start == 1 else f"{start}-{end - 1}"
            bounds = f"{term.low:.4g} to {term.high:.4g}"
            rows.append(f"| {span} | {term.name} | {', '.join(term.labels)} | {term.unit} | {term.frame} | {bounds} |")
            start = end
        return "\n".join(rows)


def observation_space(
    obs_type: str, state: TermGroup, agent_pos: TermGroup, cameras: tuple[str, ...], width: int, height: int
) -> spaces.Space:
    """The observation space of an environment.

    ``state`` is a flat Box. The others are a Dict with ``pixels``: a ``(height, width, 3)`` uint8 Box for one camera, a
    Dict of them for several; and ``agent_pos`` where asked for.

    Raises:
        FieldError: an unknown ``obs_type``.
    """
    if obs_type not in OBS_TYPES:
        raise FieldError("obs_type", obs_type, "no such observation", f"Use one of {', '.join(OBS_TYPES)}")
    if obs_type == "state":
        return state.space
    picture = spaces.Box(0, 255, (height, width, 3), np.uint8)
    pixels: spaces.Space = picture if len(cameras) == 1 else spaces.Dict(dict.fromkeys(cameras, picture))
    if obs_type == "pixels":
        return spaces.Dict({"pixels": pixels})
    return spaces.Dict({"agent_pos": agent_pos.space, "pixels": pixels})
