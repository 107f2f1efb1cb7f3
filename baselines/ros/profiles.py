"""How a particular robot is spoken to: topics, names, interfaces and limits, as validated JSON or YAML."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gen3d_envs.cameras import FRONT
from gen3d_envs.errors import FieldError
from gen3d_envs.robots import get_robot
from gen3d_envs.spec import Spec

from .limits import Limits, check_limits, default_limits

MAX_PROFILE_BYTES = 200_000

Topic = Annotated[str, msgspec.Meta(pattern=r"^(/[A-Za-z][A-Za-z0-9_]*)+$", max_length=200)]
WireName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_/.-]*$", max_length=100)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=60.0)]
Angle = Annotated[float, msgspec.Meta(gt=0.01, lt=math.pi)]

CommandKind = Literal["joint_trajectory", "follow_joint_trajectory", "joint_group", "pose", "twist"]
GripperKind = Literal["joint_trajectory", "joint_single", "float64", "none"]


class CommandInterface(Spec, frozen=True, kw_only=True):
    """Where commands of the arm go.

    Attributes:
        kind: ``joint_trajectory`` (topic of a JointTrajectoryController), ``follow_joint_trajectory`` (its action;
            needs a transport with actions), ``joint_group`` (Interbotix), ``pose`` (a Cartesian impedance controller's
            equilibrium), ``twist`` (MoveIt Servo).
        topic: of the messages, or name of the action.
        periods: control periods until a command is reached.
        group: name of the joint group, for ``joint_group``.
        frame: of poses and twists: the robot's base.
    """

    kind: CommandKind = "joint_trajectory"
    topic: Topic
    periods: Annotated[float, msgspec.Meta(ge=0.5, le=4.0)] = 1.0
    group: str = "arm"
    frame: str = "base_link"


class GripperInterface(Spec, frozen=True, kw_only=True):
    """Where commands of the gripper go.

    Attributes:
        kind: ``joint_trajectory``, ``joint_single`` (Interbotix), ``float64`` or ``none``.
        topic: of the messages.
        joint: its name on the wire.
        closed, open: what is sent for both ends, in the joint's unit.
    """

    kind: GripperKind = "joint_trajectory"
    topic: Topic = "/gripper_controller/joint_trajectory"
    joint: WireName = "left_finger"
    closed: float
    open: float


class CameraTopic(Spec, frozen=True, kw_only=True):
    """Where pictures of a camera come from.

    Attributes:
        camera: name in the contract: ``"front"`` or ``"wrist"``.
        topic: of ``sensor_msgs/Image``, or of CompressedImage where ``compressed``.
        fov_x_rad, fov_y_rad: what the camera sees, after rectification.
        timeout_s: a picture that is older stops the robot.
    """

    camera: Literal["front", "wrist"]
    topic: Topic
    compressed: bool = False
    fov_x_rad: Angle
    fov_y_rad: Angle
    timeout_s: Seconds = 0.3


class Profile(Spec, frozen=True, kw_only=True):
    """One robot as ROS shows it.

    Attributes:
        name: of the profile.
        robot: name of the arm in Gen3D.
        arm_joints: names on the wire, in the order of the contract.
        finger_joints: names on the wire; one where a single motor moves both fingers symmetrically.
        other_joints: names that may also be in the state and are ignored.
        state_topics: where joint states come from; several are merged by name.
        state_timeout_s: a state that is older stops the robot.
        command, gripper, cameras: see there.
        clock_skew_s: how far headers may be from the clock here.
        late_s: a policy that takes longer for one action stops the robot.
        frozen_s: a state that does not change for so long while commands move it counts as frozen.
        limits: of commands; the arm's careful defaults where None.
        stop_topic: any ``std_msgs/String`` on it stops the robot, as does the ``std_srvs/Trigger`` service of this name
            where the transport has services.
        status_topic, reset_topic: of a simulated robot that says how the task stands and starts episodes; None on
            hardware.
    """

    name: str
    robot: str
    arm_joints: tuple[WireName, ...]
    finger_joints: tuple[WireName, ...]
    other_joints: tuple[WireName, ...] = ()
    state_topics: Annotated[tuple[Topic, ...], msgspec.Meta(min_length=1, max_length=8)]
    state_timeout_s: Seconds = 0.25
    command: CommandInterface
    gripper: GripperInterface
    cameras: tuple[CameraTopic, ...] = ()
    clock_skew_s: Seconds = 0.2
    late_s: Seconds = 2.0
    frozen_s: Seconds = 0.6
    limits: Limits | None = None
    stop_topic: Topic | None = "/gen3d/stop"
    status_topic: Topic | None = None
    reset_topic: Topic | None = None

    @property
    def safe(self) -> Limits:
        """The limits that hold."""
        return default_limits(get_robot(self.robot)) if self.limits is None else self.limits


def _front(topic: str) -> CameraTopic:
    return CameraTopic(camera="front", topic=topic, fov_x_rad=FRONT.fov_x_rad, fov_y_rad=FRONT.fov_y_rad)


def _wrist(topic: str) -> CameraTopic:
    return CameraTopic(camera="wrist", topic=topic, fov_x_rad=math.radians(75.0), fov_y_rad=math.radians(75.0))


PROFILES: dict[str, Profile] = {
    "wx250s": Profile(
        name="wx250s", robot="widowx",
        arm_joints=("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate"),
        finger_joints=("left_finger", "right_finger"), other_joints=("gripper",),
        state_topics=("/wx250s/joint_states",),
        command=CommandInterface(topic="/wx250s/arm_controller/joint_trajectory", frame="wx250s/base_link"),
        gripper=GripperInterface(
            topic="/wx250s/gripper_controller/joint_trajectory", joint="left_finger", closed=0.015, open=0.037
        ),
        cameras=(_front("/camera/color/image_raw"), _wrist("/wrist_camera/color/image_raw")),
    ),
    "panda": Profile(
        name="panda", robot="panda", arm_joints=tuple(f"panda_joint{i}" for i in range(1, 8)),
        finger_joints=("panda_finger_joint1", "panda_finger_joint2"),
        state_topics=("/joint_states",),
        command=CommandInterface(topic="/panda_arm_controller/joint_trajectory", frame="panda_link0"),
        gripper=GripperInterface(
            topic="/panda_gripper_controller/joint_trajectory", joint="panda_finger_joint1", closed=0.0, open=0.04
        ),
        cameras=(_front("/camera/color/image_raw"), _wrist("/wrist_camera/color/image_raw")),
    ),
}  # fmt: skip
"""By name. Topics are those of the makers' ros2_control launch files; a driver with others needs a file of its own."""

INTERBOTIX = CommandInterface(kind="joint_group", topic="/wx250s/commands/joint_group", group="arm")
"""The command interface of Interbotix's own driver (``xs_sdk``) for a profile of one's own."""


def load_profile(profile: str | Profile) -> Profile:
    """A profile by name or from a JSON or YAML file.

    Raises:
        FieldError: an unknown name, or a file that is no valid profile.
    """
    if isinstance(profile, Profile):
        return _checked(profile)
    if not isinstance(profile, str) or not profile.endswith((".json", ".yaml", ".yml")):
        if profile not in PROFILES:
            known = f"Use one of {', '.join(PROFILES)}, or the path of a .json or .yaml file"
            raise FieldError("profile", profile, "no such profile", known)
        return PROFILES[profile]
    path = Path(profile)
    try:
        if path.stat().st_size > MAX_PROFILE_BYTES:
            raise FieldError("profile", profile, f"is larger than {MAX_PROFILE_BYTES} bytes", "It is no profile")
        return _checked(msgspec.convert(_raw(path), Profile))
    except OSError as error:
        raise FieldError("profile", profile, f"cannot be read ({error.strerror})", "Give the path of a file") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError("profile", profile, f"is no profile ({error})", "Compare with to_text()") from None


def to_text(profile: Profile) -> str:
    """A profile as JSON, to begin one's own file with."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=2).decode() + "\n"


def _raw(path: Path) -> Any:
    data = path.read_bytes()
    if path.suffix == ".json":
        return msgspec.json.decode(data)
    if find_spec("yaml") is None:
        raise FieldError("profile", str(path), "is YAML, which needs PyYAML", "pip install pyyaml, or use JSON")
    # msgspec reads with yaml's safe loader: no tag of a file makes an object.
    return msgspec.yaml.decode(data)


def _checked(profile: Profile) -> Profile:
    robot = get_robot(profile.robot)
    if len(profile.arm_joints) != robot.arm_joints:
        raise FieldError(
            "arm_joints", profile.arm_joints, f"are not the {robot.arm_joints} of {robot.name}", "Name all, in order"
        )
    if len(profile.finger_joints) not in (1, 2):
        raise FieldError("finger_joints", profile.finger_joints, "are not one or two", "Name one or both fingers")
    names = (*profile.arm_joints, *profile.finger_joints, *profile.other_joints)
    if len(set(names)) != len(names):
        raise FieldError("arm_joints", names, "name a joint twice", "Name each joint once")
    cameras = [camera.camera for camera in profile.cameras]
    if len(set(cameras)) != len(cameras):
        raise FieldError("cameras", cameras, "name a camera twice", "Give each camera one topic")
    if abs(profile.gripper.open - profile.gripper.closed) < 1e-6 and profile.gripper.kind != "none":
        raise FieldError("gripper.open", profile.gripper.open, "is the same as closed", "Give both ends")
    check_limits(profile.safe, robot)
    return profile
