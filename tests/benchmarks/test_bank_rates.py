"""What a bank costs, and what a hundred thousand cards cost whoever imports the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from helpers import SCENES

from gen3d_envs.bank.generate import generate
from gen3d_envs.bank.index import Settings
from gen3d_envs.bank.plan import benchmark_plan

CARDS = 100_000
SCENES_MADE = 24

MAKE = """
import json, time
import gymnasium as gym
begin = time.process_time()
import gen3d_envs
imported = time.process_time()
env = gym.make("Gen3D/TestPickCan-000000-v0", obs_type="state")
made = time.process_time()
env.close()
print(json.dumps([imported - begin, made - imported]))
"""


def test_scenes_per_core_hour(tmp_path: Path, figure: Any) -> None:
    """The whole pipeline, failed attempts and the start of two processes included; the beginning of the benchmark."""
    plan = benchmark_plan("gen3d-100", 7)
    settings = Settings(benchmark=plan.name, seed=7, plan=plan.sha256)
    run = generate(plan, settings, tmp_path / "bank", jobs=2, limit=SCENES_MADE)
    assert run.made == SCENES_MADE
    figure("certified scenes per core-hour, one robot", run.scenes_per_core_hour, "scenes", at_least=1500)


def test_a_hundred_thousand_cards(tmp_path: Path, figure: Any) -> None:
    """Processor time of ``import gen3d_envs`` and of ``gym.make`` of one card, over those with that card alone."""
    data = (SCENES / "TestPickCan.json").read_bytes()
    folders = {count: tmp_path / str(count) for count in (1, CARDS)}
    for count, folder in folders.items():
        folder.mkdir()
        for number in range(count):
            name = f"TestPickCan-{number:06x}"
            (folder / f"{name}.json").write_bytes(data.replace(b"TestPickCan", name.encode()))
    times: dict[int, list[list[float]]] = {count: [] for count in folders}
    for _ in range(9):
        for count, folder in folders.items():
            done = subprocess.run(
                [sys.executable, "-c", MAKE], env={**os.environ, "GEN3D_SCENES": str(folder)}, capture_output=True,
                text=True, check=True,
            )  # fmt: skip
            times[count].append(json.loads(done.stdout))
    few, many = ([min(column) for column in zip(*times[count], strict=True)] for count in (1, CARDS))
    figure("import with 100,000 cards over import with one", many[0] / few[0], "x", at_most=1.3)
    figure("gym.make with 100,000 cards over gym.make with one", many[1] / few[1], "x", at_most=1.3)
