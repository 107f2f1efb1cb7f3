"""The command filter: nothing that leaves it breaks a limit, whatever goes in. Audited by computations of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from gen3d_envs.baselines.ros.command_filter import Command, CommandFilter
from gen3d_envs.baselines.ros.limits import Limits, Workspace, check_limits, default_limits
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen3d_envs.errors import ActionError, FieldError, RobotStop
from gen3d_envs.robots import get_robot
from gen3d_envs.robots.base import Robot
from gen3d_envs.spec import replace

ROBOTS = ("widowx", "panda")
CASES = [(name, hz, control) for name in ROBOTS for hz in (5, 20) for control in ("ee_delta", "joint_delta")]


class Audit:
    """Checks all commands of a run against the limits with numpy, knowing nothing of how the filter works."""

    def __init__(self, robot: Robot, limits: Limits, hz: float, start: tuple[float, ...], speed_scale: float = 1.0):
        self.robot, self.limits, self.dt, self.scale = robot, limits, 1.0 / hz, speed_scale
        self.joints = [start]

    def see(self, command: Command) -> None:
        self.joints.append(command.joints)

    def tool(self, joints: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Tool points (n, 3) and rotations (n, 3, 3), by the robot."""
        poses = [self.robot.forward(row) for row in joints.tolist()]
        return np.array([p for p, _ in poses]), np.array([r for _, r in poses])

    def lowest(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the lowest joint from the elbow on, by a product of frames of its own."""
        pose = np.tile(np.eye(4), (len(joints), 1, 1))
        pose[:, :3, 3] = self.robot.base_position_m
        heights = []
        for joint, angle in zip(self.robot.model.joints, joints.T, strict=False):
            x, y, z, w = joint.orientation_xyzw
            frame = np.eye(4)
            frame[:3, :3] = [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
            frame[:3, 3] = joint.position_m
            pose = pose @ frame
            heights.append(pose[:, 2, 3])
            a = np.array(joint.axis)
            cross = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
            turn = np.tile(np.eye(4), (len(joints), 1, 1))
            turn[:, :3, :3] += np.sin(angle)[:, None, None] * cross + (1 - np.cos(angle))[:, None, None] * cross @ cross
            pose = pose @ turn
        return np.min(heights[2:], axis=0)

    def outside(self, joints: NDArray[np.float64], tolerance: float) -> dict[str, NDArray[np.bool_]]:
        limits, count, box = self.limits, self.robot.arm_joints, self.limits.workspace
        lower = np.array(self.robot.lower[:count]) + limits.joint_margin_rad
        upper = np.array(self.robot.upper[:count]) - limits.joint_margin_rad
        tool, turn = self.tool(joints)
        (cr, cp, cy), (sr, sp, sy) = np.cos(box.euler_rad), np.sin(box.euler_rad)
        rx = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
        ry = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
        rz = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
        local = (tool - np.array(box.origin_m)) @ (rz @ ry @ rx)
        low, high = np.array(box.low_m) - tolerance, np.array(box.high_m) + tolerance
        return {
            "joint": ((joints < lower - 1e-8) | (joints > upper + 1e-8)).any(axis=1),
            "workspace": ((local < low) | (local > high)).any(axis=1),
            "tilt": np.arccos(np.minimum(1.0, turn[:, 2, 2])) > limits.tilt_rad + max(tolerance, 1e-7),
            "table": self.lowest(joints) < limits.table_m + limits.link_clearance_m - tolerance,
        }

    @property
    def broken(self) -> Counter[str]:
        limits, dt = self.limits, self.dt
        joints = np.array(self.joints)
        tool, turn = self.tool(joints)
        velocity, tool_velocity = np.diff(joints, axis=0) / dt, np.diff(tool, axis=0) / dt
        cosine = (np.einsum("nij,nij->n", turn[1:], turn[:-1]) - 1.0) / 2.0
        from_rest, tool_from_rest = (np.concatenate([np.zeros((1, v.shape[1])), v]) for v in (velocity, tool_velocity))
        found = {
            "joint speed": (abs(velocity) > self.scale * np.array(limits.joint_speed_radps) + 1e-6).any(axis=1),
            "joint acceleration": (
                abs(np.diff(from_rest, axis=0)) > np.array(limits.joint_acceleration_radps2) * dt + 1e-6
            ).any(axis=1),
            "tool speed": np.linalg.norm(tool_velocity, axis=1) > self.scale * limits.tool_speed_mps + 1e-6,
            "tool turn": np.arccos(np.clip(cosine, -1.0, 1.0)) > self.scale * limits.tool_turn_radps * dt + 1e-5,
            "tool acceleration": np.linalg.norm(np.diff(tool_from_rest, axis=0), axis=1)
            > limits.tool_acceleration_mps2 * dt + 1e-6,
        }
        # Half-way between two commands as well, up to the arc between two checked postures.
        between = self.outside((joints[1:] + joints[:-1]) / 2.0, 5e-4)
        for name, rows in self.outside(joints[1:], 1e-8).items():
            found[name] = rows | between[name]
        return Counter({name: int(rows.sum()) for name, rows in found.items() if rows.any()})


def adversary(size: int, rng: np.random.Generator, count: int) -> Iterator[NDArray[np.float64]]:
    """Actions that try to get out: pushes into corners, reversals, spins, spikes, numbers far out of range."""
    left = 0
    for index in range(count):
        if left == 0:
            left, kind = int(rng.integers(1, 60)), int(rng.integers(6))
            push = rng.choice([-1.0, 0.0, 1.0], size)
        left -= 1
        if kind == 0:
            yield rng.uniform(-1, 1, size)
        elif kind == 1:
            yield push
        elif kind == 2:
            yield push * (-1.0) ** index
        elif kind == 3:
            yield push * rng.choice([1e-9, 1.0, 1e30])
        elif kind == 4:
            yield np.sin(index / 3.0 + np.arange(size)) * 1.5
        else:
            yield np.where(rng.random(size) < 0.1, push * 5.0, 0.0)


def run(name: str, hz: int, control: str, count: int, seed: int, scale: float = 1.0) -> Counter[str]:
    robot = get_robot(name)
    limits = default_limits(robot)
    command_filter = CommandFilter(robot, limits, hz, control, scale)
    start = command_filter.start(robot.home, 1.0)
    audit = Audit(robot, limits, hz, start.joints, scale)
    rng = np.random.default_rng(seed)
    for index, action in enumerate(adversary(command_filter.size, rng, count)):
        if index % 997 == 996:
            while not command_filter.still:
                audit.see(command_filter.brake())
        command = command_filter.step(action)
        assert 0.0 <= command.opening <= 1.0 and np.isfinite(command.executed).all()
        audit.see(command)
    return audit.broken


@pytest.mark.parametrize(("name", "hz", "control"), CASES)
def test_no_command_breaks_a_limit(name: str, hz: int, control: str) -> None:
    assert run(name, hz, control, 2_500, 1) == Counter()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "hz", "control"), CASES)
def test_no_command_of_a_million_breaks_a_limit(name: str, hz: int, control: str) -> None:
    assert run(name, hz, control, 125_000, 2) == Counter()


def test_the_audit_sees() -> None:
    robot = get_robot("widowx")
    limits = default_limits(robot)
    command_filter = CommandFilter(robot, limits, 5)
    start = command_filter.start(robot.home, 1.0)
    tight = replace(
        limits, workspace=Workspace(low_m=(0.2, -0.01, 0.19), high_m=(0.28, 0.01, 0.21)), tilt_rad=0.01,
        joint_speed_radps=(0.05,) * 6, joint_acceleration_radps2=(0.1,) * 6, tool_speed_mps=0.01, tool_turn_radps=0.01,
        tool_acceleration_mps2=0.01, joint_margin_rad=0.9, link_clearance_m=0.3,
    )  # fmt: skip
    audit = Audit(robot, tight, 5, start.joints)
    for action in adversary(7, np.random.default_rng(0), 50):
        audit.see(command_filter.step(action))
    assert len(audit.broken) == 9, audit.broken


@settings(max_examples=25)
@given(
    st.sampled_from(ROBOTS),
    st.sampled_from(["ee_delta", "joint_delta"]),
    st.sampled_from([1, 3, 5, 12, 30, 100]),
    st.floats(0.05, 1.0),
    st.floats(0.02, 0.3),
    st.floats(-3.2, 3.2),
    st.floats(0.3, 20.0),
    st.floats(0.1, 8.0),
    st.integers(0, 2**31),
)
def test_any_limits_at_any_rate(name, control, hz, scale, half, yaw, joint, tool, seed) -> None:
    robot = get_robot(name)
    limits = replace(
        default_limits(robot),
        workspace=Workspace(
            low_m=(-half, -half / 2, 0.0), high_m=(half, half / 2, 2 * half), origin_m=(0.27, 0.0, 0.2 - half),
            euler_rad=(0.0, 0.0, yaw),
        ),
        joint_acceleration_radps2=(joint,) * robot.arm_joints, tool_acceleration_mps2=tool,
    )  # fmt: skip
    command_filter = CommandFilter(robot, limits, hz, control, scale)
    audit = Audit(robot, limits, hz, command_filter.start(robot.home, 0.5).joints, scale)
    for action in adversary(command_filter.size, np.random.default_rng(seed), 40):
        audit.see(command_filter.step(action))
    while not command_filter.still:
        audit.see(command_filter.brake())
    assert audit.broken == Counter()


def test_a_limit_of_zero_is_a_limit() -> None:
    robot = get_robot("widowx")
    workspace = Workspace(low_m=(0.1, 0.0, 0.005), high_m=(0.5, 0.3, 0.4))
    command_filter = CommandFilter(robot, replace(default_limits(robot), workspace=workspace), 5)
    command_filter.start(robot.inverse((0.27, 0.05, 0.2), robot.forward(robot.home)[1], robot.home)[0], 1.0)
    lowest = min(command_filter.step([0, -1, 0, 0, 0, 0, 1]).tool_m[1] for _ in range(40))
    assert 0.0 <= lowest < 0.01, "it comes to the wall, and no farther"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_what_is_not_finite_stops_and_is_not_clipped(bad: float, place: int) -> None:
    robot = get_robot("widowx")
    command_filter = CommandFilter(robot, default_limits(robot), 5)
    before = command_filter.start(robot.home, 1.0)
    action = np.zeros(7)
    action[place] = bad
    with pytest.raises(RobotStop) as caught:
        command_filter.step(action)
    assert caught.value.reason == "not_finite" and command_filter.posture == before


@pytest.mark.parametrize("action", [np.zeros(6), np.zeros((1, 7)), "go", None, [1j] * 7, [[1], [2, 3]]])
def test_what_is_no_action_is_refused(action: object) -> None:
    robot = get_robot("widowx")
    command_filter = CommandFilter(robot, default_limits(robot), 5)
    command_filter.start(robot.home, 1.0)
    with pytest.raises(ActionError):
        command_filter.step(action)


def test_what_no_limit_touches_is_what_the_simulation_does() -> None:
    from gen3d_envs.robots.controllers import DeltaEndEffector

    robot = get_robot("widowx")
    command_filter, controller = CommandFilter(robot, default_limits(robot), 5), DeltaEndEffector(robot, 5)
    command_filter.start(robot.home, 1.0)
    controller.reset((*robot.home, *robot.finger_open))
    for index in range(12):
        action = np.array([0.3, -0.2 + 0.02 * index, -0.25, 0.05, -0.05, 0.2, 1.0])
        command = command_filter.step(action)
        assert command.clips == () and command.share == 1.0
        assert [*command.joints, *command.fingers] == pytest.approx(controller.targets(action), abs=1e-9)
        assert command.executed == pytest.approx(action, abs=1e-4), "the executed action is the action"


def test_the_whole_motion_is_scaled_not_one_axis() -> None:
    robot = get_robot("widowx")
    slow = replace(default_limits(robot), tool_speed_mps=0.05, joint_acceleration_radps2=(50.0,) * 6)
    command_filter = CommandFilter(robot, replace(slow, tool_acceleration_mps2=100.0), 5)
    command_filter.start(robot.home, 1.0)
    command = command_filter.step([0.8, -0.4, 0.2, 0, 0, 0, 1])
    assert command.clips == ("speed",) and np.linalg.norm(command.executed[:3]) == pytest.approx(0.2, rel=0.05)
    moved = command.executed[:3]
    assert moved / moved[0] == pytest.approx([1.0, -0.5, 0.25], abs=0.02)


def test_speed_scale_slows_everything_down() -> None:
    robot = get_robot("widowx")
    steps = {}
    for scale in (1.0, 0.2):
        command_filter = CommandFilter(robot, default_limits(robot), 5, speed_scale=scale)
        command_filter.start(robot.home, 1.0)
        steps[scale] = command_filter.step([0.4, 0.0, 0.0, 0, 0, 0, 1]).executed[0]
    assert steps[0.2] == pytest.approx(0.2 * steps[1.0], rel=0.01)


def test_unreachable_targets_hold_and_say_so() -> None:
    robot = get_robot("widowx")
    wide = replace(default_limits(robot), workspace=Workspace(low_m=(-1, -1, 0.0), high_m=(1, 1, 1)))
    command_filter = CommandFilter(robot, wide, 5)
    command_filter.start(robot.home, 1.0)
    clips = Counter(clip for _ in range(60) for clip in command_filter.step([1, 0, 0, 0, 0, 0, 1]).clips)
    assert clips["unreachable"] and command_filter.still
    back = command_filter.step([-1, 0, 0, 0, 0, 0, 1])
    assert "unreachable" not in back.clips and back.share > 0.0, "and the way back is open"


def test_outside_its_limits_the_arm_may_only_be_homed() -> None:
    robot = get_robot("widowx")
    limits = default_limits(robot)
    command_filter = CommandFilter(robot, limits, 5)
    folded = (2.0, *robot.home[1:])
    with pytest.raises(RobotStop, match="workspace by") as caught:
        command_filter.start(folded, 1.0)
    assert caught.value.reason == "outside_limits"
    excess = [command_filter.start(folded, 1.0, homing=True).worst]
    with pytest.raises(RobotStop):
        command_filter.step(np.zeros(7))
    for _ in range(200):
        command = command_filter.toward(robot.home, 1.0)
        excess.append(command_filter.posture.worst)
        if command.joints == pytest.approx(robot.home, abs=1e-4):
            break
    assert command.joints == pytest.approx(robot.home, abs=1e-4)
    assert max(excess) <= excess[0] + 1e-6 and excess[-1] <= 0.0, "it never gets worse on the way"
    while not command_filter.still:
        command_filter.brake()
    command_filter.step(np.zeros(7))


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("hz", [5, 20, 50])
def test_homing_keeps_the_limits_and_arrives(name: str, hz: int) -> None:
    robot = get_robot(name)
    limits = default_limits(robot)
    command_filter = CommandFilter(robot, limits, hz, speed_scale=0.5)
    begin = robot.inverse((0.35, 0.2, 0.1), robot.forward(robot.home)[1], robot.home)[0]
    audit = Audit(robot, limits, hz, command_filter.start(begin, 0.0).joints, 0.5)
    for _ in range(60 * hz):
        audit.see(command_filter.toward(robot.home, 1.0))
        if max(abs(np.array(command_filter.posture.joints) - robot.home)) < 1e-4:
            break
    assert audit.broken == Counter() and len(audit.joints) < 20 * hz


def test_a_filter_starts_at_the_measured_joints_only() -> None:
    robot = get_robot("widowx")
    command_filter = CommandFilter(robot, default_limits(robot), 5)
    with pytest.raises(RobotStop, match="start"):
        command_filter.step(np.zeros(7))
    with pytest.raises(RobotStop) as caught:
        command_filter.start([math.nan] * 6, 1.0)
    assert caught.value.reason == "state_not_finite"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"joint_speed_radps": (1.0,) * 5}, "joint_speed_radps"),
        ({"joint_acceleration_radps2": ()}, "joint_acceleration_radps2"),
        ({"workspace": Workspace(low_m=(0.0, 0.0, 0.1), high_m=(0.4, 0.4, 0.1))}, "workspace"),
        ({"joint_margin_rad": 2.0}, "joint_margin_rad"),
    ],
)
def test_senseless_limits_are_refused(change: dict, field: str) -> None:
    robot = get_robot("widowx")
    with pytest.raises(FieldError, match=field):
        check_limits(replace(default_limits(robot), **change), robot)


def test_speed_scale_is_a_share() -> None:
    robot = get_robot("widowx")
    for scale in (0.0, -1.0, 1.1, math.nan):
        with pytest.raises(FieldError, match="speed_scale"):
            CommandFilter(robot, default_limits(robot), 5, speed_scale=scale)
