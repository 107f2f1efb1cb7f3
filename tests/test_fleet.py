"""Fleets: what many environments show is what one shows, through deaths and restarts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gen3d_envs.baselines.ppo.fleet import Fleet, FleetSettings
from gen3d_envs.baselines.vla.scenes import EnvSettings
from helpers import ENGINE, digest, make
from numpy.typing import NDArray

from gen3d_envs.errors import FieldError, Gen3DError

SCENES = ("TestPickCube", "TestPlaceBallInBowl")
SETTINGS = FleetSettings(EnvSettings(SCENES, size=24, physics=ENGINE, max_steps=6), count=3, jobs=2, chunk=4, seed=7)


@contextmanager
def fleet(settings: FleetSettings) -> Iterator[Fleet]:
    made = Fleet(settings)
    try:
        made.reset()
        yield made
    finally:
        made.close()


def chunks(seed: int, count: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 4, 7)).astype(np.float32)


def played(made: Fleet, seeds: range) -> list[str]:
    found = []
    for seed in seeds:
        outcomes = made.decide(chunks(seed))
        found.append(digest(str(outcomes), *(made.now[name].copy() for name in sorted(made.now))))
    return found


def test_pixels_are_those_of_single_environments() -> None:
    with fleet(SETTINGS) as made:
        first = {name: array.copy() for name, array in made.now.items()}
        made.decide(chunks(0))
        second = {name: array.copy() for name, array in made.now.items()}
    for i in range(3):
        env = make(
            "Gen3D-100-v0", scenes=list(SCENES), observation_width=24, observation_height=24, robot="widowx",
        )  # fmt: skip
        seen, _ = env.reset(seed=SETTINGS.episode_seed(i), options={"scene": SETTINGS.scene(i)})
        assert np.array_equal(seen["pixels"].transpose(2, 0, 1), first["pixels"][i, 0])
        for action in chunks(0)[i]:
            seen, *_ = env.step(action)
        assert np.array_equal(seen["pixels"].transpose(2, 0, 1), second["pixels"][i, 0])
        assert np.array_equal(seen["agent_pos"], second["agent_pos"][i])
        env.close()
    assert len({digest(picture) for picture in second["pixels"]}) == 3


@pytest.mark.parametrize(("scenes", "count"), [(1, 4), (3, 64), (100, 64), (100, 100)])
def test_scenes_are_played_in_rounds_of_changing_order(scenes: int, count: int) -> None:
    names = tuple(f"scene{i}" for i in range(scenes))
    settings = FleetSettings(EnvSettings(names), count=count)
    rounds = [tuple(settings.scene(r * scenes + j) for j in range(scenes)) for r in range(6)]
    assert all(sorted(order) == sorted(names) for order in rounds)
    assert len(set(rounds)) > 1 or scenes == 1
    alone = {settings.scene(n * count) for n in range(6 * scenes)}
    assert len(alone) > 0.9 * scenes, "one environment meets (nearly) all of them"


def test_workers_change_nothing() -> None:
    runs = []
    for jobs in (0, 1, 2):
        with fleet(replace(SETTINGS, jobs=jobs)) as made:
            runs.append(played(made, range(4)))
    assert runs[0] == runs[1] == runs[2]


def test_any_moment_is_restored() -> None:
    settings = replace(SETTINGS, jobs=0)
    with fleet(settings) as made:
        played(made, range(3))
        state = made.state()
        expected = played(made, range(3, 5))
    again = Fleet(settings)
    again.restore(state)
    assert played(again, range(3, 5)) == expected
    again.close()


def test_a_dead_worker_is_replaced_once() -> None:
    with fleet(replace(SETTINGS, jobs=0)) as made:
        expected = played(made, range(3))
    with fleet(SETTINGS) as made:
        found = played(made, range(1))
        os.kill(made.processes[1], signal.SIGKILL)
        with pytest.warns(
            RuntimeWarning, match=r"Worker 1 of environments \[1\] died and is replaced, once: exit code -9"
        ):
            found += played(made, range(1, 3))
        assert found == expected and made.restarts == [0, 1]
        os.kill(made.processes[1], signal.SIGKILL)
        with pytest.raises(Gen3DError, match=r"Worker 1 of environments \[1\] died twice") as twice:
            made.decide(chunks(3))
        assert "The first time: exit code -9" in str(twice.value) and "The second time: exit" in str(twice.value)


def test_what_went_wrong_in_a_worker_is_told() -> None:
    with (
        fleet(replace(SETTINGS, jobs=1)) as made,
        pytest.warns(RuntimeWarning, match=r"replaced, once: .*ActionError"),
        pytest.raises(Gen3DError, match=r"(?s)The first time: Traceback.*ActionError.*The second time: Traceback"),
    ):
        made.decide(np.full((3, 4, 7), np.nan, np.float32))


def test_ends_and_waiting() -> None:
    with fleet(replace(SETTINGS, jobs=0)) as made:
        assert [o and o.k for o in made.decide(chunks(0), active=[0, 2])] == [0, None, 2]
        waiting = made.now["pixels"][1].copy()
        outcome = made.decide(chunks(1), active=[0])[0]
        assert outcome is not None and outcome.done and outcome.truncated and outcome.steps == 2
        assert outcome.episode_steps == 6
        assert not np.array_equal(made.terminal["pixels"][0], made.now["pixels"][0])
        assert np.array_equal(made.now["pixels"][1], waiting)
        assert made.state()["episodes"] == [3, 1, 2]


def test_shaping_pays_progress_once_and_success_alone_counts() -> None:
    settings = replace(SETTINGS, jobs=0, count=1, shaping=0.5, chunk=1, env=replace(SETTINGS.env, max_steps=40))
    from gen3d_envs.experts.scripted import ScriptedExpert

    with fleet(settings) as made:
        slot = made._slots[0]
        expert = ScriptedExpert(slot._env)
        expert.reset("")
        rewards: list[float] = []
        outcome: Any = None
        while outcome is None or not outcome.done:
            outcome = made.decide(expert.act()[None, None])[0]
            rewards.append(outcome.reward)
        assert outcome.success and outcome.total == pytest.approx(sum(rewards))
        assert 1.1 < sum(rewards) <= 1.5 and max(rewards[:-1]) < 0.5 and min(rewards) >= 0.0


def test_bad_settings() -> None:
    for wrong in ({"count": 0}, {"jobs": -1}, {"chunk": 0}):
        with pytest.raises(FieldError):
            replace(SETTINGS, **wrong)  # type: ignore[arg-type]
