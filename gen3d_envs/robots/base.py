"""What a robot is to the rest of the package: a model, a tool, a home, and kinematics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gen3d_envs.assets.asset import Vector
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Matrix
from gen3d_envs.robots.kinematics import ArmKinematics
from gen3d_envs.sim.articulation import Articulation
from gen3d_envs.sim.view import CameraSpec

GRIP_FORCE_N = 15.0
"""Largest force of each finger. Friction grasps of 20-200 g objects held equally well from 5 to 40 N."""

PAD_FRICTION = 1.2
"""Coulomb coefficient of the finger pads (rubber on plastic or wood)."""


@dataclass(frozen=True, eq=False)
class Robot:
    """A fixed-base arm with a parallel gripper. Pure data and kinematics: it knows neither task nor engine.

    The *tool frame* is the same for every robot. Its origin, the tool point, lies midway between the finger tips, 10 mm
    above the very tips: where a grasped object should be. Its rotation is the identity of the scene frame when the
    gripper points straight down and the fingers close along y; so x is the scene's x, z points up and the gripper
    approaches along -z. Roll, pitch and yaw are therefore small in a top-down grasp.

    Attributes:
        name: key in :data:`gen3d_envs.robots.ROBOTS`.
        model: links and joints: the arm's joints in order from the base, then the two fingers.
        kinematics: forward and inverse kinematics of the tool frame in the base frame.
        base_position_m: base link in the scene frame, upright and facing +x.
        arm_joints: number of arm joints, 6 or 7.
        home: arm joint positions (rad) with the tool straight down at ``HOME_TOOL_M``.
        finger_open, finger_closed: positions (m) of the two finger joints.
        open_width_m, closed_width_m: clear width between the finger pads at these positions.
        drive_effort: largest torque (Nm) or force (N) of every joint's drive, in the model's order.
        wrist_camera: a camera that rides on the gripper and sees the finger tips.
        tool_link: the link that the tool frame is fixed to.
        hand_m: the hand above the fingers: half its width along the closing direction, half its depth, and the height
            of its underside above the tool point.
    """

    name: str
    model: Articulation
    kinematics: ArmKinematics
    base_position_m: Vector
    arm_joints: int
    home: tuple[float, ...]
    finger_open: tuple[float, float]
    finger_closed: tuple[float, float]
    open_width_m: float
    closed_width_m: float
    drive_effort: tuple[float, ...]
    wrist_camera: CameraSpec
    tool_link: str
    hand_m: Vector = (0.055, 0.022, 0.031)

    @property
    def lower(self) -> tuple[float, ...]:
        """Lower limits of all joints, rad or m."""
        return tuple(joint.lower for joint in self.model.joints)

    @property
    def upper(self) -> tuple[float, ...]:
        """Upper limits of all joints, rad or m."""
        return tuple(joint.upper for joint in self.model.joints)

    def forward(self, arm: Sequence[float]) -> tuple[Vector, Matrix]:
        """Pose of the tool frame.

        Args:
            arm: at least ``arm_joints`` positions, rad; further ones (the fingers) are ignored.

        Returns:
            Tool point in the scene frame, m, and the tool's rotation in the scene frame as three rows.
        """
        (x, y, z), rotation = self.kinematics.forward(arm)
        base = self.base_position_m
        return (x + base[0], y + base[1], z + base[2]), rotation

    def inverse(self, position: Sequence[float], rotation: Matrix, near: Sequence[float]) -> tuple[list[float], float]:
        """Arm joints for a pose of the tool frame.

        The answer stays on the branch of ``near`` and within the limits, so that equal steps of the target give
        bounded steps of the joints. A target that cannot be reached gives a reachable pose close to it.

        Args:
            position: tool point in the scene frame, m.
            rotation: rotation of the tool in the scene frame, three orthonormal rows.
            near: at least ``arm_joints`` positions to stay near, rad; usually the last answer.

        Returns:
            Arm joint positions, rad, and the distance between their tool point and ``position``, m. Where a limit
            binds, the rotation gives way before the position.

        Raises:
            FieldError: a number that is not finite, or lists of another length.
        """
        try:
            (x, y, z), (a, b, c) = position, rotation
            finite = math.isfinite(x + y + z + sum(a) + sum(b) + sum(c) + sum(near))
            matching = len(a) == len(b) == len(c) == 3 and len(near) >= self.arm_joints
        except (TypeError, ValueError):
            finite, matching = True, False
        if not (finite and matching):
            raise FieldError(
                "position, rotation, near", (position, rotation, near),
                "is not finite" if matching else "has the wrong shape",
                f"Give 3 numbers, 3 rows of 3 numbers and {self.arm_joints} joint positions",
            )  # fmt: skip
        base = self.base_position_m
        return self.kinematics.inverse((x - base[0], y - base[1], z - base[2]), rotation, near)

    def gripper_opening(self, joints: Sequence[float]) -> float:
        """How far the gripper is open: 0 closed, 1 open.

        Args:
            joints: positions of all joints in the model's order.
        """
        shares = (
            (joint - closed) / (opened - closed)
            for joint, opened, closed in zip(
                joints[self.arm_joints :], self.finger_open, self.finger_closed, strict=True
            )
        )
        return min(1.0, max(0.0, 0.5 * sum(shares)))

    def finger_targets(self, opening: float) -> tuple[float, float]:
        """Positions (m) of the two finger joints for an opening between 0 (closed) and 1 (open), clipped to that."""
        share = min(1.0, max(0.0, opening))
        left, right = (
            closed + share * (opened - closed)
            for opened, closed in zip(self.finger_open, self.finger_closed, strict=True)
        )
        return left, right


HOME_TOOL_M: Vector = (0.27, 0.0, 0.20)
"""Where every robot's home puts its tool point, scene frame."""
