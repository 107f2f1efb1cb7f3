"""ROS 2 topics by ``rclpy``, where the user has sourced a ROS 2. Tested against a stand-in only, not on a real one."""

from __future__ import annotations

import array
import threading
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gen3d_envs.errors import EngineUnavailable

from . import messages
from .cdr import type_name
from .transport import Message, Networked, Received

ABORTED = 6
"""``action_msgs/GoalStatus.STATUS_ABORTED``."""

IMAGES = (messages.IMAGE, messages.COMPRESSED_IMAGE)

try:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import QoSProfile, ReliabilityPolicy
except ImportError as error:
    raise EngineUnavailable(
        f"transport='rclpy' needs ROS 2 ({error}). Source it first, or use transport='cyclonedds', which needs none."
    ) from error


class RclpyTransport(Networked):
    """Topics of one ROS 2 node in a context of its own, spun by a thread that only stores messages.

    Args:
        node: name of the node.
    """

    name = "rclpy"

    def __init__(self, node: str = "gen3d") -> None:
        super().__init__()
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node(node, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._lock = threading.Lock()
        self._queues: dict[str, tuple[deque[tuple[Any, float, int]], str]] = {}
        self._publishers: dict[str, tuple[Any, str]] = {}
        self._counts: dict[str, int] = {}
        self._actions: dict[str, Any] = {}
        self._goal = 0
        self._failed = ""
        self._closed = False
        self._spinner = threading.Thread(target=self._executor.spin, name="gen3d-rclpy", daemon=True)
        self._spinner.start()

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :meth:`Transport.subscribe`. Best effort for pictures: a reliable reader gets none from most cameras."""
        queue: deque[tuple[Any, float, int]] = deque(maxlen=depth)
        self._queues[topic] = (queue, kind)

        def store(message: Any) -> None:
            with self._lock:
                self._counts[topic] = self._counts.get(topic, 0) + 1
                queue.append((message, self.now(), self._counts[topic]))

        self._node.create_subscription(_class(kind), topic, store, _qos(kind, depth))

    def advertise(self, topic: str, kind: str) -> None:
        """See :meth:`Transport.advertise`."""
        if topic not in self._publishers:
            self._publishers[topic] = (self._node.create_publisher(_class(kind), topic, _qos(kind, 10)), kind)

    def publish(self, topic: str, message: Message) -> None:
        """See :meth:`Transport.publish`."""
        publisher, kind = self._publishers[topic]
        publisher.publish(_filled(_class(kind)(), message))

    def take(self, topic: str) -> list[Received]:
        """See :meth:`Transport.take`."""
        queue, _ = self._queues[topic]
        with self._lock:
            found = list(queue)
            queue.clear()
        return [Received(_plain(message), at, count) for message, at, count in found]

    def publishers(self, topic: str) -> int | None:
        """See :meth:`Transport.publishers`."""
        return int(self._node.count_publishers(topic))

    def matched(self, topic: str) -> bool:
        """See :meth:`Networked.matched`."""
        return bool(self._publishers[topic][0].get_subscription_count())

    # ---- actions and services --------------------------------------------------------------------------------------

    def advertise_action(self, action: str) -> None:
        """Get ready to send goals to a ``control_msgs/FollowJointTrajectory`` action."""
        from rclpy.action import ActionClient

        if action not in self._actions:
            try:
                kind = import_module("control_msgs.action").FollowJointTrajectory
            except ImportError as error:
                raise EngineUnavailable(f"ROS 2 does not know control_msgs ({error}): install its package") from error
            self._actions[action] = (ActionClient(self._node, kind, action), kind)

    def wait_for_action(self, action: str, within_s: float) -> bool:
        """Wait until a server takes goals."""
        return bool(self._actions[action][0].wait_for_server(timeout_sec=within_s))

    def send_goal(self, action: str, trajectory: Message) -> None:
        """Send a trajectory as a new goal; it replaces the one before, as controllers do."""
        client, kind = self._actions[action]
        goal = kind.Goal()
        _filled(goal.trajectory, trajectory)
        self._goal += 1
        number = self._goal
        client.send_goal_async(goal).add_done_callback(lambda done: self._answered(done, number, action))

    def _answered(self, done: Any, number: int, action: str) -> None:
        handle = done.result()
        if not handle.accepted:
            if number == self._goal:
                self._failed = f"a goal of {action} was rejected"
            return
        handle.get_result_async().add_done_callback(lambda ended: self._ended(ended, number, action))

    def _ended(self, ended: Any, number: int, action: str) -> None:
        found = ended.result()
        if number == self._goal and found.status == ABORTED:
            why = getattr(found.result, "error_string", "") or "no reason given"
            self._failed = f"a goal of {action} was aborted: {why}"

    def goal_problem(self) -> str:
        """Why the newest goal failed; empty where it did not."""
        found, self._failed = self._failed, ""
        return found

    def serve_trigger(self, name: str, called: Callable[[], str]) -> bool:
        """Offer a ``std_srvs/Trigger`` service; ``called`` runs in the spinning thread. False without its package."""
        try:
            kind = import_module("std_srvs.srv").Trigger
        except ImportError:
            return False

        def answer(_: Any, response: Any) -> Any:
            response.success, response.message = True, called()
            return response

        self._node.create_service(kind, name, answer)
        return True

    def trouble(self) -> str:
        """See :meth:`Transport.trouble`."""
        return "" if self._context.ok() else "ROS 2 was shut down"

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        if not self._closed:
            self._closed = True
            self._executor.shutdown()
            self._node.destroy_node()
            rclpy.shutdown(context=self._context)
            self._spinner.join(timeout=2.0)


def _class(kind: str) -> Any:
    package, _, name = type_name(kind).partition("/msg/")
    try:
        return getattr(import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise EngineUnavailable(f"ROS 2 does not know {kind} ({error}): install its package") from error


def _qos(kind: str, depth: int) -> Any:
    reliable = ReliabilityPolicy.BEST_EFFORT if kind in IMAGES else ReliabilityPolicy.RELIABLE
    return QoSProfile(depth=depth, reliability=reliable)


def _filled(made: Any, message: Message) -> Any:
    types = made.get_fields_and_field_types()
    for field, value in message.items():
        if isinstance(value, dict):
            _filled(getattr(made, field), value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            kind = types[field].removeprefix("sequence<").removesuffix(">")
            setattr(made, field, [_filled(_class(kind)(), part) for part in value])
        elif hasattr(value, "tobytes") and not isinstance(value, list):
            # rclpy takes an array of bytes fast, and a list of 900,000 numbers in a second.
            setattr(made, field, array.array("B", value.tobytes()))
        else:
            setattr(made, field, value)
    return made


def _plain(value: Any) -> Any:
    if hasattr(value, "get_fields_and_field_types"):
        return {field: _plain(getattr(value, field)) for field in value.get_fields_and_field_types()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return bytes(value) if type(value).__name__ == "array" and value.typecode == "B" else value
