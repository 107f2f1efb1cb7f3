"""Folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from gen3d_envs.errors import FieldError

MARK = "export.json"
"""List of the files with their hashes, and the sign that a folder is an export and may be replaced."""


def check_replaceable(out: Path, force: bool) -> None:
    """Refuse to write where something else is.

    Raises:
        FieldError: ``out`` is a file, a link, the current folder or one above it; or it is not empty, and ``force`` is
            not given or it is no earlier export.
    """
    if out.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise FieldError("--out", str(out), "is where you are", "Name a folder below it")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FieldError("--out", str(out), "is a file or a link", "Name a new folder")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise FieldError("--out", str(out), "is not empty and no earlier export", "Name another folder")
        if not force:
            raise FieldError("--out", str(out), "holds an earlier export", "Add --force to replace it")


def publish(out: Path, files: Mapping[str, bytes], facts: Mapping[str, Any], force: bool = False) -> None:
    """Write files and :data:`MARK` into the folder ``out``; it is complete, or as it was before.

    Args:
        out: the folder; its parents are made.
        files: content by relative path with forward slashes.
        facts: what the mark says besides the hashes of the files.
        force: replace an earlier export.

    Raises:
        FieldError: see :func:`check_replaceable`.
        OSError: the folder cannot be written; nothing is left behind.
    """
    check_replaceable(out, force)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=out.parent))
    old = work.with_name(work.name + ".old")
    try:
        work.chmod(0o755)
        for name, data in files.items():
            path = work.joinpath(*PurePosixPath(name).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
        mark = msgspec.json.encode({**facts, "files": hashes})
        (work / MARK).write_bytes(msgspec.json.format(mark, indent=1) + b"\n")
        if out.is_dir():
            os.replace(out, old)
        try:
            os.replace(work, out)
        except OSError:
            if old.is_dir():
                os.replace(old, out)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
