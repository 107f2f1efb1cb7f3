"""A scene as one GLB file for viewers: room, support, robot at home and objects where the card puts them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.assets.asset import Asset, Quaternion, Vector
from gen3d_envs.build import BuiltScene
from gen3d_envs.cameras import FRONT, scene_view
from gen3d_envs.export import gltf
from gen3d_envs.geometry import Matrix, from_yaw, product, rotate
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.sim.articulation import Articulation
from gen3d_envs.sim.view import CameraSpec, VisualMesh


def scene_glb(scene: BuiltScene, robot: Robot | None = None, *, room: bool = True) -> bytes:
    """The scene as binary glTF 2.0. Equal scenes give equal bytes.

    One root node carries the scene's name and turns z-up into glTF's y-up; below it, in the scene frame, stand
    ``support/<i>``, ``room/<i>``, ``robot/<link>``, ``object/<name>``, ``object/<name>/<part>`` and the camera
    ``camera/front``.

    Args:
        scene: the built scene.
        robot: the robot to show at home; the scene's own where None.
        room: whether walls and furniture are written; they hide the view from outside in viewers that draw back faces.
    """
    robot = robot or get_robot(scene.spec.robot)
    view = scene_view(scene, robot, (FRONT,))
    nodes = []
    for node in view.static:
        kind, _, number = node.name.partition("_")
        if kind == "support" or room:
            nodes.append(gltf.GlbNode(f"{kind}/{number}", node.mesh))
    poses = {f"robot/{link.name}": pose for link, pose in zip(robot.model.links, robot_poses(robot), strict=True)} | {
        f"object/{item.name}": pose for item, pose in zip(scene.spec.objects, object_poses(scene), strict=True)
    }
    for index, names in scene.part_nodes:
        poses |= zip(names, part_poses(scene, index), strict=True)
    nodes += [gltf.GlbNode(node.name, node.mesh, *poses[node.name]) for node in view.moving]
    return gltf.scene_file(scene.spec.name, nodes, (_camera(FRONT),))


def asset_mesh(asset: Asset) -> VisualMesh:
    """What an asset looks like without its parts, asset frame."""
    return VisualMesh(asset.vertices, asset.faces, asset.colors)


def object_poses(scene: BuiltScene) -> list[tuple[Vector, Quaternion]]:
    """Asset frame of every object at the card's poses: position in m, orientation xyzw, scene frame."""
    poses = []
    for item in scene.spec.objects:
        assert item.pose is not None  # build() lays out what has none
        poses.append(((item.pose.x_m, item.pose.y_m, item.pose.z_m), from_yaw(item.pose.yaw_rad)))
    return poses


def part_poses(scene: BuiltScene, index: int) -> list[tuple[Vector, Quaternion]]:
    """Frame of every part of an object as it starts, scene frame."""
    pose, asset = object_poses(scene)[index], scene.assets[index]
    return [part_pose(part.joint, at, *pose) for part, at in zip(asset.parts, scene.openings[index], strict=True)]


def robot_poses(robot: Robot) -> list[tuple[Vector, Quaternion]]:
    """Frame of every link with the robot at home and the gripper open, scene frame."""
    return link_poses(robot.model, (*robot.home, *robot.finger_open), robot.base_position_m)


def link_poses(model: Articulation, joints: Sequence[float], base_m: Vector) -> list[tuple[Vector, Quaternion]]:
    """Frame of each link of a tree whose base stands upright at ``base_m``.

    Args:
        model: links and joints.
        joints: position of every joint, rad or m, in the model's order.
        base_m: base link in the scene frame, m.

    Returns:
        Position in m and orientation xyzw in the scene frame, in the order of the links.
    """
    poses: dict[str, tuple[Vector, Quaternion]] = {model.links[0].name: (base_m, (0.0, 0.0, 0.0, 1.0))}
    for joint, value in zip(model.joints, joints, strict=True):
        at, turned = poses[joint.parent]
        offset, own = rotate(turned, joint.position_m), product(turned, joint.orientation_xyzw)
        x, y, z = at[0] + offset[0], at[1] + offset[1], at[2] + offset[2]
        if joint.kind == "revolute":
            s = math.sin(value / 2)
            own = product(own, (s * joint.axis[0], s * joint.axis[1], s * joint.axis[2], math.cos(value / 2)))
        else:
            dx, dy, dz = rotate(own, joint.axis)
            x, y, z = x + value * dx, y + value * dy, z + value * dz
        poses[joint.child] = ((x, y, z), own)
    return [poses[link.name] for link in model.links]


def _camera(camera: CameraSpec) -> gltf.GlbCamera:
    aspect = math.tan(camera.fov_x_rad / 2) / math.tan(camera.fov_y_rad / 2)
    return gltf.GlbCamera(
        f"camera/{camera.name}", camera.position_m, camera_rotation(camera), camera.fov_y_rad, aspect, camera.near_m,
        camera.far_m,
    )  # fmt: skip


def camera_rotation(camera: CameraSpec) -> Matrix:
    """Right, up and backward directions of a camera as columns, in the frame of its ``forward`` and ``up``."""
    back = -np.array(camera.forward) / np.linalg.norm(camera.forward)
    right = np.cross(camera.up, back)
    right /= np.linalg.norm(right)
    rows = np.stack([right, np.cross(back, right), back], axis=1).tolist()
    return (tuple(rows[0]), tuple(rows[1]), tuple(rows[2]))
