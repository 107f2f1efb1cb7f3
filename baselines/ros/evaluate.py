"""Trials on a simulated robot that is a process of its own, spoken to over ROS: what ``gen3d evaluate`` runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gen3d_envs.env import EPISODE_S, SETTLE_S
from gen3d_envs.errors import FieldError, Gen3DError, PolicyError, RobotStop
from gen3d_envs.evaluation.episode import POLICIES, Came, Failed, Finished, policy_seed
from gen3d_envs.evaluation.plan import Planned, SceneRow, Settings
from gen3d_envs.evaluation.result import EpisodeRow
from gen3d_envs.evaluation.trials import STOPPED
from gen3d_envs.robots import get_robot
from gen3d_envs.rollout import Policy, run_episode
from gen3d_envs.sim.world import WorldSetup
from gen3d_envs.spec import replace
from gen3d_envs.tasks.base import HOLD_S, REST_SPEED_MPS, REST_TURN_RADPS

from .env import RealRobotEnv
from .follower import ExpertFollower
from .launch import SimProcess, start_robot
from .limits import training_limits
from .profiles import PROFILES, Profile

PROFILE_OF = {"widowx": "wx250s", "panda": "panda"}

EXPERT = "expert"


class RobotRunner:
    """Runs trials one after another on one simulated robot, in lockstep; it is started again where it died.

    Limits are those of the training simulation: what is measured is the transfer to another world, not how much a
    careful limit slows an arm down. Watchdogs, filter and stops are in force.

    Args:
        settings: of the evaluation, with the robot filled in.
        scenes: those that trials take place in.
        factory: ``module:function`` that makes the policy, see :data:`gen3d_envs.evaluation.episode.POLICIES`.

    Raises:
        FieldError: a policy or settings that cannot be used.
        EngineUnavailable: the transport's libraries are missing.
    """

    def __init__(self, settings: Settings, scenes: tuple[SceneRow, ...], factory: str = POLICIES) -> None:
        self._settings = settings
        self._names = {row.name: row.card or row.name for row in scenes}
        self.profile = evaluation_profile(str(settings.robot))
        self._sim: SimProcess | None = None
        self.env = self._start()
        try:
            _, info = self.env.reset(seed=0)
            self.engine, self.renderer = str(info["engine"]), "camera"
            self._physics_hz = float(self.env.robot_status["physics_hz"])
            if settings.policy.partition("#")[0] == EXPERT:
                self.policy: Policy = ExpertFollower(self.env, settings.physics)
            else:
                module, _, function = factory.partition(":")
                self.policy = getattr(import_module(module), function)(settings.policy, self.env, settings.seed)
        except BaseException:
            self.close()
            raise

    def _start(self) -> RealRobotEnv:
        s = self._settings
        arguments = [
            "--simulated-time", "--engine", s.physics, "--profile", PROFILE_OF[str(s.robot)], "--camera-hz",
            str(s.control_hz), "--control-hz", str(s.control_hz), "--width", str(s.width), "--height", str(s.height),
        ]  # fmt: skip
        if s.reality is not None:
            arguments += ["--reality", s.reality]
        self._sim = start_robot(next(iter(self._names.values())), str(s.transport), arguments)
        try:
            return RealRobotEnv(
                str(s.transport), self.profile, transport_options=self._sim.options, robot_sim="lockstep",
                dry_run=False, speed_scale=1.0, obs_type=s.obs_type, observation_width=s.width,
                observation_height=s.height, cameras=s.cameras, control=s.control, control_hz=s.control_hz,
            )  # fmt: skip
        except BaseException:
            self._sim.close()
            raise

    @property
    def constants(self) -> dict[str, float]:
        """Physics and timing constants of the world that trials run in."""
        return {
            "physics_hz": self._physics_hz, "control_hz": float(self.env.control_hz),
            "gravity_mps2": WorldSetup.gravity_mps2, "episode_s": EPISODE_S, "settle_s": SETTLE_S,
            "success_hold_s": HOLD_S, "rest_speed_mps": REST_SPEED_MPS, "rest_turn_radps": REST_TURN_RADPS,
        }  # fmt: skip

    def run(self, planned: Planned, on_step: Callable[[Any, dict[str, Any]], None] | None = None) -> Came:
        """Run one trial. A stop of the safety layer ends it as a failure of its own kind.

        Raises:
            Gen3DError: the simulated robot is lost.
        """
        inner = getattr(self.policy, "policy", self.policy)
        seed = getattr(inner, "seed", None)
        if callable(seed):
            seed(policy_seed(planned.seed))
        infos: list[dict[str, Any]] = []

        def watch(observation: Any, info: dict[str, Any]) -> None:
            infos.append(info)
            if on_step is not None:
                on_step(observation, info)

        options = {"scene": self._names[planned.scene], "arm": True, "confirm": True}
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            done = run_episode(self.env, self.policy, seed=planned.seed, options=options, on_step=watch)
            success, outcome, steps = done.success, done.outcome, done.steps
        except RobotStop as stop:
            if not infos or stop.reason in ("connection_lost", "publisher_vanished"):
                raise Gen3DError(f"The simulated robot is lost in {planned.scene}: {stop}") from stop
            success, outcome, steps = False, STOPPED, len(infos) - 1
        except (PolicyError, FieldError) as error:
            self.env.estop(f"the policy failed: {error}")
            return Failed(planned, error)
        row = EpisodeRow(
            scene=planned.scene, axis=planned.axis, index=planned.index, seed=planned.seed,
            start=str(self.env.robot_status["start"]), instruction=infos[0]["instruction"], success=success,
            outcome=outcome, partial=any(info["outcome"] in ("partial", "success") for info in infos), steps=steps,
            time_to_success_s=steps / self.env.control_hz if success else None,
        )  # fmt: skip
        return Finished(row, time.process_time() - cpu, time.perf_counter() - wall, self.engine, self.renderer)

    def close(self) -> None:
        """End the simulated robot, and give back what the policy holds."""
        ending = getattr(getattr(self, "policy", None), "close", None)
        if callable(ending):
            ending()
        self.env.close()
        if self._sim is not None:
            self._sim.close()


def evaluation_profile(robot: str) -> Profile:
    """The profile of an arm with the limits of the training simulation."""
    made: Profile = replace(PROFILES[PROFILE_OF[robot]], limits=training_limits(get_robot(robot)))
    return made
