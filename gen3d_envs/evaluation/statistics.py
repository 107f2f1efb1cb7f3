"""What a table of episodes says, with the uncertainty it deserves.

Success rates have Wilson intervals. The rate over everything has a stratified bootstrap interval as rliable defines it
(Agarwal et al., NeurIPS 2021, arXiv:2108.13264): the statistic is the mean over strata, which are scene and axis,
episodes are drawn anew within them, and the interval is the percentiles'. A scene's episode of a number begins with one
seed under all axes, so it is drawn under all of them together: counting it once for each would promise too much.
Differences between conditions or policies
are taken episode by episode, from equal states, and resampled as pairs. All drawn by :func:`scipy.stats.bootstrap` from
a fixed seed.

These intervals speak of other episodes in the *same* scenes. :func:`over_scenes` resamples whole scenes and speaks of
other scenes of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import condition, nominal
from gen3d_envs.evaluation.result import EpisodeRow, Result
from gen3d_envs.statistics import wilson_interval
from gen3d_envs.tasks.base import OUTCOMES

RESAMPLES = 2000
CONFIDENCE = 0.95
SEED = 20240607
"""Of the bootstrap: equal tables give equal intervals."""

RATE, CHANGE = (0.0, 1.0), (-1.0, 1.0)
"""Bounds of a success, and of a difference of two."""

_BATCH_NUMBERS = 2_000_000


@dataclass(frozen=True)
class Rate:
    """Success of a group of episodes.

    Attributes:
        episodes, successes: counts.
        low, high: 95 % Wilson interval of the success rate.
        partial: share of episodes that got at least half as far.
        partial_low, partial_high: its 95 % Wilson interval.
        time_s: mean simulated time to success; None where nothing succeeded.
        time_low_s, time_high_s: its 95 % bootstrap interval; None with fewer than two successes.
    """

    episodes: int
    successes: int
    low: float
    high: float
    partial: float
    partial_low: float
    partial_high: float
    time_s: float | None
    time_low_s: float | None
    time_high_s: float | None

    @property
    def success(self) -> float:
        """Success rate."""
        return self.successes / self.episodes


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Estimate):
    """A mean difference of pairs, in shares of 1.

    Attributes:
        name: what is compared.
        pairs: episodes that exist on both sides.
        first_only, second_only: pairs in which just one side succeeds; positive means are for the first.
        p_value: exact McNemar test of the null hypothesis that these are equally likely.
    """

    name: str
    pairs: int
    first_only: int
    second_only: int
    p_value: float

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True)
class Summary:
    """Everything a page or a leaderboard says about one result.

    Attributes:
        overall: of all episodes.
        stratified: mean success over strata with its stratified bootstrap interval.
        scenes_interval: the same with whole scenes drawn anew; None with fewer than three scenes.
        axes, families, scenes: rates by name.
        outcomes: how often each outcome came.
        nominal: the axis in which nothing changes; None where it was not run.
        differences: each other axis against it, in pairs.
    """

    overall: Rate
    stratified: Estimate
    scenes_interval: Estimate | None
    axes: dict[str, Rate]
    families: dict[str, Rate]
    scenes: dict[str, Rate]
    outcomes: dict[str, int]
    nominal: str | None
    differences: tuple[Difference, ...]


def summarize(result: Result) -> Summary:
    """All figures of a result."""
    rows, families = result.episodes, {row.name: row.family for row in result.scenes}
    axes = group(rows, lambda row: row.axis)
    plain = nominal(set(axes), result.settings.split)
    by_axis = {axis: {(row.scene, row.index): row for row in found} for axis, found in axes.items()}
    differences = []
    if plain is not None:
        for axis, found in by_axis.items():
            pairs = [(row, by_axis[plain][key]) for key, row in found.items() if key in by_axis[plain]]
            if axis != plain and pairs:
                differences.append(difference(axis, pairs))
    return Summary(
        overall=rate(rows), stratified=stratified(rows), scenes_interval=over_scenes(rows),
        axes={name: rate(found) for name, found in axes.items()},
        families={name: rate(found) for name, found in group(rows, lambda row: families[row.scene]).items()},
        scenes={name: rate(found) for name, found in group(rows, lambda row: row.scene).items()},
        outcomes=count_outcomes(rows), nominal=plain, differences=tuple(differences),
    )  # fmt: skip


def group(rows: Iterable[EpisodeRow], key: Callable[[EpisodeRow], str]) -> dict[str, list[EpisodeRow]]:
    """Rows by a key, in the order in which keys first come."""
    found: dict[str, list[EpisodeRow]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def rate(rows: Sequence[EpisodeRow]) -> Rate:
    """Success, partial success and time to success of some episodes."""
    if not rows:
        raise FieldError("episodes", 0, "there are none", "Run some")
    n, wins = len(rows), sum(row.success for row in rows)
    half = sum(row.partial for row in rows)
    times = np.array([row.time_to_success_s for row in rows if row.time_to_success_s is not None])
    seconds = None if not len(times) else bootstrap([times])
    low, high = wilson_interval(wins, n, CONFIDENCE)
    partial_low, partial_high = wilson_interval(half, n, CONFIDENCE)
    sure = seconds is not None and len(times) > 1
    return Rate(
        n, wins, low, high, half / n, partial_low, partial_high, None if seconds is None else seconds.mean,
        seconds.low if sure and seconds else None, seconds.high if sure and seconds else None,
    )  # fmt: skip


def count_outcomes(rows: Sequence[EpisodeRow]) -> dict[str, int]:
    """How often each outcome came, in the order of :data:`gen3d_envs.tasks.base.OUTCOMES`."""
    found = [row.outcome for row in rows]
    names = (*OUTCOMES, *sorted(set(found) - set(OUTCOMES)))
    return {name: found.count(name) for name in names if name in found}


def stratified(rows: Sequence[EpisodeRow]) -> Estimate:
    """Mean over scenes and axes of the success rate, with its stratified bootstrap interval."""
    return bootstrap(*_strata((row.scene, row.axis, row.index, float(row.success)) for row in rows), bounds=RATE)


def over_scenes(rows: Sequence[EpisodeRow]) -> Estimate | None:
    """Mean over scenes of the success rate, with whole scenes drawn anew; None with fewer than three."""
    return _over_scenes(((row.scene, float(row.success)) for row in rows), RATE)


def over_scenes_of_pairs(pairs: Sequence[tuple[EpisodeRow, EpisodeRow]]) -> Estimate | None:
    """Mean over scenes of first minus second in success, with whole scenes drawn anew; None with fewer than three."""
    return _over_scenes(((a.scene, float(a.success) - float(b.success)) for a, b in pairs), CHANGE)


def _over_scenes(values: Iterable[tuple[str, float]], bounds: tuple[float, float]) -> Estimate | None:
    found: dict[str, list[float]] = {}
    for scene, value in values:
        found.setdefault(scene, []).append(value)
    means = np.array([np.mean(each) for each in found.values()])
    return bootstrap([means], bounds=bounds) if len(means) >= 3 else None


def difference(name: str, pairs: Sequence[tuple[EpisodeRow, EpisodeRow]]) -> Difference:
    """First minus second in success, over pairs of episodes.

    Args:
        name: what is compared.
        pairs: at least one; each of one scene, axis and number, or of one scene and number under two axes.
    """
    from scipy.stats import binomtest

    values = ((a.scene, a.axis, a.index, float(a.success) - float(b.success)) for a, b in pairs)
    found = bootstrap(*_strata(values), bounds=CHANGE)
    first = sum(a.success and not b.success for a, b in pairs)
    second = sum(b.success and not a.success for a, b in pairs)
    p = float(binomtest(first, first + second).pvalue) if first + second else 1.0
    return Difference(found.mean, found.low, found.high, name, len(pairs), first, second, p)


def bootstrap(
    strata: Sequence[NDArray[np.float64]], weights: Sequence[float] | None = None,
    bounds: tuple[float, float] | None = None,
) -> Estimate:  # fmt: skip
    """Mean over strata of their means, with its percentile interval; each stratum is resampled by itself.

    Values that are all equal give the bootstrap nothing to draw, although few of them prove little. Where the bounds
    of the values are known, the interval is then as wide as Wilson's of 0 of n, within the bounds; elsewhere both ends
    are the mean.

    Args:
        strata: values of each.
        weights: of the strata in the mean; all alike where None.
        bounds: the least and the greatest possible value.
    """
    from scipy.stats import bootstrap as draw

    mean = float(np.average([np.mean(stratum) for stratum in strata], weights=weights))
    every = np.concatenate(strata)
    if np.ptp(every) == 0.0 and bounds is not None:
        room = wilson_interval(0, len(every), CONFIDENCE)[1]
        return Estimate(mean, max(bounds[0], mean - room), min(bounds[1], mean + room))
    if all(np.ptp(stratum) == 0.0 for stratum in strata):
        # Nothing varies within a stratum, and resampling by stratum would claim certainty: draw from all together.
        strata, weights = [every], None
    if np.ptp(every) == 0.0 or any(len(stratum) < 2 for stratum in strata):
        return Estimate(mean, mean, mean)

    factors = np.full(len(strata), 1.0 / len(strata)) if weights is None else np.array(weights) / sum(weights)

    def statistic(*samples: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        total = factors[0] * np.mean(samples[0], axis=axis)
        for factor, sample in zip(factors[1:], samples[1:], strict=True):
            total = total + factor * np.mean(sample, axis=axis)
        averaged: NDArray[np.float64] = total
        return averaged

    batch = max(1, min(RESAMPLES, _BATCH_NUMBERS // sum(map(len, strata))))
    found = draw(
        tuple(strata), statistic, n_resamples=RESAMPLES, batch=batch, vectorized=True, confidence_level=CONFIDENCE,
        method="percentile", rng=np.random.default_rng(SEED),
    )  # fmt: skip
    interval = found.confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high))


def _strata(values: Iterable[tuple[str, str, int, float]]) -> tuple[list[NDArray[np.float64]], list[float] | None]:
    """What is drawn anew together, and what each stratum counts, of values by scene, axis and number.

    Where every episode of a scene was run under all of its axes: by scene, the mean over axes for each number, counted
    once for each axis. Otherwise by scene and axis. Where one has a single value, by axis, or all together: from one
    value nothing can be drawn.
    """
    rows = list(values)
    scenes: dict[str, dict[int, list[float]]] = {}
    for scene, _, index, value in rows:
        scenes.setdefault(scene, {}).setdefault(index, []).append(value)
    if all(len(found) > 1 and len({len(each) for each in found.values()}) == 1 for found in scenes.values()):
        units = [np.array([np.mean(each) for each in found.values()]) for found in scenes.values()]
        return units, [float(len(next(iter(found.values())))) for found in scenes.values()]
    for key in (lambda row: (row[0], row[1]), lambda row: row[1], lambda row: ""):
        strata: dict[object, list[float]] = {}
        for row in rows:
            strata.setdefault(key(row), []).append(row[3])
        if all(len(stratum) > 1 for stratum in strata.values()):
            break
    return [np.array(stratum) for stratum in strata.values()], None


def controls(summary: Summary) -> tuple[Difference, ...]:
    """The differences that tell whether words are used at all."""
    return tuple(d for d in summary.differences if condition(d.name).group == "control")
