"""Measuring the policies of a study, with the same episodes for every one of them."""

from __future__ import annotations

from pathlib import Path

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Settings, make_plan
from gen3d_envs.evaluation.result import Result, read_result
from gen3d_envs.evaluation.run import evaluate

from .settings import HANDMADE, IMITATION, StudySettings, measured_name, parse_measured
from .stages import OutOfTime, Study
from .table import CONTROLS, OTHER, PLACES, Trained

BENCHMARK = "gen3d-100"
RESULTS = "results"
"""Folder of a study's results."""

CONDITIONS = ("blank_instruction", OTHER)
"""Conditions that show whether the instruction is used."""


def measured(study: Study, name: str, policy: Path, split: str, axes: tuple[str, ...] = ()) -> Result:
    """The result of a policy on a split; evaluated where it is not there. Episodes are kept when the time is over."""
    settings = study.settings
    out = result_file(study, name, split, axes)
    if out.is_file():
        return read_result(out)
    plan = make_plan(
        Settings(
            policy=str(policy), target=BENCHMARK, split=split, axes=axes, physics=settings.physics,
            episodes=settings.handmade_episodes if split == HANDMADE else settings.episodes,
            width=settings.pixels, height=settings.pixels,
        )
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)

    def tell(done: int, total: int, newest: object) -> None:
        study.tell(f"measuring {name}, {split}", done, total, "")
        _ = study.left_s

    with study.alone(out.stem):
        return read_result(out) if out.is_file() else evaluate(plan, out, study.jobs, name, progress=tell)


def run(study: Study, only: str | None = None) -> list[Trained]:
    """Do everything that is missing, in an order in which the headline comes first; see :class:`Study`.

    Args:
        study: which, and where.
        only: a number of scenes, ``handmade``, or ``imitation``; everything where None.

    Raises:
        OutOfTime: the budget is used up.
        FieldError: ``only`` names nothing of the study.
    """
    settings = study.settings
    chosen, most = order(settings, only), max(settings.counts)
    start = study.imitation()
    for split in settings.splits:
        measured(study, IMITATION, start, split)
    for split in settings.splits if most in chosen else ():
        measured(study, measured_name(most, 0, 0), study.focused(most), split)
    for seed in settings.seeds:
        for count in chosen:
            name = measured_name(count, seed, settings.decisions)
            wanted: list[tuple[str, tuple[str, ...]]] = [(split, ()) for split in settings.splits]
            if count == most and "train" in settings.splits:
                wanted.append(("train", CONDITIONS))
            if all(result_file(study, name, split, axes).is_file() for split, axes in wanted):
                continue  # the training may have gone on since
            policy = study.fine_tuned(count, seed)
            for split, axes in wanted:
                measured(study, name, policy, split, axes)
    return found(study.folder / RESULTS)


def result_file(study: Study, name: str, split: str, axes: tuple[str, ...] = ()) -> Path:
    """Where a result is kept."""
    return study.folder / RESULTS / f"{name}-{CONTROLS if axes else split}.json"


def order(settings: StudySettings, only: str | None = None) -> list[int]:
    """Numbers of scenes in the order of the work: the most and the fewest first, for they are the headline.

    Raises:
        FieldError: ``only`` names nothing of the study.
    """
    counts = sorted({count for count in settings.counts if count > 0}, reverse=True)
    chosen = [counts[0], counts[-1], *counts[1:-1]] if len(counts) > 1 else counts
    if 0 in settings.counts:
        chosen.append(0)
    names = {HANDMADE if count == 0 else str(count): count for count in chosen}
    if only is not None and only not in (*names, IMITATION):
        raise FieldError("only", only, "is not in this study", f"Use one of {', '.join([IMITATION, *names])}")
    return [count for name, count in names.items() if only in (None, name)]


def found(folder: Path) -> list[Trained]:
    """What has been measured so far, in a folder of results."""
    results: dict[tuple[int, int], dict[str, dict[int, Result]]] = {}
    first: dict[str, dict[int, Result]] = {}
    for path in sorted(folder.glob("*.json")):
        split = next((split for split in (CONTROLS, *PLACES) if path.stem.endswith(f"-{split}")), "")
        name = path.stem.removesuffix(f"-{split}")
        run = parse_measured(name)
        if not split or (run is None and name != IMITATION):
            continue
        if run is None:
            first[split] = {0: read_result(path)}
            continue
        count, seed, decisions = run
        results.setdefault((decisions, count), {}).setdefault(split, {})[seed] = read_result(path)
    trained = [Trained(IMITATION, first)] if first else []
    for (decisions, count), by_split in sorted(results.items()):
        trained.append(Trained(HANDMADE if count == 0 else str(count), by_split, decisions))
    return trained


__all__ = ["CONDITIONS", "RESULTS", "OutOfTime", "found", "measured", "order", "run"]
