"""The software renderer of this process: one pipe, one graphics state and one off-screen buffer per picture size.

Only :mod:`gen3d_envs.sim.camera` and its parts use this module; nothing else in the package knows Panda3D.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, SceneError
from gen3d_envs.sim.view import CameraSpec

try:
    from panda3d import core as core
except ImportError as error:
    raise EngineUnavailable(f"Pictures need the package panda3d: pip install panda3d ({error}).") from error

MAX_SIDE_PX = 4096
"""Largest width or height of a picture."""

_MAX_BUFFERS = 12

# uniquify-transforms: Panda3D would replace a pose by an older one that differs by less than 1e-6, so that a picture
# would depend on what was drawn before.
core.loadPrcFileData(
    "gen3d",
    """
    uniquify-transforms 0
    transform-cache 0
    notify-level-display error
    notify-level-tinydisplay fatal
    """,
)

RENDERER = f"panda3d {core.PandaSystem.getVersionString()} p3tinydisplay"
"""Name of the renderer as results and certificates give it."""

PAINT_LIFT = 2
"""Steps of the z-buffer by which paint on the support is nearer than it; shadows lie nearer still."""

MOVING_BIN = "gen3d-moving"
STATIC_BIN = "gen3d-static"
"""What is drawn first and second, before transparent things, each in the order in which it was attached.

Panda3D's own bins sort by the addresses of render states. Where two surfaces are equally far from a pixel the first one
drawn stays, so such pixels would differ from one run to the next.
"""

for _order, _bin in ((21, MOVING_BIN), (25, STATIC_BIN)):
    if core.CullBinManager.getGlobalPtr().findBin(_bin) < 0:
        core.CullBinManager.getGlobalPtr().addBin(_bin, core.CullBinManager.BTUnsorted, _order)


@dataclass(frozen=True, eq=False)
class _Buffer:
    output: Any
    region: Any
    texture: Any


class Engine:
    """Draws one scene at a time into memory. Get it with :func:`engine`; guarded by ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._engine = core.GraphicsEngine()
        self._pipe = core.GraphicsPipeSelection.getGlobalPtr().makePipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
        if self._pipe is None:
            raise EngineUnavailable("This panda3d has no p3tinydisplay: pip install --force-reinstall panda3d.")
        self._buffers: dict[tuple[int, int], _Buffer] = {}
        self._active: _Buffer | None = None
        self._serial = 0

    def draw(self, camera: core.NodePath, width: int, height: int, background: core.LColor) -> NDArray[np.uint8]:
        """Draw what a camera sees.

        Returns:
            (height, width, 4) uint8 BGRA, row 0 at the bottom: a view on memory that the next call overwrites.
        """
        buffer = self._buffers.get((width, height))
        if buffer is None:
            buffer = self._open(width, height)
        if buffer is not self._active:
            if self._active is not None:
                self._active.output.setActive(False)
            buffer.output.setActive(True)
            self._active = buffer
        buffer.region.setCamera(camera)
        buffer.region.setClearColor(background)
        self._engine.renderFrame()
        return np.frombuffer(buffer.texture.getRamImage(), np.uint8).reshape(height, width, 4)

    def release(self, cameras: list[core.NodePath]) -> None:
        """Let go of cameras that are about to be destroyed."""
        for buffer in self._buffers.values():
            if buffer.region.getCamera() in cameras:
                buffer.region.setCamera(core.NodePath())

    def _open(self, width: int, height: int) -> _Buffer:
        if len(self._buffers) >= _MAX_BUFFERS:
            oldest = self._buffers.pop(next(iter(self._buffers)))
            if oldest is self._active:
                self._active = None
            oldest.region.setCamera(core.NodePath())
            self._engine.removeWindow(oldest.output)
        properties = core.FrameBufferProperties()
        properties.setRgbaBits(8, 8, 8, 8)
        properties.setDepthBits(24)
        host = next(iter(self._buffers.values())).output if self._buffers else None
        arguments: tuple[Any, ...] = (host.getGsg(), host) if host is not None else ()
        self._serial += 1
        output = self._engine.makeOutput(
            self._pipe, f"picture-{self._serial}", 0, properties, core.WindowProperties.size(width, height),
            core.GraphicsPipe.BFRefuseWindow, *arguments,
        )  # fmt: skip
        texture = core.Texture("picture")
        output.addRenderTexture(texture, core.GraphicsOutput.RTMCopyRam)
        output.setClearColorActive(False)
        region = output.makeDisplayRegion()
        region.setClearColorActive(True)
        region.setClearDepthActive(True)
        buffer = self._buffers[width, height] = _Buffer(output, region, texture)
        return buffer


_engine: Engine | None = None


_starting = threading.Lock()


def engine() -> Engine:
    """The renderer of this process, started at the first call."""
    global _engine
    if _engine is None:
        with _starting:
            if _engine is None:
                _engine = Engine()
    return _engine


def _renew_lock() -> None:
    if _engine is not None:
        _engine.lock = threading.Lock()


# A thread that was drawing while the process forked does not exist in the child, and would hold the lock forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def add_camera(spec: CameraSpec, scene: core.NodePath, parent: core.NodePath) -> core.NodePath:
    """Put a camera that draws ``scene`` on a node. Its lens still has to be fitted to a picture size."""
    camera = core.Camera(spec.name)
    camera.setScene(scene)
    camera.setLens(core.PerspectiveLens())
    node = parent.attachNewNode(camera)
    aim_camera(node, spec)
    return node


def aim_camera(node: core.NodePath, spec: CameraSpec) -> None:
    """Set where a camera stands and looks, in its parent's frame."""
    forward = np.asarray(spec.forward, np.float64)
    right = np.cross(forward, np.asarray(spec.up, np.float64))
    length = float(np.linalg.norm(right))
    if not length > 1e-9:
        raise SceneError(f"cameras[{spec.name}].up", spec.up, "is parallel to forward or zero", "Turn it aside")
    right /= length
    forward /= np.linalg.norm(forward)
    up = np.cross(right, forward)
    rows = [(*axis.tolist(), 0.0) for axis in (right, forward, up)]  # The renderer looks along its own +y.
    node.setMat(core.LMatrix4(*rows[0], *rows[1], *rows[2], *spec.position_m, 1.0))


def fit_lens(camera: core.NodePath, spec: CameraSpec, width: int, height: int) -> None:
    """Set a camera's lens so that a picture of this size has exactly the pinhole of its spec.

    The renderer maps the lens's film to ``size - 0.5`` pixels and rounds corners down to whole pixels. The film is
    therefore cut half a pixel short on the right and at the bottom, which puts both opening angles back in place.
    """
    for name, side in (("width", width), ("height", height)):
        if not 1 <= side <= MAX_SIDE_PX:
            raise SceneError(name, side, f"a picture is 1 to {MAX_SIDE_PX} samples wide and high", "Change it")
    half_x, half_y = math.tan(spec.fov_x_rad / 2.0), math.tan(spec.fov_y_rad / 2.0)
    lens = camera.node().getLens()
    lens.setFilmSize(half_x * (2.0 - 1.0 / width), half_y * (2.0 - 1.0 / height))
    lens.setFilmOffset(-half_x / (2.0 * width), half_y / (2.0 * height))
    lens.setFocalLength(1.0)
    lens.setNearFar(spec.near_m, spec.far_m)


def free_scene(root: core.NodePath, cameras: list[core.NodePath]) -> None:
    """Break the reference cycles of a scene, which nothing else would free. Call it with the engine's lock held."""
    engine().release(cameras)
    root.clearLight()
    for camera in cameras:
        camera.node().setScene(core.NodePath())
        camera.removeNode()
    for child in root.getChildren():
        child.removeNode()
    root.removeNode()
    # Composed states keep textures and lights alive until they are collected, each pass about half of them.
    for _ in range(4):
        core.RenderState.garbageCollect()
