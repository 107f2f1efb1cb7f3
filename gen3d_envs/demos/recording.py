"""What a recording holds, whatever the data set beside it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from gen3d_envs.errors import EngineUnavailable
from gen3d_envs.evaluation.plan import Plan, SceneRow, Settings
from gen3d_envs.evaluation.result import Provenance
from gen3d_envs.spec import Seed, Sha256, Spec, to_json

Format = Literal["lerobot", "minari"]

RECORDING = "meta/gen3d.json"


class DemoRow(Spec, frozen=True, kw_only=True):
    """One recorded episode.

    Attributes:
        scene, axis, seed: what ``reset`` was given.
        start, end: beginnings of the hashes of the states after the reset and after the last step.
        instruction, success, outcome, steps: as in an evaluation.
    """

    scene: str
    axis: str
    seed: Seed
    start: str
    end: str
    instruction: str
    success: bool
    outcome: str
    steps: int


class Recording(Spec, frozen=True, kw_only=True):
    """``meta/gen3d.json``: how the episodes came about, so that they can be simulated again.

    Attributes:
        gen3d_recording: version of this format.
        format: of the data set beside it.
        settings, scenes, engine, renderer: of the environment and policy.
        benchmark: hash of all scenes that were asked for.
        failures: episodes that failed, or could not start, and are not in the data set.
        provenance: versions, commit, machine.
        episodes: in the order of their indices.
    """

    gen3d_recording: Literal[1] = 1
    format: Format = "lerobot"
    settings: Settings
    scenes: tuple[SceneRow, ...]
    engine: str
    renderer: str
    benchmark: Sha256
    failures: int
    provenance: Provenance
    episodes: tuple[DemoRow, ...]


@dataclass(frozen=True, eq=False)
class Demo:
    """One recorded episode with everything in it.

    Attributes:
        row: what it was.
        frames: of each step ``observation`` (before it), ``action``, ``reward``, ``terminated``, ``done``, ``success``.
        last: the observation after the last step.
    """

    row: DemoRow
    frames: Sequence[dict[str, Any]]
    last: Any


class Writer(Protocol):
    """Writes episodes into an empty folder; nothing of it is of use before :meth:`finish`."""

    def add(self, demo: Demo) -> None:
        """Write one episode."""

    def finish(self, failures: int) -> Recording:
        """Write what describes the episodes; ``failures`` is how many others were dropped."""

    def close(self) -> None:
        """Let go of the files that are open."""


def arrow() -> Any:
    """The module pyarrow with ``parquet``.

    Raises:
        EngineUnavailable: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise EngineUnavailable("Data sets need pyarrow: pip install 'gen3d-envs[data]'") from None
    return pyarrow


def write_recording(folder: Path, recording: Recording) -> Recording:
    """Write ``meta/gen3d.json`` into the folder of a data set; returns what was written."""
    path = folder / RECORDING
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(to_json(recording), indent=1) + b"\n")
    return recording


def recording_of(
    plan: Plan, format: Format, engine: str, renderer: str, failures: int, origin: Provenance, rows: Sequence[DemoRow]
) -> Recording:
    """The recording of episodes of a plan."""
    return Recording(
        format=format, settings=plan.settings, scenes=plan.scenes, engine=engine, renderer=renderer,
        benchmark=plan.benchmark, failures=failures, provenance=origin, episodes=tuple(rows),
    )  # fmt: skip
