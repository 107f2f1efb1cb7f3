"""The whole way from a world of EmbodiedGen's format to a certified scene."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gen3d_envs.assets.asset import Asset
from gen3d_envs.assets.import_mesh import Frame, Physics
from gen3d_envs.assets.import_urdf import import_framed, read_facts
from gen3d_envs.author import RELAYOUTS, Authored, Progress, asset_flaws, named
from gen3d_envs.build import BuiltScene, build, default_store, seeded
from gen3d_envs.certify import certify
from gen3d_envs.design.embodiedgen import LayoutWorld, Node, read_world
from gen3d_envs.design.embodiedgen_task import Goal, place_words, possible, read_goal
from gen3d_envs.design.themes import choose_place
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import AssetError, CertificateError, LayoutError, SceneError
from gen3d_envs.geometry import yaw_of
from gen3d_envs.import_poses import TILTED_RAD, kept_poses
from gen3d_envs.robots import get_robot
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import (
    BackgroundSpec,
    Certificate,
    MeshSpec,
    ObjectSpec,
    PlacementSpec,
    Pose,
    Relation,
    Role,
    SceneSpec,
    SupportSpec,
    TaskSpec,
    replace,
)

ROBOTS = {"franka": "panda", "panda": "panda", "widowx": "widowx"}
"""The format's names of robots that there are here; for any other a scene is made for the WidowX."""

GRIP_MARGIN_M = 0.006
"""How much narrower than the open gripper a target must be somewhere."""

MOST_OBJECTS = 32
WRONG_SCALE = 0.25
"""A mesh whose height is off by more than this share of the height that its file states is scaled to it."""

SETTLE_S = 1.5


def import_world(
    path: str | Path,
    robot: str | None = None,
    physics: str = DEFAULT,
    progress: Progress | None = None,
) -> Authored:
    """Make a certified scene of a world in EmbodiedGen's format.

    Poses are tried as the file gives them relative to the robot, then the same arrangement moved (and turned by quarter
    turns) into reach, then arrangements of our own; the first that passes its certificate is taken. Deterministic in
    the world's files and the robot.

    Args:
        path: the world's folder, or the ``layout.json`` in it.
        robot: robot that the scene is for; the world's own where None.
        physics: engine that the certificate is measured with.
        progress: told what is being done.

    Returns:
        The scene. Its objects name their URDF relative to the world's folder; their baked assets are stored with the
        card by :func:`gen3d_envs.author.save_scene`, so that the folder is not needed again.

    Raises:
        SceneError: a malformed world, see :func:`gen3d_envs.design.embodiedgen.read_world`.
        AssetError: a model that cannot be used, or a target that the robot cannot grip.
        CertificateError: no arrangement passed.
    """
    say = progress or (lambda stage, text: None)
    say("read", str(path))
    world = read_world(path)
    robot, warnings = _robot(world, robot)
    spec, assets, frames = _scene(world, robot, say)
    spec = replace(spec, warnings=tuple(dict.fromkeys(note[:400] for note in (*warnings, *spec.warnings))))
    rejected: list[str] = []
    for scene in _arrangements(world, spec, assets, frames, physics, rejected):
        flaws = asset_flaws(scene)
        if flaws:
            raise AssetError(
                "objects", "; ".join(flaws), "do not pass the quality gate", "Mend or leave out the objects"
            )
        certificate = certify(scene, robot, physics, partial(say, f"certify {robot}"))
        if certificate.passed:
            done = BuiltScene(replace(scene.spec, certificates=(certificate,)), scene.assets)
            return Authored(done, len(rejected) + 1, tuple(rejected))
        rejected.append(_failures(certificate))
        say("repair", rejected[-1])
    raise CertificateError(
        "world", str(path), f"no arrangement passed; the last failed on {rejected[-1]}",
        "Use fewer or smaller objects, or another robot",
    )  # fmt: skip


def _robot(world: LayoutWorld, robot: str | None) -> tuple[str, tuple[str, ...]]:
    if robot is not None:
        return get_robot(robot).name, ()
    node = world.first("robot")
    if node is None:
        return "widowx", ()
    known = ROBOTS.get(node.name.lower())
    return known or "widowx", () if known else (f"there is no {node.name!r} here: the scene is for the WidowX",)


def _scene(
    world: LayoutWorld, robot: str, say: Progress
) -> tuple[SceneSpec, dict[str, Asset], dict[str, tuple[Node, Frame]]]:
    """The scene without poses; assets and frames by object name."""
    warnings = list(world.warnings)
    nodes = [node for node in world.objects if not _on_floor(node, world, warnings)]
    if len(nodes) > MOST_OBJECTS:
        raise SceneError("layout.json: relation", len(nodes), f"are more than {MOST_OBJECTS} objects", "Leave some out")
    goal = read_goal(world)
    if goal.target not in [node.name for node in nodes]:
        raise SceneError(
            "layout.json: tree", goal.target, "is acted on but stands on the floor", "Put it on the context"
        )
    model = get_robot(robot)
    grip = model.open_width_m - GRIP_MARGIN_M
    names = _names(nodes)
    assets: dict[str, Asset] = {}
    frames: dict[str, tuple[Node, Frame]] = {}
    for node in nodes:
        say("assets", node.name)
        asset, frame = _asset(node, world.folder, grip if node.name == goal.target else None, warnings)
        assets[names[node.name]], frames[names[node.name]] = asset, (node, frame)
        default_store().put(asset)
    goal = possible(goal, assets.get(names.get(goal.receptacle or "", "")))
    support, style = choose_place("kitchen", *place_words(world), seeded("world", world.sentence))
    objects = tuple(_object(node, names[node.name], goal, assets[names[node.name]], grip) for node in nodes)
    relations = tuple(
        Relation(subject=names[node.name], predicate="on" if node.relation == "ON" else "in", object=names[node.parent])
        for node in nodes
        if node.parent in names
    )
    task = TaskSpec(
        family="pick" if goal.receptacle is None else "place", target=names[goal.target],
        receptacle=None if goal.receptacle is None else names[goal.receptacle], predicate=goal.predicate,
    )  # fmt: skip
    spec = SceneSpec(
        name=_scene_name(goal), instruction=goal.instruction, seed=0, task=task, objects=objects, relations=relations,
        support=SupportSpec(kind=support), background=BackgroundSpec(style=style), robot=robot, designer="embodiedgen",
        warnings=(*warnings, *goal.warnings),
    )  # fmt: skip
    return spec, assets, frames


def _on_floor(node: Node, world: LayoutWorld, warnings: list[str]) -> bool:
    """Whether an object stands on the floor or in the room, not on the context; said in the warnings."""
    parent = world.nodes.get(node.parent or "")
    off = node.relation == "FLOOR" or (parent is not None and parent.role == "background")
    if off:
        warnings.append(f"{node.name}: stands on the floor and was left out")
    return off


def _asset(node: Node, folder: Path, grip_width_m: float | None, warnings: list[str]) -> tuple[Asset, Frame]:
    assert node.urdf is not None  # read_world finds one for every object
    path = folder / node.urdf
    physics = Physics(grip_width_m=grip_width_m, description=node.description)
    try:
        height_m = _stated_height(path)
        asset, frame = import_framed(path, None, physics)
        if height_m is not None and abs(asset.size_m[2] / height_m - 1.0) > WRONG_SCALE and _upright(frame):
            warnings.append(
                f"{node.name}: scaled from {asset.size_m[2]:.3g} m to its stated height of {height_m:.3g} m"
            )
            asset, frame = import_framed(path, height_m, physics)
    except AssetError as error:
        raise AssetError(f"{node.name}: {error.field}", error.value, error.problem, error.remedy) from None
    warnings += [f"{node.name}: {note}" for note in asset.notes if note != node.description]
    return asset, frame


def _stated_height(path: Path) -> float | None:
    """``extra_info/real_height`` of a URDF, m; None where it is missing or makes no sense."""
    try:
        height = float(read_facts(path).get("real_height", "nan"))
    except ValueError:
        return None
    return height if 0.001 < height <= 2.0 else None


def _upright(frame: Frame) -> bool:
    return bool(frame.rotation[2, 2] > math.cos(TILTED_RAD))


def _names(nodes: list[Node]) -> dict[str, str]:
    """Node -> name in the scene: small letters, digits and underscores, unique."""
    names: dict[str, str] = {}
    taken = {"support"}
    for node in nodes:
        stem = re.sub(r"[^a-z0-9]+", "_", node.name.lower()).strip("_")[:40].strip("_")
        stem = stem if stem and stem[0].isalpha() else f"object_{stem}".strip("_")
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[node.name] = name
    return names


def _object(node: Node, name: str, goal: Goal, asset: Asset, grip_width_m: float) -> ObjectSpec:
    role: Role = (
        "target" if node.name == goal.target else "receptacle" if node.name == goal.receptacle else "distractor"
    )
    assert node.urdf is not None
    return ObjectSpec(
        name=name, role=role, category="mesh", description=node.description, seed=0,
        grip_width_m=grip_width_m if role == "target" else None, mesh=MeshSpec(file=node.urdf),
        asset_sha256=asset.sha256,
    )  # fmt: skip


def _scene_name(goal: Goal) -> str:
    words = ["Pick" if goal.receptacle is None else "Put", goal.target]
    if goal.receptacle is not None:
        words += [goal.predicate or "", goal.receptacle]
    camel = "".join(part.capitalize() for text in words for part in re.findall(r"[a-z0-9]+", text.lower())[:6])
    return camel[:48]


# ---- where things stand ---------------------------------------------------------------------------------------------


def _arrangements(
    world: LayoutWorld,
    spec: SceneSpec,
    assets: dict[str, Asset],
    frames: dict[str, tuple[Node, Frame]],
    physics: str,
    rejected: list[str],
) -> Iterator[BuiltScene]:
    """Scenes with poses, the world's own first."""
    order = tuple(assets[item.name] for item in spec.objects)
    for poses, note in kept_poses(world, spec, assets, frames, rejected):
        warnings = (*spec.warnings, *note)
        objects = tuple(replace(item, pose=poses[item.name]) for item in spec.objects)
        scene = BuiltScene(replace(spec, objects=objects, warnings=warnings), order)
        if spec.relations:
            # What lies on or in other things would fall when those are moved at a reset.
            scene = BuiltScene(replace(scene.spec, placement=PlacementSpec(position_m=0.0, yaw_rad=0.0)), order)
            scene = _settled(scene, physics)
        yield named(scene)
    apart = tuple(f"{r.subject} stands beside {r.object}, not {r.predicate} it" for r in spec.relations)
    note = ("the world's own arrangement did not pass, so the objects were arranged anew", *apart)
    fresh = replace(spec, relations=(), warnings=(*spec.warnings, *note))
    for seed in range(RELAYOUTS):
        try:
            yield named(build(replace(fresh, seed=seed)))
        except LayoutError as error:
            rejected.append(str(error))


def _settled(scene: BuiltScene, physics: str) -> BuiltScene:
    """The scene with what lies on or in other things where it comes to rest."""
    stacked = {relation.subject for relation in scene.spec.relations}
    env = Gen3DEnv(scene=scene, robot=scene.spec.robot, physics=physics, obs_type="state")
    try:
        env.load(env.nominal(scene))
        env.hold(SETTLE_S)
        objects = []
        for index, item in enumerate(scene.spec.objects):
            (x, y, z), turned = env.world.body_pose(index)
            if item.name in stacked and max(abs(x), abs(y), abs(z)) < 2.0:
                pose = Pose(x_m=round(x, 6), y_m=round(y, 6), z_m=round(z, 6), yaw_rad=round(yaw_of(turned), 6))
                item = replace(item, pose=pose)
            objects.append(item)
    finally:
        env.close()
    return BuiltScene(replace(scene.spec, objects=tuple(objects)), scene.assets)


def _failures(certificate: Certificate) -> str:
    return "; ".join(
        f"{check.name} {check.value:g} {check.unit} (limit {check.limit:g}) {check.detail}".strip()
        for check in certificate.checks
        if not check.passed
    )
