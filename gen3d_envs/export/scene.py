"""Scenes in the formats of others, as files by path and as a folder on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from gen3d_envs.build import SUPPORT_THICKNESS_M, BuiltScene
from gen3d_envs.errors import FieldError
from gen3d_envs.export.description import FORMAT, FORMAT_VERSION, describe
from gen3d_envs.export.folder import publish
from gen3d_envs.export.glb import scene_glb
from gen3d_envs.export.urdf import urdf_files
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.sim.world import ROBOT, RobotState, WorldSetup
from gen3d_envs.spec import BACK_M

FORMATS = ("urdf", "mjcf", "glb")


def scene_setup(scene: BuiltScene, robot: Robot) -> WorldSetup:
    """What our own worlds are loaded from for a scene at the card's poses, with the robot at home."""
    support = scene.spec.support
    start = (*robot.home, *robot.finger_open)
    return WorldSetup(
        robot=RobotState(robot.model, robot.base_position_m, start, robot.drive_effort),
        bodies=scene.bodies(scene.placements),
        support_half_extents_m=(support.depth_m / 2, support.width_m / 2, SUPPORT_THICKNESS_M / 2),
        support_center_m=(support.depth_m / 2 - BACK_M, 0.0, -SUPPORT_THICKNESS_M / 2),
        support_friction=support.friction,
    )


def export_files(scene: BuiltScene, formats: Sequence[str] = FORMATS, robot: str | None = None) -> dict[str, bytes]:
    """The files of an export by relative path. Equal arguments give equal bytes.

    ``scene.json`` is always there; ``urdf`` adds ``objects/``, ``support/`` and ``robot/``; ``glb`` adds
    ``<scene>.glb``; ``mjcf`` adds ``mjcf/scene.xml`` and its meshes.

    Args:
        scene: the built scene.
        formats: some of :data:`FORMATS`.
        robot: name of the robot; the scene's own where None.

    Raises:
        FieldError: an unknown format or robot.
        EngineUnavailable: ``mjcf`` without MuJoCo, or a robot whose data is not installed.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise FieldError("format", unknown or formats, "is no format", f"Use some of {', '.join(FORMATS)}")
    model = get_robot(robot or scene.spec.robot)
    setup = scene_setup(scene, model)
    files: dict[str, bytes] = {}
    if "urdf" in formats:
        files |= urdf_files(scene, model)
    if "glb" in formats:
        files[f"{scene.spec.name}.glb"] = scene_glb(scene, model)
    if "mjcf" in formats:
        from gen3d_envs.sim.mujoco_file import mjcf_files

        looks = {f"{ROBOT}/{link.name}": link.visual for link in model.model.links if link.visual is not None}
        looks |= {node.name: node.mesh for node in scene.nodes}
        files |= {f"mjcf/{name}": data for name, data in mjcf_files(setup, scene.spec.name, looks).items()}
    description = describe(scene, model, setup)
    if "urdf" not in formats:
        for part in (*description["objects"], description["support"], description["robot"]):
            part["urdf"] = None
    files["scene.json"] = msgspec.json.format(msgspec.json.encode(description), indent=1) + b"\n"
    return files


def export_scene(
    scene: BuiltScene,
    out: str | Path,
    formats: Sequence[str] = FORMATS,
    robot: str | None = None,
    force: bool = False,
) -> Path:
    """Write an export into the folder ``out``, whole or not at all, and return its path.

    Args:
        scene: the built scene.
        out: a folder that is new, empty or, with ``force``, an earlier export.
        formats: some of :data:`FORMATS`.
        robot: name of the robot; the scene's own where None.
        force: replace an earlier export.

    Raises:
        FieldError: ``out`` holds something else; and as :func:`export_files`.
        OSError: the folder cannot be written; nothing is left behind.
    """
    out = Path(out)
    files = export_files(scene, formats, robot)
    facts = {"format": FORMAT, "version": FORMAT_VERSION, "scene": scene.spec.name, "scene_hash": scene.hash}
    publish(out, files, {**facts, "formats": list(formats)}, force)
    return out
