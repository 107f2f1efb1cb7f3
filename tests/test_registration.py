"""IDs: what is registered, what they mean, that they never change, and one's own scenes."""

from __future__ import annotations

import configparser
import json
import shutil
from pathlib import Path

import gymnasium as gym
import helpers
import pytest
from helpers import REPOSITORY, SCENES

import gen3d_envs
from gen3d_envs.errors import SceneError
from gen3d_envs.registration import load_card, registry_folder, released, scene_names
from gen3d_envs.spec import Certificate, CheckResult, read_card, replace, to_card

RELEASED = {name: released()[name] for name in helpers.SINGLE_SCENES}
needs_release = pytest.mark.skipif(not RELEASED, reason="no scenes are released yet")


@pytest.fixture
def own_card(tmp_path: Path):
    """A card of one's own under a new name; its ID is removed again."""
    scene = replace(read_card(SCENES / "TestPickCube.json"), name="MyScene-00ff")
    path = tmp_path / "anything.json"
    path.write_bytes(to_card(scene))
    yield path
    gym.registry.pop("Gen3D/MyScene-00ff-v0", None)


def test_import_is_light(tmp_path: Path) -> None:
    code = (
        "import sys, gen3d_envs, gymnasium as gym\n"
        "heavy = ('pybullet', 'panda3d', 'trimesh', 'torch', 'scipy', 'shapely', 'PIL', 'av', 'transformers')\n"
        "print([m for m in heavy if m in sys.modules], 'Gen3D-Pick-v0' in gym.registry)"
    )
    assert helpers.run_python(code, cwd=tmp_path).strip() == "[] True"


def test_families_are_registered() -> None:
    assert {"Gen3D-Pick-v0", "Gen3D-Place-v0"} <= set(gym.registry)


def test_every_entry_point_is_text() -> None:
    for env_id, spec in gym.registry.items():
        if env_id.startswith("Gen3D"):
            robot = env_id == "Gen3D-RealRobot-v0"
            wanted = "gen3d_envs.baselines.ros.env:RealRobotEnv" if robot else "gen3d_envs.env:Gen3DEnv"
            assert spec.entry_point == wanted
            json.dumps(spec.kwargs)


@needs_release
def test_enough_scenes_of_each_family() -> None:
    assert len(scene_names("pick")) >= 12 and len(scene_names("place")) >= 12
    assert scene_names() == sorted(scene_names()) == list(released())


@needs_release
@pytest.mark.parametrize("name", RELEASED)
def test_released_scenes_never_change(name: str) -> None:
    """Cards, index and assets agree; git history is the witness that the index only grows."""
    path = registry_folder() / "scenes" / f"{name}.json"
    scene = read_card(path)
    row = RELEASED[name]
    assert scene.name == name and scene.hash == row["hash"] and scene.task.family == row["family"]
    assert path.read_bytes() == to_card(scene)
    for item in scene.objects:
        assert item.pose is not None and item.asset_sha256 is not None
        if item.mesh is None:
            assert (registry_folder() / "assets" / f"{item.asset_sha256}.npz").is_file()
    assert gym.spec(f"Gen3D/{name}-v0").kwargs == {"scene": name}


@needs_release
@pytest.mark.parametrize("name", RELEASED)
def test_released_scenes_are_certified(name: str) -> None:
    scene = load_card(name)[0]
    assert {certificate.robot for certificate in scene.certificates} >= {scene.robot}
    for certificate in scene.certificates:
        assert certificate.passed and certificate.scene_hash == scene.hash


def test_what_was_released_is_still_there_unchanged() -> None:
    """The hashes of release 0.1.0, held apart from the registry: a card may be added, never changed or taken away."""
    released_then = json.loads((Path(__file__).parent / "data" / "released-0.1.0.json").read_text())
    assert len(released_then) >= 24
    assert {name: released().get(name) for name in released_then} == released_then


@needs_release
def test_nothing_lies_about_in_the_registry() -> None:
    cards = {path.stem for path in (registry_folder() / "scenes").glob("*.json")}
    assert cards == set(RELEASED)
    used = {item.asset_sha256 for name in RELEASED for item in load_card(name)[0].objects}
    assert {path.stem for path in (registry_folder() / "assets").glob("*.npz")} == used


@needs_release
def test_the_registry_is_small_enough_for_a_wheel() -> None:
    """What `setup.cfg` packs of it: policies and the study stay in the repository. The wheel may have 40 MB."""
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    packed = config["options.package_data"]["gen3d_envs.registry"].split(", ")
    files = {path for pattern in packed for path in registry_folder().glob(pattern) if path.is_file()}
    assert len(files) > 300 and not any(path.suffix == ".safetensors" for path in files)
    assert sum(path.stat().st_size for path in files) < 20e6


@needs_release
def test_released_assets_are_read_not_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ID keeps its meaning when a generator changes."""
    from gen3d_envs import build

    def generated(generator: object, item: object, seed: int) -> None:
        raise AssertionError(f"{item} was generated anew")

    monkeypatch.setattr(build.Procedural, "__call__", generated)
    for name in RELEASED:
        card, path = load_card(name)
        build.build(card, path.parent)


def test_a_scene_of_ones_own(own_card: Path) -> None:
    env_id = gen3d_envs.register_scene(own_card)
    assert env_id == "Gen3D/MyScene-00ff-v0"
    env = gym.make(env_id, obs_type="state")
    assert env.reset(seed=0)[1]["scene"] == "MyScene-00ff"
    env.close()


def test_a_scene_of_ones_own_in_spawned_workers(own_card: Path) -> None:
    """The path is in the spec, so a worker needs no registration of its own."""
    env_id = gen3d_envs.register_scene(str(own_card))
    envs = gym.make_vec(
        env_id, num_envs=2, vectorization_mode="async", vector_kwargs={"context": "spawn"}, obs_type="state"
    )
    assert list(envs.reset(seed=0)[1]["scene"]) == ["MyScene-00ff"] * 2
    envs.close()


def test_registering_again_replaces(own_card: Path) -> None:
    gen3d_envs.register_scene(own_card)
    first = gym.make("Gen3D/MyScene-00ff-v0", obs_type="state").reset(seed=0)[1]
    changed = replace(read_card(own_card), instruction="grasp the red cube")
    own_card.write_bytes(to_card(changed))
    gen3d_envs.register_scene(own_card)
    second = gym.make("Gen3D/MyScene-00ff-v0", obs_type="state").reset(seed=0)[1]
    assert second["instruction"] == "grasp the red cube" and second["scene_hash"] != first["scene_hash"]


@needs_release
def test_a_released_name_is_refused(own_card: Path) -> None:
    own_card.write_bytes(to_card(replace(read_card(own_card), name=next(iter(RELEASED)))))
    with pytest.raises(SceneError, match=r"is the name of a released scene"):
        gen3d_envs.register_scene(own_card)


def test_the_scene_folder(tmp_path: Path) -> None:
    shutil.copy(SCENES / "TestPickCan.json", tmp_path)
    code = "import gymnasium as gym, gen3d_envs; print([i for i in gym.registry if i.startswith('Gen3D/Test')])"
    assert helpers.run_python(code, GEN3D_SCENES=str(tmp_path)).strip() == "['Gen3D/TestPickCan-v0']"


@pytest.mark.parametrize("kind", ["absent", "a file", "a bad card", "an odd name"])
def test_a_bad_scene_folder_does_not_break_the_import(kind: str, tmp_path: Path) -> None:
    """One broken file in a user's folder must not take the other IDs away."""
    folder = tmp_path / "scenes"
    if kind == "a file":
        folder.write_text("")
    elif kind != "absent":
        folder.mkdir()
        shutil.copy(SCENES / "TestPickCan.json", folder)
        (folder / ("Broken.json" if kind == "a bad card" else "my scene (copy).json")).write_text("{")
    code = "import gymnasium as gym, gen3d_envs; print([i for i in gym.registry if i.startswith('Gen3D/TestPickCan')])"
    expected = [] if kind in ("absent", "a file") else ["Gen3D/TestPickCan-v0"]
    assert helpers.run_python(code, GEN3D_SCENES=str(folder)).strip() == str(expected)


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    """As a bank is used: every card of the folder has its ID."""
    shutil.copy(SCENES / "TestPickCan.json", tmp_path)
    (tmp_path / "bank.json").write_text("{}")
    code = (
        "import gymnasium as gym, gen3d_envs\n"
        f"gen3d_envs.register_folder({str(tmp_path)!r}); gen3d_envs.register_folder('no/such/folder')\n"
        "env = gym.make('Gen3D/TestPickCan-v0', obs_type='state')\n"
        "print(env.reset(seed=0)[1]['scene'], type(gym.registry).__name__)"
    )
    assert helpers.run_python(code, GEN3D_SCENES=str(tmp_path / "none")).split() == ["TestPickCan", "dict"]


LARGE = """
import json, sys
from pathlib import Path
import gymnasium as gym
from gymnasium.envs.registration import registry as kept
import gen3d_envs
from gen3d_envs.registration import LARGE_FOLDER
known = len(gym.registry)
env_id = "Gen3D/TestPickCan-0003e7-v0"
spec = gym.spec(env_id)
found = [env_id in gym.registry, env_id in kept, len(gym.registry) - known, known < LARGE_FOLDER]
for wrong in ("Gen3D/TestPickCan-ffffff-v0", "Gen3D/../bank-v0", "Gen3D/TestPickCan-0003e7-v1", "Other/TestPickCan-v0"):
    found.append(wrong in gym.registry)
    try:
        gym.make(wrong)
    except gym.error.Error:
        continue
    found.append(wrong)
env = gym.make(env_id, obs_type="state")
found.append(env.reset(seed=0)[1]["instruction"])
env.close()
gym.register(id="Other-v0", entry_point="x:y")
found += ["Other-v0" in kept, gym.registry.pop("Other-v0").id, "Other-v0" in kept]
found.append(gen3d_envs.registration.load_card("TestPickCan-0003e7")[0].instruction)
print(json.dumps(found))
"""


def test_a_large_folder_is_not_listed_but_every_id_is_found(tmp_path: Path) -> None:
    """Over a thousand cards: the registry shows what is in use, finds the rest, and remains one dictionary."""
    data = (SCENES / "TestPickCan.json").read_bytes()
    for number in range(1001):
        name = f"TestPickCan-{number:06x}"
        (tmp_path / f"{name}.json").write_bytes(data.replace(b"TestPickCan", name.encode()))
    instruction = read_card(SCENES / "TestPickCan.json").instruction
    assert helpers.run_json(LARGE, GEN3D_SCENES=str(tmp_path)) == [
        True, True, 1, True, False, False, False, False, instruction, True, "Other-v0", False, instruction,
    ]  # fmt: skip


def test_a_foreign_version_of_an_id_is_unknown() -> None:
    with pytest.raises(gym.error.Error):
        gym.make("Gen3D/TestPickCan-v7")
    with pytest.raises(gym.error.Error):
        gym.make("Gen3D/NoSuchScene-v0")


def test_certificates_do_not_change_the_hash() -> None:
    scene = read_card(SCENES / "TestPickCan.json")
    check = CheckResult(name="drift", passed=True, value=0.0, limit=1.0, unit="m")
    certificate = Certificate(scene_hash=scene.hash, engine="e", renderer="r", robot="widowx", checks=(check,))
    assert replace(scene, certificates=(certificate,)).hash == scene.hash


def test_the_registry_documents_its_policy() -> None:
    text = (REPOSITORY / "registry" / "README.md").read_text()
    assert "never change" in text
