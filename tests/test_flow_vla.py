"""FlowVLA: what it sees and says, what a checkpoint holds, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from gen3d_envs.baselines.policies import get_policy  # noqa: E402
from gen3d_envs.baselines.vla.config import make_config  # noqa: E402
from gen3d_envs.baselines.vla.labels import seen  # noqa: E402
from gen3d_envs.baselines.vla.model import RELATIVE, FlowVLA, Inputs, count_parameters, peaks, relative  # noqa: E402
from gen3d_envs.baselines.vla.policy import load_flow_vla  # noqa: E402
from gen3d_envs.baselines.vla.pretrain import projection  # noqa: E402
from gen3d_envs.baselines.vla.text import TOKENS, tokens  # noqa: E402
from helpers import PICK, PLACE, make  # noqa: E402
from safetensors.torch import load_file, save  # noqa: E402

from gen3d_envs.contract import make_contract  # noqa: E402
from gen3d_envs.errors import ContractError, FieldError  # noqa: E402

SMALL: dict[str, Any] = {"observation_width": 32, "observation_height": 32}


def tiny(size: str = "micro", **arguments: Any) -> FlowVLA:
    torch.manual_seed(0)
    return FlowVLA(make_config(size, make_contract(**{**SMALL, **arguments}))).eval()


def inputs(*instructions: str, cameras: int = 1) -> Inputs:
    rng = np.random.default_rng(0)
    count = len(instructions)
    pixels = torch.from_numpy(rng.integers(0, 256, (count, cameras, 3, 32, 32), dtype=np.uint8))
    words = torch.from_numpy(np.stack([tokens(text) for text in instructions]))
    return Inputs(pixels, torch.from_numpy(rng.normal(size=(count, 7)).astype(np.float32)), words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny().save_pretrained(path)
    return path


# ---- what it sees and says -----------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    rows = tokens(text)
    assert rows.shape == (TOKENS,) and rows.dtype == np.int32
    assert np.array_equal(rows, tokens(f" ... {text} !"))


def test_words_that_look_alike_share_rows() -> None:
    shared = set(tokens("strawberry")) & set(tokens("strawberries")) - {0}
    assert len(shared) >= 5
    assert not set(tokens("cup")) & set(tokens("bowl")) - {0}


@pytest.mark.parametrize("text", ["", "Put the zyxomatic blorp on the plate", "把 杯子 放 在 盘子 上", "a " * 200])
def test_unknown_words_do_no_harm(text: str) -> None:
    chunk = tiny().plan(inputs(text))
    assert chunk.shape == (1, 4, 7) and bool(torch.isfinite(chunk).all())


def test_the_order_of_words_matters() -> None:
    model = tiny()
    first, second = model.text(inputs("put the cup on the plate", "put the plate on the cup").tokens)
    assert not torch.allclose(first, second, atol=1e-4)


def test_a_row_does_not_depend_on_its_batch() -> None:
    model, batch = tiny(), inputs("pick the cup", "pick the ball", "pick the cup")
    together = model.encode(batch)
    for row in range(3):
        one = Inputs(batch.pixels[row : row + 1], batch.proprio[row : row + 1], batch.tokens[row : row + 1])
        assert torch.allclose(model.encode(one)[0], together[row], atol=1e-5)


def test_sizes() -> None:
    micro, usual, small = (count_parameters(tiny(size)) for size in ("micro", "tiny", "small"))
    assert micro < 100_000 < usual <= 3_000_000 < small < 10_000_000


def test_two_cameras() -> None:
    model = tiny(cameras=("front", "wrist"))
    assert model.plan(inputs("pick the cup", cameras=2)).shape == (1, 4, 7)


def test_normalising_is_undone() -> None:
    model = tiny()
    model.config.action_mean, model.config.action_std = [0.1] * 7, [0.3] * 7
    actions = torch.linspace(-1, 1, 56).view(2, 4, 7)
    again = model.decode(model.normalise(actions))
    assert torch.allclose(again[..., :-1], actions[..., :-1], atol=1e-6)
    assert torch.equal(again[..., -1], actions[..., -1].sign()), "the gripper is open or closed, never in between"


@given(
    st.lists(st.floats(-0.5, 0.5, width=32), min_size=3, max_size=3), st.floats(-3.0, 3.0, width=32),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_places_are_seen_from_the_tool(shift: list[float], turn: float, seed: int) -> None:
    """A world that is moved together with the tool, or turned with its fingers, looks the same to it."""
    rng = torch.Generator().manual_seed(seed)
    found, proprio = torch.rand(4, 11, generator=rng) - 0.5, torch.rand(4, 7, generator=rng) - 0.5
    before = relative(found, proprio)
    assert before.shape == (4, RELATIVE)
    moved, hand = found.clone(), proprio.clone()
    for places in (moved[:, :3], moved[:, 5:8], hand[:, :3]):
        places += torch.tensor(shift)
    moved[:, 8] += shift[2]
    assert torch.allclose(relative(moved, hand), before, atol=1e-4)
    hand[:, 5] += turn
    twice = torch.tensor(2.0 * turn)
    moved[:, 3] = found[:, 3] * twice.cos() - found[:, 4] * twice.sin()
    moved[:, 4] = found[:, 3] * twice.sin() + found[:, 4] * twice.cos()
    assert torch.allclose(relative(moved, hand)[:, -2:], before[:, -2:], atol=1e-4)


@given(st.floats(4.0, 43.0), st.floats(4.0, 31.0), st.floats(4.0, 43.0), st.floats(4.0, 31.0))
def test_a_peak_is_one_of_two_things_and_never_between_them(x: float, y: float, other_x: float, other_y: float) -> None:
    """Told to a tenth of a pixel of a map of 48 x 36; and how sure it is: two thirds against one."""
    across, down = torch.arange(48) + 0.5, torch.arange(36)[:, None] + 0.5

    def hill(x: float, y: float) -> Any:
        return torch.exp(-0.5 * ((across - x) ** 2 + (down - y) ** 2))

    far = max(abs(x - other_x), abs(y - other_y)) > 8.0
    both = 2.0 * hill(x, y) + (hill(other_x, other_y) if far else 0.0)
    where, sure, here = peaks((both + 1e-9).log()[None, None])
    right, below = ((where[0, 0] + 1.0) * torch.tensor([24.0, 18.0])).tolist()
    assert abs(right - x) < 0.1 and abs(below - y) < 0.1
    assert float(sure[0, 0]) == pytest.approx(2.0 / 3.0 if far else 1.0, abs=0.01)
    assert float(here.sum()) == pytest.approx(1.0, abs=1e-5) and int((here > 0.0).sum()) <= 49


def test_a_ray_through_a_point_of_the_picture_reaches_it() -> None:
    """The front camera is found from where it sees points, and their places from these and their heights."""
    points = np.random.default_rng(0).uniform([0.2, -0.2, 0.0], [0.5, 0.2, 0.2], (200, 3))
    views = np.array([seen((x, y, z)) for x, y, z in points])
    lost = np.concatenate([views, [[7.0, 7.0]]]), np.concatenate([points, [[0.3, 0.0, 0.0]]])
    model = tiny()
    model.config.projection = projection(lost[1], lost[0])
    places, heights = torch.from_numpy(points[:, :2]).float(), torch.from_numpy(points[:, 2]).float()
    assert torch.allclose(model.reached(torch.from_numpy(views).float(), heights), places, atol=1e-5)
    # Where lines along x seem to meet no ray reaches any height; what is said is finite, and near.
    right, below, depth = np.array(model.config.projection).reshape(3, 4)[:, 0]
    horizon = torch.tensor([[right / depth, below / depth]]).float()
    assert float(model.reached(horizon, torch.zeros(1)).abs().max()) <= 1.0


def test_places_are_told_as_ways_from_where_the_rays_lead() -> None:
    model, batch = tiny(), inputs("pick the cup", "put the ball in the bowl")
    features, heat = model.perceive(batch.pixels, batch.tokens)
    assert torch.allclose(features[:, :4].view(2, 2, 2), peaks(heat)[0]) and features.shape == (2, model.features)
    said, told = model.locate(features), model.in_metres(model.tell(features))
    scale = torch.tensor(model.config.label_std)
    heights = model.in_metres(said)[:, [2, 7]]
    for first, height in ((0, heights[:, 0]), (5, heights[:, 1])):
        point = features[:, :2] if first == 0 else features[:, 2:4]
        beside = told[:, first : first + 2] - model.reached(point, height)
        assert torch.allclose(beside, (said * scale)[:, first : first + 2], atol=1e-5)
    rest = [2, 3, 4, 7, 8, 9, 10]
    assert torch.allclose(told[:, rest], model.in_metres(said)[:, rest], atol=1e-6)


@pytest.mark.parametrize(("opening", "held"), [(0.0, False), (0.05, False), (0.2, True), (0.8, True), (1.0, False)])
def test_what_is_between_the_fingers_is_where_the_tool_is(opening: float, held: bool) -> None:
    model, batch = tiny(), inputs("pick the cup", "put the ball in the bowl")
    batch.proprio[:, 6] = opening
    seen = model.tell(model.perceive(batch.pixels, batch.tokens)[0])
    told = model.find(model.perceive(batch.pixels, batch.tokens)[0], batch.proprio)
    assert torch.equal(told[:, 5:], seen[:, 5:]), "the goal is seen"
    if not held:
        assert torch.equal(told, seen)
        return
    places = model.in_metres(told)
    assert torch.allclose(places[:, :3], batch.proprio[:, :3], atol=1e-5)
    along, across = relative(places, batch.proprio)[:, -2:].unbind(1)
    assert torch.allclose(along, -torch.ones(2), atol=1e-5) and torch.allclose(across, torch.zeros(2), atol=1e-5)
    model.config.grip = []
    older = FlowVLA(model.config).eval()
    older.load_state_dict(model.state_dict())
    assert torch.equal(older.find(older.perceive(batch.pixels, batch.tokens)[0], batch.proprio), seen)


# ---- checkpoints ---------------------------------------------------------------------------------------------------


def test_a_saved_model_is_the_same(folder: Path) -> None:
    model, batch = tiny(), inputs("pick the cup")
    for again in (load_flow_vla(folder), FlowVLA.from_pretrained(folder)):
        assert torch.equal(again.plan(batch), model.plan(batch))
        assert again.config.made_for() == make_contract(**SMALL)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}


def test_its_card_tells_what_it_is_for_and_what_it_is_not_for(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: gen3d-envs\npipeline_tag: robotics\nlicense: mit\n---\n# FlowVLA\n")
    assert "- robot: widowx\n- picture: front, 32 x 32 pixels\n- control: ee_delta, 5 Hz\n" in card
    for words in ("one picture", "4 actions of 7 numbers", "Training data", "never on a real robot", "--size 32"):
        assert words in card
    assert max(map(len, card.splitlines())) <= 120 and "{" not in card


def test_a_folder_is_a_policy(folder: Path) -> None:
    env = make(PLACE, **SMALL)
    policy = get_policy(str(folder), env)
    played = []
    for _ in range(2):
        observation, info = env.reset(seed=3)
        policy.reset(info["instruction"])
        for _ in range(6):
            action = policy.act(observation)
            assert action.shape == (7,) and action in env.action_space
            played.append(action)
            observation, *_ = env.step(action)
    assert np.array_equal(played[:6], played[6:])
    env.close()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [({"observation_width": 40}, "pictures[0].width: wanted 32, given 40"),
     ({"robot": "panda"}, "robot: wanted 'widowx', given 'panda'"),
     ({"control_hz": 10}, "control_hz: wanted 5, given 10")],
)  # fmt: skip
def test_another_contract_is_refused(folder: Path, arguments: dict[str, Any], line: str) -> None:
    env = make(PICK, **{**SMALL, **arguments})
    with pytest.raises(ContractError) as caught:
        get_policy(str(folder), env)
    assert line in str(caught.value)
    env.close()


def test_the_length_of_episodes_may_differ(folder: Path) -> None:
    env = make(PICK, max_episode_steps=7, **SMALL)
    get_policy(str(folder), env)
    env.close()


def damaged(folder: Path, target: Path, name: str, content: bytes | None) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    if content is None:
        (target / name).unlink()
    else:
        (target / name).write_bytes(content)
    return target


def test_damaged_checkpoints_are_refused(folder: Path, tmp_path: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    config = json.loads((folder / "config.json").read_text())
    cases: list[tuple[str, bytes | None]] = [
        ("model.safetensors", weights[: len(weights) // 2]),
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 200),
        ("model.safetensors", None),
        ("config.json", json.dumps({**config, "hidden": 48}).encode()),
        ("config.json", json.dumps({**config, "hidden": "many"}).encode()),
        ("config.json", json.dumps({**config, "contract": "{}"}).encode()),
        ("config.json", json.dumps({**config, "channels": [1]}).encode()),
        ("config.json", json.dumps({**config, "grip": [0.9, 0.1]}).encode()),
        ("config.json", json.dumps({**config, "grip": ["shut"]}).encode()),
        ("config.json", json.dumps({**config, "projection": [1.0]}).encode()),
        ("config.json", json.dumps({**config, "projection": ["far"] * 12}).encode()),
    ]
    unfit: list[dict[str, Any]] = [{name: value} for name in ("chunk", "flow_steps") for value in (0, 65, 1.5, "4")]
    for name in ("proprio", "action", "label"):
        mean, std = config[f"{name}_mean"], config[f"{name}_std"]
        unfit += [{f"{name}_mean": mean[:-1]}, {f"{name}_std": std[:-1]}, {f"{name}_mean": [], f"{name}_std": []}]
        unfit += [{f"{name}_mean": [*mean[:-1], value]} for value in (math.nan, math.inf, "far", None)]
        unfit += [{f"{name}_std": [*std[:-1], value]} for value in (math.nan, math.inf, 0.0, -1.0)]
    unfit.append({"label_mean": config["label_mean"][:-1], "label_std": config["label_std"][:-1]})
    cases += [("config.json", json.dumps({**config, **each}).encode()) for each in unfit]
    env = make(PICK, **SMALL)
    for number, (name, content) in enumerate(cases):
        with pytest.raises(FieldError):
            get_policy(str(damaged(folder, tmp_path / str(number), name, content)), env)
    env.close()


def test_a_pickle_is_refused_and_not_opened(folder: Path, tmp_path: Path) -> None:
    evil = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    target = damaged(folder, tmp_path / "model", "model.safetensors", None)
    (target / "pytorch_model.bin").write_bytes(evil)
    for load in (load_flow_vla, FlowVLA.from_pretrained):
        with pytest.raises(FieldError, match="pickles"):
            load(target)
    assert not (tmp_path / "ran").exists()


def test_a_number_that_was_changed_is_found(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["flow.out.bias"][0] += 0.5
    target = damaged(folder, tmp_path / "model", "model.safetensors", save(weights))
    with pytest.raises(FieldError, match=r"model\.safetensors'?: is not what its config\.json was saved with"):
        load_flow_vla(target)
    model = load_flow_vla(folder)
    model.load_state_dict(weights)
    model.save_pretrained(target)  # saved anew it is another model
    assert load_flow_vla(target).flow.out.bias[0] == weights["flow.out.bias"][0]


def test_no_weight_is_made_up(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("flow.out.bias")
    content = save(weights)
    with pytest.raises(FieldError, match=r"does not fit its config\.json \(flow\.out\.bias\)"):
        FlowVLA.from_pretrained(damaged(folder, tmp_path / "model", "model.safetensors", content))
    for name in ("nobody/flow_vla_of_gen3d_tests", str(tmp_path / "nowhere")):
        with pytest.raises(FieldError, match="is no folder and cannot be fetched"):
            FlowVLA.from_pretrained(name, local_files_only=True)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = tiny()
    with torch.no_grad():
        model.flow.out.bias[0] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(FieldError, match="not finite"):
        load_flow_vla(tmp_path)


def test_what_cannot_be_built_is_refused() -> None:
    for arguments in ({"size": "huge"}, {"chunk": 0}, {"flow_steps": 100}):
        with pytest.raises(FieldError):
            make_config(**{"size": "micro", "contract": make_contract(**SMALL), **arguments})
    with pytest.raises(FieldError, match="pixels_agent_pos"):
        make_config("micro", make_contract(obs_type="state"))
