"""Episodes of a robot as a ROS 2 bag in MCAP: what was asked, sent and seen, for anyone to read or simulate again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gen3d_envs.contract import Contract, contract_from_json
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import EngineUnavailable, FieldError
from gen3d_envs.sim.engines import DEFAULT

from . import messages
from .cdr import decode, encode, store, type_name
from .profiles import Profile
from .transport import Message

try:
    from rosbags.rosbag2 import Reader, ReaderError, StoragePlugin, Writer
except ImportError as error:
    raise EngineUnavailable("A log needs rosbags. Run: pip install 'gen3d-envs[ros]'") from error

EPISODE_TOPIC, STEP_TOPIC = "/gen3d/episode", "/gen3d/step"

MAX_RECORD = 1_000_000


class EpisodeLog:
    """Writes a bag: every command, and one record per episode and step.

    Args:
        path: folder of the bag; must not exist.
        contract, profile: of the robot; they stand in every episode's record.

    Raises:
        FieldError: the path exists.
    """

    def __init__(self, path: str | Path, contract: Contract, profile: Profile) -> None:
        if Path(path).exists():
            raise FieldError("log", str(path), "exists", "Name a new folder")
        self._writer = Writer(Path(path), version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._about = {
            "contract": json.loads(contract.to_json()), "profile": msgspec.to_builtins(profile),
        }  # fmt: skip
        self._connections: dict[str, Any] = {}
        self._open = True

    def __call__(self, at_s: float, topic: str, kind: str, message: Message) -> None:
        """Record a message that was sent, or in a dry run would have been."""
        if not self._open or kind == "control_msgs/FollowJointTrajectory":
            kind = messages.JOINT_TRAJECTORY
        if topic not in self._connections:
            name = type_name(kind)
            self._connections[topic] = self._writer.add_connection(topic, name, typestore=store())
        if self._open:
            self._writer.write(self._connections[topic], round(at_s * 1e9), encode(kind, message))

    def episode(self, at_s: float, record: Mapping[str, Any]) -> None:
        """Begin an episode: ``scene``, ``seed``, ``instruction``."""
        self(at_s, EPISODE_TOPIC, messages.STRING, {"data": json.dumps({**record, **self._about})})

    def step(self, at_s: float, record: Mapping[str, Any]) -> None:
        """A control step: the ``action`` asked for, the one ``executed``, and what was observed after it."""
        self(at_s, STEP_TOPIC, messages.STRING, {"data": json.dumps(record, default=_plain)})

    def close(self) -> None:
        """Finish the file. A second call does nothing."""
        if self._open:
            self._open = False
            self._writer.close()


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be recorded")


@dataclass
class Recorded:
    """An episode of a log."""

    about: dict[str, Any]
    contract: Contract
    steps: list[dict[str, Any]] = field(default_factory=list)


def read_log(path: str | Path) -> list[Recorded]:
    """The episodes of a log, in order.

    Raises:
        FieldError: no bag, or records that cannot be read.
        ContractError: an episode of a later version.
    """
    episodes: list[Recorded] = []
    for topic, text in _records(Path(path)):
        try:
            record = json.loads(text)
            if topic == EPISODE_TOPIC:
                contract = contract_from_json(json.dumps(record["contract"]))
                episodes.append(Recorded({k: v for k, v in record.items() if k != "contract"}, contract))
            else:
                record["executed"] = [float(value) for value in record["executed"]]
                episodes[-1].steps.append(record)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            if isinstance(error, FieldError):
                raise
            raise FieldError(topic, text, f"is no record ({error})", "Record the episode again") from None
    return episodes


def _records(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with Reader(path) as reader:
            wanted = [c for c in reader.connections if c.topic in (EPISODE_TOPIC, STEP_TOPIC)]
            for connection, _, data in reader.messages(connections=wanted) if wanted else ():
                text = str(decode(messages.STRING, bytes(data))["data"])
                if len(text) > MAX_RECORD:
                    raise FieldError(connection.topic, len(text), "is too large", "Record the episode again")
                yield connection.topic, text
    except (ReaderError, OSError, messages.BadMessage) as error:
        raise FieldError("log", str(path), f"is no log ({error})", "Give the folder of a recorded bag") from None


@dataclass(frozen=True)
class Replayed:
    """How an episode went when it was simulated again.

    Attributes:
        scene: name.
        steps: that were replayed.
        outcome, recorded_outcome: the task's verdict, there and then.
        tool_error_m: distance between tool points, simulated and observed, after every step.
    """

    scene: str
    steps: int
    outcome: str
    recorded_outcome: str
    tool_error_m: tuple[float, ...]


def replay(path: str | Path, physics: str = DEFAULT, scene: str | None = None) -> list[Replayed]:
    """Simulate the episodes of a log again: the executed actions, from the recorded scene and seed.

    Args:
        path: folder of the log.
        physics: engine.
        scene: instead of the recorded one; needed where a robot knew of none.

    Raises:
        FieldError: no log, or an episode without a scene.
    """
    results = []
    for episode in read_log(path):
        contract, name = episode.contract, scene or episode.about.get("scene")
        if not name:
            raise FieldError("scene", name, "was not recorded", "Name one with --scene")
        env = Gen3DEnv(
            scene=str(name), physics=physics, robot=contract.robot, control=contract.action.kind,
            control_hz=contract.control_hz, obs_type="state",
        )  # fmt: skip
        try:
            results.append(_replayed(env, episode))
        finally:
            env.close()
    return results


def _replayed(env: Gen3DEnv, episode: Recorded) -> Replayed:
    seed = episode.about.get("seed")
    _, info = env.reset(seed=seed if isinstance(seed, int) else None)
    errors = []
    for step in episode.steps:
        observation, _, terminated, _, info = env.step(np.array(step["executed"], np.float32))
        seen = step.get("agent_pos")
        if seen is not None:
            errors.append(float(np.linalg.norm(observation[:3] - np.array(seen[:3]))))
        if terminated:
            break
    recorded = str(episode.steps[-1].get("outcome", "")) if episode.steps else ""
    return Replayed(env.scene.spec.name, len(errors), str(info["outcome"]), recorded, tuple(errors))
