"""Two policies on the same episodes: paired differences and a plain verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.result import EpisodeRow, Result
from gen3d_envs.evaluation.statistics import Difference, Estimate, difference, over_scenes_of_pairs

Pair = tuple[EpisodeRow, EpisodeRow]


@dataclass(frozen=True)
class Comparison:
    """What two results say about their policies.

    Attributes:
        first, second: names of the policies.
        overall: first minus second over all pairs.
        scenes_interval: the same with whole scenes drawn anew; None with fewer than three.
        axes, families: by axis and by family.
        unpaired: episodes that only one of the two has.
    """

    first: str
    second: str
    overall: Difference
    scenes_interval: Estimate | None
    axes: tuple[Difference, ...]
    families: tuple[Difference, ...]
    unpaired: int

    @property
    def verdict(self) -> str:
        """One sentence."""
        return verdict(self.overall, self.first, self.second, len(self.axes) == 1)


def verdict(found: Difference, first: str, second: str, tested: bool = True) -> str:
    """A difference in one sentence.

    Args:
        found: it.
        first: name of the first policy.
        second: name of the other.
        tested: say McNemar's p too. It takes all pairs for independent, which those of one seed under several axes
            are not; the interval knows better.
    """
    mean, low, high = (100 * value for value in (found.mean, found.low, found.high))
    if not found.certain:
        same = found.first_only == found.second_only == 0
        if same:
            return f"No difference: {first} and {second} succeed in the same of {found.pairs} paired episodes"
        return (
            f"No difference shown between {first} and {second}: {mean:+.1f} points, 95 % interval {low:+.1f} to "
            f"{high:+.1f}, {found.pairs} paired episodes"
        )
    better = first if mean > 0 else second
    low, high = sorted((abs(low), abs(high)))
    p = f", McNemar p {_p(found.p_value)}" if tested else ""
    return (
        f"{better} better by {abs(mean):.1f} points, 95 % interval {low:.1f} to {high:.1f}, {found.pairs} paired "
        f"episodes{p}"
    )


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"


def check_comparable(first: Result, second: Result) -> None:
    """Refuse two results that are not of the same benchmark and physics.

    Raises:
        FieldError: they differ in something that the policies are not to blame for.
    """
    rows: tuple[tuple[str, object, object], ...] = (
        ("benchmark", first.benchmark, second.benchmark),
        ("engine", first.engine, second.engine),
        ("constants", first.constants, second.constants),
        ("robot", first.settings.robot, second.settings.robot),
        ("reality", first.settings.reality, second.settings.reality),
        ("seed", first.settings.seed, second.settings.seed),
    )
    for field, one, other in rows:
        if one != other:
            raise FieldError(
                field, one, f"is not that of {second.name}, {other!r}: the results are not of the same episodes",
                "Evaluate both on the same benchmark, engine, robot and seed",
            )  # fmt: skip


def compare(first: Result, second: Result) -> Comparison:
    """Compare two results episode by episode.

    Raises:
        FieldError: they are not comparable, have no episode in common, or started from different states.
    """
    check_comparable(first, second)
    others = {row.key: row for row in second.episodes}
    pairs = [(row, others[row.key]) for row in first.episodes if row.key in others]
    if not pairs:
        raise FieldError("episodes", 0, "the results have none in common", "Evaluate both under the same axes")
    for one, other in pairs:
        if one.start != other.start:
            raise FieldError(
                "start", one.start, f"episode {one.key} began from another state in {second.name}, {other.start}",
                "Evaluate both with the same version of gen3d-envs and of its engine",
            )  # fmt: skip
    one_name, other_name = first.name, second.name
    if one_name == other_name:
        one_name, other_name = f"{one_name} (first)", f"{other_name} (second)"
    families = {row.name: row.family for row in first.scenes}
    by_axis, by_family = _split(pairs, lambda row: row.axis), _split(pairs, lambda row: families[row.scene])
    return Comparison(
        one_name, other_name, difference("all", pairs), over_scenes_of_pairs(pairs),
        tuple(difference(name, found) for name, found in by_axis.items()),
        tuple(difference(name, found) for name, found in by_family.items()),
        len(first.episodes) + len(second.episodes) - 2 * len(pairs),
    )  # fmt: skip


def _split(pairs: list[Pair], key: Callable[[EpisodeRow], str]) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(key(pair[0]), []).append(pair)
    return found
