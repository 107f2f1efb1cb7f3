"""Demonstrations: the same in any number of processes, successes only, and readable or refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.vla.demos import Demos, DemoSettings, _part, collect, make_part
from gen3d_envs.baselines.vla.scenes import EnvSettings, observe, scenes_of, shapes
from gen3d_envs.baselines.vla.text import tokens
from helpers import ENGINE, make

from gen3d_envs.contract import contract_of
from gen3d_envs.errors import FieldError

SCENES = ("TestPickCube", "TestPlaceBallInBowl")
ENV = EnvSettings(SCENES, size=16, physics=ENGINE)
SETTINGS = DemoSettings(ENV, count=4)


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demos")
    collect(SETTINGS, path)
    return path


def test_observations_are_those_of_the_environment() -> None:
    own = ENV.make()
    other = make("Gen3D-100-v0", scenes=list(SCENES), observation_width=16, observation_height=16, robot="widowx")
    assert contract_of(other).pictures == ENV.contract.pictures
    for scene in SCENES:
        own.reset(seed=5, options={"scene": scene})
        seen, info = other.reset(seed=5, options={"scene": scene})
        for _ in range(3):
            given = {name: np.zeros(shape, kind) for name, (shape, kind) in shapes(ENV, own).items()}
            observe(ENV, own, given)
            assert np.array_equal(given["pixels"][0].transpose(1, 2, 0), seen["pixels"])
            assert np.array_equal(given["agent_pos"], seen["agent_pos"])
            assert np.array_equal(given["tokens"], tokens(info["instruction"]))
            own.step(np.full(7, 0.3, np.float32))
            seen, *_ = other.step(np.full(7, 0.3, np.float32))
    own.close()
    other.close()


def test_what_is_stored(folder: Path) -> None:
    demos = Demos(folder)
    arrays = demos.arrays
    assert demos.scenes == SCENES * 2 and demos.contract == ENV.contract
    assert arrays["actions"].shape == (len(demos), 7) and abs(arrays["actions"]).max() <= 1.0
    ends = np.flatnonzero(arrays["steps_left"] == 0)
    assert len(ends) == 4 and ends[-1] == len(demos) - 1
    assert np.array_equal(np.unique(arrays["episodes"]), np.arange(4))
    rows = np.array([3, 0, len(demos) - 1])
    assert demos.pixels(rows).shape == (3, 1, 3, 16, 16) and demos.pixels(rows).std() > 10


def test_processes_and_order_change_nothing(folder: Path, tmp_path: Path) -> None:
    parts = tmp_path / f"parts-{SETTINGS.digest}"
    parts.mkdir()
    for k in (3, 1):
        make_part(SETTINGS, parts, k)
    told: list[tuple[int, int]] = []
    collect(SETTINGS, tmp_path, jobs=2, progress=lambda done, of: told.append((done, of)))
    assert told == [(3, 4), (4, 4)]
    assert content(tmp_path) == content(folder)


def test_failures_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gen3d_envs.baselines.vla import demos as module

    real, tried = module._play, []

    def second_time(*given: Any) -> Any:
        tried.append(given)
        return None if len(tried) == 1 else real(*given)

    monkeypatch.setattr(module, "_play", second_time)
    make_part(SETTINGS, tmp_path, 0)
    assert len(tried) == 2 and _part(tmp_path, 0).is_file()
    monkeypatch.setattr(module, "_play", lambda *given: None)
    with pytest.raises(module.Gen3DError, match="TestPlaceBallInBowl"):
        make_part(SETTINGS, tmp_path, 1)


def test_a_folder_is_read_or_refused(folder: Path, tmp_path: Path) -> None:
    assert len(collect(SETTINGS, folder)) == len(Demos(folder))
    with pytest.raises(FieldError, match="other demonstrations"):
        collect(replace(SETTINGS, seed=1), folder)
    with pytest.raises(FieldError, match="cannot be read"):
        Demos(tmp_path)
    for name in ("demos.json", "frames.npz", "pixels.npy"):
        target = tmp_path / name.partition(".")[0]
        target.mkdir()
        for path in folder.iterdir():
            whole = path.read_bytes()
            (target / path.name).write_bytes(whole[: len(whole) // 2] if path.name == name else whole)
        with pytest.raises(FieldError, match="cannot be read"):
            Demos(target)


def test_bad_settings() -> None:
    for wrong in ({"count": 0}, {"noise": -1.0}):
        with pytest.raises(FieldError):
            replace(SETTINGS, **wrong)  # type: ignore[arg-type]
    with pytest.raises(FieldError):
        EnvSettings(())
    assert len(scenes_of("train", 10)) == 10
