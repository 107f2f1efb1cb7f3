"""Files and folders that are whole or not there. No torch in here."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

WEIGHTS = "model.safetensors"
"""Where a policy's folder holds its weights."""


@contextlib.contextmanager
def safetensors_into(path: Path) -> Iterator[None]:
    """Around what writes safetensors: their error, which is none of the system, becomes one that names the path.

    Raises:
        OSError: it cannot be written; the disk is full, say.
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise OSError(errno.EIO, f"cannot be written ({error})", str(path)) from None


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Have a file written beside its place and moved there, so that it is whole or not there."""
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(beside)
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write what msgspec can encode as JSON that people can read, whole or not at all."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    write_atomically(path, lambda beside: beside.write_bytes(text))


def replace_folder(folder: Path, write: Callable[[Path], Any]) -> None:
    """Have a folder written beside its place and moved there; an error or a crash leaves the old one or the new one."""
    beside, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for path in (beside, old):
        shutil.rmtree(path, ignore_errors=True)
    beside.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(beside)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if folder.exists():
        os.replace(folder, old)
    os.replace(beside, folder)
    shutil.rmtree(old, ignore_errors=True)


def restore_folder(folder: Path) -> None:
    """After a crash between the two moves of :func:`replace_folder`: put the old folder back."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        with contextlib.suppress(OSError):
            os.replace(old, folder)
