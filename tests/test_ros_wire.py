"""What goes over the wire: messages, their bytes, Cyclone DDS between two processes, the robot node and its log."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gen3d_envs.baselines.ros import messages
from gen3d_envs.baselines.ros.messages import BadMessage
from helpers import ENGINE, PICK
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gen3d_envs.contract import make_contract
from gen3d_envs.errors import FieldError, RobotStop
from gen3d_envs.geometry import from_euler, matrix_of

DOMAIN = 120 + os.getpid() % 100

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
@settings(max_examples=50, deadline=None)
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
@settings(max_examples=60, deadline=None)
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
from gen3d_envs.baselines.ros import messages
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


def test_two_processes_talk() -> None:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    other = subprocess.Popen([sys.executable, "-c", ECHO, str(DOMAIN)])
    transport = dds.DdsTransport(DOMAIN, loopback=True)
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
        second = dds.DdsTransport(DOMAIN, loopback=True)
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


@pytest.fixture
def robot_sim() -> Iterator[subprocess.Popen[str]]:
    pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    command = [sys.executable, "-m", "gen3d_envs.cli", "robot-sim", "--engine", ENGINE, "--scene", PICK, "--loopback",
               "--domain", str(DOMAIN), "--width", "160", "--height", "120"]  # fmt: skip
    program = "import sys; from gen3d_envs.cli import main; sys.exit(main(sys.argv[1:]))"
    command[1:3] = ["-c", program]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_policy_acts_over_ros_and_a_killed_driver_stops_it(robot_sim: subprocess.Popen[str], tmp_path: Path) -> None:
    from gen3d_envs.baselines.ros.profiles import PROFILES
    from gen3d_envs.baselines.ros.sim_robot import simulated

    from gen3d_envs.spec import replace

    assert robot_sim.stdout is not None
    assert "wx250s" in robot_sim.stdout.readline()
    # A loaded machine is late now and then, which is not what is tested here.
    profile = replace(simulated(PROFILES["wx250s"]), late_s=20.0, state_timeout_s=0.4, clock_skew_s=1.0)
    env = gym.make(
        "Gen3D-RealRobot-v0", transport="cyclonedds", transport_options={"domain": DOMAIN, "loopback": True},
        profile=profile, speed_scale=1.0, dry_run=False, disable_env_checker=True, log=tmp_path / "log",
    )  # fmt: skip
    robot: Any = env.unwrapped
    try:
        first, info = env.reset(seed=0, options={"arm": True})
        assert info["instruction"] and first in env.observation_space
        for _ in range(6):
            observation, *_, info = env.step(np.array([0.5, 0.0, 0.0, 0, 0, 0, 1], np.float32))
        assert observation["agent_pos"][0] > first["agent_pos"][0] + 0.05, "it moved"
        assert info["ages_s"]["front"] < 0.5
        again, info = env.reset(seed=1)
        assert again["agent_pos"][:3] == pytest.approx(first["agent_pos"][:3], abs=2e-3), "a new episode begins at home"
        assert info["mode"] == "armed" and info["outcome"] != "success"
        for _ in range(3):
            env.step(np.array([0.5, 0.0, 0.0, 0, 0, 0, 1], np.float32))
        robot_sim.kill()
        begun = time.monotonic()
        with pytest.raises(RobotStop) as caught:
            step_often(env)
        assert caught.value.reason in ("state_stale", "publisher_vanished", "camera_stale")
        assert time.monotonic() - begun < 1.5 and robot.mode == "stopped"
    finally:
        env.close()
    episodes = pytest.importorskip("gen3d_envs.baselines.ros.log").read_log(tmp_path / "log")
    assert len(episodes) == 2 and len(episodes[0].steps) == 6


def step_often(env: gym.Env) -> None:
    for _ in range(30):
        env.step(np.zeros(7, np.float32))


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
