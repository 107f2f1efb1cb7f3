"""A scene as a robot on the network: a driver's topics, in real time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gen3d_envs.contract import make_contract
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError

from . import messages
from .commands import command_topics
from .lockstep import LockstepRobot
from .profiles import Profile, load_profile
from .sim_robot import SimRobot, simulated
from .transport import Message, Transport

LOOP_S = 0.001
"""How often commands are looked for; a physics step is 4 to 8 ms."""

BEHIND_S = 0.5
"""A simulation that falls farther behind the clock than this skips time, and says so."""


@dataclass
class Ran:
    """What a node did.

    Attributes:
        simulated_s: time that passed in the world.
        skipped_s: time that was left out because the computer was too slow.
    """

    simulated_s: float = 0.0
    skipped_s: float = 0.0


def nearest_rate(wanted_hz: int, physics_hz: int) -> int:
    """The highest rate up to the wanted one that divides the physics rate."""
    return max(rate for rate in range(1, max(1, min(wanted_hz, physics_hz)) + 1) if physics_hz % rate == 0)


def make_robot_env(
    scene: str, profile: str, physics: str, reality: str | None = None, control_hz: int = 5
) -> tuple[Gen3DEnv, Profile]:
    """The world of a simulated robot and the profile it is spoken to by.

    Args:
        scene: name, ID or card.
        profile: name or file.
        physics: engine.
        reality: profile of :mod:`gen3d_envs.reality`; drawn anew, from the seed, at every reset.
        control_hz: how often the task is judged, and the time that commands without one take.

    Raises:
        FieldError, SceneError: what cannot be used.
    """
    spoken = simulated(load_profile(profile))
    make_contract(spoken.robot)
    env = Gen3DEnv(
        scene=scene, robot=spoken.robot, physics=physics, reality=reality, control_hz=control_hz, obs_type="state"
    )
    return env, spoken


def run_node(
    env: Gen3DEnv, profile: Profile, transport: Transport, running: Callable[[], bool], state_hz: int = 60,
    camera_hz: int = 30, width: int = 640, height: int = 480, seed: int | None = None,
) -> Ran:  # fmt: skip
    """Run a robot until told otherwise.

    Args:
        env: its world.
        profile: its topics and names.
        transport: carries them.
        running: asked again and again; False ends it.
        state_hz: joint states per second, as many as the physics rate allows up to this.
        camera_hz: pictures per second, likewise.
        width: of the pictures.
        height: of the pictures.
        seed: of the first episode; a message on the reset topic begins others.

    Raises:
        FieldError: a reset that cannot be understood.
    """
    _check_size(width, height)
    hz = env.world.physics_hz
    advertised: set[str] = set()

    def emit(topic: str, kind: str, message: Message) -> None:
        if topic not in advertised:
            advertised.add(topic)
            transport.advertise(topic, kind)
        transport.publish(topic, message)

    # The transports that cannot say who listens get every picture.
    matched: Callable[[str], bool] | None = getattr(transport, "matched", None)
    for camera in profile.cameras:
        transport.advertise(camera.topic, messages.IMAGE)
        advertised.add(camera.topic)
    rates = nearest_rate(state_hz, hz), nearest_rate(camera_hz, hz)
    robot = SimRobot(env, profile, emit, *rates, width, height, transport.now(), wanted=matched)
    heard = [*command_topics(profile)]
    for topic, kind in command_topics(profile).items():
        transport.subscribe(topic, kind, 10)
    if profile.reset_topic is not None:
        heard.append(profile.reset_topic)
        transport.subscribe(profile.reset_topic, messages.STRING, 1)
    robot.reset(seed)
    ran = Ran()
    while running():
        for topic in heard:
            for received in transport.take(topic):
                robot.receive(topic, received.message)
        now, before = transport.now(), robot.time_s
        if now - before > BEHIND_S:
            ran.skipped_s += now - before
            robot.skip_to(now)
            before = now
        robot.advance_below(now)
        ran.simulated_s += robot.time_s - before
        transport.wait_until(transport.now() + LOOP_S)
    return ran


def run_lockstep(
    env: Gen3DEnv, profile: Profile, transport: Transport, running: Callable[[], bool], state_hz: int = 60,
    camera_hz: int = 30, width: int = 640, height: int = 480, seed: int | None = None,
) -> Ran:  # fmt: skip
    """Run a robot whose time passes when the adapter asks for it, as fast as the computer can; arguments as above.

    Raises:
        FieldError: a size or a reset that cannot be understood.
    """
    _check_size(width, height)
    hz = env.world.physics_hz
    rates = nearest_rate(state_hz, hz), nearest_rate(camera_hz, hz)
    return Ran(simulated_s=LockstepRobot(env, profile, transport, *rates, width, height).run(running, seed))


def _check_size(width: int, height: int) -> None:
    if min(width, height) < 8:
        raise FieldError("width, height", (width, height), "is no picture size", "Use at least 8 pixels")
