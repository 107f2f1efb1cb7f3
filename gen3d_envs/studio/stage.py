"""The 3D side of the studio: a scene in viser, posed, picked and moved by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gen3d_envs.assets.articulated import part_pose
from gen3d_envs.assets.asset import Quaternion, Vector
from gen3d_envs.build import BuiltScene
from gen3d_envs.export import gltf
from gen3d_envs.export.glb import asset_mesh, object_poses, robot_poses
from gen3d_envs.geometry import from_yaw
from gen3d_envs.robots import get_robot
from gen3d_envs.sim.room import build_room
from gen3d_envs.sim.view import VisualMesh
from gen3d_envs.spec import BackgroundSpec, SupportSpec

UPRIGHT_WXYZ = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)
"""Turns glTF's y-up back to z-up: +90 degrees about x."""

EYE_M, LOOK_AT_M, FOV_RAD = (0.92, -0.70, 0.62), (0.22, 0.0, 0.08), math.radians(42.0)
"""The first view: the whole arm and all objects, scene frame."""

HANDLES_ABOVE_M = 0.01
"""How far above an object its handles are."""

Poses = Sequence[tuple[Vector, Quaternion]]
Place = Callable[[str, float, float, float, bool], None]
"""Called with name, x and y in m, yaw in rad, and whether the hand has let go."""


class Stage:
    """Shows one scene.

    Args:
        api: viser's ``server.scene``.
        picked: called with an object's name when it is clicked.
        placed: called while an object is moved by hand.
    """

    def __init__(self, api: Any, picked: Callable[[str], None], placed: Place) -> None:
        self._api, self._picked, self._placed = api, picked, placed
        self._links: list[Any] = []
        self._objects: dict[str, Any] = {}
        self._parts: dict[str, list[Any]] = {}
        self._shown: dict[str, str] = {}
        self._fixed: list[Any] = []
        self._room: tuple[BackgroundSpec, SupportSpec] | None = None
        self._robot = ""
        self._scene: BuiltScene | None = None
        self._gizmo: Any = None
        self._selected: str | None = None
        self._away = False
        api.set_up_direction("+z")
        # The rooms bring their own look; the reflections of a street do not belong there.
        api.configure_environment_map(None)
        api.configure_default_lights(False)
        api.add_light_hemisphere("/light/sky", sky_color=(255, 255, 255), ground_color=(190, 170, 150), intensity=2.0)
        api.add_light_directional(
            "/light/sun", color=(255, 247, 235), intensity=1.6, cast_shadow=True, position=(0.5, -0.7, 1.6)
        )

    def empty(self, robot: str) -> None:
        """A room and a table with the robot alone, for the time before the first scene."""
        self._surround(BackgroundSpec(), SupportSpec(), robot)
        self.pose(robot_poses(get_robot(robot)), None)

    def show(self, scene: BuiltScene, robot: str) -> None:
        """Show a scene with the robot at home; what is the same as before stays."""
        self._scene = scene
        self._surround(scene.spec.background, scene.spec.support, robot)
        hashes = {item.name: asset.sha256 for item, asset in zip(scene.spec.objects, scene.assets, strict=True)}
        for name in [name for name in self._objects if hashes.get(name) != self._shown[name]]:
            for node in (self._objects.pop(name), *self._parts.pop(name)):
                node.remove()
        for item, asset in zip(scene.spec.objects, scene.assets, strict=True):
            if item.name not in self._objects:
                path = f"/objects/{item.name}"
                self._objects[item.name] = self._thing(path, asset_mesh(asset), item.name)
                meshes = [VisualMesh(part.vertices, part.faces, part.colors) for part in asset.parts]
                self._parts[item.name] = [
                    self._thing(f"/parts/{item.name}/{part.name}", mesh, item.name)
                    for part, mesh in zip(asset.parts, meshes, strict=True)
                ]
        self._shown = hashes
        self.home()
        if self._selected not in hashes:
            self.select(None)
        elif self._selected is not None:
            self.select(self._selected)

    def _surround(self, background: BackgroundSpec, support: SupportSpec, robot: str) -> None:
        if self._room != (background, support):
            self._room = (background, support)
            for node in self._fixed:
                node.remove()
            nodes = [gltf.GlbNode(node.name, node.mesh) for node in build_room(background, support).nodes]
            glb = gltf.scene_file("room", nodes)
            self._fixed = [self._api.add_glb("/room", glb, wxyz=UPRIGHT_WXYZ, cast_shadow=False)]
        if self._robot != robot:
            self._robot = robot
            for node in self._links:
                node.remove()
            model = get_robot(robot).model
            self._links = [self._thing(f"/robot/{link.name}", link.visual) for link in model.links]

    def _thing(self, path: str, mesh: VisualMesh | None, name: str | None = None) -> Any:
        """A node with a mesh below it that stands upright; clickable where it has a name."""
        frame = self._api.add_frame(path, show_axes=False)
        if mesh is not None and len(mesh.faces):
            glb = self._api.add_glb(f"{path}/mesh", gltf.mesh_file({"mesh": mesh}), wxyz=UPRIGHT_WXYZ)
            if name is not None:
                glb.on_click(lambda event: self._picked(name))
        return frame

    def home(self) -> None:
        """Everything where the card has it, the robot at home."""
        if self._scene is not None:
            self.pose(robot_poses(get_robot(self._robot)), object_poses(self._scene))
            self._away = False

    def pose(self, links: Poses | None, objects: Poses | None, parts: Sequence[Poses] | None = None) -> None:
        """Set poses in the scene frame: position in m, orientation xyzw.

        Args:
            links: in the model's order; None leaves them.
            objects: in the scene's order; None leaves them.
            parts: of each object, those of its parts; closed where None.
        """
        for node, pose in zip(self._links, links or (), strict=False):
            _put(node, pose)
        if objects is not None and self._scene is not None:
            self._away = True
            for index, (item, pose) in enumerate(zip(self._scene.spec.objects, objects, strict=True)):
                _put(self._objects[item.name], pose)
                nodes = self._parts[item.name]
                for node, own in zip(nodes, parts[index] if parts else [pose] * len(nodes), strict=True):
                    _put(node, own)

    def turn_part(self, name: str, index: int, value: float) -> None:
        """Show a part of an object at a joint position, rad or m; the object where the card has it."""
        assert self._scene is not None
        number = self._scene.index(name)
        assert number is not None
        position, orientation = object_poses(self._scene)[number]
        part = self._scene.assets[number].parts[index]
        _put(self._parts[name][index], part_pose(part.joint, value, position, orientation))

    def place(self, name: str, x_m: float, y_m: float, yaw_rad: float) -> None:
        """Show one object elsewhere, without changing the scene."""
        node = self._objects[name]
        for each in (node, *self._parts[name]):
            _put(each, ((x_m, y_m, node.position[2]), from_yaw(yaw_rad)))

    def select(self, name: str | None) -> None:
        """Put handles on an object, or take them away: two arrows, the plane between them, and a ring."""
        if self._gizmo is not None:
            self._gizmo.remove()
            self._gizmo = None
        self._selected = name
        if name is None or self._scene is None:
            return
        if self._away:
            self.home()  # Handles belong to where the card has the object, not to where an episode left it.
        index = self._scene.index(name)
        assert index is not None
        x, y, yaw = self._scene.placements[index]
        qx, qy, qz, qw = from_yaw(yaw)
        # Above the object, which would otherwise catch the clicks that are meant for its handles.
        z = self._scene.assets[index].size_m[2] + HANDLES_ABOVE_M
        self._gizmo = self._api.add_transform_controls(
            "/handles", scale=handle_size(self._scene, index), line_width=3.0, active_axes=(True, True, False),
            depth_test=False, opacity=0.75, position=(x, y, z), wxyz=(qw, qx, qy, qz),
        )  # fmt: skip
        gizmo = self._gizmo

        def moved(event: Any) -> None:
            w, _, _, z = (float(v) for v in gizmo.wxyz)
            at = (float(gizmo.position[0]), float(gizmo.position[1]), 2 * math.atan2(z, w))
            self._placed(name, *at, event.phase == "end")

        gizmo.on_update(moved)


def _put(node: Any, pose: tuple[Vector, Quaternion]) -> None:
    """Set a node's pose; viser's quaternions begin with w."""
    position, (x, y, z, w) = pose
    node.position, node.wxyz = position, (w, x, y, z)


def handle_size(scene: BuiltScene, index: int) -> float:
    """Length of the handles of an object, m: they reach beyond it."""
    return max(0.09, 1.9 * scene.footprints[index].radius_m)
