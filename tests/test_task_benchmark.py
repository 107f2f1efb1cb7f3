"""The released benchmarks of the families after Pick and Place: gen3d-tasks and gen3d-openings."""

from __future__ import annotations

import hashlib
from collections import Counter

import gymnasium as gym
import pytest
from helpers import ENGINE_NAMES, ROBOT_NAMES, make

from gen3d_envs.bank.gen3d_openings import GEN3D_OPENINGS
from gen3d_envs.bank.gen3d_tasks import GEN3D_TASKS
from gen3d_envs.bank.plan import SPARES, benchmark_plan
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.registration import (
    FAMILIES,
    FAMILY_BENCHMARKS,
    benchmark_folder,
    benchmark_scenes,
    load_card,
    scene_names,
)
from gen3d_envs.rollout import run_episode

BENCHMARKS = {table.name: table for table in (GEN3D_TASKS, GEN3D_OPENINGS)}
SCENES = {name: row for benchmark in BENCHMARKS for name, row in benchmark_scenes(benchmark).items()}
CARDS = {name: load_card(name)[0] for name in SCENES}

pytestmark = pytest.mark.skipif(not SCENES, reason="nothing is released yet")


@pytest.mark.parametrize("family", FAMILY_BENCHMARKS)
def test_every_family_has_enough_certified_scenes(family: str) -> None:
    names = scene_names(family)
    assert len(names) >= 20 and len(scene_names(family, "heldout")) >= 5
    for name in (*names, *scene_names(family, "heldout")):
        card = CARDS[name]
        assert card.task.family == family and card.hash == SCENES[name]["hash"]
        assert {c.robot for c in card.certificates if c.passed and c.scene_hash == card.hash} >= set(ROBOT_NAMES)
    assert FAMILIES[family] in gym.registry


def test_chance_solved_none_of_them() -> None:
    """Each certificate ran random actions; none of the episodes may succeed."""
    checks = [check for card in CARDS.values() for c in card.certificates for check in c.checks]
    random = [check for check in checks if check.name == "random_policy"]
    assert len(random) == 2 * len(CARDS) and all(check.value == 0.0 for check in random)


def test_the_expert_solved_nearly_all_of_them() -> None:
    for family in FAMILY_BENCHMARKS:
        for robot in ROBOT_NAMES:
            wins = [
                check.value
                for name in (*scene_names(family), *scene_names(family, "heldout"))
                for c in CARDS[name].certificates
                for check in c.checks
                if check.name == "expert" and c.robot == robot
            ]
            assert sum(wins) >= 0.95 * 10 * len(wins), (family, robot)


def test_no_thing_is_moved_opened_or_closed_in_both_splits() -> None:
    moved: dict[str, set[str]] = {"train": set(), "heldout": set()}
    for name, row in SCENES.items():
        card = CARDS[name]
        moved[row["split"]] |= {card.object(target).category for target in card.task.targets}
    assert not moved["train"] & moved["heldout"] and len(moved["train"]) >= 15


@pytest.mark.parametrize("bank", BENCHMARKS)
def test_scenes_are_their_sentences_in_turn(bank: str) -> None:
    scenes, table = benchmark_scenes(bank), BENCHMARKS[bank]
    said = Counter(CARDS[name].instruction for name in scenes)
    assert said == Counter(s[0].lower() + s[1:].rstrip("?") for s in (*table.train, *table.heldout))
    families = [family for family, home in FAMILY_BENCHMARKS.items() if home == bank]
    assert [row["family"] for row in scenes.values()][: 2 * len(families)] == [*families, *families]


def test_the_plan_depends_on_its_inputs_alone() -> None:
    plan = benchmark_plan("gen3d-tasks", 7)
    assert plan.sha256 == benchmark_plan("gen3d-tasks", 7).sha256 != benchmark_plan("gen3d-tasks", 8).sha256
    first = plan.requests[0]
    spares = [plan.spare(first, number) for number in range(1, SPARES + 2)]
    assert spares[-1] is None and [s.spare for s in spares if s] == list(range(1, SPARES + 1))
    assert all(s.sentence == first.sentence for s in spares if s)


@pytest.mark.parametrize(
    ("bank", "expected"),
    [
        ("gen3d-tasks", "f2ff619fada24271b0470a78f298dbeddc1a366f733313cf5bfd65a5830e19e0"),
        ("gen3d-openings", "7d558e36bbb11bb8064311494a86128dfb22d72b43b3f2e39fc26f6812ea45c1"),
    ],
)
def test_the_list_never_changes(bank: str, expected: str) -> None:
    rows = benchmark_scenes(bank).values()
    assert hashlib.sha256("".join(row["hash"] for row in rows).encode()).hexdigest() == expected


@pytest.mark.parametrize("bank", BENCHMARKS)
def test_it_is_small(bank: str) -> None:
    assert sum(path.stat().st_size for path in benchmark_folder(bank).iterdir()) < 6e6


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENGINE_NAMES)
@pytest.mark.parametrize("robot", ROBOT_NAMES)
@pytest.mark.parametrize("family", FAMILY_BENCHMARKS)
def test_expert_over_100_seeds(family: str, robot: str, physics: str) -> None:
    env = make(FAMILIES[family], robot=robot, physics=physics, obs_type="state")
    expert = ScriptedExpert(env)
    episodes = [run_episode(env, expert, seed=seed) for seed in range(100)]
    env.close()
    lost = [f"seed {e.seed} {e.scene}: {e.outcome}" for e in episodes if not e.success]
    assert len(lost) <= 5, lost
