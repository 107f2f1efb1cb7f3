"""Numerical kinematics of a serial arm with any number of joints, in plain Python floats.

Forty small products per joint are cheaper as Python floats than as numpy calls on 3x3 arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, inf, sin, sqrt

from gen3d_envs.assets.asset import Vector
from gen3d_envs.geometry import Matrix, multiply
from gen3d_envs.robots.kinematics import clip

Row = list[float]

_MOST_STEPS = 16
_LONGEST_STEP_RAD = 0.35
_POSITION_DONE_M = 2e-5
_ROTATION_DONE_RAD = 1e-4
_ARM_LENGTH_M = 0.4  # turning the tool by 1 rad counts as much as moving it so far
_POSITION_ENOUGH_M = 2e-4
_HOME_PULL = 0.3  # share of the way home that the redundant motion takes in one call,
_HOME_STEP_RAD = 0.1  # and no joint more than so far


class SerialArm:
    """An arm of revolute joints about their own z axes.

    The inverse is a damped Newton iteration from ``near``; the damping grows with the error (Sugihara,
    "Solvability-unconcerned inverse kinematics by the Levenberg-Marquardt method", IEEE T-RO 27(5), 2011). The first
    step also moves towards ``home`` within the null space, so that a redundant arm does not drift. Joints that meet a
    limit are held there in the next step. It starts at ``near``, takes short steps and stops where it gets no better,
    so it does not jump to another branch. Where the pose cannot be had, the position is kept before the rotation.

    Args:
        frames: for each joint its frame in the frame of the joint before: position (m) and rotation.
        limits: for each joint its range (rad).
        tool: the tool frame in the frame of the last joint.
        home: posture (rad) that the redundancy is pulled to.
    """

    def __init__(
        self,
        frames: Sequence[tuple[Vector, Matrix]],
        limits: Sequence[tuple[float, float]],
        tool: tuple[Vector, Matrix],
        home: Sequence[float],
    ) -> None:
        # Only a rotation about x between the frames of two joints is needed here, as in all modified DH tables.
        self._frames = [(*position, rotation[1][1], rotation[2][1]) for position, rotation in frames]
        if any(rotation[0] != (1.0, 0.0, 0.0) for _, rotation in frames):
            raise ValueError("the joint frames must be turned about x only")
        self._limits = tuple(limits)
        self._tool_at, self._tool_turn = tool
        self._home = tuple(home)

    def forward(self, arm: Sequence[float]) -> tuple[Vector, Matrix]:
        """Tool point (m) and tool rotation in the base frame."""
        position, rotation, _ = self._chain(arm)
        return position, rotation

    def inverse(self, position: Sequence[float], rotation: Matrix, near: Sequence[float]) -> tuple[list[float], float]:
        """Joints nearest to ``near`` for a tool pose in the base frame, and the position residual (m)."""
        x, y, z = position
        joints = self._clipped(near)
        best, residual, lowest, stalled = joints, inf, inf, 0
        pull = [clip(_HOME_PULL * (h - q), -_HOME_STEP_RAD, _HOME_STEP_RAD) for h, q in self._pairs(joints)]
        held: frozenset[int] = frozenset()
        for step in range(_MOST_STEPS):
            (px, py, pz), pose, axes = self._chain(joints)
            dx, dy, dz = x - px, y - py, z - pz
            turn_x, turn_y, turn_z = _turn_between(pose, rotation)
            distance = sqrt(dx * dx + dy * dy + dz * dz)
            angle = sqrt(turn_x * turn_x + turn_y * turn_y + turn_z * turn_z)
            error = distance + 0.25 * _ARM_LENGTH_M * angle
            if error < lowest:
                stalled = 0 if error < 0.9 * lowest else stalled + 1
                best, residual, lowest = joints, distance, error
            else:
                stalled += 1
            if (distance < _POSITION_DONE_M and angle < _ROTATION_DONE_RAD) or stalled == 3:
                break
            goal = [dx, dy, dz, _ARM_LENGTH_M * turn_x, _ARM_LENGTH_M * turn_y, _ARM_LENGTH_M * turn_z]
            damping = 1e-7 + 0.02 * (distance * distance + 0.1 * angle * angle)
            moves = _moves(_columns(axes, (px, py, pz), held), goal, damping, pull if step == 0 else None)
            joints, held = self._moved(joints, moves)
        if residual > _POSITION_ENOUGH_M:
            return self._place(position, best, residual)
        return best, residual

    def _place(self, position: Sequence[float], joints: list[float], residual: float) -> tuple[list[float], float]:
        """Give up the rotation for the position, and relax towards home the more it was missed.

        Without this an arm that came through a singular posture to its limits would stay tangled for ever.
        """
        x, y, z = position
        best, allowed = joints, min(_HOME_STEP_RAD, 2.0 * residual)
        held: frozenset[int] = frozenset()
        for _ in range(_MOST_STEPS // 2):
            (px, py, pz), _pose, axes = self._chain(joints)
            goal = [x - px, y - py, z - pz]
            distance = sqrt(goal[0] * goal[0] + goal[1] * goal[1] + goal[2] * goal[2])
            if distance < residual:
                best, residual = joints, distance
            if distance < _POSITION_DONE_M:
                break
            pull = [clip(_HOME_PULL * (h - q), -allowed, allowed) for h, q in self._pairs(joints)]
            columns = [column[:3] for column in _columns(axes, (px, py, pz), held)]
            joints, held = self._moved(joints, _moves(columns, goal, 1e-6 + 0.02 * distance * distance, pull))
        return best, residual

    def _pairs(self, joints: Row) -> list[tuple[float, float]]:
        return list(zip(self._home, joints, strict=True))

    def _clipped(self, joints: Sequence[float]) -> Row:
        return [clip(q, low, high) for q, (low, high) in zip(joints, self._limits, strict=False)]

    def _moved(self, joints: Row, moves: Row) -> tuple[Row, frozenset[int]]:
        """Joints after a step of limited length within the limits, and which of them met a limit."""
        longest = max(max(moves), -min(moves))
        scale = _LONGEST_STEP_RAD / longest if longest > _LONGEST_STEP_RAD else 1.0
        wanted = [q + scale * move for q, move in zip(joints, moves, strict=True)]
        result = self._clipped(wanted)
        return result, frozenset(i for i, (q, w) in enumerate(zip(result, wanted, strict=True)) if q != w)

    def _chain(self, arm: Sequence[float]) -> tuple[Vector, Matrix, list[Row]]:
        """Tool position and rotation, and origin and axis of every joint as [ox, oy, oz, zx, zy, zz]."""
        ox = oy = oz = 0.0
        xx, xy, xz, yx, yy, yz, zx, zy, zz = 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0
        axes = []
        for (px, py, pz, c, s), angle in zip(self._frames, arm, strict=False):
            ox += xx * px + yx * py + zx * pz
            oy += xy * px + yy * py + zy * pz
            oz += xz * px + yz * py + zz * pz
            yx, yy, yz, zx, zy, zz = (
                c * yx + s * zx, c * yy + s * zy, c * yz + s * zz, c * zx - s * yx, c * zy - s * yy, c * zz - s * yz,
            )  # fmt: skip
            axes.append([ox, oy, oz, zx, zy, zz])
            c, s = cos(angle), sin(angle)
            xx, xy, xz, yx, yy, yz = (
                c * xx + s * yx, c * xy + s * yy, c * xz + s * yz, c * yx - s * xx, c * yy - s * xy, c * yz - s * xz,
            )  # fmt: skip
        px, py, pz = self._tool_at
        position = (
            ox + xx * px + yx * py + zx * pz, oy + xy * px + yy * py + zy * pz, oz + xz * px + yz * py + zz * pz,
        )  # fmt: skip
        return position, multiply(((xx, yx, zx), (xy, yy, zy), (xz, yz, zz)), self._tool_turn), axes


def _turn_between(start: Matrix, end: Matrix) -> Vector:
    """Rotation vector (rad, base frame) that turns ``start`` into ``end``: exact in direction, nearly so in length.

    Half the sum of the cross products of the axes is the axis times the sine of the angle; dividing it by the cosine
    of half the angle makes it twice the sine of the half angle, which keeps growing up to a half turn.
    """
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = start
    (ux, vx, wx), (uy, vy, wy), (uz, vz, wz) = end
    x = 0.5 * (ay * uz - az * uy + by * vz - bz * vy + cy * wz - cz * wy)
    y = 0.5 * (az * ux - ax * uz + bz * vx - bx * vz + cz * wx - cx * wz)
    z = 0.5 * (ax * uy - ay * ux + bx * vy - by * vx + cx * wy - cy * wx)
    cosine = 0.5 * (ax * ux + ay * uy + az * uz + bx * vx + by * vy + bz * vz + cx * wx + cy * wy + cz * wz - 1.0)
    factor = 1.0 / sqrt(max(0.5 * (1.0 + cosine), 0.15))
    return x * factor, y * factor, z * factor


def _columns(axes: list[Row], at: Vector, held: frozenset[int]) -> list[Row]:
    """Columns of the Jacobian (m per rad, and rad per rad times the arm length); zero for joints held at a limit."""
    x, y, z = at
    columns = []
    for index, (ox, oy, oz, zx, zy, zz) in enumerate(axes):
        if index in held:
            columns.append([0.0] * 6)
            continue
        dx, dy, dz = x - ox, y - oy, z - oz
        columns.append([
            zy * dz - zz * dy, zz * dx - zx * dz, zx * dy - zy * dx,
            _ARM_LENGTH_M * zx, _ARM_LENGTH_M * zy, _ARM_LENGTH_M * zz,
        ])  # fmt: skip
    return columns


def _moves(columns: list[Row], goal: Row, damping: float, pull: Row | None) -> Row:
    """Joint steps that reach ``goal`` in first order: the smallest ones, or those nearest to ``pull``."""
    if pull is not None:
        goal = [
            value - sum([column[row] * move for column, move in zip(columns, pull, strict=True)])
            for row, value in enumerate(goal)
        ]
    weights = _solve_symmetric(columns, damping, goal)
    moves = [sum([a * b for a, b in zip(column, weights, strict=True)]) for column in columns]
    return moves if pull is None else [move + extra for move, extra in zip(moves, pull, strict=True)]


def _solve_symmetric(columns: list[Row], damping: float, goal: Row) -> Row:
    """Solve ``(J J^T + damping I) w = goal`` by Cholesky's method; ``columns`` are those of J, as long as ``goal``."""
    rows = list(zip(*columns, strict=True))
    size = len(goal)
    lower: list[Row] = []
    for i in range(size):
        row: Row = []
        first = rows[i]
        for j in range(i + 1):
            value = sum([a * b for a, b in zip(first, rows[j], strict=True)])
            other = lower[j] if j < i else row
            for k in range(j):
                value -= row[k] * other[k]
            row.append(sqrt(value + damping) if i == j else value / other[j])
        lower.append(row)
    result = list(goal)
    for i in range(size):
        row = lower[i]
        value = result[i]
        for k in range(i):
            value -= row[k] * result[k]
        result[i] = value / row[i]
    for i in range(size - 1, -1, -1):
        value = result[i]
        for k in range(i + 1, size):
            value -= lower[k][i] * result[k]
        result[i] = value / lower[i][i]
    return result
