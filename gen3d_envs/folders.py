"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gen3d_envs.errors import FieldError


def check_replaceable(out: Path, mark: str, what: str, apart: Path | None = None) -> None:
    """Refuse to replace anything but an earlier folder of the same kind.

    Args:
        out: the folder to be written.
        mark: name of the file that shows that a folder is of this kind.
        what: the kind, for the error.
        apart: must not be ``out``, nor lie in it.

    Raises:
        FieldError: ``out`` is a file or a link, the current folder or one above it, ``apart`` or a folder around it, or
            it holds something else.
    """
    target = out.resolve()
    if target in (Path.cwd(), *Path.cwd().parents):
        raise FieldError("--out", str(out), "is where you are", "Name a folder below it")
    if apart is not None and target in (apart.resolve(), *apart.resolve().parents):
        raise FieldError("--out", str(out), f"is where {apart} is", "Name a folder of its own")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise FieldError("--out", str(out), "is a file or a link", "Name a new folder")
    if out.is_dir() and any(out.iterdir()) and not (out / mark).is_file():
        raise FieldError("--out", str(out), f"is not empty and no earlier {what}", "Name another folder, or remove it")


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """A folder to write, which takes the place of ``out`` when the block ends; its parents are made.

    A folder that was there goes only when the new one is complete. Where the block raises, it stays, and nothing of the
    new one is left.

    Raises:
        OSError: the folder cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".writing-", dir=out.parent))
    old = work.with_name(work.name + ".old")
    try:
        work.chmod(0o755)
        yield work
        if out.is_dir():
            os.replace(out, old)
        try:
            os.replace(work, out)
        except OSError:
            if old.is_dir():
                os.replace(old, out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
