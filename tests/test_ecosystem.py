"""What people already use works: Gymnasium's checker, wrappers and vectors, Stable-Baselines3, LeRobot's keys."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import helpers
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import FlattenObservation, FrameStackObservation, RecordEpisodeStatistics, RescaleAction
from helpers import ALL_IDS, PICK, PLACE, make

from gen3d_envs.errors import FieldError
from gen3d_envs.wrappers import FlattenCameras

SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 36}
TWO = {**SMALL, "cameras": ("front", "wrist")}


@pytest.mark.parametrize("env_id", ALL_IDS)
def test_gymnasium_checker(env_id: str) -> None:
    env = gym.make(env_id, render_mode="rgb_array", render_width=64, render_height=48, **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The human mode opens a window; the pictures of rgb_array are checked in test_env.
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize(
    "arguments",
    [
        {"obs_type": "state"},
        {"obs_type": "pixels", **SMALL},
        TWO,
        {"control": "joint_delta", **SMALL},
        {"reward": "shaped"},
    ],
    ids=str,
)
def test_gymnasium_checker_on_every_contract(arguments: dict[str, Any]) -> None:
    env = gym.make(PLACE, **arguments)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.filterwarnings("default")
def test_gymnasium_checker_renders() -> None:
    env = gym.make(PICK, render_mode="rgb_array", render_width=64, render_height=48, **SMALL)
    picture = (env.reset(seed=0), env.render())[1]
    assert picture.shape == (48, 64, 3) and picture.dtype == np.uint8
    env.close()


# ---- wrappers ------------------------------------------------------------------------------------------------------


def test_time_limit() -> None:
    env = gym.make(PICK, obs_type="state", max_episode_steps=3)
    env.reset(seed=0)
    flags = [env.step(np.zeros(7, np.float32))[3] for _ in range(3)]
    assert flags == [False, False, True]
    env.close()


@pytest.mark.parametrize("control_hz", [5, 10])
def test_default_length_is_twenty_seconds(control_hz: int) -> None:
    env = gym.make(PICK, obs_type="state", control_hz=control_hz)
    env.reset(seed=0)
    steps, truncated = 0, False
    while not truncated:
        _, _, terminated, truncated, _ = env.step(np.zeros(7, np.float32))
        assert not terminated
        steps += 1
    assert steps == 20 * control_hz
    env.close()


def test_episode_statistics() -> None:
    env = RecordEpisodeStatistics(gym.make(PICK, obs_type="state"))
    env.reset(seed=0)
    for action in helpers.expert_actions(PICK):
        _, _, terminated, _, info = env.step(action)
    assert terminated and info["episode"]["r"] == 1.0 and info["episode"]["l"] == len(helpers.expert_actions(PICK))
    env.close()


def test_frame_stack() -> None:
    env = FrameStackObservation(gym.make(PICK, **SMALL), 3)
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert observation["pixels"].shape == (3, 36, 40, 3) and observation["agent_pos"].shape == (3, 7)
    first = observation["pixels"][-1].copy()
    for _ in range(2):
        observation, *_ = env.step(np.array([1, 1, 0, 0, 0, 0, 1], np.float32))
    assert np.array_equal(observation["pixels"][0], first)  # earlier frames are not overwritten by later ones
    assert not np.array_equal(observation["pixels"][0], observation["pixels"][-1])
    env.close()


def test_observations_are_not_shared() -> None:
    """A replay buffer keeps what it was given."""
    env = make(PICK, **TWO)
    kept = env.reset(seed=0)[0]
    before = helpers.digest(kept)
    for _ in range(3):
        env.step(np.array([1, 1, -1, 0, 0, 1, 1], np.float32))
    assert helpers.digest(kept) == before
    env.close()


def test_flatten_observation_of_the_state() -> None:
    env = FlattenObservation(gym.make(PICK, obs_type="state"))
    assert env.reset(seed=0)[0].shape == env.observation_space.shape
    env.close()


def test_rescale_action() -> None:
    env = RescaleAction(gym.make(PICK, obs_type="state"), np.float32(0.0), np.float32(1.0))
    env.reset(seed=0)
    env.step(np.full(7, 0.5, np.float32))
    env.close()


def test_flatten_cameras() -> None:
    env = FlattenCameras(gym.make(PLACE, **TWO))
    assert list(env.observation_space.spaces) == sorted(["agent_pos", "pixels_front", "pixels_wrist"])
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    nested = make(PLACE, **TWO).reset(seed=0)[0]
    assert np.array_equal(observation["pixels_wrist"], nested["pixels"]["wrist"])
    observation, *_ = env.step(np.zeros(7, np.float32))
    assert env.observation_space.contains(observation)
    env.close()


def test_flatten_cameras_leaves_one_camera_alone_and_refuses_a_flat_vector() -> None:
    env = FlattenCameras(gym.make(PLACE, **SMALL))
    assert set(env.observation_space.spaces) == {"agent_pos", "pixels"}
    env.close()
    with pytest.raises(FieldError, match="pixels_agent_pos"):
        FlattenCameras(gym.make(PLACE, obs_type="state"))


def test_wrappers_are_recorded_in_the_spec() -> None:
    env = FlattenCameras(gym.make(PLACE, **TWO))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, FlattenCameras) and again.observation_space == env.observation_space
    env.close()
    again.close()


# ---- vector environments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_make_vec(mode: str) -> None:
    envs = gym.make_vec(PLACE, num_envs=2, vectorization_mode=mode, **TWO)
    observations, infos = envs.reset(seed=[1, 2])
    assert observations["pixels"]["wrist"].shape == (2, 36, 40, 3)
    assert list(infos["instruction"]) == ["put the ball in the bowl"] * 2
    observations, rewards, terminated, truncated, infos = envs.step(envs.action_space.sample())
    assert observations in envs.observation_space and rewards.shape == terminated.shape == truncated.shape == (2,)
    assert infos["is_success"].tolist() == [False, False] and infos["reward_terms"]["reach"].shape == (2,)
    envs.close()


def test_make_vec_with_wrappers() -> None:
    envs = gym.make_vec(PLACE, num_envs=2, vectorization_mode="async", wrappers=[FlattenCameras], **TWO)
    assert "pixels_front" in envs.reset(seed=0)[0]
    envs.close()


# ---- specs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", ALL_IDS)
def test_specs_serialise(env_id: str) -> None:
    spec = gym.spec(env_id)
    assert isinstance(spec.entry_point, str)
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_made_environment_is_made_again_from_its_spec() -> None:
    env = gym.make(PLACE, obs_type="state", control_hz=10, max_episode_steps=7)
    for spec in (EnvSpec.from_json(env.spec.to_json()), pickle.loads(pickle.dumps(env.spec))):
        again = gym.make(spec)
        assert again.spec.max_episode_steps == 7 and again.unwrapped.control_hz == 10
        assert np.array_equal(again.reset(seed=4)[0], env.reset(seed=4)[0])
        again.close()
    env.close()


@pytest.mark.parametrize("env_id", [PICK, *helpers.FAMILY_IDS, *helpers.RELEASED_IDS[:1]])
def test_make_without_importing_the_package(env_id: str, tmp_path: Path) -> None:
    code = (
        "import json, gymnasium as gym\n"
        f"env = gym.make('gen3d_envs:{env_id}', obs_type='state')\n"
        "observation, info = env.reset(seed=0)\n"
        "print(json.dumps([env.spec.id, list(observation.shape), info['scene']]))\n"
        "env.close()"
    )
    found_id, shape, scene = helpers.run_json(code, cwd=tmp_path)
    env = make(env_id, obs_type="state")
    assert found_id == env_id and tuple(shape) == env.observation_space.shape
    assert scene == env.reset(seed=0)[1]["scene"]
    env.close()


def test_make_in_a_process_that_only_has_the_spec(tmp_path: Path) -> None:
    """A spec sent to another machine names what to import."""
    text = gym.make("gen3d_envs:" + PICK, obs_type="state").spec.to_json()
    code = (
        "import json, gymnasium as gym\n"
        f"env = gym.make(gym.envs.registration.EnvSpec.from_json({text!r}))\n"
        "print(json.dumps(env.reset(seed=0)[1]['scene']))"
    )
    assert helpers.run_json(code, cwd=tmp_path) == "TestPickCube"


# ---- LeRobot -------------------------------------------------------------------------------------------------------


def test_lerobot_keys() -> None:
    env = make(PLACE)
    observation, info = env.reset(seed=0)
    assert set(observation) == {"pixels", "agent_pos"}
    assert observation["pixels"].shape == (128, 128, 3) and observation["pixels"].dtype == np.uint8
    assert observation["agent_pos"].shape == (7,) and observation["agent_pos"].dtype == np.float32
    assert info["is_success"] is False
    assert env.task_description == env.task == info["instruction"] == "put the ball in the bowl"
    assert env.metadata["render_fps"] == 5
    env.close()


def test_lerobot_names_of_several_cameras() -> None:
    env = make(PLACE, **TWO)
    assert set(env.reset(seed=0)[0]["pixels"]) == {"front", "wrist"}
    env.close()


# ---- Stable-Baselines3 ---------------------------------------------------------------------------------------------


def _flat(**arguments: Any) -> gym.Env[Any, Any]:
    return FlattenCameras(gym.make(PLACE, **arguments))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "arguments", [{"obs_type": "state"}, SMALL, TWO], ids=["state", "one camera", "two cameras"]
)  # fmt: skip
def test_stable_baselines3_checker(arguments: dict[str, Any]) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(PLACE, **arguments) if "obs_type" in arguments else _flat(**arguments)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        checker.check_env(env)
    assert not [w for w in caught if issubclass(w.category, UserWarning)], [str(w.message) for w in caught]
    env.close()


@pytest.mark.filterwarnings("default")
def test_stable_baselines3_ppo() -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env(_flat, n_envs=2, env_kwargs=TWO, seed=0)
    model = sb3.PPO(
        "MultiInputPolicy", envs, n_steps=32, batch_size=32, n_epochs=1, seed=0, device="cpu",
        policy_kwargs={"features_extractor_kwargs": {"cnn_output_dim": 16}},
    )  # fmt: skip
    model.learn(64)
    observation = envs.reset()
    action, _ = model.predict(observation, deterministic=True)
    assert action.shape == (2, 7)
    envs.close()


@pytest.mark.filterwarnings("default")
def test_stable_baselines3_learns_success_from_info() -> None:
    """SB3 logs ``is_success`` of the last info of an episode."""
    monitor = pytest.importorskip("stable_baselines3.common.monitor")
    env = monitor.Monitor(gym.make(PICK, obs_type="state"), info_keywords=("is_success",))
    env.reset(seed=0)
    for action in helpers.expert_actions(PICK):
        *_, info = env.step(action)
    assert info["episode"]["is_success"] is True
    json.dumps(info["episode"])
    env.close()
