"""How arrays travel: in msgpack as openpi writes them, in JSON as json-numpy does. Nothing is ever unpickled."""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError

MAX_DIMENSIONS = 8


def pack(message: dict[str, Any]) -> bytes:
    """A message as msgpack, arrays as openpi's ``__ndarray__`` maps.

    Raises:
        EngineUnavailable: msgpack is not installed.
    """
    data: bytes = _msgpack().packb(message, default=_pack_array)
    return data


def unpack(data: bytes) -> Any:
    """The message in msgpack bytes; arrays are read-only views of them.

    Raises:
        FieldError: it is no message, or an array in it is none of numbers or lies about its size.
        EngineUnavailable: msgpack is not installed.
    """
    msgpack = _msgpack()
    try:
        return msgpack.unpackb(data, object_hook=_unpack_array)
    except FieldError:
        raise
    # msgpack's own errors are ValueErrors or UnpackExceptions; TypeError comes from keys that cannot be keys.
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise FieldError("message", data[:24], f"is no msgpack ({error or type(error).__name__})", _SEND) from None


def dump_json(message: Any) -> bytes:
    """A message as JSON, arrays as json-numpy's ``__numpy__`` objects."""
    return json.dumps(message, default=_json_array).encode()


def load_json(data: bytes | str) -> Any:
    """The value in JSON, with json-numpy's arrays; NaN and infinity are numbers here.

    Raises:
        FieldError: it is no JSON, or an array in it is none of numbers or lies about its size.
    """
    try:
        return json.loads(data, object_hook=_load_array)
    except FieldError:
        raise
    except (ValueError, RecursionError) as error:
        raise FieldError("message", data[:40], f"is no JSON ({error})", "Send JSON with json-numpy's arrays") from None


_SEND = "Send maps of text, numbers and arrays"


def _msgpack() -> Any:
    try:
        import msgpack
    except ImportError:
        raise EngineUnavailable("Remote policies need msgpack: pip install 'gen3d-envs[remote]'") from None
    return msgpack


def _pack_array(value: Any) -> dict[bytes, Any]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    raise FieldError("message", type(value).__name__, "cannot be sent", _SEND)


def _unpack_array(item: dict[Any, Any]) -> Any:
    if b"__ndarray__" in item:
        return _array(item.get(b"data"), item.get(b"dtype"), item.get(b"shape"))
    if b"__npgeneric__" in item:
        value = item.get(b"data")
        if not isinstance(value, (bool, int, float)):
            raise FieldError("message", value, "is no number", _SEND)
        return value
    return item


def _json_array(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        data = base64.b64encode(value.tobytes()).decode()
        return {"__numpy__": data, "dtype": value.dtype.str, "shape": value.shape}
    raise FieldError("message", type(value).__name__, "cannot be sent", _SEND)


def _load_array(item: dict[str, Any]) -> Any:
    if "__numpy__" not in item:
        return item
    data = item["__numpy__"]
    try:
        raw = base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except (binascii.Error, ValueError):
        raw = None
    return _array(raw, item.get("dtype"), item.get("shape"))


def _array(data: Any, dtype: Any, shape: Any) -> NDArray[Any]:
    """The array, once everything about it is what it says."""
    if isinstance(dtype, bytes):
        dtype = dtype.decode("ascii", "replace")
    try:
        kind = np.dtype(dtype) if isinstance(dtype, str) and len(dtype) < 16 else None
    except (TypeError, ValueError):
        kind = None
    if kind is None or kind.kind not in "biuf":
        raise FieldError("array dtype", dtype, "is no type of numbers", "Send integers or floats")
    if (
        not isinstance(shape, (list, tuple))
        or len(shape) > MAX_DIMENSIONS
        or not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape)
    ):
        raise FieldError("array shape", shape, "is no shape", "Send a list of sizes")
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.itemsize:
        size = len(data) if isinstance(data, bytes) else type(data).__name__
        raise FieldError("array data", size, f"does not fill {tuple(shape)} of {kind}", "Send the array's own bytes")
    try:
        return np.frombuffer(data, kind).reshape(shape)
    except (ValueError, OverflowError):
        raise FieldError("array shape", shape, "is no shape", "Send a list of sizes") from None
