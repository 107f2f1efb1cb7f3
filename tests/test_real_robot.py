"""The robot environment: the simulation's spaces and meaning, armed on purpose, stopped for good reason."""

from __future__ import annotations

import ast
import json
import math
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gen3d_envs.baselines.ros.env import RealRobotEnv
from gen3d_envs.baselines.ros.fake import FAULTS
from gen3d_envs.baselines.ros.profiles import PROFILES, load_profile, to_text
from gen3d_envs.baselines.ros.transport import Received
from gymnasium.utils.env_checker import check_env
from helpers import ENGINE, PICK, PLACE, make

from gen3d_envs.contract import contract_of, make_contract
from gen3d_envs.errors import ActionError, ContractError, FieldError, Gen3DError, RobotStop

GO = np.array([0.3, 0.1, -0.2, 0.0, 0.0, 0.1, 1.0], np.float32)


@pytest.fixture
def made() -> Iterator[Any]:
    envs: list[RealRobotEnv] = []

    def robot(scene: str = PICK, **arguments: Any) -> RealRobotEnv:
        options = {"scene": scene, "physics": ENGINE, **arguments.pop("options", {})}
        arguments = {"dry_run": False, "speed_scale": 1.0, **arguments}
        env = gym.make("Gen3D-RealRobot-v0", transport_options=options, disable_env_checker=True, **arguments)
        assert isinstance(env.unwrapped, RealRobotEnv)
        envs.append(env.unwrapped)
        return env.unwrapped

    yield robot
    for env in envs:
        env.close()


# ---- the same as the simulation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"obs_type": "pixels", "cameras": ("front", "wrist"), "observation_width": 64},
        {"control": "joint_delta", "control_hz": 10},
    ],
)
@pytest.mark.parametrize(("profile", "robot"), [("wx250s", "widowx"), ("panda", "panda")])
def test_spaces_and_contract_are_the_simulations(made: Any, arguments: dict, profile: str, robot: str) -> None:
    env, sim = made(profile=profile, **arguments), make(PICK, robot=robot, **arguments)
    assert env.observation_space == sim.observation_space and env.action_space == sim.action_space
    assert contract_of(env) == contract_of(sim)
    observation, _ = env.reset(seed=0)
    assert observation in sim.observation_space
    sim.close()


def test_what_is_seen_over_messages_is_what_the_simulation_shows(made: Any) -> None:
    """Same scene and placement, same actions: joints, pictures and outcome agree."""
    env, sim = made(PLACE), make(PLACE)
    env.reset(seed=3, options={"arm": True})
    start = env._transport.robot._env._episode.placements
    sim.reset(seed=0)
    sim.load(sim.nominal(sim.scene, start))
    for index in range(8):
        action = np.array([0.3, 0.1, -0.2, 0.0, 0.0, 0.1, 1.0 if index < 5 else -1.0], np.float32)
        over, *_, info = env.step(action)
        direct, *_ = sim.step(action)
        assert info["clips"] == () and info["executed_action"] == pytest.approx(action, abs=1e-3)
        assert over["agent_pos"] == pytest.approx(direct["agent_pos"], abs=2e-3)
    assert np.mean(abs(over["pixels"].astype(int) - direct["pixels"])) < 1.0
    sim.close()


@pytest.mark.parametrize("dry_run", [True, False])
def test_gymnasiums_checker_is_content(dry_run: bool) -> None:
    options = {"scene": PICK, "physics": ENGINE}
    env = gym.make("Gen3D-RealRobot-v0", transport_options=options, dry_run=dry_run).unwrapped
    if not dry_run:
        env.reset(options={"arm": True})
    check_env(env, skip_render_check=True)
    env.close()


def test_the_default_id_can_be_made_and_moves_nothing() -> None:
    env = gym.make("gen3d_envs:Gen3D-RealRobot-v0", transport_options={"physics": ENGINE})
    env.reset(seed=0)
    *_, info = env.step(env.action_space.sample())
    assert info["dry_run"] and info["mode"] == "disarmed"
    env.close()


def test_a_state_after_the_command_is_observed(made: Any) -> None:
    env = made()
    _, info = env.reset(seed=0, options={"arm": True})
    for _ in range(3):
        before = env._transport.now()
        _, *_, info = env.step(GO)
        assert info["state_time_s"] > before - env._begun_s
    assert info["ages_s"] == {"state": 0.0, "front": 0.0} and info["overruns"] == 0


def test_instruction_and_verdict_come_from_the_simulated_robot_or_from_the_judge(made: Any) -> None:
    env = made(PICK)
    _, info = env.reset(seed=0)
    assert info["instruction"] == env._transport.robot._env.task_description and info["reward_available"]
    judged = made(PICK, judge=lambda observation, info: (0.5, True))
    judged.reset(seed=0, options={"arm": True})
    _, reward, terminated, _, info = judged.step(GO)
    assert (reward, terminated, info["is_success"]) == (0.5, True, True)


# ---- modes ---------------------------------------------------------------------------------------------------------


def commands(env: RealRobotEnv) -> list[Any]:
    return [message for _, topic, message in env._transport.sent if topic == env.profile.command.topic]


def test_a_dry_run_publishes_nothing(made: Any) -> None:
    env = made(dry_run=True)
    first, _ = env.reset(seed=0, options={"arm": True})
    for _ in range(3):
        observation, *_, info = env.step(GO)
    assert commands(env) == [] and info["executed_action"][0] > 0.1, "it says what would have been sent"
    assert observation["agent_pos"] == pytest.approx(first["agent_pos"], abs=1e-3)


def test_nothing_moves_before_it_is_armed(made: Any) -> None:
    env = made()
    env.reset(seed=0)
    with pytest.raises(RobotStop) as caught:
        env.step(GO)
    assert caught.value.reason == "not_armed" and commands(env) == []
    env.arm()
    env.step(GO)
    assert len(commands(env)) == 1


def test_a_stop_latches_until_it_is_confirmed(made: Any) -> None:
    env = made()
    env.reset(seed=0, options={"arm": True})
    env.step(GO)
    env.estop("a person said so")
    measured = env._streams.state.positions[:6]
    assert commands(env)[-1]["points"][0]["positions"] == pytest.approx(measured), "it holds where it is"
    sent = len(commands(env))
    for attempt in (lambda: env.step(GO), env.arm, lambda: env.reset(seed=0), lambda: env.reset(options={"arm": True})):
        with pytest.raises(RobotStop) as caught:
            attempt()
        assert caught.value.reason == "estop"
    assert env.mode == "stopped" and len(commands(env)) == sent
    env.reset(seed=0, options={"confirm": True})
    assert env.mode == "disarmed", "and the confirmation does not arm it"
    with pytest.raises(RobotStop):
        env.step(GO)
    env.reset(seed=0, options={"arm": True})
    env.step(GO)


def test_a_stop_from_another_thread_is_the_last_word(made: Any) -> None:
    """While a command is on its way out, a stop comes: its hold is sent after that, and nothing after the hold."""
    env = made()
    env.reset(seed=0, options={"arm": True})
    env.step(GO)
    publish, counts = env._transport.publish, []

    def stop() -> None:
        env.estop()
        counts.append(len(commands(env)))

    stopper = threading.Thread(target=stop)

    def slowly(topic: str, message: Any) -> None:
        if topic == env.profile.command.topic and stopper.ident is None:
            stopper.start()
            time.sleep(0.05)
        publish(topic, message)

    env._transport.publish = slowly
    with pytest.raises(RobotStop) as caught:
        step_for_a_while(env)
    stopper.join()
    assert caught.value.reason == "estop" and counts == [len(commands(env))]
    hold = tuple(commands(env)[-1]["points"][0]["positions"])
    assert hold in [state.positions[:6] for state in env._streams.history], "what was measured, not what was commanded"


def test_a_stop_can_be_asked_for_by_message(made: Any) -> None:
    env = made(options={"state_hz": 30})
    env.reset(seed=0, options={"arm": True})
    env._transport._queues["/gen3d/stop"].append(Received({"data": "stand back"}, env._transport.now(), 1))
    with pytest.raises(RobotStop, match="stand back") as caught:
        env.step(GO)
    assert caught.value.reason == "stop_requested" and env.mode == "stopped"
    (told,) = [json.loads(message["data"]) for _, topic, message in env._transport.sent if topic == "/gen3d/stopped"]
    assert told["reason"] == "stop_requested"


def test_velocities_are_repeated_before_servo_forgets_them(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(to_text(PROFILES["wx250s"]).replace('"kind": "joint_trajectory"', '"kind": "twist"', 1))
    env = made(profile=str(path))
    env.reset(seed=0, options={"arm": True})
    for _ in range(3):
        env.step(GO)
    times = [at for at, topic, _ in env._transport.sent if topic == env.profile.command.topic]
    assert len(times) > 9 and max(np.diff(times)) < 0.1
    env.estop()
    twist = commands(env)[-1]["twist"]
    assert set(twist["linear"].values()) | set(twist["angular"].values()) == {0.0}


def test_closing_holds(made: Any) -> None:
    env = made()
    env.reset(seed=0, options={"arm": True})
    env.step(GO)
    sent = len(commands(env))
    env.close()
    env.close()
    assert len(commands(env)) == sent + 1 and commands(env)[-1]["points"][0]["velocities"] == []
    with pytest.raises(Gen3DError, match="closed"):
        env.step(GO)


def test_a_program_that_ends_holds() -> None:
    program = f"""
import atexit, sys
import gymnasium as gym, numpy as np, gen3d_envs
env = gym.make("Gen3D-RealRobot-v0", dry_run=False, transport_options={{"scene": {PICK!r}, "physics": {ENGINE!r}}})
env.reset(seed=0, options={{"arm": True}})
env.step(np.zeros(7, np.float32))
sent, count = env.unwrapped._transport.sent, len(env.unwrapped._transport.sent)
env.unwrapped._transport.publish = lambda topic, message: print("HOLD", topic)
sys.exit(3)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "HOLD /wx250s/arm_controller/joint_trajectory" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("action", "error", "reason"),
    [
        (np.full(7, math.nan), RobotStop, "not_finite"),
        (np.array([0, 0, math.inf, 0, 0, 0, 0]), RobotStop, "not_finite"),
        (np.zeros(3), ActionError, "ActionError"),
    ],
)
def test_a_bad_action_stops(made: Any, action: Any, error: type, reason: str) -> None:
    env = made()
    env.reset(seed=0, options={"arm": True})
    env.step(GO)
    with pytest.raises(error):
        env.step(action)
    assert env.stop_reason == reason and env.mode == "stopped"
    assert commands(env)[-1]["points"][0]["positions"] == pytest.approx(env._streams.state.positions[:6])


def test_a_late_policy_stops_and_a_slow_one_is_counted(made: Any) -> None:
    env = made()
    env.reset(seed=0, options={"arm": True})
    env._transport.wait_until(env._transport.now() + 0.35)
    *_, info = env.step(GO)
    assert info["overruns"] == 0  # the clock begins with the first step
    env._transport.wait_until(env._transport.now() + 0.35)
    *_, info = env.step(GO)
    assert info["overruns"] == 1
    env._transport.wait_until(env._transport.now() + 5.0)
    with pytest.raises(RobotStop) as caught:
        env.step(GO)
    assert caught.value.reason == "policy_late"


# ---- faults --------------------------------------------------------------------------------------------------------


def step_for_a_while(env: RealRobotEnv) -> None:
    for index in range(12):
        env.step(GO * (1.0 if index < 6 else -1.0))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named_and_stops(made: Any, fault: str) -> None:
    env = made(options={"state_hz": 30, "camera_hz": 10})
    env.reset(seed=0, options={"arm": True})
    for _ in range(2):
        env.step(GO)
    env._transport.inject(fault)
    begun = env._transport.now()
    with pytest.raises(RobotStop) as caught:
        step_for_a_while(env)
    assert caught.value.reason == FAULTS[fault] == env.stop_reason
    slow = {"frozen_state": 1.4, "frozen_camera": 1.6, "stale_camera": 0.6}
    assert env._transport.now() - begun <= slow.get(fault, 0.5), "soon enough"
    hold = commands(env)[-1]
    assert all(map(math.isfinite, hold["points"][0]["positions"]))
    env._transport.heal()
    env.reset(seed=0, options={"confirm": True, "arm": True})
    env.step(GO)


@pytest.mark.parametrize("fault", ["stale_state", "nan_state", "wrong_joint_names", "stale_camera"])
def test_a_robot_that_begins_with_a_fault_is_not_armed(made: Any, fault: str) -> None:
    env = made()
    env._transport.inject(fault)
    with pytest.raises(RobotStop):
        env.reset(seed=0, options={"arm": True})
    assert commands(env) == [] and env.mode == "stopped"


def test_without_a_controller_it_is_not_armed(made: Any) -> None:
    env = made()
    env._transport.inject("nobody_listens")
    with pytest.raises(RobotStop) as caught:
        env.reset(seed=0, options={"arm": True})
    assert caught.value.reason == "nobody_listens" and env.mode == "disarmed" and commands(env) == []


# ---- contract and profiles -----------------------------------------------------------------------------------------


def test_a_policy_of_another_contract_is_refused(made: Any, tmp_path: Path) -> None:
    made(contract=make_contract("widowx", max_episode_steps=50))
    path = tmp_path / "contract.json"
    path.write_text(make_contract("widowx").to_json())
    made(contract=str(path))
    with pytest.raises(ContractError, match="control_hz: wanted 10, given 5"):
        made(contract=make_contract("widowx", control_hz=10).to_json())
    with pytest.raises(FieldError, match="cannot be read"):
        made(contract=str(tmp_path / "none.json"))


def test_poses_of_things_cannot_be_observed(made: Any) -> None:
    with pytest.raises(FieldError, match="robot cannot see"):
        made(obs_type="state")


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_profiles_are_read_from_files(tmp_path: Path, suffix: str) -> None:
    if suffix == ".yaml":
        pytest.importorskip("yaml")
    path = tmp_path / f"mine{suffix}"
    path.write_text(to_text(PROFILES["panda"]))
    assert load_profile(str(path)) == PROFILES["panda"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"robot": "panda"', '"robot": "crane"', "robot"),
        ('"periods": 1.0', '"periods": 0.0', "periods"),
        ('"panda_joint1"', '"panda_joint2"', "twice"),
        ('"/joint_states"', '"joint states"', "state_topics"),
        ('"kind": "joint_trajectory"', '"kind": "torque"', "kind"),
        ('"clock_skew_s"', '"clock_screw_s"', "clock_screw_s"),
        ('"open": 0.04', '"open": 0.0', "gripper.open"),
        ('"limits": null', '"limits": {"joint_speed_radps": [1], "joint_acceleration_radps2": [1]}', "joint_speed"),
        ("{", "[", "no profile"),
    ],
)
def test_profiles_are_checked(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = to_text(PROFILES["panda"])
    assert old in text
    path = tmp_path / "mine.json"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FieldError, match=complaint):
        load_profile(str(path))


def test_unknown_names_are_refused(made: Any, tmp_path: Path) -> None:
    for arguments in (
        {"profile": "robot9"}, {"profile": str(tmp_path / "none.json")}, {"transport": "pigeon"},
        {"options": {"speed": 3}}, {"options": {"state_hz": 7}}, {"speed_scale": 2.0},
    ):  # fmt: skip
        with pytest.raises(FieldError):
            made(**arguments)
    text = to_text(PROFILES["wx250s"]).replace('"kind": "joint_trajectory"', '"kind": "follow_joint_trajectory"', 1)
    (tmp_path / "action.json").write_text(text)
    with pytest.raises(FieldError, match="needs actions"):
        made(profile=str(tmp_path / "action.json"))
    with pytest.raises(FieldError, match="reset option"):
        made().reset(options={"speed": 1})


@pytest.mark.parametrize("kind", ["joint_group", "pose", "twist"])
def test_other_interfaces_move_the_robot_alike(made: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(to_text(PROFILES["wx250s"]).replace('"kind": "joint_trajectory"', f'"kind": "{kind}"', 1))
    env, plain = made(profile=str(path)), made()
    for robot in (env, plain):
        robot.reset(seed=0, options={"arm": True})
        for _ in range(6):
            observation, *_ = robot.step(GO * 0.5)
        robot.last = observation["agent_pos"]
    # Servo integrates what it measures, so its path is its own.
    assert env.last == pytest.approx(plain.last, abs=0.02)
    assert abs(env.last[0] - 0.27) > 0.02


# ---- hygiene -------------------------------------------------------------------------------------------------------


def test_no_ros_outside_the_transports() -> None:
    folder = Path(__file__).resolve().parent.parent / "baselines" / "ros"
    carriers = {"dds.py", "cdr.py", "log.py", "rospy_transport.py", "rclpy_transport.py"}
    for path in folder.glob("*.py"):
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and not node.level
        }
        found = names & {"rospy", "rclpy", "cyclonedds", "rosbags", "genpy", "rosgraph", "actionlib", "mcap"}
        assert not found or path.name in carriers, f"{path.name} imports {found}"


def test_the_stop_survives_a_process_border() -> None:
    error = pickle.loads(pickle.dumps(RobotStop("state_stale", "old", "Look")))
    assert (error.reason, str(error)) == ("state_stale", "Stopped (state_stale): old. Look.")
