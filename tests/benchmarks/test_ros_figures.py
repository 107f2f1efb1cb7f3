"""The robot adapter's figures over a real ROS 1 (and ROS 2 topics for the round trip): delays, rates, parity, kills.

Real time is measured: on a computer that does something else meanwhile, the figures are those of that computer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.ros.launch import Master, ros1_packages, ros1_problem, start_master, start_robot
from gen3d_envs.baselines.ros.profiles import PROFILES
from helpers import ENGINE, PICK
from ros_process import PROGRAMS, Program

from gen3d_envs.evaluation.compare import compare
from gen3d_envs.evaluation.result import read_result

IMAGE = PROFILES["wx250s"].cameras[0].topic
ECHOES = 1000
STOP_S = 0.5
KILLS = int(os.environ.get("GEN3D_KILLS", "25"))
"""Of each kind; there are four."""

needs_ros1 = pytest.mark.skipif(bool(ros1_problem()), reason=f"no ROS 1: {ros1_problem()}")


@pytest.fixture
def master() -> Iterator[Master]:
    running = start_master()
    yield running
    running.close()


def begin(master: Master, *command: str) -> Program:
    return Program(command, master.environment)


def rank(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))


@needs_ros1
def test_round_trip(master: Master, figure: Any) -> None:
    """A command out, a state back, between two processes."""
    other, ours = begin(master, "echo"), begin(master, "trips", str(ECHOES))
    try:
        times = json.loads(ours.said(120.0))
    finally:
        other.end()
        ours.end()
    figure("ROS 1, command to state round trip, p50", 1e3 * rank(times, 50), "ms", at_most=2.0)
    figure("ROS 1, command to state round trip, p99", 1e3 * rank(times, 99), "ms")


@needs_ros1
@pytest.mark.parametrize(("hz", "seconds"), [(5, 60), (20, 60)])
def test_rate_and_age(master: Master, hz: int, seconds: int, figure: Any) -> None:
    """How evenly commands go out, and how old the picture in the observation is: 640x480 at 30 Hz, over a minute."""
    sim = start_robot(PICK, "rospy", ("--engine", ENGINE, "--control-hz", str(hz)), master)
    ours = begin(master, "pace", str(hz), str(seconds))
    try:
        found = json.loads(ours.said(seconds + 120.0))
    finally:
        ours.end()
        sim.close()
    late = [abs(step - 1.0 / hz) for step in np.diff(found["sent"])]
    figure(f"{hz} Hz, steps taken in {seconds} s", len(found["sent"]), "steps")
    figure(f"{hz} Hz, overruns", found["overruns"], "steps")
    figure(f"{hz} Hz, jitter of commands, p50", 1e3 * rank(late, 50), "ms")
    figure(f"{hz} Hz, from a picture's stamp to its arrival, p50", 1e3 * rank(found["delays"], 50), "ms")
    figure(
        f"{hz} Hz, age of a 640x480 picture in the observation, p99", 1e3 * rank(found["ages"], 99), "ms", at_most=50
    )
    figure(f"{hz} Hz, jitter of commands, p99", 1e3 * rank(late, 99), "ms", at_most=5.0)
    # At 20 Hz every second step falls between two pictures of 30 Hz and sees one that is half a frame older.
    bar = 15.0 if 30 % hz == 0 else None
    figure(
        f"{hz} Hz, age of a 640x480 picture in the observation, p50", 1e3 * rank(found["ages"], 50), "ms", at_most=bar
    )


class Kills:
    """A robot, a camera of its own, a listener and a policy, of which one is killed."""

    def __init__(self, master: Master) -> None:
        self.sim = start_robot(PICK, "rospy", ("--engine", ENGINE, "--width", "64", "--height", "48"), master)
        self.camera = subprocess.Popen(["/usr/lib/topic_tools/relay", IMAGE, "/camera"], env=master.environment)
        self.listener = begin(master, "listen")
        assert self.listener.said() == "ready"
        options = {"packages": ros1_packages()}
        wish = {"transport": "rospy", "options": options, "late_s": 30.0, "image_topic": "/camera"}
        # The time limits that a profile has where nobody changes them.
        wish |= {"state_s": 0.25, "camera_s": 0.3}
        self.policy = begin(master, "policy", json.dumps(wish))
        self.first = self.policy.said()

    def close(self) -> None:
        self.policy.end()
        self.listener.end()
        self.camera.kill()
        self.camera.wait()
        self.sim.close()

    def killed(self, process: Any) -> tuple[float, str, float]:
        """Kill; returns when it was, the reason that was told, and how long until reason and hold were sent."""
        at = time.monotonic()
        os.kill(process.pid, signal.SIGKILL)
        last: dict[str, Any] = {}
        held = -1.0
        while "reason" not in last:
            last = json.loads(self.listener.said(5.0))
            held = last["at"] if "positions" in last else held
        # The hold goes out before the reason is told, on another topic: it may come a little later.
        while held < at:
            last = {**json.loads(self.listener.said(5.0)), "reason": last["reason"]}
            held = last["at"]
        return at, last["reason"], max(held, last["at"]) - at


EXPECTED = {
    "driver": ("state_stale", "publisher_vanished", "camera_stale"), "camera": ("camera_stale", "publisher_vanished"),
    "master": ("connection_lost",), "policy": ("policy_lost",),
}  # fmt: skip


@needs_ros1
@pytest.mark.skipif(not Path("/usr/lib/topic_tools/relay").exists(), reason="no topic_tools")
@pytest.mark.parametrize("victim", EXPECTED)
@pytest.mark.timeout(3600)
def test_whatever_is_killed_the_arm_holds_in_time(victim: str, figure: Any) -> None:
    """kill -9 in mid-episode, again and again: the reason is told and the hold sent within half a second."""
    times, wrong = [], []
    for attempt in range(KILLS):
        master = start_master()
        kills = Kills(master)
        try:
            if kills.first != "armed":
                wrong.append(f"{attempt}: {kills.first}")
                continue
            time.sleep(0.3 + 0.013 * attempt)
            process = {
                "driver": kills.sim.process, "camera": kills.camera, "master": master.process,
                "policy": kills.policy.process,
            }[victim]  # fmt: skip
            _, reason, took = kills.killed(process)
            times.append(took)
            if reason not in EXPECTED[victim] or took > STOP_S:
                wrong.append(f"{attempt}: {reason} after {took:.3f} s")
        finally:
            kills.close()
            master.close()
    figure(f"kill -9 of the {victim}: until reason and hold are sent, p50", rank(times, 50), "s")
    figure(f"kill -9 of the {victim}: longest of {len(times)}", max(times), "s", at_most=STOP_S)
    figure(f"kill -9 of the {victim}: wrong of {KILLS}: {'; '.join(wrong)}", len(wrong), "", at_most=0)


@needs_ros1
@pytest.mark.timeout(1800)
def test_the_same_policy_directly_and_over_ros(tmp_path: Path, figure: Any) -> None:
    """The same noisy policy and seeds, 100 episodes in PyBullet, directly and over ROS 1 in lockstep."""
    pytest.importorskip("pybullet")
    results = {}
    for transport in ("rospy", "direct"):
        # In a process of its own: rospy's threads do not survive warnings that are errors.
        out = tmp_path / f"{transport}.json"
        line = ["evaluate", "--policy", "ros_clumsy:Clumsy", "--env", "Gen3D-RealRobot-v0", "--episodes", "9",
                "--transport", transport, "--out", str(out)]  # fmt: skip
        program = "import sys; from gen3d_envs.cli import main; sys.exit(main(sys.argv[1:]))"
        subprocess.run([sys.executable, "-c", program, *line], cwd=PROGRAMS.parent, check=True, stdout=subprocess.PIPE)
        results[transport] = read_result(out)
    found = compare(results["rospy"], results["direct"]).overall
    rates = {name: 100 * np.mean([row.success for row in result.episodes]) for name, result in results.items()}
    figure("a clumsy policy in PyBullet, directly", rates["direct"], "%")
    figure("the same over ROS 1", rates["rospy"], "%")
    figure(f"difference over {found.pairs} episodes", abs(100 * found.mean), "points", at_most=5.0)
    figure("episodes that end alike", 100 - 100 * (found.first_only + found.second_only) / found.pairs, "%")
    timing = results["rospy"].timing
    figure("over ROS 1 in lockstep, faster than real time", timing.steps / 5.0 / timing.episode_s, "x", at_least=1.0)
