"""A robot behind Gymnasium's interface, with the simulation's own spaces and meaning."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import IDENTITY
from gen3d_envs.contract import Contract, contract_from_json, make_contract, require_same
from gen3d_envs.errors import FieldError, Gen3DError, RobotStop
from gen3d_envs.geometry import Matrix, Vector
from gen3d_envs.observations import AGENT_POS, Snapshot, TermGroup
from gen3d_envs.robots import get_robot

from . import messages
from .fake import make_fake
from .guard import Guard
from .lockstep import LockstepTransport
from .profiles import CameraTopic, Profile, load_profile
from .sim_robot import simulated
from .streams import State, Streams
from .supervisor import ARMED, REPEAT_S, Supervisor
from .transport import Message, Transport, make_transport

CONNECT_S = 10.0
"""How long a reset waits for the first state and pictures."""

ASK_AGAIN_S = 0.5

ALIGN_S, AFTER_PICTURE_S = 0.1, 0.002
"""How long the first step waits for a picture, and how long after it the control clock ticks: cameras are not exact."""

POLL_S = 0.002
SLICE_S = 0.02
"""How often streams are looked at while a control period passes."""

ROBOT_SIMS = ("real_time", "lockstep")

RESET_OPTIONS = ("confirm", "arm", "home", "scene")

Judge = Callable[[Any, dict[str, Any]], tuple[float, bool]]
"""Says of an observation and its info what the reward is and whether the task is done; for instance by asking a
person."""


class RealRobotEnv(gymnasium.Env[Any, NDArray[np.float32]]):
    """A real robot, or whatever answers like one, as an environment with the simulation's observations and actions.

    Nothing moves by itself: with ``dry_run=True``, the default, nothing is ever published; without it the robot moves
    after :meth:`arm`, or ``reset(options={"arm": True})``, only. Every command passes the limits of
    :mod:`gen3d_envs.baselines.ros.command_filter`; every stream is watched. Whatever goes wrong raises
    :class:`gen3d_envs.errors.RobotStop`, makes the arm hold its measured position, and stays so until
    ``reset(options={"confirm": True})``. This is no certified safety function: keep the emergency stop at hand.

    Args:
        transport: ``"fake"`` (a simulated robot in this process), ``"cyclonedds"``, ``"rospy"``, ``"rclpy"``, or a
            transport of one's own.
        profile: name (``"wx250s"``, ``"panda"``), path of a file, or the record itself.
        instruction: the task in words; a simulated robot says it itself.
        transport_options: arguments of the transport.
        contract: of the policy (the record, its JSON, or the path of a file): the environment refuses to start where
            its own differs.
        obs_type, observation_width, observation_height, cameras, control, control_hz: as in
            :class:`gen3d_envs.env.Gen3DEnv`.
        speed_scale: slows actions and limits down.
        dry_run: publish nothing.
        judge: gives reward and success; without it rewards are 0 and ``info["reward_available"]`` is False.
        prepare: called in every reset before the first observation, e.g. to wait for a person to arrange the things.
        log: a new folder to record episodes in, as a ROS 2 bag (MCAP); see :mod:`gen3d_envs.baselines.ros.log`.
        robot_sim: the robot is a ``gen3d robot-sim``, which says how the task stands and changes scenes: in
            ``"real_time"``, or in ``"lockstep"`` with its ``--simulated-time``, where this environment moves its clock
            (see :mod:`gen3d_envs.baselines.ros.lockstep`). None for hardware.
        guard: start a second process that holds the arm where this one dies or hangs; not in a dry run, in simulated
            time, or with a transport of one's own. See :mod:`gen3d_envs.baselines.ros.guard`.

    Reset options: ``confirm`` leaves a stop, ``arm`` allows motion, ``home`` (default True) moves an armed robot to the
    simulation's start posture, ``scene`` asks a simulated robot for a scene. A simulated robot begins its episode with
    the reset's own seed, so that one seed means the same here and in :class:`gen3d_envs.env.Gen3DEnv`.
    """

    metadata: dict[str, Any] = {"render_modes": [], "render_fps": 5}

    def __init__(
        self,
        transport: str | Transport = "fake",
        profile: str | Profile = "wx250s",
        *,
        instruction: str | None = None,
        transport_options: Mapping[str, Any] | None = None,
        contract: Contract | str | None = None,
        obs_type: str = "pixels_agent_pos",
        observation_width: int = 128,
        observation_height: int = 128,
        cameras: Sequence[str] = ("front",),
        control: str = "ee_delta",
        control_hz: int = 5,
        speed_scale: float = 0.2,
        dry_run: bool = True,
        judge: Judge | None = None,
        prepare: Callable[[], None] | None = None,
        log: str | Path | None = None,
        robot_sim: str | None = None,
        guard: bool = True,
    ) -> None:
        self.profile = load_profile(profile)
        if robot_sim not in (None, *ROBOT_SIMS):
            raise FieldError("robot_sim", robot_sim, "is not known", f"Use {' or '.join(ROBOT_SIMS)}, or None")
        if robot_sim is not None:
            self.profile = simulated(self.profile)
        if obs_type == "state":
            raise FieldError(
                "obs_type", obs_type, "shows poses of things that a robot cannot see", "Use pixels_agent_pos or pixels"
            )
        listed = (cameras,) if isinstance(cameras, str) else tuple(cameras)
        self.contract = make_contract(
            self.profile.robot, obs_type=obs_type, cameras=listed, observation_width=observation_width,
            observation_height=observation_height, control=control, control_hz=control_hz,
        )  # fmt: skip
        if contract is not None:
            # How long an episode lasts is decided where it runs, and changes no number's meaning.
            require_same(_contract(contract), self.contract, ignore=("horizon_steps",))
        self.observation_space = self.contract.observation_space()
        self.action_space = self.contract.action_space()  # type: ignore[assignment]
        self.robot, self.control_hz = get_robot(self.profile.robot), control_hz
        self.action_names = self.contract.action.labels
        self.agent_pos_terms = TermGroup(AGENT_POS)
        self._topics = tuple(_topic(self.profile, name) for name in listed)
        self._judge, self._prepare = judge, prepare
        self._instruction = instruction or ""
        self._closed, self._begun = False, False
        self._period = 1.0 / control_hz
        carrier, carrier_options = transport, dict(transport_options or {})
        if transport == "fake":
            self.profile = simulated(self.profile)
            options = {} if transport_options is None else transport_options
            size = observation_width, observation_height
            transport = make_fake(self.profile, options, control_hz, *size, listed)
        elif isinstance(transport, str):
            transport = make_transport(transport, transport_options or {})
        self._transport: Transport = LockstepTransport(transport) if robot_sim == "lockstep" else transport
        transport = self._transport
        self._simulated = bool(getattr(transport, "simulated", False))
        slow = self.profile.command.kind == "twist"
        self._slice_s = (REPEAT_S if slow else None) if self._simulated else SLICE_S
        watcher: Guard | None = None
        try:
            if guard and isinstance(carrier, str) and not (dry_run or self._simulated):
                watcher = Guard(carrier, carrier_options, self.profile, control_hz)
            self._log = _open_log(log, self.contract, self.profile)
            self._streams = Streams(transport, self.profile, self._topics)
            self._supervisor = Supervisor(
                transport, self.profile, self.robot, self._streams, control_hz, control, speed_scale, dry_run,
                self._log or _no_log, watcher,
            )  # fmt: skip
            if self.profile.status_topic is not None:
                transport.subscribe(self.profile.status_topic, messages.STRING, 1)
            if self.profile.reset_topic is not None:
                transport.advertise(self.profile.reset_topic, messages.STRING)
        except BaseException:
            if watcher is not None:
                watcher.close()
            transport.close()
            raise
        self._status: dict[str, Any] = {}
        self._scene_seed: int | None = None
        self.metadata = {**type(self).metadata, "render_fps": control_hz}

    # ---- Gymnasium -------------------------------------------------------------------------------------------------

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; options as in the class.

        Raises:
            RobotStop: it is stopped and not confirmed, or a stream is wrong.
            FieldError: no such option.
        """
        self._check_open()
        wish = options or {}
        if not isinstance(wish, dict) or set(wish) - set(RESET_OPTIONS):
            raise FieldError("options", options, "no such reset option", f"Use {', '.join(RESET_OPTIONS)}")
        super().reset(seed=seed)
        supervisor = self._supervisor
        if wish.get("confirm"):
            supervisor.confirm()
        supervisor.refuse_if_stopped()
        armed = supervisor.mode == ARMED or bool(wish.get("arm"))
        supervisor.disarm()
        self._streams.forget()
        self._ask_for_scene(wish.get("scene"), seed)
        begun = self._transport.now()
        observation = self._gather(begun, CONNECT_S)
        if armed:
            if wish.get("home", True):
                supervisor.arm_for_homing()
                supervisor.home(self.robot.home, slice_s=self._slice_s)
            supervisor.arm()
        if self._prepare is not None:
            self._prepare()
            begun = self._transport.now()
        if armed or self._prepare is not None:
            observation = self._gather(begun, CONNECT_S)
        self._begun, self._steps, self._overruns = True, 0, 0
        self._tick = self._begun_s = self._transport.now()
        info = self._info(observation, None)[2]
        if self._log is not None:
            record = {"seed": self._scene_seed, "scene": info["scene"], "instruction": info["instruction"]}
            self._log.episode(self._tick, {**record, "dry_run": supervisor.dry_run, "mode": supervisor.mode})
        return observation, info

    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act, let the control period pass, and observe what came after the command.

        Raises:
            RobotStop: anything is wrong; the arm holds.
            ActionError: no action; the arm holds and stays stopped.
        """
        self._check_open()
        if not self._begun:
            raise Gen3DError("step() was called before reset(): call reset() first.")
        late = self._transport.now() - self._tick
        self._supervisor.check_late(late)
        if late > self._period:
            self._overruns += self._steps > 0
            self._tick += late
        if late > self._period or self._steps == 0:
            self._align()
        command = self._supervisor.act(action)
        sent_s = self._transport.now()
        self._tick += self._period
        self._supervisor.wait(self._tick, self._slice_s)
        observation = self._gather(sent_s, self.profile.late_s, watched=True)
        self._steps += 1
        reward, success, info = self._info(observation, command)
        truncated = self._steps >= self.contract.horizon_steps
        if self._log is not None:
            record = {"action": np.asarray(action), "executed": command.executed, "clips": command.clips}
            record |= {"outcome": info["outcome"], "reward": reward, "ages_s": info["ages_s"]}
            self._log.step(self._tick, record | {"agent_pos": self._agent_pos()})
        return observation, reward, success or bool(self._status.get("failed")), truncated, info

    def render(self) -> None:
        """A robot is looked at directly."""

    def close(self) -> None:
        """Hold, and give the transport back. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._supervisor.close()
        if self._log is not None:
            self._log.close()
        self._transport.close()

    # ---- the robot -------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """``"disarmed"``, ``"armed"`` or ``"stopped"``."""
        return self._supervisor.mode

    @property
    def stop_reason(self) -> str:
        """Why it is stopped; empty where it is not."""
        return self._supervisor.stop_reason

    @property
    def task_description(self) -> str:
        """The instruction, under LeRobot's name."""
        return self._instruction

    @property
    def robot_status(self) -> dict[str, Any]:
        """What a simulated robot said last of scene, engine and task; empty on hardware."""
        return dict(self._status)

    @property
    def scene_seed(self) -> int | None:
        """Seed of a simulated robot's episode."""
        return self._scene_seed

    @property
    def commanded(self) -> tuple[Vector, Matrix]:
        """Where the tool was sent last: position in m and rotation, scene frame.

        Raises:
            RobotStop: it was not armed yet.
        """
        posture = self._supervisor.limits_filter.posture
        return posture.tool_m, posture.rotation

    def arm(self) -> None:
        """Allow motion from where the arm stands.

        Raises:
            RobotStop: stopped, a stream is wrong, or the arm stands outside its limits.
        """
        self._check_open()
        self._supervisor.arm()

    def disarm(self) -> None:
        """Hold, and allow no motion."""
        self._supervisor.disarm()

    def estop(self, text: str = "estop() was called") -> None:
        """Stop now and stay stopped; may be called from any place at any time. Never raises."""
        self._supervisor.estop("estop", text)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise Gen3DError("This environment was closed: make a new one.")

    def _ask_for_scene(self, scene: str | None, seed: int | None) -> None:
        if self.profile.reset_topic is None:
            if scene is not None:
                raise FieldError("options['scene']", scene, "cannot be had on this robot", "Arrange the things by hand")
            return
        self._scene_seed = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        # The answer names the request: what is still on its way from before is not taken for the new episode.
        request = f"{self._scene_seed}-{self._transport.now():.6f}"
        wish: dict[str, Any] = {"seed": self._scene_seed, "request": request}
        if scene is not None:
            wish["scene"] = scene
        self._transport.wait_for_match(self.profile.reset_topic, CONNECT_S)
        self._streams.drop()
        message = {"data": json.dumps(wish)}
        self._transport.publish(self.profile.reset_topic, message)
        sync = getattr(self._transport, "sync", None)
        if sync is not None:
            sync()
        if self.profile.status_topic is None:
            return
        begun = self._transport.now()
        again = begun + ASK_AGAIN_S
        self._read_status()
        while self._status.get("request") != request:
            if self._transport.now() >= again:
                # A robot that did not yet know this program has not heard it; one that has takes it once.
                again += ASK_AGAIN_S
                self._transport.publish(self.profile.reset_topic, message)
            if self._transport.now() >= begun + CONNECT_S:
                problem = f"the simulated robot did not begin an episode within {CONNECT_S:g} s"
                self._supervisor.estop("no_reset", problem)
                raise RobotStop("no_reset", problem, "Start it with gen3d robot-sim")
            self._transport.wait_until(self._transport.now() + POLL_S)
            self._read_status()
        if not self._simulated:
            # Where time passes by itself, what was on its way before the reset came with what is newer.
            self._streams.drop()

    def _gather(self, after_s: float, within_s: float, watched: bool = False) -> Any:
        """Wait for a whole set of state and pictures that came after a time, and make an observation of it.

        What is wrong with the streams while it waits stops the robot at once where ``watched``, else at the end.
        """
        deadline = self._transport.now() + within_s
        try:
            while True:
                self._streams.read()
                self._read_status()
                if self._complete(after_s):
                    return self._observe()
                late = self._transport.now() >= deadline
                if watched or late:
                    self._supervisor.look()
                if late:
                    raise RobotStop("incomplete", f"no whole observation came in {within_s:.2f} s", "Check the rates")
                self._transport.wait_until(self._transport.now() + POLL_S)
        except RobotStop as error:
            self._supervisor.estop(error.reason, error.problem)
            raise
        except KeyboardInterrupt:
            self._supervisor.estop("interrupted", "the user stopped the program")
            raise

    def _align(self) -> None:
        """Begin the control clock just after a picture came.

        At rates that divide the camera's, all that follow are as fresh. A picture in an observation would else be half
        a frame older on the average.
        """
        if self._simulated or not self._topics:
            return
        begun, camera = self._transport.now(), self._topics[0].camera
        self._streams.read()
        before = self._streams.pictures.get(camera)
        while self._transport.now() - begun < ALIGN_S:
            self._transport.wait_until(self._transport.now() + 0.5 * POLL_S)
            self._streams.read()
            if self._streams.pictures.get(camera) is not before:
                break
        self._tick = self._transport.now() + AFTER_PICTURE_S

    def _complete(self, after_s: float) -> bool:
        state, pictures = self._streams.state, self._streams.pictures
        if state is None or state.received_s < after_s:
            return False
        return all(
            topic.camera in pictures and pictures[topic.camera].received_s >= after_s for topic in self._topics
        )  # fmt: skip

    def _read_status(self) -> None:
        if self.profile.status_topic is None:
            return
        for received in self._transport.take(self.profile.status_topic):
            try:
                said = json.loads(str(received.message.get("data", "")))
            except ValueError:
                continue
            if isinstance(said, dict):
                self._status = said
                self._instruction = str(said.get("instruction", self._instruction))

    def _observe(self) -> Any:
        streams, shown = self._streams, {}
        state = streams.state
        if self._topics:
            # Joints of the moment at which the picture was taken: what a policy sees belongs together.
            state = streams.state_at(streams.pictures[self._topics[0].camera].stamp_s) or state
        assert state is not None
        for topic, wanted in zip(self._topics, self.contract.pictures, strict=True):
            picture = streams.decoded(topic.camera)
            shown[topic.camera] = messages.fit_picture(picture, topic.fov_x_rad, topic.fov_y_rad, wanted)
        pixels: Any = next(iter(shown.values())) if len(shown) == 1 else shown
        observation = {"pixels": pixels}
        if self.contract.vectors:
            observation = {"agent_pos": self.agent_pos_terms.read(self._snapshot(state)), "pixels": pixels}
        return observation

    def _agent_pos(self) -> NDArray[np.float32] | None:
        state = self._streams.state
        return None if state is None else self.agent_pos_terms.read(self._snapshot(state))

    def _snapshot(self, state: State) -> Snapshot:
        """What the terms of ``agent_pos`` read; a robot knows nothing of the things on the table."""
        tool, rotation = self.robot.forward(state.positions)
        nothing = (0.0, 0.0, 0.0)
        return Snapshot(
            base_m=self.robot.base_position_m, joints=list(state.positions), joint_velocities=list(state.velocities),
            tool_m=tool, tool_rotation=rotation, opening=self.robot.gripper_opening(state.positions),
            target=(nothing, IDENTITY), receptacle=None, target_size_m=nothing, receptacle_size_m=nothing,
            target_velocity=nothing,
        )  # fmt: skip

    def _info(self, observation: Any, command: Any) -> tuple[float, bool, dict[str, Any]]:
        status, supervisor = self._status, self._supervisor
        ages, state = self._streams.ages(), self._streams.state
        info: dict[str, Any] = {
            "instruction": self._instruction,
            "scene": str(status.get("scene", "")),
            "outcome": str(status.get("outcome", "running")),
            "engine": str(status.get("engine", "robot")),
            "renderer": "camera",
            "is_success": bool(status.get("success", False)),
            "reward_available": self._judge is not None or bool(status),
            "reward_terms": dict(status.get("terms", {})),
            "transport": self._transport.name,
            "mode": supervisor.mode,
            "dry_run": supervisor.dry_run,
            "ages_s": {name: round(age, 6) for name, age in ages.items()},
            "clock_skew_s": round(self._streams.skew_s, 6),
            "state_time_s": math.nan if state is None else round(state.stamp_s - self._begun_s, 6),
            "overruns": self._overruns,
            "clips": () if command is None else command.clips,
            "share": 1.0 if command is None else command.share,
            "executed_action": np.zeros(self.action_space.shape, np.float32) if command is None else command.executed,
        }  # fmt: skip
        reward, success = float(info["is_success"]), info["is_success"]
        if self._judge is not None:
            reward, success = self._judge(observation, info)
            info["is_success"] = bool(success)
            info["outcome"] = "success" if success else info["outcome"]
        return float(reward), bool(success), info


def _topic(profile: Profile, camera: str) -> CameraTopic:
    found = next((topic for topic in profile.cameras if topic.camera == camera), None)
    if found is None:
        raise FieldError("cameras", camera, f"has no topic in profile {profile.name}", "Add it to the profile")
    return found


def _contract(given: Contract | str) -> Contract:
    if isinstance(given, Contract):
        return given
    if given.lstrip().startswith("{"):
        return contract_from_json(given)
    try:
        return contract_from_json(Path(given).read_bytes())
    except OSError as error:
        raise FieldError("contract", given, f"cannot be read ({error.strerror})", "Give a file or JSON") from None


def _no_log(at_s: float, topic: str, kind: str, message: Message) -> None:
    """Keeps nothing."""


def _open_log(path: str | Path | None, contract: Contract, profile: Profile) -> Any:
    if path is None:
        return None
    from .log import EpisodeLog

    return EpisodeLog(path, contract, profile)
