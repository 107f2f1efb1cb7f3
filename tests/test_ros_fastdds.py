"""The ROS 2 wire against a program that nobody here wrote the middleware of: eProsima Fast DDS, in C++."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.ros import messages
from gen3d_envs.baselines.ros.launch import claim_domain

SOURCE = Path(__file__).parent / "data" / "fastdds_peer.cpp"
HEADERS = Path("/usr/include/fastdds/dds/domain/DomainParticipant.hpp")

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or not HEADERS.exists(),
    reason="no g++ or no Fast DDS (Debian: apt install libfastrtps-dev)",
)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("fastdds") / "peer"
    libraries = ("-lfastrtps", "-lfastcdr", "-pthread")
    subprocess.run(["g++", "-O0", "-std=c++17", str(SOURCE), "-o", str(program), *libraries], check=True)
    return program


@pytest.fixture
def talk(peer: Path) -> Iterator[tuple[Any, subprocess.Popen[bytes]]]:
    dds = pytest.importorskip("gen3d_envs.baselines.ros.dds", exc_type=ImportError)
    claim = claim_domain()
    other = subprocess.Popen([str(peer), str(claim.domain)])
    transport = dds.DdsTransport(claim.domain, loopback=True)
    yield transport, other
    other.kill()
    other.wait()
    transport.close()
    claim.close()


def wait_for(true: Callable[[], Any], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_fast_dds_understands_us_and_we_it(talk: tuple[Any, subprocess.Popen[bytes]]) -> None:
    transport, other = talk
    transport.advertise("/joint_states", messages.JOINT_STATE)
    transport.advertise("/seen", messages.IMAGE)
    transport.subscribe("/command", messages.JOINT_TRAJECTORY, 10)
    transport.subscribe("/shown", messages.IMAGE, 1)
    for topic in ("/joint_states", "/seen"):
        assert transport.wait_for_match(topic, 20.0)
    wait_for(lambda: transport.hears("/command") and transport.publishers("/shown") == 1)
    heard: list[Any] = []

    def answered(topic: str, message: Any) -> Any:
        heard.clear()
        end = time.monotonic() + 20.0
        while not heard:
            # Both sides find each other at different times, and pictures are best effort: what is lost is sent again.
            transport.publish(topic, message)
            again = time.monotonic() + 0.5
            while not heard and time.monotonic() < again:
                heard.extend(transport.take("/command"))
                time.sleep(0.002)
            assert time.monotonic() < end, "no answer"
        return heard[-1].message

    said = answered("/joint_states", messages.joint_state(12.25, ["waist", "elbow"], [0.5, -1.0], [0.25, 2.0]))
    assert said["joint_names"] == ["waist", "elbow"] and messages.seconds_of(said["header"]) == 12.25
    (point,) = said["points"]
    assert list(point["positions"]) == [0.5, -1.0, 0.25, 2.0]
    assert point["time_from_start"] == {"sec": 1, "nanosec": 250_000_000}

    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    said = answered("/seen", messages.image(3.5, "camera", picture))
    assert said["joint_names"] == ["picture", "rgb8"]
    assert list(said["points"][0]["positions"]) == [480.0, 640.0, 1920.0, float(picture.sum(dtype=np.int64))]

    shown: list[Any] = []
    wait_for(lambda: shown.extend(transport.take("/shown")) or bool(shown))
    expected = (np.arange(120 * 160 * 3) % 251).astype(np.uint8).reshape(120, 160, 3)
    assert (messages.read_image(shown[-1].message) == expected[..., ::-1]).all()
    assert messages.seconds_of(shown[-1].message["header"]) == 7.5

    transport.publish("/joint_states", messages.joint_state(0.0, ["quit"], [0.0]))
    assert other.wait(20) == 0
