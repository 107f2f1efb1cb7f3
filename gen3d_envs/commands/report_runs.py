"""``gen3d report``: evaluations as one page with tables, plots and films."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.commands.console import Progress, say
from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError
from gen3d_envs.evaluation.compare import Comparison, compare
from gen3d_envs.evaluation.film import Film, choose, films
from gen3d_envs.evaluation.page import Entry, render
from gen3d_envs.evaluation.result import Result, read_result
from gen3d_envs.evaluation.statistics import summarize

MOST_PAIRS = 6
"""Most runs that are compared with each other, pair by pair, with the first."""


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    out = Path(args.out)
    if out.is_dir():
        raise FieldError("--out", args.out, "is a folder", "Name a file, e.g. page.html")
    results = [read_result(path) for path in args.runs]
    progress = Progress(sys.stderr)
    comparisons: list[Comparison] = []
    refused = ""
    for other in results[1:MOST_PAIRS]:
        try:
            comparisons.append(compare(results[0], other))
        except FieldError as error:
            refused = refused or str(error)
    entries = []
    for result in results:
        progress.stage("statistics", result.name)
        summary = summarize(result)
        made, reason = ((), "") if args.no_films else _films(result, progress)
        entries.append(Entry(result, summary, made, reason))
    progress.end()
    write_atomically(out, render(entries, comparisons, refused).encode())
    for each in comparisons:
        say(f"{each.verdict}.")
    say(f"Open {out} ({out.stat().st_size / 1e6:.1f} MB, everything in one file)")
    return 0


def _films(result: Result, progress: Progress) -> tuple[tuple[Film, ...], str]:
    """The films, or why there are none: a page without them is better than no page."""
    rows, made = choose(result), []
    try:
        for film in films(result, rows):
            made.append(film)
            progress.stage("films", f"{result.name}: {len(made)} of {len(rows)}")
    except EngineUnavailable as error:
        return tuple(made), str(error)
    except Gen3DError as error:
        return tuple(made), f"the policy or its scenes cannot be run here ({error})"
    return tuple(made), ""
