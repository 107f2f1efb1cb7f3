"""A learning curve: a CSV file that survives interruptions without gaps or repetitions, and TensorBoard where it is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import write_atomically

CURVE = "curve.csv"
"""What a curve is called in the folder of its training."""


class Curve:
    """Rows of figures by step.

    Args:
        path: of the CSV file.
        until: rows of later steps, which a killed run had written after its last checkpoint, are dropped.
    """

    def __init__(self, path: Path, until: int) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [row for row in read_curve(path) if int(row["step"]) <= until]
        if path.is_file():
            write_atomically(path, lambda beside: _write(beside, kept))
        self._board = _board(path.parent / "tensorboard", until)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Append a row."""
        row = {"step": str(step), **{name: f"{value:.6g}" for name, value in figures.items()}}
        new = not self._path.is_file() or self._path.stat().st_size == 0
        with self._path.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Let TensorBoard's file go."""
        if self._board is not None:
            self._board.close()


def read_curve(path: Path) -> list[dict[str, str]]:
    """The rows of a curve; a last line that was cut off is left out."""
    if not path.is_file():
        return []
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if None not in row and None not in row.values()]


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as stream:
        if rows:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _board(folder: Path, until: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=until + 1)
