"""The tasks' rules against every way of seeming to fulfil them.

Situations are built with the world's privileged calls, then simulated; the rule sees them as it would see a policy's.
"""

from __future__ import annotations

import math

import helpers
import numpy as np
import pytest
from helpers import PICK, PLACE, ROBOT_NAMES, expert_actions, make
from hypothesis import assume, given
from hypothesis import strategies as st
from situations import CLEAR, STILL, UPSIDE_DOWN, never

from gen3d_envs.geometry import from_yaw, rotate
from gen3d_envs.rollout import RandomPolicy
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.tasks import OUTCOMES
from gen3d_envs.tasks.pick import Pick
from gen3d_envs.tasks.place import Place
from gen3d_envs.tasks.ways import Edge

ON_PLATE = "Gen3D/TestPlaceCubeOnPlate-v0"
BLOCK_ON_PLATE = "Gen3D/TestPlaceBlockOnPlate-v0"
IN_BASKET = "Gen3D/TestPlaceBlockInBasket-v0"


# ---- place ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("control_hz", [5, 10, 20, 60])
@pytest.mark.parametrize("env_id", [PLACE, ON_PLATE, IN_BASKET])
def test_really_placed_succeeds_after_its_time(stage, env_id: str, control_hz: int) -> None:
    s = stage(env_id, control_hz=control_hz)
    s.put(s.task.receptacle, (*CLEAR, 0.001))
    s.put(s.task.target, (*CLEAR, 0.03))
    s.env.hold(2.5)
    assert s.env.status.success is False
    needed = math.ceil(0.4 * control_hz - 1e-9) + 1  # the first look starts the clock
    infos = s.act(needed)
    assert [info["is_success"] for info in infos] == [False] * (needed - 1) + [True]
    assert infos[-1]["outcome"] == "success" and infos[-1]["reward_terms"]["success"] == 1.0
    assert {info["outcome"] for info in infos[:-1]} <= {"partial"}


def test_the_time_starts_again_when_the_target_is_moved(stage) -> None:
    s = stage(PLACE, control_hz=10)
    s.put("bowl", (*CLEAR, 0.001))
    s.put("ball", (*CLEAR, 0.02))
    s.env.hold(2.5)
    assert never(s.act(3))
    s.push("ball", (0.0, 0.0, 1.0))
    assert never(s.act(3))  # in the air: the fourth step would have succeeded


def test_held_at_the_goal_is_no_success_until_let_go(stage) -> None:
    s = stage(ON_PLATE)
    x, y, _ = s.env.snapshot().tool_m
    s.put("plate", (x, y, 0.001))
    s.grip("green_cube")
    infos = []
    while "plate" not in s.contacts("green_cube"):
        infos += s.act(1, [0, 0, -0.1, 0, 0, 0, -1])
        assert len(infos) < 40
    infos += s.act(8, [0, 0, 0, 0, 0, 0, -1])
    assert s.contacts("green_cube") == {ROBOT, "plate"}
    assert never(infos) and infos[-1]["outcome"] == "partial"
    s.act(3, [0, 0, 0, 0, 0, 0, 1])
    assert any(info["is_success"] for info in s.act(4, [0, 0, 1, 0, 0, 0, 1]))


@pytest.mark.parametrize("aside_m", [0.0, 0.15])
def test_letting_go_above_pays_only_over_the_goal(stage, aside_m: float) -> None:
    s = stage(ON_PLATE)
    s.grip("green_cube")
    s.act(3, [0, 0, 1, 0, 0, 0, -1])
    x, y, _ = s.com("green_cube")
    s.put("plate", (x + aside_m, y, 0.001))
    carried, *_, fallen = s.act(1, [0, 0, 0, 0, 0, 0, -1]) + s.act(3, [0, 0, 0, 0, 0, 0, 1])
    paid, left = (info["reward_terms"]["transport"] for info in (carried, fallen))
    assert carried["outcome"] == "partial" and paid > 0.0
    assert left > paid if aside_m == 0.0 else left == 0.0


@pytest.mark.parametrize(
    ("env_id", "target", "holder"), [(ON_PLATE, "green_cube", "plate"), (IN_BASKET, "block", "basket")]
)
def test_transport_pays_for_lifting_before_a_wall_and_for_lowering_behind_it(stage, env_id, target, holder) -> None:
    s = stage(env_id)
    s.grip(target)
    x, y, z = s.com(target)
    asset = s.asset(holder)
    half, edge = s.size(holder)[0] / 2, asset.cavity.rim_z_m if asset.cavity is not None else asset.surface.z_m

    def paid(offset_m: float, lowest_m: float) -> float:
        """For the target so far from the middle, its lowest point so high over the edge; the robot still holds it."""
        s.put(holder, (x + offset_m, y, z - s.size(target)[2] / 2 - edge - lowest_m))
        return s.env._task.evaluate(s.env.snapshot().tool_m).terms["transport"]

    outside = half + s.size(target)[0] / 2 + 0.002
    low, high, over = paid(outside, -0.02), paid(outside, 0.005), paid(0.0, 0.005)
    assert 0.0 < low < high < over < paid(0.0, 0.001)


@given(
    away=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), height=st.floats(-0.05, 0.4), goal=st.floats(0.0, 0.05),
    half=st.tuples(st.floats(0.03, 0.2), st.floats(0.03, 0.2)), wall=st.floats(0.0, 0.2), round_=st.booleans(),
)  # fmt: skip
def test_the_way_is_the_shortest_over_the_edge(away, height, goal, half, wall, round_) -> None:
    edge = Edge(0.01, -0.02, *half, goal + wall, round_)
    x, y, z = at = (0.01 + away[0], -0.02 + away[1], height)
    way, straight = edge.way_m(at, goal), math.dist(at, (0.01, -0.02, goal))
    assert way >= straight - 1e-12
    assert edge.way_m((0.01, -0.02, goal), goal) == 0.0
    u, v = away[0] / half[0], away[1] / half[1]
    scale = math.hypot(u, v) if round_ else max(abs(u), abs(v))
    assume(abs(scale - 1.0) > 1e-6)
    if scale < 1.0 or goal + (height - goal) / scale >= edge.top:
        assert way == pytest.approx(straight)  # inside, or the straight line passes over the wall
    else:
        crest = (0.01 + away[0] / scale, -0.02 + away[1] / scale, edge.top)
        assert way == pytest.approx(math.dist(at, crest) + math.dist(crest, (0.01, -0.02, goal)), abs=1e-6)
        if z < edge.top - 1e-6:
            assert edge.way_m((x, y, 0.5 * (z + edge.top)), goal) < way  # rising brings it nearer


@pytest.mark.parametrize("outward_m", [0.0, 0.01, 0.02])
def test_half_on_the_rim_and_half_on_the_table_is_no_success(stage, outward_m: float) -> None:
    s = stage(BLOCK_ON_PLATE)
    s.put("plate", (*CLEAR, 0.001))
    radius, rim, half = s.size("plate")[0] / 2, s.size("plate")[2], s.size("block")[0] / 2
    tilt = math.asin(rim / (half + outward_m))
    turned = (0.0, math.sin(tilt / 2), 0.0, math.cos(tilt / 2))
    s.put("block", (CLEAR[0] + radius + outward_m, CLEAR[1], 0.5 * rim + 0.012), turned)
    infos = s.act(10)
    assert s.contacts("block") >= {"plate", SUPPORT}
    assert never(infos)


def test_thrown_in_and_bounced_out_is_no_success(stage) -> None:
    s = stage(PLACE, control_hz=20)
    s.put("bowl", (*CLEAR, 0.001))
    s.env.hold(0.3)
    s.put("ball", (CLEAR[0] - 0.02, CLEAR[1], 0.16))
    s.push("ball", (0.2, 0.0, -1.5))
    landing = s.act(3)
    assert s.com("ball")[2] < s.size("bowl")[2]
    s.push("ball", (0.7, 0.0, 1.6))  # a livelier ball than ours
    leaving = s.act(40)
    assert math.hypot(s.com("ball")[0] - CLEAR[0], s.com("ball")[1] - CLEAR[1]) > 0.08
    assert never(landing + leaving)


@pytest.mark.parametrize("speed_mps", [0.5, 1.0, 3.0])
def test_passing_through_at_speed_is_no_success(stage, speed_mps: float) -> None:
    s = stage(ON_PLATE, control_hz=60)
    s.put("plate", (*CLEAR, 0.001))
    s.env.hold(0.3)
    s.put("green_cube", (CLEAR[0], CLEAR[1], s.asset("plate").surface.z_m + 0.004))
    s.push("green_cube", (speed_mps, 0.0, 0.0))
    moving = s.act(4)
    assert never(moving) and all(info["reward_terms"]["success"] == 0.0 for info in moving)


def test_rolling_about_in_the_bowl_is_no_success(stage) -> None:
    s = stage(PLACE, control_hz=60)
    s.put("bowl", (*CLEAR, 0.001))
    s.put("ball", (*CLEAR, 0.02))
    s.env.hold(1.0)
    s.push("ball", (0.35, 0.0, 0.0), (0.0, 20.0, 0.0))
    for info in s.act(60):
        speed = math.hypot(*s.env.world.body_velocity(s.index("ball"))[0])
        if info["is_success"]:
            assert speed < 0.03
            break


def test_a_distractor_at_the_goal_is_the_wrong_object(stage) -> None:
    s = stage(ON_PLATE)
    s.put("plate", (*CLEAR, 0.001))
    s.put("yellow_cube", (*CLEAR, 0.02))
    infos = s.act(6)
    assert never(infos) and infos[-1]["outcome"] == "wrong_object"


def test_stacked_on_a_distractor_at_the_goal_is_no_success(stage) -> None:
    s = stage(ON_PLATE)
    s.put("plate", (*CLEAR, 0.001))
    s.put("yellow_cube", (*CLEAR, 0.006))
    s.env.hold(0.5)
    s.put("green_cube", (*CLEAR, s.com("yellow_cube")[2] + s.size("yellow_cube")[2] / 2 + 0.001))
    infos = s.act(8)
    assert s.contacts("green_cube") == {"yellow_cube"}
    assert never(infos)


def test_the_receptacle_turned_over_the_target_is_no_success(stage) -> None:
    s = stage(PLACE)
    s.put("ball", (*CLEAR, 0.001))
    s.put("bowl", (*CLEAR, s.size("bowl")[2] + 0.002), UPSIDE_DOWN)
    infos = s.act(10)
    assert SUPPORT in s.contacts("ball")
    assert never(infos)


def test_on_top_of_an_overturned_receptacle_is_no_success(stage) -> None:
    s = stage(PLACE)
    height = s.size("bowl")[2]
    s.put("bowl", (*CLEAR, height + 0.001), UPSIDE_DOWN)
    s.env.hold(0.5)
    s.put("ball", (*CLEAR, height + 0.001))
    infos = s.act(10)
    assert never(infos)


def test_the_receptacle_pushed_onto_the_target_is_no_success(stage) -> None:
    s = stage(ON_PLATE)
    s.put("green_cube", (*CLEAR, 0.001))
    s.env.hold(0.3)
    s.put("plate", (*CLEAR, s.size("green_cube")[2] + 0.002))
    infos = s.act(8)
    assert "plate" in s.contacts("green_cube")
    assert never(infos)


def test_in_a_tipped_over_receptacle_is_no_success(stage) -> None:
    s = stage(IN_BASKET)
    on_its_side = (0.0, math.sin(math.pi / 4), 0.0, math.cos(math.pi / 4))
    half = s.size("basket")[0] / 2
    s.put("basket", (0.30, -0.08, half + 0.002), on_its_side)
    s.env.hold(0.8)
    axis = rotate(s.env.world.body_pose(s.index("basket"))[1], (0.0, 0.0, 1.0))
    assert axis[2] < 0.6  # its wall is conical, so it lies tilted
    (bx, by, _), _ = s.env.world.body_pose(s.index("basket"))
    s.put("block", (bx + 0.045 * axis[0], by + 0.045 * axis[1], 0.03), from_yaw(math.pi / 2))
    infos = s.act(10)
    assert "basket" in s.contacts("block") and SUPPORT not in s.contacts("block")
    assert never(infos)


def test_the_receptacle_on_the_ground_with_the_target_in_it_is_a_fall(stage) -> None:
    s = stage(PLACE)
    s.put("bowl", (1.6, 0.0, -0.74))
    s.put("ball", (1.6, 0.0, -0.72))
    infos = s.act(1)
    assert never(infos) and infos[-1]["outcome"] == "fell"


@pytest.mark.parametrize("env_id", [PICK, PLACE])
def test_falling_off_the_support_ends_the_episode(stage, env_id: str) -> None:
    s = stage(env_id)
    s.put(s.task.target, (0.3, 0.75, 0.02))
    for _ in range(10):
        _, reward, terminated, truncated, info = s.env.step(STILL)
        assert reward == 0.0 and not truncated
        if terminated:
            break
    assert terminated and info["outcome"] == "fell" and not info["is_success"]


def test_another_object_falling_off_does_not_end_the_episode(stage) -> None:
    s = stage(ON_PLATE)
    s.put("yellow_cube", (0.3, 0.75, 0.02))
    s.act(10)


def test_outcomes_before_anything_is_lifted() -> None:
    env = make(PLACE, obs_type="state")
    assert env.reset(seed=0)[1]["outcome"] == "untouched"
    assert env.step(STILL)[4]["outcome"] == "untouched"
    env.world.set_body_velocity(env.scene.index("ball"), (0.3, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert [env.step(STILL)[4]["outcome"] for _ in range(5)][-1] == "moved"
    env.close()


# ---- pick ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize(("height_m", "success"), [(0.090, False), (0.105, True)])
def test_ten_centimetres_and_not_nine(stage, height_m: float, success: bool, robot: str) -> None:
    s = stage(PICK, robot=robot)
    lay = s.size("red_cube")[2] / 2
    s.grip("red_cube", lay + 0.06)
    assert s.env.status.success is False
    for _ in range(6):
        missing = lay + height_m - s.com("red_cube")[2]
        s.env.step(np.array([0, 0, np.clip(missing / 0.10, -1, 1), 0, 0, 0, -1], np.float32))
    infos = s.act(4, [0, 0, 0, 0, 0, 0, -1])
    assert s.com("red_cube")[2] - lay == pytest.approx(height_m, abs=0.004)
    assert infos[-1]["is_success"] is success
    assert infos[-1]["outcome"] == ("success" if success else "partial")


def test_lifted_but_dropped(stage) -> None:
    s = stage(PICK, control_hz=20)
    s.grip("red_cube", 0.08)
    assert s.act(1, [0, 0, 0, 0, 0, 0, -1])[-1]["outcome"] == "partial"
    infos = s.act(30, [0, 0, 0, 0, 0, 0, 1])
    assert never(infos) and infos[-1]["outcome"] == "dropped"


def test_held_high_but_not_for_long_enough(stage) -> None:
    s = stage(PICK, control_hz=20)
    s.grip("red_cube", 0.08)
    s.reach(0.145, -1.0, steps=6)
    assert s.env.status.success is False
    infos = s.act(20, [0, 0, 0, 0, 0, 0, 1])
    assert infos[-1]["outcome"] == "dropped" and never(infos)


def test_thrown_into_the_air_is_no_success(stage) -> None:
    s = stage(PICK, control_hz=20)
    s.put("red_cube", (0.35, -0.25, 0.002))
    s.push("red_cube", (0.0, 0.0, 2.2))
    infos = s.act(16)
    assert never(infos) and infos[-1]["outcome"] in ("moved", "untouched")


def test_lifted_onto_something_is_no_success(stage) -> None:
    s = stage(PICK)
    mug = s.asset("mug")
    s.put("mug", (CLEAR[0], CLEAR[1], 0.001))
    s.env.hold(0.3)
    center = mug.cavity.center_m
    s.put("red_cube", (CLEAR[0] + center[0] + 0.03, CLEAR[1] + center[1], mug.cavity.rim_z_m + 0.002))
    assert never(s.act(6))


def test_pressed_against_another_object_is_no_success(stage) -> None:
    """Held high, but the mug below carries it."""
    s = stage(PICK)
    x, y, _ = s.env.snapshot().tool_m
    mug = s.asset("mug")
    s.put("mug", (x - mug.cavity.center_m[0] - mug.cavity.half_x_m, y, 0.001))
    s.grip("red_cube", mug.cavity.rim_z_m + 0.035)
    s.env.reset(seed=0) if s.env.status.success else None
    s.reach(mug.cavity.rim_z_m + s.size("red_cube")[2] / 2 - 0.002, -1.0, steps=3)
    infos = s.act(6, [0, 0, 0, 0, 0, 0, -1])
    assert s.contacts("red_cube") == {ROBOT, "mug"}
    assert never(infos)


def test_another_object_lifted_is_no_success(stage) -> None:
    s = stage(PICK)
    s.grip("die", 0.16)
    infos = s.act(6, [0, 0, 0, 0, 0, 0, -1])
    assert never(infos) and infos[-1]["outcome"] != "partial"


# ---- rewards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [Pick.weights, Place.weights])
def test_weights_add_up_to_one(weights: dict[str, float]) -> None:
    assert sum(weights.values()) == pytest.approx(1.0) and min(weights.values()) > 0.0


@pytest.mark.parametrize("env_id", [PICK, PLACE, ON_PLATE])
def test_rewards(env_id: str) -> None:
    sparse, shaped = make(env_id, obs_type="state"), make(env_id, obs_type="state", reward="shaped")
    actions = expert_actions(env_id)
    sparse.reset(seed=0)
    _, info = shaped.reset(seed=0)
    weights = (Pick if env_id == PICK else Place("on")).weights
    assert set(info["reward_terms"]) == set(weights)
    first = None
    for count, action in enumerate(actions):
        _, reward, terminated, _, _ = sparse.step(action)
        _, dense, _, _, info = shaped.step(action)
        terms = info["reward_terms"]
        assert type(reward) is float and type(dense) is float
        assert reward == (1.0 if count == len(actions) - 1 else 0.0) == float(terminated)
        assert all(0.0 <= value <= 1.0 for value in terms.values())
        assert dense == pytest.approx(sum(weights[name] * terms[name] for name in weights))
        assert 0.0 <= dense <= 1.0
        first = dense if first is None else first
    assert info["is_success"] and dense > 0.9 > first
    sparse.close()
    shaped.close()


@pytest.mark.parametrize("env_id", helpers.ALL_IDS)
def test_terms_stay_in_bounds_under_random_actions(env_id: str) -> None:
    env = make(env_id, obs_type="state", reward="shaped")
    policy = RandomPolicy(env.action_space, seed=4)
    for seed in range(2):
        env.reset(seed=seed)
        for _ in range(25):
            _, reward, terminated, _, info = env.step(policy.act(None))
            assert 0.0 <= reward <= 1.0
            assert all(0.0 <= value <= 1.0 and type(value) is float for value in info["reward_terms"].values())
            assert info["outcome"] in OUTCOMES and not info["is_success"]
            if terminated:
                break
    env.close()


def test_every_outcome_is_described() -> None:
    expected = {
        "success", "partial", "lifted", "toppled", "dropped", "wrong_object", "fell", "moved", "untouched"
    }  # fmt: skip
    assert set(OUTCOMES) == expected and all(OUTCOMES.values())


def test_what_bridges_the_rim_is_not_in() -> None:
    """A spoon laid across a pot touches only the pot, lies still, over its cavity, and is not in it."""
    env = make("Gen3D/PutSpoonInPot-449a-v0").unwrapped
    env.reset(seed=0)
    scene, world = env.scene, env.world
    target, pot = scene.index(scene.spec.task.target), scene.index(scene.spec.task.receptacle)
    (x, y, _), _ = world.body_pose(pot)
    cavity = scene.assets[pot].cavity
    infos = []
    world.set_body_pose(target, (x, y, cavity.rim_z_m + 0.001), (0.0, 0.0, 0.0, 1.0))
    for _ in range(10):
        infos.append(env.step(np.array([0, 0, 0, 0, 0, 0, 1], np.float32))[4])
    assert world.contacts(target) == {scene.spec.task.receptacle}, "the premise: it lies on the pot alone"
    assert world.body_pose(target)[0][2] > cavity.rim_z_m - 0.01, "the premise: it lies across"
    assert not any(info["is_success"] for info in infos) and infos[-1]["outcome"] == "partial"
    env.close()
