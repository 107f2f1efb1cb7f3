"""From an action in [-1, 1] to joint targets.

The scales are speeds, so an action means the same motion per second at every control rate: full deflection moves the
tool at 0.25 m/s along each axis and turns it at 1.25 rad/s about each. At
5 Hz that is 5 cm and 0.25 rad per step, the scale of BridgeData V2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gen3d_envs.geometry import Matrix, Vector, from_euler, multiply
from gen3d_envs.robots.base import Robot

TOOL_SPEED_MPS = 0.25
TOOL_TURN_RADPS = 1.25
JOINT_SPEED_RADPS = 1.0

WORKSPACE_LOW_M: Vector = (0.05, -0.45, 0.005)
WORKSPACE_HIGH_M: Vector = (0.60, 0.45, 0.45)
"""Box that the tool point's target is kept in, scene frame."""


class Controller(Protocol):
    """Turns actions into position targets for every joint of the robot."""

    names: tuple[str, ...]
    """What each number of the action is, with the unit at full deflection."""

    def reset(self, joints: Sequence[float]) -> None:
        """Start from these joint positions (all joints, model order)."""

    def targets(self, action: Sequence[float]) -> list[float]:
        """Joint targets at the end of this control step. ``action``: numbers in [-1, 1]."""


class DeltaEndEffector:
    """Seven numbers: dx, dy, dz, droll, dpitch, dyaw, gripper.

    Position and rotation are added to the last *target* in the scene frame (not to the measured pose, so that a load
    does not make the arm sink). The target is then set back to what inverse kinematics reached, so an unreachable
    target does not wind up. The gripper number is absolute: -1 closed, +1 open.
    """

    def __init__(self, robot: Robot, control_hz: int) -> None:
        self._robot = robot
        self._step_m = TOOL_SPEED_MPS / control_hz
        self._step_rad = TOOL_TURN_RADPS / control_hz
        move, turn = f"{self._step_m:.4g} m", f"{self._step_rad:.4g} rad"
        self.names = (
            *(f"d{axis} ({move})" for axis in "xyz"), *(f"d{axis} ({turn})" for axis in ("roll", "pitch", "yaw")),
            "gripper (-1 closed, +1 open)",
        )  # fmt: skip

    def reset(self, joints: Sequence[float]) -> None:
        """See :meth:`Controller.reset`."""
        self._arm = list(joints[: self._robot.arm_joints])
        self._position, self._rotation = self._robot.forward(self._arm)

    @property
    def pose(self) -> tuple[Vector, Matrix]:
        """The commanded tool pose, scene frame."""
        return self._position, self._rotation

    def targets(self, action: Sequence[float]) -> list[float]:
        """See :meth:`Controller.targets`."""
        dx, dy, dz, droll, dpitch, dyaw, gripper = action
        x, y, z = self._position
        step, turn = self._step_m, self._step_rad
        low, high = WORKSPACE_LOW_M, WORKSPACE_HIGH_M
        position = (
            min(max(x + step * dx, low[0]), high[0]),
            min(max(y + step * dy, low[1]), high[1]),
            min(max(z + step * dz, low[2]), high[2]),
        )
        rotation: Matrix = self._rotation
        if droll or dpitch or dyaw:
            rotation = multiply(from_euler(turn * droll, turn * dpitch, turn * dyaw), rotation)
        self._arm, _ = self._robot.inverse(position, rotation, self._arm)
        self._position, self._rotation = self._robot.forward(self._arm)
        return [*self._arm, *self._robot.finger_targets((gripper + 1.0) / 2.0)]


class DeltaJoint:
    """One number per arm joint, added to the last target within its limits, then the gripper as above."""

    def __init__(self, robot: Robot, control_hz: int) -> None:
        self._robot = robot
        self._step_rad = JOINT_SPEED_RADPS / control_hz
        self._limits = [(j.lower, j.upper) for j in robot.model.joints[: robot.arm_joints]]
        self.names = (
            *(f"{j.name} ({self._step_rad:.4g} rad)" for j in robot.model.joints[: robot.arm_joints]),
            "gripper (-1 closed, +1 open)",
        )

    def reset(self, joints: Sequence[float]) -> None:
        """See :meth:`Controller.reset`."""
        self._arm = list(joints[: self._robot.arm_joints])

    def targets(self, action: Sequence[float]) -> list[float]:
        """See :meth:`Controller.targets`."""
        self._arm = [
            min(max(q + self._step_rad * a, low), high)
            for q, a, (low, high) in zip(self._arm, action, self._limits, strict=False)
        ]
        return [*self._arm, *self._robot.finger_targets((action[-1] + 1.0) / 2.0)]


CONTROLLERS: dict[str, Callable[[Robot, int], Controller]] = {"ee_delta": DeltaEndEffector, "joint_delta": DeltaJoint}
