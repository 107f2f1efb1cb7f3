"""A simulated scene that behaves like a robot's driver: it takes messages, moves in its own time, and publishes.

It is the loopback for tests, a dry run for users and, on the engine and with the reality profile that policies never
saw, the stand-in for hardware. It knows no transport: messages go in by :meth:`SimRobot.receive` and come out of the
function that it was given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.episode import fingerprint
from gen3d_envs.geometry import from_euler, matrix_of, multiply
from gen3d_envs.spec import replace

from . import messages
from .profiles import CameraTopic, Profile
from .transport import Message

STATUS_TOPIC, RESET_TOPIC = "/gen3d/status", "/gen3d/reset"

Emit = Callable[[str, str, Message], None]
"""Takes topic, type and fields of a message that the robot publishes."""

ROUNDING_STEPS = 1e-6
"""Share of a physics step that sums of periods may be off."""

TWIST_S = 0.1
"""How long a velocity is kept up if no other comes: MoveIt Servo's ``incoming_command_timeout``."""

MAX_RESET_BYTES = 10_000
MAX_POINTS = 1000


@dataclass(frozen=True)
class _Ramp:
    """Joints from ``first`` on move evenly from one posture to another between two physics steps."""

    first: int
    start: tuple[float, ...]
    goal: tuple[float, ...]
    begin: int
    end: int


def simulated(profile: Profile) -> Profile:
    """The profile of the simulated robot: it also says how the task stands, and starts episodes when asked to."""
    changed: Profile = replace(profile, status_topic=STATUS_TOPIC, reset_topic=RESET_TOPIC)
    return changed


class SimRobot:
    """One scene as a robot.

    Args:
        env: holds scene, engine and reality profile; it is driven through its world and never stepped.
        profile: which topics and names the robot has.
        emit: publishes.
        state_hz, camera_hz: how often states and pictures are published; both must divide the physics rate.
        width, height: of the published pictures.
        start_s: time at which the robot is switched on.
        cameras: those that publish; all of the profile's where None.
        wanted: says of a camera's topic whether anyone listens; a picture that nobody gets is not drawn.

    Raises:
        FieldError: a rate that does not divide the physics rate, or another robot than the profile's.
    """

    def __init__(
        self, env: Gen3DEnv, profile: Profile, emit: Emit, state_hz: int, camera_hz: int, width: int, height: int,
        start_s: float = 0.0, cameras: Sequence[str] | None = None, wanted: Callable[[str], bool] | None = None,
    ) -> None:  # fmt: skip
        if env.robot.name != profile.robot:
            raise FieldError("robot", env.robot.name, f"is not the profile's {profile.robot}", "Use the other profile")
        self._env, self.profile, self._emit = env, profile, emit
        self._hz = env.world.physics_hz
        for field, rate in (("state_hz", state_hz), ("camera_hz", camera_hz)):
            if rate < 1 or self._hz % rate:
                raise FieldError(field, rate, f"does not divide the physics rate of {self._hz} Hz", "Use a divisor")
        self._state_every, self._camera_every = self._hz // state_hz, self._hz // camera_hz
        self._judge_every = self._hz // env.control_hz
        self._size, self._start_s = (width, height), start_s
        self._now, self._begun = 0, False
        self._wanted, self._request, self._start = wanted, "", ""
        self.cameras: tuple[CameraTopic, ...] = tuple(
            camera for camera in profile.cameras if cameras is None or camera.camera in cameras
        )

    @property
    def time_s(self) -> float:
        """The robot's clock."""
        return self._start_s + self._now / self._hz

    def reset(self, seed: int | None = None, scene: str | None = None) -> None:
        """Begin an episode: the scene is laid out anew and the arm stands at home."""
        _, info = self._env.reset(seed=seed, options=None if scene is None else {"scene": scene})
        self._start = fingerprint(self._env, info)
        episode = self._env._episode
        self._targets = list(episode.joints)
        self._ramps: list[_Ramp] = []
        self._late = round(episode.latency_s * self._hz)
        self._since_reset = 0
        self._begun = True
        self._publish_all()

    # ---- commands --------------------------------------------------------------------------------------------------

    def receive(self, topic: str, message: Message) -> None:
        """Take a command. What a driver would refuse is ignored, as drivers do: the watchdogs must notice.

        Raises:
            FieldError: a reset that cannot be understood.
            SceneError: a reset to a scene that is not there.
        """
        if topic == self.profile.reset_topic:
            self._receive_reset(message)
            return
        if not self._begun:
            return
        try:
            if topic == self.profile.command.topic:
                self._receive_arm(message)
            if topic == self.profile.gripper.topic:
                self._receive_gripper(message)
        except (KeyError, TypeError, ValueError, IndexError):
            return

    def _receive_reset(self, message: Message) -> None:
        text = str(message.get("data", ""))
        if len(text) > MAX_RESET_BYTES:
            raise FieldError("reset", text, "is too long", "Send {'seed': N, 'scene': NAME}")
        try:
            wish = json.loads(text) if text else {}
            seed, scene, request = wish.get("seed"), wish.get("scene"), wish.get("request")
        except (ValueError, AttributeError, RecursionError):
            raise FieldError("reset", text, "is no JSON object", "Send {'seed': N, 'scene': NAME}") from None
        if not (seed is None or isinstance(seed, int)) or not (scene is None or isinstance(scene, str)):
            raise FieldError("reset", text, "has a wrong seed or scene", "Send {'seed': N, 'scene': NAME}")
        if isinstance(request, str) and request == self._request != "":
            return  # asked again by who did not know whether it was heard
        self._request = request if isinstance(request, str) else ""
        self.reset(seed, scene)

    def _receive_arm(self, message: Message) -> None:
        kind, robot = self.profile.command.kind, self._env.robot
        period = 1.0 / self._env.control_hz
        if kind == "joint_group":
            self._ramp(0, [float(q) for q in message["cmd"]], period)
        elif kind == "pose":
            pose = message["pose"]
            at = [float(pose["position"][k]) + b for k, b in zip("xyz", robot.base_position_m, strict=True)]
            x, y, z, w = (float(pose["orientation"][k]) for k in "xyzw")
            self._ramp(0, robot.inverse(at, matrix_of((x, y, z, w)), self._targets)[0], period)
        elif kind == "twist":
            twist = message["twist"]
            tool, rotation = robot.forward(self._targets)
            at = [p + TWIST_S * float(twist["linear"][k]) for p, k in zip(tool, "xyz", strict=True)]
            turn = from_euler(*(TWIST_S * float(twist["angular"][k]) for k in "xyz"))
            self._ramp(0, robot.inverse(at, multiply(turn, rotation), self._targets)[0], TWIST_S)
        else:
            self._receive_trajectory(message)

    def _receive_trajectory(self, message: Message) -> None:
        names = list(message["joint_names"])
        order = [names.index(name) for name in self.profile.arm_joints]  # a controller wants all joints
        before = 0.0
        self._ramps = [ramp for ramp in self._ramps if ramp.first != 0]
        for point in list(message["points"])[:MAX_POINTS]:
            at = point["time_from_start"]
            due = float(at["sec"]) + 1e-9 * float(at["nanosec"])
            if due <= before:
                return
            positions = [float(point["positions"][index]) for index in order]
            self._ramp(0, positions, due - before, after=before)
            before = due

    def _receive_gripper(self, message: Message) -> None:
        gripper = self.profile.gripper
        if gripper.kind == "joint_trajectory":
            point = message["points"][0]
            value = float(point["positions"][list(message["joint_names"]).index(gripper.joint)])
            at = point["time_from_start"]
            duration = float(at["sec"]) + 1e-9 * float(at["nanosec"])
        else:
            value, duration = float(message["cmd" if gripper.kind == "joint_single" else "data"]), 0.2
        opening = (value - gripper.closed) / (gripper.open - gripper.closed)
        self._ramp(self._env.robot.arm_joints, self._env.robot.finger_targets(opening), duration)

    def _ramp(self, first: int, goal: Sequence[float], duration_s: float, after: float = 0.0) -> None:
        if not all(map(math.isfinite, goal)) or len(goal) != (self._env.robot.arm_joints if first == 0 else 2):
            return
        if after == 0.0:
            self._ramps = [ramp for ramp in self._ramps if ramp.first != first]
        before = [ramp for ramp in self._ramps if ramp.first == first]
        start = before[-1].goal if before else tuple(self._targets[first : first + len(goal)])
        begin = self._now + self._late + round(after * self._hz)
        steps = max(1, round(duration_s * self._hz))
        self._ramps.append(_Ramp(first, start, tuple(goal), begin, begin + steps))

    # ---- time ------------------------------------------------------------------------------------------------------

    def advance(self, until_s: float) -> None:
        """Let simulated time pass at least until then, and publish what falls due."""
        # Rounded up, so that waiting always lets time pass; but not for rounding of the sum of periods.
        self._advance_to(math.ceil((until_s - self._start_s) * self._hz - ROUNDING_STEPS))

    def advance_below(self, until_s: float) -> None:
        """As :meth:`advance`, but never beyond the given time: for a robot that follows a clock."""
        self._advance_to(math.floor((until_s - self._start_s) * self._hz))

    def _advance_to(self, last: int) -> None:
        while self._now < last:
            step = min([last, *self._events()])
            if self._begun:
                self._drive(step)
            self._now = step
            if self._begun:
                self._publish_due()

    def skip_to(self, when_s: float) -> None:
        """Set the clock without simulating: the world stood still meanwhile."""
        self._start_s += when_s - self.time_s

    def _events(self) -> list[int]:
        """Physics steps ahead at which something is published, or a ramp begins or ends."""
        every = (self._state_every, self._camera_every, self._judge_every)
        found = [(self._now // period + 1) * period for period in every]
        return found + [n for ramp in self._ramps for n in (ramp.begin, ramp.end) if n > self._now]

    def _drive(self, until: int) -> None:
        if self._now % self._judge_every == 0:
            for event in self._env._episode.events:
                event(self._env.world, self._since_reset)
            self._since_reset += 1
        for ramp in self._ramps:
            if ramp.begin <= self._now and until <= ramp.end:
                share = (until - ramp.begin) / (ramp.end - ramp.begin)
                for offset, (start, goal) in enumerate(zip(ramp.start, ramp.goal, strict=True)):
                    self._targets[ramp.first + offset] = goal if until == ramp.end else start + share * (goal - start)
        self._env.world.drive(self._targets, until - self._now)
        self._ramps = [ramp for ramp in self._ramps if ramp.end > until]

    # ---- publishing ------------------------------------------------------------------------------------------------

    def _publish_due(self) -> None:
        if self._now % self._judge_every == 0:
            self._publish_status()
        if self._now % self._state_every == 0:
            self._publish_state()
        if self._now % self._camera_every == 0:
            self._publish_pictures()

    def _publish_all(self) -> None:
        self._publish_status()
        self._publish_state()
        self._publish_pictures()

    def _publish_state(self) -> None:
        names = (*self.profile.arm_joints, *self.profile.finger_joints)
        positions, velocities = self._env.world.joint_states()
        count = len(names)
        message = messages.joint_state(self.time_s, names, positions[:count], velocities[:count])
        self._emit(self.profile.state_topics[0], messages.JOINT_STATE, message)

    def _publish_pictures(self) -> None:
        width, height = self._size
        for camera in self.cameras:
            if self._wanted is not None and not self._wanted(camera.topic):
                continue
            picture = self._env._affected(self._env.picture(camera.camera, width, height))
            frame = f"{camera.camera}_optical_frame"
            self._emit(camera.topic, messages.IMAGE, messages.image(self.time_s, frame, picture))
            info = messages.camera_info(self.time_s, frame, width, height, camera.fov_x_rad, camera.fov_y_rad)
            self._emit(_info_topic(camera), messages.CAMERA_INFO, info)

    def _publish_status(self) -> None:
        self._env._read()
        status = self._env._judge()
        if self.profile.status_topic is None:
            return
        said = {
            "success": status.success, "failed": status.failed, "outcome": status.outcome,
            "terms": {name: float(value) for name, value in status.terms.items()},
            "instruction": self._env.task_description, "scene": self._env.scene.spec.name,
            "engine": self._env.world.engine, "time_s": self.time_s, "request": self._request, "start": self._start,
            "physics_hz": self._hz,
        }  # fmt: skip
        self._emit(self.profile.status_topic, messages.STRING, {"data": json.dumps(said)})

    def topics(self) -> dict[str, str]:
        """Topics that it publishes on, with their types."""
        found = {self.profile.state_topics[0]: messages.JOINT_STATE}
        for camera in self.cameras:
            found |= {camera.topic: messages.IMAGE, _info_topic(camera): messages.CAMERA_INFO}
        if self.profile.status_topic is not None:
            found[self.profile.status_topic] = messages.STRING
        return found

    def close(self) -> None:
        """Give the environment back."""
        self._env.close()


def _info_topic(camera: CameraTopic) -> str:
    return camera.topic.rpartition("/")[0] + "/camera_info"
