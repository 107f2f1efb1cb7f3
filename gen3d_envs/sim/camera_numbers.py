"""What is under each pixel: the scene drawn with a number for every triangle, read back as segments and depth.

A software z-buffer keeps too few bits and cannot be read. The number of the visible triangle is exact, and from it the
segment is a table look-up and the depth a ray-plane intersection. Only :mod:`gen3d_envs.sim.camera` uses this module.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import SceneError
from gen3d_envs.sim.camera_engine import MOVING_BIN, PAINT_LIFT, add_camera, core, engine, fit_lens, free_scene
from gen3d_envs.sim.camera_mesh import MAX_NUMBER, numbered_geom, numbers_of
from gen3d_envs.sim.view import CameraSpec, SceneView

_NOTHING = core.LColor(0.0, 0.0, 0.0, 1.0)


class NumberScene:
    """A second copy of a scene in which every triangle has its number as colour; number 0 is the background.

    Args:
        view: the scene.
    """

    def __init__(self, view: SceneView) -> None:
        nodes = [*view.static, *view.moving]
        triangles = [np.asarray(node.mesh.vertices, np.float32)[node.mesh.faces] for node in nodes]
        counts = [len(part) for part in triangles]
        if sum(counts) > MAX_NUMBER:
            raise SceneError("view", sum(counts), f"has more than {MAX_NUMBER} triangles", "Simplify the meshes")
        starts = np.cumsum([1, *counts])
        self._corners = np.concatenate([np.zeros((1, 3, 3), np.float32), *triangles])
        self._segments = np.repeat(np.array([0, *(node.segment for node in nodes)], np.uint8), [1, *counts])
        # The static nodes share one frame, so they share one geometry and one row of the table of frames: row 0.
        first_moving = len(view.static)
        rows = [0] * (1 + first_moving) + list(range(1, 1 + len(view.moving)))
        self._rows = np.repeat(np.array(rows), [1, *counts])
        self._root = core.NodePath("numbers")
        self._root.setBin(MOVING_BIN, 0)
        self._root.setAttrib(core.ShadeModelAttrib.make(core.ShadeModelAttrib.MFlat))
        if view.static:
            self._root.attachNewNode(numbered_geom(self._corners[1 : starts[first_moving]], 1))
        self._nodes = {
            node.name: self._root.attachNewNode(numbered_geom(part, int(start)))
            for node, part, start in zip(
                view.moving, triangles[first_moving:], starts[first_moving:-1], strict=True
            )
        }  # fmt: skip
        for flat in (node for node in view.moving if node.flat):
            self._nodes[flat.name].setDepthOffset(PAINT_LIFT)
        self._cameras = {
            spec.name: add_camera(spec, self._root, self._root if spec.parent is None else self._nodes[spec.parent])
            for spec in view.cameras
        }

    def segmentation(
        self, spec: CameraSpec, width: int, height: int, poses: dict[str, core.NodePath]
    ) -> NDArray[np.uint8]:
        """Segment of the node under each pixel: (height, width) uint8."""
        return self._segments[self._draw(spec, width, height, poses)]

    def depth(self, spec: CameraSpec, width: int, height: int, poses: dict[str, core.NodePath]) -> NDArray[np.float32]:
        """Distance along the optical axis: (height, width) float32, m, 0 where there is nothing."""
        numbers = self._draw(spec, width, height, poses)
        seen = np.zeros(len(self._corners), np.intp)
        seen[numbers.ravel()] = 1
        visible = np.flatnonzero(seen)
        seen[visible] = np.arange(len(visible))
        camera = self._cameras[spec.name]
        frames = np.array([_matrix(node, camera) for node in (self._root, *self._nodes.values())])[self._rows[visible]]
        corners = np.einsum("kci,kij->kcj", self._corners[visible].astype(np.float64), frames[:, :3, :3])
        corners += frames[:, None, 3, :3]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        offsets = np.einsum("ki,ki->k", normals, corners[:, 0])
        # The camera's own axes are right, forward, up, and each ray goes 1 m forward.
        across = (2.0 * (np.arange(width) + 0.5) / width - 1.0) * math.tan(spec.fov_x_rad / 2.0)
        upward = (1.0 - 2.0 * (np.arange(height) + 0.5) / height) * math.tan(spec.fov_y_rad / 2.0)
        index = seen[numbers]
        n = normals[index]
        facing = n[..., 0] * across + n[..., 1] + n[..., 2] * upward[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = offsets[index] / facing
        # At an outline the pixel's centre may lie just beside its triangle: stay within what the triangle spans.
        nearest, farthest = corners[:, :, 1].min(axis=1)[index], corners[:, :, 1].max(axis=1)[index]
        depth = np.clip(np.where(np.isfinite(depth), depth, farthest), nearest, farthest)
        return np.where(numbers > 0, np.maximum(depth, spec.near_m), 0.0).astype(np.float32)

    def close(self) -> None:
        """Free the scene graph. Call it with the engine's lock held."""
        free_scene(self._root, list(self._cameras.values()))

    def _draw(self, spec: CameraSpec, width: int, height: int, poses: dict[str, core.NodePath]) -> NDArray[np.int32]:
        for name, node in self._nodes.items():
            node.setTransform(poses[name].getTransform())
        camera = self._cameras[spec.name]
        fit_lens(camera, spec, width, height)
        shared = engine()
        with shared.lock:
            return numbers_of(shared.draw(camera, width, height, _NOTHING)[::-1, :, 2::-1])


def _matrix(node: core.NodePath, frame: core.NodePath) -> list[list[float]]:
    """Pose of a node in another's frame: 4x4, applied to row vectors from the right."""
    matrix = node.getMat(frame)
    return [[matrix.getCell(row, column) for column in range(4)] for row in range(4)]
