"""ROS 1 (Noetic) topics by ``rospy``, as Debian and Ubuntu package it or a sourced ROS 1 brings it."""

from __future__ import annotations

import logging  # noqa: TID251 - rospy replaces the root handlers; they are put back
import os
import socket
import sys
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError

from . import messages
from .messages import BadMessage
from .ros1_action import DEFINITIONS, Ros1Action
from .transport import Message, Networked, Received

IMAGES = (messages.IMAGE, messages.COMPRESSED_IMAGE)

MASTER_TIMEOUT_S = 0.4
MASTER_EVERY_S, GRAPH_EVERY_S, GRAPH_SILENT_S = 0.15, 1.0, 1.5
"""How often is looked whether the master lives, and how often it is asked who publishes what: decoding the answer takes
milliseconds from the control loop. How long it may be silent."""

IMAGE_BUFFER = 1 << 24
"""Bytes that are read at once: with less, old pictures queue up in the socket (ros_comm issue 536)."""

EXTRA = {
    "interbotix_xs_msgs/JointGroupCommand": "string name\nfloat32[] cmd\n",
    "interbotix_xs_msgs/JointSingleCommand": "string name\nfloat32 cmd\n",
    **DEFINITIONS,
}

_RENAMED = {"sensor_msgs/CameraInfo": {"d": "D", "k": "K", "r": "R", "p": "P"}}
_NODE: list[str] = []


class RospyTransport(Networked):
    """Topics of one ROS 1 node. A process has one node for life; several transports of it share the node.

    Args:
        node: name of the node.
        packages: folder that holds ``rospy`` where Python does not find it, e.g. Debian's
            ``/usr/lib/python3/dist-packages``; appended, so that nothing installed is shadowed. The minor version of
            Python must be the one that the packages were made for.
        master: URI; ``ROS_MASTER_URI`` where None.

    Raises:
        EngineUnavailable: no rospy.
        Gen3DError: no master answers.
    """

    name = "rospy"

    def __init__(self, node: str = "gen3d", packages: str | None = None, master: str | None = None) -> None:
        super().__init__()
        self._rospy = _rospy(packages)
        if master is not None:
            os.environ["ROS_MASTER_URI"] = master
        self._uri = os.environ.get("ROS_MASTER_URI", "http://localhost:11311")
        problem = _unreachable(self._uri)
        if problem:
            # init_node would wait for the master for ever.
            raise Gen3DError(f"No ROS master answers at {self._uri}: {problem}. Start roscore, or set ROS_MASTER_URI.")
        self._begin_node(node)
        self._lock = threading.Lock()
        self._queues: dict[str, tuple[deque[tuple[bytes, float, int]], str]] = {}
        self._subscribers: dict[str, Any] = {}
        self._publishers: dict[str, tuple[Any, str]] = {}
        self._counts: dict[str, int] = {}
        self._actions: dict[str, Ros1Action] = {}
        self._services: list[Any] = []
        self._closed = threading.Event()
        self._watched: set[str] = set()
        self._counted: dict[str, int] = {}
        self._counted_s = -GRAPH_EVERY_S
        import rosgraph

        # One connection, kept and used by one thread at a time: a new one for each question stays open for a while.
        self._master, self._asking = rosgraph.Master(self._rospy.get_name()), threading.Lock()
        self._ask_graph()
        # Asked from a thread of its own: a master that hangs must not hold up the control loop.
        self._asker = threading.Thread(target=self._keep_asking, name="gen3d-graph", daemon=True)
        self._asker.start()

    def _begin_node(self, node: str) -> None:
        if _NODE:
            return
        root = logging.getLogger()
        before, level = list(root.handlers), root.level
        try:
            self._rospy.init_node(node, anonymous=True, disable_signals=True, disable_rosout=True)
        finally:
            root.handlers[:], root.level = before, level
        _NODE.append(node)

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :meth:`Transport.subscribe`. The callback stores bytes only: decoding there makes pictures late."""
        queue: deque[tuple[bytes, float, int]] = deque(maxlen=depth)
        self._queues[topic] = (queue, kind)

        def store(message: Any) -> None:
            with self._lock:
                self._counts[topic] = self._counts.get(topic, 0) + 1
                queue.append((message._buff, self.now(), self._counts[topic]))

        options = {"buff_size": IMAGE_BUFFER} if kind in IMAGES else {}
        subscriber = self._rospy.Subscriber(
            topic, self._rospy.AnyMsg, store, queue_size=depth, tcp_nodelay=True, **options
        )
        self._subscribers[topic] = subscriber

    def advertise(self, topic: str, kind: str) -> None:
        """See :meth:`Transport.advertise`."""
        if topic not in self._publishers:
            made = self._rospy.Publisher(topic, _class(kind), queue_size=10, tcp_nodelay=True)
            self._publishers[topic] = (made, kind)

    def publish(self, topic: str, message: Message) -> None:
        """See :meth:`Transport.publish`."""
        publisher, kind = self._publishers[topic]
        publisher.publish(to_ros(kind, message))

    def take(self, topic: str) -> list[Received]:
        """See :meth:`Transport.take`. What cannot be decoded comes as an empty message, for the reader to refuse."""
        queue, kind = self._queues[topic]
        with self._lock:
            found = list(queue)
            queue.clear()
        return [Received(self._decoded(kind, data), at, count) for data, at, count in found]

    def _decoded(self, kind: str, data: bytes) -> Message:
        try:
            return from_ros(kind, _class(kind)().deserialize(data))
        except Exception:  # genpy raises many kinds for foreign bytes
            return {}

    def _keep_asking(self) -> None:
        while not self._closed.wait(MASTER_EVERY_S):
            self._ask_graph(time.monotonic() - self._counted_s > GRAPH_EVERY_S)

    def _ask_graph(self, whole: bool = True) -> None:
        """What is wrong with the master and, where the whole is asked for, publishers by topic."""
        problem = _unreachable(self._uri)
        with self._asking:
            if whole and not problem:
                try:
                    state = self._master.getSystemState()[0]
                    published = {topic: nodes for topic, nodes in state if topic in self._watched}
                    # The master keeps the names of killed nodes: who does not answer publishes nothing any more.
                    alive = {node: self._alive(node) for node in sorted(set().union(*published.values()))}
                    self._counted = {topic: sum(alive[n] for n in nodes) for topic, nodes in published.items()}
                    self._counted_s = time.monotonic()
                except Exception as error:  # rosgraph passes on whatever XML-RPC raises
                    problem = f"the master does not answer ({error})"
            self._problem, self._asked_s = problem, time.monotonic()

    def _alive(self, node: str) -> bool:
        """Something listens where a node said that it would."""
        return node == self._rospy.get_name() or not _unreachable(self._master.lookupNode(node))

    def publishers(self, topic: str) -> int | None:
        """See :meth:`Transport.publishers`. The master's word, without nodes that were killed."""
        if topic not in self._watched:
            self._watched.add(topic)
            self._ask_graph()
        return self._counted.get(topic, 0)

    def trouble(self) -> str:
        """See :meth:`Transport.trouble`. Streams flow on without a master; nothing new would be found."""
        problem = self._problem
        silent = time.monotonic() - self._asked_s
        if not problem and silent > GRAPH_SILENT_S:
            problem = f"it does not answer for {silent:.1f} s"
        return f"the ROS master at {self._uri} is lost: {problem}" if problem else ""

    def matched(self, topic: str) -> bool:
        """See :meth:`Networked.matched`."""
        return bool(self._publishers[topic][0].get_num_connections())

    def hears(self, topic: str) -> bool:
        """A topic that is subscribed here is heard from somebody."""
        return bool(self._subscribers[topic].get_num_connections())

    # ---- actions and services --------------------------------------------------------------------------------------

    def advertise_action(self, action: str) -> None:
        """Get ready to send goals to a ``control_msgs/FollowJointTrajectory`` action."""
        if action not in self._actions:
            self._actions[action] = Ros1Action(self, action)

    def wait_for_action(self, action: str, within_s: float) -> bool:
        """Wait until a server takes goals."""
        return self.wait_for_match(f"{action}/goal", within_s)

    def send_goal(self, action: str, trajectory: Message) -> None:
        """Send a trajectory as a new goal; it replaces the one before, as controllers do."""
        self._actions[action].send(trajectory)

    def goal_problem(self) -> str:
        """Why a goal failed that was not replaced; empty where none did."""
        return next(filter(None, (action.problem() for action in self._actions.values())), "")

    def serve_trigger(self, name: str, called: Callable[[], str]) -> bool:
        """Offer a ``std_srvs/Trigger`` service; ``called`` runs in a thread. False where its package is missing."""
        try:
            types = import_module("std_srvs.srv")
        except ImportError:
            return False
        offered = self._rospy.Service(name, types.Trigger, lambda _: types.TriggerResponse(True, called()))
        self._services.append(offered)
        return True

    def close(self) -> None:
        """See :meth:`Transport.close`. The node lives on: a process can have no second one."""
        if not self._closed.is_set():
            self._closed.set()
            self._asker.join(timeout=2.0)
            for service in self._services:
                service.shutdown("closed")
            for subscriber in self._subscribers.values():
                subscriber.unregister()
            for publisher, _ in self._publishers.values():
                publisher.unregister()


def _rospy(packages: str | None) -> Any:
    if packages is not None:
        if not Path(packages, "rospy").is_dir():
            raise FieldError("packages", packages, "holds no rospy", "Name the folder of dist-packages")
        if packages not in sys.path:
            sys.path.append(packages)
    try:
        import rospy
    except ImportError as error:
        raise EngineUnavailable(
            f"transport='rospy' needs ROS 1 ({error}). Source it, or on Debian 12: apt install python3-rospy "
            "python3-sensor-msgs python3-trajectory-msgs, and give packages='/usr/lib/python3/dist-packages'"
        ) from error
    return rospy


def _unreachable(uri: str) -> str:
    """Why nothing listens at an address; empty where something does."""
    parts = urllib.parse.urlsplit(uri)
    try:
        with socket.create_connection((parts.hostname or "localhost", parts.port or 11311), MASTER_TIMEOUT_S):
            return ""
    except (OSError, ValueError) as error:
        return str(error)


@lru_cache(maxsize=64)
def _class(kind: str) -> Any:
    if kind in EXTRA:
        from genpy.dynamic import generate_dynamic

        return generate_dynamic(kind, EXTRA[kind])[kind]
    from roslib.message import get_message_class

    found = get_message_class(kind)
    if found is None:
        package = kind.partition("/")[0].replace("_", "-")
        raise EngineUnavailable(f"ROS 1 does not know {kind}. On Debian 12: apt install python3-{package}")
    return found


def to_ros(kind: str, message: Message) -> Any:
    """Fill a ROS 1 message.

    Raises:
        BadMessage: a field that it does not have, or of the wrong kind.
    """
    try:
        return _filled(_class(kind)(), kind, message)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadMessage(f"the message does not fit {kind} ({error})") from None


def _filled(made: Any, kind: str, message: Message) -> Any:
    renamed, types = _RENAMED.get(kind, {}), dict(zip(made.__slots__, made._slot_types, strict=True))
    for field, value in message.items():
        name = renamed.get(field, field)
        of = types[name]
        if of in ("time", "duration"):
            part = getattr(made, name)
            part.secs, part.nsecs = int(value["sec"]), int(value["nanosec"])
        elif isinstance(value, dict):
            _filled(getattr(made, name), of, value)
        elif of.endswith("[]") and "/" in of:
            setattr(made, name, [_filled(_class(of[:-2])(), of[:-2], part) for part in value])
        elif of == "uint8[]":
            setattr(made, name, value if isinstance(value, bytes) else value.tobytes())
        else:
            setattr(made, name, list(value) if "[" in of else value)
    return made


def from_ros(kind: str, made: Any) -> dict[str, Any]:
    """A ROS 1 message as a mapping, with the field names of ROS 2."""
    names = {new: old for old, new in _RENAMED.get(kind, {}).items()}
    return {names.get(field, field): _plain(getattr(made, field)) for field in made.__slots__}


def _plain(value: Any) -> Any:
    if hasattr(value, "nsecs"):
        return {"sec": value.secs, "nanosec": value.nsecs}
    if hasattr(value, "_slot_types"):
        return from_ros(value._type, value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
