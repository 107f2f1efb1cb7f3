"""Open and Close: the rule against cheats, the scripted expert with both robots, the state, the card."""

from __future__ import annotations

import math
from collections.abc import Iterator

import helpers
import msgspec
import numpy as np
import pytest

from gen3d_envs.build import BuiltScene, build
from gen3d_envs.certify import certify
from gen3d_envs.design.layout import CASES, FACING_RAD, FOLDING, facing_yaw
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import SceneError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.export.scene import export_files
from gen3d_envs.geometry import wrap
from gen3d_envs.rollout import run_episode
from gen3d_envs.sim.world import ROBOT
from gen3d_envs.spec import ObjectSpec, Opening, SceneSpec, TaskSpec, from_card, to_card

PARTS = {"cabinet": "door", "microwave": "door", "lidded_box": "lid", "laptop": "screen", "drawer_unit": "top_drawer"}
START = {"laptop": 0.45}
"""A laptop's edge can be held only when it stands off its keys."""


def scene(category: str, family: str = "open", seed: int = 0, share: float | None = None, part: str = "") -> BuiltScene:
    if share is None:
        share = START.get(category, 0.0) if family == "open" else 0.9
    opening = {"opening": (Opening(part=PARTS[category], share=share),)} if share else {}
    words = category.replace("_", " ")
    objects = (
        ObjectSpec(name="thing", role="target", category=category, description=words, seed=seed, **opening),
        ObjectSpec(name="cube", role="distractor", category="cube", description="cube", seed=seed + 1),
    )
    task = TaskSpec(family=family, target="thing", part=part or PARTS[category])  # type: ignore[arg-type]
    spec = SceneSpec(name="Opening", instruction=f"{family} the {words}", seed=seed, task=task, objects=objects)
    return build(spec)


@pytest.fixture
def environment() -> Iterator[list[Gen3DEnv]]:
    made: list[Gen3DEnv] = []
    yield made
    for env in made:
        env.close()


def start(made: list[Gen3DEnv], built: BuiltScene, robot: str = "widowx", physics: str = helpers.ENGINE) -> Gen3DEnv:
    env = Gen3DEnv(scene=built, robot=robot, physics=physics, obs_type="state")
    made.append(env)
    env.reset(seed=0)
    return env


def linger(env: Gen3DEnv, steps: int = 4) -> dict[str, object]:
    """Do nothing for a while; the last info."""
    info: dict[str, object] = {}
    for _ in range(steps):
        info = env.step(np.array([0, 0, 0, 0, 0, 0, 1], np.float32))[4]
    return info


def move(env: Gen3DEnv, **shares: float) -> None:
    parts = env.scene.assets[0].parts
    now = env.world.part_positions(0)
    values = [shares.get(p.name, q / p.joint.upper) * p.joint.upper for p, q in zip(parts, now, strict=True)]
    env.world.set_part_positions(0, values)


# ---- the rule ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "success"), [(0.0, False), (0.76, False), (0.84, True), (1.0, True)])
@pytest.mark.parametrize("category", ["drawer_unit", "cabinet"])
def test_open_from_four_fifths_on(environment: list[Gen3DEnv], category: str, share: float, success: bool) -> None:
    env = start(environment, scene(category))
    assert not env.status.success and env.status.outcome == "untouched"
    move(env, **{PARTS[category]: share})
    info = linger(env)
    assert info["is_success"] is success and env.status.terms["success"] == float(success)
    assert env.status.terms["move"] == pytest.approx(1.0 if success else share / 0.8, abs=0.02)


@pytest.mark.parametrize(("share", "success"), [(0.9, False), (0.08, False), (0.03, True), (0.0, True)])
@pytest.mark.parametrize("category", ["microwave", "lidded_box"])
def test_closed_within_a_twentieth(environment: list[Gen3DEnv], category: str, share: float, success: bool) -> None:
    env = start(environment, scene(category, "close"))
    assert not env.status.success
    move(env, **{PARTS[category]: share})
    assert linger(env)["is_success"] is success


def test_it_must_last(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("cabinet"))
    move(env, door=0.95)
    assert [linger(env, 1)["is_success"] for _ in range(3)] == [False, False, True]


def test_another_drawer_does_not_count(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("drawer_unit"))
    move(env, bottom_drawer=1.0)
    assert linger(env)["outcome"] == "wrong_object"
    move(env, top_drawer=0.5)
    assert linger(env)["outcome"] == "partial"


def test_a_door_that_swings_past_does_not_count(environment: list[Gen3DEnv]) -> None:
    """Open at every look, but never at rest."""
    env = start(environment, scene("cabinet"))
    for step in range(8):
        move(env, door=0.85 if step % 2 else 0.95)
        env.world.drive(env.world.joint_states()[0], 1)
        velocity = env.world.part_velocities
        env.world.part_velocities = lambda index: [0.5]  # type: ignore[method-assign]
        assert linger(env, 1)["is_success"] is False
        env.world.part_velocities = velocity  # type: ignore[method-assign]


def test_a_box_on_its_side_is_not_open(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("lidded_box"))
    half = math.sqrt(0.5)
    env.world.set_body_pose(0, (0.3, 0.0, 0.115), (0.0, half, 0.0, half))
    move(env, lid=0.95)
    info = linger(env)
    assert info["outcome"] == "toppled" and info["is_success"] is False


def test_what_falls_off_the_table_fails(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("lidded_box"))
    env.world.set_body_pose(0, (0.3, 0.95, 0.1), (0.0, 0.0, 0.0, 1.0))
    move(env, lid=1.0)
    terminated = False
    for _ in range(6):
        terminated = terminated or env.step(np.zeros(7, np.float32))[2]
    assert terminated and env.status.outcome == "fell" and not env.status.success


def touched(env: Gen3DEnv, held: bool) -> None:
    """As if the robot touched the target, or not."""
    contacts = type(env.world).contacts
    others = {ROBOT} if held else set()
    env.world.contacts = lambda index: contacts(env.world, index) | others  # type: ignore[method-assign]


@pytest.mark.parametrize(("family", "share"), [("open", 0.95), ("close", 0.0)])
@pytest.mark.parametrize("category", ["microwave", "lidded_box"])
def test_what_is_held_so_is_not_left_so(environment: list[Gen3DEnv], category: str, family: str, share: float) -> None:
    """Held open or pressed shut does not count until the robot has let go, and then from the beginning."""
    env = start(environment, scene(category, family))
    move(env, **{PARTS[category]: share})
    touched(env, True)
    assert linger(env, 8)["is_success"] is False and env.status.outcome == "partial"
    touched(env, False)
    assert [linger(env, 1)["is_success"] for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("robot", helpers.ROBOT_NAMES)
def test_the_gripper_on_the_handle_of_an_open_drawer_has_not_opened_it(environment: list[Gen3DEnv], robot: str) -> None:
    """Up to the moment at which the expert lets go, then nothing: the drawer is out, and in the robot's hand."""
    env = start(environment, scene("drawer_unit"), robot)
    expert = ScriptedExpert(env)
    expert.reset("open the top drawer")
    while env.world.part_positions(0)[0] < 0.86 * env.scene.assets[0].parts[0].joint.upper:
        env.step(expert.act())
    for _ in range(8):
        env.step(np.array([0, 0, 0, 0, 0, 0, -1], np.float32))
        assert env.status.outcome == "partial"


def test_opened_and_fallen_shut_again_is_not_open(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("lidded_box"))
    move(env, lid=0.95)
    assert linger(env, 2)["outcome"] == "partial"
    move(env, lid=0.0)
    info = linger(env)
    assert info["outcome"] == "untouched" and info["is_success"] is False


def test_shut_and_sprung_open_again_is_not_closed(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("cabinet", "close"))
    move(env, door=0.0)
    assert linger(env, 2)["outcome"] == "partial"
    move(env, door=0.2)
    info = linger(env)
    assert info["outcome"] == "partial" and info["is_success"] is False


@pytest.mark.parametrize("category", ["lidded_box", "laptop"])
def test_the_whole_thing_pushed_away_is_moved(environment: list[Gen3DEnv], category: str) -> None:
    env = start(environment, scene(category))
    (x, y, z), turn = env.world.body_pose(0)
    env.world.set_body_pose(0, (x, y + 0.06, z), turn)
    info = linger(env)
    assert info["outcome"] == "moved" and info["is_success"] is False


@pytest.mark.parametrize("family", ["open", "close"])
def test_what_lies_on_its_side_is_neither_open_nor_closed(environment: list[Gen3DEnv], family: str) -> None:
    env = start(environment, scene("lidded_box", family))
    half = math.sqrt(0.5)
    env.world.set_body_pose(0, (0.3, 0.0, 0.115), (0.0, half, 0.0, half))
    move(env, lid=0.95 if family == "open" else 0.0)
    info = linger(env)
    assert info["outcome"] == "toppled" and info["is_success"] is False


def test_the_other_drawer_shut_is_the_wrong_one(environment: list[Gen3DEnv]) -> None:
    built = scene("drawer_unit", "close")
    wide = (Opening(part="top_drawer", share=0.9), Opening(part="bottom_drawer", share=0.5))
    objects = (msgspec.structs.replace(built.spec.objects[0], opening=wide), built.spec.objects[1])
    env = start(environment, build(msgspec.structs.replace(built.spec, objects=objects)))
    move(env, bottom_drawer=0.0)
    info = linger(env)
    assert info["outcome"] == "wrong_object" and info["is_success"] is False
    move(env, top_drawer=0.0)
    assert linger(env)["is_success"] is True


def test_open_in_the_air_is_not_open_on_the_table(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("lidded_box"))
    for _ in range(6):
        env.world.set_body_pose(0, (0.3, 0.0, 0.4), (0.0, 0.0, 0.0, 1.0))
        move(env, lid=0.95)
        assert linger(env, 1)["is_success"] is False


def test_a_slammed_door_counts_when_it_has_come_to_rest(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("microwave", "close"))
    move(env, door=0.02)
    velocity = env.world.part_velocities
    env.world.part_velocities = lambda index: [-0.4]  # type: ignore[method-assign]
    assert linger(env, 6)["is_success"] is False
    env.world.part_velocities = velocity  # type: ignore[method-assign]
    assert linger(env)["is_success"] is True


def test_what_is_closed_beside_the_table_fails(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("laptop", "close"))
    env.world.set_body_pose(0, (0.3, 0.95, 0.1), (0.0, 0.0, 0.0, 1.0))
    move(env, screen=0.0)
    terminated = False
    for _ in range(6):
        terminated = terminated or env.step(np.zeros(7, np.float32))[2]
    assert terminated and env.status.outcome == "fell" and not env.status.success


def test_a_part_that_is_not_there_is_refused() -> None:
    env = Gen3DEnv(scene=scene("cabinet", part="lid"), physics=helpers.ENGINE, obs_type="state")
    with pytest.raises(SceneError, match=r"task.part = 'lid'.*Use one of door"):
        env.reset()
    env.close()


# ---- the expert ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("robot", helpers.ROBOT_NAMES)
@pytest.mark.parametrize("family", ["open", "close"])
@pytest.mark.parametrize("category", sorted(PARTS))
def test_the_expert_opens_and_closes(category: str, family: str, robot: str) -> None:
    wins = 0
    for seed in (0, 1, 2):
        built = scene(category, family, seed=2 * seed if category != "drawer_unit" else (0, 1, 2)[seed])
        env = Gen3DEnv(scene=built, robot=robot, physics=helpers.ENGINE, obs_type="state")
        wins += run_episode(env, ScriptedExpert(env), seed=seed).success
        env.close()
    assert wins >= 2


@pytest.mark.parametrize("physics", helpers.ENGINE_NAMES)
def test_the_same_actions_give_the_same_episode(physics: str) -> None:
    found = []
    for _ in range(2):
        env = Gen3DEnv(scene=scene("microwave"), physics=physics, obs_type="state")
        _, info = env.reset(seed=3)
        expert = ScriptedExpert(env)
        expert.reset(str(info["instruction"]))
        found.append([helpers.digest(env.step(expert.act())[0], env.world.part_positions(0)) for _ in range(30)])
        env.close()
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_certificate_of_an_opening_scene() -> None:
    certificate = certify(scene("drawer_unit"), "widowx", helpers.ENGINE)
    assert certificate.passed, [check for check in certificate.checks if not check.passed]


# ---- scenes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", sorted(PARTS))
def test_they_stand_before_the_robot_and_face_it(category: str) -> None:
    for seed in range(3):
        built = scene(category, seed=seed) if category != "drawer_unit" else scene(category, seed=(0, 1, 2)[seed])
        pose = built.spec.objects[0].pose
        assert pose is not None
        region = CASES if built.assets[0].anchored else FOLDING
        assert region.holds(pose.x_m, pose.y_m)
        turned = wrap(pose.yaw_rad - facing_yaw(math.atan2(pose.y_m, pose.x_m)))
        assert abs(turned) <= FACING_RAD + 1e-6
        # Nothing stands where the open part goes.
        open_wide = built.footprints[0]
        assert open_wide.radius_m > math.hypot(*built.assets[0].size_m[:2]) / 2 - 0.03


def test_a_card_remembers_what_is_open() -> None:
    built = scene("lidded_box", "close")
    again = from_card(to_card(built.spec))
    assert again == built.spec and again.hash == built.hash
    assert build(again).openings[0] == pytest.approx((0.9 * built.assets[0].parts[0].joint.upper,))
    plain = scene("lidded_box", "open")
    assert b"opening" not in to_card(plain.spec) and plain.openings[0] == (0.0,)


def test_an_opening_of_nothing_is_refused() -> None:
    spec = scene("cabinet").spec
    wrong = (Opening(part="drawer", share=0.5),)
    objects = (msgspec.structs.replace(spec.objects[0], opening=wrong), spec.objects[1])
    with pytest.raises(SceneError, match=r"opening = 'drawer'.*no such part.*Use one of door"):
        build(msgspec.structs.replace(spec, objects=objects))
    objects = (spec.objects[0], msgspec.structs.replace(spec.objects[1], opening=wrong))
    with pytest.raises(SceneError, match=r"no such part"):
        build(msgspec.structs.replace(spec, objects=objects))


def test_a_family_and_its_part_go_together() -> None:
    objects = (ObjectSpec(name="a", role="target", category="cube", description="cube", seed=0),)
    for task in (TaskSpec(family="open", target="a"), TaskSpec(family="pick", target="a", part="door")):
        with pytest.raises(SceneError, match=r"task.part"):
            SceneSpec(name="X", instruction="open it", seed=0, task=task, objects=objects)


def test_the_state_shows_where_the_part_is(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("drawer_unit"))
    before = env.snapshot().target
    move(env, top_drawer=0.8)
    after = env.snapshot().target
    travel = 0.8 * env.scene.assets[0].parts[0].joint.upper
    assert math.dist(before[0], after[0]) == pytest.approx(travel, abs=1e-3)
    assert env.world.body_pose(0)[0] == pytest.approx(before[0], abs=1e-6)


def test_pictures_show_open_and_closed(environment: list[Gen3DEnv]) -> None:
    env = start(environment, scene("microwave"))
    closed, segments = env.picture("front", 96, 96), env.segmentation("front", 96, 96)
    move(env, door=0.9)
    opened = env.picture("front", 96, 96)
    assert (np.abs(closed.astype(int) - opened).max(axis=2) > 24).mean() > 0.04
    assert (env.segmentation("front", 96, 96) == 2).sum() != (segments == 2).sum() > 200
    move(env, door=0.0)
    assert np.array_equal(env.picture("front", 96, 96), closed)


def test_exports_keep_the_joints() -> None:
    from xml.etree import ElementTree as Xml

    built = scene("drawer_unit", share=0.5)
    files = export_files(built, ("urdf", "glb"))
    robot = Xml.fromstring(files["objects/thing/thing.urdf"].decode())
    part = built.assets[0].parts[0]
    joint = robot.find(f"joint[@name='thing_{part.name}_joint']")
    assert joint is not None and joint.get("type") == "prismatic"
    limit, dynamics = joint.find("limit"), joint.find("dynamics")
    assert limit is not None and float(limit.get("upper", "0")) == part.joint.upper
    assert dynamics is not None and float(dynamics.get("friction", "0")) == part.joint.friction
    assert {f"objects/thing/visual_{p.name}.glb" for p in built.assets[0].parts} <= set(files)
    entry = msgspec.json.decode(files["scene.json"])["objects"][0]
    assert entry["fixed"] is True and entry["parts"][0]["start"] == pytest.approx(0.5 * part.joint.upper)
    assert b"object/thing/top_drawer" in files["Opening.glb"]


@pytest.mark.skipif("mujoco" not in helpers.ENGINE_NAMES, reason="needs MuJoCo")
def test_the_exported_model_starts_open_and_stays() -> None:
    import mujoco

    built = scene("lidded_box", share=0.6)
    files = export_files(built, ("mjcf",))
    assets = {name.removeprefix("mjcf/assets/"): data for name, data in files.items() if "/assets/" in name}
    model = mujoco.MjModel.from_xml_string(files["mjcf/scene.xml"].decode(), assets)
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    joint = model.joint("thing/lid/joint").qposadr[0]
    assert data.qpos[joint] == pytest.approx(built.openings[0][0])
    for _ in range(240):
        mujoco.mj_step(model, data)
    assert data.qpos[joint] == pytest.approx(built.openings[0][0], abs=0.01)
