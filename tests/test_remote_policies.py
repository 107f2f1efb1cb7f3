"""Policies on servers: real processes on this computer that answer, answer late or wrongly, and die."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.policies import get_policy
from gen3d_envs.baselines.policies.serve import PolicyServer, serve_policy
from gen3d_envs.baselines.policies.websocket import EPISODE_KEY, REQUEST_KEY
from gen3d_envs.baselines.policies.wire import pack, unpack
from helpers import PICK, REPOSITORY, digest, make
from numpy.typing import NDArray

from gen3d_envs.errors import EngineUnavailable, FieldError, PolicyError
from gen3d_envs.rollout import RandomPolicy, run_episode

SERVERS = Path(__file__).with_name("policy_servers.py")
SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 36}
HURRY = "timeout_s=0.3&retry_wait_s=0"


class Server:
    """A process whose first line tells where it listens."""

    def __init__(self, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline().strip()

    def end(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def openpi() -> Iterator[str]:
    server = Server(str(SERVERS), "ws")
    yield f"ws://127.0.0.1:{server.first}"
    server.end()


@pytest.fixture(scope="module")
def openvla() -> Iterator[str]:
    server = Server(str(SERVERS), "http")
    yield f"http://127.0.0.1:{server.first}/act"
    server.end()


@pytest.fixture(scope="module")
def env() -> Any:
    env = make(PICK, **SMALL)
    yield env
    env.close()


@pytest.fixture(scope="module")
def observation(env: Any) -> Any:
    return env.reset(seed=0)[0]


def acts(text: str, env: Any, observation: Any, instruction: str, steps: int) -> list[list[float]]:
    policy = get_policy(text, env)
    try:
        policy.reset(instruction)
        return [policy.act(observation).tolist() for _ in range(steps)]
    finally:
        policy.close()


def failure(text: str, env: Any, observation: Any, instruction: str, steps: int = 4) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        acts(text, env, observation, instruction, steps)
    return caught.value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- openpi's protocol ---------------------------------------------------------------------------------------------


def test_a_server_of_openpi_sees_and_answers(openpi: str, env: Any, observation: Any) -> None:
    said = acts(openpi, env, observation, "echo", 5)
    pictures = [action[0] for action in said]
    assert 0.1 < pictures[0] < 0.9 and len(set(pictures)) == 1
    assert [action[1] for action in said] == pytest.approx([float(observation["agent_pos"][0])] * 5)
    assert [action[2] for action in said] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.0])
    assert [action[6] for action in said] == [1.0] * 5


def test_options_of_execution_and_convention(openpi: str, env: Any, observation: Any) -> None:
    said = acts(f"{openpi}#replan=2", env, observation, "echo", 4)
    assert [action[2] for action in said] == pytest.approx([0.0, 0.1, 0.0, 0.1])
    metres = acts(f"{openpi}#convention=bridge", env, observation, "echo", 2)
    assert metres[1][2] == pytest.approx(0.1 / 0.05) and metres[0][6] == 1.0


def test_episodes_run_over_one_connection(openpi: str, env: Any) -> None:
    policy = get_policy(openpi, env)
    episodes = [run_episode(env, policy, seed=0, on_step=None) for _ in range(2)]
    assert episodes[0] == episodes[1] and episodes[0].steps > 4
    policy.close()


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("slow", "timeout", "no answer within 0.3 s"),
        ("error", "remote", "RuntimeError: out of memory on the accelerator"),
        ("drop", "dropped", "the connection was lost"),
        ("leave", "dropped", "the connection was lost"),
        ("nan", "answer", "nan as number 4 of action 2"),
        ("shape", "answer", "shape (4, 6)"),
        ("empty", "answer", "shape (0, 7)"),
        ("names", "answer", "without 'actions': ['action']"),
        ("huge", "answer", "more than 1 MB"),
        ("objects", "answer", "no type of numbers"),
        ("lie", "answer", "does not fill"),
        ("garbage", "answer", "no msgpack"),
    ],
)
def test_what_goes_wrong_at_openpis_server(
    openpi: str, mode: str, kind: str, words: str, env: Any, observation: Any
) -> None:
    # The second request is at step 2: the actions of the first are good and were given.
    error = failure(f"{openpi}#{HURRY}&max_answer_mb=1&replan=2", env, observation, f"{mode}@1")
    assert (error.policy, error.step, error.kind) == (openpi, 2, kind)
    assert words in str(error) and "step 2" in str(error)
    assert ("Traceback" in error.detail) == (mode == "error")


@pytest.mark.parametrize("mode", ["drop", "leave", "slow"])
def test_a_lost_connection_is_opened_again_as_told(openpi: str, mode: str, env: Any, observation: Any) -> None:
    policy = get_policy(f"{openpi}#{HURRY}&replan=1&retries=1", env)
    policy.reset(f"{mode}@1")
    said = [policy.act(observation).tolist() for _ in range(2)]
    assert said[0] == said[1] and policy.retries == 1
    policy.close()


def test_retries_end(openpi: str, env: Any, observation: Any) -> None:
    error = failure(f"{openpi}#{HURRY}&retries=2", env, observation, "drop")
    assert (error.kind, error.retries, error.step) == ("dropped", 2, 0) and "tried 3 times" in str(error)


def test_what_cannot_help_is_not_tried_again(openpi: str, env: Any, observation: Any) -> None:
    for mode in ("error", "nan"):
        error = failure(f"{openpi}#{HURRY}&retries=5", env, observation, mode)
        assert error.retries == 0


def test_finished_episodes_stand_and_the_next_may_be_tried(openpi: str, env: Any) -> None:
    policy = get_policy(f"{openpi}#replan=1", env)
    kept = [run_episode(env, policy, seed=seed) for seed in (0, 1)]

    def cut(observation: Any, info: Any) -> None:
        policy.policy._socket.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]

    with pytest.raises(PolicyError) as caught:
        run_episode(env, policy, seed=2, on_step=cut)
    assert caught.value.kind == "dropped" and caught.value.step == 0
    assert run_episode(env, policy, seed=0) == kept[0]
    policy.close()


def test_a_server_that_dies_in_mid_episode(env: Any, observation: Any) -> None:
    server = Server(str(SERVERS), "ws")
    address = f"ws://127.0.0.1:{server.first}"
    policy = get_policy(f"{address}#replan=1", env)
    policy.reset("echo")
    policy.act(observation)
    server.end()
    with pytest.raises(PolicyError, match="connection was lost") as caught:
        policy.act(observation)
    assert caught.value.step == 1
    with pytest.raises(PolicyError, match="cannot be reached"):
        policy.reset("echo")
    policy.close()


@pytest.mark.parametrize("scheme", ["ws://127.0.0.1:{}", "http://127.0.0.1:{}/act"])
def test_nobody_listens(scheme: str, env: Any, observation: Any) -> None:
    address = scheme.format(free_port())
    error = failure(f"{address}#retries=1&retry_wait_s=0", env, observation, "echo")
    assert (error.policy, error.kind, error.step, error.retries) == (address, "unreachable", 0, 1)
    assert "refused" in str(error)


def test_a_server_that_is_started_late_is_waited_for(env: Any, observation: Any) -> None:
    port = free_port()
    found: list[Any] = []

    def start() -> None:
        time.sleep(0.3)
        server = PolicyServer(RandomPolicy(env.action_space), env.observation_space, port=port)
        found.append(server)
        server.run()

    thread = threading.Thread(target=start)
    thread.start()
    said = acts(f"ws://127.0.0.1:{port}#retries=50&retry_wait_s=0.1", env, observation, "go", 1)
    assert len(said[0]) == 7
    found[0].close()
    thread.join()


def test_who_speaks_another_language_is_not_understood(openvla: str, env: Any, observation: Any) -> None:
    error = failure(openvla.replace("http", "ws"), env, observation, "echo")
    assert error.kind == "unreachable"


def test_a_server_that_accepts_and_is_silent(env: Any, observation: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = failure(f"ws://127.0.0.1:{port}#connect_timeout_s=0.2", env, observation, "echo")
        assert error.kind in ("timeout", "unreachable") and error.step == 0
        error = failure(f"http://127.0.0.1:{port}/act#timeout_s=0.2", env, observation, "echo")
        assert error.kind == "timeout" and error.step == 0


def test_a_server_that_no_longer_reads(env: Any) -> None:
    server = Server(str(SERVERS), "ws")
    policy = get_policy(f"ws://127.0.0.1:{server.first}#timeout_s=0.1&size=2048", env)
    policy.reset("echo")
    server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(PolicyError) as caught:
            policy.act({"pixels": np.zeros((8, 8, 3), np.uint8)})
        assert caught.value.kind == "timeout"
    finally:
        policy.close()
        server.end()


# ---- OpenVLA's protocol --------------------------------------------------------------------------------------------

ANSWER = [0.2, -0.4, 1.0, 0.0, 0.5, -1.0, -1.0]
"""The server's 0.01 m, -0.02 m, 0.05 m, 0, 0.125 rad, -0.25 rad, closed, in steps of 5 cm and 0.25 rad at 5 Hz."""


@pytest.mark.parametrize("mode", ["echo", "double", "list"])
def test_a_server_of_openvla_sees_and_answers(openvla: str, mode: str, env: Any, observation: Any) -> None:
    said = acts(openvla, env, observation, mode, 2)
    assert said == [pytest.approx(ANSWER, abs=1e-6)] * 2


def test_the_statistics_are_named(openvla: str, env: Any, observation: Any) -> None:
    assert acts(f"{openvla}#unnorm_key=bridge", env, observation, "echo", 1)[0][6] == 1.0


def test_a_chunk_of_arrays(openvla: str, env: Any, observation: Any) -> None:
    said = acts(openvla, env, observation, "chunk", 2)
    assert said[1][:6] == pytest.approx([2 * number for number in ANSWER[:6]], abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("slow", "timeout", "no answer within 0.3 s"),
        ("drip", "timeout", "no answer within 0.3 s"),
        ("error", "remote", "error"),
        ("status", "remote", "HTTP 500"),
        ("words", "remote", "no such thing"),
        ("drop", "dropped", "the connection was lost"),
        ("short", "dropped", "the connection was lost"),
        ("nan", "answer", "nan as number 0"),
        ("shape", "answer", "shape (5,)"),
        ("ragged", "answer", "different lengths"),
        ("huge", "answer", "more than 1 MB"),
        ("garbage", "answer", "no JSON"),
    ],
)
def test_what_goes_wrong_at_openvlas_server(
    openvla: str, mode: str, kind: str, words: str, env: Any, observation: Any
) -> None:
    policy = get_policy(f"{openvla}#{HURRY}&max_answer_mb=1", env)
    policy.reset("echo")
    policy.act(observation)
    policy.policy._instruction = mode  # type: ignore[attr-defined]
    with pytest.raises(PolicyError) as caught:
        policy.act(observation)
    error = caught.value
    assert (error.policy, error.step, error.kind) == (openvla, 1, kind) and words in str(error)
    policy.reset("echo")
    assert policy.act(observation).tolist() == pytest.approx(ANSWER, abs=1e-6)
    policy.close()


def test_a_connection_closed_while_idle_is_no_failure(openvla: str, env: Any, observation: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as front:
        policy = get_policy(f"http://127.0.0.1:{front.getsockname()[1]}/act", env)
        policy.reset("echo")
        front.accept()[0].close()

        def relay() -> None:
            # The second connection goes to the real server, byte by byte.
            client = front.accept()[0]
            with client, socket.create_connection(("127.0.0.1", int(openvla.split(":")[2].split("/")[0]))) as server:
                client.settimeout(0.3)
                try:
                    while True:
                        server.sendall(client.recv(65536))
                except TimeoutError:
                    client.sendall(server.recv(65536))

        thread = threading.Thread(target=relay)
        thread.start()
        time.sleep(0.05)
        assert policy.act(observation).tolist() == pytest.approx(ANSWER, abs=1e-6)
        assert policy.retries == 0
        thread.join()
        policy.close()


def test_pictures_are_needed(openvla: str) -> None:
    env = make(PICK, obs_type="state")
    with pytest.raises(PolicyError, match="obs_type"):
        acts(openvla, env, env.reset(seed=0)[0], "echo", 1)
    env.close()


# ---- gen3d serve ---------------------------------------------------------------------------------------------------


@pytest.fixture
def served(env: Any) -> Iterator[PolicyServer]:
    """A random policy behind a server in this process."""
    server = serve_policy("random", env, PICK)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.close()
    thread.join(5.0)
    assert not thread.is_alive()


class PlainClient:
    """What openpi's own client does."""

    def __init__(self, address: str) -> None:
        from websockets.sync.client import connect

        self.socket = connect(address, compression=None, max_size=None)
        self.metadata = unpack(self.socket.recv())

    def infer(self, observation: Any, prompt: str, **more: Any) -> Any:
        message = {"observation/image": observation["pixels"], "observation/state": observation["agent_pos"]}
        self.socket.send(pack({**message, "prompt": prompt, **more}))
        answer = self.socket.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return unpack(answer)


def test_a_served_policy_acts_as_it_does_here(served: PolicyServer, env: Any) -> None:
    def episode(policy: Any) -> tuple[Any, list[str]]:
        seen: list[str] = []
        result = run_episode(env, policy, seed=4, on_step=lambda o, i: seen.append(digest(o)))
        policy.close()
        return result, seen

    assert episode(get_policy(served.address, env)) == episode(get_policy("random", env))


def test_a_plain_client_is_served(served: PolicyServer, observation: Any) -> None:
    client = PlainClient(served.address)
    assert client.metadata["gen3d"]["env"] == PICK and client.metadata["gen3d"]["actions"] == [7]
    answer = client.infer(observation, "go")
    assert answer["actions"].shape == (1, 7) and answer["actions"].dtype == np.float32
    assert answer["server_timing"]["infer_ms"] > 0.0
    client.socket.close()


def test_health(served: PolicyServer, openpi: str) -> None:
    for port in (served.port, int(openpi.rpartition(":")[2])):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"OK\n")
        connection.close()


def test_only_this_computer_is_let_in(served: PolicyServer) -> None:
    assert served.address.startswith("ws://127.0.0.1:")


def test_a_mistake_is_answered_with_its_traceback(served: PolicyServer, observation: Any) -> None:
    from websockets.exceptions import ConnectionClosedError

    client = PlainClient(served.address)
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*observation/state.*wrong shape"):
        client.infer({**observation, "agent_pos": np.zeros(3)}, "go")
    with pytest.raises(ConnectionClosedError):
        client.socket.recv()
    assert PlainClient(served.address).infer(observation, "go")["actions"].shape == (1, 7)


class Recorder:
    """Tells in its action how often it was reset and asked."""

    def __init__(self) -> None:
        self.resets = self.asked = 0

    def reset(self, instruction: str) -> None:
        self.resets, self.asked = self.resets + 1, 0

    def act(self, observation: Any) -> NDArray[np.float32]:
        self.asked += 1
        return np.array([self.resets, self.asked, 0, 0, 0, 0, 0], np.float32)


@pytest.fixture
def recording(env: Any) -> Iterator[PolicyServer]:
    server = PolicyServer(Recorder(), env.observation_space)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.close()
    thread.join(5.0)


def counts(answer: Any) -> list[float]:
    said: list[float] = answer["actions"][0, :2].tolist()
    return said


def test_an_episode_begins_with_a_client_or_an_instruction(recording: PolicyServer, observation: Any) -> None:
    first = PlainClient(recording.address)
    assert [counts(first.infer(observation, "a")) for _ in range(2)] == [[1, 1], [1, 2]]
    assert counts(first.infer(observation, "b")) == [2, 1]
    second = PlainClient(recording.address)
    assert counts(second.infer(observation, "b")) == [3, 1]
    with pytest.raises(RuntimeError, match="another client"):
        first.infer(observation, "b")
    assert counts(PlainClient(recording.address).infer(observation, "b"))[1] == 1
    second.socket.close()


def test_our_client_says_where_episodes_begin(recording: PolicyServer, env: Any, observation: Any) -> None:
    policy = get_policy(recording.address, env)
    said = []
    for _ in range(2):
        policy.reset("same words")
        said += [policy.act(observation)[:2].tolist() for _ in range(2)]
    assert said == [[1, 1], [1, 2], [2, 1], [2, 2]]
    policy.close()


def test_a_repeated_request_gets_the_same_answer(recording: PolicyServer, observation: Any) -> None:
    def ask(request: int, episode: str = "e") -> Any:
        client = PlainClient(recording.address)
        try:
            return counts(client.infer(observation, "a", **{EPISODE_KEY: episode, REQUEST_KEY: request}))
        finally:
            client.socket.close()

    assert [ask(0), ask(1), ask(1), ask(2)] == [[1, 1], [1, 2], [1, 2], [1, 3]]
    for request, episode in ((5, "e"), (1, "f")):
        with pytest.raises(RuntimeError, match="Begin the episode again"):
            ask(request, episode)


def test_a_dropped_connection_to_our_server_loses_nothing(recording: PolicyServer, env: Any, observation: Any) -> None:
    policy = get_policy(f"{recording.address}#retries=1&retry_wait_s=0", env)
    policy.reset("go")
    said = [policy.act(observation)[1]]
    policy.policy._socket.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
    said += [policy.act(observation)[1] for _ in range(2)]
    assert said == [1.0, 2.0, 3.0] and policy.retries == 1
    policy.close()


def test_the_expert_is_not_served(env: Any) -> None:
    with pytest.raises(FieldError, match="the client's is not here"):
        serve_policy("expert", env, PICK)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = ["-m", "gen3d_envs.cli", "serve", "--policy", "random", "--env", PICK, "--obs-type", "state"]
    server = Server(*command, "--port", "0", "--seed", "3")
    try:
        address = next((word for word in server.first.split() if word.startswith("ws://127.0.0.1:")), "")
        assert address, server.first
        env = make(PICK, obs_type="state")
        remote, local = get_policy(address, env), get_policy("random", env, seed=3)
        assert run_episode(env, remote, seed=1) == run_episode(env, local, seed=1)
        env.close()
        server.process.send_signal(signal.SIGTERM)
        output, _ = server.process.communicate(timeout=10)
        assert (server.process.returncode, output.strip()) == (0, "stopped")
        with pytest.raises(PolicyError, match="lost"):
            remote.act(np.zeros(env.observation_space.shape or (), np.float32))
        remote.close()
    finally:
        server.end()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--policy", "random", "--env", "Nothing-v0"), "Nothing"), (("--policy", "expert", "--env", PICK), "expert"),
     (("--policy", "best", "--env", PICK), "best")],
)  # fmt: skip
def test_what_cannot_be_served_is_said(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from gen3d_envs.cli import main

    assert main(["serve", *arguments, "--port", "0"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("gen3d: ") and error.count("\n") == 1 and words in error


@pytest.mark.parametrize("package", ["websockets", "msgpack"])
def test_missing_packages_are_named(package: str, monkeypatch: pytest.MonkeyPatch, env: Any) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineUnavailable, match=r"gen3d-envs\[remote\]"):
        get_policy("ws://127.0.0.1:1", env)


def test_policies_load_nothing_that_is_not_asked_for() -> None:
    code = (
        "import sys, gen3d_envs.baselines.policies;"
        "print([n for n in ('torch', 'websockets', 'msgpack', 'lerobot', 'stable_baselines3') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"
