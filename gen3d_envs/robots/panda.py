"""The Franka Panda with its hand: seven joints, a parallel gripper, a reach of 0.85 m.

Joint frames (Denavit-Hartenberg parameters), limits, torques and speeds are those of Franka's own documentation (Franka
Control Interface, "Robot and interface specifications"); masses, centres of mass and the fingers' sizes those of its
published description (franka_description), as PyBullet also ships it. What the robot looks like and touches with is
drawn here, in :mod:`gen3d_envs.robots.panda_look`: nothing is read from files, so it is the same on every machine.
The published moments of inertia of that description are placeholders (0.1 kg m2 for every link, a finger as much as an
upper arm); those of a solid box of the link's mass and size stand in for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gen3d_envs.assets.asset import IDENTITY, CollisionPart, Hull, Vector
from gen3d_envs.assets.collision import block
from gen3d_envs.assets.shapes import Array
from gen3d_envs.geometry import IDENTITY_MATRIX, Matrix, from_euler, multiply
from gen3d_envs.robots.base import GRIP_FORCE_N, PAD_FRICTION, Robot
from gen3d_envs.robots.kinematics import merge_inertias, quaternion_from_rpy
from gen3d_envs.robots.panda_look import looks
from gen3d_envs.robots.serial_arm import SerialArm
from gen3d_envs.sim.articulation import Articulation, Inertia, Joint, Link
from gen3d_envs.sim.view import CameraSpec, VisualMesh

BASE_M: Vector = (-0.22, 0.0, 0.0)
"""Behind the WidowX's place, so that both reach the same part of the table."""

HOME = (0.0, 0.02215642906, 0.0, -2.41090734104, 0.0, 2.43306377011, math.pi / 4)
"""Joint positions (rad) that put the tool at ``HOME_TOOL_M``, straight down."""

HAND_M = 0.107
"""Flange of link 7 along its z; the hand is turned by -45 degrees about it."""

FINGER_M = 0.0584
"""Frame of the finger joints along the hand's z."""

TIP_M = FINGER_M + 0.0538
"""Finger tips along the hand's z: frame of the finger joints and length of a finger."""

OPEN_M = 0.04
"""Position of each finger's joint when open; closed is 0."""

# Modified Denavit-Hartenberg parameters: a (m), alpha (quarter turns), d (m);
# then the joint's limits (rad), largest torque (Nm) and largest speed (rad/s).
_JOINTS: tuple[tuple[float, int, float, float, float, float, float], ...] = (
    (0.0, 0, 0.333, -2.8973, 2.8973, 87.0, 2.175),
    (0.0, -1, 0.0, -1.7628, 1.7628, 87.0, 2.175),
    (0.0, 1, 0.316, -2.8973, 2.8973, 87.0, 2.175),
    (0.0825, 1, 0.0, -3.0718, -0.0698, 87.0, 2.175),
    (-0.0825, -1, 0.384, -2.8973, 2.8973, 12.0, 2.61),
    (0.0, 1, 0.0, -0.0175, 3.7525, 12.0, 2.61),
    (0.088, 1, 0.0, -2.8973, 2.8973, 12.0, 2.61),
)
_FINGER_SPEED_MPS = 0.2

_HAND = "panda_hand"
_LINKS = tuple(f"panda_link{i}" for i in range(8))
_FINGERS = ("panda_leftfinger", "panda_rightfinger")

# mass (kg), centre of mass and size (m), both in the link's frame
_MASSES: dict[str, tuple[float, Vector, Vector]] = {
    "panda_link0": (2.9, (0.0, 0.0, 0.05), (0.226, 0.189, 0.140)),
    "panda_link1": (2.7, (0.0, -0.04, -0.05), (0.110, 0.185, 0.247)),
    "panda_link2": (2.73, (0.0, -0.04, 0.06), (0.110, 0.249, 0.185)),
    "panda_link3": (2.04, (0.01, 0.01, -0.05), (0.192, 0.166, 0.176)),
    "panda_link4": (2.08, (-0.03, 0.03, 0.02), (0.193, 0.179, 0.166)),
    "panda_link5": (3.0, (0.0, 0.04, -0.12), (0.110, 0.185, 0.317)),
    "panda_link6": (1.3, (0.04, 0.0, 0.0), (0.180, 0.133, 0.101)),
    "panda_link7": (0.2, (0.0, 0.0, 0.08), (0.125, 0.125, 0.055)),
    _HAND: (0.81, (0.0, 0.0, 0.04), (0.063, 0.204, 0.092)),
    _FINGERS[0]: (0.1, (0.0, 0.01, 0.02), (0.021, 0.0265, 0.0537)),
    _FINGERS[1]: (0.1, (0.0, -0.01, 0.02), (0.021, 0.0265, 0.0537)),
}

_HAND_TURN = from_euler(0.0, 0.0, -math.pi / 4)
_DOWN: Matrix = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))


def panda() -> Robot:
    """The robot with its base link at :data:`BASE_M`."""
    tool = ((0.0, 0.0, HAND_M + TIP_M - 0.010), multiply(_HAND_TURN, _DOWN))
    limits = [(lower, upper) for _, _, _, lower, upper, _, _ in _JOINTS]
    return Robot(
        name="panda",
        model=_model(),
        kinematics=SerialArm([_frame(a, turn, d) for a, turn, d, *_ in _JOINTS], limits, tool, HOME),
        base_position_m=BASE_M,
        arm_joints=7,
        home=HOME,
        finger_open=(OPEN_M, OPEN_M),
        finger_closed=(0.0, 0.0),
        open_width_m=2.0 * OPEN_M,
        closed_width_m=0.0,
        drive_effort=(*(effort for *_, effort, _ in _JOINTS), GRIP_FORCE_N, GRIP_FORCE_N),
        wrist_camera=_wrist_camera(),
        tool_link="panda_link7",
        hand_m=(0.105, 0.035, 0.045),
    )


def _frame(a_m: float, quarter_turns: int, d_m: float) -> tuple[Vector, Matrix]:
    """Frame of a joint in that of the joint before it, from modified Denavit-Hartenberg parameters, exactly."""
    sin, cos = float(quarter_turns), 1.0 - abs(quarter_turns)
    rotation = ((1.0, 0.0, 0.0), (0.0, cos, 0.0 - sin), (0.0, sin, cos))
    return (a_m, 0.0 - sin * d_m, cos * d_m), rotation


def _model() -> Articulation:
    drawn = looks()
    collision = _collision({name: mesh.vertices.astype(np.float64) for name, mesh in drawn.items()})
    inertias = {name: _solid_box(*row) for name, row in _MASSES.items()}
    inertias["panda_link7"] = merge_inertias([
        (inertias["panda_link7"], (0.0, 0.0, 0.0), IDENTITY_MATRIX), (inertias[_HAND], (0.0, 0.0, HAND_M), _HAND_TURN),
    ])  # fmt: skip
    drawn["panda_link7"] = _joined(drawn["panda_link7"], drawn.pop(_HAND))
    names = (*_LINKS, *_FINGERS)
    bodies = tuple(
        Link(name, inertias[name], collision.get(name, ()), drawn[name], PAD_FRICTION if name in _FINGERS else 0.6)
        for name in names
    )
    revolute = tuple(
        Joint(
            f"panda_joint{i + 1}", "revolute", names[i], names[i + 1], _frame(a, turn, d)[0],
            quaternion_from_rpy(turn * math.pi / 2, 0.0, 0.0), (0.0, 0.0, 1.0), lower, upper, effort, speed,
        )
        for i, (a, turn, d, lower, upper, effort, speed) in enumerate(_JOINTS)
    )  # fmt: skip
    at = (0.0, 0.0, HAND_M + FINGER_M)
    hand = quaternion_from_rpy(0.0, 0.0, -math.pi / 4)
    fingers = tuple(
        Joint(
            f"panda_finger_joint{i + 1}", "prismatic", "panda_link7", name, at, hand, (0.0, side, 0.0), 0.0, OPEN_M,
            GRIP_FORCE_N, _FINGER_SPEED_MPS, mimic,
        )
        for i, (name, side, mimic) in enumerate(zip(_FINGERS, (1.0, -1.0), (None, 1.0), strict=True))
    )  # fmt: skip
    return Articulation("panda", bodies, revolute + fingers)


def _solid_box(mass_kg: float, com_m: Vector, size_m: Vector) -> Inertia:
    x, y, z = size_m
    share = mass_kg / 12.0
    moments = (share * (y * y + z * z), share * (x * x + z * z), share * (x * x + y * y), 0.0, 0.0, 0.0)
    return Inertia(mass_kg, com_m, IDENTITY, moments)


def _joined(link: VisualMesh, hand: VisualMesh) -> VisualMesh:
    """Link 7 with the hand on its flange."""
    return VisualMesh(
        np.concatenate([link.vertices, _on_flange(hand.vertices.astype(np.float64)).astype(np.float32)]),
        np.concatenate([link.faces, hand.faces + np.int32(len(link.vertices))]),
        np.concatenate([link.colors, hand.colors]),
    )


def _on_flange(points: Array) -> Array:
    """Points of the hand in the frame of link 7, on the same grid of 1 um as all others."""
    return np.round(points @ np.array(_HAND_TURN).T + (0.0, 0.0, HAND_M), 6)


def _collision(points: Mapping[str, Array]) -> dict[str, tuple[CollisionPart, ...]]:
    """Convex hulls of what is drawn from link 4 on; link 5, which is bent, as three; fingers as boxes."""
    forearm, z = points["panda_link5"], points["panda_link5"][:, 2]
    parts: dict[str, tuple[CollisionPart, ...]] = {
        "panda_link4": (_hull_of(points["panda_link4"]),),
        "panda_link5": tuple(
            _hull_of(forearm[(z > a) & (z < b)]) for a, b in ((-1, -0.12), (-0.15, -0.045), (-0.07, 1))
        ),
        "panda_link6": (_hull_of(points["panda_link6"]),),
        "panda_link7": (_hull_of(points["panda_link7"]), _hull_of(_on_flange(points[_HAND]))),
    }
    for name, side in zip(_FINGERS, (1.0, -1.0), strict=True):
        tip, root = sorted((0.0, side * 0.0142)), sorted((side * 0.004, side * 0.0258))
        parts[name] = (
            block((-0.0095, 0.0095), (tip[0], tip[1]), (0.018, 0.0538)),
            block((-0.0105, 0.0105), (root[0], root[1]), (0.0, 0.019)),
        )
    return parts


def _hull_of(points: Array, directions: int = 40) -> Hull:
    """Convex hull of the points that lie farthest in evenly spread directions: at most ``directions`` vertices."""
    index = np.arange(directions) + 0.5
    height = 1.0 - 2.0 * index / directions
    angle = np.pi * (1.0 + 5.0**0.5) * index  # Fibonacci sphere
    flat = np.sqrt(1.0 - height**2)
    spread = np.stack([flat * np.cos(angle), flat * np.sin(angle), height], axis=1)
    # The bias decides between points that are equally far, the same way on every machine.
    reach = points @ spread.T - 1e-9 * np.arange(len(points))[:, None]
    return Hull(np.ascontiguousarray(points[np.unique(reach.argmax(axis=0))], dtype=np.float32))


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
