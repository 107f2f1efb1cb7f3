"""Assets on disk: one .npz file per asset, named by the hash of its content, safe to share between processes.

The files hold numpy arrays only (no pickles) and are written byte by byte the same on every machine: a plain
uncompressed zip with fixed dates, so that no compression library's version shows. They can be opened with
:func:`numpy.load`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.arrays import MAX_ASSET_BYTES as MAX_ASSET_BYTES
from gen3d_envs.assets.arrays import pack_arrays as pack_arrays
from gen3d_envs.assets.arrays import unpack_arrays as unpack_arrays
from gen3d_envs.assets.asset import (
    Asset,
    Box,
    Cavity,
    CollisionPart,
    Grasp,
    Handle,
    Hull,
    Part,
    PartJoint,
    Quaternion,
    Sphere,
    Surface,
    Vector,
)
from gen3d_envs.errors import AssetError

FORMAT_VERSION = 2
"""Version of the file format: 1 for rigid assets, 2 for those with parts. Files of a later one are refused, never
guessed at; what is rigid is still written as version 1, byte for byte as ever."""

CACHE_VARIABLE = "GEN3D_CACHE"
"""Environment variable that names the cache folder; the platform's user cache folder is used without it."""

MEMORY_ENTRIES = 256
"""Assets that an :class:`AssetStore` keeps in memory."""

_COLUMNS = {"header": None, "vertices": 3, "faces": 3, "colors": 3, "hull_vertices": 3}
_DTYPES = {"header": "|u1", "vertices": "<f4", "faces": "<i4", "colors": "|u1", "hull_vertices": "<f4"}


class _HullEntry(msgspec.Struct, frozen=True, tag="hull", forbid_unknown_fields=True):
    """A hull; its vertices are the next ``count`` rows of the array of all hull vertices."""

    count: Annotated[int, msgspec.Meta(ge=4, le=64)]


class _BoxEntry(msgspec.Struct, frozen=True, tag="box", forbid_unknown_fields=True):
    half_extents_m: Vector
    position_m: Vector
    orientation_xyzw: Quaternion


class _SphereEntry(msgspec.Struct, frozen=True, tag="sphere", forbid_unknown_fields=True):
    radius_m: float
    position_m: Vector


class _PartEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part; its geometry is the next rows of the arrays, after the body's."""

    name: str
    vertices: Annotated[int, msgspec.Meta(ge=3)]
    faces: Annotated[int, msgspec.Meta(ge=1)]
    collision: tuple[_HullEntry | _BoxEntry | _SphereEntry, ...]
    mass_kg: float
    com_m: Vector
    inertia_kgm2: Vector
    joint: PartJoint
    handle: Handle | None
    cavity: Cavity | None


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything of an asset that is not a large array. Defaults are left out, for they came with version 2."""

    version: int
    category: str
    collision: tuple[_HullEntry | _BoxEntry | _SphereEntry, ...]
    mass_kg: float
    com_m: Vector
    inertia_kgm2: Vector
    friction: float
    rolling_friction_m: float
    grasps: tuple[Grasp, ...]
    cavity: Cavity | None
    surface: Surface | None
    notes: tuple[str, ...]
    parts: Annotated[tuple[_PartEntry, ...], msgspec.Meta(max_length=16)] = ()
    anchored: bool = False


_DECODER = msgspec.json.Decoder(_Header)


def cache_folder() -> Path:
    """Where what can be made again is kept: ``$GEN3D_CACHE``, else the user's cache folder; not created here."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("gen3d", appauthor=False))


def encode(asset: Asset) -> bytes:
    """The asset as the bytes of an .npz file. Equal assets give equal bytes.

    Raises:
        AssetError: the asset would not survive the round trip (numpy scalars or integers where floats belong, other
            array types), or is too large.
    """
    bodies: tuple[Asset | Part, ...] = (asset, *asset.parts)
    hulls = [shape.vertices for body in bodies for shape in body.collision if isinstance(shape, Hull)]
    header = _Header(
        version=2 if asset.parts or asset.anchored else 1,
        collision=tuple(_entry(part) for part in asset.collision),
        parts=tuple(_part_entry(part) for part in asset.parts),
        **{
            name: getattr(asset, name)
            for name in (
                "category", "mass_kg", "com_m", "inertia_kgm2", "friction", "rolling_friction_m", "grasps", "cavity",
                "surface", "notes", "anchored",
            )
        },
    )  # fmt: skip
    try:
        text = msgspec.json.encode(header)
    except (TypeError, ValueError) as error:
        raise AssetError(
            "asset", asset.category, f"cannot be written ({error})", "Use plain numbers and text"
        ) from None
    data = pack_arrays(
        {
            "header": np.frombuffer(text, np.uint8),
            "vertices": _joined([body.vertices for body in bodies]),
            "faces": _joined([body.faces for body in bodies]),
            "colors": _joined([body.colors for body in bodies]),
            "hull_vertices": np.concatenate(hulls) if hulls else np.zeros((0, 3), np.float32),
        }
    )
    if decode(data).sha256 != asset.sha256:
        raise AssetError(
            "asset", asset.category, "would not survive storing",
            "Make every number a Python float, and the arrays float32 vertices, int32 faces, uint8 colours",
        )  # fmt: skip
    return data


def decode(data: bytes) -> Asset:
    """Read what :func:`encode` wrote, strictly. The arrays are read-only.

    Raises:
        AssetError: damaged, of another version, inconsistent or too large.
    """
    arrays = unpack_arrays(data, _DTYPES, _COLUMNS)
    text = arrays["header"].tobytes()
    try:
        header = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        version = _version_of(text)
        if version not in (None, 1, FORMAT_VERSION):
            raise _other_version(version) from None
        raise AssetError("asset file", text[:40], f"has a damaged header ({error})", "Generate it again") from None
    if header.version not in (1, FORMAT_VERSION) or (header.version == 1 and header.parts):
        raise _other_version(header.version)
    vertices, faces, colors = arrays["vertices"], arrays["faces"], arrays["colors"]
    points = arrays["hull_vertices"]
    parts = header.parts
    ends = _ends(len(vertices), [part.vertices for part in parts]), _ends(len(faces), [part.faces for part in parts])
    shapes = [*header.collision, *(shape for part in parts for shape in part.collision)]
    wanted = sum(shape.count for shape in shapes if isinstance(shape, _HullEntry))
    rows = [(slice(*v), slice(*f)) for v, f in zip(*ends, strict=True)]
    empty = any(v.stop - v.start < 3 or f.stop - f.start < 1 for v, f in rows)
    for problem, wrong in (
        ("has colours for another number of vertices", len(colors) != len(vertices)),
        ("has no geometry", empty),
        (
            "has faces of vertices that do not exist",
            not empty and any(not 0 <= faces[f].min() <= faces[f].max() < v.stop - v.start for v, f in rows),
        ),
        ("has numbers that are not finite", not (np.isfinite(vertices).all() and np.isfinite(points).all())),
        ("has hulls of vertices that do not exist", wanted != len(points)),
        ("has two parts of one name", len({part.name for part in parts}) != len(parts)),
    ):
        if wrong:
            raise AssetError("asset file", header.category, problem, "Generate it again")
    hulls = iter(np.split(points, np.cumsum([shape.count for shape in shapes if isinstance(shape, _HullEntry)])))
    meshes = [(vertices[v], faces[f], colors[v]) for v, f in rows]
    collision = _shapes(header.collision, hulls)
    return Asset(
        header.category, *meshes[0], collision,
        mass_kg=header.mass_kg, com_m=header.com_m, inertia_kgm2=header.inertia_kgm2, friction=header.friction,
        rolling_friction_m=header.rolling_friction_m, grasps=header.grasps, cavity=header.cavity,
        surface=header.surface, notes=header.notes, anchored=header.anchored,
        parts=tuple(
            Part(
                part.name, *mesh, _shapes(part.collision, hulls), part.mass_kg, part.com_m, part.inertia_kgm2,
                part.joint, part.handle, part.cavity,
            )
            for part, mesh in zip(parts, meshes[1:], strict=True)
        ),
    )  # fmt: skip


def _ends(total: int, counts: list[int]) -> list[tuple[int, int]]:
    """First and last row of the body and of each part, where the parts have so many rows; nonsense for too many."""
    start = total - sum(counts)
    pairs = [(0, start)]
    for count in counts:
        pairs.append((start, start + count))
        start += count
    return pairs


def _shapes(
    entries: tuple[_HullEntry | _BoxEntry | _SphereEntry, ...], hulls: Iterator[NDArray[np.float32]]
) -> tuple[CollisionPart, ...]:
    shapes: list[CollisionPart] = []
    for entry in entries:
        if isinstance(entry, _HullEntry):
            shapes.append(Hull(next(hulls)))
        elif isinstance(entry, _BoxEntry):
            shapes.append(Box(entry.half_extents_m, entry.position_m, entry.orientation_xyzw))
        else:
            shapes.append(Sphere(entry.radius_m, entry.position_m))
    return tuple(shapes)


def save(asset: Asset, folder: str | Path) -> Path:
    """Write the asset as ``<sha256>.npz`` and return its path. Writing the same asset from several processes is safe.

    Raises:
        AssetError: the asset cannot be encoded.
        OSError: the folder cannot be written.
    """
    path = Path(folder) / f"{asset.sha256}.npz"
    if not path.is_file():
        write_atomically(path, encode(asset))
    return path


def load(folder: str | Path, sha256: str) -> Asset:
    """Read the asset called ``sha256`` and check that its content has this hash.

    Args:
        folder: a folder of ``.npz`` files, or a pack (``*.pack``, see ``assets.pack``).
        sha256: which.

    Raises:
        AssetError: not there, damaged, or changed after it was written.
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise AssetError("sha256", sha256, "is not a SHA-256 in small hexadecimal digits", "Copy it from the card")
    path = Path(folder)
    try:
        if path.suffix == ".pack":
            from gen3d_envs.assets.pack import read_from_pack  # writes packs with what is defined here

            data = read_from_pack(path, sha256)
        else:
            path = path / f"{sha256}.npz"
            with path.open("rb") as file:
                data = file.read(MAX_ASSET_BYTES + 1)
    except OSError as error:
        raise AssetError("asset", str(path), f"cannot be read ({error.strerror})", "Build the scene again") from None
    asset = decode(data)
    if asset.sha256 != sha256:
        raise AssetError(
            "asset", str(path), f"was changed: it hashes to {asset.sha256[:12]}...", "Restore or delete it"
        )
    return asset


class AssetStore:
    """Assets by their hash, in memory and in folders.

    A store never fails because a disk does: what cannot be written is kept in memory, and :attr:`problem` says why.
    A damaged file counts as absent and is written anew.

    Args:
        folders: the first is written to, all are read in order; those after the first may be packs. Without any, the
            user's cache folder is used.
    """

    problem: str | None
    """Why the last write failed, in plain words; None when all is well."""

    def __init__(self, folders: Iterable[str | Path] = ()) -> None:
        self._folders = tuple(Path(folder) for folder in folders) or (cache_folder() / "assets",)
        self._memory: OrderedDict[str, Asset] = OrderedDict()
        self.problem = None

    def get(self, sha256: str) -> Asset | None:
        """The asset with this hash, or None where no folder holds it intact."""
        if sha256 in self._memory:
            self._memory.move_to_end(sha256)
            return self._memory[sha256]
        for folder in self._folders:
            try:
                asset = load(folder, sha256)
            except AssetError:
                continue
            self._remember(asset)
            return asset
        return None

    def put(self, asset: Asset) -> str:
        """Keep the asset and return its hash.

        Raises:
            AssetError: the asset cannot be encoded; nothing is kept then.
        """
        sha256 = asset.sha256
        if sha256 in self._memory and self.problem is None:
            return sha256
        path = self._folders[0] / f"{sha256}.npz"
        data = encode(asset)
        try:
            if not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
                write_atomically(path, data)
            self.problem = None
        except OSError as error:
            self.problem = f"{self._folders[0]} cannot be written ({error.strerror}): assets are kept in memory only"
        self._remember(asset)
        return sha256

    def _remember(self, asset: Asset) -> None:
        self._memory[asset.sha256] = asset
        self._memory.move_to_end(asset.sha256)
        while len(self._memory) > MEMORY_ENTRIES:
            self._memory.popitem(last=False)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing, whatever else writes it or dies meanwhile.

    Raises:
        OSError: the folder cannot be made or written; no file is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not mkstemp: its files are for their owner alone, and scenes and caches are shared between users.
    name = path.parent / f".writing-{os.getpid()}-{secrets.token_hex(4)}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _entry(part: CollisionPart) -> _HullEntry | _BoxEntry | _SphereEntry:
    if isinstance(part, Hull):
        return _HullEntry(len(part.vertices))
    if isinstance(part, Box):
        return _BoxEntry(part.half_extents_m, part.position_m, part.orientation_xyzw)
    return _SphereEntry(part.radius_m, part.position_m)


def _part_entry(part: Part) -> _PartEntry:
    return _PartEntry(
        name=part.name, vertices=len(part.vertices), faces=len(part.faces),
        collision=tuple(_entry(shape) for shape in part.collision), mass_kg=part.mass_kg, com_m=part.com_m,
        inertia_kgm2=part.inertia_kgm2, joint=part.joint, handle=part.handle, cavity=part.cavity,
    )  # fmt: skip


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _version_of(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)["version"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, IndexError):
        return None


def _other_version(version: Any) -> AssetError:
    remedy = f"This release reads versions 1 to {FORMAT_VERSION}: upgrade gen3d-envs or generate the asset again"
    return AssetError("asset file: version", version, "is unknown", remedy)
