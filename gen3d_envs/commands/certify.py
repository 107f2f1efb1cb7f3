"""``gen3d certify``: measure scenes again, here and now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gen3d_envs.build import build
from gen3d_envs.certify import certify
from gen3d_envs.commands.console import Progress, say, table
from gen3d_envs.registration import load_card


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    failed = []
    for name in args.scenes:
        card, path = load_card(name)
        scene = build(card, Path(path).parent)
        robot = args.robot or card.robot
        # The tables are the result; progress must not get into a pipe.
        progress = Progress(sys.stderr)
        certificate = certify(scene, robot, progress=lambda note, p=progress: p.stage("certify", note))  # type: ignore[misc]
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
        if not certificate.passed:
            failed.append(card.name)
    say(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0
