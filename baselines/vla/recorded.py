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

import msgspec

from gen3d_envs.demos.record import state_digest
from gen3d_envs.demos.recording import RECORDING
from gen3d_envs.demos.replay import begin, read_actions, read_recording, runner_of
from gen3d_envs.errors import FieldError

from .demos import FORMAT, Demos, Frame, merge, moving, parts_in, write_part
from .labels import Labeller
from .scenes import EnvSettings, frame_of


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
                begin(runner, row)
                labeller.begin()
                frames: list[Frame] = []
                kept = set(moving(actions[index][1]))
                for step, action in enumerate(actions[index][1]):
                    if step in kept:
                        frame = frame_of(settings, env)
                        frame |= {"actions": action, "tokens": frame["tokens"][None], "labels": labeller.read()[None]}
                        frames.append(frame)
                    env.step(action)
                if state_digest(env) != row.end:
                    problem = "does not come out as it was recorded"
                    raise FieldError(str(dataset), f"episode {index}", problem, "Record it again")
                write_part(path, frames)
            if progress is not None:
                progress(index + 1, len(rows))
    head = {
        "format": FORMAT, "digest": digest, "demonstrations": len(rows), "scenes": [row.scene for row in rows],
        "contract": msgspec.Raw(settings.contract.to_json()),
    }  # fmt: skip
    merge(folder, parts, head)
    return Demos(folder)
