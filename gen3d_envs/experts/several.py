"""The script of the families with several goals, Sort and Rearrange: one thing after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gen3d_envs.design.layout import REACH, gap_m
from gen3d_envs.experts.skills import Actions, Destination, Skills
from gen3d_envs.geometry import yaw_of
from gen3d_envs.spec import Goal
from gen3d_envs.tasks.base import Rule
from gen3d_envs.tasks.rules import AtSpot, Beside, make_rule

PLACE_ROOM_M = 0.012
"""Least gap between a thing that is put down and all others."""

PARK_ROOM_M = 0.05
SHARE = 0.42
"""How far from the middle, as a share of half its length, two things lie that share a receptacle."""

Spot = tuple[float, float]


def script(skills: Skills) -> Actions:
    """Bring each thing to its goal, and what slipped or was pushed away once more, until all are there."""
    env = skills.env
    goals = env.scene.spec.task.all_goals
    rules = [make_rule(goal, skills.stage()) for goal in goals]
    attempts = [0] * len(goals)
    while True:
        left = [i for i, done in enumerate(env.status.goals) if not done]
        if not left:
            yield from skills.retreat()
            continue
        free = [i for i in left if _free(skills, goals[i], rules[i])]
        chosen = min(free or left, key=lambda i: (attempts[i], i))
        skills.target = skills.index(goals[chosen].target)
        yield from skills.pick(skills.plan_grasp(attempts[chosen], near_yaw=0.0))
        attempts[chosen] += bool(free)
        if skills.held():
            where = _destination(skills, goals, chosen, rules[chosen]) if free else _park(skills, rules)
            yield from skills.put_down(where)
        yield from skills.retreat()


def _free(skills: Skills, goal: Goal, rule: Rule) -> bool:
    """Whether nothing stands where a thing is to stand that takes the place of another."""
    if not isinstance(rule, AtSpot):
        return True
    x, y, _ = rule.point()
    target = skills.index(goal.target)
    return not any(
        _gap(skills, target, (x, y), other) < PLACE_ROOM_M
        for other in range(len(skills.env.scene.assets))
        if other != target
    )


def _destination(skills: Skills, goals: tuple[Goal, ...], chosen: int, rule: Rule) -> Destination:
    goal = goals[chosen]
    if isinstance(rule, AtSpot):
        return Destination(None, *rule.point()[:2])
    other = skills.index(goal.receptacle)
    if isinstance(rule, Beside):
        return Destination(None, *_beside(skills, other, rule))
    sharing = [g.target for g in goals if g.receptacle == goal.receptacle and g.predicate == goal.predicate]
    rank = sharing.index(goal.target)
    share = SHARE * (2.0 * rank / (len(sharing) - 1) - 1.0) if len(sharing) > 1 else 0.0
    return skills.destination(other, goal.predicate, share)


def _beside(skills: Skills, other: int, rule: Beside) -> Spot:
    """The best place beside another thing for what is held: near enough, reachable, with room for the fingers."""
    origin = skills.env.world.body_pose(other)[0]
    best, chosen = math.inf, (origin[0], origin[1])
    for x, y in _around(origin[0], origin[1]):
        if not rule.would_hold(x, y):
            continue
        cost = _cost(skills, (x, y), PLACE_ROOM_M + 0.006)
        if cost < best:
            best, chosen = cost, (x, y)
    return chosen


def _park(skills: Skills, rules: list[Rule]) -> Destination:
    """A free place apart from where anything is to go."""
    spots = [rule.point()[:2] for rule in rules if isinstance(rule, AtSpot)]
    best, chosen = math.inf, skills.com()[:2]
    for radius in (0.24, 0.28, 0.32, 0.36):
        for step in range(-7, 8):
            x, y = radius * math.cos(0.09 * step), radius * math.sin(0.09 * step)
            crowded = sum(max(0.0, 0.11 - math.hypot(x - a, y - b)) for a, b in spots)
            cost = _cost(skills, (x, y), PARK_ROOM_M) + 40.0 * crowded
            if cost < best:
                best, chosen = cost, (x, y)
    return Destination(None, *chosen)


def _around(x: float, y: float) -> Iterator[Spot]:
    """Places around a point, near ones first."""
    for ring in range(3, 17):
        for step in range(24):
            angle = step * math.pi / 12
            yield x + 0.0125 * ring * math.cos(angle), y + 0.0125 * ring * math.sin(angle)


def _cost(skills: Skills, spot: Spot, room_m: float) -> float:
    """What speaks against putting down what is held at a spot: others in the way, out of reach, far away."""
    com, tool = skills.com(), skills.env.snapshot().tool_m
    at = (spot[0] + tool[0] - com[0], spot[1] + tool[1] - com[1], 0.03)
    cost = 0.2 * math.hypot(spot[0] - com[0], spot[1] - com[1])
    if not REACH.holds(*spot):
        cost += 2.0
    for other in range(len(skills.env.scene.assets)):
        if other != skills.target:
            cost += 60.0 * max(0.0, room_m - _gap(skills, skills.target, spot, other))
    if cost > 2.0:
        return cost
    return cost + skills.obstruction(at, skills.yaw(), skills.target) + skills.unreachable(at, skills.yaw())


def _gap(skills: Skills, index: int, spot: Spot, other: int) -> float:
    """Gap that would be left to another body if ``index``, turned as it is, had its centre of mass at a spot, m."""
    world, footprints = skills.env.world, skills.env.scene.footprints
    (x, y, _), orientation = world.body_pose(index)
    cx, cy, _ = skills.com_of(index)
    (ox, oy, _), turned = world.body_pose(other)
    at = (spot[0] + x - cx, spot[1] + y - cy, yaw_of(orientation))
    return gap_m(footprints[index], at, footprints[other], (ox, oy, yaw_of(turned)))
