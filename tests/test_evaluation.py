"""An evaluation: equal episodes for all, results that can be believed, statistics, pages, the leaderboard."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import evaluation_policies
import msgspec
import numpy as np
import pytest
from browser import Browser
from helpers import ENGINE, PICK
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gen3d_envs.axes import AXES, Axis
from gen3d_envs.cli import main
from gen3d_envs.errors import FieldError, PolicyError
from gen3d_envs.evaluation import leaderboard, leaderboard_plot, run
from gen3d_envs.evaluation.compare import compare
from gen3d_envs.evaluation.episode import Excluded, Finished, Runner
from gen3d_envs.evaluation.film import choose, films
from gen3d_envs.evaluation.page import Entry, render
from gen3d_envs.evaluation.plan import AS_IS, SceneRow, Settings, make_plan
from gen3d_envs.evaluation.provenance import policy_sha256
from gen3d_envs.evaluation.result import (
    EpisodeRow,
    Machine,
    Provenance,
    Result,
    Timing,
    digest,
    read_result,
    schema,
    write_result,
)
from gen3d_envs.evaluation.statistics import bootstrap, difference, over_scenes, rate, stratified, summarize
from gen3d_envs.registration import benchmark_scenes
from gen3d_envs.tasks import TASKS

POLICIES = "evaluation_policies:make"
TINY: dict[str, Any] = {"target": PICK, "physics": ENGINE, "obs_type": "state", "episodes": 2}
HOSTILE = '<script>alert("x")</script> & Co'
needs_benchmark = pytest.mark.skipif(not benchmark_scenes(), reason="the benchmark is not installed")


def settings(policy: str = "random", **changes: Any) -> Settings:
    return Settings(policy=policy, **{**TINY, **changes})


# ---- the plan ------------------------------------------------------------------------------------------------------


def test_every_policy_gets_the_same_episodes_with_one_seed_under_all_axes() -> None:
    axes = ("control", "object_moved")
    first, second = (make_plan(settings(name, axes=(AS_IS, *axes))) for name in ("random", "expert"))
    assert first.episodes == second.episodes and first.sha256 == second.sha256
    seeds: dict[int, set[int]] = {}
    for episode in first.episodes:
        seeds.setdefault(episode.index, set()).add(episode.seed)
    assert [len(found) for found in seeds.values()] == [1, 1] and seeds[0] != seeds[1]
    assert {episode.axis for episode in first.episodes} == {
        AS_IS, "object_moved", "blank_instruction", "other_object", "distractor_named",
    }  # fmt: skip


@pytest.mark.parametrize("change", [{"seed": 1}, {"episodes": 3}, {"control_hz": 10}, {"robot": "panda"}])
def test_what_changes_the_episodes_changes_the_hash_of_the_plan(change: dict[str, Any]) -> None:
    assert make_plan(settings(**change)).sha256 != make_plan(settings()).sha256
    assert make_plan(settings(width=64)).sha256 == make_plan(settings()).sha256


@needs_benchmark
def test_a_split_has_its_own_scenes_and_axes_skip_families_that_they_do_not_concern() -> None:
    plan = make_plan(settings(target="gen3d-100", split="heldout", axes=("all",), episodes=1))
    split = {row.name: (row.split, row.family) for row in plan.scenes}
    for episode in plan.episodes:
        where, family = split[episode.scene]
        assert where == ("train" if episode.axis == "train" else "heldout"), episode
        assert AXES[episode.axis].concerns(family)
    assert {episode.axis for episode in plan.episodes} == set(AXES)
    handmade = make_plan(settings(target="gen3d-100", split="handmade"))
    assert {episode.axis for episode in handmade.episodes} == {AS_IS} and len(handmade.scenes) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"axes": ("nonsense",)}, "axes"),
        ({"axes": ("heldout",)}, "axes"),
        ({"axes": ("unseen_receptacles",)}, "axes"),
        ({"split": "heldout"}, "split"),
        ({"physics": "magic"}, "physics"),
        ({"reality": "much"}, "reality"),
        ({"target": "Gen3D/Nothing-v0"}, "scene"),
        ({"target": "../../etc/passwd"}, "scene"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as refused:
        make_plan(settings(**change))
    assert refused.value.field == field


# ---- runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expert(tmp_path_factory: pytest.TempPathFactory) -> Result:
    out = tmp_path_factory.mktemp("expert") / "run.json"
    return run.evaluate(make_plan(settings("expert", axes=(AS_IS, "blank_instruction"))), out, name="Expert")


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Result:
    out = tmp_path_factory.mktemp("random") / "run.json"
    return run.evaluate(make_plan(settings("random", axes=(AS_IS, "blank_instruction"))), out, jobs=2)


def test_the_table_is_the_same_for_any_number_of_processes_and_any_order(random: Result, tmp_path: Path) -> None:
    plan = make_plan(random.settings)
    alone = run.evaluate(plan, tmp_path / "alone.json", jobs=1)
    assert alone.episodes == random.episodes and alone.episodes_sha256 == random.episodes_sha256
    runner = Runner(plan.settings, plan.scenes)
    backwards = [runner.run(planned) for planned in reversed(plan.episodes)]
    runner.close()
    assert tuple(came.row for came in reversed(backwards) if isinstance(came, Finished)) == random.episodes


def test_policies_start_from_equal_states_and_succeed_as_they_should(expert: Result, random: Result) -> None:
    assert [row.start for row in expert.episodes] == [row.start for row in random.episodes]
    assert all(row.success and row.partial for row in expert.episodes)
    assert not any(row.success for row in random.episodes)
    assert {row.instruction == "" for row in expert.episodes if row.axis == "blank_instruction"} == {True}
    assert all(row.time_to_success_s == row.steps / 5 for row in expert.episodes)


def test_a_policy_that_fails_stops_the_run_and_the_same_call_goes_on(tmp_path: Path) -> None:
    plan = make_plan(settings("fails", episodes=4))
    evaluation_policies.FailsLater.episodes_left = 99
    whole = run.evaluate(plan, tmp_path / "whole.json", factory=POLICIES)
    out = tmp_path / "run.json"
    evaluation_policies.FailsLater.episodes_left = 2
    with pytest.raises(PolicyError, match=r"at step 2: the connection dropped.* 2 of 4 episodes are kept") as stopped:
        run.evaluate(plan, out, factory=POLICIES)
    assert stopped.value.kind == "dropped" and not out.exists()
    journal = tmp_path / "run.json.journal"
    with journal.open("ab") as file:
        file.write(b'{"row":{"scene":"Test')  # cut off as by a crash
    evaluation_policies.FailsLater.episodes_left = 2
    seen: list[int] = []
    result = run.evaluate(plan, out, factory=POLICIES, progress=lambda done, total, newest: seen.append(done))
    assert seen == [2, 3, 4]
    assert result.episodes == whole.episodes and read_result(out) == result
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "whole.json"]
    assert run.evaluate(plan, out, factory="nothing:here") == result  # finished: nothing is run


def test_a_file_of_another_evaluation_is_never_overwritten(random: Result, tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    write_result(out, random)
    with pytest.raises(FieldError, match="holds another evaluation"):
        run.evaluate(make_plan(settings(seed=5)), out)
    evaluation_policies.FailsLater.episodes_left = 0
    other = tmp_path / "other.json"
    with pytest.raises(PolicyError):
        run.evaluate(make_plan(settings("fails")), other, factory=POLICIES)
    with pytest.raises(FieldError, match="differs in settings, plan"):
        run.evaluate(make_plan(settings("fails", seed=5)), other, factory=POLICIES)


def test_results_and_journals_of_weights_that_have_changed_are_never_taken_for_theirs(tmp_path: Path) -> None:
    weights = tmp_path / "policy" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"of yesterday")
    plan, out, other = make_plan(settings(str(weights.parent))), tmp_path / "run.json", tmp_path / "other.json"
    evaluation_policies.FailsLater.episodes_left = 99
    first = run.evaluate(plan, out, factory=POLICIES)
    (weights.parent / "notes.txt").write_text("no part of the policy")
    assert run.evaluate(plan, out, factory="nothing:here") == first
    evaluation_policies.FailsLater.episodes_left = 0
    with pytest.raises(PolicyError):
        run.evaluate(plan, other, factory=POLICIES)
    weights.write_bytes(b"of today")
    with pytest.raises(FieldError, match=r"before its files changed\. Use another file, or delete it"):
        run.evaluate(plan, out, factory="nothing:here")
    with pytest.raises(FieldError, match="differs in policy_sha256"):
        run.evaluate(plan, other, factory=POLICIES)
    assert read_result(out) == first


def test_a_policy_is_known_by_its_files(tmp_path: Path) -> None:
    folder, archive = tmp_path / "policy", tmp_path / "policy.zip"
    (folder / "adapter").mkdir(parents=True)
    archive.write_bytes(b"1")
    (folder / "config.json").write_text("1")
    hashes = [policy_sha256(str(each)) for each in (folder, archive)]
    (folder / "config.json").rename(folder / "adapter" / "config.json")
    hashes += [policy_sha256(str(folder)), policy_sha256(f"{archive}#replan=2")]
    assert hashes[3] == hashes[1] and len(set(hashes)) == 3 and None not in hashes
    for other in ("random", "expert", "ws://localhost:8000", "package.module:Class", str(tmp_path / "adapter")):
        assert policy_sha256(other) is None


def test_a_policy_may_end_its_episode(tmp_path: Path) -> None:
    result = run.evaluate(make_plan(settings("gives up", episodes=1)), tmp_path / "run.json", factory=POLICIES)
    assert [(row.steps, row.success) for row in result.episodes] == [(4, False)]


def test_an_episode_that_cannot_start_is_left_out_for_every_policy() -> None:
    plan = make_plan(settings())

    def refuse(episode: Any, rng: Any) -> Any:
        raise FieldError("layout", "x", "there is no room", "Use a larger table")

    runner = Runner(plan.settings, plan.scenes)
    runner._always.append(refuse)
    came = runner.run(plan.episodes[0])
    runner.close()
    assert isinstance(came, Excluded) and "there is no room" in came.reason


def test_a_condition_of_words_that_says_the_same_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(AXES, "same_words", Axis("same_words", "words", "nothing", {"language": {"word_order": 0.0}}))
    plan = make_plan(settings(axes=("same_words", "blank_instruction"), episodes=1))
    result = run.evaluate(plan, tmp_path / "run.json")
    assert [row.axis for row in result.episodes] == ["blank_instruction"]
    assert [(each.axis, "says anyway" in each.reason) for each in result.excluded] == [("same_words", True)]
    assert "1 episodes are left out" in render([Entry(result, summarize(result))])


# ---- the file ------------------------------------------------------------------------------------------------------


def test_a_result_says_where_it_comes_from(expert: Result) -> None:
    assert expert.engine.startswith(ENGINE) and expert.renderer == "none"
    assert expert.constants["gravity_mps2"] == 9.81 and expert.constants["control_hz"] == 5.0
    assert {"gen3d-envs", "python", "numpy", "scipy"} <= set(expert.provenance.versions)
    assert expert.timing.steps == sum(row.steps for row in expert.episodes) and expert.timing.steps_per_s > 0
    fields = schema()["$defs"]["EpisodeRow"]["properties"]
    assert {"scene", "axis", "seed", "success", "outcome", "partial", "steps", "time_to_success_s"} <= set(fields)


def test_a_result_that_was_changed_is_refused(expert: Result, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_result(path, expert)
    assert read_result(path) == expert
    text = path.read_text()
    for old, new in (
        ('"steps":', '"steps":1'),
        ('"gen3d_evaluation": 1', '"gen3d_evaluation": 2'),
        ('"episodes": [', '"surprise": 1, "episodes": ['),
        (f'"robot": "{expert.settings.robot}"', '"robot": 3'),
        (text[-40:], ""),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(FieldError):
            read_result(path)


@pytest.mark.parametrize(
    "change", [{"success": False}, {"outcome": "fell"}, {"time_to_success_s": None}, {"scene": "Else"}, {"index": 1}]
)
def test_a_table_that_contradicts_itself_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    result = invented({"as_is": [True, True]})
    rows = (msgspec.structs.replace(result.episodes[0], **change), *result.episodes[1:])
    write_result(tmp_path / "x.json", msgspec.structs.replace(result, episodes=rows, episodes_sha256=digest(rows)))
    with pytest.raises(FieldError):
        read_result(tmp_path / "x.json")
    with pytest.raises(FieldError, match=r"is no file\. Give what gen3d evaluate"):
        read_result(tmp_path / "y.json")


# ---- statistics ----------------------------------------------------------------------------------------------------


def episode(scene: str, axis: str, index: int, success: bool) -> EpisodeRow:
    return EpisodeRow(
        scene=scene, axis=axis, index=index, seed=index, start=f"{index:016x}", instruction="pick it up",
        success=success, outcome="success" if success else "dropped", partial=True, steps=10 + index,
        time_to_success_s=(10 + index) / 5 if success else None,
    )  # fmt: skip


def invented(wins: dict[str, list[bool]], scenes: int = 1, **changes: Any) -> Result:
    """A result with these successes under each axis, in so many scenes alike."""
    rows = tuple(
        episode(f"S{s}", axis, i, win) for s in range(scenes) for axis, row in wins.items() for i, win in enumerate(row)
    )
    values: dict[str, Any] = {
        "name": "A", "settings": settings("expert", robot="widowx"), "benchmark": "0" * 64, "plan": "1" * 64,
        "engine": "engine 1, 100 Hz", "renderer": "none", "constants": {"gravity_mps2": 9.81},
        "provenance": Provenance(
            command="gen3d evaluate", started="2025-01-01T00:00:00+00:00", versions={"gen3d-envs": "1"},
            git_commit=None, git_changed=False, machine=Machine(system="Linux", processor="CPU", cores=2),
        ),
        "timing": Timing(jobs=1, wall_s=2.0, episode_s=2.0, cpu_s=1.0, steps=100),
        "scenes": tuple(SceneRow(name=f"S{s}", hash="2" * 64, family="pick") for s in range(scenes)),
        "excluded": (), "episodes": rows, "episodes_sha256": digest(rows),
    }  # fmt: skip
    return Result(**{**values, **changes})


def test_rates_have_wilsons_interval_and_times_count_successes_only() -> None:
    found = rate([episode("S", "a", i, i < 8) for i in range(10)])
    assert (found.successes, found.episodes, found.partial) == (8, 10, 1.0)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Wilson, 8 of 10
    assert found.time_s == pytest.approx(np.mean([(10 + i) / 5 for i in range(8)]))
    assert found.time_low_s is not None and found.time_low_s < found.time_s
    assert rate([episode("S", "a", 0, False)]).time_s is None


def test_the_stratified_bootstrap_is_that_of_rliable() -> None:
    """Tasks are strata, runs are drawn anew within each, the statistic is the mean over tasks, ends are percentiles."""
    rng = np.random.default_rng(0)
    wins = [rng.random(12) < p for p in (0.1, 0.5, 0.9, 0.7)]
    rows = [episode(f"S{s}", "a", i, bool(win)) for s, stratum in enumerate(wins) for i, win in enumerate(stratum)]
    found = stratified(rows)
    drawn = np.mean([s[rng.integers(12, size=(4000, 12))].mean(axis=1) for s in wins], axis=0)
    assert found.mean == pytest.approx(np.mean([s.mean() for s in wins]))
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.022)
    assert stratified(rows) == found  # seeded
    wide = over_scenes(rows)
    assert wide is not None and wide.high - wide.low > found.high - found.low  # scenes differ more than episodes


def test_the_interval_is_what_rliable_itself_gives() -> None:
    """Ten runs of twenty tasks; ``get_interval_estimates`` of rliable 1.2.0 with 20,000 resamples: 0.4 to 0.51."""
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 1, 20)
    wins = rng.random((10, 20)) < p
    assert wins.mean() == pytest.approx(0.455)  # the same draws
    found = bootstrap([wins[:, task].astype(float) for task in range(20)], bounds=(0.0, 1.0))
    assert (found.mean, found.low, found.high) == pytest.approx((0.455, 0.4, 0.51), abs=0.0051)


@pytest.mark.parametrize(("wins", "of"), [(0, 10), (3, 20), (98, 100)])
def test_wilsons_interval_is_scipys(wins: int, of: int) -> None:
    found = rate([episode("S", "a", i, i < wins) for i in range(of)])
    wanted = binomtest(wins, of).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_strata_count_alike_however_many_episodes_they_have() -> None:
    rows = [episode("S0", "a", i, True) for i in range(20)] + [episode("S1", "a", i, False) for i in range(5)]
    assert stratified(rows).mean == 0.5


@given(st.integers(1, 200), st.booleans())
def test_no_interval_is_a_point_where_little_is_known(n: int, win: bool) -> None:
    found = stratified([episode("S", "a", i, win) for i in range(n)])
    assert found.mean == win and 0.0 <= found.low <= found.mean <= found.high <= 1.0
    assert found.high - found.low == pytest.approx(3.8416 / (n + 3.8416), rel=1e-3)  # Wilson, 0 of n: z^2 / (n + z^2)


def test_an_episode_under_many_axes_is_drawn_once() -> None:
    """Ten axes that change nothing are no ten times as many episodes."""
    wins = [True] * 6 + [False] * 4
    one = stratified([episode("S", "a", i, win) for i, win in enumerate(wins)])
    ten = stratified([episode("S", f"a{k}", i, win) for k in range(10) for i, win in enumerate(wins)])
    assert (ten.mean, ten.low, ten.high) == pytest.approx((one.mean, one.low, one.high))
    # Scenes with more axes count more, as strata of scene and axis do.
    rows = [episode("S0", f"a{k}", i, True) for k in range(3) for i in range(4)]
    rows += [episode("S1", "a0", i, False) for i in range(4)]
    assert stratified(rows).mean == pytest.approx(0.75)


def test_strata_that_are_constant_but_differ_are_drawn_together() -> None:
    found = bootstrap([np.ones(2), np.zeros(2), np.ones(2)], bounds=(0.0, 1.0))
    assert found.low < found.mean < found.high


def test_a_difference_is_taken_in_pairs_with_mcnemars_test() -> None:
    first = [True] * 10 + [False] * 2 + [True] * 20
    second = [False] * 10 + [True] * 2 + [True] * 20
    pairs = [
        (episode("S", "a", i, a), episode("S", "a", i, b)) for i, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    found = difference("all", pairs)
    exact = 2 * sum(math.comb(12, k) for k in range(3)) / 2**12
    assert (found.first_only, found.second_only) == (10, 2) and found.p_value == pytest.approx(exact)
    assert found.mean == pytest.approx(8 / 32) and found.low < 0.25 < found.high and found.certain
    back = difference("all", [(b, a) for a, b in pairs])
    assert (back.mean, back.first_only, back.p_value) == (-found.mean, 2, found.p_value)


def test_language_controls_are_differences_against_the_scenes_as_they_are() -> None:
    deaf = summarize(invented({"as_is": [True] * 20, "blank_instruction": [True] * 20}))
    reads = summarize(invented({"as_is": [True] * 20, "blank_instruction": [False] * 19 + [True]}))
    assert deaf.nominal == "as_is" and deaf.differences[0].mean == 0.0 and not deaf.differences[0].certain
    assert reads.differences[0].mean == pytest.approx(-0.95) and reads.differences[0].certain
    assert "no sign that the words are used" in render([Entry(invented({"as_is": [True]}), deaf)])
    assert "the words matter" in render([Entry(invented({"as_is": [True]}), reads)])


# ---- comparisons ---------------------------------------------------------------------------------------------------


def test_a_comparison_ends_in_a_plain_sentence(expert: Result, random: Result) -> None:
    assert compare(expert, random).verdict.startswith("Expert better by 100.0 points, 95 % interval 34.2 to 100.0, 4 ")
    same = compare(expert, expert)
    assert same.verdict.startswith("No difference: Expert (first) and Expert (second) succeed in the same of 4")
    near = compare(invented({"as_is": [True, False] * 5}), invented({"as_is": [True] * 6 + [False] * 4}, name="B"))
    assert near.verdict.startswith("No difference shown between A and B: -10.0 points")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("benchmark", {"benchmark": "f" * 64}),
        ("engine", {"engine": "engine 2"}),
        ("constants", {"constants": {"gravity_mps2": 9.8}}),
        ("seed", {"settings": settings("expert", robot="widowx", seed=1)}),
        ("robot", {"settings": settings("expert", robot="panda")}),
        ("reality", {"settings": settings("expert", robot="widowx", reality="mild")}),
    ],
)
def test_results_of_other_episodes_are_not_compared(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as refused:
        compare(invented({"as_is": [True]}), invented({"as_is": [False]}, name="B", **change))
    assert refused.value.field == field


def test_pairs_that_began_otherwise_or_nowhere_are_refused() -> None:
    first = invented({"as_is": [True, True]})
    rows = (msgspec.structs.replace(first.episodes[0], start="f" * 16), *first.episodes[1:])
    with pytest.raises(FieldError, match="began from another state"):
        compare(first, msgspec.structs.replace(first, episodes=rows))
    with pytest.raises(FieldError, match="none in common"):
        compare(first, invented({"noise_weak": [True]}))


# ---- the page ------------------------------------------------------------------------------------------------------


def test_films_are_the_recorded_episodes_again(expert: Result) -> None:
    rows = choose(expert)
    made = list(films(expert, rows))
    assert [film.same for film in made] == [True] and made[0].mp4[4:8] == b"ftyp"
    changed = msgspec.structs.replace(rows[0], steps=rows[0].steps + 1)
    assert not next(iter(films(expert, [changed]))).same


def test_one_film_of_each_ending_without_changes_where_there_are_some() -> None:
    result = invented({"noise_weak": [True, False], "as_is": [True, True]}, scenes=2)
    assert [(row.outcome, row.axis) for row in choose(result)] == [("success", "as_is"), ("dropped", "noise_weak")]


def test_the_page_opens_in_a_browser_and_shows_everything(
    expert: Result, random: Result, browser: Browser, tmp_path: Path
) -> None:
    named = msgspec.structs.replace(expert, name=HOSTILE)
    film = next(films(expert, choose(expert)))
    entries = [Entry(named, summarize(named), (film,)), Entry(random, summarize(random), (), "no <camera>")]
    path = tmp_path / "page.html"
    path.write_text(render(entries, [compare(named, random)], "other <engine>"), encoding="utf-8")
    page = browser.open(path.as_uri(), width=1000, height=900)
    try:
        page.wait("document.querySelector('video').readyState >= 1")
        assert page.evaluate("document.querySelector('video').videoWidth") == 840
        assert page.evaluate("document.querySelectorAll('svg circle').length") == 4
        assert HOSTILE in page.text("h1") and page.evaluate("document.querySelectorAll('script').length") == 0
        assert f"{HOSTILE} better by 100.0 points" in page.text(".verdict")
        body = page.text("body")
        for text in ("None: no <camera>", "other <engine>", "blank instruction", expert.plan, expert.engine):
            assert text in body
        for width in (1000, 390):
            page.resize(width, 900)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not page.errors and [address for address in page.requests if address.startswith("http")] == []
    finally:
        page.close()


def test_runs_of_two_engines_get_two_plots() -> None:
    one, other = invented({"as_is": [True]}), invented({"as_is": [True]}, name="B", engine="engine 2")
    text = render([Entry(each, summarize(each)) for each in (one, other)], (), "another engine")
    assert text.count("<svg") == 2 and "Success by test condition on engine 2" in text


# ---- the leaderboard -----------------------------------------------------------------------------------------------


def board(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[leaderboard.Table]:
    monkeypatch.setattr(leaderboard, "benchmark_hash", lambda target: "0" * 64)
    for result in (
        invented({"as_is": [True, False]}, name="half"),
        invented({"as_is": [True, True]}, name="all"),
        invented({"as_is": [True, True]}, name="elsewhere", engine="engine 2"),
    ):
        leaderboard.add(result, folder)
    old = leaderboard.row_of(invented({"as_is": [True, True]}, name="old", benchmark="f" * 64))
    (folder / "old.json").write_bytes(msgspec.json.encode(old))
    return leaderboard.tables(leaderboard.read_rows(folder))


def test_the_leaderboard_never_mixes_engines_or_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = board(monkeypatch, tmp_path)
    ranks = [[(s.rank, s.row.name) for s in table.standings] for table in found]
    assert ranks == [[(1, "all"), (2, "half"), (None, "old")], [(1, "elsewhere")]]
    assert "engine 1, 100 Hz" in found[0].title
    drawing = leaderboard_plot.svg(found)
    assert drawing.count("of 2</text>") == 4 and ">old</text>" in drawing
    picture = leaderboard_plot.png(found)
    assert picture.startswith(b"\x89PNG") and len(picture) > 5000


def test_a_result_of_another_benchmark_is_not_taken_in(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match="is not that of"):
        leaderboard.add(invented({"as_is": [True]}), tmp_path)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(FieldError, match="is no row"):
        leaderboard.read_rows(tmp_path)


RELEASED = leaderboard.read_rows(leaderboard.results_folder())


BUMPED = {"open": 0.04, "close": 0.1}
"""Families that an arm that sweeps about solves by chance now and then, and how often at most; the README says so."""


@pytest.mark.skipif(not RELEASED, reason="no results are released")
def test_released_results_are_of_the_released_benchmarks_and_random_actions_solve_nothing() -> None:
    assert all(standing.rank is not None for table in leaderboard.tables(RELEASED) for standing in table.standings)
    counts: dict[str, list[tuple[int, int]]] = {}
    for row in RELEASED:
        for family, tally in row.families.items() if row.settings.policy == "random" else ():
            counts.setdefault(family, []).append((tally.successes, tally.episodes))
    shares = {name: sum(w for w, _ in found) / sum(n for _, n in found) for name, found in counts.items()}
    assert set(shares) == set(TASKS)
    assert {name: share for name, share in shares.items() if share > BUMPED.get(name, 0.01)} == {}
    assert all(sum(n for _, n in found) >= 100 for found in counts.values())


# ---- the commands --------------------------------------------------------------------------------------------------


def test_the_commands_from_evaluation_to_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, page = (str(tmp_path / name) for name in ("one.json", "other.json", "page.html"))
    common = ["--env", PICK, "--episodes", "1", "--physics", ENGINE]
    assert main(["evaluate", "--policy", "expert", *common, "--out", one, "--axes", "as_is,blank_instruction"]) == 0
    assert "100.0 %" in capsys.readouterr().out
    assert main(["evaluate", "--policy", "random", *common, "--out", other]) == 0
    assert main(["compare", one, other]) == 0
    assert "expert better by 100.0 points" in capsys.readouterr().out
    assert main(["report", one, other, "--out", page, "--no-films"]) == 0
    assert "blank instruction" in Path(page).read_text()
    assert main(["leaderboard", "--folder", str(tmp_path / "none")]) == 0
    assert main(["evaluate", "--policy", "expert", *common, "--out", one]) == 1
    assert "holds another evaluation" in capsys.readouterr().err
    assert main(["evaluate", "--policy", "nobody", *common, "--out", str(tmp_path / "x.json")]) == 1
    assert "is no policy that is known" in capsys.readouterr().err
    assert main(["evaluate", "--policy", "random", "--benchmark", "x", "--out", str(tmp_path / "x.json")]) == 1
    assert json.loads(Path(other).read_text())["settings"]["obs_type"] == "state"
