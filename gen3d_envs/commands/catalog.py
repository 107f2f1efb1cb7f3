"""``gen3d list`` and ``gen3d info``: what there is."""

from __future__ import annotations

import argparse

from gen3d_envs.commands.console import say, table
from gen3d_envs.errors import SceneError
from gen3d_envs.registration import COLLECTIONS, load_card, released, scene_names, user_scenes


def list_scenes(args: argparse.Namespace) -> int:
    """Run ``gen3d list``; returns its exit code."""
    rows: list[tuple[str, ...]] = []
    broken = []
    own = {name: str(path) for name, path in user_scenes().items()}
    for name in [*scene_names(), *own]:
        try:
            card, _ = load_card(own.get(name, name))
        except SceneError as error:
            broken.append(f"note: {name} cannot be used: {error}")
            continue
        if args.family in (None, card.task.family):
            objects = ", ".join(item.description for item in card.objects)
            whose = "yours" if name in own else released()[name].get("split", "released")
            rows.append((f"Gen3D/{name}-v0", card.task.family, whose, card.instruction, objects))
    for env_id, collection in COLLECTIONS.items():
        family = collection.get("family", "pick, place")
        if args.family is None or args.family in family:
            count = len(scene_names(collection.get("family"), "train"))
            rows.append((env_id, family, "train", f"one of {count} training scenes at each reset", ""))
    say(table(rows, ("ID", "family", "from", "instruction", "objects")))
    for line in broken:
        say(line)
    return 0


def info(args: argparse.Namespace) -> int:
    """Run ``gen3d info``; returns its exit code."""
    from gen3d_envs.commands.design import describe
    from gen3d_envs.commands.play import make_env

    env = make_env(args.scene, args.robot, None)
    try:
        env.reset(seed=0)
        scene, spec = env.scene, env.scene.spec
        collection = COLLECTIONS.get(args.scene)
        env_id: str | None
        if collection is not None:
            names = scene_names(collection.get("family"), "train")
            env_id = args.scene
            say(f"{env_id} draws one of {len(names)} training scenes at each reset:")
            for name in names:
                say(f"  Gen3D/{name}-v0")
            say(f"\nOne of them, drawn with seed 0:\n{'-' * 32}")
        else:
            env_id = None if args.scene.endswith(".json") else f"Gen3D/{spec.name}-v0"
        describe(scene)
        say(f"\nhash: {scene.hash}")
        for certificate in spec.certificates:
            passed = sum(check.passed for check in certificate.checks)
            say(f"certificate: {certificate.robot}, {passed} of {len(certificate.checks)} checks passed")
            say(f"  {certificate.engine}; {certificate.renderer}")
        if not spec.certificates:
            say("certificate: none; `gen3d certify` measures one")
        say(f"\naction space: {len(env.action_names)} numbers in [-1, 1], per step at 5 Hz")
        for name in _action_names(env.robot_name):
            say(f"  {name}")
        say("\nobservation space: a dict; other kinds with obs_type=...")
        say("  pixels     (128, 128, 3) uint8, the front camera")
        say(f"  agent_pos  {env.agent_pos_terms.space.shape} float32:\n")
        say(env.agent_pos_terms.table())
        say('\nobs_type="state", flat float32:\n')
        say(env.state_terms.table())
        say("\nimport gymnasium as gym, gen3d_envs")
        made = f'"{env_id}"' if env_id else f'gen3d_envs.register_scene("{args.scene}")'
        say(f"env = gym.make({made})\nobs, info = env.reset(seed=0)")
        return 0
    finally:
        env.close()


def _action_names(robot: str) -> tuple[str, ...]:
    """What each number of the action is at the default rate."""
    from gen3d_envs.robots import get_robot
    from gen3d_envs.robots.controllers import DeltaEndEffector

    return DeltaEndEffector(get_robot(robot), 5).names
