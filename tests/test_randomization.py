"""What varies from episode to episode: values, fields, wrappers, and ``gym.make(randomization=...)``."""

from __future__ import annotations

import functools
import itertools
import json
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv
from helpers import ENGINE, ENGINE_NAMES, FAMILY_IDS, PICK, PLACE, digest, make
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d_envs.design.layout import gap_m, in_view
from gen3d_envs.env import Gen3DEnv
from gen3d_envs.errors import FieldError
from gen3d_envs.experts.scripted import ScriptedExpert
from gen3d_envs.rollout import run_episode
from gen3d_envs.scenes import load_scene
from gen3d_envs.sim.world import ROBOT, SUPPORT
from gen3d_envs.variations import sensing
from gen3d_envs.variations.base import own_generator
from gen3d_envs.variations.language import CONTROLS, misspell
from gen3d_envs.variations.layout import Move
from gen3d_envs.variations.others import fits
from gen3d_envs.variations.table import FIELDS, GROUPS, PAPER, randomization_of, read
from gen3d_envs.variations.values import Choice, Constant, LogUniform, Normal, Uniform, draw, parse, to_literal
from gen3d_envs.wrappers import (
    CameraRandomization,
    DynamicsRandomization,
    LanguageRandomization,
    LayoutRandomization,
    PaperRandomization,
    Randomize,
    SensingRandomization,
    VisualRandomization,
)

SMALL: dict[str, Any] = {"observation_width": 40, "observation_height": 32, "physics": ENGINE}

EVERYTHING: dict[str, dict[str, Any]] = {
    "visual": {
        "room": True, "table": ["desk", "counter"], "support_texture": True, "wall_texture": "brick",
        "floor_texture": {"mix": Uniform(0.3, 0.7)}, "object_color": {"target": LogUniform(0.5, 2.0)},
        "object_texture": {"kinds": ["wood", "marble"], "mix": 0.5}, "robot_texture": {"mix": 0.3},
        "ambient": Uniform(0.0, 0.6), "directional": [Uniform(0.2, 0.6), 0.5, 0.5],
        "direction": {"azimuth_rad": Uniform(-3.0, 3.0), "slant": 0.8}, "brightness": LogUniform(0.8, 1.25),
    },
    "camera": {"position_m": Uniform(-0.05, 0.05), "rotation_rad": Normal(0.0, 0.02), "fov": {"wrist": 1.1}},
    "dynamics": {
        "mass": LogUniform(0.5, 2.0), "friction": {"target": Choice((0.8, 1.2)), "distractors": 0.9},
        "support_friction": 0.9, "pad_friction": 1.1, "gain": Uniform(0.8, 1.2), "damping": Uniform(0.8, 1.2),
        "effort": 0.9, "grip": 0.95, "joint_friction": 0.02, "latency_s": Uniform(0.0, 0.2),
    },
    "sensing": {
        "blur": Uniform(0.2, 1.0), "jitter": {"saturation": 0.7, "hue": Uniform(-0.1, 0.1)}, "overlay": 0.2,
        "noise": 8.0, "agent_pos": 0.01, "delay": 2, "dropout": 0.3,
    },
    "layout": {
        "target": "released", "receptacle": {"split": "released"}, "hidden": 1,
        "placement": {"position_m": 0.1, "yaw_rad": 3.0}, "distractors": {"count": 2, "split": "released"},
        "joints_rad": Uniform(-0.1, 0.1), "move": {"step": 2, "distance_m": 0.06},
    },
    "language": {"paraphrase": True, "word_order": 0.5, "control": "distractor_named", "typos": 2},
}  # fmt: skip
"""Every field there is."""

WRAPPERS: dict[str, Callable[..., gym.Env[Any, Any]]] = {
    "visual": VisualRandomization,
    "camera": CameraRandomization,
    "dynamics": DynamicsRandomization,
    "sensing": SensingRandomization,
    "layout": LayoutRandomization,
    "language": LanguageRandomization,
}
PICTURE_FIELDS = tuple(name for name, field in FIELDS.items() if field.pictures)


def wrapped(group: str, env_id: str = PLACE, **arguments: Any) -> gym.Env[Any, Any]:
    return WRAPPERS[group](gym.make(env_id, **{**SMALL, **arguments}), **EVERYTHING[group])


def run(env: gym.Env[Any, Any], seed: int = 3, steps: int = 4) -> str:
    """Digest of an episode's beginning."""
    env.action_space.seed(0)
    found = [env.reset(seed=seed)]
    found += [env.step(env.action_space.sample()) for _ in range(steps)]
    return digest(*itertools.chain.from_iterable(found))


# ---- values --------------------------------------------------------------------------------------------------------

numbers = st.floats(-100.0, 100.0)
pairs = st.tuples(numbers, numbers).map(sorted)
distributions = st.one_of(
    numbers.map(Constant),
    pairs.map(lambda pair: Uniform(*pair)),
    st.tuples(st.floats(0.01, 50.0), st.floats(1.0, 50.0)).map(lambda p: LogUniform(p[0], p[0] * p[1])),
    st.tuples(numbers, st.floats(0.0, 10.0)).map(lambda p: Normal(*p)),
    st.tuples(numbers, st.floats(0.0, 10.0), pairs).map(lambda p: Normal(p[0], p[1], *p[2])),
    st.lists(numbers, min_size=1, max_size=5).map(lambda values: Choice(tuple(values))),
)


class TestValues:
    @given(distributions, st.integers(0, 2**32))
    @settings(max_examples=150)
    def test_draws_stay_in_bounds_and_literals_say_the_same(self, value: Any, seed: int) -> None:
        low, high = value.bounds
        literal = json.loads(json.dumps(to_literal(value)))
        again = parse(literal)
        for _ in range(5):
            drawn = draw(value, np.random.default_rng(seed))
            assert low <= drawn <= high
            assert drawn == draw(literal, np.random.default_rng(seed)) == draw(again, np.random.default_rng(seed))

    def test_a_number_draws_nothing(self) -> None:
        rng = np.random.default_rng(0)
        before = rng.bit_generator.state
        assert draw(3, rng) == 3.0 and rng.bit_generator.state == before

    @pytest.mark.parametrize(
        "value",
        [
            "much", None, True, math.nan, math.inf, {"uniform": [1]}, {"uniform": [2, 1]}, {"uniform": ["a", 1]},
            {"loguniform": [0, 1]}, {"normal": [0, -1]}, {"choice": []}, {"uniform": [0, 1], "choice": [1]}, {"u": [1]},
            {"normal": [0, 1, 2, 3, 4]}, {"uniform": 3}, [1, 2], {"choice": [math.nan]}, {"uniform": [0, 1e300]},
        ],
    )  # fmt: skip
    def test_what_is_no_value_is_refused_by_name(self, value: Any) -> None:
        with pytest.raises(FieldError, match=r"^randomization\.dynamics\.latency_s"):
            read({"dynamics": {"latency_s": value} if value is not None else {"latency_s": [None]}})


# ---- fields and mappings -------------------------------------------------------------------------------------------


class TestFields:
    def test_the_wrappers_take_exactly_the_fields_there_are(self) -> None:
        import inspect

        assert set(GROUPS) == set(WRAPPERS) == set(EVERYTHING)
        for group, wrapper in WRAPPERS.items():
            names = [name for name in inspect.signature(wrapper).parameters if name != "env"]
            assert names == [name.partition(".")[2] for name in FIELDS if name.startswith(f"{group}.")]
            assert set(EVERYTHING[group]) == set(names)

    @pytest.mark.parametrize(
        ("randomization", "field"),
        [
            ("strong", "randomization"), (3, "randomization"), ({"physics": {}}, "randomization"),
            ({"dynamics": {"weight": 1}}, "randomization.dynamics.weight"), ({"dynamics": 3}, "randomization.dynamics"),
            ({"dynamics": {"mass": 0}}, "randomization.dynamics.mass"),
            ({"dynamics": {"mass": {"bowl": 1}}}, "randomization.dynamics.mass"),
            ({"dynamics": {"mass": {"target": -1}}}, "randomization.dynamics.mass.target"),
            ({"visual": {"room": "cellar"}}, "randomization.visual.room"),
            ({"visual": {"ambient": [1, 1]}}, "randomization.visual.ambient"),
            ({"visual": {"ambient": 7}}, "randomization.visual.ambient"),
            ({"visual": {"wall_texture": {"colour": 1}}}, "randomization.visual.wall_texture.colour"),
            ({"camera": {"fov": {"rear": 1}}}, "randomization.camera.fov"),
            ({"language": {"control": "loud"}}, "randomization.language.control"),
            ({"language": {"paraphrase": ["yell"]}}, "randomization.language.paraphrase"),
            ({"sensing": {"dropout": 1.5}}, "randomization.sensing.dropout"),
            ({"layout": {"target": "nowhere"}}, "randomization.layout.target.split"),
            ({"layout": {"placement": {"position_m": 3}}}, "randomization.layout.placement.position_m"),
        ],
    )  # fmt: skip
    def test_errors_name_the_field(self, randomization: Any, field: str) -> None:
        with pytest.raises(FieldError) as caught:
            make(PLACE, obs_type="state", randomization=randomization)
        assert caught.value.field == field and caught.value.remedy

    def test_the_paper_has_its_ranges(self) -> None:
        ranges = {
            "layout": {
                "placement": {"position_m": 0.15, "yaw_rad": math.pi}, "joints_rad": {"uniform": [-0.1, 0.1]},
            },
            "visual": {"ambient": {"uniform": [0.0, 0.6]}}, "camera": {"position_m": {"uniform": [-0.05, 0.05]}},
        }  # fmt: skip
        assert ranges == PAPER

    @given(pairs=st.lists(st.tuples(st.floats(0.2, 5.0), st.floats(1.0, 3.0)), min_size=3, max_size=3),
           seed=st.integers(0, 2**32))  # fmt: skip
    @settings(max_examples=40)
    def test_drawn_values_are_in_their_ranges(self, pairs: list[tuple[float, float]], seed: int) -> None:
        spans = [(low, low * factor) for low, factor in pairs]
        settings_ = read({
            "dynamics": {"mass": {"uniform": spans[0]}, "gain": {"loguniform": spans[1]}},
            "camera": {"fov": {"uniform": [spans[2][0] / 15.0 + 0.2, spans[2][1] / 15.0 + 0.2]}},
            "visual": {"ambient": {"uniform": [0.1, 0.5]}},
        })  # fmt: skip
        env = _episodes()
        episode = randomization_of(settings_)(env.nominal(load_scene(PLACE)), np.random.default_rng(seed))
        drawn = episode.drawn
        assert all(spans[0][0] <= mass <= spans[0][1] for mass in drawn["dynamics.mass"])
        assert episode.dynamics.masses == tuple(drawn["dynamics.mass"])
        assert (
            spans[1][0] <= drawn["dynamics.gain"] <= spans[1][1]
            and episode.dynamics.stiffness == drawn["dynamics.gain"]
        )
        assert (
            all(0.1 <= channel <= 0.5 for channel in drawn["visual.ambient"])
            and episode.light.ambient == drawn["visual.ambient"]
        )

    def test_what_is_drawn_is_json_and_named_by_field(self) -> None:
        env = make(PLACE, randomization=EVERYTHING, **SMALL)
        info = env.reset(seed=0)[1]
        assert list(info["variation"]) == list(FIELDS)
        json.dumps(info["variation"], allow_nan=False)
        env.close()

    def test_one_field_more_changes_no_draw_of_the_others(self) -> None:
        episode, drawn = _episodes().nominal(load_scene(PLACE)), []
        for fields in ({"gain": {"uniform": [0.5, 2]}}, {"mass": {"uniform": [0.5, 2]}, "gain": {"uniform": [0.5, 2]}}):
            found = randomization_of(read({"dynamics": fields}))(episode, np.random.default_rng(5))
            drawn.append(found.drawn["dynamics.gain"])
        assert drawn[0] == drawn[1]

    def test_own_generators_depend_on_seed_and_name(self) -> None:
        first = [own_generator(seed, name).random() for seed in (1, 2) for name in ("a", "b")]
        assert len(set(first)) == 4 and own_generator(1, "a").random() == first[0]

    def test_none_is_the_plain_environment(self) -> None:
        plain, none = make(PLACE, **SMALL), make(PLACE, randomization="none", **SMALL)
        assert not none.variations and run(plain) == run(none) and "variation" not in none.reset(seed=0)[1]
        plain.close()
        none.close()


@functools.cache
def _episodes() -> Gen3DEnv:
    """Makes nominal episodes; never stepped."""
    return make(PLACE, obs_type="state")


# ---- wrappers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", WRAPPERS)
class TestEveryWrapper:
    def test_same_seed_same_bits_and_the_spec_rebuilds_it(self, group: str) -> None:
        env = wrapped(group)
        text = env.spec.to_json() if env.spec is not None else ""
        first = run(env)
        assert run(env, seed=4) != first
        for _ in range(3):
            env.reset()
        assert run(env) == first, "an episode left something behind"
        env.close()
        for spec in (EnvSpec.from_json(text), pickle.loads(pickle.dumps(EnvSpec.from_json(text)))):
            again = gym.make(spec)
            assert run(again) == first
            again.close()

    def test_it_does_what_the_mapping_does(self, group: str) -> None:
        env, other = wrapped(group), make(PLACE, randomization={group: EVERYTHING[group]}, **SMALL)
        assert run(env) == run(other)
        env.close()
        other.close()

    def test_gymnasium_checker(self, group: str) -> None:
        env = wrapped(group)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
            check_env(env, skip_render_check=True)
        env.close()

    def test_twice_is_refused_and_closing_takes_it_out(self, group: str) -> None:
        env = wrapped(group, obs_type="state")
        name = next(iter(EVERYTHING[group]))
        with pytest.raises(FieldError, match="varies already"):
            WRAPPERS[group](env, **{name: EVERYTHING[group][name]})
        base = env.unwrapped
        assert isinstance(base, Gen3DEnv) and base.variations
        env.close()
        assert all(not item.names for item in base.variations)  # type: ignore[attr-defined]

    def test_other_environments_are_refused(self, group: str) -> None:
        with pytest.raises(FieldError, match="is not a Gen3D environment"):
            WRAPPERS[group](gym.make("CartPole-v1"), **EVERYTHING[group])


def test_any_order_gives_the_same_episodes() -> None:
    groups = list(WRAPPERS)
    found = set()
    for order in (groups, groups[::-1], groups[3:] + groups[:3]):
        env: gym.Env[Any, Any] = gym.make(PLACE, **SMALL)
        for group in order:
            env = WRAPPERS[group](env, **EVERYTHING[group])
        found.add(run(env))
        env.close()
    assert len(found) == 1


def test_nothing_drifts_over_fifty_resets() -> None:
    """Everything varies fifty times; taken off again, the environment gives the plain episode."""
    plain = make(PLACE, **SMALL)
    expected = run(plain)
    fields = {group: dict(values) for group, values in EVERYTHING.items()}
    env = gym.make(PLACE, **SMALL)
    Randomize(env, fields)
    late = run(env)
    for _ in range(50):
        env.reset()
    assert run(env) == late
    base = env.unwrapped
    assert isinstance(base, Gen3DEnv)
    base.variations.clear()
    assert run(base) == expected
    plain.close()
    env.close()


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_both_engines(engine: str) -> None:
    first, again = (make(PLACE, **{**SMALL, "physics": engine}, randomization=EVERYTHING) for _ in range(2))
    assert run(first) == run(again)
    first.close()
    again.close()


def test_a_spawned_worker_gives_the_same_bits() -> None:
    env = PaperRandomization(gym.make(f"gen3d_envs:{PLACE}", **SMALL))
    env = DynamicsRandomization(SensingRandomization(env, noise=Uniform(2, 9)), mass=LogUniform(0.5, 2))
    assert env.spec is not None
    expected = env.reset(seed=7)
    workers = AsyncVectorEnv([functools.partial(gym.make, env.spec)], context="spawn")
    try:
        observation, info = workers.reset(seed=[7])
    finally:
        workers.close()
    assert np.array_equal(observation["pixels"][0], expected[0]["pixels"])
    assert np.array_equal(observation["agent_pos"][0], expected[0]["agent_pos"])
    assert info["variation"]["dynamics.mass"][0] == expected[1]["variation"]["dynamics.mass"]
    env.close()


# ---- pictures ------------------------------------------------------------------------------------------------------

NOTHING: dict[str, Any] = {
    "visual.object_color": {"uniform": [1, 1]}, "visual.object_texture": {"mix": 0}, "visual.robot_texture": {"mix": 0},
    "visual.support_texture": {"mix": {"uniform": [0, 0]}}, "visual.wall_texture": {"mix": 0},
    "visual.floor_texture": {"mix": 0}, "visual.brightness": {"loguniform": [1, 1]},
    "camera.position_m": {"uniform": [0, 0]}, "camera.rotation_rad": {"normal": [0, 0]},
    "camera.fov": {"front": {"uniform": [1, 1]}, "wrist": 1}, "sensing.blur": 0, "sensing.jitter": {"uniform": [1, 1]},
    "sensing.overlay": {"mix": 0}, "sensing.noise": {"uniform": [0, 0]},
}  # fmt: skip
ABSOLUTE = ("visual.room", "visual.table", "visual.ambient", "visual.directional", "visual.direction")
"""Fields that say how it is, not how it differs: no range of theirs is the scene's own value."""


def test_zero_width_leaves_the_pixels_alone() -> None:
    assert set(NOTHING) | set(ABSOLUTE) == set(PICTURE_FIELDS)
    fields: dict[str, dict[str, Any]] = {}
    for name, setting in NOTHING.items():
        fields.setdefault(name.partition(".")[0], {})[name.partition(".")[2]] = setting
    light = load_scene(PLACE).room.light
    fields["visual"] |= {"ambient": light.ambient, "directional": light.directional}
    cameras = {"cameras": ["front", "wrist"], **SMALL}
    plain, varied = make(PLACE, **cameras), make(PLACE, randomization=fields, **cameras)
    expected, found = plain.reset(seed=1)[0]["pixels"], varied.reset(seed=1)[0]["pixels"]
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    plain.close()
    varied.close()


@pytest.mark.parametrize("name", PICTURE_FIELDS)
def test_every_picture_field_is_seen_and_forgotten(name: str) -> None:
    group, _, field = name.partition(".")
    setting = {"visual.object_color": 0.5, "camera.fov": 1.2, "sensing.noise": 20.0}.get(name, EVERYTHING[group][field])
    # The walls and the floor of this room lie beside the picture: look wider.
    wider = {"camera": {"fov": 3.0}} if name in ("visual.wall_texture", "visual.floor_texture") else {}
    plain = make(PLACE, randomization=wider, **SMALL)
    varied = make(PLACE, randomization={group: {field: setting}, **wider}, **SMALL)
    expected, found = plain.reset(seed=2)[0], varied.reset(seed=2)[0]
    assert not np.array_equal(expected["pixels"], found["pixels"])
    assert np.array_equal(expected["agent_pos"], found["agent_pos"]), "a picture field changed what happens"
    if name in ("sensing.blur", "visual.table"):
        varied.variations.clear()
        assert np.array_equal(varied.reset(seed=2)[0]["pixels"], expected["pixels"])
    plain.close()
    varied.close()


def test_segments_follow_another_room() -> None:
    env = make(PLACE, randomization={"visual": {"room": True, "object_texture": True}}, **SMALL)
    env.reset(seed=1)
    first = env.segmentation("front", 64, 48)
    env.variations.clear()
    env.reset(seed=1)
    assert np.array_equal(first == 255, env.segmentation("front", 64, 48) == 255)
    assert set(np.unique(first)) >= {0, 2, 3, 255}
    env.close()


# ---- sensing -------------------------------------------------------------------------------------------------------


def observations(count: int) -> list[dict[str, Any]]:
    return [
        {"pixels": np.full((2, 2, 3), i, np.uint8), "agent_pos": np.full(7, i / 10, np.float32)} for i in range(count)
    ]


class TestSensing:
    def test_delay_shows_what_was_seen_some_steps_ago(self) -> None:
        sensor = sensing.Delay(2)
        found = [int(sensor(observation)["pixels"][0, 0, 0]) for observation in observations(6)]
        assert found == [0, 0, 0, 1, 2, 3]

    def test_lost_pictures_leave_the_last_one_and_the_numbers(self) -> None:
        sensor = sensing.Dropout(0.5, seed=1)
        found = [sensor(observation) for observation in observations(200)]
        shown = [int(observation["pixels"][0, 0, 0]) for observation in found]
        assert shown[0] == 0 and all(b in (a, i) for i, (a, b) in enumerate(itertools.pairwise(shown), start=1))
        assert 60 < sum(a == b for a, b in itertools.pairwise(shown)) < 140
        assert [float(o["agent_pos"][0]) for o in found] == [float(np.float32(i / 10)) for i in range(200)]
        assert [int(sensing.Dropout(1.0, 1)(o)["pixels"][0, 0, 0]) for o in observations(1)] == [0]

    def test_what_a_caller_writes_into_comes_back_clean(self) -> None:
        sensor = sensing.Delay(1)
        first = observations(1)[0]
        sensor(first)["pixels"][:] = 99
        assert sensor(observations(2)[1])["pixels"].max() == 0

    @pytest.mark.parametrize("dtype", [dict, np.ndarray])
    def test_noise_on_what_the_robot_knows_of_itself(self, dtype: type) -> None:
        deviations = np.array([0.1] * 3 + [0.0] * 4, np.float32)
        sensor = sensing.AgentNoise(deviations, 3)
        plain: Any = observations(2)[1] if dtype is dict else np.full(20, 0.1, np.float32)
        noisy = sensor(plain)
        numbers = noisy["agent_pos"] if dtype is dict else noisy
        assert numbers.dtype == np.float32 and np.all(numbers[:3] != np.float32(0.1))
        assert np.all(numbers[3:] == np.float32(0.1))

    def test_pixel_noise_has_its_deviation(self) -> None:
        picture = np.full((64, 64, 3), 128, np.uint8)
        effect = sensing.PixelNoise(10.0, 0, 1)
        first, second = (effect(picture, np.random.default_rng(0)).astype(float) for _ in range(2))
        assert abs(first.std() - 10.0) < 0.5 and abs(first.mean() - 128.0) < 0.5 and not np.array_equal(first, second)

    def test_colours_turn_as_they_should(self) -> None:
        red = np.zeros((2, 2, 3), np.uint8)
        red[..., 0] = 240
        none = np.random.default_rng(0)
        green = sensing.ColorJitter(1.0, 1.0, 1.0, 1.0 / 3.0, 1.0)(red, none)[0, 0]
        assert np.abs(green.astype(int) - (0, 240, 0)).max() <= 1
        grey = sensing.ColorJitter(1.0, 1.0, 0.0, 0.0, 1.0)(red, none)[0, 0]
        assert len(set(grey.tolist())) == 1 and abs(int(grey[0]) - 0.299 * 240) <= 1
        assert sensing.ColorJitter(0.5, 1.0, 1.0, 0.0, 1.0)(red, none)[0, 0].tolist() == [120, 0, 0]
        same = sensing.ColorJitter(1.0, 1.0, 1.0, 0.0, 1.0)(red, none)
        assert np.array_equal(same, red)


# ---- layout --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", [PICK, PLACE])
def test_the_papers_placements_are_free_and_in_view(env_id: str) -> None:
    env = make(env_id, obs_type="state")
    scene, variation = load_scene(env_id), randomization_of(read("paper"))
    offsets = []
    for seed in range(40):
        episode = variation(env.nominal(scene), np.random.default_rng(seed))
        placements = list(zip(scene.footprints, episode.placements, strict=True))
        assert all(gap_m(a, p, b, q) > 0.01 for (a, p), (b, q) in itertools.combinations(placements, 2))
        assert all(in_view(x, y) for x, y, _ in episode.placements)
        offsets += [offset[:2] for offset in episode.drawn["layout.placement"]["offsets"]]
        assert all(abs(offset) <= 0.1 for offset in episode.drawn["layout.joints_rad"])
        assert all(abs(d) <= 0.05 for d in episode.drawn["camera.position_m"]["front"])
    assert 0.08 < np.abs(offsets).max() <= 0.15
    env.close()


def test_other_objects_fit_the_task_and_the_words() -> None:
    env, found = _episodes(), []
    variation = randomization_of(read({"layout": {"target": "released", "receptacle": "released", "distractors": 1}}))
    for seed in range(8):
        episode = variation(env.nominal(load_scene(PLACE)), np.random.default_rng(seed))
        spec, scene = episode.scene.spec, episode.scene
        target, receptacle = scene.index(spec.task.target), scene.index(spec.task.receptacle)
        assert target is not None and receptacle is not None and spec.task.predicate is not None
        assert fits(scene.assets[target], scene.assets[receptacle], spec.task.predicate)
        assert spec.target.description in episode.instruction
        assert len(scene.assets) == len(episode.placements) == len(spec.objects)
        categories = [item.category for item in spec.objects]
        assert len(set(categories)) == len(categories), "what is asked for would not be clear"
        found.append(spec.target.category)
    assert len(set(found)) > 3


def test_distractors_can_be_taken_away() -> None:
    env = _episodes()
    scene = load_scene(PLACE)
    count = len(scene.spec.objects)
    episode = randomization_of(read({"layout": {"hidden": 9}}))(env.nominal(scene), np.random.default_rng(0))
    assert [item.name for item in episode.scene.spec.objects] == list(scene.spec.task.concerned)
    assert len(episode.drawn["layout.hidden"]) == count - len(episode.placements)


def test_the_target_moves_once_and_never_out_of_a_hand() -> None:
    env = make(PICK, obs_type="state", randomization={"layout": {"move": {"step": 2, "distance_m": 0.07}}})
    info = env.reset(seed=0)[1]
    (event,) = env._episode.events
    assert isinstance(event, Move)
    target, to = env.scene.index(env.scene.spec.task.target), info["variation"]["layout.move"]["to"]
    assert target is not None
    places = []
    stay = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)
    for _ in range(6):
        places.append(env.world.body_pose(target)[0])
        env.step(stay)
    jumps = [math.dist(a[:2], b[:2]) for a, b in itertools.pairwise(places)]
    assert sum(jump > 0.03 for jump in jumps) == 1 and jumps.index(max(jumps)) == 2
    assert math.dist(places[-1][:2], to[:2]) < 0.01
    env.close()

    class Held:
        moved = False

        def contacts(self, index: int) -> set[str]:
            return {ROBOT, SUPPORT}

        def set_body_pose(self, *pose: Any) -> None:
            self.moved = True

    world: Any = Held()
    Move(load_scene(PICK), 0, 0, (0.3, 0.0, 0.0))(world, 5)
    assert not world.moved


# ---- language ------------------------------------------------------------------------------------------------------


class TestLanguage:
    def said(self, seed: int = 0, **fields: Any) -> str:
        episode = _episodes().nominal(load_scene(PLACE))
        found = randomization_of(read({"language": fields}))(episode, np.random.default_rng(seed))
        return found.instruction

    def test_paraphrases_name_the_same_things_in_many_ways(self) -> None:
        spec = load_scene(PLACE).spec
        sentences = {self.said(seed, paraphrase=True) for seed in range(30)}
        assert len(sentences) > 10 and spec.task.receptacle is not None
        for sentence in sentences:
            assert spec.target.description in sentence and spec.object(spec.task.receptacle).description in sentence

    def test_controls(self) -> None:
        spec = load_scene(PLACE).spec
        assert self.said(control="blank") == ""
        other = self.said(control="other_object")
        assert spec.target.description not in other and other
        named = self.said(control="distractor_named")
        assert named.startswith(spec.instruction) and len(named) > len(spec.instruction)
        assert CONTROLS == ("blank", "other_object", "distractor_named")

    @given(st.text("abcdefghij ", min_size=1, max_size=60), st.integers(0, 2**32))
    @settings(max_examples=100)
    def test_a_slip_changes_at_most_one_word_and_no_first_letter(self, sentence: str, seed: int) -> None:
        before, after = sentence.split(" "), misspell(sentence, np.random.default_rng(seed)).split(" ")
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(changed) <= 1
        assert all(a[0] == b[0] and abs(len(a) - len(b)) <= 1 for a, b in changed)


# ---- the expert ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", FAMILY_IDS[:2] or (PICK, PLACE))
@pytest.mark.parametrize("count", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_the_expert_succeeds_under_the_papers_randomization(env_id: str, count: int) -> None:
    env = make(env_id, obs_type="state", randomization="paper")
    wins = sum(run_episode(env, ScriptedExpert(env), seed=seed).success for seed in range(count))
    env.close()
    assert wins >= 0.9 * count - (count < 20)  # the fast sample may lose one
