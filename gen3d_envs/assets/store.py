"""Assets on disk: one .npz file per asset, named by the hash of its content, safe to share between processes.

The files hold numpy arrays only (no pickles) and are written byte by byte the same on every machine: a plain
uncompressed zip with fixed dates, so that no compression library's version shows. They can be opened with
:func:`numpy.load`.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gen3d_envs.assets.asset import (
    Asset,
    Box,
    Cavity,
    CollisionPart,
    Grasp,
    Hull,
    Quaternion,
    Sphere,
    Surface,
    Vector,
)
from gen3d_envs.errors import AssetError

FORMAT_VERSION = 1
"""Version of the file format. Files of another version are refused, never guessed at."""

MAX_ASSET_BYTES = 8_000_000
"""Size limit of an asset file; a decimated mesh with 16 hulls takes about 0.1 MB."""

CACHE_VARIABLE = "GEN3D_CACHE"
"""Environment variable that names the cache folder; the platform's user cache folder is used without it."""

MEMORY_ENTRIES = 256
"""Assets that an :class:`AssetStore` keeps in memory."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
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


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of an asset that is not a large array."""

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
    hulls = [part.vertices for part in asset.collision if isinstance(part, Hull)]
    header = _Header(
        version=FORMAT_VERSION,
        collision=tuple(_entry(part) for part in asset.collision),
        **{
            name: getattr(asset, name)
            for name in (
                "category", "mass_kg", "com_m", "inertia_kgm2", "friction", "rolling_friction_m", "grasps", "cavity",
                "surface", "notes",
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
            "vertices": asset.vertices,
            "faces": asset.faces,
            "colors": asset.colors,
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
        if version not in (None, FORMAT_VERSION):
            raise _other_version(version) from None
        raise AssetError("asset file", text[:40], f"has a damaged header ({error})", "Generate it again") from None
    if header.version != FORMAT_VERSION:
        raise _other_version(header.version)
    vertices, faces, colors = arrays["vertices"], arrays["faces"], arrays["colors"]
    points = arrays["hull_vertices"]
    wanted = sum(part.count for part in header.collision if isinstance(part, _HullEntry))
    for problem, wrong in (
        ("has colours for another number of vertices", len(colors) != len(vertices)),
        ("has no geometry", len(vertices) < 3 or len(faces) < 1),
        ("has faces of vertices that do not exist", len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices)),
        ("has numbers that are not finite", not (np.isfinite(vertices).all() and np.isfinite(points).all())),
        ("has hulls of vertices that do not exist", wanted != len(points)),
    ):
        if wrong:
            raise AssetError("asset file", header.category, problem, "Generate it again")
    parts: list[CollisionPart] = []
    start = 0
    for part in header.collision:
        if isinstance(part, _HullEntry):
            parts.append(Hull(points[start : start + part.count]))
            start += part.count
        elif isinstance(part, _BoxEntry):
            parts.append(Box(part.half_extents_m, part.position_m, part.orientation_xyzw))
        else:
            parts.append(Sphere(part.radius_m, part.position_m))
    return Asset(
        category=header.category, vertices=vertices, faces=faces, colors=colors, collision=tuple(parts),
        mass_kg=header.mass_kg, com_m=header.com_m, inertia_kgm2=header.inertia_kgm2, friction=header.friction,
        rolling_friction_m=header.rolling_friction_m, grasps=header.grasps, cavity=header.cavity,
        surface=header.surface, notes=header.notes,
    )  # fmt: skip


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


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a deterministic uncompressed .npz.

    Raises:
        AssetError: larger than :data:`MAX_ASSET_BYTES`.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            np.lib.format.write_array(member, little, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE)
            info.create_system = 3
            archive.writestr(info, member.getvalue())
    data = buffer.getvalue()
    if len(data) > MAX_ASSET_BYTES:
        raise AssetError("asset", len(data), f"is larger than {MAX_ASSET_BYTES} bytes", "Decimate its mesh")
    return data


def unpack_arrays(data: bytes, dtypes: Mapping[str, str], columns: Mapping[str, int | None]) -> dict[str, NDArray[Any]]:
    """Read what :func:`pack_arrays` wrote: exactly these names with these types, one- or two-dimensional.

    Raises:
        AssetError: anything else.
    """
    if len(data) > MAX_ASSET_BYTES:
        raise AssetError("asset file", len(data), f"is larger than {MAX_ASSET_BYTES} bytes", "It is not an asset")
    arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [f"{name}.npy" for name in dtypes]:
                raise ValueError("it holds other arrays")
            for member, (name, dtype) in zip(members, dtypes.items(), strict=True):
                if member.compress_type != zipfile.ZIP_STORED:  # keeps a small file from unpacking into a large one
                    raise ValueError(f"{name} is compressed")
                arrays[name] = _array(archive.read(member), dtype, columns[name])
    except Exception as error:  # zipfile and numpy raise some ten kinds for damaged bytes
        raise AssetError("asset file", data[:16], f"is damaged or no asset ({error})", "Generate it again") from None
    return arrays


def _array(data: bytes, dtype: str, columns: int | None) -> NDArray[Any]:
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("unknown .npy version")
    shape, fortran, found = np.lib.format.read_array_header_1_0(stream)
    if (
        fortran
        or found.str != dtype
        or len(shape) != (1 if columns is None else 2)
        or shape[1:] != (columns,)[: len(shape) - 1]
    ):
        raise ValueError(f"an array has type {found.str} and shape {shape}")
    return np.frombuffer(data, found, offset=stream.tell()).reshape(shape)


def _entry(part: CollisionPart) -> _HullEntry | _BoxEntry | _SphereEntry:
    if isinstance(part, Hull):
        return _HullEntry(len(part.vertices))
    if isinstance(part, Box):
        return _BoxEntry(part.half_extents_m, part.position_m, part.orientation_xyzw)
    return _SphereEntry(part.radius_m, part.position_m)


def _version_of(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)["version"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, IndexError):
        return None


def _other_version(version: Any) -> AssetError:
    remedy = f"This release reads version {FORMAT_VERSION}: upgrade gen3d-envs or generate the asset again"
    return AssetError("asset file: version", version, "is unknown", remedy)
