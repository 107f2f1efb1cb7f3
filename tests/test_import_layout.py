"""Worlds of EmbodiedGen's format: good ones become certified scenes, bad ones a clear error, and no file is trusted."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import embodiedgen_world as worlds
import gymnasium as gym
import numpy as np
import pytest
from embodiedgen_world import beside
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gen3d_envs
from gen3d_envs import import_world as importing
from gen3d_envs.assets.import_mesh import Physics
from gen3d_envs.assets.import_urdf import import_framed
from gen3d_envs.author import Authored, save_scene
from gen3d_envs.build import BuiltScene
from gen3d_envs.cli import main
from gen3d_envs.design.embodiedgen import FILE, LayoutWorld, Node, read_world
from gen3d_envs.design.embodiedgen_task import place_words, possible, read_goal
from gen3d_envs.errors import AssetError, CertificateError, Gen3DError, SceneError
from gen3d_envs.import_world import import_world
from gen3d_envs.spec import Certificate, CheckResult, from_card, to_card

pytest.importorskip("trimesh")
pytest.importorskip("pybullet")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.own_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Equal models give equal assets, which takes a third of a second each: kept by the content of their folders."""
    known: dict[str, Any] = {}

    def cached(path: Path, height_m: float | None, physics: Physics) -> Any:
        files = [file.read_bytes() for file in sorted(path.parent.rglob("*")) if file.is_file()]
        key = repr((hashlib.sha256(b"|".join(files)).hexdigest(), path.name, height_m, physics))
        if key not in known:
            known[key] = import_framed(path, height_m, physics)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "import_framed", cached)
        yield


@pytest.fixture(scope="module")
def authored(world: Path) -> Authored:
    return import_world(world, "widowx")


@pytest.fixture
def content(world: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((world / FILE).read_text())
    return fields


@pytest.fixture
def rewritten(world: Path) -> Iterator[Callable[[Any], Path]]:
    """Gives the world with another ``layout.json``; text is written as it is."""
    before = (world / FILE).read_text()

    def write(content: Any) -> Path:
        (world / FILE).write_text(content if isinstance(content, str) else json.dumps(content))
        return world

    yield write
    (world / FILE).write_text(before)


def trusting(scene: BuiltScene, robot: str, *_: Any) -> Certificate:
    """A certificate without the seconds that measuring takes."""
    check = CheckResult(name="nothing", passed=True, value=0.0, limit=0.0, unit="")
    return Certificate(scene_hash=scene.hash, engine="none", renderer="none", robot=robot, checks=(check,))


# ---- good worlds ---------------------------------------------------------------------------------------------------


def test_a_world_becomes_a_certified_scene(authored: Authored, world: Path) -> None:
    spec = authored.scene.spec
    assert authored.tries == 1 and spec.certificates[0].passed and spec.certificates[0].scene_hash == spec.hash
    assert spec.instruction == "put the red block in the bowl" and spec.designer == "embodiedgen"
    assert (spec.task.family, spec.task.target, spec.task.receptacle, spec.task.predicate) == (
        "place", "red_block", "bowl", "in",
    )  # fmt: skip
    assert [(item.name, item.role, item.description) for item in spec.objects] == [
        ("red_block", "target", "red block"), ("bowl", "receptacle", "bowl"), ("can", "distractor", "can"),
    ]  # fmt: skip
    assert spec.support.kind == "desk" and spec.background.style == "office"
    assert from_card(to_card(spec)) == spec


def test_poses_are_kept_relative_to_the_robot(authored: Authored) -> None:
    """The world's robot stands elsewhere and looks along its y: frames that are mixed up would show."""
    for item, (x, y) in zip(authored.scene.spec.objects, ((0.30, -0.08), (0.30, 0.12), (0.40, 0.0)), strict=True):
        assert item.pose is not None
        assert (item.pose.x_m, item.pose.y_m) == pytest.approx((x, y), abs=2e-3)
        assert item.pose.z_m == 0.0
    block = authored.scene.spec.objects[0].pose
    assert block is not None and math.sin(2 * (block.yaw_rad - 0.5)) == pytest.approx(0.0, abs=0.02), (
        "up to quarter turns"
    )


def test_assets_keep_mass_friction_and_size(authored: Authored) -> None:
    originals = (
        worlds.own("cube", 1, grip_width_m=0.042),
        worlds.own("bowl", 2),
        worlds.own("block", 3, grip_width_m=0.038),
    )
    for asset, original in zip(authored.scene.assets, originals, strict=True):
        assert asset.mass_kg == pytest.approx(original.mass_kg) and asset.friction == pytest.approx(original.friction)
        assert sorted(asset.size_m) == pytest.approx(sorted(original.size_m), abs=1e-3)
    assert authored.scene.assets[1].cavity is not None


def test_what_is_not_read_is_named(authored: Authored) -> None:
    said = " ".join(authored.scene.spec.warnings)
    assert "gs_model.ply" in said and "latent.pkl" in said and "office" in said


def test_the_card_works_without_the_world(authored: Authored, tmp_path: Path) -> None:
    card = save_scene(authored.scene, tmp_path)
    env = gym.make(gen3d_envs.register_scene(card), obs_type="state")
    try:
        _, info = env.reset(seed=0)
        assert info["instruction"] == "put the red block in the bowl" and info["scene_hash"] == authored.scene.hash
    finally:
        env.close()


def test_equal_worlds_give_equal_scenes(authored: Authored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "import_framed", import_framed)
    again = import_world(worlds.own_world(tmp_path / "copy") / FILE, "widowx")
    assert to_card(again.scene.spec) == to_card(authored.scene.spec)


def test_the_command(world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-layout", str(world), "--robot", "widowx", "--out", str(tmp_path / "mine")]) == 0
    out = capsys.readouterr().out
    card = next((tmp_path / "mine").glob("*.json"))
    assert f"Gen3D/{card.stem}-v0" in out and "gym.make(" in out and "not read" in out
    assert main(["import-layout", str(tmp_path)]) == 1
    assert FILE in capsys.readouterr().err


def test_out_of_reach_arrangements_are_moved_as_a_whole(
    content: dict[str, Any], rewritten: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "certify", trusting)
    content["position"]["franka"] = [5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    spec = import_world(rewritten(content), "widowx").scene.spec
    poses = [item.pose for item in spec.objects if item.pose is not None]
    assert math.dist((poses[0].x_m, poses[0].y_m), (poses[1].x_m, poses[1].y_m)) == pytest.approx(0.2, abs=5e-3)
    assert any("moved as a whole" in note for note in spec.warnings)


@pytest.mark.parametrize("drop", ["robot", "all positions", "one position", "overlap"])
def test_worlds_without_usable_poses_are_laid_out(
    drop: str, content: dict[str, Any], rewritten: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if drop == "robot":
        del content["position"]["franka"], content["relation"]["robot"]
        content["tree"]["office"].pop()
    elif drop == "all positions":
        content["position"] = {}
    elif drop == "one position":
        del content["position"]["can"]
    else:
        content["position"]["can"] = content["position"]["bowl"]
    if drop != "overlap":
        monkeypatch.setattr(importing, "certify", trusting)
    spec = import_world(rewritten(content), "widowx").scene.spec
    assert all(item.pose is not None for item in spec.objects)
    anew = any("arranged anew" in note for note in spec.warnings)
    assert anew == (drop != "robot")


def test_things_in_other_things_come_to_rest_there(content: dict[str, Any], rewritten: Callable[[Any], Path]) -> None:
    content["tree"]["desk"] = [["bowl", "ON"], ["can", "ON"]]
    content["tree"]["bowl"] = [["red block", "IN"]]
    content["relation"]["task_desc"] = "Pick up the can."
    content["position"]["red block"] = beside(0.30, 0.12, 0.5, 0.04)
    spec = import_world(rewritten(content), "widowx").scene.spec
    block, bowl = spec.object("red_block").pose, spec.object("bowl").pose
    assert block is not None and bowl is not None and spec.task.target == "can"
    assert [(r.subject, r.predicate, r.object) for r in spec.relations] == [("red_block", "in", "bowl")]
    assert 0.002 < block.z_m < 0.03 and math.dist((block.x_m, block.y_m), (bowl.x_m, bowl.y_m)) < 0.05
    assert spec.certificates[0].passed


def test_what_stands_on_the_floor_is_left_out(content: dict[str, Any], rewritten: Callable[[Any], Path]) -> None:
    content["tree"]["desk"].pop()
    content["tree"]["office"].append(["can", "FLOOR"])
    spec, _, _ = importing._scene(read_world(rewritten(content)), "widowx", lambda *_: None)
    assert len(spec.objects) == 2 and any("floor" in note for note in spec.warnings)


def test_a_wrong_scale_is_recovered_from_the_stated_height(world: Path) -> None:
    notes: list[str] = []
    path = world / "asset3d" / "can" / "can.urdf"
    before = path.read_text()
    node = Node("can", "distractor_objs", "can", urdf="asset3d/can/can.urdf")
    try:
        path.write_text(
            before.replace('scale="1.0 1.0 1.0"', 'scale="0.1 0.1 0.1"').replace(
                "</extra", "<real_height>0.08</real_height></extra"
            )
        )
        asset, _ = importing._asset(node, world, None, notes)
        assert asset.size_m[2] == pytest.approx(0.08, rel=0.02) and "scaled" in notes[0]
        path.write_text(before.replace("</extra", "<real_height>tall</real_height></extra"))
        assert importing._asset(node, world, None, [])[0].size_m[2] == pytest.approx(
            worlds.own("block", 3, grip_width_m=0.038).size_m[2], abs=0.002
        )
    finally:
        path.write_text(before)


def test_the_frame_says_where_the_asset_lies_in_the_file(world: Path) -> None:
    for name in ("red_block", "bowl", "can"):
        asset, frame = import_framed(world / "asset3d" / name / f"{name}.urdf", None, Physics())
        assert np.abs(frame.rotation @ frame.rotation.T - np.eye(3)).max() < 1e-9 and frame.scale == 1.0
        half = asset.size_m[2] / 2
        center = frame.rotation.T @ (np.array([0.0, 0.0, half]) + frame.offset_m)
        assert np.abs(center - [0.0, 0.0, half]).max() < 3e-3, "our own assets stand centred in their files"


# ---- the sentence --------------------------------------------------------------------------------------------------


def things(sentence: str, *names: str, context: str = "desk", background: str = "office") -> LayoutWorld:
    nodes = {name: Node(name, "manipulated_objs", f"shiny {name}") for name in names}
    nodes["c"] = Node("c", "context", context)
    nodes["b"] = Node("b", "background", background)
    return LayoutWorld(Path("."), sentence, nodes)


@pytest.mark.parametrize(
    ("sentence", "names", "target", "receptacle", "predicate"),
    [
        ("Put the green cup in the box.", ("box", "green cup"), "green cup", "box", "in"),
        ("Place the knife on the plate, robot ur5.", ("knife", "plate"), "knife", "plate", "on"),
        ("Pick up the headphones", ("mug", "headphones"), "headphones", None, None),
        ("Put the pens in the grey bowl.", ("pen1", "pen2", "grey bowl", "red bowl"), "pen1", "grey bowl", "in"),
        ("Grab the red cup", ("blue cup", "red cup"), "red cup", None, None),
    ],
)
def test_sentences_about_things_that_are_there(
    sentence: str, names: tuple[str, ...], target: str, receptacle: str | None, predicate: str | None
) -> None:
    goal = read_goal(things(sentence, *names))
    assert (goal.target, goal.receptacle, goal.predicate) == (target, receptacle, predicate)
    assert "robot" not in goal.instruction
    assert bool(goal.warnings) == ("pens" in sentence)


@pytest.mark.parametrize(
    "sentence", ["", "Pour the water into the mug", "Fold the towel beside the mug", "Pick up the elephant", "???"]
)
def test_other_sentences_become_lifting_and_say_so(sentence: str) -> None:
    goal = read_goal(things(sentence, "mug", "knife"))
    assert goal.target == "mug" and goal.receptacle is None and goal.instruction == "pick up the mug"
    assert "the task is to pick up the mug" in goal.warnings[0]


def test_a_goal_that_is_not_there_keeps_the_target() -> None:
    goal = read_goal(things("Put the knife in the drawer box", "mug", "knife"))
    assert goal.target == "knife" and goal.receptacle is None and goal.warnings


def test_a_receptacle_that_holds_nothing_becomes_lifting() -> None:
    goal = read_goal(things("Put the knife in the mug", "mug", "knife"))
    bowl = worlds.own("bowl", 2)
    assert possible(goal, bowl) is goal
    lifting = possible(goal, replace(bowl, cavity=None, surface=None))
    assert (lifting.target, lifting.receptacle) == ("knife", None)
    assert "nothing can be put in the mug" in lifting.warnings[-1]


@pytest.mark.parametrize(
    ("context", "background", "expected"),
    [
        ("kitchen counter", "a bright kitchen", ("counter", "kitchen")),
        ("table", "modern office with plants", ("table", "office")),
        ("altar", "cathedral", (None, None)),
    ],
)
def test_places(context: str, background: str, expected: tuple[str | None, str | None]) -> None:
    assert place_words(things("", "mug", context=context, background=background)) == expected


# ---- bad worlds ----------------------------------------------------------------------------------------------------


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one field; ``...`` removes it."""

    def change(content: dict[str, Any]) -> None:
        *way, last = path.split("/")
        at: Any = content
        for key in way:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change


def idle(content: dict[str, Any]) -> None:
    content["relation"]["manipulated_objs"] = []
    content["relation"]["distractor_objs"] = ["red block", "bowl", "can"]
    content["objs_mapping"] = {}


BAD: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("no relation", put("relation", ...), "relation"),
    ("relation as a list", put("relation", []), "relation"),
    ("nothing to act on", idle, "names nothing to act on"),
    ("a number for a node", put("relation/manipulated_objs", [3]), "no name of a node"),
    ("an unknown role", put("objs_mapping/can", "villain"), "villain.*is no role"),
    ("two roles", put("objs_mapping/can", "context"), "one role"),
    ("an unknown relation", put("tree/desk", [["bowl", "UNDER"]]), "UNDER.*is no relation.*ON, IN, INSIDE, FLOOR"),
    ("a child that is no pair", put("tree/desk", [["bowl"]]), "content"),
    ("a child without a role", put("tree/desk", [["ghost", "ON"]]), "ghost.*has no role"),
    ("a child of two", put("tree/bowl", [["can", "IN"]]), "stands on 'desk' already"),
    ("a circle", put("tree", {"bowl": [["can", "IN"]], "can": [["bowl", "ON"]]}), "stands on itself"),
    ("itself", put("tree", {"bowl": [["bowl", "IN"]]}), "stands on itself"),
    ("no asset", put("assets/can", ...), "assets.can.*missing"),
    ("an asset that is no folder", put("assets/can", "asset3d/nothing"), "is no folder"),
    ("an asset without a URDF", put("assets/can", "asset3d/can/mesh"), "0 URDF files"),
    ("a path out of the world", put("assets/can", "../../etc"), "climbs out"),
    ("an absolute path", put("assets/can", "/etc"), "relative path"),
    ("a URL", put("assets/can", "http://example.com/can"), "relative path"),
    ("six numbers", put("position/can", [0.0] * 6), "seven finite"),
    ("no rotation", put("position/can", [0.0] * 7), "no rotation"),
    ("text for a number", put("position/can", [0, 0, 0, 0, 0, 0, "1"]), "content"),
    ("beyond the horizon", put("position/can", [1e9, 0, 0, 0, 0, 0, 1]), "too far away"),
    ("too many nodes", put("relation/others", [f"n{i}" for i in range(300)]), "more than 256 nodes"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_broken_layouts(
    change: Callable[[dict[str, Any]], None], words: str, content: dict[str, Any], rewritten: Callable[[Any], Path]
) -> None:
    change(content)
    with pytest.raises((SceneError, AssetError), match=words):
        read_world(rewritten(content))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"relation": {}, "position": {"can": [NaN, 0, 0, 0, 0, 0, 1]}}', "[" * 100_000,
     '{"relation": {"manipulated_objs": "\\ud800"}}', '{"relation": {}} ' + " " * 2_000_000, "\x00\x01"],
    ids=["empty", "cut", "list", "null", "NaN", "deep", "surrogate", "huge", "binary"],
)  # fmt: skip
def test_broken_json(text: str, rewritten: Callable[[Any], Path]) -> None:
    with pytest.raises(SceneError):
        read_world(rewritten(text))


def test_infinite_positions(rewritten: Callable[[Any], Path], content: dict[str, Any]) -> None:
    content["position"]["can"] = [12345.5, 0, 0, 0, 0, 0, 1]
    with pytest.raises(SceneError):
        read_world(rewritten(json.dumps(content).replace("12345.5", "1e999")))


def test_links_out_of_the_world_are_refused(tmp_path: Path) -> None:
    folder = worlds.own_world(tmp_path / "world")
    outside = tmp_path / "outside"
    (folder / "asset3d" / "can").rename(outside)
    (folder / "asset3d" / "can").symlink_to(outside)
    with pytest.raises(AssetError, match="climbs out"):
        read_world(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('filename="mesh/can.obj"', 'filename="../bowl/mesh/bowl.obj"', "can: .*climbs out"),
        ("<robot", '<!DOCTYPE r [<!ENTITY a "aaaa">]><robot', "document type"),
        ('<mass value="', '<mass value="-', "out of range"),
        ("</robot>", "", "not XML"),
    ],
)
def test_bad_models_are_named(old: str, new: str, words: str, tmp_path: Path) -> None:
    folder = worlds.own_world(tmp_path / "world")
    path = folder / "asset3d" / "can" / "can.urdf"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(AssetError, match=words):
        import_world(folder, "widowx")


def test_nothing_is_unpickled(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    monkeypatch.setattr(importing, "certify", trusting)
    import_world(world, "widowx")


def test_worlds_that_never_pass_are_refused_with_the_reason(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(scene: BuiltScene, robot: str, *_: Any) -> Certificate:
        check = CheckResult(name="expert", passed=False, value=1.0, limit=9.0, unit="successes")
        return Certificate(scene_hash=scene.hash, engine="none", renderer="none", robot=robot, checks=(check,))

    monkeypatch.setattr(importing, "certify", failing)
    with pytest.raises(CertificateError, match="expert 1 successes"):
        import_world(world, "widowx")


# ---- fuzz ----------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10), st.floats(-10, 10), st.text(max_size=8), st.just([]), st.just({}),
    st.sampled_from(["ON", "IN", "INSIDE", "FLOOR", "UNDER", "bowl", "can", "desk", "../..", "/etc", "context",
                     "others", "manipulated_objs", "distractor_objs", "asset3d/bowl", "asset3d", "red block",
                     "Pick up the can"]),
    st.lists(st.floats(-1, 1), min_size=6, max_size=8),
    st.lists(st.sampled_from(["bowl", "can", "red block", "desk", "ghost"]), max_size=3),
    st.lists(st.tuples(st.sampled_from(["bowl", "can", "desk"]), st.sampled_from(["ON", "IN"])), max_size=3),
)  # fmt: skip


@st.composite
def layouts(draw: st.DrawFn, base: dict[str, Any]) -> dict[str, Any]:
    """The good world with one to three places changed, removed or added."""
    content = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, 3))):
        at: Any = content
        while True:
            if isinstance(at, dict) and at:
                key: Any = draw(st.sampled_from(sorted(at)))
            elif isinstance(at, list) and at:
                key = draw(st.integers(0, len(at) - 1))
            else:
                break
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
                continue
            action = draw(st.sampled_from(["change", "change", "remove", "add"]))
            if action == "remove":
                del at[key]
            elif action == "add" and isinstance(at, dict):
                at[draw(st.sampled_from(["bowl", "can", "red block", "desk", "office", "franka", "ghost"]))] = draw(
                    VALUES
                )
            else:
                at[key] = draw(VALUES)
            break
    return content


def one_layout(data: st.DataObject, world: Path, rewritten: Callable[[Any], Path]) -> None:
    """A clean error or a valid scene."""
    content = data.draw(layouts(json.loads(GOOD[world])))
    try:
        spec = import_world(rewritten(content), "widowx").scene.spec
    except Gen3DError:
        return
    assert from_card(to_card(spec)) == spec and all(item.pose is not None for item in spec.objects)


@settings(max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_every_layout_is_a_clean_error_or_a_valid_scene(
    data: st.DataObject, world: Path, unmeasured: None, rewritten: Callable[[Any], Path]
) -> None:
    one_layout(data, world, rewritten)


@pytest.mark.slow
@settings(max_examples=3000, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_many_more_layouts(
    data: st.DataObject, world: Path, unmeasured: None, rewritten: Callable[[Any], Path]
) -> None:
    one_layout(data, world, rewritten)


GOOD: dict[Path, str] = {}


@pytest.fixture
def unmeasured(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrangements are trusted: this fuzzes what leads to them."""
    GOOD.setdefault(world, (world / FILE).read_text())
    monkeypatch.setattr(importing, "certify", trusting)
    monkeypatch.setattr(importing, "_settled", lambda scene, physics: scene)


# ---- real assets ---------------------------------------------------------------------------------------------------


def test_a_world_of_real_assets(shared_assets: Path, tmp_path: Path) -> None:
    authored = import_world(worlds.real_world(tmp_path / "world", shared_assets))
    spec = authored.scene.spec
    assert spec.certificates[0].passed and spec.task.target == "salt_shaker" and spec.robot == "panda"
    shaker, knife, headphones, basket = authored.scene.assets
    assert shaker.size_m[2] == pytest.approx(0.125, rel=0.02) and basket.cavity is not None
    assert headphones.mass_kg == 0.3 and headphones.friction == 0.5 and knife.friction == 0.8
    assert all(asset.colors.std(axis=0).min() > 3 for asset in authored.scene.assets), "textures show"
    pose = spec.objects[0].pose
    assert pose is not None and (pose.x_m, pose.y_m) == pytest.approx((0.30, -0.10), abs=0.01), "kept where it stood"
    assert any("headphones" in note and "turned over" in note for note in spec.warnings)
