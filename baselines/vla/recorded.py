"""Demonstrations from a data set that ``gen3d record`` wrote, LeRobot's or Minari's.

Its episodes are simulated again, bit for bit, and looked at anew: so pictures have the size that is asked for and have
not been through a film, and every frame has its labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gen3d_envs.demos.record import state_digest
from gen3d_envs.demos.recording import RECORDING
from gen3d_envs.demos.replay import read_actions, read_recording, runner_of
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Planned

from .demos import FORMAT, Demos, frame_of, merge, moving, parts_in
from .files import write_atomically
from .labels import Labeller
from .scenes import EnvSettings


def recorded(
    dataset: Path, settings: EnvSettings, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Demos:
    """Demonstrations of a data set; what an interrupted run had finished is kept and not done again.

    Args:
        dataset: folder of a recording.
        settings: size and cameras of the pictures; its scenes are not used.
        folder: is made; one that holds the same demonstrations is simply read.
        progress: called with demonstrations done and wanted.

    Raises:
        FieldError: no recording, one of another robot, rate or engine or of failures only, one that does not come out
            as it says, or a folder that holds other demonstrations.
    """
    recording = read_recording(dataset)
    for name, given, wanted in (
        ("robot", recording.settings.robot, settings.robot),
        ("control_hz", recording.settings.control_hz, settings.control_hz),
        ("control", recording.settings.control, "ee_delta"),
    ):
        if given != wanted:
            raise FieldError(f"{dataset}: {name}", given, f"is not {wanted!r}", "Record the demonstrations with that")
    what = [FORMAT, hashlib.sha256((dataset / RECORDING).read_bytes()).hexdigest(), asdict(settings)]
    digest = hashlib.sha256(msgspec.json.encode(what, order="sorted")).hexdigest()[:16]
    if (folder / "demos.json").is_file():
        return Demos(folder, digest)
    rows, actions = recording.episodes, read_actions(dataset, recording)
    if not rows:
        raise FieldError(str(dataset), 0, "holds no episode", "Record some")
    parts = parts_in(folder, digest, len(rows))
    with closing(runner_of(recording)) as runner:
        env, labeller = runner.env, Labeller(runner.env)
        for index, (path, row) in enumerate(zip(parts, rows, strict=True)):
            if not path.is_file():
                options = runner.prepare(Planned(scene=row.scene, axis=row.axis, index=0, seed=row.seed))
                env.reset(seed=row.seed, options=options)
                labeller.begin()
                frames: list[dict[str, Any]] = []
                for action in actions[index][1]:
                    frame = frame_of(settings, env)
                    frame |= {"actions": action, "tokens": frame["tokens"][None], "labels": labeller.read()[None]}
                    frames.append(frame)
                    env.step(action)
                if state_digest(env) != row.end:
                    problem = "does not come out as it was recorded"
                    raise FieldError(str(dataset), f"episode {index}", problem, "Record it again")
                kept = moving(actions[index][1])
                demo = {name: np.stack([frames[k][name] for k in kept]) for name in frames[0]}
                write_atomically(path, lambda beside, demo=demo: np.savez(beside, **demo))  # type: ignore[misc]
            if progress is not None:
                progress(index + 1, len(rows))
    head = {
        "format": FORMAT, "digest": digest, "demonstrations": len(rows), "scenes": [row.scene for row in rows],
        "contract": msgspec.Raw(settings.contract.to_json()),
    }  # fmt: skip
    merge(folder, parts, head)
    return Demos(folder)
