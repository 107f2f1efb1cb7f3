"""Learning to see and to imitate: labels tell the truth, training is deterministic, resumes exactly, stops at NaN."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gen3d_envs.baselines.ppo.fleet import FleetSettings
from gen3d_envs.baselines.vla.batches import Batches
from gen3d_envs.baselines.vla.config import FlowVLAConfig
from gen3d_envs.baselines.vla.demos import IDLE, QUESTIONS, Demos, DemoSettings, collect, make_part, moving
from gen3d_envs.baselines.vla.files import replace_folder
from gen3d_envs.baselines.vla.labels import COUNT, PLACES, Labeller, ask
from gen3d_envs.baselines.vla.learn import NotFinite, Progress, Recipe, fit
from gen3d_envs.baselines.vla.mix import make_mixed
from gen3d_envs.baselines.vla.model import EYES, FlowVLA
from gen3d_envs.baselines.vla.policy import load_flow_vla
from gen3d_envs.baselines.vla.pretrain import focus, heat_loss, imitate, locating_errors, new_model, see
from gen3d_envs.baselines.vla.scenes import EnvSettings, scenes_of
from gen3d_envs.baselines.vla.trial import trial
from helpers import full_disk
from hypothesis import given
from hypothesis import strategies as st

from gen3d_envs.assets.store import AssetStore
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import ContractError, FieldError
from gen3d_envs.scenes import load_scene
from gen3d_envs.spec import read_card, replace, to_card
from gen3d_envs.tasks.place import goal_area

SCENES = scenes_of("train", 4)
TINY = Recipe(steps=12, batch=16, save_every=3)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def env() -> Iterator[Gen3DEnv]:
    made = EnvSettings(scenes=SCENES, size=64).make()
    yield made
    made.close()


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Demos:
    settings = DemoSettings(env=EnvSettings(scenes=SCENES[:2], size=32), count=4)
    return collect(settings, tmp_path_factory.mktemp("demos") / "demos")


# ---- labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES)
def test_the_labelled_pixel_shows_the_target(env: Gen3DEnv, scene: str) -> None:
    seen = 0
    for seed in range(4):
        env.reset(seed=seed, options={"scene": scene})
        labeller = Labeller(env)
        labeller.begin()
        labels = labeller.read()
        assert labels.shape == (COUNT,) and np.isfinite(labels).all()
        u, v = labels[len(PLACES) : len(PLACES) + 2]
        if max(abs(u), abs(v)) > 0.9:
            continue  # out of the picture, or at its border
        segments = env.segmentation("front", 64, 64)
        x, y = int((u + 1) * 32), int((v + 1) * 32)
        target = env.scene.index(env.scene.spec.task.target)
        assert target is not None
        # 2 + i is object i. A grasp point may lie a pixel beside a thin thing, and under the arm that hides it.
        around = segments[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        seen += bool((around == 2 + target).any())
    assert seen >= 2


def test_a_question_is_about_the_object_that_it_names(env: Gen3DEnv) -> None:
    rng = np.random.default_rng(0)
    asked = set()
    for seed in range(24):
        env.reset(seed=seed, options={"scene": SCENES[seed % 4]})
        question = ask(env.scene.spec, rng)
        item = env.scene.spec.objects[question.target]
        assert item.description in question.instruction
        asked.add(item.role)
        labeller = Labeller(env)
        labeller.begin(question)
        place = np.array(env.world.body_pose(question.target)[0]) - env.snapshot().base_m
        assert np.linalg.norm(labeller.read()[:2] - place[:2]) < 0.15  # a grasp is on the thing
    assert asked == {"target", "receptacle", "distractor"}


def test_labels_follow_what_is_carried(env: Gen3DEnv) -> None:
    from gen3d_envs.experts.scripted import ScriptedExpert

    _, info = env.reset(seed=0, options={"scene": SCENES[1]})
    labeller, expert = Labeller(env), ScriptedExpert(env)
    labeller.begin()
    expert.reset(info["instruction"])
    before = labeller.read()[2]
    for _ in range(60):
        _, _, ended, _, _ = env.step(expert.act())
        if ended:
            break
    assert labeller.read()[2] > before + 0.04  # Pick: it was lifted


# ---- the loss of maps ----------------------------------------------------------------------------------------------


def test_the_map_that_responds_in_the_right_place_is_best() -> None:
    views = torch.tensor([[[0.5, -0.25], [0.0, 0.0]]])
    losses = {}
    for x, y in ((12, 6), (11, 6), (4, 12)):
        heat = torch.zeros(1, 2, 16, 16)
        heat[0, 0, y, x] = 8.0
        losses[x, y] = float(heat_loss(heat, views))
    assert losses[12, 6] == losses[11, 6] < losses[4, 12]  # 0.5 of 16 pixels lies between the 12th and the 11th


def test_what_is_out_of_the_picture_counts_not() -> None:
    heat = torch.randn(1, 2, 8, 8)
    inside = heat_loss(heat[:, :1].repeat(1, 2, 1, 1), torch.tensor([[[0.1, 0.1], [0.1, 0.1]]]))
    assert torch.allclose(heat_loss(heat, torch.tensor([[[0.1, 0.1], [1.2, 0.0]]])), inside)
    assert float(heat_loss(heat, torch.full((1, 2, 2), 2.0))) == 0.0


# ---- training ------------------------------------------------------------------------------------------------------


def run(model: FlowVLA, demos: Demos, folder: Path, recipe: Recipe = TINY, train_tower: bool = True) -> list[Progress]:
    return list(imitate(model, demos, folder, recipe, train_tower=train_tower))


# ---- waiting -------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from((0.0, 0.04, 0.5, -1.0)), st.sampled_from((-1.0, 1.0))), min_size=1, max_size=30)
)
def test_only_waiting_is_left_out(steps: list[tuple[float, float]]) -> None:
    actions = np.array([[0.0, size, 0.0, 0.0, 0.0, 0.0, grip] for size, grip in steps], np.float32)
    rows = moving(actions)
    assert rows[0] == 0 and rows[-1] == len(steps) - 1 and rows == sorted(set(rows))
    kept = set(rows)
    for row, (size, grip) in enumerate(steps):
        still = abs(size) < IDLE and row > 0 and grip == steps[row - 1][1]
        ahead = any(
            abs(later) >= IDLE or after != before
            for (later, after), (_, before) in zip(steps[row + 1 :], steps[row:], strict=False)
        )
        assert (row in kept) == (not still or not ahead)


def test_a_demonstration_never_waits_before_it_goes_on(demos: Demos) -> None:
    arrays = demos.arrays
    for k in range(len(demos.scenes)):
        actions = arrays["actions"][arrays["episodes"] == k]
        assert len(moving(actions)) == len(actions) > 8
        assert set(np.unique(actions[:, -1])) <= {-1.0, 1.0}


# ---- imitation -----------------------------------------------------------------------------------------------------


def test_a_policy_that_acts_keeps_what_its_numbers_mean(demos: Demos, tmp_path: Path) -> None:
    first = new_model("micro", demos.contract, 0)
    run(first, demos, tmp_path / "first", train_tower=False)
    first.config.action_std = [2.0 * std for std in first.config.action_std]
    known = first.config.to_dict()
    run(first, demos, tmp_path / "second", train_tower=False)
    kept = load_flow_vla(tmp_path / "second" / "model").config.to_dict()
    names = [name for name in known if name.endswith(("_mean", "_std"))]
    assert len(names) == 6 and [kept[name] for name in names] == [known[name] for name in names]


def test_a_frozen_tower_keeps_what_it_knows(demos: Demos, tmp_path: Path) -> None:
    model = new_model("micro", demos.contract, 0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    steps = run(model, demos, tmp_path, Recipe(steps=200, batch=32, lr=3e-3, save_every=10), train_tower=False)
    assert steps[-1].figures["flow"] < 0.95 * steps[0].figures["flow"]
    changed = {name.partition(".")[0] for name, tensor in model.state_dict().items() if not tensor.equal(before[name])}
    assert changed == {"join", "flow"}


def test_it_learns(demos: Demos, tmp_path: Path) -> None:
    recipe = Recipe(steps=60, batch=32, lr=3e-3, save_every=10)
    looks = list(see(new_model("micro", demos.contract, 0), demos, tmp_path / "see", recipe))
    assert looks[-1].figures["loss"] < 0.8 * looks[0].figures["loss"]
    steps = run(load_flow_vla(tmp_path / "see" / "model"), demos, tmp_path / "bc", recipe)
    assert steps[-1].figures["flow"] < 0.95 * steps[0].figures["flow"]


@pytest.mark.parametrize("scene", SCENES)
def test_labels_tell_how_wide_and_high_a_goal_is_and_how_far_a_thing_hangs(env: Gen3DEnv, scene: str) -> None:
    env.reset(seed=3, options={"scene": scene})
    labeller = Labeller(env)
    labeller.begin()
    told = dict(zip(PLACES, labeller.read().astype(float), strict=False))
    foot = env.snapshot().base_m[2]
    assert told["grasp z"] + foot == pytest.approx(told["hang"], abs=0.002), "it stands on the table"
    task = env.scene.spec.task
    holder = env.scene.index(task.receptacle)
    if holder is None:
        assert told["room"] == 0.0 and [told["goal x"], told["goal y"], told["rim z"]] == [
            told["grasp x"], told["grasp y"], told["grasp z"],
        ]  # fmt: skip
        return
    assert task.predicate is not None
    asset, area = env.scene.assets[holder], goal_area(env.scene.assets[holder], task.predicate)
    assert told["room"] == pytest.approx(min(area.half_x_m, area.half_y_m), abs=1e-6)
    rim = asset.cavity.rim_z_m if asset.cavity is not None else area.low_m
    assert told["rim z"] + foot == pytest.approx(env.world.body_pose(holder)[0][2] + rim, abs=1e-6)
    assert told["goal z"] < told["rim z"] + 0.01


# In steps so small that both stay the same network, all figures are; in others the losses: of a map that says nothing
# yet rounding decides which pixel is the highest, and so the errors in mm.
@pytest.mark.parametrize(("lr", "compared"), [(1e-5, 7), (1e-3, 3)])
def test_looking_at_half_precision_is_nearly_the_same_and_measured_in_full(
    demos: Demos, tmp_path: Path, lr: float, compared: int
) -> None:
    models = [new_model("micro", demos.contract, 0) for _ in range(2)]
    made = [
        list(see(model, demos, tmp_path / str(half), Recipe(steps=12, batch=16, lr=lr, save_every=3, half=half)))
        for model, half in zip(models, (False, True), strict=True)
    ]
    names = list(made[0][0].figures)
    assert names[:3] == ["loss", "heat", "place"] and len(names) == 7
    full, half = (np.array([list(progress.figures.values()) for progress in each])[:, :compared] for each in made)
    np.testing.assert_allclose(half, full, rtol=0.03)
    assert not np.array_equal(half, full)
    rows = np.arange(60)
    errors = [locating_errors(models[1], Batches(demos, models[1], rows, each), rows) for each in (False, True)]
    assert errors[0] == errors[1], "measured in full"
    assert all(tensor.dtype == torch.float32 for tensor in models[1].state_dict().values())
    with pytest.raises(FieldError, match="holds another training"):
        next(see(new_model("micro", demos.contract, 0), demos, tmp_path / "True", TINY))


def test_eyes_may_be_taken_over(demos: Demos, tmp_path: Path) -> None:
    seer, taker = (new_model("micro", demos.contract, seed) for seed in (0, 1))
    for _ in see(seer, demos, tmp_path, Recipe(steps=4, batch=8, lr=1e-3)):
        pass
    own = {name: tensor.clone() for name, tensor in taker.state_dict().items()}
    taker.take_eyes(seer)
    for name, tensor in taker.state_dict().items():
        whose = own if name.startswith(("join.", "flow.")) else seer.state_dict()
        assert tensor.equal(whose[name]), name
    assert taker.config.label_mean == seer.config.label_mean != FlowVLAConfig().label_mean
    with pytest.raises(FieldError, match=r"eyes = .*: is not this model.s channels"):
        new_model("tiny", demos.contract, 0).take_eyes(seer)


def test_how_one_looks_closer_does_not_depend_on_what_one_does_about_places(demos: Demos, tmp_path: Path) -> None:
    heads = [new_model("micro", demos.contract, seed) for seed in (0, 1)]
    heads[1].take_eyes(heads[0])
    for index, model in enumerate(heads):
        for _ in focus(model, demos, demos, tmp_path / str(index), TINY):
            pass
    for name in EYES:
        for one, other in zip(*(getattr(model, name).parameters() for model in heads), strict=True):
            assert one.equal(other)
    assert not heads[0].flow.into.weight.equal(heads[1].flow.into.weight)


def test_who_looks_closer_sees_better_and_acts_on_places_as_before(demos: Demos, tmp_path: Path) -> None:
    model = new_model("micro", demos.contract, 0)
    run(model, demos, tmp_path / "imitate", train_tower=False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    statistics = list(model.config.label_mean), list(model.config.proprio_mean), list(model.config.action_mean)
    recipe = Recipe(steps=60, batch=16, lr=1e-3, save_every=20)
    looks = list(focus(model, demos, demos, tmp_path / "focus", recipe))
    assert looks[-1].figures["place"] < looks[0].figures["place"]
    changed = {name.partition(".")[0] for name, tensor in model.state_dict().items() if not tensor.equal(before[name])}
    assert changed == {"text", "tower", "locate"}
    assert statistics == (model.config.label_mean, model.config.proprio_mean, model.config.action_mean)
    assert load_flow_vla(tmp_path / "focus" / "model").config.contract == model.config.contract


@pytest.mark.parametrize("train_tower", [True, False])
def test_a_run_in_slices_is_the_run_in_one_piece(demos: Demos, tmp_path: Path, train_tower: bool) -> None:
    whole = run(new_model("micro", demos.contract, 0), demos, tmp_path / "whole", train_tower=train_tower)
    for number in range(4):
        model = new_model("micro", demos.contract, 0)
        made = list(imitate(model, demos, tmp_path / "slices", TINY, seconds=0.0, train_tower=train_tower))
        # Each begins with what the one before ended with.
        wanted = whole[max(0, number - 1) : number + 1]
        assert [(p.step, p.figures) for p in made] == [(p.step, p.figures) for p in wanted]
        assert (tmp_path / "slices" / "model").is_dir() == (number == 3)  # what is half learned is no policy
    one, other = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "slices"))
    assert one.read_bytes() == other.read_bytes()


def test_what_was_learned_is_a_policy(demos: Demos, tmp_path: Path) -> None:
    run(new_model("micro", demos.contract, 0), demos, tmp_path)
    model = load_flow_vla(tmp_path / "model")
    fleet = FleetSettings(env=EnvSettings(scenes=SCENES[:2], size=32, max_steps=8), count=2, jobs=0)
    found = trial(model, fleet, 3)
    assert [outcome.k for outcome in found.episodes] == [0, 1, 2]
    assert {outcome.episode_steps for outcome in found.episodes} == {8}
    assert found.success == 0.0 and sum(n for _, n in found.scenes.values()) == 3
    assert found == trial(model, FleetSettings(env=fleet.env, count=1, jobs=0), 3)  # however many play at once


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(demos: Demos, tmp_path: Path) -> None:
    model = new_model("micro", demos.contract, 0)

    def loss(step: int, rng: np.random.Generator, noise: torch.Generator) -> tuple[torch.Tensor, dict[str, float]]:
        loss.calls += 1  # type: ignore[attr-defined]
        weight = model.flow.out.weight.square().sum()
        return weight * (float("nan") if loss.calls > 5 else 1.0), {}  # type: ignore[attr-defined]

    loss.calls = 0  # type: ignore[attr-defined]
    steps = fit(model, loss, TINY, tmp_path)
    assert next(steps).step == 3
    kept = (tmp_path / "training.safetensors").read_bytes()
    with pytest.raises(NotFinite, match=r"step 5: .*lower the learning rate"):
        list(steps)
    assert (tmp_path / "training.safetensors").read_bytes() == kept


def test_a_full_disk_keeps_the_last_checkpoint(demos: Demos, tmp_path: Path) -> None:
    model, kept = new_model("micro", demos.contract, 0), tmp_path / "training.safetensors"
    steps = imitate(model, demos, tmp_path, TINY)
    assert next(steps).step == 3
    before = kept.read_bytes()
    with full_disk(2000), pytest.raises(OSError, match=r"cannot be written .*training\.safetensors"):
        next(steps)
    assert kept.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == [kept.name]
    went_on = run(new_model("micro", demos.contract, 0), demos, tmp_path)
    assert [progress.step for progress in went_on] == [3, 6, 9, 12]


def test_a_full_disk_keeps_the_last_model(demos: Demos, tmp_path: Path) -> None:
    first, second = (new_model("micro", demos.contract, seed) for seed in (0, 1))
    replace_folder(tmp_path / "model", lambda path: first.save_pretrained(path))
    with full_disk(8000), pytest.raises(OSError, match=r"cannot be written .*model"):
        replace_folder(tmp_path / "model", lambda path: second.save_pretrained(path))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert load_flow_vla(tmp_path / "model").flow.into.weight.equal(first.flow.into.weight)


def test_a_full_disk_keeps_the_demonstrations_that_are_there(tmp_path: Path) -> None:
    settings, made = DemoSettings(env=EnvSettings(scenes=SCENES[:1], size=48), count=2), tmp_path / "demos"
    for k in range(2):
        (made / f"parts-{settings.digest}").mkdir(parents=True, exist_ok=True)
        make_part(settings, made / f"parts-{settings.digest}", k)
    parts = list(made.iterdir())
    with full_disk(20_000), pytest.raises(OSError, match="File too large"):
        collect(settings, made)
    assert list(made.iterdir()) == parts and len(list(parts[0].iterdir())) == 2
    frames = collect(settings, made)
    assert frames.pixels(np.arange(len(frames))).max() > 0 and not parts[0].exists()


def test_another_training_or_a_damaged_one_is_refused(demos: Demos, tmp_path: Path) -> None:
    run(new_model("micro", demos.contract, 0), demos, tmp_path)
    with pytest.raises(FieldError, match=r"batch = 8: .* holds another training, with batch = \d"):
        run(new_model("micro", demos.contract, 0), demos, tmp_path, Recipe(steps=12, batch=8, lr=1e-3, save_every=3))
    path = tmp_path / "training.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FieldError, match="cannot be read"):
        run(new_model("micro", demos.contract, 0), demos, tmp_path)


def test_demonstrations_of_other_environments_are_refused(demos: Demos, tmp_path: Path) -> None:
    longer = replace(demos.contract, horizon_steps=40)
    other = new_model("micro", demos.contract, 0)
    other.config.contract = longer.to_json()
    list(imitate(other, demos, tmp_path / "longer", TINY))  # the length of episodes is nothing to it
    other.config.contract = replace(demos.contract, control_hz=10).to_json()
    with pytest.raises(ContractError, match="control_hz"):
        list(imitate(other, demos, tmp_path / "faster", TINY))


@pytest.mark.parametrize("arguments", [{"keep": 0.0}, {"keep": 1.5}, {"noise": -0.1}, {"count": 0}, {"clumsy": 1.0}])
def test_bad_settings(arguments: dict[str, float]) -> None:
    with pytest.raises(FieldError, match=next(iter(arguments))):
        DemoSettings(env=EnvSettings(scenes=SCENES), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("clumsy", [0.0, 0.3])
def test_only_the_clumsy_show_what_to_do_with_an_empty_fist(clumsy: float, tmp_path: Path) -> None:
    """Open it, and go on; whatever happens, the demonstration ends with success."""
    settings = DemoSettings(env=EnvSettings(scenes=SCENES[:1], size=16), count=3, noise=0.0, clumsy=clumsy)
    frames = collect(settings, tmp_path / "frames")
    shut = np.array(frames.arrays["agent_pos"])[:, -1] < 0.05
    opens = np.array(frames.arrays["actions"])[:, -1] > 0.0
    assert (shut & opens).any() == (clumsy > 0.0)


def test_frames_for_seeing_ask_about_other_things_too(tmp_path: Path) -> None:
    settings = DemoSettings(env=EnvSettings(scenes=SCENES[:2], size=16), count=2, keep=0.5, seeing=True)
    frames = collect(settings, tmp_path / "frames")
    asked, labels = frames.arrays["tokens"], frames.arrays["labels"]
    assert asked.shape[:2] == labels.shape[:2] == (len(frames), QUESTIONS)
    first = {tuple(row) for row in asked[:, 0]}
    assert len(first) == 2 and len({tuple(row) for row in asked.reshape(-1, asked.shape[-1])}) > 2
    same = [(asked[i, 0] == asked[i, q]).all() for i in range(len(frames)) for q in range(1, QUESTIONS)]
    assert not all(same)


def test_a_row_is_one_question_about_one_frame(tmp_path: Path) -> None:
    settings = DemoSettings(env=EnvSettings(scenes=SCENES[:2], size=16), count=2, keep=0.2, seeing=True)
    frames = collect(settings, tmp_path / "frames")
    batches = Batches(frames, new_model("micro", frames.contract, 0), np.array([1]))
    assert batches.rows.tolist() == [QUESTIONS + q for q in range(QUESTIONS)]
    row = batches.rows[2:3]
    config = batches._model.config
    wanted = frames.arrays["labels"][1, 2, : len(PLACES)]
    found = batches.labels(row)[0] * torch.tensor(config.label_std) + torch.tensor(config.label_mean)
    assert np.allclose(found, wanted, atol=1e-5)
    assert np.allclose(batches.proprio(row)[0], frames.arrays["agent_pos"][1])
    assert np.allclose(batches.chunks(row)[0, 0], frames.arrays["actions"][1])


# ---- mixed scenes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``gen3d generate`` leaves it, of released scenes."""
    folder = tmp_path_factory.mktemp("bank")
    store = AssetStore((folder / "assets",))
    for name in SCENES:
        scene = load_scene(name)
        for asset in scene.assets:
            store.put(asset)
        (folder / f"{name}.json").write_bytes(to_card(scene.spec))
    return folder


def test_mixed_scenes_are_the_same_whoever_makes_them(bank: Path, tmp_path: Path) -> None:
    names = make_mixed(bank, tmp_path / "one", 6, seed=3)
    assert names == make_mixed(bank, tmp_path / "two", 6, seed=3, jobs=2)
    for name in names:
        assert (tmp_path / "one" / f"{name}.json").read_bytes() == (tmp_path / "two" / f"{name}.json").read_bytes()
    assert make_mixed(bank, tmp_path / "one", 7, seed=3)[:6] == names  # more of them: what is there stays
    with pytest.raises(FieldError, match="other scenes"):
        make_mixed(bank, tmp_path / "one", 6, seed=4)


def test_mixed_scenes_say_what_they_show(bank: Path, tmp_path: Path) -> None:
    companies = set()
    for name in make_mixed(bank, tmp_path / "mixed", 12, seed=0):
        card = read_card(tmp_path / "mixed" / f"{name}.json")
        assert card.target.description in card.instruction
        assert len({item.category for item in card.objects}) == len(card.objects)
        assert not card.certificates
        companies.add(tuple(item.category for item in card.objects))
        env = EnvSettings(scenes=(name,), size=16, folder=str(tmp_path / "mixed")).make()
        env.reset(seed=0, options={"scene": name})
        assert env.task_description == card.instruction
        env.close()
    assert len(companies) > 8
