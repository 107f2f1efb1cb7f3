"""``gen3d export``: a scene in the formats of other tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from gen3d_envs.commands.console import say
from gen3d_envs.export.folder import check_out
from gen3d_envs.export.scene import FORMATS, export_scene
from gen3d_envs.scenes import load_scene


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    if args.out is not None:
        check_out(Path(args.out), args.force)
    scene = load_scene(args.scene)
    out = Path(args.out) if args.out is not None else Path("export") / scene.spec.name
    chosen = FORMATS if args.format == "all" else (args.format,)
    export_scene(scene, out, chosen, args.robot, args.force)
    sizes = {path: path.stat().st_size for path in sorted(out.rglob("*")) if path.is_file()}
    say(f"wrote {len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB, to {out}")
    names = [f"{scene.spec.name}.glb", "mjcf/scene.xml", "objects", "robot", "support", "scene.json"]
    for name in names:
        if (out / name).exists():
            say(f"  {out / name}")
    return 0
