"""What other codebases expect, held in small here; tests/integrations runs the codebases themselves."""

from __future__ import annotations

import importlib.util
import json
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import gymnasium as gym
import helpers
import numpy as np
import pytest

from gen3d_envs.docs import integrations
from gen3d_envs.errors import FieldError

HERE = Path(__file__).resolve().parent / "integrations"
RESULTS = json.loads((HERE / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hub_file() -> ModuleType:
    """The EnvHub file, loaded as LeRobot does: from its path, under a foreign name, not in ``sys.modules``."""
    path = helpers.REPOSITORY / "integrations" / "lerobot_env.py"
    spec = importlib.util.spec_from_file_location("hub_env_someone_gen3d", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- LeRobot -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use_async_envs", [False, True])
def test_envhub_gives_what_a_rollout_reads(hub_file: ModuleType, use_async_envs: bool) -> None:
    cfg = {"task": helpers.PLACE, "gym_kwargs": {"max_episode_steps": 2, "observation_width": 16}}
    envs = hub_file.make_env(n_envs=2, use_async_envs=use_async_envs, cfg=cfg)[helpers.PLACE][0]
    observations, _ = envs.reset(seed=[1, 2], options={"lerobot_new_rollout": True})
    assert observations["pixels"].shape == (2, 128, 16, 3) and observations["pixels"].dtype == np.uint8
    assert observations["agent_pos"].shape == (2, 7) and observations["agent_pos"].dtype == np.float32
    assert envs.call("task_description") == envs.call("task") == ("put the ball in the bowl",) * 2
    assert envs.call("_max_episode_steps") == (2, 2) and envs.metadata["render_fps"] == 5
    assert "final_info" not in envs.step(np.zeros((2, 7), np.float32))[4]
    *_, truncated, infos = envs.step(np.zeros((2, 7), np.float32))
    assert truncated.all() and infos["final_info"]["is_success"].tolist() == [False, False]
    envs.close()


def test_envhub_without_a_configuration(hub_file: ModuleType) -> None:
    ((env_id, tasks),) = hub_file.make_env().items()
    assert env_id == "Gen3D-100-v0" and tasks[0].num_envs == 1
    tasks[0].close()


def test_envhub_takes_an_object_as_configuration(hub_file: ModuleType) -> None:
    cfg = SimpleNamespace(task=f"gen3d_envs:{helpers.PICK}", gym_kwargs={"obs_type": "state"}, fps=5)
    envs = hub_file.make_env(cfg=cfg)[helpers.PICK][0]
    assert envs.single_observation_space.shape == (46,)
    envs.close()


@pytest.mark.parametrize(
    "arguments", [{"n_envs": 0}, {"n_envs": 1.5}, {"n_envs": True}, {"cfg": {"gym_kwargs": ["state"]}}], ids=str
)
def test_envhub_refuses_what_makes_no_sense(hub_file: ModuleType, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give a"):
        hub_file.make_env(**arguments)


def test_envhub_names_an_unknown_task(hub_file: ModuleType) -> None:
    with pytest.raises(gym.error.Error, match="NoSuch"):
        hub_file.make_env(cfg={"task": "Gen3D-NoSuch-v0"})


def test_the_option_of_lerobot_changes_nothing() -> None:
    env = helpers.make(obs_type="state")
    plain = helpers.digest(*env.reset(seed=3))
    assert helpers.digest(*env.reset(seed=3, options={"lerobot_new_rollout": True})) == plain
    with pytest.raises(FieldError, match="no such reset option"):
        env.reset(options={"lerobot_new_rolout": True})
    env.close()


# ---- the record ----------------------------------------------------------------------------------------------------


def test_the_record_covers_every_script() -> None:
    scripts = {path.name for path in HERE.glob("*.py")} - {"run.py"}
    assert scripts <= {word for row in RESULTS for word in row["command"].replace("/", " ").split()}


@pytest.mark.parametrize("row", RESULTS, ids=lambda row: row["name"])
def test_a_row_says_what_ran_when_with_what(row: dict[str, Any]) -> None:
    assert list(row) == ["name", "version", "gymnasium", "python", "date", "command", "seconds", "outcome", "detail"]
    assert row["outcome"] in ("works", "fails", "not installed") and row["detail"]
    assert date.fromisoformat(row["date"]).year >= 2026
    if row["outcome"] == "works":
        assert row["version"] and row["gymnasium"] and row["seconds"] > 0


def test_the_table_has_a_row_for_each() -> None:
    table = integrations()
    assert len(table.splitlines()) == 2 + len(RESULTS)
    assert all(row["name"] in table for row in RESULTS)
