"""The same scenes, seeds and actions on two physics engines: where they agree and where they do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_envs.build import BuiltScene
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.episode import Episode
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.geometry import Vector
from gen3d_envs.rollout import run_episode
from gen3d_envs.scenes import choose_scenes, load_scene
from gen3d_envs.spec import TaskSpec, replace

GRAVITY_MPS2 = 9.81
PLACE_M = (0.30, 0.0)
"""Where a target that is tried alone stands: x and y, scene frame."""

SLIDE_MPS = 0.5
PUSH_M = 0.16
PUSH_FROM_M = 0.12
PUSH_MPS = 0.1
DROP_M = 0.3
SETTLE_S = 2.0
MOVED_S = 1.5


@dataclass(frozen=True)
class Measure:
    """One quantity measured on both engines.

    Attributes:
        name, unit: what it is.
        subjects: what it was measured on: ``scene/object`` or ``scene #seed``.
        first, second: one value per subject and engine.
        expected: what theory gives, one value per subject, where there is a theory.
    """

    name: str
    unit: str
    subjects: tuple[str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    expected: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """Mean over the subjects of second minus first."""
        return float(np.mean(np.subtract(self.second, self.first)))

    @property
    def spread(self) -> float:
        """Largest absolute difference of a subject."""
        return float(np.max(np.abs(np.subtract(self.second, self.first))))


@dataclass(frozen=True)
class Comparison:
    """All measures of an ID on two engines, named with version and settings."""

    env_id: str
    robot: str
    engines: tuple[str, str]
    measures: tuple[Measure, ...]


def compare(
    scenes: Sequence[str], engines: tuple[str, str], robot: str | None = None, episodes: int = 50, label: str = "",
    progress: Callable[[str], None] = lambda note: None,
) -> Comparison:  # fmt: skip
    """Measure both engines on the same scenes.

    Args:
        scenes: names, IDs or paths of cards.
        engines: two names of :data:`gen3d_envs.sim.engines.ENGINES`.
        robot: the robot, or the one that the first scene was designed for.
        episodes: paired episodes of the scripted expert, in turn over the scenes.
        label: what the comparison is called.
        progress: told what is being measured.
    """
    first, second = (_Bench(scenes, engine, robot) for engine in engines)
    try:
        measures = []
        for name, unit, measured, expected in (
            ("settle drift", "mm", _Bench.settle_drift, None),
            ("free fall in 0.2 s", "mm", _Bench.free_fall, _fall),
            ("sliding distance", "mm", _Bench.sliding, _slide),
            ("pushing distance", "mm", _Bench.pushing, None),
            ("grasp and lift, alone", "success", _Bench.lifting, None),
        ):
            progress(name)
            subjects, a = measured(first)
            _, b = measured(second)
            theory = tuple(expected(scene) for scene in first.alone) if expected else ()
            measures.append(Measure(name, unit, subjects, a, b, theory))
        runs = []
        for bench, engine in ((first, engines[0]), (second, engines[1])):
            progress(f"expert on {engine}")
            runs.append(bench.expert(episodes))
        names = tuple(f"{scenes[i % len(scenes)]} #{i}" for i in range(episodes))
        for row, (name, unit) in enumerate((("expert success", "success"), ("expert time", "s"))):
            measures.append(Measure(name, unit, names, runs[0][row], runs[1][row]))
        worlds = first.env.world.engine, second.env.world.engine
        return Comparison(label or scenes[0], first.env.robot_name, worlds, tuple(measures))
    finally:
        first.env.close()
        second.env.close()


def scenes_of(env_id: str) -> tuple[str, ...]:
    """Names of the scenes that an ID draws from."""
    import gymnasium

    arguments = gymnasium.spec(env_id).kwargs
    return choose_scenes(arguments.get("scene"), arguments.get("family"), arguments.get("scenes"))


def _alone(scene: BuiltScene) -> BuiltScene:
    """The scene with nothing but its target, to be picked."""
    spec, index = scene.spec, scene.index(scene.spec.task.target)
    assert index is not None
    task = TaskSpec(family="pick", target=spec.task.target)
    return BuiltScene(replace(spec, objects=(spec.target,), relations=(), task=task), (scene.assets[index],))


def _fall(scene: BuiltScene) -> float:
    return 500.0 * GRAVITY_MPS2 * 0.2**2


def _slide(scene: BuiltScene) -> float:
    """Coulomb: v^2 / (2 mu g)."""
    friction = scene.assets[0].friction * scene.spec.support.friction
    return 1000.0 * SLIDE_MPS**2 / (2.0 * friction * GRAVITY_MPS2)


Values = tuple[tuple[str, ...], tuple[float, ...]]


class _Bench:
    """One engine with the scenes that it is tried on."""

    def __init__(self, scenes: Sequence[str], engine: str, robot: str | None) -> None:
        self.scenes = [load_scene(name) for name in scenes]
        self.alone = [_alone(scene) for scene in self.scenes]
        self.env = Gen3DEnv(self.scenes[0], obs_type="state", physics=engine, robot=robot)

    def _load(self, scene: BuiltScene) -> Episode:
        episode = self.env.nominal(scene, [(*PLACE_M, 0.0)])
        self.env.load(episode)
        return episode

    def _target(self) -> Vector:
        return self.env.world.body_pose(0)[0]

    def _subjects(self) -> tuple[str, ...]:
        return tuple(f"{scene.spec.name}/{scene.spec.task.target}" for scene in self.alone)

    def settle_drift(self) -> Values:
        """How far each object is from its card's pose after two seconds, mm."""
        names, values = [], []
        for scene in self.scenes:
            self.env.load(self.env.nominal(scene))
            self.env.hold(SETTLE_S)
            for index, (item, (x, y, _)) in enumerate(zip(scene.spec.objects, scene.placements, strict=True)):
                (px, py, _), _ = self.env.world.body_pose(index)
                names.append(f"{scene.spec.name}/{item.name}")
                values.append(1000.0 * math.hypot(px - x, py - y))
        return tuple(names), tuple(values)

    def free_fall(self) -> Values:
        """How far each target fell 0.2 s after it was let go, mm."""
        values = []
        for scene in self.alone:
            self._load(scene)
            x, y, z = self._target()
            self.env.world.set_body_pose(0, (x + 0.15, y + 0.25, z + DROP_M), (0.0, 0.0, 0.0, 1.0))
            self.env.hold(0.2)
            values.append(1000.0 * (z + DROP_M - self._target()[2]))
        return self._subjects(), tuple(values)

    def sliding(self) -> Values:
        """How far each target slides or rolls when it starts at 0.5 m/s, mm."""
        values = []
        for scene in self.alone:
            self._load(scene)
            x = self._target()[0]
            self.env.world.set_body_velocity(0, (SLIDE_MPS, 0.0, 0.0), (0.0, 0.0, 0.0))
            self.env.hold(SETTLE_S)
            values.append(1000.0 * (self._target()[0] - x))
        return self._subjects(), tuple(values)

    def pushing(self) -> Values:
        """How far each target was pushed aside by the closed gripper, mm, by the same actions on both engines."""
        values = []
        for scene in self.alone:
            self._load(scene)
            height = min(0.5 * scene.assets[0].size_m[2], 0.05)
            side = PUSH_FROM_M
            start = (PLACE_M[0], PLACE_M[1] - side, max(height, 0.012))
            above = (start[0], start[1], 0.15)
            for goal in (above, start, (start[0], start[1] + PUSH_M, start[2])):
                self._move(goal)
            self.env.hold(MOVED_S)
            values.append(1000.0 * (self._target()[1] - PLACE_M[1]))
        return self._subjects(), tuple(values)

    def _move(self, goal: Vector) -> None:
        """Move the commanded tool point to a place, closed, at no more than ``PUSH_MPS``."""
        env = self.env
        position, _ = env.controller.pose  # type: ignore[attr-defined]
        delta = np.subtract(goal, position)
        step_m = PUSH_MPS / env.control_hz
        count = max(1, math.ceil(float(np.max(np.abs(delta))) / step_m))
        full_m = 0.25 / env.control_hz
        action = np.array([*(delta / count / full_m), 0.0, 0.0, 0.0, -1.0], np.float32)
        for _ in range(count):
            env.step(action)

    def lifting(self) -> Values:
        """Whether the expert grasps and lifts each target when nothing else is there: 1 or 0."""
        values = []
        for scene in self.alone:
            self._load(scene)
            expert, done, info = ScriptedExpert(self.env), False, {"is_success": False}
            expert.reset(scene.spec.instruction)
            while not done:
                _, _, terminated, truncated, info = self.env.step(expert.act(None))
                done = terminated or truncated
            values.append(float(info["is_success"]))
        return self._subjects(), tuple(values)

    def expert(self, episodes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Success (1 or 0) and time (s) of the expert, episode by episode."""
        success, seconds = [], []
        for seed in range(episodes):
            name = self.scenes[seed % len(self.scenes)].spec.name
            episode = run_episode(self.env, ScriptedExpert(self.env), seed=seed, options={"scene": name})
            success.append(float(episode.success))
            seconds.append(episode.steps / self.env.control_hz)
        return tuple(success), tuple(seconds)
