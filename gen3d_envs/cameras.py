"""Which cameras there are, and what they see: the robot, the objects and the room as one view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gen3d_envs.build import SEGMENT_ROBOT, BuiltScene
from gen3d_envs.robots.base import Robot
from gen3d_envs.sim.view import CameraSpec, SceneView, VisualMesh, VisualNode

FRONT = CameraSpec(
    name="front", position_m=(0.0, -0.16, 0.36), forward=(0.667, 0.333, -0.667),
    fov_x_rad=2 * float(np.arctan(320 / 623.588)), fov_y_rad=2 * float(np.arctan(240 / 623.588)),
)  # fmt: skip
"""The third-person camera of the public Bridge twin (SimplerEnv): 640x480, f = 623.588 px, beside the robot's base."""

CAMERAS = ("front", "wrist")


def camera_specs(robot: Robot) -> tuple[CameraSpec, ...]:
    """All cameras of an environment with this robot."""
    return FRONT, replace(robot.wrist_camera, parent=f"robot/{robot.wrist_camera.parent}")


def scene_view(scene: BuiltScene, robot: Robot, cameras: tuple[CameraSpec, ...]) -> SceneView:
    """Everything the cameras can see. Moving nodes: ``robot/<link>``, ``object/<name>``, ``mark/<name>``."""
    empty = VisualMesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint8))
    links = tuple(VisualNode(f"robot/{link.name}", link.visual or empty, SEGMENT_ROBOT) for link in robot.model.links)
    room = scene.room
    return SceneView(
        static=room.nodes,
        moving=(*links, *scene.nodes, *scene.mark_nodes),
        cameras=cameras,
        light=room.light,
        sky=room.sky,
    )
