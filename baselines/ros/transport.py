"""The narrow interface between the adapter and whatever carries messages.

Messages are plain mappings with the field names of their ROS types (``"header"``, ``"position"``, ...), arrays as
lists, numpy arrays or bytes. So everything that is said and understood is tested without any ROS, and a transport only
carries it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any, Protocol

from gen3d_envs.errors import FieldError

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Received:
    """A message with when it came.

    Attributes:
        message: its fields.
        received_s: on the transport's clock.
        count: messages of this topic so far, this one included.
    """

    message: Message
    received_s: float
    count: int


class Transport(Protocol):
    """Carries messages. Callbacks of its threads only store the raw message; decoding is done where it is read."""

    name: str
    """What the user calls it, e.g. ``"cyclonedds"``."""

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """Listen to a topic of messages of a ROS type (``"sensor_msgs/JointState"``), keeping the last ``depth``."""

    def advertise(self, topic: str, kind: str) -> None:
        """Announce that messages of a type will be published."""

    def publish(self, topic: str, message: Message) -> None:
        """Send a message on an advertised topic."""

    def take(self, topic: str) -> list[Received]:
        """Messages that came since the last call, oldest first, at most the topic's depth."""

    def publishers(self, topic: str) -> int | None:
        """How many publish on a topic, this program included; None where it cannot be known."""

    def wait_for_match(self, topic: str, within_s: float) -> bool:
        """Wait until somebody listens to an advertised topic: what is sent before is lost. False where nobody does."""

    def trouble(self) -> str:
        """What is wrong with the connection as such (a master that does not answer); empty where nothing is."""

    def now(self) -> float:
        """Time of the robot's clock as far as it is known here, s: what headers are compared with."""

    def wait_until(self, when_s: float) -> None:
        """Let time pass until the clock shows at least this."""

    def close(self) -> None:
        """Give everything back. A second call does nothing."""


class WallClock:
    """Real time for transports: the clock of headers, and waiting that does not jump with it.

    Durations are measured on the monotonic clock; its offset to the clock of headers is taken once, so that a
    corrected system clock shows up as skew of the messages and not as a jump of the control loop.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """See :meth:`Transport.now`."""
        return time.monotonic() + self._offset

    def wait_until(self, when_s: float) -> None:
        """See :meth:`Transport.wait_until`."""
        left = when_s - self.now()
        if left > 0.0:
            time.sleep(left)


class Networked(ABC, WallClock):
    """What transports over a network have in common: real time, and waiting for somebody to listen."""

    @abstractmethod
    def matched(self, topic: str) -> bool:
        """Somebody listens to a topic that is advertised here."""

    def wait_for_match(self, topic: str, within_s: float = 5.0) -> bool:
        """See :meth:`Transport.wait_for_match`."""
        end = time.monotonic() + within_s
        while time.monotonic() < end and not self.matched(topic):
            time.sleep(0.01)
        return self.matched(topic)


CARRIERS = {
    "cyclonedds": ".dds:DdsTransport", "rospy": ".rospy_transport:RospyTransport",
    "rclpy": ".rclpy_transport:RclpyTransport",
}  # fmt: skip
"""Where transports live; imported when asked for, with the libraries that they need."""

TRANSPORTS = ("fake", *CARRIERS)


def make_transport(name: str, options: Mapping[str, Any]) -> Transport:
    """The transport of a name; its libraries are imported now.

    Args:
        name: one of :data:`CARRIERS`; the fake is made with a scene, see the environment.
        options: keyword arguments of the transport.

    Raises:
        FieldError: an unknown name or option.
        EngineUnavailable: its library is not installed here.
    """
    if name not in CARRIERS:
        raise FieldError("transport", name, "is not known", f"Use one of {', '.join(TRANSPORTS)}")
    module, _, attribute = CARRIERS[name].partition(":")
    made = getattr(import_module(module, __package__), attribute)
    known = tuple(signature(made).parameters)
    if set(options) - set(known):
        raise FieldError("transport_options", dict(options), f"are not those of {name}", f"Use {', '.join(known)}")
    transport: Transport = made(**options)
    return transport
