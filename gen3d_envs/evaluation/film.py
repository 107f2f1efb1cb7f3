"""Films of episodes of a result: run again from their seeds, which gives the same episodes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen3d_envs.evaluation.episode import POLICIES, Runner, fingerprint
from gen3d_envs.evaluation.plan import condition, nominal
from gen3d_envs.evaluation.result import EpisodeRow, Result, planned
from gen3d_envs.evaluation.statistics import count_outcomes
from gen3d_envs.video import write_mp4

WIDTH, HEIGHT = 480, 360
"""Of the front camera's picture; the wrist camera's square stands beside it."""

END_S = 0.6
"""The last picture stays for this long, simulated s."""


@dataclass(frozen=True)
class Film:
    """One episode as a film.

    Attributes:
        row: the episode.
        mp4: bytes of the file.
        same: whether running it again gave the same start, outcome and number of steps.
    """

    row: EpisodeRow
    mp4: bytes
    same: bool


def choose(result: Result, most: int = 8) -> list[EpisodeRow]:
    """The episodes to film: a success and one of each kind of failure, in the order of outcomes.

    Of scenes that no other film shows and under the condition in which nothing changes, where there are such.
    """
    rows, plain = result.episodes, nominal({row.axis for row in result.episodes}, result.settings.split)
    chosen: list[EpisodeRow] = []
    for name in list(count_outcomes(rows))[:most]:
        shown = {row.scene for row in chosen}
        found = [row for row in rows if row.outcome == name]
        chosen.append(min(found, key=lambda row: (row.axis != plain, row.scene in shown)))
    return chosen


def films(result: Result, rows: list[EpisodeRow], factory: str = POLICIES) -> Iterator[Film]:
    """Run episodes of a result again and film them.

    Raises:
        Gen3DError: the policy or a scene cannot be had here, or the policy fails.
    """
    scenes = tuple(scene for scene in result.scenes if scene.name in {row.scene for row in rows})
    if rows and result.settings.transport in (None, "direct"):
        with closing(Runner(result.settings, scenes, factory)) as runner:
            for row in rows:
                yield _film(runner, row)


def _film(runner: Runner, row: EpisodeRow) -> Film:
    ending: list[tuple[str, str, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_mp4(path, _frames(runner, row, ending), runner.env.control_hz)
        return Film(row, path.read_bytes(), ending == [(row.start, row.outcome, row.steps)])


def _frames(runner: Runner, row: EpisodeRow, ending: list[tuple[str, str, int]]) -> Iterator[NDArray[np.uint8]]:
    # run_episode calls back; a film is pulled, so that its frames need not be kept.
    env, policy = runner.env, runner.policy
    options = runner.prepare(planned(row))
    observation, info = env.reset(seed=row.seed, options=options)
    policy.reset(info["instruction"])
    start, steps, done = fingerprint(env, info), 0, False
    frame = _frame(runner)
    yield frame
    while not done:
        observation, _, terminated, truncated, info = env.step(policy.act(observation))
        steps, done = steps + 1, terminated or truncated or bool(getattr(policy, "finished", False))
        frame = _frame(runner)
        yield frame
    ending.append((start, info["outcome"], steps))
    for _ in range(round(END_S * env.control_hz)):
        yield frame


def _frame(runner: Runner) -> NDArray[np.uint8]:
    front = runner.env.picture("front", WIDTH, HEIGHT)
    wrist = runner.env.picture("wrist", HEIGHT, HEIGHT)
    return np.concatenate((front, wrist), axis=1)


def caption(film: Film) -> str:
    """What a film shows, in a sentence or two."""
    row = film.row
    said = f"“{row.instruction}”" if row.instruction else "No instruction"
    text = f"{said}: {row.outcome.replace('_', ' ')} after {row.steps} steps. {row.scene}, {row.axis}, seed {row.seed}."
    if condition(row.axis).group == "sensor" or "sensing" in condition(row.axis).randomization:
        text += " The pictures that the policy got were disturbed; these are not."
    if not film.same:
        text += " Running it again gave another ending: the policy does not repeat itself."
    return text
