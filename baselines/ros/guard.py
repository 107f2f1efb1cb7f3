"""A second process that holds the arm where the first cannot: it was killed, or hangs with the arm in motion.

The adapter sends it a beat through a pipe every few milliseconds while it waits for the robot; while the policy thinks
there is none. The pipe ends with the adapter's process, however that ends. The guard reads the joints itself, has its
publishers connected beforehand, and sends what :meth:`Supervisor.estop` would have sent: the measured joints.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from gen3d_envs.errors import RobotStop
from gen3d_envs.robots import get_robot

from . import messages
from .commands import arm_message, command_topics
from .profiles import Profile
from .streams import Streams
from .transport import Transport, make_transport

STOPPED_TOPIC = "/gen3d/stopped"
"""Where a stop is told to everybody: JSON with ``reason``, ``text`` and ``by`` in a ``std_msgs/String``."""

READY_S = 60.0
LOOK_S = 0.02
AGAIN_S = 0.05
HOLDS = 3
"""A hold is sent so often: whoever sends it is gone afterwards."""

FAREWELL_S = 0.2
"""How long it stays after a hold, until everything is sent."""

_PROGRAM = "from gen3d_envs.baselines.ros.guard import main; main()"


class Guard:
    """The adapter's side.

    Args:
        transport: name of it.
        options: of it.
        profile: of the robot.
        control_hz: of the policy.
    """

    def __init__(self, transport: str, options: Mapping[str, Any], profile: Profile, control_hz: int) -> None:
        about = {
            "transport": transport, "options": dict(options), "profile": msgspec.to_builtins(profile),
            "control_hz": control_hz,
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._ready = False
        self._write(json.dumps(about).encode() + b"\n")

    @property
    def alive(self) -> bool:
        """It runs."""
        return self._process.poll() is None

    def wait_until_ready(self, within_s: float = READY_S) -> bool:
        """Wait until it hears the robot and the robot hears it."""
        assert self._process.stdout is not None
        if not self._ready:
            heard, _, _ = select.select([self._process.stdout], [], [], within_s)
            self._ready = bool(heard) and self._process.stdout.readline() == b"ready\n"
        return self._ready and self.alive

    def beat(self, armed: bool) -> None:
        """Say that this process is well, and whether the arm may be moving."""
        self._write(b"a" if armed else b"d")

    def close(self) -> None:
        """End it; the arm must be held already. A second call does nothing."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self.beat(False)
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        # A guard that is gone is found out by alive, where the arm can still be held.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(data)
            self._process.stdin.flush()


class Watch:
    """The guard's own side.

    Args:
        transport: carries messages.
        profile: of the robot.
        control_hz: of the policy.
    """

    def __init__(self, transport: Transport, profile: Profile, control_hz: int) -> None:
        self._transport, self._profile, self._period = transport, profile, 1.0 / control_hz
        self._robot = get_robot(profile.robot)
        self._streams = Streams(transport, profile, ())
        self._topics = command_topics(profile)
        self._action = profile.command.topic if profile.command.kind == "follow_joint_trajectory" else None
        for topic, kind in (*self._topics.items(), (STOPPED_TOPIC, messages.STRING)):
            transport.advertise(topic, kind)
        if self._action is not None:
            transport.advertise_action(self._action)  # type: ignore[attr-defined]

    def connect(self) -> bool:
        """Wait until a hold would arrive."""
        end = time.monotonic() + READY_S
        arm = self._profile.command.topic
        if self._action is not None:
            found: bool = self._transport.wait_for_action(self._action, READY_S)  # type: ignore[attr-defined]
        else:
            found = self._transport.wait_for_match(arm, READY_S)
        while found and self._streams.state is None and time.monotonic() < end:
            time.sleep(LOOK_S)
            self.read()
        return found and self._streams.state is not None

    def read(self) -> None:
        """Take what came. What is wrong with it is the adapter's business; the last good state stands."""
        with contextlib.suppress(RobotStop):
            self._streams.read()

    def hold(self, reason: str, text: str) -> None:
        """Send the measured joints as command, and say why."""
        self.read()
        for index in range(HOLDS):
            state = self._streams.state
            if state is not None and all(map(math.isfinite, state.positions)):
                arm = state.positions[: self._robot.arm_joints]
                limits = zip(arm, self._robot.lower, self._robot.upper, strict=False)
                joints = [min(max(q, low), high) for q, low, high in limits]
                now = self._transport.now()
                message = arm_message(
                    self._profile, self._robot, joints, [0.0] * len(joints), self._period, now
                )  # fmt: skip
                if self._action is not None:
                    self._transport.send_goal(self._action, message)  # type: ignore[attr-defined]
                else:
                    self._transport.publish(self._profile.command.topic, message)
            if index == 0:
                said = {"reason": reason, "text": text, "by": "guard"}
                self._transport.publish(STOPPED_TOPIC, {"data": json.dumps(said)})
            if index < HOLDS - 1:
                time.sleep(AGAIN_S)


def guard(watch: Watch, pipe: int, late_s: float) -> None:
    """Watch until the pipe ends.

    Args:
        watch: reads and holds.
        pipe: file descriptor that beats come from.
        late_s: without a beat for so long, an armed adapter counts as hanging.
    """
    armed, held, last = False, False, time.monotonic()
    while True:
        heard, _, _ = select.select([pipe], [], [], LOOK_S)
        watch.read()
        if heard:
            beats = os.read(pipe, 65536)
            if not beats:
                if armed:
                    watch.hold("policy_lost", "the process of the policy ended while the arm was armed")
                    time.sleep(FAREWELL_S)
                return
            armed, held, last = beats.endswith(b"a"), False, time.monotonic()
        elif armed and not held and time.monotonic() - last > late_s:
            watch.hold("policy_late", f"no sign of the policy's process for {late_s:g} s")
            held = True


def main() -> None:
    """The guard's process: what it is to guard comes as one line of JSON, beats follow."""
    # Unbuffered: beats that come with the line are not to be lost in a buffer.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as pipe:
        about = json.loads(pipe.readline())
    profile = msgspec.convert(about["profile"], Profile)
    options = dict(about["options"])
    if about["transport"] in ("rospy", "rclpy"):
        options["node"] = "gen3d_guard"
    transport = make_transport(about["transport"], options)
    try:
        watch = Watch(transport, profile, int(about["control_hz"]))
        if watch.connect():
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            guard(watch, sys.stdin.fileno(), profile.late_s)
    finally:
        transport.close()
