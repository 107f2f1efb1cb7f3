"""``gen3d certify``: measure scenes again, here and now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gen3d_envs.bank.recertify import Recertified, card_files, recertify_folder
from gen3d_envs.build import build
from gen3d_envs.certify import certify
from gen3d_envs.commands.console import Progress, say, table
from gen3d_envs.registration import load_card
from gen3d_envs.sim.engines import DEFAULT


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code: 1 where a check fails or a stored certificate is not measured again."""
    failed = []
    for name in args.scenes:
        if Path(name).is_dir():
            failed += _folder(name, args.robot, args.jobs, args.physics)
        elif not _scene(name, args.robot, args.physics):
            failed.append(name)
    say(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


def _folder(folder: str, robot: str | None, jobs: int, physics: str | None) -> list[str]:
    """Measure all scenes of a folder against their stored certificates; returns the names of those that failed."""
    progress = Progress(sys.stderr)
    total, rows = len(card_files(folder)), []
    results: list[Recertified] = []
    for result in recertify_folder(folder, robot, jobs, physics):
        results.append(result)
        progress.stage("certify", f"{len({r.name for r in results})} of {total}  {result.name}")
        if result.problem:
            rows.append((result.name, result.measured.robot if result.measured else "", result.problem))
    progress.end("done")
    if rows:
        say(table(rows, ("scene", "robot", "")) + "\n")
    equal = sum(result.stored is not None and not result.problem for result in results)
    fresh = sum(result.stored is None and not result.problem for result in results)
    say(f"{total} scenes in {folder}: {equal} certificates measured again and equal, {fresh} for the first time")
    return list(dict.fromkeys(row[0] for row in rows))


def _scene(name: str, robot: str | None, physics: str | None) -> bool:
    """Measure one scene and print all checks; whether it passed."""
    card, path = load_card(name)
    scene = build(card, Path(path).parent)
    robot = robot or card.robot
    # The tables are the result; progress must not get into a pipe.
    progress = Progress(sys.stderr)
    certificate = certify(scene, robot, physics or DEFAULT, progress=lambda note: progress.stage("certify", note))
    progress.end("done")
    rows = [
        (
            check.name,
            "passed" if check.passed else "FAILED",
            f"{check.value:g}",
            f"{check.limit:g}",
            check.unit,
            check.detail,
        )
        for check in certificate.checks
    ]
    say(f"{card.name}  {robot}  {certificate.engine}")
    say(table(rows, ("check", "verdict", "measured", "limit", "unit", "")) + "\n")
    return certificate.passed
