"""Soft shadows on the support: what tells an eye, or a policy, whether an object stands or hangs in the air.

Each node that casts one is taken for the ellipsoid in its bounding box; its shadow is a dark disc that fades outwards
and with height. Only :mod:`gen3d_envs.sim.camera` uses this module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from gen3d_envs.assets.asset import Vector
from gen3d_envs.sim.camera_engine import core
from gen3d_envs.sim.camera_mesh import colored_geom
from gen3d_envs.sim.view import LightSpec, SceneView, VisualNode

_PLANE_Z_M = 0.0008
_LIFT = 3
"""Steps of the z-buffer towards the camera, about 1 mm: rounding corners to pixels may sink a disc that far."""

_SEGMENTS = 10
_SPREAD = 1.28
"""Radius of the faded edge over that of the object: the corners of a box lie at 1.41."""

_DARKEST = 0.55
_FADE_M = 0.06
"""Height at which the shadow is down to 1/e."""

_LEVELS = 32
_HANGING_M = 0.008
_LAST = 100


class Shadows:
    """The shadows of one scene.

    Args:
        root: scene graph that they are put into.
        view: what casts them.

    Attributes:
        moved: poses of nodes that moved since the last :meth:`update`.
    """

    def __init__(self, root: core.NodePath, view: SceneView) -> None:
        self.moved: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
        self._lean = _leaning(view.light)
        self._poses: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
        self._casters: dict[str, tuple[core.NodePath, Vector, Vector]] = {}
        casting = [node for node in view.moving if node.casts_shadow and len(node.mesh.faces)]
        if not casting:
            return
        group = root.attachNewNode("shadows")
        group.setLightOff()
        group.setMaterialOff()
        group.setTransparency(core.TransparencyAttrib.MAlpha)
        for index, node in enumerate(casting):
            center, squares = _ellipsoid(node)
            shadow = group.attachNewNode(core.GeomNode(node.name))
            # Discs write depth, so that a pixel that two triangles of one disc share is not darkened twice, and each
            # lies nearer than the one before, so that the shadows of neighbours add up.
            shadow.setDepthOffset(_LIFT + min(index, _LIFT))
            shadow.setBin("fixed", index)
            self._casters[node.name] = (shadow, center, squares)
            self.moved[node.name] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))

    def update(self) -> None:
        """Move the shadows of everything that moved."""
        if not self.moved:
            return
        for name, (position, orientation) in self.moved.items():
            caster = self._casters.get(name)
            if caster is not None:
                self._poses[name] = (position, orientation)
                self._place(*caster, position, orientation)
        self.moved.clear()

    def lean(self, light: LightSpec) -> None:
        """Let the shadows fall away from another light."""
        if _leaning(light) != self._lean:
            self._lean = _leaning(light)
            self.moved = {**self._poses, **self.moved}

    def _place(
        self, shadow: core.NodePath, center: Vector, squares: Vector, position: Sequence[float], xyzw: Sequence[float]
    ) -> None:
        qx, qy, qz, qw = xyzw
        sx, sy, sz = squares
        cx, cy, cz = center
        # Rows of the rotation matrix of the quaternion.
        xx, xy, xz = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qw * qz), 2.0 * (qx * qz + qw * qy)
        yx, yy, yz = 2.0 * (qx * qy + qw * qz), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qw * qx)
        zx, zy, zz = 2.0 * (qx * qz - qw * qy), 2.0 * (qy * qz + qw * qx), 1.0 - 2.0 * (qx * qx + qy * qy)
        height = position[2] + zx * cx + zy * cy + zz * cz
        bottom = height - math.sqrt(zx * zx * sx + zy * zy * sy + zz * zz * sz)
        level = round(_LEVELS * math.exp(-max(bottom, 0.0) / _FADE_M))
        if level == 0 or bottom < -0.02:
            shadow.hide()
            return
        # What hangs moves its shadow over those of others: drawn last and clearly nearest, it adds to them.
        hanging = bottom > _HANGING_M
        if hanging != (shadow.getPythonTag("hanging") or False):
            shadow.setPythonTag("hanging", hanging)
            shadow.setDepthOffset(shadow.getDepthOffset() + (_LIFT if hanging else -_LIFT))
            shadow.setBin("fixed", shadow.getBinDrawOrder() + (_LAST if hanging else -_LAST))
        # The shadow of an ellipsoid is the upper left block of its matrix; its Cholesky factor stretches the disc.
        a = xx * xx * sx + xy * xy * sy + xz * xz * sz
        b = xx * yx * sx + xy * yy * sy + xz * yz * sz
        d = yx * yx * sx + yy * yy * sy + yz * yz * sz
        grow = _SPREAD * (1.0 + 2.0 * max(bottom, 0.0))
        first = math.sqrt(a)
        second = b / first
        third = math.sqrt(max(d - second * second, 1e-12))
        lean_m = 0.35 * max(height, 0.0)
        shadow.show()
        shadow.setMat(core.LMatrix4(
            first * grow, second * grow, 0.0, 0.0,
            0.0, third * grow, 0.0, 0.0,
            0.0, 0.0, 1.0, 0.0,
            position[0] + xx * cx + xy * cy + xz * cz + lean_m * self._lean[0],
            position[1] + yx * cx + yy * cy + yz * cz + lean_m * self._lean[1], _PLANE_Z_M, 1.0,
        ))  # fmt: skip
        # One disc for each darkness: a colour scale on one disc would be worked into its vertices over and over.
        geometry = shadow.node()
        disc = _disc(level)
        if not (geometry.getNumGeoms() and geometry.getGeom(0) == disc):
            geometry.removeAllGeoms()
            geometry.addGeom(disc)


def _leaning(light: LightSpec) -> tuple[float, float]:
    """How far a shadow lies beside what casts it, x and y per height; none below a light from the side."""
    down = -light.direction[2]
    return (light.direction[0] / down, light.direction[1] / down) if down > 0.2 else (0.0, 0.0)


def _ellipsoid(node: VisualNode) -> tuple[Vector, Vector]:
    """Centre and squared half axes of the ellipsoid in a node's bounding box."""
    low, high = (np.asarray(bound, np.float64) for bound in (node.mesh.vertices.min(0), node.mesh.vertices.max(0)))
    center, squares = (low + high) / 2.0, np.maximum((high - low) / 2.0, 1e-4) ** 2
    return (float(center[0]), float(center[1]), float(center[2])), (
        float(squares[0]), float(squares[1]), float(squares[2]),
    )  # fmt: skip


@lru_cache(maxsize=_LEVELS + 1)
def _disc(level: int) -> core.Geom:
    """A disc of radius 1 in the plane, dark in the middle and clear at the rim; the darkest has level ``_LEVELS``."""
    angles = np.arange(_SEGMENTS) * (2.0 * np.pi / _SEGMENTS)
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(_SEGMENTS)], axis=1)
    positions = np.concatenate([np.zeros((1, 3)), 0.68 * ring, ring]).astype(np.float32)
    opacity = np.repeat([_DARKEST, 0.8 * _DARKEST, 0.0], [1, _SEGMENTS, _SEGMENTS])
    colors = np.zeros((len(positions), 4), np.uint8)
    colors[:, :3] = (18, 16, 22)
    colors[:, 3] = np.rint(255.0 * opacity * level / _LEVELS)
    this = np.arange(_SEGMENTS)
    following = (this + 1) % _SEGMENTS
    inner, outer = 1 + this, 1 + _SEGMENTS + this
    inner_next, outer_next = 1 + following, 1 + _SEGMENTS + following
    faces = np.concatenate([
        np.stack([np.zeros_like(this), inner, inner_next], axis=1),
        np.stack([inner, outer, outer_next], axis=1), np.stack([inner, outer_next, inner_next], axis=1),
    ])  # fmt: skip
    # A copy: what modifyGeom() hands out stays locked to this thread, and drawing in any other would wait forever.
    return colored_geom(positions, colors, faces).getGeom(0).makeCopy()
