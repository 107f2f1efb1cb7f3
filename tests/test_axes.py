"""Test conditions: what there is, what each changes, and that it changes nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from browser import Browser
from helpers import ENGINE, FAMILY_IDS, PLACE, digest, make

from gen3d_envs import docs
from gen3d_envs.axes import AXES, GROUPS, HELDOUT_TEMPLATES, Axis, apply, choose, episode_seed
from gen3d_envs.bank.gen3d_100 import HELDOUT, TRAIN
from gen3d_envs.cli import main
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.rollout import run_episode
from gen3d_envs.variations.table import FIELDS, read

SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 32, "physics": ENGINE}
FIXED = tuple(axis for axis in AXES.values() if axis.randomization)
"""Axes that change how scenes are, not which ones there are."""


def start(env: Gen3DEnv, seed: int = 11) -> dict[str, Any]:
    """What an episode begins with, part by part."""
    observation, info = env.reset(seed=seed)
    return {
        "pixels": digest(observation["pixels"]),
        "instruction": info["instruction"],
        "objects": [item.name for item in env.scene.spec.objects],
        "places": env._episode.placements,
        "joints": env._episode.joints,
        "events": len(env._episode.events),
    }


@pytest.fixture(scope="module")
def nominal() -> dict[str, Any]:
    env = make(PLACE, **SMALL)
    found = start(env)
    env.close()
    return found


def test_the_literatures_axes_are_all_there() -> None:
    rl4vla = [axis.name for axis in AXES.values() if axis.group in ("vision", "semantics", "execution")]
    assert len(rl4vla) + 1 == 16 and {"texture_weak", "noise_strong", "multi_receptacle", "object_moved"} <= set(rl4vla)
    for axis in ("layout", "camera", "robot_start", "language", "light", "background", "sensor"):
        assert [a.name for a in choose(axis)] == [f"{axis}_{strength}" for strength in ("weak", "medium", "strong")]
    assert {"train", "heldout", "paraphrase", "blank_instruction", "other_object", "distractor_named"} <= set(AXES)
    assert not [name for name in AXES if name in GROUPS and name != AXES[name].group]


def test_unseen_instructions_are_those_that_training_never_uses() -> None:
    assert HELDOUT.templates == HELDOUT_TEMPLATES and not set(HELDOUT_TEMPLATES) & set(TRAIN.templates)


@pytest.mark.parametrize("axis", FIXED, ids=lambda axis: axis.name)
def test_an_axis_changes_what_it_says_and_nothing_else(axis: Axis, nominal: dict[str, Any]) -> None:
    json.dumps(axis.arguments, allow_nan=False)
    env = make(PLACE, **SMALL, **axis.arguments)
    found = start(env)
    assert start(env) == found
    drawn = env._episode.drawn
    env.close()
    assert set(drawn) == set(read(axis.randomization))
    fields = set(drawn)
    allowed = {"pixels"} if any(FIELDS[name].pictures for name in fields) else set()
    for beginning, parts in (
        ("language.", {"instruction"}), ("layout.target", {"instruction", "objects", "places", "pixels"}),
        ("layout.receptacle", {"instruction", "objects", "places", "pixels"}),
        ("layout.distractors", {"objects", "places", "pixels"}), ("layout.placement", {"places", "pixels"}),
        ("layout.joints_rad", {"joints", "pixels"}), ("layout.move", {"events"}),
    ):  # fmt: skip
        if any(name.startswith(beginning) for name in fields):
            allowed |= parts
    changed = {part for part in nominal if nominal[part] != found[part]}
    assert changed and changed <= allowed


def test_axes_are_plain_data() -> None:
    for axis in AXES.values():
        assert isinstance(axis.randomization, Mapping) and axis.changes and axis.group in GROUPS
        assert axis.solvable != (axis.name in ("blank_instruction", "other_object"))
    assert AXES["multi_receptacle"].concerns("place") and not AXES["multi_receptacle"].concerns("pick")
    assert AXES["train"].arguments == {} and AXES["heldout"].arguments == {"split": "heldout"}


def test_choosing() -> None:
    assert choose("all") == tuple(AXES.values()) == choose(["control", "all"])
    assert [axis.name for axis in choose(["paraphrase", "unseen_table"])] == ["unseen_table", "paraphrase"]
    with pytest.raises(FieldError, match="Did you mean texture_weak"):
        choose("texture_week")


def test_applied_to_an_environment_it_is_the_same_as_made_with_it() -> None:
    axis = AXES["sensor_medium"]
    wrapped, made = apply(axis, gym.make(PLACE, **SMALL)), make(PLACE, **SMALL, **axis.arguments)
    assert digest(wrapped.reset(seed=1)[0]) == digest(made.reset(seed=1)[0])
    assert apply("train", made) is made
    for name in ("heldout", "nowhere"):
        with pytest.raises(FieldError):
            apply(name, made)
    wrapped.close()
    made.close()


def test_seeds_of_episodes() -> None:
    seeds = {episode_seed(s, scene, i) for s in (0, 1) for scene in ("A", "B") for i in range(50)}
    assert len(seeds) == 200 and all(0 <= seed < 2**31 for seed in seeds)
    assert episode_seed(0, "PutBananaInBowl-bf78", 0) == 1893049415


def test_words_do_not_help_where_they_do_not_tell() -> None:
    for name, words in (("blank_instruction", ""), ("other_object", None)):
        env = make(PLACE, obs_type="state", **AXES[name].arguments)
        info = env.reset(seed=0)[1]
        assert (info["instruction"] == words) if words is not None else info["instruction"]
        assert env.scene.spec.target.description not in info["instruction"]
        assert info["variation"]["language.control"]["control"] in (name, name.partition("_")[0])
        env.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [axis.name for axis in AXES.values() if axis.group in (
    "semantics", "execution", "layout", "robot_start")])  # fmt: skip
@pytest.mark.parametrize("env_id", FAMILY_IDS[:2] or (PLACE,))
def test_the_expert_can_still_do_it(env_id: str, name: str) -> None:
    env = make(env_id, obs_type="state", **AXES[name].arguments)
    wins = sum(run_episode(env, ScriptedExpert(env), seed=seed).success for seed in range(30))
    env.close()
    assert wins >= 27


# ---- gen3d axes ----------------------------------------------------------------------------------------------------


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["axes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(AXES)
    assert main(["axes", "control", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["blank_instruction", "other_object", "distractor_named"]
    assert rows[0]["randomization"] == {"language": {"control": "blank"}}
    assert main(["axes", "upside_down"]) == 1
    assert "no axis and no group" in capsys.readouterr().err


def test_tables_for_the_documentation() -> None:
    assert all(f"`{name}`" in docs.axes() for name in AXES)
    assert docs.randomization().count("\n") == len(FIELDS) + 1


def test_the_page_shows_them(tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["train", "unseen_table", "object_moved", "blank_instruction"]
    assert main(["axes", *names, "--out", str(tmp_path), "--scene", PLACE]) == 0
    page = (tmp_path / "index.html").read_text()
    assert all(f"id='{name}'" in page for name in names) and "(no words)" in page
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {f"{name}_{index}.png" for name in names for index in (1, 2)}
    assert np.all([(tmp_path / "pictures" / name).stat().st_size > 5000 for name in pictures])
    assert (tmp_path / "sheet.png").is_file()
    shown = browser.open((tmp_path / "index.html").as_uri(), 900, 700)
    shown.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    shown.wait("[...document.images].every(image => image.complete)")
    assert shown.evaluate("[...document.images].filter(image => image.naturalWidth === 240).length") == 2 * len(names)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
