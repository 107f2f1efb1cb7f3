"""gen3d train with Stable-Baselines3: what it writes can be evaluated, and a stop changes nothing that is learned."""

from __future__ import annotations

import csv
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import msgspec  # noqa: E402
from gen3d_envs.baselines import algorithms  # noqa: E402
from gen3d_envs.baselines.algorithms import ALGORITHMS, Algorithm, Report, TrainSettings, train  # noqa: E402
from gen3d_envs.baselines.plain.scale import LEAST, Scale, fold, measure  # noqa: E402
from gen3d_envs.baselines.plain.train import PPORecipe, SACRecipe  # noqa: E402
from gen3d_envs.baselines.policies import get_policy  # noqa: E402
from gen3d_envs.baselines.vla.checkpoint import load_state, save_state  # noqa: E402
from gen3d_envs.baselines.vla.learn import NotFinite  # noqa: E402
from helpers import ENGINE, PICK, REPOSITORY, SCENES, make  # noqa: E402

from gen3d_envs.cli import main  # noqa: E402
from gen3d_envs.errors import EngineUnavailable, FieldError, SceneError  # noqa: E402

CARD, CARD_ID = str(SCENES / "TestPickCube.json"), PICK
FAST = {"envs": "2", "max_steps": "10", "width": "16", "batch": "32", "save_every": "64"}
PPO = TrainSettings(
    "ppo", CARD, 192, jobs=0, physics=ENGINE, seed=3, options={**FAST, "rollout": "32", "epochs": "2"}
)  # fmt: skip
SAC = TrainSettings(
    "sac", CARD, 192, jobs=0, physics=ENGINE, seed=3,
    options={**FAST, "start": "40", "buffer": "120", "updates": "1"},
)  # fmt: skip
PIXELS = replace(
    PPO, obs="pixels", size=36, steps=32, options={**PPO.options, "rollout": "16", "epochs": "1"}
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """These networks are too small to share: several threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Stopped(Exception):
    """Stands for kill -9: nothing is written after it."""


def stop_at(step: int) -> algorithms.Tell:
    def tell(report: Report) -> None:
        if report.done >= step:
            raise Stopped

    return tell


def weights(folder: Path) -> dict[str, Any]:
    return load_state(folder / "training.safetensors")[0]


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One short training of each kind."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("ppo", "sac", "pixels")}
    for (name, folder), settings in zip(folders.items(), (PPO, SAC, PIXELS), strict=True):
        assert train(settings, folder) == folder / "policy.zip", name
    return folders


# ---- what is learned -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "settings"), [("ppo", PPO), ("sac", SAC)])
def test_a_stop_changes_nothing(trained: dict[str, Path], tmp_path: Path, name: str, settings: TrainSettings) -> None:
    with pytest.raises(Stopped):  # after the checkpoint at 64 and some steps that are lost
        train(settings, tmp_path, stop_at(128))
    before = weights(tmp_path)
    assert not same(before, weights(trained[name]))
    resumed = []
    train(settings, tmp_path, lambda report: resumed.append(report.resumed))
    assert set(resumed) == {64}
    assert same(weights(tmp_path), weights(trained[name]))
    assert (tmp_path / "curve.csv").read_bytes() == (trained[name] / "curve.csv").read_bytes()


def test_workers_change_nothing(trained: dict[str, Path], tmp_path: Path) -> None:
    train(replace(PPO, jobs=1), tmp_path)
    assert same(weights(tmp_path), weights(trained["ppo"]))


def test_more_steps_go_on_from_the_end(trained: dict[str, Path], tmp_path: Path) -> None:
    train(replace(PPO, steps=128), tmp_path)
    again = []
    train(replace(PPO, steps=128), tmp_path, again.append)
    assert again == []  # there was nothing left to do
    train(PPO, tmp_path)
    assert same(weights(tmp_path), weights(trained["ppo"]))


def test_another_seed_learns_something_else(trained: dict[str, Path], tmp_path: Path) -> None:
    train(replace(PPO, seed=4, steps=64), tmp_path)
    assert not same(weights(tmp_path), weights(trained["ppo"]))


def test_the_process_random_numbers_stay_as_they_are(tmp_path: Path) -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    wanted = torch.rand(2), np.random.rand(2)  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.set_num_threads(2)
    train(replace(PPO, steps=64), tmp_path)
    assert torch.equal(torch.rand(2), wanted[0]) and np.array_equal(np.random.rand(2), wanted[1])  # noqa: NPY002
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_the_curve_tells_how_it_went(trained: dict[str, Path]) -> None:
    for name in ("ppo", "sac"):
        with (trained[name] / "curve.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [int(row["step"]) for row in rows] == [64, 128, 192]
        assert all(0.0 <= float(row["success"]) <= 1.0 and float(row["length"]) <= 10.0 for row in rows)
        losses = ("value_loss", "approx_kl") if name == "ppo" else ("critic_loss", "ent_coef")
        assert all(math.isfinite(float(rows[-1][loss])) for loss in losses)


# ---- what it writes ------------------------------------------------------------------------------------------------


def test_a_policy_takes_states_as_the_environment_gives_them(trained: dict[str, Path]) -> None:
    """What was learned on scaled states acts the same on plain ones, in a file that is read without unpickling."""
    env = make(CARD_ID, obs_type="state")
    seen, _ = env.reset(seed=0)
    for name in ("ppo", "sac"):
        stored = weights(trained[name])
        scaled = (seen - stored["scale.mean"].numpy()) / stored["scale.std"].numpy()
        policy = get_policy(str(trained[name] / "policy.zip"), env)
        policy.reset("")
        layer, head = ("mlp_extractor.policy_net", "action_net") if name == "ppo" else ("actor.latent_pi", "actor.mu")
        x = torch.from_numpy(scaled)
        for index in (0, 2):
            x = x @ stored[f"policy.{layer}.{index}.weight"].T + stored[f"policy.{layer}.{index}.bias"]
            x = torch.tanh(x) if name == "ppo" else torch.relu(x)
        x = x @ stored[f"policy.{head}.weight"].T + stored[f"policy.{head}.bias"]
        wanted = (x.clamp(-1, 1) if name == "ppo" else torch.tanh(x)).numpy()
        assert np.allclose(policy.act(seen), wanted, atol=1e-4)


def test_a_policy_of_pixels_acts(trained: dict[str, Path]) -> None:
    env = make(CARD_ID, obs_type="pixels_agent_pos", observation_width=36, observation_height=36)
    seen, _ = env.reset(seed=0)
    policy = get_policy(str(trained["pixels"] / "policy.zip"), env)
    policy.reset("")
    first = policy.act(seen)
    other = policy.act({**seen, "pixels": 255 - seen["pixels"]})
    assert first.shape == (7,) and not np.array_equal(first, other)


def test_the_command_line_trains_and_evaluates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ppo"
    options = [part for name, value in PPO.options.items() for part in ("--set", f"{name}={value}")]
    arguments = ["--env", CARD, "--steps", "64", "--out", str(out), "--physics", ENGINE, *options]
    assert main(["train", "--algo", "ppo", *arguments]) == 0
    shown = capsys.readouterr()
    assert "64 of 64 steps" in shown.err
    command = next(line for line in shown.out.splitlines() if line.startswith("gen3d evaluate")).split()
    assert main([*command[1:], "--episodes", "1"]) == 0
    assert (out / "run.json").is_file()


@pytest.mark.slow
def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    """kill -9 for real, in another process."""
    options = [part for name, value in PPO.options.items() for part in ("--set", f"{name}={value}")]
    arguments = ["--env", CARD, "--steps", "640", "--seed", "3", "--physics", ENGINE, *options]
    command = [sys.executable, "-m", "gen3d_envs.cli", "train", "--algo", "ppo", *arguments, "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    process = subprocess.Popen([*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    while not (tmp_path / "killed" / "training.safetensors").is_file():
        assert process.poll() is None
    process.kill()
    process.wait()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    curves = [(tmp_path / name / "curve.csv").read_bytes() for name in ("whole", "killed")]
    assert curves[0] == curves[1] and same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


# ---- the scale -----------------------------------------------------------------------------------------------------


def test_folding_a_scale_into_weights_changes_nothing_but_the_units() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal([0.3, -2.0, 5.0], [0.01, 1.0, 30.0], (400, 3)).astype(np.float32)
    scale = measure(states)
    assert scale.std[0] == np.float32(LEAST) and np.allclose(scale(states).mean(0), 0.0, atol=1e-4)
    assert np.allclose(scale(states).std(0)[1:], 1.0, atol=1e-3)
    layer = torch.nn.Linear(5, 4)  # two numbers of an action behind the state
    actions = rng.normal(size=(400, 2)).astype(np.float32)
    folded = fold({"q.weight": layer.weight.detach(), "q.bias": layer.bias.detach()}, ("q",), scale)
    plain = torch.from_numpy(np.concatenate([states, actions], 1)) @ folded["q.weight"].T + folded["q.bias"]
    with torch.no_grad():
        wanted = layer(torch.from_numpy(np.concatenate([scale(states), actions], 1)))
    assert torch.allclose(plain, wanted, atol=1e-3)


def test_a_scale_is_put_into_every_layer_that_sees_the_state(trained: dict[str, Path]) -> None:
    for name in ("ppo", "sac"):
        stored = weights(trained[name])
        size = len(stored["scale.mean"])
        first = {
            key
            for key, value in stored.items()
            if key.startswith("policy.") and value.shape[1:] in ((size,), (size + 7,))
        }
        layers = {"ppo": 2, "sac": 5}
        assert len(first) == layers[name]
    assert Scale(np.zeros(1, np.float32), np.ones(1, np.float32))(np.ones((2, 1), np.float32)).tolist() == [[1], [1]]


# ---- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algo": "dqn"}, "algo = 'dqn': is not known. Use one of ppo, sac"),
        ({"obs": "smell"}, "Use one of state, pixels"),
        ({"steps": 0}, "steps = 0: is below 1"),
        ({"jobs": -1}, "jobs = -1"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        replace(PPO, **changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lrr": "1"}, "ppo has none. It has envs=16"),
        ({"lr": "fast"}, "Give a value of the right kind"),
        ({"batch": "1000"}, "is more than a rollout"),
        ({"envs": "0"}, "option envs = 0: is below 1"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        train(replace(PPO, options={**PPO.options, **options}), tmp_path)
    assert message in str(caught.value)


def test_other_settings_in_the_same_folder_are_refused(trained: dict[str, Path]) -> None:
    with pytest.raises(FieldError, match=r"seed = 5: .* holds another training, with seed = 3"):
        train(replace(PPO, seed=5), trained["ppo"])
    with pytest.raises(FieldError, match="holds another training, with algo = 'ppo'"):
        train(SAC, trained["ppo"])


def test_pictures_do_not_fit_a_replay_buffer(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="Use state, or --algo ppo"):
        train(replace(SAC, obs="pixels"), tmp_path)


def test_a_scene_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SceneError):
        train(replace(PPO, target="NoSuchScene-0000"), tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "without its moment", "of another network"])
def test_a_damaged_checkpoint_is_refused(trained: dict[str, Path], tmp_path: Path, damage: str) -> None:
    stored = trained["ppo"] / "training.safetensors"
    mine = tmp_path / "training.safetensors"
    shutil.copy(trained["ppo"] / "training.json", tmp_path)
    tensors, numbers = load_state(stored)
    if damage == "truncated":
        mine.write_bytes(stored.read_bytes()[:-50])
    elif damage == "without its moment":
        save_state(mine, tensors, {"best": numbers["best"]})
    else:
        save_state(mine, {**tensors, "policy.action_net.weight": torch.zeros(7, 99)}, numbers)
    with pytest.raises(FieldError, match=r"cannot be read|lacks steps|does not fit"):
        train(replace(PPO, steps=640), tmp_path)


def test_numbers_that_end_keep_the_last_checkpoint(tmp_path: Path) -> None:
    train(replace(PPO, steps=64), tmp_path)
    wild = replace(PPO, options={**PPO.options, "lr": "1e30"})
    settings = wild.fingerprint(wild.recipe(PPORecipe))
    (tmp_path / "training.json").write_text(json.dumps(settings))
    before = (tmp_path / "training.safetensors").read_bytes()
    with pytest.raises(NotFinite, match="is no number any more after step"):
        train(wild, tmp_path)
    assert (tmp_path / "training.safetensors").read_bytes() == before


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("gen3d_envs.baselines.plain")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(EngineUnavailable, match=r"ppo needs stable_baselines3: pip install 'gen3d-envs\[baselines\]'"):
        train(PPO, tmp_path)


RELEASED = str(REPOSITORY / "registry" / "checkpoints" / "flow-vla-imitation")
WITHOUT = "import runpy, sys; sys.modules['torch'] = None; sys.argv = sys.argv[1:]; "
GEN3D = "from gen3d_envs.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize(
    ("code", "arguments", "who"),
    [
        (GEN3D, "gen3d train --algo imitation --obs pixels --env Gen3D-Pick-v0 --steps 1 --out new", "imitation"),
        (GEN3D, "gen3d study --preset smoke --out new", "gen3d study"),
        (GEN3D, f"gen3d evaluate --policy {RELEASED} --env Gen3D-Pick-v0 --out new.json", RELEASED),
        (GEN3D, f"gen3d serve --policy {RELEASED} --env Gen3D-Pick-v0 --port 0", RELEASED),
        ("runpy.run_module('gen3d_envs.baselines.vla.eyes', run_name='__main__')", f"eyes {RELEASED}", "eyes"),
        ("runpy.run_module('gen3d_envs.baselines.vla.hands', run_name='__main__')", f"hands {RELEASED}", "hands"),
    ],
)  # fmt: skip
def test_without_torch_every_program_says_what_to_install(code: str, arguments: str, who: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT + code, *arguments.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith(f"{who} needs torch: pip install 'gen3d-envs[baselines]'")
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


# ---- the table -----------------------------------------------------------------------------------------------------


def test_a_new_algorithm_is_one_more_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ALGORITHMS, "nothing", Algorithm("nothing", "learns nothing", f"{__name__}:learn_nothing"))
    settings = TrainSettings("nothing", CARD, 5, options={"depth": "3"})
    assert train(settings, tmp_path) == tmp_path / "depth 3 of 5"
    arguments = ["--env", CARD, "--steps", "5", "--out", str(tmp_path), "--set", "depth=2"]
    assert main(["train", "--algo", "nothing", *arguments]) == 0


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of an algorithm."""

    depth: int = 1


def learn_nothing(settings: TrainSettings, out: Path, tell: algorithms.Tell) -> Path:
    recipe = settings.recipe(Nothing)
    tell(Report(settings.steps, settings.steps))
    return out / f"depth {recipe.depth} of {settings.steps}"


def test_options_have_defaults_and_kinds() -> None:
    assert PPO.recipe(PPORecipe).rollout == 32 and PPO.recipe(PPORecipe).clip == 0.2
    assert replace(SAC, options={"lr": "1e-3"}).recipe(SACRecipe) == SACRecipe(lr=1e-3)


def test_the_options_of_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["train", "--algo", "ppo", "--env", CARD, "--steps", "5", "--out", str(tmp_path)]
    assert main([*arguments, "--set", "lr"]) == 1
    assert "--set = 'lr': sets nothing. Write --set NAME=VALUE" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "--algo", "magic", "--env", CARD, "--steps", "5", "--out", str(tmp_path)])
    assert "'ppo'" in capsys.readouterr().err
