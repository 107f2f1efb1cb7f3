"""Other colours, other textures, another room: how a scene may look in one episode. Pure data until it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Vector
from gen3d_envs.sim.room import Room, build_room
from gen3d_envs.sim.textures import Color, texture
from gen3d_envs.sim.view import VisualNode
from gen3d_envs.spec import BackgroundSpec, SupportSpec

SURFACES = ("support", "wall", "floor")
"""Parts of a room that can be painted by name."""

_NODES = {"support": "support_", "wall": "room_1", "floor": "room_0"}
"""Beginning of the names of a surface's nodes; see ``sim.room``: the floor is built first, then the walls."""


@dataclass(frozen=True)
class Paint:
    """Another look for a node, beside its own colours.

    Attributes:
        tint: factor per channel on the node's own colours.
        kind: texture of :data:`gen3d_envs.sim.textures.KINDS` laid over them; None for none.
        color, seed: of the texture.
        mix: share of the texture: 0 leaves the node's own colours, 1 shows nothing else.
        tile_m: side of one tile on an object; a surface keeps its own scale.
    """

    tint: Vector = (1.0, 1.0, 1.0)
    kind: str | None = None
    color: Color = (255, 255, 255)
    seed: int = 0
    mix: float = 1.0
    tile_m: float = 0.12

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The texture: (h, w, 3) uint8, read-only; None for none."""
        return None if self.kind is None else texture(self.kind, self.color, self.seed)


@dataclass(frozen=True)
class Look:
    """How a scene looks in one episode.

    Attributes:
        background, support: the room and the table in it.
        surfaces: paint by name of :data:`SURFACES`.
        nodes: paint by name of a moving node, such as ``object/<name>`` or ``robot/<link>``.
    """

    background: BackgroundSpec
    support: SupportSpec
    surfaces: tuple[tuple[str, Paint], ...] = ()
    nodes: tuple[tuple[str, Paint], ...] = ()

    def with_surface(self, name: str, paint: Paint) -> Look:
        """The look with a surface painted over."""
        return replace(self, surfaces=tuple({**dict(self.surfaces), name: paint}.items()))

    def with_nodes(self, paints: Mapping[str, Paint]) -> Look:
        """The look with more nodes painted, or painted otherwise."""
        return replace(self, nodes=tuple({**dict(self.nodes), **paints}.items()))

    @property
    def room(self) -> Room:
        """The room with its surfaces painted."""
        return _painted_room(self.background, self.support, self.surfaces)


@lru_cache(maxsize=16)
def _painted_room(
    background: BackgroundSpec, support: SupportSpec, surfaces: tuple[tuple[str, Paint], ...]
) -> Room:  # fmt: skip
    room = build_room(background, support)
    if not surfaces:
        return room
    paints = [(_NODES[name], paint) for name, paint in surfaces]
    nodes = []
    for node in room.nodes:
        for start, paint in paints:
            if node.name.startswith(start):
                node = _painted(node, paint)
        nodes.append(node)
    return replace(room, nodes=tuple(nodes))


def _painted(node: VisualNode, paint: Paint) -> VisualNode:
    mesh = node.mesh
    image, colors = mesh.texture, tinted(mesh.colors, paint.tint)
    if paint.image is not None and mesh.uv is not None and image is not None and paint.mix > 0.0:
        image = _mixed(image, paint)
    return replace(node, mesh=replace(mesh, colors=colors, texture=image))


def _mixed(own: NDArray[np.uint8], paint: Paint) -> NDArray[np.uint8]:
    """A surface's own texture under another one."""
    over = paint.image
    assert over is not None
    if paint.mix >= 1.0:
        return over
    small = own[:: max(1, own.shape[0] // over.shape[0]), :: max(1, own.shape[1] // over.shape[1])]
    mixed = np.rint(small * np.float32(1.0 - paint.mix) + over * np.float32(paint.mix)).astype(np.uint8)
    mixed.flags.writeable = False
    return mixed


def tinted(colors: NDArray[np.uint8], tint: Vector) -> NDArray[np.uint8]:
    """Colours times a factor per channel: (n, 3) uint8 in and out; the same array for a tint of ones."""
    if tint == (1.0, 1.0, 1.0):
        return colors
    return np.clip(np.rint(colors * np.array(tint, np.float32)), 0, 255).astype(np.uint8)
