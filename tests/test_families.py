"""The families after Pick and Place: their rules against what only seems to fulfil them, their rewards, their experts.

Situations are built with the world's privileged calls, then simulated; the rule sees them as it would see a policy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from helpers import ENGINE_NAMES, ROBOT_NAMES, make
from situations import CLEAR, STILL, UPSIDE_DOWN, Stage, never

from gen3d_envs.errors import SceneError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.geometry import from_yaw
from gen3d_envs.rollout import RandomPolicy, run_episode
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.spec import Goal, TaskSpec, from_card, replace, to_card
from gen3d_envs.tasks import TASKS, carries

STACK, PUSH, PUSH_BESIDE = (
    "Gen3D/TestStackCubeOnBlock-v0", "Gen3D/TestPushCubeToSpot-v0", "Gen3D/TestPushSoapNextToBox-v0"
)  # fmt: skip
SORT, SWAP, BESIDE = "Gen3D/TestSortTwo-v0", "Gen3D/TestSwap-v0", "Gen3D/TestPlaceBeside-v0"
OPEN, CLOSE = ("Gen3D/TestOpenTopDrawer-v0", "Gen3D/TestOpenBox-v0"), "Gen3D/TestCloseMicrowave-v0"
ALL = (STACK, PUSH, PUSH_BESIDE, SORT, SWAP, BESIDE, *OPEN, CLOSE)
ON_END = (0.0, math.sin(math.pi / 4), 0.0, math.cos(math.pi / 4))
ON_ITS_SIDE = (math.sin(math.pi / 4), 0.0, 0.0, math.cos(math.pi / 4))


def last(infos: list[dict[str, Any]]) -> str:
    return infos[-1]["outcome"]


# ---- stack ---------------------------------------------------------------------------------------------------------


def stacked(s: Stage, upper: str = "red_cube", lower: str = "block", dx: float = 0.0, dy: float = 0.0) -> None:
    """Put the lower thing on the table and the upper one on it."""
    s.put(lower, (*CLEAR, 0.001))
    s.put(upper, (CLEAR[0] + dx, CLEAR[1] + dy, s.size(lower)[2] + 0.003))
    s.env.hold(0.5)


@pytest.mark.parametrize("physics", ENGINE_NAMES)
def test_really_stacked_succeeds_after_its_time(stage, physics: str) -> None:
    s = stage(STACK, physics=physics)
    stacked(s)
    infos = s.act(3)
    assert [info["is_success"] for info in infos] == [False, False, True] and last(infos) == "success"
    assert s.contacts("red_cube") == {"block"} and SUPPORT in s.contacts("block")


def test_a_stack_that_is_still_held_is_none_until_let_go(stage) -> None:
    s = stage(STACK)
    x, y, _ = s.env.snapshot().tool_m
    s.put("block", (x, y, 0.001))
    s.grip("red_cube")
    infos = []
    while "block" not in s.contacts("red_cube"):
        infos += s.act(1, [0, 0, -0.1, 0, 0, 0, -1])
        assert len(infos) < 60
    infos += s.act(8, [0, 0, 0, 0, 0, 0, -1])
    assert never(infos) and last(infos) == "partial"


def test_on_something_that_was_tipped_over_is_no_stack(stage) -> None:
    s = stage(STACK)
    half = s.size("block")[1] / 2
    s.put("block", (*CLEAR, half + 0.001), ON_ITS_SIDE)
    s.env.hold(0.3)
    s.put("red_cube", (CLEAR[0], s.com("block")[1], 2 * half + 0.002))
    infos = s.act(8)
    assert "block" in s.contacts("red_cube")
    assert never(infos) and last(infos) == "toppled"


def test_leaning_on_the_side_is_no_stack(stage) -> None:
    s = stage(STACK)
    s.put("block", (*CLEAR, 0.001), from_yaw(0.0))
    width, tilt = s.size("block")[1] / 2, math.radians(35.0)
    s.put("red_cube", (CLEAR[0], CLEAR[1] + width + 0.022, 0.012), (math.sin(tilt / 2), 0.0, 0.0, math.cos(tilt / 2)))
    infos = s.act(10)
    assert SUPPORT in s.contacts("red_cube")
    assert never(infos)


def test_a_storey_higher_is_another_stack(stage) -> None:
    s = stage(STACK)
    stacked(s, "green_cube")
    s.put("red_cube", (*CLEAR, s.com("green_cube")[2] + s.size("green_cube")[2] / 2 + 0.002))
    s.env.hold(0.3)
    infos = s.act(8)
    assert s.contacts("red_cube") == {"green_cube"}
    assert never(infos)


def test_another_thing_on_top_is_the_wrong_object(stage) -> None:
    s = stage(STACK)
    stacked(s, "green_cube")
    infos = s.act(6)
    assert never(infos) and last(infos) == "wrong_object"


def test_the_wrong_way_round_is_no_stack(stage) -> None:
    s = stage(STACK)
    stacked(s, "block", "red_cube")
    infos = s.act(8)
    assert "block" in s.contacts("red_cube")
    assert never(infos)


def test_a_stack_that_stands_on_something_else_is_none(stage) -> None:
    s = stage(STACK)
    stacked(s, "block", "green_cube")
    s.put("red_cube", (*CLEAR, s.com("block")[2] + s.size("block")[2] / 2 + 0.002))
    infos = s.act(8)
    assert SUPPORT not in s.contacts("block") and s.contacts("red_cube") == {"block"}
    assert never(infos)


def test_sliding_over_the_top_is_no_stack(stage) -> None:
    s = stage(STACK, control_hz=60)
    stacked(s, dx=-0.02)
    s.push("red_cube", (0.6, 0.0, 0.0))
    infos = s.act(5)
    assert never(infos)


def test_leaning_against_the_gripper_is_no_stack(stage) -> None:
    s = stage(STACK)
    x, y, _ = s.env.snapshot().tool_m
    s.put("block", (x, y, 0.001))
    s.put("red_cube", (x, y, s.size("block")[2] + 0.002))
    s.env.hold(0.3)
    s.reach(s.size("block")[2] + 0.01, 1.0, steps=14)
    infos = s.act(10, [0, 0, 0, 0, 0, 0, -1])
    assert ROBOT in s.contacts("red_cube")
    assert never(infos)


@pytest.mark.parametrize("name", ["red_cube", "block"])
def test_either_of_a_stack_falling_off_the_table_ends_the_episode(stage, name: str) -> None:
    s = stage(STACK)
    s.put(name, (1.6, 0.0, -0.5))
    infos = s.act(1)
    assert never(infos) and last(infos) == "fell"


# ---- push ----------------------------------------------------------------------------------------------------------


def spot(s: Stage) -> tuple[float, float, float]:
    return next(iter(s.env.scene.marks.values()))


def clear_of_spot(s: Stage) -> None:
    """Fold the arm up, so that nothing but what a test does happens at the mark."""
    s.reach(0.30, 1.0, steps=10)


@pytest.mark.parametrize("physics", ENGINE_NAMES)
@pytest.mark.parametrize(("share", "success"), [(0.0, True), (0.9, True), (1.1, False)])
def test_the_centre_must_be_over_the_mark(stage, share: float, success: bool, physics: str) -> None:
    s = stage(PUSH, physics=physics)
    clear_of_spot(s)
    x, y, radius = spot(s)
    s.put("red_cube", (x, y - share * radius, 0.001))
    s.env.hold(0.5)
    infos = s.act(4) if not success else s.act(3)
    assert infos[-1]["is_success"] is success
    assert last(infos) == ("success" if success else "moved")


def test_lifted_is_not_pushed(stage) -> None:
    s = stage(PUSH)
    s.grip("red_cube")
    infos = s.act(1, [0, 0, 0.2, 0, 0, 0, -1])
    assert never(infos) and last(infos) == "lifted"
    _, _, terminated, _, _ = s.env.step(STILL)
    assert terminated


def test_carried_to_the_mark_is_no_success(stage) -> None:
    s = stage(PUSH)
    s.grip("red_cube")
    s.act(1, [0, 0, 0.2, 0, 0, 0, -1])
    x, y, _ = spot(s)
    s.reach(0.30, 1.0, steps=10)
    s.put("red_cube", (x, y, 0.001))
    s.env.hold(0.5)
    infos = s.act(6)
    assert never(infos) and last(infos) == "lifted"


def test_passing_over_the_mark_at_speed_is_no_success(stage) -> None:
    s = stage(PUSH, control_hz=60)
    clear_of_spot(s)
    x, y, _ = spot(s)
    s.put("red_cube", (x - 0.03, y, 0.001))
    s.push("red_cube", (0.8, 0.0, 0.0))
    infos = s.act(6)
    assert never(infos) and all(info["reward_terms"]["success"] == 0.0 for info in infos)


def test_another_thing_on_the_mark_is_the_wrong_object(stage) -> None:
    s = stage(PUSH)
    clear_of_spot(s)
    x, y, _ = spot(s)
    s.put("block", (x, y, 0.001))
    infos = s.act(5)
    assert never(infos) and last(infos) == "wrong_object"


def test_on_top_of_something_on_the_mark_is_no_success(stage) -> None:
    s = stage(PUSH)
    clear_of_spot(s)
    x, y, _ = spot(s)
    s.put("block", (x, y, 0.001))
    s.put("red_cube", (x, y, s.size("block")[2] + 0.003))
    s.env.hold(0.5)
    infos = s.act(6)
    assert s.contacts("red_cube") == {"block"}
    assert never(infos)


def test_pushed_over_is_not_pushed(stage) -> None:
    s = stage(PUSH_BESIDE)
    s.put("box", (*CLEAR, 0.001))
    reach = s.size("box")[1] / 2 + s.size("soap")[2] / 2 + 0.02
    # The soap stands on its edge beside the box.
    s.put("soap", (CLEAR[0], CLEAR[1] + reach, s.size("soap")[1] / 2 + 0.001), ON_ITS_SIDE)
    infos = s.act(4)
    assert s.com("soap")[2] > 1.25 * s.size("soap")[2] / 2
    assert never(infos) and last(infos) == "toppled"


@pytest.mark.parametrize(("gap_m", "success"), [(0.02, True), (0.05, True), (0.075, False)])
def test_next_to_means_near(stage, gap_m: float, success: bool) -> None:
    s = stage(PUSH_BESIDE)
    s.put("box", (*CLEAR, 0.001))
    s.put("soap", (CLEAR[0], CLEAR[1] + s.size("box")[1] / 2 + s.size("soap")[1] / 2 + gap_m, 0.001))
    s.env.hold(0.5)
    infos = s.act(3)
    assert infos[-1]["is_success"] is success


def test_in_the_box_is_not_next_to_it(stage) -> None:
    s = stage(PUSH_BESIDE)
    s.put("box", (*CLEAR, 0.001))
    s.put("soap", (*CLEAR, 0.02))
    s.env.hold(0.5)
    assert never(s.act(6))


def test_the_expert_lets_go_before_a_push_counts() -> None:
    env = make(PUSH, obs_type="state")
    expert, done = ScriptedExpert(env), False
    _, info = env.reset(seed=1)
    expert.reset(info["instruction"])
    lifts = []
    while not done:
        _, _, terminated, truncated, info = env.step(expert.act())
        done = terminated or truncated
        lifts.append(env.world.body_pose(0)[0][2])
    assert info["is_success"] and ROBOT not in env.world.contacts(0)
    assert max(lifts) < 0.02
    env.close()


# ---- sort ----------------------------------------------------------------------------------------------------------

BOWL_AT, PLATE_AT = (0.33, -0.10), (0.33, 0.20)


def sorted_so(s: Stage, lime: tuple[float, float], cube: tuple[float, float], height_m: float = 0.03) -> None:
    """Bowl and plate on the table, and the two things somewhere."""
    s.put("bowl", (*BOWL_AT, 0.001))
    s.put("plate", (*PLATE_AT, 0.001))
    s.put("lime", (*lime, height_m))
    s.put("red_cube", (*cube, height_m))
    s.env.hold(2.5)


@pytest.mark.parametrize("physics", ENGINE_NAMES)
def test_really_sorted_succeeds_after_its_time(stage, physics: str) -> None:
    s = stage(SORT, physics=physics)
    sorted_so(s, BOWL_AT, PLATE_AT)
    infos = s.act(3)
    assert [info["is_success"] for info in infos] == [False, False, True]
    assert infos[-1]["reward_terms"] == {"progress": 1.0, "goals": 1.0, "success": 1.0}


def test_one_of_two_is_half_of_it(stage) -> None:
    s = stage(SORT)
    sorted_so(s, BOWL_AT, (0.20, 0.05))
    infos = s.act(6)
    assert never(infos) and last(infos) == "partial" and infos[-1]["reward_terms"]["goals"] == 0.5
    assert s.env.status.goals == (True, False)


def test_exchanged_receptacles_are_the_wrong_objects(stage) -> None:
    s = stage(SORT)
    sorted_so(s, PLATE_AT, BOWL_AT)
    infos = s.act(6)
    assert never(infos) and last(infos) == "wrong_object" and infos[-1]["reward_terms"]["goals"] == 0.0


def test_both_in_one_receptacle_is_half_of_it(stage) -> None:
    s = stage(SORT)
    sorted_so(s, (BOWL_AT[0] - 0.02, BOWL_AT[1]), (BOWL_AT[0] + 0.02, BOWL_AT[1]))
    infos = s.act(6)
    assert never(infos) and infos[-1]["reward_terms"]["goals"] <= 0.5


def test_another_thing_instead_is_no_success(stage) -> None:
    s = stage(SORT)
    sorted_so(s, BOWL_AT, (0.20, 0.05))
    s.put("green_cube", (*PLATE_AT, 0.03))
    s.env.hold(0.5)
    assert never(s.act(6))


def test_what_was_sorted_must_stay_there(stage) -> None:
    s = stage(SORT)
    sorted_so(s, BOWL_AT, PLATE_AT)
    s.act(1)
    s.put("lime", (0.20, 0.05, 0.002))
    s.env.hold(0.3)
    infos = s.act(6)
    assert never(infos) and last(infos) == "partial"


def test_under_an_overturned_bowl_is_not_sorted(stage) -> None:
    s = stage(SORT)
    sorted_so(s, BOWL_AT, PLATE_AT)
    s.put("lime", (*BOWL_AT, 0.001))
    s.put("bowl", (*BOWL_AT, s.size("bowl")[2] + 0.002), UPSIDE_DOWN)
    s.env.hold(0.5)
    assert never(s.act(6))


@pytest.mark.parametrize("name", ["lime", "red_cube"])
def test_any_target_falling_off_ends_the_episode(stage, name: str) -> None:
    s = stage(SORT)
    s.put(name, (1.6, 0.0, -0.5))
    infos = s.act(1)
    assert never(infos) and last(infos) == "fell"


# ---- rearrange -----------------------------------------------------------------------------------------------------


def places(s: Stage) -> dict[str, tuple[float, float]]:
    """Where the two things of an exchange are to go."""
    rules = s.env._task._rules  # type: ignore[attr-defined]
    return {goal.target: rule.point()[:2] for goal, rule in zip(s.task.all_goals, rules, strict=True)}


def put_com(s: Stage, name: str, at: tuple[float, float], height_m: float = 0.001, turned: Any = None) -> None:
    """Put a body so that its centre of mass is over a place."""
    cx, cy, _ = s.asset(name).com_m
    s.put(name, (at[0] - cx, at[1] - cy, height_m), *([] if turned is None else [turned]))


@pytest.mark.parametrize("physics", ENGINE_NAMES)
@pytest.mark.parametrize(("off_m", "success"), [(0.0, True), (0.03, True), (0.06, False)])
def test_exchanged_places_succeed_within_their_tolerance(stage, off_m: float, success: bool, physics: str) -> None:
    s = stage(SWAP, physics=physics)
    clear_of_spot(s)
    to = places(s)
    put_com(s, "red_cube", to["red_cube"])
    put_com(s, "block", (to["block"][0] + off_m, to["block"][1]))
    s.env.hold(0.5)
    infos = s.act(3)
    assert infos[-1]["is_success"] is success
    assert last(infos) == ("success" if success else "partial")


def test_one_of_two_exchanged_is_half_of_it(stage) -> None:
    s = stage(SWAP)
    clear_of_spot(s)
    put_com(s, "red_cube", places(s)["red_cube"])
    s.env.hold(0.5)
    infos = s.act(5)
    assert never(infos) and last(infos) == "partial" and infos[-1]["reward_terms"]["goals"] == 0.5


def test_back_where_they_were_is_no_exchange(stage) -> None:
    s = stage(SWAP)
    clear_of_spot(s)
    to = places(s)
    put_com(s, "red_cube", to["block"])
    put_com(s, "block", to["red_cube"])
    s.env.hold(0.5)
    infos = s.act(5)
    assert never(infos) and infos[-1]["reward_terms"]["goals"] == 0.0


def test_exchanged_but_tipped_over_is_no_success(stage) -> None:
    s = stage(SWAP)
    clear_of_spot(s)
    to = places(s)
    put_com(s, "red_cube", to["red_cube"])
    put_com(s, "block", to["block"], s.size("block")[0] / 2, ON_END)
    infos = s.act(4)
    assert never(infos)


def test_on_top_of_something_else_is_not_in_its_place(stage) -> None:
    s = stage(SWAP)
    clear_of_spot(s)
    to = places(s)
    put_com(s, "red_cube", to["red_cube"])
    put_com(s, "die", to["block"])
    s.env.hold(0.3)
    put_com(s, "block", to["block"], s.size("die")[2] + 0.003)
    infos = s.act(5)
    assert never(infos)


def test_still_sliding_is_not_in_its_place(stage) -> None:
    s = stage(SWAP, control_hz=60)
    clear_of_spot(s)
    to = places(s)
    put_com(s, "red_cube", to["red_cube"])
    put_com(s, "block", to["block"])
    s.push("block", (0.5, 0.0, 0.0))
    assert never(s.act(5))


@pytest.mark.parametrize(("side", "success"), [((0.0, 1.0), True), ((0.0, -1.0), False), ((1.0, 0.0), False)])
def test_the_side_is_the_one_that_was_said(stage, side: tuple[float, float], success: bool) -> None:
    s = stage(BESIDE)
    clear_of_spot(s)
    s.put("bowl", (*CLEAR, 0.001))
    away = s.size("bowl")[0] / 2 + s.size("red_cube")[0] / 2 + 0.025
    s.put("red_cube", (CLEAR[0] + side[0] * away, CLEAR[1] + side[1] * away, 0.001))
    s.env.hold(0.5)
    infos = s.act(3)
    assert infos[-1]["is_success"] is success


def test_beside_a_bowl_that_was_turned_over_is_no_success(stage) -> None:
    s = stage(BESIDE)
    clear_of_spot(s)
    s.put("bowl", (CLEAR[0], CLEAR[1], s.size("bowl")[2] + 0.002), UPSIDE_DOWN)
    s.put("red_cube", (CLEAR[0], CLEAR[1] + s.size("bowl")[0] / 2 + 0.05, 0.001))
    s.env.hold(0.5)
    upset = s.env.status
    assert never(s.act(5)) or upset.goals == (False,)


def test_another_thing_beside_it_is_the_wrong_object(stage) -> None:
    s = stage(BESIDE)
    clear_of_spot(s)
    s.put("bowl", (*CLEAR, 0.001))
    s.put("green_cube", (CLEAR[0], CLEAR[1] + s.size("bowl")[0] / 2 + 0.04, 0.001))
    infos = s.act(5)
    assert never(infos) and last(infos) == "wrong_object"


# ---- all -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("physics", ENGINE_NAMES)
@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize("env_id", ALL)
def test_the_expert_solves_it(env_id: str, robot: str, physics: str) -> None:
    env = make(env_id, robot=robot, physics=physics, obs_type="state", reward="shaped")
    episodes = [run_episode(env, ScriptedExpert(env), seed=seed) for seed in range(2)]
    env.close()
    assert [episode.outcome for episode in episodes] == ["success"] * 2


@pytest.mark.parametrize("family", TASKS)
def test_weights_add_up(family: str) -> None:
    weights = TASKS[family].weights
    assert math.isclose(sum(weights.values()), 1.0) and all(weight > 0.0 for weight in weights.values())


def test_the_reward_grows_on_the_expert_s_way() -> None:
    for env_id in ALL:
        env = make(env_id, obs_type="state", reward="shaped")
        _, info = env.reset(seed=0)
        expert, rewards, done = ScriptedExpert(env), [], False
        expert.reset(info["instruction"])
        while not done:
            _, reward, terminated, truncated, info = env.step(expert.act())
            rewards.append(reward)
            done = terminated or truncated
        env.close()
        assert rewards[-1] == pytest.approx(1.0) and all(0.0 <= reward <= 1.0 + 1e-9 for reward in rewards)
        assert np.mean(rewards[:5]) < np.mean(rewards[-5:])


def test_episodes_grow_with_what_is_to_be_carried() -> None:
    for env_id, carried in ((STACK, 1), (SORT, 2), (SWAP, 3)):
        env = make(env_id, obs_type="state", control_hz=2)
        env.reset(seed=0)
        assert carries(env.scene.spec.task) == carried
        steps, truncated = 0, False
        while not truncated:
            _, _, _, truncated, _ = env.step(STILL)
            steps += 1
        assert steps == 40 * carried
        env.close()


def test_the_state_shows_the_goal_that_is_open(stage) -> None:
    s = stage(SORT)
    sorted_so(s, (0.20, 0.05), (0.20, 0.30))
    s.act(1)
    assert s.env.snapshot().target == s.env.world.body_pose(s.index("lime"))
    s.put("lime", (*BOWL_AT, 0.03))
    s.env.hold(2.5)
    s.act(1)
    assert s.env.snapshot().target == s.env.world.body_pose(s.index("red_cube"))
    assert s.env.snapshot().receptacle == s.env.world.body_pose(s.index("plate"))


def test_a_mark_is_seen_and_told(stage) -> None:
    s = stage(PUSH)
    segments = s.env.segmentation("front", 128, 128)
    assert (segments == 2 + len(s.env.scene.assets)).sum() > 100
    x, y, radius = spot(s)
    assert s.env.snapshot().receptacle == ((x, y, 0.0), (0.0, 0.0, 0.0, 1.0))
    assert s.env.snapshot().receptacle_size_m == (2 * radius, 2 * radius, 0.0)
    assert from_card(to_card(s.env.scene.spec)) == s.env.scene.spec


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ALL)
def test_chance_solves_nothing(env_id: str) -> None:
    """A part that stands open in front of the arm is struck shut by chance: closing is the one that random arms do."""
    env = make(env_id, obs_type="state")
    policy = RandomPolicy(env.action_space, seed=0)
    wins = sum(run_episode(env, policy, seed=seed).success for seed in range(100))
    env.close()
    assert wins <= {OPEN[0]: 4, CLOSE: 12}.get(env_id, 1)


def test_goals_that_do_not_fit_the_family_are_refused() -> None:
    env = make(SORT, obs_type="state")
    env.reset(seed=0)
    spec = env.scene.spec
    env.close()
    good = spec.task.all_goals
    bad: list[tuple[Any, str]] = [
        (TaskSpec(family="sort", target="lime"), "task.goals"),
        (TaskSpec(family="pick", target="lime", goals=good), "task.goals"),
        (TaskSpec(family="push", target="lime", goals=good), "task.goals"),
        (TaskSpec(family="push", target="lime", goals=good[:1]), "predicate"),
        (TaskSpec(family="sort", target="red_cube", goals=good), "task.target"),
        (TaskSpec(family="stack", target="lime", receptacle="plate", predicate="in"), "task"),
        (replace(spec.task, goals=(good[0], Goal(target="x", predicate="in", receptacle="bowl"))), "goals[1].target"),
        (replace(spec.task, goals=(good[0], Goal(target="lime", predicate="in", receptacle="x"))), "receptacle"),
        (replace(spec.task, goals=(good[0], Goal(target="red_cube", predicate="behind", receptacle="bowl"))), "pred"),
    ]
    for task, field in bad:
        with pytest.raises(SceneError) as caught:
            replace(spec, task=task).__post_init__()
        assert field in caught.value.field, task
