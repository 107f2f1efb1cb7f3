"""A study in a folder: settings that stay, stages that resume, and the table of what has been found so far."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gen3d_envs.errors import FieldError

from ..vla.curve import CURVE, read_curve  # noqa: TID252
from ..vla.entry import device_of  # noqa: TID252
from ..vla.files import write_atomically  # noqa: TID252
from .measure import RESULTS, OutOfTime, found, run
from .page import html
from .plot import png, svg
from .settings import PRESETS, StudySettings
from .stages import Study, Tell
from .table import markdown

SETTINGS = "study.json"


def study(
    folder: Path, preset: str, options: Mapping[str, str], seeds: Sequence[int] | None, only: str | None, jobs: int,
    device: str, seconds: float, tell: Tell,
) -> tuple[bool, list[str]]:  # fmt: skip
    """Do what is missing of a study.

    Args:
        folder: of everything; keeps its settings, so that the same command goes on.
        preset: a name of :data:`PRESETS`.
        options: settings that differ from it, as text.
        seeds: of the fine-tuning; the preset's where None.
        only: a number of scenes, ``handmade`` or ``imitation``; everything where None.
        jobs: processes.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        seconds: stop, resumably, after so long.
        tell: see :data:`gen3d_envs.baselines.study.stages.Tell`.

    Returns:
        Whether all is done, and what was found, in lines.

    Raises:
        FieldError: settings that do not fit each other or the folder's.
    """
    settings = _settings(folder, preset, options, seeds)
    work = Study(settings, folder, jobs, device_of(device), time.monotonic() + seconds, tell)
    finished = True
    try:
        run(work, only)
    except OutOfTime as reason:
        finished = False
        words = str(reason)
    lines = write(folder, work)
    return finished, lines if finished else [*lines, words]


def write(folder: Path, work: Study) -> list[str]:
    """Write the table, the curve and the page of what has been measured; returns the table's lines."""
    trained = found(folder / RESULTS)
    if not trained:
        return ["Nothing has been measured yet."]
    table = markdown(trained)
    files = {
        "table.md": table.encode() + b"\n", "curve.svg": svg(trained).encode(), "curve.png": png(trained),
        "report.html": html(trained, ways(folder), work.settings).encode(),
    }  # fmt: skip
    for name, content in files.items():
        write_atomically(folder / name, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]
    return [*table.splitlines(), "", f"In {folder}: {', '.join(files)}; every episode in {RESULTS}/"]


def ways(folder: Path) -> dict[str, list[tuple[float, float]]]:
    """How the trainings in a folder went so far, by their names; see :data:`gen3d_envs.baselines.study.page.Way`."""
    found = {}
    for path in sorted(folder.glob(f"*/{CURVE}"), key=lambda path: (len(path.parent.name), path.parent.name)):
        rows = [row for row in read_curve(path) if "success_recent" in row]
        way = [(float(row["decisions"]), float(row["success_recent"])) for row in rows]
        if way := [(made, share) for made, share in way if math.isfinite(share)]:
            found[path.parent.name] = way
    return found


def _settings(folder: Path, preset: str, options: Mapping[str, str], seeds: Sequence[int] | None) -> StudySettings:
    """The settings asked for, which must be the folder's where it has some; more seeds may be added."""
    if preset not in PRESETS:
        raise FieldError("preset", preset, "is not known", f"Use one of {', '.join(PRESETS)}")
    known = {field.name for field in msgspec.structs.fields(StudySettings)}
    for name in options:
        if name not in known:
            raise FieldError("--set", name, "is no setting", f"Use one of {', '.join(sorted(known))}")
    plain = {**msgspec.to_builtins(PRESETS[preset]), **{n: _value(t) for n, t in options.items()}}
    if seeds:
        plain["seeds"] = list(seeds)
    try:
        settings = msgspec.convert(plain, StudySettings, strict=False)
    except msgspec.ValidationError as error:
        raise FieldError("--set", " ".join(f"{n}={t}" for n, t in options.items()), str(error), "Fix it") from None
    path = folder / SETTINGS
    if folder.exists() and not folder.is_dir():
        raise FieldError("out", str(folder), "is a file", "Name a folder")
    if path.is_file():
        try:
            before = msgspec.json.decode(path.read_bytes(), type=StudySettings)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise FieldError("out", str(path), f"cannot be read ({error})", "Use another folder") from None
        for name in sorted(known - {"seeds", "counts", "decisions"}):
            if getattr(before, name) != getattr(settings, name):
                problem = f"is not this folder's {getattr(before, name)!r}"
                raise FieldError(name, getattr(settings, name), problem, "Use another folder, or the same settings")
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
    write_atomically(path, lambda beside: beside.write_bytes(text))
    return settings


def _value(text: str) -> object:
    """A list where there are commas."""
    return text.split(",") if "," in text else text
