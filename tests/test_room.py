"""Rooms: known styles, bounded cost, and one look for each seed."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import sys
import time
from itertools import combinations

import numpy as np
import pytest

from gen3d_envs.design.themes import PLACES
from gen3d_envs.errors import SceneError
from gen3d_envs.sim.room import BACK_M, FLOOR_Z_M, STYLES, SUPPORT_KINDS, SUPPORT_SEGMENT, build_room
from gen3d_envs.sim.textures import KINDS, texture
from gen3d_envs.sim.view import CameraSpec, SceneView
from gen3d_envs.spec import BackgroundSpec, SupportSpec

MAIN = CameraSpec("main", (0.0, -0.16, 0.36), (0.667, 0.333, -0.667))


def fingerprint(room):
    """Hash of everything a room is made of."""
    digest = hashlib.sha256(repr((room.light, room.sky, [(n.name, n.segment) for n in room.nodes])).encode())
    for node in room.nodes:
        for part in (node.mesh.vertices, node.mesh.faces, node.mesh.colors, node.mesh.uv, node.mesh.texture):
            if part is not None:
                digest.update(part.tobytes())
    return digest.hexdigest()


def rooms(style, seeds=range(6)):
    return [
        build_room(BackgroundSpec(style=style, seed=seed), SupportSpec(kind=SUPPORT_KINDS[seed % 8], seed=seed))
        for seed in seeds
    ]


def place(name, seed, **size):
    """One of the seven places of work."""
    style, kind = PLACES[name]
    return build_room(BackgroundSpec(style=style, seed=seed), SupportSpec(kind=kind, seed=seed, **size))


@functools.cache
def photographs():
    """What the front camera sees of each place with 4 seeds: {place: (4, 48, 64, 3) float}, 0 to 255."""
    from gen3d_envs.sim.camera import Camera

    result = {}
    for name in PLACES:
        pictures = []
        for seed in range(4):
            room = place(name, seed)
            camera = Camera(SceneView(room.nodes, (), (MAIN,), room.light, room.sky))
            pictures.append(camera.render("main", 64, 48, 2))
            camera.close()
        result[name] = np.array(pictures, float)
    return result


def test_there_is_enough_to_choose_from():
    assert {"office", "kitchen", "workshop", "dining", "lab", "living_room", "classroom", "study", "store"} == set(
        STYLES
    )
    assert set(SUPPORT_KINDS) == {
        "desk", "counter", "workbench", "dining_table", "lab_bench", "side_table", "writing_desk", "shelf",
    }  # fmt: skip
    assert {style for style, _ in PLACES.values()} <= set(STYLES)
    assert {kind for _, kind in PLACES.values()} <= set(SUPPORT_KINDS)
    assert len(set(PLACES.values())) == 7


@pytest.mark.parametrize("style", STYLES)
def test_rooms_are_cheap_and_well_formed(style):
    for room in rooms(style, range(24)):
        assert sum(len(node.mesh.faces) for node in room.nodes) <= 500
        assert len({node.name for node in room.nodes}) == len(room.nodes) <= 14
        for node in room.nodes:
            mesh = node.mesh
            assert mesh.vertices.dtype == np.float32 and mesh.faces.dtype == np.int32 and mesh.colors.dtype == np.uint8
            assert np.isfinite(mesh.vertices).all()
            assert mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
            assert mesh.vertices[:, 2].min() >= FLOOR_Z_M - 0.051
            if mesh.texture is not None:
                assert mesh.uv is not None and mesh.uv.shape == (len(mesh.vertices), 2)
        light = np.array(room.light.ambient) + np.array(room.light.directional) * -room.light.direction[2]
        assert 0.85 < light.mean() < 1.15


@pytest.mark.parametrize("name", PLACES)
def test_places_have_their_own_light_that_never_overflows(name):
    for seed in range(24):
        light = place(name, seed).light
        assert max(np.add(light.ambient, light.directional)) <= 1.0 + 1e-9
        assert np.isclose(np.linalg.norm(light.direction), 1.0) and light.direction[2] < -0.7


def test_a_study_is_lit_warmer_than_a_lab():
    warmth = {
        other: np.mean([np.subtract(*place(other, seed).light.directional[::2]) for seed in range(8)])
        for other in ("desk", "lab")
    }
    assert warmth["desk"] > 0.05 > -0.02 > warmth["lab"]


@pytest.mark.parametrize("style", STYLES)
def test_nothing_reaches_over_the_table(style):
    for room in rooms(style, range(24)):
        for node in room.nodes:
            if node.segment == SUPPORT_SEGMENT:
                continue
            corners = node.mesh.vertices[node.mesh.faces]
            low, high = corners.min(axis=1), corners.max(axis=1)
            over = (low[:, 0] < 0.54) & (high[:, 0] > -0.34) & (low[:, 1] < 0.59) & (high[:, 1] > -0.59)
            assert not (over & (high[:, 2] > -0.02)).any()


@pytest.mark.parametrize("depth_m", [0.4, 0.9, 1.6])
@pytest.mark.parametrize("name", PLACES)
def test_the_space_over_any_support_is_free(name, depth_m):
    for seed in range(8):
        front = depth_m - BACK_M
        for node in place(name, seed, depth_m=depth_m, width_m=1.4).nodes:
            if node.segment == SUPPORT_SEGMENT:
                continue
            corners = node.mesh.vertices[node.mesh.faces]
            low, high = corners.min(axis=1), corners.max(axis=1)
            over = (low[:, 0] < max(front, 0.5) - 0.01) & (high[:, 0] > -0.35) & (low[:, 1] < 0.7) & (high[:, 1] > -0.7)
            assert not (over & (high[:, 2] > -0.02)).any()


@pytest.mark.parametrize("name", PLACES)
def test_no_two_surfaces_of_a_support_share_a_place(name):
    for seed in range(4):
        nodes = [node.mesh for node in place(name, seed).nodes if node.segment == SUPPORT_SEGMENT]
        corners = np.concatenate([mesh.vertices[mesh.faces] for mesh in nodes]).astype(float)
        top = corners[(corners[:, :, 2] == 0.0).all(axis=1)]
        edges = top[:, 1:, :2] - top[:, :1, :2]
        area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]).sum() / 2.0
        assert np.isclose(area, 0.9 * 1.2, rtol=1e-5)


@pytest.mark.parametrize("name", PLACES)
def test_a_place_has_many_looks(name):
    pytest.importorskip("panda3d")
    shots = photographs()[name]
    for first, second in combinations(range(4), 2):
        assert np.abs(shots[first] - shots[second]).mean() > 6.0


def test_places_differ_from_each_other():
    """Pictures of two places differ in colour, seed by seed, and in what stands behind the support's far edge."""
    pytest.importorskip("panda3d")
    shots = photographs()
    for first, second in combinations(PLACES, 2):
        assert np.abs(shots[first] - shots[second]).mean() > 18.0, (first, second)
        behind = [shots[name][:, 4:10, 40:].reshape(4, -1) for name in (first, second)]
        assert np.abs(behind[0] - behind[1]).mean() > 18.0, (first, second)


def test_the_table_top_is_where_the_spec_says():
    room = build_room(BackgroundSpec(), SupportSpec(depth_m=1.1, width_m=1.4, seed=3))
    points = np.concatenate([node.mesh.vertices for node in room.nodes if node.segment == SUPPORT_SEGMENT])
    assert points[:, 2].max() == 0.0
    assert np.allclose(points.min(axis=0)[:2], (-BACK_M, -0.7), atol=1e-6)
    assert np.allclose(points.max(axis=0)[:2], (1.1 - BACK_M, 0.7), atol=1e-6)


@pytest.mark.parametrize("style", STYLES)
def test_every_seed_looks_different(style):
    assert len({fingerprint(room) for room in rooms(style)}) == 6


def test_equal_specs_share_one_room():
    background, support = BackgroundSpec(style="lab", seed=5), SupportSpec(kind="lab_bench", seed=6)
    assert build_room(background, support) is build_room(BackgroundSpec(style="lab", seed=5), support)


def test_a_room_is_the_same_in_another_process():
    code = (
        "from test_room import *; print(*(fingerprint(place(name, 3)) for name in PLACES), "
        "hashlib.sha256(b''.join(shots.tobytes() for shots in photographs().values())).hexdigest())"
    )
    pytest.importorskip("panda3d")
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=__file__.rsplit("/", 1)[0]
    )
    pictures = hashlib.sha256(b"".join(shots.tobytes() for shots in photographs().values())).hexdigest()
    assert result.stdout.split() == [*(fingerprint(place(name, 3)) for name in PLACES), pictures]


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(SceneError, match=r"background\.style = 'moon'.*office"):
        build_room(BackgroundSpec(style="moon"), SupportSpec())
    with pytest.raises(SceneError, match=r"support\.kind = 'cloud'.*desk"):
        build_room(BackgroundSpec(), SupportSpec(kind="cloud"))
    with pytest.raises(SceneError, match=r"kind = 'lava'.*wood"):
        texture("lava", (1, 2, 3), 0)
    with pytest.raises(SceneError, match="power of two"):
        texture("wood", (1, 2, 3), 0, size=100)


@pytest.mark.parametrize("kind", KINDS)
def test_textures_are_seeded_shared_and_quick(kind):
    first = texture(kind, (180, 150, 120), 1)
    assert first.shape == (128, 128, 3) and first.dtype == np.uint8 and not first.flags.writeable
    assert texture(kind, (180, 150, 120), 1) is first
    assert not np.array_equal(first, texture(kind, (180, 150, 120), 2))
    best = np.inf
    for seed in range(3, 9):
        start = time.perf_counter()
        texture(kind, (180, 150, 120), seed)
        best = min(best, time.perf_counter() - start)
    assert best < 0.005


TILING = [
    "wood",
    "boards",
    "marble",
    "concrete",
    "tiles",
    "checker",
    "brick",
    "plaster",
    "carpet",
    "scarred",
    "metro",
    "leather",
]


@pytest.mark.parametrize("kind", TILING)
def test_textures_tile(kind):
    image = texture(kind, (180, 150, 120), 1).astype(float)
    for axis in (0, 1):
        inner = np.abs(np.diff(image, axis=axis)).mean(axis=(1 - axis, 2))
        seam = np.abs(image.take(0, axis=axis) - image.take(-1, axis=axis)).mean()
        assert seam <= inner.max() * 1.1 + 1.0


def test_the_default_camera_sees_mostly_table():
    pytest.importorskip("panda3d")
    from gen3d_envs.sim.camera import Camera

    for style in STYLES:
        room = rooms(style, [1])[0]
        camera = Camera(SceneView(room.nodes, (), (MAIN,), room.light, room.sky))
        table = camera.render_segmentation("main", 96, 96) == SUPPORT_SEGMENT
        depth = camera.render_depth("main", 96, 96)
        picture = camera.render("main", 96, 96)
        camera.close()
        assert table.mean() > 0.6
        assert table[-1].all()
        assert (depth > 0.0).mean() > 0.9995  # Walls all around: no hole shows the sky.
        assert 60 < picture.mean() < 235
