"""Starting a simulated robot, and the network it is on, as processes of their own: for trials and tests."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gen3d_envs.errors import EngineUnavailable, FieldError, Gen3DError

DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
"""Where Debian's ``rospy`` is, for interpreters that do not look there."""

DOMAINS = range(1, 101)
"""Domains whose ports lie below those that systems give to anybody; 0 is everybody's own."""

CLAIM_PORT = 21000
START_S = 30.0

_PROGRAM = (
    "import sys; from gen3d_envs.processes import follow; follow(int(sys.argv[1])); "
    "from gen3d_envs.cli import main; sys.exit(main(sys.argv[2:]))"
)


def ros1_problem() -> str:
    """Why ROS 1 cannot be had here; empty where it can."""
    if shutil.which("rosmaster") is None:
        return "there is no rosmaster (Debian 12: apt install python3-rosmaster python3-rospy)"
    if find_spec("rospy") is None and not Path(DEBIAN_PACKAGES, "rospy").is_dir():
        return "there is no rospy (Debian 12: apt install python3-rospy python3-sensor-msgs python3-trajectory-msgs)"
    return ""


def ros1_packages() -> str | None:
    """The folder that ``packages=`` of the transport needs; None where Python finds rospy."""
    return None if find_spec("rospy") is not None else DEBIAN_PACKAGES


_CLAIMS = itertools.count()
"""Another domain each time: a process remembers who was on one for seconds after they were killed."""


@dataclass
class Claim:
    """A DDS domain that no other process here uses as long as this lives."""

    domain: int
    _held: socket.socket

    def close(self) -> None:
        """Give it back."""
        self._held.close()


def claim_domain() -> Claim:
    """A free domain.

    Raises:
        Gen3DError: all are taken.
    """
    first = (os.getpid() + next(_CLAIMS)) % len(DOMAINS)
    for domain in (*DOMAINS[first:], *DOMAINS[:first]):
        held = socket.socket()
        try:
            # Whoever holds the port holds the domain; the system gives both back when a process is killed.
            held.bind(("127.0.0.1", CLAIM_PORT + domain))
            return Claim(domain, held)
        except OSError:
            held.close()
    raise Gen3DError("All DDS domains of this machine are taken: end other simulated robots.")


@dataclass
class Master:
    """A ROS 1 master of one's own.

    Attributes:
        uri: its address.
        environment: of processes that are to find it.
    """

    uri: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def start_master() -> Master:
    """A master on a free port of this machine.

    Raises:
        EngineUnavailable: there is none here.
        Gen3DError: it does not come up.
    """
    problem = ros1_problem()
    if problem:
        raise EngineUnavailable(f"transport='rospy': {problem}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tempfile.mkdtemp(prefix="gen3d-ros-")
    uri = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "ROS_MASTER_URI": uri, "ROS_IP": "127.0.0.1", "ROS_HOME": home}
    process = subprocess.Popen(
        ["rosmaster", "--core", "-p", str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return Master(uri, environment, process)
        time.sleep(0.02)
    process.kill()
    raise Gen3DError("The ROS master did not come up: look at what rosmaster --core says.")


_MASTERS: list[Master] = []


def process_master() -> Master:
    """The master of this process: it has one ROS 1 node for life, and so one master."""
    if not _MASTERS:
        _MASTERS.append(start_master())
        atexit.register(_MASTERS[0].close)
        os.environ.update({key: _MASTERS[0].environment[key] for key in ("ROS_MASTER_URI", "ROS_IP", "ROS_HOME")})
    return _MASTERS[0]


@dataclass
class SimProcess:
    """A ``gen3d robot-sim`` that runs.

    Attributes:
        process: it.
        options: ``transport_options`` of an environment that is to talk to it.
    """

    process: subprocess.Popen[str]
    options: dict[str, Any]
    claim: Claim | None = field(default=None)

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, and give everything back."""
        self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        if self.claim is not None:
            self.claim.close()


def start_robot(scene: str, transport: str, arguments: Sequence[str] = (), master: Master | None = None) -> SimProcess:
    """Start a simulated robot and wait until it is there.

    Args:
        scene: see ``gen3d robot-sim``.
        transport: ``"cyclonedds"``, on a domain of its own, or ``"rospy"``.
        arguments: more of ``gen3d robot-sim``.
        master: for ``rospy``; that of this process where None.

    Raises:
        FieldError: another transport.
        EngineUnavailable, Gen3DError: it cannot be started.
    """
    if transport not in ("cyclonedds", "rospy"):
        raise FieldError("transport", transport, "cannot be tried without a robot", "Use cyclonedds or rospy")
    claim, environment = None, dict(os.environ)
    options: dict[str, Any]
    line = ["robot-sim", "--scene", scene, "--transport", transport, *arguments]
    if transport == "cyclonedds":
        claim = claim_domain()
        options = {"domain": claim.domain, "loopback": True, "reliable": "--simulated-time" in arguments}
        line += ["--domain", str(claim.domain), "--loopback"]
    else:
        found = master or process_master()
        environment, packages = found.environment, ros1_packages()
        options = {"packages": packages, "master": found.uri}
        line += [] if packages is None else ["--ros-packages", packages]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(os.getpid()), *line], env=environment, text=True, stdout=subprocess.PIPE
    )
    started = SimProcess(process, options, claim)
    assert process.stdout is not None
    # It speaks once it runs; where it cannot run, it ends.
    if not process.stdout.readline():
        started.close()
        raise Gen3DError(f"The simulated robot did not start: gen3d {' '.join(line)}")
    return started
