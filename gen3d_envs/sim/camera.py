"""Pictures of a scene, drawn in software: colour, depth and segmentation.

This file and its parts ``camera_engine.py`` and ``camera_mesh.py`` are the only ones that know the renderer. All
cameras of a process share one renderer; a :class:`Camera` holds the scene graph of one environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import Gen3DError, SceneError
from gen3d_envs.sim.camera_engine import (
    MOVING_BIN,
    PAINT_LIFT,
    RENDERER,
    STATIC_BIN,
    add_camera,
    aim_camera,
    core,
    engine,
    fit_lens,
    free_scene,
)
from gen3d_envs.sim.camera_mesh import moving_node, painted_node, static_node
from gen3d_envs.sim.camera_numbers import NumberScene
from gen3d_envs.sim.camera_shadow import Shadows
from gen3d_envs.sim.paint import Paint
from gen3d_envs.sim.view import CameraSpec, LightSpec, SceneView, VisualNode


class Camera:
    """Draws one scene from its cameras.

    Every picture is an array of its own, row 0 at the top. The same view and poses give the same bits in every
    process, whatever was drawn before. A pixel's ray goes through its centre: with ``u = (column + 0.5) / width`` it
    is ``forward + (2 u - 1) tan(fov_x / 2) right + (1 - 2 v) tan(fov_y / 2) up``. Outlines are dilated by up to half
    a pixel, which is how this renderer fills triangles.

    Args:
        view: what is drawn. Moving nodes start at the scene's origin. Static nodes are drawn in the order given: what
            hides others first is fastest.

    Raises:
        SceneError: two nodes or two cameras share a name, or a camera rides on a node that does not move.
        AssetError: a face with a vertex that is not there, or a texture whose sides are not powers of two.
    """

    renderer: str = RENDERER

    def __init__(self, view: SceneView) -> None:
        self._closed = False
        self._view = view
        self._numbers: NumberScene | None = None
        _check_names(view)
        self._root = core.NodePath("scene")
        self._static: core.NodePath | None = None
        self._attach_static(view.static, view.sky)
        self._nodes = {node.name: self._root.attachNewNode(moving_node(node.mesh)) for node in view.moving}
        for node in self._nodes.values():
            node.setBin(MOVING_BIN, 0)
        for flat in (node for node in view.moving if node.flat):
            self._nodes[flat.name].setDepthOffset(PAINT_LIFT)
        self._lights = self._light(view.light)
        self._shadows = Shadows(self._root, view)
        self._cameras: dict[str, core.NodePath] = {}
        self._lens_sizes: dict[str, tuple[int, int]] = {}
        self._specs = {spec.name: spec for spec in view.cameras}
        for spec in view.cameras:
            parent = self._root if spec.parent is None else self._nodes[spec.parent]
            self._cameras[spec.name] = add_camera(spec, self._root, parent)

    def _attach_static(self, nodes: tuple[VisualNode, ...], sky: tuple[float, float, float]) -> None:
        self._sky = core.LColor(*(max(0.0, min(1.0, channel)) for channel in sky), 1.0)
        if self._static is not None:
            self._static.removeNode()
            self._static = None
        if nodes:
            # After the moving nodes and in the given order, so that hidden pixels are mostly never filled.
            self._static = self._root.attachNewNode(static_node(nodes))
            self._static.setBin(STATIC_BIN, 0)

    def _light(self, light: LightSpec) -> tuple[core.AmbientLight, core.DirectionalLight]:
        # Without a material the renderer multiplies the vertex colour in twice.
        white = core.Material()
        white.setAmbient(core.LColor(1.0))
        white.setDiffuse(core.LColor(1.0))
        self._root.setMaterial(white)
        ambient, sun = core.AmbientLight("ambient"), core.DirectionalLight("sun")
        _shine(ambient, sun, light)
        for node in (ambient, sun):
            self._root.setLight(self._root.attachNewNode(node))
        return ambient, sun

    def set_light(self, light: LightSpec) -> None:
        """Change the lights; the shadows below moving things lean with them."""
        self._refuse_if_closed()
        _shine(*self._lights, light)
        self._shadows.lean(light)

    def set_static(self, nodes: tuple[VisualNode, ...], sky: tuple[float, float, float]) -> None:
        """Change everything that does not move, and the colour where nothing is."""
        self._refuse_if_closed()
        self._attach_static(nodes, sky)
        self._view = replace(self._view, static=nodes, sky=sky)
        self._forget_numbers()

    def paint(self, name: str, paint: Paint | None) -> None:
        """Paint a moving node over; None gives it its own colours back.

        Raises:
            SceneError: no moving node has this name.
        """
        node = self._nodes.get(name)
        if node is None:
            self._refuse_if_closed()
            raise SceneError("name", name, "no moving node has this name", f"Use one of {list(self._nodes)}")
        mesh = next(part.mesh for part in self._view.moving if part.name == name)
        geometry = node.node()
        geometry.removeAllGeoms()
        geometry.addGeomsFrom(moving_node(mesh) if paint is None else painted_node(mesh, paint))

    def set_camera(self, spec: CameraSpec) -> None:
        """Change where a camera of the view stands, where it looks and its opening angles; it keeps its parent.

        Raises:
            SceneError: the view has no camera of this name.
        """
        self._camera(spec.name, 1, 1)
        aim_camera(self._cameras[spec.name], spec)
        self._specs[spec.name] = spec
        self._lens_sizes.pop(spec.name)
        self._view = replace(self._view, cameras=tuple(self._specs.values()))
        self._forget_numbers()

    def set_pose(self, name: str, position_m: Sequence[float], orientation_xyzw: Sequence[float]) -> None:
        """Put a moving node somewhere: its frame in the scene frame."""
        x, y, z, w = orientation_xyzw
        try:
            self._nodes[name].setPosQuat(tuple(position_m), (w, x, y, z))
            self._shadows.moved[name] = (position_m, orientation_xyzw)
        except KeyError:
            self._refuse_if_closed()
            raise SceneError("name", name, "no moving node has this name", f"Use one of {list(self._nodes)}") from None

    def render(self, camera: str, width: int, height: int, samples: int = 1) -> NDArray[np.uint8]:
        """The colour picture of a camera: (height, width, 3) uint8, sRGB.

        Args:
            camera: name of a camera of the view.
            width: pixels across.
            height: pixels down.
            samples: 1, 2 or 4 samples per pixel along each side. 1 is for policies; more smooths the outlines of
                pictures made for people.

        Raises:
            SceneError: no camera has this name, or the picture is larger than 4096 pixels.
            Gen3DError: the camera was closed.
        """
        if samples not in (1, 2, 4):
            raise SceneError("samples", samples, "is no number of samples that averages well", "Use 1, 2 or 4")
        node = self._camera(camera, width * samples, height * samples)
        shared = engine()
        with shared.lock:
            self._shadows.update()
            picture = shared.draw(node, width * samples, height * samples, self._sky)
            while samples > 1:
                picture = _halve(picture)
                samples //= 2
            colors = np.empty((height, width, 3), np.uint8)
            for channel in range(3):  # Plane by plane: three times as fast as one copy of the swapped view.
                colors[..., channel] = picture[::-1, :, 2 - channel]
            return colors

    def render_depth(self, camera: str, width: int, height: int) -> NDArray[np.float32]:
        """Distance along the camera's ``forward``, not along the ray: (height, width) float32, m.

        0 where nothing is nearer than the camera's ``far_m``. Exact at pixel centres up to rounding (the triangle
        under each pixel is intersected with its ray); errors as in :meth:`render`.
        """
        self._camera(camera, width, height)
        return self._number_scene().depth(self._specs[camera], width, height, self._nodes)

    def render_segmentation(self, camera: str, width: int, height: int) -> NDArray[np.uint8]:
        """The ``segment`` of the node under each pixel, 0 where there is none: (height, width) uint8.

        Errors as in :meth:`render`.
        """
        self._camera(camera, width, height)
        return self._number_scene().segmentation(self._specs[camera], width, height, self._nodes)

    def close(self) -> None:
        """Free the scene graph. A second call does nothing; drawing afterwards is an error."""
        if self._closed:
            return
        self._closed = True
        shared = engine()
        with shared.lock:
            if self._numbers is not None:
                self._numbers.close()
            free_scene(self._root, list(self._cameras.values()))
        self._cameras.clear()
        self._nodes.clear()

    def _forget_numbers(self) -> None:
        if self._numbers is not None:
            self._numbers.close()
            self._numbers = None

    def _number_scene(self) -> NumberScene:
        if self._numbers is None:
            self._numbers = NumberScene(self._view)
        return self._numbers

    def _camera(self, name: str, width: int, height: int) -> core.NodePath:
        node = self._cameras.get(name)
        if node is None:
            self._refuse_if_closed()
            raise SceneError("camera", name, "no camera has this name", f"Use one of {list(self._cameras)}")
        if self._lens_sizes.get(name) != (width, height):
            fit_lens(node, self._specs[name], width, height)
            self._lens_sizes[name] = (width, height)
        return node

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Gen3DError("This camera was closed and draws no more; make a new one.")


def _shine(ambient: core.AmbientLight, sun: core.DirectionalLight, light: LightSpec) -> None:
    ambient.setColor(core.LColor(*light.ambient, 1.0))
    sun.setColor(core.LColor(*light.directional, 1.0))
    sun.setDirection(core.LVector3(*light.direction))


def _halve(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average each block of 2 x 2 pixels: (2 h, 2 w, 4) -> (h, w, 4) uint8."""
    pixels = picture.view(np.uint32)[..., 0]
    rows = _mean(pixels[0::2], pixels[1::2])
    columns = _mean(rows[:, 0::2], rows[:, 1::2])
    return columns[..., None].view(np.uint8)


def _mean(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Mean of four bytes at once; the mask keeps the carry of one byte out of the next."""
    return (first & second) + (((first ^ second) & np.uint32(0xFEFEFEFE)) >> np.uint32(1))


def _check_names(view: SceneView) -> None:
    moving = [node.name for node in view.moving]
    for field, names in (("moving[].name", moving), ("cameras[].name", [spec.name for spec in view.cameras])):
        for index, name in enumerate(names):
            if name in names[:index]:
                raise SceneError(field, name, "two of them share this name", "Give each its own")
    for spec in view.cameras:
        if spec.parent is not None and spec.parent not in moving:
            raise SceneError(f"cameras[{spec.name}].parent", spec.parent, "no moving node", f"Use one of {moving}")
