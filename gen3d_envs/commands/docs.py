"""``gen3d docs``: bring the generated tables of a Markdown file up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from gen3d_envs.assets.store import write_atomically
from gen3d_envs.commands.console import say
from gen3d_envs.docs import update


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    path = Path(args.file)
    old = path.read_text(encoding="utf-8")
    new = update(old)
    if old == new:
        say(f"{path} is up to date")
        return 0
    if args.check:
        say(f"{path} is out of date: run `gen3d docs {path}`")
        return 1
    write_atomically(path, new.encode("utf-8"))
    path.chmod(0o644)
    say(f"wrote {path}")
    return 0
