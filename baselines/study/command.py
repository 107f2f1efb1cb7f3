"""A study in a folder: settings that stay, stages that resume, and the table of what has been found so far."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gen3d_envs.errors import FieldError

from ..device import device_of  # noqa: TID252
from ..vla.curve import CURVE, read_curve  # noqa: TID252
from ..vla.files import write_atomically, write_json  # noqa: TID252
from .measure import RESULTS, OutOfTime, found, order, run
from .page import html
from .plot import png, svg
from .settings import MAY_DIFFER, PRESETS, StudySettings
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
        FieldError: settings that do not fit each other or the folder's, or ``only`` names nothing of the study. Nothing
            is done then.
    """
    settings = settings_of(preset, options, seeds)
    _require_same(folder, settings)
    work = Study(settings, folder, jobs, device_of(device), time.monotonic() + seconds, tell)
    order(settings, only)
    work.require()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / SETTINGS, settings)
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


def settings_of(preset: str, options: Mapping[str, str], seeds: Sequence[int] | None) -> StudySettings:
    """The settings asked for; arguments are those of :func:`study`.

    Raises:
        FieldError: a name or a value that cannot be.
    """
    if preset not in PRESETS:
        raise FieldError("preset", preset, "is not known", f"Use one of {', '.join(PRESETS)}")
    known = {field.name: field.default for field in msgspec.structs.fields(StudySettings)}
    for name in options:
        if name not in known:
            raise FieldError("--set", name, "is no setting", f"Use one of {', '.join(sorted(known))}")
    asked = {name: text.split(",") if isinstance(known[name], tuple) else text for name, text in options.items()}
    plain = {**msgspec.to_builtins(PRESETS[preset]), **asked}
    if seeds:
        plain["seeds"] = list(seeds)
    try:
        return msgspec.convert(plain, StudySettings, strict=False)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, FieldError):
            raise error.__cause__ from None
        given = " ".join(f"{name}={text}" for name, text in options.items())
        raise FieldError("--set", given, str(error), "Give a value of the right kind") from None


def _require_same(folder: Path, settings: StudySettings) -> None:
    """Refuse settings that are not the folder's where it has some; seeds, counts and decisions may differ."""
    path = folder / SETTINGS
    if folder.exists() and not folder.is_dir():
        raise FieldError("out", str(folder), "is a file", "Name a folder")
    if path.is_file():
        try:
            before = msgspec.json.decode(path.read_bytes(), type=StudySettings)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise FieldError("out", str(path), f"cannot be read ({error})", "Use another folder") from None
        for name in sorted({field.name for field in msgspec.structs.fields(settings)} - MAY_DIFFER):
            if getattr(before, name) != getattr(settings, name):
                problem = f"is not this folder's {getattr(before, name)!r}"
                raise FieldError(name, getattr(settings, name), problem, "Use another folder, or the same settings")
