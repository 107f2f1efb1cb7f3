"""The WidowX 250 S of Trossen Robotics: six joints, a parallel gripper, a reach of about 0.5 m with the tool down.

Joint frames, limits, masses and inertias are the figures of the maker's description
(interbotix_xsarm_descriptions); collision boxes and looks are drawn here, within the bounds of its meshes.
"""

from __future__ import annotations

import math

from gen3d_envs.assets.asset import IDENTITY, Box, CollisionPart, Vector
from gen3d_envs.assets.collision import block
from gen3d_envs.geometry import IDENTITY_MATRIX
from gen3d_envs.robots.base import GRIP_FORCE_N, PAD_FRICTION, Robot
from gen3d_envs.robots.kinematics import merge_inertias, quaternion_from_rpy
from gen3d_envs.robots.widowx_arm import LIMITS, WidowXArm
from gen3d_envs.robots.widowx_look import looks
from gen3d_envs.sim.articulation import Articulation, Inertia, Joint, Link
from gen3d_envs.sim.view import CameraSpec

HOME = (0.0, -0.11788907946, 0.12015383244, 0.0, 1.56853157381, 0.0)
"""Joint positions (rad) that put the tool at ``HOME_TOOL_M``, straight down."""

FINGER_RANGE_M = (0.015, 0.037)
"""Positions of the left finger's joint; the right one mirrors it."""

PAD_M = 0.002
"""Rubber pad on the inner face of each finger, added to the maker's finger. The bare fingers leave 8 to 52 mm between
them; with the pads it is 4 to 48 mm, so that thin handles can be held."""

_QUARTER = math.pi / 2
_HALF = math.pi

# name, parent, child, xyz of the joint frame (m), axis, effort (Nm), velocity (rad/s)
_ARM_JOINTS: tuple[tuple[str, str, str, Vector, Vector, float], ...] = (
    ("waist", "base_link", "shoulder_link", (0.0, 0.0, 0.072), (0.0, 0.0, 1.0), 10.0),
    ("shoulder", "shoulder_link", "upper_arm_link", (0.0, 0.0, 0.03865), (0.0, 1.0, 0.0), 20.0),
    ("elbow", "upper_arm_link", "upper_forearm_link", (0.04975, 0.0, 0.25), (0.0, 1.0, 0.0), 15.0),
    ("forearm_roll", "upper_forearm_link", "lower_forearm_link", (0.175, 0.0, 0.0), (1.0, 0.0, 0.0), 2.0),
    ("wrist_angle", "lower_forearm_link", "wrist_link", (0.075, 0.0, 0.0), (0.0, 1.0, 0.0), 5.0),
    ("wrist_rotate", "wrist_link", "gripper_link", (0.065, 0.0, 0.0), (1.0, 0.0, 0.0), 1.0),
)
_ARM_SPEED_RADPS = math.pi
_FINGERS_X_M = 0.043 + 0.023  # gripper link to gripper bar to fingers

# mass (kg), centre of mass (m), rpy of the axes (rad), ixx, iyy, izz, ixy, ixz, iyz (kg m2)
_Row = tuple[float, Vector, Vector, tuple[float, float, float, float, float, float]]
_TURNED: Vector = (0.0, 0.0, _QUARTER)
_MASSES: dict[str, _Row] = {
    "base_link": (0.538736, (-0.0380446, 0.000613892, 0.0193354), _TURNED,
                  (0.002115, 0.0006921, 0.002524, -1.635e-05, 6.998e-07, 4.642e-05)),
    "shoulder_link": (0.480879, (2.23482e-05, 4.14609e-05, 0.0066287), _TURNED,
                      (0.000379, 0.0005557, 0.0005889, 2.2e-09, -3.561e-07, 1.2245e-06)),
    "upper_arm_link": (0.430811, (0.0171605, 2.725e-07, 0.191323), _TURNED,
                       (0.003463, 0.003587, 0.0004566, -1e-10, -2e-10, 0.0004272)),
    "upper_forearm_link": (0.234589, (0.107963, 0.000115876, 0.0), (0.0, 0.0, 0.0),
                           (3.971e-05, 0.0008878, 0.000888, 2.3528e-06, 0.0, 0.0)),
    "lower_forearm_link": (0.220991, (0.0374395, 0.00522252, 0.0), (_HALF, 0.0, 0.0),
                           (6.369e-05, 0.0001677, 0.0001834, -2.292e-05, 0.0, 0.0)),
    "wrist_link": (0.084957, (0.04236, -1.0663e-05, 0.010577), _TURNED,
                   (3.082e-05, 2.822e-05, 3.152e-05, 1.91e-08, 2.3e-09, 2.5481e-06)),
    "gripper_link": (0.072885, (0.021631, 2.516e-07, 0.01141), _TURNED,
                     (2.537e-05, 1.836e-05, 1.674e-05, 0.0, 0.0, 4.34e-07)),
    "gripper_prop_link": (0.00434, (0.000846, -1.6817e-06, 4.2e-05), _TURNED,
                          (5.923e-07, 1.1156e-06, 5.743e-07, 0.0, 3.195e-07, -4e-10)),
    "ar_tag_link": (0.016507, (0.0, 0.0, -0.00315), (0.0, 0.0, 0.0), (3.084e-06, 3.084e-06, 6.059e-06, 0.0, 0.0, 0.0)),
    "gripper_bar_link": (0.034199, (0.009687, 8.177e-07, 0.004962), _TURNED,
                         (7.4125e-06, 2.843e-05, 2.86e-05, -8e-10, -6e-10, -1.3889e-06)),
    "left_finger_link": (0.016246, (0.013816, 0.0, 0.0), (_HALF, _HALF, _QUARTER),
                         (4.731e-06, 1.5506e-06, 3.7467e-06, -4.56e-07, 0.0, 0.0)),
    "right_finger_link": (0.016246, (0.013816, 0.0, 0.0), (0.0, _HALF, _QUARTER),
                          (4.731e-06, 1.5506e-06, 3.7467e-06, 4.56e-07, 0.0, 0.0)),
}  # fmt: skip

# Parts that are fixed to the gripper link, and where. The maker's empty frames (ee_arm, fingers, ee_gripper: 1 g each)
# are left out: their inertia is a placeholder that would outweigh the whole gripper thirty times.
_ON_GRIPPER: tuple[tuple[str, Vector], ...] = (
    ("gripper_link", (0.0, 0.0, 0.0)),
    ("gripper_prop_link", (0.043 + 0.0055, 0.0, 0.0)),
    ("ar_tag_link", (0.043 - 0.017, 0.0, 0.04155)),
    ("gripper_bar_link", (0.043, 0.0, 0.0)),
)


def widowx() -> Robot:
    """The robot with its base link at the origin of the scene frame."""
    model = _model()
    opened, closed = FINGER_RANGE_M[1], FINGER_RANGE_M[0]
    return Robot(
        name="widowx",
        model=model,
        kinematics=WidowXArm(),
        base_position_m=(0.0, 0.0, 0.0),
        arm_joints=6,
        home=HOME,
        finger_open=(opened, -opened),
        finger_closed=(closed, -closed),
        open_width_m=2.0 * (opened - 0.011 - PAD_M),
        closed_width_m=2.0 * (closed - 0.011 - PAD_M),
        drive_effort=(*(effort for *_, effort in _ARM_JOINTS), GRIP_FORCE_N, GRIP_FORCE_N),
        wrist_camera=CameraSpec(
            name="wrist",
            position_m=(0.005, 0.0, 0.075),
            forward=(0.105, 0.0, -0.06),
            fov_x_rad=math.radians(75.0),
            fov_y_rad=math.radians(75.0),
            parent="gripper_link",
            near_m=0.01,
            far_m=4.0,
        ),
        tool_link="gripper_link",
    )


def _model() -> Articulation:
    visuals, parts = looks(), _collision()
    inertias = {name: _inertia(name) for name in _MASSES}
    inertias["gripper_link"] = merge_inertias([(inertias[name], at, IDENTITY_MATRIX) for name, at in _ON_GRIPPER])
    names = ["base_link", *(joint[2] for joint in _ARM_JOINTS), "left_finger_link", "right_finger_link"]
    links = tuple(
        Link(name, inertias[name], parts.get(name, ()), visuals[name], PAD_FRICTION if "finger" in name else 0.6)
        for name in names
    )
    arm = tuple(
        Joint(name, "revolute", parent, child, at, IDENTITY, axis, lower, upper, effort, _ARM_SPEED_RADPS)
        for (name, parent, child, at, axis, effort), (lower, upper) in zip(_ARM_JOINTS, LIMITS, strict=True)
    )
    low, high = FINGER_RANGE_M
    at = (_FINGERS_X_M, 0.0, 0.0)
    along_y = (0.0, 1.0, 0.0)
    fingers = (
        Joint(
            "left_finger", "prismatic", "gripper_link", names[-2], at, IDENTITY, along_y, low, high, GRIP_FORCE_N, 1.0
        ),
        Joint(
            "right_finger",
            "prismatic",
            "gripper_link",
            names[-1],
            at,
            IDENTITY,
            along_y,
            -high,
            -low,
            GRIP_FORCE_N,
            1.0,
            mimic=-1.0,
        ),
    )
    return Articulation("widowx", links, arm + fingers)


def _inertia(name: str) -> Inertia:
    mass, com, rpy, moments = _MASSES[name]
    return Inertia(mass, com, quaternion_from_rpy(*rpy), moments)


def _collision() -> dict[str, tuple[CollisionPart, ...]]:
    """Boxes around what the looks show. Base and shoulder have none: nothing stands where they are."""
    return {
        "upper_arm_link": (
            block((-0.0144, 0.0144), (-0.031, 0.031), (0.05, 0.2685)),
            block((0.0144, 0.061), (-0.0541, 0.0541), (0.23, 0.2685)),
        ),
        "upper_forearm_link": (block((-0.0144, 0.175), (-0.0205, 0.0205), (-0.0205, 0.0205)),),
        "lower_forearm_link": (block((0.0, 0.0862), (-0.0245, 0.0345), (-0.0225, 0.0225)),),
        "wrist_link": (block((0.0, 0.062), (-0.02, 0.02), (-0.0195, 0.034)),),
        "gripper_link": (
            block((0.0, 0.043), (-0.018, 0.018), (-0.0195, 0.0345)),
            block((0.043, 0.068), (-0.0517, 0.0517), (-0.013, 0.0145)),
        ),
        "left_finger_link": _finger(1.0),
        "right_finger_link": _finger(-1.0),
    }


def _finger(side: float) -> tuple[Box, Box]:
    """Blade (with its pad as inner face) and carriage of the left (side 1) or right (-1) finger.

    Boxes instead of the tapered outline: Bullet holds an object between two boxes with up to four contact points each.
    """
    blade = sorted((side * (-0.011 - PAD_M), side * -0.002))
    carriage = sorted((side * -0.011, side * 0.005))
    return (
        block((0.004, 0.0432), (blade[0], blade[1]), (-0.0125, 0.0125)),
        block((-0.0121, 0.004), (carriage[0], carriage[1]), (-0.0145, 0.0145)),
    )
