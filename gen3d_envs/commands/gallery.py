"""``gen3d gallery``: a bank as a static site."""

from __future__ import annotations

import argparse

from gen3d_envs.commands.console import Progress, say
from gen3d_envs.gallery import write_site


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    progress = Progress()
    facts = write_site(args.bank, args.out, progress.stage)
    progress.end(f"{facts.scenes} scenes, {facts.size_bytes / 1e6:.1f} MB")
    for problem in facts.problems:
        say(f"note: left out: {problem}")
    say(f"Open {facts.page}")
    return 0
