"""Demonstrations for imitation from data sets in LeRobot's and Minari's formats."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from gen3d_envs.baselines.vla.demos import Demos, moving
from gen3d_envs.baselines.vla.recorded import recorded
from gen3d_envs.baselines.vla.scenes import EnvSettings
from gen3d_envs.baselines.vla.text import tokens
from helpers import ENGINE, PICK
from test_demos import frames

from gen3d_envs.cli import main
from gen3d_envs.demos import lerobot
from gen3d_envs.demos.record import record
from gen3d_envs.demos.recording import RECORDING
from gen3d_envs.demos.replay import read_recording
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.plan import Settings

pytest.importorskip("pyarrow")

SETTINGS = Settings(policy="expert", target=PICK, physics=ENGINE, episodes=1, width=48, height=48)
ENV = EnvSettings(("TestPickCube",), size=48, physics=ENGINE)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "pick"
    record(SETTINGS, 2, out, "gen3d record")
    return out


@pytest.fixture(scope="module")
def demos(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Demos:
    return recorded(dataset, ENV, tmp_path_factory.mktemp("demos") / "demos")


def test_what_is_learned_is_what_was_recorded(dataset: Path, demos: Demos) -> None:
    numbers = list(lerobot.read_numbers(dataset))
    film = [picture for _, _, picture in frames(dataset, "observation.images.front")]
    row, start = 0, 0
    for (states, actions), episode in zip(numbers, read_recording(dataset).episodes, strict=True):
        for k in moving(actions):
            assert np.array_equal(demos.arrays["agent_pos"][row], states[k])
            assert np.array_equal(demos.arrays["actions"][row], actions[k])
            assert np.array_equal(demos.arrays["tokens"][row, 0], tokens(episode.instruction))
            seen = demos.pixels(np.array([row]))[0, 0].transpose(1, 2, 0).astype(float)
            assert np.abs(seen - film[start + k]).mean() < 6.0, "the film has lost a little"
            row += 1
        start += len(actions)
    assert row == len(demos)


def test_labels_tell_where_the_fingers_will_close(demos: Demos) -> None:
    """At the last frame of an episode the thing is in the hand."""
    last = np.flatnonzero(demos.arrays["steps_left"] == 0)
    apart = demos.arrays["labels"][last, 0, :3] - demos.arrays["agent_pos"][last, :3]
    assert np.linalg.norm(apart, axis=1).max() < 0.03


def test_minari_s_data_sets_give_the_same(demos: Demos, tmp_path: Path) -> None:
    record(SETTINGS, 2, tmp_path / "pick" / "cube-v0", "gen3d record", format="minari")
    same = recorded(tmp_path / "pick" / "cube-v0", ENV, tmp_path / "demos")
    assert all(np.array_equal(same.arrays[name], array) for name, array in demos.arrays.items())


def test_what_was_begun_is_gone_on_with(dataset: Path, demos: Demos, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(dataset, ENV, tmp_path, stop)
    done: list[int] = []
    again = recorded(dataset, ENV, tmp_path, lambda k, n: done.append(k))
    assert done == [1, 2] and again.digest == demos.digest
    assert recorded(dataset, ENV, tmp_path).digest == demos.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demos.json", "frames.npz", "pixels.npy"]


def test_what_does_not_fit_is_refused(dataset: Path, tmp_path: Path) -> None:
    for arguments, problem in (({"robot": "panda"}, "robot"), ({"control_hz": 10}, "control_hz")):
        with pytest.raises(FieldError, match=problem):
            recorded(dataset, EnvSettings(ENV.scenes, physics=ENGINE, **arguments), tmp_path / "demos")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="no recording"):
        recorded(tmp_path, ENV, tmp_path / "demos")


def test_a_recording_that_does_not_come_out_as_it_says_is_refused(dataset: Path, tmp_path: Path) -> None:

    shutil.copytree(dataset, tmp_path / "changed")
    recording = read_recording(dataset)
    rows = (msgspec.structs.replace(recording.episodes[0], seed=1), *recording.episodes[1:])
    (tmp_path / "changed" / RECORDING).write_bytes(
        msgspec.json.encode(msgspec.structs.replace(recording, episodes=rows))
    )
    with pytest.raises(FieldError, match="does not come out as"):
        recorded(tmp_path / "changed", ENV, tmp_path / "demos")


def test_imitation_of_a_data_set_from_the_command_line(dataset: Path, tmp_path: Path) -> None:
    where = ["--obs", "pixels", "--env", PICK, "--size", "24", "--jobs", "1", "--physics", ENGINE]
    told = [w for pair in (f"dataset={dataset}", "size=micro", "batch=8", "trial=0") for w in ("--set", pair)]
    assert main(["train", "--algo", "imitation", "--steps", "2", *where, *told, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "model" / "model.safetensors").is_file()
