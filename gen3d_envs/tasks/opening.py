"""Open and Close: move a drawer, door, lid or screen to one end of its way, and leave it there."""

from __future__ import annotations

import math

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.errors import SceneError
from gen3d_envs.geometry import Vector, placed, rotate
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.tasks.base import Hold, Stage, Status, Watch

OPEN_SHARE = 0.8
"""A part counts as open from this share of its way on."""

CLOSED_SHARE = 0.05
"""A part counts as closed up to this share of its way."""

STILL = {"revolute": 0.08, "prismatic": 0.02}
"""Speed below which a part is at rest, rad/s or m/s."""

UPRIGHT = 0.95
"""Least z component of the vertical of the thing: leaning by more than 18 degrees, it was torn, not opened."""

MOVED_SHARE = 0.02


class MovePart:
    """Success: the part is beyond 80 % of its way (Open) or within 5 % of closed (Close) and at rest, for 0.4 s.

    The thing itself must stand upright on the support, and the robot must have let go of all of it: what is held open
    or pressed shut is not left so. Other parts may be in any state.
    """

    weights = {"reach": 0.3, "move": 0.4, "success": 0.3}

    def __init__(self, part: str, opens: bool) -> None:
        self._name, self._opens = part, opens

    def reset(self, stage: Stage) -> None:
        """See :meth:`Task.reset`."""
        names = [part.name for part in stage.assets[stage.target].parts]
        if self._name not in names:
            remedy = f"Use one of {', '.join(names)}" if names else "Name something that has doors, drawers or a lid"
            raise SceneError("task.part", self._name, f"{stage.names[stage.target]} has no such part", remedy)
        self._stage, self._index = stage, names.index(self._name)
        self._part = stage.assets[stage.target].parts[self._index]
        self._start = self._shares()
        self._watch = Watch(stage, stage.target)
        self._hold = Hold(stage.control_s)

    def _shares(self) -> list[float]:
        """How far each part of the target is open, 0 to 1."""
        parts = self._stage.assets[self._stage.target].parts
        positions = self._stage.world.part_positions(self._stage.target)
        return [value / part.joint.upper for value, part in zip(positions, parts, strict=True)]

    def handle_point(self) -> Vector:
        """Where the part is taken hold of now, scene frame: its handle, or its centre of mass."""
        world, target, part = self._stage.world, self._stage.target, self._part
        value = world.part_positions(target)[self._index]
        point = part.com_m if part.handle is None else part.handle.position_m
        return placed(part_pose(part.joint, value, *world.body_pose(target)), point)

    def _done(self, share: float) -> bool:
        return share >= OPEN_SHARE if self._opens else share <= CLOSED_SHARE

    def evaluate(self, tool_m: Vector) -> Status:
        """See :meth:`Task.evaluate`."""
        stage, world, watch = self._stage, self._stage.world, self._watch
        watch.look()
        shares = self._shares()
        share, start = shares[self._index], self._start[self._index]
        speed = abs(world.part_velocities(stage.target)[self._index])
        upright = rotate(world.body_pose(stage.target)[1], (0.0, 0.0, 1.0))[2] >= UPRIGHT
        still = speed < STILL[self._part.joint.kind]
        left = ROBOT not in watch.touching and (SUPPORT in watch.touching or stage.assets[stage.target].anchored)
        fulfilled = self._done(share) and still and upright and left
        success = self._hold.lasts(fulfilled)
        goal = OPEN_SHARE if self._opens else CLOSED_SHARE
        way = (share - start) / (goal - start) if abs(goal - start) > 1e-9 else 1.0
        terms = {
            "reach": 1.0 if fulfilled else 1.0 - math.tanh(5.0 * math.dist(tool_m, self.handle_point())),
            "move": 1.0 if fulfilled else min(max(way, 0.0), 1.0),
            "success": float(success),
        }
        return Status(success, self._outcome(success, shares, upright), terms, watch.fell, (fulfilled,))

    def _outcome(self, success: bool, shares: list[float], upright: bool) -> str:
        watch = self._watch
        if success:
            return "success"
        if watch.fell:
            return "fell"
        if not upright:
            return "toppled"
        moved = [abs(now - before) > MOVED_SHARE for now, before in zip(shares, self._start, strict=True)]
        if moved[self._index]:
            return "partial"
        if any(moved):
            return "wrong_object"
        touched = watch.touched or ROBOT in watch.touching or math.dist(watch.com, watch.start) > 0.01
        return "moved" if touched else "untouched"
