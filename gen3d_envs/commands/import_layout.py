"""``gen3d import-layout``: a world of EmbodiedGen's format becomes a certified scene."""

from __future__ import annotations

import argparse
from pathlib import Path

from gen3d_envs.author import save_scene
from gen3d_envs.commands.console import Progress, say
from gen3d_envs.commands.design import describe
from gen3d_envs.import_world import import_world
from gen3d_envs.registration import register_scene, user_folder


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    progress = Progress()
    authored = import_world(args.world, args.robot, progress=progress.stage)
    scene = authored.scene
    certificate = scene.spec.certificates[0]
    progress.end(f"passed {len(certificate.checks)} checks with the {certificate.robot}")
    folder = user_folder() if args.out is None else Path(args.out)
    card = save_scene(scene, folder)
    env_id = register_scene(card)
    say()
    describe(scene)
    say(f"\nwrote {card}\n\n    import gymnasium as gym, gen3d_envs")
    made = f'"{env_id}"' if args.out is None else f'gen3d_envs.register_scene("{card.resolve()}")'
    say(f"    env = gym.make({made})" + (f"  # {env_id}" if args.out is not None else ""))
    return 0
