"""What any installed physics engine gives an environment: the same spaces, tasks, experts, names and profiles."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import Any

import helpers
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from helpers import ENGINE_NAMES, FAMILY_IDS, PICK, PLACE, REPOSITORY, ROBOT_NAMES, make, run_python

from gen3d_envs.certify import certify
from gen3d_envs.commands.compare_engines import markdown
from gen3d_envs.compare import compare, scenes_of
from gen3d_envs.compare_plot import svg
from gen3d_envs.errors import EngineUnavailable, FieldError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.reality import PROFILES
from gen3d_envs.rollout import run_episode
from gen3d_envs.scenes import load_scene
from gen3d_envs.sim.engines import DEFAULT, ENGINES
from gen3d_envs.sim.world import Dynamics

IDS = FAMILY_IDS or (PICK, PLACE)
SMALL: dict[str, Any] = {"observation_width": 48, "observation_height": 40}


def solved(env_id: str, seeds: range, **arguments: Any) -> list[bool]:
    env = make(env_id, obs_type="state", **arguments)
    try:
        return [run_episode(env, ScriptedExpert(env), seed=seed).success for seed in seeds]
    finally:
        env.close()


@pytest.mark.parametrize("engine", ENGINE_NAMES)
class TestEveryEngine:
    @pytest.mark.parametrize("env_id", [PICK, PLACE])
    def test_spaces_and_infos_are_the_same(self, engine: str, env_id: str) -> None:
        env, first = make(env_id, physics=engine, **SMALL), make(env_id, **SMALL)
        assert env.observation_space == first.observation_space and env.action_space == first.action_space
        info, other = env.reset(seed=0)[1], first.reset(seed=0)[1]
        assert info["engine"].startswith(engine) and set(info) == set(other)
        for key in ("scene", "scene_hash", "instruction", "renderer"):
            assert info[key] == other[key]
        env.close()
        first.close()

    def test_gymnasium_checker(self, engine: str) -> None:
        env = make(PLACE, physics=engine, **SMALL)
        check_env(env, skip_render_check=True)
        env.close()

    @pytest.mark.parametrize("robot", ROBOT_NAMES)
    @pytest.mark.parametrize("env_id", IDS)
    def test_expert(self, engine: str, env_id: str, robot: str) -> None:
        """A sample of the slow test below."""
        assert sum(solved(env_id, range(200, 206), physics=engine, robot=robot)) >= 5

    @pytest.mark.slow
    @pytest.mark.parametrize("robot", ROBOT_NAMES)
    @pytest.mark.parametrize("env_id", IDS)
    def test_expert_over_100_seeds(self, engine: str, env_id: str, robot: str) -> None:
        assert sum(solved(env_id, range(100), physics=engine, robot=robot)) >= 95

    def test_certificates_name_the_engine(self, engine: str) -> None:
        certificate = certify(load_scene(PLACE), physics=engine)
        assert certificate.passed and certificate.engine.startswith(engine)

    @pytest.mark.parametrize("robot", ROBOT_NAMES)
    def test_the_first_observation_is_nearly_the_same(self, engine: str, robot: str) -> None:
        env, first = make(PLACE, physics=engine, robot=robot), make(PLACE, robot=robot)
        env.reset(seed=5)
        first.reset(seed=5)
        for index in range(len(env.scene.spec.objects)):
            (found, _), (expected, _) = env.world.body_pose(index), first.world.body_pose(index)
            assert np.allclose(found, expected, atol=2e-3)
        assert np.allclose(env.snapshot().tool_m, first.snapshot().tool_m, atol=2e-3)
        env.close()
        first.close()

    @pytest.mark.parametrize("profile", PROFILES)
    def test_reality_profiles(self, engine: str, profile: str) -> None:
        env = make(PLACE, physics=engine, reality=profile, **SMALL)
        again = make(PLACE, physics=engine, reality=profile, **SMALL)
        plain = make(PLACE, physics=engine, **SMALL)
        (picture, info), (same, info2), (usual, _) = (e.reset(seed=3) for e in (env, again, plain))
        drawn, limits = info["variation"]["reality"], PROFILES[profile]
        assert helpers.digest(picture, drawn) == helpers.digest(same, info2["variation"]["reality"])
        assert not np.array_equal(picture["pixels"], usual["pixels"])
        for name in ("stiffness", "damping", "grip", "joint_friction", "latency_s", "support_friction", "noise"):
            low, high = getattr(limits, name)
            assert low <= drawn[name] <= high
        assert all(limits.mass[0] <= factor <= limits.mass[1] for factor in drawn["masses"])
        assert len({e.reset()[1]["variation"]["reality"]["stiffness"] for e in (env,) for _ in range(5)}) == 5
        for e in (env, again, plain):
            e.close()

    def test_a_profile_changes_nothing_for_good(self, engine: str) -> None:
        """Episodes of an environment that was perturbed are those of one that never was."""
        env, fresh = make(PLACE, physics=engine, reality="strong", **SMALL), make(PLACE, physics=engine, **SMALL)
        env.reset(seed=1)
        env.step(env.action_space.sample())
        env.variations.clear()
        actions = helpers.expert_actions(PLACE, ROBOT_NAMES[0], physics=engine)[:8]
        assert helpers.trace(env, 2, actions) == helpers.trace(fresh, 2, actions)
        env.close()
        fresh.close()

    @pytest.mark.parametrize("profile", PROFILES)
    def test_the_expert_copes_with_profiles(self, engine: str, profile: str) -> None:
        assert sum(solved(PLACE, range(10), physics=engine, reality=profile)) >= 9

    def test_heavier_things_need_more_force(self, engine: str) -> None:
        """Dynamics reach the physics: what weighs ten times as much is pushed less far by a short blow."""
        env = make(PICK, physics=engine, obs_type="state")
        moved = []
        for factor in (0.2, 5.0):
            episode = env.nominal(env_scene := load_scene(PICK))
            count = len(env_scene.spec.objects)
            env.load(helpers.replace(episode, dynamics=Dynamics(frictions=(factor,) * count)))
            x = env.world.body_pose(0)[0][0]
            env.world.set_body_velocity(0, (0.4, 0.0, 0.0), (0.0, 0.0, 0.0))
            env.hold(1.0)
            moved.append(env.world.body_pose(0)[0][0] - x)
        assert moved[0] > 2.0 * moved[1] > 0.0
        env.close()

    @pytest.mark.parametrize("latency_s", [0.0125, 0.1, 0.2, 0.45])
    def test_commands_arrive_late(self, engine: str, latency_s: float) -> None:
        """With any latency the arm takes the same way, later."""
        env = make(PICK, physics=engine, obs_type="state")
        quick, late = [], []
        for found, latency in ((quick, 0.0), (late, latency_s)):
            env.load(helpers.replace(env.nominal(load_scene(PICK)), latency_s=latency))
            for action in [(0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0)] * 4 + [(0.0,) * 6 + (1.0,)] * 6:
                env.step(np.array(action, np.float32))
                found.append(env.snapshot().tool_m[1])
        assert late[-1] == pytest.approx(quick[-1], abs=2e-4)
        whole = int(latency_s * env.control_hz)
        assert all(later <= earlier + 1e-4 for later, earlier in zip(late, quick, strict=True))
        assert late[whole] < quick[whole] - 1e-3
        env.close()


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(FieldError, match=r"reality.*hard.*mild"):
        make(PICK, reality="hard")


@pytest.mark.skipif(len(ENGINE_NAMES) < 2, reason="one engine is installed")
def test_engines_are_compared_by_the_same_actions() -> None:
    found = compare((PICK, PLACE), (ENGINE_NAMES[0], ENGINE_NAMES[1]), episodes=4, label="test scenes")
    assert [engine.split()[0] for engine in found.engines] == list(ENGINE_NAMES[:2])
    measures = {measure.name: measure for measure in found.measures}
    assert all(len(m.first) == len(m.second) == len(m.subjects) for m in found.measures)
    assert measures["settle drift"].spread < 2.0
    assert measures["free fall in 0.2 s"].spread < 0.03 * 196.2
    assert np.mean(measures["expert success"].second) >= 0.75
    drawing = svg(found)
    assert drawing.startswith("<svg") and drawing.count("<circle") >= 2 * len(measures["settle drift"].subjects)


@pytest.mark.slow
@pytest.mark.skipif(len(ENGINE_NAMES) < 2, reason="one engine is installed")
def test_the_expert_succeeds_alike_on_all_engines() -> None:
    """200 paired episodes: no engine is more than three points easier."""
    rates = []
    for engine in ENGINE_NAMES:
        done = [
            sum(solved(env_id, range(300, 350), physics=engine, robot=robot))
            for env_id, robot in itertools.product(IDS[:2], ROBOT_NAMES[:2])
        ]
        rates.append(sum(done) / 2.0)
    assert max(rates) - min(rates) <= 3.0, dict(zip(ENGINE_NAMES, rates, strict=True))


def test_the_page_about_engines_shows_what_was_measured() -> None:
    page = (REPOSITORY / "docs" / "engines.md").read_text(encoding="utf-8")
    assert markdown(sorted((REPOSITORY / "docs" / "engines").glob("*.json"))) in page


def test_scenes_of_an_id() -> None:
    assert len(scenes_of(IDS[0])) >= 1


# ---- engines that are not here, and who may know them --------------------------------------------------------------


@pytest.mark.parametrize("missing", ENGINES)
def test_a_missing_engine_says_what_to_do(missing: str) -> None:
    """The package imports without any engine; asking for one that is not installed is one clear sentence."""
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "import gymnasium, gen3d_envs\n"
        "from gen3d_envs.errors import EngineUnavailable\n"
        "try:\n"
        f"    gymnasium.make({PICK!r}, physics={missing!r}, disable_env_checker=True)\n"
        "except EngineUnavailable as error:\n"
        "    print(error)\n"
    )
    said = run_python(code).strip()
    assert "not installed" in said and "physics=" in said and len(said.splitlines()) == 1


def test_engine_unavailable_is_an_import_error() -> None:
    assert issubclass(EngineUnavailable, ImportError)


def test_only_sim_names_an_engine() -> None:
    """Which engine runs is decided in one folder; outside it no code and no string says a name."""
    named = []
    for path in sorted((REPOSITORY / "gen3d_envs").rglob("*.py")) + sorted((REPOSITORY / "baselines").rglob("*.py")):
        if path.parent == REPOSITORY / "gen3d_envs" / "sim":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named += [f"{path.name}:{node.lineno}" for node in ast.walk(tree) if _names_an_engine(node, tree)]
    assert named == []
    assert DEFAULT in ENGINES


def _names_an_engine(node: ast.AST, tree: ast.Module) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value in ENGINES
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).split(".")[-1] in {"pybullet", "mujoco"}


def test_there_is_one_file_per_engine() -> None:
    for module in ENGINES.values():
        assert (REPOSITORY / Path(*module.partition(":")[0].split("."))).with_suffix(".py").is_file()
