"""What a policy and a robot agree on: every number's place, unit, frame and scale, as one record.

A policy saves the contract of the environment that it was trained in. Whatever it later acts in, a simulation or a
robot, gives a contract too, and a difference is refused before anything moves: a wrong joint order, a delta that is
added to another pose or a gripper that opens where it should close cannot be seen in the shape of an array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import gymnasium
import msgspec
import numpy as np
from gymnasium import spaces

from gen3d_envs.cameras import CAMERAS, camera_specs
from gen3d_envs.env import EPISODE_S, Gen3DEnv
from gen3d_envs.errors import ContractError, FieldError
from gen3d_envs.observations import AGENT_POS, OBS_TYPES, ObservationTerm, TermGroup, observation_space, state_terms
from gen3d_envs.robots import get_robot
from gen3d_envs.robots.base import Robot
from gen3d_envs.robots.controllers import CONTROLLERS, JOINT_SPEED_RADPS, TOOL_SPEED_MPS, TOOL_TURN_RADPS
from gen3d_envs.spec import Spec

CONTRACT_VERSION = 1
"""Version of the record's own form; a later one is refused, never guessed at."""

MAX_CONTRACT_BYTES = 200_000

DECIMALS = 9
"""Numbers are written with so many decimals, so that equal contracts are equal text on every machine."""

RESIZE = "the middle of the picture that has the camera's field of view, then scaled to the size by area averaging"
"""How a picture of another size becomes one of the observation."""


class Numbers(Spec, frozen=True, kw_only=True):
    """One named piece of a vector.

    Attributes:
        name: of the piece.
        labels: one per number, in order.
        unit, frame: of all its numbers.
        low, high: bounds.
    """

    name: str
    labels: tuple[str, ...]
    unit: str
    frame: str
    low: float
    high: float


class VectorKey(Spec, frozen=True, kw_only=True):
    """A flat vector of the observation; ``key`` is empty where the vector is the whole observation."""

    key: str
    dtype: Literal["float32"] = "float32"
    numbers: tuple[Numbers, ...]

    @property
    def size(self) -> int:
        """Numbers in the vector."""
        return sum(len(part.labels) for part in self.numbers)


class PictureKey(Spec, frozen=True, kw_only=True):
    """A picture of the observation.

    Attributes:
        key: where it stands: ``"pixels"``, or ``"pixels/<camera>"`` among several.
        camera: who takes it.
        height, width: in pixels; the shape is ``(height, width, 3)``.
        dtype: of each channel, 0 to 255.
        color_order: of the channels.
        first_row: of the picture as seen.
        fov_x_rad, fov_y_rad: full opening angles that the whole picture shows.
        resize: rule for pictures of another size.
    """

    key: str
    camera: str
    height: int
    width: int
    dtype: Literal["uint8"] = "uint8"
    color_order: Literal["rgb"] = "rgb"
    first_row: Literal["top"] = "top"
    fov_x_rad: float
    fov_y_rad: float
    resize: str = RESIZE


class ActionContract(Spec, frozen=True, kw_only=True):
    """What the numbers of an action mean.

    Attributes:
        kind: ``"ee_delta"`` or ``"joint_delta"``.
        labels: one per number.
        units: of ``scale``, one per number.
        scale: what the number 1 stands for in one control step; for the gripper the whole range.
        low, high: bounds of every number; what is outside is clipped, what is not finite is refused.
        frame: of translations and rotations.
        rotation: how rotations are written and applied.
        delta_reference: what deltas are added to.
        gripper: its number is an absolute opening or a change.
        gripper_closed, gripper_open: values at both ends.
    """

    kind: Literal["ee_delta", "joint_delta"]
    labels: tuple[str, ...]
    units: tuple[str, ...]
    scale: tuple[float, ...]
    dtype: Literal["float32"] = "float32"
    low: float = -1.0
    high: float = 1.0
    frame: str
    rotation: str
    delta_reference: Literal["last target", "measured"] = "last target"
    gripper: Literal["absolute", "relative"] = "absolute"
    gripper_closed: float = -1.0
    gripper_open: float = 1.0


class Contract(Spec, frozen=True, kw_only=True):
    """Everything a policy relies on. Equal contracts mean that a policy can act in either place unchanged.

    Attributes:
        version: of this record's form.
        robot: name of the arm.
        arm_joints, finger_joints: names in the order in which they are observed and commanded.
        base_position_m: base link in the scene frame.
        tool_frame: what positions of the tool refer to.
        obs_type: ``"state"``, ``"pixels"`` or ``"pixels_agent_pos"``.
        vectors, pictures: what an observation holds.
        action: what an action means.
        control_hz: control steps per second.
        horizon_steps: control steps of an episode in which one thing is carried.
    """

    version: int = CONTRACT_VERSION
    robot: str
    arm_joints: tuple[str, ...]
    finger_joints: tuple[str, ...]
    base_position_m: tuple[float, float, float]
    tool_frame: str
    obs_type: str
    vectors: tuple[VectorKey, ...]
    pictures: tuple[PictureKey, ...]
    action: ActionContract
    control_hz: int
    horizon_steps: int

    def to_json(self) -> str:
        """The contract as JSON text, two spaces deep, ending with a newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras, in order."""
        return tuple(picture.camera for picture in self.pictures)

    def observation_space(self) -> spaces.Space[Any]:
        """The space that an environment with this contract has."""
        names = (*self.arm_joints, *self.finger_joints)
        width, height = (self.pictures[0].width, self.pictures[0].height) if self.pictures else (8, 8)
        return observation_space(
            self.obs_type, TermGroup(state_terms(names)), TermGroup(AGENT_POS), self.cameras, width, height
        )

    def action_space(self) -> spaces.Box:
        """The space that an environment with this contract has."""
        return spaces.Box(self.action.low, self.action.high, (len(self.action.labels),), np.float32)


def contract_from_json(text: str | bytes) -> Contract:
    """Read :meth:`Contract.to_json`.

    Raises:
        ContractError: no contract, one of a later version, or too large.
    """
    if len(text) > MAX_CONTRACT_BYTES:
        raise ContractError("contract", f"{len(text)} bytes", "is too large", f"Keep it below {MAX_CONTRACT_BYTES}")
    try:
        raw = msgspec.json.decode(text)
        version = raw.get("version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > CONTRACT_VERSION:
            raise ContractError("version", version, f"is later than {CONTRACT_VERSION}", "Update gen3d-envs")
        contract = msgspec.convert(raw, Contract)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        shown = text if isinstance(text, str) else text[:200]
        raise ContractError("contract", shown, f"is no contract ({error})", "Save it anew with to_json()") from None
    for path, value in _flat(msgspec.to_builtins(contract)):
        if isinstance(value, float) and not math.isfinite(value):
            raise ContractError(path, value, "is not finite", "Save the contract anew with to_json()")
    return contract


def contract_of(env: gymnasium.Env[Any, Any]) -> Contract:
    """The contract of an environment, under whatever wrappers.

    Raises:
        ContractError: it is none of Gen3D's and has no attribute ``contract``.
    """
    base = env.unwrapped
    own = getattr(base, "contract", None)
    if isinstance(own, Contract):
        return own
    if not isinstance(base, Gen3DEnv):
        raise ContractError("env", base, "has no contract", "Give an environment of Gen3D")
    width, height = base._size
    control = next(name for name, made in CONTROLLERS.items() if isinstance(base.controller, made))  # type: ignore[arg-type]
    steps = None if env.spec is None else env.spec.max_episode_steps
    return make_contract(
        base.robot_name, obs_type=base._obs_type, cameras=base._cameras, observation_width=width,
        observation_height=height, control=control, control_hz=base.control_hz, max_episode_steps=steps,
    )  # fmt: skip


def make_contract(
    robot: str = "widowx",
    *,
    obs_type: str = "pixels_agent_pos",
    cameras: Sequence[str] = ("front",),
    observation_width: int = 128,
    observation_height: int = 128,
    control: str = "ee_delta",
    control_hz: int = 5,
    max_episode_steps: int | None = None,
) -> Contract:
    """The contract of an environment with these arguments; see :class:`gen3d_envs.env.Gen3DEnv`. Starts no engine.

    Raises:
        FieldError: an unknown robot, kind of observation, camera or control, or a rate below 1.
    """
    arm = get_robot(robot)
    for field, value, known in (
        ("obs_type", obs_type, OBS_TYPES), ("control", control, tuple(CONTROLLERS)),
        *(("cameras", name, CAMERAS) for name in cameras),
    ):  # fmt: skip
        if value not in known:
            raise FieldError(field, value, "is not known", f"Use one of {', '.join(known)}")
    if isinstance(control_hz, bool) or not isinstance(control_hz, int) or control_hz < 1:
        raise FieldError("control_hz", control_hz, "is no control rate", "Give a whole number of steps per second")
    names = tuple(joint.name for joint in arm.model.joints)
    vectors: tuple[VectorKey, ...] = ()
    if obs_type == "state":
        vectors = (VectorKey(key="", numbers=_numbers(state_terms(names))),)
    elif obs_type == "pixels_agent_pos":
        vectors = (VectorKey(key="agent_pos", numbers=_numbers(AGENT_POS)),)
    pictures: tuple[PictureKey, ...] = ()
    if obs_type != "state":
        by_name = {spec.name: spec for spec in camera_specs(arm)}
        pictures = tuple(
            PictureKey(
                key="pixels" if len(cameras) == 1 else f"pixels/{name}", camera=name, height=observation_height,
                width=observation_width, fov_x_rad=_round(by_name[name].fov_x_rad),
                fov_y_rad=_round(by_name[name].fov_y_rad),
            )
            for name in cameras
        )  # fmt: skip
    x, y, z = arm.base_position_m
    return Contract(
        robot=arm.name,
        arm_joints=names[: arm.arm_joints],
        finger_joints=names[arm.arm_joints :],
        base_position_m=(_round(x), _round(y), _round(z)),
        tool_frame="midway between the finger tips, 10 mm above the very tips; no rotation = pointing straight down, "
        "fingers closing along the base's y",
        obs_type=obs_type,
        vectors=vectors,
        pictures=pictures,
        action=_action(arm, control, control_hz),
        control_hz=control_hz,
        horizon_steps=math.ceil(EPISODE_S * control_hz) if max_episode_steps is None else max_episode_steps,
    )


def _action(arm: Robot, control: str, control_hz: int) -> ActionContract:
    if control == "ee_delta":
        move, turn = _round(TOOL_SPEED_MPS / control_hz), _round(TOOL_TURN_RADPS / control_hz)
        return ActionContract(
            kind="ee_delta", labels=("dx", "dy", "dz", "droll", "dpitch", "dyaw", "gripper"),
            units=("m",) * 3 + ("rad",) * 3 + ("1",), scale=(move,) * 3 + (turn,) * 3 + (1.0,),
            frame="scene, whose axes are those of the robot's base",
            rotation="extrinsic x-y-z Euler angles, applied before the tool's own rotation",
        )  # fmt: skip
    step, count = _round(JOINT_SPEED_RADPS / control_hz), arm.arm_joints
    return ActionContract(
        kind="joint_delta", labels=(*(joint.name for joint in arm.model.joints[:count]), "gripper"),
        units=("rad",) * count + ("1",), scale=(step,) * count + (1.0,), frame="joint", rotation="none",
    )  # fmt: skip


def _numbers(terms: Sequence[ObservationTerm]) -> tuple[Numbers, ...]:
    return tuple(
        Numbers(name=t.name, labels=t.labels, unit=t.unit, frame=t.frame, low=_round(t.low), high=_round(t.high))
        for t in terms
    )


def difference(wanted: Contract, given: Contract) -> list[str]:
    """What differs, one readable line per field in the order of the record; empty where the contracts are equal.

    Args:
        wanted: what the policy was made for.
        given: what it meets.
    """
    first, second = dict(_flat(msgspec.to_builtins(wanted))), dict(_flat(msgspec.to_builtins(given)))
    lines = []
    for path in [*first, *(path for path in second if path not in first)]:
        if path not in first:
            lines.append(f"{path}: not wanted, given {second[path]!r}")
        elif path not in second:
            lines.append(f"{path}: wanted {first[path]!r}, not given")
        elif first[path] != second[path]:
            lines.append(f"{path}: wanted {first[path]!r}, given {second[path]!r}")
    return lines


def require_same(wanted: Contract, given: Contract, ignore: Sequence[str] = ()) -> None:
    """Refuse a policy where its contract is not that of the environment.

    Args:
        wanted: what the policy was made for.
        given: what it meets.
        ignore: fields that may differ, with all below them: ``("horizon_steps", "pictures[0].resize")``.

    Raises:
        ContractError: the contracts differ; ``differences`` holds the lines of :func:`difference`.
    """
    lines = [line for line in difference(wanted, given) if not any(_below(line, name) for name in ignore)]
    if lines:
        listed = "\n  ".join(lines)
        raise ContractError(
            "contract", given.robot, f"is not the one that the policy was made for:\n  {listed}\n",
            "Make the environment with the policy's own arguments, or use a policy made for this one", tuple(lines),
        )  # fmt: skip


def _below(line: str, name: str) -> bool:
    path = line.partition(": ")[0]
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; a list of plain values is one leaf, so that a difference reads in one line."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flat(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple) and any(isinstance(part, dict) for part in value):
        for index, part in enumerate(value):
            yield from _flat(part, f"{path}[{index}]")
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _round(value: float) -> float:
    return round(float(value), DECIMALS)
