"""The study: its order, its table, its curve, its settings; and its parts as ``gen3d train`` runs them."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from gen3d_envs.baselines.algorithms import TrainSettings, train
from gen3d_envs.baselines.ppo.fleet import FleetSettings
from gen3d_envs.baselines.study import measure, stages
from gen3d_envs.baselines.study.command import study, ways
from gen3d_envs.baselines.study.measure import found, order
from gen3d_envs.baselines.study.page import html
from gen3d_envs.baselines.study.plot import png, svg
from gen3d_envs.baselines.study.settings import PRESETS, StudySettings, measured_name, parse_measured, training_name
from gen3d_envs.baselines.study.stages import OutOfTime, Study
from gen3d_envs.baselines.study.table import (
    CONTROLS,
    OTHER,
    PLACES,
    Trained,
    apart,
    markdown,
    misled,
    time_ratio,
)
from gen3d_envs.baselines.vla import entry
from gen3d_envs.baselines.vla.checkpoint import load_state
from gen3d_envs.baselines.vla.curve import read_curve
from gen3d_envs.baselines.vla.demos import Demos
from gen3d_envs.baselines.vla.labels import PLACES as LABELS
from gen3d_envs.baselines.vla.learn import Progress
from gen3d_envs.baselines.vla.model import FlowVLA
from gen3d_envs.baselines.vla.policy import load_flow_vla
from gen3d_envs.baselines.vla.pretrain import new_model

from gen3d_envs.cli import main
from gen3d_envs.errors import FieldError
from gen3d_envs.evaluation.leaderboard import results_folder
from gen3d_envs.evaluation.plan import Plan
from gen3d_envs.evaluation.provenance import policy_sha256
from gen3d_envs.evaluation.result import EpisodeRow, Result, read_result
from gen3d_envs.processes import run_all

pytestmark = pytest.mark.usefixtures("one_thread")


def episode(scene: int, index: int, seconds: float | None, axis: str) -> EpisodeRow:
    return EpisodeRow(
        scene=f"S{scene}", axis=axis, index=index, seed=index, start="0" * 16, instruction="",
        success=seconds is not None,
        outcome="success" if seconds is not None else "dropped", partial=seconds is not None, steps=10,
        time_to_success_s=seconds,
    )  # fmt: skip


class Rows:
    """As much of a result as the table reads."""

    def __init__(self, times: list[float | None], axis: str = "train") -> None:
        self.episodes = tuple(episode(i // 2, i % 2, each, axis) for i, each in enumerate(times))


def trained(name: str, *seeds: list[float | None], decisions: int = 64) -> Trained:
    results: dict[int, Result] = {seed: Rows(times) for seed, times in enumerate(seeds)}  # type: ignore[misc]
    return Trained(name, {"train": results, "heldout": results}, decisions)


IMITATION = trained("imitation", [10.0, None, 8.0, None], decisions=0)
TEN = trained("10", [5.0, 6.0, 8.0, None], [5.0, 6.0, None, None])


def test_the_table_pools_seeds_and_shows_the_papers_figures() -> None:
    lines = markdown([IMITATION, TEN, trained("100", [4.0] * 4)]).splitlines()
    assert "imitation only | 0 | 1 | 50.0 % (15.0 to 85.0, 4)" in lines[2] and "9.7 %, 23.7 %" in lines[2]
    assert "10 generated | 64 | 2 | 62.5 %" in lines[3] and "72.1 %" in lines[3]
    assert "100 generated | 64 | 1 | 100.0 %" in lines[4]
    assert lines[3].split("|")[6].strip() == ""  # the hand-made scenes were not measured
    assert lines[3].split("|")[8].strip() == ""  # nor with other instructions


def test_what_was_only_looked_at_is_not_what_was_trained_in() -> None:
    looked = trained("100", [4.0, None, None, None], decisions=0)
    line = markdown([IMITATION, looked]).splitlines()[3]
    assert line.startswith("| 100 generated, closer look alone | 0 | 1 | 25.0 %") and "79.8 %" not in line


def test_the_table_shows_every_seed_and_what_more_scenes_bring() -> None:
    one, hundred = trained("1", [5.0, None, None, None], [None] * 4), trained("100", [5.0] * 4, [5.0, 5.0, 5.0, None])
    table, differences = markdown([IMITATION, one, hundred]).split("\n\n")
    assert "; by seed 25.0, 0.0 |" in table and "; by seed 100.0, 75.0 |" in table
    lines = differences.splitlines()[2:]
    assert [line.split("|")[1:4] for line in lines] == [
        [" 1 to 100 generated scenes, in held-out scenes ", " 64 ", " 2 "],
        [" 1 to 100 generated scenes, in the training scenes ", " 64 ", " 2 "],
    ]
    assert all("| 75.0 (" in line for line in lines)


def test_a_difference_knows_other_seeds_and_other_episodes() -> None:
    same = [{("S", k): k < 50 for k in range(100)}] * 2
    better = [{("S", k): k < 70 for k in range(100)}] * 2
    paired, free = apart(same, better, paired=True), apart(same, better, paired=False)
    assert paired is not None and free is not None and paired.mean == pytest.approx(0.2) == free.mean
    assert free.high - free.low > paired.high - paired.low  # what both do in one episode is compared
    split = apart(same, [{("S", k): True for k in range(100)}, {("S", k): k < 40 for k in range(100)}], paired=True)
    assert split is not None and split.low < 0.0 < split.high  # seeds that disagree say little
    assert apart(same, [], paired=True) is None and apart(same, [{}], paired=True) is None


def test_the_table_tells_whether_words_are_read() -> None:
    told: Result = Rows([5.0, None, None, None], axis=OTHER)  # type: ignore[assignment]
    led = Trained("10", {**trained("10", [5.0, 6.0, 8.0, None]).results, CONTROLS: {0: told}}, 64)
    assert misled(led) == (0.75, 0.25, (0,))
    assert "| 75.0 % to 25.0 % |" in markdown([led])
    # Of two seeds one was told otherwise: it is compared with itself.
    both = trained("10", [None] * 4, [5.0, 6.0, None, None])
    led = Trained("10", {**both.results, CONTROLS: {1: told}}, 64)
    assert misled(led) == (0.5, 0.25, (1,))
    assert "| 50.0 % to 25.0 %, seed 1 |" in markdown([led])


def test_times_are_compared_in_episodes_that_both_solve() -> None:
    found = time_ratio(IMITATION, TEN, "train")
    assert found is not None
    # Both solve the first (10 against 5, and 5) and the third (8 against 8).
    assert found.mean == pytest.approx((10 + 8 + 10) / (5 + 8 + 5))
    assert found.low <= found.mean <= found.high
    assert time_ratio(IMITATION, trained("1", [None] * 4), "train") is None


def test_the_released_table_is_that_of_the_released_episodes() -> None:
    kept = results_folder() / "study"
    assert (kept / "table.md").read_text().strip() == markdown(found(kept))


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        ("flow-vla-imitation", "imitation"),
        ("flow-vla-1", "n1-s0-300000"),
        ("flow-vla-100", "n100-s0-300000"),
        ("flow-vla-handmade", "handmade-s0-100000"),
    ],
)
def test_the_cards_of_the_released_policies_tell_their_results(policy: str, name: str) -> None:
    card = (results_folder().parent / "checkpoints" / policy / "README.md").read_text()
    measured = [read_result(results_folder() / "study" / f"{name}-{split}.json").episodes for split in PLACES]
    figures = [f"{100 * sum(row.success for row in rows) / len(rows):.1f} %" for rows in measured]
    assert f"| {' | '.join(figures)} |" in card
    kept = read_result(results_folder() / "study" / f"{name}-heldout.json").provenance.policy_sha256
    assert kept == policy_sha256(str(results_folder().parent / "checkpoints" / policy))


def test_the_curve_is_drawn(tmp_path: Path) -> None:
    drawn = svg([IMITATION, TEN, trained("100", [4.0] * 4)])
    assert len(ElementTree.fromstring(drawn).findall("{*}circle")) == 2 * 3 + 3  # two splits of three, and the legend
    assert png([IMITATION]).startswith(b"\x89PNG")


def test_the_page_shows_what_was_found_and_how_it_went(tmp_path: Path) -> None:
    for name, rows in (("n100-s0", "10,nan\n20,0.25\n30,0.5\n"), ("n1-s0", "20,0.75\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "curve.csv").write_text("decisions,success_recent\n" + rows)
    (tmp_path / "imitation").mkdir()
    (tmp_path / "imitation" / "curve.csv").write_text("step,flow\n1,0.5\n")
    went = ways(tmp_path)
    assert went == {"n1-s0": [(20.0, 0.75)], "n100-s0": [(20.0, 0.25), (30.0, 0.5)]}
    page = html([IMITATION, TEN], went, StudySettings(eyes="a<b"))
    assert page.count("<svg") == 2 and page.count("<polyline") == 2 and ">n100-s0<" in page
    assert "10 generated" in page and "a&lt;b" in page and "a<b" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")  # it fetches nothing
    assert html([IMITATION], {}, StudySettings()).count("<svg") == 1
    seeds = html([IMITATION], {**went, "n1-s1": went["n1-s0"]}, StudySettings())
    lines = re.findall(r'<polyline[^>]*stroke="(\S+)"', seeds)
    assert len(lines) == 3 and len(set(lines)) == 2 and ">n1, 2 seeds<" in seeds and ">n100-s0<" in seeds


def test_the_curve_compares_trainings_of_one_length() -> None:
    longer, shorter = trained("100", [4.0] * 4, decisions=1000), trained("100", [9.0, 9.0, 9.0, None])
    plain, ringed = svg([IMITATION, TEN, shorter]), svg([IMITATION, TEN, shorter, longer])
    assert "fine-tuning, 64 decisions" in plain and "fine-tuning, 64 decisions" in ringed
    # The longer one's two splits are rings, of two circles each, beside the same lines; and one in the legend.
    assert ringed.count("<circle") == plain.count("<circle") + 3 * 2 and ringed.count("<path") == plain.count("<path")
    assert ">1,000 decisions<" in ringed and ">1,000 decisions<" not in plain
    assert "fine-tuning, 1,000 decisions" in svg([IMITATION, TEN, longer])  # one each: the longest
    before = trained("100", [4.0] * 4, decisions=0)
    assert svg([IMITATION, before, longer]) == svg([IMITATION, longer])


def test_the_curve_shows_the_specialist_apart() -> None:
    plain, special = svg([IMITATION, TEN]), svg([IMITATION, TEN, trained("handmade", [4.0, None])])
    assert ">3 hand-made<" in special and ">3 hand-made<" not in plain
    # Both splits with their interval, and the paper's: no line leads there.
    assert special.count("<circle") == plain.count("<circle") + 2 + 1
    assert special.count("<path") == plain.count("<path") + 2


def test_the_headline_comes_first() -> None:
    assert order(StudySettings()) == [100, 1, 50, 25, 10, 0]
    assert order(StudySettings(), only="25") == [25] and order(StudySettings(), only="imitation") == []
    assert order(StudySettings(), only="handmade") == [0]
    with pytest.raises(FieldError, match="Use one of imitation, 100, 1"):
        order(StudySettings(), only="7")
    assert order(StudySettings(counts=(10,))) == [10]
    assert training_name(0, 1) == "handmade-s1" and training_name(25, 0) == "n25-s0"


def test_every_policy_is_measured_on_every_split_and_the_largest_with_other_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an order in which the headline comes first; what a released table is made of, without the work."""
    made: list[tuple[str, str | None, tuple[str, ...], int]] = []

    def evaluated(plan: Plan, out: Path, jobs: int, name: str, **_: object) -> None:
        made.append((name, plan.settings.split, plan.settings.axes, len(plan.scenes)))

    monkeypatch.setattr(measure, "evaluate", evaluated)
    for stage in ("imitation", "focused", "fine_tuned"):
        monkeypatch.setattr(Study, stage, lambda *_: Path("policy"))
    settings = msgspec.structs.replace(PRESETS["smoke"], counts=(0, 1, 2), splits=PLACES)
    measure.run(Study(settings, tmp_path, 1, "cpu", math.inf, lambda *_: None))
    sizes = {"train": 100, "heldout": 50, "handmade": 3}
    wanted = [
        (name, split, (), sizes[split])
        for name in ("imitation", "n2-s0-0", "n2-s0-64", "n1-s0-64", "handmade-s0-64")
        for split in PLACES
    ]
    wanted.insert(9, ("n2-s0-64", "train", ("blank_instruction", OTHER), 100))
    assert made == wanted


@pytest.mark.parametrize("run", [(0, 1, 64), (25, 0, 1000)])
def test_names_of_what_was_measured(run: tuple[int, int, int]) -> None:
    assert parse_measured(measured_name(*run)) == run
    assert parse_measured("imitation") is None and parse_measured(f"{measured_name(*run)}-train") is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"colour": "red"}, "--set = 'colour': is no setting"),
        ({"decisions": "many"}, "decisions"),
        ({"decisions": "0"}, "decisions = 0: is below 1"),
        ({"counts": "1,-2"}, "counts"),
        ({"log_std": "-1,-2"}, "log_std = .*Give the lower bound first"),
        ({"clumsy": "2"}, "clumsy = 2.0: is out of range"),
        ({"flow_steps": "11"}, "flow_steps = 11: is out of range"),
        ({"noise_end": "2"}, r"^noise_end = 2\.0: is out of range\. Give a number above 0, up to 1\.?$"),
        ({"mixed": "1"}, "mixed = 1: leaves nothing to measure with"),
        ({"kl": "-1"}, "kl = -1.0: is out of range"),
        ({"splits": "train,kitchen"}, "splits = .*: are not all known. Use some of train, heldout, handmade"),
    ],
)
def test_bad_settings(tmp_path: Path, options: dict[str, str], problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        study(tmp_path, "smoke", options, None, None, 1, "cpu", 0.0, lambda *_: None)
    assert not (tmp_path / "study.json").exists()


@pytest.mark.parametrize(
    ("options", "only", "problem"),
    [
        ({}, "7", "only = '7': is not in this study"),
        ({"size": "huge"}, None, "size = 'huge': is not known"),
        ({"physics": "newton"}, None, "physics = 'newton': no such physics engine"),
        ({"eyes": "nowhere"}, None, "nowhere"),
        ({"max_steps": "10"}, None, "max_steps = 10: is no multiple of the 4 steps of a decision"),
        ({"environments": "1", "steps": "1"}, None, "is not near a divisor of the 1 decisions between two updates"),
        ({"pixels": "4"}, None, "size = 4: is too small"),
        ({"demo_scenes": "101"}, None, "101"),
        ({"broad": "10000"}, None, "broad = 10000: is more than gen3d-broad has"),
    ],
)
def test_what_cannot_be_is_found_before_anything_is_done(
    tmp_path: Path, options: dict[str, str], only: str | None, problem: str
) -> None:
    with pytest.raises(FieldError, match=problem):
        study(tmp_path, "smoke", options, None, only, 1, "cpu", math.inf, lambda *_: None)
    assert not list(tmp_path.iterdir())


def test_a_list_may_be_of_one(tmp_path: Path) -> None:
    options = {"counts": "100", "splits": "train", "seeds": "2"}
    study(tmp_path, "smoke", options, None, None, 1, "cpu", 0.0, lambda *_: None)
    kept = msgspec.json.decode((tmp_path / "study.json").read_bytes(), type=StudySettings)
    assert (kept.counts, kept.splits, kept.seeds) == ((100,), ("train",), (2,))


@pytest.mark.parametrize("command", ["train --algo imitation --obs pixels", "train --algo ppo", "study --preset smoke"])
def test_a_gpu_that_is_not_there_is_said_to_be_so(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    where = ["--env", "Gen3D-Pick-v0", "--steps", "8"] if command.startswith("train") else []
    assert main([*command.split(), *where, "--device", "cuda", "--out", str(tmp_path / "out")]) == 1
    assert "device = 'cuda': is not there for PyTorch" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.safetensors")) and not (tmp_path / "out" / "demos").exists()


def test_a_study_may_begin_with_the_eyes_of_another_policy(tmp_path: Path) -> None:
    settings = PRESETS["smoke"]
    work = partial(Study, jobs=1, device="cpu", deadline=math.inf, tell=lambda *_: None)
    contract = work(settings, tmp_path).env(("PickBlock-df63",)).contract
    new_model("micro", contract, 5).save_pretrained(tmp_path / "policy")
    begun = msgspec.structs.replace(settings, eyes=str(tmp_path / "policy"))
    taken = load_flow_vla(work(begun, tmp_path / "study").seen())
    given = load_flow_vla(tmp_path / "policy")
    assert taken.tower.first.weight.equal(given.tower.first.weight)
    assert not taken.flow.into.weight.equal(given.flow.into.weight)
    assert {path.name for path in (tmp_path / "study").iterdir()} == {"locks", "seeing"}  # nothing was looked at
    with pytest.raises(FieldError, match=r"holds no model\.safetensors"):
        work(msgspec.structs.replace(settings, eyes="nowhere"), tmp_path / "other").seen()


def test_all_that_learns_does_so_on_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: dict[FlowVLA, str] = {}
    learned: list[tuple[str, str]] = []

    def to(model: FlowVLA, device: torch.device) -> FlowVLA:
        moved[model] = device.type
        return model

    def learning(name: str, model: FlowVLA, *others: object, **_: object) -> Iterator[Progress]:
        learned.append((name, moved[model]))
        (folder,) = (each for each in others if isinstance(each, Path))
        model.save_pretrained(folder / "model")
        yield from ()

    def tuned(start: Path, *_: object, device: str, **__: object) -> bool:
        learned.append(("train", device))
        return True

    monkeypatch.setattr(FlowVLA, "to", to)
    for name in ("see", "imitate", "focus"):
        monkeypatch.setattr(stages, name, partial(learning, name))
    monkeypatch.setattr(stages, "train", tuned)
    monkeypatch.setattr(stages, "collect", lambda wanted, *_: SimpleNamespace(contract=wanted.env.contract))
    monkeypatch.setattr(Study, "broad", lambda _: tmp_path)
    monkeypatch.setattr(stages, "make_mixed", lambda *_: ("PickBlock-df63",))
    Study(PRESETS["smoke"], tmp_path, 1, "cuda", math.inf, lambda *_: None).fine_tuned(1, 0)
    assert learned == [(name, "cuda") for name in ("see", "imitate", "focus", "train")]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(FieldError, match=r"is a file\. Name a folder"):
        study(tmp_path / "notes", "smoke", {}, None, None, 1, "cpu", 0.0, lambda *_: None)
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_folder_keeps_its_settings(tmp_path: Path) -> None:
    finished, lines = study(tmp_path, "smoke", {"demos": "3"}, [0, 1], None, 1, "cpu", 0.0, lambda *_: None)
    assert not finished and "time is over" in lines[-1]
    kept = msgspec.json.decode((tmp_path / "study.json").read_bytes(), type=StudySettings)
    assert kept.demos == 3 and kept.seeds == (0, 1)
    with pytest.raises(FieldError, match="demos = 4: is not this folder's 3"):
        study(tmp_path, "smoke", {}, None, None, 1, "cpu", 0.0, lambda *_: None)


def test_the_length_of_a_study_may_change(tmp_path: Path) -> None:
    for decisions in ("64", "128", "64"):
        finished, _ = study(tmp_path, "smoke", {"decisions": decisions}, None, None, 1, "cpu", 0.0, lambda *_: None)
        assert not finished


def test_two_processes_may_work_in_one_folder(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("gen3d")), "study", "--preset", "smoke", "--only", "imitation",
        "--jobs", "1", "--out", str(tmp_path),
    ]  # fmt: skip
    both = [subprocess.Popen(command, text=True, stdout=PIPE, stderr=PIPE) for _ in range(2)]
    for process in both:
        found, problem = process.communicate(timeout=240)
        assert process.returncode == 0, problem
        assert "| imitation only |" in found


def test_a_process_waits_no_longer_than_its_time(tmp_path: Path) -> None:
    lasting, work = PRESETS["smoke"], partial(Study, folder=tmp_path, jobs=1, device="cpu", tell=lambda *_: None)
    with work(lasting, deadline=math.inf).alone("seeing"), pytest.raises(OutOfTime, match="still at seeing"):
        work(lasting, deadline=time.monotonic() + 0.5).seen()


def test_a_budget_ends_within_a_stage_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, float]] = []
    over = False
    monkeypatch.setattr(stages, "time", SimpleNamespace(monotonic=lambda: 2.0 if over else 0.0))

    def tell(stage: str, done: float, total: float, figures: str) -> None:
        nonlocal over
        told.append((stage, done))
        over = stage == ends

    settings = msgspec.structs.replace(PRESETS["smoke"], broad=2, mixed=2, demos=2)
    work = Study(settings, tmp_path, jobs=1, device="cpu", deadline=1.0, tell=tell)
    for ends, collect in (
        ("scenes", work.frames),
        ("mixing", work.frames),
        ("frames", work.frames),
        ("demos", work.demos),
    ):
        with pytest.raises(OutOfTime, match="run the same command to go on"):
            collect()
        assert told[-1] == (ends, 1 if ends != "mixing" else 2)  # mixed scenes are made by the fifty
        over = False
    ends = ""
    assert len(work.frames().scenes) == len(work.demos().scenes) == 2
    assert told[-2:] == [("frames", 2), ("demos", 2)]


def test_what_learns_may_be_stopped_at_any_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on from what is half learned, and the slices are the whole to the bit."""
    over, slices = False, 0
    monkeypatch.setattr(stages, "time", SimpleNamespace(monotonic=lambda: 2.0 if over else 0.0))
    for name in ("SEEING", "IMITATING", "FOCUSING"):
        monkeypatch.setattr(stages, name, replace(getattr(stages, name), save_every=15))

    def tell(stage: str, *_: object) -> None:
        nonlocal over
        over = stage in ("seeing", "imitation", "focus-n1")

    settings = msgspec.structs.replace(PRESETS["smoke"], broad=2, mixed=4, focus=4, demos=2)
    work = partial(Study, settings, jobs=1, device="cpu")
    whole = work(tmp_path / "whole", deadline=math.inf, tell=lambda *_: None).focused(1)
    sliced = work(tmp_path / "slices", deadline=1e-9, tell=tell)
    while True:
        try:
            assert (sliced.focused(1) / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
            break
        except OutOfTime:
            over, slices = False, slices + 1
            for path in (tmp_path / "slices").glob("*/training.safetensors"):
                numbers = load_state(path)[1]
                assert (path.parent / "model").is_dir() == (numbers["step"] == numbers["recipe"]["steps"])
    assert slices == 3 + 3 + 2  # of 40, 40 and 20 steps, the last of each telling that the time is over, too


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
def test_a_budget_is_a_time(minutes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["study", "--preset", "smoke", "--out", str(tmp_path / "new"), "--budget", minutes])
    assert stop.value.code == 2 and f"{minutes!r} is no number of minutes above 0" in capsys.readouterr().err


def test_a_budget_that_is_used_up_has_an_exit_code_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "--preset", "smoke", "--out", str(tmp_path), "--budget", "1e-9"]) == 3
    assert "The time is over; run the same command to go on." in capsys.readouterr().out


def test_who_stops_in_the_middle_of_parallel_work_hears_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    made = run_all(pow, ((k, 2) for k in range(100)), 2, "lost")
    assert next(made) in {k**2 for k in range(100)}
    made.close()
    assert not recwarn.list
    assert sorted(run_all(pow, ((k, 2) for k in range(4)), 2, "lost")) == [0, 1, 4, 9]


def test_presets() -> None:
    assert set(PRESETS) == {"full", "smoke"} and PRESETS["full"].counts == (0, 1, 10, 25, 50, 100)


def test_imitation_and_flow_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--obs", "pixels", "--env", "Gen3D-Pick-v0", "--scenes", "2", "--size", "24", "--jobs", "1"]
    imitation, flow = tmp_path / "imitation", tmp_path / "flow"
    small = ["--set", "size=micro", "--set", "demos=2", "--set", "batch=8", "--set", "trial=1"]
    assert main(["train", "--algo", "imitation", "--steps", "6", *where, *small, "--out", str(imitation)]) == 0
    model, labels = load_flow_vla(imitation / "model"), Demos(imitation / "demos").arrays["labels"][:, 0]
    assert model.config.action_dim == 7
    # A new model knows the camera: rays through where a grasp is seen, at its height, lead to it.
    reached = model.reached(*(torch.from_numpy(labels[:, at]) for at in (slice(len(LABELS), len(LABELS) + 2), 2)))
    assert np.abs(reached.numpy() - labels[:, :2]).max() < 1e-3
    assert np.allclose(model.config.label_mean, labels[:, : len(LABELS)].mean(0), atol=1e-4)
    best, last = (imitation / name / "model.safetensors" for name in ("best", "model"))
    assert best.read_bytes() == last.read_bytes()  # it was tried once, at the end
    small = ["--set", "envs=2", "--set", "rollout=2", "--set", "batch=4", "--set", "max_steps=8"]
    small += ["--set", f"start={imitation / 'model'}"]
    assert main(["train", "--algo", "flow", "--steps", "32", *where, *small, "--out", str(flow)]) == 0
    assert load_flow_vla(flow / "model").config.contract == load_flow_vla(imitation / "model").config.contract
    assert len((flow / "curve.csv").read_text().splitlines()) == 3
    # The same command with more steps goes on; another training is refused, by the setting that differs.
    assert main(["train", "--algo", "flow", "--steps", "64", *where, *small, "--out", str(flow)]) == 0
    assert len((flow / "curve.csv").read_text().splitlines()) == 5
    for other, name in (("lr=1e-3", "options.lr"), (f"start={flow / 'model'}", "start")):
        command = ["train", "--algo", "flow", "--steps", "64", *where, *small, "--set", other, "--out", str(flow)]
        capsys.readouterr()
        assert main(command) == 1
        assert f"flow holds another training, with {name} = " in capsys.readouterr().err


def test_a_wrist_picture_from_the_command_line(tmp_path: Path) -> None:
    where = ["--obs", "pixels", "--env", "Gen3D-Pick-v0", "--scenes", "1", "--size", "24", "--jobs", "1"]
    first, second, flow = (tmp_path / name for name in ("first", "second", "flow"))
    told = "size=micro demos=2 batch=8 trial=0"

    def trained(algo: str, out: Path, steps: int, options: str) -> FlowVLA:
        words = [word for pair in options.split() for word in ("--set", pair)]
        assert main(["train", "--algo", algo, "--steps", str(steps), *where, *words, "--out", str(out)]) == 0
        return load_flow_vla(out / "model")

    models = [
        trained("imitation", first, 2, f"{told} cameras=front,wrist"),
        trained("imitation", second, 2, f"{told} start={first / 'model'}"),
        trained("flow", flow, 16, f"envs=2 rollout=2 batch=4 max_steps=8 start={first / 'model'}"),
    ]
    assert [model.config.made_for().cameras for model in models] == [("front", "wrist")] * 3


def test_imitation_is_tried_at_given_steps_and_keeps_the_best_whatever_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"size": "micro", "demos": "2", "batch": "8", "trial": "5", "trial_every": "3"}
    settings = TrainSettings(
        "imitation", "Gen3D-Pick-v0", 8, obs="pixels", scenes=2, size=24, jobs=0, options=options
    )  # fmt: skip
    tried: list[float] = []
    outcomes = iter([0.4, 0.6, None, 0.2])

    def trial(model: FlowVLA, fleet: FleetSettings, episodes: int) -> SimpleNamespace:
        assert episodes == 5 and not model.training
        success = next(outcomes)
        if success is None:
            raise KeyboardInterrupt  # the last checkpoint is there, its trial is not
        tried.append(success)
        return SimpleNamespace(success=success)

    monkeypatch.setattr(entry, "trial", trial)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path)
    second = (tmp_path / "best" / "model.safetensors").read_bytes()
    (tmp_path / "best").rename(tmp_path / ".best.old")  # as a crash between the two moves would
    for _ in range(2):  # nothing is left to do for the other, not even a trial
        assert train(settings, tmp_path) == tmp_path / "best"
        assert tried == [0.4, 0.6, 0.2]
        rows = read_curve(tmp_path / "curve.csv")
        assert [(row["step"], row["success"]) for row in rows] == [("3", "0.4"), ("6", "0.6"), ("8", "0.2")]
        assert (tmp_path / "best" / "model.safetensors").read_bytes() == second
    assert second != (tmp_path / "model" / "model.safetensors").read_bytes()


def test_every_trial_of_imitation_is_at_a_checkpoint() -> None:
    assert entry.ImitationRecipe().trial > 0
    for every, saved in ((500, 125), (200, 200), (1000, 200), (7, 7), (211, 1)):
        assert entry.ImitationRecipe(trial_every=every).save_every == saved


@pytest.mark.parametrize("option", ["trial=-1", "trial_every=0"])
def test_trials_that_cannot_be(option: str, tmp_path: Path) -> None:
    name, _, value = option.partition("=")
    settings = TrainSettings("imitation", "Gen3D-Pick-v0", 8, obs="pixels", scenes=1, options={name: value})
    with pytest.raises(FieldError, match=f"option {name} = {value}: is below"):
        train(settings, tmp_path)
    assert not list(tmp_path.iterdir())


def test_flow_needs_a_start_and_pixels(tmp_path: Path) -> None:
    settings = TrainSettings(algo="flow", target="Gen3D-Pick-v0", steps=8, obs="pixels", scenes=1)
    with pytest.raises(FieldError, match="--set start=FOLDER"):
        train(settings, tmp_path)
    with pytest.raises(FieldError, match="Use pixels"):
        train(TrainSettings(algo="imitation", target="Gen3D-Pick-v0", steps=8), tmp_path)
