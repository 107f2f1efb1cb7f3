"""Scene cards: exact round trips, stable hashes, strict reading."""

from __future__ import annotations

import math

import helpers
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen3d_envs.errors import FieldError, SceneError
from gen3d_envs.spec import (
    BackgroundSpec,
    Certificate,
    CheckResult,
    MeshSpec,
    ObjectSpec,
    PlacementSpec,
    Pose,
    Relation,
    SceneSpec,
    SupportSpec,
    TaskSpec,
    from_card,
    read_card,
    replace,
    to_card,
    to_json,
)

NAMES = ("apple", "bowl", "red_cube", "mug_2", "x")
names = st.sampled_from(NAMES)
words = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
seeds = st.integers(0, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)
sha = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


def between(low: float, high: float, above: bool = False) -> st.SearchStrategy[float]:
    return st.floats(low, high, exclude_min=above, allow_nan=False)


poses = st.builds(Pose, x_m=between(-10, 10), y_m=between(-10, 10), z_m=between(-10, 10), yaw_rad=between(-7, 7))
meshes = st.builds(
    MeshSpec, file=st.from_regex(r"[a-z]{1,8}\.glb", fullmatch=True), sha256=st.none() | sha,
    height_m=st.none() | between(0.002, 2.0), up_axis=st.sampled_from(["y", "z"]),
)  # fmt: skip
plain = {
    "role": st.sampled_from(["target", "receptacle", "distractor"]), "description": texts, "seed": seeds,
    "color": st.none() | words, "material": st.none() | words,
    "size": st.sampled_from([None, "small", "medium", "large"]),
    "grip_width_m": st.none() | between(0.0, 0.2, True), "mass_kg": st.none() | between(0.0, 20.0, True),
    "friction": st.none() | between(0.0, 5.0, True), "pose": st.none() | poses, "asset_sha256": st.none() | sha,
}  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, name: str) -> ObjectSpec:
    fields = {key: draw(strategy) for key, strategy in plain.items()}
    mesh = draw(st.none() | meshes)
    category = "mesh" if mesh is not None else draw(words.filter(lambda w: w != "mesh"))
    return ObjectSpec(name=name, category=category, mesh=mesh, **fields)


checks = st.builds(
    CheckResult, name=words, passed=st.booleans(), value=between(-1e9, 1e9), limit=between(-1e9, 1e9),
    unit=st.sampled_from(["m", "m/s", "successes"]), detail=texts,
)  # fmt: skip
certificates = st.builds(
    Certificate,
    scene_hash=sha,
    engine=texts,
    renderer=texts,
    robot=words,
    checks=st.lists(checks, max_size=3).map(tuple),
)


@st.composite
def scenes(draw: st.DrawFn) -> SceneSpec:
    chosen = draw(st.lists(names, min_size=2, max_size=5, unique=True))
    place = draw(st.booleans())
    task = TaskSpec(
        family="place" if place else "pick", target=chosen[0], receptacle=chosen[1] if place else None,
        predicate=draw(st.sampled_from(["on", "in"])) if place else None,
    )  # fmt: skip
    relation = st.builds(
        Relation, subject=st.sampled_from(chosen), object=st.sampled_from([*chosen, "support"]),
        predicate=st.sampled_from(["on", "in", "next_to", "left_of", "right_of", "in_front_of", "behind"]),
    )  # fmt: skip
    return SceneSpec(
        name=draw(st.from_regex(r"[A-Z][A-Za-z0-9]{0,20}(-[0-9a-f]{4,12})?", fullmatch=True)),
        instruction=draw(texts),
        seed=draw(seeds),
        task=task,
        objects=tuple(draw(objects(name)) for name in chosen),
        relations=tuple(draw(st.lists(relation, max_size=3))),
        support=draw(st.builds(SupportSpec, kind=words, seed=seeds, depth_m=between(0.4, 3), width_m=between(0.4, 3))),
        background=draw(st.builds(BackgroundSpec, style=words, seed=seeds)),
        placement=draw(st.builds(PlacementSpec, position_m=between(0, 0.5), yaw_rad=between(0, math.pi))),
        robot=draw(words),
        warnings=tuple(draw(st.lists(texts, max_size=2))),
        certificates=tuple(draw(st.lists(certificates, max_size=2))),
    )


@settings(max_examples=150)
@given(scenes())
def test_round_trip(scene: SceneSpec) -> None:
    card = to_card(scene)
    again = from_card(card)
    assert again == scene and again.hash == scene.hash and to_card(again) == card


@settings(max_examples=100)
@given(scenes(), st.data())
def test_the_hash_covers_everything_but_the_certificates(scene: SceneSpec, data: st.DataObject) -> None:
    assert replace(scene, certificates=()).hash == scene.hash
    change = data.draw(
        st.sampled_from(
            [
                {"instruction": scene.instruction + "!"}, {"seed": (scene.seed + 1) % 2**53},
                {"name": "Z" + scene.name[1:] if scene.name[0] != "Z" else "Y" + scene.name[1:]},
                {"robot": scene.robot + "x"}, {"objects": scene.objects[::-1]},
                {"warnings": (*scene.warnings, "new")},
            ]
        )
    )  # fmt: skip
    assert replace(scene, **change).hash != scene.hash


def example(**changes: object) -> SceneSpec:
    scene = SceneSpec(
        name="PutCubeOnPlate-0a1b", instruction="put the cube on the plate", seed=7,
        task=TaskSpec(family="place", target="cube", receptacle="plate", predicate="on"),
        objects=(
            ObjectSpec(name="cube", role="target", category="cube", description="cube", seed=1, grip_width_m=0.044,
                       pose=Pose(x_m=0.3, y_m=0.1, z_m=0.0, yaw_rad=0.25)),
            ObjectSpec(name="plate", role="receptacle", category="plate", description="plate", seed=2, color="white"),
        ),
    )  # fmt: skip
    return replace(scene, **changes)


def test_the_hash_never_changes() -> None:
    """Released IDs stand on this number: should it change, every released card would be refused."""
    assert example().hash == "b047adba3b4c2b3969801707a773a7f4df691cc437561369338229178e93f51e"


def test_canonical_json_is_the_same_in_another_process() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(helpers.REPOSITORY / 'tests')!r})\n"
        "import test_spec\nprint(test_spec.example().hash)"
    )
    assert {helpers.run_python(code, hash_seed=seed).strip() for seed in ("1", "2")} == {example().hash}


def test_a_card_reads_well() -> None:
    text = to_card(example()).decode()
    assert text.startswith('{\n "hash": "') and text.endswith("}\n")
    assert msgspec.json.decode(text)["schema_version"] == 1


def test_a_card_without_its_hash_is_accepted() -> None:
    fields = msgspec.json.decode(to_card(example()))
    del fields["hash"]
    assert from_card(msgspec.json.encode(fields)) == example()


def test_integers_count_as_floats() -> None:
    fields = msgspec.json.decode(to_json(example()))
    fields["objects"][0]["pose"]["z_m"] = 0
    assert from_card(msgspec.json.encode(fields)).hash == example().hash


def test_errors_survive_pickling() -> None:
    """They cross process borders in vector environments."""
    import pickle

    error = SceneError("field", 3, "is wrong", "Correct it")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "field = 3: is wrong. Correct it." and isinstance(again, FieldError)


def test_missing_objects_are_named() -> None:
    with pytest.raises(SceneError, match=r"name.*spoon.*cube.*plate"):
        example().object("spoon")


@pytest.mark.parametrize("path", sorted(helpers.SCENES.glob("*.json")), ids=lambda path: path.stem)
def test_scenes_of_the_tests_are_valid(path) -> None:
    scene = read_card(path)
    assert scene.name == path.stem
