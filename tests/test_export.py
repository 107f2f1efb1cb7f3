"""Exported scenes: other tools read from the files what our own worlds have, and a folder is whole or not there."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import helpers
import numpy as np
import pytest

from gen3d_envs.assets import decompose
from gen3d_envs.assets.asset import Asset, Box, Hull, Sphere
from gen3d_envs.assets.import_urdf import import_urdf
from gen3d_envs.assets.mesh_file import read_mesh
from gen3d_envs.build import BuiltScene
from gen3d_envs.cameras import FRONT
from gen3d_envs.cli import main
from gen3d_envs.errors import FieldError
from gen3d_envs.export import folder, gltf, scene
from gen3d_envs.export.glb import object_poses, robot_poses, scene_glb
from gen3d_envs.export.urdf import object_files, robot_files
from gen3d_envs.geometry import rotate
from gen3d_envs.robots import get_robot
from gen3d_envs.scenes import load_scene
from gen3d_envs.sim.engines import make_world
from gen3d_envs.sim.view import VisualMesh

trimesh = pytest.importorskip("trimesh")

NAMES = ("PutEggplantInBasket-e247", "PickEgg-85f0", "PutBallInBucket-8375")
"""A container of hulls and a handle; an egg, which rolls; spheres and boxes."""


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest) -> BuiltScene:
    return load_scene(request.param)


@pytest.fixture(scope="module")
def out(built: BuiltScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.export_scene(built, tmp_path_factory.mktemp("export") / "out")


def described(out: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((out / "scene.json").read_text())
    return fields


# ---- URDF ----------------------------------------------------------------------------------------------------------


def volume_of(asset: Asset) -> float:
    total = 0.0
    for part in asset.collision:
        if isinstance(part, Hull):
            total += decompose.hull_volume(part.vertices.astype(np.float64))
        elif isinstance(part, Box):
            total += 8.0 * math.prod(part.half_extents_m)
        else:
            assert isinstance(part, Sphere)
            total += 4.0 / 3.0 * math.pi * part.radius_m**3
    return total


def test_objects_survive_the_way_through_urdf(built: BuiltScene, out: Path) -> None:
    for item, asset in zip(built.spec.objects, built.assets, strict=True):
        again = import_urdf(out / "objects" / item.name / f"{item.name}.urdf")
        assert again.mass_kg == asset.mass_kg and again.friction == asset.friction
        assert again.size_m == pytest.approx(asset.size_m, abs=0.003)
        # The import keeps at most 32 corners of each hull, the export all of them: round things lose some volume.
        assert 0.9 * volume_of(asset) < volume_of(again) < 1.01 * volume_of(asset)
        assert len(again.collision) == len(asset.collision)


def test_urdf_states_mass_centre_and_inertia_exactly(built: BuiltScene, out: Path) -> None:
    for item, asset in zip(built.spec.objects, built.assets, strict=True):
        link = ElementTree.parse(out / "objects" / item.name / f"{item.name}.urdf").getroot().find("link")
        assert link is not None
        origin, inertia = link.find("inertial/origin"), link.find("inertial/inertia")
        assert origin is not None and inertia is not None
        assert tuple(float(word) for word in origin.get("xyz", "").split()) == asset.com_m
        assert tuple(float(inertia.get(key, "nan")) for key in ("ixx", "iyy", "izz")) == asset.inertia_kgm2
        assert len(link.findall("collision")) == len(asset.collision)


def test_every_file_a_urdf_names_is_there_and_relative(out: Path) -> None:
    documents = sorted(out.rglob("*.urdf"))
    assert {path.parent.name for path in documents} >= {"robot", "support"}
    for path in documents:
        for mesh in ElementTree.parse(path).getroot().iter("mesh"):
            name = mesh.get("filename", "")
            assert "/" not in name and (path.parent / name).is_file()


def test_looks_keep_shape_and_colours(built: BuiltScene, out: Path) -> None:
    """Turned by the origin that the URDF states; colours within the 8 linear bits of glTF."""
    for item, asset in zip(built.spec.objects, built.assets, strict=True):
        raw = read_mesh(out / "objects" / item.name / "visual.glb")
        x, y, z = raw.vertices.T
        shown = np.column_stack([x, -z, y, raw.colors])
        corners = np.column_stack([asset.vertices, asset.colors])[asset.faces]
        assert np.abs(shown[:, :3].min(axis=0) - asset.vertices.min(axis=0)).max() < 1e-6
        assert len(raw.faces) == len(asset.faces) and raw.colored
        # Faces keep their order; where a face begins does not matter.
        apart = np.abs(shown[raw.faces] - corners)
        assert apart[..., :3].max() < 1e-6 and apart[..., 3:].max() < 7.0


def test_the_robots_urdf_has_its_joints_and_its_mimic(built: BuiltScene, out: Path) -> None:
    robot = get_robot(built.spec.robot)
    root = ElementTree.parse(out / "robot" / f"{robot.name}.urdf").getroot()
    for joint in robot.model.joints:
        element = root.find(f"joint[@name='{joint.name}']")
        assert element is not None
        limit, mimic = element.find("limit"), element.find("mimic")
        assert limit is not None
        assert [float(limit.get(key, "nan")) for key in ("lower", "upper", "effort", "velocity")] == [
            joint.lower, joint.upper, joint.effort, joint.velocity,
        ]  # fmt: skip
        assert (mimic is not None) == (joint.mimic is not None)
        if mimic is not None:
            assert root.find(f"joint[@name='{mimic.get('joint')}']") is not None
            assert float(mimic.get("multiplier", "nan")) == joint.mimic
    assert len(root.findall("link/visual")) == sum(
        link.visual is not None and len(link.visual.faces) > 0 for link in robot.model.links
    )


def test_another_physics_engine_loads_the_robot(tmp_path: Path) -> None:
    """The exported robot, loaded by PyBullet's own reader, stands where ours does."""
    pytest.importorskip("pybullet")
    robot = get_robot("widowx")
    for name, data in robot_files(robot).items():
        (tmp_path / name).write_bytes(data)
    code = f"""
import json, pybullet as p
c = p.connect(p.DIRECT)
b = p.loadURDF({str(tmp_path / "widowx_bare.urdf")!r}, basePosition={robot.base_position_m!r}, useFixedBase=True,
               flags=p.URDF_USE_INERTIA_FROM_FILE | p.URDF_MAINTAIN_LINK_ORDER)
for i, q in enumerate({[*robot.home, *robot.finger_open]!r}):
    p.resetJointState(b, i, q)
print(json.dumps([p.getLinkState(b, i, computeForwardKinematics=1)[4] for i in range(p.getNumJoints(b))]))
"""
    found = helpers.run_json(code)
    expected = [position for position, _ in robot_poses(robot)[1:]]
    assert np.abs(np.array(found) - np.array(expected)).max() < 1e-5


def test_hulls_are_closed_and_face_outwards(built: BuiltScene) -> None:
    for item, asset in zip(built.spec.objects, built.assets, strict=True):
        files = object_files(item, asset)
        hulls = [part for part in asset.collision if isinstance(part, Hull)]
        assert sum(name.endswith(".obj") for name in files) == len(hulls)
        for index, part in enumerate(hulls):
            mesh = trimesh.load(io.BytesIO(files[f"collision_{index}.obj"]), file_type="obj", process=True)
            assert mesh.is_watertight
            assert mesh.volume == pytest.approx(decompose.hull_volume(part.vertices.astype(np.float64)), rel=1e-4)


# ---- scene.json ----------------------------------------------------------------------------------------------------


def test_the_description_says_what_our_world_has(built: BuiltScene, out: Path) -> None:
    fields = described(out)
    spec = built.spec
    assert fields["scene_hash"] == built.hash and fields["instruction"] == spec.instruction
    assert fields["task"]["target"] == spec.task.target and fields["units"]["quaternion"] == "xyzw"
    assert "MIT" in fields["licence"]
    poses = object_poses(built)
    for row, asset, (position, orientation) in zip(fields["objects"], built.assets, poses, strict=True):
        assert tuple(row["position_m"]) == position and tuple(row["orientation_xyzw"]) == orientation
        assert row["mass_kg"] == asset.mass_kg and row["friction"] == asset.friction
        assert (out / row["urdf"]).is_file() and row["asset_sha256"] == asset.sha256
    assert (out / fields["support"]["urdf"]).is_file() and (out / fields["robot"]["urdf"]).is_file()
    assert len(fields["robot"]["start"]) == len(fields["robot"]["joints"])
    assert {camera["name"] for camera in fields["cameras"]} == {"front", "wrist"}


# ---- GLB -----------------------------------------------------------------------------------------------------------


def test_one_glb_shows_everything_where_it_stands(built: BuiltScene, out: Path) -> None:
    loaded = trimesh.load_scene(out / f"{built.spec.name}.glb")
    names = set(loaded.graph.nodes)
    robot = get_robot(built.spec.robot)
    assert {f"object/{item.name}" for item in built.spec.objects} <= names
    assert {f"robot/{link.name}" for link in robot.model.links} <= names
    assert {"support/0", "room/0", "camera/front", built.spec.name} <= names
    for item, asset, (position, orientation) in zip(built.spec.objects, built.assets, object_poses(built), strict=True):
        transform, _ = loaded.graph[f"object/{item.name}"]
        points = np.array([rotate(orientation, tuple(v)) for v in asset.vertices.astype(float).tolist()]) + position
        shown = trimesh.transform_points(asset.vertices, transform)
        x, y, z = shown.T
        assert np.abs(np.stack([x, -z, y], axis=1) - points).max() < 1e-5, "glTF is y-up"
    transform, geometry = loaded.graph["support/0"]
    top = trimesh.transform_points(loaded.geometry[geometry].vertices, transform)
    assert np.abs(top[:, 1]).max() < 0.2, "the support's top lies at height 0"


def test_the_glb_camera_looks_where_ours_looks(built: BuiltScene, out: Path) -> None:
    data = (out / f"{built.spec.name}.glb").read_bytes()
    nodes = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])["nodes"]
    camera, root = next(node for node in nodes if "camera" in node), nodes[-1]
    assert nodes.index(camera) in root["children"]
    assert tuple(camera["translation"]) == FRONT.position_m, "in the scene frame, below the root that turns it"
    back = rotate(tuple(camera["rotation"]), (0.0, 0.0, 1.0))
    up = rotate(tuple(camera["rotation"]), (0.0, 1.0, 0.0))
    forward = np.array(FRONT.forward) / np.linalg.norm(FRONT.forward)
    assert -np.array(back) == pytest.approx(forward, abs=1e-6), "glTF cameras look along their -z"
    assert up[2] > 0 and abs(np.dot(up, forward)) < 1e-9
    assert rotate(tuple(root["rotation"]), (0.0, 0.0, 1.0)) == pytest.approx((0.0, 1.0, 0.0), abs=1e-9)


def test_a_viewer_may_leave_out_the_room() -> None:
    built = load_scene(NAMES[1])
    loaded = trimesh.load_scene(io.BytesIO(scene_glb(built, room=False)), file_type="glb")
    assert not [name for name in loaded.graph.nodes if str(name).startswith("room/")]
    assert loaded.extents.max() < 2.5


def test_glb_structure_is_what_the_specification_asks_for(out: Path, built: BuiltScene) -> None:
    data = (out / f"{built.spec.name}.glb").read_bytes()
    assert data[:4] == b"glTF" and int.from_bytes(data[4:8], "little") == 2
    assert int.from_bytes(data[8:12], "little") == len(data)
    length = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + length])
    body = data[28 + length :]
    assert (
        int.from_bytes(data[20 + length : 24 + length], "little") == len(body) == document["buffers"][0]["byteLength"]
    )
    sizes = {5121: 1, 5123: 2, 5126: 4}
    columns = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        row = sizes[accessor["componentType"]] * columns[accessor["type"]]
        assert view["byteLength"] == row * accessor["count"] and view["byteOffset"] % 4 == 0
        assert view.get("target") != 34962 or row % 4 == 0, "vertex attributes are aligned to four bytes"
    for mesh in document["meshes"]:
        position = document["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]
        assert len(position["min"]) == len(position["max"]) == 3
    assert all(camera["perspective"]["yfov"] > 0 for camera in document["cameras"])


def test_png_is_read_back() -> None:
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(gltf.png(picture)))), picture)


def test_quaternions_of_matrices() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        q = rng.normal(size=4)
        q /= np.linalg.norm(q)
        rows = np.stack([rotate(tuple(q), axis) for axis in ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))], axis=1)
        found = np.array(gltf.quaternion_of(tuple(map(tuple, rows))))  # type: ignore[arg-type]
        assert abs(abs(found @ q) - 1.0) < 1e-12


def test_empty_looks_are_frames_only() -> None:
    empty = VisualMesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint8))
    data = gltf.scene_file("nothing", [gltf.GlbNode("frame", empty, (1.0, 2.0, 3.0))])
    assert b'"frame"' in data and b'"meshes"' not in data


# ---- MJCF ----------------------------------------------------------------------------------------------------------


def test_mujoco_loads_steps_and_agrees(built: BuiltScene, out: Path) -> None:
    mujoco = pytest.importorskip("mujoco")
    model = mujoco.MjModel.from_xml_path(str(out / "mjcf" / "scene.xml"))
    setup = scene.scene_setup(built, get_robot(built.spec.robot))
    for body in setup.bodies:
        found = model.body(body.name)
        assert found.mass[0] == pytest.approx(body.asset.mass_kg, rel=1e-5)
        assert sorted(found.inertia) == pytest.approx(sorted(body.asset.inertia_kgm2), rel=1e-4)
        touching = [
            geom for geom in range(model.ngeom)
            if model.geom_bodyid[geom] == found.id and not model.geom(geom).name.startswith("look/")
        ]  # fmt: skip
        assert len(touching) == len(body.asset.collision)
    for joint in setup.robot.model.joints:
        assert model.joint(joint.name).range == pytest.approx((joint.lower, joint.upper), rel=1e-5, abs=1e-6)
    looks = [geom for geom in range(model.ngeom) if model.geom(geom).name.startswith("look/")]
    assert looks and all(model.geom_contype[geom] == model.geom_conaffinity[geom] == 0 for geom in looks)
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    for _ in range(round(1.0 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    for engine in ("mujoco", "pybullet"):
        pytest.importorskip(engine)
        world = make_world(engine)
        try:
            world.load(setup)
            world.drive(setup.robot.joints, world.physics_hz)
            for index, body in enumerate(setup.bodies):
                apart = math.dist(world.body_pose(index)[0], data.body(body.name).xpos)
                assert apart < (1e-4 if engine == "mujoco" else 0.005), (engine, body.name)
            joints = np.array(world.joint_states()[0])
            assert np.abs(joints - data.qpos[: len(joints)]).max() < 2e-3
        finally:
            world.close()


def test_the_panda_is_exported_too() -> None:
    mujoco = pytest.importorskip("mujoco")
    files = scene.export_files(load_scene(NAMES[1]), robot="panda")
    assert "robot/panda.urdf" in files and b"Apache-2.0" in files["scene.json"]
    assets = {
        name.removeprefix("mjcf/assets/"): data for name, data in files.items() if name.startswith("mjcf/assets/")
    }
    model = mujoco.MjModel.from_xml_string(files["mjcf/scene.xml"].decode(), assets)
    assert model.nu == 8 and model.njnt == 9 + len(load_scene(NAMES[1]).assets)


# ---- folders -------------------------------------------------------------------------------------------------------


def test_link_poses_agree_with_the_engine() -> None:
    pytest.importorskip("pybullet")
    for name in helpers.ROBOT_NAMES:
        robot = get_robot(name)
        setup = scene.scene_setup(load_scene(NAMES[1]), robot)
        world = make_world("pybullet")
        try:
            world.load(setup)
            for (p, q), (wp, wq) in zip(robot_poses(robot), world.link_poses(), strict=True):
                assert math.dist(p, wp) < 1e-6 and abs(abs(np.dot(q, wq)) - 1.0) < 1e-6
        finally:
            world.close()


def test_equal_scenes_give_equal_bytes_in_any_process(built: BuiltScene, out: Path) -> None:
    code = (
        "import hashlib, json\nfrom gen3d_envs.scenes import load_scene\n"
        "from gen3d_envs.export.scene import export_files\n"
        f"files = export_files(load_scene({built.spec.name!r}))\n"
        "print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}))"
    )
    mark = json.loads((out / folder.MARK).read_text())
    assert helpers.run_json(code, hash_seed="7") == mark["files"]
    on_disk = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    assert set(on_disk) == {*mark["files"], folder.MARK}
    assert all(hashlib.sha256(on_disk[name].read_bytes()).hexdigest() == sha for name, sha in mark["files"].items())


def test_other_folders_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = load_scene(NAMES[1])
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(taken)
    monkeypatch.chdir(taken)
    for name in ("taken", "file", "link", "."):
        for force in (False, True):
            with pytest.raises(FieldError, match="--out"):
                scene.export_scene(built, tmp_path / name, ("glb",), force=force)
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]


def test_an_earlier_export_is_replaced_only_when_asked_and_whole(tmp_path: Path) -> None:
    built, out = load_scene(NAMES[1]), tmp_path / "out"
    scene.export_scene(built, out, ("urdf",))
    with pytest.raises(FieldError, match="Add --force"):
        scene.export_scene(built, out, ("glb",))
    scene.export_scene(built, out, ("glb",), force=True)
    assert sorted(path.name for path in out.iterdir()) == [f"{built.spec.name}.glb", "export.json", "scene.json"]
    assert described(out)["robot"]["urdf"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, out = load_scene(NAMES[1]), tmp_path / "out"
    scene.export_scene(built, out, ("glb",))
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for target in (out, tmp_path / "new"):
        with pytest.raises(OSError, match="No space"):
            scene.export_scene(built, target, ("urdf",), force=True)
    monkeypatch.undo()
    replace = os.replace

    def refuse(start: Any, end: Any) -> None:
        if Path(end) == out and ".old" not in str(start):
            raise OSError(13, "Permission denied")
        replace(start, end)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Permission"):
        scene.export_scene(built, out, ("urdf",), force=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("formats", [(), ("usd",), ("urdf", "fbx")])
def test_unknown_formats(formats: tuple[str, ...]) -> None:
    with pytest.raises(FieldError, match="format"):
        scene.export_files(load_scene(NAMES[1]), formats)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", f"Gen3D/{NAMES[1]}-v0", "--format", "glb"]) == 0
    assert (tmp_path / "export" / NAMES[1] / f"{NAMES[1]}.glb").is_file()
    assert main(["export", NAMES[1], "--format", "urdf"]) == 1
    assert "Add --force" in capsys.readouterr().err
    assert main(["export", NAMES[1], "--format", "urdf", "--force"]) == 0
    assert main(["export", "NoSuchScene", "--out", "x"]) == 1 and not (tmp_path / "x").exists()
    card = next((helpers.SCENES).glob("*.json"))
    assert main(["export", str(card), "--out", "mine"]) == 0
    assert "mjcf/scene.xml" in capsys.readouterr().out
