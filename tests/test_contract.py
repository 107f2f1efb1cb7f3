"""The contract: what a policy relies on, its text, and what is refused."""

from __future__ import annotations

import pickle

import gymnasium as gym
import msgspec
import pytest
from helpers import PICK, make
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d_envs.contract import Contract, contract_from_json, contract_of, difference, make_contract, require_same
from gen3d_envs.errors import ContractError, FieldError

ARGUMENTS = [
    {},
    {"obs_type": "state", "control": "joint_delta"},
    {"robot": "panda", "cameras": ("front", "wrist"), "observation_width": 64, "observation_height": 48},
    {"obs_type": "pixels", "cameras": ("wrist",), "control_hz": 20},
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_the_environment_and_its_arguments_give_the_same_contract(arguments: dict) -> None:
    env = make(PICK, **arguments)
    try:
        contract = contract_of(env)
        robot = arguments.get("robot", "widowx")
        assert contract == make_contract(**{**arguments, "robot": robot})
        assert contract.observation_space() == env.observation_space
        assert contract.action_space() == env.action_space
        assert [(key.size,) for key in contract.vectors] == [part.shape for part in _vectors(env)]
    finally:
        env.close()


def _vectors(env: gym.Env) -> list[gym.Space]:
    space = env.observation_space
    parts = [space] if isinstance(space, gym.spaces.Box) else list(space.spaces.values())
    return [part for part in parts if part.shape is not None and len(part.shape) == 1]


def test_wrappers_do_not_hide_it() -> None:
    env = gym.make(PICK, obs_type="state", max_episode_steps=37)
    assert contract_of(gym.wrappers.NormalizeReward(env)).horizon_steps == 37
    env.close()


def test_the_scale_is_what_one_action_does() -> None:
    env = make(PICK, obs_type="state", control_hz=10)
    contract = contract_of(env)
    env.reset(seed=0)
    before = env.controller.pose[0]
    env.step([0.5, 0.0, 0.25, 0.0, 0.0, 0.0, 1.0])
    after = env.controller.pose[0]
    assert after[0] - before[0] == pytest.approx(0.5 * contract.action.scale[0], abs=1e-4)
    assert after[2] - before[2] == pytest.approx(0.25 * contract.action.scale[2], abs=1e-4)
    assert env.snapshot().opening == pytest.approx(1.0, abs=0.05), "gripper_open is +1"
    env.close()


@settings(max_examples=30)
@given(
    st.sampled_from(["widowx", "panda"]),
    st.sampled_from(["state", "pixels", "pixels_agent_pos"]),
    st.sampled_from([("front",), ("wrist",), ("wrist", "front")]),
    st.integers(8, 512),
    st.sampled_from(["ee_delta", "joint_delta"]),
    st.integers(1, 60),
)
def test_json_gives_the_same_contract_back(robot, obs_type, cameras, size, control, hz) -> None:
    contract = make_contract(
        robot, obs_type=obs_type, cameras=cameras, observation_width=size, control=control, control_hz=hz
    )
    text = contract.to_json()
    assert contract_from_json(text) == contract
    assert contract_from_json(text.encode()).to_json() == text
    assert difference(contract, contract_from_json(text)) == []


def test_differences_are_lines_that_name_the_field() -> None:
    mine = make_contract("widowx")
    assert difference(mine, make_contract("widowx", control_hz=10)) == [
        "action.scale: wanted [0.05, 0.05, 0.05, 0.25, 0.25, 0.25, 1.0], given "
        "[0.025, 0.025, 0.025, 0.125, 0.125, 0.125, 1.0]",
        "control_hz: wanted 5, given 10",
        "horizon_steps: wanted 100, given 200",
    ]
    lines = difference(mine, make_contract("widowx", cameras=("front", "wrist")))
    assert "pictures[0].key: wanted 'pixels', given 'pixels/front'" in lines
    assert "pictures[1].camera: not wanted, given 'wrist'" in lines
    assert any(line.startswith("arm_joints: wanted ['waist'") for line in difference(mine, make_contract("panda")))


def test_a_difference_is_refused_and_printed() -> None:
    mine = make_contract("widowx")
    require_same(mine, make_contract("widowx"))
    other = make_contract("widowx", max_episode_steps=40)
    require_same(mine, other, ignore=("horizon_steps",))
    with pytest.raises(ContractError, match="horizon_steps: wanted 100, given 40") as caught:
        require_same(mine, other)
    assert caught.value.differences == ("horizon_steps: wanted 100, given 40",)
    assert pickle.loads(pickle.dumps(caught.value)).differences == caught.value.differences
    require_same(mine, make_contract("widowx", observation_width=64), ignore=("pictures",))
    with pytest.raises(ContractError):
        require_same(mine, make_contract("widowx", observation_width=64), ignore=("pict",))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 99}, "later than"),
        ({"surprise": 1}, "surprise"),
        ({"control_hz": "5"}, "control_hz"),
        ({"action": None}, "action"),
        ({"base_position_m": [0.0, 0.0]}, "base_position_m"),
    ],
)
def test_what_is_no_contract_is_refused(change: dict, complaint: str) -> None:
    raw = {**msgspec.json.decode(make_contract().to_json()), **change}
    with pytest.raises(ContractError, match=complaint):
        contract_from_json(msgspec.json.encode(raw))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, b"\xff", " " * 300_000])
def test_text_that_is_nothing_is_refused(text: str | bytes) -> None:
    with pytest.raises(ContractError):
        contract_from_json(text)


@pytest.mark.parametrize(
    "arguments",
    [{"robot": "arm"}, {"obs_type": "sound"}, {"control": "torque"}, {"cameras": ("side",)}, {"control_hz": 0}],
)
def test_arguments_are_checked(arguments: dict) -> None:
    with pytest.raises(FieldError):
        make_contract(**arguments)


def test_only_environments_of_gen3d_have_one() -> None:
    env = gym.make("CartPole-v1")
    with pytest.raises(ContractError, match="has no contract"):
        contract_of(env)
    env.close()


def test_it_is_immutable() -> None:
    contract = make_contract()
    with pytest.raises(AttributeError):
        contract.control_hz = 6  # type: ignore[misc]
    assert isinstance(contract, Contract)
