"""Write an :class:`~gen3d_envs.sim.articulation.Articulation` as URDF, the format that PyBullet loads."""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree import ElementTree as Xml

from gen3d_envs.assets.asset import Box, CollisionPart, Hull, Quaternion, Sphere, Vector
from gen3d_envs.sim.articulation import Articulation, Joint, Link

_MOMENTS = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")


def to_urdf(model: Articulation, mesh_path: Callable[[Hull], str]) -> str:
    """The model as a URDF document, links and joints in the model's order.

    Looks are left out: pictures are drawn by the renderer, never by the engine. Load it with
    ``URDF_USE_INERTIA_FROM_FILE | URDF_MAINTAIN_LINK_ORDER``, so that link ``i + 1`` of the model is joint ``i`` of the
    engine.

    Args:
        model: links and joints.
        mesh_path: gives the path of a mesh file that holds exactly the points of a hull, in the link frame.

    Returns:
        XML text. Numbers are written with the shortest text that reads back to the same float, so the joint frames
        survive the way through the file to rounding of the last digit.
    """
    robot = Xml.Element("robot", name=model.name)
    for link in model.links:
        _write_link(robot, link, mesh_path)
    for joint in model.joints:
        _write_joint(robot, joint)
    Xml.indent(robot)
    return Xml.tostring(robot, encoding="unicode", xml_declaration=True) + "\n"


def _write_link(robot: Xml.Element, link: Link, mesh_path: Callable[[Hull], str]) -> None:
    element = Xml.SubElement(robot, "link", name=link.name)
    contact = Xml.SubElement(element, "contact")
    Xml.SubElement(contact, "lateral_friction", value=_text(link.friction))
    inertial = Xml.SubElement(element, "inertial")
    _write_origin(inertial, link.inertia.com_m, link.inertia.orientation_xyzw)
    Xml.SubElement(inertial, "mass", value=_text(link.inertia.mass_kg))
    moments = zip(_MOMENTS, link.inertia.moments_kgm2, strict=True)
    Xml.SubElement(inertial, "inertia", {name: _text(value) for name, value in moments})
    for part in link.collision:
        _write_collision(element, part, mesh_path)


def _write_collision(link: Xml.Element, part: CollisionPart, mesh_path: Callable[[Hull], str]) -> None:
    collision = Xml.SubElement(link, "collision")
    if isinstance(part, Box):
        _write_origin(collision, part.position_m, part.orientation_xyzw)
        geometry = Xml.SubElement(collision, "geometry")
        Xml.SubElement(geometry, "box", size=_text(*(2.0 * half for half in part.half_extents_m)))
    elif isinstance(part, Sphere):
        _write_origin(collision, part.position_m)
        geometry = Xml.SubElement(collision, "geometry")
        Xml.SubElement(geometry, "sphere", radius=_text(part.radius_m))
    else:
        _write_origin(collision, (0.0, 0.0, 0.0))
        geometry = Xml.SubElement(collision, "geometry")
        Xml.SubElement(geometry, "mesh", filename=mesh_path(part))


def _write_joint(robot: Xml.Element, joint: Joint) -> None:
    element = Xml.SubElement(robot, "joint", name=joint.name, type=joint.kind)
    Xml.SubElement(element, "parent", link=joint.parent)
    Xml.SubElement(element, "child", link=joint.child)
    _write_origin(element, joint.position_m, joint.orientation_xyzw)
    Xml.SubElement(element, "axis", xyz=_text(*joint.axis))
    Xml.SubElement(
        element, "limit", lower=_text(joint.lower), upper=_text(joint.upper), effort=_text(joint.effort),
        velocity=_text(joint.velocity),
    )  # fmt: skip
    if joint.damping or joint.friction:
        Xml.SubElement(element, "dynamics", damping=_text(joint.damping), friction=_text(joint.friction))


def _write_origin(parent: Xml.Element, position: Vector, orientation: Quaternion = (0.0, 0.0, 0.0, 1.0)) -> None:
    Xml.SubElement(parent, "origin", xyz=_text(*position), rpy=_text(*_roll_pitch_yaw(orientation)))


def _roll_pitch_yaw(orientation: Quaternion) -> Vector:
    """Fixed-axis roll, pitch, yaw (rad) of a quaternion; pitch by atan2, which stays exact at +-90 degrees."""
    x, y, z, w = orientation
    length = math.sqrt(x * x + y * y + z * z + w * w)
    x, y, z, w = x / length, y / length, z / length, w / length
    r00, r10 = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + z * w)
    r20, r21, r22 = 2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)
    flat = math.hypot(r00, r10)
    if flat < 1e-9:  # straight up or down: only the sum of roll and yaw counts, so yaw is 0
        r01, r11 = 2.0 * (x * y - z * w), 1.0 - 2.0 * (x * x + z * z)
        return math.atan2(math.copysign(1.0, -r20) * r01, r11), math.atan2(-r20, flat), 0.0
    return math.atan2(r21, r22), math.atan2(-r20, flat), math.atan2(r10, r00)


def _text(*values: float) -> str:
    """Numbers as URDF text: separated by spaces, exact, and without the sign of negative zeros."""
    return " ".join(repr(float(value) + 0.0) for value in values)
