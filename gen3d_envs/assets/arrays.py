"""Named arrays as the bytes of an .npz file, the same on every machine, and read back strictly."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import AssetError

MAX_ASSET_BYTES = 8_000_000
"""Size limit of an asset file; a decimated mesh with 16 hulls takes about 0.1 MB."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


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
