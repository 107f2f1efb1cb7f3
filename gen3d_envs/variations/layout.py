"""What stands where: other objects, other places, another start of the robot, and a target that moves by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gen3d_envs.build import BuiltScene
from gen3d_envs.design.layout import Footprint, Placement, is_free, vary
from gen3d_envs.episode import Episode
from gen3d_envs.geometry import from_yaw, product, wrap, yaw_of
from gen3d_envs.sim.world import SUPPORT, World
from gen3d_envs.spec import PlacementSpec, SceneSpec
from gen3d_envs.spec import replace as spec_replace
from gen3d_envs.variations.base import Field
from gen3d_envs.variations.others import POOLS, add_objects, hide_objects, swap_object
from gen3d_envs.variations.values import Constant, Distribution, parse, parse_names, parse_parts

FAR_TRIES = 8
"""Arrangements drawn until the target stands far enough from where the card has it; then the farthest one stays."""

MOVE_TRIES = 200
JOINT_MARGIN_RAD = 0.01
START_TRIES = 20
START_ABOVE_M = 0.06
"""Least height of the fingertips at the start: nothing stops the arm at the table but the controller."""

START_OVER_M = 0.02
HAND_M = 0.07
"""Half the width of an open gripper, about."""


def _placement(episode: Episode, setting: Mapping[str, Distribution], rng: np.random.Generator) -> tuple[Episode, Any]:
    drawn = {name: value.draw(rng) for name, value in setting.items()}
    scene = episode.scene
    limit = PlacementSpec(position_m=drawn["position_m"], yaw_rad=drawn["yaw_rad"])
    spec, target = spec_replace(scene.spec, placement=limit), scene.index(scene.spec.task.target)
    assert target is not None
    home, best, farthest = scene.placements[target], episode.placements, -1.0
    for _ in range(FAR_TRIES if drawn["beyond_m"] > 0.0 else 1):
        placements = vary(spec, scene.footprints, rng)
        away = max(abs(a - b) for a, b in zip(placements[target][:2], home[:2], strict=True))
        if away > farthest:
            best, farthest = placements, away
        if away >= drawn["beyond_m"]:
            break
    if farthest < drawn["beyond_m"]:
        best = _farther(spec, scene.footprints, best, target, drawn, rng)
    offsets = [
        (x - x0, y - y0, wrap(yaw - yaw0))
        for (x, y, yaw), (x0, y0, yaw0) in zip(best, scene.placements, strict=True)
    ]  # fmt: skip
    return replace(episode, placements=best), {**drawn, "offsets": offsets}


def _farther(
    spec: SceneSpec, footprints: Sequence[Footprint], placed: list[Placement], target: int,
    limits: Mapping[str, float], rng: np.random.Generator,
) -> list[Placement]:  # fmt: skip
    """The arrangement with the target alone put far enough from the card's place, if it finds room there."""
    pose, reach = spec.objects[target].pose, limits["position_m"]
    assert pose is not None
    for _ in range(MOVE_TRIES):
        dx, dy, turn = rng.uniform(-1.0, 1.0, 3).tolist()
        if max(abs(dx), abs(dy)) * reach < limits["beyond_m"]:
            continue
        at = (pose.x_m + dx * reach, pose.y_m + dy * reach, pose.yaw_rad + turn * limits["yaw_rad"])
        if is_free(spec, footprints, placed, target, at):
            return [*placed[:target], at, *placed[target + 1 :]]
    return placed


def _joints(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    robot, home = episode.robot, episode.joints
    for attempt in range(START_TRIES):
        # Smaller and smaller where the first draws would start the arm in an object or in the table.
        share = 1.0 if attempt < START_TRIES // 2 else 1.0 - attempt / START_TRIES
        offsets = [setting.draw(rng) * share for _ in range(robot.arm_joints)]
        joints = list(home)
        for index, offset in enumerate(offsets):
            if offset:
                low, high = robot.lower[index] + JOINT_MARGIN_RAD, robot.upper[index] - JOINT_MARGIN_RAD
                joints[index] = min(max(home[index] + offset, low), high)
        if _starts_free(episode, joints):
            return replace(episode, joints=tuple(joints)), offsets
    return episode, [0.0] * robot.arm_joints


def _starts_free(episode: Episode, joints: list[float]) -> bool:
    """Whether the fingers start above the table and above everything that stands below them."""
    x, y, z = episode.robot.forward(joints[: episode.robot.arm_joints])[0]
    if z < START_ABOVE_M:
        return False
    scene = episode.scene
    for asset, footprint, at in zip(scene.assets, scene.footprints, episode.placements, strict=True):
        near = math.hypot(x - at[0], y - at[1]) < footprint.radius_m + HAND_M
        if near and z < asset.size_m[2] + START_OVER_M:
            return False
    return True


def _target(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    return swap_object(episode, "target", setting["split"][0], rng)


def _receptacle(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    return swap_object(episode, "receptacle", setting["split"][0], rng)


def _hidden(episode: Episode, setting: Distribution, rng: np.random.Generator) -> tuple[Episode, Any]:
    return hide_objects(episode, round(setting.draw(rng)), rng)


def _distractors(episode: Episode, setting: Mapping[str, Any], rng: np.random.Generator) -> tuple[Episode, Any]:
    return add_objects(episode, round(setting["count"].draw(rng)), setting["split"][0], setting["role"][0], rng)


# ---- the target moves by itself ------------------------------------------------------------------------------------


class Move:
    """The target is put somewhere else, once: as if somebody had pushed it aside while the robot was on its way.

    It waits until nothing but the table touches the target and the new place is free.

    Args:
        scene: the scene.
        target: index of the target.
        step: number of control steps before it may happen.
        to: where the target goes; it keeps its height and which way up it lies.
    """

    def __init__(self, scene: BuiltScene, target: int, step: int, to: Placement) -> None:
        self._scene, self._target, self._step, self._to = scene, target, step, to
        self._done = False

    def __call__(self, world: World, steps: int) -> None:
        """See :data:`gen3d_envs.episode.Event`."""
        if self._done or steps < self._step or world.contacts(self._target) != {SUPPORT}:
            return
        placed, footprints = now(self._scene, world), self._scene.footprints
        if not is_free(self._scene.spec, footprints, placed, self._target, self._to):
            return
        (_, _, z), orientation = world.body_pose(self._target)
        turn = from_yaw(self._to[2] - yaw_of(orientation))
        world.set_body_pose(self._target, (self._to[0], self._to[1], z + 0.001), product(turn, orientation))
        self._done = True


def now(scene: BuiltScene, world: World) -> list[Placement]:
    """Where the objects stand at this moment, seen from above."""
    poses = [world.body_pose(index) for index in range(len(scene.spec.objects))]
    return [(x, y, yaw_of(orientation)) for (x, y, _), orientation in poses]


def _move(episode: Episode, setting: Mapping[str, Distribution], rng: np.random.Generator) -> tuple[Episode, Any]:
    step, distance_m = round(setting["step"].draw(rng)), setting["distance_m"].draw(rng)
    scene, target = episode.scene, episode.scene.index(episode.scene.spec.task.target)
    assert target is not None
    to = _beside(scene, scene.footprints, episode.placements, target, distance_m, rng)
    drawn = {"step": step, "distance_m": distance_m, "to": to}
    if to is None:
        return episode, drawn
    return replace(episode, events=(*episode.events, Move(scene, target, step, to))), drawn


def _beside(
    scene: BuiltScene, footprints: tuple[Footprint, ...], placed: list[Placement], index: int, distance_m: float,
    rng: np.random.Generator,
) -> Placement | None:  # fmt: skip
    """A free place at a distance from where an object stands, or the farthest one found; None for none."""
    x, y, yaw = placed[index]
    for attempt in range(MOVE_TRIES):
        angle, turn = rng.uniform(-math.pi, math.pi, 2).tolist()
        reach = distance_m * (1.0 - 0.5 * attempt / MOVE_TRIES)
        at = (x + reach * math.cos(angle), y + reach * math.sin(angle), wrap(yaw + turn))
        if is_free(scene.spec, footprints, placed, index, at):
            return at
    return None


# ---- the fields ----------------------------------------------------------------------------------------------------


def _pool(value: Any, where: str) -> tuple[str, ...]:
    return parse_names(value, where, POOLS)


_SPLIT = {"split": ("heldout", _pool)}


def _read_swap(value: Any, where: str) -> Mapping[str, Any]:
    return parse_parts({} if value is True else value, where, _SPLIT, "split")


FIELDS = (
    Field("layout.target", _read_swap, _target,
          "another target, which fits the task, from another scene: true, or the `split` it comes from"),
    Field("layout.receptacle", _read_swap, _receptacle,
          "another receptacle, in or on which the target fits: true, or its `split`"),
    Field("layout.hidden", lambda v, w: parse(v, w, 0.0, 32.0), _hidden,
          "how many distractors are taken away (rounded)"),
    Field("layout.placement", lambda v, w: parse_parts(v, w, {
        "position_m": (Constant(0.03), lambda value, where: parse(value, where, 0.0, 0.5)),
        "yaw_rad": (Constant(math.pi), lambda value, where: parse(value, where, 0.0, math.pi)),
        "beyond_m": (Constant(0.0), lambda value, where: parse(value, where, 0.0, 0.5)),
    }, "position_m"), _placement,
          "how far objects may stand from the card's places: `position_m` along x and y, `yaw_rad`; the target at "
          "least `beyond_m` away where there is room"),
    Field("layout.distractors", lambda v, w: parse_parts(v, w, {
        "count": (Constant(1.0), lambda value, where: parse(value, where, 0.0, 8.0)),
        "split": ("heldout", _pool),
        "role": ("any", lambda value, where: parse_names(value, where, ("any", "target", "receptacle"))),
    }, "count"), _distractors,
          "how many things of other scenes stand around too; or `count`, `split` and what they are there: `role`"),
    Field("layout.joints_rad", lambda v, w: parse(v, w, -3.2, 3.2), _joints,
          "offset of each arm joint at the start, rad"),
    Field("layout.move", lambda v, w: parse_parts(v, w, {
        "step": (Constant(5.0), lambda value, where: parse(value, where, 0.0, 10_000.0)),
        "distance_m": (Constant(0.08), lambda value, where: parse(value, where, 0.0, 0.3)),
    }, "step"), _move,
          "the target is moved once, at a `step`, by `distance_m`, while nobody holds it"),
)  # fmt: skip
"""Fields of the group ``layout``, in the order of application."""
