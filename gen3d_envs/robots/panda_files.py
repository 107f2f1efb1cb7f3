"""Reading the files that describe the Franka Panda: a URDF, and meshes that are decimated once and cached."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets import simplify
from gen3d_envs.assets.asset import Hull, Vector
from gen3d_envs.assets.shapes import Mesh
from gen3d_envs.assets.store import cache_folder, pack_arrays, unpack_arrays, write_atomically
from gen3d_envs.errors import AssetError, EngineUnavailable
from gen3d_envs.robots.look import assemble
from gen3d_envs.sim.view import VisualMesh

MAX_URDF_BYTES = 200_000
MAX_MESH_BYTES = 8_000_000
LOOKS_VERSION = 1
"""Raised whenever the same meshes shall be decimated or painted in another way."""

_SMALLEST_M = 0.05
"""Components of a mesh with a smaller diagonal are not drawn."""

Array = NDArray[np.float64]
_DTYPES = {"vertices": "<f4", "faces": "<i4", "colors": "|u1", "sizes": "<i4"}
_COLUMNS = {"vertices": 3, "faces": 3, "colors": 3, "sizes": 2}


@dataclass(frozen=True)
class LinkEntry:
    """A link as the URDF states it: mass (kg), centre of mass (m), and the files of its meshes."""

    mass_kg: float
    com_m: Vector
    visual: str
    collision: str


@dataclass(frozen=True)
class JointEntry:
    """A joint as the URDF states it; ``lower`` and ``upper`` are the narrower of hard and soft limits."""

    position_m: Vector
    rpy_rad: Vector
    axis: Vector
    lower: float
    upper: float
    effort: float
    velocity: float


def read_urdf(path: Path) -> tuple[dict[str, LinkEntry], dict[str, JointEntry]]:
    """Links with meshes, and joints, by name.

    Raises:
        EngineUnavailable: the file is missing or is not the description that this release knows.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_URDF_BYTES or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise ValueError("it is too large or defines entities")
        root = Xml.fromstring(data)
        links = {link.attrib["name"]: _link(link) for link in root.iter("link") if link.find("visual") is not None}
        joints = {joint.attrib["name"]: _joint(joint) for joint in root.findall("joint")}
    except (OSError, Xml.ParseError, ValueError, KeyError, AttributeError) as error:
        raise EngineUnavailable(
            f"The Panda's description {path.name} of pybullet_data cannot be read ({error}): reinstall pybullet."
        ) from None
    return links, joints


def _link(link: Xml.Element) -> LinkEntry:
    meshes = [link.find(f"{kind}/geometry/mesh").attrib["filename"] for kind in ("visual", "collision")]  # type: ignore[union-attr]
    mass = float(link.find("inertial/mass").attrib["value"])  # type: ignore[union-attr]
    return LinkEntry(mass, _vector(link.find("inertial/origin"), "xyz"), meshes[0], meshes[1])


def _joint(joint: Xml.Element) -> JointEntry:
    limit, soft = joint.find("limit"), joint.find("safety_controller")
    limits = dict(limit.attrib) if limit is not None else {}
    lower, upper = float(limits.get("lower", 0.0)), float(limits.get("upper", 0.0))
    if soft is not None:
        lower = max(lower, float(soft.attrib["soft_lower_limit"]))
        upper = min(upper, float(soft.attrib["soft_upper_limit"]))
    origin = joint.find("origin")
    return JointEntry(
        _vector(origin, "xyz"), _vector(origin, "rpy"), _vector(joint.find("axis"), "xyz"), lower, upper,
        float(limits.get("effort", 0.0)), float(limits.get("velocity", 0.0)),
    )  # fmt: skip


def _vector(element: Xml.Element | None, attribute: str) -> Vector:
    text = "0 0 0" if element is None else element.attrib.get(attribute, "0 0 0")
    x, y, z = (float(number) for number in text.split())
    return x, y, z


def mesh_file(folder: Path, reference: str) -> Path:
    """Path of a mesh named ``package://meshes/...`` in the robot's folder.

    Raises:
        EngineUnavailable: it lies outside the folder, is missing or is too large.
    """
    path = (folder / reference.removeprefix("package://")).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > MAX_MESH_BYTES:
        raise EngineUnavailable(f"The Panda's mesh {reference} of pybullet_data cannot be used: reinstall pybullet.")
    return path


def read_obj(path: Path) -> tuple[Array, NDArray[np.int64], Array]:
    """Vertices (n, 3) m, triangles (m, 3), and the colour (m, 3) sRGB 0-255 of each triangle from its material."""
    palette = _palette(path.with_suffix(".mtl"))
    vertices: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    colors: list[Vector] = []
    color = _WHITE
    for line in path.read_text().splitlines():
        if line.startswith("v "):
            vertices.append([float(number) for number in line.split()[1:4]])
        elif line.startswith("f "):
            corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
            for second, third in pairwise(corners[1:]):
                faces.append((corners[0], second, third))
                colors.append(color)
        elif line.startswith("usemtl "):
            color = palette.get(line.split()[1], _WHITE)
    return np.array(vertices), np.array(faces, dtype=np.int64), np.array(colors)


_WHITE: Vector = (236.0, 237.0, 238.0)
_DARK: Vector = (62.0, 63.0, 66.0)


def _palette(path: Path) -> dict[str, Vector]:
    """Colour of each material: the maker's white and dark grey, and whatever else is coloured."""
    colors: dict[str, Vector] = {}
    name = ""
    for line in path.read_text().splitlines() if path.is_file() else ():
        words = line.split()
        if words[:1] == ["newmtl"]:
            name = words[1]
        elif words[:1] == ["Kd"]:
            red, green, blue = (255.0 * float(number) for number in words[1:4])
            grey = max(red, green, blue) - min(red, green, blue) < 25.0
            colors[name] = (_WHITE if red > 150.0 else _DARK) if grey else (red, green, blue)
    return colors


def looks(files: Mapping[str, tuple[Path, int]], painted: Mapping[str, Vector]) -> dict[str, VisualMesh]:
    """Decimated visual meshes, read from the cache where they are there.

    The cache only saves time: what is not there, damaged, or cannot be written is made again, with the same bytes.

    Args:
        files: for each name the mesh file and the number of triangles it may have.
        painted: names whose mesh has no materials, with their colour (sRGB 0-255).
    """
    path = cache_folder() / "robots" / f"panda-{_key(files, painted)}.npz"
    with contextlib.suppress(OSError, AssetError, IndexError, ValueError):
        return _unpacked(list(files), path.read_bytes())
    meshes = {name: _look(path, most, painted.get(name)) for name, (path, most) in files.items()}
    with contextlib.suppress(OSError):
        write_atomically(path, _packed(meshes))
    return meshes


def _look(path: Path, most: int, color: Vector | None) -> VisualMesh:
    """A mesh decimated component by component, each getting triangles by its size; screws and buttons are left out."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    vertices, faces, colors = read_obj(path)
    centers = cKDTree(vertices[faces].mean(axis=1))
    points, triangles = simplify.merged(vertices, faces)
    edges = np.concatenate([triangles[:, :2], triangles[:, 1:]])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(points), len(points)))
    _, label = connected_components(graph, directed=False)
    shells = [triangles[label[triangles[:, 0]] == k] for k in range(int(label.max()) + 1)]
    sizes = [float(np.linalg.norm(np.ptp(points[shell.ravel()], axis=0))) for shell in shells]
    kept = [(shell, size) for shell, size in zip(shells, sizes, strict=True) if size >= _SMALLEST_M]
    total = sum(size for _, size in kept)
    parts = []
    for shell, size in kept:
        share = max(int(most * size / total), 12)
        reduced, corners = _reduced(*simplify.cleaned(points, shell), share)
        _, nearest = centers.query(reduced[corners].mean(axis=1))
        paint = colors[nearest] if color is None else np.tile(np.array(color), (len(corners), 1))
        parts.append(Mesh(reduced, corners, paint, np.ones((len(reduced), 3))))
    return assemble(parts)


def _reduced(points: Array, triangles: NDArray[np.int64], most: int) -> tuple[Array, NDArray[np.int64]]:
    try:
        return simplify.decimated(points, triangles, most)
    except EngineUnavailable:  # coarser, but it needs nothing that is not installed
        return simplify.clustered(points, triangles, most)


def _key(files: Mapping[str, tuple[Path, int]], painted: Mapping[str, Vector]) -> str:
    try:
        import fast_simplification

        method = f"fast_simplification {getattr(fast_simplification, '__version__', '')}"
    except ImportError:
        method = "clustered"
    digest = hashlib.sha256(f"{LOOKS_VERSION}/{method}/{sorted(painted.items())}".encode())
    for name, (path, most) in files.items():
        digest.update(f"/{name}/{most}/".encode())
        digest.update(path.read_bytes())
        materials = path.with_suffix(".mtl")
        digest.update(materials.read_bytes() if materials.is_file() else b"")
    return digest.hexdigest()[:32]


def _packed(meshes: Mapping[str, VisualMesh]) -> bytes:
    return pack_arrays({
        "vertices": np.concatenate([mesh.vertices for mesh in meshes.values()]),
        "faces": np.concatenate([mesh.faces for mesh in meshes.values()]),
        "colors": np.concatenate([mesh.colors for mesh in meshes.values()]),
        "sizes": np.array([[len(mesh.vertices), len(mesh.faces)] for mesh in meshes.values()], dtype=np.int32),
    })  # fmt: skip


def _unpacked(names: list[str], data: bytes) -> dict[str, VisualMesh]:
    arrays = unpack_arrays(data, _DTYPES, _COLUMNS)
    meshes, vertex, face = {}, 0, 0
    for name, (points, triangles) in zip(names, arrays["sizes"].tolist(), strict=True):
        corners = arrays["faces"][face : face + triangles]
        if len(corners) != triangles or triangles < 1 or corners.min() < 0 or corners.max() >= points:
            raise ValueError("faces name vertices that are not there")
        meshes[name] = VisualMesh(
            arrays["vertices"][vertex : vertex + points], corners, arrays["colors"][vertex : vertex + points]
        )
        vertex, face = vertex + points, face + triangles
    return meshes


def hull_of(points: Array, directions: int = 40) -> Hull:
    """Convex hull of the points that lie farthest in evenly spread directions: at most ``directions`` vertices."""
    index = np.arange(directions) + 0.5
    height = 1.0 - 2.0 * index / directions
    angle = np.pi * (1.0 + 5.0**0.5) * index  # Fibonacci sphere
    flat = np.sqrt(1.0 - height**2)
    spread = np.stack([flat * np.cos(angle), flat * np.sin(angle), height], axis=1)
    farthest = np.unique((points @ spread.T).argmax(axis=0))
    return Hull(np.ascontiguousarray(points[farthest], dtype=np.float32))
