"""``gen3d generate``: many certified scenes at once, of a benchmark or of a list of sentences.

The price of a core-hour that the command assumes is about the list price of one shared virtual core at the large cloud
providers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TextIO

from gen3d_envs.assets.generators import get_generator
from gen3d_envs.bank.generate import Run, generate
from gen3d_envs.bank.index import BankIndex, Entry, Figures, Settings
from gen3d_envs.bank.plan import (
    MAX_SENTENCE_FILE_BYTES,
    Plan,
    benchmark_plan,
    read_sentences,
    sentences_plan,
)
from gen3d_envs.commands.console import say, table
from gen3d_envs.design.designer import get_designer
from gen3d_envs.errors import FieldError
from gen3d_envs.robots import get_robot


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code: 1 where a place of the plan stayed empty."""
    plan, digits = _plan(args)
    for name in args.robots:
        get_robot(name)
    get_designer(args.designer)
    get_generator(args.assets)
    settings = Settings(
        benchmark=plan.name, seed=plan.seed, plan=plan.sha256, robots=tuple(args.robots), designer=args.designer,
        assets=args.assets, name_digits=digits,
    )  # fmt: skip
    bar = Bar(sys.stderr)
    try:
        done = generate(plan, settings, args.out, args.jobs, args.limit, bar.tell)
    finally:
        bar.end()
    for line in summary(done, args.price):
        say(line)
    for entry in done.index.scenes:
        if entry.name is None:
            say(f"place {entry.index} stayed empty: {entry.rejected[-1]}")
    say(f"\nIn {args.out}. Use it: GEN3D_SCENES={args.out}, or gen3d_envs.register_folder({str(args.out)!r})")
    return 1 if any(entry.name is None for entry in done.index.scenes) else 0


def _plan(args: argparse.Namespace) -> tuple[Plan, int]:
    """The plan, and how many digits of their hash its scenes' names need to stay apart."""
    if args.benchmark is not None:
        return benchmark_plan(args.benchmark, args.seed), 4
    path = Path(args.sentences)
    with path.open("rb") as file:
        data = file.read(MAX_SENTENCE_FILE_BYTES + 1)
    sentences = read_sentences(data, str(path))
    if not sentences:
        raise FieldError("from", str(path), "holds no sentence", 'Write one a line, e.g. "put the banana in the bowl"')
    return sentences_plan(sentences, args.scenes_per_sentence, args.seed), 8


def summary(done: Run, price_usd: float) -> list[str]:
    """What a run cost and what its bank holds, in lines."""
    index, figures = done.index, done.index.figures
    assert figures is not None  # the run is finished
    lines = []
    if done.made:
        rate = done.scenes_per_core_hour
        dollars = f"{rate / price_usd:,.0f}" if price_usd > 0 else "-"
        lines += [
            table(
                [
                    ("made in this run", f"{done.made} scenes"),
                    ("processor time", f"{done.cpu_s:.0f} s ({done.wall_s:.0f} s passed)"),
                    ("certified scenes per core-hour", f"{rate:,.0f}"),
                    (f"scenes per US dollar at {price_usd:g} USD per core-hour", dollars),
                ],
                ("this run", ""),
            ),
            "",
        ]
    rows = [
        ("scenes", _scenes(index, figures)),
        ("requests certified at first try", _share(figures.first_try, figures.requests)),
        ("requests certified after repair", _share(figures.after_repair, figures.requests)),
        (
            "assets through the gate",
            _share(figures.assets_generated - figures.assets_refused, figures.assets_generated),
        ),
        ("objects", f"{figures.objects} ({figures.objects / max(figures.scenes, 1):.2f} a scene)"),
        ("unique assets", str(figures.unique_assets)),
        ("categories", str(figures.categories)),
    ]
    lines.append(table(rows, ("the bank", "")))
    if figures.attempts_rejected:
        reasons = sorted(figures.attempts_rejected.items(), key=lambda row: (-row[1], row[0]))
        lines += ["", table([(reason, str(count)) for reason, count in reasons], ("rejected attempts", ""))]
    return lines


def _scenes(index: BankIndex, figures: Figures) -> str:
    """How many scenes, by split where there are several."""
    splits = [entry.split for entry in index.scenes if entry.name is not None]
    parts = [f"{splits.count(split)} {split}" for split in dict.fromkeys(splits)]
    empty = f", {figures.empty} places empty" if figures.empty else ""
    return f"{figures.scenes}" + (f" ({', '.join(parts)})" if len(parts) > 1 else "") + empty


def _share(part: int, whole: int) -> str:
    return f"{100.0 * part / whole:.1f} % ({part} of {whole})" if whole else "-"


class Bar:
    """Progress over the places of a plan: one line that is rewritten on a terminal, a line for each elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._live = stream, stream.isatty()
        self._begin = time.perf_counter()
        self._first: int | None = None

    def tell(self, done: int, total: int, entry: Entry) -> None:
        """One more place is done."""
        if self._first is None:
            self._first, self._begin = done - 1, time.perf_counter()
        name = entry.name or "(none)"
        tries = f", {entry.tries} tries" if entry.tries > 1 else ""
        if not self._live:
            self._stream.write(f"{done:>5} of {total}  {name}{tries}\n")
            self._stream.flush()
            return
        width = shutil.get_terminal_size().columns - 1
        elapsed = time.perf_counter() - self._begin
        left = elapsed * (total - done) / max(done - self._first, 1)
        blocks = 24 * done // total
        line = f"{'#' * blocks}{'.' * (24 - blocks)} {done} of {total}, about {left:.0f} s left  {name}{tries}"
        self._stream.write("\r\x1b[K" + line[:width])
        self._stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._live and self._first is not None:
            self._stream.write("\n")
            self._stream.flush()
