"""``gen3d leaderboard``: the results that are kept, as tables and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.commands.console import say, table
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.leaderboard import Standing, Tally, add, read_rows, results_folder, tables
from gen3d_envs.evaluation.leaderboard_plot import png, svg
from gen3d_envs.evaluation.result import read_result


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    folder = Path(args.folder) if args.folder else results_folder()
    for path in args.add or ():
        say(f"wrote {add(read_result(path), folder)}")
    found = tables(read_rows(folder))
    if not found:
        say(f"There are no results in {folder}.")
        return 0
    for each in found:
        families = list(dict.fromkeys(name for s in each.standings for name in s.row.families))
        header = ("", "policy", "success", "95 %", "partial", "time", *families, "episodes")
        say(each.title)
        say(table([_line(standing, families) for standing in each.standings], header) + "\n")
    if any(standing.rank is None for each in found for standing in each.standings):
        say("old: of another version of the benchmark; not to be compared with the others.")
    if args.out:
        out = Path(args.out)
        if out.suffix not in (".svg", ".png"):
            raise FieldError("--out", args.out, "is neither an .svg nor a .png", "Name the picture so")
        write_atomically(out, svg(found).encode() if out.suffix == ".svg" else png(found))
        say(f"Open {out}")
    return 0


def _line(standing: Standing, families: list[str]) -> tuple[str, ...]:
    row = standing.row
    seconds = "" if row.all.time_s is None else f"{row.all.time_s:.1f} s"
    return (
        "old" if standing.rank is None else str(standing.rank), row.name, f"{100 * row.mean:.1f} %",
        f"{100 * row.low:.1f} to {100 * row.high:.1f}", f"{100 * row.all.partial:.1f} %", seconds,
        *(_share(row.families.get(name)) for name in families), str(row.all.episodes),
    )  # fmt: skip


def _share(tally: Tally | None) -> str:
    return "" if tally is None else f"{100 * tally.successes / tally.episodes:.1f} %"
