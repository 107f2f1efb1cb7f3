"""Reading mesh files of others: GLB, OBJ, PLY and STL as triangles with a colour per vertex.

The bytes are not trusted. What a file refers to (materials, textures, buffers) is read from its own folder only, never
from a network, and sizes are checked before memory is taken. Every failure is an :class:`AssetError`.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import AssetError

EXTENSIONS = (".glb", ".obj", ".ply", ".stl")
MAX_FILE_BYTES = 100_000_000
MAX_FACES = 1_000_000
MAX_VERTICES = 3 * MAX_FACES
MAX_TEXTURE_PIXELS = 8192 * 8192
PLAIN_COLOR = (182, 180, 176)
"""sRGB of meshes that come without any colour."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RawMesh:
    """Triangles as they stand in a file.

    Attributes:
        vertices: (n, 3) float64, in the file's own unit and frame.
        faces: (m, 3) int64.
        colors: (n, 3) float64, sRGB 0-255.
        colored: False where the file gave no colours and ``colors`` is :data:`PLAIN_COLOR`.
        bodies: the geometries of the file, as (first face, end face).
    """

    vertices: Array
    faces: NDArray[np.int64]
    colors: Array
    colored: bool
    bodies: tuple[tuple[int, int], ...]


def inside(folder: Path, name: str, field: str) -> Path:
    """The path of ``name`` within ``folder``.

    Raises:
        AssetError: ``name`` is absolute, climbs out of the folder, or leads out of it through a link.
    """
    remedy = "Put the file into the folder and name it relative to that"
    if not name or "\0" in name or "\\" in name or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", name) or name.startswith("/"):
        raise AssetError(field, name, "is not a relative path within its folder", remedy)
    try:
        path = (folder / name).resolve()
        home = folder.resolve()
    except (OSError, RuntimeError):
        raise AssetError(field, name, "leads in a circle", remedy) from None
    if not path.is_relative_to(home):
        raise AssetError(field, name, "climbs out of its folder", remedy)
    return path


def read_bytes(path: Path, field: str = "path") -> bytes:
    """The content of a file of at most :data:`MAX_FILE_BYTES`.

    Raises:
        AssetError: missing, not a regular file, unreadable or too large.
    """
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise AssetError(field, str(path), problem, "Give the path of a mesh file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise AssetError(field, str(path), f"is {size / 1e6:.0f} MB, more than 100 MB", "Decimate the mesh first")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, AssetError):
            raise
        raise AssetError(field, str(path), f"cannot be read ({error})", "Give the path of a mesh file") from None


def read_mesh(path: str | Path, field: str = "path") -> RawMesh:
    """Read a mesh file.

    Raises:
        AssetError: an unknown extension, a missing, damaged, empty or too large file, or one that refers to files
            outside its folder.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in EXTENSIONS:
        raise AssetError(field, str(path), f"has the unknown extension {kind!r}", f"Use one of {', '.join(EXTENSIONS)}")
    data = read_bytes(path, field)
    return parse_mesh(data, kind, path.parent, field)


def parse_mesh(data: bytes, kind: str, folder: Path, field: str = "path") -> RawMesh:
    """Read a mesh from the bytes of a file of the extension ``kind`` that lies in ``folder``; errors as above."""
    import trimesh

    _check_declared_sizes(data, kind, field)
    resolver = _resolver(folder)
    try:
        # Textures beyond PIL's comfort are refused below; its warning adds nothing.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            scene = trimesh.load_scene(
                io.BytesIO(data), file_type=kind[1:], resolver=resolver, process=False, allow_remote=False
            )
            raw = _flatten(scene, field)
    except AssetError:
        raise
    except Exception as error:  # trimesh raises whatever its parsers stumble over
        if resolver.refused:
            raise resolver.refused[0] from None
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise AssetError(field, kind, f"is damaged or not a mesh ({reason})", "Export the mesh again") from None
    if resolver.refused:
        raise resolver.refused[0]
    return raw


def _resolver(folder: Path) -> Any:
    """An object that finds what a mesh file refers to, inside the file's folder; refusals are kept in ``refused``."""
    from trimesh.resolvers import Resolver

    class FolderResolver(Resolver):
        def __init__(self) -> None:
            self.refused: list[AssetError] = []

        def get(self, key: str) -> bytes:
            name = str(key).strip()
            name = name[2:] if name.startswith("./") else name
            try:
                return read_bytes(inside(folder, name, "file referred to"), "file referred to")
            except AssetError as error:
                self.refused.append(error)
                raise KeyError(name) from error

        def write(self, name: str, data: Any) -> None:
            raise NotImplementedError

        def namespaced(self, namespace: str) -> Resolver:
            raise NotImplementedError

        def keys(self) -> list[str]:
            return []

    return FolderResolver()


def _check_declared_sizes(data: bytes, kind: str, field: str) -> None:
    """Refuse files that declare more than a million faces before a parser takes memory for them."""
    counts: list[float] = [0]
    if kind == ".glb":
        length = int.from_bytes(data[12:16], "little")
        if data[:4] != b"glTF" or data[16:20] != b"JSON":
            raise AssetError(field, data[:8], "is not a GLB file", "Export the mesh again")
        try:
            accessors = msgspec.json.decode(data[20 : 20 + length]).get("accessors", ())
            counts += [accessor["count"] / 3 for accessor in accessors]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError, KeyError, TypeError):
            raise AssetError(field, kind, "has a damaged header", "Export the mesh again") from None
    elif kind == ".ply":
        header = data[: data.find(b"end_header") + 1 or 10_000]
        counts += [float(number) / 3 for number in re.findall(rb"element\s+vertex\s+(\d{1,18})", header)]
        counts += [float(number) for number in re.findall(rb"element\s+(?!vertex)\S+\s+(\d{1,18})", header)]
    elif kind == ".stl" and not data[:512].lstrip().startswith(b"solid"):
        counts.append(int.from_bytes(data[80:84], "little"))
        if len(data) < 84 + 50 * counts[-1]:
            raise AssetError(field, len(data), "is truncated or not an STL file", "Export the mesh again")
    elif kind == ".obj":
        counts.append(data.count(b"\nf "))
    if max(counts) > MAX_FACES:
        raise _too_many(field, int(max(counts)))


def _too_many(field: str, count: int) -> AssetError:
    return AssetError(field, count, f"are more than {MAX_FACES:,} faces", "Decimate the mesh first")


def _flatten(scene: Any, field: str) -> RawMesh:
    """All geometries of a scene in the scene's frame, in the order of their names, with baked colours."""
    vertices, faces, colors, bodies = [], [], [], []
    points, triangles, colored = 0, 0, False
    # The order of nodes is an accident of the exporter and of the library's graph.
    for node in sorted(scene.graph.nodes_geometry):
        transform, name = scene.graph[node]
        mesh = scene.geometry[name]
        if not hasattr(mesh, "faces") or len(mesh.faces) == 0:
            continue
        triangles += len(mesh.faces)
        points += len(mesh.vertices)
        if triangles > MAX_FACES or points > MAX_VERTICES:
            raise _too_many(field, triangles)
        matrix = np.asarray(transform, dtype=np.float64)
        local = np.asarray(mesh.vertices, dtype=np.float64)
        index = np.asarray(mesh.faces, dtype=np.int64)
        if index.min() < 0 or index.max() >= len(local):
            raise AssetError(field, int(index.max()), "is the index of a vertex that does not exist", "Export it again")
        if np.linalg.det(matrix[:3, :3]) < 0:
            index = index[:, ::-1]
        rgb = _baked(mesh, field)
        colored = colored or rgb is not None
        bodies.append((triangles - len(index), triangles))
        faces.append(index + points - len(local))
        vertices.append(local @ matrix[:3, :3].T + matrix[:3, 3])
        colors.append(np.tile(np.array(PLAIN_COLOR, np.float64), (len(local), 1)) if rgb is None else rgb)
    if not faces:
        raise AssetError(
            field, 0, "holds no faces", "Export a triangle mesh; point clouds and empty files cannot be used"
        )
    return RawMesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(colors), colored, tuple(bodies))


def _baked(mesh: Any, field: str) -> Array | None:
    """Colour of each vertex, (n, 3) sRGB 0-255, from texture, vertex, face or material colours; None without any."""
    visual, count = mesh.visual, len(mesh.vertices)
    if visual.kind == "texture":
        material = visual.material
        image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
        factor = getattr(material, "baseColorFactor", None)
        # A glTF material multiplies the colours of the vertices, which are linear there.
        tint = _tint(visual.vertex_attributes.get("color"), count)
        if image is not None and visual.uv is not None and len(visual.uv) == count:
            if image.width * image.height > MAX_TEXTURE_PIXELS:
                raise AssetError(field, image.size, "is too large a texture", "Scale it to at most 8192 x 8192")
            rgb = _sample(np.asarray(image.convert("RGB")), np.asarray(visual.uv, dtype=np.float64))
            rgb = rgb if factor is None else rgb * _encoded(factor) / 255.0
            return rgb if tint is None else rgb * tint / 255.0
        if tint is not None:
            return tint if factor is None else tint * _encoded(factor) / 255.0
        plain = np.asarray(material.main_color, np.float64)[:3] if factor is None else _encoded(factor)
        return np.tile(plain, (count, 1))
    if visual.kind == "vertex":
        return np.asarray(visual.vertex_colors, dtype=np.float64)[:, :3]
    if visual.kind == "face":
        sums, weights = np.zeros((count, 3)), np.zeros((count, 1))
        for corner in mesh.faces.T:
            np.add.at(sums, corner, np.asarray(visual.face_colors, dtype=np.float64)[:, :3])
            np.add.at(weights, corner, 1.0)
        return sums / np.maximum(weights, 1.0)
    return None


def _tint(colors: Any, count: int) -> Array | None:
    """Linear vertex colours of a glTF file, (n, 3 or 4) of any type, as sRGB 0-255; None where there are none."""
    if colors is None or np.ndim(colors) != 2 or len(colors) != count or colors.shape[1] < 3:
        return None
    array = np.nan_to_num(np.asarray(colors)[:, :3])
    most = float(np.iinfo(array.dtype).max) if array.dtype.kind in "ui" else 1.0
    return _encoded(array.astype(np.float64) * (255.0 / most))


def _encoded(factor: Any) -> Array:
    """Linear colours 0-255, (..., 3 or 4), as sRGB 0-255 (IEC 61966-2-1)."""
    linear = np.clip(np.asarray(factor, dtype=np.float64)[..., :3] / 255.0, 0.0, 1.0)
    return 255.0 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _sample(image: NDArray[np.uint8], uv: Array) -> Array:
    """Texture at (n, 2) coordinates: origin in the lower left corner, repeated beyond 0 to 1, nearest pixel."""
    height, width = image.shape[:2]
    uv = np.nan_to_num(uv, nan=0.0, posinf=0.0, neginf=0.0)
    uv = np.where((uv >= 0.0) & (uv <= 1.0), uv, uv % 1.0)
    column = np.minimum((uv[:, 0] * width).astype(np.int64), width - 1)
    row = np.minimum(((1.0 - uv[:, 1]) * height).astype(np.int64), height - 1)
    return image[np.maximum(row, 0), np.maximum(column, 0)].astype(np.float64)
