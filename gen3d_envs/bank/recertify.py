"""Measuring the certificates of stored scenes again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gen3d_envs.build import build
from gen3d_envs.certify import certify
from gen3d_envs.errors import FieldError, Gen3DError, SceneError
from gen3d_envs.processes import run_all
from gen3d_envs.sim.engines import DEFAULT
from gen3d_envs.spec import SCENE_NAME, Certificate, read_card


@dataclass(frozen=True)
class Recertified:
    """A certificate measured again.

    Attributes:
        name: of the scene.
        stored: as the card has it; None where it has none for this robot.
        measured: here and now; None where the scene cannot be built.
        problem: why it is not as it should be; empty where the measured certificate passed and is the stored one.
    """

    name: str
    stored: Certificate | None
    measured: Certificate | None
    problem: str


def card_files(folder: str | Path) -> list[Path]:
    """The cards of a folder, by name.

    Raises:
        SceneError: it holds none.
    """
    paths = sorted(path for path in Path(folder).glob("*.json") if re.fullmatch(SCENE_NAME, path.stem))
    if not paths:
        raise SceneError("folder", str(folder), "holds no scene cards", "Give the folder of a bank, or a card")
    return paths


def recertify(path: Path, robot: str | None = None, physics: str | None = None) -> tuple[Recertified, ...]:
    """Measure each certificate of a card again, with the robot and engine that it names.

    Args:
        path: the card.
        robot: only this robot's; all that are stored where None. A robot without a stored one is measured too.
        physics: only this engine's, likewise.
    """
    try:
        card = read_card(path)
        stored: list[Certificate | None] = [
            c for c in card.certificates if robot in (None, c.robot) and physics in (None, c.engine.split()[0])
        ]
        scene = build(card, path.parent)
        results = []
        for before in stored or [None]:
            name = robot or card.robot
            if before is None:
                now = certify(scene, name, physics or DEFAULT)
            else:
                now = certify(scene, before.robot, before.engine.split()[0])
            results.append(Recertified(card.name, before, now, difference(before, now)))
        return tuple(results)
    except Gen3DError as error:
        return (Recertified(path.stem, None, None, str(error)),)


def difference(stored: Certificate | None, measured: Certificate) -> str:
    """What is wrong with a measured certificate: checks that fail, and values that are not the stored ones."""
    failed = [f"{check.name} {check.value:g} {check.unit}" for check in measured.checks if not check.passed]
    if failed:
        return f"fails {', '.join(failed)}"
    if stored is None or stored == measured:
        return ""
    fields = [
        f"{field} {getattr(stored, field)!r} stored, {getattr(measured, field)!r} measured"
        for field in ("scene_hash", "engine", "renderer")
        if getattr(stored, field) != getattr(measured, field)
    ]
    before, now = ({check.name: check for check in c.checks} for c in (stored, measured))
    fields += [
        f"{name} {before[name].value:g} stored, {now[name].value:g} measured"
        if name in before and name in now
        else f"{name} only {'stored' if name in before else 'measured'}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    ]
    return "differs: " + "; ".join(fields)


def recertify_folder(
    folder: str | Path, robot: str | None = None, jobs: int = 1, physics: str | None = None
) -> Iterator[Recertified]:
    """Measure all scenes of a folder again, in the order of their names.

    Raises:
        FieldError: a number of processes below 1.
        SceneError: no cards there.
    """
    if jobs < 1:
        raise FieldError("jobs", jobs, "is no number of processes", "Use at least 1")
    paths: Sequence[Path] = card_files(folder)
    lost = "A process that certifies was killed: run the same command again."
    for results in run_all(recertify, ((path, robot, physics) for path in paths), jobs, lost, ordered=True):
        yield from results
