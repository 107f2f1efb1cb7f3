"""Messages to bytes and back in the encoding of ROS 2 (CDR), without a ROS installation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gen3d_envs.errors import EngineUnavailable

from .messages import BadMessage
from .transport import Message

try:
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore
except ImportError as error:
    raise EngineUnavailable(
        "ROS 2 messages need rosbags, which is not installed. Run: pip install 'gen3d-envs[ros]'"
    ) from error

EXTRA = {
    "interbotix_xs_msgs/msg/JointGroupCommand": "string name\nfloat32[] cmd\n",
    "interbotix_xs_msgs/msg/JointSingleCommand": "string name\nfloat32 cmd\n",
}
"""Definitions of types that are in no common store; two lines each, as their documentation names the fields."""

MAX_BYTES = 64_000_000

_NAME, _BASE, _ARRAY, _SEQUENCE = 2, 1, 3, 4


@lru_cache(maxsize=1)
def store() -> Any:
    """The types that are known."""
    found = get_typestore(Stores.ROS2_HUMBLE)
    for name, text in EXTRA.items():
        found.register(get_types_from_msg(text, name))
    return found


def type_name(kind: str) -> str:
    """``sensor_msgs/JointState`` as ROS 2 writes it: ``sensor_msgs/msg/JointState``."""
    package, _, name = kind.partition("/")
    return f"{package}/msg/{name.rpartition('/')[2]}"


def type_hash(kind: str) -> str:
    """The type's hash as ROS 2 announces it, ``RIHS01_...``."""
    found: str = store().hash_rihs01(type_name(kind))
    return found


def definition(kind: str) -> str:
    """The definition of a type with those it is made of, as logs carry it."""
    text: str = store().generate_msgdef(type_name(kind), ros_version=2)[0]
    return text


def encode(kind: str, message: Message) -> bytes:
    """A message as CDR.

    Raises:
        BadMessage: a field is missing or of the wrong kind.
    """
    try:
        filled = _fill(type_name(kind), message)
        return bytes(store().serialize_cdr(filled, type_name(kind)))
    except (KeyError, TypeError, ValueError, AssertionError, AttributeError) as error:
        raise BadMessage(f"the message does not fit {kind} ({error})") from None


def decode(kind: str, data: bytes) -> Message:
    """A message from CDR; numbers in lists are numpy arrays.

    Raises:
        BadMessage: the bytes are none of this type.
    """
    if len(data) > MAX_BYTES:
        raise BadMessage(f"{len(data)} bytes are too many")
    try:
        return _empty_out(store().deserialize_cdr(data, type_name(kind)))
    except Exception as error:  # the decoder of foreign bytes fails in many ways
        raise BadMessage(f"the bytes are no {kind} ({error})") from None


def fields(name: str) -> list[tuple[str, Any]]:
    """Fields of a type with how they are built, in order."""
    found: list[tuple[str, Any]] = store().fielddefs[name][1]
    return found


def _fill(name: str, message: Message) -> Any:
    values = {field: _value(how, message[field]) for field, how in fields(name)}
    return store().types[name](**values)


def _value(how: Any, value: Any) -> Any:
    node, detail = how
    if node == _NAME:
        return _fill(detail, value)
    if node == _BASE:
        kind = detail[0]
        return str(value) if kind == "string" else bool(value) if kind == "bool" else (
            float(value) if kind.startswith("float") else int(value)
        )  # fmt: skip
    inner, length = detail
    if inner[0] == _NAME:
        return [_fill(inner[1], part) for part in value]
    kind = inner[1][0]
    if kind == "string":
        return [str(part) for part in value]
    array = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else np.asarray(value)
    array = array.astype({"octet": "uint8", "char": "uint8", "byte": "uint8"}.get(kind, kind), copy=False)
    if node == _ARRAY and array.shape != (length,):
        raise ValueError(f"{array.shape} is not ({length},)")
    return array


def _empty_out(value: Any) -> Any:
    if hasattr(value, "__msgtype__"):
        return {field: _empty_out(getattr(value, field)) for field, _ in fields(value.__msgtype__)}
    if isinstance(value, list):
        return [_empty_out(part) for part in value]
    return value
