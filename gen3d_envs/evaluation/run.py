"""Running a plan: several processes run episodes, one writes them down."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from gen3d_envs.errors import FieldError, Gen3DError, PolicyError
from gen3d_envs.evaluation.episode import POLICIES, Came, Failed, Finished, Runner
from gen3d_envs.evaluation.journal import Head, Journal, Line
from gen3d_envs.evaluation.plan import Plan, Planned, SceneRow, Settings
from gen3d_envs.evaluation.provenance import provenance, versions
from gen3d_envs.evaluation.result import Excluded, Provenance, Result, Timing, digest, read_result, write_result
from gen3d_envs.processes import run_all

MAX_JOBS = 256

ROBOT_RUNNER = "gen3d_envs.baselines.ros.evaluate:RobotRunner"
"""What runs episodes on a robot. The core names it and never imports it."""

Progress = Callable[[int, int, Finished | None], None]
"""Called with how many episodes are done, how many there are, and the newest (None for those of earlier runs)."""


@dataclass(frozen=True)
class Task:
    """What a process needs to run episodes."""

    settings: Settings
    scenes: tuple[SceneRow, ...]
    factory: str


def evaluate(
    plan: Plan,
    out: str | Path,
    jobs: int = 1,
    name: str | None = None,
    command: str = "",
    progress: Progress | None = None,
    factory: str = POLICIES,
) -> Result:
    """Run a plan, or what is missing of it, and write the result.

    The table of episodes depends on the plan and the policy alone: not on ``jobs``, on the order in which episodes are
    finished, nor on how often the run was stopped and continued.

    Args:
        plan: which episodes, by which policy.
        out: the result file; until it is written, finished episodes are in ``<out>.journal``.
        jobs: processes that run episodes, each with an environment and a policy of its own.
        name: what the policy is called in tables; as it was given where None.
        command: as it was typed, for the record.
        progress: see :data:`Progress`.
        factory: makes the policy, see :class:`Runner`.

    Raises:
        FieldError: something that cannot be used, or ``out`` holds another evaluation.
        PolicyError: the policy failed in an episode. All finished ones are kept; the same call goes on from there.
        Gen3DError: a process was killed; as above.
    """
    if isinstance(jobs, bool) or not 1 <= jobs <= MAX_JOBS:
        raise FieldError("jobs", jobs, f"is no number of processes from 1 to {MAX_JOBS}", "Use as many as cores")
    out = Path(out)
    if out.is_dir():
        raise FieldError("out", str(out), "is a folder", "Name a file, e.g. run.json")
    task = Task(plan.settings, plan.scenes, factory)
    journal, origin = Journal(out), provenance(command, plan.settings.policy)
    start = time.perf_counter()
    with journal.locked():
        if out.exists():
            return _already(out, plan, origin)
        # Made here even where other processes act: what cannot be used is refused before they start.
        with contextlib.closing(make_runner(plan.settings, plan.scenes, factory)) as runner:
            head = _head(runner, plan, origin)
            lines = journal.begin(head)
            done = {(r.scene, r.axis, r.index): line for line in lines if (r := line.row or line.excluded)}
            missing = [e for e in plan.episodes if (e.scene, e.axis, e.index) not in done]
            if progress is not None:
                progress(len(done), len(plan.episodes), None)
            if jobs > 1 and len(missing) > 1:
                runner.close()
                results = _parallel(task, missing, min(jobs, len(missing)))
            else:
                results = map(runner.run, missing)
            _collect(results, journal, done, plan, head, start, progress)
        earlier = sum(line.run_wall_s for line in lines)
        result = _result(plan, head, done, jobs, time.perf_counter() - start + earlier, name, origin)
        write_result(out, result)
        journal.clear()
    return result


def make_runner(settings: Settings, scenes: tuple[SceneRow, ...], factory: str = POLICIES) -> Runner:
    """What runs the episodes of an evaluation: the environment of this process, or a robot over ROS."""
    if settings.transport in (None, "direct"):
        return Runner(settings, scenes, factory)
    module, _, name = ROBOT_RUNNER.partition(":")
    made: Runner = getattr(import_module(module), name)(settings, scenes, factory)
    return made


def _already(out: Path, plan: Plan, origin: Provenance) -> Result:
    result = read_result(out)
    if result.plan != plan.sha256 or result.settings != plan.settings:
        raise FieldError("out", str(out), "holds another evaluation", "Use another file, or delete it")
    before = result.provenance.policy_sha256
    if before is not None and before != origin.policy_sha256:
        problem = f"holds the evaluation of what was in {plan.settings.policy} before its files changed"
        raise FieldError("out", str(out), problem, "Use another file, or delete it")
    return result


def _head(runner: Runner, plan: Plan, origin: Provenance) -> Head:
    return Head(
        settings=plan.settings, plan=plan.sha256, engine=runner.engine, renderer=runner.renderer,
        constants=runner.constants, versions=versions(), policy_sha256=origin.policy_sha256,
    )  # fmt: skip


def _collect(
    results: Iterator[Came], journal: Journal, done: dict[tuple[str, str, int], Line], plan: Plan, head: Head,
    start: float, progress: Progress | None,
) -> None:  # fmt: skip
    """Write every episode down as it comes, until all are there or the policy fails."""
    try:
        for came in results:
            if isinstance(came, Failed):
                raise came.error
            if isinstance(came, Excluded):
                line = Line(excluded=came)
                key = came.scene, came.axis, came.index
            else:
                if came.engine != head.engine or came.renderer != head.renderer:
                    raise Gen3DError(f"An episode ran on {came.engine}, {came.renderer}, not {head.engine}.")
                line, key = Line(row=came.row, cpu_s=came.cpu_s, wall_s=came.wall_s), came.row.key
            journal.add(line)
            done[key] = line
            if progress is not None:
                progress(len(done), len(plan.episodes), came if isinstance(came, Finished) else None)
    except PolicyError as error:
        kept = f"{len(done)} of {len(plan.episodes)} episodes are kept; the same command goes on from there"
        raise PolicyError(
            error.policy, error.step, error.problem, f"{error.remedy}. {kept}", error.kind, error.detail, error.retries
        ) from error
    finally:
        if len(done) < len(plan.episodes):
            journal.add(Line(run_wall_s=time.perf_counter() - start))


def _parallel(task: Task, missing: list[Planned], jobs: int) -> Iterator[Came]:
    lost = (
        "A process that runs episodes was killed, perhaps for want of memory. Finished episodes are kept: run the same "
        "command again, with fewer jobs where memory is short."
    )
    return run_all(_run, ((task, planned) for planned in missing), jobs, lost)


_RUNNERS: dict[Task, Runner] = {}
"""At most one per process: making an environment and loading a policy takes longer than an episode."""


def _run(task: Task, planned: Planned) -> Came:
    runner = _RUNNERS.get(task)
    if runner is None:
        for other in list(_RUNNERS):
            _RUNNERS.pop(other).close()
        runner = _RUNNERS[task] = make_runner(task.settings, task.scenes, task.factory)
    return runner.run(planned)


def _result(
    plan: Plan, head: Head, done: dict[tuple[str, str, int], Line], jobs: int, wall_s: float, name: str | None,
    origin: Provenance,
) -> Result:  # fmt: skip
    lines = [done[e.scene, e.axis, e.index] for e in plan.episodes]
    rows = tuple(line.row for line in lines if line.row is not None)
    excluded = tuple(line.excluded for line in lines if line.excluded is not None)
    if not rows:
        raise FieldError("axes", plan.settings.axes, f"no episode can start: {excluded[0].reason}", "Use other axes")
    return Result(
        name=name or plan.settings.policy, settings=plan.settings, benchmark=plan.benchmark, plan=plan.sha256,
        engine=head.engine, renderer=head.renderer, constants=head.constants, provenance=origin,
        timing=Timing(
            jobs=jobs, wall_s=wall_s, episode_s=sum(line.wall_s for line in lines),
            cpu_s=sum(line.cpu_s for line in lines), steps=sum(row.steps for row in rows),
        ),
        scenes=plan.scenes, excluded=excluded, episodes_sha256=digest(rows), episodes=rows,
    )  # fmt: skip
