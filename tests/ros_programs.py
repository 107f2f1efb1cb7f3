"""One side of a test over ROS 1, as a program: a process has one ROS 1 node for life."""

from __future__ import annotations

import json
import math
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gen3d_envs.baselines.ros import messages as m
from gen3d_envs.baselines.ros.guard import STOPPED_TOPIC
from gen3d_envs.baselines.ros.launch import ros1_packages
from gen3d_envs.baselines.ros.limits import default_limits
from gen3d_envs.baselines.ros.profiles import PROFILES
from gen3d_envs.baselines.ros.rospy_transport import RospyTransport
from gen3d_envs.baselines.ros.streams import Streams

from gen3d_envs.errors import RobotStop
from gen3d_envs.export.glb import link_poses
from gen3d_envs.export.urdf import robot_files
from gen3d_envs.geometry import matrix_of
from gen3d_envs.robots import get_robot
from gen3d_envs.spec import replace

PUBLISHER = "/usr/lib/robot_state_publisher/robot_state_publisher"
TF = "tf2_msgs/TFMessage"
POSES = 20


def wait_for(true: Callable[[], Any], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def node(name: str) -> RospyTransport:
    return RospyTransport(name, ros1_packages())


# ---- robot_state_publisher -----------------------------------------------------------------------------------------


def frames() -> None:
    """Every link's pose by Debian's robot_state_publisher and by our own kinematics, over random poses."""
    transport, rng = node("frames"), np.random.default_rng(0)
    for name in sys.argv[2:]:
        robot = get_robot(name)
        urdf = robot_files(robot)[f"{name}.urdf"].decode()
        transport._rospy.set_param(f"/{name}/robot_description", urdf)
        transport.advertise(f"/{name}/joint_states", m.JOINT_STATE)
        for topic in (f"/{name}/tf", f"/{name}/tf_static"):
            transport.subscribe(topic, TF, 100)
        peer = subprocess.Popen([PUBLISHER, f"__ns:=/{name}", f"/tf:=/{name}/tf", f"/tf_static:=/{name}/tf_static"])
        try:
            assert transport.wait_for_match(f"/{name}/joint_states", 20.0)
            print(name, json.dumps(_compare_frames(transport, robot, name, rng)), flush=True)
        finally:
            peer.kill()
            peer.wait()
    transport.close()


def _compare_frames(transport: RospyTransport, robot: Any, name: str, rng: np.random.Generator) -> dict[str, float]:
    names = [joint.name for joint in robot.model.joints]
    count, known, worst, tools = robot.arm_joints, {}, [0.0, 0.0], []
    moving = {joint.child for joint in robot.model.joints}
    for index in range(POSES):
        share = float(rng.uniform())
        arm = rng.uniform(robot.lower[:count], robot.upper[:count]).tolist()
        joints = [*arm, *robot.finger_targets(share)]
        stamp = 100.0 + index
        came: dict[str, Any] = {}

        def whole(stamp: float = stamp, came: dict[str, Any] = came, joints: list[float] = joints) -> bool:
            # Sent again and again: what it does not hear while its connection is made is lost.
            transport.publish(f"/{name}/joint_states", m.joint_state(stamp, names, joints))
            time.sleep(0.02)
            for topic in (f"/{name}/tf", f"/{name}/tf_static"):
                for received in transport.take(topic):
                    for part in received.message["transforms"]:
                        known[part["child_frame_id"]] = part
                        if abs(m.seconds_of(part["header"]) - stamp) < 1e-6:
                            came[part["child_frame_id"]] = part
            return moving <= set(came)

        wait_for(whole)
        poses = dict(
            zip((link.name for link in robot.model.links), link_poses(robot.model, joints, (0, 0, 0)), strict=True)
        )
        for link, (position, quaternion) in poses.items():
            theirs, turn = _chain(known, link)
            worst[0] = max(worst[0], float(np.linalg.norm(theirs - np.array(position))))
            worst[1] = max(worst[1], float(np.abs(turn - np.array(matrix_of(quaternion))).max()))
        theirs, turn = _chain(known, robot.tool_link)
        tool, rotation = robot.forward(arm)
        offset = turn.T @ (np.array(tool) - np.array(robot.base_position_m) - theirs)
        tools.append(np.concatenate([offset, (turn.T @ np.array(rotation)).ravel()]))
    spread = np.ptp(np.array(tools), axis=0)
    return {
        "links_m": worst[0],
        "links_turn": worst[1],
        "tool_m": float(spread[:3].max()),
        "tool_turn": float(spread[3:].max()),
    }


def _chain(known: dict[str, Any], link: str) -> tuple[Any, Any]:
    """Pose of a link in the base, by the transforms that were sent."""
    position, turn = np.zeros(3), np.eye(3)
    while link in known:
        part = known[link]["transform"]
        step = np.array(matrix_of(tuple(part["rotation"][k] for k in "xyzw")))
        position = step @ position + [part["translation"][k] for k in "xyz"]
        turn, link = step @ turn, known[link]["header"]["frame_id"]
    return position, turn


# ---- rosbag --------------------------------------------------------------------------------------------------------


def heard() -> None:
    """What the adapter understands of a bag that is played back: one line per state and per picture."""
    transport, profile = node("heard"), PROFILES["wx250s"]
    streams = Streams(transport, profile, profile.cameras[:1])
    print("ready", flush=True)
    states: dict[float, str] = {}
    pictures: dict[float, str] = {}
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        streams.read()
        states |= {state.stamp_s: line(state) for state in streams.history}
        for camera, picture in streams.pictures.items():
            pictures[picture.stamp_s] = str(int(np.sum(streams.decoded(camera), dtype=np.int64)))
    print(json.dumps({"states": list(states.items()), "pictures": list(pictures.items())}), flush=True)
    transport.close()


def line(state: Any) -> str:
    return json.dumps([state.stamp_s, state.positions, state.velocities])


# ---- actions -------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Debian's own action server as a controller: takes goals, is preempted by newer ones, aborts when told to."""
    transport = node("controller")
    import actionlib
    from gen3d_envs.baselines.ros.ros1_action import DEFINITIONS, GOAL
    from genpy.dynamic import generate_dynamic

    rule = "=" * 80 + "\n"
    base = "control_msgs/FollowJointTrajectory"
    parts = dict(part.removeprefix("MSG: ").split("\n", 1) for text in DEFINITIONS.values()
                 for part in text.split(rule)[1:])  # fmt: skip
    parts |= {name: text.split(rule)[0] for name, text in DEFINITIONS.items()}
    parts[f"{base}Feedback"] = (
        "Header header\nstring[] joint_names\ntrajectory_msgs/JointTrajectoryPoint desired\n"
        "trajectory_msgs/JointTrajectoryPoint actual\ntrajectory_msgs/JointTrajectoryPoint error\n"
    )
    parts[f"{base}ActionFeedback"] = (
        "Header header\nactionlib_msgs/GoalStatus status\nFollowJointTrajectoryFeedback feedback\n"
    )
    parts[f"{base}Action"] = (
        "FollowJointTrajectoryActionGoal action_goal\nFollowJointTrajectoryActionResult action_result\n"
        "FollowJointTrajectoryActionFeedback action_feedback\n"
    )
    text = parts[f"{base}Action"] + "".join(
        f"{rule}MSG: {name}\n{body}" for name, body in parts.items() if name != f"{base}Action"
    )
    made = generate_dynamic(f"{base}Action", text)
    assert made[f"{base}Action"]._md5sum == "bc4f9b743838566551c0390c65f1a248", "the published hash"
    assert made[GOAL]._md5sum == "cff5c1d533bf2f82dd0138d57f4304bb"
    log: list[Any] = []

    def execute(goal: Any) -> None:
        positions = list(goal.trajectory.points[0].positions)
        log.append([list(goal.trajectory.joint_names), positions])
        result = made[f"{base}Result"]()
        if positions[0] < 0:
            result.error_code, result.error_string = -4, "path tolerance"
            server.set_aborted(result)
            return
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            if server.is_preempt_requested():
                log.append("preempted")
                server.set_preempted(result)
                return
            time.sleep(0.005)
        server.set_succeeded(result)

    server = actionlib.SimpleActionServer("/arm/follow", made[f"{base}Action"], execute, auto_start=False)
    server.start()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(log), flush=True)
    transport.close()


def goals() -> None:
    """Our client of an action, against :func:`serve`."""
    transport = node("client")
    transport.advertise_action("/arm/follow")
    assert transport.wait_for_action("/arm/follow", 20.0)
    time.sleep(0.5)
    transport.send_goal("/arm/follow", m.joint_trajectory(["a", "b"], [1.0, 2.0], [], 0.2))
    time.sleep(0.3)
    transport.send_goal("/arm/follow", m.joint_trajectory(["a", "b"], [2.0, 2.0], [], 0.2))
    time.sleep(1.6)
    assert transport.goal_problem() == "", "one was replaced, one succeeded"
    transport.send_goal("/arm/follow", m.joint_trajectory(["a", "b"], [-1.0, 2.0], [], 0.2))
    found: list[str] = []
    wait_for(lambda: found.append(transport.goal_problem()) or found[-1])
    print(found[-1], flush=True)
    transport.close()


# ---- the environment -----------------------------------------------------------------------------------------------


def policy() -> None:
    """Acts until it is stopped, and says why it was: ``policy {"state_topic": ..., "image_topic": ..., ...}``."""
    wish = json.loads(sys.argv[2])
    plain = PROFILES["wx250s"]
    camera = replace(
        plain.cameras[0], topic=wish.get("image_topic", plain.cameras[0].topic), timeout_s=wish["camera_s"]
    )
    profile = replace(
        plain, state_topics=(wish.get("state_topic", plain.state_topics[0]),), cameras=(camera,), late_s=wish["late_s"],
        state_timeout_s=wish["state_s"], clock_skew_s=wish.get("skew_s", 5.0), frozen_s=30.0,
        limits=replace(default_limits(get_robot("widowx")), tracking_error_rad=10.0),
    )  # fmt: skip
    env: Any = gym.make(
        "Gen3D-RealRobot-v0", transport=wish["transport"], transport_options=wish["options"], profile=profile,
        robot_sim="real_time", dry_run=False, disable_env_checker=True, max_episode_steps=100_000,
    )  # fmt: skip
    try:
        env.reset(seed=0, options={"arm": True})
        print("armed", flush=True)
        for index in range(100_000):
            action = np.zeros(7, np.float32)
            action[:2] = 0.3 * math.sin(index / 5), 0.3 * math.cos(index / 5)
            env.step(action)
    except RobotStop as stop:
        told = {"reason": stop.reason, "text": stop.problem, "at": time.monotonic(), "mode": env.unwrapped.mode}
        print(json.dumps(told), flush=True)
    env.close()


def listen() -> None:
    """Says of every command when it came, what it was, and every stop that is told."""
    transport, profile = node("listener"), PROFILES["wx250s"]
    transport.subscribe(profile.command.topic, m.JOINT_TRAJECTORY, 100)
    transport.subscribe(STOPPED_TOPIC, m.STRING, 10)
    print("ready", flush=True)
    while True:
        for received in transport.take(profile.command.topic):
            positions = list(received.message["points"][0]["positions"])
            print(json.dumps({"at": time.monotonic(), "positions": positions}), flush=True)
        for received in transport.take(STOPPED_TOPIC):
            print(json.dumps({"at": time.monotonic(), **json.loads(received.message["data"])}), flush=True)
        time.sleep(0.001)


# ---- figures -------------------------------------------------------------------------------------------------------


def echo() -> None:
    """Answers every command with a state."""
    transport = node("echo")
    transport.subscribe("/command", m.JOINT_TRAJECTORY, 10)
    transport.advertise("/joint_states", m.JOINT_STATE)
    while True:
        for received in transport.take("/command"):
            point = received.message["points"][0]
            names = received.message["joint_names"]
            transport.publish("/joint_states", m.joint_state(transport.now(), names, point["positions"]))
        time.sleep(0.0002)


def trips() -> None:
    """Measures how long an answer of :func:`echo` takes: ``trips COUNT``."""
    transport = node("trips")
    transport.advertise("/command", m.JOINT_TRAJECTORY)
    transport.subscribe("/joint_states", m.JOINT_STATE, 10)
    assert transport.wait_for_match("/command", 30.0)
    wait_for(lambda: transport.hears("/joint_states"))
    times: list[float] = []
    command = m.joint_trajectory([f"joint{index}" for index in range(6)], [0.5] * 6, [], 0.2)
    while not transport.take("/joint_states"):
        transport.publish("/command", command)
        time.sleep(0.2)
    time.sleep(0.5)
    transport.take("/joint_states")
    for _ in range(int(sys.argv[2]) + 20):
        begin = time.perf_counter()
        transport.publish("/command", command)
        while not transport.take("/joint_states"):
            time.sleep(0.0001)
        times.append(time.perf_counter() - begin)
        time.sleep(0.002)
    print(json.dumps(times[20:]), flush=True)
    transport.close()


def pace() -> None:
    """Steps for a while at a rate and measures: ``pace HZ SECONDS``."""
    hz, seconds = int(sys.argv[2]), float(sys.argv[3])
    plain = PROFILES["wx250s"]
    cameras = tuple(replace(camera, timeout_s=5.0) for camera in plain.cameras)
    profile = replace(
        plain, cameras=cameras, state_timeout_s=5.0, late_s=30.0, clock_skew_s=5.0, frozen_s=30.0,
        limits=replace(default_limits(get_robot("widowx")), tracking_error_rad=10.0),
    )  # fmt: skip
    env: Any = gym.make(
        "Gen3D-RealRobot-v0", transport="rospy", transport_options={"packages": ros1_packages()}, profile=profile,
        robot_sim="real_time", dry_run=False, disable_env_checker=True, max_episode_steps=100_000, control_hz=hz,
    )  # fmt: skip
    robot = env.unwrapped
    sent: list[float] = []
    publish = robot._transport.publish

    def noted(topic: str, message: Any) -> None:
        if topic == profile.command.topic:
            sent.append(time.monotonic())
        publish(topic, message)

    env.reset(seed=0, options={"arm": True})
    robot._transport.publish = noted
    ages, delays, info = [], [], {"overruns": 0}
    for index in range(round(hz * seconds)):
        action = np.zeros(7, np.float32)
        action[:2] = 0.3 * math.sin(index / hz), 0.3 * math.cos(index / hz)
        *_, info = env.step(action)
        ages.append(info["ages_s"]["front"])
        picture = robot._streams.pictures["front"]
        delays.append(picture.received_s - picture.stamp_s)
    env.close()
    found = {"sent": sent[: len(ages)], "ages": ages, "delays": delays, "overruns": info["overruns"]}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    {f.__name__: f for f in (frames, heard, serve, goals, policy, listen, echo, trips, pace)}[sys.argv[1]]()
