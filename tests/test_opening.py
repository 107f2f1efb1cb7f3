"""Things that open: what every engine must do with parts on joints, what every category of them must be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import helpers
import numpy as np
import pytest

from gen3d_envs.assets.articulated import joint_pose, merged, opened, part_pose
from gen3d_envs.assets.asset import Asset, Box, Part, PartJoint
from gen3d_envs.assets.catalog import ARTICULATED
from gen3d_envs.assets.generate import articulated, generate
from gen3d_envs.assets.store import decode, encode
from gen3d_envs.errors import AssetError, FieldError
from gen3d_envs.gate import inspect
from gen3d_envs.geometry import Quaternion, Vector, from_yaw, rotate
from gen3d_envs.robots import get_robot
from gen3d_envs.sim.engines import BodyState, RobotState, World, WorldSetup, make_world
from gen3d_envs.sim.world import ROBOT, SUPPORT, Dynamics
from gen3d_envs.spec import ObjectSpec

UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
FAR: Vector = (0.35, 0.30, 0.0)
GRAVITY = 9.81
NAMES = articulated()


@pytest.fixture(params=helpers.ENGINE_NAMES)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = make_world(request.param)
    yield world
    world.close()


def spec(category: str, seed: int = 0, **changes: object) -> ObjectSpec:
    fields = {"name": "thing", "role": "target", "description": category.replace("_", " "), **changes}
    return ObjectSpec(category=category, seed=seed, **fields)  # type: ignore[arg-type]


def made(category: str, seed: int = 0) -> Asset:
    return generate(spec(category, seed))


def slab(half: Vector, at: Vector, mass_kg: float, joint: PartJoint) -> Part:
    """A box that a joint carries."""
    hx, hy, hz = half
    m = mass_kg / 3
    corners = np.array([(i * hx, j * hy, k * hz) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) + at
    moments = (m * (hy * hy + hz * hz), m * (hx * hx + hz * hz), m * (hx * hx + hy * hy))
    return Part(
        "part", corners.astype(np.float32), np.array([[0, 1, 2]], np.int32), np.zeros((8, 3), np.uint8),
        (Box(half, at),), mass_kg, at, moments, joint,
    )  # fmt: skip


def plinth(part: Part, anchored: bool = True) -> Asset:
    """A block of 2 kg under (or beside) a part."""
    corners = np.array([(x, y, z) for x in (-0.05, 0.05) for y in (-0.04, 0.04) for z in (0.0, 0.06)], np.float32)
    return Asset(
        category="cube", vertices=corners, faces=np.array([[0, 1, 2]], np.int32), colors=np.zeros((8, 3), np.uint8),
        collision=(Box((0.05, 0.04, 0.03), (0.0, 0.0, 0.03)),), mass_kg=2.0, com_m=(0.0, 0.0, 0.03),
        inertia_kgm2=(0.0017, 0.0023, 0.0027), friction=0.6, parts=(part,), anchored=anchored,
    )  # fmt: skip


def drawer(friction: float = 0.0, damping: float = 0.0, mass_kg: float = 0.5, travel: float = 0.2) -> Asset:
    """A sled on top of a block, along -y."""
    joint = PartJoint("prismatic", (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 0.0, travel, damping, friction)
    return plinth(slab((0.04, 0.03, 0.01), (0.0, 0.0, 0.075), mass_kg, joint))


def flap(friction: float, damping: float = 0.0, mass_kg: float = 0.3) -> Asset:
    """A board that lies on a block and turns up about its rear edge, by 0.177 N m where it weighs 0.3 kg."""
    joint = PartJoint("revolute", (0.0, 0.06, 0.065), (-1.0, 0.0, 0.0), 0.0, 2.0, damping, friction)
    return plinth(slab((0.04, 0.06, 0.004), (0.0, 0.0, 0.065), mass_kg, joint))


def setup(*bodies: BodyState, dynamics: Dynamics | None = None) -> WorldSetup:
    arm = get_robot("widowx")
    return WorldSetup(
        robot=RobotState(arm.model, arm.base_position_m, (*arm.home, *arm.finger_open), arm.drive_effort),
        bodies=bodies, support_half_extents_m=(0.45, 0.6, 0.02), support_center_m=(0.10, 0.0, -0.02),
        support_friction=0.6, **({} if dynamics is None else {"dynamics": dynamics}),
    )  # fmt: skip


def thing(asset: Asset, *openings: float, yaw: float = 0.0, name: str = "thing") -> BodyState:
    x, y, _ = FAR
    return BodyState(name, asset, (x, y, 0.0 if asset.anchored else 0.0005), from_yaw(yaw), openings)


def box(half: float = 0.012, mass_kg: float = 0.05) -> Asset:
    moment = mass_kg * (2 * half) ** 2 / 6
    corners = np.array([(i, j, k) for i in (-half, half) for j in (-half, half) for k in (0, 2 * half)], np.float32)
    return Asset(
        category="cube", vertices=corners, faces=np.array([[0, 1, 2]], np.int32), colors=np.zeros((8, 3), np.uint8),
        collision=(Box((half, half, half), (0.0, 0.0, half)),), mass_kg=mass_kg, com_m=(0.0, 0.0, half),
        inertia_kgm2=(moment, moment, moment), friction=0.6,
    )  # fmt: skip


def wait(world: World, seconds: float) -> None:
    arm = get_robot("widowx")
    world.drive((*arm.home, *arm.finger_open), round(seconds * world.physics_hz))


# ---- joints --------------------------------------------------------------------------------------------------------


def test_parts_start_where_told(world: World) -> None:
    world.load(setup(thing(drawer(friction=1.0), 0.05, yaw=0.8), thing(flap(friction=1.0), 0.7, name="other")))
    assert world.part_positions(0) == pytest.approx([0.05]) and world.part_positions(1) == pytest.approx([0.7])
    assert world.part_velocities(0) == [0.0]
    world.load(setup(thing(drawer())))
    assert world.part_positions(0) == [0.0]


def test_rigid_things_have_no_parts(world: World) -> None:
    world.load(setup(thing(box())))
    assert world.part_positions(0) == world.part_velocities(0) == world.part_poses(0) == []


@pytest.mark.parametrize("yaw", [0.0, 2.2])
def test_part_poses_follow_the_joint(world: World, yaw: float) -> None:
    for asset, value in ((drawer(friction=2.0), 0.07), (flap(friction=1.0), 1.1)):
        world.load(setup(thing(asset, value, yaw=yaw)))
        wait(world, 0.2)
        (position, turn), = world.part_poses(0)  # fmt: skip
        expected = part_pose(asset.parts[0].joint, value, FAR, from_yaw(yaw))
        assert position == pytest.approx(expected[0], abs=2e-3)
        assert abs(sum(a * b for a, b in zip(turn, expected[1], strict=True))) == pytest.approx(1.0, abs=1e-5)


def test_friction_stops_a_push_where_it_should(world: World) -> None:
    """Half a stroke's energy against Coulomb friction: the cube gives its momentum to the drawer, which slides on."""
    asset = drawer(friction=1.5)
    cube = box(mass_kg=0.5)
    x, y, _ = FAR
    world.load(setup(thing(asset), BodyState("cube", cube, (x, y + 0.0435, 0.0655), UPRIGHT)))
    world.set_body_velocity(1, (0.0, -1.0, 0.0), (0.0, 0.0, 0.0))
    wait(world, 2.0)
    slid = world.part_positions(0)[0]
    # Between an inelastic blow (half the speed to both) and an elastic one (all of it to the drawer).
    assert 0.5 * 0.5 * 0.5**2 / 1.5 * 0.5 < slid < 0.5 * 0.5 / 1.5
    assert world.part_velocities(0) == pytest.approx([0.0], abs=2e-3)
    wait(world, 2.0)
    assert world.part_positions(0)[0] == pytest.approx(slid, abs=1e-3)


def test_damping_slows_a_fall(world: World) -> None:
    """A flap that falls shut against a strong damper has the speed at which damping balances its weight."""
    damping = 0.5
    world.load(setup(thing(flap(friction=0.0, damping=damping, mass_kg=2.0), 1.2)))
    wait(world, 0.25)
    angle, speed = world.part_positions(0)[0], world.part_velocities(0)[0]
    torque = 2.0 * GRAVITY * 0.06 * math.cos(angle)
    assert angle > 0.2 and speed == pytest.approx(-torque / damping, rel=0.08)


@pytest.mark.parametrize(("friction", "falls"), [(0.30, False), (0.08, True)])
def test_a_hinge_holds_its_lid_by_friction(world: World, friction: float, falls: bool) -> None:
    world.load(setup(thing(flap(friction), 0.5)))
    wait(world, 3.0)
    angle = world.part_positions(0)[0]
    assert (angle < 0.1) if falls else (angle == pytest.approx(0.5, abs=0.01))


def test_closing_stops_at_the_limit(world: World) -> None:
    world.load(setup(thing(flap(friction=0.0, damping=0.01), 0.4)))
    lowest = 0.4
    for _ in range(20):
        wait(world, 0.1)
        lowest = min(lowest, world.part_positions(0)[0])
    assert lowest > -0.06 and world.part_positions(0)[0] == pytest.approx(0.0, abs=5e-3)


def test_opening_stops_at_the_limit(world: World) -> None:
    """A flap beyond the vertical falls open."""
    world.load(setup(thing(flap(friction=0.0, damping=0.01), 1.7)))
    wait(world, 2.0)
    assert world.part_positions(0)[0] == pytest.approx(2.0, abs=0.01)


def test_part_positions_can_be_set(world: World) -> None:
    world.load(setup(thing(drawer(friction=1.0)), BodyState("cube", box(), (0.3, -0.3, 0.0005), UPRIGHT)))
    wait(world, 2.0)
    world.set_part_positions(0, [0.12])
    assert world.part_positions(0) == pytest.approx([0.12]) and world.part_velocities(0) == pytest.approx([0.0])
    wait(world, 1.0)
    assert world.part_positions(0) == pytest.approx([0.12], abs=1e-4)
    with pytest.raises(ValueError, match=r"."):
        world.set_part_positions(0, [0.1, 0.1])


def test_what_loses_the_part_it_lay_on_falls(world: World) -> None:
    x, y, _ = FAR
    world.load(setup(thing(drawer(friction=3.0), 0.15), BodyState("cube", box(), (x, y - 0.15, 0.0855), UPRIGHT)))
    wait(world, 2.0)
    assert world.contacts(1) == {"thing"} and world.contacts(0) == {"cube"}
    world.set_part_positions(0, [0.0])
    wait(world, 1.0)
    assert world.contacts(1) == {SUPPORT}


# ---- bodies with parts ---------------------------------------------------------------------------------------------


def test_what_is_anchored_never_moves(world: World) -> None:
    asset = drawer(friction=1.0)
    ram = box(0.03, mass_kg=1.0)
    x, y, _ = FAR
    world.load(setup(thing(asset, yaw=0.3), BodyState("ram", ram, (x + 0.12, y, 0.0005), UPRIGHT)))
    world.set_body_velocity(1, (-1.5, 0.0, 0.0), (0.0, 0.0, 0.0))
    world.set_body_velocity(0, (1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    wait(world, 1.0)
    position, turn = world.body_pose(0)
    assert position == pytest.approx(FAR, abs=1e-9) and turn == pytest.approx(from_yaw(0.3), abs=1e-9)
    assert world.body_velocity(0) == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    world.set_body_pose(0, (0.2, 0.35, 0.0), from_yaw(1.0))
    wait(world, 0.1)
    assert world.body_pose(0)[0] == pytest.approx((0.2, 0.35, 0.0), abs=1e-9)
    assert world.part_poses(0)[0][0] == pytest.approx((0.2, 0.35, 0.0), abs=1e-4)


def test_a_free_thing_is_carried_with_its_part(world: World) -> None:
    asset = dataclasses.replace(flap(friction=0.4), anchored=False)
    world.load(setup(BodyState("thing", asset, (0.3, 0.3, 0.5), from_yaw(0.4), (0.6,))))
    wait(world, 0.2)
    assert world.body_pose(0)[0][2] < 0.35  # falls as a whole
    assert world.part_positions(0)[0] == pytest.approx(0.6, abs=0.02)
    world.set_body_pose(0, (*FAR[:2], 0.0005), from_yaw(-1.0))
    wait(world, 1.0)
    assert world.contacts(0) == {SUPPORT} and world.penetration_m(0) < 1e-3
    pose = world.body_pose(0)
    expected = part_pose(asset.parts[0].joint, world.part_positions(0)[0], *pose)
    assert world.part_poses(0)[0][0] == pytest.approx(expected[0], abs=1e-4)


def test_masses_of_parts_vary_with_their_body(world: World) -> None:
    """Twice the weight falls at twice the speed through the same damper."""
    speeds = []
    for factor in (1.0, 2.0):
        body = thing(flap(friction=0.0, damping=0.5, mass_kg=1.0), 1.2)
        world.load(setup(body, dynamics=Dynamics(masses=(factor,), frictions=(1.0,))))
        wait(world, 0.25)
        speeds.append(world.part_velocities(0)[0] / math.cos(world.part_positions(0)[0]))
    assert speeds[1] / speeds[0] == pytest.approx(2.0, rel=0.1)
    # A hinge that holds its lid is made for it.
    world.load(setup(thing(flap(friction=0.25), 0.5), dynamics=Dynamics(masses=(1.8,), frictions=(1.0,))))
    wait(world, 2.0)
    assert world.part_positions(0)[0] == pytest.approx(0.5, abs=0.01)


def test_the_robot_pushes_a_drawer_shut(world: World) -> None:
    """It has stood still long enough to sleep; the arm's touch wakes it."""
    arm = get_robot("widowx")
    asset = made("drawer_unit", 0)
    body = BodyState("thing", asset, (0.38, 0.0, 0.0), from_yaw(-math.pi / 2), opened(asset, [0.9, 0.0]))
    world.load(setup(body))
    joints = list(arm.home)
    handle = asset.parts[0].handle
    assert handle is not None
    before = world.part_positions(0)[0]
    wait(world, 2.0)
    assert world.part_positions(0)[0] == pytest.approx(before, abs=1e-3)
    x = 0.38 + handle.position_m[1] - before
    touched = False
    for step in range(40):
        at = (x - 0.05 + min(step, 30) * 0.005, 0.0, max(0.2 - 0.02 * step, handle.position_m[2] - 0.005))
        if step < 8:
            at = (x - 0.05, 0.0, at[2])
        joints, _ = arm.inverse(at, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), joints)
        world.drive([*joints, *arm.finger_closed], world.physics_hz // 5)
        touched = touched or world.contacts(0) == {ROBOT}
    assert touched and world.part_positions(0)[0] < 0.5 * before
    assert world.body_pose(0)[0] == pytest.approx((0.38, 0.0, 0.0), abs=1e-9)


def test_determinism_with_parts(world: World) -> None:
    def run() -> list[object]:
        asset = made("lidded_box", 3)
        cube = BodyState("cube", box(), (0.32, 0.28, 0.25), from_yaw(0.4))
        world.load(setup(thing(asset, 1.0, yaw=0.3), cube, thing(drawer(friction=0.2), 0.1, name="other", yaw=2.0)))
        found: list[object] = []
        for _ in range(8):
            wait(world, 0.1)
            found.append([(world.body_pose(i), world.part_positions(i), world.part_poses(i)) for i in range(3)])
        return found

    first = run()
    world.load(setup(thing(made("cabinet"), 0.4)))
    wait(world, 0.3)
    assert run() == first


# ---- every category ------------------------------------------------------------------------------------------------


def test_every_row_has_a_builder() -> None:
    assert set(NAMES) == set(ARTICULATED) and len(NAMES) >= 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("category", NAMES)
def test_the_gate_lets_them_through(category: str, seed: int) -> None:
    wanted = spec(category, seed, size=(None, "small", "large")[seed])
    results = inspect(generate(wanted), wanted, helpers.ENGINE_NAMES[seed % len(helpers.ENGINE_NAMES)])
    assert not [result for result in results if not result.passed]
    assert {"part_joints", "part_handles", "part_clearance", "part_stays"} <= {result.name for result in results}


@pytest.mark.parametrize("category", NAMES)
def test_they_are_made_the_same_and_stored_the_same(category: str) -> None:
    asset = made(category, 7)
    assert made(category, 7).sha256 == asset.sha256 != made(category, 8).sha256
    data = encode(asset)
    again = decode(data)
    assert again.sha256 == asset.sha256 and encode(again) == data
    assert [part.name for part in again.parts] == [part.name for part in asset.parts]


@pytest.mark.parametrize("category", NAMES)
def test_they_face_forward_and_can_be_held(category: str) -> None:
    for seed in range(4):
        asset = made(category, seed)
        x, y, _ = asset.size_m
        assert x >= y
        for part in asset.parts:
            handle = part.handle
            assert handle is not None and 0.006 <= handle.width_m <= 0.012
            assert np.dot(handle.approach, handle.closing) == 0.0
            assert handle.approach[1] > 0.5 or handle.approach[2] < -0.5  # from the front or from above
            # Pulling against the approach opens the part.
            offset, turn = joint_pose(part.joint, 0.05 * part.joint.upper)
            moved = np.array(rotate(turn, handle.position_m)) + offset - handle.position_m
            lever = moved if part.joint.kind == "prismatic" or handle.room_m else (0.0, -moved[2], 0.0)
            assert np.dot(lever, handle.approach) < 0.0


def test_drawers_have_room_inside() -> None:
    for seed in range(6):
        asset = made("drawer_unit", seed)
        for part in asset.parts:
            cavity = part.cavity
            assert cavity is not None
            liters = 4e3 * cavity.half_x_m * cavity.half_y_m * (cavity.rim_z_m - cavity.floor_z_m)
            assert liters > 0.5
    assert {len(made("drawer_unit", seed).parts) for seed in range(12)} == {1, 2, 3}


def test_the_whole_weighs_what_its_parts_weigh() -> None:
    asset = made("microwave", 1)
    whole = merged(asset)
    assert whole.mass_kg == pytest.approx(asset.mass_kg + sum(part.mass_kg for part in asset.parts))
    assert whole.parts == () and whole.size_m == pytest.approx(asset.size_m)
    open_wide = merged(asset, opened(asset, [1.0]))
    assert open_wide.mass_kg == pytest.approx(whole.mass_kg) and open_wide.com_m[1] < whole.com_m[1]
    heavy = generate(spec("microwave", 1, mass_kg=9.0))
    assert merged(heavy).mass_kg == pytest.approx(9.0)
    assert merged(made("drawer_unit")).sha256 != made("drawer_unit").sha256


def test_a_rigid_asset_is_its_own_whole() -> None:
    asset = box()
    assert merged(asset) is asset


def test_they_cannot_be_picked() -> None:
    with pytest.raises(FieldError, match="cannot be picked"):
        generate(spec("laptop", grip_width_m=0.04))


def _broken(part: Part, **joint: object) -> Part:
    return dataclasses.replace(part, joint=dataclasses.replace(part.joint, **joint))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("part_damping", lambda p: _broken(p, damping=40.0)),
        ("part_joints", lambda p: _broken(p, axis=(0.0, 2.0, 0.0))),
        ("part_joints", lambda p: _broken(p, upper=-0.1)),
        ("part_joints", lambda p: _broken(p, friction=-1.0)),
        ("part_joints", lambda p: _broken(p, upper=1.0)),
        ("part_masses", lambda p: dataclasses.replace(p, mass_kg=0.0)),
        ("part_handles", lambda p: dataclasses.replace(p, handle=dataclasses.replace(p.handle, width_m=0.05))),
        (
            "handle_on_part",
            lambda p: dataclasses.replace(p, handle=dataclasses.replace(p.handle, position_m=(0.0, 0.0, 0.5))),
        ),
        ("part_clearance", lambda p: _broken(p, axis=(1.0, 0.0, 0.0))),
        ("part_stays", lambda p: _broken(p, friction=0.0)),
    ],
)
def test_the_gate_refuses_what_cannot_be_opened(check: str, change: object) -> None:
    category = "lidded_box" if check == "part_stays" else "drawer_unit"
    asset = made(category, 2)
    parts = (change(asset.parts[0]), *asset.parts[1:])  # type: ignore[operator]
    results = inspect(dataclasses.replace(asset, parts=parts), spec(category, 2), helpers.ENGINE)
    assert check in {result.name for result in results if not result.passed}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"vertices":', b'"verticse":'),
        (b'"version":2', b'"version":1'),
        (b'"name":"top_drawer"', b'"name":"bottom_drawer"'),
        (b'"kind":"prismatic"', b'"kind":"planar"'),
        (b'"axis":[0.0,-1.0,0.0]', b'"axis":[0.0,-1.0]'),
    ],
)
def test_damaged_parts_are_refused(old: bytes, new: bytes) -> None:
    from gen3d_envs.assets import store

    data = encode(made("drawer_unit", 0))
    arrays = store.unpack_arrays(data, store._DTYPES, store._COLUMNS)
    text = arrays["header"].tobytes()
    assert old in text
    changed = store.pack_arrays(arrays | {"header": np.frombuffer(text.replace(old, new), np.uint8)})
    with pytest.raises(AssetError):
        decode(changed)
