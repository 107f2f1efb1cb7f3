"""Closed-form kinematics of the WidowX 250 S (6 joints, spherical wrist)."""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, atan2, cos, hypot, pi, remainder, sin, sqrt, tau

from gen3d_envs.assets.asset import Vector
from gen3d_envs.geometry import Matrix
from gen3d_envs.robots.kinematics import clip

SHOULDER_HEIGHT_M = 0.072 + 0.03865
"""Height of the shoulder axis above the base: waist frame plus shoulder frame."""

ELBOW_X_M, ELBOW_Z_M = 0.04975, 0.25
"""Elbow axis in the upper arm's frame."""

FOREARM_M = 0.175 + 0.075
"""Elbow axis to wrist centre, where forearm roll, wrist angle and wrist rotate meet."""

TOOL_M = 0.065 + 0.066 + 0.0332
"""Wrist centre to tool point: wrist rotate frame, finger frame, and the finger up to 10 mm short of its tip."""

LIMITS: tuple[tuple[float, float], ...] = (
    (-3.141592653589793, 3.141592653589793),
    (-1.8849555921538759, 1.9896753472735358),
    (-2.1467549799530254, 1.6057029118347832),
    (-3.141592653589793, 3.141592653589793),
    (-1.7453292519943295, 2.1467549799530254),
    (-3.141592653589793, 3.141592653589793),
)
"""Joint limits, rad (Trossen Robotics' description of the arm)."""

_UPPER_ARM_M = hypot(ELBOW_X_M, ELBOW_Z_M)
_STRAIGHT = atan2(ELBOW_Z_M, ELBOW_X_M)  # the elbow is stretched at -_STRAIGHT; above it, it points up
_WAIST_BLUR_M = 0.03  # wrist centres this close to the waist axis hardly say where the waist should look
_SHOULDER_BLUR_M = 0.10  # the same for the shoulder axis, which the wrist reaches only with the arm folded up
_ROLL_BLUR = 0.08  # sine of the wrist angle below which forearm roll and wrist rotate turn about nearly the same axis
_MISSED_M, _LONGEST_MISS_RAD = 0.02, 1.2


class WidowXArm:
    """Forward and inverse kinematics in the base frame.

    The inverse is exact where no limit binds: the waist looks at the wrist centre, upper arm and forearm form a
    triangle with the elbow up, and the wrist takes the remaining rotation. Each angle is the one nearest to the angle
    before, then clipped. Close to the two singular places (wrist centre above the waist, gripper in line with the
    forearm) the undetermined joint is held back, which trades a small error for bounded joint steps.
    """

    def forward(self, arm: Sequence[float]) -> tuple[Vector, Matrix]:
        """Tool point (m) and tool rotation in the base frame."""
        q0, q1, q2, q3, q4, q5 = arm[:6]
        c0, s0, c1, s1 = cos(q0), sin(q0), cos(q1), sin(q1)
        ca, sa, c3, s3 = cos(q1 + q2), sin(q1 + q2), cos(q3), sin(q3)
        c4, s4, c5, s5 = cos(q4), sin(q4), cos(q5), sin(q5)
        # Columns of Rx(q3) Ry(q4) Rx(q5), then turned by Ry(q1 + q2), then by Rz(q0).
        xx, xy, xz = c4, s3 * s4, -c3 * s4
        yx, yy, yz = s4 * s5, c3 * c5 - s3 * c4 * s5, s3 * c5 + c3 * c4 * s5
        ax, az = ca * xx + sa * xz, ca * xz - sa * xx
        bx, bz = ca * yx + sa * yz, ca * yz - sa * yx
        gx, gy = c0 * ax - s0 * xy, s0 * ax + c0 * xy
        hx, hy = c0 * bx - s0 * yy, s0 * bx + c0 * yy
        radius = ELBOW_X_M * c1 + ELBOW_Z_M * s1 + FOREARM_M * ca
        height = SHOULDER_HEIGHT_M + ELBOW_Z_M * c1 - ELBOW_X_M * s1 - FOREARM_M * sa
        position = (radius * c0 + TOOL_M * gx, radius * s0 + TOOL_M * gy, height + TOOL_M * az)
        # The gripper's axes are (approach, closing, third); the tool's are (third, closing, -approach).
        return position, (
            (gy * bz - az * hy, hx, -gx),
            (az * hx - gx * bz, hy, -gy),
            (gx * hy - gy * hx, bz, -az),
        )

    def inverse(self, position: Sequence[float], rotation: Matrix, near: Sequence[float]) -> tuple[list[float], float]:
        """Joints nearest to ``near`` for a tool pose in the base frame, and the position residual (m)."""
        x, y, z = position
        reach_x, reach_y, reach_z = x, y, z
        best: list[float] = []
        residual = float("inf")
        for _ in range(4):
            joints = _solve(reach_x, reach_y, reach_z, rotation, near)
            (px, py, pz), _pose = self.forward(joints)
            dx, dy, dz = x - px, y - py, z - pz
            distance = sqrt(dx * dx + dy * dy + dz * dz)
            if distance >= 0.9 * residual:
                break
            best, residual = joints, distance
            if distance < 1e-5:
                break
            # A clipped wrist carries the tool point off: aim the arm where that error is made good.
            reach_x, reach_y, reach_z = reach_x + dx, reach_y + dy, reach_z + dz
        if residual > _MISSED_M:
            return self._part_way(position, best, near)
        return best, residual

    def _part_way(
        self, position: Sequence[float], goal: list[float], near: Sequence[float]
    ) -> tuple[list[float], float]:
        """Where a target is missed anyway, no joint swings far for it."""
        moves = [q - n for q, n in zip(goal, near, strict=False)]
        share = min(1.0, _LONGEST_MISS_RAD / max(max(moves), -min(moves), 1e-9))
        joints = [clip(n + share * move, *limit) for n, move, limit in zip(near, moves, LIMITS, strict=False)]
        x, y, z = position
        (px, py, pz), _pose = self.forward(joints)
        return joints, sqrt((x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2)


def _nearest(angle: float, near: float) -> float:
    """``angle`` plus the multiple of a full turn that brings it nearest to ``near``."""
    return near + remainder(angle - near, tau)


def _solve(x: float, y: float, z: float, rotation: Matrix, near: Sequence[float]) -> list[float]:
    n0, n1, n2, n3, n4, n5 = near[:6]
    (z0, y0, x0), (z1, y1, x1), (z2, y2, x2) = rotation
    x0, x1, x2 = -x0, -x1, -x2  # columns of the gripper link: approach x, closing y, third z

    wx, wy, wz = x - TOOL_M * x0, y - TOOL_M * x1, z - TOOL_M * x2 - SHOULDER_HEIGHT_M
    radius = hypot(wx, wy)
    # The waist always looks towards the wrist centre, never away from it with the arm bent over backwards: that branch
    # has no way back but through the singular place. It may take two calls to turn right round.
    step = clip(remainder(atan2(wy, wx) - n0, tau), -pi / 2, pi / 2)
    if radius < _WAIST_BLUR_M:
        step *= (radius / _WAIST_BLUR_M) ** 2
    q0 = clip(n0 + step, *LIMITS[0])
    c0, s0 = cos(q0), sin(q0)
    wx = wx * c0 + wy * s0

    squared = wx * wx + wz * wz
    cosine = (squared - _UPPER_ARM_M * _UPPER_ARM_M - FOREARM_M * FOREARM_M) / (2.0 * _UPPER_ARM_M * FOREARM_M)
    q2 = min(acos(clip(cosine, -1.0, 1.0)) - _STRAIGHT, LIMITS[2][1])
    forward, up = ELBOW_X_M + FOREARM_M * cos(q2), ELBOW_Z_M - FOREARM_M * sin(q2)
    step = remainder(atan2(up, forward) - atan2(wz, wx) - n1, tau)
    if squared < _SHOULDER_BLUR_M * _SHOULDER_BLUR_M:
        step *= squared / (_SHOULDER_BLUR_M * _SHOULDER_BLUR_M)
    q1 = n1 + step
    lower, upper = LIMITS[1]
    if not lower <= q1 <= upper:
        q1 = clip(q1, lower, upper)
        c1, s1 = cos(q1), sin(q1)
        aim = atan2(-(wz - ELBOW_Z_M * c1 + ELBOW_X_M * s1), wx - ELBOW_X_M * c1 - ELBOW_Z_M * s1)
        q2 = clip(_nearest(aim - q1, n2), -_STRAIGHT, LIMITS[2][1])

    # What is left for the wrist: Rx(q3) Ry(q4) Rx(q5) = Ry(-q1 - q2) Rz(-q0) R.
    ca, sa = cos(q1 + q2), sin(q1 + q2)
    x0, x1 = c0 * x0 + s0 * x1, c0 * x1 - s0 * x0
    y0, y1 = c0 * y0 + s0 * y1, c0 * y1 - s0 * y0
    z0, z1 = c0 * z0 + s0 * z1, c0 * z1 - s0 * z0
    x0, x2 = ca * x0 - sa * x2, sa * x0 + ca * x2
    y0, y2 = ca * y0 - sa * y2, sa * y0 + ca * y2
    z0, z2 = ca * z0 - sa * z2, sa * z0 + ca * z2
    sine = hypot(x1, x2)
    step = remainder(atan2(x1, -x2) - n3, tau) if sine > 1e-9 else 0.0
    if abs(step) > pi / 2:  # the other wrist flip is nearer
        step = remainder(step + pi, tau)
    if sine < _ROLL_BLUR:
        step *= (sine / _ROLL_BLUR) ** 2
    q3 = clip(n3 + step, *LIMITS[3])
    c3, s3 = cos(q3), sin(q3)
    x2, y1, y2 = c3 * x2 - s3 * x1, c3 * y1 + s3 * y2, c3 * y2 - s3 * y1
    z1, z2 = c3 * z1 + s3 * z2, c3 * z2 - s3 * z1
    q4 = clip(_nearest(atan2(-x2, x0), n4), *LIMITS[4])
    c4, s4 = cos(q4), sin(q4)
    y2, z2 = s4 * y0 + c4 * y2, s4 * z0 + c4 * z2
    q5 = clip(_nearest(atan2(y2 - z1, y1 + z2), n5), *LIMITS[5])
    return [q0, q1, q2, q3, q4, q5]
