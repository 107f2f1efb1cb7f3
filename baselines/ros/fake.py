"""A robot inside this process, in simulated time, with faults on request: for tests, examples and first steps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError

from . import messages
from .profiles import Profile
from .sim_robot import SimRobot
from .transport import Message, Received

FAULTS: dict[str, str] = {
    "nan_state": "state_not_finite",
    "inf_state": "state_not_finite",
    "malformed_state": "state_malformed",
    "wrong_joint_names": "joint_names",
    "missing_joint": "state_stale",
    "stale_state": "state_stale",
    "frozen_state": "state_frozen",
    "slipped_joint": "tracking",
    "stale_camera": "camera_stale",
    "frozen_camera": "camera_frozen",
    "malformed_camera": "camera_malformed",
    "duplicated_publisher": "command_publishers",
    "vanished_publisher": "publisher_vanished",
    "lost_connection": "connection_lost",
    "clock_skew": "clock_skew",
}
"""Faults of a running robot that can be injected, and the reason that a stop must then name."""

SKEW_S = 1.5
SLIP_RAD = 0.5


class FakeTransport:
    """Carries messages to a :class:`SimRobot` of this process; waiting advances its time.

    Args:
        env: the robot's world.
        profile: of the robot, with the simulation's topics (:func:`gen3d_envs.baselines.ros.sim_robot.simulated`).
        state_hz, camera_hz, width, height: see :class:`SimRobot`.
        cameras: names of those that publish.
    """

    name = "fake"
    simulated = True

    def __init__(
        self, env: Gen3DEnv, profile: Profile, state_hz: int, camera_hz: int, width: int, height: int,
        cameras: tuple[str, ...] | None = None,
    ) -> None:  # fmt: skip
        self.robot = SimRobot(env, profile, self._emitted, state_hz, camera_hz, width, height, 1000.0, cameras)
        self.profile = profile
        self._queues: dict[str, deque[Received]] = {}
        self._counts: dict[str, int] = {}
        self._kept: dict[str, Message] = {}
        self._faults: set[str] = set()
        self.sent: list[tuple[float, str, Message]] = []

    # ---- faults ----------------------------------------------------------------------------------------------------

    def inject(self, fault: str) -> None:
        """Have a fault from now on.

        Raises:
            FieldError: no such fault.
        """
        if fault not in (*FAULTS, "nobody_listens"):
            raise FieldError("fault", fault, "is not known", f"Use one of {', '.join(FAULTS)}")
        self._faults.add(fault)
        self._kept = {}

    def heal(self) -> None:
        """Have no fault any more."""
        self._faults.clear()

    def _emitted(self, topic: str, kind: str, message: Message) -> None:
        faults, fields = self._faults, dict(message)
        if kind == messages.JOINT_STATE:
            if "stale_state" in faults:
                return
            if "frozen_state" in faults:
                kept = self._kept.setdefault(topic, fields)
                fields = {**kept, "header": fields["header"]}
            if "nan_state" in faults or "inf_state" in faults:
                bad = math.nan if "nan_state" in faults else math.inf
                fields["position"] = [bad, *fields["position"][1:]]
            if "slipped_joint" in faults:
                fields["position"] = [fields["position"][0] + SLIP_RAD, *fields["position"][1:]]
            if "malformed_state" in faults:
                fields["position"] = fields["position"][:-1]
            if "wrong_joint_names" in faults:
                fields["name"] = ["wheel", *fields["name"][1:]]
            if "missing_joint" in faults:
                for field in ("name", "position", "velocity"):
                    fields[field] = fields[field][1:]
        elif kind == messages.IMAGE:
            if "stale_camera" in faults:
                return
            if "frozen_camera" in faults:
                fields = {**self._kept.setdefault(topic, fields), "header": fields["header"]}
            if "malformed_camera" in faults:
                fields["data"] = fields["data"][:-1]
        if "clock_skew" in faults and "header" in fields:
            at = messages.seconds_of(fields["header"]) - SKEW_S
            fields["header"] = messages.header(at, fields["header"]["frame_id"])
        queue = self._queues.get(topic)
        if queue is not None:
            self._counts[topic] = self._counts.get(topic, 0) + 1
            queue.append(Received(fields, self.now(), self._counts[topic]))

    # ---- transport -------------------------------------------------------------------------------------------------

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :meth:`Transport.subscribe`."""
        self._queues[topic] = deque(maxlen=depth)

    def advertise(self, topic: str, kind: str) -> None:
        """See :meth:`Transport.advertise`."""

    def publish(self, topic: str, message: Message) -> None:
        """See :meth:`Transport.publish`."""
        self.sent.append((self.now(), topic, message))
        self.robot.receive(topic, message)

    def take(self, topic: str) -> list[Received]:
        """See :meth:`Transport.take`."""
        queue = self._queues[topic]
        found = list(queue)
        queue.clear()
        return found

    def publishers(self, topic: str) -> int | None:
        """See :meth:`Transport.publishers`."""
        if topic in (self.profile.command.topic, self.profile.gripper.topic):
            return 2 if "duplicated_publisher" in self._faults else 1
        return 0 if "vanished_publisher" in self._faults else 1

    def wait_for_match(self, topic: str, within_s: float) -> bool:
        """See :meth:`Transport.wait_for_match`."""
        return "nobody_listens" not in self._faults

    def trouble(self) -> str:
        """See :meth:`Transport.trouble`."""
        return "the connection was cut" if "lost_connection" in self._faults else ""

    def now(self) -> float:
        """See :meth:`Transport.now`."""
        return self.robot.time_s

    def wait_until(self, when_s: float) -> None:
        """See :meth:`Transport.wait_until`."""
        self.robot.advance(when_s)

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        self.robot.close()


ENV_OPTIONS = ("scene", "scenes", "family", "split", "num_scenes", "physics", "reality", "randomization")
RATES = ("state_hz", "camera_hz")


def make_fake(
    profile: Profile, options: Mapping[str, Any], control_hz: int, width: int, height: int, cameras: tuple[str, ...]
) -> FakeTransport:
    """A fake robot around a scene of its own.

    Args:
        profile: see :class:`FakeTransport`.
        options: of the user: those of :class:`gen3d_envs.env.Gen3DEnv` that choose scenes, engine and what varies; and
            ``state_hz`` and ``camera_hz``, which are the control rate by default, so that robot and adapter go in step.
        control_hz: of the policy.
        width: of the published pictures.
        height: of the published pictures.
        cameras: those that publish.

    Raises:
        FieldError: an option that does not exist.
    """
    unknown = [name for name in options if name not in (*ENV_OPTIONS, *RATES)]
    if unknown:
        known = ", ".join((*ENV_OPTIONS, *RATES))
        raise FieldError("transport_options", unknown[0], "is no option of the fake robot", f"Use {known}")
    chosen = {name: options[name] for name in ENV_OPTIONS if name in options}
    if not {"scene", "scenes", "family", "split"} & set(chosen):
        chosen["family"] = "pick"
    rates = [int(options.get(name, control_hz)) for name in RATES]
    env = Gen3DEnv(**chosen, robot=profile.robot, control_hz=control_hz, obs_type="state")
    try:
        return FakeTransport(env, profile, rates[0], rates[1], width, height, cameras)
    except BaseException:
        env.close()
        raise
