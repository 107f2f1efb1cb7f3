"""Many assets in one file: smaller and quicker to install than one file each.

The file is an index and compressed ``.npz`` files as ``assets.store`` writes them, in the order of their hashes::

    b"GEN3DPK1", number of assets (uint32), then for each: hash (32 bytes), offset (uint64), length (uint32)
    the assets, each deflated (RFC 1951 in a zlib wrapper, RFC 1950); offsets count from the start of the file

All numbers are little-endian. Nothing but zlib is needed to read it, and what is read is checked against its hash.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from gen3d_envs.assets.store import MAX_ASSET_BYTES, write_atomically
from gen3d_envs.errors import AssetError

SUFFIX = ".pack"
MAGIC = b"GEN3DPK1"
MAX_ASSETS = 1_000_000
_HEAD = struct.Struct("<8sI")
_ROW = struct.Struct("<32sQI")


def write_pack(path: Path, assets: Mapping[str, bytes]) -> None:
    """Write encoded assets by hash as one file, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    blobs = {sha256: zlib.compress(assets[sha256], 9) for sha256 in sorted(assets)}
    offset = _HEAD.size + _ROW.size * len(blobs)
    rows = [_HEAD.pack(MAGIC, len(blobs))]
    for sha256, blob in blobs.items():
        rows.append(_ROW.pack(bytes.fromhex(sha256), offset, len(blob)))
        offset += len(blob)
    write_atomically(path, b"".join([*rows, *blobs.values()]))


def read_from_pack(path: Path, sha256: str) -> bytes:
    """The bytes of one asset of a pack, not yet checked against the hash.

    Raises:
        AssetError: not in the pack, or the pack is damaged.
        OSError: the pack cannot be read.
    """
    # The file is opened for each asset: a handle kept open would be shared with forked processes, position included.
    status = path.stat()
    rows = pack_rows(path, status.st_mtime_ns, status.st_size)
    if sha256 not in rows:
        raise AssetError("asset", sha256, f"is not in {path.name}", "Build the scene again")
    offset, length = rows[sha256]
    with path.open("rb") as file:
        file.seek(offset)
        blob = file.read(length)
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(blob, MAX_ASSET_BYTES + 1)
    except zlib.error as error:
        raise AssetError(path.name, sha256, f"is damaged ({error})", "Reinstall or restore the file") from None
    if not unpack.eof:
        raise AssetError(path.name, sha256, "is cut off or too large", "Reinstall or restore the file")
    return data


@lru_cache(maxsize=16)
def pack_rows(path: Path, changed_ns: int, size: int) -> dict[str, tuple[int, int]]:
    """Offset and length of every asset of a pack, by hash.

    Args:
        path: the pack.
        changed_ns: when the file was last changed, so that a changed one is read again.
        size: of the file, bytes.

    Raises:
        AssetError: it is no pack, or cut off.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        magic, count = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0)
        if magic != MAGIC or count > MAX_ASSETS:
            raise AssetError(path.name, head[:8], "is no pack of assets", "Reinstall or restore the file")
        table = file.read(_ROW.size * count)
    if len(table) != _ROW.size * count:
        raise AssetError(path.name, size, "is cut off", "Reinstall or restore the file")
    rows = {sha.hex(): (offset, length) for sha, offset, length in _ROW.iter_unpack(table)} if count else {}
    if any(offset + length > size or length > MAX_ASSET_BYTES for offset, length in rows.values()):
        raise AssetError(path.name, size, "is cut off or damaged", "Reinstall or restore the file")
    return rows
