"""The folder of an export, with the hashes of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from gen3d_envs.errors import FieldError
from gen3d_envs.folders import appearing, check_replaceable

MARK = "export.json"
"""List of the files with their hashes, and the sign that a folder is an export and may be replaced."""


def check_out(out: Path, force: bool) -> None:
    """Refuse to write where something else is.

    Raises:
        FieldError: see :func:`gen3d_envs.folders.check_replaceable`; or ``out`` holds an earlier export, and ``force``
            is not given.
    """
    check_replaceable(out, MARK, "export")
    if (out / MARK).is_file() and not force:
        raise FieldError("--out", str(out), "holds an earlier export", "Add --force to replace it")


def publish(out: Path, files: Mapping[str, bytes], facts: Mapping[str, Any], force: bool = False) -> None:
    """Write files and :data:`MARK` into the folder ``out``; it is complete, or as it was before.

    Args:
        out: the folder; its parents are made.
        files: content by relative path with forward slashes.
        facts: what the mark says besides the hashes of the files.
        force: replace an earlier export.

    Raises:
        FieldError: see :func:`check_out`.
        OSError: the folder cannot be written; nothing is left behind.
    """
    check_out(out, force)
    with appearing(out) as work:
        for name, data in files.items():
            path = work.joinpath(*PurePosixPath(name).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        mark = msgspec.json.encode({**facts, "files": hashes})
        (work / MARK).write_bytes(msgspec.json.format(mark, indent=1) + b"\n")
