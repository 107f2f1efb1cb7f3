"""The camera: where things land in pictures, what is measured there, and that nothing leaks or depends on history."""

from __future__ import annotations

import gc
import hashlib
import math
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gen3d_envs.errors import AssetError, Gen3DError, SceneError
from gen3d_envs.sim.view import CameraSpec, LightSpec, SceneView, VisualMesh, VisualNode

pytest.importorskip("panda3d")
from gen3d_envs.sim.camera import Camera

POSITION, FORWARD = (0.0, -0.16, 0.36), (0.667, 0.333, -0.667)
MAIN = CameraSpec("main", POSITION, FORWARD)
FULL_WHITE = LightSpec(ambient=(1.0, 1.0, 1.0), directional=(0.0, 0.0, 0.0))
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def box(size, center=(0.0, 0.0, 0.0), color=(200, 60, 40)):
    """A box mesh with shared corners: size and centre in m."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) / 2
    faces = np.array(
        [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
         [1, 5, 7], [1, 7, 3]], np.int32,
    )  # fmt: skip
    vertices = (corners * np.array(size) + np.array(center)).astype(np.float32)
    return VisualMesh(vertices, faces, np.tile(np.array(color, np.uint8), (8, 1)))


def sphere(radius=0.04, color=(40, 90, 200), rows=12, columns=20):
    """A sphere mesh: radius in m."""
    theta = np.linspace(0, np.pi, rows + 1)[1:-1]
    phi = np.arange(columns) * 2 * np.pi / columns
    ring = np.stack([np.outer(np.sin(theta), np.cos(phi)), np.outer(np.sin(theta), np.sin(phi)),
                     np.outer(np.cos(theta), np.ones(columns))], axis=-1).reshape(-1, 3)  # fmt: skip
    vertices = np.concatenate([ring, [[0, 0, 1]], [[0, 0, -1]]]) * radius
    faces = []
    for row in range(rows - 2):
        for column in range(columns):
            a, b = row * columns + column, row * columns + (column + 1) % columns
            faces += [[a, a + columns, b + columns], [a, b + columns, b]]
    top, bottom, last = len(ring), len(ring) + 1, (rows - 2) * columns
    for column in range(columns):
        faces += [[top, column, (column + 1) % columns], [bottom, last + (column + 1) % columns, last + column]]
    colors = np.tile(np.array(color, np.uint8), (len(vertices), 1))
    return VisualMesh(vertices.astype(np.float32), np.array(faces, np.int32), colors)


TABLE = VisualNode("table", box((1.6, 1.6, 0.04), (0.4, 0.0, -0.02), (200, 180, 150)), 1)


def scene():
    """A table with a ball and a box, a link that carries a wrist camera, and the main camera."""
    moving = (
        VisualNode("ball", sphere(), 20, casts_shadow=True), VisualNode("brick", box((0.06, 0.04, 0.05)), 30),
        VisualNode("link", box((0.02, 0.02, 0.02)), 40),
    )  # fmt: skip
    wrist = CameraSpec("wrist", (0.0, 0.0, 0.02), (0.3, 0.0, -1.0), up=(1.0, 0.0, 0.0), parent="link")
    return SceneView((TABLE,), moving, (MAIN, wrist))


def posed(camera):
    """Put the parts of :func:`scene` somewhere, with awkward numbers."""
    camera.set_pose("ball", (0.31, -0.05, 0.04), UPRIGHT)
    camera.set_pose("brick", (0.3654321, 0.1234567, 0.025), (0.0, 0.0, math.sin(0.35), math.cos(0.35)))
    camera.set_pose("link", (0.25, 0.02, 0.3), (0.0, 0.0871557, 0.0, 0.9961947))
    return camera


def rays(spec, width, height, position=None, rotation=None):
    """Rays of a pinhole through the pixels' centres, 1 m along the optical axis: (h, w, 3), scene frame."""
    rotation = np.eye(3) if rotation is None else rotation
    forward = np.array(spec.forward) / np.linalg.norm(spec.forward)
    right = np.cross(forward, spec.up)
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    x = (2 * (np.arange(width) + 0.5) / width - 1) * math.tan(spec.fov_x_rad / 2)
    y = (1 - 2 * (np.arange(height) + 0.5) / height) * math.tan(spec.fov_y_rad / 2)
    return (forward + x[None, :, None] * right + y[:, None, None] * up) @ rotation.T


def pixel_of(spec, point, width, height):
    """Where a point of the scene lands: (column, row), continuous, (0, 0) the outer corner of the first pixel."""
    forward = np.array(spec.forward) / np.linalg.norm(spec.forward)
    right = np.cross(forward, spec.up)
    right /= np.linalg.norm(right)
    offset = np.asarray(point) - np.array(spec.position_m)
    depth = offset @ forward
    x = offset @ right / depth / math.tan(spec.fov_x_rad / 2)
    y = offset @ np.cross(right, forward) / depth / math.tan(spec.fov_y_rad / 2)
    return (x + 1) * width / 2, (1 - y) * height / 2


def fingerprint(history=0):
    """Hash of four pictures of :func:`scene`, after drawing ``history`` other things."""
    others = [Camera(scene()) for _ in range(history)]
    camera = Camera(scene())
    for index, other in enumerate(others):
        # Poses that differ by less than 1e-6 from those of the scene under test.
        other.set_pose("brick", (0.3654321 + 3e-7 * (index + 1), 0.1234567, 0.025), (0.0, 0.0, 0.3428978, 0.9393727))
        other.render("main", 64 + index, 48)
    posed(camera)
    pictures = [camera.render("main", 96, 72), camera.render("wrist", 64, 64), camera.render("main", 33, 61, 2)]
    parts = [*pictures, camera.render_depth("main", 64, 64), camera.render_segmentation("main", 50, 40)]
    for other in (*others, camera):
        other.close()
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def _report(queue):
    queue.put(fingerprint())


@pytest.mark.parametrize("size", [(128, 128), (640, 480), (224, 224), (97, 61)])
@pytest.mark.parametrize("point", [(0.36, 0.02, 0.0), (0.3, -0.1, 0.05), (0.5, 0.3, 0.1), (0.25, 0.12, 0.02)])
def test_a_point_lands_where_the_pinhole_says(size, point):
    width, height = size
    dot = VisualNode("dot", box((0.012, 0.012, 0.012), point, (255, 255, 255)))
    camera = Camera(SceneView((dot,), (), (MAIN,), FULL_WHITE, sky=(0.0, 0.0, 0.0)))
    rows, columns = np.nonzero(camera.render("main", width, height)[..., 0])
    camera.close()
    column, row = pixel_of(MAIN, point, width, height)
    assert columns.size > 0
    assert abs((columns.min() + columns.max() + 1) / 2 - column) <= 1.0
    assert abs((rows.min() + rows.max() + 1) / 2 - row) <= 1.0


def test_a_camera_rides_on_its_node():
    camera = posed(Camera(scene()))
    depth = camera.render_depth("wrist", 64, 48)
    segments = camera.render_segmentation("wrist", 64, 48)
    wrist = scene().cameras[1]
    x, y, z, w = 0.0, 0.0871557, 0.0, 0.9961947
    rotation = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
    origin = np.array([0.25, 0.02, 0.3]) + rotation @ np.array(wrist.position_m)
    direction = rays(wrist, 64, 48, rotation=rotation)
    expected = -origin[2] / direction[..., 2]
    table = segments == 1
    assert table.mean() > 0.2
    assert np.abs(depth - expected)[table].max() < 1e-4
    camera.close()


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (640, 480)])
def test_depth_of_the_table_is_the_plane(size):
    camera = posed(Camera(scene()))
    depth = camera.render_depth("main", *size)
    expected = -POSITION[2] / rays(MAIN, *size)[..., 2]
    table = camera.render_segmentation("main", *size) == 1
    assert depth.dtype == np.float32
    assert table.mean() > 0.5
    assert np.abs(depth - expected)[table].max() < 1e-4
    camera.close()


def test_depth_is_zero_where_there_is_nothing():
    camera = Camera(SceneView((VisualNode("dot", box((0.02, 0.02, 0.02), (0.36, 0.02, 0.0))),), (), (MAIN,)))
    depth = camera.render_depth("main", 64, 64)
    camera.close()
    assert depth[0, 0] == 0.0
    assert 0.4 < depth[32, 32] < 0.6


def test_segments_are_exact_values():
    view = SceneView((TABLE,), tuple(
        VisualNode(f"n{value}", sphere(0.02), value) for value in (2, 3, 4, 77, 128, 254, 255)
    ), (MAIN,))  # fmt: skip
    camera = Camera(view)
    for index, node in enumerate(view.moving):
        camera.set_pose(node.name, (0.25 + 0.07 * (index // 3), -0.08 + 0.09 * (index % 3), 0.02), UPRIGHT)
    segments = camera.render_segmentation("main", 200, 150)
    camera.close()
    assert segments.dtype == np.uint8
    assert set(np.unique(segments).tolist()) == {1, 2, 3, 4, 77, 128, 254, 255}


def test_colors_appear_as_given_under_full_white_light():
    for color in ((200, 60, 40), (0, 0, 0), (255, 255, 255), (17, 130, 91)):
        camera = Camera(SceneView((VisualNode("t", box((2, 2, 0.02), color=color)),), (), (MAIN,), FULL_WHITE))
        middle = camera.render("main", 32, 32)[16, 16].astype(int)
        camera.close()
        assert np.abs(middle - color).max() <= 1


def test_a_shadow_darkens_the_table_and_fades_with_height():
    camera = Camera(scene())
    camera.set_pose("brick", (0.0, 0.0, -5.0), UPRIGHT)
    camera.set_pose("link", (0.0, 0.0, -5.0), UPRIGHT)
    darkest = []
    for height in (0.04, 0.09, 0.6):
        camera.set_pose("ball", (0.36, 0.02, height), UPRIGHT)
        table = camera.render_segmentation("main", 128, 128) == 1
        darkest.append(int(camera.render("main", 128, 128)[table].min()))
    camera.close()
    assert darkest[0] < darkest[1] < darkest[2]


def test_a_hanging_shadow_never_brightens_another():
    """Something carried over something that stands: their shadows add up."""
    moving = tuple(VisualNode(name, sphere(), 20 + i, casts_shadow=True) for i, name in enumerate(("held", "standing")))
    camera = Camera(SceneView((TABLE,), moving, (MAIN,)))
    camera.set_pose("standing", (0.36, 0.02, 0.04), UPRIGHT)
    for y in (-0.02, 0.06, 0.08):
        camera.set_pose("held", (0.36, y, -5.0), UPRIGHT)
        alone = camera.render("main", 160, 160).astype(int)
        camera.set_pose("held", (0.36, y, 0.16), UPRIGHT)
        table = camera.render_segmentation("main", 160, 160) == 1
        both = camera.render("main", 160, 160).astype(int)
        assert (both - alone)[table].max() <= 1
    camera.close()


def test_supersampling_keeps_the_mean_and_smooths_the_edges():
    camera = posed(Camera(scene()))
    plain, smooth = camera.render("main", 96, 72), camera.render("main", 96, 72, samples=4)
    camera.close()
    assert plain.shape == smooth.shape
    assert abs(float(plain.mean()) - float(smooth.mean())) < 3.0
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > len(np.unique(plain.reshape(-1, 3), axis=0))


def test_edges_are_sharp_and_round_things_are_round():
    from gen3d_envs.sim.camera_mesh import crease_normals, shade

    cube, ball = box((1.0, 1.0, 1.0)), sphere(1.0)
    normals = crease_normals(cube.vertices, cube.faces)
    assert np.allclose(np.abs(normals).max(axis=1), 1.0, atol=1e-5)
    assert len(shade(cube).vertices) == 24
    normals = crease_normals(ball.vertices, ball.faces)
    assert np.einsum("ij,ij->i", normals, ball.vertices[ball.faces.ravel()]).min() > 0.98
    assert len(shade(ball).vertices) == len(ball.vertices)


def test_pictures_are_copies():
    camera = posed(Camera(scene()))
    first = camera.render("main", 64, 64)
    kept = first.copy()
    camera.set_pose("ball", (0.4, 0.1, 0.2), UPRIGHT)
    second = camera.render("main", 64, 64)
    assert np.array_equal(first, kept)
    assert not np.array_equal(first, second)
    assert first.flags.writeable and first.flags.c_contiguous and not np.shares_memory(first, second)
    camera.close()


def test_scenes_of_one_process_do_not_mix():
    one, other = posed(Camera(scene())), Camera(scene())
    alone = one.render("main", 64, 64)
    other.set_pose("ball", (0.36, 0.02, 0.1), UPRIGHT)
    assert not np.array_equal(other.render("main", 64, 64), alone)
    other.close()
    assert np.array_equal(one.render("main", 64, 64), alone)
    one.close()


def test_bits_do_not_depend_on_what_was_drawn_before():
    assert fingerprint() == fingerprint(history=9)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_bits_are_the_same_in_another_process(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    here = fingerprint()  # Also makes sure that the parent has drawn before it forks.
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    worker = context.Process(target=_report, args=(queue,))
    worker.start()
    there = queue.get(timeout=60)
    worker.join(timeout=30)
    assert there == here
    assert worker.exitcode == 0


def test_close_frees_everything():
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("resident memory is read from /proc")

    def resident_mb():
        gc.collect()
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cycle():
        texture = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
        mesh = sphere(rows=30, columns=60)
        ground = VisualMesh(
            TABLE.mesh.vertices, TABLE.mesh.faces, TABLE.mesh.colors, TABLE.mesh.vertices[:, :2].copy(), texture
        )
        camera = Camera(SceneView((VisualNode("t", ground),), (VisualNode("s", mesh, 2, True),), (MAIN,)))
        camera.render("main", 64, 64)
        camera.render_depth("main", 64, 64)
        camera.close()

    for _ in range(15):
        cycle()
    before = resident_mb()
    for _ in range(60):
        cycle()
    assert resident_mb() - before < 6.0


def test_a_closed_camera_says_so():
    camera = Camera(scene())
    camera.render("main", 32, 32)
    camera.close()
    camera.close()
    for call in (
        lambda: camera.render("main", 32, 32), lambda: camera.render_depth("main", 32, 32),
        lambda: camera.render_segmentation("main", 32, 32), lambda: camera.set_pose("ball", (0, 0, 0), UPRIGHT),
    ):  # fmt: skip
        with pytest.raises(Gen3DError, match="closed"):
            call()


def test_mistakes_are_named():
    camera = Camera(scene())
    with pytest.raises(SceneError, match=r"'front'.*main"):
        camera.render("front", 32, 32)
    with pytest.raises(SceneError, match="width = 0"):
        camera.render("main", 0, 32)
    with pytest.raises(SceneError, match="height = 5000"):
        camera.render_depth("main", 32, 5000)
    with pytest.raises(SceneError, match="'cup'"):
        camera.set_pose("cup", (0, 0, 0), UPRIGHT)
    camera.close()
    with pytest.raises(SceneError, match="hand"):
        Camera(SceneView((TABLE,), (), (CameraSpec("w", (0, 0, 0), (1, 0, 0), parent="hand"),)))
    with pytest.raises(SceneError, match="share this name"):
        Camera(SceneView((), (TABLE, TABLE), (MAIN,)))
    with pytest.raises(SceneError, match="parallel"):
        Camera(SceneView((TABLE,), (), (CameraSpec("down", (0, 0, 1), (0, 0, -1)),)))
    broken = VisualMesh(TABLE.mesh.vertices[:5], TABLE.mesh.faces, TABLE.mesh.colors[:5])
    with pytest.raises(AssetError, match="no index of 5 vertices"):
        Camera(SceneView((VisualNode("broken", broken),), (), (MAIN,)))
    odd = np.zeros((100, 128, 3), np.uint8)
    mesh = VisualMesh(TABLE.mesh.vertices, TABLE.mesh.faces, TABLE.mesh.colors, TABLE.mesh.vertices[:, :2].copy(), odd)
    with pytest.raises(AssetError, match="powers of two"):
        Camera(SceneView((VisualNode("odd", mesh),), (), (MAIN,)))


def test_a_frame_without_faces_carries_a_camera():
    empty = VisualMesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint8))
    rider = CameraSpec("rider", (0.0, 0.0, 0.0), (0.0, 0.0, -1.0), up=(1.0, 0.0, 0.0), parent="frame")
    camera = Camera(SceneView((TABLE,), (VisualNode("frame", empty, 9, casts_shadow=True),), (rider,)))
    camera.set_pose("frame", (0.3, 0.0, 0.5), UPRIGHT)
    assert camera.render("rider", 32, 32).mean() > 50
    assert np.allclose(camera.render_depth("rider", 32, 32), 0.5, atol=1e-5)
    camera.close()


def test_many_picture_sizes_reuse_their_buffers():
    camera = posed(Camera(scene()))
    first = camera.render("main", 40, 30)
    for size in range(20, 50):
        assert camera.render("main", size, 24).shape == (24, size, 3)
    assert np.array_equal(camera.render("main", 40, 30), first)
    camera.close()


def _run(code):
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    paths = [str(Path(__file__).parent), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment)


def test_nothing_is_printed():
    lines = (
        "import test_camera as t", "c = t.posed(t.Camera(t.scene()))", "c.render('main', 97, 61)",
        "c.render_depth('wrist', 640, 480)", "c.close()", "t.fingerprint(3)",
        "left_open = t.Camera(t.scene())", "left_open.render('main', 8, 8)",
    )  # fmt: skip
    result = _run("\n".join(lines))
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert result.stderr == ""


def test_a_missing_renderer_is_named():
    code = "import sys; sys.modules['panda3d'] = None\nimport gen3d_envs.sim.camera"
    result = _run(code)
    assert result.returncode != 0
    assert "EngineUnavailable" in result.stderr
    assert "pip install panda3d" in result.stderr
