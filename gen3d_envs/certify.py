"""Certificates: the proof that a scene works, measured in the world it will be used in."""

from __future__ import annotations

import math
from collections.abc import Callable

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.build import SEGMENT_OBJECTS, BuiltScene
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.geometry import IDENTITY_MATRIX, Vector, from_yaw, placed
from gen3d_envs.rollout import RandomPolicy, run_episode
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import Certificate, CheckResult
from gen3d_envs.tasks.opening import OPEN_SHARE

DRIFT_LIMIT_M = 0.005
SPEED_LIMIT_MPS = 0.01
PENETRATION_LIMIT_M = 0.001
REACH_LIMIT_M = 0.002
VISIBLE_PIXELS = 12
"""Least number of pixels of a 128x128 front picture that show the target (and the receptacle)."""

WATCH_S = 1.0
RANDOM_EPISODES = 2
EXPERT_EPISODES = 10
EXPERT_LIMIT = 9

Progress = Callable[[str], None]


def certify(
    scene: BuiltScene, robot: str | None = None, physics: str = DEFAULT, progress: Progress | None = None
) -> Certificate:
    """Measure a scene.

    At rest and apart after settling; everything the task names reachable and visible; not solved before acting nor by
    random actions; solved by the scripted expert in at least 9 of 10 episodes of varied placement.

    Args:
        scene: the built scene.
        robot: which robot; the scene's own where None.
        physics: engine.
        progress: called with the name of each check before it runs.
    """
    robot = robot or scene.spec.robot
    say = progress or (lambda name: None)
    env = Gen3DEnv(scene=scene, robot=robot, physics=physics, obs_type="state")
    try:
        checks = [*_rest(env, scene, say), *_reach(env, scene, say), *_visible(env, scene, say)]
        env.reset(seed=0)
        checks.append(_check("unsolved_at_start", float(env.status.success), 0.0, "successes"))
        say("random policy")
        wins = 0
        for seed in range(RANDOM_EPISODES):
            wins += run_episode(env, RandomPolicy(env.action_space, seed), seed=seed).success
        checks.append(_check("random_policy", float(wins), 0.0, "successes", f"of {RANDOM_EPISODES} episodes"))
        checks.append(_expert(env, say))
        assert env.renderer is not None  # pictures were taken above
        return Certificate(
            scene_hash=scene.hash, engine=env.world.engine, renderer=env.renderer, robot=robot, checks=tuple(checks)
        )
    finally:
        env.close()


def _check(name: str, value: float, limit: float, unit: str, detail: str = "", at_least: bool = False) -> CheckResult:
    passed = value >= limit if at_least else value <= limit
    shown = float(f"{value:.4g}")
    return CheckResult(name=name, passed=passed, value=shown, limit=float(limit), unit=unit, detail=detail)


def _rest(env: Gen3DEnv, scene: BuiltScene, say: Progress) -> list[CheckResult]:
    say("settling")
    env.load(env.nominal(scene))
    world, indices = env.world, range(len(scene.assets))
    names = [item.name for item in scene.spec.objects]
    start = [body.position_m for body in scene.bodies(scene.placements)]
    worst_depth, where = 0.0, ""
    for _ in range(5):
        env.hold(WATCH_S / 5)
        for i in indices:
            depth = world.penetration_m(i)
            if depth > worst_depth:
                worst_depth, where = depth, names[i]
    drift = [math.dist(a, world.body_pose(i)[0]) for i, a in enumerate(start)]
    speed = [math.hypot(*world.body_velocity(i)[0]) for i in indices]
    far, fast = max(indices, key=lambda i: drift[i]), max(indices, key=lambda i: speed[i])
    return [
        _check("drift", drift[far], DRIFT_LIMIT_M, "m", names[far]),
        _check("speed", speed[fast], SPEED_LIMIT_MPS, "m/s", names[fast]),
        _check("penetration", worst_depth, PENETRATION_LIMIT_M, "m", where),
    ]


def _reach(env: Gen3DEnv, scene: BuiltScene, say: Progress) -> list[CheckResult]:
    say("reach")
    worst, where = 0.0, ""
    for name in scene.spec.task.concerned:
        index = scene.index(name)
        if index is None:
            x, y, top = *scene.marks[name][:2], 0.02
        else:
            x, y, z = env.world.body_pose(index)[0]
            top = z + scene.assets[index].size_m[2]
        if isinstance(scene.spec.task.part, str):
            points = _way(scene, scene.spec.task.part)
        else:
            points = [(x, y, top), (x, y, top + 0.08)]
        for point in points:
            miss = env.robot.inverse(point, IDENTITY_MATRIX, env.robot.home)[1]
            if miss > worst:
                worst, where = miss, name
    return [_check("reach", worst, REACH_LIMIT_M, "m", where)]


def _way(scene: BuiltScene, name: str) -> list[Vector]:
    """Points of the way of a handle that is opened as far as has to be, scene frame."""
    target = scene.index(scene.spec.task.target)
    assert target is not None  # the spec refuses a task without one
    part = next(part for part in scene.assets[target].parts if part.name == name)
    x, y, yaw = scene.placements[target]
    handle = part.com_m if part.handle is None else part.handle.position_m
    points: list[Vector] = []
    for share in (0.0, 0.5 * OPEN_SHARE, OPEN_SHARE):
        points.append(placed(part_pose(part.joint, share * part.joint.upper, (x, y, 0.0), from_yaw(yaw)), handle))
    return points


def _visible(env: Gen3DEnv, scene: BuiltScene, say: Progress) -> list[CheckResult]:
    say("visibility")
    segments = env.segmentation("front", 128, 128)
    least, where = math.inf, ""
    names = [*(item.name for item in scene.spec.objects), *scene.marks]
    for name in scene.spec.task.concerned:
        pixels = int((segments == SEGMENT_OBJECTS + names.index(name)).sum())
        if pixels < least:
            least, where = pixels, name
    return [_check("visible", least, VISIBLE_PIXELS, "pixels", f"{where} in a 128x128 front picture", at_least=True)]


def _expert(env: Gen3DEnv, say: Progress) -> CheckResult:
    wins, outcomes = 0, []
    for seed in range(EXPERT_EPISODES):
        say(f"expert, episode {seed + 1} of {EXPERT_EPISODES}")
        episode = run_episode(env, ScriptedExpert(env), seed=seed)
        wins += episode.success
        if not episode.success:
            outcomes.append(f"seed {seed}: {episode.outcome}")
    detail = f"of {EXPERT_EPISODES} episodes" + (f"; {'; '.join(outcomes)}" if outcomes else "")
    return _check("expert", float(wins), float(EXPERT_LIMIT), "successes", detail, at_least=True)
