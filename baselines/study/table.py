"""What a study found: success by what was trained on and where it was measured, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gen3d_envs.evaluation.result import EpisodeRow, Result
from gen3d_envs.evaluation.statistics import Estimate, Rate, rate

PLACES = ("train", "heldout", "handmade")
"""Splits of the benchmark that every policy is measured on."""

CONTROLS = "train-controls"
"""Training episodes again, with instructions that ask for nothing, or for the other object."""

OTHER = "other_object"
"""The condition of :data:`CONTROLS` that asks for the other object."""

PAPER: Mapping[str, tuple[float, float]] = {
    "imitation": (9.7, 23.7), "handmade": (36.0, 96.7), "1": (51.6, 36.1), "10": (72.1, 54.3), "25": (78.3, 70.1),
    "50": (79.2, 68.4), "100": (79.8, 74.3),
}  # fmt: skip
"""Success in % on generated and on hand-made scenes that arXiv 2603.18532 reports, by what was trained on."""


@dataclass(frozen=True)
class Trained:
    """The results of one way of training, over all its seeds.

    Attributes:
        name: ``imitation``, ``handmade`` or a number of scenes.
        results: split (or :data:`CONTROLS`) -> result of each seed of the training.
        decisions: of the fine-tuning; 0 before it.
    """

    name: str
    results: Mapping[str, Mapping[int, Result]]
    decisions: int = 0

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings."""
        return tuple(sorted(set().union(*self.results.values())))

    def of(self, split: str) -> list[Result]:
        """The results of a split, seed by seed."""
        return [result for _, result in sorted(self.results.get(split, {}).items())]

    def rows(self, split: str) -> list[EpisodeRow]:
        """All episodes of a split, seed by seed."""
        return [row for result in self.of(split) for row in result.episodes]

    def rate(self, split: str) -> Rate | None:
        """Success over all seeds; None where it was not measured."""
        rows = self.rows(split)
        return rate(rows) if rows else None


def time_ratio(before: Trained, after: Trained, split: str) -> Estimate | None:
    """How many times longer ``before`` takes than ``after`` in episodes that both solve; None where there are none.

    Episodes are paired by scene and number; the ratio is that of the sums of their times, with the interval of the
    bootstrap over pairs.
    """
    first = {(row.scene, row.axis, row.index): row for row in before.rows(split)}
    pairs = [
        (mine.time_to_success_s, row.time_to_success_s)
        for row in after.rows(split)
        if (mine := first.get((row.scene, row.axis, row.index))) is not None
        and mine.time_to_success_s is not None
        and row.time_to_success_s is not None
    ]
    if not pairs:
        return None
    import numpy as np

    times = np.array(pairs, np.float64)
    rng = np.random.default_rng(0)
    drawn = times[rng.integers(len(times), size=(2000, len(times)))].sum(1)
    ratios = drawn[:, 0] / drawn[:, 1]
    low, high = np.quantile(ratios, (0.025, 0.975))
    total = times.sum(0)
    return Estimate(float(total[0] / total[1]), float(low), float(high))


@dataclass(frozen=True)
class Gain:
    """What one way of training brings beyond another, in points of success.

    Attributes:
        name: what is compared.
        decisions: of both.
        seeds: of the first and of the second.
        points: second minus first, from -1 to 1.
    """

    name: str
    decisions: int
    seeds: tuple[int, int]
    points: Estimate


def gains(trained: Sequence[Trained]) -> list[Gain]:
    """By every number of decisions: most scenes against fewest, and hand-made scenes against generated ones."""
    found = []
    for decisions in sorted({each.decisions for each in trained if each.decisions > 0}):
        these = [each for each in trained if each.decisions == decisions]
        numbers = sorted((each for each in these if each.name.isdigit()), key=lambda each: int(each.name))
        if len(numbers) > 1:
            few, many = numbers[0], numbers[-1]
            for split, where in (("heldout", "held-out scenes"), ("train", "the training scenes")):
                points = apart(_grid(few, split), _grid(many, split), paired=True)
                name = f"{few.name} to {many.name} generated scenes, in {where}"
                if points is not None:
                    found.append(Gain(name, decisions, (len(few.seeds), len(many.seeds)), points))
        for each in these:
            if each.name == "handmade":
                points = apart(_grid(each, "train"), _grid(each, "handmade"), paired=False)
                if points is not None:
                    name = "trained by hand-made scenes: there, against generated scenes"
                    found.append(Gain(name, decisions, (len(each.seeds),) * 2, points))
    return found


def _grid(trained: Trained, split: str) -> list[dict[tuple[str, int], bool]]:
    return [{(row.scene, row.index): row.success for row in result.episodes} for result in trained.of(split)]


def apart(
    first: Sequence[Mapping[tuple[str, int], bool]], second: Sequence[Mapping[tuple[str, int], bool]], paired: bool
) -> Estimate | None:
    """Difference of mean success, with the interval of a bootstrap over seeds and, within them, over episodes.

    Args:
        first: success by scene and number of the episode, one for each seed of the training.
        second: of the other training.
        paired: whether they are the same episodes, which are then drawn together.

    Returns:
        None where there is nothing to compare.
    """
    import numpy as np

    if not first or not second:
        return None
    keys = [sorted(set.intersection(*(set(each) for each in some))) for some in (first, second)]
    if paired:
        keys = [sorted(set(keys[0]) & set(keys[1]))] * 2
    if not all(keys):
        return None
    grids = [
        np.array([[each[key] for key in names] for each in some], np.float64)
        for some, names in zip((first, second), keys, strict=True)
    ]
    rng, drawn = np.random.default_rng(0), np.zeros((2000, 2))
    for draw in drawn:
        columns = [rng.integers(grid.shape[1], size=grid.shape[1]) for grid in grids]
        if paired:
            columns[1] = columns[0]
        for k, grid in enumerate(grids):
            draw[k] = grid[rng.integers(len(grid), size=len(grid))][:, columns[k]].mean()
    low, high = np.quantile(drawn[:, 1] - drawn[:, 0], (0.025, 0.975))
    return Estimate(float(grids[1].mean() - grids[0].mean()), float(low), float(high))


def misled(trained: Trained) -> tuple[float, float, tuple[int, ...]] | None:
    """Success as asked, on the same object in the same episodes when the other one is asked for, and of which seeds.

    A policy that does not read would do the same in both. None where no seed was measured with both.
    """
    asked, told = (trained.results.get(split, {}) for split in ("train", CONTROLS))
    seeds = tuple(sorted(asked.keys() & told.keys()))
    pairs: list[tuple[bool, bool]] = []
    for seed in seeds:
        first = {(row.scene, row.index): row.success for row in asked[seed].episodes}
        pairs += [(first[row.scene, row.index], row.success) for row in told[seed].episodes if row.axis == OTHER]
    if not pairs:
        return None
    before, after = zip(*pairs, strict=True)
    return sum(before) / len(pairs), sum(after) / len(pairs), seeds


HEAD = (
    "trained in", "decisions", "seeds", "generated scenes", "held-out scenes", "hand-made scenes",
    "time to success against imitation", "asked for the other object", "paper: generated, hand-made",
)  # fmt: skip


def rows(trained: Sequence[Trained]) -> list[list[str]]:
    """Cells under :data:`HEAD`, with the paper's figures beside what was found."""
    found = []
    first = next((each for each in trained if each.name == "imitation"), None)
    for each in trained:
        ratio = None if first is None or each is first else time_ratio(first, each, "train")
        only_looked = each.decisions == 0 and each is not first
        paper = None if only_looked else PAPER.get(each.name)
        name = {"imitation": "imitation only", "handmade": "3 hand-made scenes"}.get(
            each.name, f"{each.name} generated"
        )
        name += ", closer look alone" if only_looked else ""
        found.append(
            [
                name, f"{each.decisions:,}", str(len(each.seeds)), *(_cell(each, split) for split in PLACES),
                "" if ratio is None else f"{ratio.mean:.2f} times faster ({ratio.low:.2f} to {ratio.high:.2f})",
                _led(each),
                "" if paper is None else f"{paper[0]:.1f} %, {paper[1]:.1f} %",
            ]
        )  # fmt: skip
    return found


GAINS = ("difference", "decisions", "seeds", "points of success")


def gain_rows(trained: Sequence[Trained]) -> list[list[str]]:
    """Cells under :data:`GAINS`; the intervals are of other seeds and other episodes."""
    return [
        [
            each.name, f"{each.decisions:,}", " and ".join(map(str, dict.fromkeys(each.seeds))),
            f"{100 * each.points.mean:.1f} ({100 * each.points.low:.1f} to {100 * each.points.high:.1f})",
        ]
        for each in gains(trained)
    ]  # fmt: skip


def markdown(trained: Sequence[Trained]) -> str:
    """The tables of the study as Markdown."""
    tables = [_lines(HEAD, rows(trained))]
    if found := gain_rows(trained):
        tables.append(_lines(GAINS, found))
    return "\n\n".join(tables)


def _lines(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *cells)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _led(trained: Trained) -> str:
    found = misled(trained)
    if found is None:
        return ""
    before, after, seeds = found
    which = "" if seeds == trained.seeds else f", seed {' and '.join(map(str, seeds))}"
    return f"{100 * before:.1f} % to {100 * after:.1f} %{which}"


def _cell(trained: Trained, split: str) -> str:
    found = trained.rate(split)
    if found is None:
        return ""
    text = f"{100 * found.success:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f}, {found.episodes})"
    each = [f"{100 * rate(result.episodes).success:.1f}" for result in trained.of(split)]
    return text if len(each) == 1 else f"{text}; by seed {', '.join(each)}"
