"""``gen3d studio`` and ``gen3d view``: the local page for making and looking at scenes."""

from __future__ import annotations

import argparse
import webbrowser

from gen3d_envs.commands.console import say
from gen3d_envs.studio.page import Studio


def run(args: argparse.Namespace) -> int:
    """Run ``gen3d studio``; returns its exit code."""
    return _serve(args, None, args.robot or "widowx")


def view(args: argparse.Namespace) -> int:
    """Run ``gen3d view``; returns its exit code."""
    return _serve(args, args.scene, "widowx")


def _serve(args: argparse.Namespace, scene: str | None, robot: str) -> int:
    studio = Studio(args.port, scene, robot)
    try:
        say(f"Open {studio.address}  (this computer only; Ctrl+C ends it)")
        if not args.no_browser:
            webbrowser.open(studio.address)
        studio.wait()
    finally:
        studio.close()
    return 0
