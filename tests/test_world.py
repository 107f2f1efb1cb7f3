"""What every physics engine behind the World protocol must do; a new engine is tested by being listed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import helpers
import numpy as np
import pytest

from gen3d_envs.assets.asset import Asset, Box
from gen3d_envs.assets.catalog import CATEGORIES
from gen3d_envs.assets.generate import available, generate
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import Quaternion, Vector, from_euler, from_yaw, matrix_of, rotate
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.sim.engines import BodyState, RobotState, World, WorldSetup, make_world
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.spec import ObjectSpec
from gen3d_envs.tasks.base import center_of_mass

GRAVITY = 9.81
UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
FRICTION = 0.6
FAR: Vector = (0.30, 0.30, 0.0)
"""A place on the support that the arm at home does not reach."""

Setting = tuple[str, Callable[..., World]]


@pytest.fixture(params=helpers.ENGINE_NAMES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = make_world(request.param)
    yield world
    world.close()


def box(
    half: Vector = (0.02, 0.02, 0.02), mass_kg: float = 0.1, friction: float = 0.5, com: Vector | None = None
) -> Asset:
    """A box with its foot at z = 0."""
    hx, hy, hz = half
    corners = [(x, y, z) for x in (-hx, hx) for y in (-hy, hy) for z in (0.0, 2 * hz)]
    vertices = np.array(corners, np.float32)
    m = mass_kg / 3
    return Asset(
        category="cube", vertices=vertices, faces=np.zeros((0, 3), np.int32), colors=np.zeros((8, 3), np.uint8),
        collision=(Box(half, (0.0, 0.0, hz)),), mass_kg=mass_kg, com_m=(0.0, 0.0, hz) if com is None else com,
        inertia_kgm2=(m * (hy * hy + hz * hz), m * (hx * hx + hz * hz), m * (hx * hx + hy * hy)), friction=friction,
    )  # fmt: skip


def made(category: str, seed: int = 0) -> Asset:
    return generate(ObjectSpec(name="thing", role="target", category=category, description=category, seed=seed))


def setup(
    *bodies: tuple[str, Asset, Vector, Quaternion], robot: str = "widowx", friction: float = FRICTION
) -> WorldSetup:
    arm = get_robot(robot)
    return WorldSetup(
        robot=RobotState(arm.model, arm.base_position_m, (*arm.home, *arm.finger_open), arm.drive_effort),
        bodies=tuple(BodyState(*body) for body in bodies),
        support_half_extents_m=(0.45, 0.6, 0.02),
        support_center_m=(0.10, 0.0, -0.02),
        support_friction=friction,
    )  # fmt: skip


def home(robot: str = "widowx") -> tuple[float, ...]:
    arm = get_robot(robot)
    return (*arm.home, *arm.finger_open)


def wait(world: World, seconds: float, robot: str = "widowx") -> None:
    world.drive(home(robot), round(seconds * world.physics_hz))


# ---- free bodies ---------------------------------------------------------------------------------------------------


def test_free_fall(world: World) -> None:
    world.load(setup(("box", box(), (0.3, 0.3, 1.0), UPRIGHT)))
    wait(world, 0.4)
    fallen = 1.0 - world.body_pose(0)[0][2]
    # Engines take the velocity first and move with it: half a step more than the parabola.
    assert fallen == pytest.approx(0.5 * GRAVITY * 0.4 * (0.4 + 1.0 / world.physics_hz), rel=0.005)
    assert world.body_velocity(0)[0][2] == pytest.approx(-GRAVITY * 0.4, rel=0.005)
    assert world.contacts(0) == set() and world.penetration_m(0) == 0.0


@pytest.mark.parametrize("mass_kg", [0.005, 0.1, 2.0])
def test_rest_without_sinking(world: World, mass_kg: float) -> None:
    world.load(setup(("box", box(mass_kg=mass_kg), (*FAR[:2], 0.0005), UPRIGHT)))
    wait(world, 2.0)
    (x, y, z), _ = world.body_pose(0)
    assert abs(z) < 1e-3 and math.hypot(x - FAR[0], y - FAR[1]) < 1e-3
    assert math.hypot(*world.body_velocity(0)[0]) < 1e-3
    assert world.contacts(0) == {SUPPORT} and world.penetration_m(0) < 1e-3


@pytest.mark.parametrize("speed_mps", [0.5, 1.0])
@pytest.mark.parametrize("friction", [0.4, 0.8])
def test_sliding_distance(world: World, friction: float, speed_mps: float) -> None:
    world.load(setup(("box", box((0.04, 0.04, 0.01), friction=friction), (0.0, 0.35, 0.0005), UPRIGHT)))
    wait(world, 0.2)
    start = world.body_pose(0)[0][0]
    world.set_body_velocity(0, (speed_mps, 0.0, 0.0), (0.0, 0.0, 0.0))
    wait(world, 2.0)
    expected = speed_mps**2 / (2 * friction * FRICTION * GRAVITY)
    assert world.body_pose(0)[0][0] - start == pytest.approx(expected, rel=0.25)


def test_a_slope_holds_or_slips_by_its_friction(world: World) -> None:
    """Two boxes stacked, the lower one tilted gravity by proxy: the friction coefficients are multiplied."""
    for friction, slips in ((0.9, False), (0.2, True)):
        plank = box((0.10, 0.05, 0.005), mass_kg=5.0, friction=1.0)
        tilt = math.atan(0.35)
        turned = (0.0, math.sin(tilt / 2), 0.0, math.cos(tilt / 2))
        wedge = box((0.01, 0.05, 0.035), mass_kg=5.0, friction=1.0)
        world.load(
            setup(
                ("wedge", wedge, (0.2, 0.3, 0.0), UPRIGHT),
                ("plank", plank, (0.3, 0.3, 0.05), turned),
                ("slider", box((0.015, 0.015, 0.01), friction=friction), (0.3, 0.3, 0.065), turned),
                friction=5.0,
            )
        )
        wait(world, 1.0)
        (px, _, _), _ = world.body_pose(1)
        (sx, _, _), _ = world.body_pose(2)
        assert (sx - px > 0.03) is slips


def test_an_object_rests_on_another(world: World) -> None:
    world.load(setup(("low", box(), (*FAR[:2], 0.0005), UPRIGHT), ("high", box(), (*FAR[:2], 0.0415), UPRIGHT)))
    wait(world, 2.0)
    assert world.contacts(0) == {SUPPORT, "high"} and world.contacts(1) == {"low"}
    assert world.body_pose(1)[0][2] == pytest.approx(0.04, abs=2e-3)


def test_what_falls_off_reaches_the_ground(world: World) -> None:
    world.load(setup(("box", box(), (0.3, 0.9, 0.1), UPRIGHT)))
    wait(world, 2.0)
    assert world.contacts(0) == {"ground"} and world.body_pose(0)[0][2] < -0.5


# ---- poses and velocities ------------------------------------------------------------------------------------------

POSES = [
    ((0.3, 0.2, 0.3), UPRIGHT),
    ((0.25, -0.3, 0.4), from_yaw(2.0)),
    ((0.2, 0.3, 0.5), (0.5, -0.5, 0.5, 0.5)),
    ((0.3, 0.0, 0.6), (0.18257418583505536, 0.3651483716701107, 0.5477225575051661, 0.7302967433402214)),
]


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("com", [(0.0, 0.0, 0.02), (0.013, -0.008, 0.03)])
def test_pose_round_trip(world: World, pose: tuple[Vector, Quaternion], com: Vector) -> None:
    """Poses are of the asset frame, wherever the centre of mass is."""
    asset = box(com=com)
    world.load(setup(("box", asset, *pose)))
    for attempt in range(2):
        position, orientation = world.body_pose(0)
        assert position == pytest.approx(pose[0], abs=1e-6)
        assert abs(sum(a * b for a, b in zip(orientation, pose[1], strict=True))) == pytest.approx(1.0, abs=1e-9)
        assert world.body_velocity(0) == (pytest.approx((0, 0, 0)), pytest.approx((0, 0, 0)))
        if attempt == 0:
            wait(world, 0.1)
            world.set_body_pose(0, *pose)


def test_a_spinning_body_turns_about_its_centre_of_mass(world: World) -> None:
    asset = box(com=(0.015, 0.0, 0.02))
    world.load(setup(("box", asset, (0.3, 0.3, 2.0), UPRIGHT)))
    before = center_of_mass(asset, world.body_pose(0))
    world.set_body_velocity(0, (0.4, 0.0, 0.0), (0.0, 0.0, 5.0))
    wait(world, 0.2)
    after = center_of_mass(asset, world.body_pose(0))
    assert after[0] - before[0] == pytest.approx(0.08, abs=3e-3) and after[1] - before[1] == pytest.approx(
        0.0, abs=2e-3
    )
    x_axis = rotate(world.body_pose(0)[1], (1.0, 0.0, 0.0))
    assert math.atan2(x_axis[1], x_axis[0]) == pytest.approx(1.0, abs=0.05)
    assert world.body_velocity(0)[1][2] == pytest.approx(5.0, rel=0.1)


def test_a_velocity_wakes_what_sleeps(world: World) -> None:
    world.load(setup(("box", box(), (*FAR[:2], 0.0005), UPRIGHT)))
    wait(world, 5.0)
    world.set_body_velocity(0, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0))
    wait(world, 0.1)
    assert world.body_pose(0)[0][2] == pytest.approx(0.1 - 0.5 * GRAVITY * 0.01, abs=0.012)


def test_a_new_pose_wakes_what_sleeps(world: World) -> None:
    world.load(setup(("box", box(), (*FAR[:2], 0.0005), UPRIGHT)))
    wait(world, 5.0)
    world.set_body_pose(0, (*FAR[:2], 0.3), UPRIGHT)
    wait(world, 1.0)
    assert world.body_pose(0)[0][2] == pytest.approx(0.0, abs=1e-3)


def test_what_loses_its_support_falls(world: World) -> None:
    world.load(setup(("low", box(), (*FAR[:2], 0.0005), UPRIGHT), ("high", box(), (*FAR[:2], 0.0415), UPRIGHT)))
    wait(world, 5.0)
    world.set_body_pose(0, (0.3, -0.4, 0.001), UPRIGHT)
    wait(world, 1.0)
    assert world.body_pose(1)[0][2] == pytest.approx(0.0, abs=1e-3)


# ---- containers ----------------------------------------------------------------------------------------------------

CONTAINERS = [name for name in available() if CATEGORIES[name].container]


@pytest.mark.parametrize("category", CONTAINERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_containers_hold_things(world: World, category: str, seed: int) -> None:
    container = made(category, seed)
    cavity = container.cavity
    assert cavity is not None
    radius = min(0.016, 0.6 * min(cavity.half_x_m, cavity.half_y_m))
    ball = _ball(radius)
    (cx, cy), top = cavity.center_m, cavity.rim_z_m
    world.load(
        setup(
            ("container", container, (*FAR[:2], 0.0005), UPRIGHT),
            ("ball", ball, (FAR[0] + cx, FAR[1] + cy, top + 0.03), UPRIGHT),
        )
    )
    wait(world, 3.0)
    at = center_of_mass(ball, world.body_pose(1))
    origin, turned = world.body_pose(0)
    inside = rotate(
        (-turned[0], -turned[1], -turned[2], turned[3]), tuple(a - b for a, b in zip(at, origin, strict=True))
    )
    assert world.contacts(1) == {"container"}
    assert abs(inside[0] - cx) <= cavity.half_x_m + 1e-3 and abs(inside[1] - cy) <= cavity.half_y_m + 1e-3
    assert inside[2] == pytest.approx(cavity.floor_z_m + radius, abs=4e-3)


def _ball(radius: float) -> Asset:
    from gen3d_envs.assets.asset import Sphere

    angle = np.linspace(0, 2 * math.pi, 12, endpoint=False)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(12, radius)], axis=1)
    vertices = np.concatenate([ring, [[0, 0, 0], [0, 0, 2 * radius]]]).astype(np.float32)
    mass = 0.02
    inertia = 0.4 * mass * radius * radius
    return Asset(
        category="ball", vertices=vertices, faces=np.zeros((0, 3), np.int32), colors=np.zeros((14, 3), np.uint8),
        collision=(Sphere(radius, (0.0, 0.0, radius)),), mass_kg=mass, com_m=(0.0, 0.0, radius),
        inertia_kgm2=(inertia, inertia, inertia), friction=0.5, rolling_friction_m=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("category", available())
def test_every_category_stands_still(world: World, category: str) -> None:
    asset = made(category, 2)
    world.load(setup(("thing", asset, (*FAR[:2], 0.0005), from_yaw(0.7))))
    wait(world, 2.0)
    (x, y, z), turned = world.body_pose(0)
    # Half a millimetre of free fall, a millimetre of collision margin and the chords of round hulls.
    assert abs(z) < 2e-3 and math.hypot(x - FAR[0], y - FAR[1]) < 5e-3
    assert rotate(turned, (0.0, 0.0, 1.0))[2] > 0.995  # a lemon lies a little askew
    assert SUPPORT in world.contacts(0)


# ---- the robot -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=helpers.ROBOT_NAMES)
def robot(request: pytest.FixtureRequest) -> Robot:
    return get_robot(request.param)


def test_joints_start_where_told_and_stay(world: World, robot: Robot) -> None:
    start = (*robot.home, *robot.finger_open)
    world.load(setup(robot=robot.name))
    assert world.joint_states()[0] == pytest.approx(start, abs=1e-6)
    wait(world, 1.0, robot.name)
    positions, velocities = world.joint_states()
    assert positions == pytest.approx(start, abs=0.01)
    assert max(map(abs, velocities)) < 0.02


def test_joint_targets_are_reached(world: World, robot: Robot) -> None:
    rng = np.random.default_rng(0)
    world.load(setup(robot=robot.name))
    for _ in range(5):
        arm = [q + float(d) for q, d in zip(robot.home, rng.uniform(-0.25, 0.25, robot.arm_joints), strict=True)]
        arm = [min(max(q, lo + 0.02), hi - 0.02) for q, lo, hi in zip(arm, robot.lower, robot.upper, strict=False)]
        fingers = robot.finger_targets(float(rng.uniform()))
        world.drive([*arm, *fingers], world.physics_hz // 2)
        world.drive([*arm, *fingers], world.physics_hz // 2)
        positions = world.joint_states()[0]
        assert positions[: robot.arm_joints] == pytest.approx(arm, abs=0.02)
        assert positions[robot.arm_joints :] == pytest.approx(fingers, abs=1e-3)


def test_targets_beyond_the_limits_stay_within(world: World, robot: Robot) -> None:
    world.load(setup(robot=robot.name))
    world.drive([*robot.home[:-1], robot.upper[robot.arm_joints - 1], *robot.finger_open], world.physics_hz)
    positions = world.joint_states()[0]
    for position, low, high in zip(positions, robot.lower, robot.upper, strict=True):
        assert low - 0.01 <= position <= high + 0.01


def test_link_poses_agree_with_forward_kinematics(world: World, robot: Robot) -> None:
    """The tool frame is fixed to its link, so their relative pose is one constant."""
    rng = np.random.default_rng(1)
    index = [link.name for link in robot.model.links].index(robot.tool_link)
    world.load(setup(robot=robot.name))
    relative = []
    for _ in range(6):
        arm = [q + float(d) for q, d in zip(robot.home, rng.uniform(-0.3, 0.3, robot.arm_joints), strict=True)]
        arm = [min(max(q, lo + 0.02), hi - 0.02) for q, lo, hi in zip(arm, robot.lower, robot.upper, strict=False)]
        world.drive([*arm, *robot.finger_open], world.physics_hz)
        poses = world.link_poses()
        assert len(poses) == len(robot.model.links)
        assert poses[0][0] == pytest.approx(robot.base_position_m)
        position, rotation = robot.forward(world.joint_states()[0][: robot.arm_joints])
        link = np.array(matrix_of(poses[index][1]))
        relative.append([*(link.T @ (np.array(position) - poses[index][0])), *(link.T @ np.array(rotation)).ravel()])
    spread = np.ptp(np.array(relative), axis=0)
    assert spread[:3].max() < 5e-4 and spread[3:].max() < 5e-3


@pytest.mark.parametrize("mass_kg", [0.02, 0.2])
def test_the_gripper_holds_by_friction_while_moving(world: World, robot: Robot, mass_kg: float) -> None:
    """Five seconds of swinging about, turning and stopping; the object keeps its place between the fingers."""
    asset = box((0.015, 0.015, 0.015), mass_kg=mass_kg, friction=0.5)
    x, y = 0.30, 0.0
    world.load(setup(("box", asset, (x, y, 0.0005), UPRIGHT), robot=robot.name))
    step = world.physics_hz // 5
    arm = list(robot.home)

    def go(px: float, py: float, pz: float, yaw: float, opening: float) -> None:
        nonlocal arm
        arm, miss = robot.inverse((px, py, pz), from_euler(0.0, 0.0, yaw), arm)
        assert miss < 1e-3
        world.drive([*arm, *robot.finger_targets(opening)], step)

    for z in (0.18, 0.14, 0.10, 0.06, 0.03, 0.015, 0.015):
        go(x, y, z, 0.0, 1.0)
    for _ in range(4):
        go(x, y, 0.015, 0.0, 0.0)
    for z in (0.05, 0.09, 0.13, 0.16):
        go(x, y, z, 0.0, 0.0)
    offsets = []
    for count in range(25):
        phase = 2 * math.pi * count / 10
        # At most 0.24 m/s and 1.1 rad/s: what the full deflection of an action gives.
        east, north, up = 0.02 * math.sin(phase), 0.035 * math.sin(2 * phase), 0.015 * math.sin(phase)
        go(x + east, y + north, 0.16 + up, 0.35 * math.sin(phase), 0.0)
        assert world.contacts(0) == {ROBOT}
        tool = robot.forward(world.joint_states()[0][: robot.arm_joints])[0]
        offsets.append(math.dist(tool, center_of_mass(asset, world.body_pose(0))))
    assert max(offsets) < 0.02 and offsets[-1] - offsets[0] < 0.005
    assert world.penetration_m(0) < 0.005


# ---- the contract as a whole ---------------------------------------------------------------------------------------


def scenario(world: World, bodies: int) -> list[object]:
    names = [
        (f"box{i}", box(mass_kg=0.05 + 0.01 * i), (0.25 + 0.01 * i, 0.25, 0.05 + 0.06 * i), from_yaw(i))
        for i in range(bodies)
    ]
    world.load(setup(*names))
    found: list[object] = []
    for step in range(10):
        world.drive([q + 0.01 * step for q in home()[:6]] + list(home()[6:]), world.physics_hz // 10)
        found.append([world.body_pose(i) for i in range(bodies)])
        found.append([world.body_velocity(i) for i in range(bodies)])
        found.append((world.joint_states(), world.link_poses(), [sorted(world.contacts(i)) for i in range(bodies)]))
    return found


def test_determinism_whatever_ran_before(world: World) -> None:
    first = scenario(world, 4)
    scenario(world, 2)
    wait(world, 0.3)
    scenario(world, 7)
    assert scenario(world, 4) == first


def test_worlds_do_not_disturb_each_other(world: World) -> None:
    first = scenario(world, 3)
    other = make_world(next(name for name in helpers.ENGINE_NAMES if name in world.engine))
    scenario(other, 5)
    assert scenario(world, 3) == first
    other.close()


def test_the_number_of_drives_does_not_matter_to_a_resting_arm(world: World) -> None:
    poses = []
    for parts in (1, 4):
        world.load(setup(("box", box(), (*FAR[:2], 0.2), from_yaw(0.3))))
        for _ in range(parts):
            world.drive(home(), world.physics_hz // parts)
        poses.append(world.body_pose(0)[0])
    assert poses[0] == pytest.approx(poses[1], abs=1e-3)


def test_close_twice(world: World) -> None:
    world.load(setup())
    world.close()
    world.close()


def test_engine_says_what_it_is(world: World) -> None:
    assert any(char.isdigit() for char in world.engine) and "Hz" in world.engine
    assert world.physics_hz >= 60


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(FieldError, match=r"physics.*havok.*pybullet"):
        make_world("havok")
