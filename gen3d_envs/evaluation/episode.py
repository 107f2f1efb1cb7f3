"""Running one planned episode: the environment, the condition, the policy, and what comes of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from gen3d_envs.env import EPISODE_S, SETTLE_S, Gen3DEnv
from gen3d_envs.episode import Episode
from gen3d_envs.errors import FieldError, Gen3DError, PolicyError
from gen3d_envs.evaluation.plan import Planned, SceneRow, Settings, condition
from gen3d_envs.evaluation.result import EpisodeRow, Excluded
from gen3d_envs.rollout import Policy, run_episode
from gen3d_envs.scenes import load_scene
from gen3d_envs.sim.world import WorldSetup
from gen3d_envs.tasks.base import HOLD_S, REST_SPEED_MPS, REST_TURN_RADPS
from gen3d_envs.variations.table import randomization_of, read

POLICIES = "gen3d_envs.baselines.policies:get_policy"
"""What makes a policy of its description, an environment and a seed. The core names it and never imports it."""

OnStep = Callable[[Any, dict[str, Any]], None]


@dataclass(frozen=True)
class Finished:
    """An episode that was run, and what it cost: processor and wall seconds."""

    row: EpisodeRow
    cpu_s: float
    wall_s: float
    engine: str
    renderer: str


@dataclass(frozen=True)
class Failed:
    """An episode in which the policy gave no usable action."""

    planned: Planned
    error: Gen3DError


Came = Finished | Excluded | Failed


class Runner:
    """Runs the episodes of an evaluation, in any order: none depends on those before it.

    One environment and one policy serve all of them. What varies under an axis is put into the environment before each
    episode; a policy that draws is seeded anew for each, by its ``seed(number)`` method.

    Args:
        settings: of the evaluation, with the robot filled in.
        scenes: those that episodes take place in.
        factory: ``module:function`` that makes the policy, see :data:`POLICIES`.

    Raises:
        FieldError: a policy or settings that cannot be used.
    """

    def __init__(self, settings: Settings, scenes: tuple[SceneRow, ...], factory: str = POLICIES) -> None:
        self._settings = settings
        self._names = {row.name: row.card or row.name for row in scenes}
        self._hashes = {row.name: row.hash for row in scenes}
        self.env = Gen3DEnv(
            scenes=list(self._names.values()), robot=settings.robot, physics=settings.physics, reality=settings.reality,
            obs_type=settings.obs_type, observation_width=settings.width, observation_height=settings.height,
            cameras=settings.cameras, control=settings.control, control_hz=settings.control_hz,
        )  # fmt: skip
        self._always = list(self.env.variations)
        try:
            module, _, function = factory.partition(":")
            self.policy: Policy = getattr(import_module(module), function)(settings.policy, self.env, settings.seed)
        except BaseException:
            self.env.close()
            raise

    @property
    def engine(self) -> str:
        """Name of the physics engine, with its version and settings."""
        return self.env.world.engine

    @property
    def renderer(self) -> str:
        """Name of what makes the pictures; ``"none"`` where none are taken."""
        from gen3d_envs.sim.camera import Camera

        return "none" if self._settings.obs_type == "state" else str(Camera.renderer)

    @property
    def constants(self) -> dict[str, float]:
        """Physics and timing constants of the world that episodes run in."""
        return {
            "physics_hz": float(self.env.world.physics_hz), "control_hz": float(self.env.control_hz),
            "gravity_mps2": WorldSetup.gravity_mps2, "episode_s": EPISODE_S, "settle_s": SETTLE_S,
            "success_hold_s": HOLD_S, "rest_speed_mps": REST_SPEED_MPS, "rest_turn_radps": REST_TURN_RADPS,
        }  # fmt: skip

    def prepare(self, planned: Planned) -> dict[str, Any]:
        """Put the condition of an episode into the environment and seed the policy; returns the reset's options."""
        # An axis may exchange things in a scene: the one that it starts from is what must be as planned.
        if load_scene(self._names[planned.scene]).hash != self._hashes[planned.scene]:
            raise FieldError(
                "scene", planned.scene, "is not the one that was planned", "Cards must not change during an evaluation"
            )
        axis = condition(planned.axis)
        settings = read(axis.arguments.get("randomization"))
        self.env.variations[:] = self._always + ([randomization_of(settings)] if settings else [])
        if set(axis.randomization) == {"language"}:
            self.env.variations.append(says_otherwise)
        inner = getattr(self.policy, "policy", self.policy)
        seed = getattr(inner, "seed", None)
        if callable(seed):
            seed(policy_seed(planned.seed))
        return {"scene": self._names[planned.scene]}

    def run(self, planned: Planned, on_step: OnStep | None = None) -> Came:
        """Run one episode.

        Args:
            planned: which.
            on_step: called with observation and info after the reset and every step.
        """
        options = self.prepare(planned)
        reached: list[str] = []
        began: list[tuple[str, dict[str, Any]]] = []

        def watch(observation: Any, info: dict[str, Any]) -> None:
            if not began:
                began.append((fingerprint(self.env, info), info))
            reached.append(info["outcome"])
            if on_step is not None:
                on_step(observation, info)

        cpu, wall = time.process_time(), time.perf_counter()
        try:
            done = run_episode(self.env, self.policy, seed=planned.seed, options=options, on_step=watch)
        except PolicyError as error:
            return Failed(planned, error)
        except FieldError as error:
            if began:
                return Failed(planned, error)
            return Excluded(scene=planned.scene, axis=planned.axis, index=planned.index, reason=str(error)[:1900])
        start, info = began[0]
        row = EpisodeRow(
            scene=planned.scene, axis=planned.axis, index=planned.index, seed=planned.seed, start=start,
            instruction=info["instruction"], success=done.success, outcome=done.outcome,
            partial=any(outcome in ("partial", "success") for outcome in reached), steps=done.steps,
            time_to_success_s=done.steps / self.env.control_hz if done.success else None,
        )  # fmt: skip
        return Finished(row, time.process_time() - cpu, time.perf_counter() - wall, info["engine"], info["renderer"])

    def close(self) -> None:
        """Give back the environment and what the policy holds."""
        ending = getattr(self.policy, "close", None)
        if callable(ending):
            ending()
        self.env.close()


def says_otherwise(episode: Episode, rng: np.random.Generator) -> Episode:
    """The episode as it is, under a condition of words alone.

    Raises:
        FieldError: the words are those of the scene. Counting it would make the condition look milder than it is.
    """
    if episode.instruction == episode.scene.spec.instruction:
        raise FieldError("axes", episode.instruction, "is what the scene says anyway", "Nothing is left to compare")
    return episode


def policy_seed(seed: int) -> int:
    """The seed of a policy that draws in an episode: another stream than that of the reset."""
    return int.from_bytes(hashlib.sha256(f"policy/{seed}".encode()).digest()[:4], "big") >> 1


def fingerprint(env: Gen3DEnv, info: dict[str, Any]) -> str:
    """Beginning of the hash of the state after a reset: everything a policy may meet, bit for bit."""
    world = env.world
    state = [
        [world.body_pose(index) for index in range(len(env.scene.spec.objects))], world.joint_states(),
        info["instruction"], info["scene_hash"], info.get("variation", {}),
    ]  # fmt: skip
    return hashlib.sha256(_exact(state).encode()).hexdigest()[:16]


def _exact(value: Any) -> str:
    """Nested values as text that tells apart any two floats."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_exact(item)}" for key, item in sorted(value.items())) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_exact, value)) + "]"
    if hasattr(value, "tolist"):
        return _exact(value.tolist())
    return float(value).hex() if isinstance(value, float) else repr(value)
