"""What the links of the WidowX 250 S look like: black anodised extrusions, servo blocks, a few bright metal parts.

Drawn within the bounds of the maker's meshes, from prisms; each in its link's frame.
"""

from __future__ import annotations

import numpy as np

from gen3d_envs.assets.shapes import Mesh
from gen3d_envs.robots.look import Rgb, assemble, bar, box, cylinder, prism
from gen3d_envs.sim.view import VisualMesh

FRAME: Rgb = (58, 59, 64)
SERVO: Rgb = (36, 36, 39)
GROOVE: Rgb = (21, 21, 23)
METAL: Rgb = (158, 160, 164)
RUBBER: Rgb = (78, 78, 82)


def looks() -> dict[str, VisualMesh]:
    """Visual mesh of every link, by link name."""
    parts: dict[str, list[Mesh]] = {
        "base_link": _base(),
        "shoulder_link": _shoulder(),
        "upper_arm_link": _upper_arm(),
        "upper_forearm_link": _upper_forearm(),
        "lower_forearm_link": _lower_forearm(),
        "wrist_link": _wrist(),
        "gripper_link": _gripper(),
        "left_finger_link": _finger(1.0),
        "right_finger_link": _finger(-1.0),
    }
    return {name: assemble(meshes) for name, meshes in parts.items()}


def _base() -> list[Mesh]:
    foot = [
        (-0.157, -0.045), (-0.145, -0.055), (-0.075, -0.055), (-0.05, -0.0765), (0.06, -0.0765), (0.0765, -0.06),
        (0.0765, 0.06), (0.06, 0.0765), (-0.05, 0.0765), (-0.075, 0.055), (-0.145, 0.055), (-0.157, 0.045),
    ]  # fmt: skip
    return [
        prism(foot, (0.0, 0.007), "z", FRAME),
        bar((-0.052, 0.052), (-0.05, 0.05), (0.007, 0.058), FRAME, "z", 0.012),
        bar((-0.145, -0.06), (-0.04, 0.04), (0.007, 0.032), SERVO, "x", 0.005),
        cylinder((0.0, 0.0), 0.05, (0.058, 0.0716), "z", SERVO, 12),
    ]


def _shoulder() -> list[Mesh]:
    horn = [cylinder((0.0, 0.03565), 0.013, depth, "y", METAL, 8) for depth in ((0.046, 0.0505), (-0.0505, -0.046))]
    return [
        cylinder((0.0, 0.0), 0.0505, (-0.003, 0.008), "z", FRAME, 12),
        bar((-0.022, 0.022), (0.008, 0.046), (0.008, 0.0495), SERVO, "y"),
        bar((-0.022, 0.022), (-0.046, -0.008), (0.008, 0.0495), SERVO, "y"),
        *horn,
    ]


def _upper_arm() -> list[Mesh]:
    cheek = [(-0.0144, 0.0), (-0.006, -0.0144), (0.006, -0.0144), (0.0144, 0.0), (0.0144, 0.034), (-0.0144, 0.034)]
    elbow = [(-0.0144, 0.215), (0.0144, 0.215), (0.061, 0.238), (0.061, 0.26), (0.05, 0.2685), (-0.0144, 0.2685)]
    return [
        prism(cheek, (0.0505, 0.0541), "y", FRAME),
        prism(cheek, (-0.0541, -0.0505), "y", FRAME),
        box((-0.0144, 0.0144), (-0.0541, 0.0541), (0.027, 0.034), FRAME),
        bar((-0.0144, 0.0144), (-0.031, 0.031), (0.034, 0.232), FRAME, "z", 0.004),
        box((0.0138, 0.0147), (-0.004, 0.004), (0.038, 0.214), GROOVE),
        box((-0.0147, -0.0138), (-0.004, 0.004), (0.038, 0.228), GROOVE),
        prism(elbow, (0.023, 0.031), "y", FRAME),
        prism(elbow, (-0.031, -0.023), "y", FRAME),
        box((-0.008, 0.012), (-0.024, 0.024), (0.232, 0.264), SERVO),
        bar((0.028, 0.061), (0.031, 0.0505), (0.232, 0.2655), SERVO, "y"),
        bar((0.028, 0.061), (-0.0505, -0.031), (0.232, 0.2655), SERVO, "y"),
        cylinder((0.04975, 0.25), 0.011, (0.0505, 0.0541), "y", METAL, 8),
        cylinder((0.04975, 0.25), 0.011, (-0.0541, -0.0505), "y", METAL, 8),
    ]


def _upper_forearm() -> list[Mesh]:
    return [
        cylinder((0.0, 0.0), 0.0144, (-0.0208, 0.0208), "y", METAL, 8),
        bar((0.006, 0.034), (-0.0195, 0.0195), (-0.0144, 0.0144), SERVO, "x"),
        bar((0.034, 0.160), (-0.0165, 0.0165), (-0.0165, 0.0165), FRAME, "x", 0.005),
        box((0.036, 0.158), (-0.003, 0.003), (0.0158, 0.0169), GROOVE),
        bar((0.160, 0.175), (-0.021, 0.021), (-0.021, 0.021), SERVO, "x", 0.006),
    ]


def _lower_forearm() -> list[Mesh]:
    fork = [(0.040, -0.0165), (0.079, -0.0165), (0.0862, -0.008), (0.0862, 0.008), (0.079, 0.0165), (0.040, 0.0165)]
    return [
        cylinder((0.0, 0.0), 0.0205, (-0.0044, 0.006), "x", METAL, 8),
        bar((0.006, 0.052), (-0.0205, 0.0205), (-0.0225, 0.0225), SERVO, "x"),
        prism(fork, (0.0205, 0.0245), "y", FRAME),
        prism(fork, (-0.0245, -0.0205), "y", FRAME),
        bar((0.058, 0.0855), (0.0245, 0.0345), (-0.0135, 0.0135), SERVO, "y"),
        cylinder((0.075, 0.0), 0.009, (-0.027, -0.0245), "y", METAL, 8),
    ]


def _wrist() -> list[Mesh]:
    return [
        cylinder((0.0, 0.0), 0.0134, (-0.0195, 0.0195), "y", METAL, 8),
        bar((0.004, 0.020), (-0.0215, 0.0215), (-0.016, 0.016), FRAME, "x"),
        bar((0.020, 0.056), (-0.0165, 0.0165), (-0.019, 0.034), SERVO, "x"),
        bar((0.056, 0.061), (-0.0215, 0.0215), (-0.0195, 0.0195), FRAME, "x", 0.006),
        cylinder((0.0, 0.0), 0.013, (0.061, 0.065), "x", METAL, 8),
    ]


def _gripper() -> list[Mesh]:
    rail = [
        (-0.0517, -0.006), (-0.042, -0.014), (0.042, -0.014), (0.0517, -0.006), (0.0517, 0.008), (0.042, 0.014),
        (0.02, 0.0165), (0.013, 0.0345), (-0.013, 0.0345), (-0.02, 0.0165), (-0.042, 0.014), (-0.0517, 0.008),
    ]  # fmt: skip
    return [
        bar((0.0, 0.005), (-0.0195, 0.0195), (-0.0195, 0.0195), FRAME, "x", 0.006),
        bar((0.005, 0.043), (-0.0165, 0.0165), (-0.019, 0.0345), SERVO, "x"),
        prism(rail, (0.043, 0.0525), "x", FRAME),
        cylinder((0.0, 0.0), 0.0145, (0.0525, 0.0555), "x", METAL, 8),
        cylinder((0.0615, -0.0065), 0.0028, (-0.0505, 0.0505), "y", METAL, 6),
        cylinder((0.0615, 0.0085), 0.0028, (-0.0505, 0.0505), "y", METAL, 6),
        box((0.0525, 0.071), (0.0485, 0.0517), (-0.0115, 0.0135), FRAME),
        box((0.0525, 0.071), (-0.0517, -0.0485), (-0.0115, 0.0135), FRAME),
    ]


def _finger(side: float) -> list[Mesh]:
    """The left (side 1) or right (-1) finger: a carriage on the rails and a tapered blade with a rubber pad."""
    blade = [(0.004, -0.011), (0.0432, -0.011), (0.0432, -0.0075), (0.034, -0.0045), (0.012, 0.0015), (0.004, 0.0045)]
    outline = np.array(blade) * (1.0, side)
    left, right = sorted((-0.011 * side, 0.005 * side))
    inner, outer = sorted((-0.013 * side, -0.011 * side))
    body = prism(outline, (-0.0145, 0.0145), "z", FRAME)
    # Narrower towards the tip, seen from the side.
    taper = np.where(body.vertices[:, 0] > 0.03, 0.72, 1.0)
    tapered = Mesh(
        body.vertices * np.column_stack([np.ones_like(taper), np.ones_like(taper), taper]),
        body.faces,
        body.paint,
        body.shade,
    )
    return [
        bar((-0.0121, 0.005), (left, right), (-0.0145, 0.0145), SERVO, "z"),
        tapered,
        box((0.008, 0.0428), (inner, outer), (-0.0098, 0.0098), RUBBER),
    ]
