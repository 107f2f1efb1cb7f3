"""The Franka Panda with its hand: seven joints, a parallel gripper, a reach of 0.85 m.

Joint frames, limits, masses and meshes are those of ``franka_panda/panda.urdf`` in pybullet_data, read at first use.
Its moments of inertia are placeholders (0.1 kg m2 for every link, a finger as much as an upper arm); they are replaced
by those of a solid box of the link's mass and size.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gen3d_envs.assets.asset import IDENTITY, CollisionPart, Vector
from gen3d_envs.assets.collision import block
from gen3d_envs.errors import EngineUnavailable
from gen3d_envs.geometry import IDENTITY_MATRIX, Matrix, from_euler, multiply
from gen3d_envs.robots import panda_files
from gen3d_envs.robots.base import GRIP_FORCE_N, PAD_FRICTION, Robot
from gen3d_envs.robots.kinematics import merge_inertias, quaternion_from_rpy
from gen3d_envs.robots.look import assemble, prism
from gen3d_envs.robots.panda_files import JointEntry, LinkEntry, hull_of, mesh_file, read_obj
from gen3d_envs.robots.serial_arm import SerialArm
from gen3d_envs.sim.articulation import Articulation, Inertia, Joint, Link
from gen3d_envs.sim.view import CameraSpec, VisualMesh

BASE_M: Vector = (-0.22, 0.0, 0.0)
"""Behind the WidowX's place, so that both reach the same part of the table."""

HOME = (0.0, 0.02215642906, 0.0, -2.41090734104, 0.0, 2.43306377011, math.pi / 4)
"""Joint positions (rad) that put the tool at ``HOME_TOOL_M``, straight down."""

HAND_M = 0.107
"""Flange of link 7 along its z; the hand is turned by -45 degrees about it."""

TIP_M = 0.0584 + 0.0538
"""Finger tips along the hand's z: frame of the finger joints and length of the finger mesh."""

OPEN_M = 0.04
"""Position of each finger's joint when open; closed is 0."""

_HAND = "panda_hand"
_LINKS = tuple(f"panda_link{i}" for i in range(8))
_FINGERS = ("panda_leftfinger", "panda_rightfinger")
_FACES = {
    "panda_link0": 180, "panda_link1": 200, "panda_link2": 200, "panda_link3": 240, "panda_link4": 240,
    "panda_link5": 300, "panda_link6": 360, "panda_link7": 160, _HAND: 300,
}  # fmt: skip
_PAINT: dict[str, Vector] = {"panda_link0": (236.0, 237.0, 238.0), "panda_link7": (236.0, 237.0, 238.0)}
_HAND_TURN = from_euler(0.0, 0.0, -math.pi / 4)


def panda() -> Robot:
    """The robot at :data:`BASE_M`.

    Raises:
        EngineUnavailable: pybullet_data is not installed or is damaged.
    """
    folder = _folder()
    links, joints = panda_files.read_urdf(folder / "panda.urdf")
    missing = [name for name in (*_LINKS, _HAND, *_FINGERS) if name not in links]
    missing += [
        name for name in (*(f"panda_joint{i}" for i in range(1, 8)), "panda_finger_joint1") if name not in joints
    ]
    if missing:
        raise EngineUnavailable(f"The Panda's description in pybullet_data has no {missing[0]}: reinstall pybullet.")
    arm = [joints[f"panda_joint{i}"] for i in range(1, 8)]
    model = _model(folder, links, joints, arm)
    tool = ((0.0, 0.0, HAND_M + TIP_M - 0.010), multiply(_HAND_TURN, _exact(math.pi, 0.0, 0.0)))
    frames = [(joint.position_m, _exact(*joint.rpy_rad)) for joint in arm]
    return Robot(
        name="panda",
        model=model,
        kinematics=SerialArm(frames, [(joint.lower, joint.upper) for joint in arm], tool, HOME),
        base_position_m=BASE_M,
        arm_joints=7,
        home=HOME,
        finger_open=(OPEN_M, OPEN_M),
        finger_closed=(0.0, 0.0),
        open_width_m=2.0 * OPEN_M,
        closed_width_m=0.0,
        drive_effort=(*(joint.effort for joint in arm), GRIP_FORCE_N, GRIP_FORCE_N),
        wrist_camera=_wrist_camera(),
        tool_link="panda_link7",
        hand_m=(0.105, 0.035, 0.045),
    )


def _folder() -> Path:
    try:
        import pybullet_data
    except ImportError:
        raise EngineUnavailable(
            "The Panda's description comes with PyBullet, which is not installed: use the WidowX, or install pybullet."
        ) from None
    return Path(pybullet_data.getDataPath()) / "franka_panda"


def _exact(roll: float, pitch: float, yaw: float) -> Matrix:
    """Rotation of a URDF's roll, pitch, yaw, whose right angles are rounded to 11 digits: made exactly right."""
    x, y, z = (
        tuple(float(round(value)) if abs(value - round(value)) < 1e-9 else value for value in row)
        for row in from_euler(roll, pitch, yaw)
    )
    return x, y, z  # type: ignore[return-value]


def _model(
    folder: Path, links: dict[str, LinkEntry], joints: dict[str, JointEntry], arm: list[JointEntry]
) -> Articulation:
    visuals = panda_files.looks(
        {name: (mesh_file(folder, links[name].visual), most) for name, most in _FACES.items()}, _PAINT
    )
    points = {name: read_obj(mesh_file(folder, links[name].collision))[0] for name in (*_LINKS, _HAND, _FINGERS[0])}
    points[_FINGERS[1]] = points[_FINGERS[0]] * (-1.0, -1.0, 1.0)
    inertias = {name: _inertia(links[name], points[name]) for name in points}
    inertias["panda_link7"] = merge_inertias([
        (inertias["panda_link7"], (0.0, 0.0, 0.0), IDENTITY_MATRIX), (inertias[_HAND], (0.0, 0.0, HAND_M), _HAND_TURN),
    ])  # fmt: skip
    visuals |= {name: _finger_look(side) for name, side in zip(_FINGERS, (1.0, -1.0), strict=True)}
    visuals["panda_link7"] = _joined(visuals["panda_link7"], visuals.pop(_HAND))
    collision = _collision(points)
    names = (*_LINKS, *_FINGERS)
    bodies = tuple(
        Link(name, inertias[name], collision.get(name, ()), visuals[name], PAD_FRICTION if name in _FINGERS else 0.6)
        for name in names
    )
    revolute = tuple(
        Joint(
            f"panda_joint{i + 1}", "revolute", names[i], names[i + 1], joint.position_m, _right_angle(joint),
            joint.axis, joint.lower, joint.upper, joint.effort, joint.velocity,
        )
        for i, joint in enumerate(arm)
    )  # fmt: skip
    at = (0.0, 0.0, HAND_M + joints["panda_finger_joint1"].position_m[2])
    hand = quaternion_from_rpy(0.0, 0.0, -math.pi / 4)
    fingers = tuple(
        Joint(
            f"panda_finger_joint{i + 1}", "prismatic", "panda_link7", name, at, hand, (0.0, side, 0.0), 0.0, OPEN_M,
            GRIP_FORCE_N, joints["panda_finger_joint1"].velocity, mimic,
        )
        for i, (name, side, mimic) in enumerate(zip(_FINGERS, (1.0, -1.0), (None, 1.0), strict=True))
    )  # fmt: skip
    return Articulation("panda", bodies, revolute + fingers)


def _finger_look(side: float) -> VisualMesh:
    """The left (side 1) or right (-1) finger: too small to survive decimation, so drawn from its profile in (y, z)."""
    root = [(0.0025, 0.0), (0.0263, 0.0), (0.0253, 0.019), (0.0142, 0.026), (0.0142, 0.037), (0.0, 0.037), (0.0, 0.03)]
    tip = [(0.0, 0.037), (0.0142, 0.037), (0.0142, 0.0508), (0.0115, 0.0538), (0.0, 0.0538)]
    white, dark = (236, 237, 238), (62, 63, 66)
    parts = [(root, (-0.0105, 0.0105), white), (tip, (-0.009, 0.009), dark)]
    return assemble([prism(np.array(outline) * (side, 1.0), width, "x", rgb) for outline, width, rgb in parts])


def _right_angle(joint: JointEntry) -> tuple[float, float, float, float]:
    """The joint's orientation with its right angles exact, as the kinematics use it."""
    quarter = math.pi / 2
    roll, pitch, yaw = (quarter * round(a / quarter) if abs(a / quarter - round(a / quarter)) < 1e-9 else a
                        for a in joint.rpy_rad)  # fmt: skip
    return quaternion_from_rpy(roll, pitch, yaw)


def _inertia(link: LinkEntry, points: panda_files.Array) -> Inertia:
    x, y, z = (points.max(axis=0) - points.min(axis=0)).tolist()
    share = link.mass_kg / 12.0
    moments = (share * (y * y + z * z), share * (x * x + z * z), share * (x * x + y * y), 0.0, 0.0, 0.0)
    return Inertia(link.mass_kg, link.com_m, IDENTITY, moments)


def _joined(link: VisualMesh, hand: VisualMesh) -> VisualMesh:
    """Link 7 with the hand on its flange."""
    moved = hand.vertices.astype(np.float64) @ np.array(_HAND_TURN).T + (0.0, 0.0, HAND_M)
    return VisualMesh(
        np.concatenate([link.vertices, moved.astype(np.float32)]),
        np.concatenate([link.faces, hand.faces + np.int32(len(link.vertices))]),
        np.concatenate([link.colors, hand.colors]),
    )


def _collision(points: dict[str, panda_files.Array]) -> dict[str, tuple[CollisionPart, ...]]:
    """Convex hulls of the maker's collision meshes from link 4 on; link 5, which is bent, as two; fingers as boxes."""
    forearm = points["panda_link5"]
    hand = points[_HAND] @ np.array(_HAND_TURN).T + (0.0, 0.0, HAND_M)
    parts: dict[str, tuple[CollisionPart, ...]] = {
        "panda_link4": (hull_of(points["panda_link4"]),),
        "panda_link5": (hull_of(forearm[forearm[:, 2] < -0.1]), hull_of(forearm[forearm[:, 2] > -0.15])),
        "panda_link6": (hull_of(points["panda_link6"]),),
        "panda_link7": (hull_of(points["panda_link7"]), hull_of(hand, 32)),
    }
    for name, side in zip(_FINGERS, (1.0, -1.0), strict=True):
        tip, root = sorted((0.0, side * 0.0142)), sorted((side * 0.004, side * 0.0258))
        parts[name] = (
            block((-0.0095, 0.0095), (tip[0], tip[1]), (0.018, 0.0538)),
            block((-0.0105, 0.0105), (root[0], root[1]), (0.0, 0.019)),
        )
    return parts


def _wrist_camera() -> CameraSpec:
    """In front of the hand, looking past the finger tips; the picture's up is the tool's x."""
    turned = np.array(_HAND_TURN)
    position = turned @ (0.08, 0.0, 0.045) + (0.0, 0.0, HAND_M)
    forward, up = turned @ (-0.055, 0.0, 0.08), turned @ (1.0, 0.0, 0.0)
    vectors = [(float(v[0]), float(v[1]), float(v[2])) for v in (position, forward, up)]
    return CameraSpec(
        name="wrist", position_m=vectors[0], forward=vectors[1], up=vectors[2], fov_x_rad=math.radians(75.0),
        fov_y_rad=math.radians(75.0), parent="panda_link7", near_m=0.01, far_m=4.0,
    )  # fmt: skip
