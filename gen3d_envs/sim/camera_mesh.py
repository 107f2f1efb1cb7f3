"""Meshes made ready for drawing: normals that keep edges sharp and round things round, and Panda3D geometry.

Only :mod:`gen3d_envs.sim.camera` uses this module.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import AssetError
from gen3d_envs.sim.camera_engine import core
from gen3d_envs.sim.paint import Paint, tinted
from gen3d_envs.sim.view import VisualMesh, VisualNode

CREASE_RAD = math.radians(40.0)
"""Faces that meet at a larger angle keep a sharp edge between them."""

_VERTEX = np.dtype([("position", "<f4", 3), ("normal", "<f4", 3), ("color", "u1", 4)])
_VERTEX_UV = np.dtype([*_VERTEX.descr, ("uv", "<f4", 2)])
_CORNER = np.dtype([("position", "<f4", 3), ("color", "u1", 4)])


@dataclass(frozen=True, eq=False)
class ShadedMesh:
    """A mesh whose vertices are split where its shading is not continuous.

    Attributes:
        vertices: (n,) structured array of position (m), normal, color (sRGB and opacity) and, with a texture, uv.
        faces: (m, 3) int64, into ``vertices``.
        texture: as in :class:`VisualMesh`.
    """

    vertices: NDArray[np.void]
    faces: NDArray[np.int64]
    texture: NDArray[np.uint8] | None


def crease_normals(
    positions: NDArray[np.float32], faces: NDArray[np.integer], crease_rad: float = CREASE_RAD
) -> NDArray[np.float32]:
    """Normal of every corner of every face: the mean over the faces around it that meet its own face smoothly.

    Faces weigh by area, and vertices at equal positions count as one, so that a seam between two colours stays round.

    Args:
        positions: (n, 3), m.
        faces: (m, 3), counter-clockwise seen from outside.
        crease_rad: largest angle between two faces that are shaded as one surface.

    Returns:
        (3 m, 3) float32 unit normals, in the order of ``faces.ravel()``.
    """
    corners = positions.astype(np.float64)[faces]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.sqrt(np.einsum("ij,ij->i", areas, areas))
    units = areas / np.maximum(lengths, 1e-18)[:, None]
    point = _merge_equal(positions)[faces.ravel()]
    face_of = np.repeat(np.arange(len(faces)), 3)
    # Every pair of corners that share a point, listed without a Python loop: sort by point, then let each corner meet
    # its group's members one after the other.
    order = np.argsort(point, kind="stable")
    sizes = np.bincount(point)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    size = sizes[point]
    first = np.repeat(np.arange(len(point)), size)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(size) - size, size)
    own, other = face_of[first], face_of[order[starts[point[first]] + offset]]
    smooth = np.einsum("ij,ij->i", units[own], units[other]) > math.cos(crease_rad)
    first, other = first[smooth], other[smooth]
    total = np.stack([np.bincount(first, areas[other, axis], minlength=len(point)) for axis in range(3)], axis=1)
    norm = np.sqrt(np.einsum("ij,ij->i", total, total))
    total[norm < 1e-18] = (0.0, 0.0, 1.0)  # A face without area has no direction; any normal will do.
    return (total / np.where(norm < 1e-18, 1.0, norm)[:, None]).astype(np.float32)


def _merge_equal(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Number the distinct rows: (n,) int64, equal exactly where the rows are equal."""
    bits = (np.ascontiguousarray(rows, np.float32) + np.float32(0.0)).view(np.uint32).astype(np.uint64)
    factors = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
    with np.errstate(over="ignore"):
        mixed = bits * factors[np.arange(bits.shape[1]) % 4]
        key = np.bitwise_xor.reduce(mixed ^ (mixed >> np.uint64(29)), axis=1) * factors[2]
    return np.unique(key, return_inverse=True)[1]


_shaded: weakref.WeakKeyDictionary[VisualMesh, ShadedMesh] = weakref.WeakKeyDictionary()
_geoms: weakref.WeakKeyDictionary[VisualMesh, core.GeomNode] = weakref.WeakKeyDictionary()
_textures: dict[int, tuple[weakref.ref[NDArray[np.uint8]], core.Texture]] = {}


def shade(mesh: VisualMesh) -> ShadedMesh:
    """Split a mesh's vertices at its sharp edges. Kept as long as the mesh lives."""
    shaded = _shaded.get(mesh)
    if shaded is None:
        shaded = _shaded[mesh] = _split(mesh)
    return shaded


def _split(mesh: VisualMesh) -> ShadedMesh:
    faces = np.asarray(mesh.faces)
    if len(faces) == 0:  # A frame that a camera rides on need not be seen.
        return ShadedMesh(np.zeros(0, _VERTEX), np.zeros((0, 3), np.int64), None)
    if faces.min() < 0 or faces.max() >= len(mesh.vertices):
        problem = f"is no index of {len(mesh.vertices)} vertices"
        raise AssetError("mesh.faces", int(faces.max()), problem, "Repair the mesh")
    normals = crease_normals(mesh.vertices, faces)
    vertex = faces.ravel()
    keys = np.column_stack([vertex, np.rint(normals * 500.0)]).astype(np.float32)
    group = _merge_equal(keys)
    count = int(group.max()) + 1
    source = np.zeros(count, np.int64)
    source[group[::-1]] = np.arange(len(group))[::-1]  # The first corner of each group stands for it.
    textured = mesh.texture is not None and mesh.uv is not None
    vertices = np.zeros(count, _VERTEX_UV if textured else _VERTEX)
    vertices["position"] = mesh.vertices[vertex[source]]
    vertices["normal"] = normals[source]
    vertices["color"][:, :3] = mesh.colors[vertex[source]]
    vertices["color"][:, 3] = 255
    if mesh.uv is not None and textured:
        vertices["uv"] = mesh.uv[vertex[source]]
    return ShadedMesh(vertices, group.reshape(-1, 3), mesh.texture if textured else None)


def moving_node(mesh: VisualMesh) -> core.GeomNode:
    """A node of its own that shares its geometry with every other node of the same mesh."""
    node = _geoms.get(mesh)
    if node is None:
        node = _geoms[mesh] = _node([shade(mesh)])
    copy = node.makeCopy()
    assert isinstance(copy, core.GeomNode)
    return copy


def painted_node(mesh: VisualMesh, paint: Paint) -> core.GeomNode:
    """A node of a mesh in other colours; a texture is projected onto it along slanting axes, so that it has no seam."""
    shaded, image = shade(mesh), paint.image
    if not len(shaded.faces):
        return core.GeomNode("geometry")
    own = shaded.vertices
    plain = image is None or paint.mix <= 0.0
    vertices = np.zeros(len(own), own.dtype if plain else _VERTEX_UV)
    for name in own.dtype.names or ():
        if name in (vertices.dtype.names or ()):
            vertices[name] = own[name]
    vertices["color"][:, :3] = tinted(own["color"][:, :3], paint.tint)
    texture = shaded.texture
    if not plain:
        # Texture times colour is all that the renderer does: what the texture covers turns white.
        share, colors = np.float32(paint.mix), vertices["color"][:, :3].astype(np.float32)
        vertices["color"][:, :3] = np.rint(colors + share * (255.0 - colors))
        x, y, z = (own["position"][:, axis] / np.float32(paint.tile_m) for axis in range(3))
        vertices["uv"] = np.stack([x + 0.6 * z, y + 0.6 * z], axis=1)
        texture = _faded(paint)
    return _node([ShadedMesh(vertices, shaded.faces, texture)])


@lru_cache(maxsize=64)
def _faded(paint: Paint) -> NDArray[np.uint8]:
    """A paint's texture at its strength: the weaker, the nearer to white."""
    image = paint.image
    assert image is not None
    share = np.float32(paint.mix)
    return np.rint(255.0 - share * (255.0 - image.astype(np.float32))).astype(np.uint8)


def static_node(nodes: tuple[VisualNode, ...]) -> core.GeomNode:
    """All static meshes in one node, one piece of geometry for each texture: the cost is per piece, not per mesh."""
    return _node([shade(node.mesh) for node in nodes])


def _node(meshes: list[ShadedMesh]) -> core.GeomNode:
    node = core.GeomNode("geometry")
    groups: dict[int, list[ShadedMesh]] = {}
    for mesh in meshes:
        if len(mesh.faces) == 0:
            continue
        groups.setdefault(id(mesh.texture), []).append(mesh)
    for group in groups.values():
        sizes = np.cumsum([0] + [len(mesh.vertices) for mesh in group])
        faces = np.concatenate([mesh.faces + start for mesh, start in zip(group, sizes[:-1], strict=True)])
        geom = _geom(np.concatenate([mesh.vertices for mesh in group]), faces)
        texture = group[0].texture
        state = core.RenderState.makeEmpty()
        if texture is not None:
            state = state.addAttrib(core.TextureAttrib.make(_texture(texture)))
        node.addGeom(geom, state)
    return node


def _format(dtype: np.dtype[np.void]) -> core.GeomVertexFormat:
    array = core.GeomVertexArrayFormat()
    for name in dtype.names or ():
        if name == "color":
            array.addColumn(core.InternalName.getColor(), 4, core.Geom.NTUint8, core.Geom.CColor)
        elif name == "uv":
            array.addColumn(core.InternalName.getTexcoord(), 2, core.Geom.NTFloat32, core.Geom.CTexcoord)
        elif name == "normal":
            array.addColumn(core.InternalName.getNormal(), 3, core.Geom.NTFloat32, core.Geom.CNormal)
        else:
            array.addColumn(core.InternalName.getVertex(), 3, core.Geom.NTFloat32, core.Geom.CPoint)
    return core.GeomVertexFormat.registerFormat(core.GeomVertexFormat(array))


def _geom(vertices: NDArray[np.void], faces: NDArray[np.integer]) -> core.Geom:
    data = core.GeomVertexData("vertices", _format(vertices.dtype), core.Geom.UHStatic)
    data.uncleanSetNumRows(len(vertices))
    memoryview(data.modifyArray(0)).cast("B")[:] = vertices.tobytes()
    triangles = core.GeomTriangles(core.Geom.UHStatic)
    wide = len(vertices) > 0xFFFF
    triangles.setIndexType(core.Geom.NTUint32 if wide else core.Geom.NTUint16)
    index = triangles.modifyVertices()
    index.uncleanSetNumRows(faces.size)
    memoryview(index).cast("B")[:] = faces.astype("<u4" if wide else "<u2").tobytes()
    geom = core.Geom(data)
    geom.addPrimitive(triangles)
    return geom


def _texture(image: NDArray[np.uint8]) -> core.Texture:
    """The texture of an image, shared by everything that uses the same array."""
    key = id(image)
    known = _textures.get(key)
    if known is not None and known[0]() is image:
        return known[1]
    height, width = image.shape[:2]
    if width & (width - 1) or height & (height - 1) or max(width, height) > 4096:
        raise AssetError("texture.shape", image.shape, "sides must be powers of two up to 4096", "Resize the texture")
    texture = core.Texture("texture")
    texture.setup2dTexture(width, height, core.Texture.TUnsignedByte, core.Texture.FRgb)
    texture.setRamImage(np.ascontiguousarray(image[::-1, :, ::-1]).tobytes())
    texture.setMinfilter(core.SamplerState.FTLinearMipmapNearest)
    texture.setMagfilter(core.SamplerState.FTLinear)
    _textures[key] = (weakref.ref(image, lambda _: _textures.pop(key, None)), texture)
    return texture


def colored_geom(
    positions: NDArray[np.float32], colors: NDArray[np.uint8], faces: NDArray[np.integer]
) -> core.GeomNode:
    """A node without normals: (n, 3) m, (n, 4) uint8 with opacity, (m, 3)."""
    vertices = np.zeros(len(positions), _CORNER)
    vertices["position"], vertices["color"] = positions, colors
    node = core.GeomNode("colors")
    if len(faces):
        node.addGeom(_geom(vertices, faces))
    return node


def numbered_geom(positions: NDArray[np.float32], first: int) -> core.GeomNode:
    """A node whose every triangle has the colour of its number, for pictures of what is where.

    Args:
        positions: (m, 3, 3) float32, m, corners of the triangles.
        first: number of the first triangle.
    """
    colors = np.repeat(number_colors(np.arange(first, first + len(positions))), 3, axis=0)
    return colored_geom(positions.reshape(-1, 3), colors, np.arange(3 * len(positions)).reshape(-1, 3))


MAX_NUMBER = (1 << 21) - 1
"""Largest number that a colour holds."""

NUMBER_BITS = 7
"""Bits of a triangle's number in each of three channels. The lowest bit of a byte is left free: interpolating equal
colours may come back one too low."""


def number_colors(numbers: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Colours of numbers: (n,) -> (n, 4) uint8."""
    colors = np.full((len(numbers), 4), 255, np.uint8)
    for channel in range(3):
        colors[:, channel] = (((numbers >> (NUMBER_BITS * channel)) & 0x7F) << 1) | 1
    return colors


def numbers_of(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Numbers of the colours of a picture: (h, w, 3) -> (h, w) int32."""
    parts = (pixels >> 1).astype(np.int32)
    return parts[..., 0] | (parts[..., 1] << NUMBER_BITS) | (parts[..., 2] << (2 * NUMBER_BITS))
