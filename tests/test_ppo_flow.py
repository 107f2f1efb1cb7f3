"""PPOFlow: likelihoods of whole flows, Stable-Baselines3's PPO as it is, and training that resumes bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gen3d_envs.baselines.ppo.fleet import Fleet, FleetSettings
from gen3d_envs.baselines.ppo.flow import Diverged, FlowProgress, FlowSettings, train
from gen3d_envs.baselines.ppo.flow_policy import LOG_STD, FlowActorCritic
from gen3d_envs.baselines.ppo.vec_env import FleetVecEnv
from gen3d_envs.baselines.vla.checkpoint import load_state
from gen3d_envs.baselines.vla.config import make_config
from gen3d_envs.baselines.vla.curve import read_curve
from gen3d_envs.baselines.vla.model import FlowVLA, Inputs
from gen3d_envs.baselines.vla.scenes import EnvSettings
from helpers import ENGINE
from stable_baselines3 import PPO

from gen3d_envs.errors import ContractError, FieldError

SCENES = ("TestPickCube", "TestPlaceBallInBowl")
FLEET = FleetSettings(EnvSettings(SCENES, size=24, physics=ENGINE, max_steps=12), count=3, jobs=0, shaping=0.5, seed=3)
SETTINGS = FlowSettings(fleet=FLEET, decisions=3 * 4 * 4, steps=4, batch=6, epochs=2, warmup=1)


pytestmark = pytest.mark.usefixtures("one_thread")


def new_policy(seed: int = 0) -> FlowVLA:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = FlowVLA(make_config("micro", FLEET.env.contract)).eval()
        torch.nn.init.normal_(model.flow.out.weight, std=0.3)  # new ones are zero: every flow would stand still
    return model


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "model"
    new_policy().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def env() -> Iterator[FleetVecEnv]:
    made = FleetVecEnv(Fleet(FLEET), new_policy(), train_eyes=False, flow_steps=4)
    yield made
    made.close()


def actor(env: FleetVecEnv, **arguments: object) -> FlowActorCritic:
    return FlowActorCritic(env.observation_space, env.action_space, lambda _: 1e-4, model=new_policy(), **arguments)  # type: ignore[arg-type]


def seen(env: FleetVecEnv) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in env.reset().items()}


# ---- the actor -----------------------------------------------------------------------------------------------------


def test_the_likelihood_is_that_of_the_chain(env: FleetVecEnv) -> None:
    policy, obs = actor(env), seen(env)
    chain, _, log = policy(obs)
    states = chain.view(3, 5, 28)
    hidden = policy.model.understand(policy.model.look(obs), obs["proprio"])
    low, high = LOG_STD
    deviation = torch.exp(low + (high - low) * torch.sigmoid(policy.noise(hidden)))
    expected = torch.zeros(3)
    for k in range(4):
        mean = states[:, k] + policy.model.velocity(states[:, k], torch.full((3,), k / 4), hidden) / 4
        expected += torch.distributions.Normal(mean, deviation).log_prob(states[:, k + 1]).sum(1)
    assert torch.allclose(log, 0.2 * expected, atol=1e-4)
    again = policy.evaluate_actions(obs, chain)[1]
    assert torch.allclose(again, log, atol=1e-4)


def test_the_ratio_is_to_the_power_s(env: FleetVecEnv) -> None:
    obs = seen(env)
    chain, _, _ = actor(env)(obs)
    plain, powered = actor(env, power=1.0), actor(env, power=0.2)
    changed = [policy.evaluate_actions(obs, chain)[1] for policy in (plain, powered)]
    for policy in (plain, powered):
        with torch.no_grad():
            policy.model.flow.out.bias += 0.05
    ratios = [
        torch.exp(policy.evaluate_actions(obs, chain)[1] - before)
        for policy, before in zip((plain, powered), changed, strict=True)
    ]
    assert not torch.allclose(ratios[0], torch.ones(3))
    assert torch.allclose(ratios[1], ratios[0] ** 0.2, rtol=1e-3)


def test_noise_stays_in_its_bounds_and_is_scaled_down(env: FleetVecEnv) -> None:
    policy, obs = actor(env), seen(env)
    torch.nn.init.normal_(policy.noise.weight, std=100.0)
    hidden = policy.model.understand(policy.model.look(obs), obs["proprio"])
    logs = policy._deviation(hidden).log().detach()
    assert float(logs.min()) >= LOG_STD[0] - 1e-5 and float(logs.max()) <= LOG_STD[1] + 1e-5
    policy.noise_scale = 0.5
    assert torch.allclose(policy._deviation(hidden).log().detach(), logs + np.log(0.5))


def test_without_noise_it_is_the_policy_that_is_used(env: FleetVecEnv) -> None:
    policy, obs = actor(env), seen(env)
    end = policy(obs, deterministic=True)[0][:, -28:]
    now = env.fleet.now
    inputs = Inputs(*(torch.from_numpy(now[name].copy()) for name in ("pixels", "agent_pos", "tokens")))
    assert torch.allclose(policy.model.decode(end), policy.model.plan(inputs), atol=1e-5)


def test_a_tower_that_is_trained_sees_what_a_frozen_one_sees(env: FleetVecEnv) -> None:
    frozen = seen(env)
    now = env.fleet.now
    live = {"proprio": frozen["proprio"], "state": frozen["state"]}
    live |= {name: torch.from_numpy(now[name].copy()) for name in ("pixels", "tokens")}
    policy = actor(env)
    chain = policy(frozen)[0]
    one, other = (policy.evaluate_actions(obs, chain)[1] for obs in (frozen, live))
    assert torch.allclose(one, other, atol=1e-5)
    assert not any(p.requires_grad for p in policy.model.tower.parameters())
    assert all(p.requires_grad for p in actor(env, train_tower=True).model.tower.parameters())


def test_the_anchor_is_the_distance_from_the_first_policy(env: FleetVecEnv) -> None:
    policy, obs = actor(env, anchor=True), seen(env)
    chain = policy(obs)[0]
    assert float(policy.evaluate_actions(obs, chain)[2].detach().abs().max()) < 1e-10  # type: ignore[union-attr]
    with torch.no_grad():
        policy.model.flow.out.bias += 0.5
    # The mirror image takes a bias back from what changes sides: y, roll and yaw; 4 of 7 numbers are left.
    apart = torch.full((3,), -0.25 * 4 / 7)
    assert torch.allclose(policy.evaluate_actions(obs, chain)[2], apart, atol=1e-3)  # type: ignore[arg-type]
    assert actor(env).evaluate_actions(obs, chain)[2] is None


@pytest.mark.parametrize("arguments", [{"power": 0.0}, {"power": 1.5}, {"log_std": (-2.0, -2.5)}])
def test_what_makes_no_sense_is_refused(env: FleetVecEnv, arguments: dict[str, object]) -> None:
    with pytest.raises(FieldError, match=next(iter(arguments))):
        actor(env, **arguments)


# ---- the environments ----------------------------------------------------------------------------------------------


def test_time_that_is_over_is_told_as_ppo_expects(env: FleetVecEnv) -> None:
    env.reset()
    infos: list[dict[str, object]] = []
    for _ in range(3):
        infos = env.step(np.zeros((3, 5 * 28), np.float32))[3]
    assert all(info["TimeLimit.truncated"] for info in infos)  # three chunks of four steps are the twelve
    for info in infos:
        last = info["terminal_observation"]
        assert last["state"][-1] == 1.0 and np.abs(last["state"]).sum() > 1.0  # type: ignore[index]
        assert info["episode"]["l"] == 12 and info["scene"] in SCENES  # type: ignore[index]
    assert env.observe()["state"][:, -1].tolist() == [0.0] * 3  # the next episodes have begun


def test_it_is_a_vec_env_of_stable_baselines(env: FleetVecEnv) -> None:
    ppo = PPO(FlowActorCritic, env, n_steps=4, batch_size=6, policy_kwargs={"model": new_policy()}, device="cpu")  # type: ignore[arg-type]
    ppo.learn(12)
    assert ppo.num_timesteps == 12


# ---- training ------------------------------------------------------------------------------------------------------


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("curve.csv", "model/model.safetensors", "scenes.json")]


def test_a_run_in_slices_is_the_run_in_one_piece(start: Path, tmp_path: Path) -> None:
    told: list[FlowProgress] = []
    assert train(start, SETTINGS, tmp_path / "whole", progress=told.append)
    assert [p.decisions for p in told] == [12, 24, 36, 48] and told[-1].wanted == 48
    runs = 0
    while not train(start, replace(SETTINGS, fleet=replace(FLEET, jobs=2)), tmp_path / "slices", seconds=0.0):
        runs += 1
    assert runs == 3
    assert files(tmp_path / "whole") == files(tmp_path / "slices")
    assert train(start, SETTINGS, tmp_path / "slices")  # nothing is left to do


def test_a_run_that_is_prolonged_is_the_longer_run(start: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, noise_end=0.5, noise_over=36)
    assert train(start, settings, tmp_path / "whole")
    for decisions in (24, 36, 48):
        assert train(start, replace(settings, decisions=decisions), tmp_path / "longer")
    assert files(tmp_path / "whole") == files(tmp_path / "longer")
    noise = [float(row["noise"]) for row in read_curve(tmp_path / "whole" / "curve.csv")]
    assert noise == pytest.approx([1.0, 1 - 0.5 / 3, 1 - 1 / 3, 0.5])


SCRIPT = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_ppo_flow import SETTINGS, train
torch.set_num_threads(1)
train(Path(sys.argv[1]), SETTINGS, Path(sys.argv[2]), save_every=1, progress=lambda p: print(p.decisions, flush=True))
"""


def test_killed_and_resumed_is_as_if_nothing_had_happened(start: Path, tmp_path: Path) -> None:
    assert train(start, SETTINGS, tmp_path / "whole")
    command = [sys.executable, "-c", SCRIPT, str(start), str(tmp_path / "killed"), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "24":
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert train(start, SETTINGS, tmp_path / "killed")
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


def test_the_critic_warms_up_alone(start: Path, tmp_path: Path) -> None:
    train(start, replace(SETTINGS, decisions=12, warmup=5), tmp_path)
    tensors = load_state(tmp_path / "training.safetensors")[0]
    first = new_policy().state_dict()
    assert all(torch.equal(tensors[f"model.model.{name}"], value) for name, value in first.items())
    assert float(tensors["model.critic.net.4.bias"].abs().max()) > 0.0


def test_the_rate_follows_the_divergence(start: Path, tmp_path: Path) -> None:
    train(start, replace(SETTINGS, kl=1e-9), tmp_path / "less")
    train(start, replace(SETTINGS, kl=100.0), tmp_path / "more")
    train(start, replace(SETTINGS, kl=0.0), tmp_path / "same")
    rates = {
        name: [float(row["lr"]) for row in read_curve(tmp_path / name / "curve.csv")]
        for name in ("less", "more", "same")
    }
    assert rates["less"][-1] < 1e-4 < rates["more"][-1] and set(rates["same"]) == {1e-4}


def test_the_divergence_it_follows_falls_geometrically_and_then_stays() -> None:
    settings = replace(SETTINGS, kl=2.0, kl_end=0.01, kl_over=1000)
    assert [settings.divergence(made) for made in (0, 500, 1000, 5000)] == pytest.approx([2.0, 0.2, 0.02, 0.02])
    assert replace(settings, kl_end=1.0).divergence(700) == 2.0


def test_the_rate_falls_with_the_divergence_it_follows(start: Path, tmp_path: Path) -> None:
    steady = replace(SETTINGS, kl=100.0, warmup=1)
    train(start, steady, tmp_path / "steady")
    train(start, replace(steady, kl_end=1e-12, kl_over=30), tmp_path / "falling")
    rate = {name: float(read_curve(tmp_path / name / "curve.csv")[-1]["lr"]) for name in ("steady", "falling")}
    assert rate["falling"] < rate["steady"]


@pytest.mark.parametrize("field", ["noise_end", "kl_end"])
@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_beyond_its_bounds_is_refused(field: str, share: float) -> None:
    with pytest.raises(FieldError, match=field):
        replace(SETTINGS, **{field: share})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"steps": 13, "fleet": replace(FLEET, count=1)}, "batch = 6: is not near a divisor of the 13 decisions"),
        ({"steps": 1, "fleet": replace(FLEET, count=1)}, "batch = 6: is not near a divisor of the 1 decisions"),
        ({"batch": 1}, "batch = 1: is not near a divisor"),
        (
            {"fleet": replace(FLEET, env=replace(FLEET.env, max_steps=10))},
            "max_steps = 10: is no multiple of the 4 steps of a decision",
        ),
    ],
)
def test_updates_and_episodes_are_of_whole_batches_and_decisions(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        replace(SETTINGS, **changes)
    # Of 12 decisions.
    assert [replace(SETTINGS, batch=batch).minibatch for batch in (2, 5, 6, 11, 512)] == [2, 4, 6, 6, 12]


def test_discount_is_that_of_a_chunk(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    learn = PPO.learn
    monkeypatch.setattr(PPO, "learn", lambda self, *a, **k: (found.append(self.gamma), learn(self, *a, **k))[1])
    train(start, replace(SETTINGS, decisions=12), tmp_path)
    assert found == [pytest.approx(0.99**4)]


def test_what_diverges_is_stopped(start: Path, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"update 1, batch \d: .*lower lr .*nothing had been kept yet"):
        train(start, replace(SETTINGS, lr=1e30, kl=0.0, warmup=0), tmp_path)
    assert not (tmp_path / "model").exists()


def test_weights_that_a_last_step_ruins_are_never_played_with(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses and divergence are of before the step: they look well."""
    steps, step = [0], torch.optim.Adam.step

    def ruined(self: torch.optim.Adam, *arguments: object) -> None:
        step(self, *arguments)  # type: ignore[arg-type]
        steps[0] += 1
        if steps[0] == 8:  # the last of the second update
            self.param_groups[0]["params"][0].data.fill_(float("inf"))

    monkeypatch.setattr(torch.optim.Adam, "step", ruined)
    with pytest.raises(Diverged, match="update 2, its last batch: weights are not finite"):
        train(start, SETTINGS, tmp_path)


def test_the_last_good_checkpoint_stays(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train(start, SETTINGS, tmp_path / "whole")
    evaluate, calls = FlowActorCritic.evaluate_actions, [0]

    def broken(self: FlowActorCritic, obs: dict[str, torch.Tensor], actions: torch.Tensor) -> object:
        calls[0] += 1
        # Four batches an update: the second batch of the third has a number that is none.
        return evaluate(self, obs, actions * (float("nan") if calls[0] == 10 else 1.0))

    with monkeypatch.context() as patched:
        patched.setattr(FlowActorCritic, "evaluate_actions", broken)
        with pytest.raises(Diverged, match=r"update 3, batch 2: .*training\.safetensors is from before"):
            train(start, SETTINGS, tmp_path / "broken", save_every=1)
    assert load_state(tmp_path / "broken" / "training.safetensors")[1]["decisions"] == 24
    assert train(start, SETTINGS, tmp_path / "broken")  # and it goes on from there as if nothing had been
    assert files(tmp_path / "whole") == files(tmp_path / "broken")


def test_successes_are_counted_by_scene(start: Path, tmp_path: Path) -> None:
    train(start, SETTINGS, tmp_path)
    counts = json.loads((tmp_path / "scenes.json").read_bytes())
    rows = read_curve(tmp_path / "curve.csv")
    assert set(counts) <= set(SCENES) and all(0 <= solved <= played for solved, played in counts.values())
    assert sum(played for _, played in counts.values()) == sum(float(row["episodes"]) for row in rows) > 0


def test_tensorboard_shows_the_curve(start: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(start, SETTINGS, tmp_path)
    board = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    shown = [(event.step, event.value) for event in board.Scalars("value_loss")]
    rows = read_curve(tmp_path / "curve.csv")
    assert [step for step, _ in shown] == [int(row["step"]) for row in rows]
    assert [value for _, value in shown] == pytest.approx([float(row["value_loss"]) for row in rows], rel=1e-4)


def test_an_anchor_holds_the_policy_back_and_resumes(start: Path, tmp_path: Path) -> None:
    def moved(folder: Path) -> float:
        first, last = new_policy().state_dict(), load_state(folder / "training.safetensors")[0]
        return sum(float((last[f"model.model.{name}"] - value).norm()) for name, value in first.items())

    free = replace(SETTINGS, lr=3e-3, kl=0.0, decisions=96)
    held = replace(free, anchor=100.0)
    assert train(start, free, tmp_path / "free") and train(start, held, tmp_path / "held")
    while not train(start, held, tmp_path / "slices", seconds=0.0):
        pass
    assert files(tmp_path / "held") == files(tmp_path / "slices")
    distance = [float(row["anchor"]) for row in read_curve(tmp_path / "held" / "curve.csv")]
    assert distance[-1] > 0.0 and moved(tmp_path / "held") < moved(tmp_path / "free")


def test_other_settings_other_environments_other_chunks_are_refused(start: Path, tmp_path: Path) -> None:
    train(start, SETTINGS, tmp_path, seconds=0.0)
    with pytest.raises(FieldError, match=r"clip = 0\.1: .* holds another training, with clip = 0\.2"):
        train(start, replace(SETTINGS, clip=0.1), tmp_path)
    with pytest.raises(FieldError, match=r"fleet\.env\.max_steps = 16: .* with fleet\.env\.max_steps = 12"):
        train(start, replace(SETTINGS, fleet=replace(FLEET, env=replace(FLEET.env, max_steps=16))), tmp_path)
    new_policy(1).save_pretrained(tmp_path / "elsewhere")
    with pytest.raises(FieldError, match="holds another training, with start = "):
        train(tmp_path / "elsewhere", SETTINGS, tmp_path)
    larger = replace(FLEET, env=replace(FLEET.env, size=32))
    with pytest.raises(ContractError, match="24"):
        train(start, replace(SETTINGS, fleet=larger), tmp_path / "other")
    with pytest.raises(FieldError, match="chunk"):
        train(start, replace(SETTINGS, fleet=replace(FLEET, chunk=2)), tmp_path / "chunks")
    train(start, replace(SETTINGS, decisions=24), tmp_path / "longer")
    with pytest.raises(FieldError, match="decisions = 12: is less than the 24 that were made"):
        train(start, replace(SETTINGS, decisions=12), tmp_path / "longer")


@pytest.mark.slow
def test_it_learns_what_is_rewarded(start: Path, tmp_path: Path) -> None:
    """A reward that a policy without eyes can find: shaping pays for coming near the target."""
    begin = time.monotonic()
    fleet = replace(FLEET, count=16, jobs=2, shaping=1.0, env=replace(FLEET.env, scenes=SCENES[:1], max_steps=24))
    train(start, replace(SETTINGS, fleet=fleet, decisions=16 * 8 * 60, steps=8, batch=64, epochs=4, lr=1e-3), tmp_path)
    rewards = [float(row["reward"]) for row in read_curve(tmp_path / "curve.csv") if row["reward"] != "nan"]
    assert np.mean(rewards[-10:]) > 1.2 * np.mean(rewards[:10]), time.monotonic() - begin
