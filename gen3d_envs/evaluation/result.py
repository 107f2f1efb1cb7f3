"""The record of an evaluation: who was evaluated where, with what, and every single episode."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Planned, SceneRow, Settings, Text
from gen3d_envs.spec import Seed, Sha256, Spec, to_json

MAX_RESULT_BYTES = 500_000_000

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(ge=0.0)]


class EpisodeRow(Spec, frozen=True, kw_only=True):
    """One finished episode; nothing in it depends on the machine's speed or on what ran before.

    Attributes:
        scene, axis, index, seed: which episode, see :class:`gen3d_envs.evaluation.plan.Planned`.
        start: beginning of the hash of the state it started from (poses, joints, instruction, what was drawn): equal
            for every policy.
        instruction: as the policy got it.
        success: the task's verdict.
        outcome: how it ended: ``"success"`` or the kind of failure.
        partial: at some time the target was lifted or brought to the goal (a success counts).
        steps: control steps.
        time_to_success_s: simulated; None without success.
    """

    scene: Text
    axis: Text
    index: Count
    seed: Seed
    start: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
    instruction: Annotated[str, msgspec.Meta(max_length=4000)]
    success: bool
    outcome: Text
    partial: bool
    steps: Annotated[int, msgspec.Meta(ge=0)]
    time_to_success_s: Positive | None

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies the episode in its evaluation."""
        return self.scene, self.axis, self.index


class Excluded(Spec, frozen=True, kw_only=True):
    """An episode of the plan that is left out, whoever acts: the axis fits not the scene, or changes nothing there."""

    scene: Text
    axis: Text
    index: Count
    reason: Text


class Machine(Spec, frozen=True, kw_only=True):
    """Where it ran: operating system, processor and how many cores it offers."""

    system: str
    processor: str
    cores: Count


class Provenance(Spec, frozen=True, kw_only=True):
    """Where a result comes from.

    Attributes:
        command: that made it.
        started: date and time, UTC, ISO 8601.
        versions: of this package and of what it stands on.
        git_commit: of the checkout it ran from; None for an installed package.
        git_changed: whether that checkout had uncommitted changes in the code.
        machine: where.
        policy_sha256: hash of the policy's files; None where it is not made of files of this machine, or the result is
            of a time when that was not recorded.
    """

    command: str
    started: str
    versions: dict[str, str]
    git_commit: str | None
    git_changed: bool
    machine: Machine
    policy_sha256: Sha256 | None = None


class Timing(Spec, frozen=True, kw_only=True):
    """How long it took; no part of the table of episodes.

    Attributes:
        jobs: processes of the last run.
        wall_s: of all runs that made it, where it was stopped and continued.
        episode_s: wall seconds spent inside episodes, all processes together.
        cpu_s: processor seconds inside episodes.
        steps: control steps of all episodes.
    """

    jobs: Count
    wall_s: Positive
    episode_s: Positive
    cpu_s: Positive
    steps: Count

    @property
    def steps_per_s(self) -> float:
        """Control steps per wall second of one process, policy included."""
        return self.steps / self.episode_s if self.episode_s else 0.0


class Result(Spec, frozen=True, kw_only=True):
    """A finished evaluation.

    Attributes:
        gen3d_evaluation: version of this format.
        name: what the policy is called in tables.
        settings: what was asked for.
        benchmark, plan: hashes of the scenes that were asked for, and of all episodes and their worlds.
        engine, renderer: names with versions and settings, as ``info`` gives them.
        constants: physics and timing constants, with their units.
        provenance, timing: where it comes from and how long it took.
        scenes: in which episodes took place.
        excluded: episodes that were left out.
        episodes_sha256: of the table of episodes.
        episodes: all others, in the order of the plan.
    """

    gen3d_evaluation: Literal[1] = 1
    name: Text
    settings: Settings
    benchmark: Sha256
    plan: Sha256
    engine: Text
    renderer: Text
    constants: dict[str, float]
    provenance: Provenance
    timing: Timing
    scenes: tuple[SceneRow, ...]
    excluded: tuple[Excluded, ...]
    episodes_sha256: Sha256
    episodes: Annotated[tuple[EpisodeRow, ...], msgspec.Meta(min_length=1)]


def digest(episodes: tuple[EpisodeRow, ...]) -> str:
    """Hash of a table of episodes."""
    return hashlib.sha256(msgspec.json.encode(episodes)).hexdigest()


def schema() -> dict[str, Any]:
    """JSON schema of a result file."""
    return msgspec.json.schema(Result)


def write_result(path: str | Path, result: Result) -> None:
    """Write a result, whole or not at all; one line per episode."""
    head = msgspec.json.format(to_json(msgspec.structs.replace(result, episodes=())), indent=1)
    end = b'"episodes": []\n}'
    assert head.endswith(end)  # the episodes come last
    rows = b",\n  ".join(msgspec.json.encode(row) for row in result.episodes)
    write_atomically(Path(path), head[: -len(end)] + b'"episodes": [\n  ' + rows + b"\n ]\n}\n")


def read_result(path: str | Path) -> Result:
    """Read a result and check it.

    Raises:
        FieldError: it is not there, no result, of a later version, damaged, or changed by hand.
        OSError: it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FieldError("result", str(path), "is no file", "Give what gen3d evaluate --out wrote")
    size = path.stat().st_size
    if size > MAX_RESULT_BYTES:
        raise FieldError(str(path), size, "is too large for a result", "It is none")
    data = path.read_bytes()
    try:
        result: Result = msgspec.json.decode(data, type=Result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FieldError(str(path), data[:40], f"is no result ({error})", "Give what gen3d evaluate wrote") from None
    check(result, str(path))
    return result


def check(result: Result, where: str = "result") -> None:
    """Refuse a result that contradicts itself.

    Raises:
        FieldError: it does.
    """
    if digest(result.episodes) != result.episodes_sha256:
        raise FieldError(f"{where}: episodes_sha256", result.episodes_sha256, "is not that of the episodes",
                         "The table was changed: evaluate again")  # fmt: skip
    scenes = {row.name for row in result.scenes}
    seen: set[tuple[str, str, int]] = set()
    for number, row in enumerate(result.episodes):
        problem = None
        if row.key in seen:
            problem = "is there twice"
        elif row.scene not in scenes:
            problem = "is in a scene that is not listed"
        elif row.success != (row.outcome == "success") or row.success != (row.time_to_success_s is not None):
            problem = "says both success and failure"
        elif row.success and not row.partial:
            problem = "succeeds without getting half as far"
        if problem:
            raise FieldError(f"{where}: episodes[{number}]", row.key, problem, "Evaluate again")
        seen.add(row.key)


def where(result: Result) -> str:
    """Benchmark, split, robot, engine and perturbations in one line."""
    s = result.settings
    parts = [f"{s.target} {s.split or ''}".strip(), str(s.robot), result.engine]
    parts += [f"reality {s.reality}"] if s.reality else []
    return ", ".join(parts + ([f"over {s.transport}"] if s.transport not in (None, "direct") else []))


def planned(row: EpisodeRow) -> Planned:
    """The episode as it stood in the plan."""
    return Planned(scene=row.scene, axis=row.axis, index=row.index, seed=row.seed)
