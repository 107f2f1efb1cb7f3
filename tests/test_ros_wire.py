"""What goes over the wire: messages, their bytes, Cyclone DDS between two processes, the robot node and its log."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gen3d_envs.baselines.ros import lockstep, messages
from gen3d_envs.baselines.ros.launch import SimProcess, claim_domain, start_robot
from gen3d_envs.baselines.ros.limits import training_limits
from gen3d_envs.baselines.ros.messages import BadMessage
from gen3d_envs.baselines.ros.profiles import PROFILES
from helpers import ENGINE, PICK, make
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gen3d_envs.contract import make_contract
from gen3d_envs.errors import FieldError, RobotStop
from gen3d_envs.evaluation.compare import compare
from gen3d_envs.evaluation.episode import fingerprint
from gen3d_envs.evaluation.plan import Settings, make_plan
from gen3d_envs.evaluation.result import EpisodeRow, where
from gen3d_envs.evaluation.run import evaluate
from gen3d_envs.evaluation.trials import trials_of
from gen3d_envs.geometry import from_euler, matrix_of
from gen3d_envs.robots import get_robot
from gen3d_envs.spec import replace


@pytest.fixture
def domain() -> Iterator[int]:
    """A DDS domain of this test's own: other runs on this machine must not be heard."""
    claim = claim_domain()
    yield claim.domain
    claim.close()


# ---- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", messages.CHANNELS)
@pytest.mark.parametrize("padding", [0, 5])
def test_pictures_of_every_encoding_are_read_as_rgb(encoding: str, padding: int) -> None:
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, 256, (7, 9, 3), np.uint8)
    if encoding == "mono8":
        wanted[:] = wanted[..., :1]
    channels, order = messages.CHANNELS[encoding]
    rows = rng.integers(0, 256, (7, 9, channels), np.uint8)
    for channel, place in enumerate(order):
        rows[..., place] = wanted[..., channel]
    padded = np.concatenate([rows.reshape(7, -1), np.full((7, padding), 9, np.uint8)], axis=1)
    message = {
        "header": messages.header(1.0), "height": 7, "width": 9, "encoding": encoding, "step": padded.shape[1],
        "data": padded.tobytes(),
    }  # fmt: skip
    assert (messages.read_image(message) == wanted).all()


def test_compressed_pictures_are_read() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    assert (messages.read_image({"format": "png", "data": file.getvalue()}) == picture).all()
    for data in (b"", b"GIF89a", file.getvalue()[:40]):
        with pytest.raises(BadMessage):
            messages.read_image({"format": "jpeg", "data": data})


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"width": 10**9},
        {"step": 3},
        {"encoding": "yuv"},
        {"data": b"1"},
        {"data": None},
        {"height": "x"},
    ],
)
def test_pictures_that_do_not_fit_are_refused(change: dict) -> None:
    message = {**messages.image(0.0, "", np.zeros((4, 4, 3), np.uint8)), **change}
    with pytest.raises(BadMessage):
        messages.read_image(message)


def test_a_joint_state_may_lack_velocities_and_nothing_else() -> None:
    good = messages.joint_state(2.5, ["a", "b"], [1.0, 2.0])
    assert messages.read_joint_state(good).positions == {"a": 1.0, "b": 2.0}
    assert messages.read_joint_state(good).velocities == {}
    for change in ({"name": []}, {"name": ["a", "a"]}, {"position": [1.0]}, {"velocity": [1.0]}, {"header": {}}):
        with pytest.raises(BadMessage):
            messages.read_joint_state({**good, **change})


def test_a_wider_camera_is_cropped_and_a_narrower_one_refused() -> None:
    wanted = make_contract("widowx", observation_width=32, observation_height=32).pictures[0]
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[20:40, 20:60] = 200
    across = 2 * math.atan(2 * math.tan(wanted.fov_x_rad / 2))
    down = 2 * math.atan(3 * math.tan(wanted.fov_y_rad / 2))
    assert (messages.fit_picture(picture, across, down, wanted) == 200).all()
    same = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert messages.fit_picture(same, wanted.fov_x_rad, wanted.fov_y_rad, wanted) is same
    with pytest.raises(FieldError, match="narrower"):
        messages.fit_picture(picture, wanted.fov_x_rad * 0.9, wanted.fov_y_rad, wanted)


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1))
@settings(max_examples=50)
def test_quaternions_are_those_of_the_rotation(roll: float, pitch: float, yaw: float) -> None:
    rotation = from_euler(roll, pitch, yaw)
    assert np.allclose(matrix_of(messages.quaternion_of(rotation)), rotation, atol=1e-9)


# ---- bytes ---------------------------------------------------------------------------------------------------------


def samples() -> dict[str, Any]:
    return {
        messages.JOINT_STATE: messages.joint_state(12.25, ["waist", "elbow"], [0.5, -1.0], [0.0, 2.0]),
        messages.JOINT_TRAJECTORY: messages.joint_trajectory(["a", "b"], [1.0, 2.0], [], 0.2),
        messages.IMAGE: messages.image(3.0, "cam", np.arange(36, dtype=np.uint8).reshape(3, 4, 3)),
        messages.CAMERA_INFO: messages.camera_info(3.0, "cam", 640, 480, 0.9, 0.7),
        messages.POSE_STAMPED: messages.pose_stamped(1.0, "base", (1, 2, 3), (0, 0, 0, 1)),
        messages.TWIST_STAMPED: messages.twist_stamped(1.0, "base", (1, 2, 3), (4, 5, 6)),
        messages.STRING: {"data": "grün"},
        messages.FLOAT64: {"data": 0.25},
        messages.JOINT_GROUP: {"name": "arm", "cmd": [0.5, 0.25]},
        messages.JOINT_SINGLE: {"name": "gripper", "cmd": 0.5},
    }


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", samples())
def test_messages_survive_their_encoding(kind: str) -> None:
    cdr = pytest.importorskip("gen3d_envs.baselines.ros.cdr", exc_type=ImportError)
    message = samples()[kind]
    assert plain(cdr.decode(kind, cdr.encode(kind, message))) == plain(message)


def test_type_hashes_are_the_published_ones() -> None:
    cdr = pytest.importorskip("gen3d_envs.baselines.ros.cdr", exc_type=ImportError)
    assert cdr.type_hash(messages.STRING).startswith("RIHS01_df668c740482bbd4")
    assert cdr.type_hash(messages.JOINT_STATE).startswith("RIHS01_a13ee3a3")


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_foreign_bytes_are_refused_or_read(data: bytes) -> None:
    cdr = pytest.importorskip("gen3d_envs.baselines.ros.cdr", exc_type=ImportError)
    with contextlib.suppress(BadMessage):
        assert set(cdr.decode(messages.JOINT_STATE, data)) == {"header", "name", "position", "velocity", "effort"}


@pytest.mark.parametrize("change", [{"name": None}, {"position": ["x"]}, {"header": 3}])
def test_messages_that_do_not_fit_are_not_sent(change: dict) -> None:
    cdr = pytest.importorskip("gen3d_envs.baselines.ros.cdr", exc_type=ImportError)
    with pytest.raises(BadMessage):
        cdr.encode(messages.JOINT_STATE, {**samples()[messages.JOINT_STATE], **change})


@pytest.mark.parametrize("kind", [messages.JOINT_STATE, messages.JOINT_TRAJECTORY, messages.CAMERA_INFO])
def test_cyclone_dds_itself_writes_the_same_bytes(kind: str) -> None:
    """The wheel's own encoder, by the type that we announce, and ours: two programs, one wire."""
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    from gen3d_envs.baselines.ros.cdr import encode, type_name

    def instance(made: Any, value: Any) -> Any:
        hints = made.__annotations__
        return made(**{field: _nested(hints[field], part) for field, part in value.items()})

    def _nested(hint: Any, part: Any) -> Any:
        if isinstance(part, dict):
            return instance(hint, part)
        if isinstance(part, list) and part and isinstance(part[0], dict):
            return [instance(dds.idl_type("trajectory_msgs/msg/JointTrajectoryPoint"), one) for one in part]
        return part

    theirs = instance(dds.idl_type(type_name(kind)), plain(samples()[kind])).serialize(use_version_2=False)
    ours = encode(kind, samples()[kind])
    assert theirs.rstrip(b"\0") == ours.rstrip(b"\0") and abs(len(theirs) - len(ours)) < 4


# ---- Cyclone DDS ---------------------------------------------------------------------------------------------------

ECHO = """
import sys, time
from gen3d_envs.baselines.ros import lockstep, messages
from gen3d_envs.baselines.ros.dds import DdsTransport
transport = DdsTransport(int(sys.argv[1]), loopback=True)
transport.subscribe("/command", messages.JOINT_TRAJECTORY, 10)
transport.advertise("/joint_states", messages.JOINT_STATE)
transport.advertise("/image", messages.IMAGE)
import numpy as np
end = time.monotonic() + 30
while time.monotonic() < end:
    for received in transport.take("/command"):
        names, point = received.message["joint_names"], received.message["points"][0]
        if names == ["quit"]:
            transport.close()
            sys.exit(0)
        transport.publish("/joint_states", messages.joint_state(transport.now(), names, point["positions"]))
        transport.publish("/image", messages.image(transport.now(), "cam", np.full((48, 64, 3), 7, np.uint8)))
    time.sleep(0.001)
"""


def test_two_processes_talk(domain: int) -> None:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    other = subprocess.Popen([sys.executable, "-c", ECHO, str(domain)])
    transport = dds.DdsTransport(domain, loopback=True)
    try:
        transport.subscribe("/joint_states", messages.JOINT_STATE, 10)
        transport.subscribe("/image", messages.IMAGE, 1)
        transport.advertise("/command", messages.JOINT_TRAJECTORY)
        assert transport.wait_for_match("/command", 20.0)
        wait_for(lambda: transport.publishers("/joint_states") == 1)
        seen: list[Any] = []
        for index in range(20):
            transport.publish("/command", messages.joint_trajectory(["a", "b"], [float(index), 0.5], [], 0.2))
            wait_for(lambda: seen.extend(transport.take("/joint_states")) or len(seen) > index)  # noqa: B023
        assert [received.message["position"][0] for received in seen] == list(range(20)), "none is lost"
        pictures: list[Any] = []
        wait_for(lambda: pictures.extend(transport.take("/image")) or bool(pictures))
        assert (messages.read_image(pictures[-1].message) == 7).all()
        assert transport.publishers("/command") == 1 and transport.publishers("/nobody") == 0
        second = dds.DdsTransport(domain, loopback=True)
        second.advertise("/command", messages.JOINT_TRAJECTORY)
        wait_for(lambda: transport.publishers("/command") == 2)
        second.close()
        wait_for(lambda: transport.publishers("/command") == 1)
        transport.publish("/command", messages.joint_trajectory(["quit"], [0.0], [], 0.2))
        assert other.wait(10) == 0
        wait_for(lambda: transport.publishers("/joint_states") == 0)
    finally:
        other.kill()
        other.wait()
        transport.close()
        transport.close()


def wait_for(true: Any, within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_a_domain_is_a_number() -> None:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    for domain in (-1, 233, True, "0"):
        with pytest.raises(FieldError, match="domain"):
            dds.DdsTransport(domain)


# ---- a robot on the network ----------------------------------------------------------------------------------------


SMALL = ("--engine", ENGINE, "--width", "160", "--height", "120")


@pytest.fixture
def robot_sim() -> Iterator[SimProcess]:
    pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    running = start_robot(PICK, "cyclonedds", SMALL)
    yield running
    running.close()


def robot_env(sim: SimProcess, **arguments: Any) -> gym.Env:
    # A loaded machine is late now and then, which is not what is tested here: only the time limit of the state, which
    # is what a killed driver shows in, is near to what it is by default.
    cameras = tuple(replace(camera, timeout_s=5.0) for camera in PROFILES["wx250s"].cameras)
    profile = replace(
        PROFILES["wx250s"], late_s=30.0, state_timeout_s=1.0, clock_skew_s=5.0, frozen_s=20.0, cameras=cameras,
        limits=training_limits(get_robot("widowx")),
    )  # fmt: skip
    return gym.make(
        "Gen3D-RealRobot-v0", transport="cyclonedds", transport_options=sim.options, profile=profile,
        robot_sim="real_time", speed_scale=1.0, dry_run=False, disable_env_checker=True, **arguments,
    )  # fmt: skip


def test_a_policy_acts_over_ros_and_a_killed_driver_stops_it(robot_sim: SimProcess, tmp_path: Path) -> None:
    env = robot_env(robot_sim, log=tmp_path / "log")
    robot: Any = env.unwrapped
    try:
        first, info = env.reset(seed=0, options={"arm": True})
        assert info["instruction"] and first in env.observation_space
        for _ in range(6):
            observation, *_, info = env.step(np.array([0.5, 0.0, 0.0, 0, 0, 0, 1], np.float32))
        assert observation["agent_pos"][0] > first["agent_pos"][0] + 0.05, "it moved"
        again, info = env.reset(seed=1)
        assert again["agent_pos"][:3] == pytest.approx(first["agent_pos"][:3], abs=2e-3), "a new episode begins at home"
        assert info["mode"] == "armed" and info["outcome"] != "success"
        for _ in range(3):
            env.step(np.array([0.5, 0.0, 0.0, 0, 0, 0, 1], np.float32))
        robot_sim.kill()
        killed_s = robot._transport.now()
        with pytest.raises(RobotStop) as caught:
            step_often(env)
        # What came last may be as old as the limit, no older: by the clock of the messages, not of a loaded machine.
        assert caught.value.reason in ("state_stale", "publisher_vanished") and robot.mode == "stopped"
        assert robot._streams.state.received_s <= killed_s + 0.5
        assert len(read_back(env, tmp_path)) == 2
    finally:
        env.close()


def read_back(env: gym.Env, folder: Path) -> list[Any]:
    env.close()
    episodes: list[Any] = pytest.importorskip("gen3d_envs.baselines.ros.log").read_log(folder / "log")
    assert len(episodes[0].steps) == 6
    return episodes


def step_often(env: gym.Env) -> None:
    for _ in range(60):
        env.step(np.zeros(7, np.float32))


def test_another_program_stops_it_and_the_guard_is_missed(robot_sim: SimProcess) -> None:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    env = robot_env(robot_sim)
    robot: Any = env.unwrapped
    other = dds.DdsTransport(**robot_sim.options)
    try:
        other.advertise("/gen3d/stop", messages.STRING)
        other.subscribe("/gen3d/stopped", messages.STRING, 10)
        env.reset(seed=0, options={"arm": True})
        assert other.wait_for_match("/gen3d/stop", 20.0)
        other.publish("/gen3d/stop", {"data": "somebody came near"})
        with pytest.raises(RobotStop, match="somebody came near") as caught:
            step_often(env)
        assert caught.value.reason == "stop_requested"
        told: list[Any] = []
        wait_for(lambda: told.extend(other.take("/gen3d/stopped")) or bool(told))
        assert json.loads(told[0].message["data"])["reason"] == "stop_requested"
        env.reset(options={"confirm": True, "arm": True})
        robot._supervisor._guard._process.kill()
        with pytest.raises(RobotStop) as caught:
            step_often(env)
        assert caught.value.reason == "guard_lost" and robot.mode == "stopped"
    finally:
        env.close()
        other.close()


def test_a_policy_that_hangs_or_dies_is_held_by_the_guard(robot_sim: SimProcess) -> None:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    other = dds.DdsTransport(**robot_sim.options)
    topic = PROFILES["wx250s"].command.topic
    other.subscribe("/gen3d/stopped", messages.STRING, 10)
    other.subscribe(topic, messages.JOINT_TRAJECTORY, 100)
    other.subscribe("/wx250s/joint_states", messages.JOINT_STATE, 10)
    wish = {"transport": "cyclonedds", "options": robot_sim.options, "late_s": 2.0, "state_s": 5.0, "camera_s": 5.0}
    program = Path(__file__).with_name("ros_programs.py")
    policy = subprocess.Popen(
        [sys.executable, str(program), "policy", json.dumps(wish)], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    told: list[Any] = []
    try:
        assert policy.stdout is not None and policy.stdout.readline() == "armed\n"
        for number, reason in ((signal.SIGSTOP, "policy_late"), (signal.SIGKILL, "policy_lost")):
            policy.send_signal(number)
            told.clear()
            wait_for(lambda: told.extend(other.take("/gen3d/stopped")) or bool(told))
            said = json.loads(told[0].message["data"])
            assert (said["reason"], said["by"]) == (reason, "guard")
            sent: list[Any] = []
            wait_for(lambda: sent.extend(other.take(topic)) or bool(sent))  # noqa: B023
            state = other.take("/wx250s/joint_states")[-1].message
            assert sent[-1].message["points"][0]["positions"] == pytest.approx(list(state["position"])[:6], abs=0.1)
    finally:
        policy.kill()
        policy.wait()
        policy.stdout.close()  # type: ignore[union-attr]
        other.close()


# ---- simulated time ------------------------------------------------------------------------------------------------


def test_in_lockstep_it_is_the_simulation_step_by_step() -> None:
    """One seed, two processes and a network between them: the same start bit for bit, the same way to a hair."""
    pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    pace = ("--engine", ENGINE, "--width", "64", "--height", "64", "--camera-hz", "5", "--simulated-time")
    sim = start_robot(PICK, "cyclonedds", pace)
    profile = replace(PROFILES["wx250s"], limits=training_limits(get_robot("widowx")))
    env = gym.make(
        "Gen3D-RealRobot-v0", transport="cyclonedds", transport_options=sim.options, profile=profile,
        robot_sim="lockstep", speed_scale=1.0, dry_run=False, disable_env_checker=True, observation_width=64,
        observation_height=64,
    )  # fmt: skip
    direct = make(PICK, observation_width=64, observation_height=64)
    robot: Any = env.unwrapped
    try:
        for seed in (3, 4):
            over, info = env.reset(seed=seed, options={"arm": True})
            plain, said = direct.reset(seed=seed)
            assert over["agent_pos"] == pytest.approx(plain["agent_pos"], abs=1e-6)
            assert (over["pixels"] == plain["pixels"]).all() and info["instruction"] == said["instruction"]
            assert robot.robot_status["start"] == fingerprint(direct.unwrapped, said)
            for index in range(10):
                action = np.array([0.4, 0.1, -0.3, 0.0, 0.0, 0.2, 1.0 if index < 5 else -1.0], np.float32)
                over, *_, info = env.step(action)
                plain, *_, said = direct.step(action)
                # A trajectory controller moves evenly within the step; the simulation's own goes as fast as it can.
                assert over["agent_pos"][:6] == pytest.approx(plain["agent_pos"][:6], abs=2e-3), index
                assert over["agent_pos"][6] == pytest.approx(plain["agent_pos"][6], abs=0.05), index
            assert np.mean(abs(over["pixels"].astype(int) - plain["pixels"])) < 1.0
            assert info["ages_s"] == {"state": 0.0, "front": 0.0} and info["clips"] == ()
            assert robot._transport.lost == 0 and info["outcome"] == said["outcome"]
        sim.kill()
        robot._transport._inner.publish = lambda topic, message: None
        lockstep.ANSWER_S, before = 0.2, lockstep.ANSWER_S
        with pytest.raises(RobotStop, match="does not answer"):
            env.step(np.zeros(7, np.float32))
        lockstep.ANSWER_S = before
    finally:
        env.close()
        direct.close()
        sim.close()


def test_trials_on_a_robot_are_those_of_the_simulation(tmp_path: Path) -> None:
    """The whole way of gen3d evaluate, over DDS and directly, for one scene of the protocol."""
    pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    found = {}
    for transport in ("cyclonedds", "direct"):
        plan = make_plan(Settings(policy="expert", target="Gen3D-RealRobot-v0", episodes=1, transport=transport))
        assert len(plan.episodes) == 12
        found[transport] = evaluate(dataclasses.replace(plan, episodes=plan.episodes[:1]), tmp_path / transport)
    over, direct = (found[name].episodes[0] for name in ("cyclonedds", "direct"))
    assert (over.start, over.seed, over.success, over.outcome) == (direct.start, direct.seed, True, "success")
    assert found["cyclonedds"].engine == found["direct"].engine
    assert "over cyclonedds" in where(found["cyclonedds"]) and "over" not in where(found["direct"])
    assert compare(found["cyclonedds"], found["direct"]).overall.pairs == 1
    assert trials_of(found["cyclonedds"]).success.share == 1.0


def test_what_the_protocol_counts() -> None:
    outcomes = ("success", "partial", "dropped", "untouched", "stopped", "moved", "wrong_object", "success")
    rows = tuple(
        EpisodeRow(
            scene="S", axis="as_is", index=index, seed=index, start="0" * 16, instruction="put it there",
            success=outcome == "success", outcome=outcome, partial=outcome in ("success", "partial"), steps=10,
            time_to_success_s=2.0 + index if outcome == "success" else None,
        )
        for index, outcome in enumerate(outcomes)
    )  # fmt: skip
    found = trials_of(SimpleNamespace(episodes=rows))  # type: ignore[arg-type]
    counts = (found.success.count, found.partial.count, found.dynamics.count, found.stopped.count)
    assert counts == (2, 3, 3, 1) and found.time_s == 5.5
    low, high = found.success.interval
    assert low < 0.25 < high


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"transport": None}, "transport"), ({"transport": "pigeon"}, "transport"), ({"split": "train"}, "no splits"),
     ({"axes": ("light",)}, "reality"), ({"target": "Gen3D-Pick-v0", "transport": "rospy"}, "is no robot")],
)  # fmt: skip
def test_trials_that_cannot_be_are_refused(changes: dict, complaint: str) -> None:
    asked = {"policy": "expert", "target": "Gen3D-RealRobot-v0", "transport": "direct", **changes}
    with pytest.raises(FieldError, match=complaint):
        make_plan(Settings(**asked))


# ---- logs ----------------------------------------------------------------------------------------------------------


def test_a_log_is_simulated_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = pytest.importorskip("gen3d_envs.baselines.ros.log", exc_type=ImportError)
    from gen3d_envs.cli import main

    options = {"scene": PICK, "physics": ENGINE}
    env = gym.make(
        "Gen3D-RealRobot-v0", transport_options=options, speed_scale=1.0, dry_run=False, log=tmp_path / "log",
        disable_env_checker=True,
    )  # fmt: skip
    for seed in range(2):
        env.reset(seed=seed, options={"arm": True})
        for _ in range(6):
            env.step(np.array([0.3, 0.1, -0.2, 0.0, 0.0, 0.1, 1.0], np.float32))
    env.close()
    results = log.replay(tmp_path / "log", ENGINE)
    assert [episode.steps for episode in results] == [6, 6]
    assert max(max(episode.tool_error_m) for episode in results) < 1e-3
    assert main(["robot-replay", str(tmp_path / "log"), "--engine", ENGINE]) == 0
    assert "6 steps" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "log")]) == 0
    assert "6 steps" in capsys.readouterr().out
    with pytest.raises(FieldError, match="exists"):
        log.EpisodeLog(tmp_path / "log", make_contract(), None)


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    log = pytest.importorskip("gen3d_envs.baselines.ros.log", exc_type=ImportError)
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "none", tmp_path / "empty"):
        with pytest.raises(FieldError, match="no log"):
            log.read_log(path)


def test_the_status_is_json(tmp_path: Path) -> None:
    options = {"scene": PICK, "physics": ENGINE}
    env: Any = gym.make("Gen3D-RealRobot-v0", transport_options=options, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    robot, said = env._transport.robot, []
    robot._emit = lambda topic, kind, message: said.append((topic, message))
    robot.receive("/gen3d/reset", {"data": json.dumps({"seed": 3})})
    status = [json.loads(message["data"]) for topic, message in said if topic == "/gen3d/status"]
    assert status[0]["success"] is False and status[0]["scene"] == "TestPickCube"
    for text in ("[", "[1]", '{"seed": "x"}', "x" * 20_000):
        with pytest.raises(FieldError, match="reset"):
            robot.receive("/gen3d/reset", {"data": text})
    env.close()


def test_a_log_is_read_by_a_library_that_knows_nothing_of_us(tmp_path: Path) -> None:
    """mcap's own reader, with its own decoder of ROS 2 messages, from the definitions in the file alone."""
    pytest.importorskip("gen3d_envs.baselines.ros.log", exc_type=ImportError)
    decoder = pytest.importorskip("mcap_ros2.decoder")
    reader = pytest.importorskip("mcap.reader")
    env = gym.make(
        "Gen3D-RealRobot-v0", transport_options={"scene": PICK, "physics": ENGINE}, speed_scale=1.0, dry_run=False,
        log=tmp_path / "log", disable_env_checker=True,
    )  # fmt: skip
    env.reset(seed=0, options={"arm": True})
    executed = []
    for _ in range(4):
        *_, info = env.step(np.array([0.3, 0.1, -0.2, 0.0, 0.0, 0.1, 1.0], np.float32))
        executed.append(info["executed_action"].tolist())
    robot: Any = env.unwrapped
    env.close()
    sent = [message for _, topic, message in robot._transport.sent if topic == robot.profile.command.topic]
    (file,) = (tmp_path / "log").glob("*.mcap")
    with file.open("rb") as stream:
        rows = list(reader.make_reader(stream, decoder_factories=[decoder.DecoderFactory()]).iter_decoded_messages())
    by_topic: dict[str, list[Any]] = {}
    for _, channel, _, message in rows:
        by_topic.setdefault(channel.topic, []).append(message)
    commands = by_topic["/wx250s/arm_controller/joint_trajectory"]
    assert [list(m.points[0].positions) for m in commands] == [m["points"][0]["positions"] for m in sent]
    assert [json.loads(m.data)["executed"] for m in by_topic["/gen3d/step"]] == executed
    assert json.loads(by_topic["/gen3d/episode"][0].data)["contract"]["control_hz"] == 5
