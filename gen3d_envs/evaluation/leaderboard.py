"""Results worth keeping: one small file per policy and benchmark in ``registry/results``, and the tables of them.

A table holds results of one benchmark, split, robot, engine and reality profile; engines are never mixed. A row of
another version of its benchmark (another hash) is marked and has no rank.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.errors import FieldError, SceneError
from gen3d_envs.evaluation.plan import Settings, Text, benchmark_hash
from gen3d_envs.evaluation.result import Positive, Provenance, Result
from gen3d_envs.evaluation.statistics import Rate, summarize
from gen3d_envs.registration import registry_folder
from gen3d_envs.spec import Sha256, Spec, to_json

MAX_ROW_BYTES = 1_000_000


class Tally(Spec, frozen=True, kw_only=True):
    """Successes and partial successes of some episodes, with the 95 % Wilson interval of the success rate."""

    episodes: int
    successes: int
    low: float
    high: float
    partial: float
    time_s: Positive | None = None


class Row(Spec, frozen=True, kw_only=True):
    """A result without its episodes.

    Attributes:
        gen3d_result: version of this format.
        name, settings, benchmark, plan, episodes_sha256, engine, renderer, constants, provenance: as in
            :class:`Result`.
        scenes: how many.
        mean, low, high: success over strata with its stratified bootstrap interval.
        all, families, axes: counts.
        outcomes: how often each outcome came.
        steps_per_s: of one process.
    """

    gen3d_result: Literal[1] = 1
    name: Text
    settings: Settings
    benchmark: Sha256
    plan: Sha256
    episodes_sha256: Sha256
    engine: Text
    renderer: Text
    constants: dict[str, float]
    provenance: Provenance
    scenes: int
    mean: float
    low: float
    high: float
    all: Tally
    families: dict[str, Tally]
    axes: dict[str, Tally]
    outcomes: dict[str, int]
    steps_per_s: float

    @property
    def place(self) -> tuple[str, ...]:
        """The table it belongs to: benchmark and split, axes, robot, engine, reality."""
        s = self.settings
        axes = ", ".join(self.axes)
        return f"{s.target} {s.split or ''}".strip(), axes, str(s.robot), self.engine, s.reality or ""


@dataclass(frozen=True)
class Standing:
    """A row in its table: its rank from 1, or None where it is of another version of the benchmark."""

    row: Row
    rank: int | None


@dataclass(frozen=True)
class Table:
    """Rows that may be compared, best first."""

    title: str
    standings: tuple[Standing, ...]


def results_folder() -> Path:
    """Where released rows are."""
    return registry_folder() / "results"


def row_of(result: Result) -> Row:
    """The row of a result."""
    found = summarize(result)
    return Row(
        name=result.name, settings=result.settings, benchmark=result.benchmark, plan=result.plan,
        episodes_sha256=result.episodes_sha256, engine=result.engine, renderer=result.renderer,
        constants=result.constants, provenance=result.provenance, scenes=len(result.scenes),
        mean=found.stratified.mean, low=found.stratified.low, high=found.stratified.high, all=_tally(found.overall),
        families={name: _tally(rate) for name, rate in found.families.items()},
        axes={name: _tally(rate) for name, rate in found.axes.items()}, outcomes=found.outcomes,
        steps_per_s=result.timing.steps_per_s,
    )  # fmt: skip


def _tally(rate: Rate) -> Tally:
    return Tally(
        episodes=rate.episodes, successes=rate.successes, low=rate.low, high=rate.high, partial=rate.partial,
        time_s=rate.time_s,
    )  # fmt: skip


def add(result: Result, folder: Path) -> Path:
    """Write the row of a result into a folder, replacing an earlier one of the same policy there.

    Raises:
        FieldError: the result is of scenes that are no released benchmark or ID, or of another version of them.
    """
    row = row_of(result)
    if any(scene.card is not None for scene in result.scenes) or not _current(row):
        raise FieldError(
            "benchmark", result.benchmark, f"is not that of {result.settings.target} as it is released",
            "Evaluate on a released benchmark of this version",
        )  # fmt: skip
    s = result.settings
    engine = row.engine.split(",")[0].split()[0]
    words = [s.target, s.split or "", "-".join(s.axes), str(s.robot), engine, s.reality or "", result.name]
    slug = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words)))
    path = folder / f"{slug[:180]}.json"
    write_atomically(path, msgspec.json.format(to_json(row), indent=1) + b"\n")
    return path


def read_rows(folder: Path) -> list[Row]:
    """All rows of a folder, in the order of their file names.

    Raises:
        FieldError: a file that is no row.
    """
    rows = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if path.stat().st_size > MAX_ROW_BYTES:
            raise FieldError(str(path), path.stat().st_size, "is too large for a row", "Take it away")
        try:
            rows.append(msgspec.json.decode(path.read_bytes(), type=Row))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FieldError(str(path), "", f"is no row of results ({error})", "Take it away") from None
    return rows


def tables(rows: Sequence[Row]) -> list[Table]:
    """Rows in tables that hold only what may be compared, best first; those of another benchmark hash at the end."""
    places: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    made = []
    for place, members in sorted(places.items()):
        current = {id(row): _current(row) for row in members}
        ordered = sorted(members, key=lambda row: (not current[id(row)], -row.mean, row.name))
        standings, rank = [], 0
        for row in ordered:
            rank += current[id(row)]
            standings.append(Standing(row, rank if current[id(row)] else None))
        scenes, axes, robot, engine, reality = place
        title = ", ".join(filter(None, (scenes, "" if axes in scenes else axes, robot, engine, reality)))
        made.append(Table(title, tuple(standings)))
    return made


def _current(row: Row) -> bool:
    try:
        return benchmark_hash(row.settings.target) == row.benchmark
    except (FieldError, SceneError):
        return False
