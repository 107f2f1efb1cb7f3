"""What a camera sees: meshes, named nodes, lights and cameras. Engine-independent and renderer-independent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Vector


@dataclass(frozen=True, eq=False)
class VisualMesh:
    """A triangle mesh to look at.

    Attributes:
        vertices: (n, 3) float32, m, frame of the node it belongs to.
        faces: (m, 3) int32, counter-clockwise seen from outside.
        colors: (n, 3) uint8, sRGB.
        uv: (n, 2) float32 texture coordinates, or None.
        texture: (h, w, 3) uint8 sRGB, multiplied with ``colors``; None where the colours say it all.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    colors: NDArray[np.uint8]
    uv: NDArray[np.float32] | None = None
    texture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class VisualNode:
    """A mesh that moves as one.

    Attributes:
        name: unique in the view.
        mesh: in the node's own frame.
        segment: value of its pixels in segmentation pictures; 0 is the background.
        flat: a moving node that lies on the plane z = 0 like paint: drawn over what is there, and below the shadows.
        casts_shadow: a moving node darkens the plane z = 0 below it, softly and more the nearer it is.
    """

    name: str
    mesh: VisualMesh
    segment: int = 0
    casts_shadow: bool = False
    flat: bool = False


@dataclass(frozen=True)
class CameraSpec:
    """A pinhole camera.

    Attributes:
        name: key of its pictures in the observation.
        position_m: centre of projection, in the scene frame or in the frame of ``parent``.
        forward, up: viewing direction and picture-up direction in the same frame; need not be normalised or exactly
            orthogonal.
        fov_x_rad, fov_y_rad: full opening angles. They are kept whatever the picture's aspect ratio, i.e. a 4:3 view
            is squeezed into a square picture exactly as a resize would.
        parent: node that the camera rides on; None for a camera fixed in the scene.
        near_m, far_m: clipping distances.
    """

    name: str
    position_m: Vector
    forward: Vector
    up: Vector = (0.0, 0.0, 1.0)
    fov_x_rad: float = math.radians(54.3)
    fov_y_rad: float = math.radians(42.1)
    parent: str | None = None
    near_m: float = 0.01
    far_m: float = 8.0


@dataclass(frozen=True)
class LightSpec:
    """One ambient and one directional light, linear factors per RGB channel.

    ``direction`` is where the light travels to, in the scene frame.
    """

    ambient: Vector = (0.45, 0.45, 0.45)
    directional: Vector = (0.6, 0.6, 0.58)
    direction: Vector = (0.3, 0.4, -0.85)


@dataclass(frozen=True, eq=False)
class SceneView:
    """Everything to be drawn. ``static`` nodes never move and are given in the scene frame."""

    static: tuple[VisualNode, ...]
    moving: tuple[VisualNode, ...]
    cameras: tuple[CameraSpec, ...]
    light: LightSpec = field(default=LightSpec())
    sky: Vector = (0.75, 0.78, 0.82)
