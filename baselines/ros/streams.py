"""What comes from the robot, merged, dated and watched: a stream that cannot be trusted stops the robot by name."""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import RobotStop

from . import messages
from .messages import BadMessage, Joints
from .profiles import CameraTopic, Profile
from .transport import Transport

HISTORY = 64
"""States that are kept to interpolate between."""

STATE_DEPTH = 10
"""One of 200 states was lost at depth 1 when two came at once; see the tests."""

SKEWS = 8
"""Messages whose least delay is the skew: few, so that a clock that was set is seen at once."""

MOVED_RAD = 0.03
"""Commands that move a joint farther than this must show in the state."""

FROZEN_PICTURES = 5
"""So many equal pictures in a row, while the arm moved, are a frozen camera. Real sensors never repeat a picture."""


@dataclass(frozen=True)
class State:
    """Joints of the robot at one time, in the contract's order: arm, then both fingers.

    Attributes:
        stamp_s: time stamp of the oldest part that was merged.
        received_s: when that part came.
        positions, velocities: rad or m (per s).
        efforts: by name on the wire, where the driver sends them.
    """

    stamp_s: float
    received_s: float
    positions: tuple[float, ...]
    velocities: tuple[float, ...]
    efforts: dict[str, float]


@dataclass(frozen=True, eq=False)
class Picture:
    """A camera's newest picture, not yet decoded."""

    stamp_s: float
    received_s: float
    message: Any
    count: int


class Streams:
    """Subscribes to everything a profile names, keeps the newest, and finds what is wrong with it.

    Args:
        transport: carries the messages.
        profile: topics, names and time limits.
        cameras: those that the observation needs.
    """

    def __init__(self, transport: Transport, profile: Profile, cameras: Sequence[CameraTopic]) -> None:
        self._transport, self._profile, self._cameras = transport, profile, tuple(cameras)
        self._known = {*profile.arm_joints, *profile.finger_joints, *profile.other_joints}
        self._own = (*profile.arm_joints, *profile.finger_joints)
        for topic in profile.state_topics:
            transport.subscribe(topic, messages.JOINT_STATE, STATE_DEPTH)
        for camera in self._cameras:
            kind = messages.COMPRESSED_IMAGE if camera.compressed else messages.IMAGE
            transport.subscribe(camera.topic, kind, 1)
        self.forget()

    def forget(self) -> None:
        """Drop all that came so far: what is observed next is new."""
        self._parts: dict[str, tuple[Joints, float]] = {}
        self.history: deque[State] = deque(maxlen=HISTORY)
        self.pictures: dict[str, Picture] = {}
        self._digests: dict[str, tuple[int, int]] = {}
        self._skews: deque[float] = deque(maxlen=SKEWS)
        self._moving_from: tuple[float, tuple[float, ...]] | None = None

    def drop(self) -> None:
        """As :meth:`forget`, with all that came and was not read yet."""
        for topic in (*self._profile.state_topics, *(camera.topic for camera in self._cameras)):
            self._transport.take(topic)
        self.forget()

    # ---- reading ---------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take what came since the last call.

        Raises:
            RobotStop: a message that cannot be believed: malformed, not finite, of unexpected joints.
        """
        for topic in self._profile.state_topics:
            for received in self._transport.take(topic):
                self._read_state(topic, received.message, received.received_s)
        for camera in self._cameras:
            for received in self._transport.take(camera.topic):
                try:
                    at = messages.seconds_of(received.message.get("header"))
                except BadMessage as error:
                    raise RobotStop("camera_malformed", f"{camera.topic}: {error}", "Check the driver") from None
                self._skews.append(received.received_s - at)
                before = self.pictures.get(camera.camera)
                if before is None or at >= before.stamp_s:
                    picture = Picture(at, received.received_s, received.message, received.count)
                    self.pictures[camera.camera] = picture

    def _read_state(self, topic: str, message: Any, received_s: float) -> None:
        try:
            joints = messages.read_joint_state(message)
        except BadMessage as error:
            raise RobotStop("state_malformed", f"{topic}: {error}", "Check the driver") from None
        unknown = [name for name in joints.positions if name not in self._known]
        if unknown:
            raise RobotStop(
                "joint_names", f"{topic} names {', '.join(unknown)}, the profile does not",
                "Check that it is this robot; name what may be ignored in other_joints",
            )  # fmt: skip
        values = [*joints.positions.values(), *joints.velocities.values(), *joints.efforts.values()]
        if not all(map(math.isfinite, values)):
            raise RobotStop("state_not_finite", f"{topic} reports {joints.positions}", "Check the driver")
        self._skews.append(received_s - joints.stamp_s)
        for name, position in joints.positions.items():
            old = self._parts.get(name)
            if old is None or joints.stamp_s >= old[0].stamp_s:
                one = Joints(joints.stamp_s, {name: position}, joints.velocities, joints.efforts)
                self._parts[name] = (one, received_s)
        if all(name in self._parts for name in self._own):
            self._merge()

    def _merge(self) -> None:
        """A whole state; its age is that of its oldest part, so that half a robot cannot look fresh."""
        parts = [self._parts[name] for name in self._own]
        positions = [part.positions[name] for name, (part, _) in zip(self._own, parts, strict=True)]
        speeds = [part.velocities.get(name, math.nan) for name, (part, _) in zip(self._own, parts, strict=True)]
        if len(self._profile.finger_joints) == 1:
            positions, speeds = [*positions, positions[-1]], [*speeds, speeds[-1]]
        oldest = min(range(len(parts)), key=lambda index: parts[index][0].stamp_s)
        stamp_s, received_s = parts[oldest][0].stamp_s, parts[oldest][1]
        if self.history and stamp_s <= self.history[-1].stamp_s:
            return
        efforts = {name: part.efforts[name] for name, (part, _) in zip(self._own, parts, strict=True)
                   if name in part.efforts}  # fmt: skip
        before = self.history[-1] if self.history else None
        velocities = tuple(
            speed if math.isfinite(speed) else _slope(before, index, stamp_s, positions[index])
            for index, speed in enumerate(speeds)
        )
        self.history.append(State(stamp_s, received_s, tuple(positions), velocities, efforts))

    @property
    def state(self) -> State | None:
        """The newest whole state."""
        return self.history[-1] if self.history else None

    def state_at(self, when_s: float) -> State | None:
        """Joints at a time between two states, interpolated; the newest where the time is later."""
        after = None
        for state in reversed(self.history):
            if state.stamp_s <= when_s:
                if after is None:
                    return state
                share = (when_s - state.stamp_s) / (after.stamp_s - state.stamp_s)
                mixed = [
                    tuple(a + share * (b - a) for a, b in zip(first, second, strict=True))
                    for first, second in ((state.positions, after.positions), (state.velocities, after.velocities))
                ]
                return State(when_s, after.received_s, mixed[0], mixed[1], after.efforts)
            after = state
        return after

    def decoded(self, camera: str) -> NDArray[np.uint8]:
        """The newest picture of a camera, ``(h, w, 3)`` RGB.

        Raises:
            RobotStop: it is no picture.
        """
        try:
            return messages.read_image(self.pictures[camera].message)
        except BadMessage as error:
            raise RobotStop("camera_malformed", f"camera {camera}: {error}", "Check the driver") from None

    # ---- watching --------------------------------------------------------------------------------------------------

    @property
    def skew_s(self) -> float:
        """How far the robot's clock is behind the one here: the least delay of the last messages, s."""
        return min(self._skews, default=0.0)

    def ages(self) -> dict[str, float]:
        """Age of the newest state and of each camera's newest picture, s, by their headers."""
        now, state = self._transport.now(), self.state
        found = {} if state is None else {"state": now - state.stamp_s}
        return found | {name: now - picture.stamp_s for name, picture in self.pictures.items()}

    def check(self, command_topics: Sequence[str] = (), publishers: int = 1) -> None:
        """Find what is wrong with the streams and the graph.

        Args:
            command_topics: topics that nobody else may publish on.
            publishers: how many on each are our own.

        Raises:
            RobotStop: the first thing that is wrong, by name.
        """
        transport, profile = self._transport, self._profile
        trouble = transport.trouble()
        if trouble:
            raise RobotStop("connection_lost", trouble, "Start it again, then reset with confirm")
        for topic in command_topics:
            if (transport.publishers(topic) or 0) > publishers:
                raise RobotStop("command_publishers", f"another program publishes on {topic}", "Stop the other one")
        for topic in (*profile.state_topics, *(camera.topic for camera in self._cameras)):
            if transport.publishers(topic) == 0:
                raise RobotStop("publisher_vanished", f"nobody publishes {topic} any more", "Start the driver")
        if len(self._skews) and abs(self.skew_s) > profile.clock_skew_s:
            raise RobotStop(
                "clock_skew", f"time stamps are {self.skew_s:+.3f} s off", "Synchronise the clocks (chrony, ntp)"
            )
        self._check_ages()

    def _check_ages(self) -> None:
        now, profile, state = self._transport.now(), self._profile, self.state
        if state is None:
            missing = [name for name in self._own if name not in self._parts]
            raise RobotStop("state_missing", f"no state of {', '.join(missing)} came", "Check driver and names")
        # The receive time counts: a stamp may be off by the skew of the clocks, which is watched by itself.
        if now - state.received_s > profile.state_timeout_s:
            raise RobotStop("state_stale", f"the state is {now - state.received_s:.3f} s old", "Check the driver")
        for camera in self._cameras:
            picture = self.pictures.get(camera.camera)
            if picture is None:
                raise RobotStop("camera_missing", f"no picture came on {camera.topic}", "Check the camera")
            if now - picture.received_s > camera.timeout_s:
                late = now - picture.received_s
                raise RobotStop("camera_stale", f"camera {camera.camera} is {late:.3f} s old", "Check the camera")

    def check_frozen(self, commanded: Sequence[float]) -> None:
        """Find a state that stays exactly the same although commands lead away from it.

        Args:
            commanded: arm joints that were last commanded, rad.

        Raises:
            RobotStop: it does.
        """
        state = self.state
        assert state is not None
        arm = state.positions[: len(commanded)]
        away = max(abs(a - b) for a, b in zip(arm, commanded, strict=True)) > MOVED_RAD
        if self._moving_from is None or self._moving_from[1] != state.positions:
            self._moving_from = (state.stamp_s, state.positions)
        elif away and state.stamp_s - self._moving_from[0] > self._profile.frozen_s:
            raise RobotStop("state_frozen", "the joints do not move although commanded", "Check torque and driver")

    def note_pictures(self, moved: bool) -> None:
        """Count pictures that repeat the one before while the arm moves.

        Raises:
            RobotStop: a camera repeats itself.
        """
        for name, picture in self.pictures.items():
            data = picture.message.get("data", b"")
            digest = zlib.crc32(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes())
            old, repeats = self._digests.get(name, (-1, 0))
            repeats = repeats + 1 if moved and digest == old else 0
            self._digests[name] = (digest, repeats)
            if repeats >= FROZEN_PICTURES:
                raise RobotStop("camera_frozen", f"camera {name} repeats one picture", "Restart the camera")


def _slope(before: State | None, index: int, stamp_s: float, position: float) -> float:
    if before is None or stamp_s <= before.stamp_s:
        return 0.0
    return (position - before.positions[index]) / (stamp_s - before.stamp_s)
