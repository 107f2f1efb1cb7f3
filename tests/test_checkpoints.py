"""The released policies: each can be used as it lies there, by anyone, for what its results say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from gen3d_envs.baselines.policies import get_policy  # noqa: E402
from helpers import make  # noqa: E402

from gen3d_envs.errors import ContractError  # noqa: E402
from gen3d_envs.evaluation import leaderboard  # noqa: E402

FOLDER = Path(__file__).parents[1] / "registry" / "checkpoints"
RELEASED = sorted(path for path in FOLDER.iterdir() if path.is_dir())

pytestmark = [
    pytest.mark.parametrize("folder", RELEASED, ids=[path.name for path in RELEASED]),
    pytest.mark.usefixtures("one_thread"),
]


def test_it_holds_weights_and_words_and_nothing_else(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10e6
    assert "`config.json`" in (folder / "README.md").read_text()


def test_it_acts_in_the_benchmark_and_the_same_every_time(folder: Path) -> None:
    env = make("Gen3D-100-v0", obs_type="pixels_agent_pos", observation_width=96, observation_height=96)
    actions = []
    for _ in range(2):
        policy = get_policy(str(folder), env)
        observation, info = env.reset(seed=7)
        policy.reset(info["instruction"])
        actions.append(np.asarray(policy.act(observation)))
    env.close()
    assert actions[0].shape == (7,) and np.abs(actions[0]).max() <= 1.0
    assert np.array_equal(*actions)


def test_it_refuses_what_it_was_not_made_for(folder: Path) -> None:
    env = make("Gen3D-100-v0", obs_type="pixels_agent_pos", observation_width=64, observation_height=64)
    with pytest.raises(ContractError, match="96"):
        get_policy(str(folder), env)
    env.close()


def test_what_it_can_is_on_the_leaderboard(folder: Path) -> None:
    rows = [row for row in leaderboard.read_rows(leaderboard.results_folder()) if row.name == folder.name]
    assert {row.settings.split for row in rows} >= {"train", "heldout", "handmade"}
    assert all(row.settings.policy == f"registry/checkpoints/{folder.name}" for row in rows)
