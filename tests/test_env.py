"""The environment's contract: spaces, contents of observations and infos, rates, cameras, resets."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import helpers
import numpy as np
import pytest
from helpers import ALL_IDS, FAMILY_IDS, PICK, PLACE, ROBOT_NAMES, SCENES, make

from gen3d_envs.build import SEGMENT_OBJECTS, SEGMENT_ROBOT
from gen3d_envs.geometry import yaw_of
from gen3d_envs.observations import BRIDGE_PI0, OBS_TYPES
from gen3d_envs.robots.base import HOME_TOOL_M
from gen3d_envs.robots.controllers import TOOL_SPEED_MPS, TOOL_TURN_RADPS

INFO = {"is_success", "outcome", "instruction", "reward_terms", "scene", "scene_hash", "engine"}
SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 30}
OPEN, CLOSED = 1.0, -1.0


def act(env: Any, *numbers: float) -> Any:
    return env.step(np.array(numbers, np.float32))


@pytest.mark.parametrize("env_id", ALL_IDS)
def test_every_id_makes_resets_and_steps(env_id: str) -> None:
    env = gym.make(env_id, physics=helpers.ENGINE, **SMALL)
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert set(info) == INFO | {"renderer"}
    assert info["is_success"] is False and len(info["scene_hash"]) == 64 and info["instruction"]
    for _ in range(3):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert type(reward) is float and type(terminated) is bool and type(truncated) is bool
        assert set(info) == INFO | {"renderer"}
    env.close()


@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize("env_id", [PICK, PLACE])
@pytest.mark.parametrize("control", ["ee_delta", "joint_delta"])
@pytest.mark.parametrize("obs_type", OBS_TYPES)
def test_observations_stay_in_their_space(obs_type: str, control: str, env_id: str, robot: str) -> None:
    env = make(env_id, obs_type=obs_type, control=control, robot=robot, **SMALL)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    for _ in range(30):
        assert env.observation_space.contains(observation)
        observation, _, terminated, _, _ = env.step(env.action_space.sample())
        if terminated:
            observation, _ = env.reset()
    env.close()


def test_state_terms_say_what_they_hold() -> None:
    env = make(PLACE, obs_type="state")
    observation, _ = env.reset(seed=3)
    found, start = {}, 0
    for term in env.state_terms.terms:
        found[term.name] = observation[start : start + len(term.labels)]
        start += len(term.labels)
    assert start == len(observation)
    base = np.array(env.robot.base_position_m)
    for name in ("target", "receptacle"):
        index = env.scene.index(getattr(env.scene.spec.task, name))
        position, orientation = env.world.body_pose(index)
        assert np.allclose(found[f"{name}_pose"][:3], position - base, atol=1e-6)
        x, y, z, w = found[f"{name}_pose"][3:]
        assert math.isclose(yaw_of((x, y, z, w)), yaw_of(orientation), abs_tol=1e-5) and w >= 0
        assert np.allclose(found[f"{name}_size"], env.scene.assets[index].size_m)
    assert np.allclose(found["joint_positions"], env.world.joint_states()[0], atol=1e-6)
    assert np.allclose(found["tool_position"], np.array(HOME_TOOL_M) - base, atol=0.01)
    table = env.state_terms.table().splitlines()
    assert len(table) == 2 + len(env.state_terms.terms)
    env.close()


def test_agent_pos_is_position_angles_and_opening() -> None:
    env = make(PICK, **SMALL)
    observation, _ = env.reset(seed=0)
    assert np.allclose(observation["agent_pos"], [*HOME_TOOL_M, 0, 0, 0, 1], atol=0.02)
    for _ in range(4):
        observation, *_ = act(env, 0, 0, 0, 0, 0, 1, CLOSED)
    assert observation["agent_pos"][5] == pytest.approx(4 * TOOL_TURN_RADPS / 5, abs=0.08)
    assert observation["agent_pos"][6] < 0.05
    env.close()


@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize(
    ("axis", "sign"), [(axis, sign) for axis in range(3) for sign in (1.0, -1.0)], ids=lambda v: str(v)
)
def test_actions_move_the_tool_along_the_scene_axes(axis: int, sign: float, robot: str) -> None:
    env = make(PICK, obs_type="state", robot=robot)
    env.reset(seed=0)
    start = np.array(env.snapshot().tool_m)
    action = np.zeros(7, np.float32)
    action[axis], action[6] = 0.5 * sign, OPEN
    for _ in range(2):
        env.step(action)
    for _ in range(3):
        act(env, 0, 0, 0, 0, 0, 0, OPEN)
    moved = np.array(env.snapshot().tool_m) - start
    expected = np.zeros(3)
    expected[axis] = sign * 2 * 0.5 * TOOL_SPEED_MPS / 5
    assert np.allclose(moved, expected, atol=0.006)
    env.close()


@pytest.mark.parametrize("control_hz", [5, 10, 20])
def test_an_action_means_the_same_speed_at_every_rate(control_hz: int) -> None:
    env = make(PICK, obs_type="state", control_hz=control_hz)
    env.reset(seed=0)
    start = env.snapshot().tool_m
    for _ in range(2 * control_hz // 5):
        act(env, 0, 1, 0, 0, 0, 0, OPEN)
    env.hold(0.5)
    assert env.snapshot().tool_m[1] - start[1] == pytest.approx(0.4 * TOOL_SPEED_MPS, abs=0.006)
    assert env.metadata["render_fps"] == control_hz
    env.close()


def test_the_documented_scale_is_in_the_names_of_the_actions() -> None:
    env = make(PICK, obs_type="state")
    assert env.action_names[:4] == ("dx (0.05 m)", "dy (0.05 m)", "dz (0.05 m)", "droll (0.25 rad)")
    joints = make(PICK, obs_type="state", control="joint_delta")
    assert joints.action_space.shape == (env.robot.arm_joints + 1,) and "waist (0.2 rad)" in joints.action_names
    env.close()
    joints.close()


def test_joint_control_moves_one_joint() -> None:
    env = make(PICK, obs_type="state", control="joint_delta")
    env.reset(seed=0)
    before = env.world.joint_states()[0]
    action = np.zeros(env.action_space.shape, np.float32)
    action[0], action[-1] = 1.0, OPEN
    env.step(action)
    env.hold(0.5)
    moved = np.array(env.world.joint_states()[0]) - before
    assert moved[0] == pytest.approx(0.2, abs=0.01) and np.abs(moved[1:]).max() < 0.01
    env.close()


def test_joint_limits_and_the_workspace_hold_under_full_deflection() -> None:
    rng = np.random.default_rng(0)
    for control in ("ee_delta", "joint_delta"):
        env = make(PICK, obs_type="state", control=control)
        env.reset(seed=0)
        for _ in range(25):
            action = np.sign(rng.uniform(-1, 1, env.action_space.shape))
            for _ in range(4):
                env.step(action)
                for q, low, high in zip(env.world.joint_states()[0], env.robot.lower, env.robot.upper, strict=True):
                    assert low - 0.03 <= q <= high + 0.03  # drives overshoot by a degree
        env.close()


def test_the_robot_has_one_place_in_every_scene() -> None:
    found = []
    for env_id in (PICK, PLACE):
        env = make(env_id, obs_type="state")
        found.append(tuple(env.reset(seed=0)[0][:7].round(3)))
        env.close()
    assert found[0] == found[1]


# ---- resets --------------------------------------------------------------------------------------------------------


def test_a_reset_may_name_a_scene() -> None:
    env = make(PICK, obs_type="state")
    path = str(SCENES / "TestPlaceBallInBowl.json")
    for name in (path, "TestPlaceBallInBowl", "Gen3D/TestPlaceBallInBowl-v0"):
        info = env.reset(seed=0, options={"scene": name})[1]
        assert info["scene"] == "TestPlaceBallInBowl" and env.task_description == "put the ball in the bowl"
    assert env.reset(seed=0)[1]["scene"] == "TestPickCube"
    env.close()


def test_several_scenes_are_all_drawn() -> None:
    names = ["TestPickCube", "TestPickCan", "TestPlaceBallInBowl"]
    env = make(PICK, scene=None, scenes=names, obs_type="state")
    seen = [env.reset(seed=seed)[1]["scene"] for seed in range(30)]
    assert set(seen) == set(names)
    assert seen == [env.reset(seed=seed)[1]["scene"] for seed in range(30)]
    env.close()


@pytest.mark.skipif(not FAMILY_IDS, reason="no scenes are released yet")
@pytest.mark.parametrize("env_id", FAMILY_IDS)
def test_families_draw_all_their_scenes(env_id: str) -> None:
    import gen3d_envs

    family = gym.spec(env_id).kwargs["family"]
    names = gen3d_envs.scene_names(family)
    assert len(names) >= 12
    env = make(env_id, obs_type="state", num_scenes=10)
    seen = {env.reset(seed=seed)[1]["scene"] for seed in range(80)}
    assert seen == set(names[:10])
    assert env.reset(options={"scene": names[11]})[1]["scene"] == names[11]
    assert env.scene.spec.task.family == family
    env.close()


def test_initial_poses_vary_within_the_placement() -> None:
    env = make(PICK, obs_type="state")
    card = None
    for seed in range(20):
        env.reset(seed=seed)
        card = env.scene.placements
        for index, (x, y, _) in enumerate(card):
            (px, py, pz), _ = env.world.body_pose(index)
            limit = env.scene.spec.placement.position_m + 0.002
            assert abs(px - x) <= limit and abs(py - y) <= limit and abs(pz) < 0.002
    env.close()


def test_everything_rests_at_the_first_observation() -> None:
    for env_id in ALL_IDS:
        env = make(env_id, obs_type="state")
        for seed in range(3):
            env.reset(seed=seed)
            for index in range(len(env.scene.assets)):
                assert math.hypot(*env.world.body_velocity(index)[0]) < 0.03, (
                    env_id,
                    env.scene.spec.objects[index].name,
                )
                assert env.world.penetration_m(index) < 1.5e-3
        env.close()


# ---- pictures ------------------------------------------------------------------------------------------------------


def test_pictures_show_the_scene() -> None:
    env = make(PLACE, render_mode="rgb_array", render_width=160, render_height=120)
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (120, 160, 3) and picture.dtype == np.uint8 and picture.std() > 15
    segments = env.segmentation("front", 160, 120)
    assert {0, SEGMENT_ROBOT, 255} <= set(np.unique(segments).tolist())
    for index in range(len(env.scene.assets)):
        assert (segments == SEGMENT_OBJECTS + index).sum() > 10
    depth = env.depth("front", 160, 120)
    assert depth.dtype == np.float32 and 0.2 < np.median(depth[segments == 255]) < 1.5
    env.close()


def test_a_picture_follows_the_motion() -> None:
    env = make(PICK, obs_type="state", render_mode="rgb_array", render_width=96, render_height=72)
    env.reset(seed=0)
    before, still = env.render(), env.render()
    assert np.array_equal(before, still)
    mask = env.segmentation("front", 96, 72) == SEGMENT_OBJECTS
    env.world.set_body_pose(0, (0.35, -0.1, 0.002), (0.0, 0.0, 0.0, 1.0))
    assert not np.array_equal(before, env.render())
    assert not np.array_equal(mask, env.segmentation("front", 96, 72) == SEGMENT_OBJECTS)
    env.close()


def test_another_scene_gives_another_picture() -> None:
    env = make(PICK, **SMALL)
    first = env.reset(seed=0)[0]["pixels"]
    other = env.reset(seed=0, options={"scene": "TestPlaceBallInBowl"})[0]["pixels"]
    again = env.reset(seed=0)[0]["pixels"]
    assert not np.array_equal(first, other) and np.array_equal(first, again)
    env.close()


@pytest.mark.parametrize("robot", ROBOT_NAMES)
def test_the_wrist_camera_sees_the_fingers_and_what_is_below(robot: str) -> None:
    env = make(PICK, obs_type="state", robot=robot)
    env.reset(seed=0)
    x, y, _ = env.snapshot().tool_m
    env.world.set_body_pose(0, (x, y, 0.002), (0.0, 0.0, 0.0, 1.0))
    segments = env.segmentation("wrist", 96, 96)
    assert (segments == SEGMENT_ROBOT).sum() > 50 and (segments == SEGMENT_OBJECTS).sum() > 50
    env.close()


def test_bridge_preset() -> None:
    """The contract of the public BridgeV2 pi0 checkpoint."""
    env = make(PLACE, **BRIDGE_PI0)
    observation, _ = env.reset(seed=0)
    assert observation["pixels"].shape == (224, 224, 3) and observation["agent_pos"].shape == (7,)
    assert env.action_space.shape == (7,) and env.control_hz == 5
    env.close()


def test_render_without_a_mode_warns_and_returns_nothing() -> None:
    env = make(PICK, obs_type="state")
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
    env.close()


def test_state_observations_load_no_renderer() -> None:
    code = (
        "import sys, gymnasium as gym, gen3d_envs\n"
        f"env = gym.make({helpers.PICK!r}, obs_type='state', physics={helpers.ENGINE!r})\n"
        "env.reset(seed=0); env.step(env.action_space.sample())\n"
        "print([m for m in ('panda3d', 'torch', 'trimesh', 'PIL', 'av') if m in sys.modules])"
    )
    assert helpers.run_python(code).strip() == "[]"
