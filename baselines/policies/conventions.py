"""What other people's action numbers mean, and how to turn them into ours and back: the only place that does so.

Our actions (``control="ee_delta"``): dx, dy, dz and droll, dpitch, dyaw as shares of the largest step (0.25 m/s and
1.25 rad/s divided by the control rate), in the scene frame, whose axes are those of the robot's base; then the gripper,
absolute, -1 closed and +1 open. Rotations are extrinsic x-y-z Euler angles, applied before (left of) the tool's own.
Nothing is clipped here: the environment does that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.contract import Contract
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Quaternion, Vector, matrix_of, to_euler
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS, DeltaEndEffector

Gripper = Literal["signed", "signed_closed", "unit", "unit_closed", "relative"]
Rotation = Literal["euler", "axis_angle", "quaternion_xyzw"]

STICKY_STEPS = 15
"""Steps that a relative gripper command lasts on SimplerEnv's Google robot (``sticky_gripper_num_repeat``)."""

SWITCH = 0.5
"""A relative gripper number beyond this opens or closes, as in SimplerEnv; less does nothing."""


# ---- gripper -------------------------------------------------------------------------------------------------------


def gripper_to_ours(value: float, convention: Gripper) -> float:
    """An absolute gripper number as ours: -1 closed, +1 open.

    Args:
        value: the number.
        convention: ``"signed"`` ours; ``"signed_closed"`` -1 open, +1 closed (robosuite, LIBERO); ``"unit"`` 0 closed,
            1 open (BridgeData V2, OpenVLA); ``"unit_closed"`` 0 open, 1 closed.

    Raises:
        FieldError: a relative number, which has no meaning without those before it.
    """
    if convention == "signed":
        return value
    if convention == "signed_closed":
        return -value
    if convention == "unit":
        return 2.0 * value - 1.0
    if convention == "unit_closed":
        return 1.0 - 2.0 * value
    raise FieldError("gripper", convention, "has no absolute meaning", "Use RelativeGripper")


def gripper_from_ours(value: float, convention: Gripper) -> float:
    """The inverse of :func:`gripper_to_ours`."""
    if convention in ("signed", "signed_closed"):
        return gripper_to_ours(value, convention)
    if convention == "unit":
        return (value + 1.0) / 2.0
    if convention == "unit_closed":
        return (1.0 - value) / 2.0
    raise FieldError("gripper", convention, "has no absolute meaning", "Use StickyGripper")


class RelativeGripper:
    """From relative numbers to ours: above ``SWITCH`` closes, below ``-SWITCH`` opens, and so it stays.

    The gripper starts open. The sign is SimplerEnv's for the Google robot: the opening before minus the opening now.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Open again."""
        self._ours = 1.0

    def __call__(self, value: float) -> float:
        """Our number after this relative one."""
        if abs(value) > SWITCH:
            self._ours = -1.0 if value > 0.0 else 1.0
        return self._ours


class StickyGripper:
    """From our numbers to relative ones that last: the rule of SimplerEnv's inference loops.

    The opening before minus the opening now, both in [0, 1]; a change of more than ``SWITCH`` is repeated for
    ``steps`` steps, and changes meanwhile are ignored. The first number of an episode changes nothing.

    Args:
        steps: how long a change lasts; 15 on the Google robot.
    """

    def __init__(self, steps: int = STICKY_STEPS) -> None:
        self._steps = steps
        self.reset()

    def reset(self) -> None:
        """Forget the last opening."""
        self._before: float | None = None
        self._stuck, self._left = 0.0, 0

    def __call__(self, ours: float) -> float:
        """The relative number after ours."""
        opening = (ours + 1.0) / 2.0
        change = 0.0 if self._before is None else self._before - opening
        self._before = opening
        if abs(change) > SWITCH and not self._left:
            self._stuck, self._left = change, self._steps
        if self._left:
            self._left -= 1
            return self._stuck
        return change


# ---- rotation ------------------------------------------------------------------------------------------------------


def euler_to_quaternion(euler: Sequence[float]) -> Quaternion:
    """Extrinsic roll, pitch, yaw (rad) as a unit quaternion xyzw with ``w >= 0``: the product ``qz qy qx``."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a / 2), math.sin(a / 2)) for a in euler)
    return _positive(
        (sr * cp * cy - cr * sp * sy, cr * sp * cy + sr * cp * sy, cr * cp * sy - sr * sp * cy,
         cr * cp * cy + sr * sp * sy)
    )  # fmt: skip


def quaternion_to_euler(quaternion: Sequence[float]) -> Vector:
    """A quaternion xyzw of any length but zero as extrinsic roll, pitch, yaw in rad.

    Raises:
        FieldError: its length is zero.
    """
    x, y, z, w = quaternion
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    if norm < 1e-9:
        raise FieldError("quaternion", (x, y, z, w), "has length zero", "Give a rotation, (0, 0, 0, 1) for none")
    return to_euler(matrix_of((x / norm, y / norm, z / norm, w / norm)))


def axis_angle_to_quaternion(vector: Sequence[float]) -> Quaternion:
    """A rotation vector (axis times angle, rad) as a quaternion xyzw with ``w >= 0``."""
    x, y, z = vector
    angle = math.sqrt(x * x + y * y + z * z)
    share = 0.5 - angle * angle / 48 if angle < 1e-4 else math.sin(angle / 2) / angle
    return _positive((x * share, y * share, z * share, math.cos(angle / 2)))


def quaternion_to_axis_angle(quaternion: Sequence[float]) -> Vector:
    """A unit quaternion xyzw as a rotation vector (axis times angle, rad), the angle in [0, pi]."""
    x, y, z, w = _positive((quaternion[0], quaternion[1], quaternion[2], quaternion[3]))
    sine = math.sqrt(x * x + y * y + z * z)
    share = 2.0 / w if sine < 1e-9 else 2.0 * math.atan2(sine, w) / sine
    return x * share, y * share, z * share


def axis_angle_to_euler(vector: Sequence[float]) -> Vector:
    """A rotation vector (axis times angle, rad) as extrinsic roll, pitch, yaw in rad."""
    return quaternion_to_euler(axis_angle_to_quaternion(vector))


def euler_to_axis_angle(euler: Sequence[float]) -> Vector:
    """Extrinsic roll, pitch, yaw (rad) as a rotation vector, the angle in [0, pi]."""
    return quaternion_to_axis_angle(euler_to_quaternion(euler))


def _positive(q: Quaternion) -> Quaternion:
    """The same rotation with ``w >= 0``."""
    return (-q[0], -q[1], -q[2], -q[3]) if q[3] < 0.0 else q


# ---- whole actions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ActionConvention:
    """What the numbers of an end-effector delta action mean: translation, rotation, gripper, in this order.

    Attributes:
        translation_m: metres that the number 1 stands for; None for our own largest step.
        rotation: how the rotation is written.
        rotation_rad: radians that the number 1 stands for; None for our own largest step. Quaternions have no unit.
        gripper: see :func:`gripper_to_ours`; ``"relative"`` as in :class:`RelativeGripper`.
    """

    translation_m: float | None = None
    rotation: Rotation = "euler"
    rotation_rad: float | None = None
    gripper: Gripper = "signed"

    def __post_init__(self) -> None:
        for field, value, known in (
            ("rotation", self.rotation, get_args(Rotation)), ("gripper", self.gripper, get_args(Gripper)),
        ):  # fmt: skip
            if value not in known:
                raise FieldError(field, value, "no such convention", f"Use one of {', '.join(known)}")
        for field, unit in (("translation_m", self.translation_m), ("rotation_rad", self.rotation_rad)):
            if unit is not None and not 0.0 < unit < math.inf:
                raise FieldError(field, unit, "is no positive number", "Give metres or radians, or None for our own")

    @property
    def size(self) -> int:
        """Numbers of one action."""
        return 8 if self.rotation == "quaternion_xyzw" else 7


GEN3D = ActionConvention()
"""Our own."""

CONVENTIONS: dict[str, ActionConvention] = {
    "gen3d": GEN3D,
    "bridge": ActionConvention(1.0, "euler", 1.0, "unit"),
    "libero": ActionConvention(0.05, "axis_angle", 0.5, "signed_closed"),
    "simpler_widowx": ActionConvention(1.0, "axis_angle", 1.0, "signed"),
    "simpler_google": ActionConvention(1.0, "axis_angle", 1.0, "relative"),
}
"""By name. ``bridge``: BridgeData V2 in m and rad, as OpenVLA unnormalises. ``libero``: robosuite's OSC_POSE with its
default output range of 5 cm and 0.5 rad. ``simpler_*``: the action dictionary of SimplerEnv's models."""


def get_convention(name: str) -> ActionConvention:
    """The convention of this name.

    Raises:
        FieldError: there is none.
    """
    if name not in CONVENTIONS:
        raise FieldError("convention", name, "no such convention", f"Use one of {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]


class ActionConverter:
    """Turns actions of one convention into ours and back; it remembers the gripper where that is relative.

    Args:
        convention: of the other side.
        step_m, step_rad: our largest step in one control step (see :func:`action_steps`).
    """

    def __init__(self, convention: ActionConvention, step_m: float, step_rad: float) -> None:
        self.convention = convention
        self._move = 1.0 if convention.translation_m is None else convention.translation_m / step_m
        self._turn_rad = step_rad if convention.rotation_rad is None else convention.rotation_rad
        self._step_rad = step_rad
        self._relative, self._sticky = RelativeGripper(), StickyGripper()

    def reset(self) -> None:
        """Start an episode, with the gripper open."""
        self._relative.reset()
        self._sticky.reset()

    def to_ours(self, action: NDArray[Any]) -> NDArray[np.float64]:
        """One action of theirs, ``(7,)`` or ``(8,)``, as ours, ``(7,)``."""
        values = [float(value) for value in action]
        if len(values) != self.convention.size:
            raise FieldError("action", values, "has the wrong length", f"Give {self.convention.size} numbers")
        turn = values[3:-1]
        how = self.convention.rotation
        if how == "quaternion_xyzw":
            euler: Sequence[float] = quaternion_to_euler(turn)
        else:
            radians = [self._turn_rad * value for value in turn]
            euler = radians if how == "euler" else axis_angle_to_euler(radians)
        gripper = self.convention.gripper
        ours = self._relative(values[-1]) if gripper == "relative" else gripper_to_ours(values[-1], gripper)
        return np.array([*(self._move * v for v in values[:3]), *(a / self._step_rad for a in euler), ours])

    def from_ours(self, action: NDArray[Any]) -> NDArray[np.float64]:
        """One action of ours, ``(7,)``, as theirs: the inverse."""
        values = [float(value) for value in action]
        if len(values) != 7:
            raise FieldError("action", values, "has the wrong length", "Give 7 numbers")
        euler = [self._step_rad * value for value in values[3:6]]
        how = self.convention.rotation
        if how == "quaternion_xyzw":
            turn: Sequence[float] = euler_to_quaternion(euler)
        else:
            radians = euler if how == "euler" else euler_to_axis_angle(euler)
            turn = [angle / self._turn_rad for angle in radians]
        gripper = self.convention.gripper
        last = self._sticky(values[6]) if gripper == "relative" else gripper_from_ours(values[6], gripper)
        return np.array([*(v / self._move for v in values[:3]), *turn, last])


def make_converter(convention: ActionConvention, env: gymnasium.Env[Any, Any]) -> ActionConverter | None:
    """What turns actions of a convention into those of an environment; None where they are its own.

    Raises:
        FieldError: the environment does not take end-effector deltas.
    """
    if convention == GEN3D:
        return None
    base: Any = env.unwrapped
    simulated = isinstance(base, Gen3DEnv) and isinstance(base.controller, DeltaEndEffector)
    contract = getattr(base, "contract", None)  # a robot's
    if not simulated and not (isinstance(contract, Contract) and contract.action.kind == "ee_delta"):
        raise FieldError(
            "convention", convention, "speaks of end-effector deltas, which this environment does not take",
            "Make the environment with control='ee_delta'",
        )  # fmt: skip
    return ActionConverter(convention, *action_steps(base.control_hz))


def action_steps(control_hz: float) -> tuple[float, float]:
    """Our largest step at a control rate: m and rad."""
    return TOOL_SPEED_MPS / control_hz, TOOL_TURN_RADPS / control_hz
