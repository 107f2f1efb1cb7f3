"""The Panda is drawn, not read: it needs no files, it is the same everywhere, and it follows the maker's outlines."""

from __future__ import annotations

import hashlib
import inspect
import math
from pathlib import Path
from xml.etree import ElementTree as Xml

import helpers
import numpy as np
import pytest
from numpy.typing import NDArray

from gen3d_envs.assets.asset import Box, Hull
from gen3d_envs.geometry import from_euler, matrix_of
from gen3d_envs.robots import Robot, get_robot
from gen3d_envs.robots.panda import HAND_M

Array = NDArray[np.float64]

SHAPE = "c3205d8e5c938d12813dac50ff7c257835557cf9fe2a0a04f43042d6d4ac8eb4"
"""What it looks like and touches with, in micrometres. Changes only when somebody redraws it."""


@pytest.fixture(scope="module")
def robot() -> Robot:
    return get_robot("panda")


def shape_digest(robot: Robot) -> str:
    sha = hashlib.sha256()
    for link in robot.model.links:
        assert link.visual is not None
        arrays = [link.visual.vertices, link.visual.faces, link.visual.colors]
        for part in link.collision:
            is_hull = hasattr(part, "vertices")
            arrays.append(part.vertices if is_hull else np.array([part.half_extents_m, part.position_m]))
        for array in arrays:
            scale = 1e6 if array.dtype.kind == "f" else 1
            sha.update(np.rint(array.astype(np.float64) * scale).astype("<i8").tobytes())
    return sha.hexdigest()


def test_shape_is_the_same_on_every_machine(robot: Robot) -> None:
    assert shape_digest(robot) == SHAPE


def test_it_needs_neither_files_nor_engines(tmp_path: Path, robot: Robot) -> None:
    blocked = ("pybullet", "pybullet_data", "mujoco", "scipy", "trimesh", "fast_simplification")
    code = (
        "from __future__ import annotations\nimport hashlib, sys\nimport numpy as np\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"
        f"from gen3d_envs.robots import get_robot\n{inspect.getsource(shape_digest)}\n"
        "r = get_robot('panda'); print(shape_digest(r)); upright = ((1, 0, 0), (0, 1, 0), (0, 0, 1))\n"
        "print([r.inverse((0.3, 0.1, z / 100), upright, r.home) for z in range(9)])"
    )
    first, second = (helpers.run_python(code, hash_seed=seed, GEN3D_CACHE=str(tmp_path / seed)) for seed in "12")
    assert first == second and first.startswith(SHAPE)
    assert not list(tmp_path.iterdir())


def test_hulls_lie_within_what_is_drawn_and_fingers_are_boxes(robot: Robot) -> None:
    for link in robot.model.links[4:]:
        assert link.visual is not None and link.collision
        for part in link.collision:
            if isinstance(part, Hull):
                seen = {tuple(v) for v in link.visual.vertices.tolist()}
                assert all(tuple(v) in seen for v in part.vertices.tolist()), link.name
        assert all(isinstance(part, Box) for part in link.collision) == ("finger" in link.name)


def test_looks_left_and_right_alike(robot: Robot) -> None:
    left, right = (link.visual for link in robot.model.links[-2:])
    assert left is not None and right is not None
    assert {tuple(v) for v in (left.vertices * (1, -1, 1)).tolist()} == {tuple(v) for v in right.vertices.tolist()}


# Against the maker's description, where PyBullet's data is installed


@pytest.fixture(scope="module")
def maker() -> Path:
    data = pytest.importorskip("pybullet_data")
    folder = Path(data.getDataPath()) / "franka_panda"
    if not folder.is_dir():
        pytest.skip("this pybullet_data has no Panda")
    return folder


def numbers(element: Xml.Element | None, attribute: str) -> list[float]:
    assert element is not None
    return [float(word) for word in element.attrib[attribute].split()]


def test_figures_are_the_makers(robot: Robot, maker: Path) -> None:
    root = Xml.parse(maker / "panda.urdf").getroot()
    joints = {joint.attrib["name"]: joint for joint in root.findall("joint")}
    links = {link.attrib["name"]: link for link in root.findall("link")}
    for joint in robot.model.joints:
        theirs = joints[joint.name]
        limit, soft = theirs.find("limit"), theirs.find("safety_controller")
        assert limit is not None and joint.velocity == float(limit.attrib["velocity"])
        if joint.kind == "prismatic":
            assert (joint.lower, joint.upper) == (0.0, 0.04) and joint.effort < float(limit.attrib["effort"])
            assert joint.position_m[2] == pytest.approx(HAND_M + numbers(theirs.find("origin"), "xyz")[2])
            continue
        assert soft is not None and joint.effort == float(limit.attrib["effort"])
        assert (joint.lower, joint.upper) == tuple(float(soft.attrib[f"soft_{k}_limit"]) for k in ("lower", "upper"))
        assert joint.position_m == pytest.approx(numbers(theirs.find("origin"), "xyz"))
        turned = np.array(from_euler(*numbers(theirs.find("origin"), "rpy")))
        assert np.array(matrix_of(joint.orientation_xyzw)) == pytest.approx(turned, abs=1e-9)
    for link in robot.model.links:
        mass, com = (links[link.name].find(f"inertial/{k}") for k in ("mass", "origin"))
        if link.name != "panda_link7":  # which carries the hand
            assert link.inertia.mass_kg == numbers(mass, "value")[0]
            assert link.inertia.com_m == pytest.approx(numbers(com, "xyz"))
    total = sum(link.inertia.mass_kg for link in robot.model.links)
    assert total == pytest.approx(sum(numbers(m, "value")[0] for m in root.findall("link/inertial/mass")))


def read_obj(path: Path) -> Array:
    """Corners of the triangles of an OBJ file, (m, 3, 3)."""
    words = [line.split() for line in path.read_text().splitlines()]
    points = np.array([row[1:4] for row in words if row[:1] == ["v"]], dtype=np.float64)
    corners = [[int(w.split("/")[0]) - 1 for w in row[1:]] for row in words if row[:1] == ["f"]]
    return points[[[row[0], *row[i : i + 2]] for row in corners for i in range(1, len(row) - 1)]]


def makers_triangles(maker: Path, link: str) -> Array:
    def mesh(name: str) -> Array:
        path = maker / "meshes" / "visual" / f"{name}.obj"
        return read_obj(path if path.is_file() else maker / "meshes" / "collision" / f"{name}.obj")

    name = link.removeprefix("panda_")
    if name == "link7":
        hand = mesh("hand") @ np.array(from_euler(0.0, 0.0, -math.pi / 4)).T + (0.0, 0.0, HAND_M)
        return np.concatenate([mesh(name), hand])
    if "finger" in name:
        return mesh("finger") * ((1, 1, 1) if name == "leftfinger" else (-1, -1, 1))
    return mesh(name)


def assembled(robot: Robot, triangles: dict[str, Array], joints: list[float]) -> Array:
    """Triangles of all links, base frame, (m, 3, 3)."""
    poses = {robot.model.links[0].name: (np.zeros(3), np.eye(3))}
    for joint, value in zip(robot.model.joints, joints, strict=True):
        at, turn = poses[joint.parent]
        at, turn = at + turn @ joint.position_m, turn @ np.array(matrix_of(joint.orientation_xyzw))
        if joint.kind == "prismatic":
            at = at + turn @ np.array(joint.axis) * value
        else:
            turn = turn @ np.array(from_euler(0.0, 0.0, value))
        poses[joint.child] = (at, turn)
    return np.concatenate([triangles[name] @ turn.T + at for name, (at, turn) in poses.items()])


def scattered(triangles: Array, count: int) -> tuple[Array, Array]:
    """Random points, evenly over the surface, and the normals there."""
    rng = np.random.default_rng(0)
    a, b, c = triangles.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    pick = rng.choice(len(area), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1.0
    u, v = np.where(flip, 1.0 - u, u), np.where(flip, 1.0 - v, v)
    return a[pick] + u * (b - a)[pick] + v * (c - a)[pick], (normal / np.maximum(area, 1e-20)[:, None])[pick]


def seen(points: Array, normals: Array, cell_m: float = 0.01) -> NDArray[np.bool_]:
    """Which points one can see from outside: from one of 26 sides that they face, nothing lies in front of them."""
    found = np.zeros(len(points), dtype=bool)
    for way in np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3), axis=-1).reshape(-1, 3):
        if not way.any():
            continue
        forward = way / np.linalg.norm(way)
        across = np.cross(forward, (0.3, 0.5, 0.8))
        across = across / np.linalg.norm(across)
        u, v = (np.floor(points @ w / cell_m).astype(np.int64) for w in (across, np.cross(forward, across)))
        _, cell = np.unique(u * 4096 + v, return_inverse=True)
        front = np.full(cell.max() + 1, -np.inf)
        depth = points @ forward
        np.maximum.at(front, cell, depth)
        found |= (depth > front[cell] - 0.7 * cell_m) & (normals @ forward > 0.7)
    return found


def test_what_one_sees_follows_the_makers_outlines(robot: Robot, maker: Path) -> None:
    spatial = pytest.importorskip("scipy.spatial")
    names = [link.name for link in robot.model.links]
    visuals = [link.visual for link in robot.model.links if link.visual is not None]
    ours = {name: mesh.vertices[mesh.faces].astype(np.float64) for name, mesh in zip(names, visuals, strict=True)}
    theirs = {name: makers_triangles(maker, name) for name in names}
    joints = [*robot.home, 0.03, 0.03]
    clouds = [scattered(assembled(robot, shapes, joints), 60_000) for shapes in (ours, theirs)]
    for first, second in (clouds, clouds[::-1]):
        points, normals = first
        looked_at = seen(points, normals) & (points[:, 2] > 0.001)  # nobody sees the underside of the base
        apart, _ = spatial.cKDTree(second[0]).query(points[looked_at])
        figures = (apart.mean(), *np.quantile(apart, (0.95, 0.999)), apart.max())
        assert all(figure < most for figure, most in zip(figures, (0.004, 0.008, 0.018, 0.025), strict=True)), figures


@pytest.mark.parametrize(("link", "part", "mesh"), [(4, 0, "link4"), (6, 0, "link6"), (7, 0, "link7"), (7, 1, "hand")])
def test_hulls_follow_the_makers(robot: Robot, maker: Path, link: int, part: int, mesh: str) -> None:
    """In every direction, the two reach equally far within a few millimetres."""
    theirs = read_obj(maker / "meshes" / "collision" / f"{mesh}.obj").reshape(-1, 3)
    if mesh == "hand":
        theirs = theirs @ np.array(from_euler(0.0, 0.0, -math.pi / 4)).T + (0.0, 0.0, HAND_M)
    hull = robot.model.links[link].collision[part]
    assert isinstance(hull, Hull)
    ways = np.random.default_rng(1).normal(size=(2000, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    apart = (hull.vertices @ ways.T).max(axis=0) - (theirs @ ways.T).max(axis=0)
    assert np.abs(apart).mean() < 0.004 and np.abs(apart).max() < 0.012, (np.abs(apart).mean(), np.abs(apart).max())
