"""Simulating a recording again: the same states, bit for bit, or the first place where they differ."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.demos import lerobot, minari
from gen3d_envs.demos.record import state_digest
from gen3d_envs.demos.recording import RECORDING, DemoRow, Recording, arrow
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.episode import Runner, fingerprint
from gen3d_envs.evaluation.plan import Planned

MAX_RECORDING_BYTES = 200_000_000
NOBODY = "gen3d_envs.demos.replay:nobody"


@dataclass(frozen=True)
class Replayed:
    """One episode simulated again: its index and row, and what differs (empty where nothing does)."""

    index: int
    row: DemoRow
    difference: str


def nobody(text: str, env: Any, seed: int) -> Any:
    """The policy of a replay: the recorded actions need none."""
    return None


def read_recording(folder: str | Path) -> Recording:
    """How the episodes of a data set came about.

    Raises:
        FieldError: the folder holds no recording of this package.
    """
    path = Path(folder) / RECORDING
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_RECORDING_BYTES else b""
        recording: Recording = msgspec.json.decode(data, type=Recording)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError(str(path), str(folder), f"is no recording ({error})", "Give what gen3d record wrote") from None
    return recording


def replay(folder: str | Path, progress: Callable[[int, int], None] | None = None) -> list[Replayed]:
    """Simulate every episode of a recording again from its seed and its actions.

    Args:
        folder: of the data set.
        progress: called with how many episodes are done and how many there are.

    Raises:
        FieldError: no recording, files that do not fit together, or another engine than it was made with.
    """
    folder = Path(folder)
    recording = read_recording(folder)
    actions = read_actions(folder, recording)
    done = []
    with closing(runner_of(recording)) as runner:
        for index, row in enumerate(recording.episodes):
            done.append(Replayed(index, row, _difference(runner, row, *actions[index])))
            if progress is not None:
                progress(len(done), len(recording.episodes))
    return done


def runner_of(recording: Recording) -> Runner:
    """What the episodes of a recording are simulated in again. What is seen plays no part: no picture is taken.

    Raises:
        FieldError: another engine than it was made with.
    """
    runner = Runner(msgspec.structs.replace(recording.settings, obs_type="state"), recording.scenes, NOBODY)
    if runner.env.world.engine != recording.engine:
        found = runner.env.world.engine
        runner.close()
        problem = f"is not that of the recording, {recording.engine}"
        raise FieldError("engine", found, problem, "Install the version that it names")
    return runner


def begin(runner: Runner, row: DemoRow) -> dict[str, Any]:
    """Reset to where a recorded episode began; returns the reset's info."""
    options = runner.prepare(Planned(scene=row.scene, axis=row.axis, index=0, seed=row.seed))
    return runner.env.reset(seed=row.seed, options=options)[1]


def _difference(runner: Runner, row: DemoRow, states: NDArray[np.float32], actions: NDArray[np.float32]) -> str:
    """What is not as recorded, or nothing."""
    env, info = runner.env, begin(runner, row)
    if fingerprint(env, info) != row.start:
        return "the state after the reset"
    for step, action in enumerate(actions):
        if not np.array_equal(env.agent_pos_terms.read(env.snapshot()).astype(np.float32), states[step]):
            return f"the arm's state before step {step}"
        _, _, _, _, info = env.step(action)
    if state_digest(env) != row.end:
        return "the state after the last step"
    return "" if info["outcome"] == row.outcome else f"the outcome, {info['outcome']} for {row.outcome}"


def read_actions(folder: Path, recording: Recording) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """States and actions of every episode, each ``(steps, d)`` float32.

    Raises:
        FieldError: files that are missing or do not fit together.
    """
    read = {"lerobot": lerobot.read_numbers, "minari": minari.read_numbers}[recording.format]
    found = []
    try:
        for (states, actions), row in zip(read(folder), recording.episodes, strict=True):
            if len(actions) != row.steps:
                raise ValueError(f"{len(actions)} frames for {row.steps} steps")
            found.append((states, actions))
    except (OSError, KeyError, ValueError, TypeError, arrow().ArrowException) as error:
        raise FieldError(str(folder), "", f"is no whole data set ({error})", "Record it again") from None
    return found
