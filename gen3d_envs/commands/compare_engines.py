"""``gen3d compare-engines``: the same scenes, seeds and actions on two physics engines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.commands.console import Progress, say, table
from gen3d_envs.compare import Comparison, Measure, compare, scenes_of
from gen3d_envs.compare_plot import svg
from gen3d_envs.errors import FieldError
from gen3d_envs.registration import load_card
from gen3d_envs.sim.engines import ENGINES


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    import gymnasium

    engines = tuple(args.engines or ENGINES)
    if len(engines) != 2 or engines[0] == engines[1]:
        raise FieldError("engines", engines, "are not two engines", f"Use two of {', '.join(ENGINES)}")
    known = args.env in gymnasium.registry and "scene" not in gymnasium.registry[args.env].kwargs
    scenes = scenes_of(args.env) if known else (load_card(args.env)[0].name,)
    progress = Progress(sys.stderr)
    result = compare(
        scenes, (engines[0], engines[1]), args.robot, args.episodes, args.env, lambda note: progress.stage(note)
    )
    progress.end()
    say(f"{result.env_id}, {result.robot}: {len(scenes)} scenes")
    say(text(result))
    if args.out:
        folder = Path(args.out)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{args.env.replace('/', '-')}-{result.robot}"
        for suffix, data in ((".json", _json(result)), (".svg", svg(result).encode())):
            write_atomically(folder / (stem + suffix), data)
            (folder / (stem + suffix)).chmod(0o644)
        say(f"wrote {folder / stem}.json and .svg")
    return 0


def text(result: Comparison) -> str:
    """The comparison as a table of one line per measure."""
    first, second = result.engines
    header = ("mean over its subjects", "unit", "n", "theory", first, second, "difference", "largest")
    return table([_row(measure) for measure in result.measures], header)


def _row(measure: Measure) -> tuple[str, ...]:
    percent = measure.unit == "success"
    factor = 100.0 if percent else 1.0
    theory = f"{np.mean(measure.expected):.4g}" if measure.expected else ""
    return (
        measure.name, "%" if percent else measure.unit, str(len(measure.first)), theory,
        f"{factor * np.mean(measure.first):.4g}", f"{factor * np.mean(measure.second):.4g}",
        f"{factor * measure.gap:+.3g}", "" if percent else f"{measure.spread:.3g}",
    )  # fmt: skip


def _json(result: Comparison) -> bytes:
    return json.dumps({"gen3d_comparison": 1, **asdict(result)}, indent=1).encode() + b"\n"


def markdown(files: Sequence[Path]) -> str:
    """A Markdown table of stored comparisons, of the same two engines each."""
    lines = [
        "| family, robot | measure | n | theory | first | second | mean difference | largest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in files:
        stored = json.loads(path.read_text(encoding="utf-8"))
        what = f"{stored['env_id'].split('-')[1]}, {stored['robot']}"
        for row in stored["measures"]:
            row = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
            name, unit, *rest = _row(Measure(**row))
            lines.append(f"| {' | '.join([what, f'{name}, {unit}', *rest])} |".replace("|  |", "| |"))
    return "\n".join(lines)
