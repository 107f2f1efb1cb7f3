"""Policies behind one protocol: what their numbers mean, how chunks are executed, and what may be loaded."""

from __future__ import annotations

import contextlib
import json
import math
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gen3d_envs.baselines.policies import (
    CONVENTIONS,
    ActionConvention,
    ActionConverter,
    ChunkBroker,
    ObservationMap,
    PolicyOptions,
    checkpoint,
    get_policy,
    parse_policy,
)
from gen3d_envs.baselines.policies.conventions import (
    RelativeGripper,
    StickyGripper,
    axis_angle_to_euler,
    axis_angle_to_quaternion,
    euler_to_axis_angle,
    euler_to_quaternion,
    gripper_from_ours,
    gripper_to_ours,
    quaternion_to_axis_angle,
    quaternion_to_euler,
)
from gen3d_envs.baselines.policies.observations import resize
from gen3d_envs.baselines.policies.wire import dump_json, load_json, pack, unpack
from gymnasium import spaces
from helpers import PICK, make
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError, PolicyError
from gen3d_envs.geometry import from_euler
from gen3d_envs.rollout import run_episode
from gen3d_envs.wrappers import FlattenCameras

SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 36}
HALF = math.sqrt(0.5)

angles = st.floats(-1.5, 1.5)
eulers = st.tuples(angles, angles, angles)
shares = st.floats(-1.0, 1.0)


@pytest.fixture(scope="module")
def env() -> Any:
    env = make(PICK, **SMALL)
    yield env
    env.close()


# ---- conventions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convention", "closed", "half", "opened"),
    [("signed", -1.0, 0.0, 1.0), ("signed_closed", 1.0, 0.0, -1.0), ("unit", 0.0, 0.5, 1.0),
     ("unit_closed", 1.0, 0.5, 0.0)],
)  # fmt: skip
def test_absolute_grippers(convention: Any, closed: float, half: float, opened: float) -> None:
    assert [gripper_to_ours(v, convention) for v in (closed, half, opened)] == [-1.0, 0.0, 1.0]
    assert [gripper_from_ours(v, convention) for v in (-1.0, 0.0, 1.0)] == [closed, half, opened]


@given(value=shares, convention=st.sampled_from(["signed", "signed_closed", "unit", "unit_closed"]))
def test_absolute_grippers_there_and_back(value: float, convention: Any) -> None:
    assert gripper_to_ours(gripper_from_ours(value, convention), convention) == pytest.approx(value, abs=1e-12)


def test_a_relative_gripper_command_lasts_fifteen_steps() -> None:
    sticky = StickyGripper()
    commands = [sticky(ours) for ours in [1.0, 1.0] + [-1.0] * 20 + [1.0] * 20]
    assert commands == [0.0] * 2 + [1.0] * 15 + [0.0] * 5 + [-1.0] * 15 + [0.0] * 5


def test_a_change_while_a_command_lasts_is_ignored() -> None:
    sticky = StickyGripper(steps=3)
    assert [sticky(ours) for ours in (1.0, -1.0, 1.0, -1.0, -1.0)] == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_a_sticky_gripper_forgets_at_reset() -> None:
    sticky = StickyGripper()
    assert [sticky(1.0), sticky(-1.0)] == [0.0, 1.0]
    sticky.reset()
    assert sticky(1.0) == 0.0


def test_relative_commands_hold_what_they_reached() -> None:
    relative = RelativeGripper()
    assert [relative(v) for v in (0.0, 0.4, 0.9, 0.0, -0.5, -0.6, 0.0)] == [1.0, 1.0, -1.0, -1.0, -1.0, 1.0, 1.0]


@given(st.lists(st.integers(15, 25), min_size=1, max_size=5))
def test_grippers_that_change_slowly_survive_being_made_relative(lengths: list[int]) -> None:
    absolute = [side for i, length in enumerate(lengths) for side in [1.0 if i % 2 == 0 else -1.0] * length]
    sticky, relative = StickyGripper(), RelativeGripper()
    assert [relative(sticky(value)) for value in absolute] == absolute


@pytest.mark.parametrize(
    ("euler", "vector", "quaternion"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
        ((math.pi / 2, 0.0, 0.0), (math.pi / 2, 0.0, 0.0), (HALF, 0.0, 0.0, HALF)),
        ((0.0, 0.5, 0.0), (0.0, 0.5, 0.0), (0.0, math.sin(0.25), 0.0, math.cos(0.25))),
        ((0.0, 0.0, -1.0), (0.0, 0.0, -1.0), (0.0, 0.0, -math.sin(0.5), math.cos(0.5))),
        # Roll by 90 degrees, then yaw by 90 degrees about the fixed z: a third of a turn about (1, 1, 1).
        (
            (math.pi / 2, 0.0, math.pi / 2),
            (2 * math.pi / 3 / math.sqrt(3),) * 3,
            (0.5, 0.5, 0.5, 0.5),
        ),
    ],
)
def test_rotations_of_known_value(euler: Any, vector: Any, quaternion: Any) -> None:
    assert euler_to_quaternion(euler) == pytest.approx(quaternion, abs=1e-12)
    assert euler_to_axis_angle(euler) == pytest.approx(vector, abs=1e-12)
    assert axis_angle_to_quaternion(vector) == pytest.approx(quaternion, abs=1e-12)
    assert axis_angle_to_euler(vector) == pytest.approx(euler, abs=1e-9)
    assert quaternion_to_euler([-2.0 * part for part in quaternion]) == pytest.approx(euler, abs=1e-9)
    assert quaternion_to_axis_angle([-part for part in quaternion]) == pytest.approx(vector, abs=1e-12)


@given(eulers)
def test_rotations_there_and_back(euler: tuple[float, float, float]) -> None:
    want = np.array(from_euler(*euler))
    for back in (
        quaternion_to_euler(euler_to_quaternion(euler)),
        axis_angle_to_euler(euler_to_axis_angle(euler)),
        quaternion_to_euler(axis_angle_to_quaternion(euler_to_axis_angle(euler))),
    ):
        assert np.array(from_euler(*back)) == pytest.approx(want, abs=1e-7)


@given(st.floats(0.0, 1e-7), st.sampled_from([0, 1, 2]))
def test_tiny_rotations_keep_their_size(angle: float, axis: int) -> None:
    vector = [0.0, 0.0, 0.0]
    vector[axis] = angle
    assert axis_angle_to_euler(vector) == pytest.approx(vector, abs=1e-18, rel=1e-9)
    assert euler_to_axis_angle(vector) == pytest.approx(vector, abs=1e-18, rel=1e-9)


def converter(convention: ActionConvention) -> ActionConverter:
    return ActionConverter(convention, step_m=0.05, step_rad=0.25)


def test_bridge_actions_of_known_value() -> None:
    ours = converter(CONVENTIONS["bridge"]).to_ours(np.array([0.05, -0.025, 0.0, 0.0, 0.25, -0.125, 1.0]))
    assert ours == pytest.approx([1.0, -0.5, 0.0, 0.0, 1.0, -0.5, 1.0])


def test_libero_actions_of_known_value() -> None:
    ours = converter(CONVENTIONS["libero"]).to_ours(np.array([1.0, 0.0, -1.0, 0.0, 0.0, 0.5, 1.0]))
    assert ours == pytest.approx([1.0, 0.0, -1.0, 0.0, 0.0, 1.0, -1.0])


def test_google_robot_actions_remember_the_gripper() -> None:
    robot = converter(CONVENTIONS["simpler_google"])
    still = np.zeros(7)
    closing = np.array([0.0] * 6 + [1.0])
    assert [robot.to_ours(action)[6] for action in (still, closing, still)] == [1.0, -1.0, -1.0]
    robot.reset()
    assert robot.to_ours(still)[6] == 1.0


@given(st.tuples(shares, shares, shares), eulers, shares, st.floats(1e-3, 2.0), st.floats(0.05, 2.0), st.data())
def test_actions_there_and_back(move: Any, turn: Any, grip: float, unit: float, radian: float, data: Any) -> None:
    convention = ActionConvention(
        data.draw(st.sampled_from([None, unit])),
        data.draw(st.sampled_from(["euler", "axis_angle", "quaternion_xyzw"])),
        data.draw(st.sampled_from([None, radian])),
        data.draw(st.sampled_from(["signed", "signed_closed", "unit", "unit_closed"])),
    )  # fmt: skip
    ours = np.array([*move, *(angle / 0.25 for angle in turn), grip])
    theirs = converter(convention).from_ours(ours)
    assert theirs.shape == (convention.size,)
    back = converter(convention).to_ours(theirs)
    assert [*back[:3], back[6]] == pytest.approx([*ours[:3], ours[6]], abs=1e-9)
    want, got = (np.array(from_euler(*(0.25 * a[3:6]).tolist())) for a in (ours, back))
    assert got == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: ActionConvention(rotation="matrix"),  # type: ignore[arg-type]
        lambda: ActionConvention(translation_m=-1.0),
        lambda: gripper_to_ours(1.0, "relative"),
        lambda: quaternion_to_euler([0.0, 0.0, 0.0, 0.0]),
        lambda: converter(ActionConvention()).to_ours(np.zeros(8)),
    ],
)
def test_conventions_that_mean_nothing_are_refused(bad: Any) -> None:
    with pytest.raises(FieldError):
        bad()


def test_deltas_of_the_tool_do_not_drive_joints() -> None:
    env = make(PICK, control="joint_delta", obs_type="state")
    with pytest.raises(FieldError, match="ee_delta"):
        get_policy("random#convention=bridge", env)
    env.close()


# ---- chunks --------------------------------------------------------------------------------------------------------


class Counting:
    """Gives chunks whose numbers tell when they were made (tens) and for which later step (ones)."""

    def __init__(self, horizon: int, size: int = 1) -> None:
        self.horizon, self.size, self.asked = horizon, size, 0

    def reset(self, instruction: str) -> None:
        self.asked = 0

    def act(self, observation: Any) -> NDArray[Any]:
        chunk = 10.0 * self.asked + np.arange(self.horizon, dtype=float)
        self.asked += 1
        return np.repeat(chunk[:, None], self.size, axis=1)


def numbers(broker: ChunkBroker, steps: int) -> list[float]:
    broker.reset("go")
    return [float(broker.act(None)[0]) for _ in range(steps)]


def test_a_chunk_is_used_up() -> None:
    assert numbers(ChunkBroker(Counting(3), "p", 1), 7) == [0, 1, 2, 10, 11, 12, 20]


def test_replanning_asks_again_earlier() -> None:
    assert numbers(ChunkBroker(Counting(4), "p", 1, replan=2), 5) == [0, 1, 10, 11, 20]


def test_a_horizon_cuts_chunks() -> None:
    assert numbers(ChunkBroker(Counting(4), "p", 1, horizon=3), 5) == [0, 1, 2, 10, 11]


def test_replanning_later_than_the_chunk_ends_asks_when_it_ends() -> None:
    assert numbers(ChunkBroker(Counting(2), "p", 1, replan=5), 3) == [0, 1, 10]


def test_a_new_episode_forgets_the_chunk() -> None:
    broker = ChunkBroker(Counting(3), "p", 1)
    assert numbers(broker, 2) == [0, 1]
    assert numbers(broker, 2) == [0, 1]


def test_ensembling_is_the_weighted_mean_of_what_all_chunks_say() -> None:
    m = 0.3
    w = [math.exp(-m * i) for i in range(3)]
    # Step 2: the oldest chunk says 2, the next 11, the newest 20.
    third = (w[0] * 2 + w[1] * 11 + w[2] * 20) / sum(w)
    # Step 3: the first chunk of three has ended.
    fourth = (w[0] * 12 + w[1] * 21 + w[2] * 30) / sum(w)
    said = numbers(ChunkBroker(Counting(3), "p", 1, ensemble=m), 4)
    assert said[0] == 0.0 and said[1] == pytest.approx((w[0] * 1 + w[1] * 10) / (w[0] + w[1]))
    assert said[2:] == pytest.approx([third, fourth])


def test_ensembling_may_ask_less_often() -> None:
    assert numbers(ChunkBroker(Counting(4), "p", 1, ensemble=0.0, replan=2), 4) == [0, 1, (2 + 10) / 2, (3 + 11) / 2]


@given(st.integers(1, 6), st.integers(1, 6), st.floats(-50.0, 50.0))
def test_the_mean_stays_between_what_is_said(horizon: int, replan: int, m: float) -> None:
    class Waves(Counting):
        def act(self, observation: Any) -> NDArray[Any]:
            return np.sin(super().act(observation))

    assert all(-1.0 <= n <= 1.0 for n in numbers(ChunkBroker(Waves(horizon), "p", 1, replan, None, m), 8))


@pytest.mark.parametrize("convention", ["simpler_google"])
def test_numbers_without_a_mean_are_not_ensembled(convention: str) -> None:
    with pytest.raises(FieldError, match="no mean"):
        ChunkBroker(Counting(3), "p", 7, ensemble=0.1, converter=converter(CONVENTIONS[convention]))


class Says:
    """A policy whose answers are given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def reset(self, instruction: str) -> None:
        pass

    def act(self, observation: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


GOOD = np.zeros(7, np.float32)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (np.zeros(6), "answer", "shape (6,)"),
        (np.zeros((2, 3, 7)), "answer", "shape (2, 3, 7)"),
        (np.zeros((0, 7)), "answer", "shape (0, 7)"),
        (np.array([0, 0, 0, np.nan, 0, 0, 0]), "answer", "nan as number 3 of action 0"),
        (np.array([GOOD, GOOD, [np.inf] * 7]), "answer", "inf as number 0 of action 2"),
        (np.full(7, 1e30), "answer", "1e+30"),
        (None, "answer", "None"),
        ("left", "answer", "no array of numbers"),
        ([[1.0], [1.0, 2.0]], "answer", "no array of numbers"),
        (ValueError("no such\nkey"), "raised", "ValueError (no such key)"),
    ],
    ids=str,
)
def test_what_a_policy_does_wrong_is_said_with_the_step(answer: Any, kind: str, words: str) -> None:
    broker = ChunkBroker(Says(GOOD, GOOD, answer), "mine:Policy", 7)
    broker.reset("go")
    broker.act(None)
    broker.act(None)
    with pytest.raises(PolicyError) as caught:
        broker.act(None)
    error = caught.value
    assert (error.policy, error.step, error.kind) == ("mine:Policy", 2, kind)
    assert words in str(error) and "mine:Policy at step 2" in str(error)


def test_the_error_travels_between_processes() -> None:
    error = PolicyError("ws://h:1", 3, "was lost", "Look", "dropped", "x" * 9000, 2)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "Policy ws://h:1 at step 3: was lost (tried 3 times). Look."
    assert (again.kind, again.step, again.retries, len(again.detail)) == ("dropped", 3, 2, 4000)


def test_acting_before_the_episode_is_a_mistake() -> None:
    with pytest.raises(Gen3DError, match="reset"):
        ChunkBroker(Counting(1), "p", 1).act(None)


# ---- options -------------------------------------------------------------------------------------------------------


def test_options_stand_behind_a_hash() -> None:
    what, options = parse_policy("ws://h:1#replan=4&ensemble=0.01&convention=bridge&retries=2&timeout_s=0.5&size=64")
    assert what == "ws://h:1"
    assert options == PolicyOptions("bridge", replan=4, ensemble=0.01, retries=2, timeout_s=0.5, size=64)
    assert parse_policy("runs#3/model.zip") == ("runs#3/model.zip", PolicyOptions())
    assert parse_policy("a#1.zip#trust_pickle=1") == ("a#1.zip", PolicyOptions(trust_pickle=True))


@pytest.mark.parametrize(
    "text",
    ["random#speed=3", "random#replan=0", "random#replan=x", "random#retries=-1", "random#timeout_s=0", "random#size=7",
     "random#timeout_s=nan", "random#trust_pickle=yes", "random#convention=klingon", "random#replan=1&replan=2",
     "random#ensemble=inf", "random#api_key=secret", "x" * 3000],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_policy(text)


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(PolicyOptions(api_key="secret"))


# ---- observations and messages -------------------------------------------------------------------------------------


def test_pictures_keep_their_proportions_on_black() -> None:
    picture = np.full((10, 20, 3), 200, np.uint8)
    wide = resize(picture, 40, 40)
    assert wide.shape == (40, 40, 3)
    assert (wide[10:30] == 200).all() and not wide[:10].any() and not wide[30:].any()
    assert resize(picture, 20, 10) is picture


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_pictures_come_in_the_size_asked_for(rows: int, columns: int, width: int, height: int) -> None:
    sized = resize(np.full((rows, columns, 3), 90, np.uint8), width, height)
    assert sized.shape == (height, width, 3) and set(np.unique(sized)) <= {0, 90} and (sized == 90).any()


def test_observations_go_out_under_their_names() -> None:
    front, wrist = np.full((8, 8, 3), 1, np.uint8), np.full((8, 8, 3), 2, np.uint8)
    pose = np.arange(7, dtype=np.float32)
    usual = ObservationMap(width=8, height=8)
    for pixels in ({"pixels": {"front": front, "wrist": wrist}}, {"pixels_front": front, "pixels_wrist": wrist}):
        message = usual.to_remote({**pixels, "agent_pos": pose}, "pick it up")
        assert list(message) == ["observation/image", "observation/wrist_image", "observation/state", "prompt"]
        assert message["observation/image"] is front and message["observation/wrist_image"] is wrist
        assert message["observation/state"].dtype == np.float32 and message["prompt"] == "pick it up"
    assert set(usual.to_remote({"pixels": front}, "x")) == {"observation/image", "prompt"}
    assert set(usual.to_remote(pose, "x")) == {"observation/state", "prompt"}
    other = ObservationMap("image", None, None, "instruction", 4, 4)
    assert other.to_remote({"pixels": front}, "x")["image"].shape == (4, 4, 3)
    with pytest.raises(FieldError, match="obs_type"):
        other.to_remote(pose, "x")


@pytest.mark.parametrize(
    "options",
    [{"obs_type": "state"}, {"obs_type": "pixels", **SMALL}, SMALL, {**SMALL, "cameras": ("front", "wrist")},
     {**SMALL, "cameras": ("wrist",)}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("flat", [False, True])
def test_observations_come_back_as_they_went(options: dict[str, Any], flat: bool) -> None:
    if flat and options.get("obs_type") == "state":
        pytest.skip("nothing to flatten")
    bare = make(PICK, **options)
    env: gym.Env[Any, Any] = FlattenCameras(bare) if flat else bare
    observation, _ = env.reset(seed=1)
    usual = ObservationMap(width=40, height=36)
    message = unpack(pack(usual.to_remote(observation, "go")))
    back = usual.to_ours(message, env.observation_space)
    assert env.observation_space.contains(back)
    for mine, theirs in zip(leaves(observation), leaves(back), strict=True):
        assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
    env.close()


def leaves(value: Any) -> list[NDArray[Any]]:
    return [leaf for part in value.values() for leaf in leaves(part)] if isinstance(value, dict) else [value]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"observation/state": np.zeros(6)}, "wrong shape"),
        ({}, "lacks"),
        ({"observation/state": "no"}, "wrong shape"),
    ],
)
def test_messages_that_do_not_fit_are_refused(message: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldError, match=words):
        ObservationMap().to_ours(message, spaces.Box(-1, 1, (7,)))


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.one_of(
            st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=5), st.booleans(), st.none(),
            st.builds(
                lambda shape, kind: (np.arange(math.prod(shape)) % 100).astype(kind).reshape(shape),
                st.lists(st.integers(0, 3), max_size=4), st.sampled_from(["u1", "<f4", "<f8", "<i8", "?"]),
            ),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_messages_arrive_as_they_were_sent(message: dict[str, Any]) -> None:
    for again in (unpack(pack(message)), load_json(dump_json(message))):
        assert again.keys() == message.keys()
        for key, value in message.items():
            if isinstance(value, np.ndarray):
                assert again[key].dtype == value.dtype and np.array_equal(again[key], value)
                assert again[key].shape == value.shape
            else:
                assert again[key] == value


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_but_never_crashes(data: bytes) -> None:
    for read in (unpack, load_json):
        with contextlib.suppress(FieldError):
            read(data)


@pytest.mark.parametrize(
    "array",
    [
        {b"__ndarray__": True, b"data": b"12345678", b"dtype": "|O", b"shape": [1]},
        {b"__ndarray__": True, b"data": b"", b"dtype": "<f4", b"shape": [2]},
        {b"__ndarray__": True, b"data": b"", b"dtype": "<f4", b"shape": [-1, 0]},
        {b"__ndarray__": True, b"data": b"", b"dtype": "<f4", b"shape": [0, 2**62, 2**62]},
        {b"__ndarray__": True, b"data": b"1234", b"dtype": "i1,i1", b"shape": [2]},
        {b"__ndarray__": True, b"data": 3, b"dtype": "<f4", b"shape": [0]},
        {b"__ndarray__": True},
        {b"__npgeneric__": True, b"data": "x"},
    ],
    ids=str,
)
def test_arrays_that_lie_are_refused(array: dict[bytes, Any]) -> None:
    import msgpack

    with pytest.raises(FieldError):
        unpack(msgpack.packb({"actions": array}))


@pytest.mark.parametrize("array", ['{"__numpy__": 1}', '{"__numpy__": "!", "dtype": "<f4", "shape": [0]}', "[" * 9999])
def test_json_arrays_that_lie_are_refused(array: str) -> None:
    with pytest.raises(FieldError):
        load_json(array)


# ---- naming a policy -----------------------------------------------------------------------------------------------

MODULE = """
import numpy as np

class Plain:
    def reset(self, instruction): self.instruction = instruction
    def act(self, observation): return np.zeros((2, 7)) + 0.5

class WithEnv(Plain):
    def __init__(self, env): self.size = env.action_space.shape[0]
    def act(self, observation): return np.ones(self.size)

class WithDefault(Plain):
    def __init__(self, path="weights"): assert path == "weights"

class Simpler:
    def reset(self, task_description): self.n = 0
    def step(self, image, task_description):
        assert image.dtype == np.uint8 and task_description
        self.n += 1
        action = {"world_vector": np.array([0.05, 0, 0]), "rot_axangle": np.array([0, 0, 0.25]),
                  "gripper": np.array([-1.0]), "terminate_episode": np.array([float(self.n == 2)])}
        return {}, action

class Nothing: pass

ready = Plain()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the folder one works in, which is not on the path."""
    (tmp_path / "their_policy.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "their_policy", raising=False)
    return "their_policy"


def first_action(text: str, env: Any) -> list[float]:
    observation, info = env.reset(seed=0)
    policy = get_policy(text, env)
    policy.reset(info["instruction"])
    action: list[float] = policy.act(observation).tolist()
    policy.close()
    return action


@pytest.mark.parametrize(
    ("name", "want"),
    [("Plain", [0.5] * 7), ("ready", [0.5] * 7), ("WithEnv", [1.0] * 7), ("WithDefault", [0.5] * 7),
     ("Simpler", [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0])],
)  # fmt: skip
def test_anybodys_class(module: str, name: str, want: list[float], env: Any) -> None:
    assert first_action(f"{module}:{name}", env) == pytest.approx(want, abs=1e-6)


def test_a_simpler_model_that_ends_the_episode_stands_still(module: str, env: Any) -> None:
    observation, info = env.reset(seed=0)
    policy = get_policy(f"{module}:Simpler", env)
    policy.reset(info["instruction"])
    policy.act(observation)
    assert not policy.finished
    policy.act(observation)
    assert policy.finished
    assert policy.act(observation).tolist() == [0.0] * 6 + [-1.0]
    policy.reset(info["instruction"])
    assert not policy.finished


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("their_policy:Missing", "has no Missing"),
        ("their_policy:Nothing", "without reset"),
        ("no_such_module:Policy", "no module no_such_module"),
        ("best", "ws://HOST:PORT"),
        ("missing.zip", "cannot be read"),
        ("http://:80/act", "web address"),
        ("http://h:99999/act", "web address"),
        ("ftp://h/act", "no policy that is known"),
        ("lerobot:nowhere", "config.json"),
    ],
)
def test_names_of_no_policy_are_refused(module: str, text: str, words: str, env: Any) -> None:
    with pytest.raises(FieldError, match=words):
        get_policy(text, env)


def test_random_and_expert(env: Any) -> None:
    assert first_action("random", env) == first_action("random", env)
    episode = run_episode(env, get_policy("expert", env), seed=0)
    assert episode.success


# ---- checkpoint folders --------------------------------------------------------------------------------------------


def load_constant(folder: Path, env: Any, options: PolicyOptions) -> Any:
    return Says(np.full(7, json.loads((folder / "config.json").read_text())["value"]))


def test_a_folder_is_read_by_whom_its_model_type_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: Any
) -> None:
    monkeypatch.setattr(checkpoint, "LOADERS", {})
    (tmp_path / "config.json").write_text('{"model_type": "constant", "value": 0.25}')
    with pytest.raises(FieldError, match="constant"):
        get_policy(str(tmp_path), env)
    checkpoint.register_loader("constant", load_constant)
    assert first_action(str(tmp_path), env) == [0.25] * 7
    with pytest.raises(FieldError, match="another loader"):
        checkpoint.register_loader("constant", "somewhere:else")
    checkpoint.LOADERS["constant"] = f"{__name__}:load_constant"
    assert first_action(str(tmp_path), env) == [0.25] * 7


@pytest.mark.parametrize(
    ("config", "words"),
    [("{", "no JSON"), ("[]", "has no loader"), ('{"model_type": [1]}', "has no loader"), (None, "config.json"),
     ('{"type": "act", "input_features": {}}', "lerobot:")],
)  # fmt: skip
def test_folders_that_cannot_be_read(tmp_path: Path, config: str | None, words: str, env: Any) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(FieldError, match=words):
        get_policy(str(tmp_path), env)


# ---- LeRobot -------------------------------------------------------------------------------------------------------

LEROBOT = """
import torch

class Feature:
    def __init__(self, shape): self.shape = shape

class Config:
    type = "fake"
    input_features = {"observation.images.front": Feature((3, 24, 24)), "observation.state": Feature((7,))}
    image_features = {"observation.images.front": Feature((3, 24, 24))}

class PreTrainedConfig:
    @classmethod
    def from_pretrained(cls, path): return Config()

class Policy:
    @classmethod
    def from_pretrained(cls, path, config): return cls()
    def eval(self): return self
    def reset(self): self.n = 0
    def select_action(self, batch):
        picture, state = batch["observation.images.front"], batch["observation.state"]
        assert picture.shape == (1, 3, 24, 24) and picture.dtype == torch.float32 and 0 <= picture.min()
        assert picture.max() <= 1 and state.shape == (1, 7) and batch["task"][0]
        self.n += 1
        return torch.full((1, 7), self.n / 10)
    def predict_action_chunk(self, batch): return self.select_action(batch)[:, None].repeat(1, 3, 1)

def get_policy_class(name): return {"fake": Policy}[name]
def make_pre_post_processors(config, pretrained_path): return (lambda batch: batch), (lambda action: action / 2)
"""


@pytest.fixture
def lerobot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with the interface of lerobot 0.4, and a checkpoint."""
    pytest.importorskip("torch")
    for name in ("configs", "policies"):
        (tmp_path / "lerobot" / name).mkdir(parents=True)
        (tmp_path / "lerobot" / name / "__init__.py").touch()
    (tmp_path / "lerobot" / "__init__.py").touch()
    for name in ("configs/policies", "policies/factory"):
        (tmp_path / "lerobot" / f"{name}.py").write_text(LEROBOT, encoding="utf-8")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"type": "fake"}')
    monkeypatch.syspath_prepend(tmp_path)
    yield f"lerobot:{tmp_path / 'model'}"
    for name in [name for name in sys.modules if name.partition(".")[0] == "lerobot"]:
        del sys.modules[name]


def test_a_policy_of_lerobot(lerobot: str, env: Any) -> None:
    assert first_action(lerobot, env) == pytest.approx([0.05] * 7)
    observation, info = env.reset(seed=0)
    policy = get_policy(lerobot + "#replan=2", env)
    policy.reset(info["instruction"])
    assert [round(float(policy.act(observation)[0]), 3) for _ in range(4)] == [0.05, 0.05, 0.1, 0.1]


def test_lerobot_is_asked_for_where_it_is_missing(tmp_path: Path, env: Any) -> None:
    (tmp_path / "config.json").write_text('{"type": "act"}')
    with pytest.raises(EngineUnavailable, match="gen3d serve"):
        get_policy(f"lerobot:{tmp_path}", env)


# ---- Stable-Baselines3 ---------------------------------------------------------------------------------------------

torch_and_sb3 = pytest.mark.skipif(
    any(__import__("importlib.util").util.find_spec(name) is None for name in ("torch", "stable_baselines3")),
    reason="torch or Stable-Baselines3 is not installed",
)


def spaces_env(observation_space: spaces.Space[Any]) -> gym.Env[Any, Any]:
    """An environment of which only the spaces matter."""

    class Bare(gym.Env[Any, Any]):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return self.observation_space.sample(), {}

        def step(self, action: Any) -> Any:
            return self.observation_space.sample(), 0.0, False, False, {}

    bare = Bare()
    bare.observation_space, bare.action_space = observation_space, spaces.Box(-1.0, 1.0, (7,))
    return bare


VECTOR = spaces.Box(-1.0, 1.0, (5,))
IMAGE = spaces.Box(0, 255, (36, 40, 3), np.uint8)


def trained(kind: str, space: spaces.Space[Any], path: Path, **policy_kwargs: Any) -> Any:
    """A model as it is before training, saved; with its own environment."""
    import stable_baselines3

    name = "MultiInputPolicy" if isinstance(space, spaces.Dict) else "CnnPolicy" if space == IMAGE else "MlpPolicy"
    options: dict[str, Any] = {"PPO": {"n_steps": 8, "batch_size": 8}, "A2C": {}}.get(kind, {"buffer_size": 4})
    env = spaces_env(space)
    model = getattr(stable_baselines3, kind)(name, env, policy_kwargs=policy_kwargs or None, device="cpu", **options)
    model.save(path)
    return model, env


@torch_and_sb3
@pytest.mark.parametrize(
    ("kind", "space", "arguments"),
    [
        ("PPO", VECTOR, {}),
        ("PPO", VECTOR, {"net_arch": {"pi": [8], "vf": [4, 4]}, "activation_fn": "ReLU"}),
        ("A2C", VECTOR, {"net_arch": [8]}),
        ("SAC", VECTOR, {"net_arch": [8]}),
        ("TD3", VECTOR, {"net_arch": [8], "activation_fn": "ELU"}),
        ("PPO", IMAGE, {}),
        ("PPO", spaces.Dict({"pixels": IMAGE, "agent_pos": VECTOR}), {}),
    ],
    ids=["ppo", "ppo with options", "a2c", "sac", "td3", "ppo on pictures", "ppo on both"],
)
def test_sb3_models_act_as_in_sb3(kind: str, space: Any, arguments: dict[str, Any], tmp_path: Path) -> None:
    import torch

    if "activation_fn" in arguments:
        arguments = {**arguments, "activation_fn": getattr(torch.nn, arguments["activation_fn"])}
    path = tmp_path / "model.zip"
    model, env = trained(kind, space, path, **arguments)
    before = torch.get_rng_state()
    policy = get_policy(str(path), env)
    policy.reset("go")
    space.seed(0)
    for _ in range(3):
        observation = space.sample()
        assert np.array_equal(policy.act(observation), model.predict(observation, deterministic=True)[0])
    assert torch.equal(before, torch.get_rng_state())


@torch_and_sb3
def test_drawn_actions_follow_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    _, env = trained("PPO", VECTOR, path)

    def draws(seed: int) -> list[list[float]]:
        policy = get_policy(f"{path}#deterministic=0", env, seed)
        policy.reset("go")
        return [policy.act(np.zeros(5, np.float32)).tolist() for _ in range(3)]

    assert draws(1) == draws(1) != draws(2)


def rewritten(path: Path, name: str, content: bytes) -> Path:
    """The same zip with one member replaced."""
    with zipfile.ZipFile(path) as old:
        parts = {part: old.read(part) for part in old.namelist()}
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as new:
        for part, data in {**parts, name: content}.items():
            new.writestr(part, data)
    return changed


class Trap:
    """What unpickles by making a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@torch_and_sb3
def test_nothing_in_an_sb3_file_is_unpickled(tmp_path: Path) -> None:
    import base64

    import torch

    path, trap = tmp_path / "model.zip", tmp_path / "sprung"
    model, env = trained("PPO", VECTOR, path)
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("data"))
    poison = base64.b64encode(pickle.dumps(Trap(trap))).decode()
    poisoned = 0
    for value in data.values():
        if isinstance(value, dict) and ":serialized:" in value:
            value[":serialized:"], poisoned = poison, poisoned + 1
    assert poisoned > 3
    policy = get_policy(str(rewritten(path, "data", json.dumps(data).encode())), env)
    policy.reset("go")
    assert np.array_equal(policy.act(np.zeros(5, np.float32)), model.predict(np.zeros(5), deterministic=True)[0])
    weights = tmp_path / "weights.pth"
    torch.save(Trap(trap), weights)
    with pytest.raises(FieldError, match="more than weights"):
        get_policy(str(rewritten(path, "policy.pth", weights.read_bytes())), env)
    assert not trap.exists()


@torch_and_sb3
def test_what_would_have_to_be_unpickled_is_refused_unless_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    class Softer(torch.nn.Tanh):
        pass

    path = tmp_path / "model.zip"
    model, env = trained("PPO", VECTOR, path, activation_fn=Softer)
    with pytest.raises(FieldError, match="trust_pickle=1"):
        get_policy(str(path), env)
    policy = get_policy(f"{path}#trust_pickle=1", env)
    policy.reset("go")
    assert np.array_equal(policy.act(np.ones(5, np.float32)), model.predict(np.ones(5), deterministic=True)[0])


@torch_and_sb3
def test_sb3_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    trained("PPO", VECTOR, path)
    with pytest.raises(FieldError, match="instead of"):
        get_policy(str(path), spaces_env(spaces.Box(-1.0, 1.0, (6,))))
    nested = spaces_env(spaces.Dict({"pixels": spaces.Dict({"front": IMAGE})}))
    with pytest.raises(FieldError, match="FlattenCameras"):
        get_policy(str(path), nested)
    env = spaces_env(VECTOR)
    for name, content, words in (
        ("data", b"{", "no JSON"), ("data", b"[]", "no file of"), ("data", b"{}", "policy class"),
        ("policy.pth", b"x", "damaged"),
        ("data", b'{"policy_class": {"__module__": "os"}}', "'os'"),
    ):  # fmt: skip
        with pytest.raises(FieldError, match=words):
            get_policy(str(rewritten(path, name, content)), env)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FieldError, match="zip"):
        get_policy(str(path), env)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", "{}")
    with pytest.raises(FieldError, match=r"policy\.pth"):
        get_policy(str(path), env)
