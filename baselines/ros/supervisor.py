"""The only way to a robot: dry run first, armed on purpose, stopped for good reason, and never recovered silently.

The supervisor alone holds the transport's publishing side. What it sends was made by its own command filter. It is no
certified safety function: the robot's emergency stop stays mandatory.
"""

from __future__ import annotations

import atexit
import json
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from gen3d_envs.errors import FieldError, RobotStop
from gen3d_envs.robots.base import Robot

from . import messages
from .command_filter import Command, CommandFilter
from .commands import arm_message, command_topics, gripper_message
from .guard import STOPPED_TOPIC, Guard
from .profiles import Profile
from .streams import State, Streams
from .transport import Message, Transport

DISARMED, ARMED, STOPPED = "disarmed", "armed", "stopped"

ARRIVED_RAD = 0.02
AT_HOME_RAD, AT_HOME_OPENING = 0.005, 0.05
"""An arm that is so near to where it is to be moved is not moved."""

HOMING_S = 60.0
REPEAT_S = 0.05
"""A controller of velocities forgets a command within 0.1 s (MoveIt Servo), so it is repeated in the control period."""

MATCH_S = 3.0
"""How long arming waits for a controller that listens."""

Sink = Callable[[float, str, str, Message], None]
"""Is told of every message that was sent, or in a dry run would have been: time, topic, type, fields."""


class Supervisor:
    """Watches, filters, sends and stops.

    Args:
        transport: carries messages; nothing else publishes through it.
        profile: the robot's.
        robot: its kinematics.
        streams: what comes from it.
        control_hz, control: of the policy.
        speed_scale: see :class:`CommandFilter`.
        dry_run: nothing is published, ever.
        sink: for logs.
        guard: holds the arm where this process cannot; None without one.
    """

    def __init__(
        self, transport: Transport, profile: Profile, robot: Robot, streams: Streams, control_hz: int, control: str,
        speed_scale: float, dry_run: bool, sink: Sink, guard: Guard | None = None,
    ) -> None:  # fmt: skip
        self._filter = CommandFilter(robot, profile.safe, control_hz, control, speed_scale)
        if profile.command.kind == "follow_joint_trajectory" and not hasattr(transport, "send_goal"):
            raise FieldError(
                "command.kind", profile.command.kind, f"needs actions, which {transport.name} does not have",
                "Use rospy or rclpy, or the joint_trajectory topic",
            )  # fmt: skip
        self._transport, self._profile, self._robot, self._streams = transport, profile, robot, streams
        self._period, self.dry_run, self._sink = 1.0 / control_hz, dry_run, sink
        self._guard = guard
        # A stop may come from any thread: no command may follow its hold.
        self._lock = threading.RLock()
        self._command: Command | None = None
        self._sent_s = -math.inf
        self.mode, self.stop_reason, self.stop_text = DISARMED, "", ""
        self._topics = self._advertise()
        # A process that ends with the arm in motion still sends the hold; only a kill cannot.
        reference = weakref.ref(self)
        self._at_exit = lambda: _stop_at_exit(reference)
        atexit.register(self._at_exit)

    def _advertise(self) -> dict[str, str]:
        topics, profile, transport = command_topics(self._profile), self._profile, self._transport
        if not self.dry_run:
            for topic, kind in topics.items():
                transport.advertise(topic, kind)
            transport.advertise(STOPPED_TOPIC, messages.STRING)
            if profile.command.kind == "follow_joint_trajectory":
                transport.advertise_action(profile.command.topic)  # type: ignore[attr-defined]
        if profile.stop_topic is not None:
            transport.subscribe(profile.stop_topic, messages.STRING, 1)
            serve = getattr(transport, "serve_trigger", None)
            if serve is not None:
                serve(profile.stop_topic, self._asked_to_stop)
        return topics

    def _asked_to_stop(self, text: str = "") -> str:
        """From a thread of the transport's: hold at once, whatever the policy is at."""
        self.estop("stop_requested", text or "another program asked for it")
        return self.stop_reason

    # ---- modes -----------------------------------------------------------------------------------------------------

    @property
    def limits_filter(self) -> CommandFilter:
        """The filter, to read its posture."""
        return self._filter

    def arm(self) -> None:
        """Allow motion, from where the arm stands now. Publishes nothing.

        Raises:
            RobotStop: stopped, nobody takes commands, a stream is wrong, or the arm stands outside its limits.
        """
        self.refuse_if_stopped()
        self._find_controllers()
        self._watch(None)
        self._begin()
        self._command = None
        self.mode = ARMED

    def disarm(self) -> None:
        """Hold, and allow no motion until the next :meth:`arm`."""
        with self._lock:
            if self.mode == ARMED:
                self._hold()
                self.mode = DISARMED
            self._beat()

    def estop(self, reason: str = "estop", text: str = "estop() was called") -> None:
        """Stop and stay stopped: the arm holds its measured position. Never raises; a second stop changes nothing."""
        with self._lock:
            if self.mode == STOPPED:
                return
            was, self.mode, self.stop_reason, self.stop_text = self.mode, STOPPED, reason, text
            if was == ARMED:
                self._hold()
            self._beat()
            self._tell()

    def _tell(self) -> None:
        """Tell everybody why; the stop stands whether or not that can be sent."""
        if not self.dry_run:
            try:
                said = {"reason": self.stop_reason, "text": self.stop_text, "by": "adapter"}
                self._transport.publish(STOPPED_TOPIC, {"data": json.dumps(said)})
            except Exception as error:  # Whatever the transport raises here.
                self.stop_text += f"; it could not be told ({error})"

    def _beat(self) -> None:
        if self._guard is not None:
            self._guard.beat(self.mode == ARMED)

    def confirm(self) -> None:
        """A person has looked: leave the stop. The arm is not armed by that."""
        if self.mode == STOPPED:
            self.mode, self.stop_reason, self.stop_text = DISARMED, "", ""
            self._command = None

    def refuse_if_stopped(self) -> None:
        """Raise the reason again where the robot is stopped.

        Raises:
            RobotStop: it is.
        """
        if self.mode == STOPPED:
            raise RobotStop(
                self.stop_reason, f"it is still stopped: {self.stop_text}", "reset(options={'confirm': True}) clears it"
            )

    def _find_controllers(self) -> None:
        for topic in () if self.dry_run else self._topics:
            if not self._transport.wait_for_match(topic, MATCH_S):
                raise RobotStop("nobody_listens", f"no controller takes commands on {topic}", "Start the controller")
        command = self._profile.command
        acts = not self.dry_run and command.kind == "follow_joint_trajectory"
        if acts and not self._transport.wait_for_action(command.topic, MATCH_S):  # type: ignore[attr-defined]
            raise RobotStop("nobody_listens", f"no controller serves {command.topic}", "Start the controller")
        if self._guard is not None and not self._guard.wait_until_ready():
            raise RobotStop("guard_lost", "the guard process did not start", "Look at what it says, or use guard=False")

    def _begin(self, homing: bool = False) -> None:
        state = self._streams.state
        assert state is not None  # the watch before found one
        count = self._robot.arm_joints
        self._filter.start(state.positions[:count], self._robot.gripper_opening(state.positions), homing)

    # ---- motion ----------------------------------------------------------------------------------------------------

    def act(self, action: Any) -> Command:
        """Send the command for an action; in a dry run only compute it.

        Raises:
            RobotStop: anything is wrong; the robot then holds, and stays stopped.
            ActionError: no action of this robot; the robot holds and stays stopped as well.
        """
        self.refuse_if_stopped()
        if self.mode != ARMED and not self.dry_run:
            raise RobotStop("not_armed", "the robot may not move yet", "Call arm() when all is clear")
        try:
            if self.mode != ARMED:
                self._begin()  # a dry run always starts from where the robot really is
            self._watch(self._command)
            command = self._filter.step(action)
            self._send(command)
        except BaseException as error:
            self._fail(error)
            raise
        return command

    def home(self, joints: Sequence[float], opening: float = 1.0, slice_s: float | None = None) -> None:
        """Move straight in the joints to a posture at limited speed, and wait until the arm is there.

        Raises:
            RobotStop: not armed, a stream is wrong, or it does not arrive.
        """
        self.refuse_if_stopped()
        if self.dry_run:
            return
        if self.mode == DISARMED:
            raise RobotStop("not_armed", "the robot may not move yet", "Call arm(homing=True) when all is clear")
        if self._stands_at(joints, opening):
            return
        tick = self._transport.now()
        try:
            for _ in range(math.ceil(HOMING_S / self._period)):
                self._watch(self._command)
                command = self._filter.toward(joints, opening)
                self._send(command)
                tick += self._period
                self.wait(tick, slice_s)
                self._streams.read()
                state = self._streams.state
                assert state is not None
                arm = state.positions[: self._robot.arm_joints]
                if self._filter.still and max(abs(a - b) for a, b in zip(arm, joints, strict=True)) < ARRIVED_RAD:
                    return
            raise RobotStop("homing", f"the arm did not arrive within {HOMING_S:g} s", "Check what blocks it")
        except BaseException as error:
            self._fail(error)
            raise

    def _stands_at(self, joints: Sequence[float], opening: float) -> bool:
        state = self._streams.state
        if state is None or abs(self._robot.gripper_opening(state.positions) - opening) > AT_HOME_OPENING:
            return False
        arm = state.positions[: self._robot.arm_joints]
        return max(abs(a - b) for a, b in zip(arm, joints, strict=True)) < AT_HOME_RAD

    def arm_for_homing(self) -> None:
        """Arm although the arm stands outside its limits; :meth:`home` alone may then move it."""
        self.refuse_if_stopped()
        self._find_controllers()
        self._watch(None)
        self._begin(homing=True)
        self._command, self.mode = None, ARMED

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, RobotStop):
            self.estop(error.reason, error.problem)
        else:
            self.estop(type(error).__name__, str(error) or "interrupted")

    def wait(self, until_s: float, slice_s: float | None) -> None:
        """Let time pass, in slices where given, and watch meanwhile.

        Raises:
            RobotStop: something is wrong with the streams, or a stop was asked for.
        """
        transport = self._transport
        try:
            while slice_s is not None and until_s - transport.now() > 1.5 * slice_s:
                transport.wait_until(transport.now() + slice_s)
                self.look()
                self._repeat()
            transport.wait_until(until_s)
        except BaseException as error:
            self._fail(error)
            raise

    def look(self) -> None:
        """What is watched at any time."""
        self.refuse_if_stopped()
        self._beat()
        if self._profile.stop_topic is not None:
            for received in self._transport.take(self._profile.stop_topic):
                text = str(received.message.get("data", ""))
                raise RobotStop("stop_requested", text or "another program asked for it", "Ask who did")
        guarded = self._guard is not None and not self.dry_run
        if guarded and self._guard is not None and self.mode == ARMED and not self._guard.alive:
            raise RobotStop("guard_lost", "the guard process ended", "Make the environment again")
        find_problem = getattr(self._transport, "goal_problem", None)
        problem = find_problem() if find_problem is not None else ""
        if problem:
            raise RobotStop("goal_failed", problem, "Look at what the controller says")
        self._streams.read()
        topics = () if self.dry_run else tuple(self._topics)
        self._streams.check(topics, 2 if guarded else 1)

    def _repeat(self) -> None:
        """Say a velocity again before the controller forgets it."""
        command = self._command
        if self._profile.command.kind != "twist" or command is None or self.dry_run:
            return
        with self._lock:
            if self.mode == ARMED and self._transport.now() - self._sent_s >= REPEAT_S - 1e-6:
                self._publish_arm(command.joints, command.velocities)

    def _watch(self, command: Command | None) -> None:
        self.look()
        live = command is not None and not self.dry_run
        state = self._streams.state
        if not live or command is None or state is None:
            return
        self._streams.check_frozen(command.joints)
        self._check_tracking(state, command)
        self._streams.note_pictures(command.share > 0.1 and any(abs(v) > 0.05 for v in command.velocities))

    def _check_tracking(self, state: State, command: Command) -> None:
        limits = self._profile.safe
        for name, measured, wanted in zip(self._profile.arm_joints, state.positions, command.joints, strict=False):
            if abs(measured - wanted) > limits.tracking_error_rad:
                raise RobotStop(
                    "tracking", f"{name} is {measured - wanted:+.3f} rad from its command", "Check what blocks the arm"
                )
        if limits.effort_share is not None:
            efforts = zip(self._profile.arm_joints, self._robot.drive_effort, strict=False)
            for name, most in efforts:
                if abs(state.efforts.get(name, 0.0)) > limits.effort_share * most:
                    raise RobotStop("effort", f"{name} pushes {state.efforts[name]:.2f}", "Check what blocks the arm")

    def check_late(self, late_s: float) -> None:
        """Stop where the policy took too long for an action.

        Raises:
            RobotStop: it did.
        """
        if late_s > self._profile.late_s and self.mode == ARMED:
            error = RobotStop(
                "policy_late", f"no action came for {late_s:.2f} s", "Use a faster policy or a lower rate"
            )
            self._fail(error)
            raise error

    # ---- sending ---------------------------------------------------------------------------------------------------

    def _send(self, command: Command) -> None:
        state = self._streams.state
        if self._command is None and state is not None and not self.dry_run:
            arm = state.positions[: self._robot.arm_joints]
            before = [q - v * self._period for q, v in zip(command.joints, command.velocities, strict=True)]
            jump = max(abs(a - b) for a, b in zip(arm, before, strict=True))
            if jump > self._profile.safe.first_step_rad:
                raise RobotStop("first_jump", f"the first command is {jump:.3f} rad off the arm", "Arm it again")
        with self._lock:
            self.refuse_if_stopped()
            self._command = command
            self._publish_arm(command.joints, command.velocities)
            self._publish_gripper(command.opening)

    def _publish_arm(self, joints: Sequence[float], velocities: Sequence[float]) -> None:
        interface = self._profile.command
        self._sent_s = self._transport.now()
        message = arm_message(self._profile, self._robot, joints, velocities, self._period, self._transport.now())
        self._publish(interface.topic, message, action=interface.kind == "follow_joint_trajectory")

    def _publish_gripper(self, opening: float) -> None:
        message = gripper_message(self._profile, opening, self._period)
        if message is not None:
            self._publish(self._profile.gripper.topic, message)

    def _publish(self, topic: str, message: Message, action: bool = False) -> None:
        kind = "control_msgs/FollowJointTrajectory" if action else self._topics[topic]
        self._sink(self._transport.now(), topic, kind, message)
        if self.dry_run:
            return
        if action:
            self._transport.send_goal(topic, message)  # type: ignore[attr-defined]
        else:
            self._transport.publish(topic, message)

    def _hold(self) -> None:
        """Stay where the arm is: its measured joints, or the last command where they are not known any more."""
        if self.dry_run:
            return
        try:
            state = self._streams.state
            fresh = (
                state is not None
                and self._transport.now() - state.received_s <= self._profile.state_timeout_s
                and all(map(math.isfinite, state.positions))
            )
            command = self._command
            if fresh and state is not None:
                arm: Sequence[float] = state.positions[: self._robot.arm_joints]
                limits = zip(arm, self._robot.lower, self._robot.upper, strict=False)
                arm = [min(max(q, low), high) for q, low, high in limits]
            elif command is not None:
                arm = command.joints
            else:
                return
            self._publish_arm(arm, [0.0] * len(arm))
        except Exception as error:  # Whatever the transport raises here, the stop itself must stand.
            self.stop_text += f"; the hold could not be sent ({error})"

    def close(self) -> None:
        """Hold if the arm may be moving, and send nothing any more. A second call does nothing."""
        self.disarm()
        atexit.unregister(self._at_exit)
        if self._guard is not None:
            self._guard.close()


def _stop_at_exit(reference: weakref.ref[Supervisor]) -> None:
    supervisor = reference()
    if supervisor is not None:
        supervisor.estop("exit", "the program ended")
