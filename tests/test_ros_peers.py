"""ROS 1 software that nobody here wrote, as peers: robot_state_publisher, rosbag, rostopic, topic_tools, actionlib."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from gen3d_envs.baselines.ros import messages
from gen3d_envs.baselines.ros.launch import Master, ros1_packages, ros1_problem, start_master, start_robot
from gen3d_envs.baselines.ros.profiles import PROFILES
from gen3d_envs.baselines.ros.streams import Streams
from gen3d_envs.baselines.ros.transport import Received
from helpers import ENGINE, PICK
from ros_process import Program

PUBLISHER = Path("/usr/lib/robot_state_publisher/robot_state_publisher")
TOOLS = Path("/usr/lib/topic_tools")
PLAIN = PROFILES["wx250s"]
STATE, IMAGE = PLAIN.state_topics[0], PLAIN.cameras[0].topic

pytestmark = pytest.mark.skipif(bool(ros1_problem()), reason=f"no ROS 1: {ros1_problem()}")


def needs(program: Path | str) -> pytest.MarkDecorator:
    found = program.exists() if isinstance(program, Path) else shutil.which(program) is not None
    return pytest.mark.skipif(not found, reason=f"{program} is not installed (.ci/run names the packages)")


@pytest.fixture(scope="module")
def master() -> Iterator[Master]:
    running = start_master()
    yield running
    running.close()


def program(master: Master, *command: str, own: bool = False) -> Program:
    return Program(command, master.environment, own)


def run(master: Master, *command: str, within_s: float = 60.0) -> str:
    done = subprocess.run(command, env=master.environment, capture_output=True, text=True, timeout=within_s)
    return done.stdout + done.stderr


@needs(PUBLISHER)
def test_every_frame_is_where_robot_state_publisher_puts_it(master: Master) -> None:
    """Names, order, signs, units and frames of every arm at once, by Debian's C++ program, over 20 random poses."""
    with program(master, "frames", "widowx", "panda", own=True) as ours:
        for name in ("widowx", "panda"):
            told, _, text = ours.said().partition(" ")
            worst = json.loads(text)
            assert told == name and set(worst) == {"links_m", "links_turn", "tool_m", "tool_turn"}
            assert max(worst.values()) < 1e-6, worst


@contextmanager
def robot(master: Master, *more: str) -> Iterator[Any]:
    arguments = ("--engine", ENGINE, "--width", "64", "--height", "48", "--state-hz", "60", "--camera-hz", "30", *more)
    running = start_robot(PICK, "rospy", arguments, master)
    try:
        yield running
    finally:
        running.close()


@needs("rosbag")
@needs("rostopic")
def test_a_bag_that_is_played_back_is_understood_as_when_it_is_read(master: Master, tmp_path: Path) -> None:
    """Recorded and played by rosbag's C++ programs; the bag is also read offline, by a library that needs no ROS."""
    pytest.importorskip("rosbags")
    bag = tmp_path / "run.bag"
    with robot(master):
        rate = run(master, "timeout", "3", "rostopic", "hz", "-w", "30", STATE)
        means = [float(each.split()[0]) for each in rate.split("average rate: ")[1:]]
        assert 40.0 < median(means) < 70.0, rate  # of windows: in one of them a late message makes a burst
        text = run(master, "rostopic", "echo", "-n1", "--noarr", IMAGE)
        assert "width: 64" in text and 'encoding: "rgb8"' in text
        assert "sensor_msgs/JointState" in run(master, "rostopic", "type", STATE)
        run(master, "rosbag", "record", "--duration=1", "-O", str(bag), STATE, IMAGE)
    states, pictures = read_offline(bag)
    assert len(states) > 10 and len(pictures) > 3
    with program(master, "heard", own=True) as ours:
        assert ours.said() == "ready"
        run(master, "rosbag", "play", "--wait-for-subscribers", "--delay=0.2", "-q", str(bag))
        time.sleep(0.3)
        ours.tell()
        heard = json.loads(ours.said())
    assert [text for _, text in heard["states"]] == states, "every state, bit for bit"
    found, offline = dict(map(tuple, heard["pictures"])), dict(pictures)
    assert len(found) > 1 and all(offline[stamp] == value for stamp, value in found.items())


class Played:
    """A bag as a transport that has nothing more to say."""

    name = "bag"

    def __init__(self) -> None:
        self.queues: dict[str, list[Received]] = {}

    def subscribe(self, topic: str, kind: str, depth: int) -> None:
        self.queues[topic] = []

    def take(self, topic: str) -> list[Received]:
        found, self.queues[topic] = self.queues[topic], []
        return found


def read_offline(bag: Path) -> tuple[list[str], list[tuple[float, str]]]:
    import numpy as np
    from ros_programs import line
    from rosbags.rosbag1 import Reader
    from rosbags.typesys import Stores, get_typestore

    store, transport = get_typestore(Stores.ROS1_NOETIC), Played()
    streams, states, pictures = Streams(transport, PLAIN, PLAIN.cameras[:1]), [], []  # type: ignore[arg-type]
    with Reader(bag) as reader:
        for connection, at, data in reader.messages():
            message = store.deserialize_ros1(data, connection.msgtype)
            stamp = message.header.stamp
            header = {"stamp": {"sec": stamp.sec, "nanosec": stamp.nanosec}, "frame_id": ""}
            fields = {name: getattr(message, name) for name in message.__dataclass_fields__} | {"header": header}
            transport.queues[connection.topic] = [Received(fields, at * 1e-9, 1)]
            streams.read()
            if connection.topic == STATE:
                states.append(line(streams.state))
            else:
                picture = messages.read_image(fields)
                pictures.append((streams.pictures["front"].stamp_s, str(int(np.sum(picture, dtype=np.int64)))))
    return list(dict.fromkeys(states)), pictures


@needs("rosservice")
def test_actions_are_those_of_actionlib(master: Master) -> None:
    with program(master, "serve", own=True) as server:
        assert server.said() == "ready"
        with program(master, "goals", own=True) as client:
            assert client.said() == "a goal of /arm/follow was aborted: path tolerance"
        server.tell()
        log = json.loads(server.said())
    assert log == [[["a", "b"], [1.0, 2.0]], "preempted", [["a", "b"], [2.0, 2.0]], [["a", "b"], [-1.0, 2.0]]]


def wish(**changes: Any) -> str:
    # A loaded machine is late now and then, which is not what is tested here.
    plain = {
        "transport": "rospy",
        "options": {"packages": ros1_packages()},
        "late_s": 30.0,
        "state_s": 3.0,
        "camera_s": 3.0,
    }
    return json.dumps({**plain, **changes})


@needs(TOOLS / "drop")
@needs("rosservice")
def test_streams_that_topic_tools_spoil_are_named(master: Master) -> None:
    """Relayed it works; throttled or with messages dropped it stops, by the name of what is wrong."""
    with robot(master), ExitStack() as stack:
        for command in (
            ("relay", STATE, "/relayed"), ("relay", IMAGE, "/seen"),
            ("throttle", "messages", STATE, "2.0", "/throttled"), ("drop", IMAGE, "9", "10", "/dropped"),
        ):  # fmt: skip
            stack.enter_context(program(master, str(TOOLS / command[0]), *command[1:], "__name:=" + command[-1][1:]))
        for changes, reason in (
            ({"state_topic": "/throttled", "state_s": 0.25}, "state_stale"),
            ({"state_topic": "/relayed", "image_topic": "/dropped", "camera_s": 0.25}, "camera_stale"),
        ):
            with program(master, "policy", wish(**changes), own=True) as ours:
                first = ours.said()
                last = first if first.startswith("{") else ours.said()
                assert json.loads(last)["reason"] == reason, last
        with program(master, "policy", wish(state_topic="/relayed", image_topic="/seen"), own=True) as ours:
            assert ours.said() == "armed"
            time.sleep(1.0)
            answer = run(master, "rosservice", "call", "/gen3d/stop")
            assert "success: True" in answer and "stop_requested" in answer
            assert json.loads(ours.said())["reason"] == "stop_requested"


def test_whoever_dies_with_the_arm_armed_the_guard_holds_it(master: Master) -> None:
    with (
        robot(master),
        program(master, "listen", own=True) as listener,
        program(master, "policy", wish(), own=True) as ours,
    ):
        assert listener.said() == "ready" and ours.said() == "armed"
        while "positions" not in listener.said():
            pass
        ours.process.kill()
        while True:
            heard = json.loads(listener.said())
            if "reason" in heard:
                break
        assert (heard["reason"], heard["by"]) == ("policy_lost", "guard")
