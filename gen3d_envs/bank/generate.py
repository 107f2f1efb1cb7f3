"""Making a bank from a plan: several processes make scenes, one writes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gen3d_envs.bank.index import BankFolder, BankIndex, Entry, Settings
from gen3d_envs.bank.make import Made, make
from gen3d_envs.bank.plan import SPARES, Plan, SceneRequest
from gen3d_envs.errors import FieldError
from gen3d_envs.processes import run_all

MAX_JOBS = 256


@dataclass(frozen=True)
class Run:
    """What one run did.

    Attributes:
        index: of the whole bank, earlier runs included.
        made: scenes made by this run.
        cpu_s: processor time that this run took, starting its processes included.
        wall_s: time that it took.
    """

    index: BankIndex
    made: int
    cpu_s: float
    wall_s: float

    @property
    def scenes_per_core_hour(self) -> float:
        """Certified scenes per hour of one core; 0 where the run made none."""
        return self.made * 3600.0 / self.cpu_s if self.cpu_s else 0.0


Progress = Callable[[int, int, Entry], None]
"""Called with how many places are done, how many there are, and the newest; also for those done in earlier runs."""


def generate(
    plan: Plan,
    settings: Settings,
    out: str | Path,
    jobs: int = 1,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Make the bank of a plan, or what is missing of it.

    The result depends on the plan and the settings alone: not on ``jobs``, on the order in which scenes are finished,
    nor on how often it was stopped and continued.

    Args:
        plan: what to make.
        settings: how; their ``plan`` is the hash of ``plan``.
        out: folder of the bank.
        jobs: processes that make scenes.
        limit: only the first places of the plan; all where None.
        progress: see :data:`Progress`.

    Raises:
        FieldError: a number out of range, or a folder that is in use or holds another bank.
        Gen3DError: a process was killed; another run continues.
    """
    if isinstance(jobs, bool) or not 1 <= jobs <= MAX_JOBS:
        raise FieldError(
            "jobs", jobs, f"is no number of processes from 1 to {MAX_JOBS}", "Use as many as there are cores"
        )
    if limit is not None and limit < 1:
        raise FieldError("limit", limit, "is no number of scenes", "Use at least 1")
    start, own_cpu = time.perf_counter(), time.process_time()
    wanted = plan.requests[:limit]
    bank = BankFolder(out)
    with bank.locked():
        index = bank.begin(settings)
        # The journal comes last: it may hold a scene that was made again because its files were damaged.
        done = {entry.index: entry for entry in index.scenes if entry.name is None or bank.intact(entry)}
        done |= bank.journal()
        told = 0
        for request in wanted:
            if request.index in done and progress is not None:
                told += 1
                progress(told, len(wanted), done[request.index])
        missing = [request for request in wanted if request.index not in done]
        made, cpu = 0, {os.getpid(): 0.0}
        for result in _results(plan, settings, missing, jobs):
            bank.write_scene(result.entry, result.card, result.assets)
            done[result.entry.index] = result.entry
            made += result.card is not None
            if result.process != os.getpid():
                cpu[result.process] = max(result.cpu_s, cpu.get(result.process, 0.0))
            if progress is not None:
                told += 1
                progress(told, len(wanted), result.entry)
        if missing or not index.complete or len(done) != len(index.scenes):
            index = bank.finish(settings, list(done.values()))
        else:
            bank.clear_journal()
    cpu_s = time.process_time() - own_cpu + sum(cpu.values())
    return Run(index, made, cpu_s, time.perf_counter() - start)


def _results(plan: Plan, settings: Settings, missing: list[SceneRequest], jobs: int) -> Iterator[Made]:
    """The scenes of the missing places as they are finished."""
    work = [(_candidates(plan, request), settings) for request in missing]
    lost = "A process that makes scenes was killed: run the same command again."
    return run_all(make, work, min(jobs, len(work)), lost)


def _candidates(plan: Plan, request: SceneRequest) -> tuple[SceneRequest, ...]:
    spares = (plan.spare(request, number) for number in range(1, SPARES + 1))
    return (request, *(spare for spare in spares if spare is not None))
