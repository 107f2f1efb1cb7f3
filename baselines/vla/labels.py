"""What the simulator knows about a picture: where to grasp, where to put it, and where both are seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.bank.gen3d_100 import TRAIN
from gen3d_envs.cameras import FRONT
from gen3d_envs.design.templates import TEMPLATES, phrase
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.experts.skills import Skills
from gen3d_envs.geometry import Vector, placed, rotate, seen_from, unrotate
from gen3d_envs.spec import SceneSpec
from gen3d_envs.tasks.ways import lowest_m

PLACES = (
    "grasp x", "grasp y", "grasp z", "grasp cos 2 yaw", "grasp sin 2 yaw",
    "goal x", "goal y", "goal z", "rim z", "room", "hang",
)  # fmt: skip
"""Labels of the grasp and the goal: m in the robot's base frame, and the direction in which the fingers close (half a
turn changes nothing, so twice its angle is told).

The goal's height is where the lowest point of the thing should be when it is let go, ``rim z`` what that point has to
pass over, ``room`` half the narrower width of where it may lie, and ``hang`` how far it is below the grasp. Where there
is nothing to put it into or onto, the goal and its rim are the grasp, and there is no room."""

VIEWS = ("grasp u", "grasp v", "goal u", "goal v")
"""Where the front camera sees the grasp and the goal: right and down from the middle, 1 at the picture's border."""

COUNT = len(PLACES) + len(VIEWS)


@dataclass(frozen=True)
class Question:
    """What else could be asked for in a scene.

    Attributes:
        instruction: in words.
        target, holder: indices of objects; the holder is None for picking.
        predicate: how the target goes to the holder.
    """

    instruction: str
    target: int
    holder: int | None = None
    predicate: Literal["on", "in"] | None = None


def ask(scene: SceneSpec, rng: np.random.Generator) -> Question:
    """A question about any object of a scene: to pick it up, or to put it where the scene's task puts something.

    Only ways of asking of the training split are used.
    """
    task = scene.task
    target = int(rng.integers(len(scene.objects)))
    item = scene.objects[target]
    if task.receptacle is not None and item.name != task.receptacle and rng.random() < 0.5:
        holder = next(i for i, other in enumerate(scene.objects) if other.name == task.receptacle)
        predicate: Literal["on", "in"] = "in" if task.predicate == "in" else "on"
        template = _PLACE[int(rng.integers(len(_PLACE)))]
        words = phrase(template, item.description, scene.objects[holder].description, predicate)
        return Question(words, target, holder, predicate)
    return Question(phrase(_PICK[int(rng.integers(len(_PICK)))], item.description), target)


_PICK, _PLACE = (
    tuple(name for name in TRAIN.templates if TEMPLATES[name].family == family) for family in ("pick", "place")
)


class Labeller:
    """Labels of an episode. A task without a receptacle has its target twice."""

    def __init__(self, env: Gen3DEnv) -> None:
        self._env = env

    def begin(self, question: Question | None = None) -> None:
        """After a reset, or in mid-episode: choose the grasp that the expert would choose, on the target as it lies.

        Args:
            question: what is asked for; the task where None.
        """
        env, skills = self._env, Skills(self._env)
        task = env.scene.spec.task
        predicate = task.predicate
        self._holder = env.scene.index(task.receptacle)
        if question is not None:
            skills.target, self._holder, predicate = question.target, question.holder, question.predicate
        (x, y, z), yaw = skills.plan_grasp(0)
        self._target = skills.target
        pose = env.world.body_pose(self._target)
        self._grasp = seen_from(pose, (x, y, z))
        self._across = unrotate(pose[1], (-math.sin(yaw), math.cos(yaw), 0.0))
        self._goal: Vector = (0.0, 0.0, 0.0)
        self._rise = self._room = 0.0
        if self._holder is not None and predicate is not None:
            where = skills.destination(self._holder, predicate)
            self._goal = (where.x_m, where.y_m, where.release_m)
            self._rise, self._room = where.top_m - where.release_m, where.room_m

    def read(self) -> NDArray[np.float32]:
        """``(COUNT,)`` float32: :data:`PLACES`, then :data:`VIEWS`."""
        base = self._env.snapshot().base_m
        world = self._env.world
        pose = world.body_pose(self._target)
        (_, _, height), turn = pose
        grasp = placed(pose, self._grasp)
        dx, dy, _ = rotate(turn, self._across)
        twice = 2.0 * math.atan2(dy, dx)
        goal = grasp if self._holder is None else placed(world.body_pose(self._holder), self._goal)
        hang = grasp[2] - height - lowest_m(self._env.scene.assets[self._target], turn)
        return np.array(
            [
                *(a - b for a, b in zip(grasp, base, strict=True)), math.cos(twice), math.sin(twice),
                *(a - b for a, b in zip(goal, base, strict=True)), goal[2] + self._rise - base[2], self._room, hang,
                *seen(grasp), *seen(goal),
            ],
            np.float32,
        )  # fmt: skip


_FORWARD = np.array(FRONT.forward) / np.linalg.norm(FRONT.forward)
_RIGHT = np.cross(_FORWARD, FRONT.up) / np.linalg.norm(np.cross(_FORWARD, FRONT.up))
_DOWN = np.cross(_FORWARD, _RIGHT)


def seen(point: Vector) -> tuple[float, float]:
    """Where the front camera, at its nominal pose, sees a point of the scene; see :data:`VIEWS`."""
    ray = np.array(point) - FRONT.position_m
    depth = max(float(ray @ _FORWARD), 1e-3)
    return (
        float(ray @ _RIGHT) / (depth * math.tan(FRONT.fov_x_rad / 2)),
        float(ray @ _DOWN) / (depth * math.tan(FRONT.fov_y_rad / 2)),
    )
