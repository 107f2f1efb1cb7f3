"""Binary glTF 2.0, written by hand so that equal scenes give equal bytes.

Colours per vertex are stored linear, as the specification wants (glTF 2.0, 3.7.2.1), in 8 bits: dark ones come back a
few sRGB levels off, but 16 bits, which the specification allows too, are read wrongly by common tools. glTF is y-up:
files of a scene have one root node that stands z-up geometry upright, files of one thing have turned vertices, because
readers of URDF often overlook nodes.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.geometry import Matrix, Quaternion, Vector
from gen3d_envs.sim.view import VisualMesh

GENERATOR = "gen3d-envs"
"""``asset.generator`` of every file."""

UPRIGHT: Quaternion = (-math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))
"""Turns z-up into glTF's y-up: -90 degrees about x."""

_COMPONENTS = {"<f4": 5126, "|u1": 5121, "<u2": 5123, "<u4": 5125}
_VERTICES, _INDICES = 34962, 34963
_ROUGHNESS = 0.9


@dataclass(frozen=True, eq=False)
class GlbNode:
    """A named mesh at a pose (m, xyzw, z-up scene frame)."""

    name: str
    mesh: VisualMesh
    position_m: Vector = (0.0, 0.0, 0.0)
    orientation_xyzw: Quaternion = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class GlbCamera:
    """A named camera; ``rotation`` has its right, up and backward directions as columns, z-up scene frame."""

    name: str
    position_m: Vector
    rotation: Matrix
    fov_y_rad: float
    aspect_ratio: float
    near_m: float
    far_m: float


def scene_file(name: str, nodes: Sequence[GlbNode], cameras: Sequence[GlbCamera] = ()) -> bytes:
    """A GLB file with a root node ``name`` that holds the nodes and cameras in their order.

    Nodes without faces are kept as empty nodes, so that a robot's frames stay findable.
    """
    writer = _Writer()
    children = []
    for node in nodes:
        entry = _posed(node.name, node.position_m, node.orientation_xyzw)
        if len(node.mesh.faces):
            entry["mesh"] = writer.mesh(node.name, node.mesh)
        children.append(writer.node(entry))
    for camera in cameras:
        children.append(writer.camera(camera))
    root = writer.node({"name": name, "rotation": list(UPRIGHT), "children": children})
    return writer.file(root)


def mesh_file(meshes: Mapping[str, VisualMesh]) -> bytes:
    """A GLB file of named meshes whose vertices are turned to y-up: +90 degrees about x brings them back.

    A URDF that shows it states exactly this as the ``rpy`` of its visual's origin.
    """
    writer = _Writer()
    nodes = []
    for name, mesh in meshes.items():
        turned = VisualMesh(turned_up(mesh.vertices), mesh.faces, mesh.colors, mesh.uv, mesh.texture)
        nodes.append(writer.node({"name": name, "mesh": writer.mesh(name, turned)}))
    return writer.file(*nodes)


def turned_up(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 3) points of a z-up frame in glTF's y-up frame: (x, y, z) -> (x, z, -y)."""
    return np.ascontiguousarray(np.stack([points[:, 0], points[:, 2], -points[:, 1] + 0.0], axis=1), np.float32)


def linear(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Linear 0-1 of sRGB 0-255 (IEC 61966-2-1)."""
    share = colors.astype(np.float64) / 255.0
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4), np.float64)


class _Writer:
    """The parts of one file as they come; equal arrays and textures are written once."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._lists: dict[str, list[Any]] = {
            key: []
            for key in ("nodes", "meshes", "materials", "accessors", "bufferViews", "images", "textures", "cameras")
        }
        self._known: dict[bytes, int] = {}

    def node(self, entry: dict[str, Any]) -> int:
        return self._add("nodes", entry)

    def camera(self, camera: GlbCamera) -> int:
        index = self._add(
            "cameras",
            {
                "name": camera.name,
                "type": "perspective",
                "perspective": {
                    "yfov": camera.fov_y_rad, "aspectRatio": camera.aspect_ratio, "znear": camera.near_m,
                    "zfar": camera.far_m,
                },
            },
        )  # fmt: skip
        entry = _posed(camera.name, camera.position_m, quaternion_of(camera.rotation))
        return self.node({**entry, "camera": index})

    def mesh(self, name: str, mesh: VisualMesh) -> int:
        from gen3d_envs.sim.camera_mesh import shade

        shaded = shade(mesh)
        vertices = shaded.vertices
        attributes = {
            "POSITION": self._array(np.ascontiguousarray(vertices["position"], "<f4"), "VEC3", bounds=True),
            "NORMAL": self._array(np.ascontiguousarray(vertices["normal"], "<f4"), "VEC3"),
            "COLOR_0": self._array(_color_rows(vertices["color"][:, :3]), "VEC4"),
        }
        if shaded.texture is not None:
            uv = np.array(vertices["uv"], "<f4")
            uv[:, 1] = 1.0 - uv[:, 1]  # glTF measures v from the top
            attributes["TEXCOORD_0"] = self._array(uv, "VEC2")
        kind = "<u4" if len(vertices) > 0xFFFF else "<u2"
        primitive = {
            "attributes": attributes,
            "indices": self._array(shaded.faces.reshape(-1).astype(kind), "SCALAR", target=_INDICES),
            "material": self._material(shaded.texture),
        }
        return self._add("meshes", {"name": name, "primitives": [primitive]})

    def file(self, *roots: int) -> bytes:
        """All parts as one file."""
        document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": GENERATOR},
            "scene": 0,
            "scenes": [{"nodes": list(roots)}],
            "buffers": [{"byteLength": self._size}],
        }
        document.update({key: rows for key, rows in self._lists.items() if rows})
        if "textures" in document:
            document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
        text += b" " * (-len(text) % 4)
        body = b"".join(self._chunks)
        length = 12 + 8 + len(text) + 8 + len(body)
        head = b"glTF" + struct.pack("<II", 2, length)
        return b"".join(
            [head, struct.pack("<I", len(text)), b"JSON", text, struct.pack("<I", len(body)), b"BIN\0", body]
        )

    def _add(self, key: str, entry: dict[str, Any]) -> int:
        rows = self._lists[key]
        rows.append(entry)
        return len(rows) - 1

    def _material(self, texture: NDArray[np.uint8] | None) -> int:
        data = b"" if texture is None else np.ascontiguousarray(texture).tobytes() + str(texture.shape).encode()
        known = self._known.get(b"material" + data)
        if known is None:
            surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": _ROUGHNESS}
            if texture is not None:
                view = self._view(png(texture))
                image = self._add("images", {"bufferView": view, "mimeType": "image/png"})
                surface["baseColorTexture"] = {"index": self._add("textures", {"sampler": 0, "source": image})}
            known = self._known[b"material" + data] = self._add("materials", {"pbrMetallicRoughness": surface})
        return known

    def _array(self, array: NDArray[Any], kind: str, target: int = _VERTICES, bounds: bool = False) -> int:
        data = array.tobytes()
        key = f"{kind}{array.dtype.str}{target}{bounds}".encode() + data
        known = self._known.get(key)
        if known is not None:
            return known
        entry: dict[str, Any] = {
            "bufferView": self._view(data, target), "componentType": _COMPONENTS[array.dtype.str], "count": len(array),
            "type": kind,
        }  # fmt: skip
        if array.dtype.str == "|u1":
            entry["normalized"] = True
        if bounds:
            entry["min"], entry["max"] = array.min(axis=0).tolist(), array.max(axis=0).tolist()
        self._known[key] = index = self._add("accessors", entry)
        return index

    def _view(self, data: bytes, target: int | None = None) -> int:
        entry = {"buffer": 0, "byteOffset": self._size, "byteLength": len(data)}
        if target is not None:
            entry["target"] = target
        padded = data + b"\0" * (-len(data) % 4)
        self._chunks.append(padded)
        self._size += len(padded)
        return self._add("bufferViews", entry)


def _posed(name: str, position: Vector, orientation: Quaternion) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name}
    if any(position):
        entry["translation"] = [float(value) for value in position]
    if orientation[:3] != (0.0, 0.0, 0.0):
        length = math.sqrt(sum(value * value for value in orientation))
        entry["rotation"] = [float(value) / length for value in orientation]
    return entry


def _color_rows(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 4) linear colours with full opacity; four columns keep rows aligned to four bytes."""
    rows = np.full((len(colors), 4), 255, np.uint8)
    rows[:, :3] = np.rint(linear(np.ascontiguousarray(colors)) * 255.0)
    return rows


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture, (h, w, 3) uint8 sRGB, as PNG."""
    height, width = picture.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    # Differences to the pixel on the left (filter 1) pack better than the pixels themselves.
    rows[:, 0] = 1
    flat = np.ascontiguousarray(picture).reshape(height, 3 * width)
    rows[:, 1:] = flat
    rows[:, 4:] -= flat[:, :-3]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def quaternion_of(rotation: Matrix) -> Quaternion:
    """Unit quaternion xyzw of a rotation matrix; its largest component is positive."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    squares = (1.0 + a - e - i, 1.0 - a + e - i, 1.0 - a - e + i, 1.0 + a + e + i)
    largest = max(range(4), key=lambda k: squares[k])
    double = 2.0 * math.sqrt(squares[largest])
    rows = (
        (squares[0], b + d, c + g, h - f),
        (b + d, squares[1], f + h, c - g),
        (c + g, f + h, squares[2], d - b),
        (h - f, c - g, d - b, squares[3]),
    )
    x, y, z, w = (value / double for value in rows[largest])
    return x, y, z, w
