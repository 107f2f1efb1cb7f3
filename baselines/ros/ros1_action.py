"""``control_msgs/FollowJointTrajectory`` of ROS 1 without its packages: an action is five topics and a few messages.

Debian has ``actionlib`` but not ``control_msgs``; the types are made from their definitions at run time. The hashes of
the results are the published ones, so that any server takes them.
"""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from .transport import Message, Received

GOAL, RESULT = "control_msgs/FollowJointTrajectoryActionGoal", "control_msgs/FollowJointTrajectoryActionResult"

_RULE = "=" * 80 + "\n"

_HEADER = "MSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n"
_GOAL_ID = "MSG: actionlib_msgs/GoalID\ntime stamp\nstring id\n"
_POINT = (
    "MSG: trajectory_msgs/JointTrajectoryPoint\nfloat64[] positions\nfloat64[] velocities\nfloat64[] accelerations\n"
    "float64[] effort\nduration time_from_start\n"
)
_TRAJECTORY = (
    "MSG: trajectory_msgs/JointTrajectory\nHeader header\nstring[] joint_names\nJointTrajectoryPoint[] points\n"
)
_TOLERANCE = "MSG: control_msgs/JointTolerance\nstring name\nfloat64 position\nfloat64 velocity\nfloat64 acceleration\n"
_GOAL = (
    "MSG: control_msgs/FollowJointTrajectoryGoal\ntrajectory_msgs/JointTrajectory trajectory\n"
    "JointTolerance[] path_tolerance\nJointTolerance[] goal_tolerance\nduration goal_time_tolerance\n"
)
_STATUS = (
    "MSG: actionlib_msgs/GoalStatus\nGoalID goal_id\nuint8 status\nuint8 PENDING=0\nuint8 ACTIVE=1\nuint8 PREEMPTED=2\n"
    "uint8 SUCCEEDED=3\nuint8 ABORTED=4\nuint8 REJECTED=5\nuint8 PREEMPTING=6\nuint8 RECALLING=7\nuint8 RECALLED=8\n"
    "uint8 LOST=9\nstring text\n"
)
_RESULT = (
    "MSG: control_msgs/FollowJointTrajectoryResult\nint32 error_code\nint32 SUCCESSFUL = 0\nint32 INVALID_GOAL = -1\n"
    "int32 INVALID_JOINTS = -2\nint32 OLD_HEADER_TIMESTAMP = -3\nint32 PATH_TOLERANCE_VIOLATED = -4\n"
    "int32 GOAL_TOLERANCE_VIOLATED = -5\nstring error_string\n"
)

DEFINITIONS: dict[str, str] = {
    GOAL: _RULE.join(
        (
            "Header header\nactionlib_msgs/GoalID goal_id\nFollowJointTrajectoryGoal goal\n",
            _HEADER, _GOAL_ID, _GOAL, _TRAJECTORY, _POINT, _TOLERANCE,
        )
    ),
    RESULT: _RULE.join(
        (
            "Header header\nactionlib_msgs/GoalStatus status\nFollowJointTrajectoryResult result\n",
            _HEADER, _STATUS, _GOAL_ID, _RESULT,
        )
    ),
}  # fmt: skip
"""Definitions of the types, each with those it is made of."""

MD5 = {GOAL: "cff5c1d533bf2f82dd0138d57f4304bb", RESULT: "c4fb3b000dc9da4fd99699380efcc5d9"}
"""Hashes by which ROS 1 nodes tell whether they mean the same type."""

FAILED = {4: "was aborted", 5: "was rejected", 9: "was lost"}
"""States of a goal that failed; one that was replaced (2, 8) did not."""


class Topics(Protocol):
    """What of a transport an action needs."""

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        """See :class:`.transport.Transport`."""

    def advertise(self, topic: str, kind: str) -> None:
        """See :class:`.transport.Transport`."""

    def publish(self, topic: str, message: Message) -> None:
        """See :class:`.transport.Transport`."""

    def take(self, topic: str) -> list[Received]:
        """See :class:`.transport.Transport`."""


class Ros1Action:
    """A client of one action.

    Args:
        topics: carries its messages.
        name: of the action, e.g. ``/arm_controller/follow_joint_trajectory``.
    """

    def __init__(self, topics: Topics, name: str) -> None:
        self._topics, self._name, self._mine = topics, name, f"gen3d-{uuid.uuid4().hex[:8]}"
        self._count, self._last = 0, ""
        topics.advertise(f"{name}/goal", GOAL)
        topics.subscribe(f"{name}/result", RESULT, 10)

    def send(self, trajectory: Message) -> None:
        """Send a goal that replaces the one before."""
        self._count += 1
        self._last = f"{self._mine}-{self._count}"
        goal: dict[str, Any] = {"trajectory": trajectory}
        self._topics.publish(f"{self._name}/goal", {"goal_id": {"id": self._last}, "goal": goal})

    def problem(self) -> str:
        """Why the newest goal failed; empty where it did not."""
        for received in self._topics.take(f"{self._name}/result"):
            status = received.message.get("status", {})
            state, which = status.get("status"), status.get("goal_id", {}).get("id")
            if which == self._last and state in FAILED:
                why = received.message.get("result", {}).get("error_string") or status.get("text") or "no reason given"
                return f"a goal of {self._name} {FAILED[state]}: {why}"
        return ""
