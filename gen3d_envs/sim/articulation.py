"""Links and joints: the engine-independent description of a robot (or of any articulated thing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gen3d_envs.assets.articulated import moved
from gen3d_envs.assets.asset import IDENTITY, Asset, CollisionPart, Quaternion, Vector
from gen3d_envs.sim.view import VisualMesh

PASSIVE_EFFORT, PASSIVE_SPEED = 50.0, 10.0
"""What URDF wants to know of a joint that nothing drives: N or N m, m/s or rad/s."""


@dataclass(frozen=True)
class Inertia:
    """Mass properties of a link.

    Attributes:
        mass_kg: mass.
        com_m: centre of mass, link frame.
        orientation_xyzw: axes that the moments are given in, relative to the link frame.
        moments_kgm2: (ixx, iyy, izz, ixy, ixz, iyz) about the centre of mass.
    """

    mass_kg: float
    com_m: Vector = (0.0, 0.0, 0.0)
    orientation_xyzw: Quaternion = IDENTITY
    moments_kgm2: tuple[float, float, float, float, float, float] = (1e-4, 1e-4, 1e-4, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid link: its inertia, what it touches with and what it looks like, all in the link frame."""

    name: str
    inertia: Inertia
    collision: tuple[CollisionPart, ...] = ()
    visual: VisualMesh | None = None
    friction: float = 0.8


@dataclass(frozen=True)
class Joint:
    """A joint that carries ``child``; the child's frame is the joint's frame.

    Attributes:
        kind: ``"revolute"`` (rad) or ``"prismatic"`` (m). Fixed joints are merged by whoever writes the model.
        position_m, orientation_xyzw: joint frame in the parent link's frame at joint position 0.
        axis: unit vector in the joint frame.
        lower, upper: limits in rad or m.
        effort: largest force (N) or torque (Nm) of the drive.
        velocity: largest speed in rad/s or m/s.
        mimic: ratio to the position of the joint before this one, where one motor moves both (a parallel gripper).
        damping: N s/m or N m s/rad.
        friction: dry friction, N or N m.
    """

    name: str
    kind: Literal["revolute", "prismatic"]
    parent: str
    child: str
    position_m: Vector
    orientation_xyzw: Quaternion
    axis: Vector
    lower: float
    upper: float
    effort: float
    velocity: float
    mimic: float | None = None
    damping: float = 0.0
    friction: float = 0.0


@dataclass(frozen=True, eq=False)
class Articulation:
    """A tree of links. ``joints[i]`` carries ``links[i + 1]``; ``links[0]``, the base, is a robot's fixed one."""

    name: str
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]

    def __post_init__(self) -> None:
        seen = {self.links[0].name}
        for joint, link in zip(self.joints, self.links[1:], strict=True):
            if joint.child != link.name or joint.parent not in seen:
                raise ValueError(f"joint {joint.name!r} does not carry link {link.name!r} from an earlier link")
            seen.add(link.name)


def of_asset(name: str, asset: Asset, separator: str = "/") -> Articulation:
    """The body of an asset as base, in the asset frame, and its parts as links, each in the frame of its joint.

    Args:
        name: of the model and its base link.
        asset: what it is made from.
        separator: stands between ``name`` and the name of a part.
    """
    links = [
        Link(name, _inertia(asset.mass_kg, asset.com_m, asset.inertia_kgm2), asset.collision, None, asset.friction)
    ]
    joints = []
    for part in asset.parts:
        own, hinge = f"{name}{separator}{part.name}", part.joint
        x, y, z = hinge.position_m
        back = (-x, -y, -z)
        look = VisualMesh((part.vertices + np.array(back, np.float32)), part.faces, part.colors)
        com = (part.com_m[0] - x, part.com_m[1] - y, part.com_m[2] - z)
        shapes = tuple(moved(shape, back, IDENTITY) for shape in part.collision)
        links.append(Link(own, _inertia(part.mass_kg, com, part.inertia_kgm2), shapes, look, asset.friction))
        joints.append(
            Joint(
                f"{own}{separator}joint", hinge.kind, name, own, hinge.position_m, IDENTITY, hinge.axis, hinge.lower,
                hinge.upper, effort=PASSIVE_EFFORT, velocity=PASSIVE_SPEED, damping=hinge.damping,
                friction=hinge.friction,
            )
        )  # fmt: skip
    return Articulation(name, tuple(links), tuple(joints))


def _inertia(mass_kg: float, com_m: Vector, moments: Vector) -> Inertia:
    ixx, iyy, izz = moments
    return Inertia(mass_kg, com_m, moments_kgm2=(ixx, iyy, izz, 0.0, 0.0, 0.0))
