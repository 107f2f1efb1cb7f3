"""pi0 is trained by the same code as FlowVLA: imitation, adapters, PPOFlow, and everything resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from gen3d_envs.baselines.algorithms import TrainSettings  # noqa: E402
from gen3d_envs.baselines.algorithms import train as run  # noqa: E402
from gen3d_envs.baselines.policies import get_policy  # noqa: E402
from gen3d_envs.baselines.ppo.fleet import Fleet, FleetSettings  # noqa: E402
from gen3d_envs.baselines.ppo.flow import FlowSettings, train  # noqa: E402
from gen3d_envs.baselines.ppo.flow_policy import FlowActorCritic  # noqa: E402
from gen3d_envs.baselines.ppo.vec_env import FleetVecEnv  # noqa: E402
from gen3d_envs.baselines.vla.backend import load_backend, read_config  # noqa: E402
from gen3d_envs.baselines.vla.checkpoint import load_state  # noqa: E402
from gen3d_envs.baselines.vla.demos import Demos, DemoSettings, collect  # noqa: E402
from gen3d_envs.baselines.vla.learn import Recipe  # noqa: E402
from gen3d_envs.baselines.vla.pi0 import Pi0VLA  # noqa: E402
from gen3d_envs.baselines.vla.pi0_files import pi0_from_base  # noqa: E402
from gen3d_envs.baselines.vla.pi0_lora import add_lora  # noqa: E402
from gen3d_envs.baselines.vla.pretrain import imitate_whole  # noqa: E402
from gen3d_envs.baselines.vla.scenes import EnvSettings, instructions  # noqa: E402
from helpers import ENGINE, make  # noqa: E402
from test_pi0 import network, write_base  # noqa: E402

from gen3d_envs.cli import main  # noqa: E402
from gen3d_envs.errors import FieldError  # noqa: E402

ENV = EnvSettings(("TestPickCube", "TestPlaceBallInBowl"), size=24, physics=ENGINE, max_steps=12)
FLEET = FleetSettings(ENV, count=2, jobs=0, shaping=0.5, seed=3)
SETTINGS = FlowSettings(
    fleet=FLEET, decisions=2 * 2 * 4, steps=2, batch=4, epochs=1, warmup=1, flow_steps=2, train_tower=True
)
SHORT = Recipe(steps=4, batch=4, lr=1e-3, save_every=2)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"), network(vocabulary=64))


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Demos:
    wanted = DemoSettings(env=EnvSettings(ENV.scenes, size=24, physics=ENGINE), count=2)
    return collect(wanted, tmp_path_factory.mktemp("demos") / "demos")


def adapted(base: Path, demos: Demos) -> Pi0VLA:
    model = pi0_from_base(base, demos.contract, flow_steps=2)
    torch.manual_seed(0)
    add_lora(model, rank=2)
    return model


@pytest.fixture(scope="module")
def start(base: Path, demos: Demos, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    for _ in imitate_whole(adapted(base, demos), demos, instructions(ENV), folder, SHORT):
        pass
    return folder / "model"


@pytest.fixture(scope="module")
def env(start: Path) -> Iterator[FleetVecEnv]:
    made = FleetVecEnv(Fleet(FLEET), load_backend(start), train_eyes=True, flow_steps=2)
    yield made
    made.close()


def actor(env: FleetVecEnv, start: Path, **arguments: Any) -> FlowActorCritic:
    model = load_backend(start)
    return FlowActorCritic(
        env.observation_space,
        env.action_space,
        lambda _: 1e-4,
        model=model,
        flow_steps=2,
        train_tower=True,
        **arguments,
    )  # type: ignore[arg-type]


def seen(env: FleetVecEnv) -> dict[str, Any]:
    return {name: torch.from_numpy(value) for name, value in env.reset().items()}


def tensors(folder: Path) -> dict[str, Any]:
    return load_state(folder / "training.safetensors")[0]


def test_it_learns_what_was_demonstrated(base: Path, demos: Demos, tmp_path: Path) -> None:
    recipe = Recipe(steps=200, batch=16, lr=5e-3, save_every=40)
    model = adapted(base, demos)
    losses = [p.figures["flow"] for p in imitate_whole(model, demos, instructions(ENV), tmp_path, recipe)]
    assert losses[-1] < 0.8 * losses[0]
    assert model.config.action_std != [1.0] * 7, "its statistics are those of the demonstrations"


def test_only_adapters_and_what_acts_learn_and_are_kept(base: Path, start: Path) -> None:
    before, after = pi0_from_base(base, read_config(start).made_for()).vlm.state_dict(), load_backend(start)
    assert isinstance(after, Pi0VLA)
    for name, tensor in after.vlm.state_dict().items():
        if "lora_" not in name:
            assert torch.equal(tensor, before[name.replace(".base_layer.", ".")]), name
    kept = tensors(start.parent)
    assert any("lora_" in name for name in kept) and any("dit" in name for name in kept)
    assert not set(after.given) & {name.removeprefix("model.") for name in kept}


def test_a_run_in_slices_is_the_run_in_one_piece(base: Path, demos: Demos, start: Path, tmp_path: Path) -> None:
    for _ in range(2):  # over at the first checkpoint
        for _ in imitate_whole(adapted(base, demos), demos, instructions(ENV), tmp_path, SHORT, seconds=0.0):
            pass
    one, two = tensors(start.parent), tensors(tmp_path)
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_the_likelihood_is_that_of_the_chain(env: FleetVecEnv, start: Path) -> None:
    policy, obs = actor(env, start), seen(env)
    chain, _, log = policy(obs)
    again = policy.evaluate_actions(obs, chain)[1]
    assert torch.allclose(again, log, atol=1e-4)
    again.sum().backward()
    moved = {name for name, p in policy.named_parameters() if p.grad is not None and float(p.grad.abs().max()) > 0.0}
    assert any("lora_B" in name for name in moved) and any(".dit." in name for name in moved)


def test_the_anchor_is_the_distance_from_the_first_policy(env: FleetVecEnv, start: Path) -> None:
    policy, obs = actor(env, start, anchor=True), seen(env)
    chain = policy(obs)[0]
    assert float(policy.evaluate_actions(obs, chain)[2].detach().abs().max()) < 1e-8  # type: ignore[union-attr]
    with torch.no_grad():
        policy.model.network.action_out_proj.bias += 0.5  # type: ignore[attr-defined]
    assert float(policy.evaluate_actions(obs, chain)[2].detach().max()) < -0.1  # type: ignore[union-attr]


def test_without_noise_it_is_the_policy_that_is_used(env: FleetVecEnv, start: Path) -> None:
    policy, obs = actor(env, start), seen(env)
    end = policy(obs, deterministic=True)[0][:, -policy.model.size :]
    planned = policy.model.plan(policy.model.look(obs), steps=2)
    assert torch.allclose(policy.model.decode(end), planned, atol=1e-5)


def test_ppoflow_in_slices_is_ppoflow_in_one_piece(start: Path, tmp_path: Path) -> None:
    assert train(start, SETTINGS, tmp_path / "whole")
    calls = 0
    while not train(start, SETTINGS, tmp_path / "slices", seconds=0.0):
        calls += 1
    assert calls >= 2
    one, two = tensors(tmp_path / "whole"), tensors(tmp_path / "slices")
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    before, after = (load_backend(folder) for folder in (start, tmp_path / "whole" / "model"))
    assert any(not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))  # type: ignore[attr-defined]


def test_from_the_command_line(base: Path, tmp_path: Path) -> None:
    where = ["--obs", "pixels", "--env", "Gen3D-Pick-v0", "--scenes", "2", "--size", "24", "--jobs", "1"]
    imitation, flow = tmp_path / "imitation", tmp_path / "flow"
    small = [f"base={base}", "lora=2", "demos=2", "batch=4", "trial=1"]
    told = [word for pair in small for word in ("--set", pair)]
    assert main(["train", "--algo", "imitation", "--steps", "2", *where, *told, "--out", str(imitation)]) == 0
    small = [f"start={imitation / 'model'}", "envs=2", "rollout=2", "batch=4", "max_steps=8", "flow_steps=1"]
    told = [word for pair in [*small, "log_std=-2.5,-2.0", "tower=true"] for word in ("--set", pair)]
    assert main(["train", "--algo", "flow", "--steps", "32", *where, *told, "--out", str(flow)]) == 0
    assert read_config(flow / "model").flow_steps == 1, "it acts with as many steps as it was trained with"
    env = make(obs_type="pixels_agent_pos", observation_width=24, observation_height=24)
    policy = get_policy(str(flow / "model"), env)
    observation, info = env.reset(seed=0)
    policy.reset(info["instruction"])
    action = np.asarray(policy.act(observation))
    assert action.shape[-1] == 7 and np.isfinite(action).all() and np.abs(action).max() <= 1.0
    env.close()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"lora": "4"}, "option lora = 4: belongs to a base"),
        ({"tokenizer": "file"}, "option tokenizer = 'file': belongs to a base"),
        ({"base": "nowhere"}, "base = 'nowhere': is no folder"),
        ({"start": "nowhere"}, "policy = 'nowhere': holds no config.json"),
    ],
)
def test_what_does_not_belong_together_is_refused(options: dict[str, str], problem: str, tmp_path: Path) -> None:
    given = {"demos": "1", **options}
    settings = TrainSettings("imitation", "Gen3D-Pick-v0", 2, obs="pixels", scenes=1, size=24, jobs=0, options=given)
    with pytest.raises(FieldError, match=problem):
        run(settings, tmp_path)


@pytest.mark.parametrize("flow_steps", [0, 11])
def test_a_number_of_steps_that_makes_no_sense_is_refused(flow_steps: int) -> None:
    with pytest.raises(FieldError, match="flow_steps"):
        FlowSettings(fleet=FLEET, flow_steps=flow_steps)
