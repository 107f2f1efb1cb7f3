"""From an action to the next command that no limit forbids: pure computation, in front of every transport.

The filter keeps one promise from command to command: *the arm can brake to a stop without breaking a limit*. A command
is given only if the way to it, and the braking from it, are inside all limits; where it is not, the motion is scaled
down as a whole towards braking, never axis by axis. Braking itself was checked with the command before, so there is
always one command left that is allowed, and by induction no command ever breaks a limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import ActionError, FieldError, RobotStop
from gen3d_envs.geometry import Matrix, Vector, from_euler, multiply, to_euler
from gen3d_envs.robots.base import Robot
from gen3d_envs.robots.controllers import JOINT_SPEED_RADPS, TOOL_SPEED_MPS, TOOL_TURN_RADPS

from .limits import Box, Limits, check_limits
from .posture import Measure, Posture, angle_between, sagitta_m

SHARES = (1.0, 0.75, 0.5, 0.35, 0.2, 0.1, 0.04)
"""How much of the wanted change of velocity is tried, in this order, before braking."""

INSIDE_M = 0.001
"""Targets stay this far inside the workspace, because the tool moves on arcs."""

CHECK_EVERY_RAD = 0.05
"""Sum of the joint moves between two checked postures where a limit is near: 0.3 mm of arc."""

SLACK = 1e-9
"""Rounding that no limit sees: of m, rad, and of a share of a speed."""

MOST_BRAKING_STEPS = 200

_UNTOUCHED = 1e-6


@dataclass(frozen=True, eq=False)
class Command:
    """One command for the robot, inside all limits.

    Attributes:
        joints: arm joints at the end of the control step, rad.
        velocities: of the arm joints on the way, rad/s.
        opening: of the gripper, 0 closed to 1 open.
        fingers: positions of the finger joints, m.
        tool_m, rotation: tool frame of the command, scene frame.
        executed: the action that moves so, in the policy's own units, float32.
        clips: what was changed and why, in the order of the filter, e.g. ``("workspace", "speed")``.
        share: how much is left of the motion to the wanted posture, 0 to 1.
    """

    joints: tuple[float, ...]
    velocities: tuple[float, ...]
    opening: float
    fingers: tuple[float, float]
    tool_m: Vector
    rotation: Matrix
    executed: NDArray[np.float32]
    clips: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class _Step:
    """A posture with how it was come to."""

    posture: Posture
    velocity: tuple[float, ...]
    tool_velocity: Vector


class CommandFilter:
    """The limits of one robot at one control rate.

    Args:
        robot: whose kinematics and ranges hold.
        limits: see :class:`gen3d_envs.baselines.ros.limits.Limits`.
        control_hz: commands per second.
        control: ``"ee_delta"`` or ``"joint_delta"``, as in :class:`gen3d_envs.env.Gen3DEnv`.
        speed_scale: factor on actions and on all limits of speed, in (0, 1].

    Raises:
        FieldError: limits that do not fit the robot, or a factor out of range.
    """

    def __init__(
        self, robot: Robot, limits: Limits, control_hz: float, control: str = "ee_delta", speed_scale: float = 1.0
    ) -> None:
        check_limits(limits, robot)
        if control not in ("ee_delta", "joint_delta"):
            raise FieldError("control", control, "is not known", "Use ee_delta or joint_delta")
        if not 0.0 < speed_scale <= 1.0:
            raise FieldError("speed_scale", speed_scale, "is not in (0, 1]", "Use 0.2 to begin with")
        self.robot, self.limits, self.control, self.speed_scale = robot, limits, control, speed_scale
        self._dt = 1.0 / control_hz
        self._measure = Measure(robot, limits)
        self._target_box = Box(limits.workspace, INSIDE_M)
        self._speeds = tuple(speed_scale * value for value in limits.joint_speed_radps)
        self._accelerations = limits.joint_acceleration_radps2
        self._tool_speed = speed_scale * limits.tool_speed_mps
        self._tool_turn = speed_scale * limits.tool_turn_radps
        self._step_m, self._step_rad = TOOL_SPEED_MPS * self._dt, TOOL_TURN_RADPS * self._dt
        self._step_joint = JOINT_SPEED_RADPS * self._dt
        self.size = 7 if control == "ee_delta" else robot.arm_joints + 1
        self._now: _Step | None = None
        self._allowed = 0.0
        self._opening = 1.0

    # ---- state -----------------------------------------------------------------------------------------------------

    def start(self, joints: Sequence[float], opening: float, homing: bool = False) -> Posture:
        """Begin at rest, at measured joints; the next command moves on from here and so cannot jump.

        Args:
            joints: measured arm joints, rad.
            opening: measured opening of the gripper.
            homing: accept a posture outside the workspace; only :meth:`toward` may then move, and only inwards.

        Raises:
            RobotStop: not finite, or outside the limits.
        """
        values = [float(value) for value in joints[: self.robot.arm_joints]]
        if len(values) != self.robot.arm_joints or not all(map(math.isfinite, (*values, opening))):
            raise RobotStop("state_not_finite", f"the arm reports {values}", "Check the driver")
        posture = self._measure(values)
        if posture.worst > 0.0 and not homing:
            names = ", ".join(f"{name} by {posture.excess[name]:.3f}" for name in posture.broken)
            raise RobotStop("outside_limits", f"the arm stands outside its limits: {names}", "Home it first")
        if homing and posture.excess["joint_limit"] > self.limits.joint_margin_rad + 0.05:
            raise RobotStop("joint_limit", "a joint reports a position beyond its range", "Check the joint names")
        still = (0.0,) * len(values)
        self._now = _Step(posture, still, (0.0, 0.0, 0.0))
        self._allowed = max(0.0, posture.worst)
        self._opening = min(1.0, max(0.0, float(opening)))
        return posture

    @property
    def posture(self) -> Posture:
        """Where the last command leads."""
        return self._state().posture

    @property
    def opening(self) -> float:
        """Opening of the gripper in the last command."""
        return self._opening

    @property
    def still(self) -> bool:
        """The last command moves no joint."""
        return not any(self._state().velocity)

    def _state(self) -> _Step:
        if self._now is None:
            raise RobotStop("not_started", "the filter knows no measured posture", "Call start() first")
        return self._now

    # ---- commands --------------------------------------------------------------------------------------------------

    def step(self, action: Any) -> Command:
        """The command for an action, the action's numbers in [-1, 1].

        Raises:
            ActionError: not an array of so many numbers.
            RobotStop: not finite (it is not clipped: who sends NaN knows nothing), or not started.
        """
        now = self._state()
        values = self._numbers(action)
        if self._allowed > 0.0:
            raise RobotStop("outside_limits", "the arm is not inside its limits yet", "Home it first")
        clips: list[str] = []
        clipped = [-1.0 if v < -1.0 else 1.0 if v > 1.0 else v for v in values]
        if clipped != values:
            clips.append("action_box")
        if self.control == "ee_delta":
            goal = self._tool_goal(now.posture, clipped, clips)
        else:
            goal = self._joint_goal(now.posture, clipped, clips)
        return self._go(goal, (clipped[-1] + 1.0) / 2.0, clips)

    def toward(self, joints: Sequence[float], opening: float) -> Command:
        """One command on the straight way in the joints to a posture, slow enough to stop there: for homing."""
        now = self._state()
        goal = [min(max(q, low), high) for q, (low, high) in zip(joints, self._measure.ranges, strict=True)]
        moves = [b - a for a, b in zip(now.posture.joints, goal, strict=True)]
        # One factor for all joints keeps the way straight; no joint comes in faster than it can brake.
        share = 1.0
        for move, speed, acceleration in zip(moves, self._speeds, self._accelerations, strict=True):
            if abs(move) > 1e-12:
                fall = acceleration * self._dt
                # Speed from which braking by steps of dt ends within the move: half a step of dt late.
                safe = max(math.sqrt(0.25 * fall * fall + 2.0 * acceleration * abs(move)) - 0.5 * fall, 0.0)
                share = min(share, min(speed, safe) * self._dt / abs(move))
        target = [a + share * move for a, move in zip(now.posture.joints, moves, strict=True)]
        return self._go(target, opening, [])

    def brake(self) -> Command:
        """The next command of the way to a stop that was checked with the last one."""
        return self._go(list(self._state().posture.joints), self._opening, ["brake"], brake=True)

    # ---- goals -----------------------------------------------------------------------------------------------------

    def _numbers(self, action: Any) -> list[float]:
        try:
            array = np.asarray(action)
            if array.dtype.kind not in "fiub":
                raise TypeError(array.dtype)
        except (TypeError, ValueError):
            raise ActionError("action", action, "is no array of numbers", f"Give {self.size} numbers") from None
        if array.shape != (self.size,):
            raise ActionError("action", array.shape, "has the wrong shape", f"Give {self.size} numbers")
        values = [float(value) for value in array.tolist()]
        if not all(map(math.isfinite, values)):
            raise RobotStop("not_finite", f"the action is {values}", "Check the policy for NaN or overflow")
        return values

    def _tool_goal(self, at: Posture, action: Sequence[float], clips: list[str]) -> list[float]:
        scale = self.speed_scale
        move = [scale * self._step_m * value for value in action[:3]]
        turn = [scale * self._step_rad * value for value in action[3:6]]
        # Scaled before the inverse kinematics, the tool keeps its direction; the joints' own caps come after.
        share = 1.0
        for part, cap in ((move, self._tool_speed), (turn, self._tool_turn)):
            if math.hypot(*part) > cap * self._dt:
                share = min(share, cap * self._dt / math.hypot(*part))
        if share < 1.0:
            clips.append("speed")
            move, turn = [share * value for value in move], [share * value for value in turn]
        x, y, z = at.tool_m
        wanted = (x + move[0], y + move[1], z + move[2])
        inside = self._target_box.nearest(wanted)
        if max(abs(a - b) for a, b in zip(inside, wanted, strict=True)) > _UNTOUCHED:
            clips.append("workspace")
        rotation = at.rotation
        if any(turn):
            turned = multiply(from_euler(turn[0], turn[1], turn[2]), rotation)
            tilt = math.acos(min(1.0, max(-1.0, turned[2][2])))
            if tilt <= self.limits.tilt_rad or turned[2][2] > rotation[2][2]:
                rotation = turned
            else:
                clips.append("tilt")
        elif inside == at.tool_m:
            return list(at.joints)
        joints, missed = self.robot.inverse(inside, rotation, at.joints)
        if missed > self.limits.unreachable_m:
            clips.append("unreachable")
            return list(at.joints)
        return self._in_range(joints, clips)

    def _joint_goal(self, at: Posture, action: Sequence[float], clips: list[str]) -> list[float]:
        step = self.speed_scale * self._step_joint
        return self._in_range([q + step * value for q, value in zip(at.joints, action, strict=False)], clips)

    def _in_range(self, joints: Sequence[float], clips: list[str]) -> list[float]:
        inside = [min(max(q, low), high) for q, (low, high) in zip(joints, self._measure.ranges, strict=True)]
        if max(abs(a - b) for a, b in zip(inside, joints, strict=True)) > _UNTOUCHED:
            clips.append("joint_limit")
        return inside

    # ---- the promise -----------------------------------------------------------------------------------------------

    def _go(self, goal: Sequence[float], opening: float, clips: list[str], brake: bool = False) -> Command:
        now, dt = self._state(), self._dt
        wanted = [(g - q) / dt for g, q in zip(goal, now.posture.joints, strict=True)]
        braking = self._braked(now.velocity)
        limited, fast = (list(braking), False) if brake else self._capped(now, wanted)
        if fast:
            clips.append("speed")
        most = self._within_acceleration(now.velocity, braking, limited)
        if most < 1.0 - _UNTOUCHED:
            clips.append("acceleration")
        chosen, blocked = None, ""
        for share in () if brake else SHARES:
            part = share * most
            velocity = tuple(b + part * (w - b) for b, w in zip(braking, limited, strict=True))
            chosen, blocked_by = self._tried(now, velocity)
            if chosen is not None:
                break
            blocked = blocked or blocked_by
        if blocked:
            clips.append(blocked)
        if chosen is None:
            chosen = self._advance(now, braking)
        opening = min(1.0, max(0.0, opening))
        step = self.limits.gripper_per_s * dt
        held = min(max(opening, self._opening - step), self._opening + step)
        if abs(held - opening) > _UNTOUCHED:
            clips.append("gripper_speed")
        before, self._now, self._opening = now, chosen, held
        self._allowed = max(0.0, self._worst_to_rest(chosen)) if self._allowed > 0.0 else 0.0
        asked, got = max(map(abs, wanted)), max(map(abs, chosen.velocity))
        return Command(
            joints=chosen.posture.joints,
            velocities=chosen.velocity,
            opening=held,
            fingers=self.robot.finger_targets(held),
            tool_m=chosen.posture.tool_m,
            rotation=chosen.posture.rotation,
            executed=self._executed(before.posture, chosen.posture, held),
            clips=tuple(dict.fromkeys(clips)),
            share=1.0 if asked < SLACK else min(1.0, got / asked),
        )

    def _capped(self, now: _Step, wanted: Sequence[float]) -> tuple[list[float], bool]:
        """The wanted velocity scaled as a whole below all caps of speed, and whether it had to be."""
        share = min(
            (cap / abs(v) for v, cap in zip(wanted, self._speeds, strict=True) if abs(v) > cap), default=1.0
        )  # fmt: skip
        for _ in range(4):
            joints = [q + share * v * self._dt for q, v in zip(now.posture.joints, wanted, strict=True)]
            tool, rotation = self.robot.forward(joints)
            speed = math.dist(tool, now.posture.tool_m) / self._dt
            turn = angle_between(rotation, now.posture.rotation) / self._dt
            excess = max(speed / self._tool_speed, turn / self._tool_turn)
            if excess <= 1.0:
                break
            share *= 0.999 / excess
        return [share * v for v in wanted], share < 1.0 - _UNTOUCHED

    def _within_acceleration(
        self, velocity: Sequence[float], braking: Sequence[float], wanted: Sequence[float]
    ) -> float:
        """The largest share of the way from braking to the wanted velocity that no joint's acceleration forbids."""
        share = 1.0
        for v, b, w, most in zip(velocity, braking, wanted, self._accelerations, strict=True):
            room, change = most * self._dt, w - b
            if change > 0.0:
                share = min(share, (room - (b - v)) / change)
            elif change < 0.0:
                share = min(share, (room + (b - v)) / -change)
        return max(0.0, share)

    def _braked(self, velocity: Sequence[float]) -> tuple[float, ...]:
        """The velocity one control step later on a straight way to a stop, as quickly as the joints may."""
        # A little slower than allowed, so that rounding does not make it more than allowed.
        needed = max(abs(v) / a for v, a in zip(velocity, self._accelerations, strict=True)) * (1.0 + SLACK)
        keep = 1.0 - self._dt / needed if needed > self._dt else 0.0
        return tuple(keep * v for v in velocity)

    def _advance(self, now: _Step, velocity: Sequence[float]) -> _Step:
        joints = [q + v * self._dt for q, v in zip(now.posture.joints, velocity, strict=True)]
        if not any(velocity):
            return _Step(now.posture, tuple(velocity), (0.0, 0.0, 0.0))
        posture = self._measure(joints)
        dt = self._dt
        moved = tuple((b - a) / dt for a, b in zip(now.posture.tool_m, posture.tool_m, strict=True))
        return _Step(posture, tuple(velocity), (moved[0], moved[1], moved[2]))

    def _tried(self, now: _Step, velocity: Sequence[float]) -> tuple[_Step | None, str]:
        """The step with this velocity, or None and the limit that forbids it or the braking after it."""
        first = self._advance(now, velocity)
        before, step = now, first
        for _ in range(MOST_BRAKING_STEPS):
            broken = self._broken(before, step)
            if broken:
                return None, broken
            if not any(step.velocity):
                return first, ""
            before, step = step, self._advance(step, self._braked(step.velocity))
        return None, "acceleration"

    def _broken(self, before: _Step, step: _Step) -> str:
        """Name of the limit that the way from one step to the next breaks; empty where none is."""
        dt, old, new = self._dt, before.posture, step.posture
        for v, u, speed, most in zip(
            step.velocity, before.velocity, self._speeds, self._accelerations, strict=True
        ):  # fmt: skip
            if abs(v) > speed * (1.0 + SLACK):
                return "speed"
            if abs(v - u) > most * dt * (1.0 + SLACK):
                return "acceleration"
        if math.hypot(*step.tool_velocity) > self._tool_speed * (1.0 + SLACK):
            return "speed"
        if angle_between(old.rotation, new.rotation) > self._tool_turn * dt * (1.0 + SLACK):
            return "speed"
        if math.dist(step.tool_velocity, before.tool_velocity) > self.limits.tool_acceleration_mps2 * dt:
            return "acceleration"
        limit = self._allowed + SLACK
        if new.worst > limit:
            return max(new.excess, key=lambda name: new.excess[name])
        bulge = sagitta_m(old.joints, new.joints)
        if max(old.worst, new.worst) + bulge <= limit:
            return ""
        total = sum(abs(a - b) for a, b in zip(old.joints, new.joints, strict=True))
        count = math.ceil(total / CHECK_EVERY_RAD)
        for index in range(1, count):
            share = index / count
            between = self._measure([a + share * (b - a) for a, b in zip(old.joints, new.joints, strict=True)])
            if between.worst > limit:
                return max(between.excess, key=lambda name: between.excess[name])
        return ""

    def _worst_to_rest(self, step: _Step) -> float:
        worst = step.posture.worst
        while any(step.velocity):
            step = self._advance(step, self._braked(step.velocity))
            worst = max(worst, step.posture.worst)
        return worst

    def _executed(self, before: Posture, after: Posture, opening: float) -> NDArray[np.float32]:
        """What action, in the policy's units at full speed, this motion amounts to."""
        if self.control == "joint_delta":
            moves = [(b - a) / self._step_joint for a, b in zip(before.joints, after.joints, strict=True)]
        elif before is after:
            moves = [0.0] * 6
        else:
            (a, b, c), rotation = zip(*before.rotation, strict=True), after.rotation
            turn = to_euler(multiply(rotation, (a, b, c)))
            moves = [(q - p) / self._step_m for p, q in zip(before.tool_m, after.tool_m, strict=True)]
            moves += [angle / self._step_rad for angle in turn]
        return np.array([*moves, 2.0 * opening - 1.0], np.float32)
