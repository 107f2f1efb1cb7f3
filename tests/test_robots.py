"""Robots are what their figures say: kinematics agree with the engine, and inverse kinematics never jumps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gen3d_envs.assets.asset import Box, Hull
from gen3d_envs.errors import FieldError
from gen3d_envs.geometry import IDENTITY_MATRIX, Matrix, from_euler, matrix_of, multiply, to_euler
from gen3d_envs.robots import ROBOTS, Robot, get_robot
from gen3d_envs.robots.base import HOME_TOOL_M
from gen3d_envs.robots.kinematics import merge_inertias, quaternion_from_rpy
from gen3d_envs.sim.articulation import Articulation, Inertia, Joint, Link
from gen3d_envs.sim.urdf import to_urdf

pybullet = pytest.importorskip("pybullet")
FLAGS = pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_MAINTAIN_LINK_ORDER
STEP_M, STEP_RAD = 0.05, 0.25
"""Largest move of the tool in one control step at 5 Hz."""


@pytest.fixture(params=sorted(ROBOTS))
def robot(request: pytest.FixtureRequest) -> Robot:
    return get_robot(request.param)


@pytest.fixture
def client() -> Iterator[int]:
    number = pybullet.connect(pybullet.DIRECT)
    yield number
    pybullet.disconnect(number)


def load(model: Articulation, folder: Path, client: int, at: tuple[float, ...] = (0.0, 0.0, 0.0)) -> int:
    """Load a model into a client the way the engine does: as URDF, with one OBJ file per hull."""

    def mesh_path(hull: Hull) -> str:
        path = folder / f"hull{len(list(folder.iterdir()))}.obj"
        count = len(hull.vertices)
        lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in hull.vertices.tolist()]
        lines += [f"f {1 + i} {1 + (i + 1) % count} {1 + (i + 2) % count}" for i in range(count)]
        path.write_text("\n".join(lines))
        return str(path)

    (folder / "model.urdf").write_text(to_urdf(model, mesh_path))
    path = str(folder / "model.urdf")
    return int(pybullet.loadURDF(path, basePosition=at, useFixedBase=True, flags=FLAGS, physicsClientId=client))


def configurations(robot: Robot, count: int, margin: float = 0.0) -> np.ndarray:
    count_joints = robot.arm_joints
    low, high = np.array(robot.lower[:count_joints]) + margin, np.array(robot.upper[:count_joints]) - margin
    return np.random.default_rng(3).uniform(low, high, size=(count, count_joints))


def angle_between(first: Matrix, second: Matrix) -> float:
    cosine = (np.trace(np.array(first).T @ np.array(second)) - 1.0) / 2.0
    return math.acos(max(-1.0, min(1.0, cosine)))


# Models


def test_forward_kinematics_agree_with_the_engine(robot: Robot, tmp_path: Path, client: int) -> None:
    body = load(robot.model, tmp_path, client, robot.base_position_m)
    index = [joint.child for joint in robot.model.joints].index(robot.tool_link)
    tool_in_link: list[np.ndarray] = []
    for arm in configurations(robot, 50):
        for joint, value in enumerate(arm):
            pybullet.resetJointState(body, joint, value, physicsClientId=client)
        state = pybullet.getLinkState(body, index, computeForwardKinematics=True, physicsClientId=client)
        link = np.array(matrix_of(state[5]))
        position, rotation = robot.forward(arm.tolist())
        tool_in_link.append(
            np.hstack([link.T @ (np.array(position) - state[4]), (link.T @ np.array(rotation)).ravel()])
        )
    # The tool is fixed to its link, so in the link's frame it must always be the same.
    assert np.ptp(tool_in_link, axis=0).max() < 1e-6


def test_tool_point_lies_between_the_finger_tips(robot: Robot, tmp_path: Path, client: int) -> None:
    """10 mm above the very tips, midway, with the fingers closing along y: measured on the collision shapes."""
    body = load(robot.model, tmp_path, client, robot.base_position_m)
    for share, width in ((1.0, robot.open_width_m), (0.0, robot.closed_width_m)):
        joints = [*robot.home, *robot.finger_targets(share)]
        for joint, value in enumerate(joints):
            pybullet.resetJointState(body, joint, value, physicsClientId=client)
        pads = []
        for finger in (len(joints) - 2, len(joints) - 1):
            state = pybullet.getLinkState(body, finger, computeForwardKinematics=True, physicsClientId=client)
            corners = []
            for part in robot.model.links[finger + 1].collision:
                assert isinstance(part, Box)
                signs = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
                local = signs * part.half_extents_m + part.position_m
                corners.append(local @ np.array(matrix_of(state[5])).T + state[4])
            pads.append(np.concatenate(corners))
        tips = np.concatenate(pads)
        middle = (pads[0].mean(axis=0) + pads[1].mean(axis=0)) / 2
        gap = max(pads[0][:, 1].min() - pads[1][:, 1].max(), pads[1][:, 1].min() - pads[0][:, 1].max())
        assert gap == pytest.approx(width, abs=1e-6)
        assert middle[:2] == pytest.approx(HOME_TOOL_M[:2], abs=1e-6)
        assert tips[:, 2].min() == pytest.approx(HOME_TOOL_M[2] - 0.010, abs=1e-4)


def test_home_points_straight_down_at_the_same_place(robot: Robot) -> None:
    position, rotation = robot.forward(robot.home)
    assert position == pytest.approx(HOME_TOOL_M, abs=1e-6)
    assert np.array(rotation) == pytest.approx(np.eye(3), abs=1e-6)
    assert all(low <= q <= high for q, low, high in zip(robot.home, robot.lower, robot.upper, strict=False))


def test_model_is_complete(robot: Robot) -> None:
    names = [link.name for link in robot.model.links]
    assert len(set(names)) == len(names) == robot.arm_joints + 3
    assert len(robot.drive_effort) == len(robot.model.joints) == robot.arm_joints + 2
    assert [joint.kind for joint in robot.model.joints] == ["revolute"] * robot.arm_joints + ["prismatic"] * 2
    assert robot.model.joints[-2].mimic is None and robot.model.joints[-1].mimic is not None
    assert robot.wrist_camera.parent in names and robot.tool_link in names
    for link in robot.model.links:
        assert link.visual is not None and link.inertia.mass_kg > 0.0
        assert link.visual.faces.min() >= 0 and link.visual.faces.max() < len(link.visual.vertices)
        xx, yy, zz, xy, xz, yz = link.inertia.moments_kgm2
        principal = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        assert principal[0] > 0.0 and principal[2] <= 1.01 * (principal[0] + principal[1])
        for part in link.collision:
            assert not isinstance(part, Hull) or 4 <= len(part.vertices) <= 64


def test_engine_reads_masses_and_inertias_as_written(robot: Robot, tmp_path: Path, client: int) -> None:
    body = load(robot.model, tmp_path, client)
    for index, link in enumerate(robot.model.links[1:]):  # Bullet counts a fixed base as infinitely heavy
        info = pybullet.getDynamicsInfo(body, index, physicsClientId=client)
        xx, yy, zz, xy, xz, yz = link.inertia.moments_kgm2
        principal = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        assert info[0] == pytest.approx(link.inertia.mass_kg)
        assert sorted(info[2]) == pytest.approx(principal.tolist(), rel=1e-3)


def test_triangle_budgets() -> None:
    for name, most in (("widowx", 1300), ("panda", 2500)):
        links = get_robot(name).model.links
        assert sum(len(link.visual.faces) for link in links if link.visual is not None) <= most


def test_widowx_looks_stay_within_the_makers_bounds() -> None:
    bounds = {  # link frame, m
        "base_link": ((-0.157, -0.0765, 0.0), (0.0765, 0.0765, 0.0716)),
        "shoulder_link": ((-0.0511, -0.0511, -0.003), (0.0511, 0.0511, 0.0495)),
        "upper_arm_link": ((-0.0147, -0.0541, -0.0144), (0.061, 0.0541, 0.2685)),
        "upper_forearm_link": ((-0.0144, -0.0213, -0.0212), (0.175, 0.0213, 0.0212)),
        "lower_forearm_link": ((-0.0044, -0.027, -0.0245), (0.0862, 0.0352, 0.0245)),
        "wrist_link": ((-0.0134, -0.022, -0.02), (0.065, 0.022, 0.0352)),
        "gripper_link": ((0.0, -0.0517, -0.02), (0.071, 0.0517, 0.0352)),
        "left_finger_link": ((-0.0121, -0.013, -0.0145), (0.0432, 0.005, 0.0145)),
    }
    for link in get_robot("widowx").model.links:
        if link.name in bounds and link.visual is not None:
            low, high = bounds[link.name]
            assert (link.visual.vertices >= np.array(low) - 1e-4).all(), link.name
            assert (link.visual.vertices <= np.array(high) + 1e-4).all(), link.name


# Inverse kinematics


def test_inverse_finds_back(robot: Robot) -> None:
    rng = np.random.default_rng(5)
    far = 0
    for arm in configurations(robot, 1000, margin=0.15):
        if robot.name == "widowx":
            arm[2] = rng.uniform(-1.3, 1.5)  # elbow up, the only branch it uses
            radius = 0.04975 * math.cos(arm[1]) + 0.25 * math.sin(arm[1]) + 0.25 * math.cos(arm[1] + arm[2])
            if radius < 0.03 or abs(math.sin(arm[4])) < 0.08:
                continue  # where waist or forearm roll are not determined; see below
        position, rotation = robot.forward(arm.tolist())
        near = (arm + rng.uniform(-0.08, 0.08, len(arm))).tolist()
        found, residual = robot.inverse(position, rotation, near)
        reached, turned = robot.forward(found)
        assert residual < 5e-4 and math.dist(reached, position) == pytest.approx(residual, abs=1e-9)
        assert angle_between(turned, rotation) < 1e-3
        far += max(abs(a - b) for a, b in zip(found, near, strict=True)) > 0.5
    assert far <= 10  # near a singular posture the joints may have to move that far


def test_inverse_is_exact_in_top_down_work(robot: Robot) -> None:
    """Random walks of 3,000 steps over the table: exact, within limits, and no joint moves far in one step."""
    rng = np.random.default_rng(11)
    arm, position, yaw = list(robot.home), np.array(HOME_TOOL_M), 0.0
    for _ in range(3000):
        step = rng.normal(size=3)
        position = np.clip(position + STEP_M * step / np.linalg.norm(step), (0.20, -0.20, 0.01), (0.34, 0.20, 0.20))
        yaw = min(max(yaw + rng.uniform(-STEP_RAD, STEP_RAD), -1.5), 1.5)
        found, residual = robot.inverse(position.tolist(), from_euler(0.0, 0.0, yaw), arm)
        assert residual < 1e-4
        assert max(abs(a - b) for a, b in zip(found, arm, strict=True)) < 0.8
        assert all(low <= q <= high for q, low, high in zip(found, robot.lower, robot.upper, strict=False))
        arm = found


def test_inverse_never_jumps(robot: Robot) -> None:
    """Goals anywhere in the workspace with any tilt: many cannot be reached; the arm must stay sane and come home."""
    rng = np.random.default_rng(12)
    arm, (position, rotation) = list(robot.home), robot.forward(robot.home)
    for count in range(3000):
        if count % 15 == 0:
            goal = rng.uniform((0.1, -0.4, 0.005), (0.6, 0.4, 0.45))
            turn = from_euler(*(rng.uniform(-1.0, 1.0, 3) * STEP_RAD))
        way = goal - position
        position = tuple((np.array(position) + way * min(1.0, STEP_M / max(float(np.linalg.norm(way)), 1e-9))).tolist())
        found, residual = robot.inverse(position, multiply(turn, rotation), arm)
        assert all(low <= q <= high for q, low, high in zip(found, robot.lower, robot.upper, strict=False))
        assert max(abs(a - b) for a, b in zip(found, arm, strict=True)) < 2.0
        arm = found
        reached, rotation = robot.forward(arm)
        assert residual == pytest.approx(math.dist(reached, position), abs=1e-9)
        position = reached
    for _ in range(60):  # and back: straighten up and go home
        step = np.clip(-np.array(to_euler(rotation)), -STEP_RAD, STEP_RAD)
        way = np.array(HOME_TOOL_M) - position
        move = way * min(1.0, STEP_M / max(float(np.linalg.norm(way)), 1e-9))
        angles = (np.array(to_euler(rotation)) + step).tolist()
        arm, _ = robot.inverse(tuple((np.array(position) + move).tolist()), from_euler(*angles), arm)
        position, rotation = robot.forward(arm)
    assert math.dist(position, HOME_TOOL_M) < 1e-3


@pytest.mark.parametrize("target", [(2.0, 0.0, 0.2), (0.3, 0.0, 2.0), (-2.0, 1.0, 0.0), (0.0, 0.0, 0.1)])
def test_unreachable_targets_say_so(robot: Robot, target: tuple[float, float, float]) -> None:
    found, residual = robot.inverse(target, IDENTITY_MATRIX, robot.home)
    position, _ = robot.forward(found)
    assert residual == pytest.approx(math.dist(position, target), abs=1e-9)
    assert all(low <= q <= high for q, low, high in zip(found, robot.lower, robot.upper, strict=False))
    if math.hypot(*target) > 1.5:
        assert residual > 0.5


def test_small_steps_give_small_steps(robot: Robot) -> None:
    """A thousandth of the step gives about a thousandth of the motion: no dead zone, no threshold."""
    arm = robot.inverse((0.3, 0.05, 0.1), from_euler(0.1, -0.1, 0.4), robot.home)[0]
    position, rotation = robot.forward(arm)
    moved = robot.inverse((position[0] + 1e-3, position[1], position[2]), rotation, arm)[0]
    assert 1e-5 < max(abs(a - b) for a, b in zip(moved, arm, strict=True)) < 0.12


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(robot: Robot, bad: float) -> None:
    with pytest.raises(FieldError, match="not finite"):
        robot.inverse((bad, 0.0, 0.1), IDENTITY_MATRIX, robot.home)
    with pytest.raises(FieldError, match="not finite"):
        robot.inverse((0.3, 0.0, 0.1), IDENTITY_MATRIX, (bad, *robot.home[1:]))
    with pytest.raises(FieldError, match="not finite"):
        robot.inverse((0.3, 0.0, 0.1), ((1.0, bad, 0.0), *IDENTITY_MATRIX[1:]), robot.home)
    with pytest.raises(FieldError, match="wrong shape"):
        robot.inverse((0.3, 0.0, 0.1), IDENTITY_MATRIX, robot.home[:3])


def test_gripper_opening_and_targets_are_inverse(robot: Robot) -> None:
    for share in (0.0, 0.25, 1.0):
        assert robot.gripper_opening([*robot.home, *robot.finger_targets(share)]) == pytest.approx(share)
    assert robot.finger_targets(7.0) == robot.finger_open and robot.finger_targets(-1.0) == robot.finger_closed
    assert robot.gripper_opening([*robot.home, *(2 * q for q in robot.finger_open)]) == 1.0


def test_unknown_robot_names_the_known_ones() -> None:
    with pytest.raises(FieldError, match=r"robot = 'r2d2'.*panda, widowx"):
        get_robot("r2d2")
    assert get_robot("widowx") is get_robot("widowx")


# Inertias and URDF


def test_merged_inertia_of_two_halves_is_the_whole() -> None:
    def cuboid(mass: float, x: float, y: float, z: float) -> Inertia:
        moments = (y * y + z * z, x * x + z * z, x * x + y * y)
        return Inertia(mass, moments_kgm2=(*(mass / 12 * m for m in moments), 0.0, 0.0, 0.0))  # type: ignore[arg-type]

    whole, half = cuboid(2.0, 0.4, 0.1, 0.2), cuboid(1.0, 0.2, 0.1, 0.2)
    turned = replace(cuboid(1.0, 0.1, 0.2, 0.2), orientation_xyzw=quaternion_from_rpy(0.0, 0.0, math.pi / 2))
    for second in (half, turned):
        found = merge_inertias([(half, (0.1, 0.0, 0.0), IDENTITY_MATRIX), (second, (-0.1, 0.0, 0.0), IDENTITY_MATRIX)])
        assert found.mass_kg == 2.0 and found.com_m == pytest.approx((0.0, 0.0, 0.0))
        assert found.moments_kgm2 == pytest.approx(whole.moments_kgm2)


def test_urdf_keeps_any_orientation(tmp_path: Path, client: int) -> None:
    rng = np.random.default_rng(2)
    special = [(0.0, math.sin(a), 0.0, math.cos(a)) for a in (math.pi / 4, -math.pi / 4)] + [(0.5, 0.5, 0.5, 0.5)]
    for index, orientation in enumerate([*special, *rng.normal(size=(10, 4)).tolist()]):
        unit = tuple((np.array(orientation) / np.linalg.norm(orientation)).tolist())
        joint = Joint("j", "revolute", "a", "b", (0.1, 0.2, 0.3), unit, (0.0, 0.0, 1.0), -1.0, 1.0, 1.0, 1.0)
        model = Articulation("two", (Link("a", Inertia(1.0)), Link("b", Inertia(1.0))), (joint,))
        folder = tmp_path / str(index)
        folder.mkdir()
        state = pybullet.getLinkState(load(model, folder, client), 0, 0, 1, client)
        assert state[4] == pytest.approx((0.1, 0.2, 0.3))
        found = np.array(state[5]) / np.linalg.norm(state[5])  # Bullet's own is 2e-8 short
        assert abs(float(found @ unit)) == pytest.approx(1.0, abs=1e-12)
