"""Foreign meshes: real ones become usable assets, bad ones a clear error, and nothing else happens."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen3d_envs.assets import affordances, decompose, import_mesh, mesh_file, simplify
from gen3d_envs.assets.asset import Asset, Hull, Sphere
from gen3d_envs.assets.import_urdf import import_urdf
from gen3d_envs.errors import AssetError
from gen3d_envs.spec import MeshSpec, ObjectSpec

trimesh = pytest.importorskip("trimesh")

load = import_mesh.import_mesh
NAMES = ("basket", "ear_hear", "knife", "salt_shaker")


def write(mesh: Any, path: Path) -> Path:
    path.write_bytes(mesh.export(file_type=path.suffix[1:])) if path.suffix != ".obj" else path.write_text(
        mesh.export(file_type="obj")
    )
    return path


def cuboid(x: float = 0.03, y: float = 0.06, z: float = 0.1) -> Any:
    return trimesh.creation.box((x, y, z))


def spec(file: str, **changes: Any) -> ObjectSpec:
    fields = {"name": "thing", "role": "target", "category": "mesh", "description": "a thing", "seed": 0}
    return ObjectSpec(**{**fields, "mesh": MeshSpec(file=file), **changes})


# ---- real generated assets -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labels(shared_assets: Path) -> dict[str, dict[str, str]]:
    return {item["name"]: item for item in json.loads((shared_assets / "manifest.json").read_text())["assets"]}


@pytest.fixture(scope="module")
def real(shared_assets: Path, labels: dict[str, dict[str, str]]) -> dict[str, Asset]:
    return {name: import_real(name, shared_assets, labels) for name in NAMES}


def import_real(name: str, folder: Path, labels: dict[str, dict[str, str]]) -> Asset:
    label = labels[name]
    if name == "ear_hear":
        return import_urdf(folder / name / "sample.urdf", height_m=float(label["height"]))
    return load(
        folder / f"{name}.glb", up_axis="y", height_m=float(label["height"]), mass_kg=float(label["mass"]),
        friction=float(label["friction"]),
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_real_assets_are_fit_for_a_scene(name: str, real: dict[str, Asset], labels: dict[str, dict[str, str]]) -> None:
    asset, label = real[name], labels[name]
    assert asset.mass_kg == float(label["mass"]) and asset.friction == float(label["friction"])
    assert 4 <= len(asset.faces) <= 2500 and len(asset.colors) == len(asset.vertices)
    assert 1 <= len(asset.collision) <= 16
    assert all(isinstance(part, Hull) and 4 <= len(part.vertices) <= 32 for part in asset.collision)
    parts = np.concatenate([part.vertices for part in asset.collision if isinstance(part, Hull)])
    tolerance = 0.03 * max(asset.size_m)
    assert np.abs(parts.min(axis=0) - asset.vertices.min(axis=0)).max() < tolerance
    assert np.abs(parts.max(axis=0) - asset.vertices.max(axis=0)).max() < tolerance
    assert parts[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    assert asset.size_m[0] >= 0.99 * asset.size_m[1]
    low, high = asset.vertices.min(axis=0), asset.vertices.max(axis=0)
    assert all(low[k] < asset.com_m[k] < high[k] for k in range(3))
    moments = sorted(asset.inertia_kgm2)
    assert 0 < moments[2] < moments[0] + moments[1]
    assert asset.colors.std(axis=0).min() > 3, "the texture should show"
    assert asset.grasps and asset.grasps[0].width_m <= 0.08
    if not any("turned over" in note for note in asset.notes):
        assert asset.size_m[2] == pytest.approx(float(label["height"]), rel=0.04)


def test_the_basket_is_a_container_with_a_handle(real: dict[str, Asset]) -> None:
    basket = real["basket"]
    assert basket.cavity is not None
    assert basket.cavity.floor_z_m < 0.06 < 0.11 < basket.cavity.rim_z_m
    assert basket.cavity.half_x_m > 0.08 and basket.cavity.half_y_m > 0.06
    assert basket.grasps[0].position_m[2] > 0.25, "the handle is what to lift it by"
    assert real["knife"].cavity is None and real["salt_shaker"].cavity is None


@pytest.mark.parametrize("name", NAMES)
def test_real_assets_rest_where_they_are_put(name: str, real: dict[str, Asset]) -> None:
    pytest.importorskip("pybullet")
    import test_world

    from gen3d_envs.sim.engines import make_world

    world = make_world("pybullet")
    try:
        world.load(test_world.setup(("thing", real[name], (0.3, 0.35, 0.0005), (0.0, 0.0, 0.0, 1.0))))
        test_world.wait(world, 2.0)
        (x, y, z), turned = world.body_pose(0)
        assert world.contacts(0) == {"support"}
        assert np.hypot(x - 0.3, y - 0.35) < 0.02 and abs(z) < 0.004
        assert np.degrees(2 * np.arccos(min(1.0, abs(turned[3])))) < 4.0
    finally:
        world.close()


def test_a_ball_dropped_into_the_basket_stays(real: dict[str, Asset]) -> None:
    pytest.importorskip("pybullet")
    import test_world

    from gen3d_envs.sim.engines import make_world

    cavity = real["basket"].cavity
    assert cavity is not None
    world = make_world("pybullet")
    try:
        drop = (0.3 + cavity.center_m[0] + 0.05, 0.35 + cavity.center_m[1], cavity.rim_z_m)
        world.load(
            test_world.setup(
                ("basket", real["basket"], (0.3, 0.35, 0.0005), (0.0, 0.0, 0.0, 1.0)),
                ("ball", test_world._ball(0.02), drop, (0.0, 0.0, 0.0, 1.0)),
            )
        )
        test_world.wait(world, 3.0)
        assert world.contacts(1) == {"basket"}
    finally:
        world.close()


def test_import_is_the_same_every_time_and_cached(
    shared_assets: Path, labels: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("coacd")
    monkeypatch.setenv("GEN3D_CACHE", str(tmp_path))
    first = import_real("knife", shared_assets, labels)
    monkeypatch.setattr(decompose, "_run_coacd", lambda *_: pytest.fail("it should come from the cache"))
    start = time.perf_counter()
    second = import_real("knife", shared_assets, labels)
    assert time.perf_counter() - start < 5.0
    monkeypatch.undo()
    monkeypatch.setenv("GEN3D_CACHE", str(tmp_path / "another"))
    third = import_real("knife", shared_assets, labels)
    assert first.sha256 == second.sha256 == third.sha256


# ---- formats and frames --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", mesh_file.EXTENSIONS)
def test_formats(extension: str, tmp_path: Path) -> None:
    asset = load(write(cuboid(), tmp_path / f"box{extension}"))
    assert asset.size_m == pytest.approx((0.06, 0.03, 0.1), abs=1e-6)
    assert len(asset.collision) == 1
    assert asset.mass_kg == pytest.approx(0.03 * 0.06 * 0.1 * import_mesh.DEFAULT_DENSITY_KGM3, rel=1e-3)
    assert asset.com_m == pytest.approx((0.0, 0.0, 0.05), abs=1e-4)
    m = asset.mass_kg / 12
    expected = (m * (0.03**2 + 0.1**2), m * (0.06**2 + 0.1**2), m * (0.06**2 + 0.03**2))
    assert asset.inertia_kgm2 == pytest.approx(expected, rel=5e-3)
    assert asset.cavity is None


def test_a_flat_top_is_a_surface(tmp_path: Path) -> None:
    surface = load(write(cuboid(0.1, 0.08, 0.05), tmp_path / "block.stl")).surface
    assert surface is not None and not surface.round
    assert (surface.z_m, surface.half_x_m, surface.half_y_m) == pytest.approx((0.05, 0.05, 0.04), abs=1e-3)


def test_y_up_and_height(tmp_path: Path) -> None:
    path = write(cuboid(0.3, 1.0, 0.6), tmp_path / "box.glb")
    assert load(path, up_axis="y", height_m=0.1).size_m == pytest.approx((0.06, 0.03, 0.1), abs=1e-6)
    with pytest.raises(AssetError, match="up_axis"):
        load(path, up_axis="x")  # type: ignore[arg-type]


def test_faces_look_outwards_even_if_the_file_is_inside_out(tmp_path: Path) -> None:
    mesh = cuboid()
    mesh.invert()
    asset = load(write(mesh, tmp_path / "box.stl"))
    assert simplify.signed_volume(asset.vertices.astype(float), asset.faces.astype(np.int64)) > 0


def test_colours(tmp_path: Path) -> None:
    mesh = cuboid()
    mesh.visual.vertex_colors = np.tile(np.array([200, 30, 40, 255], np.uint8), (8, 1))
    path = write(mesh, tmp_path / "box.ply")
    assert np.array_equal(np.unique(load(path).colors, axis=0), [[200, 30, 40]])
    painted = np.unique(load(path, color="green").colors, axis=0)
    assert len(painted) == 1 and painted[0, 1] > painted[0, 0]
    assert np.array_equal(
        np.unique(load(write(cuboid(), tmp_path / "plain.stl")).colors, axis=0), [mesh_file.PLAIN_COLOR]
    )


def test_a_texture_is_baked(tmp_path: Path) -> None:
    from PIL import Image

    mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    top = mesh.vertices[:, 2] > 0
    uv = np.column_stack([np.full(len(top), 0.5), np.where(top, 0.9, 0.1)])
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4], picture[4:] = (0, 0, 250), (250, 0, 0)  # the first rows are the picture's top, v = 1
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(picture))
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    asset = load(write(mesh, tmp_path / "ball.glb"))
    high = asset.vertices[:, 2] > 0.035
    low = asset.vertices[:, 2] < 0.025
    assert asset.colors[high].mean(axis=0)[2] > 200 > 50 > asset.colors[high].mean(axis=0)[0]
    assert asset.colors[low].mean(axis=0)[0] > 200


def test_a_dense_ball_is_decimated_and_rolls_badly(tmp_path: Path) -> None:
    asset = load(write(trimesh.creation.icosphere(subdivisions=5, radius=0.03), tmp_path / "ball.stl"))
    assert len(asset.faces) <= 2500 and len(asset.collision) == 1
    assert isinstance(asset.collision[0], Sphere) and asset.rolling_friction_m > 0
    assert asset.collision[0].radius_m == pytest.approx(0.03, rel=0.01)
    assert asset.grasps[0].width_m == pytest.approx(0.06, abs=0.004)


def test_many_crumbs_are_decimated_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    crumbs = [cuboid(0.01, 0.01, 0.01) for _ in range(500)]
    for crumb in crumbs:
        crumb.apply_translation(rng.uniform(0, 0.3, 3))
    raw = trimesh.util.concatenate(crumbs)
    points, faces = simplify.decimated(np.asarray(raw.vertices), np.asarray(raw.faces, np.int64), 2500)
    assert 4 <= len(faces) <= 2500 and np.isfinite(points).all()
    points, faces = simplify.clustered(np.asarray(raw.vertices), np.asarray(raw.faces, np.int64), 300)
    assert 0 < len(faces) <= 300


def test_a_bowl_holds_something(tmp_path: Path) -> None:
    pytest.importorskip("coacd")
    profile = [(0.0, 0.0), (0.04, 0.0), (0.07, 0.06), (0.062, 0.06), (0.036, 0.008), (0.0, 0.008)]
    asset = load(write(trimesh.creation.revolve(np.array(profile)), tmp_path / "bowl.stl"))
    assert asset.cavity is not None and asset.cavity.round
    assert asset.cavity.rim_z_m == pytest.approx(0.06, abs=0.01) and asset.cavity.floor_z_m < 0.03
    assert asset.surface is None


def test_what_cannot_stand_is_laid_down(tmp_path: Path) -> None:
    cone = trimesh.creation.cone(radius=0.02, height=0.12)
    cone.apply_transform(trimesh.transformations.rotation_matrix(np.pi, (1, 0, 0)))  # on its tip
    asset = load(write(cone, tmp_path / "cone.stl"))
    assert asset.size_m[2] < 0.06 and any("turned over" in note for note in asset.notes)


def test_collision_bodies_beside_the_mesh_are_used(tmp_path: Path) -> None:
    path = write(cuboid(), tmp_path / "thing.obj")
    halves = [cuboid(0.015, 0.06, 0.1).apply_translation((sign * 0.0075, 0, 0)) for sign in (-1, 1)]
    write(trimesh.util.concatenate(halves), tmp_path / "thing_collision.obj")
    assert len(load(path).collision) == 2
    write(cuboid(3, 6, 10), tmp_path / "thing_collision.obj")
    with pytest.raises(AssetError, match="do not stand where"):
        load(path)


def test_too_many_bodies_are_merged_without_filling_the_hollow() -> None:
    angles = np.arange(40) * 2 * np.pi / 40
    offsets = np.column_stack([0.1 * np.cos(angles), 0.1 * np.sin(angles), 0 * angles])
    bodies = [cuboid(0.01, 0.02, 0.05).vertices + offset for offset in offsets]
    pieces = decompose.pieces_of([np.asarray(body) for body in bodies])
    assert len(pieces) <= 16 and max(len(piece) for piece in pieces) <= 32
    enter, _ = affordances.cast(affordances.planes_of(pieces), np.zeros((1, 3)), np.array([0.0, 0.0, 1.0]))
    assert np.isnan(enter).all(), "the middle of the ring is still free"


# ---- grasps --------------------------------------------------------------------------------------------------------


def test_grasps_of_a_cuboid_close_on_its_thin_side(tmp_path: Path) -> None:
    asset = load(write(cuboid(0.03, 0.15, 0.06), tmp_path / "box.stl"))
    best = asset.grasps[0]
    assert best.width_m == pytest.approx(0.03, abs=1e-4)
    assert abs(abs(best.yaw_rad) - np.pi / 2) < 1e-6, "the long side lies along x, so the fingers close along y"
    assert np.hypot(*best.position_m[:2]) < 0.03
    assert all(grasp.width_m <= affordances.WIDEST_GRASP_M for grasp in asset.grasps)


def test_grip_width_is_kept_or_refused_with_a_remedy(tmp_path: Path) -> None:
    path = write(cuboid(0.1, 0.15, 0.2), tmp_path / "box.stl")
    with pytest.raises(AssetError, match="smaller height_m, at most") as caught:
        load(path, grip_width_m=0.06)
    height = float(caught.value.remedy.rsplit(" ", 1)[1])
    asset = load(path, grip_width_m=0.06, height_m=height)
    assert asset.grasps and all(grasp.width_m <= 0.06 for grasp in asset.grasps)


def test_the_palm_stays_above_the_object(tmp_path: Path) -> None:
    grasps = load(write(cuboid(0.03, 0.05, 0.2), tmp_path / "tower.stl")).grasps
    assert grasps and all(grasp.position_m[2] > 0.192 - affordances.PALM_M for grasp in grasps)


def test_what_narrows_upwards_is_gripped_where_it_does_not(tmp_path: Path) -> None:
    profile = [(0, 0), (0.03, 0), (0.02, 0.06), (0.02, 0.1), (0, 0.1)]
    grasps = load(write(trimesh.creation.revolve(np.array(profile)), tmp_path / "flask.stl")).grasps
    assert grasps[0].width_m == pytest.approx(0.04, abs=0.002)


def test_fingers_do_not_come_through_an_overhang(tmp_path: Path) -> None:
    stem = cuboid(0.02, 0.02, 0.1)
    roof = cuboid(0.15, 0.15, 0.02).apply_translation((0, 0, 0.06))
    foot = cuboid(0.15, 0.15, 0.02).apply_translation((0, 0, -0.06))
    parts = [stem, roof, foot]
    path = write(trimesh.util.concatenate(parts), tmp_path / "spool.obj")
    write(trimesh.util.concatenate(parts), tmp_path / "spool_collision.obj")
    assert load(path).grasps == ()


# ---- bad input -----------------------------------------------------------------------------------------------------


def bad_files(folder: Path) -> Iterator[tuple[str, Path, str]]:
    good = cuboid().export(file_type="glb")
    yield "missing", folder / "nothing.glb", "does not exist"
    (folder / "folder.glb").mkdir()
    yield "folder", folder / "folder.glb", "is not a file"
    for name, data, message in (
        ("empty.glb", b"", "not a GLB"),
        ("empty.obj", b"", "no faces|not a mesh"),
        ("empty.ply", b"", "not a mesh"),
        ("empty.stl", b"", "truncated|not a mesh|no faces"),
        ("text.glb", b"hello", "not a GLB"),
        ("half.glb", good[: len(good) // 2], "damaged"),
        ("half.stl", cuboid().export(file_type="stl")[:300], "truncated"),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces|not a mesh"),
        ("nan.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n", "not finite"),
        ("flat.obj", b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3\nf 1 3 4\nf 2 3 4\nf 1 2 4\n", "flat"),
        ("lone.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "too few faces"),
        ("beyond.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "not a mesh|does not exist"),
        ("many.stl", b"\0" * 80 + struct.pack("<I", 1_000_001) + b"\0" * 50, "truncated"),
        ("many.ply", b"ply\nformat ascii 1.0\nelement vertex 9\nelement face 9999999\nend_header\n", "faces"),
        ("picture.fbx", b"x", "unknown extension"),
        ("noextension", b"x", "unknown extension"),
    ):
        (folder / name).write_bytes(data)
        yield name, folder / name, message


def test_bad_files(tmp_path: Path) -> None:
    for name, path, message in bad_files(tmp_path):
        with pytest.raises(AssetError) as caught:
            load(path)
        assert re.search(message, str(caught.value)), f"{name}: {caught.value}"


def test_a_million_faces(tmp_path: Path) -> None:
    path = tmp_path / "huge.stl"
    path.write_bytes(b"\0" * 80 + struct.pack("<I", 1_000_001) + bytes(50 * 1_000_001))
    start = time.perf_counter()
    with pytest.raises(AssetError, match="more than 1,000,000 faces"):
        load(path)
    assert time.perf_counter() - start < 2.0


def test_a_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "huge.obj"
    with path.open("wb") as file:
        file.truncate(mesh_file.MAX_FILE_BYTES + 1)
    with pytest.raises(AssetError, match="100 MB"):
        load(path)


def test_millimetres(tmp_path: Path) -> None:
    path = write(cuboid(30, 60, 100), tmp_path / "box.stl")
    with pytest.raises(AssetError, match=r"looks like millimetres.*Give height_m"):
        load(path)
    assert load(path, height_m=0.1).size_m == pytest.approx((0.06, 0.03, 0.1), abs=1e-6)
    with pytest.raises(AssetError, match="under a millimetre"):
        load(write(cuboid(1e-5, 1e-5, 1e-5), tmp_path / "tiny.stl"))
    with pytest.raises(AssetError, match="up_axis"):
        load(write(cuboid(0.001, 5, 0.001), tmp_path / "rod.stl"), height_m=0.1)


@pytest.mark.parametrize("name", ["height_m", "mass_kg", "friction", "grip_width_m"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_absurd_numbers(name: str, value: float, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=name):
        load(write(cuboid(), tmp_path / "box.stl"), **{name: value})  # type: ignore[arg-type]


def test_small_holes_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompose, "_run_coacd", lambda *_: pytest.fail("a ball needs no decomposition"))
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    mesh.update_faces(np.arange(len(mesh.faces)) % 97 > 0)
    asset = load(write(mesh, tmp_path / "holes.stl"))
    assert simplify.is_watertight(asset.faces.astype(np.int64))
    expected = 4 / 3 * np.pi * 0.03**3 * import_mesh.DEFAULT_DENSITY_KGM3
    assert asset.mass_kg == pytest.approx(expected, rel=0.15)


def test_open_meshes_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompose, "_run_coacd", lambda vertices, *_: [vertices])  # thickening a shell takes seconds
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
    mesh.update_faces(mesh.triangles_center[:, 2] < 0)
    asset = load(write(mesh, tmp_path / "open.stl"))
    assert any("not watertight" in note for note in asset.notes)


# ---- what files refer to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../secret.glb", "/etc/passwd", "a/../../secret.glb", "C:\\x.glb", "http://x/y.glb", ""]
)
def test_paths_do_not_climb_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(AssetError):
        mesh_file.inside(tmp_path, name, "file")


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "scene").mkdir()
    write(cuboid(), tmp_path / "secret.glb")
    (tmp_path / "scene" / "link.glb").symlink_to(tmp_path / "secret.glb")
    with pytest.raises(AssetError, match="climbs out"):
        import_mesh.import_object(spec("link.glb"), tmp_path / "scene")


def test_an_obj_may_not_read_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "scene").mkdir()
    (tmp_path / "secret.mtl").write_text("newmtl a\nKd 1 0 0\n")
    text = cuboid().export(file_type="obj")
    path = tmp_path / "scene" / "box.obj"
    path.write_text("mtllib ../secret.mtl\nusemtl a\n" + text)
    with pytest.raises(AssetError, match="climbs out"):
        load(path)


def test_objects_of_a_scene(tmp_path: Path) -> None:
    path = write(cuboid(), tmp_path / "box.glb")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    asset = import_mesh.import_object(
        spec("box.glb", mesh=MeshSpec(file="box.glb", sha256=sha256), mass_kg=0.2), tmp_path
    )
    assert asset.mass_kg == 0.2 and asset.category == "mesh"
    with pytest.raises(AssetError, match="hashes to"):
        import_mesh.import_object(spec("box.glb", mesh=MeshSpec(file="box.glb", sha256="0" * 64)), tmp_path)


# ---- URDF ----------------------------------------------------------------------------------------------------------

URDF = """<?xml version="1.0"?><robot name="r"><link name="l">
<visual><origin xyz="0 0 0" rpy="1.5707963267948966 0 0"/>
<geometry><mesh filename="box.obj" scale="1 1 1"/></geometry></visual>
<inertial><mass value="0.25"/></inertial><collision><geometry><mesh filename="box.obj"/></geometry>
<gazebo><mu1>0.7</mu1><mu2>0.4</mu2></gazebo><origin rpy="1.5707963267948966 0 0"/></collision></link></robot>"""


def urdf(folder: Path, text: str) -> Path:
    write(cuboid(0.03, 0.1, 0.06), folder / "box.obj")
    (folder / "thing.urdf").write_text(text)
    return folder / "thing.urdf"


def test_urdf(tmp_path: Path) -> None:
    asset = import_urdf(urdf(tmp_path, URDF))
    assert asset.size_m == pytest.approx((0.06, 0.03, 0.1), abs=1e-6)
    assert asset.mass_kg == 0.25 and asset.friction == 0.7
    same = import_mesh.import_object(spec("thing.urdf"), tmp_path)
    assert same.mass_kg == 0.25 and same.size_m == asset.size_m
    assert import_urdf(tmp_path / "thing.urdf", mass_kg=0.1, friction=0.2).friction == 0.2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<robot name="r">', '<!DOCTYPE r [<!ENTITY a "b">]><robot name="r">'),
        ("</robot>", ""),
        ("</robot>", '<link name="m"/></robot>'),
        ('filename="box.obj" scale', 'filename="../box.obj" scale'),
        ('filename="box.obj" scale', 'filename="file:///etc/passwd" scale'),
        ('scale="1 1 1"', 'scale="1 1"'),
        ('scale="1 1 1"', 'scale="0 1 1"'),
        ('rpy="1.5707963267948966 0 0"', 'rpy="a b c"'),
        ('value="0.25"', 'value="-1"'),
        ('value="0.25"', 'value="nan"'),
        ("<mu1>0.7", "<mu1>many"),
        ("<visual>", "<visual><geometry/></visual><visual>"),
        ('<mesh filename="box.obj" scale="1 1 1"/>', '<box size="1 1 1"/>'),
        ('<mesh filename="box.obj"/>', '<box size="1 0 1"/>'),
        ('<mesh filename="box.obj"/>', "<box/>"),
        ('<mesh filename="box.obj"/>', '<sphere radius="-1"/>'),
        ('<mesh filename="box.obj"/>', '<cylinder radius="0.1" length="nan"/>'),
        ('<mesh filename="box.obj"/>', "<cone/>"),
        ("<collision>", "<collision/>" * 100 + "<collision>"),
    ],
)
def test_bad_urdf(old: str, new: str, tmp_path: Path) -> None:
    assert old in URDF
    with pytest.raises(AssetError):
        import_urdf(urdf(tmp_path, URDF.replace(old, new)))


@pytest.mark.parametrize(
    ("collision", "hulls"),
    [
        ('<geometry><box size="0.06 0.03 0.1"/></geometry>', 1),
        ('<geometry><cylinder radius="0.03" length="0.1"/></geometry>', 1),
        (
            '<geometry><box size="0.06 0.03 0.05"/></geometry><origin xyz="0 0 -0.025"/></collision>'
            '<collision><geometry><sphere radius="0.025"/></geometry><origin xyz="0 0 0.025"/>', 2,
        ),
    ],
)  # fmt: skip
def test_urdf_collision_of_simple_shapes(collision: str, hulls: int, tmp_path: Path) -> None:
    start, end = URDF.index("<collision>") + len("<collision>"), URDF.index("</collision>")
    asset = import_urdf(urdf(tmp_path, URDF[:start] + collision + URDF[end:]))
    assert asset.size_m == pytest.approx((0.06, 0.03, 0.1), abs=1e-6) and len(asset.collision) == hulls
    points = np.concatenate([part.vertices for part in asset.collision if isinstance(part, Hull)])
    assert np.ptp(points[:, 2]) == pytest.approx(0.1, abs=0.002)


def test_gltf_vertex_colours_under_a_material_are_linear(tmp_path: Path) -> None:
    """As the specification has it; trimesh's own files, which have no material there, hold sRGB."""
    mesh = cuboid()
    mesh.visual = trimesh.visual.TextureVisuals(
        uv=np.zeros((8, 2)), material=trimesh.visual.material.PBRMaterial(baseColorFactor=[255, 255, 255, 255])
    )
    mesh.visual.vertex_attributes["color"] = np.full((8, 4), 55, np.uint8)
    scene = trimesh.Scene(mesh)
    raw = mesh_file._flatten(scene, "mesh")
    assert raw.colored and np.abs(raw.colors - 128.0).max() < 1.0


def test_a_urdf_in_another_encoding_does_not_hide_a_document_type(tmp_path: Path) -> None:
    path = urdf(tmp_path, "")
    path.write_bytes(
        URDF.replace("<robot", "<!DOCTYPE robot><robot", 1).replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16")
    )
    with pytest.raises(AssetError, match="document type"):
        import_urdf(path)


# ---- fuzz ----------------------------------------------------------------------------------------------------------


def fuzz_seeds() -> dict[str, bytes]:
    mesh = cuboid()
    mesh.visual.vertex_colors = np.tile(np.array([200, 30, 40, 255], np.uint8), (8, 1))
    seeds = {kind: mesh.export(file_type=kind[1:]) for kind in mesh_file.EXTENSIONS}
    return {kind: data.encode() if isinstance(data, str) else data for kind, data in seeds.items()}


SEEDS = fuzz_seeds()


def one_hull(vertices: Any, faces: Any, seed: int) -> list[Any]:
    return [vertices]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(mesh_file.EXTENSIONS), st.data())
def test_mutated_files_give_an_asset_or_asset_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, data: st.DataObject
) -> None:
    monkeypatch.setattr(decompose, "_run_coacd", one_hull)  # its search takes seconds on every mangled shape
    damaged = bytearray(SEEDS[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    path = tmp_path / f"mesh{kind}"
    path.write_bytes(bytes(damaged[:end]))
    for height in (None, 0.1):
        try:
            asset = load(path, height_m=height)
        except AssetError:
            continue
        assert np.isfinite(asset.vertices).all() and asset.mass_kg > 0


@settings(max_examples=100)
@given(st.sampled_from(mesh_file.EXTENSIONS), st.binary(max_size=400))
def test_random_bytes_are_no_mesh(kind: str, data: bytes) -> None:
    with pytest.raises(AssetError):
        mesh_file.parse_mesh(data, kind, Path("/nonexistent"))


def test_a_glb_that_refers_to_itself_in_a_circle() -> None:
    data = SEEDS[".glb"]
    length = int.from_bytes(data[12:16], "little")
    tree = json.loads(data[20 : 20 + length])
    tree["nodes"].append({"name": "loop", "children": [0, len(tree["nodes"])]})
    tree["nodes"][0]["children"] = [len(tree["nodes"]) - 1]
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    body = data[20 + length :]
    stream = io.BytesIO()
    stream.write(b"glTF" + struct.pack("<II", 2, 20 + len(text) + len(body)) + struct.pack("<I", len(text)) + b"JSON")
    stream.write(text + body)
    with contextlib.suppress(AssetError):
        mesh_file.parse_mesh(stream.getvalue(), ".glb", Path("/nonexistent"))
