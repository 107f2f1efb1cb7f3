"""The script of Open and Close: hold the handle and lead it along its way, or push it back from outside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.assets.asset import Handle, Part
from gen3d_envs.experts.skills import CLOSE_S, OPEN_S, Actions, Skills
from gen3d_envs.geometry import Matrix, Vector, rotate
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS
from gen3d_envs.sim.world import ROBOT
from gen3d_envs.tasks.opening import OPEN_SHARE

Array = NDArray[np.float64]

AIM_SHARE = 0.92
"""How far a part is opened; 80 % are asked for."""

ENOUGH_SHARE = 0.88
"""Where pulling ends at the latest."""

STANDOFF_M = 0.07
"""From where the gripper comes to a handle."""

ROOM_M = 0.011
"""Gap that each finger leaves to the bar before it closes."""

STEPS = 14
"""Points of the path between two ends of the way."""

FINGER_M = 0.016
"""From the tool point to the outside of closed fingers, and a hair less: they press."""

DOWN_RAD = {"prismatic": math.radians(68.0), "revolute": math.radians(54.0)}
"""Steepness of the gripper at a handle in a front, below the horizontal: arms come from above, hands are wide."""

DOWN = np.array([0.0, 0.0, -1.0])
LEAF_M = 0.016
"""Thickness of a door, and a little more."""

HIGH_M = 0.22
"""Height of the tool at which the hand passes over what stands around."""

PRESS_M = 0.004
"""How far fingers press what is shut: more, and they slip past the handle and take it along when they go."""

AJAR_SHARE = 0.35
"""From here on there is room for a hand behind a door."""

WAIT_STEPS = 12
LID_FOLLOW = -0.1
"""Lids: the hand leans the other way than they turn, so that the arm reaches over them."""

LEAN_RAD = 0.45
"""How far the hand leans back when it pushes."""

STEEPER_RAD = (0.0, 0.2, -0.25)
"""Added to the slope of the hand at a drawer, until the arm can lead it to the end of its way."""

DOOR_FOLLOW = 0.45
"""How much of a door's turning the hand takes part in."""

TWIST_RAD = 0.3
"""How far the hand may lag behind a door or lid before it lets go."""

MISS_M, MISS_RAD = 0.003, 0.12
"""What inverse kinematics may be off along the way."""

MOST_STEPS = 5
"""Control steps for a point of the path while something is held: an arm at its limits must not be waited for."""


@dataclass(frozen=True)
class _Hold:
    """How a handle is held while it moves.

    Attributes:
        follow: how much of the part's turning the hand takes part in.
        steep_rad: slope of the hand at a handle in a front, below the horizontal.
        near: of two tool rotations that hold alike, the one nearer to this.
    """

    follow: float
    steep_rad: float
    near: Matrix


@dataclass(frozen=True, eq=False)
class _Way:
    """A part of the target and where its handle is at a joint position; scene frame."""

    skills: Skills
    part: Part
    index: int
    handle: Handle

    @property
    def is_door(self) -> bool:
        """Whether it turns about an upright axis."""
        return self.part.joint.kind == "revolute" and abs(self.part.joint.axis[2]) > 0.5

    def inside(self, share: float) -> bool:
        """Whether there is room for fingers inside of what is open so far."""
        return self.part.joint.kind == "revolute" and share > AJAR_SHARE

    def now(self) -> float:
        """The joint position, rad or m."""
        return self.skills.env.world.part_positions(self.skills.target)[self.index]

    def at(self, value: float, vector: Vector, point: bool = True) -> Array:
        """A point (or direction) of the part with its joint at a position."""
        position, turn = part_pose(self.part.joint, value, *self.skills.env.world.body_pose(self.skills.target))
        return np.array(rotate(turn, vector)) + (np.array(position) if point else 0.0)

    def place(self, value: float) -> Array:
        """The handle's middle."""
        return self.at(value, self.handle.position_m)

    def lever(self) -> float:
        """How far the handle moves per unit of the joint position, m per rad or m per m."""
        step = 1e-4 * self.part.joint.upper
        return float(np.linalg.norm(self.place(step) - self.place(0.0))) / step

    def opening(self, value: float) -> Array:
        """Unit vector in which the handle moves when the part opens."""
        step = 1e-4 * self.part.joint.upper
        way = self.place(value + step) - self.place(value)
        return way / np.linalg.norm(way)

    def grasp(self, value: float, hold: _Hold) -> Matrix:
        """Rotation of the tool on the handle."""
        turned = value * hold.follow if self.part.joint.kind == "revolute" else value
        approach = self.at(turned, self.handle.approach, False)
        closing = self.at(turned, self.handle.closing, False)
        bar = np.cross(approach, closing)
        if self.handle.room_m and abs(approach[2]) < 0.5:  # a handle in a front
            approach = math.cos(hold.steep_rad) * approach + math.sin(hold.steep_rad) * DOWN
            if abs(bar @ DOWN) < 0.5:
                closing = np.cross(bar, approach)
        closing = closing - (closing @ approach) * approach
        return _tool(approach, closing / np.linalg.norm(closing), hold.near)

    def reached(self, start: float, goal: float, hold: _Hold) -> float:
        """How far the arm leads the handle from one joint position towards another: the last that it gets to."""
        robot = self.skills.env.robot
        arm: Sequence[float] = robot.home
        last = start
        for value in np.linspace(start, goal, 7).tolist():
            rotation = self.grasp(value, hold)
            x, y, z = self.place(value).tolist()
            arm, miss = robot.inverse((x, y, z), rotation, arm)
            if miss > MISS_M or float(np.linalg.norm(_turn(robot.forward(arm)[1], rotation))) > MISS_RAD:
                break
            last = value
        return last

    def hold(self, start: float, goal: float) -> _Hold:
        """How to hold the handle; a drawer, so that the arm can lead it to the end."""
        kind, now = self.part.joint.kind, self.skills.commanded()[1]
        if kind == "revolute":
            follow = LID_FOLLOW if abs(self.handle.approach[2]) > 0.5 else DOOR_FOLLOW
            return _Hold(follow if self.handle.room_m else 1.0, DOWN_RAD[kind], now)
        (ax, bx, cx), (ay, by, cy), (az, bz, cz) = self.grasp(start, _Hold(1.0, DOWN_RAD[kind], now))
        first: Matrix = (ax, bx, cx), (ay, by, cy), (az, bz, cz)
        other: Matrix = (-ax, -bx, cx), (-ay, -by, cy), (-az, -bz, cz)  # half a turn about its own axis
        holds = [_Hold(1.0, DOWN_RAD[kind] + more, near) for more in STEEPER_RAD for near in (first, other)]
        return max(holds, key=lambda hold: self.reached(start, goal, hold))


def script(skills: Skills) -> Actions:
    """See :data:`gen3d_envs.experts.scripted.SCRIPTS`."""
    task = skills.env.scene.spec.task
    parts = skills.env.scene.assets[skills.target].parts
    index = [part.name for part in parts].index(str(task.part))
    part = parts[index]
    handle = part.handle or Handle(part.com_m, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), 0.01)
    way = _Way(skills, part, index, handle)
    attempt = 0
    while True:
        share = way.now() / part.joint.upper
        if task.family == "open":
            if share < OPEN_SHARE + 0.04:
                inside = way.inside(share) and (way.is_door or attempt > 0 or not handle.room_m)
                yield from _push(way, AIM_SHARE, attempt) if inside else _pull(way, attempt)
        elif share > 0.03:
            yield from _push(way, -PRESS_M / (way.lever() * part.joint.upper), attempt)
        attempt += 1
        if ROBOT in skills.env.world.contacts(skills.target):
            (x, y, z), turned = skills.commanded()
            up = np.array([x, y, min(z + 0.06, HIGH_M)])
            yield from _move(skills, up, turned, 1.0, patience=2, most=MOST_STEPS)
        yield from _wait(skills, 2)


def _pull(way: _Way, attempt: int) -> Actions:
    """Take hold of the handle, lead it along its way as far as the arm gets, let go and back off."""
    skills, part, handle = way.skills, way.part, way.handle
    start, goal = way.now(), (AIM_SHARE + 0.03 * (attempt % 3)) * part.joint.upper
    hold = way.hold(start, goal)
    rotation = way.grasp(start, hold)
    approach = -np.array(rotation)[:, 2]
    opening = _opening(skills, handle.width_m + 2 * ROOM_M)
    place = way.place(start)
    yield from _move(skills, _above(place - STANDOFF_M * approach), rotation, opening, patience=4)
    yield from _move(skills, place - STANDOFF_M * approach, rotation, opening, patience=4)
    yield from _move(skills, place, rotation, opening, speed=0.6, patience=3)
    yield from _move(skills, place, rotation, -1.0, stay_s=CLOSE_S, patience=1)
    lost = 0
    for value in np.linspace(start, goal, STEPS).tolist()[1:]:
        yield from _move(
            skills, way.place(value), way.grasp(value, hold), -1.0, speed=0.35, patience=1, most=MOST_STEPS
        )
        lost = lost + 1 if ROBOT not in skills.env.world.contacts(skills.target) else 0
        share = way.now() / part.joint.upper
        behind = float(np.linalg.norm(_turn(skills.commanded()[1], way.grasp(value, hold))))
        # Lost: better plan anew than pull at nothing. Twisted: the rest is pushed from inside.
        if lost == 2 or share > ENOUGH_SHARE or (behind > TWIST_RAD and way.inside(share - 0.1)):
            break
    at, rotation = skills.commanded()
    yield from _move(skills, np.array(at), rotation, opening, stay_s=OPEN_S)
    yield from _move(skills, np.array(at) + 0.06 * np.array(rotation)[:, 2], rotation, opening, patience=2)


def _push(way: _Way, goal: float, attempt: int) -> Actions:
    """Put closed fingers before the handle, or behind the leaf of a door that is ajar, and push to a share of the way.

    The hand is wide along the part's own x, so that it does not come down on the part.
    """
    skills, part, handle = way.skills, way.part, way.handle
    upper, start = part.joint.upper, way.now()
    opens = goal > start / upper
    lean = LEAN_RAD if not way.is_door and part.joint.kind == "revolute" else 0.0
    forward = way.at(0.0, (0.0, 1.0, 0.0), False)
    approach = math.cos(lean) * DOWN + math.sin(lean) * forward

    def pose(value: float, gap: float) -> tuple[Array, Matrix]:
        along = way.opening(min(max(value, 0.0), upper))
        # Tips reach 10 mm below the tool point, and sideways as far as they are thick.
        reach = np.array([FINGER_M, FINGER_M, 0.012]) * along
        away = reach + (0.5 * handle.width_m + gap) * along
        if opens:
            away = -away - (handle.room_m + LEAF_M) * along
        wide = way.at(value if way.is_door else 0.0, (1.0, 0.0, 0.0), False)
        return way.place(value) + away, _tool(approach, wide, skills.commanded()[1])

    first, rotation = pose(start, 0.03 + 0.01 * (attempt % 3))
    yield from _move(skills, _above(first), rotation, -1.0, patience=3)
    yield from _move(skills, first, rotation, -1.0, patience=3)
    for value in np.linspace(start, goal * upper, STEPS):
        yield from _move(skills, *pose(float(value), -0.002), -1.0, speed=0.5, patience=1, most=MOST_STEPS)
        if way.now() < 0.01 * upper:
            break
    yield from _move(skills, *pose(way.now(), 0.03), -1.0, patience=3)
    x, y, z = skills.commanded()[0]
    yield from _move(skills, np.array([x, y, max(z, 0.2)]), skills.commanded()[1], -1.0)


def _above(point: Array) -> Array:
    """The same place high enough to pass over what stands around."""
    return np.array([point[0], point[1], max(point[2], HIGH_M)])


def _opening(skills: Skills, width_m: float) -> float:
    """The gripper command for a clear width between the fingers."""
    robot = skills.env.robot
    share = (width_m - robot.closed_width_m) / (robot.open_width_m - robot.closed_width_m)
    return float(np.clip(2.0 * share - 1.0, -1.0, 1.0))


def _tool(approach: Array, closing: Array, near: Matrix) -> Matrix:
    """Tool rotation for an approach and a closing direction; of the two, the one that is nearer to another."""
    best: Matrix | None = None
    least = math.inf
    for sign in (1.0, -1.0):
        z, y = -approach, sign * closing
        rows = np.stack([np.cross(y, z), y, z], axis=1).tolist()
        turn = float(np.linalg.norm(_turn(near, rows)))
        if turn < least:
            best, least = (tuple(rows[0]), tuple(rows[1]), tuple(rows[2])), turn
    assert best is not None
    return best


def _turn(start: Matrix, goal: Matrix) -> Array:
    """Rotation vector, scene frame, from one rotation to another."""
    m = np.array(goal) @ np.array(start).T
    axis = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    sine, cosine = float(np.linalg.norm(axis)) / 2.0, (float(np.trace(m)) - 1.0) / 2.0
    angle = math.atan2(sine, cosine)
    return axis * (angle / (2.0 * sine)) if sine > 1e-9 else np.zeros(3)


def _move(
    skills: Skills, position: Array, rotation: Matrix, gripper: float, stay_s: float = 0.0, speed: float = 1.0,
    patience: int = WAIT_STEPS, most: int = 1000,
) -> Iterator[NDArray[np.float32]]:  # fmt: skip
    """Actions that bring the tool to a pose and keep it there.

    Given up after ``patience`` steps without progress, and after ``most`` steps in any case.
    """
    hz = skills.env.control_hz
    step, turn = TOOL_SPEED_MPS / hz * speed, TOOL_TURN_RADPS / hz * min(1.0, 1.6 * speed)
    stay, last, waited = math.ceil(stay_s * hz - 1e-9), math.inf, 0
    for _ in range(most):
        at, now = skills.commanded()
        gap, twist = position - np.array(at), _turn(now, rotation)
        distance, angle = float(np.linalg.norm(gap)), float(np.linalg.norm(twist))
        left = distance + 0.1 * angle
        arrived = distance < 1.5e-3 and angle < 0.02
        waited = waited + 1 if arrived or left > last - 1e-4 else 0
        if (arrived and skills.settled()) or waited > patience + stay:
            if stay <= 0 or waited > patience + stay:
                return
            stay -= 1
        last = left
        move = gap * (min(1.0, step / max(distance, 1e-9)) * hz / TOOL_SPEED_MPS)
        spin = twist * (min(1.0, turn / max(angle, 1e-9)) * hz / TOOL_TURN_RADPS)
        yield np.clip([*move, *spin, gripper], -1.0, 1.0).astype(np.float32)


def _wait(skills: Skills, steps: int) -> Iterator[NDArray[np.float32]]:
    for _ in range(steps):
        yield np.array([0, 0, 0, 0, 0, 0, 1], np.float32)
