"""The script of the Push family: fingers down behind the target, then straight towards the goal."""

from __future__ import annotations

import math

import numpy as np

from gen3d_envs.experts.skills import Actions, Skills, Waypoint
from gen3d_envs.geometry import Vector, unrotate, wrap
from gen3d_envs.tasks.rules import make_rule

HOVER_M = 0.10
STANDOFF_M = 0.022
"""Free distance between the target and the fingers that come down behind it."""

FINGER_M = 0.008
"""Half the depth of a finger, in the direction of the push."""

SPEED = 0.35
STRAY_M = 0.02
"""How far to the side the target may slip before the push is begun anew."""


def script(skills: Skills) -> Actions:
    """Push until the target is at its goal; each push is planned from where things are now."""
    env = skills.env
    rule = make_rule(env.scene.spec.task.all_goals[0], skills.stage())
    while True:
        x, y, _ = rule.point()
        com = skills.com()
        distance = math.hypot(x - com[0], y - com[1])
        if distance < 1e-3 or (rule.arrived(skills.target) and distance < 0.02):
            yield from _raise(skills)
            continue
        yield from _push(skills, rule.point(), ((x - com[0]) / distance, (y - com[1]) / distance))
        yield from _raise(skills)


def _raise(skills: Skills) -> Actions:
    x, y, z = skills.commanded()[0]
    yield from skills.follow(Waypoint((x, y, max(z, HOVER_M)), skills.yaw(), -1.0, stay_s=0.6))


def _push(skills: Skills, goal: Vector, along: tuple[float, float]) -> Actions:
    (ux, uy), (cx, cy, _) = along, skills.com()
    back, width = _extent(skills, -ux, -uy), _extent(skills, -uy, ux) + _extent(skills, uy, -ux)
    height = skills.env.scene.assets[skills.target].size_m[2]
    hand = skills.env.robot.hand_m[2]
    z = min(max(0.4 * height, height - hand + 0.004, 0.016), max(0.016, 0.55 * height))
    opening = 2.0 * min(1.0, 0.5 * width / skills.env.robot.open_width_m) - 1.0
    start = (cx - ux * (back + STANDOFF_M + FINGER_M), cy - uy * (back + STANDOFF_M + FINGER_M))
    yaw = _nearest(skills, math.atan2(uy, ux), (*start, z))
    x, y, now = skills.commanded()[0]
    if now < HOVER_M:
        yield from skills.follow(Waypoint((x, y, HOVER_M), skills.yaw(), opening))
    yield from skills.follow(Waypoint((*start, max(HOVER_M, height + 0.03)), yaw, opening))
    yield from skills.follow(Waypoint((*start, z), yaw, opening, speed=0.6))
    end = (goal[0] - ux * (back + FINGER_M), goal[1] - uy * (back + FINGER_M), z)
    for action in skills.follow(Waypoint(end, yaw, opening, speed=SPEED)):
        yield action
        mx, my, _ = skills.com()
        if abs((mx - goal[0]) * uy - (my - goal[1]) * ux) > STRAY_M:
            break
        if (goal[0] - mx) * ux + (goal[1] - my) * uy < 0.004:
            break
    x, y, _ = skills.commanded()[0]
    yield from skills.follow(Waypoint((x - 0.02 * ux, y - 0.02 * uy, z), yaw, opening, speed=0.6))


def _extent(skills: Skills, ux: float, uy: float) -> float:
    """How far the target reaches from its centre of mass in a horizontal direction, m."""
    (x, y, _), orientation = skills.env.world.body_pose(skills.target)
    vertices = skills.env.scene.assets[skills.target].vertices
    cx, cy, _ = skills.com()
    return float((vertices @ np.array(unrotate(orientation, (ux, uy, 0.0)))).max()) + (x - cx) * ux + (y - cy) * uy


def _nearest(skills: Skills, direction: float, start: Vector) -> float:
    """Yaw with the fingers side by side across the push; of the two, the one that the arm reaches with less turning."""
    yaws = [wrap(direction), wrap(direction + math.pi)]
    return min(yaws, key=lambda yaw: skills.unreachable(start, yaw) + 0.1 * abs(wrap(yaw - skills.yaw())))
