"""The same ID, seed and actions give the same bits: observations, rewards, flags and infos, wherever and whenever."""

from __future__ import annotations

import functools
from typing import Any

import gymnasium as gym
import helpers
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from helpers import PICK, PLACE, ROBOT_NAMES, digest, expert_actions, make, run_json, trace

SEED = 3
PIXELS = {"obs_type": "pixels_agent_pos", "observation_width": 64, "observation_height": 48}
CONFIGURATIONS = {
    "state": {"obs_type": "state"},
    "pixels": PIXELS,
    "two cameras": {**PIXELS, "cameras": ("front", "wrist")},
}
for _engine in helpers.ENGINE_NAMES[1:]:
    CONFIGURATIONS[f"{_engine} state"] = {"obs_type": "state", "physics": _engine}
    CONFIGURATIONS[f"{_engine} pixels"] = {**PIXELS, "physics": _engine}
PROCESS_KINDS = [kind for kind in CONFIGURATIONS if kind != "pixels"]
CASES = [(env_id, robot, kind) for env_id in (PICK, PLACE) for robot in ROBOT_NAMES for kind in CONFIGURATIONS]


def actions_of(env_id: str, robot: str) -> np.ndarray:
    """An expert's motion up to just before its success: it grasps, lifts, and here also lets go."""
    return expert_actions(env_id, robot, SEED)[:-1]


@functools.cache
def reference(env_id: str, robot: str, kind: str) -> tuple[str, ...]:
    env = make(env_id, robot=robot, **CONFIGURATIONS[kind])
    try:
        return tuple(trace(env, SEED, actions_of(env_id, robot)))
    finally:
        env.close()


def assert_same(found: Any, env_id: str, robot: str, kind: str) -> None:
    expected = reference(env_id, robot, kind)
    differing = [step for step, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b]
    assert not differing, f"first differing step: {differing[0]} of {len(expected)}"


@pytest.mark.parametrize(("env_id", "robot", "kind"), CASES)
class TestInOneProcess:
    def test_a_second_environment(self, env_id: str, robot: str, kind: str) -> None:
        env = make(env_id, robot=robot, **CONFIGURATIONS[kind])
        assert_same(trace(env, SEED, actions_of(env_id, robot)), env_id, robot, kind)
        env.close()
        again = make(env_id, robot=robot, **CONFIGURATIONS[kind])
        assert_same(trace(again, SEED, actions_of(env_id, robot)), env_id, robot, kind)
        again.close()

    def test_after_other_episodes(self, env_id: str, robot: str, kind: str) -> None:
        env = make(env_id, robot=robot, **CONFIGURATIONS[kind])
        env.reset(seed=11)
        for action in np.random.default_rng(0).uniform(-1, 1, (7, *env.action_space.shape)):
            env.step(action)
        if kind == "state":
            trace(env, 5, actions_of(env_id, robot), options={"scene": str(helpers.SCENES / "TestPickCan.json")})
        assert_same(trace(env, SEED, actions_of(env_id, robot)), env_id, robot, kind)
        env.close()

    def test_interleaved_with_another_scene(self, env_id: str, robot: str, kind: str) -> None:
        env = make(env_id, robot=robot, **CONFIGURATIONS[kind])
        other = make("Gen3D/TestPlaceCubeOnPlate-v0", robot=robot, **CONFIGURATIONS[kind])
        rng = np.random.default_rng(1)
        other.reset(seed=8)
        found = [digest(*env.reset(seed=SEED))]
        for count, action in enumerate(actions_of(env_id, robot)):
            if count % 9 == 4:
                other.reset()
            other.step(rng.uniform(-1, 1, other.action_space.shape))
            found.append(digest(*env.step(action)))
        assert_same(found, env_id, robot, kind)
        env.close()
        other.close()


@pytest.mark.parametrize("env_id", helpers.ALL_IDS)
def test_every_id(env_id: str) -> None:
    first = make(env_id, obs_type="state")
    actions = np.random.default_rng(2).uniform(-1, 1, (6, *first.action_space.shape)).astype(np.float32)
    expected = trace(first, 7, actions) + trace(first, None, actions)
    first.close()
    second = make(env_id, obs_type="state")
    assert trace(second, 7, actions) + trace(second, None, actions) == expected
    second.close()


def test_looking_changes_nothing() -> None:
    """Pictures and privileged reads between the steps leave the motion as it is."""
    env = make(PLACE, obs_type="state", render_mode="rgb_array")
    robot = env.robot_name
    quiet = make(PLACE, obs_type="state")
    env.reset(seed=SEED)
    quiet.reset(seed=SEED)
    for action in actions_of(PLACE, robot):
        env.render()
        env.depth("wrist", 32, 32)
        env.segmentation("front", 32, 32)
        env.snapshot()
        assert digest(env.step(action)[0]) == digest(quiet.step(action)[0])
    env.close()
    quiet.close()


def test_observation_types_show_one_world() -> None:
    robot = ROBOT_NAMES[0]
    state, pixels = make(PLACE, obs_type="state", robot=robot), make(PLACE, robot=robot, **PIXELS)
    for action in (None, *actions_of(PLACE, robot)):
        a = state.reset(seed=SEED)[0] if action is None else state.step(action)[0]
        b = pixels.reset(seed=SEED)[0] if action is None else pixels.step(action)[0]
        assert np.array_equal(a[:7], b["agent_pos"])
    state.close()
    pixels.close()


def test_seeds_and_episodes_differ() -> None:
    env = make(PICK, obs_type="state")
    seen = {digest(env.reset(seed=seed)[0]) for seed in range(10)}
    seen |= {digest(env.reset()[0]) for _ in range(10)}
    assert len(seen) == 20
    env.close()


def test_an_unseeded_reset_continues_the_stream() -> None:
    first, second = make(PICK, obs_type="state"), make(PICK, obs_type="state")
    first.reset(seed=1)
    second.reset(seed=1)
    second.step(np.zeros(7))  # steps draw nothing
    assert digest(*first.reset()) == digest(*second.reset())
    first.close()
    second.close()


@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize("kind", PROCESS_KINDS)
def test_a_fresh_process(kind: str, robot: str) -> None:
    code = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(helpers.REPOSITORY / 'tests')!r})\n"
        "import numpy as np, helpers\n"
        f"env = helpers.make({PLACE!r}, robot={robot!r}, **{CONFIGURATIONS[kind]!r})\n"
        f"actions = np.frombuffer(bytes.fromhex({actions_of(PLACE, robot).tobytes().hex()!r}), 'f4').reshape(-1, 7)\n"
        f"print(json.dumps(helpers.trace(env, {SEED}, actions)))\n"
    )
    assert_same(run_json(code, hash_seed="12345"), PLACE, robot, kind)


# ---- vector environments -------------------------------------------------------------------------------------------


def one_of(values: Any, index: int) -> Any:
    """What environment ``index`` returned, taken out of a batch of observations or infos."""
    if isinstance(values, dict):
        return {key: one_of(value, index) for key, value in values.items() if not key.startswith("_")}
    return values[index]


def vector_trace(envs: Any, lanes: list[np.ndarray]) -> list[list[str]]:
    """For each lane, digests of all that ``envs`` returned, in the form of :func:`single_trace`."""
    observations, infos = envs.reset(seed=[SEED + lane for lane in range(len(lanes))])
    found = [[digest(one_of(observations, i), plain(one_of(infos, i)))] for i in range(len(lanes))]
    for actions in zip(*lanes, strict=True):
        observations, rewards, terminated, truncated, infos = envs.step(np.stack(actions))
        for i in range(len(lanes)):
            outcome = (float(rewards[i]), bool(terminated[i]), bool(truncated[i]))
            found[i].append(digest(one_of(observations, i), *outcome, plain(one_of(infos, i))))
    return found


def single_trace(env: gym.Env[Any, Any], seed: int, actions: np.ndarray) -> list[str]:
    observation, info = env.reset(seed=seed)
    found = [digest(observation, plain(info))]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        found.append(digest(observation, float(reward), bool(terminated), bool(truncated), plain(info)))
    return found


def plain(info: Any) -> Any:
    """Numpy scalars as Python ones: the vector classes box what is equal bit for bit."""
    if isinstance(info, dict):
        return {key: plain(value) for key, value in info.items()}
    return info.item() if isinstance(info, np.generic) else info


def lanes_of(env_id: str) -> list[np.ndarray]:
    actions = actions_of(env_id, ROBOT_NAMES[0])[:14]
    return [actions, np.ascontiguousarray(actions[::-1])]


@functools.cache
def expected_lanes(env_id: str, kind: str) -> list[list[str]]:
    found = []
    for lane, actions in enumerate(lanes_of(env_id)):
        env = make(env_id, robot=ROBOT_NAMES[0], **CONFIGURATIONS[kind])
        found.append(single_trace(env, SEED + lane, actions))
        env.close()
    return found


@pytest.mark.parametrize("kind", PROCESS_KINDS)
@pytest.mark.parametrize("mode", ["sync", "fork", "forkserver", "spawn"])
def test_vector_environments(mode: str, kind: str) -> None:
    arguments = {"physics": helpers.ENGINE, "robot": ROBOT_NAMES[0], **CONFIGURATIONS[kind]}
    makers = [functools.partial(gym.make, f"gen3d_envs:{PLACE}", **arguments) for _ in range(2)]
    lanes, expected = lanes_of(PLACE), expected_lanes(PLACE, kind)
    envs: Any = SyncVectorEnv(makers) if mode == "sync" else AsyncVectorEnv(makers, context=mode)
    try:
        found = vector_trace(envs, lanes)
    finally:
        envs.close()
    assert found == expected


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_episodes_after_autoreset(mode: str) -> None:
    """Same-step autoreset continues each lane's stream as resets by hand do."""
    steps, lanes = 3, 2
    envs = gym.make_vec(
        PICK, num_envs=lanes, vectorization_mode=mode, obs_type="state", max_episode_steps=steps,
        physics=helpers.ENGINE,
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
    )  # fmt: skip
    found = [envs.reset(seed=SEED)[0]]
    found += [envs.step(np.zeros((lanes, 7), np.float32))[0] for _ in range(3 * steps)]
    envs.close()
    for lane in range(lanes):
        env = make(PICK, obs_type="state")
        expected = [env.reset(seed=SEED + lane)[0]]
        for count in range(1, 3 * steps + 1):
            observation = env.step(np.zeros(7, np.float32))[0]
            expected.append(env.reset()[0] if count % steps == 0 else observation)
        env.close()
        assert all(np.array_equal(a[lane], b) for a, b in zip(found, expected, strict=True))


def test_pictures_in_several_threads() -> None:
    """Threads may each run their own environment; the renderer they share draws one picture at a time."""
    from concurrent.futures import ThreadPoolExecutor

    def pictures(seed: int) -> str:
        env = make(PLACE)
        try:
            found = [env.reset(seed=seed)[0]["pixels"]]
            found += [env.step(np.zeros(7, np.float32))[0]["pixels"] for _ in range(3)]
        finally:
            env.close()
        return digest(found)

    alone = [pictures(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(pictures, range(3), timeout=60)) == alone
