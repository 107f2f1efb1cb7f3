"""``gen3d design``: a sentence becomes a scene, built but not certified."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from gen3d_envs.author import named, save_scene
from gen3d_envs.build import BuiltScene, build
from gen3d_envs.commands.console import say, table
from gen3d_envs.design.designer import get_designer
from gen3d_envs.design.templates import opened_words
from gen3d_envs.report_graph import room_words
from gen3d_envs.robots import get_robot
from gen3d_envs.spec import SceneSpec, to_card


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code."""
    robot = args.robot or "widowx"
    get_robot(robot)
    scene = named(build(get_designer(args.designer).design(args.sentence, args.seed, robot)))
    path = save_scene(scene, Path(args.out)) if args.out is not None else None
    if args.json:
        say(to_card(scene.spec).decode().rstrip("\n"))
        return 0
    describe(scene)
    if path is not None:
        say(f"\nwrote {path}\ncheck it with: gen3d certify {path}")
    return 0


def describe(scene: BuiltScene) -> None:
    """Print a scene: its task, objects, relations and warnings."""
    spec = scene.spec
    say(f"{spec.name}  {spec.instruction!r}")
    say(f"task: {task_words(spec)}")
    say(f"on: {spec.support.kind.replace('_', ' ')} in {room_words(spec.background.style)}; robot: {spec.robot}\n")
    rows = []
    for item, asset in zip(spec.objects, scene.assets, strict=True):
        x, y, z = (100 * side for side in asset.size_m)
        place = ""
        if item.pose is not None:
            place = f"{item.pose.x_m:.3f}, {item.pose.y_m:.3f}, {math.degrees(item.pose.yaw_rad):.0f}°"
        kind = item.category if item.mesh is None else item.mesh.file
        mass = f"{1000 * asset.mass_kg:.0f} g"
        rows.append((item.name, item.role, kind, f"{x:.1f} x {y:.1f} x {z:.1f} cm", mass, place))
    say(table(rows, ("object", "role", "category", "size", "mass", "x, y (m), yaw")))
    for relation in spec.relations:
        if relation.object != "support":
            say(f"{relation.subject} {relation.predicate.replace('_', ' ')} {relation.object}")
    for line in spec.warnings:
        say(f"note: {line}")


def task_words(spec: SceneSpec) -> str:
    """The task in a few words."""
    goals = spec.task.all_goals
    if spec.task.family in ("open", "close"):
        return f"{spec.task.family} the {opened_words(spec)}"
    if not goals:
        return f"lift the {spec.target.description}"
    said = (f"{spec.words(g.target)} {_SAID.get(g.predicate, g.predicate)} {spec.words(g.receptacle)}" for g in goals)
    return "; ".join(said)


_SAID = {name: name.replace("_", " ") for name in ("next_to", "left_of", "right_of", "in_front_of")} | {
    "at": "in the place of"
}
