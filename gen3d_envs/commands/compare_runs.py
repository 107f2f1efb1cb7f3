"""``gen3d compare``: two policies on the same episodes."""

from __future__ import annotations

import argparse

from gen3d_envs.commands.console import say, table
from gen3d_envs.evaluation.compare import Comparison, compare
from gen3d_envs.evaluation.result import read_result, where
from gen3d_envs.evaluation.statistics import Difference


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    first, second = read_result(args.first), read_result(args.second)
    found = compare(first, second)
    say(f"On {where(first)}")
    say(lines(found))
    return 0


def lines(found: Comparison) -> str:
    """A comparison as text: the table, then the verdict."""
    rows = [_row("axis", each) for each in found.axes]
    rows += [_row("family", each) for each in found.families]
    rows.append(_row("", found.overall))
    text = table(rows, ("", "", "pairs", "difference", "95 %", "only first", "only second", "McNemar p"))
    text += f"\n\n{found.verdict}."
    if found.scenes_interval is not None:
        low, high = 100 * found.scenes_interval.low, 100 * found.scenes_interval.high
        text += f"\nIn other scenes of this kind: {low:+.1f} to {high:+.1f} points."
    if found.unpaired:
        text += f"\n{found.unpaired} episodes that only one of the two has are left out."
    return text


def _row(kind: str, each: Difference) -> tuple[str, ...]:
    return (
        kind, each.name, str(each.pairs), f"{100 * each.mean:+.1f}",
        f"{100 * each.low:+.1f} to {100 * each.high:+.1f}", str(each.first_only), str(each.second_only),
        f"{each.p_value:.2g}",
    )  # fmt: skip
