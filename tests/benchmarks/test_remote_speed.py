"""What a policy on a server costs beside one in the process: the way there and back with a 224x224 picture."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.policies import get_policy
from helpers import PICK, make

SERVERS = Path(__file__).parent.with_name("policy_servers.py")
REQUESTS = 300


@pytest.mark.parametrize(
    ("protocol", "address", "limit_ms"),
    [("ws", "ws://127.0.0.1:{}#replan=1", 3.0), ("http", "http://127.0.0.1:{}/act", 8.0)],
)
def test_round_trip(protocol: str, address: str, limit_ms: float, figure: Any) -> None:
    env = make(PICK, observation_width=224, observation_height=224)
    observation, _ = env.reset(seed=0)
    command = [sys.executable, str(SERVERS), protocol]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        policy = get_policy(address.format(server.stdout.readline().strip()), env)
        policy.reset("echo")
        times = []
        for _ in range(REQUESTS):
            begin = time.perf_counter()
            policy.act(observation)
            times.append(1000.0 * (time.perf_counter() - begin))
        policy.close()
        server.kill()
    env.close()
    figure(f"{protocol}: one action from another process, median", float(np.median(times)), "ms", at_most=limit_ms)
